//! What stands in `resources/deploy` names only commands and options that the program has.

use std::collections::BTreeSet;
use std::path::Path;

use crate::program::program;

const FILES: [&str; 3] =
    ["systemd/just-hungry-node@.service", "systemd/view-record-in-etcd.conf", "kubernetes/just-hungry.yaml"];
/// The commands that are started there.
const COMMANDS: [&str; 6] = ["name-server", "front-end", "replica", "invite", "join", "status"];

/// Commands, each with an option that it is given.
fn used(text: &str) -> BTreeSet<(String, String)> {
    let mut used = BTreeSet::new();
    let mut commands: Vec<&str> = Vec::new();
    let without_comments = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    for line in without_comments {
        let words = line.split(|letter: char| letter.is_whitespace() || "[],'\"=".contains(letter));
        let mut before = "";
        for word in words.filter(|word| !word.is_empty()) {
            let begins = before.ends_with("just-hungry") || before == "-";
            match word {
                "$ROLE" => commands = vec!["name-server", "front-end", "replica"],
                command if begins && COMMANDS.contains(&command) => commands = vec![command],
                option if option.starts_with("--") && !option.starts_with("---") => {
                    used.extend(commands.iter().map(|command| ((*command).to_owned(), option.to_owned())));
                }
                _ => {}
            }
            before = word;
        }
    }
    used
}

#[test]
fn each_command_and_option_exists() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../resources/deploy");
    let text = |file: &&str| std::fs::read_to_string(folder.join(file)).unwrap();
    let used: BTreeSet<_> = FILES.iter().map(text).flat_map(|text| used(&text)).collect();
    let of = |command: &str| used.iter().filter(|(known, _)| known == command).count();
    for command in COMMANDS {
        assert!(of(command) > 0, "{command} is used with no option: {used:?}");
        let help = String::from_utf8(program(&[command, "--help"]).stdout).unwrap();
        for (_, option) in used.iter().filter(|(known, _)| known == command) {
            let words = help.split(|letter: char| letter.is_whitespace() || ",=[]".contains(letter));
            assert!(words.into_iter().any(|word| word == option), "{command} has no option {option}:\n{help}");
        }
    }
}

/// The Containerfile copies the repository: without this list, gigabytes of earlier builds would go with it.
#[test]
fn an_image_is_built_without_earlier_builds() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let build = std::fs::read_to_string(root.join("resources/deploy/Containerfile")).unwrap();
    assert!(build.lines().any(|line| line == "COPY . /source"), "what is left out depends on what is copied: {build}");
    let left_out = std::fs::read_to_string(root.join(".containerignore")).unwrap();
    for folder in ["target", ".git"] {
        assert!(left_out.lines().any(|line| line == folder), "{folder} is copied into the image: {left_out}");
    }
}
