//! Small configurations, explored completely: every order of every message, every permitted view, every crash.
//!
//! The replicas and the record are the real ones; everything that was ever said stays deliverable for ever (PROTOCOL section
//! 12). The counts are exact: a change of the protocol changes them, and then somebody should know why.

#[path = "model_check/model.rs"]
mod model;
#[path = "model_check/packet.rs"]
mod packet;
#[path = "model_check/state.rs"]
mod state;

use model::Configuration;
use protocol::acknowledge::Acknowledge;
use protocol::message::{Ask, SNAPSHOT_PART};
use protocol::order_book::MOST_SESSIONS;
use protocol::plant::Plant;
use stateright::{Checker, Expectation, Model};

fn order() -> Ask {
    Ask::Order { postcode: state::postcode(), items: vec!["Pad thai".into()] }
}

fn read() -> Ask {
    Ask::History { postcode: state::postcode(), page: 0 }
}

/// Explores all of it, and wants this many distinct states.
fn explore(configuration: Configuration, states: usize) {
    let checker = configuration.clone().checker().threads(2).spawn_bfs().join();
    for property in configuration.properties() {
        let found = checker.discovery(property.name);
        if property.expectation == Expectation::Sometimes {
            assert!(found.is_some(), "{configuration:?}: never seen: {}", property.name);
        } else if let Some(path) = found {
            let broken = path.last_state().broken;
            let steps: Vec<_> = path.into_actions().into_iter().map(|step| format!("{step:?}")).collect();
            panic!("{configuration:?}: {}, broken: {broken:?}, by\n{}", property.name, steps.join("\n"));
        }
    }
    assert_eq!(checker.unique_state_count(), states, "{configuration:?}");
}

/// Members only: the smallest cluster in which all of the order of messages matters.
fn pair(calls: Vec<Ask>) -> Configuration {
    Configuration {
        members: 2,
        joiners: 0,
        calls,
        views: 2,
        crashes: 1,
        restarts: 0,
        durable: false,
        heartbeats: false,
        bad_postcodes: false,
        copies: 1,
        room: MOST_SESSIONS,
        part: SNAPSHOT_PART,
        acknowledge: Acknowledge::All,
        plant: None,
    }
}

/// Somebody is to be taken in.
fn joining(members: usize, calls: Vec<Ask>, views: u64) -> Configuration {
    Configuration {
        members,
        joiners: 1,
        calls,
        views,
        crashes: 1,
        restarts: 0,
        durable: false,
        heartbeats: false,
        bad_postcodes: false,
        copies: 1,
        room: MOST_SESSIONS,
        part: SNAPSHOT_PART,
        acknowledge: Acknowledge::All,
        plant: None,
    }
}

#[test]
fn a_pair_writes_and_reads() {
    explore(pair(vec![order(), read()]), 690_459);
}

#[test]
fn a_pair_writes_twice() {
    explore(pair(vec![order(), order()]), 804_139);
}

/// The two copies of the order may be told different things of its postcode.
#[test]
fn a_pair_is_asked_to_withdraw() {
    explore(Configuration { bad_postcodes: true, ..pair(vec![order(), Ask::Withdraw]) }, 798_186);
}

/// R8: a request that comes again.
#[test]
fn a_pair_is_asked_again() {
    explore(Configuration { copies: 2, views: 1, ..pair(vec![order()]) }, 2_942);
}

/// R14: there is room for one customer, so each order makes everybody forget the other, while copies of both may come.
fn forgetful(calls: Vec<Ask>) -> Configuration {
    Configuration { room: 1, copies: 2, views: 0, ..pair(calls) }
}

#[test]
fn a_pair_forgets_one_customer_for_another() {
    explore(forgetful(vec![order(), order()]), 2_599);
}

#[test]
fn a_pair_forgets_a_customer_over_two_views() {
    explore(Configuration { crashes: 0, views: 1, ..forgetful(vec![order(), order()]) }, 477_619);
}

#[test]
fn a_pair_forgets_whose_order_is_given_up() {
    explore(forgetful(vec![order(), Ask::Withdraw, order()]), 422_743);
}

/// Without the rule: an order, another customer's, and a late copy of the first.
#[test]
fn without_the_horizon_an_order_is_placed_twice() {
    let configuration = Configuration { plant: Some(Plant::EvictedAreNew), ..forgetful(vec![order(), order()]) };
    let checker = configuration.checker().threads(1).spawn_bfs().join();
    let path = checker.discovery("no step breaks I1, I2, I6, I7, I8, I9").expect("found");
    assert_eq!(path.last_state().broken, Some("I7"));
    let asked: Vec<_> = path.into_actions().into_iter().filter(|step| matches!(step, model::Step::Ask(..))).collect();
    let [model::Step::Ask(_, first, _), model::Step::Ask(_, second, _), model::Step::Ask(_, third, _), ..] = asked[..]
    else {
        panic!("{asked:?}")
    };
    assert!(first == third && first != second, "{asked:?}");
}

