use std::path::PathBuf;

/// Write test vectors for other implementations: ciphers, MACs, messages, stubs and PDUs, under the lab keys.
#[derive(Debug, clap::Args)]
pub(crate) struct VectorsArgs {
    /// Folder to write the files to; it is made if it is missing.
    #[arg(long, value_name = "DIR")]
    pub(crate) output: PathBuf,
}
