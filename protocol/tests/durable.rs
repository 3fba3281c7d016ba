//! Durable replicas (PROTOCOL section 9): what is said only when it is on disk, and what a restart brings back.

mod single;

use std::sync::Arc;

use protocol::disk::{DiskState, DiskTrouble, Kept};
use protocol::ids::{Barrier, OpNumber, OrderNumber, Role, Span, Timestamp, View, ViewNumber};
use protocol::machine::{Effect, Identity, Input, Machine, Settings, Timer};
use protocol::message::{Message, StateUpdate};
use protocol::order_book::{Entry, EntryEffect, OrderBook, Outcome};
use protocol::replica::{RecordError, Recovered, Replica};
use protocol::simulation::disk::Disk;
use protocol::simulation::{Conditions, simulate};
use protocol::trace::{MachineEvent, NodeState, Note};
use single::*;

/// A replica with its disk, which writes when it is told to.
struct Durable {
    replica: Replica,
    disk: Disk,
}

impl Durable {
    /// Started with what is on this disk.
    fn on(disk: Disk) -> (Self, Vec<Effect>) {
        let recovered = disk.recover().unwrap_or_default();
        let replica = Replica::durable(identity(Role::Replica), Settings::default(), OrderBook::preset(1), recovered);
        let mut durable = Self { replica, disk };
        let mut effects = start(&mut durable.replica);
        effects.extend(ring(&mut durable.replica, Timer::Heartbeat));
        let effects = durable.keep(effects);
        (durable, effects)
    }

    fn fresh() -> Self {
        let mut durable = Self::on(Disk::default()).0;
        durable.sync();
        durable
    }

    /// A member of view 1, in step with its primary 3, with this many entries.
    fn backup(entries: u64) -> Self {
        let mut durable = Self::fresh();
        let base = OrderBook::preset(2);
        for part in parts(&base, &view(1, 3, &[3]), base.as_base(), 100_000) {
            durable.hears(3, Message::Snapshot(Box::new(part)));
            durable.sync();
        }
        durable.hears(FRONT_END, view_is(view(2, 3, &[3, ME]), &[], &[3, ME]));
        durable.sync();
        for op in 1..=entries {
            durable.hears(3, durable.update(2, op));
            durable.sync();
        }
        assert_eq!(durable.replica.position().map(|position| position.op), Some(OpNumber(entries)));
        durable
    }

    /// The primary of view 1, alone.
    fn primary() -> Self {
        let mut durable = Self::fresh();
        durable.hears(FRONT_END, view_is(view(1, ME, &[ME]), &[], &[ME]));
        durable.sync();
        assert!(durable.replica.acting());
        durable
    }

    fn keep(&mut self, effects: Vec<Effect>) -> Vec<Effect> {
        let mut others = Vec::new();
        for effect in effects {
            match effect {
                Effect::Keep { number, new_file, kept } => _ = self.disk.write(number, new_file, kept),
                other => others.push(other),
            }
        }
        others
    }

    fn given(&mut self, input: Input) -> Vec<Effect> {
        let effects = give(&mut self.replica, input);
        self.keep(effects)
    }

    fn hears(&mut self, from: u64, message: Message) -> Vec<Effect> {
        self.given(Input::Received { from: contact(from), traced: false, message })
    }

    /// Syncs until nothing is left to sync. What the replica does about it.
    fn sync(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        loop {
            self.disk.begin_sync();
            let Some(number) = self.disk.synced() else { return effects };
            effects.extend(self.given(Input::Kept { number }));
        }
    }

    fn fails(&mut self, why: DiskTrouble) -> Vec<Effect> {
        self.disk.begin_sync();
        let number = self.disk.fail().expect("something is being written");
        self.given(Input::KeepFailed { number, why })
    }

    /// The power goes, and what was not synced with it.
    fn dies(mut self) -> Disk {
        self.disk.lose_power(0);
        self.disk
    }

    fn state(&self) -> DiskState {
        let NodeState::Replica(state) = self.replica.describe() else { panic!("a replica") };
        state.disk.expect("a durable one")
    }

