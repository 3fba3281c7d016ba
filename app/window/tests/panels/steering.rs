//! Time, messages, links and nodes steered by clicks and keys on a fixed picture.

use std::time::Duration;

use egui::{Event, Key, Modifiers, PointerButton, vec2};
use egui_kittest::kittest::Queryable;

use knowledge::user_command::{Until, UserCommand};
use protocol::acknowledge::Acknowledge;
use protocol::disk::DiskState;
use protocol::ids::{Contact, MessageId, NodeId, Role, Span};
use protocol::machine::{Settings, Timer};
use protocol::plant::Plant;
use protocol::trace::{
    Actor, Blast, Bomb, DiskFault, Ending, Failpoint, Freezing, LauncherEvent, MessageAct, NodeEvent, NodeState, Rate,
    ReplicaState, Standing, Started,
};
use scenarios::SetUp;
use window::Beginning;
use window::panels::Selected;

use super::links::cut_of;
use super::scene::{self, replica};
use super::{Shown, asked_for, chord, click, focus, key, menu_of, place, press, resize, say, select, shown, shown_at};

/// Time stands still, two updates are held, links are cut, replica-3 is frozen, and there are bombs.
pub fn steered() -> Shown {
    shown_at(&scene::steered::steered(None), scene::NOW)
}

/// What a key asks for.
pub fn plain(harness: &mut Shown, which: Key) -> Vec<UserCommand> {
    key(harness, which);
    asked_for(harness)
}

/// Menus within menus open under the pointer.
pub(super) fn point(harness: &mut Shown, label: &str) {
    let at = harness.get_by_label(label).rect().center();
    harness.event(Event::PointerMoved(at));
    harness.run_steps(4);
}

#[test]
fn time_runs_stops_and_steps_by_buttons() {
    let mut harness = shown();
    click(&mut harness, "stop");
    assert_eq!(asked_for(&mut harness), [UserCommand::SetRate { rate: Rate::STOPPED }]);
    let mut harness = steered();
    click(&mut harness, "speed: 1/300");
    assert_eq!(asked_for(&mut harness), [], "standing time goes on standing");
    click(&mut harness, "run");
    assert_eq!(asked_for(&mut harness), [UserCommand::SetRate { rate: Rate(3_333) }]);
    let next = harness.state().picture.next_due().expect("updates are on their way").0;
    click(&mut harness, "step");
    let step = UserCommand::RunUntil { rate: Rate(3_333), until: Until::Moment(next) };
    assert_eq!(asked_for(&mut harness), [step]);
    click(&mut harness, "further steps");
    click(&mut harness, "To the next view change");
    let far = UserCommand::RunUntil { rate: Rate(3_333), until: Until::ViewChange };
    assert_eq!(asked_for(&mut harness), [far]);
}

#[test]
fn in_a_presentation_on_a_small_screen_speeds_are_a_menu() {
    let mut harness = shown();
    resize(&mut harness, vec2(853.0, 533.0));
    click(&mut harness, "speed: Real time");
    click(&mut harness, "1/10");
    assert_eq!(asked_for(&mut harness), [UserCommand::SetRate { rate: Rate(100_000) }]);
}

#[test]
fn time_runs_stops_and_steps_by_keys() {
    let mut harness = shown();
    assert_eq!(plain(&mut harness, Key::Space), [UserCommand::SetRate { rate: Rate::STOPPED }]);
    assert_eq!(plain(&mut harness, Key::Minus), [UserCommand::SetRate { rate: Rate(100_000) }]);
    assert_eq!(plain(&mut harness, Key::Num6), [UserCommand::SetRate { rate: Rate::SLOWEST }]);
    let mut harness = steered();
    assert_eq!(plain(&mut harness, Key::Space), [UserCommand::SetRate { rate: Rate(10_000) }]);
    assert!(matches!(
        plain(&mut harness, Key::ArrowRight)[..],
        [UserCommand::RunUntil { until: Until::Moment(_), .. }]
    ));
    for (modifiers, until) in [(Modifiers::SHIFT, Until::NumberedStep), (Modifiers::COMMAND, Until::ViewChange)] {
        chord(&mut harness, modifiers, Key::ArrowRight);
        assert_eq!(asked_for(&mut harness), [UserCommand::RunUntil { rate: Rate(10_000), until }]);
    }
}

