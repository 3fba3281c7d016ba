//! Sentences about time, links, bombs and messages that are steered.

use protocol::ids::NodeId;
use protocol::message::FieldValue;
use protocol::plant::Plant;
use protocol::trace::{Blast, Bomb, Crowd, Failpoint, Freezing, LinkRule, Rate};

use super::{duration, loss};
use knowledge::picture::{End, MessageInFlight, Picture};
use knowledge::user_command::Until;

/// The second line of a frozen node's card.
pub const FROZEN: &str = "frozen · it stands still";
/// Why the window says that time stands still.
pub const STOPPED_MEANS: &str = "Every clock and every link of the cluster stands still, so no time-out can fire. Space: go on. →: the next message.";
/// What Run does.
pub const RUN_MEANS: &str = "Time goes on at the chosen speed (Space).";
/// Explains the speeds.
pub const SPEED_MEANS: &str =
    "How fast cluster time goes: every timer and every link of the real processes (1 … 6, +, −).";
/// Explains a step.
pub const STEP_MEANS: &str = "Until the next message leaves its link, else until the next timer rings (→).";
/// Explains the step to a number.
pub const NUMBERED_MEANS: &str = "Until a message of one of the workflow’s steps has arrived (Shift →).";
/// Explains the step to a view change.
pub const VIEW_CHANGE_MEANS: &str = "Until a replica enters a newer view than any before (Ctrl →).";
/// What the line that is drawn does.
pub const CUT_HINT: &str = "Draw a line: every link that it crosses is cut, both ways · Esc: leave";
/// Explains cooperative freezing.
pub const FREEZE_MEANS: &str =
    "It stands still between two steps of its work, as a process does that gets no processor time.";
/// Explains freezing by the operating system.
pub const SIGSTOP_MEANS: &str = "The operating system stops it wherever it is (SIGSTOP); Wake lets it go on (SIGCONT).";
/// Explains the split brain.
pub const SPLIT_MEANS: &str = "It hears neither front-ends nor replicas and goes on believing that it leads, while the others choose another. Mend it, and watch it being refused.";
/// Explains cutting a node off.
pub const CUT_OFF_MEANS: &str = "All its links are cut, both ways: not even heartbeats pass.";
/// Explains a further front-end.
pub const ADD_FRONT_END_MEANS: &str = "It claims the newest token: from then on it alone can change the view, and the older one sends its customers there as soon as it is told. Cut the older one off from the name server first, and both believe that they are the one.";
/// Before every process is killed.
pub const CRASH_ALL_MEANS: &str = "All replicas, every front-end and the name server. Orders live in memory: without any member that lives, acknowledged orders are gone, and the front-end will say so.";
/// Before a mistake is made on purpose.
pub const CONSENT: &str = "This switches a mistake on in the real program. While it is on, orders that customers were told are placed may be lost, doubled or read wrongly. That is the lesson: a red mark stays on the window until it is switched off.";
/// Bombs that go off while a replica leads.
pub const BOMB_AS_PRIMARY: &str = "Bomb, as primary";
/// Bombs that go off while a replica follows.
pub const BOMB_AS_BACKUP: &str = "Bomb, as backup";
/// Bombs that go off while a replica joins.
pub const BOMB_AS_JOINER: &str = "Bomb, while joining";
/// Bombs of all others.
pub const BOMB: &str = "Bomb";
/// The mark of an unsafe lesson.
pub const UNSAFE_LESSON: &str = "Unsafe lesson";
/// What scenarios are.
pub const SCENARIOS_MEAN: &str = "Scripts of orders and faults. Each begins with a cluster of its own, which takes the place of the one that runs here; in the end a card tells what was expected and what was seen.";
/// A museum scenario without its mistake.
pub const WITHOUT_MEANS: &str = "The same script on the program as it is: every light stays green.";
/// A scenario that was opened and is not performed yet.
pub const SCENARIO_BEGINS: &str =
    "It begins with a cluster of its own, which takes the place of the one that runs here.";
/// What the museum is.
pub const MUSEUM_MEANS: &str = "The bug museum: each switch takes away one rule of the protocol. Its scenario turns a light red; without the plant the same scenario ends green.";
/// Explains heartbeats.
pub const HEARTBEATS_MEANS: &str =
    "Heartbeats and their like as messages of their own; else they are a quiet pulse on the lines.";

/// What stands on the canvas while time stands still.
#[must_use]
pub fn stopped(now: u64) -> String {
    format!("Time stands still at {} s · Space: go on · →: the next message", super::clock(now))
}

/// A scenario that waits for its replicas.
pub const PREPARING: &str = "The replicas that it needs become members…";
/// … in vain.
pub const NOT_READY: &str = "It did not begin: the replicas did not all become members in time. Mend links, wake and restart nodes, then try again.";

