//! The name server by itself: the registry (who is where) and the record (which view is the newest).
//!
//! Which front-ends it believes dead is in `suspicion.rs`; that views survive its crashes is in `scenes.rs`.

mod single;

use protocol::ids::{FrontEndToken, NodeId, OpNumber, Role, Span, View, ViewNumber};
use protocol::machine::{Effect, Input, JournalRecord, Machine, Settings, Timer};
use protocol::message::Message;
use protocol::name_server::NameServer;
use protocol::trace::{MachineEvent, NodeState, Note, Refusal};
use single::*;

fn name_server() -> NameServer {
    name_server_with(JournalRecord::default())
}

// The registry.

fn registers(name_server: &mut NameServer, id: u64, name: &str) -> Vec<Effect> {
    single::registers(name_server, id, name, Role::Replica, None)
}

fn cleans(name_server: &mut NameServer) -> Vec<Effect> {
    ring(name_server, Timer::Autoclean)
}

/// The nodes with a role, as the name server answers every question for them.
fn who_plays(name_server: &mut NameServer, role: Role) -> Vec<(String, u64)> {
    let effects = say(name_server, ME, Message::Lookup { role });
    let [(ME, Message::Found { role: of, who, .. })] = sent(&effects)[..] else { panic!("{effects:?}") };
    assert_eq!(*of, role);
    who.iter().map(|(name, contact)| (name.clone(), contact.id.0)).collect()
}

fn replicas(name_server: &mut NameServer) -> Vec<u64> {
    who_plays(name_server, Role::Replica).into_iter().map(|(_, id)| id).collect()
}

#[test]
fn it_begins_to_count_when_it_starts() {
    let effects = start(&mut name_server());
    let Settings { autoclean, suspect_after, .. } = Settings::default();
    assert_eq!(timers(&effects), [(Timer::Autoclean, autoclean), (Timer::Silence(NodeId(NAME_SERVER)), suspect_after)]);
}

#[test]
fn replicas_are_found_in_the_order_in_which_they_came() {
    let mut name_server = name_server();
    for (id, name) in [(13, "replica-3"), (11, "replica-1"), (12, "replica-2"), (13, "replica-3")] {
        registers(&mut name_server, id, name);
    }
    single::registers(&mut name_server, 2, "front-end", Role::FrontEnd, Some(1));
    assert_eq!(replicas(&mut name_server), [13, 11, 12]);
    assert_eq!(who_plays(&mut name_server, Role::FrontEnd), [("front-end".to_owned(), 2)]);
    assert_eq!(who_plays(&mut name_server, Role::Customer), []);
    let NodeState::NameServer { names, .. } = name_server.describe() else { panic!("a name server") };
    let names: Vec<_> = names.into_iter().map(|(name, role, contact)| (name, role, contact.id.0)).collect();
    let replica = |number: u64| (format!("replica-{number}"), Role::Replica, 10 + number);
    assert_eq!(names, [("front-end".into(), Role::FrontEnd, 2), replica(1), replica(2), replica(3)]);
}

#[test]
fn a_name_that_is_not_registered_again_is_cleaned_away() {
    let mut name_server = name_server();
    registers(&mut name_server, 11, "replica-1");
    registers(&mut name_server, 12, "replica-2");
    let effects = cleans(&mut name_server);
    assert_eq!(set(&effects, Timer::Autoclean), Some(Settings::default().autoclean), "it will clean again");
    assert!(traces(&effects).is_empty(), "both registered since it started");
    registers(&mut name_server, 12, "replica-2");
    let effects = cleans(&mut name_server);
    assert_eq!(replicas(&mut name_server), [12]);
    assert_eq!(traces(&effects), [&MachineEvent::Noted(Note::Removed { name: "replica-1".into() })]);
    cleans(&mut name_server);
    assert_eq!(replicas(&mut name_server), []);
    registers(&mut name_server, 11, "replica-1");
    assert_eq!(replicas(&mut name_server), [11], "it may come back");
}

#[test]
fn nobody_is_cleaned_away_for_the_time_in_which_the_name_server_was_frozen() {
    let frozen = Settings::default().frozen_from();
    for (by, left) in [(frozen, vec![11]), (Span(frozen.0 - 1), vec![])] {
        let mut name_server = name_server();
        registers(&mut name_server, 11, "replica-1");
        cleans(&mut name_server);
        give(&mut name_server, Input::Overslept { by });
        cleans(&mut name_server);
        assert_eq!(replicas(&mut name_server), left, "frozen for {by:?}");
    }
}