    /// The primary 3 sends an order as this op.
    fn update(&self, in_view: u64, op: u64) -> Message {
        let (from, number) = (self.replica.position().expect("it has one"), OrderNumber(op));
        let effect =
            EntryEffect::Accepted { postcode: postcode(), items: vec!["Pad thai".into()], number, at: Timestamp(0) };
        let (request, outcome) = (request(1, op), Outcome::Placed { number });
        let entry = Entry { op: OpNumber(op), view: ViewNumber(in_view), request, effect, outcome };
        Message::StateUpdate(StateUpdate {
            view: view(in_view, 3, &[3, ME]),
            from,
            entries: vec![Arc::new(entry)],
            barrier: Barrier(op),
            commit: OpNumber(0),
        })
    }

    /// The same in view 2, with an order as large as one may be.
    fn large_update(&self, op: u64) -> Message {
        let Message::StateUpdate(update) = self.update(2, op) else { panic!("an update") };
        let (number, items) = (OrderNumber(op), vec!["x".repeat(80); 50]);
        let effect = EntryEffect::Accepted { postcode: postcode(), items, number, at: Timestamp(0) };
        let outcome = Outcome::Placed { number };
        let entry = Entry { op: OpNumber(op), view: ViewNumber(2), request: request(1, op), effect, outcome };
        Message::StateUpdate(StateUpdate { entries: vec![Arc::new(entry)], ..update })
    }

    /// A backup whose file has just grown enough: an entry is being synced, the next one waits, and behind it a new file.
    fn about_to_replace_its_file() -> Self {
        let mut backup = Self::backup(0);
        for op in 1.. {
            backup.hears(3, backup.large_update(op));
            if backup.state().copying.is_some() {
                break;
            }
            // The first one is synced while the second one waits, and so on.
            if op > 1 {
                let number = backup.disk.synced().expect("an entry");
                backup.disk.begin_sync();
                backup.given(Input::Kept { number });
            }
        }
        assert!(backup.disk.is_syncing() && backup.state().waiting == 2);
        backup
    }
}

/// Acknowledgements, each with its position and barrier.
fn acks(effects: &[Effect]) -> Vec<(Option<u64>, u64)> {
    each!(messages(effects), Message::Ack { position, barrier, .. } => (position.map(|at| at.op.0), barrier.0))
}

fn replies(effects: &[Effect]) -> usize {
    each!(messages(effects), Message::Reply { .. } => ()).len()
}

fn notes(effects: &[Effect]) -> Vec<&Note> {
    each!(effects, Effect::Trace(MachineEvent::Noted(note)) => note)
}

// R10.

#[test]
fn a_backup_acknowledges_an_entry_when_it_is_on_disk() {
    let mut backup = Durable::backup(0);
    let update = backup.update(2, 1);
    assert_eq!(acks(&backup.hears(3, update)), [], "it is not on disk");
    assert_eq!((backup.state().waiting, backup.replica.commit()), (1, OpNumber(0)));
    let more = backup.update(2, 2);
    assert_eq!(acks(&backup.hears(3, more)), []);
    assert_eq!(acks(&backup.sync()), [(Some(1), 2), (Some(2), 2)], "it came too late for the first sync");
    assert_eq!(backup.state().waiting, 0);
}

#[test]
fn a_heartbeat_is_answered_with_what_is_on_disk() {
    let mut backup = Durable::backup(1);
    let (here, update) = (backup.replica.position(), backup.update(2, 2));
    backup.hears(3, update);
    let from = here.expect("it has one");
    let (view, entries) = (view(2, 3, &[3, ME]), Vec::new());
    let beat = Message::StateUpdate(StateUpdate { view, from, entries, barrier: Barrier(9), commit: OpNumber(0) });
    assert_eq!(acks(&backup.hears(3, beat)), [(Some(1), 9)]);
    assert_eq!(acks(&backup.sync()), [(Some(2), 2)]);
}

