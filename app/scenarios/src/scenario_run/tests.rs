//! The run on told facts and told time, before a load driver that only notes what it is told.

use std::cell::RefCell;
use std::rc::Rc;

use knowledge::user_command::LinkWay;
use protocol::ids::{Contact, NodeId, OrderNumber, RequestId, RequestNumber, View, ViewNumber};
use protocol::message::{Answer, Ask};
use protocol::order_book::Outcome as Became;
use protocol::trace::{Crowd, LinkRule, NodeState, Started};

use super::load_driver::Measures;
use super::*;
use crate::facts_for_tests::{Notes, noting, replica_state, started};
use crate::{Comparison, Conclusion, Counted, Met, parse};
use cluster::load::{Agreement, Counts};
use knowledge::verdict::{Judgement, Verdict};

struct Told {
    scenario_run: ScenarioRun,
    notes: Rc<RefCell<Notes>>,
    picture: Picture,
}

const ADA: CustomerId = CustomerId(7);

impl Told {
    /// Of one replica, which is a member.
    fn new(rest: &str) -> Self {
        let text = format!("title = \"x\"\nreplicas = 1\nseconds = 1\n{rest}");
        let (load_driver, notes) = noting();
        let scenario_run =
            ScenarioRun::open(ScriptRunner::new(parse(&text).unwrap(), 9), load_driver, true, Duration::ZERO);
        Self { scenario_run, notes, picture: Picture::default() }
    }

    fn fact(&mut self, node: u64, event: impl Into<TraceEvent>, ms: u64) {
        let record = TraceRecord { node: NodeId(node), at: ms * 1000, event: event.into() };
        self.scenario_run.learn(&record, &self.picture, Duration::from_millis(ms));
        self.picture.apply(&record);
    }

    fn serves(&mut self) {
        self.fact(1, LauncherEvent::Started(started(1)), 0);
        let state = replica_state(1, View::new(ViewNumber(1), NodeId(1), vec![NodeId(1)]));
        self.fact(1, NodeEvent::State(NodeState::Replica(Box::new(state))), 0);
    }

    fn says(&self, event: LoadEvent) {
        self.notes.borrow_mut().says.push(event);
    }

    fn heard(&self) -> Vec<LoadCommand> {
        std::mem::take(&mut self.notes.borrow_mut().heard)
    }

    fn at(&mut self, ms: u64) -> Vec<UserCommand> {
        self.picture.set_now(ms * 1000);
        self.scenario_run.go_on(&self.picture, Duration::from_millis(ms)).0
    }

    /// Up to the moment when customers have begun, at 2 s of the run's time.
    fn begins(&mut self) {
        self.serves();
        self.at(1_000);
        self.says(LoadEvent::Looked);
        self.at(1_500);
        self.at(1_600);
        self.says(LoadEvent::Here { begun: Duration::from_secs(2) });
        self.at(2_000);
        self.heard();
    }
}

fn finished() -> Finished {
    let verdict = Verdict { verdict: Judgement::Holds, ..Verdict::default() };
    Finished { counts: Counts { acknowledged: 1, ..Counts::default() }, verdict, agreement: Agreement::Equal }
}

#[test]
fn it_begins_step_by_step_and_what_is_asked_for_first_is_heard_first() {
    let mut told = Told::new("customers = 3\nplant = \"no-view-check\"\n");
    assert!(told.at(0).is_empty() && told.heard().is_empty(), "nobody serves");
    assert!(!told.scenario_run.takes_orders(), "what the cluster holds at first has not been looked at");
    told.serves();
    told.at(10);
    assert_eq!(told.heard(), [LoadCommand::Look]);
    told.says(LoadEvent::Looked);
    assert_eq!(told.at(20), [UserCommand::SetPlant { plant: Some(protocol::plant::Plant::NoViewCheck) }]);
    assert!(told.heard().is_empty(), "the injected bug is handed over before customers come");
    told.at(30);
    assert_eq!(told.heard(), [LoadCommand::Enter { customers: 3, seed: 9 }]);
    assert!(!told.scenario_run.takes_orders(), "nobody writes a history yet");
    told.says(LoadEvent::Here { begun: Duration::from_millis(40) });
    let crowd = Crowd { customers: 3, acknowledged: 5, ..Crowd::default() };
    told.says(LoadEvent::Crowd { first: NodeId(50), crowd });
    let (_, facts) = told.scenario_run.go_on(&told.picture, Duration::from_millis(50));
    assert!(
        matches!(&facts[..], [TraceRecord { node: NodeId(50), event: TraceEvent::Launcher(LauncherEvent::Crowd(told)), .. }] if *told == crowd)
    );
    assert!(matches!(told.scenario_run.phase(), Phase::Playing) && told.scenario_run.takes_orders());
}

