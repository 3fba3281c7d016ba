//! What is said where files are named, listed, opened and saved.

/// While a file is read or written.
pub const BUSY_WITH_FILE: &str = "A tape is still being saved or opened. Wait a moment.";
/// What saving a tape does.
pub const SAVE_TAPE_HINT: &str = "The recording of the whole run. You can open it again without a cluster.";
/// What saving a transcript does.
pub const SAVE_TRANSCRIPT_HINT: &str = "What the narrator has told, sentence by sentence, as a text (Markdown).";
/// What stands over a transcript.
pub const TRANSCRIPT_TITLE: &str = "Just Hungry: what happened";
/// What opening a tape does.
pub const OPEN_TAPE_HINT: &str =
    "The window shows the tape while the cluster keeps running. You can also drop the file on the window.";
/// What saving a set-up does.
pub const SAVE_SET_UP_HINT: &str = "How this cluster would begin: replicas, customers, places, speed and settings, without its orders. A set-up in this folder appears by its name in “New cluster…”.";
/// What opening a set-up does.
pub const OPEN_SET_UP_HINT: &str = "How a cluster begins (TOML). The program reads it and asks you before it starts the cluster. You can also drop the file on the window.";
/// A set-up was saved.
#[must_use]
pub fn set_up_saved(shown: &str) -> String {
    format!("Saved the set-up as {shown}.")
}

/// What opening a scenario does.
pub const OPEN_SCENARIO_HINT: &str = "A scenario file (TOML). The program reads it and asks you before running it. You can also drop the file on the window.";
/// While a folder is read.
pub const READING_FOLDER: &str = "Reading the folder…";
/// Nothing in a folder is shown.
pub const NOTHING_HERE: &str = "There is nothing to open here. “All files” shows everything else.";
/// Nothing in a folder bears what was typed.
pub const NO_SUCH_NAME: &str = "No name here contains what you typed.";
/// A folder has more entries than are listed.
pub const FOLDER_IS_CUT: &str =
    "This folder is large: only its first 100,000 entries are listed. Type the name of the file.";
/// A name is no text.
pub const NAME_IS_NO_TEXT: &str =
    "This name is not valid UTF-8; \\x and two digits stand for each invalid byte. You can still open the file.";
/// A file of this name is there.
pub fn replaces(name: &str, folder: &str) -> String {
    format!("{folder} already has a file {name}. Its present contents will be lost.")
}

/// Several files were dropped.
pub fn several_dropped(number: usize, name: &str) -> String {
    format!("{number} files were dropped. The window shows one at a time, so only {name} is opened.")
}

/// A folder was dropped or named where a file was meant.
pub fn is_a_folder(name: &str) -> String {
    format!("{name} is a folder. Choose a file in it.")
}

/// A history was opened.
pub fn is_a_history(name: &str) -> String {
    format!(
        "{name} looks like a history. The window opens tapes and scenarios. To judge a history, run `just-hungry check` in a terminal."
    )
}

/// What was named is an address.
pub fn is_an_address(typed: &str) -> String {
    format!("{typed} is a web address. Save the file on this machine first, then type its path here.")
}
