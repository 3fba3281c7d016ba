//! Time, links and processes are steered as from the window: each command becomes a fact, or is refused with a sentence.

use std::time::{Duration, Instant};

use knowledge::user_command::{LinkWay, Until, UserCommand};
use protocol::ids::{MessageId, NodeId, Span};
use protocol::machine::Timer;
use protocol::message::Step;
use protocol::plant::Plant;
use protocol::trace::{
    Ending, Freezing, LauncherEvent, LinkRule, MachineEvent, MessageAct, NodeEvent, Rate, Standing, Stay, TraceEvent,
    TraceRecord,
};

use crate::program::PATIENCE;
use crate::scenario_run::{ScenarioRun, order};

fn way(from: &str, to: &str) -> LinkWay {
    LinkWay { from: from.into(), to: to.into() }
}

fn delivers(record: &TraceRecord, wanted: MessageId) -> bool {
    matches!(record.event, TraceEvent::Node(NodeEvent::Delivered { message, .. }) if message == wanted)
}

impl ScenarioRun {
    fn until_delivered(&mut self, message: MessageId) {
        self.until("its arrival", |record| delivers(record, message).then_some(()));
    }

    /// Waits until time has stopped so often since the facts were last forgotten.
    fn until_stopped(&mut self, times: usize) {
        let stopped = TraceEvent::Launcher(LauncherEvent::ClockIs { rate: Rate::STOPPED, until: None });
        self.until_all("a stop of time", |facts| {
            (facts.iter().filter(|record| record.event == stopped).count() == times).then_some(())
        });
    }

    fn stop_time(&mut self) {
        self.perform(UserCommand::SetRate { rate: Rate::STOPPED });
        self.until_fact(LauncherEvent::ClockIs { rate: Rate::STOPPED, until: None });
    }

    /// The message with this number that enters its link next.
    fn sent(&mut self, number: u8) -> (MessageId, NodeId) {
        self.until(&format!("[{number}]"), |record| match &record.event {
            TraceEvent::Node(NodeEvent::Sent { message, to, facts }) => {
                (facts.step == Some(Step(number))).then_some((*message, *to))
            }
            _ => None,
        })
    }

    fn restart(&mut self, node: &str) -> NodeId {
        self.ends(UserCommand::Crash { node: node.into() });
        self.perform(UserCommand::Restart { node: node.into() });
        self.until_started().1
    }
}

#[test]
fn a_hop_follows_the_rate_unless_it_is_set() {
    let mut scenario_run = ScenarioRun::open();
    let slow = Rate(10_000);
    scenario_run.perform(UserCommand::SetRate { rate: slow });
    scenario_run.until_fact(LauncherEvent::HopIs { hop: 10_000 });
    scenario_run.until_fact(LauncherEvent::ClockIs { rate: slow, until: None });
    scenario_run.perform(UserCommand::SetHop { hop: Some(Span::millis(25)) });
    scenario_run.until_fact(LauncherEvent::HopIs { hop: 25_000 });
    scenario_run.perform(UserCommand::SetRate { rate: Rate::REAL });
    scenario_run.until_fact(LauncherEvent::ClockIs { rate: Rate::REAL, until: None });
    let is_hop = |record: &TraceRecord| matches!(record.event, TraceEvent::Launcher(LauncherEvent::HopIs { .. }));
    assert!(!scenario_run.facts.iter().any(is_hop), "{:?}", scenario_run.facts);
    scenario_run.perform(UserCommand::SetHop { hop: None });
    scenario_run.until_fact(LauncherEvent::HopIs { hop: 0 });
}