#[test]
fn a_cluster_that_is_never_ready_fails() {
    let mut told = Told::new("customers = 1\n");
    told.at(19_999);
    assert!(matches!(told.scenario_run.phase(), Phase::Gathering(_)));
    told.at(20_000);
    assert!(matches!(told.scenario_run.phase(), Phase::Failed(Trouble::NotReady)));
}

#[test]
fn customers_with_a_name_stand_in_the_history_from_when_they_were_told() {
    let mut told = Told::new("customers = 1\n");
    told.begins();
    let postcode = "DH1 3LE".parse().unwrap();
    let name = "Ada".to_owned();
    told.fact(100, LauncherEvent::CustomerIs { customer: ADA, name, postcode, place: (0, 0) }, 2_010);
    let order = UserCommand::Customer(CustomerCommand::PlaceOrder {
        customer: ADA,
        postcode: "DH1 3LE".into(),
        items: Vec::new(),
    });
    told.scenario_run.asked_beside(&order, Duration::from_millis(2_100));
    let request = RequestId { customer: ADA, number: RequestNumber(1) };
    let ask = Ask::Order { postcode, items: Vec::new() };
    told.fact(100, NodeEvent::Asked { customer: ADA, request, ask: ask.clone() }, 2_300);
    assert_eq!(
        told.heard(),
        [LoadCommand::Asked { request, ask, at: Duration::from_millis(100) }],
        "not later than it did"
    );
    told.scenario_run.asked_beside(&order, Duration::from_millis(2_300));
    let (request, ask) = (RequestId { number: RequestNumber(2), ..request }, Ask::Withdraw);
    told.fact(100, NodeEvent::Asked { customer: ADA, request, ask: ask.clone() }, 2_400);
    let at = Duration::from_nanos(300_000_001);
    assert_eq!(told.heard(), [LoadCommand::Asked { request, ask, at }], "after what was known when it was asked for");
    told.at(3_100);
    assert!(told.heard().contains(&LoadCommand::Enough), "its time is over");
    told.at(3_200);
    assert_eq!(told.heard(), [LoadCommand::Close { at: Duration::from_millis(1_200) }]);
    let answer = Answer::Outcome(Became::Placed { number: OrderNumber(1) });
    told.fact(100, NodeEvent::Answered { request, answer: answer.clone(), took: 9 }, 3_300);
    let at = Duration::from_millis(1_300);
    assert_eq!(told.heard(), [LoadCommand::Answered { request, answer, at }], "late answers count, too");
    told.fact(100, LauncherEvent::Ended { how: protocol::trace::Ending::Removed, words: String::new() }, 3_400);
    assert_eq!(told.heard(), [LoadCommand::Gone { customer: ADA, at: Duration::from_millis(1_400) }]);
}

#[test]
fn whoever_was_told_to_ask_and_did_not_is_waited_for() {
    let mut told = Told::new("customers = 1\n");
    told.begins();
    told.scenario_run.asked_beside(
        &UserCommand::Customer(CustomerCommand::ReadHistory { customer: ADA, postcode: "X".into(), page: 0 }),
        Duration::from_secs(2),
    );
    told.at(3_100);
    told.heard();
    told.at(4_000);
    assert!(!told.heard().iter().any(|word| matches!(word, LoadCommand::Close { .. })));
    told.fact(0, LauncherEvent::CommandRefused { why: "no".into() }, 4_100);
    told.at(4_200);
    assert!(told.heard().iter().any(|word| matches!(word, LoadCommand::Close { .. })), "a refusal is an answer");
}

#[test]
fn a_refusal_of_something_else_does_not_make_an_order_later_than_it_was() {
    let mut told = Told::new("customers = 1\n");
    told.begins();
    let order = UserCommand::Customer(CustomerCommand::PlaceOrder {
        customer: ADA,
        postcode: "DH1 3LE".into(),
        items: Vec::new(),
    });
    let asked = |told: &mut Told, number, ms| {
        let request = RequestId { customer: ADA, number: RequestNumber(number) };
        told.fact(100, NodeEvent::Asked { customer: ADA, request, ask: Ask::Withdraw }, ms);
        match told.heard().pop() {
            Some(LoadCommand::Asked { at, .. }) => at,
            other => panic!("{other:?}"),
        }
    };
    told.scenario_run.asked_beside(&order, Duration::from_millis(2_100));
    told.fact(0, LauncherEvent::CommandRefused { why: "replica-3 is not running".into() }, 2_150);
    assert_eq!(asked(&mut told, 1, 2_200), Duration::from_millis(100));
    told.scenario_run.asked_beside(&order, Duration::from_millis(2_300));
    told.fact(0, LauncherEvent::CommandRefused { why: "it was that".into() }, 2_400);
    told.scenario_run.asked_beside(&order, Duration::from_millis(2_500));
    assert_eq!(asked(&mut told, 2, 2_600), Duration::from_millis(500), "what was refused did not happen");
}

