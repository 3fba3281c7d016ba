//! Lessons on told facts and told time: pages that wait, predictions that come true or not, readers who act early, twice or not at all.

use std::cell::RefCell;
use std::rc::Rc;

use protocol::ids::{CustomerId, NodeId, OrderNumber, RequestId, RequestNumber, View, ViewNumber};
use protocol::message;
use protocol::order_book::Outcome;
use protocol::trace::{Ending, NodeEvent, NodeState};

use super::*;
use crate::facts_for_tests::{Notes, noting, replica_state, started};
use crate::scenario_run::load_driver::{LoadCommand, LoadEvent, Measures};
use crate::{WaitFor, parse_lesson};

const ADA: CustomerId = CustomerId(7);

/// A page to read, one that waits for an order and stops time, one that asks for a prediction, and a last one to read.
const LESSON: &str = "+++\ntitle = \"T\"\ngoal = \"G\"\nrule = \"R\"\nminutes = 3\nreplicas = 1\n[[step]]\ndo = \"customer\"\nname = \"Ada\"\n\
    postcode = \"DH1 3LE\"\n+++\n## Read\n\nWords.\n\n## Order\n\nWords.\n\n```toml\nstops = true\n[[until]]\nfor = \"asked\"\ncustomer = \"Ada\"\n[[do-it]]\n\
    do = \"order\"\ncustomer = \"Ada\"\nitems = [\"Pad thai\"]\n```\n\n## Predict\n\nWords.\n\n- **A** It ends.\n- **B** It lives.\n  > No.\n\nSo.\n\n```toml\n\
    [predict]\nmodel = \"A\"\n[[predict.then]]\ndo = \"crash\"\nnode = \"primary\"\n[[predict.right-if.A]]\nfor = \"ended\"\nnode = \"primary\"\n\
    [[predict.right-if.B]]\nfor = \"serving\"\n```\n\n## End\n\nWords.\n";

struct Told {
    lesson: LessonRun,
    notes: Rc<RefCell<Notes>>,
    picture: Picture,
    now: u64,
}

impl Told {
    /// Before its first page; one replica is a member.
    fn new(by_itself: usize) -> Self {
        Self::of(LESSON, by_itself)
    }

    fn of(text: &str, by_itself: usize) -> Self {
        let (load_driver, notes) = noting();
        let lesson = LessonRun::open(parse_lesson(text).unwrap(), load_driver, true, by_itself, Duration::ZERO);
        let mut told = Self { lesson, notes, picture: Picture::default(), now: 0 };
        told.fact(1, LauncherEvent::Started(started(1)));
        let state = replica_state(1, View::new(ViewNumber(1), NodeId(1), vec![NodeId(1)]));
        told.fact(1, NodeEvent::State(NodeState::Replica(Box::new(state))));
        told.go_on();
        told.says(LoadEvent::Looked);
        told.go_on();
        told.go_on();
        told.says(LoadEvent::Here { begun: Duration::ZERO });
        let postcode = "DH1 3LE".parse().unwrap();
        let mut appears = told.go_on();
        if by_itself > 0 {
            assert!(
                matches!(&appears[..], [UserCommand::SetHop { .. }]),
                "messages need time for their way: {appears:?}"
            );
            told.fact(0, LauncherEvent::HopIs { hop: 10_000 });
            appears = told.go_on();
        }
        assert!(matches!(&appears[..], [UserCommand::Customer(_)]), "{appears:?}");
        told.fact(100, LauncherEvent::CustomerIs { customer: ADA, name: "Ada".into(), postcode, place: (0, 0) });
        told.go_on();
        told
    }

    fn fact(&mut self, node: u64, event: impl Into<TraceEvent>) {
        let record = TraceRecord { node: NodeId(node), at: self.now * 1000, event: event.into() };
        self.lesson.learn(&record, &self.picture, Duration::from_millis(self.now));
        self.picture.apply(&record);
    }

    fn says(&self, event: LoadEvent) {
        self.notes.borrow_mut().says.push(event);
    }

    /// A little later; the load driver measures when it is told to.
    fn go_on(&mut self) -> Vec<UserCommand> {
        let mut all = Vec::new();
        for _ in 0..3 {
            self.now += 10;
            self.picture.set_now(self.now * 1000);
            all.extend(self.lesson.go_on(&self.picture, Duration::from_millis(self.now)).0);
            let mut notes = self.notes.borrow_mut();
            if notes.heard.last() == Some(&LoadCommand::Measure) {
                notes.heard.pop();
                notes.says.push(LoadEvent::Measured(Measures::default()));
            }
        }
        all
    }

