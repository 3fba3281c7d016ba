//! For what a file is named: to save something in it, or to open it.

use crate::folders::Sort;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To save something in it.
    Save(Saves),
    /// To open what it holds.
    Open(Sort),
}

/// What is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saves {
    Tape,
    /// What the narrator has told.
    Transcript,
    /// How the cluster of now would begin.
    SetUp,
    /// The lesson in the editor.
    Lesson,
}

impl Purpose {
    pub(super) fn sort(self) -> Sort {
        match self {
            Purpose::Save(Saves::SetUp) => Sort::SetUp,
            Purpose::Save(Saves::Lesson) => Sort::Lesson,
            Purpose::Save(Saves::Tape | Saves::Transcript) => Sort::Tape,
            Purpose::Open(sort) => sort,
        }
    }

    pub(super) fn title(self) -> &'static str {
        match self {
            Purpose::Save(Saves::Tape) => "Save tape",
            Purpose::Save(Saves::Transcript) => "Save transcript",
            Purpose::Save(Saves::SetUp) => "Save set-up",
            Purpose::Save(Saves::Lesson) => "Save lesson",
            Purpose::Open(Sort::SetUp) => "Open set-up",
            Purpose::Open(Sort::Tape) => "Open tape",
            Purpose::Open(Sort::Scenario) => "Open scenario",
            Purpose::Open(Sort::Lesson) => "Open lesson",
        }
    }

    pub(super) fn hint(self) -> &'static str {
        match self {
            Purpose::Save(Saves::Tape) => wording::SAVE_TAPE_HINT,
            Purpose::Save(Saves::Transcript) => wording::SAVE_TRANSCRIPT_HINT,
            Purpose::Save(Saves::SetUp) => wording::SAVE_SET_UP_HINT,
            Purpose::Save(Saves::Lesson) => wording::SAVE_LESSON_HINT,
            Purpose::Open(Sort::SetUp) => wording::OPEN_SET_UP_HINT,
            Purpose::Open(Sort::Tape) => wording::OPEN_TAPE_HINT,
            Purpose::Open(Sort::Scenario) => wording::OPEN_SCENARIO_HINT,
            Purpose::Open(Sort::Lesson) => wording::OPEN_LESSON_HINT,
        }
    }

    /// A name such as files of this sort have.
    pub(super) fn example(self) -> &'static str {
        match self {
            Purpose::Save(Saves::Lesson) | Purpose::Open(Sort::Lesson) => "lesson.md",
            Purpose::Save(Saves::Transcript) => "lecture.md",
            Purpose::Save(Saves::SetUp) | Purpose::Open(Sort::SetUp) => "lecture.toml",
            Purpose::Save(Saves::Tape) | Purpose::Open(Sort::Tape) => "lecture.jhtape",
            Purpose::Open(Sort::Scenario) => "lesson.toml",
        }
    }
}
