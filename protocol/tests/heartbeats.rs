//! What is said each heartbeat is said once a heartbeat, whatever sets the beat; and settings that change leave the timers
//! alone which they have nothing to do with.
//!
//! Single machines only. That a cluster lives by its heartbeats is shown in `scenes.rs` and `random_schedules.rs`.

mod single;

use protocol::front_end::FrontEnd;
use protocol::ids::{NodeId, Role, Span};
use protocol::machine::{Effect, Input, JournalRecord, Machine, Settings, Timer};
use protocol::message::Message;
use protocol::name_server::NameServer;
use protocol::order_book::OrderBook;
use protocol::replica::Replica;
use single::*;

const OTHER_FRONT_END: u64 = 3;

fn ring(machine: &mut impl Machine) -> Vec<Effect> {
    single::ring(machine, Timer::Heartbeat)
}

/// A primary of itself and one backup, at the beginning of a heartbeat.
fn primary() -> Replica {
    let mut primary = Replica::new(identity(Role::Replica), Settings::default(), OrderBook::preset(1));
    announce(&mut primary, FRONT_END);
    assert!(primary.acting());
    ring(&mut primary);
    primary
}

fn announce(replica: &mut Replica, front_end: u64) -> Vec<Effect> {
    say(replica, front_end, view_is(view(1, ME, &[ME, BACKUP]), &[], &[ME, BACKUP]))
}

/// How often it registered, and how often it sent its backup a heartbeat.
fn beats(effects: &[Effect]) -> (usize, usize) {
    (each!(messages(effects), Message::Register { .. } => ()).len(), updates_sent(effects))
}

#[test]
fn a_front_end_sets_the_beat_and_two_do_not_double_it() {
    let mut primary = primary();
    for _ in 0..3 {
        assert_eq!(beats(&announce(&mut primary, FRONT_END)), (1, 1));
        assert_eq!(beats(&announce(&mut primary, OTHER_FRONT_END)), (0, 0));
        let rang = ring(&mut primary);
        assert_eq!(beats(&rang), (0, 0));
        assert_eq!(timers(&rang), [(Timer::Heartbeat, Settings::default().heartbeat)]);
    }
}

#[test]
fn without_a_front_end_the_timer_sets_the_beat() {
    let mut primary = primary();
    for _ in 0..3 {
        assert_eq!(beats(&ring(&mut primary)), (1, 1));
    }
}

#[test]
fn silence_is_counted_by_the_own_clock_and_not_by_what_front_ends_say() {
    let mut primary = primary();
    for _ in 0..1000 {
        let effects = announce(&mut primary, FRONT_END);
        let accused = statuses(&effects).iter().any(|status| !status.silent.is_empty());
        assert!(!accused, "somebody was accused within one heartbeat");
    }
    let Settings { heartbeat, suspect_after, .. } = Settings::default();
    let accused = (0..20).find(|_| statuses(&ring(&mut primary)).iter().any(|status| !status.silent.is_empty()));
    // One heartbeat is over already when it begins to be silent.
    assert_eq!(accused, Some(suspect_after.0.div_ceil(heartbeat.0) - 1));
}

#[test]
fn timers_are_left_alone_by_settings_that_do_not_concern_them() {
    let slower = Settings { hop: Span::millis(700), retry_after: Span::millis(9), ..Settings::default() };
    let mut replica = primary();
    let mut name_server = NameServer::new(identity(Role::NameServer), Settings::default(), JournalRecord::default());
    let mut front_end = front_end();
    for settings in [slower, Settings::default()] {
        assert_eq!(timers(&give(&mut replica, Input::Retimed(settings.clone()))), []);
        assert_eq!(timers(&give(&mut name_server, Input::Retimed(settings.clone()))), []);
        assert_eq!(timers(&give(&mut front_end, Input::Retimed(settings))), []);
    }
}

#[test]
fn timers_follow_the_settings_that_concern_them() {
    let default = Settings::default();
    let (beat, patience) = (Span::millis(10), Span::millis(1000));
    let mut front_end = front_end();
    let silence = Timer::Silence(NodeId(BACKUP));

    let faster = Input::Retimed(Settings { heartbeat: beat, ..default.clone() });
    assert_eq!(timers(&give(&mut primary(), faster.clone())), [(Timer::Heartbeat, beat)]);
    assert_eq!(
        timers(&give(&mut front_end, faster)),
        [(Timer::Heartbeat, beat), (silence, default.suspect_after)],
        "silence is counted anew where the beat changes"
    );
    let patient = Input::Retimed(Settings { heartbeat: beat, suspect_after: patience, ..default });
    assert_eq!(timers(&give(&mut front_end, patient)), [(silence, patience)]);
}

/// One that hears a replica.
fn front_end() -> FrontEnd {
    let mut front_end = FrontEnd::new(identity(Role::FrontEnd), Settings::default());
    say(&mut front_end, NAME_SERVER, found(Role::Replica, &[("a replica", BACKUP)]));
    front_end
}
