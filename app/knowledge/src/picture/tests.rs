//! The fold, fact by fact.

mod held;

use protocol::acknowledge::Acknowledge;
use protocol::disk::DiskState;
use protocol::ids::{
    Contact, CustomerId, Fingerprint, MessageId, NodeId, OpNumber, OrderNumber, Position, RequestId, RequestNumber,
    Role, Span, View, ViewNumber,
};
use protocol::machine::Timer;
use protocol::message::{Answer, Ask, Step, Summary, WaitReason};
use protocol::order_book::Outcome;
use protocol::trace::{
    Actor, Crowd, Ending, Freezing, LauncherEvent, LinkRule, MachineEvent, MessageFacts, NoService, NodeEvent,
    NodeState, Rate, ReplicaState, Standing, Started, Stay, TraceEvent, TraceRecord,
};

use super::{Concern, Copies, End, MarkKind, Picture, Service};

const FIRST: NodeId = NodeId(11);
const SECOND: NodeId = NodeId(12);
const GRACE: NodeId = NodeId(50);

fn picture(facts: Vec<TraceRecord>) -> Picture {
    let mut picture = Picture::default();
    facts.iter().for_each(|fact| picture.apply(fact));
    picture
}

fn fact(node: NodeId, at: u64, event: impl Into<TraceEvent>) -> TraceRecord {
    TraceRecord { node, at, event: event.into() }
}

fn crashed(node: NodeId, at: u64) -> TraceRecord {
    fact(node, at, LauncherEvent::Ended { how: Ending::Crashed, words: String::new() })
}

fn started(name: &str, id: NodeId, role: Role) -> TraceRecord {
    let contact = Contact { id, address: "127.0.0.1:4000".parse().unwrap() };
    fact(id, 0, LauncherEvent::Started(Started { name: name.into(), actor: Actor::Role(role), pid: 7, contact }))
}

fn stands(id: NodeId, at: u64, primary: NodeId, op: u64, digest: u64) -> TraceRecord {
    let view = View::new(ViewNumber(2), primary, vec![FIRST, SECOND]);
    let standing = if id == primary { Standing::Primary } else { Standing::Backup };
    let state = ReplicaState {
        standing,
        view,
        acting: id == primary,
        position: Some(Position { op: OpNumber(op), fingerprint: Fingerprint(op) }),
        commit: OpNumber(op),
        ack_set: vec![FIRST, SECOND],
        orders: OrderNumber(op),
        postcodes: 3,
        sessions: 3,
        digest: Fingerprint(digest),
        ..ReplicaState::default()
    };
    fact(id, at, NodeEvent::State(NodeState::Replica(Box::new(state))))
}

fn two_replicas() -> Vec<TraceRecord> {
    vec![started("replica-1", FIRST, Role::Replica), started("replica-2", SECOND, Role::Replica)]
}

fn sent(number: u64, delay: u64, at: u64) -> TraceRecord {
    let facts = MessageFacts {
        step: Some(Step(5)),
        summary: Summary::Update(OpNumber(1), OpNumber(1)),
        request: None,
        fields: Vec::new(),
        delay,
        held: false,
    };
    let message = MessageId { from: FIRST, number };
    fact(FIRST, at, NodeEvent::Sent { message, to: SECOND, facts })
}

fn delivered(number: u64, at: u64) -> TraceRecord {
    fact(SECOND, at, NodeEvent::Delivered { message: MessageId { from: FIRST, number }, refused: None })
}

#[test]
fn a_message_is_where_its_delay_says() {
    let mut picture = picture(vec![sent(1, 1_000_000, 0)]);
    picture.set_now(250_000);
    assert!(picture.moves());
    assert_eq!(picture.traffic.flying().next().unwrap().progress(picture.now), 0.25);
    picture.apply(&delivered(1, 1_000_400));
    assert!(!picture.moves());
    assert_eq!(picture.traffic.passed().next().unwrap().end, Some((1_000_400, End::Delivered)));
}

#[test]
fn a_delivery_may_be_heard_of_before_its_sending() {
    let picture = picture(vec![delivered(1, 20), sent(1, 0, 10)]);
    assert_eq!(picture.traffic.flying().count(), 0);
    let flying = picture.traffic.passed().next().unwrap();
    assert_eq!((flying.sent, flying.end.clone()), (10, Some((20, End::Delivered))));
    assert_eq!(flying.glow(20, 100), Some(1.0));
    assert_eq!(flying.glow(120, 100), None);
}

