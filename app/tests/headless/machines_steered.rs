//! A process on another machine is steered as one here: time, links, messages, timers, bombs; and what it says is on the tape and
//! in the verdict. The other “machine” is another agent. All waits are for facts.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Instant;

use cluster::ClusterOptions;
use cluster::machines::Invitation;
use knowledge::picture::Picture;
use knowledge::tape::{self, Entry, Tape};
use knowledge::user_command::{CustomerCommand, LinkWay, Until, UserCommand};
use protocol::ids::{CustomerId, NodeId, Role, Span};
use protocol::machine::Timer;
use protocol::message::{Answer, Step};
use protocol::trace::{
    Blast, Bomb, Ending, Failpoint, Freezing, LauncherEvent, LinkRule, MachineEvent, MessageAct, NodeEvent, Rate,
    Standing, Stay, TraceEvent, TraceRecord,
};

use super::machines::Machine;
use super::program::{PATIENCE, Talking, command};
use super::scenario_run::{ScenarioRun, order};

const THERE: &str = "replica-4";

/// A cluster, and everything that was seen of it.
struct Seen {
    run: ScenarioRun,
    all: Vec<TraceRecord>,
    grace: CustomerId,
}

impl Seen {
    /// Keeps what was seen, and asks for something.
    fn perform(&mut self, command: UserCommand) {
        self.run.facts.extend(self.run.cluster.take_facts());
        self.all.append(&mut self.run.facts);
        self.run.cluster.perform(command);
    }

    /// The message with this number that enters a link of `from` next.
    fn sent(&mut self, number: u8, from: NodeId) -> (protocol::ids::MessageId, NodeId) {
        self.run.until(&format!("[{number}]"), |record| match &record.event {
            TraceEvent::Node(NodeEvent::Sent { message, to, facts }) => {
                (message.from == from && facts.step == Some(Step(number))).then_some((*message, *to))
            }
            _ => None,
        })
    }

    fn is_answered(&mut self) {
        let request = self.run.asked();
        self.run.answer(request);
    }

    fn orders(&mut self, items: &[&str]) {
        let grace = self.grace;
        self.perform(order(grace, items));
    }

    fn rate(&mut self, rate: Rate) {
        self.perform(UserCommand::SetRate { rate });
        self.run.until_fact(LauncherEvent::ClockIs { rate, until: None });
    }

    /// That process is a backup from now on.
    fn is_backup(&mut self, id: NodeId) {
        self.run.until("a backup there", |record| match &record.event {
            TraceEvent::Machine(MachineEvent::Became { standing: Standing::Backup, .. }) => {
                (record.node == id).then_some(())
            }
            _ => None,
        });
    }
}

/// A cluster of two replicas and one on another machine, which is a member.
fn begun(on: impl FnOnce(Command) -> Command) -> (Seen, Machine, NodeId) {
    let program = env!("CARGO_BIN_EXE_just-hungry").into();
    let mut run = ScenarioRun::open_as(ClusterOptions { program, ..ClusterOptions::usual().unwrap() });
    let grace = run.customer("Grace");
    run.primary();
    let inquirer = run.cluster.inquirer();
    inquirer.admit_all(true).unwrap();
    let invitation = Invitation { role: Role::Replica, advertise: vec![[127, 0, 0, 1].into()] };
    let code = inquirer.invite(invitation).unwrap().to_string();
    let mut program = on(command(&["join", &code, "--name", "anna", "--json"]));
    program.stderr(Stdio::null());
    let machine = Machine(Talking::to(program));
    let id = run.until("its process", |record| match &record.event {
        TraceEvent::Launcher(LauncherEvent::RunsOn { machine }) if machine == "anna" => Some(record.node),
        _ => None,
    });
    let mut seen = Seen { run, all: Vec::new(), grace };
    seen.is_backup(id);
    (seen, machine, id)
}

