//! Whom single machines believe dead, why, and what they do about it: by silence, by proof, and with patience.
//!
//! Whole clusters are shown in `scenes.rs` and `random_schedules.rs`.

mod single;

use protocol::front_end::FrontEnd;
use protocol::ids::{FrontEndToken, NodeId, OpNumber, ReplicaId, Role, Span, View, ViewNumber};
use protocol::machine::{Effect, Input, JournalRecord, Machine, Settings, Timer, Wish};
use protocol::message::{Message, Status};
use protocol::name_server::NameServer;
use protocol::trace::{MachineEvent, NodeState, Sign};
use single::*;

fn signs(effects: &[Effect]) -> Vec<Sign> {
    each!(traces(effects), MachineEvent::Suspects { suspected: true, why: Some(why), .. } => *why)
}

// Front-end.

const A: u64 = 11;
const B: u64 = 12;
const C: u64 = 13;

/// Of view 1, which the given are members of; the first of them leads.
fn front_end(members: &[u64]) -> FrontEnd {
    let mut front_end = FrontEnd::new(identity(Role::FrontEnd), Settings::default());
    give_names(&mut front_end, members);
    say(&mut front_end, NAME_SERVER, record(1, view(1, members[0], members), true));
    members.iter().for_each(|id| drop(says(&mut front_end, *id, members[0], &[])));
    beat(&mut front_end, members);
    front_end
}

fn give_names(front_end: &mut FrontEnd, who: &[u64]) {
    let who = who.iter().map(|id| (format!("replica-{}", id % 10), contact(*id))).collect();
    say(front_end, NAME_SERVER, Message::Found { role: Role::Replica, who, commit: OpNumber(0) });
}

/// The replica says where it stands; the primary misses these.
fn says(front_end: &mut FrontEnd, id: u64, primary: u64, silent: &[u64]) -> Vec<Effect> {
    late(front_end, id, primary, silent, Span(0))
}

fn late(front_end: &mut FrontEnd, id: u64, primary: u64, silent: &[u64], late: Span) -> Vec<Effect> {
    let silent = silent.iter().map(|id| NodeId(*id)).collect();
    let status = Status { view: ViewNumber(1), acting: id == primary, silent, late, ..Status::default() };
    say(front_end, id, Message::Status(status))
}

/// A heartbeat, answered by these.
fn beat(front_end: &mut FrontEnd, answered_by: &[u64]) -> Vec<Effect> {
    let effects = ring(front_end, Timer::Heartbeat);
    answered_by.iter().for_each(|id| drop(says(front_end, *id, A, &[])));
    effects
}

fn joiners(effects: &[Effect]) -> Vec<ReplicaId> {
    each!(messages(effects), Message::ViewIs { joiners, .. } => joiners.clone()).pop().unwrap_or_default()
}

#[test]
fn who_does_not_answer_a_heartbeat_is_probed_and_a_proof_changes_the_view_at_once() {
    let mut front_end = front_end(&[A, B, C]);
    assert_eq!(probed(&beat(&mut front_end, &[A, B])), [], "all answered the one before");
    assert_eq!(probed(&beat(&mut front_end, &[A, B])), [C]);
    let effects = give(&mut front_end, Input::Gone { peer: NodeId(C) });
    assert_eq!(signs(&effects), [Sign::Gone]);
    assert_eq!(proposed(&effects), Some(&view(2, A, &[A, B])));
    say(&mut front_end, NAME_SERVER, record(1, view(2, A, &[A, B]), false));
    // Within the second in which nothing else may be proposed.
    let effects = give(&mut front_end, Input::Gone { peer: NodeId(B) });
    assert_eq!(proposed(&effects), Some(&view(3, A, &[A])));
}

#[test]
fn a_wrong_proof_is_refuted_by_a_word() {
    let mut front_end = front_end(&[A, B]);
    give(&mut front_end, Input::Gone { peer: NodeId(B) });
    says(&mut front_end, B, A, &[]);
    let NodeState::FrontEnd { alive, suspicions, .. } = front_end.describe() else { panic!("a front-end") };
    assert_eq!(alive, [NodeId(A), NodeId(B)]);
    assert_eq!(suspicions[0].refuted, Some(Span(0)));
}

#[test]
fn time_in_which_the_own_loop_was_late_is_no_silence() {
    let mut front_end = front_end(&[A, B]);
    let (silence, by) = (Timer::Silence(NodeId(B)), Span::millis(60));
    let limit = Settings::default().suspect_after;
    give(&mut front_end, Input::Overslept { by });
    // As long again as it was late, and as late again: so may others be.
    let effects = ring(&mut front_end, silence);
    assert_eq!((set(&effects, silence), signs(&effects)), (Some(Span::millis(180)), vec![]));
    let effects = ring(&mut front_end, silence);
    assert_eq!(signs(&effects), [Sign::Silent { silence: Span(limit.0 + 3 * by.0), late: by }]);
    // Frozen: everything is counted anew.
    let effects = give(&mut front_end, Input::Overslept { by: Span::millis(600_000) });
    assert_eq!(set(&effects, Timer::Silence(NodeId(A))), Some(limit));
}