#[test]
fn a_restarted_node_keeps_its_place_and_forgets_its_state() {
    let mut facts = two_replicas();
    facts.push(stands(FIRST, 1, FIRST, 3, 3));
    facts.push(crashed(FIRST, 3));
    let crashed = picture(facts.clone());
    assert!(!crashed.nodes.get("replica-1").unwrap().runs());
    facts.push(started("replica-1", NodeId(99), Role::Replica));
    let restarted = picture(facts);
    let node = restarted.nodes.get("replica-1").unwrap();
    assert!(node.runs() && node.state.is_none());
    let names: Vec<&str> = restarted.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["replica-1", "replica-2"]);
    assert_eq!(restarted.name(FIRST), "replica-1");
}

#[test]
fn a_state_may_be_heard_of_before_the_start() {
    let mut facts = vec![stands(FIRST, 1, FIRST, 3, 3)];
    facts.extend(two_replicas());
    assert!(picture(facts).nodes.get("replica-1").unwrap().leads());
}

#[test]
fn service_and_copies_follow_from_what_replicas_say() {
    let mut facts = two_replicas();
    assert_eq!(picture(facts.clone()).service(), Service::Starting);
    facts.extend([stands(FIRST, 1, FIRST, 3, 7), stands(SECOND, 1, FIRST, 2, 6)]);
    let behind = picture(facts.clone());
    assert_eq!(behind.service(), Service::Serving { view: 2, members: 2, in_step: 1 });
    assert_eq!(behind.stats.copies, Copies::CatchingUp);
    facts.push(stands(SECOND, 2, FIRST, 3, 7));
    assert_eq!(picture(facts.clone()).stats.copies, Copies::Identical);
    facts.push(stands(SECOND, 3, FIRST, 3, 8));
    assert_eq!(picture(facts).stats.copies, Copies::Differ);
}

#[test]
fn a_failover_lasts_until_the_successor_acts() {
    let mut facts = two_replicas();
    facts.extend([stands(FIRST, 1, FIRST, 3, 3), stands(SECOND, 1, FIRST, 3, 3)]);
    facts.push(crashed(FIRST, 1000));
    let view = View::new(ViewNumber(3), SECOND, vec![SECOND]);
    facts.push(fact(SECOND, 260_000, MachineEvent::Became { standing: Standing::Primary, view }));
    let picture = picture(facts);
    assert_eq!(picture.stats.failover, Some(259_000));
    assert_eq!(picture.service(), Service::Serving { view: 3, members: 1, in_step: 1 });
}

#[test]
fn a_service_that_is_not_quite_safe_says_why() {
    let mut facts = two_replicas();
    facts.push(started("front-end", NodeId(2), Role::FrontEnd));
    facts.extend([stands(FIRST, 1, FIRST, 3, 7), stands(SECOND, 1, FIRST, 3, 7)]);
    assert_eq!(picture(facts.clone()).concern(), None);
    let cut = |from: &str, to: &str| {
        let (from, to, rule) = (from.to_owned(), to.to_owned(), LinkRule::CUT);
        fact(FIRST, 3, LauncherEvent::LinkIs { from, to, rule })
    };
    let mut cut_off = facts.clone();
    cut_off.push(cut("replica-2", "replica-1"));
    assert_eq!(picture(cut_off.clone()).concern(), None, "nobody waits yet");
    cut_off.extend(grace_asked(1));
    let hangs = picture(cut_off).concern().unwrap();
    let [customer, from, to] = ["Grace", "replica-2", "replica-1"].map(str::to_owned);
    assert_eq!(hangs, Concern::Blocked { customer, from, to });
    let mut long = facts.clone();
    long.extend(grace_asked(1));
    assert_eq!(picture(long.clone()).concern(), None);
    long.push(fact(FIRST, 4_000_000, LauncherEvent::HopIs { hop: 0 }));
    assert!(matches!(picture(long.clone()).concern(), Some(Concern::Hangs { waited, .. }) if waited > 3_000_000));
    long.push(fact(FIRST, 4_000_000, LauncherEvent::HopIs { hop: 1_000_000 }));
    assert_eq!(picture(long).concern(), None, "at a second a hop that is no long time");
    facts.push(fact(SECOND, 5, NodeEvent::Froze { how: Freezing::Cooperative }));
    assert_eq!(picture(facts.clone()).concern(), Some(Concern::Silent(vec!["replica-2".into()])));
    let view = View::new(ViewNumber(3), FIRST, vec![FIRST]);
    let TraceRecord { event: TraceEvent::Node(NodeEvent::State(NodeState::Replica(state))), .. } =
        stands(FIRST, 6, FIRST, 3, 7)
    else {
        panic!("a replica stands")
    };
    let alone = ReplicaState { view, ack_set: vec![FIRST], ..*state };
    facts.push(fact(FIRST, 6, NodeEvent::State(NodeState::Replica(Box::new(alone)))));
    let left_out = picture(facts);
    assert_eq!(left_out.concern(), Some(Concern::NoCopy { last: "replica-1".into() }));
    assert!(left_out.is_left_out(left_out.nodes.get("replica-2").unwrap()));
    assert!(!left_out.is_left_out(left_out.nodes.get("replica-1").unwrap()));
}

