//! Golden scripts: one scene for each rule of PROTOCOL section 5, and one for each nasty schedule of its section 14.
//!
//! The scenes are in `scenes/`, in a small language that `scenes/script.rs` explains; they are performed by the real machines,
//! and every invariant is checked after every input.

#[path = "scenes/script.rs"]
mod script;

macro_rules! scenes {
    ($($name:ident,)*) => {
        $(#[test]
        fn $name() {
            script::perform(include_str!(concat!("scenes/", stringify!($name), ".scene")));
        })*

        const ALL: &[&str] = &[$(stringify!($name)),*];
    };
}

scenes! {
    r01_a_lower_view_is_refused,
    r02_a_view_is_entered_once,
    r03_a_new_primary_starts_without_acknowledgements,
    r04_a_joiner_is_needed_once_it_is_in_step,
    r05_the_ack_set_shrinks_only_by_a_recorded_view,
    r06_a_state_is_replaced_whole,
    r07_nothing_uncommitted_is_answered,
    r08_a_request_is_executed_once,
    r09_a_read_is_confirmed_by_everybody,
    r10_nothing_is_said_before_it_is_on_disk,
    r11_a_restarted_process_is_somebody_else,
    r12_only_recorded_views_are_announced,
    r13_the_record_is_a_compare_and_set,
    r14_an_evicted_customer_is_not_a_new_one,
    n01_primary_dies_after_all_acks_before_reply,
    n02_entry_at_one_backup_and_the_other_is_promoted,
    n03_and_then_the_first_backup_is_promoted_after_all,
    n04_retry_while_the_first_copy_is_uncommitted,
    n05_primary_frozen_replaced_wakes_with_queued_orders,
    n06_primary_frozen_between_ack_and_reply,
    n07_primary_frozen_holding_a_complete_read,
    n08_old_primary_front_end_and_customers_cut_off_together,
    n09_a_primary_alone_takes_in_a_joiner_and_freezes,
    n10_a_joiner_in_the_ack_set_dies_before_it_is_recorded,
    n11_views_doubled_and_reports_of_an_older_view,
    n12_a_joiner_of_a_primary_that_inherited_answered_orders,
    n13_primary_dies_in_the_middle_of_a_snapshot,
    n14_two_front_ends_propose_different_views,
    n15_front_end_dies_between_record_and_announcement,
    n16_a_view_reaches_its_primary_when_the_next_is_recorded,
    n17_name_server_dies_before_and_after_journaling,
    n18_name_server_down_when_the_primary_dies,
    n19_name_server_forgets_the_name_of_a_member,
    n20_replica_restarts_empty_on_the_same_port,
    n21_updates_reordered_doubled_and_lost,
    n22_primary_cut_off_from_one_backup,
    n23_primary_cut_off_from_both_backups,
    n24_a_verdict_for_a_primary_that_was_replaced,
    n25_customer_gives_up_and_the_order_arrives_later,
    n26_old_front_end_wakes,
    n27_primary_restarts_in_its_own_view,
    n28_every_power_cord_pulled,
    n29_name_server_and_front_end_both_down,
    n30_fewer_copies_than_wanted,
    n31_name_server_down_when_a_backup_dies,
    n41_customers_are_gone_while_nobody_checks_their_postcodes,
    n42_an_order_that_nobody_can_check_is_refused,
    n51_a_late_copy_of_an_evicted_customers_first_request,
    n52_the_power_goes_everywhere_and_comes_back,
    n53_one_member_with_its_disk_is_enough,
    n32_the_newest_front_end_dies,
    n33_the_newest_front_end_freezes_and_wakes,
    n34_a_dead_backup_is_out_at_once,
    n35_what_comes_and_goes_must_first_stay,
    n36_the_primary_alone_survives,
    n37_all_members_die_and_the_operator_begins_afresh,
    n38_a_fresh_start_is_refused_while_a_member_lives,
    n39_the_front_end_dies_in_the_middle_of_a_fresh_start,
    n40_a_left_out_replica_keeps_what_it_holds_in_a_fresh_start,
}

#[test]
fn every_scene_is_performed() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenes");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut scenes: Vec<_> = files.filter(|path| path.extension().is_some_and(|end| end == "scene")).collect();
    scenes.sort();
    assert_eq!(scenes.len(), ALL.len(), "{scenes:?}");
}

#[test]
#[should_panic(expected = "line 3: expect B leads A B")]
fn a_scene_that_does_not_hold_is_told_with_its_line() {
    script::perform("cluster A B\nwait 1 s\nexpect B leads A B\n");
}
