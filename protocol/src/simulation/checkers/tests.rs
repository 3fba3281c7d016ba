//! The checkers must bite: each is shown something wrong.

use super::*;
use crate::ids::{CustomerId, FrontEndToken, RequestNumber, Span};
use crate::order_book::Outcome;
use crate::simulation::broken_rule::Rule;

fn view(number: u64, primary: u64, members: &[u64]) -> View {
    View {
        begins_at: None,
        number: ViewNumber(number),
        primary: NodeId(primary),
        members: members.iter().map(|id| NodeId(*id)).collect(),
    }
}

fn journal(token: u64, view: View) -> JournalRecord {
    JournalRecord { token: FrontEndToken(token), view }
}

#[test]
fn records_grow_by_one_and_only_by_who_is_in_sync() {
    let start = || {
        let mut checkers = Checkers::default();
        (0..4).for_each(|id| checkers.started(id, NodeId(id as u64)));
        checkers.journaled(&journal(1, view(1, 1, &[1])));
        assert_eq!(checkers.violation, None);
        checkers
    };
    for wrong in [view(3, 1, &[1]), view(2, 1, &[1, 2]), view(2, 2, &[1]), view(1, 1, &[1, 2])] {
        let mut checkers = start();
        checkers.journaled(&journal(1, wrong));
        assert_eq!(checkers.violation.map(|broken| broken.rule()), Some(Rule::I9));
    }
    let mut checkers = start();
    checkers.journaled(&journal(0, view(2, 1, &[1])));
    let broken = BrokenRule::TokenFell(FrontEndToken(0), FrontEndToken(1));
    assert_eq!(broken.to_string(), "I7: token 0 after 1");
    assert_eq!(checkers.violation, Some(broken));
}

#[test]
fn views_are_announced_after_they_are_on_disk() {
    let mut checkers = Checkers::default();
    checkers.started(0, NodeId(0));
    let announced =
        Message::ViewIs { view: view(1, 1, &[1]), joiners: Vec::new(), contacts: Vec::new(), patience: Span(0) };
    checkers.sent(0, Some(&JournalRecord::default()), &announced);
    assert_eq!(checkers.violation.map(|broken| broken.rule()), Some(Rule::R12));
}

#[test]
fn nobody_is_told_what_is_not_committed() {
    let mut checkers = Checkers::default();
    let request = RequestId { customer: CustomerId(1), number: RequestNumber(1) };
    checkers.asked(0, request, &Wish::GiveUp);
    checkers.customer_answered(1, request, &Answer::Outcome(Outcome::NeverPlaced));
    assert_eq!(checkers.violation.map(|broken| broken.rule()), Some(Rule::I1));
}
