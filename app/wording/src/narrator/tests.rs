//! The narrator: one sentence for what belongs together, silence about routine, sums when much flows.

use protocol::acknowledge::Acknowledge;
use protocol::ids::{
    Contact, CustomerId, MessageId, NodeId, OpNumber, OrderNumber, RequestId, RequestNumber, Role, Span, View,
    ViewNumber,
};
use protocol::message::{Answer, Ask, Step, Summary};
use protocol::order_book::Outcome;
use protocol::plant::Plant;
use protocol::trace::{
    Actor, Crowd, Ending, LauncherEvent, LinkRule, MachineEvent, MessageFacts, NodeEvent, NodeState, Note, Rate,
    Refusal, ReplicaState, Sign, Standing, Started, TraceEvent, TraceRecord,
};

use super::*;

const FRONT_END: NodeId = NodeId(50);
const MURIEL: NodeId = NodeId(90);

/// Facts, and what is told of them.
#[derive(Default)]
struct Told {
    narrator: Narrator,
    sent: u64,
}

fn request(number: u64) -> RequestId {
    RequestId { customer: CustomerId(7), number: RequestNumber(number) }
}

fn ask() -> Ask {
    Ask::Order { postcode: "NE1 7RU".parse().unwrap(), items: vec!["Pad thai".into()] }
}

fn update(op: u64) -> Summary {
    Summary::Update(OpNumber(op), OpNumber(op))
}

impl Told {
    /// A front-end, replicas 1 to 3 with replica-1 as primary, and Muriel.
    fn running() -> Self {
        let mut told = Self::default();
        for (id, name, role) in [
            (FRONT_END, "front-end", Role::FrontEnd),
            (NodeId(1), "replica-1", Role::Replica),
            (NodeId(2), "replica-2", Role::Replica),
            (NodeId(3), "replica-3", Role::Replica),
        ] {
            let contact = Contact { id, address: "127.0.0.1:4000".parse().unwrap() };
            let started = Started { name: name.into(), actor: Actor::Role(role), pid: 7, contact };
            told.fact(id, 10, LauncherEvent::Started(started));
        }
        let postcode = "NE1 7RU".parse().unwrap();
        let is = LauncherEvent::CustomerIs { customer: CustomerId(7), name: "Muriel".into(), postcode, place: (0, 0) };
        told.fact(MURIEL, 11, is);
        told.leads(1, 12, 1);
        told.all();
        told
    }

    fn fact(&mut self, node: NodeId, at: u64, event: impl Into<TraceEvent>) {
        self.narrator.hear(&TraceRecord { node, at, event: event.into() });
    }

    fn leads(&mut self, replica: u64, at: u64, number: u64) {
        let members = (replica..=3).map(NodeId).collect();
        let view = View::new(ViewNumber(number), NodeId(replica), members);
        self.fact(NodeId(replica), at, MachineEvent::Became { standing: Standing::Primary, view });
    }

    fn sends(&mut self, from: u64, to: NodeId, step: u8, summary: Summary, at: u64) -> MessageId {
        self.sent += 1;
        let message = MessageId { from: NodeId(from), number: self.sent };
        let request = (step >= 9).then(|| request(1));
        let fields = Vec::new();
        let facts = MessageFacts { step: Some(Step(step)), summary, request, fields, delay: 0, held: false };
        self.fact(NodeId(from), at, NodeEvent::Sent { message, to, facts });
        message
    }

    /// Muriel's order reaches replica-1.
    fn order(&mut self, at: u64) {
        self.fact(MURIEL, at, NodeEvent::Asked { customer: CustomerId(7), request: request(1), ask: ask() });
        let passed = self.sends(FRONT_END.0, NodeId(1), 10, Summary::Order("NE1 7RU".parse().unwrap()), at + 10);
        self.fact(NodeId(1), at + 20, NodeEvent::Delivered { message: passed, refused: None });
        self.executes(1, 1, at + 20);
    }

    /// A replica makes Muriel's order an operation.
    fn executes(&mut self, replica: u64, op: u64, at: u64) {
        let (request, outcome) = (request(1), Summary::Placed(OrderNumber(1)));
        self.fact(NodeId(replica), at, MachineEvent::Noted(Note::Executed { request, op: OpNumber(op), outcome }));
    }

