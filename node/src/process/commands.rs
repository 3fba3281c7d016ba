//! A node that runs: its loop, and everything its launcher can tell it.
//!
//! Commands come from the launcher, or from the program around a node that was started by hand; a peer has no message for
//! any of them.

use std::net::IpAddr;
use std::time::Duration;

use protocol::ids::Contact;
use protocol::machine::Machine;
use protocol::order_book::OrderBook;
use protocol::postcode::Postcode;
use protocol::replica::Replica;
use protocol::trace::NodeState;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};

use super::explosion;
use crate::alarm::passed;
use crate::control::{ControlCommand, Misbehaviour, NodeReport, ShownHistory, Usage};
use crate::event_loop::Host;
use crate::freezing::Standstill;
use crate::observation::Reports;
use crate::usage;

/// How many histories one report shows.
const MOST_HISTORIES: usize = 50;
/// How many orders it shows of one history, and of all.
const MOST_OF_ONE: usize = 100;
const MOST_ORDERS: usize = 500;
/// A process that overslept listens this long to what was said meanwhile, and this long again after each command.
const LISTEN: Duration = Duration::from_millis(20);
/// … but no longer than this: a launcher that asks all the time must not keep it from working.
const LONGEST_LISTEN: Duration = Duration::from_millis(200);

/// A node that is to leave does so at the latest after this time, whatever it has in hand.
const LONGEST_LEAVING: Duration = Duration::from_millis(500);
/// QUIC's own tasks send the last words of a connection within so long.
const LAST_WORDS: Duration = Duration::from_millis(20);

/// What the launcher says.
pub type Commands = mpsc::UnboundedReceiver<ControlCommand>;

/// Reports a replica's histories from a postcode on; none of other machines.
type Show<M> = fn(&M, Option<Postcode>) -> Option<NodeReport>;

/// Round after round, until the launcher stops talking.
pub(super) async fn drive<M: Machine>(
    mut host: Box<Host<M>>,
    me: Contact,
    reports: &Reports,
    mut commands: Commands,
    show: Show<M>,
) -> anyhow::Result<()> {
    reports.tell(NodeReport::Ready { pid: std::process::id(), contact: me });
    let (mut leaves, mut tickets, mut reach) = (None, Vec::new(), Vec::new());
    loop {
        tokio::select! {
            biased;
            command = commands.recv() => match command {
                None => return Ok(()),
                Some(ControlCommand::Leave) => leaves = Some(leaves.unwrap_or(Instant::now() + LONGEST_LEAVING)),
                Some(command) => obey(&mut host, me, command, reports, show, &mut tickets),
            },
            () = passed(leaves) => {}
            () = host.ready() => {}
        }
        if host.is_late() {
            if host.has_overslept() {
                // Time may have been slowed or stopped meanwhile: that must be known before any timer rings.
                let enough = Instant::now() + LONGEST_LISTEN;
                while Instant::now() < enough
                    && let Ok(command) = timeout(LISTEN, commands.recv()).await
                {
                    let Some(command) = command else { return Ok(()) };
                    obey(&mut host, me, command, reports, show, &mut tickets);
                }
            }
            host.catch_up().await;
        }
        host.round()?;
        // Only now have the machines heard of it. Where there is no room, there will be some after a later round.
        let clock = *host.clock();
        tickets.retain(|ticket| !reports.offer(NodeReport::Confirmed { ticket: *ticket, at: clock.now() }));
        reach.extend(host.take_reach());
        reach.retain(|(peer, reached)| !reports.offer(NodeReport::Reach { peer: *peer, reached: *reached }));
        for explosion in host.take_explosions() {
            explosion::happens(&mut host, explosion, reports).await?;
        }
        if leaves.is_some_and(|at| Instant::now() >= at || !has_work_in_hand(&mut host, me)) {
            host.let_sent_leave().await;
            drop(host);
            tokio::time::sleep(LAST_WORDS).await;
            return Ok(());
        }
    }
}