    fn clock(&mut self, rate: Rate) {
        self.fact(0, LauncherEvent::ClockIs { rate, until: None });
    }

    fn orders(&mut self) {
        let ask = message::Ask::Order { postcode: "DH1 3LE".parse().unwrap(), items: vec!["Pad thai".into()] };
        let request = RequestId { customer: ADA, number: RequestNumber(1) };
        self.fact(100, NodeEvent::Asked { customer: ADA, request, ask });
    }

    fn progress(&self) -> (usize, Progress) {
        (self.lesson.at(), self.lesson.page(self.lesson.at()).map_or(Progress::Done, |(_, run)| run.progress))
    }

    fn next(&mut self) -> Vec<UserCommand> {
        self.lesson.next();
        self.go_on()
    }

    fn crashes(&mut self) {
        self.fact(1, LauncherEvent::Ended { how: Ending::Crashed, words: String::new() });
    }
}

#[test]
fn a_page_ends_when_the_reader_goes_on_or_when_it_is_done() {
    let mut told = Told::new(0);
    assert_eq!(told.progress(), (0, Progress::Open));
    told.next();
    assert_eq!(told.progress(), (1, Progress::Open));
    told.go_on();
    told.orders();
    let commands = told.go_on();
    assert_eq!(told.progress(), (1, Progress::Done), "it is not turned for the reader");
    assert_eq!(commands, [UserCommand::SetRate { rate: Rate::STOPPED }], "as the page says");
}

#[test]
fn what_was_done_early_counts_and_what_is_done_twice_does_no_harm() {
    let mut told = Told::new(0);
    told.orders();
    told.orders();
    told.next();
    assert_eq!(told.progress(), (1, Progress::Done));
}

#[test]
fn a_prediction_is_made_while_time_stands_still_and_the_facts_answer_it() {
    let mut told = Told::new(0);
    told.clock(Rate(100_000));
    told.orders();
    told.next();
    told.clock(Rate::STOPPED);
    let commands = told.next();
    assert_eq!(commands, [UserCommand::SetRate { rate: Rate::STOPPED }], "the world stands still");
    told.clock(Rate::STOPPED);
    told.go_on();
    told.lesson.answer(Some(Answer::Choice(1)));
    assert_eq!(told.go_on(), [UserCommand::Crash { node: "replica-1".into() }]);
    assert_eq!(told.progress(), (2, Progress::Happening));
    told.crashes();
    let rate = Rate(100_000);
    assert_eq!(told.go_on(), [UserCommand::SetRate { rate }], "time goes on as fast as the reader had chosen");
    told.clock(rate);
    told.go_on();
    assert_eq!(told.progress(), (2, Progress::Happening), "what nodes report of it may still be on its way");
    told.now += 300;
    told.go_on();
    assert_eq!(told.progress(), (2, Progress::Done));
    let revealed = told.lesson.revealed(2).unwrap();
    assert_eq!((revealed.fact, revealed.is_right()), (&Fact::Is(Answer::Choice(0)), Some(false)));
    told.lesson.answer(Some(Answer::Choice(0)));
    assert_eq!(told.lesson.revealed(2).unwrap().is_right(), Some(false), "nobody changes a prediction afterwards");
}

#[test]
fn what_a_page_changes_when_it_is_opened_comes_before_what_it_waits_for() {
    let goes = "[[until]]\nfor = \"goes\"";
    let before = "[[before]]\ndo = \"speed\"\nrate = 0\n";
    let mut told =
        Told::of(&LESSON.replace("[[until]]\nfor = \"asked\"\ncustomer = \"Ada\"", &format!("{before}{goes}")), 0);
    told.clock(Rate::REAL);
    let commands = told.next();
    assert_eq!(commands, [UserCommand::SetRate { rate: Rate::STOPPED }]);
    assert_eq!(told.progress(), (1, Progress::Open), "time went before the page stopped it");
    told.clock(Rate::STOPPED);
    told.go_on();
    assert_eq!(told.progress(), (1, Progress::Open));
    told.clock(Rate::REAL);
    told.go_on();
    assert_eq!(told.progress(), (1, Progress::Done));
}