/// What customers do who are told of only together.
#[must_use]
pub fn crowd(crowd: &Crowd) -> String {
    let mut words = format!(
        "They order and read all the time, each one thing at a time; their messages are shown as flow. {} orders acknowledged, \
         {} refused, {} lists read.",
        crowd.acknowledged, crowd.refused, crowd.reads
    );
    if crowd.unknown > 0 {
        words += &format!(" Of {} orders nobody knows what became of them.", crowd.unknown);
    }
    words
}

/// How far a scenario is.
#[must_use]
pub fn next_step(number: Option<usize>, steps: usize, waits: bool) -> String {
    match number {
        None => "all steps are done, customers go on".into(),
        Some(number) if waits => format!("waits at step {number} of {steps}"),
        Some(number) => format!("step {number} of {steps} comes next"),
    }
}

/// Of somebody who believes nothing yet.
pub const NO_BELIEF: &str = "knows no view yet";

/// "1/100", "Real time".
#[must_use]
pub fn rate(rate: Rate) -> String {
    match rate {
        Rate::STOPPED => "stopped".into(),
        Rate::REAL => "Real time".into(),
        Rate(millionths) => format!("1/{}", (1e6 / f64::from(millionths)).round()),
    }
}

/// How long a hop is seen: "1 s a hop".
#[must_use]
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
#[must_use]
pub fn hop_choice(micros: Option<u64>) -> String {
    match micros {
        None => "as suits the speed (10 ms, none in real time)".into(),
        Some(0) => "as fast as it goes".into(),
        Some(micros) => format!("{} of cluster time", duration(micros)),
    }
}

/// What the window says while time goes towards something.
#[must_use]
pub fn until(until: Until) -> &'static str {
    match until {
        Until::Moment(_) => "until the next moment",
        Until::NumberedStep => "to the next numbered step",
        Until::ViewChange => "to the next view change",
    }
}

/// What a link does in a few signs: "+200 ms ±50 ms −10 %".
#[must_use]
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
#[must_use]
pub fn permille(of_a_thousand: u16) -> String {
    format!("{}\u{a0}%", f64::from(of_a_thousand) / 10.0)
}

/// What the two ways between two do, as sentences for the hover text.
#[must_use]
pub fn links_between(one: &str, other: &str, there: &LinkRule, back: &LinkRule) -> String {
    if there == back {
        return format!("{one} – {other}: {}, both ways", super::link(there).trim_start_matches("is "));
    }
    format!("{one} → {other}: {}\n{other} → {one}: {}", super::link(there), super::link(back))
}

/// Where a message is, and what became of it and why.
#[must_use]
pub fn whereabouts(flying: &MessageInFlight, picture: &Picture) -> String {
    let (from, to) = (picture.name(flying.id.from), picture.name(flying.to));
    let after = |at: u64| duration(at.saturating_sub(flying.sent));
    match &flying.end {
        None if flying.is_held() => format!("Held in the link from {from} to {to} until it is let go."),
        None => {
            let share = flying.progress(picture.now);
            if share < 1.0 {
                format!("In the link from {from} to {to}: {:.0}\u{a0}% of its way.", share * 100.0)
            } else {
                format!("It has left its link; {to} has not handled it yet.")
            }
        }
        Some((at, End::Delivered)) => format!("{to} handled it after {}.", after(*at)),
        Some((at, End::Refused(why))) => {
            format!("It reached {to} after {}, which did not do what it says: {why}.", after(*at))
        }
        Some((at, End::Lost(why))) => format!("Lost after {}: {}.", after(*at), loss(why)),
    }
}

/// The title of the question whether a mistake shall be made.
#[must_use]
pub fn plant_title(plant: Plant) -> String {
    format!("Make the mistake “{plant}” on purpose?")
}

/// What is so: who leads, which view is recorded, who is alive.
#[must_use]
pub fn truth(primary: Option<String>, view: Option<(u64, String)>, alive: &str) -> String {
    let primary = primary.unwrap_or_else(|| "nobody".into());
    let view = view.map_or_else(|| "no view".into(), |(number, members)| format!("view {number}: {members}"));
    format!("So it is: primary {primary} · {view} · alive {alive}")
}

/// How a process is frozen.
#[must_use]
pub fn frozen(how: Freezing) -> &'static str {
    match how {
        Freezing::Cooperative => "frozen: it stands still",
        Freezing::Signal => "frozen by the operating system",
    }
}

/// "crashes it when an order has arrived \[10\]".
#[must_use]
pub fn bomb(bomb: Bomb) -> String {
    format!("{} {}", blast(bomb.blast), failpoint(bomb.at))
}

/// What a bomb does.
#[must_use]
pub fn blast(blast: Blast) -> String {
    match blast {
        Blast::Crash => "crashes it".into(),
        Blast::Freeze { wakes_after: None } => "freezes it".into(),
        Blast::Freeze { wakes_after: Some(span) } => format!("freezes it for {}", duration(span.0)),
    }
}

