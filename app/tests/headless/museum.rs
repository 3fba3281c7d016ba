//! The bug museum on real processes: each script turns its light red with its injected bug, and the very same
//! script ends green without it.
//!
//! What each shows stands in its file.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::program::{last_json, program};

/// Each injected bug, and the light it turns red.
const MUSEUM: [(&str, &str); 20] = [
    ("ack-before-replicate", "lost"),
    ("skip-slow-backup", "lost"),
    ("promote-first-registered", "lost"),
    ("restart-keeps-id", "lost"),
    ("no-session-table", "twice"),
    ("session-not-replicated", "twice"),
    ("new-id-on-retry", "invented"),
    ("no-view-check", "lost"),
    ("reenter-view", "lost"),
    ("joiner-in-early", "lost"),
    ("keep-own-preset", "lost"),
    ("stored-reply-early", "lost"),
    ("rejection-not-logged", "invented"),
    ("evicted-are-new", "twice"),
    ("read-before-commit", "stale"),
    ("read-without-barrier", "stale"),
    ("announce-before-recording", "lost"),
    ("ns-forgets-view", "lost"),
    ("sync-after-ack", "lost"),
    ("resume-view-after-restart", "lost"),
];

/// This many run at the same time: most of the time they wait for a timer.
const AT_A_TIME: usize = 3;

/// Runs a script. What is wrong with its end: it must end with this status and exactly these red lights.
fn perform(mistake: &str, consent: &str, status: i32, red: &[&str]) -> Option<String> {
    let output = program(&["run", &format!("museum/{mistake}"), consent, "--json"]);
    if output.status.code() != Some(status) || last_json(&output)["red"] != serde_json::json!(red) {
        let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        return Some(format!("{mistake} {consent}: {:?}, not {status} and {red:?}: {text}{errors}", output.status));
    }
    None
}

#[test]
fn each_mistake_turns_its_light_red_and_nothing_is_red_without_it() {
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some((mistake, light)) = MUSEUM.get(next.fetch_add(1, Ordering::Relaxed)) {
            let with = perform(mistake, "--allow-plant", 1, &[light]);
            let without = perform(mistake, "--without-plant", 0, &[]);
            wrong.lock().unwrap().extend(with.into_iter().chain(without));
        }
    };
    std::thread::scope(|threads| {
        for _ in 0..AT_A_TIME {
            threads.spawn(work);
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The crash that loses the order of a primary that answers alone loses nothing where all copies are awaited.
#[test]
fn an_answer_that_waits_for_no_copy_is_lost_with_its_primary() {
    let run = |copies| {
        let script = ["run", "museum/ack-before-replicate", "--without-plant", "--json", "--acknowledge", copies];
        let output = program(&script);
        (output.status.code(), last_json(&output)["red"].clone())
    };
    assert_eq!(run("none"), (Some(1), serde_json::json!(["lost"])));
    assert_eq!(run("all"), (Some(0), serde_json::json!([])));
}

#[test]
fn the_simulation_convicts_a_mistake_by_name() {
    let simulate = |plant| program(&["simulate", "--seeds", "1..9", "--sim-secs", "100", "--json", "--plant", plant]);
    let output = simulate("reenter-view");
    let object = last_json(&output);
    assert_eq!((output.status.code(), &object["plant"]), (Some(1), &"reenter-view".into()), "{object}");
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("Seed "), "{output:?}");
    let unknown = simulate("ack-after-lunch");
    assert_eq!(unknown.status.code(), Some(2));
    assert!(
        String::from_utf8_lossy(&unknown.stderr).contains("no-view-check"),
        "the known ones are named: {unknown:?}"
    );
}

#[test]
fn no_mistake_is_made_without_consent() {
    let output = program(&["run", "museum/reenter-view"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(words.contains("--allow-plant") && words.contains("--without-plant"), "{words}");
}

#[test]
fn every_script_of_the_museum_is_run() {
    let all: Vec<_> = scenarios::MUSEUM.iter().map(|(plant, _)| plant.name()).collect();
    let missing: Vec<_> = all.into_iter().filter(|name| !MUSEUM.iter().any(|(known, _)| known == name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
