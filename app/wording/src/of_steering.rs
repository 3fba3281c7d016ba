//! Sentences about time, links, bombs and messages that are steered.

use protocol::ids::NodeId;
use protocol::message::{FieldValue, Summary, WaitReason};
use protocol::plant::Plant;
use protocol::trace::{Blast, Bomb, Crowd, Failpoint, Freezing, LinkRule, Rate};

use super::{duration, label, loss, refusal};
use knowledge::picture::{End, MessageInFlight, Picture};
use knowledge::user_command::Until;

/// What can be done with a node's card.
pub const CARD_MEANS: &str = "Click to inspect, right-click for more, drag to move.";
/// The second line of a frozen node's card.
pub const FROZEN: &str = "frozen";
/// Why the window says that time stands still.
pub const STOPPED_MEANS: &str =
    "Every clock and every link of the cluster is stopped, so no time-out can fire. Space: go on. →: the next message.";
/// What Run does.
pub const RUN_MEANS: &str = "Runs time at the chosen speed (Space).";
/// Explains the speeds.
pub const SPEED_MEANS: &str =
    "The speed of cluster time: all timers and links of the real processes follow it (1 … 6, +, −).";
/// Explains a step.
pub const STEP_MEANS: &str = "Runs until the next message leaves its link, or else until the next timer rings (→).";
/// Explains the step to a number.
pub const NUMBERED_MEANS: &str = "Runs until a message of one of the workflow’s steps arrives (Shift →).";
/// Explains the step to a view change.
pub const VIEW_CHANGE_MEANS: &str = "Runs until a replica enters a new view (Ctrl →).";
/// What the line that is drawn does.
pub const CUT_HINT: &str = "Draw a line: it cuts every link it crosses, both ways · Esc: leave";
/// Explains the split brain.
pub const SPLIT_MEANS: &str =
    "Cuts the primary off from front-ends and replicas. Mend its links, and watch the others refuse it.";
/// Explains cutting a node off.
pub const CUT_OFF_MEANS: &str = "Cuts all its links, both ways. Not even heartbeats pass.";
/// Explains a further front-end.
pub const ADD_FRONT_END_MEANS: &str = "It claims the newest token, so it alone can change the view. The older front-end sends its customers there once it learns this. If you first cut the older one off from the name server, both act as the front-end.";
/// Before every process is killed.
pub const CRASH_ALL_MEANS: &str = "This crashes all replicas, all front-ends and the name server. Orders live in memory, so without a surviving member acknowledged orders are lost. The front-end will say so.";
/// Before a bug is injected.
pub const CONSENT: &str = "This switches on a bug in the real program. While it is on, orders acknowledged to customers may be lost, placed twice or read wrongly. That is the lesson. The window has a red mark until you switch the bug off.";
/// Bombs that go off while a replica leads.
pub const BOMB_AS_PRIMARY: &str = "Bomb as primary";
/// Bombs that go off while a replica follows.
pub const BOMB_AS_BACKUP: &str = "Bomb as backup";
/// Bombs that go off while a replica joins.
pub const BOMB_AS_JOINER: &str = "Bomb while joining";
/// Bombs of all others.
pub const BOMB_AT_DISK: &str = "Bomb at its disk";
/// See above; of a node that plays one part.
pub const BOMB: &str = "Bomb";
/// The mark of an unsafe lesson.
pub const UNSAFE_LESSON: &str = "Unsafe lesson";
/// What scenarios are.
pub const SCENARIOS_MEAN: &str = "Scripts of orders and faults. Each starts a new cluster in place of the present one. At the end a card compares what was expected with what happened.";
/// A museum scenario without its injected bug.
pub const WITHOUT_MEANS: &str = "Runs the same script without the bug: every light stays green.";
/// A scenario that was opened and does not run yet.
pub const SCENARIO_BEGINS: &str = "It starts a new cluster in place of the present one.";
/// What the museum is.
pub const MUSEUM_MEANS: &str = "The bug museum: each switch breaks one rule of the protocol. With the bug on, its scenario turns a light red; without the bug, the same scenario ends green.";
/// Explains heartbeats.
pub const HEARTBEATS_MEANS: &str =
    "Shows heartbeats and other routine messages as dots. Otherwise the lines only pulse.";

