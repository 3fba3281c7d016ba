//! Each point is recognised at its moment, and at none before it.

use std::sync::Arc;

use super::*;
use protocol::ids::{
    Barrier, Contact, Fingerprint, FrontEndToken, OpNumber, OrderNumber, RequestId, Role, Span, Timestamp,
};
use protocol::machine::JournalRecord;
use protocol::message::{Ask, Copied, SnapshotPart, Status};
use protocol::order_book::{Entry, EntryEffect, Outcome, Piece};
use protocol::postcode::PostcodeService;
use protocol::trace::{FAILPOINTS, Part};
use protocol::view_record::Keeping;

const ME: NodeId = NodeId(1);
const OTHER: NodeId = NodeId(2);
const THIRD: NodeId = NodeId(3);

/// A moment with what it speaks of.
enum Now {
    Before(Input),
    Between(Vec<Effect>, usize),
    Left(NodeId, Message),
}

/// What is shown to a watch: the point is reached at the last moment, and at no earlier one.
struct Story {
    at: Failpoint,
    state: NodeState,
    moments: Vec<Now>,
}

fn contact(id: NodeId) -> Contact {
    Contact { id, address: ([127, 0, 0, 1], 1).into() }
}

fn arrives(message: Message) -> Now {
    Now::Before(Input::Received { from: contact(OTHER), traced: true, message })
}

fn send(to: NodeId, message: Message) -> Effect {
    Effect::Send { to: contact(to), traced: true, message }
}

/// All moments between these effects, up to the one before `last`.
fn between(effects: &[Effect], last: usize) -> impl Iterator<Item = Now> + '_ {
    (0..=last).map(|next| Now::Between(effects.to_vec(), next))
}

fn position(op: u64) -> Position {
    Position { op: OpNumber(op), fingerprint: Fingerprint(op) }
}

fn view(number: u64, primary: NodeId, members: &[NodeId]) -> View {
    View::new(ViewNumber(number), primary, members.to_vec())
}

fn replica_in(view: View, standing: Standing, loading: Option<(u64, u64)>) -> NodeState {
    let acting = standing == Standing::Primary;
    NodeState::Replica(Box::new(ReplicaState {
        standing,
        view,
        acting,
        position: Some(position(4)),
        commit: OpNumber(4),
        loading,
        ..ReplicaState::default()
    }))
}

fn primary() -> NodeState {
    replica_in(view(1, ME, &[ME, OTHER, THIRD]), Standing::Primary, None)
}

fn backup() -> NodeState {
    replica_in(view(1, OTHER, &[ME, OTHER]), Standing::Backup, None)
}

fn joiner() -> NodeState {
    replica_in(view(1, OTHER, &[OTHER]), Standing::Joining, None)
}

fn front_end() -> NodeState {
    let view = view(1, OTHER, &[OTHER, THIRD]);
    let alive = view.members.clone();
    let suspicions = Vec::new();
    NodeState::FrontEnd { token: None, retired: false, view, alive, pending: 0, waits_for: None, suspicions }
}

fn name_server() -> NodeState {
    NodeState::NameServer {
        names: Vec::new(),
        token: FrontEndToken(1),
        record: view(1, OTHER, &[OTHER]),
        keeping: Keeping::Journal,
    }
}

fn customer() -> NodeState {
    NodeState::Customer { front_end: None, waiting: None, why: None }
}

fn request() -> Message {
    let ask = Ask::Order { postcode: "DH1 3LE".parse().unwrap(), items: vec!["Pad thai".into()] };
    Message::Request { id: RequestId::default(), since: OpNumber(0), ask }
}

fn reply() -> Message {
    let answer = Answer::Outcome(Outcome::Placed { number: OrderNumber(1) });
    Message::Reply { id: RequestId::default(), answer, view: ViewNumber(1), commit: OpNumber(0) }
}

