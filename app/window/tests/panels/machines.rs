//! Other machines in the window: the box that invites asks for what was clicked and shows what the cluster answers; the one
//! that joins tells how this machine stands elsewhere.

use std::time::Duration;

use egui_kittest::kittest::{NodeT, Queryable};
use knowledge::machines::{
    AskedOfMachines, ClockOffset, CodeIs, GivenCode, JoinedMachine, KnockingMachine, MachinesStatus, Presence, Stay,
    StayIs, StayOver,
};
use protocol::ids::Role;
use protocol::trace::NoJoin;
use window::panels::machines::JoinClick;

use crate::shown::{Shown, click, shown};

const CODE: &str = "JH2AEAMBAAAQBIJ5W4LLLXBB7WYIV3R4BYQ4ZZNOC3CGFRXMSP5K4VZTS3CABAIQ7QD4CDJ4XOA2XZA";

pub fn invites(is: CodeIs) -> MachinesStatus {
    let given = GivenCode { code: CODE.into(), role: Role::Replica, is };
    MachinesStatus {
        addresses: vec![[192, 168, 1, 7].into()],
        port: Some(4141),
        newest: Some(given),
        ..MachinesStatus::default()
    }
}

pub fn anna() -> KnockingMachine {
    KnockingMachine { name: "anna-laptop".into(), role: Role::Replica, address: [192, 168, 1, 9].into() }
}

fn says(harness: &Shown, words: &str) -> bool {
    harness.query_all_by_label_contains(words).next().is_some()
}

/// What was asked for beside how it is.
fn asked(harness: &mut Shown) -> Vec<AskedOfMachines> {
    let mut asked = harness.state_mut().take_asked_of_machines();
    asked.retain(|one| *one != AskedOfMachines::Look);
    asked
}

fn told(harness: &mut Shown, status: MachinesStatus) {
    harness.state_mut().machines_are(Ok(status));
    harness.run_steps(3);
}

fn menu(entry: &str) -> Shown {
    let mut harness = shown();
    click(&mut harness, "Menu");
    click(&mut harness, entry);
    harness
}

#[test]
fn a_code_is_made_counts_down_and_is_replaced() {
    let mut harness = menu("Invite…");
    assert!(harness.state_mut().take_asked_of_machines().contains(&AskedOfMachines::Look));
    assert!(says(&harness, "this computer only"), "nothing listens before a person invites");
    click(&mut harness, "Code for a replica");
    assert_eq!(asked(&mut harness), [AskedOfMachines::Invite(Role::Replica)]);
    assert!(!says(&harness, CODE), "it is there when the cluster says so");

    harness.state_mut().machines_are(Err("This machine has no address.".into()));
    harness.run_steps(3);
    assert!(says(&harness, "This machine has no address."));

    told(&mut harness, invites(CodeIs::Good(Duration::from_secs(581))));
    assert!(says(&harness, CODE) && says(&harness, "the code as a QR picture"));
    assert!(says(&harness, "Lets one replica in. Expires in 9:41."));
    assert!(says(&harness, "192.168.1.7; machines join at port 4141"));
    told(&mut harness, invites(CodeIs::Good(Duration::from_secs(5))));
    assert!(says(&harness, "Expires in 0:05."));

    for (is, why) in [(CodeIs::Expired, "This code has expired"), (CodeIs::Used, "A machine has joined with this code")]
    {
        told(&mut harness, invites(is));
        assert!(says(&harness, why) && !says(&harness, CODE), "a code that lets nobody in is not shown");
        click(&mut harness, "Code for a replica");
        assert_eq!(asked(&mut harness), [AskedOfMachines::Invite(Role::Replica)]);
    }
    click(&mut harness, "End invitation");
    assert_eq!(asked(&mut harness), [AskedOfMachines::EndInvitation]);
    told(&mut harness, MachinesStatus { newest: None, ..invites(CodeIs::Used) });
    assert!(says(&harness, "still listens for the machines that have joined"));
    told(&mut harness, MachinesStatus::default());
    assert!(says(&harness, "this computer only") && says(&harness, "Code for a replica"));
}

#[test]
fn nobody_is_invited_into_a_lessons_cluster() {
    let mut harness = super::asked().harness;
    click(&mut harness, "Menu");
    click(&mut harness, "Invite…");
    harness.state_mut().take_asked_of_machines();
    assert!(says(&harness, "Invite other machines when it is over"));
    for button in ["Code for a replica", "Code for a customer"] {
        assert!(harness.get_by_label(button).accesskit_node().is_disabled(), "{button}");
    }
}