/// Whether somebody waits for what only this node can give now.
fn has_work_in_hand<M: Machine>(host: &mut Host<M>, me: Contact) -> bool {
    match host.machine(me.id).map(Machine::describe) {
        Some(NodeState::FrontEnd { pending, .. }) => pending > 0,
        Some(NodeState::Replica(replica)) => {
            let open = replica.position.is_some_and(|position| position.op > replica.commit);
            replica.acting && (open || replica.unchecked.is_some())
        }
        Some(NodeState::NameServer { .. } | NodeState::Customer { .. }) | None => false,
    }
}

fn obey<M: Machine>(
    host: &mut Host<M>,
    me: Contact,
    command: ControlCommand,
    reports: &Reports,
    show: Show<M>,
    tickets: &mut Vec<u64>,
) {
    match command {
        ControlCommand::Steer(steering) => {
            if let Err(why) = host.steer(steering) {
                reports.tell(NodeReport::Refused { why });
            }
        }
        ControlCommand::Observe(observe) => host.observe(observe),
        ControlCommand::Freeze => host.stand_still(me.id, None),
        ControlCommand::Wake => {} // Heard by the thread that listens, and done.
        ControlCommand::Confirm { ticket } => tickets.push(ticket),
        ControlCommand::ReportStatus => reports.tell(status(host, me)),
        ControlCommand::ListenOn(addresses) => {
            host.transport().listen_only_on(&addresses);
            for ip in addresses {
                if let Err(error) = host.transport().listen_on(ip) {
                    reports.tell(NodeReport::Refused { why: crate::error_text::chain(&error).into() });
                }
            }
        }
        ControlCommand::VerdictCache(on) => host.set_verdict_cache(on),
        ControlCommand::ShowOrders { from } => {
            if let Some(report) = host.machine(me.id).and_then(|machine| show(machine, from)) {
                reports.tell(report);
            }
        }
        // Heard by the loop, or by nobody: the process has just woken up, and is told again.
        ControlCommand::Leave => {}
        ControlCommand::Misbehave(_) => tracing::warn!("only a postcode stand-in can be told to misbehave"),
    }
}

fn status<M: Machine>(host: &mut Host<M>, me: Contact) -> NodeReport {
    let state = host.machine(me.id).map(Machine::describe);
    let transport = host.transport();
    let usage = Usage {
        processor: usage::processor(),
        memory: usage::memory(),
        connections: transport.connections(),
        refused_messages: transport.refusals().count(),
        timers_rung: host.timers_rung(),
        in_links: host.in_links(),
        sleeps: usage::sleeps(),
        traffic: transport.counters().so_far(),
        syncs: host.syncs(),
    };
    NodeReport::Status { state, usage: Box::new(usage) }
}

/// A page of a replica's order histories.
pub(super) fn orders_of(replica: &Replica, from: Option<Postcode>) -> Option<NodeReport> {
    let book = replica.book();
    Some(NodeReport::Orders { histories: page(book, from), postcodes: book.postcodes() as u64 })
}

/// However long histories are, this copies few orders, and they fit into one report.
fn page(book: &OrderBook, from: Option<Postcode>) -> Vec<ShownHistory> {
    let mut room = MOST_ORDERS;
    let shown = |(postcode, length): (Postcode, usize)| {
        let newest = book.newest(postcode, room.min(MOST_OF_ONE));
        room -= newest.len();
        ShownHistory { postcode, older: (length - newest.len()) as u64, newest }
    };
    book.lengths(from).take(MOST_HISTORIES).map(shown).collect()
}

