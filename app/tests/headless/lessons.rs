//! The lessons on real processes: each performs itself with its model answers, and the processes do what it says.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::program::{last_json, program};

/// This many run at the same time: most of the time they wait for a timer.
const AT_A_TIME: usize = 3;

/// The names of all built-in lessons.
fn names() -> Vec<String> {
    let output = program(&["lesson", "--list"]);
    assert!(output.status.success());
    let listed = String::from_utf8(output.stdout).unwrap();
    listed.lines().map(|line| line.split_whitespace().nth(1).unwrap().to_owned()).collect()
}

/// What is wrong with how a lesson ends.
fn wrong(name: &str) -> Option<String> {
    let output = program(&["lesson", name, "--answers", "model", "--allow-plant", "--json"]);
    let told = last_json(&output);
    let conclusion = told["verdict"] == "holds" || told["caught"] == true;
    if output.status.code() == Some(0) && conclusion && told["unlike_the_model"] == serde_json::json!([]) {
        return None;
    }
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Some(format!("{name}: {:?}\n{text}{errors}", output.status))
}

/// A lesson as the window records it, whose words were typed (`app/window/tests/panels/recording.rs`).
const RECORDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/headless/recorded.md");

#[test]
fn a_recorded_lesson_performs_itself_as_any_other() {
    let bad = wrong(RECORDED);
    assert_eq!(bad, None);
}

#[test]
fn each_lesson_ends_in_its_verdict_with_the_models_answers() {
    let names = names();
    let (next, bad) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
            bad.lock().unwrap().extend(wrong(name));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(work);
        }
    });
    let bad = bad.into_inner().unwrap();
    assert!(bad.is_empty(), "{}", bad.join("\n\n"));
}