fn order(number: u64) -> (RequestId, Ask) {
    let request = RequestId { customer: CustomerId(1), number: RequestNumber(number) };
    (request, Ask::Order { postcode: "NE1 7RU".parse().unwrap(), items: vec!["Pad thai".into()] })
}

fn grace_asked(number: u64) -> Vec<TraceRecord> {
    let postcode = "NE1 7RU".parse().unwrap();
    let is = LauncherEvent::CustomerIs { customer: CustomerId(1), name: "Grace".into(), postcode, place: (1, 2) };
    let (request, ask) = order(number);
    vec![fact(GRACE, 1, is), fact(GRACE, 2, NodeEvent::Asked { customer: CustomerId(1), request, ask })]
}

#[test]
fn a_receipt_tells_what_was_ordered() {
    let mut facts = grace_asked(1);
    let waiting = picture(facts.clone());
    assert!(waiting.customers.get(CustomerId(1)).unwrap().waiting.is_some());
    // The customer's state may be heard of before its answer.
    facts.push(fact(GRACE, 3, NodeEvent::State(NodeState::Customer { front_end: None, waiting: None, why: None })));
    let answer = Answer::Outcome(Outcome::Placed { number: OrderNumber(4) });
    facts.push(fact(GRACE, 3, NodeEvent::Answered { request: order(1).0, answer, took: 800 }));
    let picture = picture(facts);
    let grace = picture.customers.get(CustomerId(1)).unwrap();
    assert!(grace.waiting.is_none());
    assert_eq!(grace.receipts[0].items, ["Pad thai"]);
    assert_eq!((picture.stats.placed, picture.stats.percentile(50)), (1, Some(800)));
}

#[test]
fn an_order_that_waits_tells_why_and_since_when() {
    let mut facts = grace_asked(1);
    let says = |number: u64, why| {
        NodeEvent::State(NodeState::Customer {
            front_end: None,
            waiting: Some(order(number).0),
            why: Some((why, Span::millis(2_000))),
        })
    };
    let why = |facts: &[TraceRecord]| {
        let picture = picture(facts.to_vec());
        picture.customers.get(CustomerId(1)).unwrap().waiting.clone().unwrap().why
    };
    assert_eq!(why(&facts), None);
    facts.push(fact(GRACE, 5_000_000, says(1, WaitReason::NobodyAnswers)));
    let since_3_s = Some((WaitReason::NobodyAnswers, 3_000_000));
    assert_eq!(why(&facts), since_3_s);
    // Heard late: it began as early as was known before.
    facts.push(fact(GRACE, 6_000_000, says(1, WaitReason::NobodyAnswers)));
    assert_eq!(why(&facts), since_3_s);
    // What is said of another request says nothing of this one; nor does it while the order is being given up.
    facts.push(fact(GRACE, 7_000_000, says(2, WaitReason::NobodyAnswers)));
    assert_eq!(why(&facts), None);
    facts.push(fact(GRACE, 8_000_000, says(1, WaitReason::Asked)));
    assert_eq!(why(&facts), Some((WaitReason::Asked, 6_000_000)));
    let request = RequestId { customer: CustomerId(1), number: RequestNumber(2) };
    facts.push(fact(GRACE, 8_500_000, NodeEvent::Asked { customer: CustomerId(1), request, ask: Ask::Withdraw }));
    assert_eq!(why(&facts), None);
}

