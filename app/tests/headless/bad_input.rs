//! Bad input: every refusal says what was wrong, and nothing acknowledged is lost.

use std::net::UdpSocket;

use crate::program::{RunningCluster, Talking, command, order, program, read};

#[test]
fn orders_that_are_none_are_refused_with_a_sentence() {
    let cluster = RunningCluster::start("1");
    let mut customer = cluster.customer();
    // Pasted with characters that nobody sees.
    let good = customer.ask(&order(1, "\u{feff}M1\u{200b} 1AE", &["Pad\u{2060} thai"]));
    assert_eq!(good["type"], "ok", "{good}");
    let many = vec!["Lemonade"; 51];
    let long = "x".repeat(10_000);
    for (line, expected) in [
        (order(2, "not a postcode", &["Pad thai"]), "too long"),
        (order(2, "M1 AE1", &["Pad thai"]), "not a valid UK postcode"),
        (order(2, "", &["Pad thai"]), "Enter a postcode"),
        (order(2, "M1/../1AE", &["Pad thai"]), "letters, digits"),
        (order(2, "M1 1AE\u{202e}", &["Pad thai"]), "[U+202E]"),
        (order(2, "ZZ99 9ZZ", &["Pad thai"]), "ZZ99 9ZZ"),
        (order(2, "M1 1AE", &[]), "empty"),
        (order(2, "M1 1AE", &many), "51 items"),
        (order(2, "M1 1AE", &["Stone soup"]), "not on the menu"),
        (order(2, "M1 1AE", &[&long]), "not on the menu"),
        (order(2, "M1 1AE", &["\u{1b}[2J\u{202e}"]), "not on the menu"),
        ("this is no JSON".to_owned(), "not a request"),
        ("{\"op\":2,\"f\":\"eat\",\"postcode\":\"M1 1AE\"}".to_owned(), "not a request"),
        ("[".repeat(5_000), "not a request"),
        // One line, one answer: the next question below is the next one answered.
        ("x".repeat(200_000), "shorter than 64 KiB"),
    ] {
        let answer = customer.ask(&line);
        assert_eq!(answer["type"], "fail", "{line}: {answer}");
        let why = answer["why"].as_str().unwrap();
        assert!(why.contains(expected) && why.len() < 400, "{line}: {why}");
        assert!(!why.chars().any(char::is_control), "{why:?}");
    }
    let named = customer.ask("{\"op\":2,\"f\":\"eat\",\"postcode\":\"M1 1AE\"}");
    assert_eq!(named["op"], 2, "what is no request is answered under its own number: {named}");
    customer.say_bytes(b"{\"op\":3,\xff\xfe}\n");
    let answer = customer.hear();
    assert!(answer["op"].is_null() && answer["why"].as_str().unwrap().contains("not UTF-8"), "{answer}");
    let answer = customer.ask(&read(3, "M1 1AE"));
    let orders = answer["value"].as_array().unwrap();
    assert_eq!(orders.iter().filter(|it| **it == good["value"]).count(), 1, "{answer}");
    assert_eq!(orders.last(), Some(&good["value"]), "{answer}");
}

#[test]
fn a_scenario_that_does_not_parse_is_refused_with_line_and_column() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.toml");
    std::fs::write(&path, "title = \"x\"\nreplicas = 3\ncustomers = -1\nseconds = 1\n").unwrap();
    let path = path.to_str().unwrap();
    for arguments in [["run", path], ["validate", path]] {
        let output = program(&arguments);
        let words = [output.stdout, output.stderr].concat();
        let words = String::from_utf8_lossy(&words);
        assert_eq!(output.status.code(), Some(2), "{words}");
        assert!(words.contains("line 3, column 13"), "{words}");
    }
    for missing in ["no-such-scenario", "/no/such/file.toml"] {
        assert_eq!(program(&["run", missing]).status.code(), Some(2));
    }
}