#[test]
fn a_primary_counts_its_own_copy_when_it_is_on_disk() {
    let mut primary = Durable::primary();
    primary.hears(FRONT_END, orders(1));
    assert_eq!(replies(&primary.given(valid(request(1, 1)))), 0);
    assert_eq!(primary.replica.commit(), OpNumber(0));
    assert_eq!(replies(&primary.sync()), 1);
    assert_eq!(primary.replica.commit(), OpNumber(1));
}

#[test]
fn entries_are_sent_to_backups_before_they_are_on_disk() {
    let mut primary = Durable::primary();
    primary.hears(FRONT_END, view_is(view(2, ME, &[ME, BACKUP]), &[], &[ME, BACKUP]));
    primary.sync();
    let position = primary.replica.position();
    let view = ViewNumber(2);
    primary.hears(BACKUP, Message::Ack { view, position, barrier: Barrier(0), copy: None });
    primary.hears(FRONT_END, orders(1));
    let effects = primary.given(valid(request(1, 1)));
    assert_eq!((updates_sent(&effects), replies(&effects)), (1, 0), "both write at the same time");
    let position = primary.replica.position();
    let effects = primary.hears(BACKUP, Message::Ack { view, position, barrier: Barrier(0), copy: None });
    assert_eq!(replies(&effects), 0, "the backup has it on disk, the primary does not");
    assert_eq!(replies(&primary.sync()), 1);
}

#[test]
fn a_view_is_on_disk_before_anything_is_said_in_it() {
    let mut backup = Durable::backup(1);
    let effects = backup.hears(FRONT_END, view_is(view(3, 3, &[3, ME]), &[], &[3, ME]));
    assert_eq!((statuses(&effects).len(), backup.replica.view().number), (0, ViewNumber(2)));
    let update = backup.update(3, 2);
    assert_eq!(acks(&backup.hears(3, update)), [], "of a view that it has not entered");
    let effects = backup.sync();
    assert_eq!(statuses(&effects)[0].view, ViewNumber(3));
    assert_eq!(acks(&effects).last(), Some(&(Some(2), 2)), "what waited was not lost: {effects:?}");
}

#[test]
fn a_joiner_has_the_state_when_all_of_it_is_on_disk() {
    let mut joiner = Durable::fresh();
    let base = OrderBook::preset(2);
    let [part] = &parts(&base, &view(1, 3, &[3]), base.as_base(), 100_000)[..] else { panic!("one part") };
    let message = Message::Snapshot(Box::new(part.clone()));
    let first = joiner.hears(3, message.clone());
    assert_eq!(sent(&first), [], "the view goes to the disk first");
    joiner.disk.begin_sync();
    let number = joiner.disk.synced().expect("the view");
    let effects = joiner.given(Input::Kept { number });
    assert_eq!((acks(&effects), joiner.replica.book()), (vec![(None, 0)], &base), "in memory, and not on disk");
    assert_eq!(acks(&joiner.hears(3, message)), [(None, 0)], "it comes again, and is not taken again");
    assert_eq!(acks(&joiner.sync()), [(Some(0), 0)]);
}