#[test]
fn timers_are_counted_before_time_goes_on() {
    let mut told = Told::new(
        "customers = 1\n[[step]]\ndo = \"wait\"\nfor = \"a-while\"\nms = 500\n[[step]]\ndo = \"speed\"\nrate = 1.0\n",
    );
    told.begins();
    told.fact(0, LauncherEvent::ClockIs { rate: Rate::STOPPED, until: None }, 2_050);
    let rung = |number| LoadEvent::Measured(Measures { largest: 10, rung: vec![(NodeId(1), number)] });
    told.says(rung(3));
    assert!(told.at(2_100).is_empty());
    assert_eq!(told.heard(), [LoadCommand::Measure], "what was asked before it stopped says nothing");
    told.says(rung(4));
    assert!(told.at(2_200).is_empty());
    assert!(told.heard().is_empty());
    assert!(told.at(2_700).is_empty(), "not before it is known");
    assert!(told.heard().contains(&LoadCommand::Measure));
    assert!(told.at(2_750).is_empty());
    told.says(rung(6));
    assert_eq!(told.at(2_800), [UserCommand::SetRate { rate: Rate::REAL }]);
    assert_eq!((told.scenario_run.script_runner().findings().rung_while_stopped, told.scenario_run.largest()), (2, 10));
}

#[test]
fn a_person_who_lets_time_go_on_meanwhile_makes_no_timer_ring_while_it_stood_still() {
    let mut told = Told::new("customers = 1\n");
    told.begins();
    let rung = |number| LoadEvent::Measured(Measures { largest: 10, rung: vec![(NodeId(1), number)] });
    told.says(rung(3));
    for (ms, rate, number) in [(100, Rate::STOPPED, 4), (200, Rate::REAL, 50), (300, Rate::STOPPED, 90)] {
        told.fact(0, LauncherEvent::ClockIs { rate, until: None }, 2_000 + ms);
        told.at(2_010 + ms);
        told.says(rung(number));
        told.at(2_020 + ms);
    }
    told.at(3_100);
    told.says(rung(90));
    told.at(3_200);
    assert_eq!(told.scenario_run.script_runner().findings().rung_while_stopped, 0);
}

#[test]
fn what_breaks_down_while_everything_is_mended_is_mended_too() {
    let mut told = Told::new("customers = 1\n");
    told.begins();
    let actor = Actor::Role(Role::FrontEnd);
    let contact = Contact { id: NodeId(2), address: ([127, 0, 0, 1], 8).into() };
    told.fact(2, LauncherEvent::Started(Started { name: "front-end".into(), actor, pid: 2, contact }), 2_010);
    let restart = UserCommand::Restart { node: "front-end".into() };
    assert!(!told.at(3_100).contains(&restart), "it still seems to run");
    told.fact(2, LauncherEvent::Ended { how: protocol::trace::Ending::Crashed, words: String::new() }, 3_110);
    assert_eq!(told.at(3_120), [restart]);
    assert!(told.at(3_130).is_empty(), "once");
    told.heard();
    let contact = Contact { id: NodeId(3), ..contact };
    told.fact(3, LauncherEvent::Started(Started { name: "front-end".into(), actor, pid: 3, contact }), 3_200);
    told.at(3_210);
    assert_eq!(told.heard(), [LoadCommand::Close { at: Duration::from_millis(1_210) }], "not before it is back");
}

/// A person stops time during a lesson for as long as they like: nothing runs out meanwhile, and time stays as they left it.
#[test]
fn a_person_who_stops_time_stops_the_script_and_its_patience_and_nothing_lets_time_go_on() {
    let mut told = Told::new(
        "customers = 1\n[[step]]\ndo = \"wait\"\nfor = \"view-change\"\nwithin-ms = 10000\n[[step]]\nat-ms = 700\ndo = \"mend-all\"\n",
    );
    told.begins();
    told.at(2_500);
    let stop = UserCommand::SetRate { rate: Rate::STOPPED };
    told.scenario_run.asked_beside(&stop, Duration::from_millis(2_500));
    let stopped = |told: &mut Told, ms| told.scenario_run.go_on(&told.picture, Duration::from_millis(ms)).0;
    for ms in [10_000, 100_000, 1_000_000] {
        assert_eq!(stopped(&mut told, ms), [], "time stands still at {ms} ms");
    }
    assert!(told.scenario_run.script_runner().findings().stuck.is_none());
    told.scenario_run.asked_beside(&UserCommand::SetRate { rate: Rate(100_000) }, Duration::from_millis(1_000_000));
    // A tenth of real time, and the ten seconds are not over.
    told.picture.set_now(2_500_000 + 9_000_000);
    assert_eq!(stopped(&mut told, 1_090_000), []);
    assert!(told.scenario_run.script_runner().findings().stuck.is_none());
    told.picture.set_now(2_500_000 + 9_900_000);
    let ended = stopped(&mut told, 1_099_000);
    assert!(told.scenario_run.script_runner().findings().stuck.is_some(), "cluster time counts");
    let ended = [ended, stopped(&mut told, 1_099_100)].concat();
    assert!(ended.contains(&UserCommand::MendAll), "{ended:?}");
    assert!(
        !ended.iter().any(|command| matches!(command, UserCommand::SetRate { .. })),
        "the chosen speed stays: {ended:?}"
    );
}