#[test]
fn time_stops_by_itself_at_a_moment() {
    let mut scenario_run = ScenarioRun::open();
    scenario_run.stop_time();
    let wanted = scenario_run.cluster.now() + 5_000;
    scenario_run.perform(UserCommand::RunUntil { rate: Rate::REAL, until: Until::Moment(wanted) });
    scenario_run.until_fact(LauncherEvent::ClockIs { rate: Rate::REAL, until: Some(wanted) });
    let begun = Instant::now();
    while scenario_run.cluster.clock().rate() != Rate::STOPPED {
        // The question takes its time: longer than those five milliseconds.
        scenario_run.cluster.inquirer().status().unwrap();
        assert!(begun.elapsed() < PATIENCE, "it goes on for ever");
    }
    assert_eq!(scenario_run.cluster.now(), wanted);
}

#[test]
fn links_are_cut_and_mended_by_name() {
    let mut scenario_run = ScenarioRun::open();
    scenario_run.customer("Grace");
    let links = vec![way("replica-1", "replica-2"), way("Grace", "front-end"), way("replica-1", "postcodes.io")];
    scenario_run.perform(UserCommand::SetLinks { links: links.clone(), rule: LinkRule::CUT });
    for LinkWay { from, to } in &links {
        scenario_run.until_fact(LauncherEvent::LinkIs { from: from.clone(), to: to.clone(), rule: LinkRule::CUT });
    }
    assert_eq!(scenario_run.cluster.inquirer().steering().unwrap().links.len(), 3);
    scenario_run.perform(UserCommand::MendAll);
    for LinkWay { from, to } in links {
        scenario_run.until_fact(LauncherEvent::LinkIs { from, to, rule: LinkRule::default() });
    }
    assert!(scenario_run.cluster.inquirer().steering().unwrap().links.is_empty());
}

/// A link is held once its sender knows; one that stands still, or is dead, hears of it before it does anything else.
#[test]
fn no_frozen_or_dead_process_is_waited_for() {
    let mut scenario_run = ScenarioRun::open();
    scenario_run.perform(UserCommand::Freeze { node: "replica-2".into(), how: Freezing::Cooperative });
    scenario_run.until_fact(NodeEvent::Froze { how: Freezing::Cooperative });
    scenario_run.perform(UserCommand::Crash { node: "replica-3".into() });
    scenario_run.stop_time();
    let begun = Instant::now();
    for from in ["replica-1", "replica-2", "replica-3"] {
        let links = vec![way(from, "front-end")];
        scenario_run.perform(UserCommand::SetLinks { links, rule: LinkRule::CUT });
        let (from, to) = (from.to_owned(), "front-end".to_owned());
        scenario_run.until_fact(LauncherEvent::LinkIs { from, to, rule: LinkRule::CUT });
    }
    let plant = Some(Plant::NoViewCheck);
    scenario_run.perform(UserCommand::SetPlant { plant });
    scenario_run.until_fact(LauncherEvent::PlantIs { plant });
    // Each of the four would take that long if it waited for the one that does not answer.
    assert!(begun.elapsed() < Duration::from_secs(4 * 3), "{:?}", begun.elapsed());
}

#[test]
fn a_process_that_slept_through_a_change_of_speed_knows_what_time_it_is_when_it_wakes() {
    let mut scenario_run = ScenarioRun::open();
    let node = "replica-3".to_owned();
    let status = scenario_run.cluster.inquirer().status().unwrap();
    let id = status.iter().find(|it| it.name == node).unwrap().id;
    scenario_run.perform(UserCommand::Freeze { node: node.clone(), how: Freezing::Cooperative });
    scenario_run.until_fact(NodeEvent::Froze { how: Freezing::Cooperative });
    scenario_run.stop_time();
    scenario_run.perform(UserCommand::SetRate { rate: Rate::REAL });
    scenario_run.until("a suspicion", |record| {
        matches!(record.event, TraceEvent::Machine(MachineEvent::Suspects { replica, suspected: true, .. }) if replica == id)
            .then_some(())
    });
    let woken = scenario_run.cluster.now();
    scenario_run.perform(UserCommand::Wake { node });
    scenario_run.until_fact(NodeEvent::Woke);
    let at = scenario_run.until("what it believes", |record| {
        (record.node == id && matches!(record.event, TraceEvent::Node(NodeEvent::State(_)))).then_some(record.at)
    });
    assert!(at >= woken, "its clock went on from where it stood: {at} is before {woken}");
}