/// An update with the entry `op`; 0: a heartbeat.
fn update(op: u64, in_view: View) -> Message {
    let (outcome, effect) = (Outcome::NeverPlaced, EntryEffect::Withdrawn);
    let entry = Entry { op: OpNumber(op), view: in_view.number, request: RequestId::default(), effect, outcome };
    let entries = if op == 0 { Vec::new() } else { vec![Arc::new(entry)] };
    let from = position(op.saturating_sub(1));
    Message::StateUpdate(StateUpdate { view: in_view, from, entries, barrier: Barrier(0), commit: OpNumber(4) })
}

fn ack(op: u64) -> Message {
    Message::Ack { view: ViewNumber(1), position: Some(position(op)), barrier: Barrier(0), copy: None }
}

fn ack_of_part(op: u64) -> Message {
    let copy = Some(Copied::Before { orders: Vec::new(), sessions: None });
    Message::Ack { view: ViewNumber(1), position: Some(position(op)), barrier: Barrier(0), copy }
}

fn snapshot(part: u64) -> Message {
    let view = view(1, OTHER, &[OTHER]);
    Message::Snapshot(Box::new(SnapshotPart {
        view,
        instead_of: None,
        at: position(9),
        piece: Piece::default(),
        before: part,
        all: 2,
    }))
}

fn status() -> Message {
    Message::Status(Status { view: ViewNumber(1), ..Status::default() })
}

fn record(number: u64) -> Message {
    Message::Record { token: FrontEndToken(1), view: view(number, THIRD, &[THIRD]), claimed: false }
}

fn view_is(number: u64) -> Message {
    let view = view(number, THIRD, &[ME, OTHER, THIRD]);
    Message::ViewIs { view, joiners: Vec::new(), contacts: Vec::new(), patience: Span(0) }
}

fn heartbeat() -> Message {
    update(0, view(1, OTHER, &[ME, OTHER]))
}

fn suspects(replica: NodeId, suspected: bool) -> Effect {
    Effect::Trace(MachineEvent::Suspects { replica, suspected, why: None })
}

fn journal() -> Effect {
    Effect::Journal(JournalRecord { token: FrontEndToken(1), view: view(2, OTHER, &[OTHER]) })
}

fn checked(verdict: Verdict) -> Now {
    Now::Before(Input::PostcodeChecked { request: RequestId::default(), verdict, at: Timestamp(0) })
}

fn story(at: Failpoint, state: NodeState, moments: impl IntoIterator<Item = Now>) -> Story {
    Story { at, state, moments: moments.into_iter().collect() }
}

fn of_the_primary() -> Vec<Story> {
    let mine = || view(1, ME, &[ME, OTHER, THIRD]);
    let updates = [send(OTHER, heartbeat()), send(OTHER, update(5, mine())), send(THIRD, update(5, mine()))];
    let commits = [
        Effect::Trace(MachineEvent::Committed { op: OpNumber(5) }),
        send(OTHER, reply()),
        send(OTHER, update(6, mine())),
    ];
    let by = PostcodeService::PostcodesIo;
    vec![
        story(Failpoint::PrimaryReceived, primary(), [arrives(ack(4)), arrives(request())]),
        story(
            Failpoint::PrimaryValidated,
            primary(),
            [arrives(request()), checked(Verdict::NobodyAnswers), checked(Verdict::Valid { place: None, by })],
        ),
        story(Failpoint::PrimaryAssigned, primary(), between(&updates, 1)),
        story(
            Failpoint::PrimarySentToOne,
            primary(),
            between(&updates, 1).chain([Now::Left(OTHER, heartbeat()), Now::Left(OTHER, update(5, mine()))]),
        ),
        story(
            Failpoint::PrimaryAllAcked,
            primary(),
            [arrives(ack(5))].into_iter().chain(between(&updates, 3)).chain(between(&commits, 0)),
        ),
        story(Failpoint::PrimaryCommitted, primary(), between(&commits, 1)),
        story(Failpoint::PrimaryReplied, primary(), between(&commits, 1).chain([Now::Left(OTHER, reply())])),
    ]
}