/// What stands on the canvas while time stands still.
pub fn stopped(now: u64) -> String {
    format!("Time is stopped at {} s · Space: go on · →: the next message", super::clock(now))
}

/// A scenario that waits for its replicas.
pub const PREPARING: &str = "Waiting until all replicas are members…";
/// Not all of them did.
pub const NOT_READY: &str = "The scenario did not begin: not all replicas became members in time. Mend links, wake or restart nodes, then try again.";

/// What customers do who are told of only together.
pub fn crowd(crowd: &Crowd) -> String {
    let mut words = format!(
        "Each customer keeps ordering and reading, one request at a time; the lines show the flow of their messages. {} orders acknowledged, {} rejected, {} histories read.",
        crowd.acknowledged, crowd.refused, crowd.reads
    );
    if crowd.unknown > 0 {
        words += &format!(" The outcome of {} orders is unknown.", crowd.unknown);
    }
    words
}

/// How far a scenario is.
pub fn next_step(number: Option<usize>, steps: usize, waits: bool) -> String {
    match number {
        None => "all steps done; customers go on".into(),
        Some(number) if waits => format!("waiting at step {number} of {steps}"),
        Some(number) => format!("next: step {number} of {steps}"),
    }
}

/// Of somebody who believes nothing yet.
pub const NO_BELIEF: &str = "knows no view yet";

/// "1/100", "Real time".
pub fn rate(rate: Rate) -> String {
    match rate {
        Rate::STOPPED => "stopped".into(),
        Rate::REAL => "Real time".into(),
        Rate(millionths) => format!("1/{}", (1e6 / f64::from(millionths)).round()),
    }
}

/// How long a hop is seen: "1 s a hop".
pub fn hop_in_sight(micros: u64) -> String {
    match micros {
        0 => "no delay".into(),
        1..1_000_000 => format!("{} a hop", duration(micros)),
        _ => {
            let seconds = micros as f64 / 1e6;
            let rounded = if seconds < 10.0 { (seconds * 10.0).round() / 10.0 } else { seconds.round() };
            format!("{rounded} s a hop")
        }
    }
}

/// A choice of the hop: in cluster time.
pub fn hop_choice(micros: Option<u64>) -> String {
    match micros {
        None => "chosen by speed (10 ms; none in real time)".into(),
        Some(0) => "no added delay".into(),
        Some(micros) => format!("{} of cluster time", duration(micros)),
    }
}

/// What the window says while time goes towards something.
pub fn until(until: Until) -> &'static str {
    match until {
        Until::Moment(_) => "to the next message",
        Until::NumberedStep => "to the next numbered step",
        Until::ViewChange => "to the next view change",
    }
}

/// What a link does in a few signs: "+200 ms ±50 ms −10 %".
pub fn link_signs(rule: &LinkRule) -> String {
    let mut signs = Vec::new();
    if rule.hold {
        signs.push("holds".to_owned());
    }
    if rule.delay.0 > 0 {
        signs.push(format!("+{}", duration(rule.delay.0)));
    }
    if rule.jitter.0 > 0 {
        signs.push(format!("~{}", duration(rule.jitter.0)));
    }
    if rule.loss > 0 {
        signs.push(format!("loses {}", permille(rule.loss)));
    }
    if rule.doubling > 0 {
        signs.push(format!("doubles {}", permille(rule.doubling)));
    }
    signs.join(" ")
}

/// "12.5 %".
pub fn permille(of_a_thousand: u16) -> String {
    format!("{}\u{a0}%", f64::from(of_a_thousand) / 10.0)
}