/// However it begins, all commands take a file for the same thing.
#[test]
fn what_a_file_is_does_not_depend_on_who_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let tape = "{ \"just-hungry-tape\": 2 }\n{\"end\":{\"entries\":0}}\n";
    let history = "{\"type\":\"init\",\"postcode\":\"M1 1AE\",\"value\":[]}\n";
    let scenario = "title = \"x\"\nreplicas = 3\ncustomers = 1\nseconds = 1\n";
    let set_up = "set-up = \"x\"\nreplicas = 3\n";
    let path_text = path.to_str().unwrap();
    let status = |command: &str| program(&[command, path_text]).status.code();
    for beginning in ["", "\n \r\n", "\u{feff}", "\u{feff}\n"] {
        for (kind, text) in [("tape", tape), ("history", history), ("scenario", scenario), ("set-up", set_up)] {
            std::fs::write(&path, format!("{beginning}{text}")).unwrap();
            let valid = program(&["validate", path_text, "--json"]);
            let found: serde_json::Value = serde_json::from_slice(&valid.stdout).unwrap();
            assert_eq!((&found["kind"], &found["ok"]), (&kind.into(), &true.into()), "{beginning:?}: {found}");
            let (check, replay) = match kind {
                "tape" => (Some(2), Some(0)),
                // Nobody has ordered.
                "history" => (Some(4), Some(2)),
                _ => (Some(2), Some(2)),
            };
            assert_eq!((status("check"), status("replay")), (check, replay), "{beginning:?}{kind}");
        }
    }
    std::fs::write(&path, "{\"type\":\"module\"}").unwrap();
    let words = program(&["validate", path_text]);
    assert!(
        String::from_utf8(words.stdout).unwrap().contains("not a scenario, a lesson, a set-up, a history or a tape")
    );
    assert_eq!((status("check"), status("replay"), status("run")), (Some(2), Some(2), Some(2)));
    std::fs::write(&path, b"\xff\xfet\0i\0t\0").unwrap();
    for command in ["validate", "check", "replay", "run"] {
        let refused = program(&[command, path_text]);
        let words = String::from_utf8(refused.stderr).unwrap();
        assert!(refused.status.code() == Some(2) && words.contains("UTF-16"), "{command}: {words}");
    }
}

#[test]
fn too_few_orders_are_called_too_few() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.jsonl");
    let head = "\"process\":1,\"postcode\":\"M1 1AE\"";
    let lines = [
        format!("{{{head},\"type\":\"invoke\",\"f\":\"place\",\"value\":\"a\",\"time\":1,\"op\":1}}"),
        format!("{{{head},\"type\":\"ok\",\"f\":\"place\",\"value\":\"a\",\"time\":2,\"op\":1}}"),
        format!("{{{head},\"type\":\"invoke\",\"f\":\"read\",\"value\":null,\"time\":3,\"op\":2}}"),
        format!("{{{head},\"type\":\"ok\",\"f\":\"read\",\"value\":[\"a\"],\"time\":4,\"op\":2}}"),
    ];
    std::fs::write(&path, lines.join("\n")).unwrap();
    let path = path.to_str().unwrap();
    assert_eq!(program(&["check", path]).status.code(), Some(0));
    let few = program(&["check", path, "--at-least", "2"]);
    let words = String::from_utf8(few.stdout).unwrap();
    assert_eq!(few.status.code(), Some(4));
    assert!(words.contains("fewer orders were acknowledged than --at-least requires"), "{words}");
}