    fn all(&mut self) -> Vec<String> {
        self.narrator.tell_the_rest().into_iter().map(|sentence| sentence.numbered()).collect()
    }
}

#[test]
fn an_update_to_both_backups_is_one_sentence() {
    let mut told = Told::running();
    told.order(1_000);
    told.sends(1, NodeId(2), 5, update(1), 1_100);
    told.sends(1, NodeId(3), 5, update(1), 1_115);
    let sentences = told.narrator.tell_the_rest();
    let update: Vec<&Sentence> = sentences.iter().filter(|sentence| sentence.step == Some(5)).collect();
    let [update] = update[..] else { panic!("{sentences:?}") };
    assert_eq!(update.what, "The primary sends Muriel's order to both backups.");
    assert_eq!(update.means.as_deref(), Some("Muriel has not been told yet."));
    assert_eq!(update.numbered(), "Step 5: the primary sends Muriel's order to both backups.");
    // Both confirm: that is one sentence, too.
    for backup in [2, 3] {
        told.sends(backup, NodeId(1), 6, Summary::Ack(OpNumber(1)), 1_200);
    }
    told.fact(NodeId(1), 1_300, MachineEvent::Committed { op: OpNumber(1) });
    assert_eq!(told.all(), ["Step 6: both backups have confirmed Muriel's order."]);
}

#[test]
fn a_crash_between_two_updates_leaves_one_backup_told() {
    let mut told = Told::running();
    told.order(1_000);
    told.sends(1, NodeId(2), 5, update(1), 1_100);
    told.fact(NodeId(1), 1_101, LauncherEvent::Ended { how: Ending::Crashed, words: String::new() });
    let sentences = told.all();
    assert_eq!(
        sentences[1..],
        [
            "Step 5: the primary sends Muriel's order to replica-2.",
            "replica-1, the primary, has crashed.",
            "No backup has confirmed Muriel's order.",
        ]
    );
}

#[test]
fn where_fewer_copies_are_enough_no_backup_is_said_to_hold_every_answered_order() {
    let mut told = Told::running();
    told.narrator.known.recorded.insert(2);
    told.fact(NodeId(0), 900, LauncherEvent::AcknowledgeIs { acknowledge: Acknowledge::None });
    told.fact(NodeId(1), 1_000, LauncherEvent::Ended { how: Ending::Crashed, words: String::new() });
    told.leads(2, 2_000, 2);
    let sentences = told.narrator.tell_the_rest();
    let means =
        |what: &str| sentences.iter().find(|it| it.what.contains(what)).and_then(|it| it.means.clone()).unwrap();
    assert_eq!(means("before any backup holds the order"), crate::acknowledge_consequence(Acknowledge::None));
    assert!(means("replica-2 takes over").contains("had not reached it yet"), "{sentences:?}");
}

#[test]
fn facts_of_several_processes_are_told_in_the_order_of_their_time() {
    let mut told = Told::running();
    told.fact(
        FRONT_END,
        90_000,
        MachineEvent::Suspects {
            replica: NodeId(1),
            suspected: true,
            why: Some(Sign::Silent { silence: Span(80_000), late: Span(0) }),
        },
    );
    assert!(told.narrator.tell(100_000).is_empty(), "something of that time may still come");
    told.narrator.title("Then", 85_000);
    told.fact(NodeId(1), 80_000, NodeEvent::Froze { how: protocol::trace::Freezing::Cooperative });
    let whats: Vec<String> = told.narrator.tell(130_000).into_iter().map(|sentence| sentence.what).collect();
    let expected = [
        "replica-1, the primary, freezes.",
        "Then",
        "The front-end suspects replica-1: it has heard nothing for 0.08 s.",
    ];
    assert_eq!(whats, expected);
    // While time stands still, nothing more of that time comes.
    told.fact(NodeId(0), 130_001, LauncherEvent::ClockIs { rate: Rate::STOPPED, until: None });
    told.fact(NodeId(1), 130_001, NodeEvent::Woke);
    assert_eq!(told.narrator.tell(130_001).len(), 1);
}