#[test]
fn a_process_on_another_machine_is_steered_watched_and_judged() {
    let (mut seen, _machine, id) = begun(|program| program);

    let there = |record: &TraceRecord| record.node == id;
    steps(&mut seen, id);

    // Its acknowledgement of another order is held in its link there, then dropped: it is sent again, and the order is placed.
    seen.orders(&["Lemonade"]);
    let (message, to) = seen.sent(6, id);
    seen.perform(UserCommand::Message { message, to, act: MessageAct::Hold });
    seen.run.until_fact(NodeEvent::Stays { message, to, stay: Stay::Held });
    seen.perform(UserCommand::Message { message, to, act: MessageAct::Drop });
    seen.run.until("its loss", |record| match &record.event {
        TraceEvent::Node(NodeEvent::Lost { message: lost, .. }) => (*lost == message).then_some(()),
        _ => None,
    });
    seen.rate(Rate::REAL);
    seen.run.until_event("an answer", |event| matches!(event, TraceEvent::Node(NodeEvent::Answered { .. })));

    // Its link is slow: an acknowledgement stays in it that long. (Its heartbeats say the same meanwhile.)
    let way = LinkWay { from: THERE.into(), to: "replica-1".into() };
    let rule = LinkRule { delay: Span::millis(300), ..LinkRule::default() };
    seen.perform(UserCommand::SetLinks { links: vec![way.clone()], rule });
    seen.run.until_fact(LauncherEvent::LinkIs { from: way.from, to: way.to, rule });
    seen.orders(&["Pad thai"]);
    let delay = seen.run.until("its acknowledgement", |record| match &record.event {
        TraceEvent::Node(NodeEvent::Sent { message, facts, .. }) => {
            (message.from == id && facts.step == Some(Step(6))).then_some(facts.delay)
        }
        _ => None,
    });
    assert_eq!(delay, 300_000);
    seen.run.until_event("an answer", |event| matches!(event, TraceEvent::Node(NodeEvent::Answered { .. })));
    seen.perform(UserCommand::MendAll);

    rings_and_freezes(&mut seen, id);
    what_it_says_is_kept(&mut seen, id);

    // A bomb there goes off, and its process is killed.
    let bomb = Bomb { at: Failpoint::BackupApplied, blast: Blast::Crash };
    seen.perform(UserCommand::SetBomb { node: THERE.to_owned(), bomb: Some(bomb) });
    seen.run.until("the bomb", |record| {
        (there(record) && record.event == TraceEvent::Launcher(LauncherEvent::BombIs { bomb: Some(bomb) }))
            .then_some(())
    });
    seen.orders(&["Pad thai"]);
    seen.run.until("its end", |record| match &record.event {
        TraceEvent::Launcher(LauncherEvent::Ended { how: Ending::Crashed, .. }) => there(record).then_some(()),
        _ => None,
    });
    seen.is_answered();
}

/// Time goes on to the next numbered step, again and again, until one was taken there.
fn steps(seen: &mut Seen, id: NodeId) {
    seen.rate(Rate::STOPPED);
    seen.orders(&["Pad thai"]);
    let is_taken = |record: &TraceRecord| match &record.event {
        TraceEvent::Node(NodeEvent::Sent { facts, .. }) => record.node == id && facts.step == Some(Step(6)),
        _ => false,
    };
    let taken = (0..100).any(|_| {
        seen.perform(UserCommand::RunUntil { rate: Rate(100_000), until: Until::NumberedStep });
        seen.run.until_fact(LauncherEvent::ClockIs { rate: Rate::STOPPED, until: None });
        seen.all.iter().chain(&seen.run.facts).any(is_taken)
    });
    assert!(taken, "a hundred steps, and none of them there");
    seen.rate(Rate(100_000));
    seen.run.until_event("an answer", |event| matches!(event, TraceEvent::Node(NodeEvent::Answered { .. })));
}

/// A timer there rings by hand while time stands still; the process stands still, and goes on.
fn rings_and_freezes(seen: &mut Seen, id: NodeId) {
    let there = |record: &TraceRecord| record.node == id;
    seen.rate(Rate::STOPPED);
    let rung = |seen: &Seen| {
        let all = seen.run.cluster.inquirer().status().unwrap();
        all.iter().find(|node| node.id == id).and_then(|node| node.usage).map(|usage| usage.timers_rung)
    };
    let before = rung(seen).unwrap();
    seen.perform(UserCommand::Ring { node: id, timer: Timer::Heartbeat });
    let begun = Instant::now();
    while rung(seen) == Some(before) {
        assert!(begun.elapsed() < PATIENCE, "it does not ring");
    }
    assert_eq!(rung(seen), Some(before + 1), "this one, and no other");
    seen.rate(Rate::REAL);
    let node = || THERE.to_owned();
    seen.perform(UserCommand::Freeze { node: node(), how: Freezing::Cooperative });
    seen.run.until("its freezing", |record| {
        (there(record) && matches!(record.event, TraceEvent::Node(NodeEvent::Froze { .. }))).then_some(())
    });
    seen.perform(UserCommand::Wake { node: node() });
    seen.run.until("its waking", |record| {
        (there(record) && record.event == TraceEvent::Node(NodeEvent::Woke)).then_some(())
    });
}