#[test]
fn space_runs_and_stops_whatever_has_the_focus_but_not_while_something_is_typed() {
    let mut harness = shown();
    focus(&mut harness, "+ Replica");
    assert_eq!(plain(&mut harness, Key::Space), [UserCommand::SetRate { rate: Rate::STOPPED }]);
    focus(&mut harness, "Deliver to postcode");
    for which in [Key::Space, Key::ArrowRight, Key::Num3, Key::B] {
        assert_eq!(plain(&mut harness, which), []);
    }
}

#[test]
fn standing_time_is_said_on_the_canvas() {
    let mut harness = steered();
    harness.get_by_label_contains("Time is stopped at 12.4");
    say(&mut harness, scene::NAME_SERVER, LauncherEvent::ClockIs { rate: Rate(10_000), until: None });
    assert!(harness.query_by_label_contains("Time is stopped").is_none());
    // A step ends by itself, without a further word.
    say(&mut harness, scene::NAME_SERVER, LauncherEvent::ClockIs { rate: Rate(10_000), until: Some(scene::NOW) });
    harness.get_by_label_contains("Time is stopped");
}

#[test]
fn a_stop_says_for_which_machine_it_waits_and_a_process_where_it_runs() {
    let mut harness = shown();
    say(&mut harness, replica(2), LauncherEvent::RunsOn { machine: "anna-laptop".into() });
    harness.get_by_label_contains("on anna-laptop");
    let stopping = |waits_for| LauncherEvent::Stopping { waits_for };
    say(&mut harness, scene::NAME_SERVER, stopping(vec!["anna-laptop".into(), "ben-laptop".into()]));
    harness.get_by_label("stopping: waiting for anna-laptop, ben-laptop");
    say(&mut harness, scene::NAME_SERVER, LauncherEvent::ClockIs { rate: Rate::STOPPED, until: None });
    say(&mut harness, scene::NAME_SERVER, stopping(Vec::new()));
    assert!(harness.query_by_label_contains("waiting for anna-laptop").is_none());
    harness.get_by_label_contains("Time is stopped");
}

#[test]
fn a_process_that_the_network_keeps_from_another_says_so_until_it_reaches_it() {
    let mut harness = shown();
    super::select(&mut harness, "replica-2");
    let (here, there) = (Some("ben-laptop".to_owned()), None);
    let named =
        |harness: &Shown| harness.query_all_by_label_contains("A firewall, or a guest network").next().is_some();
    say(&mut harness, replica(2), LauncherEvent::CannotReach { peer: replica(3), here, there });
    assert!(named(&harness) && harness.query_all_by_label_contains("Cannot reach").next().is_some());
    say(&mut harness, replica(2), LauncherEvent::CanReach { peer: replica(3) });
    assert!(harness.query_all_by_label_contains("Cannot reach").next().is_none());
}

#[test]
fn hops_and_heartbeats_are_set_in_the_menu() {
    let mut harness = shown();
    click(&mut harness, "Menu");
    click(&mut harness, "Show each heartbeat");
    assert_eq!(asked_for(&mut harness), [UserCommand::ShowHeartbeats { on: true }]);
    click(&mut harness, "Menu");
    point(&mut harness, "Delay of each hop");
    click(&mut harness, "50 ms of cluster time");
    assert_eq!(asked_for(&mut harness), [UserCommand::SetHop { hop: Some(Span::millis(50)) }]);
}

/// The update that is on its way to replica-3, and the first that is held there.
fn updates(harness: &Shown) -> (MessageId, MessageId) {
    let flying: Vec<_> = harness.state().picture.traffic.flying().filter(|it| it.to == replica(3)).collect();
    let id = |held: bool| flying.iter().find(|it| it.is_held() == held).map(|it| it.id).expect("it is there");
    (id(false), id(true))
}