#[test]
fn routine_is_not_told() {
    let mut told = Told::running();
    for round in 0..100 {
        let at = 1_000 + round * 50_000;
        told.sends(1, NodeId(2), 5, Summary::Heartbeat, at);
        told.sends(2, NodeId(1), 6, Summary::Ack(OpNumber(0)), at + 100);
        told.sends(1, NodeId(51), 1, Summary::Register("replica-1".into()), at + 200);
        told.fact(NodeId(1), at + 300, NodeEvent::Flow { sent: vec![(FRONT_END, 0, 2)] });
        told.sends(FRONT_END.0, NodeId(1), 4, Summary::ViewIs(ViewNumber(1)), at + 400);
    }
    assert_eq!(told.all().len(), 1, "only the first registration");
}

#[test]
fn many_orders_are_summed_once_a_second_and_faults_are_told_singly() {
    let mut told = Told::running();
    let mut sentences = Vec::new();
    for number in 0..900_u64 {
        let at = 1_000_000 + number * 10_000;
        let request = request(number);
        told.fact(MURIEL, at, NodeEvent::Asked { customer: CustomerId(7), request, ask: ask() });
        told.sends(MURIEL.0, FRONT_END, 9, Summary::Order("NE1 7RU".parse().unwrap()), at + 1);
        told.sends(1, NodeId(2), 5, update(number), at + 2);
        let answer = Answer::Outcome(Outcome::Placed { number: OrderNumber(number + 1) });
        told.fact(MURIEL, at + 3, NodeEvent::Answered { request, answer, took: 3 });
        if number == 450 {
            told.fact(NodeId(1), at + 4, LauncherEvent::Ended { how: Ending::Crashed, words: String::new() });
            told.leads(2, at + 240_004, 2);
        }
        sentences.extend(told.narrator.tell(at));
    }
    sentences.extend(told.narrator.tell_the_rest());
    let whats: Vec<&str> = sentences.iter().map(|sentence| sentence.what.as_str()).collect();
    let sums = whats.iter().filter(|what| what.contains("100 orders in the last second")).count();
    assert!((8..=9).contains(&sums), "{whats:?}");
    assert!(whats.contains(&"100 orders in the last second; replica-2 took over after 0.24 s."), "{whats:?}");
    assert!(whats.contains(&"replica-1, the primary, has crashed."), "{whats:?}");
    assert!(whats.iter().any(|what| what.starts_with("replica-2 takes over as the primary of view 2")), "{whats:?}");
    assert!(whats.len() < 45, "it speaks too much: {whats:?}");
}

#[test]
fn a_crowd_is_summed() {
    let mut told = Told::running();
    for tenth in 1..=30 {
        let crowd = Crowd { customers: 300, acknowledged: tenth * 31, ..Crowd::default() };
        told.fact(NodeId(500), tenth * 100_000, LauncherEvent::Crowd(crowd));
    }
    let sums = told.all();
    assert_eq!(sums.len(), 3, "{sums:?}");
    assert!(sums.iter().all(|sum| sum.ends_with(" orders in the last second.")), "{sums:?}");
}

#[test]
fn a_cut_is_told_by_its_sides() {
    let mut told = Told::running();
    let (one, other) = (["replica-1", "Muriel"], ["front-end", "replica-2", "replica-3", "name-server"]);
    for (from, to) in one.iter().flat_map(|from| other.iter().map(move |to| (from, to))) {
        for (from, to) in [(from, to), (to, from)] {
            let (from, to) = ((*from).to_owned(), (*to).to_owned());
            told.fact(NodeId(0), 1_000, LauncherEvent::LinkIs { from, to, rule: LinkRule::CUT });
        }
    }
    assert_eq!(told.all(), ["Muriel and replica-1 are cut off from the others."]);
}

#[test]
fn who_cannot_reach_whom_is_told_with_machines_until_it_is_over() {
    let mut told = Told::running();
    let (here, there) = (Some("ben-laptop".to_owned()), None);
    told.fact(NodeId(3), 1_000, LauncherEvent::CannotReach { peer: NodeId(2), here, there });
    let all = told.all();
    assert!(all.iter().any(|line| line.contains("replica-3 on ben-laptop cannot reach replica-2,")), "{all:?}");
    told.fact(NodeId(3), 900_000, LauncherEvent::CanReach { peer: NodeId(2) });
    let all = told.all();
    assert!(all.iter().any(|line| line.contains("replica-3 reaches replica-2 again.")), "{all:?}");
    // The end of one of them says enough.
    told.fact(NodeId(2), 2_000_000, LauncherEvent::Ended { how: Ending::Crashed, words: String::new() });
    told.fact(NodeId(3), 2_000_001, LauncherEvent::CanReach { peer: NodeId(2) });
    assert!(!told.all().iter().any(|line| line.contains("reaches")));
}

