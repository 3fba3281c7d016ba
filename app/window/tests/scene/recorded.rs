//! A lesson that is recorded by clicks on told facts: an order and a crash, each with what follows it.
#![expect(clippy::unwrap_used, reason = "a scene that cannot be told must fail its test")]

use egui_kittest::kittest::Queryable;
use protocol::ids::{CustomerId, NodeId, OrderNumber, RequestId, RequestNumber};
use protocol::message::Answer;
use protocol::order_book::Outcome;
use protocol::trace::{LauncherEvent, MachineEvent, NodeEvent, Rate, Standing};

use crate::ended::three_members;
use crate::scene::{replica, view};
use crate::taught::Taught;

/// Grace is there, and nothing has been ordered.
pub fn settled(taught: &mut Taught) {
    for fact in three_members().facts {
        taught.fact(fact.node, fact.event);
    }
    let (customer, postcode) = (CustomerId(7), "NE1 7RU".parse().unwrap());
    taught.fact(NodeId(101), LauncherEvent::CustomerIs { customer, name: "Grace".into(), postcode, place: (0, 0) });
    taught.fact(NodeId(0), LauncherEvent::ClockIs { rate: Rate::REAL, until: None });
    taught.go_on();
}

pub fn begin(taught: &mut Taught) {
    for words in ["Menu", "Write a lesson", "Record a lesson"] {
        taught.click(words);
    }
    taught.go_on();
}

/// Grace orders and is told "placed"; the primary crashes, and the view changes.
pub fn order_and_crash(taught: &mut Taught) {
    taught.click("Pad thai, 0 chosen");
    taught.click("Place order · 1 item · £10.50");
    taught.go_on();
    let request = RequestId { customer: CustomerId(7), number: RequestNumber(1) };
    let answer = Answer::Outcome(Outcome::Placed { number: OrderNumber(41) });
    taught.fact(NodeId(101), NodeEvent::Answered { request, answer, took: 9 });
    taught.harness.state_mut().focus.select_node("replica-1");
    taught.harness.run_steps(2);
    taught.harness.key_press(egui::Key::C);
    taught.harness.run_steps(2);
    taught.go_on();
    let view = view(3, replica(2), &[replica(2), replica(3)]);
    taught.fact(replica(2), MachineEvent::Became { standing: Standing::Primary, view });
    taught.go_on();
}

/// The chip that says so is clicked.
pub fn stop(taught: &mut Taught, steps: &str) {
    taught.click(&format!("Recording a lesson · {steps} · Stop"));
    taught.harness.get_by_label("Title");
}