/// What the two ways between two do, as sentences for the hover text.
pub fn links_between(one: &str, other: &str, there: &LinkRule, back: &LinkRule) -> String {
    if there == back {
        return format!("{one} – {other}: {}, both ways", super::link(there).trim_start_matches("is "));
    }
    format!("{one} → {other}: {}\n{other} → {one}: {}", super::link(there), super::link(back))
}

/// Where a message is, and what became of it and why.
pub fn whereabouts(flying: &MessageInFlight, picture: &Picture) -> String {
    let (from, to) = (picture.name(flying.id.from), picture.name(flying.to));
    let after = |at: u64| duration(at.saturating_sub(flying.sent));
    match &flying.end {
        None if flying.is_held() => format!("Held in the link from {from} to {to} until you release it."),
        None => {
            let share = flying.progress(picture.now);
            if share < 1.0 {
                format!("In the link from {from} to {to}: {:.0}\u{a0}% of the way.", share * 100.0)
            } else {
                format!("It has left its link; {to} has not handled it yet.")
            }
        }
        Some((at, End::Delivered)) => format!("{to} handled it after {}.", after(*at)),
        Some((at, End::Refused(why))) => {
            format!("It reached {to} after {}, and {to} did not act on it: {}.", after(*at), refusal(why))
        }
        Some((at, End::Lost(why))) => format!("Lost after {}: {}.", after(*at), loss(why)),
    }
}

/// The title of the question whether to inject a bug.
pub fn plant_title(plant: Plant) -> String {
    format!("Switch on the bug “{plant}”?")
}

/// The facts next to the beliefs: the primary, the recorded view with its members, and the running replicas, by number.
pub fn truth(primary: Option<String>, view: Option<(u64, Vec<String>)>, alive: &[String]) -> String {
    let primary = primary.map_or_else(|| "no primary".into(), |name| format!("{name} is primary"));
    let view = match view {
        None => "no view is recorded".into(),
        Some((number, members)) => {
            let replicas = if members.len() == 1 { "replica" } else { "replicas" };
            format!("view {number} has {replicas} {}", in_a_row(&members))
        }
    };
    let running = match alive {
        [] => "no replica is running".into(),
        [one] => format!("only {one} is running"),
        several => format!("{} are running", in_a_row(several)),
    };
    format!("Actually: {primary}; {view}; {running}")
}

/// "1, 2 and 3".
fn in_a_row(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// How a process is frozen.
pub fn frozen(how: Freezing) -> &'static str {
    match how {
        Freezing::Cooperative => "frozen",
        Freezing::Signal => "suspended (SIGSTOP)",
    }
}

/// "crash after it receives an order \[10\]".
pub fn bomb(bomb: Bomb) -> String {
    format!("{} {}", blast(bomb.blast), failpoint(bomb.at))
}

/// What a bomb does.
pub fn blast(blast: Blast) -> String {
    match blast {
        Blast::Crash => "crash".into(),
        Blast::Freeze { wakes_after: None } => "freeze".into(),
        Blast::Freeze { wakes_after: Some(span) } => format!("freeze for {}", duration(span.0)),
    }
}

/// A node as people call it; one that was started again since is "the former".
pub fn name_now(id: NodeId, picture: &Picture) -> String {
    let Some(name) = picture.nodes.name_of(id) else { return id.to_string() };
    let again = picture.nodes.get(name).is_some_and(|node| node.id != id);
    if again { format!("the former {name}") } else { name.to_owned() }
}

/// What a field of a message is called.
pub fn field_name(name: &str) -> &str {
    match name {
        "late" => "its loop late by",
        "claimed" => "answers a claim",
        name => name,
    }
}

