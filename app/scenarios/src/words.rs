//! The words of scenario files for what has no name of its own elsewhere, both ways.
//!
//! What may stand where is checked elsewhere.

use node::control::Misbehaviour;
use protocol::judge::ContradictionKind;
use protocol::machine::Timer;
use protocol::trace::{DiskFault, Freezing, MessageAct};

use super::Light;

/// Short names of timers.
pub(super) const TIMERS: [&str; 11] = [
    "heartbeat",
    "autoclean",
    "silence",
    "ask-name-server",
    "ask-store",
    "forward-again",
    "may-propose",
    "front-end-silence",
    "check-again",
    "retry-request",
    "disk",
];

/// A timer's short name; whom or what it is about is not in it.
pub fn timer_name(timer: Timer) -> &'static str {
    match timer {
        Timer::Heartbeat => "heartbeat",
        Timer::Autoclean => "autoclean",
        Timer::Silence(_) => "silence",
        Timer::AskNameServer => "ask-name-server",
        Timer::ForwardAgain => "forward-again",
        Timer::AskStore => "ask-store",
        Timer::MayPropose => "may-propose",
        Timer::FrontEndSilence => "front-end-silence",
        Timer::CheckAgain(_) => "check-again",
        Timer::RetryRequest => "retry-request",
        Timer::Disk => "disk",
    }
}

pub(super) const MISBEHAVIOURS: [(&str, Misbehaviour); 8] = [
    ("none", Misbehaviour::None),
    ("slow", Misbehaviour::Slow(400)),
    ("not-found", Misbehaviour::NotFound),
    ("too-many-requests", Misbehaviour::TooManyRequests),
    ("broken", Misbehaviour::Broken),
    ("hangs", Misbehaviour::Hangs),
    ("half-body", Misbehaviour::HalfBody),
    ("not-json", Misbehaviour::NotJson),
];

/// What can be wrong with a disk, and the kind of fault that it is.
pub(super) const DISKS: [(&str, Option<DiskFault>); 4] = [
    ("works", None),
    ("full", Some(DiskFault::Full)),
    ("read-only", Some(DiskFault::ReadOnly)),
    ("broken", Some(DiskFault::Broken)),
];

/// The kind of fault that a disk like this is.
pub(super) fn disk_fault(fault: DiskFault) -> &'static str {
    match fault {
        DiskFault::Full => "disk-full",
        DiskFault::ReadOnly => "disk-read-only",
        DiskFault::Broken => "disk-broken",
    }
}

pub(super) const FREEZINGS: [(&str, Freezing); 2] =
    [("cooperative", Freezing::Cooperative), ("signal", Freezing::Signal)];

/// What can be done with a message, but for the delay, which needs a length.
pub(super) const ACTS: [(&str, MessageAct); 5] = [
    ("hold", MessageAct::Hold),
    ("let-go", MessageAct::LetGo),
    ("let-past", MessageAct::LetPast),
    ("drop", MessageAct::Drop),
    ("duplicate", MessageAct::Duplicate),
];

pub(super) const LIGHTS: [(&str, Light); 6] = [
    ("lost", Light::Shows(ContradictionKind::Lost)),
    ("twice", Light::Shows(ContradictionKind::Doubled)),
    ("reordered", Light::Shows(ContradictionKind::Reordered)),
    ("stale", Light::Shows(ContradictionKind::Stale)),
    ("invented", Light::Shows(ContradictionKind::Invented)),
    ("replicas-differ", Light::ReplicasDiffer),
];

/// The value of a word, or all known words.
pub(super) fn resolving<T: Clone>(words: &[(&'static str, T)], word: &str) -> Result<T, String> {
    let known = words.iter().find(|(known, _)| *known == word);
    known.map(|(_, resolving)| resolving.clone()).ok_or_else(|| {
        let known: Vec<_> = words.iter().map(|(known, _)| *known).collect();
        known.join(", ")
    })
}
