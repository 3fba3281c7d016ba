//! What replicas hold: a state on its way, and what is on disks.

use super::*;

#[test]
fn how_long_a_newcomer_receives_yet_follows_from_what_came_until_now() {
    let receives = |at, loading| {
        let state = ReplicaState { loading, ..ReplicaState::default() };
        fact(FIRST, at, NodeEvent::State(NodeState::Replica(Box::new(state))))
    };
    let mut picture = picture(vec![started("replica-1", FIRST, Role::Replica), receives(1_000, Some((2_000, 90_000)))]);
    let mut left = |state| {
        picture.apply(&state);
        picture.nodes.of(FIRST).and_then(|node| node.receives_for())
    };
    assert_eq!(left(receives(2_000, Some((2_000, 90_000)))), None, "nothing came yet");
    assert_eq!(left(receives(3_000, Some((12_000, 92_000)))), Some(16_000), "10 000 bytes in 2 ms, 80 000 are left");
    assert_eq!(left(receives(4_000, Some((4_000, 92_000)))), None, "it has begun anew");
    assert_eq!(left(receives(5_000, Some((48_000, 92_000)))), Some(1_000));
    assert_eq!(left(receives(6_000, None)), None);
}

#[test]
fn after_a_power_cut_copies_are_on_disks_or_nowhere() {
    let after = |disk: Option<DiskState>| {
        let state = ReplicaState { disk, ..ReplicaState::default() };
        let says = fact(FIRST, 1, NodeEvent::State(NodeState::Replica(Box::new(state))));
        picture(vec![started("replica-1", FIRST, Role::Replica), says, crashed(FIRST, 2)]).stats.copies
    };
    assert_eq!(after(None), Copies::Nowhere);
    assert_eq!(after(Some(DiskState::default())), Copies::Nowhere, "nothing was synced yet");
    let kept = Some(Position { op: OpNumber(1), fingerprint: Fingerprint(1) });
    assert_eq!(after(Some(DiskState { kept, ..DiskState::default() })), Copies::OnDiskOnly);
}
