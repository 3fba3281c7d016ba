//! Set-ups: what is written is read again, and what is wrong is refused at its place.

use protocol::ids::NodeId;
use protocol::trace::{LauncherEvent, TraceEvent, TraceRecord};

use super::*;

const FULL: &str = "set-up = \"Friday's \\\"lecture\\\"\"
replicas = 5
acknowledge = \"one\"
speed = 0.1
hop-ms = 50
heartbeat-ms = 20
suspect-after-ms = 90
autoclean-s = 7
refuse-unchecked-after-s = 3
sessions = 12
cache-postcode-checks = false
show-heartbeats = true

[[customer]]
name = \"Grace O'Hara\"
postcode = \"NE1 7RU\"

[[customer]]
name = \"Ada\"
postcode = \"dh1 3le\"
latitude = 54.776
longitude = -1.573

[[node]]
name = \"replica-2\"
x = 0.75
y = 0.5

[map]
zoom = 4.0
latitude = 54.5
longitude = -1.5
";

#[test]
fn what_is_written_is_read_again() {
    let full = parse_set_up(FULL).unwrap();
    assert_eq!((full.name.as_str(), full.replicas, full.speed), ("Friday's \"lecture\"", 5, Rate(100_000)));
    assert_eq!(full.customers.as_ref().map(Vec::len), Some(2));
    assert_eq!(parse_set_up(&full.to_text()), Ok(full));
    for name in ["+++", "a\"b\\c", "مرحبا", "#[x]", "'''"] {
        let plain = SetUp { name: name.into(), ..SetUp::default() };
        assert_eq!(parse_set_up(&plain.to_text()), Ok(plain));
    }
    for speed in [Rate::STOPPED, Rate(1_000), Rate(3_333), Rate(33_333), Rate::REAL] {
        let plain = SetUp { name: "x".into(), speed, customers: Some(Vec::new()), ..SetUp::default() };
        assert_eq!(parse_set_up(&plain.to_text()), Ok(plain));
    }
}

#[test]
fn a_set_up_that_is_wrong_is_refused_at_its_place() {
    for (from, to, line, words) in [
        ("replicas = 5", "replicas = 21", 2, "must be from 1 to 20"),
        ("replicas = 5", "replicas = 5\nplant = \"none\"", 3, "unknown field `plant`"),
        ("set-up = \"Friday's \\\"lecture\\\"\"", "set-up = \" \"", 1, "“set-up” holds a name"),
        ("acknowledge = \"one\"", "acknowledge = \"two\"", 3, "“two”"),
        ("speed = 0.1", "speed = nan", 4, "must be from 0.001 to 1.0, or 0"),
        ("hop-ms = 50", "hop-ms = -1", 5, "must be from 0 to"),
        ("suspect-after-ms = 90", "suspect-after-ms = 30", 7, "at least twice"),
        ("sessions = 12", "sessions = 12\nusual-customers = true", 11, "exclude each other"),
        ("name = \"Ada\"", "name = \"Grace O'Hara\"", 19, "there is a customer “Grace O'Hara” already"),
        ("name = \"Ada\"", "name = \"primary\"", 19, "already the name of a node"),
        ("name = \"Ada\"", "name = \"<b>\"", 19, "a customer's name has"),
        ("postcode = \"NE1 7RU\"", "postcode = \"nowhere\"", 16, "postcode"),
        ("latitude = 54.776\n", "", 21, "needs both"),
        ("latitude = 54.776", "latitude = inf", 21, "must be from -90 to 90"),
        ("x = 0.75", "x = 1.5", 26, "must be from 0 to 1"),
        ("zoom = 4.0", "zoom = 0.5", 30, "must be from 1 to 200"),
    ] {
        let text = FULL.replacen(from, to, 1);
        assert_ne!(text, FULL, "{from}");
        let error = parse_set_up(&text).unwrap_err();
        assert_eq!(error.line, line, "{to}: {error}");
        assert!(error.why.contains(words), "{to}: {error}");
    }
    let many: String = (0..101).map(|at| format!("[[customer]]\nname = \"C{at}\"\npostcode = \"NE1 7RU\"\n")).collect();
    let error = parse_set_up(&format!("set-up = \"x\"\nreplicas = 1\n{many}")).unwrap_err();
    assert!(error.why.contains("at most 100 customers"), "{error}");
}

#[test]
fn a_new_cluster_is_told_what_differs_from_the_usual() {
    assert_eq!(SetUp::default().commands(), []);
    let commands = parse_set_up(FULL).unwrap().commands();
    assert!(matches!(commands[0], UserCommand::SetHop { hop: Some(Span(50_000)) }));
    assert!(commands.contains(&UserCommand::SetVerdictCache { on: false }));
    assert!(commands.contains(&UserCommand::ShowHeartbeats { on: true }));
    let places: Vec<_> = commands
        .iter()
        .filter_map(|command| match command {
            UserCommand::Customer(CustomerCommand::AddCustomer { name, place, .. }) => Some((name.clone(), *place)),
            _ => None,
        })
        .collect();
    assert_eq!(places[1], (Some("Ada".into()), (54_776_000, -1_573_000)));
    assert_eq!(places[0], (Some("Grace O'Hara".into()), place_of("NE1 7RU".parse().unwrap())));
    assert_ne!(places[0].1, (0, 0), "the gazetteer knows this postcode");
}

#[test]
fn a_cluster_that_runs_is_taken_down_with_what_was_changed_since() {
    let mut picture = Picture::default();
    let fact = |event| TraceRecord { at: 0, node: NodeId(1), event };
    picture.apply(&fact(TraceEvent::Launcher(LauncherEvent::AcknowledgeIs { acknowledge: Acknowledge::One })));
    picture.hop = 50_000;
    let begun = SetUp { name: "Friday".into(), ..SetUp::default() };
    let placement = Placement { nodes: BTreeMap::from([("replica-1".into(), (0.25, 0.5))]), map: None };
    let now = begun.of_picture(&picture, Rate(3_333), false, placement.clone());
    assert_eq!((now.settings.acknowledge, now.hop, now.speed), (Acknowledge::One, Some(Span(50_000)), Rate(3_333)));
    assert!(!now.caches_checks && !now.is_safe());
    assert_eq!((&now.placement, &now.customers), (&placement, &Some(Vec::new())));
    assert_eq!(parse_set_up(&now.to_text()), Ok(now));
}