#[test]
fn a_given_up_order_has_one_receipt_under_its_own_number() {
    let mut facts = grace_asked(1);
    let request = RequestId { customer: CustomerId(1), number: RequestNumber(2) };
    facts.push(fact(GRACE, 3, NodeEvent::Asked { customer: CustomerId(1), request, ask: Ask::Withdraw }));
    assert!(picture(facts.clone()).customers.get(CustomerId(1)).unwrap().waiting.as_ref().unwrap().giving_up);
    let answer = Answer::Outcome(Outcome::NeverPlaced);
    facts.push(fact(GRACE, 4, NodeEvent::Answered { request, answer, took: 9 }));
    let picture = picture(facts);
    let grace = picture.customers.get(CustomerId(1)).unwrap();
    assert_eq!(grace.receipts.len(), 1);
    assert_eq!(grace.receipts[0].request, order(1).0);
    assert_eq!(picture.stats.never_placed, 1);
}

#[test]
fn an_acknowledged_order_that_the_primary_lacks_is_lost() {
    let mut facts = two_replicas();
    facts.push(stands(FIRST, 1, FIRST, 3, 3));
    facts.extend(grace_asked(1));
    let answer = Answer::Outcome(Outcome::Placed { number: OrderNumber(5) });
    facts.push(fact(GRACE, 10, NodeEvent::Answered { request: order(1).0, answer, took: 8 }));
    assert_eq!(picture(facts.clone()).stats.lost, 0, "the primary has not spoken since");
    facts.push(stands(FIRST, 20, FIRST, 3, 3));
    assert_eq!(picture(facts).stats.lost, 2);
}

#[test]
fn answered_orders_that_the_next_primary_may_lack_are_at_risk_until_they_are_lost() {
    let answered = |number: u64| {
        let answer = Answer::Outcome(Outcome::Placed { number: OrderNumber(number) });
        fact(GRACE, 20, NodeEvent::Answered { request: order(1).0, answer, took: 5 })
    };
    let mut picture = picture(two_replicas());
    assert_eq!(picture.at_risk(), None, "there is no view");
    let mut tell = |facts: &[TraceRecord]| {
        facts.iter().for_each(|fact| picture.apply(fact));
        (picture.at_risk(), picture.stats.lost)
    };
    assert_eq!(tell(&[stands(FIRST, 10, FIRST, 5, 5), stands(SECOND, 10, FIRST, 2, 2)]), (Some(0), 0));
    assert_eq!(tell(&[answered(5)]), (Some(3), 0), "5 are answered, and the backup holds 2");
    assert_eq!(tell(&[stands(SECOND, 30, FIRST, 4, 4)]), (Some(1), 0));
    assert_eq!(tell(&[crashed(FIRST, 40)]), (Some(1), 0), "nobody leads yet");
    assert_eq!(tell(&[stands(SECOND, 50, SECOND, 4, 4)]), (None, 1), "what was at risk is lost");
}

#[test]
fn an_answer_that_needs_no_copy_of_a_backup_is_not_stuck_because_of_its_link() {
    let mut facts = two_replicas();
    facts.extend([stands(FIRST, 10, FIRST, 5, 5), stands(SECOND, 10, FIRST, 5, 5)]);
    facts.extend(grace_asked(1));
    let (from, to) = ("replica-1".to_owned(), "replica-2".to_owned());
    facts.push(fact(NodeId(0), 20, LauncherEvent::LinkIs { from, to, rule: LinkRule::CUT }));
    assert!(matches!(picture(facts.clone()).concern(), Some(Concern::Blocked { .. })));
    facts.push(fact(NodeId(0), 20, LauncherEvent::AcknowledgeIs { acknowledge: Acknowledge::None }));
    assert_eq!(picture(facts).concern(), None);
}

#[test]
fn memory_is_bounded() {
    let mut facts = two_replicas();
    for number in 0..20_000 {
        facts.push(sent(number, 5, number));
        if number % 2 == 0 {
            facts.push(delivered(number, number + 1));
        }
    }
    let mut picture = picture(facts);
    assert!(picture.traffic.flying().count() <= 4096 && picture.traffic.passed().count() <= 3000);
    assert!(picture.log.lines().len() <= 5000);
    picture.set_now(60_000_000);
    assert_eq!(picture.traffic.flying().count(), 0);
}