#[test]
fn a_code_for_a_customer_is_asked_for() {
    let mut harness = menu("Invite…");
    harness.state_mut().take_asked_of_machines();
    click(&mut harness, "Code for a customer");
    assert_eq!(asked(&mut harness), [AskedOfMachines::Invite(Role::Customer)]);
}

#[test]
fn one_that_knocks_is_told_of_and_decided_about() {
    let mut harness = shown();
    let status = MachinesStatus { knocking: vec![anna()], ..invites(CodeIs::Good(Duration::from_secs(300))) };
    told(&mut harness, status);
    assert!(says(&harness, "anna-laptop (192.168.1.9) has a valid code and wants to run a replica."));
    click(&mut harness, "Decide…");
    click(&mut harness, "Admit anna-laptop");
    assert_eq!(asked(&mut harness), [AskedOfMachines::Decide { machine: "anna-laptop".into(), admitted: true }]);
    click(&mut harness, "Refuse anna-laptop");
    assert_eq!(asked(&mut harness), [AskedOfMachines::Decide { machine: "anna-laptop".into(), admitted: false }]);
    click(&mut harness, "Admit every machine with a valid code");
    assert_eq!(asked(&mut harness), [AskedOfMachines::AdmitAll(true)]);

    let joined = JoinedMachine {
        name: "anna-laptop".into(),
        role: Role::Replica,
        address: [192, 168, 1, 9].into(),
        presence: Presence::Connected,
        clock: Some(ClockOffset { ahead: -3_200_000, within: 140 }),
        processes: vec![("replica-4".into(), Some(412))],
    };
    let gone = JoinedMachine { name: "ben".into(), presence: Presence::Lost, clock: None, ..joined.clone() };
    told(&mut harness, MachinesStatus { joined: vec![joined, gone], ..invites(CodeIs::Used) });
    assert!(says(&harness, "replica-4 (process 412)") && says(&harness, "3.2 s behind, to 140 µs"));
    assert!(says(&harness, "connected") && says(&harness, "cannot be reached"));
    assert!(says(&harness, "No machine waits."));
}

#[test]
fn this_machine_joins_another_cluster_and_leaves() {
    let mut harness = menu("Join…");
    click(&mut harness, "Join");
    assert_eq!(harness.state_mut().take_join_click(), None, "a code is needed");
    harness.get_by_label("code to join with").focus();
    harness.run_steps(2);
    harness.get_by_label("code to join with").type_text(CODE);
    harness.run_steps(2);
    click(&mut harness, "Join");
    let wanted = |folder: &str| Some(JoinClick::Join { code: CODE.into(), name: String::new(), folder: folder.into() });
    assert_eq!(harness.state_mut().take_join_click(), wanted(""));
    harness.get_by_label("folder for orders on disk").focus();
    harness.run_steps(2);
    harness.get_by_label("folder for orders on disk").type_text("orders");
    harness.run_steps(2);
    click(&mut harness, "Join");
    assert_eq!(harness.state_mut().take_join_click(), wanted("orders"));

    let mut is = |stay: Stay, words: &str| {
        harness.state_mut().stays(stay);
        harness.run_steps(3);
        assert!(says(&harness, words), "{words}");
    };
    let over = |over| Stay { is: StayIs::Over(over), ..Stay::default() };
    is(over(StayOver::NoWay("This is not a code.".into())), "This is not a code.");
    is(over(StayOver::NotAdmitted(NoJoin::NeedsDisk)), "Join with a folder on this machine");
    is(over(StayOver::NotAdmitted(NoJoin::Expired)), "This code has expired. Ask for a new one");
    is(Stay { is: StayIs::Waits, ..Stay::default() }, "decides now whether to admit this computer");
    let joined = Stay {
        is: StayIs::Joined,
        name: Some("anna-laptop".into()),
        at: Some([192, 168, 1, 7].into()),
        runs: vec![("replica-4".into(), 412)],
        slept: false,
    };
    is(joined.clone(), "belongs to the cluster at 192.168.1.7, as anna-laptop.");
    is(joined, "replica-4 (process 412)");
    click(&mut harness, "Leave");
    assert_eq!(harness.state_mut().take_join_click(), Some(JoinClick::Leave));
    harness.state_mut().stays(over(StayOver::Left));
    harness.run_steps(3);
    assert!(says(&harness, "This computer has left the cluster.") && says(&harness, "Join"));
}