#[cfg(unix)]
#[test]
fn a_process_is_stopped_by_signal_and_goes_on() {
    let mut scenario_run = ScenarioRun::open();
    let node = "name-server".to_owned();
    scenario_run.perform(UserCommand::Freeze { node: node.clone(), how: Freezing::Signal });
    scenario_run.until_fact(NodeEvent::Froze { how: Freezing::Signal });
    let why = scenario_run.refusal(UserCommand::Freeze { node: node.clone(), how: Freezing::Cooperative });
    assert!(why.contains("is already frozen"), "{why}");
    let status = scenario_run.cluster.inquirer().status().unwrap();
    let frozen = status.iter().find(|it| it.name == node).unwrap();
    assert_eq!((frozen.frozen, frozen.usage.is_none()), (Some(Freezing::Signal), true));
    scenario_run.perform(UserCommand::Wake { node: node.clone() });
    scenario_run.until_fact(NodeEvent::Woke);
    let status = scenario_run.cluster.inquirer().status().unwrap();
    assert!(status.iter().any(|it| it.name == node && it.usage.is_some()), "{status:?}");
}

#[test]
fn a_process_freezes_by_itself_and_is_woken() {
    let mut scenario_run = ScenarioRun::open();
    let grace = scenario_run.customer("Grace");
    let node = "front-end".to_owned();
    let why = scenario_run.refusal(UserCommand::Wake { node: node.clone() });
    assert!(why.contains("is not frozen"), "{why}");
    scenario_run.perform(UserCommand::Freeze { node: node.clone(), how: Freezing::Cooperative });
    scenario_run.until_fact(NodeEvent::Froze { how: Freezing::Cooperative });
    scenario_run.perform(UserCommand::Wake { node: node.clone() });
    scenario_run.until_fact(NodeEvent::Woke);
    // Told one after the other, without waiting for a word.
    scenario_run.perform(UserCommand::Freeze { node: node.clone(), how: Freezing::Cooperative });
    scenario_run.cluster.perform(UserCommand::Wake { node: node.clone() });
    scenario_run.cluster.perform(order(grace, &["Pad thai"]));
    let request = scenario_run.asked();
    scenario_run.answer(request);
    let status = scenario_run.cluster.inquirer().status().unwrap();
    let it = status.iter().find(|it| it.name == node).unwrap();
    assert!(it.frozen.is_none() && it.usage.is_some(), "{it:?}");
}

#[test]
fn everything_crashes_at_once() {
    let mut scenario_run = ScenarioRun::open();
    scenario_run.primary();
    let status = scenario_run.cluster.inquirer().status().unwrap();
    let ids: Vec<(String, NodeId)> = status.into_iter().map(|node| (node.name, node.id)).collect();
    scenario_run.perform(UserCommand::CrashAll);
    for name in ["replica-1", "replica-2", "replica-3", "front-end", "name-server"] {
        let id = ids.iter().find(|(it, _)| it == name).map(|(_, id)| *id);
        scenario_run.until("its end", |record| {
            let crashed =
                matches!(record.event, TraceEvent::Launcher(LauncherEvent::Ended { how: Ending::Crashed, .. }));
            (crashed && Some(record.node) == id).then_some(())
        });
    }
    let why = scenario_run.refusal(UserCommand::CrashAll);
    assert!(why.contains("nothing to crash"), "{why}");
}

#[test]
fn a_plant_and_shown_heartbeats_are_facts() {
    let mut scenario_run = ScenarioRun::open();
    let plant = Some(Plant::NoViewCheck);
    scenario_run.perform(UserCommand::SetPlant { plant });
    scenario_run.until_fact(LauncherEvent::PlantIs { plant });
    assert_eq!(scenario_run.cluster.inquirer().steering().unwrap().plant, plant);
    scenario_run.perform(UserCommand::ShowHeartbeats { on: true });
    scenario_run.until_fact(LauncherEvent::HeartbeatsAre { shown: true });
}