/// Serves without a machine, as long as `serving` lasts. It lives in real time, but it can be frozen.
pub(super) async fn serve(
    serving: impl Future<Output = anyhow::Result<()>>,
    contact: Contact,
    (behave, mut listen_on): (watch::Sender<Misbehaviour>, impl FnMut(Vec<IpAddr>) -> Vec<anyhow::Error>),
    reports: &Reports,
    mut commands: Commands,
    standstill: Standstill,
) -> anyhow::Result<()> {
    reports.tell(NodeReport::Ready { pid: std::process::id(), contact });
    let mut serving = std::pin::pin!(serving);
    loop {
        tokio::select! {
            ended = &mut serving => return ended,
            command = commands.recv() => match command {
                None | Some(ControlCommand::Leave) => return Ok(()),
                Some(ControlCommand::Misbehave(misbehaviour)) => drop(behave.send(misbehaviour)),
                Some(ControlCommand::ReportStatus) => {
                    let usage = Usage { processor: usage::processor(), memory: usage::memory(), ..Usage::default() };
                    reports.tell(NodeReport::Status { state: None, usage: Box::new(usage) });
                }
                Some(ControlCommand::Confirm { ticket }) => {
                    // It has no links of its own and no cluster time.
                    reports.tell(NodeReport::Confirmed { ticket, at: 0 });
                }
                Some(ControlCommand::ListenOn(addresses)) => {
                    for error in listen_on(addresses) {
                        reports.tell(NodeReport::Refused { why: crate::error_text::chain(&error).into() });
                    }
                }
                Some(ControlCommand::Freeze) => standstill.last(None),
                // No machine lives here that could be steered or looked at.
                Some(
                    ControlCommand::Steer(_)
                    | ControlCommand::Observe(_)
                    | ControlCommand::Wake
                    | ControlCommand::VerdictCache(_)
                    | ControlCommand::ShowOrders { .. },
                ) => {}
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::ids::{CustomerId, OpNumber, OrderNumber, RequestId, RequestNumber, Timestamp, ViewNumber};
    use protocol::menu::{LONGEST_ITEM, MOST_ITEMS};
    use protocol::order_book::{Entry, EntryEffect, Outcome};

    use super::*;
    use crate::control::write_frame;

    /// Orders as large as they may be.
    fn order(op: u64, postcode: Postcode) -> Entry {
        let request = RequestId { customer: CustomerId(7), number: RequestNumber(op) };
        let (number, at) = (OrderNumber(op), Timestamp(op));
        let items = vec!["🍜".repeat(LONGEST_ITEM); MOST_ITEMS];
        let effect = EntryEffect::Accepted { postcode, items, number, at };
        Entry { op: OpNumber(op), view: ViewNumber(1), request, effect, outcome: Outcome::Placed { number } }
    }

    #[test]
    fn a_report_shows_the_newest_orders_only_and_fits_into_a_frame_however_many_there_are() {
        let mut book = OrderBook::default();
        let busy: Postcode = "EH1 1RE".parse().unwrap();
        let others: Vec<Postcode> = (1..=20).map(|number| format!("M{number} 1AE").parse().unwrap()).collect();
        let mut op = 0;
        for postcode in std::iter::repeat_n(busy, 3000).chain(others.iter().flat_map(|it| [*it; 150])) {
            op += 1;
            book.apply(&order(op, postcode));
        }
        let page_from = |from| page(&book, from);
        let all = page_from(None);
        assert_eq!(all.len(), 21);
        let first = all.iter().find(|history| history.postcode == busy).unwrap();
        assert_eq!((first.older, first.newest.len()), (2900, 100));
        assert_eq!(first.newest.last().unwrap().number, Some(OrderNumber(3000)));
        assert_eq!(all.iter().map(|history| history.newest.len()).sum::<usize>(), MOST_ORDERS);
        let told: u64 = all.iter().map(|history| history.older + history.newest.len() as u64).sum();
        assert_eq!(told, op);
        // What has no room on the first page has it on a later one.
        let last = all.last().unwrap();
        assert_eq!((last.older, last.newest.len()), (150, 0));
        assert_eq!(page_from(Some(last.postcode))[0].newest.len(), 100);
        let report = NodeReport::Orders { histories: all, postcodes: 21 };
        write_frame(&mut Vec::new(), &report).unwrap();
    }
}