fn act(message: MessageId, act: MessageAct) -> UserCommand {
    UserCommand::Message { message, to: replica(3), act }
}

#[test]
fn a_message_on_its_way_is_held_dropped_duplicated_and_delayed_by_its_menu() {
    let mut harness = shown();
    let (flying, _) = {
        let all = harness.state().picture.traffic.flying().find(|it| it.facts.summary == scene::update(41));
        all.map(|it| (it.id, it.to)).expect("it is on its way")
    };
    let at = place(&harness, "message update 41 from").center();
    for (entry, wanted) in [
        ("Hold it", MessageAct::Hold),
        ("Let it overtake", MessageAct::LetPast),
        ("Duplicate it", MessageAct::Duplicate),
        ("Drop it", MessageAct::Drop),
    ] {
        press(&mut harness, at, PointerButton::Secondary, 1);
        click(&mut harness, entry);
        assert_eq!(asked_for(&mut harness), [act(flying, wanted)]);
    }
    // The right click has selected it: the inspector offers the same, and the keys do.
    click(&mut harness, "Delay it by 250 ms");
    assert_eq!(asked_for(&mut harness), [act(flying, MessageAct::Delay(Span::millis(250)))]);
    assert_eq!(plain(&mut harness, Key::H), [act(flying, MessageAct::Hold)]);
    assert_eq!(plain(&mut harness, Key::D), [act(flying, MessageAct::Duplicate)]);
    assert_eq!(plain(&mut harness, Key::Delete), [act(flying, MessageAct::Drop)]);
}

#[test]
fn held_messages_are_listed_where_they_are_held_and_let_go_there() {
    let mut harness = steered();
    let (_, held) = updates(&harness);
    select(&mut harness, "replica-2");
    click(&mut harness, "Release: update 42 → replica-3");
    click(&mut harness, "Drop: update 42 → replica-3");
    assert_eq!(asked_for(&mut harness), [act(held, MessageAct::LetGo), act(held, MessageAct::Drop)]);
    harness.get_by_label("held message update 43 from replica-2 to replica-3");
    click(&mut harness, "update 42 → replica-3");
    assert_eq!(harness.state().focus.selected, Selected::Message(held, replica(3)));
    harness.get_by_label("Held in the link from replica-2 to replica-3 until you release it.");
    harness.get_by_label("primary: replica-2");
}

#[test]
fn a_refused_message_says_what_its_receiver_did_and_why() {
    let mut harness = steered();
    let late = harness.state().picture.traffic.passed().find(|it| it.id.from == replica(1));
    let id = late.expect("the old primary's update has arrived").id;
    harness.state_mut().focus.selected = Selected::Message(id, replica(3));
    harness.run_steps(2);
    harness.get_by_label_contains("did not act on it: refused: view 2 is over, this node is in view 3");
}

#[test]
fn nodes_are_frozen_and_woken_by_menu_button_and_key() {
    let mut harness = shown();
    let node = |name: &str| name.to_owned();
    let at = place(&harness, "node replica-3").center();
    press(&mut harness, at, PointerButton::Secondary, 1);
    click(&mut harness, "Freeze replica-3");
    let freeze = UserCommand::Freeze { node: node("replica-3"), how: Freezing::Cooperative };
    assert_eq!([asked_for(&mut harness), plain(&mut harness, Key::Z)].concat(), [freeze.clone(), freeze]);
    if cfg!(unix) {
        press(&mut harness, at, PointerButton::Secondary, 1);
        click(&mut harness, "Suspend replica-3's process (SIGSTOP)");
        let stop = UserCommand::Freeze { node: node("replica-3"), how: Freezing::Signal };
        assert_eq!(asked_for(&mut harness), [stop]);
    }
    let mut harness = steered();
    select(&mut harness, "replica-3");
    click(&mut harness, "Wake");
    let wake = UserCommand::Wake { node: node("replica-3") };
    assert_eq!([asked_for(&mut harness), plain(&mut harness, Key::Z)].concat(), [wake.clone(), wake]);
}

