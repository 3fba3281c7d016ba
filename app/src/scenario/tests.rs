//! What is refused, and where.

use super::*;

const GOOD: &str = r#"title = "A crash"
replicas = 3
customers = 4
seconds = 5

[[step]]
at-ms = 100
do = "crash"
node = "primary"

[[step]]
at-ms = 900
do = "restart"
node = "crashed"
"#;

#[test]
fn a_scenario_is_read() {
    let scenario = parse(GOOD).unwrap();
    assert_eq!((scenario.replicas, scenario.customers, scenario.lasts), (3, 4, Duration::from_secs(5)));
    let crash = Step { at: Duration::from_millis(100), action: Action::Crash(NodeName::Primary) };
    let restart = Step { at: Duration::from_millis(900), action: Action::Restart(NodeName::Crashed) };
    assert_eq!(scenario.steps, [crash, restart]);
}

#[test]
fn all_built_in_scenarios_are_read() {
    for (name, text) in BUILT_IN {
        let scenario = parse(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(scenario.expect.acknowledged > 0, "{name} expects no evidence");
    }
}

#[test]
fn refusals_name_line_and_column() {
    for (from, to, line, column) in [
        ("replicas = 3", "replicas = 100000", 2, 12),
        ("replicas = 3", "replicas = 3\nspares = 1", 3, 1),
        ("customers = 4", "customers = 0", 3, 13),
        ("seconds = 5", "seconds = -5", 4, 11),
        ("seconds = 5", "seconds = 99999999999999999999999", 4, 11),
        ("at-ms = 100", "at-ms = -1", 7, 9),
        ("at-ms = 900", "at-ms = 99", 12, 9),
        ("do = \"crash\"", "do = \"explode\"", 8, 6),
        ("node = \"primary\"", "node = \"replica-4\"", 9, 8),
        ("node = \"primary\"", "node = \"replica-01\"", 9, 8),
        ("node = \"primary\"", "node = \"../../etc/passwd\"", 9, 8),
        ("node = \"primary\"", "", 8, 6),
        ("node = \"primary\"", "node = \"primary\"\nhow = \"slow\"", 10, 7),
        ("\"A crash\"", "\"A crash", 1, 17),
        ("\"A crash\"", "\"\\u001b[2J\"", 1, 9),
    ] {
        let text = GOOD.replacen(from, to, 1);
        let error = parse(&text).unwrap_err();
        assert_eq!((error.line, error.column), (line, column), "{to}: {error}");
    }
}

#[test]
fn what_is_too_much_is_refused_quickly() {
    let begun = std::time::Instant::now();
    let many_steps = format!("{GOOD}{}", "[[step]]\nat-ms = 950\ndo = \"add-replica\"\n".repeat(2_000));
    for text in [
        " ".repeat(LARGEST_FILE as usize + 1),
        "[".repeat(200_000),
        format!("title = {}", "[".repeat(100_000)),
        format!("title = {}1{}", "{a=".repeat(10_000), "}".repeat(10_000)),
        many_steps,
        String::new(),
        "\0\u{7f}".repeat(1000),
    ] {
        assert!(parse(&text).is_err());
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn an_action_is_read_from_a_line() {
    let named = |name: &str| NodeName::Named(name.into());
    assert_eq!(parse_action(r#"{"do":"crash","node":"replica-7"}"#), Ok(Action::Crash(named("replica-7"))));
    assert_eq!(parse_action(r#"{"do":"add-replica"}"#), Ok(Action::AddReplica));
    for line in ["", "{}", r#"{"do":"crash"}"#, r#"{"do":"crash","node":"nobody"}"#, r#"{"do":"add-replica","ms":1}"#] {
        assert!(parse_action(line).is_err(), "{line}");
    }
}