/// Its file takes longer than the tail of a log is long. The primary keeps what it will need, or it would need a copy again and again.
#[test]
fn a_newcomer_needs_one_copy_although_thousands_of_orders_come_while_it_writes() {
    let of_primary = Identity { me: contact(3), ..identity(Role::Replica) };
    let mut primary = Replica::new(of_primary, Settings::default(), OrderBook::preset(2));
    say(&mut primary, FRONT_END, view_is(view(1, 3, &[3]), &[ME], &[ME]));
    let mut joiner = Durable::fresh();
    let (mut copies, mut ordered) = (0, 0);
    for _ in 0..20_000 {
        let mut effects = match joiner.replica.position() {
            Some(_) if ordered < 10_000 => {
                ordered += 1;
                say(&mut primary, FRONT_END, orders(ordered));
                give(&mut primary, valid(request(ordered, 1)))
            }
            Some(at) if joiner.state().kept == Some(at) && primary.position() == Some(at) => break,
            _ => ring(&mut primary, Timer::Heartbeat),
        };
        while !effects.is_empty() {
            let there = each!(effects, Effect::Send { to, message, .. } if to == contact(ME) => message);
            let is_last = |it: &&Message| matches!(it, Message::Snapshot(part) if part.piece.rest.is_some());
            copies += there.iter().filter(is_last).count();
            let mut back: Vec<Effect> = there.into_iter().flat_map(|message| joiner.hears(3, message)).collect();
            let writes = joiner.replica.position().is_some() && ordered < 10_000;
            back.extend(if writes { Vec::new() } else { joiner.sync() });
            let back = each!(back, Effect::Send { to, message, .. } if to == contact(3) => message);
            effects = back.into_iter().flat_map(|message| say(&mut primary, ME, message)).collect();
        }
    }
    assert_eq!((ordered, copies, joiner.state().kept), (10_000, 1, primary.position()));
}

#[test]
fn the_first_view_begins_when_the_base_data_are_on_disk() {
    let mut first = Durable::fresh();
    let announced = view_is(view(1, ME, &[ME]), &[], &[ME]);
    assert!(statuses(&first.hears(FRONT_END, announced.clone())).is_empty() && !first.replica.acting());
    // A crash here leaves what there was before: nothing. The next process can lead the view.
    let (mut again, _) = Durable::on(first.dies());
    assert_eq!((again.replica.view().number, again.replica.position()), (ViewNumber(0), None));
    again.hears(FRONT_END, announced);
    let effects = again.sync();
    assert!(again.replica.acting() && statuses(&effects)[0].acting, "{effects:?}");
}

// R11.

#[test]
fn a_restart_brings_back_id_view_and_orders_but_leads_only_in_a_newer_view() {
    let mut primary = Durable::primary();
    for number in 1..=20 {
        primary.hears(FRONT_END, asks(1, number, order()));
        primary.given(valid(request(1, number)));
        primary.sync();
    }
    let before = primary.replica.clone();
    let (mut after, effects) = Durable::on(primary.dies());
    let at = before.position().expect("it has one");
    assert!(notes(&effects).contains(&&Note::Recovered { at, view: before.view().clone() }), "{effects:?}");
    assert_eq!((after.replica.position(), after.replica.book()), (before.position(), before.book()));
    assert_eq!(after.replica.view(), before.view());
    let effects = after.hears(FRONT_END, view_is(view(1, ME, &[ME]), &[], &[ME]));
    assert!(!after.replica.acting() && !statuses(&effects)[0].acting, "R2: it was in this view already");
    after.hears(FRONT_END, view_is(view(2, ME, &[ME]), &[], &[ME]));
    after.sync();
    assert!(after.replica.acting());
    let repeated = after.hears(FRONT_END, asks(1, 20, order()));
    assert_eq!((replies(&repeated), after.replica.position()), (1, before.position()), "R8: not placed again");
}

#[test]
fn what_was_not_synced_was_not_said_and_is_gone() {
    let mut backup = Durable::backup(3);
    let update = backup.update(2, 4);
    backup.hears(3, update.clone());
    let (mut after, _) = Durable::on(backup.dies());
    assert_eq!(after.replica.position().map(|at| at.op), Some(OpNumber(3)));
    assert_eq!(acks(&after.hears(3, update)), []);
    assert_eq!(acks(&after.sync()), [(Some(4), 4)], "it follows its view as it did before");
}

#[test]
fn without_its_disk_a_replica_is_nobody() {
    let mut backup = Durable::backup(3);
    backup.disk.become_unreadable();
    let (after, _) = Durable::on(backup.dies());
    assert_eq!((after.replica.position(), after.replica.view()), (None, &View::default()));
}

// Files.