#[test]
fn a_process_that_comes_under_a_known_name_takes_it_over() {
    let mut name_server = name_server();
    registers(&mut name_server, 11, "replica-1");
    registers(&mut name_server, 12, "replica-2");
    registers(&mut name_server, 21, "replica-1");
    assert_eq!(replicas(&mut name_server), [12, 21], "it is a newcomer, and comes last");
}

#[test]
fn a_name_stays_with_the_newer_of_two_front_ends() {
    let mut name_server = name_server();
    single::registers(&mut name_server, 3, "front-end", Role::FrontEnd, Some(2));
    single::registers(&mut name_server, 2, "front-end", Role::FrontEnd, Some(1));
    single::registers(&mut name_server, 4, "front-end", Role::FrontEnd, None);
    assert_eq!(who_plays(&mut name_server, Role::FrontEnd), [("front-end".to_owned(), 3)]);
    single::registers(&mut name_server, 2, "front-end", Role::FrontEnd, Some(2));
    assert_eq!(who_plays(&mut name_server, Role::FrontEnd), [("front-end".to_owned(), 2)], "as new, and later");
    // A replica is not kept out by a token.
    registers(&mut name_server, 11, "front-end");
    assert_eq!(replicas(&mut name_server), [11]);
}

#[test]
fn an_old_registration_that_comes_late_takes_no_token_away() {
    let mut name_server = name_server();
    for (id, name, token) in [(2, "front-end-1", 3), (3, "front-end-2", 2), (2, "front-end-1", 1)] {
        single::registers(&mut name_server, id, name, Role::FrontEnd, Some(token));
    }
    assert_eq!(who_plays(&mut name_server, Role::FrontEnd), [("front-end-1".to_owned(), 2)]);
}

#[test]
fn names_are_limited_in_length_and_number() {
    let mut name_server = name_server();
    registers(&mut name_server, 11, &"x".repeat(81));
    assert_eq!(replicas(&mut name_server), []);
    registers(&mut name_server, 12, &"x".repeat(80));
    (1..4097).for_each(|id| drop(registers(&mut name_server, 100 + id, &format!("replica-{id}"))));
    let known = replicas(&mut name_server);
    assert_eq!((known.len(), known[0], known[4095]), (4096, 12, 100 + 4095), "the last one found it full");
    registers(&mut name_server, 9000, "replica-7");
    assert_eq!(replicas(&mut name_server).last(), Some(&9000), "a known name takes no more room");
}

#[test]
fn a_lookup_says_how_much_is_committed_by_all_that_was_ever_heard() {
    let mut name_server = name_server();
    for (id, commit) in [(11, 4), (12, 9), (11, 5)] {
        let (name, commit) = (format!("replica-{id}"), OpNumber(commit));
        say(&mut name_server, id, Message::Register { name, role: Role::Replica, token: None, commit });
    }
    let effects = say(&mut name_server, ME, Message::Lookup { role: Role::FrontEnd });
    let [(_, Message::Found { commit, .. })] = sent(&effects)[..] else { panic!("{effects:?}") };
    assert_eq!(*commit, OpNumber(9));
}

#[test]
fn the_cleaning_timer_follows_its_setting() {
    let mut name_server = name_server();
    let autoclean = Span::millis(3000);
    let settings = Settings { autoclean, ..Settings::default() };
    let effects = give(&mut name_server, Input::Retimed(settings.clone()));
    assert_eq!(timers(&effects), [(Timer::Autoclean, autoclean)]);
    assert_eq!(timers(&give(&mut name_server, Input::Retimed(settings))), [], "nothing changed");
    assert_eq!(set(&cleans(&mut name_server), Timer::Autoclean), Some(autoclean));
}

/// What observers hear of the front-ends that it believes dead or alive.
fn suspicions(effects: &[Effect]) -> Vec<(u64, bool)> {
    each!(traces(effects), MachineEvent::Suspects { replica, suspected, .. } => (replica.0, *suspected))
}

#[test]
fn observers_hear_that_a_front_end_is_back_only_where_there_are_two_and_it_was_silent() {
    for (front_ends, told) in [(1, vec![]), (2, vec![(2, false)])] {
        let mut name_server = name_server();
        let registers = |name_server: &mut NameServer, id: u64| {
            suspicions(&single::registers(name_server, id, &format!("front-end-{id}"), Role::FrontEnd, None))
        };
        (2..2 + front_ends).for_each(|id| drop(registers(&mut name_server, id)));
        give(&mut name_server, Input::Gone { peer: NodeId(2) });
        assert_eq!(registers(&mut name_server, 2), told);
        assert_eq!(registers(&mut name_server, 2), [], "it was not silent");
    }
}