/// What a field of a message holds.
pub fn field_value(value: &FieldValue, picture: &Picture) -> String {
    match value {
        FieldValue::Words(words) => words.clone(),
        FieldValue::NoneYet => "none yet".into(),
        FieldValue::Is(true) => "yes".into(),
        FieldValue::Is(false) => "no".into(),
        FieldValue::Part(part, of) => format!("{part} of {of}"),
        FieldValue::PartOf(part, op) => format!("{part} of the state at {op}"),
        FieldValue::Told(Summary::Expired) => "expired: unknown".into(),
        FieldValue::Told(outcome) => label(outcome).into_owned(),
        FieldValue::Orders(orders, postcode) => format!("{orders} orders to {postcode}"),
        FieldValue::Waits(WaitReason::Asked) => "the postcode services have been asked".into(),
        FieldValue::Waits(WaitReason::NobodyAnswers) => "no postcode service answered".into(),
        FieldValue::PreviousRequest => "the previous request".into(),
        FieldValue::Nodes { first, .. } if first.is_empty() => "none".into(),
        FieldValue::Nodes { first, more } => {
            let names: Vec<_> = first.iter().map(|id| name_now(*id, picture)).collect();
            let more = if *more == 0 { String::new() } else { format!(" and {more} more") };
            names.join(", ") + &more
        }
    }
}

