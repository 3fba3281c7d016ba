//! A lesson in the window, on told facts: what it and the reader ask for comes true at once, and a load driver judges at the end.
#![expect(clippy::unwrap_used, reason = "a scene that cannot be told must fail its test")]

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use cluster::load::{Agreement, Counts};
use egui::Key;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use knowledge::tape::Entry;
use knowledge::user_command::{CustomerCommand, UserCommand};
use knowledge::verdict::{Judgement, Verdict};
use protocol::ids::{CustomerId, NodeId, RequestId, RequestNumber};
use protocol::message::Ask;
use protocol::trace::{Ending, LauncherEvent, NodeEvent, TraceEvent, TraceRecord};
use scenarios::scenario_run::load_driver::{LoadCommand, LoadDriver, LoadEvent, Measures};
use scenarios::{Finished, parse_lesson};
use window::Window;

use crate::ended::three_members;

/// Four pages: one to read, one that waits for an order, one that asks, one to read.
pub const SMALL: &str = include_str!("small_lesson.md");

/// Does everything at once, and finds that every promise was kept.
#[derive(Clone, Default)]
struct Prompt(Rc<RefCell<Vec<LoadEvent>>>);

impl LoadDriver for Prompt {
    fn tell(&mut self, command: LoadCommand) {
        let event = match command {
            LoadCommand::Look => LoadEvent::Looked,
            LoadCommand::Enter { .. } => LoadEvent::Here { begun: Duration::ZERO },
            LoadCommand::Measure => LoadEvent::Measured(Measures::default()),
            LoadCommand::Close { .. } => {
                let verdict = Verdict { verdict: Judgement::Holds, acknowledged: 1, covered: 1, ..Verdict::default() };
                let counts = Counts { acknowledged: 1, ..Counts::default() };
                LoadEvent::Over(Box::new(Finished { counts, verdict, agreement: Agreement::Equal }))
            }
            LoadCommand::Fault { .. }
            | LoadCommand::Asked { .. }
            | LoadCommand::Answered { .. }
            | LoadCommand::Gone { .. }
            | LoadCommand::Enough
            | LoadCommand::Hurry => return,
        };
        self.0.borrow_mut().push(event);
    }

    fn events(&mut self) -> Vec<LoadEvent> {
        std::mem::take(&mut self.0.borrow_mut())
    }
}

/// A lesson and the window around it.
pub struct Taught {
    pub harness: Harness<'static, Window>,
    /// In milliseconds since the window opened, and of cluster time.
    pub now: u64,
    orders: u64,
}

impl Taught {
    /// In this window; nothing has been asked for.
    pub fn new(harness: Harness<'static, Window>) -> Self {
        Self { harness, now: 100, orders: 0 }
    }

    /// As if this file had been opened.
    pub fn open(&mut self, text: &str) {
        self.harness.state_mut().show_lesson("lesson.md".into(), parse_lesson(text).unwrap());
        self.harness.run_steps(3);
    }

    /// The cluster that the lesson wants runs: three replicas are members.
    pub fn begin(&mut self) {
        let now = Duration::from_millis(self.now);
        let window = self.harness.state_mut();
        let _ = window.play(now);
        window.take_beginning().unwrap();
        window.begin_again(now, Ok(Box::new(Prompt::default())));
        for fact in three_members().facts {
            self.fact(fact.node, fact.event);
        }
        self.go_on();
    }

    pub fn click(&mut self, label: &str) {
        self.harness.get_by_label(label).click();
        self.harness.run_steps(3);
    }

    /// A room raises its hands for A, B and C.
    pub fn vote(&mut self, hands: [u32; 3]) {
        let again = self.harness.query_by_label("In a room: count hands").is_none();
        self.click(if again { "Vote again" } else { "In a room: count hands" });
        for (letter, hands) in ["A", "B", "C"].into_iter().zip(hands) {
            let field = format!("hands for {letter}");
            self.harness.get_by_label(&field).focus();
            self.harness.run_steps(1);
            self.harness.get_by_label(&field).type_text(&hands.to_string());
            self.harness.run_steps(1);
            self.harness.key_press(Key::Enter);
            self.harness.run_steps(2);
        }
        self.click(&format!("Close the vote ({} hands)", hands.iter().sum::<u32>()));
        self.go_on();
    }

    pub fn fact(&mut self, node: NodeId, event: impl Into<TraceEvent>) {
        let record = TraceRecord { node, at: self.now * 1000, event: event.into() };
        let window = self.harness.state_mut();
        window.learn(&record, Duration::from_millis(self.now));
        window.take_in(Entry::Fact(record));
    }

    /// What was asked for comes true, and so does what follows from it.
    pub fn go_on(&mut self) {
        for _ in 0..20 {
            self.now += 20;
            let now = Duration::from_millis(self.now);
            let window = self.harness.state_mut();
            window.picture.set_now(self.now * 1000);
            let mut commands = window.hand_over(now.as_secs_f64());
            commands.extend(window.play(now));
            commands.into_iter().for_each(|command| self.comes_true(command));
        }
        self.harness.run_steps(3);
    }

    fn comes_true(&mut self, command: UserCommand) {
        match command {
            UserCommand::SetRate { rate } => {
                self.fact(NodeId(0), LauncherEvent::ClockIs { rate, until: None });
            }
            UserCommand::SetHop { hop } => {
                self.fact(NodeId(0), LauncherEvent::HopIs { hop: hop.map_or(0, |hop| hop.0) });
            }
            UserCommand::Crash { node } => {
                let id = self.harness.state().picture.nodes.get(&node).unwrap().id;
                self.fact(id, LauncherEvent::Ended { how: Ending::Crashed, words: "signal: 9".into() });
            }
            UserCommand::Customer(CustomerCommand::AddCustomer { name, postcode, place }) => {
                let name = name.unwrap_or_default();
                let customer = CustomerId(7);
                self.fact(NodeId(101), LauncherEvent::CustomerIs { customer, name, postcode, place });
            }
            UserCommand::Customer(CustomerCommand::PlaceOrder { customer, postcode, items }) => {
                self.orders += 1;
                let request = RequestId { customer, number: RequestNumber(self.orders) };
                let ask = Ask::Order { postcode: postcode.parse().unwrap(), items };
                self.fact(NodeId(101), NodeEvent::Asked { customer, request, ask });
            }
            _ => {}
        }
    }
}
