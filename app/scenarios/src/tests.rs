//! What is refused, and where.

use knowledge::user_command::UserCommand;
use protocol::acknowledge::Acknowledge;
use protocol::trace::{Freezing, LinkRule, MessageAct, Rate};

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
    let crash = Step { at: Duration::from_millis(100), line: 8, action: Action::Crash(NodeName::Primary) };
    let restart = Step { at: Duration::from_millis(900), line: 13, action: Action::Restart(NodeName::Crashed) };
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
fn the_museum_shows_each_mistake_once() {
    for (plant, text) in MUSEUM {
        let scenario = parse(text).unwrap_or_else(|error| panic!("{plant}: {error}"));
        assert!(scenario.unsafe_switches().eq([Unsafe::Plant(plant)]), "{plant}");
        assert!(!scenario.expect.red.is_empty() && scenario.expect.acknowledged > 0, "{plant} expects no evidence");
        assert_eq!(built_in(&format!("museum/{plant}")), Some(text));
        let lesson = text.lines().take_while(|line| line.starts_with("# ")).count();
        assert!((3..=7).contains(&lesson), "{plant} begins with its lesson");
    }
    let has_a_script = |plant: &Plant| MUSEUM.iter().any(|(known, _)| known == plant);
    assert!(protocol::plant::ALL.iter().all(has_a_script), "each has its place");
}

#[test]
fn the_example_of_the_description_is_a_scenario() {
    let description = include_str!("../../../resources/scenarios/README.md");
    let example = description.split("```toml").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    assert_eq!(parse(example).unwrap().steps.len(), 4);
    for name in check::known_actions() {
        assert!(description.contains(&format!("`{name}`")), "{name} is not described");
    }
}

