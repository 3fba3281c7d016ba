//! Everything that can be opened in the window, one by one: panels about each kind of thing, menus, lists, boxes.

use egui::{Key, Rect, Vec2};
use egui_kittest::kittest::Queryable;
use protocol::ids::OrderNumber;
use protocol::message::Summary;
use protocol::plant::Plant;
use protocol::trace::{LauncherEvent, TraceRecord};
use window::panels::Selected;
use window::panels::timeline::Look;

use super::ended::{LESSON, STRICT};
use super::results::{open_scenario, perform};
use super::{Shown, click, key, menu_of, resize, select, shown};
use crate::scene::{self, steered};
use crate::shown::{look, shown_at};

/// How something is opened, and what it is called.
pub type Surface = (&'static str, fn(&mut Shown));

/// Time stands still, much is held, cut, frozen and mined, and a bug is injected.
pub fn everything(size: Vec2) -> Shown {
    let mut told = steered::steered(Some(Plant::AckBeforeReplicate));
    // Before it, all of that is so already.
    told.message(scene::FRONT_END, scene::NAME_SERVER, 0, Summary::Register("front-end".into()), scene::NOW - 1, None);
    let mut harness = shown_at(&told, scene::NOW);
    harness.ctx.all_styles_mut(|style| {
        style.interaction.tooltip_delay = 0.0;
        style.interaction.show_tooltips_only_when_still = false;
    });
    resize(&mut harness, size);
    harness
}

/// The moment before the last.
pub fn look_back(harness: &mut Shown) {
    look(harness, Look::Back);
    assert!(harness.state().shows_past());
}

fn choose(harness: &mut Shown, what: Selected) {
    harness.state_mut().focus.selected = what;
    harness.run_steps(3);
}

/// What needs no more than a click or a key.
pub const SURFACES: [Surface; 26] = [
    ("nothing selected", |harness| choose(harness, Selected::Nothing)),
    ("a primary", |harness| select(harness, "replica-2")),
    ("a frozen backup", |harness| select(harness, "replica-3")),
    ("a crashed replica", |harness| select(harness, "replica-1")),
    ("a front-end", |harness| select(harness, "front-end")),
    ("a name server", |harness| select(harness, "name-server")),
    ("a customer", |harness| choose(harness, Selected::Customer(scene::customer(2).1))),
    ("a message", |harness| {
        let flying =
            harness.state().picture.traffic.flying().find(|it| it.facts.summary == Summary::Placed(OrderNumber(17)));
        let flying = flying.map(|it| Selected::Message(it.id, it.to)).expect("it is held");
        choose(harness, flying);
    }),
    ("the log", |harness| click(harness, "Log")),
    ("measurements", |harness| click(harness, "Measurements")),
    ("filter", |harness| click(harness, "Filter")),
    ("menu", |harness| click(harness, "Menu")),
    ("menu of a primary", |harness| menu_of(harness, "node replica-2")),
    ("menu of a front-end", |harness| menu_of(harness, "node front-end")),
    ("menu of a crashed replica", |harness| menu_of(harness, "node replica-1")),
    ("menu of a customer", |harness| menu_of(harness, "customer Grace")),
    ("menu of a line", |harness| menu_of(harness, "link front-end – replica-2")),
    ("menu of a message", |harness| menu_of(harness, "message placed #17")),
    ("link", |harness| {
        menu_of(harness, "link front-end – replica-2");
        click(harness, "Delay, jitter, loss…");
    }),
    ("scenarios", |harness| key(harness, Key::L)),
    ("museum", |harness| {
        key(harness, Key::L);
        click(harness, "Bug museum");
    }),
    ("keys", |harness| key(harness, Key::Questionmark)),
    ("about", |harness| {
        click(harness, "Menu");
        click(harness, "About");
    }),
    ("notifications", |harness| {
        for number in 1..40 {
            let event = LauncherEvent::CommandRefused { why: format!("Notice number {number}").into() }.into();
            let fact = TraceRecord { node: scene::NAME_SERVER, at: scene::NOW + number, event };
            harness.state_mut().take_in(knowledge::tape::Entry::Fact(fact));
        }
        harness.run_steps(2);
        click(harness, "Menu");
        click(harness, "Notifications");
    }),
    ("a file's scenario", |harness| open_scenario(harness, "lesson.toml", LESSON)),
    ("a strict scenario", |harness| open_scenario(harness, "strict.toml", STRICT)),
];

/// The card of a scenario that has ended.
pub fn result_of_a_lesson(harness: &mut Shown) {
    perform(harness, LESSON, 2);
}

/// Where everything is that can be used, and what it is called: with whether it is enabled.
pub fn controls(harness: &Shown) -> Vec<(String, bool, Rect)> {
    use egui::Role;
    use egui_kittest::kittest::NodeT;
    let roles =
        [Role::Button, Role::CheckBox, Role::RadioButton, Role::Slider, Role::SpinButton, Role::MenuItem, Role::Tab];
    let nodes = roles.into_iter().flat_map(|role| harness.query_all_by_role(role));
    let control = |node: egui_kittest::Node<'_>| {
        let its = node.accesskit_node();
        Some((its.label()?, !its.is_disabled(), node.rect()))
    };
    nodes.filter_map(control).collect()
}

#[test]
fn a_customer_that_was_asked_for_is_the_one_that_orders() {
    let mut harness = shown();
    click(&mut harness, "+ Customer");
    harness.state_mut().hand_over(1.0);
    let mut told = scene::Scene::new();
    let (customer, postcode) = (scene::customer(9).1, "DH1 3LE".parse().unwrap());
    let is = LauncherEvent::CustomerIs { customer, name: "Ida".into(), postcode, place: (51_500_000, -100_000) };
    told.fact(scene::customer(9).0, scene::NOW, is);
    told.tell(harness.state_mut(), scene::NOW);
    harness.run_steps(3);
    assert_eq!(harness.state().focus.customer, Some(scene::customer(9).1));
}
