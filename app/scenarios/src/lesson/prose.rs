//! The words of a lesson: paragraphs of runs, with the looks that Markdown gives them. No layout, no colours.

/// Paragraphs of runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prose {
    pub paragraphs: Vec<Vec<Run>>,
}

/// A piece of text with one look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    pub text: String,
    pub strong: bool,
    pub emphasis: bool,
    /// The term of the glossary that it is an instance of, by its name.
    pub term: Option<String>,
}

impl Run {
    pub(super) fn looks_like(&self, other: &Self) -> bool {
        (self.strong, self.emphasis, &self.term) == (other.strong, other.emphasis, &other.term)
    }
}

impl Prose {
    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.paragraphs.iter().all(Vec::is_empty)
    }

    /// Without looks, one line a paragraph.
    #[must_use]
    pub fn plain(&self) -> String {
        let line = |runs: &Vec<Run>| runs.iter().map(|run| run.text.as_str()).collect::<String>();
        self.paragraphs.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// The terms that it speaks of.
    pub fn terms(&self) -> impl Iterator<Item = &str> {
        self.paragraphs.iter().flatten().filter_map(|run| run.term.as_deref())
    }
}
