//! How long a code is good, and how many machines, nodes and replicas there can be.

use super::*;

fn given(secret: u8, until: Instant) -> Given {
    Given { secret: [secret; 16], role: Role::Replica, until, used: false, addresses: Vec::new() }
}

/// Admitted, and not here yet.
fn coming(number: u64) -> Member {
    Member {
        key: MachineKey(number),
        name: format!("machine-{number}"),
        role: Role::Replica,
        again: [0; 16],
        from: [10, 0, 0, 1].into(),
        machine: None,
        on_disk: Vec::new(),
        lost: None,
        known: false,
        away: None,
    }
}

#[test]
fn a_code_is_good_until_its_time_is_over_and_for_one_machine() {
    let now = Instant::now();
    let mut machines = Machines { codes: vec![given(1, now), given(2, now + CODE_IS_GOOD)], ..Machines::default() };
    let why = |machines: &Machines, secret: u8| machines.good(&[secret; 16], None).err();
    assert_eq!(why(&machines, 1), Some(NoJoin::Expired));
    assert_eq!(why(&machines, 2), None);
    assert_eq!(why(&machines, 3), Some(NoJoin::UnknownCode));
    machines.codes[1].used = true;
    assert_eq!(why(&machines, 2), Some(NoJoin::Used));
    machines.codes[0].used = true;
    assert_eq!(why(&machines, 1), Some(NoJoin::Used), "that is what its person must know");
}

#[test]
fn machines_nodes_and_replicas_are_bounded_also_while_they_come() {
    let mut machines = Machines::default();
    for number in 1..MOST_MACHINES as u64 {
        machines.all.push(coming(number));
    }
    assert!(
        !machines.is_full(Role::Replica, 3, 0)
            && machines.is_full(Role::Replica, 3, MOST_REPLICAS - machines.all.len())
    );
    machines.all.push(coming(16));
    assert!(machines.is_full(Role::Replica, 3, 0), "sixteen are admitted, though none has come");
    // One is not waited for any more, and another may come back.
    (machines.all[0].known, machines.all[1].known) = (true, true);
    machines.all[1].lost = Some(Instant::now());
    assert_eq!(machines.expected(), MOST_MACHINES - 1);
    assert!(!machines.is_full(Role::Replica, 3, 0));

    let nobody = Machines::default();
    assert!(!nobody.is_full(Role::Replica, MOST_NODES - 1, MOST_REPLICAS - 1));
    assert!(nobody.is_full(Role::Replica, MOST_NODES, 3) && nobody.is_full(Role::Replica, 30, MOST_REPLICAS));
}