#[test]
fn silence_is_borne_longer_where_nodes_are_slow_and_never_beyond_a_bound() {
    let limit = Settings::default().suspect_after;
    let silence = Timer::Silence(NodeId(B));
    let accused_after = |slow: Span| {
        let mut front_end = front_end(&[A, B]);
        late(&mut front_end, A, A, &[], slow);
        let first = set(&ring(&mut front_end, silence), silence).unwrap_or_default();
        let effects = ring(&mut front_end, silence);
        let suspected = front_end.describe();
        let NodeState::FrontEnd { suspicions, .. } = suspected else { panic!("a front-end") };
        assert_eq!(suspicions.len(), 1, "{effects:?}");
        Span(limit.0 + first.0)
    };
    assert_eq!(accused_after(Span(0)), limit);
    assert_eq!(accused_after(Span::millis(70)), Span(limit.0 + Span::millis(140).0));
    assert_eq!(accused_after(Span::millis(900)), Span(limit.0 / 5 * 9));
    // The patience that is told to the primary is the same, and fades.
    let mut front_end = front_end(&[A, B]);
    late(&mut front_end, B, A, &[], Span::millis(70));
    let told: Vec<_> = (0..200).map(|_| patience(&beat(&mut front_end, &[A, B])).unwrap()).collect();
    assert!(told[0] > Span::millis(130) && told.is_sorted_by(|one, next| one >= next), "{told:?}");
    assert!(told[199] < Span::millis(10), "{told:?}");
}

#[test]
fn a_name_whose_processes_die_soon_is_tried_for_longer_and_one_that_stayed_is_not() {
    let mut front_end = front_end(&[A]);
    let mut process = 100;
    let tried = |front_end: &mut FrontEnd, process: u64| {
        says(front_end, process, A, &[]);
        say(front_end, NAME_SERVER, found(Role::Replica, &[("replica-1", A), ("restless", process)]));
        (1..=200).find(|_| joiners(&beat(front_end, &[A, process])).contains(&NodeId(process))).unwrap()
    };
    let mut trials = Vec::new();
    for _ in 0..8 {
        trials.push(tried(&mut front_end, process));
        give(&mut front_end, Input::Gone { peer: NodeId(process) });
        process += 1;
    }
    assert_eq!(trials, [1, 2, 4, 8, 16, 32, 32, 32]);
    // Two seconds are enough not to make it worse, ten to be as good as new.
    tried(&mut front_end, process);
    (0..200).for_each(|_| drop(beat(&mut front_end, &[A, process])));
    give(&mut front_end, Input::Gone { peer: NodeId(process) });
    assert_eq!(tried(&mut front_end, process + 1), 1);
}

#[test]
fn who_is_not_named_is_asked_about_and_its_predecessor_is_probed() {
    let mut front_end = front_end(&[A, B]);
    let effects = says(&mut front_end, 22, A, &[]);
    assert!(sent(&effects).contains(&(NAME_SERVER, &Message::Lookup { role: Role::Replica })));
    assert_eq!(joiners(&beat(&mut front_end, &[A, B, 22])), []);
    let effects = say(&mut front_end, NAME_SERVER, found(Role::Replica, &[("replica-1", A), ("replica-2", 22)]));
    assert_eq!(probed(&effects), [B], "its name is in other hands");
}

#[test]
fn a_primary_is_the_odd_one_out_only_if_those_it_misses_were_heard_just_now() {
    let mut odd = front_end(&[A, B, C]);
    beat(&mut odd, &[A, B, C]);
    assert_eq!(proposed(&says(&mut odd, A, A, &[B, C])), Some(&view(2, B, &[B, C])));
    // They are dead, and the front-end is about to notice.
    let mut last = front_end(&[A, B, C]);
    beat(&mut last, &[A]);
    beat(&mut last, &[A]);
    let effects = says(&mut last, A, A, &[B, C]);
    assert_eq!(probed(&effects), [B, C]);
    assert_eq!(proposed(&effects), Some(&view(2, A, &[A])));
}

// Name server.

fn name_server() -> NameServer {
    let mut name_server = name_server_with(JournalRecord::default());
    ring(&mut name_server, Timer::Silence(NodeId(NAME_SERVER)));
    name_server
}

fn registers(name_server: &mut NameServer, id: u64, token: u64) -> Vec<Effect> {
    single::registers(name_server, id, &format!("front-end-{id}"), Role::FrontEnd, Some(token))
}

fn newest(name_server: &mut NameServer) -> u64 {
    let effects = say(name_server, ME, Message::Lookup { role: Role::FrontEnd });
    each!(messages(&effects), Message::Found { who, .. } => who[0].1.id.0).pop().unwrap_or_default()
}