#[test]
fn what_cannot_be_steered_is_refused() {
    let mut scenario_run = ScenarioRun::open();
    let nobody = NodeId(1);
    let message = MessageId { from: nobody, number: 1 };
    let cut = |from: &str| UserCommand::SetLinks { links: vec![way(from, "replica-1")], rule: LinkRule::CUT };
    let lossy = LinkRule { loss: 1001, ..LinkRule::default() };
    for (command, expected) in [
        (UserCommand::SetRate { rate: Rate(2_000_000) }, "from 1/1000 to real time"),
        (UserCommand::SetRate { rate: Rate(1) }, "from 1/1000 to real time"),
        (UserCommand::RunUntil { rate: Rate::STOPPED, until: Until::ViewChange }, "Choose a speed"),
        (UserCommand::SetHop { hop: Some(Span::millis(100_000)) }, "at most 60 s"),
        (cut("replica-9"), "no node or customer named “replica-9”"),
        (cut("\u{1b}[2J"), "“\\u{1b}[2J”"),
        (UserCommand::SetLinks { links: vec![way("replica-2", "replica-1")], rule: lossy }, "at most 1000 of 1000"),
        (UserCommand::Message { message, to: nobody, act: MessageAct::Drop }, "sender of this message has ended"),
        (UserCommand::Ring { node: nobody, timer: Timer::Heartbeat }, "has ended"),
        (UserCommand::Freeze { node: "postcodes.io".into(), how: Freezing::Cooperative }, "cannot freeze itself"),
        (UserCommand::Freeze { node: "replica-9".into(), how: Freezing::Signal }, "no node named"),
    ] {
        let why = scenario_run.refusal(command);
        assert!(why.contains(expected), "{expected}: {why}");
    }
    scenario_run.perform(UserCommand::Remove { node: "replica-3".into() });
    scenario_run.until_event("its end", |event| {
        matches!(event, TraceEvent::Launcher(LauncherEvent::Ended { how: Ending::Removed, .. }))
    });
    let why = scenario_run.refusal(UserCommand::Freeze { node: "replica-3".into(), how: Freezing::Signal });
    assert!(why.contains("is not running"), "{why}");
}

#[test]
fn a_held_message_stays_until_it_is_let_go() {
    let mut scenario_run = ScenarioRun::open();
    let grace = scenario_run.customer("Grace");
    scenario_run.primary();
    scenario_run.perform(UserCommand::SetRate { rate: Rate(100_000) });
    scenario_run.perform(order(grace, &["Pad thai"]));
    let request = scenario_run.asked();
    let (message, to) = scenario_run.sent(9);
    scenario_run.perform(UserCommand::Message { message, to, act: MessageAct::Hold });
    scenario_run.until_fact(NodeEvent::Stays { message, to, stay: Stay::Held });
    scenario_run.perform(UserCommand::Message { message, to, act: MessageAct::LetPast });
    scenario_run.until_delivered(message);
    let why = scenario_run.refusal(UserCommand::Message { message, to, act: MessageAct::Drop });
    assert!(why.contains("has already left its link"), "{why}");
    scenario_run.perform(UserCommand::SetRate { rate: Rate::REAL });
    scenario_run.answer(request);
}

#[test]
fn time_goes_on_until_the_next_numbered_step_and_stops() {
    let mut scenario_run = ScenarioRun::open();
    let grace = scenario_run.customer("Grace");
    scenario_run.primary();
    scenario_run.stop_time();
    scenario_run.perform(order(grace, &["Pad thai"]));
    let (message, _) = scenario_run.sent(7);
    // Other numbered messages may still be on their way, those of the last view for instance: time stops for each.
    // No fact is forgotten in between: what arrived together with another message may be reported after the stop.
    for stops in 1..=100 {
        scenario_run.cluster.perform(UserCommand::RunUntil { rate: Rate(100_000), until: Until::NumberedStep });
        scenario_run.until_stopped(stops);
        if scenario_run.facts.iter().any(|record| delivers(record, message)) {
            return;
        }
    }
    panic!("Time stopped a hundred times, and never for the customer's question: {:#?}", scenario_run.facts);
}

