//! What holds of every answer, whoever asked and why.