/// Where an answer waits for fewer copies, the next primary may lack the order: after this many steps, and no fewer.
fn loses_an_answered_order(configuration: &Configuration, steps: usize) {
    let within = |steps: usize| {
        let checker = configuration.clone().checker().target_max_depth(steps + 2).threads(1).spawn_bfs().join();
        checker.discovery("no step breaks I1, I2, I6, I7, I8, I9")
    };
    assert!(within(steps - 1).is_none(), "sooner than after {steps} steps");
    let path = within(steps).expect("found");
    assert_eq!(path.last_state().broken, Some("I8"));
    let taken = path.into_actions();
    let told = |step: &model::Step| matches!(step, model::Step::Ask(..));
    assert!(taken.iter().any(told) && matches!(taken.last(), Some(model::Step::Tell(..))), "{taken:?}");
}

#[test]
fn where_nobody_else_needs_a_copy_an_answered_order_is_lost() {
    loses_an_answered_order(&Configuration { acknowledge: Acknowledge::None, ..pair(vec![order()]) }, 3);
}

#[test]
fn where_one_backup_is_enough_an_answered_order_is_lost() {
    let three = Configuration { members: 3, views: 1, ..pair(vec![order()]) };
    loses_an_answered_order(&Configuration { acknowledge: Acknowledge::One, ..three }, 5);
}

#[test]
fn a_pair_takes_a_third_in() {
    explore(joining(2, vec![order()], 1), 273_520);
}

#[test]
fn one_takes_another_in_and_reads() {
    explore(joining(1, vec![order(), read()], 1), 147_371);
}

#[test]
fn one_takes_another_in_and_writes_twice() {
    explore(joining(1, vec![order(), order()], 1), 78_931);
}

#[test]
fn one_takes_another_in_over_two_views() {
    explore(joining(1, vec![order()], 2), 128_080);
}

/// Section 6: parts come in any order, again and never; customers order between them, and the primary dies.
#[test]
fn one_takes_another_in_part_by_part() {
    explore(Configuration { part: 1, ..joining(1, vec![order(), order()], 1) }, 290_781);
}

#[test]
fn one_takes_another_in_part_by_part_over_two_views() {
    explore(Configuration { part: 1, ..joining(2, vec![order()], 1) }, 369_344);
}

#[test]
fn three_write() {
    explore(Configuration { members: 3, views: 1, ..pair(vec![order()]) }, 47_735);
}

#[test]
fn one_crashes_and_a_fresh_process_comes() {
    explore(Configuration { members: 1, restarts: 1, ..pair(vec![order()]) }, 195_070);
}

#[test]
fn heartbeats_ring_at_any_moment_of_a_pair() {
    explore(Configuration { heartbeats: true, ..pair(vec![order()]) }, 400_047);
}

#[test]
fn heartbeats_ring_at_any_moment_of_a_joining() {
    explore(Configuration { heartbeats: true, ..joining(1, vec![order(), read()], 1) }, 1_528_865);
}

/// What is not on disk is gone with a crash; a replica that comes back is who it was.
fn durable(configuration: Configuration) -> Configuration {
    Configuration { durable: true, ..configuration }
}

#[test]
fn a_durable_pair_writes_and_one_comes_back() {
    explore(durable(Configuration { restarts: 1, views: 1, ..pair(vec![order()]) }), 24_389);
}

#[test]
fn one_durable_takes_another_in() {
    explore(durable(Configuration { restarts: 1, ..joining(1, vec![order()], 1) }), 62_231);
}

/// A bug that only disks have breaks this invariant after this many steps, and no fewer.
fn is_convicted(plant: Plant, configuration: Configuration, (property, steps): (&'static str, usize)) {
    let configuration = Configuration { plant: Some(plant), ..durable(configuration) };
    let within = |steps: usize| {
        let checker = configuration.clone().checker().target_max_depth(steps + 2).threads(1).spawn_bfs().join();
        checker.discovery(property)
    };
    assert!(within(steps - 1).is_none(), "sooner than after {steps} steps");
    let path = within(steps).expect("found");
    assert_eq!(path.into_actions().len(), steps);
}

/// R10: a backup acknowledges, loses its power and comes back without the entry.
#[test]
fn where_a_backup_answers_before_its_disk_has_the_entry_a_member_lacks_it() {
    let pair = Configuration { restarts: 1, ..pair(vec![order()]) };
    is_convicted(Plant::SyncAfterAck, pair, ("I4: members hold all answered", 5));
}

/// R11: a primary comes back, has lost what was not on its disk, and gives the same op of the same view to another order.
#[test]
fn a_primary_that_goes_on_after_a_restart_makes_two_entries_of_one_op() {
    let pair = Configuration { restarts: 1, ..pair(vec![order(), order()]) };
    is_convicted(Plant::ResumeViewAfterRestart, pair, ("I5: equal entries, equal histories", 5));
}