#[test]
fn a_speed_that_the_script_chooses_is_the_scripts_again_and_ends_with_it() {
    let mut told = Told::new("customers = 1\n[[step]]\nat-ms = 500\ndo = \"speed\"\nrate = 0.1\n");
    told.begins();
    told.scenario_run.asked_beside(&UserCommand::SetRate { rate: Rate(500_000) }, Duration::from_millis(2_000));
    assert_eq!(told.scenario_run.chosen(), Some(Rate(500_000)));
    assert_eq!(told.at(2_600), [UserCommand::SetRate { rate: Rate(100_000) }]);
    assert_eq!(told.scenario_run.chosen(), None);
    told.fact(0, LauncherEvent::ClockIs { rate: Rate(100_000), until: None }, 2_650);
    assert!(told.at(3_100).contains(&UserCommand::SetRate { rate: Rate::REAL }));
}

#[test]
fn what_is_asked_to_end_is_judged_as_far_as_it_came() {
    let mut told = Told::new("customers = 1\n[expect]\nacknowledged = 9\nrecovers-within-ms = 10\n");
    told.begins();
    told.at(2_500);
    told.scenario_run.break_off(&told.picture, Duration::from_millis(2_600));
    assert!(told.at(2_610).contains(&UserCommand::MendAll));
    let heard = told.heard();
    assert!(heard.contains(&LoadCommand::Enough) && heard.contains(&LoadCommand::Hurry), "{heard:?}");
    let agreement = Agreement::Behind { caught_up: 0, replicas: 1 };
    told.says(LoadEvent::Over(Box::new(Finished { agreement, ..finished() })));
    told.at(2_700);
    let Phase::Over(outcome) = told.scenario_run.phase() else { panic!("{:?}", told.scenario_run.phase()) };
    assert_eq!(outcome.conclusion, Conclusion::Undecided, "{:?}", outcome.lines);
    let mut early = Told::new("customers = 1\n");
    early.at(10);
    early.scenario_run.break_off(&early.picture, Duration::from_millis(20));
    assert!(matches!(early.scenario_run.phase(), Phase::Failed(Trouble::BrokenOff)));
}

#[test]
fn its_end_is_judged() {
    let mut told = Told::new("customers = 1\n[expect]\nacknowledged = 1\nfailovers = 1\n");
    told.begins();
    assert!(told.at(3_100).contains(&UserCommand::MendAll));
    told.at(3_200);
    told.says(LoadEvent::Over(Box::new(finished())));
    told.at(3_300);
    let Phase::Over(outcome) = told.scenario_run.phase() else { panic!("{:?}", told.scenario_run.phase()) };
    assert_eq!(outcome.conclusion, Conclusion::TooLittleEvidence);
    let missing: Vec<_> =
        outcome.lines.iter().filter(|line| line.met == Met::TooLittle).map(|line| &line.what).collect();
    assert!(missing.contains(&&Comparison::AtLeast(Counted::Failovers, 1, 0)), "{missing:?}");
    assert_eq!(outcome.findings.lasted, Duration::from_millis(1_100));
}

#[test]
fn what_a_person_does_beside_the_script_counts_as_a_fault() {
    let mut told = Told::new("customers = 1\n");
    told.begins();
    let cut = |rule| UserCommand::SetLinks {
        links: vec![LinkWay { from: "replica-1".into(), to: "replica-2".into() }],
        rule,
    };
    for command in [
        UserCommand::Crash { node: "replica-1".into() },
        cut(LinkRule { hold: true, ..LinkRule::default() }),
        cut(LinkRule::default()),
        UserCommand::SetRate { rate: Rate::STOPPED },
        UserCommand::Restart { node: "replica-1".into() },
    ] {
        told.scenario_run.asked_beside(&command, Duration::from_millis(2_100));
    }
    let findings = told.scenario_run.script_runner().findings();
    let faults: Vec<_> = findings.faults.iter().map(|(kind, number)| (*kind, *number)).collect();
    assert_eq!(faults, [("crash", 1), ("hold", 1)], "mending is none, and how fast time goes is the reader's matter");
}