#[test]
fn a_bomb_is_dropped_on_a_step_of_a_line_and_from_a_nodes_menu() {
    let mut harness = shown();
    menu_of(&mut harness, "link front-end – replica-2");
    point(&mut harness, "Bomb at step 13");
    click(&mut harness, "Freeze front-end after it receives a reply [13], before it passes it on");
    let bomb = Bomb { at: Failpoint::FrontEndReplyHeld, blast: Blast::Freeze { wakes_after: None } };
    assert_eq!(asked_for(&mut harness), [UserCommand::SetBomb { node: "front-end".into(), bomb: Some(bomb) }]);
    menu_of(&mut harness, "node replica-2");
    point(&mut harness, "Bomb as primary");
    click(&mut harness, "Crash replica-2 after the last acknowledgement arrives [6]");
    let bomb = Bomb { at: Failpoint::PrimaryAllAcked, blast: Blast::Crash };
    assert_eq!(asked_for(&mut harness), [UserCommand::SetBomb { node: "replica-2".into(), bomb: Some(bomb) }]);
}

#[test]
fn the_disk_of_a_durable_replica_is_filled_locked_broken_mended_and_mined_from_its_menu() {
    let mut told = scene::order_on_its_way();
    let view = scene::view(2, replica(2), &[replica(2), replica(3)]);
    let state = ReplicaState { standing: Standing::Primary, view, acting: true, ..ReplicaState::default() };
    let state = ReplicaState { disk: Some(DiskState::default()), ..state };
    told.fact(replica(2), scene::NOW - 2, NodeEvent::State(NodeState::Replica(Box::new(state))));
    let mut harness = shown_at(&told, scene::NOW);
    let set = |fault| [UserCommand::SetDisk { node: "replica-2".into(), fault }];
    for (words, fault) in [
        ("Fill the disk of replica-2", DiskFault::Full),
        ("Make the disk of replica-2 read-only", DiskFault::ReadOnly),
        ("Break the disk of replica-2: no sync succeeds", DiskFault::Broken),
    ] {
        menu_of(&mut harness, "node replica-2");
        point(&mut harness, "Disk");
        assert!(harness.query_by_label("Mend the disk of replica-2").is_none(), "it is whole");
        click(&mut harness, words);
        assert_eq!(asked_for(&mut harness), set(Some(fault)));
    }
    say(&mut harness, replica(2), LauncherEvent::DiskIs { fault: Some(DiskFault::Full) });
    menu_of(&mut harness, "node replica-2");
    point(&mut harness, "Disk");
    assert!(harness.query_by_label("Fill the disk of replica-2").is_none(), "it is full");
    click(&mut harness, "Mend the disk of replica-2");
    assert_eq!(asked_for(&mut harness), set(None));
    menu_of(&mut harness, "node replica-2");
    point(&mut harness, "Bomb at its disk");
    click(&mut harness, "Crash replica-2 after it syncs its log, before it says so");
    let bomb = Bomb { at: Failpoint::DiskAfterFsync, blast: Blast::Crash };
    assert_eq!(asked_for(&mut harness), [UserCommand::SetBomb { node: "replica-2".into(), bomb: Some(bomb) }]);
    // The orders of this one are in memory.
    menu_of(&mut harness, "node replica-3");
    harness.get_by_label("Crash replica-3");
    for words in ["Disk", "Bomb at its disk"] {
        assert!(harness.query_by_label(words).is_none(), "{words}");
    }
}

#[test]
fn a_bomb_is_seen_until_it_is_taken_away() {
    let mut harness = steered();
    harness.get_by_label("bomb in replica-2: crash after the last acknowledgement arrives [6]");
    harness.get_by_label_contains("bomb in front-end: freeze");
    menu_of(&mut harness, "node replica-2");
    click(&mut harness, "Remove the bomb from replica-2");
    assert_eq!(asked_for(&mut harness), [UserCommand::SetBomb { node: "replica-2".into(), bomb: None }]);
}

