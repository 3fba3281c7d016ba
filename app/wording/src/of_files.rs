//! What is said where files are named, listed, opened and saved.

/// While a file is read or written.
pub const BUSY_WITH_FILE: &str = "A tape is being saved or opened already. Wait a moment.";
/// What saving a tape does.
pub const SAVE_TAPE_HINT: &str = "The whole run as it was recorded, to be opened again without a cluster.";
/// What opening a tape does.
pub const OPEN_TAPE_HINT: &str =
    "It is shown instead of the present; the cluster goes on meanwhile. You may also drop the file on the window.";
/// What opening a scenario does.
pub const OPEN_SCENARIO_HINT: &str = "A scenario file (TOML). It is read, nothing else is opened; you are asked before it is performed. You may also drop the file on the window.";
/// While a folder is read.
pub const READING_FOLDER: &str = "Reading the folder…";
/// Nothing in a folder is shown.
pub const NOTHING_HERE: &str = "Nothing here that could be opened. “All files” shows the rest.";
/// Nothing in a folder bears what was typed.
pub const NO_SUCH_NAME: &str = "No name here has what you typed in it.";
/// A folder has more entries than are listed.
pub const FOLDER_IS_CUT: &str = "Only the first 100,000 entries are listed. Type the name of the file.";
/// A name is no text.
pub const NAME_IS_NO_TEXT: &str = "This name is not UTF-8 text; \\x and two digits stand for each byte that is none. The file can be opened all the same.";
/// A file of this name is there.
#[must_use]
pub fn replaces(name: &str, folder: &str) -> String {
    format!("{folder} has a file {name} already. What it holds now will be lost.")
}

/// Several files were dropped.
#[must_use]
pub fn several_dropped(number: usize, name: &str) -> String {
    format!("{number} files were dropped. The window shows one at a time, so only {name} is opened.")
}

/// A folder was dropped or named where a file was meant.
#[must_use]
pub fn is_a_folder(name: &str) -> String {
    format!("{name} is a folder. Choose a file in it.")
}

/// A history was opened.
#[must_use]
pub fn is_a_history(name: &str) -> String {
    format!(
        "{name} is a history, if anything of ours. The window shows tapes and scenarios; in a terminal, `just-hungry check` judges a history."
    )
}

/// What was named is an address.
#[must_use]
pub fn is_an_address(typed: &str) -> String {
    format!("{typed} is an address on the net. Save the file on this machine first, then name it here.")
}