/// A node as people call it; one that was started again since is "the former".
#[must_use]
pub fn name_now(id: NodeId, picture: &Picture) -> String {
    let Some(name) = picture.nodes.name_of(id) else { return id.to_string() };
    let again = picture.nodes.get(name).is_some_and(|node| node.id != id);
    if again { format!("the former {name}") } else { name.to_owned() }
}

/// What a field of a message holds.
#[must_use]
pub fn field_value(value: &FieldValue, picture: &Picture) -> String {
    match value {
        FieldValue::Words(words) => words.clone(),
        FieldValue::Nodes { first, .. } if first.is_empty() => "none".into(),
        FieldValue::Nodes { first, more } => {
            let names: Vec<_> = first.iter().map(|id| name_now(*id, picture)).collect();
            let more = if *more == 0 { String::new() } else { format!(" and {more} more") };
            names.join(", ") + &more
        }
    }
}

/// When a bomb goes off: "when an order has arrived \[10\]".
#[must_use]
pub fn failpoint(at: Failpoint) -> &'static str {
    match at {
        Failpoint::PrimaryReceived => "when an order has arrived [10]",
        Failpoint::PrimaryValidated => "when the postcode’s verdict is here [12]",
        Failpoint::PrimaryAssigned => "when the order has a number and nobody was told",
        Failpoint::PrimarySentToOne => "when one backup was told [5] and the others were not",
        Failpoint::PrimaryAllAcked => "when the last acknowledgement is here [6]",
        Failpoint::PrimaryCommitted => "when the order is committed and the reply was not sent",
        Failpoint::PrimaryReplied => "when the reply was sent [13]",
        Failpoint::BackupBeforeApply => "when a state update has arrived [5]",
        Failpoint::BackupApplied => "when an update is applied and not acknowledged",
        Failpoint::BackupAcked => "when an update is acknowledged [6]",
        Failpoint::FrontEndSuspected => "when a replica was silent too long",
        Failpoint::FrontEndSomeReports => "when one replica has reported after a suspicion",
        Failpoint::FrontEndAllReports => "when it knows enough for the next view and has not said so",
        Failpoint::FrontEndViewRecorded => "when the next view is recorded [3] and nobody was told",
        Failpoint::FrontEndNewviewToPrimaryOnly => "when only the new primary was told of its view [4]",
        Failpoint::FrontEndBeforeForward => "when a request has arrived [9] and was not forwarded",
        Failpoint::FrontEndReplyHeld => "when a reply has arrived [13] and was not passed on",
        Failpoint::NameServerBeforeJournal => "before a view is written down",
        Failpoint::NameServerTornJournal => "when half of a view is written down",
        Failpoint::NameServerJournaledNotAnswered => "when a view is written down and nobody was answered",
        Failpoint::NameServerCleaning => "when it is about to clean its registry",
        Failpoint::JoinerRegistered => "when it has registered [1]",
        Failpoint::JoinerMidSnapshot => "when a part of the snapshot is here and others are missing",
        Failpoint::JoinerSnapshotDone => "when the snapshot is installed and that was not said",
        Failpoint::JoinerInAckSet => "when it is needed for every answer and is no member yet",
        Failpoint::JoinerViewRecorded => "when it has become a member",
        Failpoint::CustomerBeforeSend => "before it asks [9]",
        Failpoint::CustomerSent => "when it has asked [9]",
        Failpoint::CustomerReplyUnseen => "when the reply has arrived [14] and nobody has seen it",
        Failpoint::SupervisorChildSpawnedUnregistered => "when a process was started and not written down",
        Failpoint::SupervisorMidShutdown => "while the processes are being ended",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::ids::{Contact, Role, Span};
    use protocol::trace::{Actor, Started, TraceEvent, TraceRecord};

    #[test]
    fn ids_of_nodes_become_names() {
        let mut picture = Picture::default();
        let id = NodeId(0xabc);
        let contact = Contact { id, address: "127.0.0.1:4000".parse().unwrap() };
        let started = Started { name: "replica-2".into(), actor: Actor::Role(Role::Replica), pid: 1, contact };
        picture.apply(&TraceRecord { node: id, at: 0, event: TraceEvent::Started(started.clone()) });
        let both = |first: [NodeId; 2], more| FieldValue::Nodes { first: first.to_vec(), more };
        let shown = |picture: &Picture, value| field_value(&value, picture);
        assert_eq!(shown(&picture, both([id, NodeId(7)], 2)), format!("replica-2, {} and 2 more", NodeId(7)));
        let again = NodeId(0xabd);
        let started = Started { contact: Contact { id: again, ..started.contact }, ..started };
        picture.apply(&TraceRecord { node: again, at: 1, event: TraceEvent::Started(started) });
        assert_eq!(shown(&picture, both([id, again], 0)), "the former replica-2, replica-2");
        // What only looks like an id is none.
        assert_eq!(shown(&picture, id.into()), id.to_string());
        assert_eq!(shown(&picture, FieldValue::Nodes { first: Vec::new(), more: 0 }), "none");
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