/// Nothing is read, started or written: the files are as they were.
#[test]
fn one_file_is_not_taken_for_two() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (script, kept) = (at("s.toml"), at("kept"));
    std::fs::write(&script, "title = \"x\"\nreplicas = 3\ncustomers = 1\nseconds = 1\n").unwrap();
    std::fs::write(&kept, "mine").unwrap();
    let (dotted, new) = (at("./kept"), at("new"));
    for arguments in [
        [&script, "--history", &script, "--trace", &kept],
        [&script, "--history", &kept, "--trace", &script],
        ["steady", "--history", &dotted, "--trace", &kept],
        ["steady", "--history", &new, "--trace", &at("./new")],
    ] {
        let refused = program(&[&["run"][..], &arguments].concat());
        let words = String::from_utf8(refused.stderr).unwrap();
        assert!(refused.status.code() == Some(2) && words.contains("is named as both"), "{arguments:?}: {words}");
    }
    assert_eq!(std::fs::read(&kept).unwrap(), b"mine");
    assert!(std::fs::metadata(&script).unwrap().len() > 10 && !std::path::Path::new(&new).exists());
}

/// The folder is a person's, so it is left as it is; and a name need not be text.
#[cfg(target_os = "linux")]
#[test]
fn a_folder_is_left_to_whose_it_is_and_may_have_any_name() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("history.jsonl"), "mine").unwrap();
    let refused = program(&["cluster", "--dir", folder.path().to_str().unwrap()]);
    let words = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.status.code() == Some(2) && words.contains("leaves them alone"), "{words}");
    assert_eq!(std::fs::read(folder.path().join("history.jsonl")).unwrap(), b"mine");
    let strange = folder.path().join(std::ffi::OsStr::from_bytes(b"caf\xe9"));
    let ran =
        command(&["cluster", "--replicas", "1", "--dir"]).arg(&strange).stdin(std::process::Stdio::null()).output();
    let ran = ran.unwrap();
    assert_eq!(ran.status.code(), Some(0), "{}", String::from_utf8_lossy(&ran.stderr));
    assert!(!strange.exists() && folder.path().exists());
}

#[test]
fn a_command_line_that_is_none_is_refused() {
    for arguments in [
        &["fly"][..],
        &["cluster", "--replicas", "0"],
        &["cluster", "--replicas", "1000000"],
        &["cluster", "--heartbeat", "100", "--suspect-after", "100"],
        &["simulate"],
        &["simulate", "--seeds", "9..3"],
        &["simulate", "--seeds", "1..2", "--plant", "ack-after-lunch"],
        &["check"],
        &["check", "."],
        &["replay", "."],
        &["replay", "/no/such/tape", "--until", "soon"],
        &["validate", "."],
        &["run", ""],
        &["run", "."],
        &["run", "steady", "--secs", "0"],
        &["run", "steady", "--customers", "1001"],
        &["run", "steady", "--seed", "-1"],
        &["run", "museum/ack-after-lunch", "--allow-plant"],
        &["run", "museum/no-view-check"],
        &["run", "steady", "--acknowledge", "two"],
        &["cluster", "--acknowledge", "two"],
        &["lesson", "how-many-copies", "--answers", "model"],
        &["run", "steady", "--plant", "no-view-check", "--without-plant"],
        &["run", "steady", "--history", "/no/such/folder/history"],
        &["run", "steady", "--history", "the-same", "--trace", "the-same"],
        &["lesson", "one-order", "--answers", "model", "--trace", "/no/such/folder/facts"],
        &["bench", "--customers", "0"],
        &["gui", "--tape"],
        &["gui", "--set-up", "no-such-name"],
        &["gui", "--set-up", "/no/such/file.toml"],
        &["gui", "--set-up", "x", "--replicas", "2"],
        &["customer", "--dir", "/no/such/run"],
        &["status", "--dir", "/no/such/run"],
        &["node", "replica"],
        &["node", "emperor"],
    ] {
        let output = program(arguments);
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {words}");
        assert!(!words.is_empty() && !words.contains("panicked"), "{arguments:?}: {words}");
    }
}

#[test]
fn a_folder_in_use_is_refused() {
    let cluster = RunningCluster::start("1");
    let output = program(&["cluster", "--dir", cluster.folder.to_str().unwrap()]);
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{words}");
    assert!(words.contains("Another run is using the folder"), "{words}");
}