fn of_backups_and_joiners() -> Vec<Story> {
    let theirs = || view(1, OTHER, &[ME, OTHER]);
    let acks = [send(OTHER, ack(4)), send(OTHER, ack(5))];
    let newer = || view(2, OTHER, &[ME, OTHER]);
    let loading = || replica_in(view(1, OTHER, &[OTHER]), Standing::Joining, Some((1, 2)));
    let register =
        || Message::Register { name: "replica-1".into(), role: Role::Replica, token: None, commit: OpNumber(0) };
    vec![
        story(Failpoint::BackupBeforeApply, backup(), [arrives(heartbeat()), arrives(update(5, theirs()))]),
        story(
            Failpoint::BackupApplied,
            backup(),
            [arrives(heartbeat()), arrives(update(5, theirs()))].into_iter().chain(between(&acks, 1)),
        ),
        story(
            Failpoint::BackupAcked,
            backup(),
            [arrives(update(5, theirs())), Now::Left(OTHER, ack(4)), Now::Left(OTHER, ack(5))],
        ),
        story(
            Failpoint::JoinerRegistered,
            joiner(),
            [Now::Left(OTHER, Message::Lookup { role: Role::FrontEnd }), Now::Left(OTHER, register())],
        ),
        story(Failpoint::JoinerMidSnapshot, loading(), [arrives(heartbeat()), arrives(snapshot(1))]),
        story(
            Failpoint::JoinerSnapshotDone,
            joiner(),
            [arrives(snapshot(0)), arrives(snapshot(1))]
                .into_iter()
                .chain(between(&[send(OTHER, ack_of_part(4)), send(OTHER, ack_of_part(9))], 1)),
        ),
        story(Failpoint::JoinerInAckSet, joiner(), [arrives(heartbeat())]),
        story(
            Failpoint::JoinerViewRecorded,
            joiner(),
            [arrives(update(5, view(2, OTHER, &[OTHER]))), arrives(heartbeat()), arrives(update(5, newer()))],
        ),
    ]
}

fn of_the_front_end() -> Vec<Story> {
    let silence = [suspects(OTHER, true)];
    let back = [suspects(OTHER, false), suspects(THIRD, true)];
    let propose =
        Message::RecordView { token: FrontEndToken(1), expected: ViewNumber(1), view: view(2, THIRD, &[THIRD]) };
    vec![
        story(Failpoint::FrontEndSuspected, front_end(), between(&back, 2)),
        story(
            Failpoint::FrontEndSomeReports,
            front_end(),
            [arrives(status())]
                .into_iter()
                .chain(between(&silence, 1))
                .chain(between(&back[..1], 1))
                .chain([arrives(status())])
                .chain(between(&back, 2))
                .chain([arrives(reply()), arrives(status())]),
        ),
        story(
            Failpoint::FrontEndAllReports,
            front_end(),
            between(&silence, 1).chain(between(&[send(OTHER, view_is(1)), send(OTHER, propose)], 1)),
        ),
        story(Failpoint::FrontEndViewRecorded, front_end(), [arrives(record(1)), arrives(record(2))]),
        story(
            Failpoint::FrontEndNewviewToPrimaryOnly,
            front_end(),
            [Now::Left(THIRD, view_is(1)), Now::Left(OTHER, view_is(2)), Now::Left(THIRD, view_is(2))],
        ),
        story(Failpoint::FrontEndBeforeForward, front_end(), [arrives(status()), arrives(request())]),
        story(Failpoint::FrontEndReplyHeld, front_end(), [arrives(request()), arrives(reply())]),
    ]
}

fn of_name_server_and_customers() -> Vec<Story> {
    let answers = [Effect::Trace(MachineEvent::Committed { op: OpNumber(0) }), journal(), send(OTHER, record(2))];
    let asks = [Effect::CancelTimer { timer: Timer::AskNameServer }, send(OTHER, request())];
    let lookup = || Message::Lookup { role: Role::FrontEnd };
    let rang = |timer| Now::Before(Input::Rang(timer));
    vec![
        story(Failpoint::NameServerBeforeJournal, name_server(), between(&answers, 1)),
        story(Failpoint::NameServerTornJournal, name_server(), between(&answers, 1)),
        story(Failpoint::NameServerJournaledNotAnswered, name_server(), between(&answers, 2)),
        story(Failpoint::NameServerCleaning, name_server(), [rang(Timer::Heartbeat), rang(Timer::Autoclean)]),
        story(Failpoint::CustomerBeforeSend, customer(), between(&asks, 1)),
        story(Failpoint::CustomerSent, customer(), [Now::Left(OTHER, lookup()), Now::Left(OTHER, request())]),
        story(Failpoint::CustomerReplyUnseen, customer(), [arrives(record(2)), arrives(reply())]),
    ]
}

