//! Patterns for ids.

/// A pattern for ids: `*` stands for any characters, `?` for one. What has neither stands for itself.
///
/// ```
/// use kmspec_runner::glob::Glob;
///
/// assert!(Glob::new("rpc.bind.*").matches("rpc.bind.ack-basic"));
/// assert!(!Glob::new("rpc.bind").matches("rpc.bind.ack-basic"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(Vec<char>);

impl Glob {
    /// A pattern.
    pub fn new(pattern: &str) -> Self {
        Self(pattern.chars().collect())
    }

    /// Whether it stands for the whole of `text`.
    pub fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut p, mut t) = (0, 0);
        // Where to go on if what follows the last `*` does not fit: it takes one character more.
        let mut retry = None;
        while t < text.len() {
            match self.0.get(p) {
                Some('*') => {
                    p += 1;
                    retry = Some((p, t));
                }
                Some(&c) if c == '?' || c == text[t] => {
                    p += 1;
                    t += 1;
                }
                _ => {
                    let Some((after_star, taken)) = retry else {
                        return false;
                    };
                    (p, t) = (after_star, taken + 1);
                    retry = Some((p, t));
                }
            }
        }
        self.0[p..].iter().all(|&c| c == '*')
    }
}

#[cfg(test)]
mod tests {
    use super::Glob;

    #[test]
    fn stars_stand_for_anything_and_question_marks_for_one() {
        let table = [
            ("a.b", "a.b", true),
            ("a.b", "a.bc", false),
            ("a.*", "a.", true),
            ("a.*", "a.b.c", true),
            ("*.c", "a.b.c", true),
            ("*a*b", "xaxaxb", true),
            ("*a*b", "xaxaxbx", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("", "", true),
            ("", "a", false),
            ("**", "", true),
        ];
        for (pattern, text, expected) in table {
            assert_eq!(
                Glob::new(pattern).matches(text),
                expected,
                "{pattern} {text}"
            );
        }
    }

    #[test]
    fn many_stars_cost_no_more_than_the_product_of_the_lengths() {
        let (pattern, text) = ("*a".repeat(200) + "b", "a".repeat(2_000));
        assert!(!Glob::new(&pattern).matches(&text));
    }
}