#[test]
fn what_is_done_for_the_reader_may_hurry_and_leaves_the_speed_that_was_chosen() {
    let hurried = "[[do-it]]\ndo = \"speed\"\nrate = 1.0\n[[do-it]]\ndo = \"order\"";
    let text = LESSON.replace("[[do-it]]\ndo = \"order\"", hurried).replace("stops = true\n", "");
    let mut told = Told::of(&text, 0);
    let chosen = Rate(100_000);
    told.clock(chosen);
    told.next();
    told.lesson.do_it();
    assert_eq!(told.go_on(), [UserCommand::SetRate { rate: Rate::REAL }]);
    told.clock(Rate::REAL);
    told.go_on();
    told.orders();
    assert_eq!(told.go_on(), [UserCommand::SetRate { rate: chosen }]);
}

#[test]
fn a_reader_who_skips_a_page_is_not_stranded() {
    let mut told = Told::new(0);
    told.next();
    told.lesson.skip();
    let commands = told.go_on();
    let order = |command: &UserCommand| matches!(command, UserCommand::Customer(_));
    assert!(commands.iter().any(order), "what the page asks for is done, so that the story goes on: {commands:?}");
    assert_eq!(told.progress(), (1, Progress::Open), "it is not done yet");
    told.orders();
    for _ in 0..3 {
        told.go_on();
        told.clock(Rate::STOPPED);
    }
    assert_eq!(told.progress(), (2, Progress::Open));
    told.lesson.skip();
    assert_eq!(told.go_on(), [UserCommand::Crash { node: "replica-1".into() }], "what was to be predicted happens");
    told.lesson.next();
    assert_eq!(told.progress(), (2, Progress::Happening), "while it happens, nobody turns the page");
    told.crashes();
    told.go_on();
    told.clock(Rate::REAL);
    told.go_on();
    told.now += 300;
    told.go_on();
    told.go_on();
    assert_eq!(told.progress(), (3, Progress::Open));
}

#[test]
fn a_page_that_never_ends_is_left_by_skipping_it_twice() {
    let mut told = Told::new(0);
    told.next();
    told.lesson.skip();
    told.go_on();
    told.lesson.skip();
    assert_eq!(told.lesson.at(), 2);
}

#[test]
fn a_step_that_cannot_be_done_is_said_and_left_out() {
    let mut told = Told::new(0);
    told.next();
    told.fact(100, LauncherEvent::Ended { how: Ending::Crashed, words: String::new() });
    told.lesson.do_it();
    told.go_on();
    told.now += 6_000;
    told.go_on();
    told.next();
    assert_eq!(told.lesson.at(), 1, "Next leaves no page that waits");
    told.lesson.skip();
    told.go_on();
    assert_eq!(told.lesson.at(), 2, "the reader goes on");
}

#[test]
fn it_performs_itself_with_the_models_answers_and_is_judged() {
    let mut told = Told::new(4);
    let mut asked = Vec::new();
    for _ in 0..40 {
        for command in told.go_on() {
            match &command {
                UserCommand::SetRate { rate } => told.clock(*rate),
                UserCommand::Customer(_) => told.orders(),
                UserCommand::Crash { .. } => told.crashes(),
                _ => {}
            }
            asked.push(command);
        }
    }
    assert_eq!(told.lesson.revealed(2).and_then(|revealed| revealed.is_right()), Some(true));
    assert_eq!(told.lesson.at(), 4);
    assert!(told.notes.borrow().heard.contains(&LoadCommand::Enough), "it is judged: {asked:?}");
}

#[test]
fn what_a_customer_was_told_is_counted_from_the_prediction_on() {
    let mut told = Told::new(0);
    let placed = |told: &mut Told| {
        let answer = message::Answer::Outcome(Outcome::Placed { number: OrderNumber(1) });
        let request = RequestId { customer: ADA, number: RequestNumber(1) };
        told.fact(100, NodeEvent::Answered { request, answer, took: 5 });
    };
    placed(&mut told);
    let once = WaitFor::Placed { customer: "Ada".into(), count: 1 };
    assert!(told.lesson.run.script_runner().holds(&once, &told.picture));
    told.lesson.run.script_runner_mut().mark();
    assert!(!told.lesson.run.script_runner().holds(&once, &told.picture));
    placed(&mut told);
    placed(&mut told);
    let twice = WaitFor::Placed { customer: "Ada".into(), count: 2 };
    assert!(told.lesson.run.script_runner().holds(&twice, &told.picture));
}