#[test]
fn every_point_is_recognised_at_its_moment_and_not_before() {
    let parts = [of_the_primary(), of_backups_and_joiners(), of_the_front_end(), of_name_server_and_customers()];
    let stories: Vec<Story> = parts.into_iter().flatten().collect();
    for Story { at, state, moments } in &stories {
        let mut watch = Watch::new(*at, ME, state);
        for (number, moment) in moments.iter().enumerate() {
            let envelope;
            let moment = match moment {
                Now::Before(input) => Moment::Before(input),
                Now::Between(effects, next) => Moment::Between { effects, next: *next },
                Now::Left(to, message) => {
                    envelope = Envelope { from: ME, number: 1, to: *to, traced: true, message: message.clone() };
                    Moment::Left(&envelope)
                }
            };
            let reached = watch.sees(moment, &|| state.clone());
            assert_eq!(reached, number + 1 == moments.len(), "{at} at moment {number}: {moment:?}");
        }
    }
    let told: BTreeSet<Failpoint> = stories.iter().map(|story| story.at).collect();
    // A disk says itself that it has come to one of its points.
    let of_machines = FAILPOINTS.into_iter().filter(|at| at.role().is_some() && at.part() != Part::Disk);
    assert_eq!(told, of_machines.collect(), "every point of a machine has its story");
    assert_eq!(told.len(), 29);
}

#[test]
fn only_the_right_role_passes_a_point() {
    let mut watch = Watch::new(Failpoint::PrimaryReceived, ME, &backup());
    let Now::Before(order) = arrives(request()) else { unreachable!("it arrives") };
    assert!(!watch.sees(Moment::Before(&order), &backup), "a backup refuses it");
    assert!(watch.sees(Moment::Before(&order), &primary));
    let mut watch = Watch::new(Failpoint::BackupBeforeApply, ME, &joiner());
    let Now::Before(news) = arrives(update(5, view(1, OTHER, &[OTHER]))) else { unreachable!("it arrives") };
    assert!(!watch.sees(Moment::Before(&news), &joiner), "a joiner is no backup");
    assert!(watch.sees(Moment::Before(&news), &backup));
}

#[test]
fn a_front_end_that_suspects_already_waits_for_a_report() {
    let NodeState::FrontEnd { view, .. } = front_end() else { unreachable!("it is a front-end") };
    let alive = vec![THIRD];
    let (token, retired, pending, waits_for, suspicions) = (None, false, 0, None, Vec::new());
    let suspecting = NodeState::FrontEnd { token, retired, view, alive, pending, waits_for, suspicions };
    let mut watch = Watch::new(Failpoint::FrontEndSomeReports, ME, &suspecting);
    let Now::Before(report) = arrives(status()) else { unreachable!("it arrives") };
    assert!(watch.sees(Moment::Before(&report), &|| suspecting.clone()));
}

#[test]
fn a_new_view_goes_to_its_primary_first() {
    let watch = Watch::new(Failpoint::FrontEndNewviewToPrimaryOnly, ME, &front_end());
    let timer = || Effect::CancelTimer { timer: Timer::MayPropose };
    let mut effects = vec![timer(), send(ME, view_is(2)), send(OTHER, view_is(2)), send(THIRD, view_is(2)), timer()];
    watch.arrange(&mut effects);
    let expected = [timer(), send(THIRD, view_is(2)), send(ME, view_is(2)), send(OTHER, view_is(2)), timer()];
    assert_eq!(effects, expected);
    let mut heartbeat = vec![send(OTHER, view_is(1)), send(THIRD, view_is(1))];
    watch.arrange(&mut heartbeat);
    assert_eq!(heartbeat, [send(OTHER, view_is(1)), send(THIRD, view_is(1))], "not a new one");
}
