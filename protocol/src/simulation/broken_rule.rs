//! What a checker found out: which rule does not hold, with the facts. The words are made here, and nothing reads them.

use std::fmt;

use crate::ids::{FrontEndToken, NodeId, OpNumber, OrderNumber, Position, RequestId, View, ViewNumber};
use crate::judge::Reason;
use crate::message::Message;
use crate::order_book::{EntryEffect, Outcome};
use crate::postcode::Postcode;

/// What must hold: an invariant or a rule of the specification, or what any program owes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "PROTOCOL.md states the invariants and rules under these names")]
pub enum Rule {
    I1,
    I2,
    I3,
    I4,
    I5,
    I6,
    I7,
    I8,
    I9,
    R2,
    R3,
    R5,
    R12,
    R14,
    /// A healed cluster serves, and is quiet.
    Liveness,
    /// A cluster that has lost all members of its view refuses (PROTOCOL section 10).
    AllLost,
    /// Only some roles send a message ([`Message::may_be_sent_by`]).
    Sender,
    /// A machine's own assertions hold.
    Assertion,
}

impl Rule {
    /// As it stands before a sentence; none where the sentence says all.
    fn name(self) -> Option<String> {
        match self {
            Rule::Liveness => Some("liveness".into()),
            Rule::AllLost => Some("PROTOCOL section 10".into()),
            Rule::Sender | Rule::Assertion => None,
            named => Some(format!("{named:?}")),
        }
    }
}

macro_rules! broken_rules {
    ($($rule:ident $name:ident($($fact:ident: $Type:ty),*) = $sentence:literal;)*) => {
        /// A rule that did not hold, with what was seen. Displayed as a sentence.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum BrokenRule {
            $(#[doc = $sentence] $name($($Type),*),)*
        }

        impl BrokenRule {
            /// Which rule it was.
            #[must_use]
            pub fn rule(&self) -> Rule {
                match self {
                    $(Self::$name(..) => Rule::$rule,)*
                }
            }
        }

        impl fmt::Display for BrokenRule {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                if let Some(rule) = self.rule().name() {
                    write!(f, "{rule}: ")?;
                }
                match self {
                    $(Self::$name($($fact),*) => write!(f, $sentence),)*
                }
            }
        }
    };
}