#[test]
fn refusals_name_line_and_column() {
    for (from, to, line, column) in [
        ("replicas = 3", "replicas = 100000", 2, 12),
        ("replicas = 3", "replicas = 3\nspares = 1", 3, 1),
        ("customers = 4", "customers = 0", 3, 13),
        ("seconds = 5", "seconds = 5\nplant = \"ack-after-lunch\"", 5, 9),
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
    assert_eq!(parse_action(r#"{"do":"add-front-end"}"#), Ok(Action::AddFrontEnd));
    assert_eq!(parse_action(r#"{"do":"crash","node":"front-end-3"}"#), Ok(Action::Crash(named("front-end-3"))));
    for line in ["", "{}", r#"{"do":"crash"}"#, r#"{"do":"crash","node":"nobody"}"#, r#"{"do":"add-replica","ms":1}"#] {
        assert!(parse_action(line).is_err(), "{line}");
    }
}

/// A file with one step, which begins in line 6.
fn with_step(step: &str) -> Result<Action, ScenarioError> {
    let text = format!(
        "title = \"x\"\nreplicas = 3\ncustomers = 1\nseconds = 5\n[[step]]\ndo = \"customer\"\nname = \"Ada\"\n\
         postcode = \"DH1 3LE\"\n[[step]]\n{step}\n"
    );
    parse(&text).map(|scenario| scenario.steps[1].action.clone())
}

#[test]
fn every_kind_of_step_is_read() {
    let node = |name: &str| EndName::Node(NodeName::Named(name.into()));
    let primary = || EndName::Node(NodeName::Primary);
    for (step, expected) in [
        ("do = \"speed\"\nrate = 0.01", Action::Speed(Rate(10_000))),
        ("do = \"speed\"\nrate = 0.0", Action::Speed(Rate::STOPPED)),
        (
            "do = \"run-until\"\nuntil = \"moment\"\nms = 5\nrate = 1.0",
            Action::RunUntil(Rate::REAL, Goal::Later(Duration::from_millis(5))),
        ),
        ("do = \"step\"\ncount = 3", Action::Step { count: 3, rate: Rate(100_000) }),
        (
            "do = \"cut\"\nfrom = \"primary\"\nto = \"backups\"",
            Action::Links { from: primary(), to: EndName::Backups, both_ways: true, rule: LinkRule::CUT },
        ),
        (
            "do = \"slow\"\nfrom = \"Ada\"\nto = \"front-end\"\nloss = 300",
            Action::Links {
                from: node("Ada"),
                to: node("front-end"),
                both_ways: false,
                rule: LinkRule { loss: 300, ..LinkRule::default() },
            },
        ),
        (
            "do = \"partition\"\nside = [\"primary\", \"customers\"]",
            Action::Partition(vec![primary(), EndName::Customers]),
        ),
        (
            "do = \"message\"\nact = \"drop\"\nstep = 13\nto = \"front-end\"\nwithin-ms = 100",
            Action::Message {
                act: MessageAct::Drop,
                which: Which { step: Some(13), from: None, to: Some(node("front-end")), all: false },
                within: Duration::from_millis(100),
            },
        ),
        ("do = \"freeze\"\nnode = \"everybody\"", Action::Freeze(NodeName::Everybody, Freezing::Cooperative)),
        ("do = \"plant\"\nplant = \"none\"", Action::Plant(None)),
        (
            "do = \"order\"\ncustomer = \"Ada\"\nitems = [\"Pad thai\"]",
            Action::Order { customer: "Ada".into(), postcode: None, items: vec!["Pad thai".into()] },
        ),
        (
            "do = \"wait\"\nfor = \"held\"\ncount = 8",
            Action::Wait { for_what: WaitFor::Held(8), within: Duration::from_secs(20) },
        ),
        (
            "do = \"wait\"\nfor = \"members\"",
            Action::Wait { for_what: WaitFor::Members(None), within: Duration::from_secs(20) },
        ),
        ("do = \"say\"\nwords = \"Muriel orders.\"", Action::Say("Muriel orders.".into())),
    ] {
        assert_eq!(with_step(step).unwrap_or_else(|error| panic!("{step}: {error}")), expected);
    }
}

#[test]
fn steps_that_make_no_sense_are_refused_where_they_go_wrong() {
    for (step, line, words) in [
        ("do = \"speed\"\nrate = 0.0001", 11, "from 0.001 to 1.0, or 0"),
        ("do = \"speed\"\nrate = nan", 11, "from 0.001"),
        ("do = \"run-until\"\nuntil = \"moment\"\nrate = 1.0", 11, "needs “ms”"),
        ("do = \"run-until\"\nuntil = \"lunch\"\nrate = 1.0", 11, "is not a goal"),
        ("do = \"slow\"\nfrom = \"Ada\"\nto = \"primary\"", 10, "“slow” needs"),
        ("do = \"slow\"\nfrom = \"Ada\"\nto = \"primary\"\nloss = 1001", 13, "from 0 to 1000"),
        ("do = \"cut\"\nfrom = \"Grace\"\nto = \"primary\"", 11, "no node “Grace”"),
        ("do = \"partition\"\nside = []", 11, "1 to 40 names"),
        ("do = \"message\"\nact = \"eat\"", 11, "let-past"),
        ("do = \"message\"\nact = \"delay\"", 11, "needs “delay-ms”"),
        ("do = \"ring\"\nnode = \"primary\"\ntimer = \"lunch\"", 12, "heartbeat"),
        ("do = \"bomb\"\nnode = \"primary\"\nat = \"primary-at-lunch\"", 12, "no failpoint with this name"),
        ("do = \"bomb\"\nnode = \"primary\"\nat = \"primary-received\"\nwakes-after-ms = 5", 12, "does not wake"),
        ("do = \"plant\"\nplant = \"ivy\"", 11, "no injected bug with this name"),
        ("do = \"customer\"\nname = \"front-end\"\npostcode = \"M1 1AE\"", 11, "already the name of a node"),
        ("do = \"customer\"\nname = \"front-end-9\"\npostcode = \"M1 1AE\"", 11, "already the name of a node"),
        ("do = \"crash\"\nnode = \"front-end-2\"", 11, "no node “front-end-2”"),
        ("do = \"add-front-end\"\nnode = \"front-end-2\"", 11, "has no “node”"),
        ("do = \"customer\"\nname = \"\\u001b[2J\"\npostcode = \"M1 1AE\"", 11, "letters, digits"),
        ("do = \"customer\"\nname = \"Bo\"\npostcode = \"here\"", 12, "not a valid UK postcode"),
        ("do = \"order\"\ncustomer = \"Bo\"\nitems = [\"Pad thai\"]", 11, "no customer “Bo” at this step"),
        ("do = \"order\"\ncustomer = \"Ada\"\nitems = [\"Stone\"]", 12, "not on the menu"),
        ("do = \"wait\"\nfor = \"godot\"", 11, "cannot be waited for"),
        ("do = \"wait\"\nfor = \"members\"\ncount = 0", 12, "from 1"),
        ("do = \"say\"", 10, "needs “words”"),
        ("do = \"say\"\nwords = \" \"", 11, "1 to 300 characters"),
        ("do = \"say\"\nwords = \"\\u001b[2J\"", 11, "1 to 300 characters"),
        ("do = \"wait\"\nfor = \"serving\"\ncount = 1", 12, "has no “count”"),
        ("do = \"restart\"\nnode = \"primary\"", 11, "already running"),
        ("do = \"crash\"\nnode = \"frozen\"", 11, "cannot be used here"),
        ("do = \"crash-all\"\nnode = \"primary\"", 11, "has no “node”"),
    ] {
        let error = with_step(step).unwrap_err();
        assert_eq!(error.line, line, "{step}: {error}");
        assert!(error.why.contains(words) && !error.why.chars().any(char::is_control), "{step}: {error}");
    }
}

#[test]
fn a_further_front_end_can_be_meant_once_it_was_added_and_there_are_three_at_most() {
    let add = "[[step]]\nat-ms = 950\ndo = \"add-front-end\"\n";
    let crash = |node: &str| format!("[[step]]\nat-ms = 960\ndo = \"crash\"\nnode = \"{node}\"\n");
    let steps = |text: &str| parse(&format!("{GOOD}{text}"));
    assert!(steps(&(add.to_owned() + &crash("front-end-2"))).is_ok());
    for name in ["front-end-1", "front-end-3", "front-end-02", "front-end-"] {
        let error = steps(&(add.to_owned() + &crash(name))).unwrap_err();
        assert!(error.why.contains("there is no node"), "{name}: {error}");
    }
    assert!(steps(&add.repeat(2)).is_ok());
    let error = steps(&add.repeat(3)).unwrap_err();
    assert!(error.why.contains("at most 3 front-ends"), "{error}");
}

#[test]
fn fewer_copies_are_an_unsafe_switch_as_a_bug_is() {
    let set = |copies: &str| GOOD.replacen("seconds = 5", &format!("seconds = 5\nacknowledge = \"{copies}\""), 1);
    assert_eq!(parse(&set("all")).unwrap().unsafe_switches().count(), 0);
    let step = "[[step]]\ndo = \"acknowledge\"\nacknowledge = \"none\"\n";
    let scenario = parse(&(set("one") + step)).unwrap();
    let switches = [Acknowledge::One, Acknowledge::None].map(Unsafe::Acknowledge);
    assert_eq!(scenario.unsafe_switches().collect::<Vec<_>>(), switches);
    let acknowledge = Acknowledge::One;
    let beginning = ScriptRunner::new(scenario.clone(), 1).beginning();
    assert_eq!(beginning, [UserCommand::SetAcknowledge { acknowledge }]);
    let safe = scenario.made_safe();
    assert_eq!((safe.unsafe_switches().count(), safe.acknowledge), (0, Acknowledge::All));
    assert!(parse(&set("two")).unwrap_err().why.contains("the names are: all, one, none"));
}

#[test]
fn plants_are_told_apart_and_left_out() {
    let step = "[[step]]\ndo = \"plant\"\nplant = \"no-view-check\"\n";
    let text = GOOD.replacen("seconds = 5", "seconds = 5\nplant = \"no-session-table\"", 1) + step;
    let scenario = parse(&text).unwrap();
    assert_eq!(
        scenario.unsafe_switches().collect::<Vec<_>>(),
        [Plant::NoSessionTable, Plant::NoViewCheck].map(Unsafe::Plant)
    );
    let without = scenario.made_safe();
    assert_eq!((without.unsafe_switches().count(), without.steps.len()), (0, 2));
}