#[test]
fn a_file_that_has_grown_is_replaced_while_entries_go_on() {
    let mut backup = Durable::backup(0);
    let mut files = 0;
    for op in 1..=9_000 {
        backup.hears(3, backup.large_update(op));
        let copies = backup.state().copying.is_some();
        backup.disk.begin_sync();
        if let Some(number) = backup.disk.synced() {
            backup.given(Input::Kept { number });
        }
        files += usize::from(copies && backup.state().copying.is_none());
        if copies && op % 100 == 0 {
            let whole = backup.disk.recover().expect("at each moment there is a whole file");
            assert!(whole.position().is_some_and(|at| at.op >= OpNumber(op - 1)), "nothing of it is lost");
        }
    }
    backup.sync();
    assert!(files >= 1, "the file was never replaced");
    let whole = backup.disk.recover().expect("a whole file");
    assert_eq!((whole.position(), whole.book()), (backup.replica.position(), backup.replica.book()));
    assert_eq!(whole.view(), backup.replica.view());
}

#[test]
fn a_file_that_has_grown_by_views_alone_is_replaced() {
    let mut backup = Durable::backup(0);
    let others: Vec<u64> = (1000..9000).collect();
    let members = [&[3, ME], &others[..]].concat();
    let mut files = 0;
    for number in 3..600 {
        let effects = say(&mut backup.replica, FRONT_END, view_is(view(number, 3, &members), &[], &[3, ME]));
        files += each!(&effects, Effect::Keep { new_file: true, .. } => ()).len();
        backup.keep(effects);
        backup.sync();
        assert_eq!(backup.replica.view().number, ViewNumber(number));
    }
    assert!((1..6).contains(&files), "{files} new files");
    let (after, _) = Durable::on(backup.dies());
    assert_eq!(after.replica.view().number, ViewNumber(599));
}

#[test]
fn records_in_the_wrong_place_are_no_file() {
    let position = Some(OrderBook::preset(1).as_base());
    let refused = |records: Vec<Kept>| {
        let mut recovered = Recovered::default();
        records.into_iter().try_for_each(|kept| recovered.take(kept)).and_then(|()| recovered.complete()).err()
    };
    let Message::StateUpdate(StateUpdate { entries, .. }) = Durable::backup(0).update(2, 1) else { panic!() };
    let entry = || Kept::Entry(entries[0].clone());
    let two = Kept::View(view(2, 3, &[3]));
    assert_eq!(refused(vec![Kept::Begins, Kept::Whole(None)]), None);
    assert_eq!(refused(Vec::new()), Some(RecordError::Incomplete));
    assert_eq!(refused(vec![Kept::Begins]), Some(RecordError::Incomplete));
    assert_eq!(refused(vec![two.clone()]), Some(RecordError::Beginning));
    assert_eq!(refused(vec![Kept::Begins, Kept::Begins]), Some(RecordError::Beginning));
    assert_eq!(refused(vec![Kept::Begins, Kept::Whole(position)]), Some(RecordError::Place), "no state before it");
    assert_eq!(refused(vec![Kept::Begins, entry()]), Some(RecordError::Place));
    assert_eq!(refused(vec![Kept::Begins, Kept::Whole(None), entry()]), Some(RecordError::Entry));
    assert_eq!(refused(vec![Kept::Begins, two.clone(), two]), Some(RecordError::View));
}

// Trouble.

#[test]
fn a_disk_that_fails_silences_its_replica_until_a_new_file_is_whole() {
    let mut primary = Durable::primary();
    primary.hears(FRONT_END, orders(1));
    primary.given(valid(request(1, 1)));
    let effects = primary.fails(DiskTrouble::Full);
    assert_eq!(notes(&effects), [&Note::DiskFails { why: DiskTrouble::Full }]);
    assert_eq!((replies(&effects), primary.replica.acting()), (0, false));
    let announced = view_is(view(1, ME, &[ME]), &[], &[ME]);
    assert!(statuses(&primary.hears(FRONT_END, announced.clone())).is_empty(), "it says nothing");
    ring(&mut primary.replica, Timer::Heartbeat);
    // It tries again, with a new file, which fails as well; the news is not told twice.
    let effects = primary.given(Input::Rang(Timer::Disk));
    assert!(notes(&effects).is_empty());
    let effects = primary.fails(DiskTrouble::Full);
    assert!(notes(&effects).is_empty() && primary.state().trouble == Some(DiskTrouble::Full), "{effects:?}");
    primary.given(Input::Rang(Timer::Disk));
    let effects = primary.sync();
    assert_eq!(notes(&effects), [&Note::DiskWorks]);
    assert_eq!(primary.state().trouble, None);
    let [status] = statuses(&effects)[..] else { panic!("{effects:?}") };
    assert!(!status.acting && status.position.map(|at| at.op) == Some(OpNumber(1)), "it kept what it held: {status:?}");
}