broken_rules! {
    // What customers are told.
    I1 NotItsHistory(request: RequestId) = "{request} is told a history it did not ask for";
    I1 ToldUncommitted(request: RequestId, outcome: Outcome) = "{request} is told {outcome:?}, which is not committed";
    I1 OrderedTooEarly(request: RequestId, op: OpNumber, answered: OpNumber) =
        "{request} is op {op}, but op {answered} was answered before it was asked";
    I1 SameNumber(one: RequestId, other: RequestId, number: OrderNumber) = "{one} and {other} are both number {number}";
    I1 StaleHistory(postcode: Postcode, orders: u64) =
        "a history of {postcode} has {orders} orders, without an order answered before the read began";
    I1 HistoriesDiffer(postcode: Postcode) = "two histories of {postcode} differ";
    I1 HistoriesContradict(postcode: Postcode, reason: Reason) = "the histories of {postcode} contradict each other: {reason:?}";
    I1 ShowsUncommitted(postcode: Postcode) = "a history of {postcode} shows what is not committed";
    I1 NumberedWrongly(expected: OrderNumber, request: RequestId, number: OrderNumber) =
        "order {expected} of {request} is numbered {number}";
    I6 AnsweredUncommitted(request: RequestId, outcome: Outcome) =
        "{request} is answered {outcome:?}, which is not committed";
    I7 AnsweredTwice(request: RequestId) = "{request} is answered twice";
    R14 CommitTooHigh(commit: OpNumber, newest: OpNumber) =
        "a customer is told of op {commit}, but {newest} is newest";

    // Histories.
    I2 CommitsDiffer(op: OpNumber) = "two commits of op {op} differ";
    I5 SecondHistory(at: Position) = "a second history begins, at {at}";
    I5 Gap(entry: OpNumber, before: OpNumber) = "entry {entry} was appended after {before}";
    I5 EntryOfAnotherView(view: ViewNumber, of: ViewNumber) =
        "a primary of view {view} appended an entry of view {of}";
    I5 TwoEntries(op: OpNumber, view: ViewNumber) = "two different entries of op {op} and view {view}";
    I5 TwoOrderBooks(op: OpNumber) = "two order books at op {op}";
    I5 BackupStandsApart(at: Position) = "a backup stands at {at}, where no primary ever stood";
    I5 EntriesLeadElsewhere(at: Position) = "{at} is not where a primary's own entries lead";
    I7 ExecutedAgain(request: RequestId, op: OpNumber) = "request {request} is executed again as op {op}";
    I7 ExecutedAfter(request: RequestId, later: RequestId) = "request {request} is executed after {later}";
    I7 GivenUpWrongly(request: RequestId, with: Box<Outcome>, truth: Box<Outcome>) =
        "{request} was given up with {with:?}, but it is {truth:?}";
    I7 OutcomeIsNotEffect(request: RequestId, outcome: Box<Outcome>, effect: Box<EntryEffect>) =
        "{request} is told {outcome:?}, but {effect:?}";
    R14 ExecutedExpired(request: RequestId, op: OpNumber) = "{request} was told to be expired, and is executed as op {op}";

    // Views, as they are recorded and announced.
    I7 TokenFell(token: FrontEndToken, before: FrontEndToken) = "token {token} after {before}";
    I9 DoesNotFollow(view: View, before: View) = "{view:?} was recorded after {before:?}";
    I9 UpdateUnrecorded(view: View) = "an update in {view:?}, never recorded";
    I9 EnteredUnrecorded(view: View) = "a replica is in {view:?}, which was never recorded";
    R12 AnnouncedUnrecorded(view: View) = "{view:?} is announced and was never recorded";
    R12 ToldUnjournaled(view: View, on_disk: View) = "{view:?} is told while {on_disk:?} is on disk";

    // What replicas are.
    I3 AblePrimaries(able: usize) = "{able} primaries could answer";
    I4 MemberLacks(member: NodeId, view: ViewNumber, op: OpNumber) =
        "{member}, member of view {view}, lacks op {op}, which was answered";
    I6 CommittedAhead(op: OpNumber, stands: OpNumber) = "op {op} is committed by a primary that stands at {stands}";
    I6 CommitFell(before: OpNumber, now: OpNumber) = "commit falls from {before} to {now}";
    I6 CommittedNotHeld(view: ViewNumber, op: OpNumber, replica: NodeId) =
        "view {view} commits op {op}, which {replica} does not hold";
    I7 ViewFell(before: ViewNumber, now: ViewNumber) = "a replica of view {before} goes back to view {now}";
    I8 NoHistory() = "a primary has no history";
    I8 PrimaryLacks(view: ViewNumber, op: OpNumber) = "the primary of view {view} lacks op {op}, answered before";
    I8 TakenInEarly(replica: NodeId, op: OpNumber) = "{replica} enters the ack set without op {op}";
    R2 EnteredAgain(view: ViewNumber) = "view {view} is entered again";
    R3 AckSetLacksMember() = "a new primary's ack set lacks a member";
    R5 AckSetShrinks(view: ViewNumber) = "the ack set of view {view} shrinks";
    Sender MayNotBeSent(message: Box<Message>) = "a role sent what it may not: {message:?}";
    Assertion AssertionFailed() = "a machine's own assertion failed";

    // After healing.
    Liveness NotInTime(demand: Demand, waiting: Vec<(RequestId, bool)>) =
        "not within two minutes: {demand}; waiting: {waiting:?}";
    Liveness StillChanges(before: u64, after: u64) =
        "the healed cluster still changes its view, from {before} to {after}";
    AllLost SomebodyLeads() = "all members were lost, yet a replica leads";
    AllLost FrontEndIsSilent() = "a front-end does not say whom it awaits";
}

impl serde::Serialize for BrokenRule {
    /// As the sentence: summaries are for people.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What a healed cluster must reach in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// No customer waits.
    Answers,
    /// One customer's read is answered.
    Read,
    /// All replicas are members, with the same history.
    InStep,
    /// The primary asks about no postcode of a customer that is gone.
    ChecksEnd,
    /// The operator's fresh start has begun.
    FreshStart,
}

impl fmt::Display for Demand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Demand::Answers => "every customer is answered",
            Demand::Read => "a history is read",
            Demand::InStep => "all replicas are members and stand at the same place",
            Demand::ChecksEnd => "no postcode is checked for customers that have left",
            Demand::FreshStart => "a new history begins",
        })
    }
}