/// When a bomb goes off: "after it receives an order \[10\]".
pub fn failpoint(at: Failpoint) -> &'static str {
    match at {
        Failpoint::PrimaryReceived => "after it receives an order [10]",
        Failpoint::PrimaryValidated => "after the postcode check is answered [12]",
        Failpoint::PrimaryAssigned => "after it numbers the order, before it tells a backup",
        Failpoint::PrimarySentToOne => "after it tells one backup [5], before it tells the others",
        Failpoint::PrimaryAllAcked => "after the last acknowledgement arrives [6]",
        Failpoint::PrimaryCommitted => "after the order is committed, before it replies",
        Failpoint::PrimaryReplied => "after it sends the reply [13]",
        Failpoint::BackupBeforeApply => "after it receives an update [5], before it applies it",
        Failpoint::BackupApplied => "after it applies an update, before it acknowledges it",
        Failpoint::BackupAcked => "after it acknowledges an update [6]",
        Failpoint::FrontEndSuspected => "after it suspects a replica",
        Failpoint::FrontEndSomeReports => "after a suspicion, once one replica has reported",
        Failpoint::FrontEndAllReports => "after it chooses the next view, before it proposes it",
        Failpoint::FrontEndViewRecorded => "after the next view is recorded [3], before it announces it",
        Failpoint::FrontEndNewviewToPrimaryOnly => {
            "after it tells the new primary of the view [4], before it tells the others"
        }
        Failpoint::FrontEndBeforeForward => "after it receives a request [9], before it forwards it",
        Failpoint::FrontEndReplyHeld => "after it receives a reply [13], before it passes it on",
        Failpoint::NameServerBeforeJournal => "before it writes a view to its journal",
        Failpoint::NameServerTornJournal => "halfway through writing a view to its journal",
        Failpoint::NameServerJournaledNotAnswered => "after it writes a view to its journal, before it answers",
        Failpoint::NameServerCleaning => "before it cleans its registry",
        Failpoint::JoinerRegistered => "after it registers [1]",
        Failpoint::JoinerMidSnapshot => "after it receives part of the snapshot",
        Failpoint::JoinerSnapshotDone => "after it installs the snapshot, before it says so",
        Failpoint::JoinerInAckSet => "after every answer needs it, before it is a member",
        Failpoint::JoinerViewRecorded => "after it becomes a member",
        Failpoint::DiskTornLog => "halfway through writing to its log",
        Failpoint::DiskBeforeFsync => "after it writes to its log, before it syncs it",
        Failpoint::DiskAfterFsync => "after it syncs its log, before it says so",
        Failpoint::DiskSnapshotRename => "after it syncs a new log, before that replaces the old one",
        Failpoint::CustomerBeforeSend => "before it sends a request [9]",
        Failpoint::CustomerSent => "after it sends a request [9]",
        Failpoint::CustomerReplyUnseen => "after the reply arrives [14], before the customer sees it",
        Failpoint::SupervisorChildSpawnedUnregistered => "after it starts a process, before it writes that down",
        Failpoint::SupervisorMidShutdown => "while it ends the processes",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::ids::{Contact, OpNumber, Role, Span};
    use protocol::trace::{Actor, LauncherEvent, Started, TraceEvent, TraceRecord};

    #[test]
    fn ids_of_nodes_become_names() {
        let mut picture = Picture::default();
        let id = NodeId(0xabc);
        let contact = Contact { id, address: "127.0.0.1:4000".parse().unwrap() };
        let started = Started { name: "replica-2".into(), actor: Actor::Role(Role::Replica), pid: 1, contact };
        picture.apply(&TraceRecord {
            node: id,
            at: 0,
            event: TraceEvent::Launcher(LauncherEvent::Started(started.clone())),
        });
        let both = |first: [NodeId; 2], more| FieldValue::Nodes { first: first.to_vec(), more };
        let shown = |picture: &Picture, value| field_value(&value, picture);
        assert_eq!(shown(&picture, both([id, NodeId(7)], 2)), format!("replica-2, {} and 2 more", NodeId(7)));
        let again = NodeId(0xabd);
        let started = Started { contact: Contact { id: again, ..started.contact }, ..started };
        picture.apply(&TraceRecord {
            node: again,
            at: 1,
            event: TraceEvent::Launcher(LauncherEvent::Started(started)),
        });
        assert_eq!(shown(&picture, both([id, again], 0)), "the former replica-2, replica-2");
        // What only looks like an id is none.
        assert_eq!(shown(&picture, id.into()), id.to_string());
        assert_eq!(shown(&picture, FieldValue::Nodes { first: Vec::new(), more: 0 }), "none");
    }

    #[test]
    fn fields_of_messages_are_told_in_words() {
        let said = [
            (FieldValue::NoneYet, "none yet"),
            (FieldValue::Is(true), "yes"),
            (FieldValue::Is(false), "no"),
            (FieldValue::Part(2, 5), "2 of 5"),
            (FieldValue::PartOf(2, OpNumber(40)), "2 of the state at 40"),
            (FieldValue::Told(Summary::Rejected), "rejected"),
            (FieldValue::Told(Summary::Expired), "expired: unknown"),
            (FieldValue::Orders(3, "M1 1AE".parse().unwrap()), "3 orders to M1 1AE"),
            (FieldValue::Waits(WaitReason::NobodyAnswers), "no postcode service answered"),
            (FieldValue::PreviousRequest, "the previous request"),
        ];
        for (value, words) in said {
            assert_eq!(field_value(&value, &Picture::default()), words);
        }
        assert_eq!(["late", "claimed", "view"].map(field_name), ["its loop late by", "answers a claim", "view"]);
    }

    #[test]
    fn speeds_say_what_a_hop_lasts() {
        assert_eq!([Rate::REAL, Rate(33_333), Rate(1_000)].map(rate), ["Real time", "1/30", "1/1000"]);
        assert_eq!(
            [0, 100_000, 300_003, 1_000_000, 3_000_300].map(hop_in_sight),
            ["no delay", "100 ms a hop", "300 ms a hop", "1 s a hop", "3 s a hop"]
        );
    }

    #[test]
    fn a_link_says_in_signs_what_it_does() {
        let rule = LinkRule { delay: Span::millis(200), loss: 125, ..LinkRule::default() };
        assert_eq!(link_signs(&rule), "+200 ms loses 12.5\u{a0}%");
        assert_eq!(links_between("a", "b", &LinkRule::CUT, &LinkRule::CUT), "a – b: cut, both ways");
    }
}