#[test]
fn after_a_freeze_the_silence_of_front_ends_that_live_is_counted_anew() {
    let mut name_server = name_server();
    for id in [2, 3] {
        single::registers(&mut name_server, id, &format!("front-end-{id}"), Role::FrontEnd, None);
    }
    give(&mut name_server, Input::Gone { peer: NodeId(2) });
    let Settings { heartbeat, .. } = Settings::default();
    let late = Input::Overslept { by: Settings::default().frozen_from() };
    assert_eq!(timers(&give(&mut name_server, late)), [(Timer::Silence(NodeId(3)), heartbeat.times(2))]);
}

// The record.

/// Of view 3, recorded by the holder of token 2.
fn recorded() -> JournalRecord {
    JournalRecord { token: FrontEndToken(2), view: view(3, 11, &[11, 12]) }
}

fn proposes(name_server: &mut NameServer, token: u64, expected: u64, view: View) -> Vec<Effect> {
    let (token, expected) = (FrontEndToken(token), ViewNumber(expected));
    say(name_server, ME, Message::RecordView { token, expected, view })
}

fn answer(record: &JournalRecord, claimed: bool) -> Effect {
    let JournalRecord { token, view } = record.clone();
    Effect::Send { to: contact(ME), traced: false, message: Message::Record { token, view, claimed } }
}

#[test]
fn the_next_view_is_in_the_journal_before_its_front_end_hears_of_it() {
    let mut name_server = name_server_with(recorded());
    let next = view(4, 12, &[12]);
    let effects = proposes(&mut name_server, 2, 3, next.clone());
    let record = JournalRecord { token: FrontEndToken(2), view: next };
    assert_eq!(effects, [Effect::Journal(record.clone()), answer(&record, false)]);
    assert_eq!(name_server.record(), &record);
}

#[test]
fn a_view_is_refused_unless_the_newest_front_end_made_it_from_what_is_recorded() {
    for (token, expected, number, why) in [
        (1, 3, 4, "an older front-end's"),
        (3, 3, 4, "a token that nobody was given"),
        (2, 2, 4, "it was made from an older view"),
        (2, 4, 4, "it was made from a view that is not recorded"),
        (2, 3, 3, "it has the number of the recorded one"),
        (2, 3, 5, "it leaves a number out"),
        (2, 2, 3, "another one of that number is recorded"),
    ] {
        let mut name_server = name_server_with(recorded());
        let effects = proposes(&mut name_server, token, expected, view(number, 12, &[12]));
        assert_eq!(refusals(&effects), [Refusal::RecordMovedOn], "{why}");
        assert_eq!(effects.last(), Some(&answer(&recorded(), false)), "{why}: it hears what is recorded");
        assert_eq!((effects.len(), name_server.record()), (2, &recorded()), "{why}");
    }
}

#[test]
fn a_proposal_that_was_recorded_and_comes_again_is_no_contradiction() {
    let mut name_server = name_server_with(recorded());
    let effects = proposes(&mut name_server, 2, 2, recorded().view);
    assert_eq!(effects, [answer(&recorded(), false)]);
}

#[test]
fn each_claim_raises_the_token_and_is_journaled_before_it_is_answered() {
    let mut name_server = name_server_with(recorded());
    for token in [3, 4] {
        let record = JournalRecord { token: FrontEndToken(token), ..recorded() };
        let effects = say(&mut name_server, ME, Message::ClaimFrontEnd);
        assert_eq!(effects, [Effect::Journal(record.clone()), answer(&record, true)]);
    }
    let record = JournalRecord { token: FrontEndToken(4), ..recorded() };
    assert_eq!(say(&mut name_server, ME, Message::ReadRecord), [answer(&record, false)], "reading changes nothing");
    let NodeState::NameServer { token, record: view, .. } = name_server.describe() else { panic!("a name server") };
    assert_eq!((token, view), (record.token, record.view));
}

#[test]
fn a_front_end_that_claims_is_found_before_it_registers_with_its_token() {
    let mut name_server = name_server();
    single::registers(&mut name_server, 2, "front-end-1", Role::FrontEnd, None);
    single::registers(&mut name_server, 3, "front-end-2", Role::FrontEnd, None);
    say(&mut name_server, 2, Message::ClaimFrontEnd);
    assert_eq!(who_plays(&mut name_server, Role::FrontEnd), [("front-end-1".to_owned(), 2)]);
}
