//! What every file of the workspace keeps to, so that the tree goes on telling its story: a purpose in the first line,
//! length limits, nothing left to do, references that lead somewhere, dependencies in one direction and never in a circle, colours in one place,
//! no path of anybody's machine.
//!
//! Reads files as text and asks no compiler: what clippy can say is left to clippy.

#[path = "tidy/circles.rs"]
mod circles;
#[path = "tidy/dependencies.rs"]
mod dependencies;
#[path = "tidy/directions.rs"]
mod directions;
#[path = "tidy/lines.rs"]
mod lines;
#[path = "tidy/references.rs"]
mod references;
#[path = "tidy/told.rs"]
mod told;
#[path = "tidy/tree.rs"]
mod tree;
#[path = "tidy/wildcards.rs"]
mod wildcards;
#[path = "tidy/words.rs"]
mod words;

use std::fmt;

use tree::SourceFile;

/// One line that breaks a rule.
struct Offence {
    path: String,
    line: usize,
    sentence: String,
}

impl fmt::Display for Offence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.sentence)
    }
}

/// Applies `rule` to every file and fails with all offences at once.
fn keep(files: &[SourceFile], rule: impl Fn(&SourceFile) -> Vec<(usize, String)>) {
    let mut offences = Vec::new();
    for file in files {
        let found = rule(file).into_iter();
        offences.extend(found.map(|(line, sentence)| Offence { path: file.path.clone(), line, sentence }.to_string()));
    }
    assert!(offences.is_empty(), "{} offences\n{}", offences.len(), offences.join("\n"));
}

#[test]
fn the_whole_tree_is_read() {
    let rust = tree::rust_files();
    for expected in ["protocol/src/lib.rs", "protocol/tests/tidy.rs", "node/src/lib.rs", "app/src/lib.rs"] {
        assert!(rust.iter().any(|file| file.path == expected), "{expected} was not found");
    }
    assert!(rust.len() > 50, "only {} files", rust.len());
    let texts = tree::text_files();
    assert!(texts.iter().any(|file| file.path == "Cargo.toml") && texts.len() > rust.len());
}

#[test]
fn every_file_says_what_it_is_for() {
    keep(&tree::rust_files(), |file| lines::purpose(&file.text));
}

#[test]
fn files_and_functions_are_short() {
    keep(&tree::rust_files(), |file| [lines::file_length(&file.text), lines::function_lengths(&file.text)].concat());
}

#[test]
fn nothing_is_left_to_do() {
    keep(&tree::text_files(), |file| lines::left_overs(&file.text));
}

#[test]
fn no_path_of_a_machine_is_written_down() {
    keep(&tree::text_files(), |file| lines::machine_paths(&file.text));
}

#[test]
fn documents_and_sections_that_are_named_are_there() {
    let known = references::Known::new(tree::paths(), &tree::read("protocol/PROTOCOL.md"));
    // The rule's own file has examples of what it finds.
    let examples = |file: &SourceFile| file.path.ends_with("tidy/references.rs");
    let files: Vec<_> = tree::text_files().into_iter().filter(|file| !examples(file)).collect();
    keep(&files, |file| known.ghosts(&file.path, &file.text));
}

#[test]
fn a_seed_is_a_random_runs_number() {
    keep(&tree::text_files(), |file| references::other_seeds(&file.path, &file.text));
}

#[test]
fn readers_are_shown_plain_words() {
    let is_shown = |path: &str| {
        let program = path.contains("/src/");
        (program && !path.contains("tests")) || path.starts_with("resources/scenarios/") || path.ends_with(".md")
    };
    let files: Vec<_> = tree::text_files().into_iter().filter(|file| is_shown(&file.path)).collect();
    keep(&files, |file| words::offences(&file.path, &file.text));
}

#[test]
fn comments_have_plain_words() {
    keep(&tree::rust_files(), |file| words::comments(&file.path, &file.text));
}

#[test]
fn no_fact_is_read_out_of_a_sentence() {
    keep(&tree::rust_files(), |file| words::sentences_read(&file.path, &file.text));
}

#[test]
fn below_the_wording_nothing_speaks_to_people() {
    keep(&tree::rust_files(), |file| told::of_the_protocol(&file.path, &file.text));
    keep(&tree::rust_files(), |file| told::of_a_floor(&file.path, &file.text));
}

#[test]
fn each_floor_does_its_own_work_only() {
    keep(&tree::rust_files(), |file| directions::offences(&file.path, &file.text));
}

#[test]
fn below_the_window_nothing_can_be_drawn() {
    for floor in ["app", "app/cluster", "app/knowledge", "app/scenarios", "app/wording", "node", "protocol"] {
        let manifest = tree::read(&format!("{floor}/Cargo.toml"));
        let drawn = directions::of_the_window(&manifest);
        assert!(drawn.is_empty(), "{floor}/Cargo.toml asks for {drawn:?}: only app/window/ draws");
    }
    assert!(!directions::of_the_window(&tree::read("app/window/Cargo.toml")).is_empty());
}

#[test]
fn colours_are_in_the_theme() {
    keep(&tree::rust_files(), |file| directions::colours(&file.path, &file.text));
}

#[test]
fn the_protocol_does_no_input_or_output() {
    let manifest = tree::read("protocol/Cargo.toml");
    let foreign = directions::foreign_dependencies(&manifest);
    assert!(foreign.is_empty(), "protocol/Cargo.toml asks for {foreign:?}: I/O belongs to node/");
    assert!(!directions::foreign_dependencies("[dependencies]\ntokio.workspace = true\n").is_empty());
}

#[test]
fn a_new_message_fact_or_command_breaks_the_build() {
    let files: Vec<_> = tree::rust_files()
        .into_iter()
        .filter(|file| file.path.contains("/src/") && !file.path.contains("tests"))
        .collect();
    keep(&files, |file| wildcards::offences(&file.text));
}
