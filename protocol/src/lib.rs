//! Passive (primary-backup) replication, as pure state machines.
//!
//! **The idea.** Customers ask a front-end, which passes each request to the primary. The primary executes it, and *all*
//! replicas of its view acknowledge the result before the customer is answered. So every member of a view holds every
//! answered order, and any one of them may lead the next view. The only thing to agree on is the chain of views; one durable
//! compare-and-set at the name server decides it. Everything else is repeatable statements, which may be lost, late, doubled
//! or out of order.
//!
//! **Reading order.** [`ids`] (names for what is counted), [`message`] (everything that is said, \[1\] to \[14\]), [`machine`]
//! (what a role is: inputs in, effects out), then one order's way: [`customer`], [`front_end`], [`replica`], with
//! [`postcode`], [`menu`] and [`order_book`] as the domain, and [`name_server`] beside it all ([`name_servers`] where there are
//! several, with their record in a store: [`view_record`]). [`trace`] is what observers see,
//! [`codec`] what the wire sees, [`fingerprint`] how histories are told apart.
//!
//! **The specification** is `protocol/PROTOCOL.md`: roles, messages, rules, invariants, nasty schedules and limits.
//!
//! **Rules.** R1 to R14 of the protocol each live at one place, named there: R1 `replica::backup::follow` and
//! `replica::on_refused`; R2 `replica::enter`; R3 `replica::become_primary`; R4 `replica::peers::take_in`; R5
//! `front_end::on_status` and `replica::peers::note_silent`; R6 `replica::joining` and `replica::peers::need_snapshot`; R7
//! `replica::answers::answer`; R8 [`order_book`] and `replica::primary::on_request`; R9 `replica::answers`; R11 a fresh
//! [`ids::NodeId`] for every start; R12 `name_server` (journal first) and `front_end::adopt`; R13
//! `name_server::on_record_view`; R14 `order_book::sessions` and `replica::primary::may_be_forgotten`. R10 `replica::durable`, with [`disk`].
//!
//! **Deliberately absent:** clocks, sockets, threads, randomness, floats, hash order; errors that a machine could return;
//! knowledge of links, of observers, or of being simulated.

pub mod acknowledge;
pub mod codec;
pub mod customer;
pub mod disk;
pub mod fingerprint;
pub mod flat;
pub mod front_end;
pub mod ids;
pub mod judge;
pub mod machine;
pub mod menu;
pub mod message;
pub mod name_server;
pub mod name_servers;
mod named;
pub mod order_book;
pub mod plant;
pub mod postcode;
pub mod random;
pub mod replica;
#[cfg(feature = "simulation")]
pub mod simulation;
pub mod text;
mod timer;
pub mod trace;
pub mod view_record;
