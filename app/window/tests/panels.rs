//! Panels clicked on a fixed picture: each gesture asks for the right thing, and changes nothing by itself.

#[path = "panels/any_state.rs"]
mod any_state;
#[path = "panels/covering.rs"]
mod covering;
#[path = "scene/ended.rs"]
mod ended;
#[path = "panels/every_size.rs"]
mod every_size;
#[path = "panels/files.rs"]
mod files;
#[path = "panels/help.rs"]
mod help;
#[path = "panels/keyboard.rs"]
mod keyboard;
#[path = "panels/lessons.rs"]
mod lessons;
#[path = "panels/links.rs"]
mod links;
#[path = "panels/narrator.rs"]
mod narrator;
#[path = "panels/presenting.rs"]
mod presenting;
#[path = "panels/refused.rs"]
mod refused;
#[path = "panels/results.rs"]
mod results;
mod scene;
#[path = "panels/set_ups.rs"]
mod set_ups;
#[path = "scene/shown.rs"]
mod shown;
#[path = "panels/steering.rs"]
mod steering;
#[path = "panels/surfaces.rs"]
mod surfaces;
#[path = "scene/taught.rs"]
mod taught;

use egui::{Event, Key, Modifiers, PointerButton, Pos2, Rect, ThemePreference, Vec2, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use knowledge::user_command::{CustomerCommand, UserCommand};
use protocol::ids::{FrontEndToken, Role, Span, View};
use protocol::message::WaitReason;
use protocol::trace::{Actor, LauncherEvent, NodeEvent, NodeState, Rate};
use shown::{Shown, chord, click, drag, focus, key, say, shown, shown_at, type_into};
use window::panels::Selected;

/// Everything is over long since.
fn at_rest() -> Shown {
    let mut told = scene::order_on_its_way();
    let request = protocol::ids::RequestId { customer: scene::customer(2).1, number: protocol::ids::RequestNumber(2) };
    told.placed(request, 18, 900, 14_000_000);
    shown_at(&told, 40_000_000)
}

fn place(harness: &Shown, part_of_label: &str) -> Rect {
    harness.get_by_label_contains(part_of_label).rect()
}

fn of_customer(command: CustomerCommand) -> [UserCommand; 1] {
    [command.into()]
}

fn asked_for(harness: &mut Shown) -> Vec<UserCommand> {
    harness.state_mut().commands.take()
}

fn click_on(harness: &mut Shown, part_of_label: &str) {
    harness.get_by_label_contains(part_of_label).click();
    harness.run_steps(3);
}

fn menu_of(harness: &mut Shown, part_of_label: &str) {
    let at = place(harness, part_of_label).center();
    press(harness, at, PointerButton::Secondary, 1);
}

fn select(harness: &mut Shown, node: &str) {
    harness.state_mut().focus.select_node(node);
    harness.run_steps(3);
}

fn resize(harness: &mut Shown, size: Vec2) {
    harness.set_size(size);
    harness.run_steps(4);
}

fn press(harness: &mut Shown, at: Pos2, button: PointerButton, times: u32) {
    harness.event(Event::PointerMoved(at));
    for _ in 0..times {
        for pressed in [true, false] {
            harness.event(Event::PointerButton { pos: at, button, pressed, modifiers: Modifiers::NONE });
        }
    }
    harness.run_steps(3);
}

#[test]
fn a_double_click_on_the_map_asks_for_a_customer_at_the_nearest_postcode() {
    let mut harness = shown();
    let newcastle = place(&harness, "customer Grace").center();
    press(&mut harness, newcastle + vec2(14.0, 14.0), PointerButton::Primary, 2);
    let commands = asked_for(&mut harness);
    let [UserCommand::Customer(CustomerCommand::AddCustomer { name: None, postcode, place })] = &commands[..] else {
        panic!("{commands:?}")
    };
    assert!(["NE", "SR", "DH", "TS"].contains(&postcode.area()), "{postcode}");
    assert!((54_000_000..55_000_000).contains(&place.0));
    assert_eq!(harness.state().picture.customers.len(), 4, "no customer before a fact says so");
}

#[test]
fn a_double_click_at_sea_says_why_nobody_can_live_there() {
    let mut harness = shown();
    let edge = place(&harness, "customer Grace").center() + vec2(46.0, -60.0);
    press(&mut harness, edge, PointerButton::Primary, 2);
    assert_eq!(asked_for(&mut harness), []);
    harness.get_by_label_contains("There is no postcode here");
}

#[test]
fn dragging_a_customer_asks_to_move_house() {
    let mut harness = shown();
    let (newcastle, london) = (place(&harness, "customer Grace").center(), place(&harness, "customer Tim").center());
    drag(&mut harness, newcastle, london + vec2(2.0, 1.0));
    let commands = asked_for(&mut harness);
    let [UserCommand::Customer(CustomerCommand::MoveCustomer { customer, place: to, .. })] = &commands[..] else {
        panic!("{commands:?}")
    };
    assert_eq!(*customer, scene::customer(2).1);
    assert!((51_000_000..52_200_000).contains(&to.0), "{to:?}");
    assert_eq!(place(&harness, "customer Grace").center(), newcastle, "the customer moves when a fact says so");
}

#[test]
fn dishes_and_a_postcode_make_an_order() {
    let mut harness = at_rest();
    click(&mut harness, "Margherita pizza, 0 chosen");
    click(&mut harness, "Margherita pizza, 1 chosen");
    click(&mut harness, "Garlic naan, 0 chosen");
    click(&mut harness, "one Margherita pizza less");
    click(&mut harness, "Place order · 2 items · £12.70");
    let items = ["Margherita pizza", "Garlic naan"].map(String::from).to_vec();
    let customer = scene::customer(2).1;
    let order = CustomerCommand::PlaceOrder { customer, postcode: "NE1 7RU".into(), items };
    assert_eq!(asked_for(&mut harness), of_customer(order));
}

#[test]
fn a_misshapen_postcode_is_refused_before_anything_is_asked() {
    let mut harness = at_rest();
    click(&mut harness, "Pad thai, 0 chosen");
    focus(&mut harness, "Deliver to postcode");
    chord(&mut harness, Modifiers::COMMAND, Key::A);
    type_into(&mut harness, "Deliver to postcode", "DH1");
    harness.get_by_label_contains("This is not a valid UK postcode");
    click(&mut harness, "Place order · 1 item · £10.50");
    assert_eq!(asked_for(&mut harness), []);
}

#[test]
fn while_an_order_waits_it_can_be_given_up() {
    let mut harness = shown();
    assert!(harness.get_by_label("Place order").accesskit_node().is_disabled(), "it keeps its place");
    click(&mut harness, "Cancel order");
    assert_eq!(asked_for(&mut harness), of_customer(CustomerCommand::GiveUp { customer: scene::customer(2).1 }));
}

#[test]
fn an_order_that_nobody_can_check_says_why_it_waits() {
    let mut told = scene::order_on_its_way();
    let (grace, customer) = scene::customer(2);
    let waiting = Some(protocol::ids::RequestId { customer, number: protocol::ids::RequestNumber(2) });
    let why = Some((WaitReason::NobodyAnswers, Span::millis(3_000)));
    let state = NodeState::Customer { front_end: Some(scene::FRONT_END), waiting, why };
    told.fact(grace, 12_000_000, NodeEvent::State(state));
    let mut harness = shown_at(&told, 21_000_000);
    harness.get_by_label_contains("Waiting: neither postcodes.io nor getthedata.com could check NE1 7RU, for 12 s.");
    harness.get_by_label_contains("choose Grace: NE1 7RU · not checked yet");
    click(&mut harness, "choose Grace: NE1 7RU · not checked yet");
    let sentences = harness.get_all_by_label_contains("could check NE1 7RU, for 12 s.").count();
    assert_eq!(sentences, 2, "in the form and in the inspector");
}

#[test]
fn the_history_of_a_postcode_is_read_through_the_cluster() {
    let mut harness = at_rest();
    click(&mut harness, "Read again");
    let postcode = "NE1 7RU".to_owned();
    let read = CustomerCommand::ReadHistory { customer: scene::customer(2).1, postcode, page: 0 };
    assert_eq!(asked_for(&mut harness), of_customer(read));
}

#[test]
fn nodes_are_added_crashed_restarted_and_removed() {
    let mut harness = shown();
    let node = |name: &str| name.to_owned();
    click(&mut harness, "+ Replica");
    assert_eq!(asked_for(&mut harness), [UserCommand::AddReplica]);
    click_on(&mut harness, "node replica-2");
    click(&mut harness, "Crash");
    click(&mut harness, "Orders");
    let orders = UserCommand::ShowOrders { node: node("replica-2"), from: None };
    assert_eq!(asked_for(&mut harness), [UserCommand::Crash { node: node("replica-2") }, orders]);
    click_on(&mut harness, "node replica-1: replica-1 · crashed");
    click(&mut harness, "Restart");
    click(&mut harness, "Remove");
    let wanted = [UserCommand::Restart { node: node("replica-1") }, UserCommand::Remove { node: node("replica-1") }];
    assert_eq!(asked_for(&mut harness), wanted);
}

#[test]
fn a_right_click_on_a_node_opens_what_can_be_done_with_it() {
    let mut harness = shown();
    menu_of(&mut harness, "node replica-3");
    click(&mut harness, "Crash replica-3");
    assert_eq!(asked_for(&mut harness), [UserCommand::Crash { node: "replica-3".into() }]);
}

#[test]
fn a_second_front_end_is_added_by_the_menu_of_the_first_and_by_the_menu_of_the_window() {
    let mut harness = shown();
    menu_of(&mut harness, "node front-end");
    click(&mut harness, "Add a second front-end");
    assert_eq!(asked_for(&mut harness), [UserCommand::AddFrontEnd]);
    click(&mut harness, "Menu");
    click(&mut harness, "Add a second front-end");
    assert_eq!(asked_for(&mut harness), [UserCommand::AddFrontEnd]);
}

#[test]
fn several_front_ends_stand_apart_and_say_which_is_the_newest() {
    let mut told = scene::order_on_its_way();
    for (number, token) in [(2, 7), (3, 8)] {
        let id = protocol::ids::NodeId(50 + number);
        told.process(&format!("front-end-{number}"), id, Actor::Role(Role::FrontEnd), scene::NOW - 10);
        let (token, view) = (Some(FrontEndToken(token)), View::default());
        let (alive, pending, waits_for, suspicions) = (vec![], 0, None, vec![]);
        let state = NodeState::FrontEnd { token, retired: false, view, alive, pending, waits_for, suspicions };
        told.fact(id, scene::NOW - 5, NodeEvent::State(state));
    }
    let mut harness = shown_at(&told, scene::NOW);
    for size in [vec2(1280.0, 800.0), vec2(1024.0, 640.0)] {
        resize(&mut harness, size);
        let cards: Vec<Rect> = harness.query_all_by_label_contains("node ").map(|node| node.rect()).collect();
        assert!(cards.len() >= 9, "{cards:?}");
        for (index, card) in cards.iter().enumerate() {
            assert!(!cards[index + 1..].iter().any(|other| other.intersects(*card)), "{card:?} in {size:?}: {cards:?}");
        }
    }
    harness.get_by_label_contains("node front-end: Front-end, older, unaware");
    harness.get_by_label_contains("node front-end-2: Front-end 2, older, unaware");
    harness.get_by_label_contains("node front-end-3: Front-end 3, newest");
    // Each is a node like any other.
    menu_of(&mut harness, "node front-end-2");
    click(&mut harness, "Crash front-end-2");
    assert_eq!(asked_for(&mut harness), [UserCommand::Crash { node: "front-end-2".into() }]);
}

#[test]
fn a_right_click_on_a_customer_removes_it() {
    let mut harness = shown();
    menu_of(&mut harness, "customer Alan");
    click(&mut harness, "Remove Alan");
    assert_eq!(
        asked_for(&mut harness),
        of_customer(CustomerCommand::RemoveCustomer { customer: scene::customer(3).1 })
    );
}

#[test]
fn nodes_can_be_moved_and_fitted_back() {
    let mut harness = shown();
    let before = place(&harness, "node name-server");
    drag(&mut harness, before.center(), before.center() + vec2(30.0, 40.0));
    assert!((place(&harness, "node name-server").min - before.min - vec2(30.0, 40.0)).length() < 8.0);
    click(&mut harness, "Fit");
    assert_eq!(place(&harness, "node name-server"), before);
    assert_eq!(asked_for(&mut harness), []);
}

#[test]
fn a_customers_menu_orders_where_there_is_no_order_form() {
    let mut harness = at_rest();
    let at = place(&harness, "customer Grace").center();
    press(&mut harness, at, PointerButton::Secondary, 1);
    steering::point(&mut harness, "Order");
    click(&mut harness, "Pad thai");
    let (customer, postcode) = (scene::customer(2).1, "NE1 7RU".to_owned());
    let items = vec!["Pad thai".to_owned()];
    assert_eq!(
        asked_for(&mut harness),
        of_customer(CustomerCommand::PlaceOrder { customer, postcode: postcode.clone(), items })
    );
    press(&mut harness, at, PointerButton::Secondary, 1);
    click(&mut harness, "Read the history of NE1 7RU");
    assert_eq!(asked_for(&mut harness), of_customer(CustomerCommand::ReadHistory { customer, postcode, page: 0 }));
}

#[test]
fn speed_cache_and_customer_buttons_ask() {
    let mut harness = shown();
    click(&mut harness, "speed: 1/1000");
    assert_eq!(asked_for(&mut harness), [UserCommand::SetRate { rate: Rate::SLOWEST }]);
    assert_eq!(harness.state().picture.steering.rate, Rate::REAL, "the speed changes when a fact says so");
    click(&mut harness, "+ Customer");
    assert!(matches!(asked_for(&mut harness)[..], [UserCommand::Customer(CustomerCommand::AddCustomer { .. })]));
    click(&mut harness, "Menu");
    click(&mut harness, "Cache postcode checks");
    assert_eq!(asked_for(&mut harness), [UserCommand::SetVerdictCache { on: false }]);
}

#[test]
fn keys_do_what_the_list_of_keys_says() {
    let mut harness = shown();
    key(&mut harness, Key::Questionmark);
    harness.get_by_label_contains("crash the selected node");
    key(&mut harness, Key::Escape);
    harness.state_mut().focus.select_node("replica-3");
    for which in [Key::Delete, Key::N, Key::Num1, Key::C] {
        key(&mut harness, which);
    }
    let crash = UserCommand::Crash { node: "replica-3".into() };
    let wanted = [crash.clone(), UserCommand::AddReplica, UserCommand::SetRate { rate: Rate::REAL }, crash];
    assert_eq!(asked_for(&mut harness), wanted);
    key(&mut harness, Key::Escape);
    assert_eq!(harness.state().focus.selected, Selected::Nothing);
}

#[test]
fn what_is_typed_is_no_shortcut() {
    let mut harness = at_rest();
    harness.state_mut().focus.select_node("replica-2");
    focus(&mut harness, "Deliver to postcode");
    harness.key_press(Key::C);
    key(&mut harness, Key::N);
    assert_eq!(asked_for(&mut harness), []);
}

#[test]
fn the_theme_goes_round_by_button_and_key() {
    let mut harness = shown();
    let theme = |harness: &Shown| harness.ctx.options(|options| options.theme_preference);
    harness.ctx.set_theme(ThemePreference::Light);
    harness.run_steps(2);
    click(&mut harness, "theme: light");
    assert_eq!(theme(&harness), ThemePreference::Dark);
    key(&mut harness, Key::T);
    assert_eq!(theme(&harness), ThemePreference::System);
}

#[test]
fn the_window_zooms_by_key_and_menu() {
    let mut harness = shown();
    chord(&mut harness, Modifiers::COMMAND, Key::Plus);
    assert!(harness.ctx.zoom_factor() > 1.05);
    chord(&mut harness, Modifiers::COMMAND, Key::Num0);
    assert_eq!(harness.ctx.zoom_factor(), 1.0);
}

/// A quick hand lets Ctrl go before the frame is over: the keys are those of the shortcut nevertheless.
#[test]
fn keys_with_ctrl_do_not_mean_what_they_mean_alone() {
    let mut harness = shown();
    for key in [Key::Plus, Key::Minus, Key::N, Key::Num2] {
        let event = |pressed| egui::Event::Key {
            key,
            physical_key: None,
            pressed,
            repeat: false,
            modifiers: Modifiers::COMMAND,
        };
        let held = egui::Event::ModifiersChanged;
        let quick = [held(Modifiers::COMMAND), event(true), event(false), held(Modifiers::NONE)];
        harness.input_mut().events.extend(quick);
        harness.run_steps(2);
    }
    assert_eq!(harness.state_mut().commands.take(), Vec::new());
}

#[test]
fn presentation_hides_the_side_panels_and_enlarges() {
    let mut harness = shown();
    click(&mut harness, "Present");
    assert_eq!(harness.ctx.zoom_factor(), 1.5);
    assert!(harness.query_by_label_contains("Margherita").is_none());
    harness.get_by_label_contains("node replica-2");
    key(&mut harness, Key::P);
    assert_eq!(harness.ctx.zoom_factor(), 1.0);
}

#[test]
fn about_names_versions_and_whose_data_it_is() {
    let mut harness = shown();
    click(&mut harness, "Menu");
    click(&mut harness, "About");
    harness.get_by_label_contains(concat!("just-hungry ", env!("CARGO_PKG_VERSION")));
    for line in node::gazetteer::ATTRIBUTION {
        harness.get_by_label(line);
    }
    click(&mut harness, "Close");
    assert!(harness.query_by_label_contains("Natural Earth").is_none());
}

#[test]
fn a_message_on_its_way_tells_what_it_is() {
    let mut harness = shown();
    harness.get_by_label("message update 41 from replica-2 to replica-3").click();
    harness.run_steps(3);
    for line in ["Says: update 41", "Step: [5] update", "From: replica-2", "To: replica-3"] {
        harness.get_by_label(line);
    }
    harness.get_by_label("In the link from replica-2 to replica-3: 58\u{a0}% of the way.");
}

#[test]
fn what_the_cluster_refuses_is_shown_and_kept() {
    let mut harness = shown();
    let why = "There are 20 replicas already; remove one first.";
    say(&mut harness, scene::NAME_SERVER, LauncherEvent::CommandRefused { why: why.into() });
    harness.get_by_label(why);
    click(&mut harness, "Close");
    assert!(harness.query_by_label(why).is_none());
    click(&mut harness, "Menu");
    click(&mut harness, "Notifications");
    harness.get_by_label(why);
}

#[test]
fn the_log_can_be_filtered_and_measurements_read() {
    let mut harness = shown();
    click(&mut harness, "Log");
    type_into(&mut harness, "Filter the log", "primary of view");
    assert_eq!(harness.query_all_by_label_contains("is primary of view 3").count(), 1);
    assert_eq!(harness.query_all_by_label_contains("started as process").count(), 0);
    click(&mut harness, "Measurements");
    harness.get_by_label("Last failover: 264 ms");
}

#[test]
fn the_keyboard_reaches_nodes_and_opens_their_menu() {
    let mut harness = shown();
    harness.get_by_label_contains("node front-end").focus();
    harness.run_steps(2);
    key(&mut harness, Key::Enter);
    assert_eq!(harness.state().focus.selected, Selected::Node("front-end".into()));
    chord(&mut harness, Modifiers::SHIFT, Key::F10);
    click(&mut harness, "Crash front-end");
    assert_eq!(asked_for(&mut harness), [UserCommand::Crash { node: "front-end".into() }]);
}

#[test]
fn a_window_at_rest_is_not_repainted() {
    let mut harness = at_rest();
    // Panics if frames go on being wanted.
    harness.run();
}

#[test]
fn everything_that_can_be_clicked_has_a_name() {
    let harness = shown();
    for role in [egui::Role::Button, egui::Role::RadioButton, egui::Role::Tab, egui::Role::Canvas] {
        for node in harness.query_all_by_role(role) {
            let label = node.accesskit_node().label().unwrap_or_default();
            assert!(!label.trim().is_empty(), "a {role:?} without a name at {:?}", node.rect());
        }
    }
}

#[test]
fn a_small_window_and_a_large_one_keep_all_nodes_in_sight() {
    let usual = [vec2(1024.0, 640.0), vec2(1920.0, 1080.0)].map(|size| (size, shown()));
    let crowded = shown_at(&scene::crowd(20, 50, 100), scene::NOW);
    for (size, mut harness) in usual.into_iter().chain([(vec2(1280.0, 800.0), crowded)]) {
        resize(&mut harness, size);
        let window = Rect::from_min_size(Pos2::ZERO, size).expand2(Vec2::splat(1.0));
        for node in harness.query_all_by_label_contains("node ") {
            assert!(window.contains_rect(node.rect()), "{:?} in {size:?}", node.rect());
        }
    }
}

#[test]
fn place_order_stays_where_it_is_while_an_order_waits() {
    let mut harness = at_rest();
    let before = place(&harness, "Place order");
    let request = protocol::ids::RequestId { customer: scene::customer(2).1, number: protocol::ids::RequestNumber(9) };
    let ask = protocol::message::Ask::Order { postcode: "NE1 7RU".parse().unwrap(), items: vec!["Pad thai".into()] };
    let (grace, customer) = scene::customer(2);
    say(&mut harness, grace, NodeEvent::Asked { customer, request, ask });
    assert_eq!(place(&harness, "Place order").left_top(), before.left_top(), "it has not moved");
    assert!(
        !harness.get_by_label("Cancel order").rect().intersects(before),
        "another button must not come under the pointer"
    );
    click(&mut harness, "Cancel order");
    assert_eq!(asked_for(&mut harness), of_customer(CustomerCommand::GiveUp { customer: scene::customer(2).1 }));
}