/// Nobody is asked for a timer, so the customer's is: the one that would send the order again.
#[test]
fn a_timer_is_let_ring_while_time_stands_still() {
    let mut scenario_run = ScenarioRun::open();
    let grace = scenario_run.customer("Grace");
    scenario_run.primary();
    scenario_run.stop_time();
    scenario_run.perform(order(grace, &["Pad thai"]));
    let (node, timer) = scenario_run.until("a timer", |record| match &record.event {
        TraceEvent::Node(NodeEvent::Timers { armed }) => {
            armed.iter().find(|(timer, _)| *timer == Timer::AskNameServer).map(|(timer, _)| (record.node, *timer))
        }
        _ => None,
    });
    scenario_run.perform(UserCommand::Ring { node, timer });
    scenario_run.until_fact(NodeEvent::Rang { timer });
}

/// Links go by name: a process that is started again finds them as they were left, and so do the others.
#[test]
fn links_outlive_the_processes_at_their_ends() {
    let mut scenario_run = ScenarioRun::open();
    scenario_run.primary();
    let links = ["name-server", "front-end", "replica-1", "replica-2"]
        .iter()
        .flat_map(|other| [way("replica-3", other), way(other, "replica-3")])
        .collect();
    scenario_run.perform(UserCommand::SetLinks { links, rule: LinkRule::CUT });
    let id = scenario_run.restart("replica-3");
    // It says what it is before it knows of any view, and cannot join; the others go on without it.
    scenario_run.until_event(
        "a view without it",
        |event| matches!(event, TraceEvent::Machine(MachineEvent::Became { view, .. }) if view.members.len() == 2),
    );
    assert!(!scenario_run.facts.iter().any(|record| {
        record.node == id
            && matches!(record.event, TraceEvent::Machine(MachineEvent::Became { standing: Standing::Backup, .. }))
    }));
    scenario_run.perform(UserCommand::MendAll);
    scenario_run.until("its return", |record| match &record.event {
        TraceEvent::Machine(MachineEvent::Became { standing: Standing::Backup, .. }) => {
            (record.node == id).then_some(())
        }
        _ => None,
    });
}

#[test]
fn a_restarted_replica_is_somebody_else_unless_that_mistake_is_planted() {
    let mut scenario_run = ScenarioRun::open();
    scenario_run.primary();
    let first = scenario_run.restart("replica-3");
    let second = scenario_run.restart("replica-3");
    assert_ne!(first, second);
    let plant = Some(Plant::RestartKeepsId);
    scenario_run.perform(UserCommand::SetPlant { plant });
    scenario_run.until_fact(LauncherEvent::PlantIs { plant });
    assert_eq!(scenario_run.restart("replica-3"), second);
}

#[test]
fn who_starts_while_time_stands_still_waits_like_all() {
    let mut scenario_run = ScenarioRun::open();
    scenario_run.primary();
    scenario_run.stop_time();
    let now = scenario_run.cluster.now();
    scenario_run.perform(UserCommand::AddReplica);
    let (_, id) = scenario_run.until_started();
    let (_, at) = scenario_run.until("its first word", |record| match record.event {
        TraceEvent::Node(NodeEvent::Sent { message, .. }) => (message.from == id).then_some((message, record.at)),
        _ => None,
    });
    assert_eq!((at, scenario_run.cluster.now()), (now, now), "it has the present clock, which stands still");
    scenario_run.perform(UserCommand::SetRate { rate: Rate::REAL });
    scenario_run.until("its view", |record| {
        let backup =
            matches!(record.event, TraceEvent::Machine(MachineEvent::Became { standing: Standing::Backup, .. }));
        (backup && record.node == id).then_some(())
    });
}