#[test]
fn a_weightier_sentence_stands_a_while_unless_time_does() {
    let mut transcript = Transcript::default();
    let at = |at| Sentence::step(at, 5, format!("step at {at}"));
    transcript.extend([at(1_000_000), Sentence::event(2_000_000, "a crash.".into()), at(2_100_000)]);
    let shown = |now, rate| transcript.shown(now, rate).map(|sentence| sentence.at);
    assert_eq!(shown(999_999, Rate::REAL), None);
    assert_eq!(shown(1_500_000, Rate::REAL), Some(1_000_000));
    assert_eq!(shown(2_100_000, Rate::REAL), Some(2_000_000), "the crash is not over for the eye");
    assert_eq!(shown(5_200_000, Rate::REAL), Some(2_100_000));
    assert_eq!(shown(2_100_000, Rate::STOPPED), Some(2_100_000));
    let text = transcript.text("A run");
    assert!(text.starts_with("# A run\n") && text.contains("- `2.000` A crash.\n"), "{text}");
}

/// The light of a slow motion is what a person looks at: words must not come seconds later.
#[test]
fn at_any_speed_a_sentence_comes_within_half_a_second() {
    for slower in [1, 10, 100, 1000] {
        let mut told = Told::running();
        let rate = Rate(Rate::REAL.0 / slower);
        told.fact(NodeId(0), 90_000, LauncherEvent::ClockIs { rate, until: None });
        told.order(100_000);
        for backup in [2, 3] {
            told.sends(1, NodeId(backup), 5, update(1), 100_000);
        }
        let half = |at: u64| at + 500_000 / u64::from(slower);
        assert!(told.narrator.tell(100_000).is_empty() || slower > 1, "what is missing may still come");
        let sentences = told.narrator.tell(half(100_000));
        assert!(sentences.iter().any(|it| it.step == Some(5)), "1/{slower}: {sentences:?}");
        let rule = LinkRule { hold: true, ..LinkRule::default() };
        let is = LauncherEvent::LinkIs { from: "replica-1".into(), to: "replica-2".into(), rule };
        told.fact(NodeId(0), 700_000, is);
        assert_eq!(told.narrator.tell(half(700_000)).len(), 1, "1/{slower}");
    }
}

#[test]
fn two_primaries_may_give_one_number_to_two_orders() {
    let mut told = Told::running();
    told.order(1_000);
    told.executes(1, 5, 1_000);
    let other = RequestId { customer: CustomerId(8), number: RequestNumber(1) };
    let outcome = Summary::Placed(OrderNumber(1));
    told.fact(NodeId(2), 1_001, MachineEvent::Noted(Note::Executed { request: other, op: OpNumber(5), outcome }));
    told.all();
    told.sends(1, NodeId(3), 5, update(5), 1_100);
    assert_eq!(told.all(), ["Step 5: the primary sends Muriel's order to replica-3."]);
}

#[test]
fn what_an_old_primary_sends_is_told_as_such_and_what_only_came_late_is_not_told() {
    let mut told = Told::running();
    told.order(1_000);
    told.leads(2, 2_000, 2);
    told.all();
    told.sends(1, NodeId(3), 5, update(1), 3_000);
    let sentences = told.narrator.tell_the_rest();
    assert_eq!(sentences[0].means.as_deref(), Some("But view 1 is over: replica-2 leads view 2."));
    let why = |theirs, ours| Refusal::ViewIsOver { theirs: ViewNumber(theirs), ours: ViewNumber(ours) };
    for node in [2, 3] {
        told.fact(NodeId(node), 3_100, MachineEvent::Refused { from: NodeId(1), why: why(1, 2) });
    }
    let refused = told.narrator.tell_the_rest();
    assert_eq!(refused.len(), 1, "one member says it for all: {refused:?}");
    assert!(refused[0].means.as_deref().unwrap().ends_with("can answer nobody."), "{refused:?}");
    told.leads(2, 4_000, 3);
    told.all();
    told.fact(NodeId(3), 4_100, MachineEvent::Refused { from: NodeId(2), why: why(2, 3) });
    assert!(told.all().is_empty(), "the primary sends it again in the new view");
}