#[test]
fn an_entry_that_failed_does_not_count_because_a_new_file_had_begun() {
    let mut backup = Durable::about_to_replace_its_file();
    let on_disk = backup.state().kept;
    let effects = [backup.fails(DiskTrouble::Full), backup.sync()].concat();
    assert_eq!((acks(&effects), backup.state().kept), (vec![], on_disk), "neither file has the entries");
    assert_eq!(backup.state().trouble, Some(DiskTrouble::Full));
    backup.given(Input::Rang(Timer::Disk));
    backup.sync();
    let whole = backup.disk.recover().expect("a whole file");
    assert_eq!((backup.state().kept, whole.position()), (backup.replica.position(), backup.replica.position()));
}

#[test]
fn a_file_that_fails_when_its_successor_has_begun_is_tried_again() {
    let mut backup = Durable::about_to_replace_its_file();
    let number = backup.disk.synced().expect("an entry");
    backup.given(Input::Kept { number });
    let effects = backup.fails(DiskTrouble::Full);
    assert_eq!(notes(&effects), [&Note::DiskFails { why: DiskTrouble::Full }]);
    backup.given(Input::Rang(Timer::Disk));
    assert_eq!(notes(&backup.sync()), [&Note::DiskWorks]);
    assert_eq!((backup.state().kept, backup.state().trouble), (backup.replica.position(), None));
}

#[test]
fn a_slow_disk_silences_its_replica_until_it_answers() {
    let mut backup = Durable::backup(1);
    let update = backup.update(2, 2);
    backup.hears(3, update);
    let effects = backup.given(Input::Rang(Timer::Disk));
    assert_eq!(notes(&effects), [&Note::DiskFails { why: DiskTrouble::Slow }]);
    assert!(statuses(&backup.hears(FRONT_END, view_is(view(2, 3, &[3, ME]), &[], &[3, ME]))).is_empty());
    let effects = backup.sync();
    assert_eq!((notes(&effects), acks(&effects)), (vec![&Note::DiskWorks], vec![(Some(2), 2)]));
    assert_eq!(statuses(&effects).len(), 1);
    let effects = backup.given(Input::Rang(Timer::Disk));
    assert!(effects.is_empty(), "nothing waits any more");
}

// Whole clusters.

const SPAN: Span = Span::millis(60_000);

fn durable() -> Conditions {
    Conditions { durable: true, ..Conditions::honest(SPAN) }
}

/// The power goes, disks fail, are slow or unreadable, besides everything that happens to other clusters.
#[test]
fn nothing_is_lost_when_everything_dies() {
    let summary = simulate(1..301, durable(), |summary| summary.violations.is_empty());
    assert_eq!(summary.violations, [], "{summary:#?}");
    let count = |kind: &str| summary.faults.get(kind).copied().unwrap_or(0);
    for kind in ["disk: power cut", "disk: failing", "disk: slow", "disk: unreadable", "disk: sync failed"] {
        assert!(count(kind) > 100, "{kind}: {}", count(kind));
    }
    for at in ["with a torn log", "before a sync", "after a sync", "before a rename"] {
        let kind = format!("disk: killed {at}");
        assert!(count(&kind) > 20, "{kind}: {}", count(&kind));
    }
    assert!(summary.acknowledged > 20_000 && summary.refused < 10, "{summary:#?}");
}