#[test]
fn a_verdict_is_remembered_with_the_postcode_that_was_asked_about() {
    let message = MessageId { from: FIRST, number: 5 };
    let (postcode, request) = ("NE1 7RU".parse().unwrap(), order(1).0);
    let service = protocol::postcode::PostcodeService::PostcodesIo;
    let asked = NodeEvent::PostcodeAsked { message, to: NodeId(3), service, postcode, request };
    let verdict = protocol::postcode::Verdict::Valid { place: None, by: service };
    let answered = NodeEvent::PostcodeAnswered { message, from: NodeId(3), verdict: verdict.clone(), took: 9 };
    let picture = picture(vec![fact(FIRST, 1_000, asked), fact(FIRST, 1_210, answered)]);
    assert_eq!(picture.verdict(postcode), Some(&verdict));
}

#[test]
fn what_is_in_the_links_of_a_crashed_sender_is_lost_with_it() {
    let mut facts = two_replicas();
    facts.extend([sent(1, 0, 900), sent(2, 1000, 500), crashed(FIRST, 1000)]);
    let picture = picture(facts);
    let flying: Vec<_> = picture.traffic.flying().map(|flying| flying.id.number).collect();
    assert_eq!(flying, [1], "what has left the link may still arrive");
    let end = picture.traffic.passed().next().and_then(|flying| flying.end.clone());
    assert!(matches!(end, Some((1000, End::Lost(_)))), "{end:?}");
}

#[test]
fn the_message_that_leaves_next_is_neither_held_nor_gone() {
    let held = NodeEvent::Stays { message: MessageId { from: FIRST, number: 1 }, to: SECOND, stay: Stay::Held };
    let facts = vec![sent(1, 100, 0), sent(2, 300, 0), sent(3, 200, 0), sent(4, 20, 0), fact(FIRST, 50, held)];
    let mut picture = picture(facts);
    assert_eq!(picture.next_due().map(|(until, flying)| (until, flying.id.number)), Some((200, 3)));
    assert_eq!(picture.traffic.next_due(250).map(|flying| flying.id.number), Some(2));
    assert!(picture.traffic.next_due(300).is_none());
    picture.set_now(400_000_000);
    assert_eq!(
        picture.traffic.flying().map(|flying| (flying.id.number, flying.progress(picture.now))).collect::<Vec<_>>(),
        [(1, 0.5)],
        "only what is held is waited for"
    );
    let frozen = NodeEvent::Froze { how: protocol::trace::Freezing::Cooperative };
    picture.apply(&sent(5, 1_000_000_000, 0));
    assert!(picture.next_due().is_some());
    picture.apply(&fact(FIRST, 1, frozen));
    assert!(picture.next_due().is_none(), "a frozen sender lets nothing go");
}

#[test]
fn the_timer_that_rings_next_is_armed_and_of_a_node_that_goes() {
    let slow = LauncherEvent::ClockIs { rate: Rate(10_000), until: None };
    let armed = |at: u64| NodeEvent::Timers { armed: vec![(Timer::Heartbeat, at), (Timer::Autoclean, 900)] };
    let rang = NodeEvent::Rang { timer: Timer::Heartbeat };
    let facts =
        vec![fact(FIRST, 1, slow), fact(FIRST, 2, armed(50)), fact(SECOND, 3, armed(40)), fact(SECOND, 40, rang)];
    let picture = picture(facts);
    assert_eq!(picture.steering.next_timer(picture.now), Some((FIRST, Timer::Heartbeat, 50)));
    assert_eq!(picture.steering.rung, [(SECOND, Timer::Heartbeat, 40)]);
}

#[test]
fn faults_and_view_changes_leave_marks() {
    let mut facts = two_replicas();
    let view = |number: u64| View::new(ViewNumber(number), FIRST, vec![FIRST]);
    facts.push(fact(FIRST, 5, MachineEvent::Became { standing: Standing::Primary, view: view(1) }));
    facts.push(fact(FIRST, 6, MachineEvent::Became { standing: Standing::Primary, view: view(1) }));
    facts.push(fact(SECOND, 7, NodeEvent::Froze { how: protocol::trace::Freezing::Signal }));
    facts.push(fact(SECOND, 8, NodeEvent::Woke));
    facts.push(fact(
        NodeId(0),
        9,
        LauncherEvent::LinkIs { from: "replica-1".into(), to: "replica-2".into(), rule: LinkRule::CUT },
    ));
    facts.push(crashed(SECOND, 10));
    let picture = picture(facts);
    let kinds: Vec<_> = picture.marks.iter().skip(2).map(|mark| (mark.at, mark.name.as_deref(), mark.kind)).collect();
    let expected = [
        (5, Some("replica-1"), MarkKind::View(1)),
        (7, Some("replica-2"), MarkKind::Froze),
        (8, Some("replica-2"), MarkKind::Woke),
        (9, Some("replica-1"), MarkKind::Link { cut: true, mended: false }),
        (10, Some("replica-2"), MarkKind::Ended),
    ];
    assert_eq!(kinds, expected);
    assert!(picture.marks[5].kind.is_fault() && !picture.marks[2].kind.is_fault());
}