#[test]
fn the_brain_is_split_and_a_node_is_cut_off_and_mended() {
    let mut harness = shown();
    menu_of(&mut harness, "node replica-2");
    click(&mut harness, "Split brain: isolate replica-2");
    let cut = cut_of(&asked_for(&mut harness));
    assert!(cut.contains(&("replica-2".into(), "front-end".into())));
    assert!(cut.contains(&("replica-3".into(), "replica-2".into())));
    assert!(!cut.iter().any(|(from, to)| from == "name-server" || to == "postcodes.io"), "{cut:?}");
    select(&mut harness, "replica-3");
    click(&mut harness, "Cut off");
    let cut = cut_of(&asked_for(&mut harness));
    assert!(cut.contains(&("name-server".into(), "replica-3".into())));
    let mut harness = steered();
    select(&mut harness, "replica-4");
    click(&mut harness, "Mend");
    assert!(matches!(&asked_for(&mut harness)[..], [UserCommand::SetLinks { rule, .. }] if rule.is_mended()));
}

#[test]
fn what_is_lost_is_said_and_a_new_history_begins_only_after_a_question() {
    let mut harness = shown();
    let view = harness.state().picture.nodes.newest_view().unwrap().clone();
    for member in &view.members {
        say(&mut harness, *member, LauncherEvent::Ended { how: Ending::Crashed, words: String::new() });
    }
    harness.get_by_label_contains(") had ended by");
    let (id, name) = (NodeId(99), "replica-2".to_owned());
    let contact = Contact { id, address: "127.0.0.1:4000".parse().unwrap() };
    let started = Started { name: name.clone(), actor: Actor::Role(Role::Replica), pid: 7, contact };
    say(&mut harness, id, LauncherEvent::Started(started));
    click(&mut harness, "Fresh start…");
    assert_eq!(asked_for(&mut harness), []);
    harness.get_by_label("Begin a new history with replica-2?");
    click(&mut harness, "Begin a new history");
    assert_eq!(asked_for(&mut harness), [UserCommand::FreshStart { replica: name, after: view }]);
}

#[test]
fn every_node_crashes_only_after_a_question() {
    let mut harness = shown();
    click(&mut harness, "Menu");
    click(&mut harness, "Crash every node…");
    assert_eq!(asked_for(&mut harness), []);
    click(&mut harness, "Crash all nodes");
    assert_eq!(asked_for(&mut harness), [UserCommand::CrashAll]);
}

#[test]
fn armed_timers_are_seen_and_let_ring_by_a_click_and_in_the_inspector() {
    let mut harness = steered();
    let ring = |node, timer| UserCommand::Ring { node, timer };
    click(&mut harness, "timer of front-end: suspect replica-3 if silent");
    assert_eq!(asked_for(&mut harness), [ring(scene::FRONT_END, Timer::Silence(replica(3)))]);
    assert!(harness.query_by_label("timer of front-end: heartbeat").is_none(), "heartbeats are not shown");
    harness.set_size(vec2(1280.0, 1100.0));
    select(&mut harness, "replica-2");
    click(&mut harness, "ring: suspect the front-end if silent");
    assert_eq!(asked_for(&mut harness), [ring(replica(2), Timer::FrontEndSilence)]);
    say(&mut harness, scene::NAME_SERVER, LauncherEvent::HeartbeatsAre { shown: true });
    harness.get_by_label("timer of front-end: heartbeat");
}

#[test]
fn truth_and_belief_stand_side_by_side() {
    let mut harness = steered();
    assert!(harness.query_by_label_contains("believes").is_none());
    assert_eq!(plain(&mut harness, Key::B), []);
    harness.run_steps(2);
    harness.get_by_label("Actually: replica-2 is primary; view 3 has replicas 2 and 3; 2 and 4 are running");
    harness.get_by_label("front-end believes: primary 2 ✓ · view 3: 2, 3 ✓ · alive 2, 3, 4 ✗");
    harness.get_by_label("replica-4 believes: knows no view yet");
}

