//! What messages say, and why a machine does not act on one.

use std::borrow::Cow;

use protocol::message::{Summary, WaitReason};
use protocol::order_book::Outcome;
use protocol::trace::Refusal;

/// A message in a few words: "update 41".
pub fn label(summary: &Summary) -> Cow<'static, str> {
    Cow::Owned(match summary {
        Summary::Register(name) => format!("register {name}"),
        Summary::LookUp(role) => format!("look up {role}"),
        Summary::FoundOne(name) => format!("found {name}"),
        Summary::Found(0) => return "found none".into(),
        Summary::Found(number) => format!("found {number}"),
        Summary::ClaimFrontEnd => return "claim front-end".into(),
        Summary::ReadRecord => return "read record".into(),
        Summary::RecordView(view) => format!("record view {view}"),
        Summary::Record(view) => format!("record: view {view}"),
        Summary::ViewIs(view) => format!("view {view}"),
        Summary::Status(view) => format!("status, view {view}"),
        Summary::Order(postcode) => format!("order to {postcode}"),
        Summary::History(postcode) => format!("history of {postcode}?"),
        Summary::Withdraw => return "withdraw".into(),
        Summary::Update(first, last) if first == last => format!("update {first}"),
        Summary::Update(first, last) => format!("updates {first}–{last}"),
        Summary::Heartbeat => return "heartbeat".into(),
        Summary::Snapshot(part, of) => format!("snapshot {part}/{of}"),
        Summary::Ack(op) => format!("ack {op}"),
        Summary::AckPart(part) => format!("ack part {part}"),
        Summary::AckNothing => return "ack: nothing yet".into(),
        Summary::Placed(number) => format!("placed #{number}"),
        Summary::Rejected => return "rejected".into(),
        Summary::NeverPlaced => return "never placed".into(),
        Summary::Orders(1) => "1 order".into(),
        Summary::Orders(number) => format!("{number} orders"),
        Summary::Expired => return "expired".into(),
        Summary::Refused(view) => format!("refused: view {view}"),
        Summary::NotPrimary => return "not primary".into(),
        Summary::Busy => return "busy".into(),
        Summary::LookUpAgain => return "look up again".into(),
        Summary::Waiting(WaitReason::Asked) => return "waiting for its postcode".into(),
        Summary::Waiting(WaitReason::NobodyAnswers) => return "waiting: no postcode service".into(),
        Summary::DoesExist(postcode) => format!("GET {postcode}"),
        Summary::Exists => return "exists".into(),
        Summary::DoesNotExist => return "does not exist".into(),
        Summary::NobodyAnswers => return "no answer".into(),
        Summary::CopyOf(first) => format!("{} (copy)", label(first)),
        Summary::AsWritten(words) => words.to_string(),
    })
}

/// What became of an order, as briefly as a message says it: "placed #17".
pub fn told(outcome: &Outcome) -> Cow<'static, str> {
    label(&outcome.into())
}

/// Why a machine did not do what a message said.
pub fn refusal(why: &Refusal) -> String {
    let words = match why {
        Refusal::ViewIsOver { theirs, ours } => {
            return format!("refused: view {theirs} is over, this node is in view {ours}");
        }
        Refusal::DoesNotFit { from, ours: Some(ours) } => {
            return format!("not applied: it begins at {from}, but this node is at {ours}");
        }
        Refusal::DoesNotFit { from, ours: None } => {
            return format!("not applied: it begins at {from}, but this node has no history yet");
        }
        Refusal::NotPrimary => "refused: this node is not the primary",
        Refusal::StaleSnapshot => "dropped: this snapshot was made for another moment",
        Refusal::NumberUsed => "ignored: the customer has already sent a later request",
        Refusal::Expired => "not executed: the replicas have forgotten this customer",
        Refusal::RecordMovedOn => "not recorded: a newer view is recorded",
        Refusal::Retired => "refused: there is a newer front-end",
        Refusal::Busy => "refused: busy, try again later",
        Refusal::Oversized => "dropped: the order is too large",
    };
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::ids::{OpNumber, OrderNumber, Span};
    use protocol::order_book::Rejection;
    use protocol::postcode::PostcodeService;

    use crate::rejection;

    #[test]
    fn outcomes_and_rejections_are_told_in_words() {
        let by = PostcodeService::PostcodesIo;
        let postcode = Rejection::Postcode { why: "There is no such postcode.".into(), by };
        let unchecked = Rejection::Unchecked { waited: Span::millis(10_500) };
        let outcome = Outcome::Rejected { why: unchecked.clone() };
        assert_eq!(rejection(&postcode), "There is no such postcode.");
        assert!(rejection(&unchecked).contains("within 10 s"), "{}", rejection(&unchecked));
        assert_eq!(told(&outcome), "rejected");
        assert_eq!(told(&Outcome::Placed { number: OrderNumber(3) }), "placed #3");
        assert_eq!(told(&Outcome::NeverPlaced), "never placed");
    }

    #[test]
    fn messages_are_told_in_a_few_words() {
        let update = |first, last| label(&Summary::Update(OpNumber(first), OpNumber(last)));
        assert_eq!([update(41, 41), update(41, 43)], ["update 41", "updates 41–43"]);
        assert_eq!(label(&Summary::AckPart(u32::MAX)), format!("ack part {}", u32::MAX));
        assert_eq!(label(&Summary::CopyOf(Box::new(Summary::Withdraw))), "withdraw (copy)");
        assert_eq!(label(&Summary::AsWritten("update 7 (copy)".into())), "update 7 (copy)");
    }
}