#[test]
fn a_crash_says_who_holds_the_order_that_nobody_was_told_of() {
    for (confirmed, what) in [
        (false, "No backup has confirmed Muriel's order."),
        (true, "replica-2 holds Muriel's order, but Muriel has not been told."),
    ] {
        let mut told = Told::running();
        told.order(1_000);
        told.sends(1, NodeId(2), 5, update(1), 1_100);
        if confirmed {
            told.sends(2, NodeId(1), 6, Summary::Ack(OpNumber(1)), 1_200);
        }
        told.fact(NodeId(1), 1_300, LauncherEvent::Ended { how: Ending::Crashed, words: String::new() });
        assert_eq!(told.all().last().unwrap(), what);
    }
}

#[test]
fn a_read_that_cannot_be_answered_says_for_whom_it_waits() {
    let mut told = Told::running();
    let postcode = "NE1 7RU".parse().unwrap();
    let ask = Ask::History { postcode, page: 0 };
    told.fact(MURIEL, 1_000, NodeEvent::Asked { customer: CustomerId(7), request: request(1), ask });
    told.sends(FRONT_END.0, NodeId(1), 10, Summary::History("NE1 7RU".parse().unwrap()), 1_010);
    let is = LauncherEvent::LinkIs { from: "replica-1".into(), to: "replica-2".into(), rule: LinkRule::CUT };
    told.fact(NodeId(0), 1_015, is);
    told.sends(1, NodeId(2), 5, Summary::Heartbeat, 1_020);
    told.fact(NodeId(0), 600_000, LauncherEvent::HopIs { hop: 0 });
    let last = told.narrator.tell_the_rest().pop().unwrap();
    assert_eq!(last.what, "replica-1 cannot answer Muriel: it does not know from replica-2 whether it still leads.");
    assert!(last.means.unwrap().contains("is cut"));
}

/// A joiner's last confirmation may not have been shown; the rule says that it holds everything.
#[test]
fn a_replica_that_was_taken_in_holds_everything_unless_that_rule_is_off() {
    for (plant, what) in [(None, "holds everything now."), (Some(Plant::JoinerInEarly), "does not hold all")] {
        let mut told = Told::running();
        told.fact(NodeId(0), 900, LauncherEvent::PlantIs { plant });
        told.order(1_000);
        told.all();
        told.fact(NodeId(1), 2_000, MachineEvent::TookIn { replica: NodeId(3) });
        let sentences = told.all();
        assert!(sentences[0].contains(what), "{sentences:?}");
    }
}

/// Progress in bytes and seconds, once all of it is there; of a small state, nobody would read it.
#[test]
fn a_large_state_is_told_with_its_size_and_how_long_it_took() {
    for (bytes, words) in [
        (900_000, "replica-3 holds everything now."),
        (12_340_000, "replica-3 holds everything now: 12.3 MB came in 1.5 s."),
    ] {
        let mut told = Told::running();
        told.order(1_000);
        told.all();
        for (at, came) in [(500_000, 0), (1_700_000, bytes / 2)] {
            let state = ReplicaState { loading: Some((came, bytes)), ..ReplicaState::default() };
            told.fact(NodeId(3), at, NodeEvent::State(NodeState::Replica(Box::new(state))));
        }
        told.fact(NodeId(1), 2_000_000, MachineEvent::TookIn { replica: NodeId(3) });
        let sentences = told.all();
        assert!(sentences.iter().any(|it| it.starts_with(words)), "{sentences:?}");
    }
}

#[test]
fn what_is_sent_meanwhile_does_not_part_links_that_are_cut_together() {
    let mut told = Told::running();
    let pairs = [
        ("replica-1", "replica-2"),
        ("replica-2", "replica-1"),
        ("replica-1", "replica-3"),
        ("replica-3", "replica-1"),
    ];
    for (number, (from, to)) in pairs.into_iter().enumerate() {
        let at = 1_000 + 500 * number as u64;
        let (from, to) = (from.to_owned(), to.to_owned());
        told.fact(NodeId(0), at, LauncherEvent::LinkIs { from, to, rule: LinkRule::CUT });
        told.sends(2, NodeId(3), 5, Summary::Heartbeat, at + 1);
    }
    assert_eq!(told.all(), ["replica-1 is cut off from replica-2 and replica-3."]);
}