#[test]
fn a_mistake_is_made_only_after_a_question_and_marked_until_it_is_switched_off() {
    let mut harness = shown();
    harness.key_press(Key::L);
    harness.run_steps(3);
    click(&mut harness, "Bug museum");
    click(&mut harness, "switch on ack-before-replicate");
    harness.get_by_label_contains("orders acknowledged to customers may be lost");
    assert_eq!(asked_for(&mut harness), []);
    click(&mut harness, "Cancel");
    assert_eq!(asked_for(&mut harness), []);
    click(&mut harness, "switch on ack-before-replicate");
    click(&mut harness, "Switch the bug on");
    let plant = Plant::AckBeforeReplicate;
    assert_eq!(asked_for(&mut harness), [UserCommand::SetPlant { plant: Some(plant) }]);
    assert!(harness.query_by_label("Unsafe lesson").is_none(), "the mark comes with the fact");
    let mut harness = shown_at(&scene::steered::steered(Some(plant)), scene::NOW);
    harness.get_by_label("Unsafe lesson");
    harness.get_by_label(wording::plant(plant));
    click(&mut harness, "Switch it off");
    assert_eq!(asked_for(&mut harness), [UserCommand::SetPlant { plant: None }]);
}

#[test]
fn fewer_copies_are_chosen_for_a_new_cluster_and_marked_with_what_is_at_risk_until_all_count_again() {
    let mut harness = shown();
    chord(&mut harness, Modifiers::COMMAND, Key::N);
    assert!(harness.query_by_label_contains("UNSAFE").is_none());
    click(&mut harness, "Only the primary");
    harness.get_by_label_contains("UNSAFE: Answers come soonest.");
    click(&mut harness, "Start a new cluster");
    let acknowledge = Acknowledge::None;
    let _ = harness.state_mut().play(Duration::from_secs(40));
    let settings = Settings { acknowledge, ..Settings::default() };
    let set_up = SetUp { settings, ..SetUp::default() };
    assert_eq!(harness.state_mut().take_beginning(), Some(Beginning::SetUp(Box::new(set_up))));
    let mut told = scene::steered::steered(None);
    told.fact(scene::NAME_SERVER, scene::NOW - 1, LauncherEvent::AcknowledgeIs { acknowledge });
    let mut harness = shown_at(&told, scene::NOW);
    harness.get_by_label("Unsafe setting");
    harness.get_by_label(wording::acknowledge(acknowledge));
    harness.get_by_label_contains("orders at risk: ");
    harness.get_by_label_contains("median answer: ");
    click(&mut harness, "Wait for all members");
    assert_eq!(asked_for(&mut harness), [UserCommand::SetAcknowledge { acknowledge: Acknowledge::All }]);
}

#[test]
fn a_stopped_window_is_not_repainted() {
    let mut harness = steered();
    // Panics if frames go on being wanted.
    harness.run();
}

#[test]
fn running_timers_are_drawn_again_only_when_an_arc_has_moved() {
    let mut told = crate::scene::order_on_its_way();
    let request = protocol::ids::RequestId { customer: scene::customer(2).1, number: protocol::ids::RequestNumber(2) };
    told.placed(request, 18, 900, 14_000_000);
    let now = 40_000_000;
    told.fact(scene::NAME_SERVER, now, LauncherEvent::ClockIs { rate: Rate(10_000), until: None });
    let wait = |harness: &Shown| harness.output().viewport_output[&egui::ViewportId::ROOT].repaint_delay;
    let none = shown_at(&told, now);
    assert_eq!(wait(&none), std::time::Duration::MAX, "nothing runs down");
    told.fact(scene::FRONT_END, now, NodeEvent::Timers { armed: vec![(Timer::AskNameServer, now + 250_000)] });
    // A quarter of a second takes 25 s at this speed, in which the arc's end passes some 28 pixels.
    let pixel = wait(&shown_at(&told, now));
    assert!((0.5..2.0).contains(&pixel.as_secs_f32()), "{pixel:?}");
    let mut dear = shown_at(&told, now);
    dear.state_mut().diagram.dear = 1.5;
    dear.run_steps(1);
    assert_eq!(wait(&dear).as_secs_f32(), 1.5, "where a frame costs much, there are fewer");
}