/// Two front-ends, the second of which is the newer.
fn two_front_ends() -> NameServer {
    let mut name_server = name_server();
    for (id, token) in [(2, 1), (3, 2)] {
        say(&mut name_server, id, Message::ClaimFrontEnd);
        registers(&mut name_server, id, token);
    }
    assert_eq!(newest(&mut name_server), 3);
    name_server
}

fn is_asked_to_take_over(effects: &[Effect]) -> bool {
    sent(effects).iter().any(|(to, message)| *to == 2 && matches!(message, Message::Found { role: Role::FrontEnd, .. }))
}

#[test]
fn the_newest_front_end_that_lives_is_found_and_asked_to_take_over() {
    let mut name_server = two_front_ends();
    let silence = Timer::Silence(NodeId(3));
    let mut waited = Settings::default().heartbeat.times(2);
    assert!(!is_asked_to_take_over(&registers(&mut name_server, 2, 1)));
    loop {
        let effects = ring(&mut name_server, silence);
        let Some(more) = set(&effects, silence) else {
            assert_eq!(signs(&effects), [Sign::Silent { silence: waited, late: Span(0) }]);
            break;
        };
        assert_eq!(probed(&effects), [3]);
        waited.0 += more.0;
    }
    assert_eq!(waited, Settings::default().suspect_after);
    assert_eq!(newest(&mut name_server), 2);
    assert!(is_asked_to_take_over(&registers(&mut name_server, 2, 1)));
    assert!(is_asked_to_take_over(&registers(&mut name_server, 2, 1)), "until it has done so");
    say(&mut name_server, 2, Message::ClaimFrontEnd);
    assert!(!is_asked_to_take_over(&registers(&mut name_server, 2, 3)));
    // It wakes: the other one stays the newest, for they do not take turns.
    registers(&mut name_server, 3, 2);
    assert_eq!(newest(&mut name_server), 2);
}

#[test]
fn a_proof_is_silence_enough_and_a_name_server_that_was_late_accuses_nobody() {
    let mut name_server = two_front_ends();
    give(&mut name_server, Input::Gone { peer: NodeId(3) });
    assert_eq!(newest(&mut name_server), 2);
    registers(&mut name_server, 3, 2);
    let late = Span::millis(110);
    give(&mut name_server, Input::Overslept { by: late });
    let Settings { heartbeat, suspect_after, .. } = Settings::default();
    let silence = Timer::Silence(NodeId(3));
    let rings = (1..20).find(|_| !signs(&ring(&mut name_server, silence)).is_empty());
    let borne = (suspect_after.0 + late.0).div_ceil(heartbeat.0);
    assert_eq!(rings, Some(borne - 1), "two or three heartbeats longer: it was itself late by more than two");
    assert_eq!(newest(&mut name_server), 2);
    give(&mut name_server, Input::Gone { peer: NodeId(2) });
    assert_eq!(newest(&mut name_server), 3, "where none lives, the newest of all is found");
}

#[test]
fn nobody_is_told_of_the_silence_of_the_only_front_end() {
    let mut name_server = name_server();
    registers(&mut name_server, 2, 1);
    let rings = (0..20).map(|_| signs(&ring(&mut name_server, Timer::Silence(NodeId(2)))).len());
    assert_eq!(rings.sum::<usize>(), 0);
    assert_eq!(newest(&mut name_server), 2);
}

#[test]
fn a_name_server_that_has_just_started_asks_nobody_to_take_over() {
    let journal = JournalRecord { token: FrontEndToken(2), view: View::default() };
    let mut name_server = name_server_with(journal);
    assert!(
        !is_asked_to_take_over(&registers(&mut name_server, 2, 1)),
        "the newer one has not had the time to register"
    );
    ring(&mut name_server, Timer::Silence(NodeId(NAME_SERVER)));
    assert!(is_asked_to_take_over(&registers(&mut name_server, 2, 1)));
}

// Customer.

#[test]
fn a_customer_without_an_answer_asks_who_the_front_end_is_and_goes_over() {
    let mut customer = customer();
    give(&mut customer, Input::Wanted { wish: Wish::Ask(read()), traced: true });
    let found = |id: u64| found(Role::FrontEnd, &[("front-end", id)]);
    let request = asks(1, 1, read());
    let effects = say(&mut customer, NAME_SERVER, found(3));
    assert_eq!(sent(&effects), [(3, &request)]);
    assert_eq!(set(&effects, Timer::AskNameServer), Some(Settings::default().suspect_after));
    let lookup = Message::Lookup { role: Role::FrontEnd };
    for _ in 0..3 {
        assert_eq!(sent(&ring(&mut customer, Timer::AskNameServer)), [(NAME_SERVER, &lookup)]);
        assert_eq!(sent(&say(&mut customer, NAME_SERVER, found(3))), [], "it is still the one");
    }
    assert_eq!(sent(&say(&mut customer, NAME_SERVER, found(2))), [(2, &request)]);
}