#[test]
fn it_is_known_what_is_lost_with_all_members_and_since_when() {
    let front_end = NodeId(13);
    let view = View::new(ViewNumber(2), FIRST, vec![FIRST, SECOND]);
    let state = |view: View| {
        let (token, waits_for) = (Some(protocol::ids::FrontEndToken(1)), Some(NoService::ReportsMissing));
        let (alive, suspicions) = (Vec::new(), Vec::new());
        NodeEvent::State(NodeState::FrontEnd { token, retired: false, view, alive, pending: 0, waits_for, suspicions })
    };
    let mut facts = two_replicas();
    facts.push(started("front-end", front_end, Role::FrontEnd));
    facts.push(fact(front_end, 1, state(view.clone())));
    facts.push(crashed(FIRST, 5));
    facts.push(fact(SECOND, 6, NodeEvent::Froze { how: Freezing::Signal }));
    assert_eq!(picture(facts.clone()).total_loss(), None, "who is frozen may go on");
    facts.push(crashed(SECOND, 9));
    facts.push(started("replica-1", NodeId(21), Role::Replica));
    let lost = picture(facts.clone());
    let loss = lost.total_loss().unwrap();
    assert_eq!((loss.view.clone(), loss.since, loss.acknowledged), (view, 9, 0));
    assert_eq!(lost.service(), Service::Lost(loss.clone()));
    assert!(loss.members.iter().map(|name| &**name).eq(["replica-1", "replica-2"]));
    facts.push(fact(front_end, 12, state(View::new(ViewNumber(3), NodeId(21), vec![NodeId(21)]))));
    assert_eq!(picture(facts).total_loss(), None, "a new history has begun");
}

#[test]
fn what_a_left_out_primary_believes_is_not_so() {
    let mut facts = two_replicas();
    facts.push(stands(FIRST, 1, FIRST, 3, 3));
    let record = View::new(ViewNumber(3), SECOND, vec![SECOND]);
    let known = NodeState::NameServer {
        names: vec![],
        token: Default::default(),
        record: record.clone(),
        keeping: Default::default(),
    };
    facts.push(started("name-server", NodeId(1), Role::NameServer));
    facts.push(fact(NodeId(1), 2, NodeEvent::State(known)));
    let picture = picture(facts);
    let (truth, beliefs) = (picture.truth(), picture.beliefs().collect::<Vec<_>>());
    assert_eq!(
        (truth.view.as_ref(), truth.primary, &truth.alive[..]),
        (Some(&record), Some(FIRST), &[FIRST, SECOND][..])
    );
    let first = beliefs.iter().find(|belief| belief.name == "replica-1").unwrap();
    assert!(first.errs_in_view(&truth) && !first.errs_in_primary(&truth) && !first.errs_in_alive(&truth));
    let name_server = beliefs.iter().find(|belief| belief.name == "name-server").unwrap();
    assert!(
        name_server.errs_in_primary(&truth) && name_server.errs_in_alive(&truth) && !name_server.errs_in_view(&truth)
    );
    assert_eq!(beliefs.len(), 2, "replica-2 has said nothing yet");
}

#[test]
fn what_goes_to_a_crowd_is_one_flow() {
    let crowd = |customers| LauncherEvent::Crowd(Crowd { customers, acknowledged: 9, ..Crowd::default() });
    let to = |customer: u64| (NodeId(customer), 5, 1);
    let sent = vec![to(100), to(101), to(102), to(103), to(99)];
    let mut picture = picture(vec![fact(NodeId(100), 1, crowd(3)), fact(FIRST, 100_001, NodeEvent::Flow { sent })]);
    let flows =
        |picture: &Picture| picture.traffic.flows().map(|(_, to, flow)| (to.0, flow.orders)).collect::<Vec<_>>();
    assert_eq!(flows(&picture), [(99, 5), (100, 15), (103, 5)], "who is none of them has a flow of its own");
    picture.apply(&fact(NodeId(100), 200_000, crowd(1_000)));
    assert_eq!(picture.crowd.map(|(first, crowd)| (first.0, crowd.customers)), Some((100, 1_000)));
}
