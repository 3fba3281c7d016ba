//! No wildcard arm stands for the variants of an enum that grows: a new message, fact or command must break the build wherever it
//! could matter.

/// The enums.
const GROW: [&str; 9] = [
    "Message",
    "Input",
    "Effect",
    "TraceEvent",
    "LauncherEvent",
    "NodeEvent",
    "MachineEvent",
    "UserCommand",
    "CustomerCommand",
];

/// Lines with a wildcard arm beside arms of such an enum.
pub fn offences(text: &str) -> Vec<(usize, String)> {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    let lines: Vec<&str> = text.lines().collect();
    let wildcards = (0..lines.len()).filter(|at| lines[*at].trim_start().starts_with("_ =>"));
    let beside = wildcards.filter_map(|at| {
        let depth = indent(lines[at]);
        let before = lines[..at].iter().rev().take_while(|line| line.trim().is_empty() || indent(line) >= depth);
        let arms = before.filter(|line| indent(line) == depth);
        let grows = arms.filter_map(|line| GROW.iter().find(|name| begins_with(line.trim_start(), name))).next()?;
        Some((at + 1, format!("`_` stands for variants of {grows}: name them, or ask with `if let`")))
    });
    beside.collect()
}

/// An arm for a variant, alone, after "|", or in `Some` and the like.
fn begins_with(arm: &str, name: &str) -> bool {
    let arm = arm.trim_start_matches("| ").trim_start_matches("Some(").trim_start_matches('&');
    arm.strip_prefix(name).is_some_and(|rest| rest.starts_with("::"))
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[test]
fn wildcards_are_found() {
    let text = "match event {\n    TraceEvent::Node(event) => {\n        take(event);\n    }\n    _ => {}\n}\n";
    assert_eq!(offences(text).len(), 1);
    let named =
        "match event {\n    Shape::Round => 1,\n    _ => 2,\n}\nmatch message {\n    Message::Busy { .. } => 1,\n}\n";
    assert!(offences(named).is_empty());
}