/// What is believed there is in the picture beside the facts, everything comes back from a tape, and the judge is content.
fn what_it_says_is_kept(seen: &mut Seen, id: NodeId) {
    // It may have been left out meanwhile; it comes back.
    let grace = seen.grace;
    let read = CustomerCommand::ReadHistory { customer: grace, postcode: "NE1 7RU".into(), page: 0 };
    seen.perform(UserCommand::Customer(read));
    seen.run.until_event("a history", |event| {
        matches!(event, TraceEvent::Node(NodeEvent::Answered { answer: Answer::History(_), .. }))
    });
    seen.all.append(&mut seen.run.facts);
    let (mut recorded, mut picture) = (Tape::default(), Picture::default());
    for fact in seen.all.clone() {
        recorded.take_in(&mut picture, Entry::Fact(fact));
    }
    let shown = picture.nodes.get(THERE).unwrap();
    assert_eq!((shown.id, shown.machine.as_deref()), (id, Some("anna")));
    let believes = shown.replica().expect("what it believes");
    assert!(believes.view.members.contains(&id) && believes.orders.0 >= 3, "{believes:?}");
    let mut bytes = Vec::new();
    recorded.copy().write(&mut bytes).unwrap();
    let opened = tape::read(&bytes[..]).unwrap();
    assert_eq!((opened.notes, opened.tape.end()), (Vec::<String>::new(), recorded.end()));
    let acknowledges = |number: usize| match opened.tape.entry(number) {
        Some(Entry::Fact(TraceRecord { node, event: TraceEvent::Node(NodeEvent::Sent { facts, .. }), .. })) => {
            node == id && facts.step == Some(Step(6))
        }
        _ => false,
    };
    assert!((0..opened.tape.end()).any(acknowledges), "its acknowledgements are on the tape");
    let lights = opened.tape.message_index().judged().lights;
    assert!(lights.is_linearizable() && lights.acknowledged >= 3, "{lights:?}");
}

/// Where Debian has it: what it puts before a program's clock.
const FAKE_TIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";
/// In microseconds.
const MOST_OF_A_YEAR: i64 = 300 * 86_400 * 1_000_000;

#[test]
fn a_machine_whose_date_is_a_year_off_joins_and_nothing_is_out_of_order() {
    if !std::path::Path::new(FAKE_TIME).exists() {
        assert!(std::env::var_os("JUST_HUNGRY_CI").is_none(), "CI must have libfaketime");
        let _ = writeln!(std::io::stderr(), "skipped: {FAKE_TIME} is not installed");
        return;
    }
    for (lie, sign) in [("+1y", 1), ("-1y", -1)] {
        let liar = |mut program: Command| {
            program.env("LD_PRELOAD", FAKE_TIME).env("FAKETIME", lie).env("DONT_FAKE_MONOTONIC", "1");
            program
        };
        let (mut seen, _machine, id) = begun(liar);
        // Its certificates hold, it is a member, and it takes part in an order.
        let asked_at = seen.run.cluster.now();
        seen.orders(&["Pad thai"]);
        let (_, to) = seen.sent(6, id);
        assert_ne!(to, id);
        seen.is_answered();
        let now = seen.run.cluster.now();
        let of_it = seen.run.facts.iter().filter(|record| record.node == id);
        // What it saw lies between what was seen here, but for the few milliseconds that clocks differ.
        let late = |record: &&TraceRecord| !(asked_at.saturating_sub(200_000)..now + 200_000).contains(&record.at);
        assert_eq!(of_it.filter(late).count(), 0, "its cluster time is that of here");
        seen.rate(Rate::STOPPED);
        seen.rate(Rate::REAL);
        let ahead = loop {
            let machines = seen.run.cluster.inquirer().machines().unwrap();
            if let Some(clock) = machines.joined[0].clock {
                break clock.ahead;
            }
        };
        assert!(ahead * sign > MOST_OF_A_YEAR, "its date was wrong indeed: {ahead} µs");
    }
}
