//! In front of a room: what is hidden, what a clicker does, and how a presentation is left.

use egui::{Key, PointerButton};
use egui_kittest::kittest::Queryable;
use knowledge::user_command::{CustomerCommand, UserCommand};
use protocol::trace::Rate;

use super::{asked_for, at_rest, click, key, place, press, scene, shown};

#[test]
fn the_same_order_again_is_one_key() {
    let mut harness = at_rest();
    key(&mut harness, Key::G);
    let commands = asked_for(&mut harness);
    let customer = scene::customer(2).1;
    let [UserCommand::Customer(CustomerCommand::PlaceOrder { customer: who, items, .. })] = &commands[..] else {
        panic!("{commands:?}")
    };
    assert!(*who == customer && !items.is_empty());
    harness.state_mut().focus.customer = Some(scene::customer(3).1);
    key(&mut harness, Key::G);
    assert!(asked_for(&mut harness).is_empty());
    harness.get_by_label_contains("has not ordered yet");
}

#[test]
fn a_clickers_full_stop_stops_time_in_a_presentation_and_nowhere_else() {
    let mut harness = shown();
    key(&mut harness, Key::Period);
    assert!(asked_for(&mut harness).is_empty());
    harness.state_mut().appearance.presents = true;
    key(&mut harness, Key::Period);
    assert_eq!(asked_for(&mut harness), [UserCommand::SetRate { rate: Rate::STOPPED }]);
}

#[test]
fn escape_lets_go_of_what_is_selected_and_then_leaves_the_presentation() {
    let mut harness = shown();
    harness.state_mut().appearance.presents = true;
    harness.state_mut().focus.select_node("replica-2");
    harness.run_steps(3);
    key(&mut harness, Key::Escape);
    assert!(harness.state().appearance.presents);
    key(&mut harness, Key::Escape);
    assert!(!harness.state().appearance.presents);
}

#[test]
fn the_timeline_can_be_hidden() {
    let mut harness = shown();
    harness.get_by_label("Timeline");
    key(&mut harness, Key::J);
    assert!(harness.query_by_label("Timeline").is_none());
    key(&mut harness, Key::J);
    harness.get_by_label("Timeline");
}

#[test]
fn without_an_order_form_a_click_on_a_customer_offers_the_dishes() {
    let mut harness = at_rest();
    key(&mut harness, Key::P);
    let at = place(&harness, "customer Grace").center();
    press(&mut harness, at, PointerButton::Primary, 1);
    harness.run_steps(3);
    click(&mut harness, "Order");
    click(&mut harness, "Pad thai");
    let asked = asked_for(&mut harness);
    assert!(
        matches!(&asked[..], [UserCommand::Customer(CustomerCommand::PlaceOrder { items, .. })] if items == &["Pad thai"]),
        "{asked:?}"
    );
}