#[test]
fn a_port_in_use_is_named_and_can_be_had_later() {
    let mut cluster = RunningCluster::start("1");
    let nodes = cluster.first["nodes"].as_array().unwrap();
    let name_server = nodes.iter().find(|node| node["name"] == "name-server").unwrap();
    let address = name_server["addr"].as_str().unwrap().to_owned();
    cluster.wants("crash", "name-server");
    cluster.until("ended", "name-server");
    let squatter = UdpSocket::bind(&address).unwrap();
    cluster.wants("restart", "name-server");
    let ended = cluster.until("ended", "name-server");
    assert!(ended["words"].as_str().unwrap().contains(&address), "{ended}");
    drop(squatter);
    cluster.wants("restart", "name-server");
    cluster.until("started", "name-server");
}

#[test]
fn what_cannot_be_done_to_a_node_is_refused() {
    let mut cluster = RunningCluster::start("1");
    for (action, node) in [("restart", "replica-1"), ("crash", "replica-9"), ("fly", "replica-1")] {
        cluster.wants(action, node);
        let refused = cluster.talk.hear_until(|line| line["change"] == "refused");
        assert!(refused["why"].as_str().is_some_and(|why| !why.is_empty()), "{refused}");
    }
}

#[test]
fn what_is_no_line_does_not_end_a_cluster() {
    let mut cluster = RunningCluster::start("1");
    let long = [b"{\"do\":\"crash\",\"node\":\"replica-1\"}".repeat(4_000).as_slice(), b"\n"].concat();
    for (bytes, expected) in
        [(b"\xff\n".as_slice(), "not UTF-8"), (&long, "shorter than 64 KiB"), (b"{\"do\":\n", "not an action")]
    {
        cluster.talk.say_bytes(bytes);
        let refused = cluster.talk.hear_until(|line| line["change"] == "refused");
        assert!(refused["why"].as_str().unwrap().contains(expected), "{refused}");
    }
    // None of it was taken for a command, and the next is one.
    cluster.talk.say("{\"do\":\"add-replica\"}");
    cluster.until("started", "replica-2");
    assert!(cluster.status()["nodes"].as_array().unwrap().iter().all(|node| node["pid"].is_u64()));
}

#[test]
fn the_deadline_counts_for_a_whole_list_and_not_for_each_page() {
    let mut cluster = RunningCluster::start("1");
    let mut quick = cluster.customer();
    for op in 0..=protocol::order_book::PAGE as u64 {
        let answer = quick.ask(&order(op, "DH1 3LE", &["Lemonade"]));
        assert_eq!(answer["type"], "ok", "{answer}");
    }
    cluster.talk.say("{\"do\":\"hop\",\"ms\":500}");
    let folder = cluster.folder.to_str().unwrap().to_owned();
    let mut slow = Talking::start(&["customer", "--dir", &folder, "--lines", "--deadline", "3000"]);
    // A page takes four hops: each of the two comes in time, and both together do not.
    let answer = slow.ask(&read(1, "DH1 3LE"));
    assert_eq!(answer["type"], "info", "{answer}");
}

#[test]
fn without_a_display_the_demonstration_follows_in_the_terminal() {
    for display in [None, Some(":64999")] {
        let mut gui = command(&["gui", "--replicas", "2"]);
        if let Some(display) = display {
            gui.env("DISPLAY", display);
        }
        let output = gui.stdin(std::process::Stdio::null()).output().unwrap();
        let (said, words) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(0), "{words}{said}");
        assert!(words.lines().count() == 1 && words.contains("apt install"), "{words}");
        assert!(said.contains("Step 14: ") && said.contains("Verdict"), "{said}");
        assert!(said.contains("2 replicas") && !said.contains("replica-3"), "what was wished for is passed on: {said}");
    }
}
