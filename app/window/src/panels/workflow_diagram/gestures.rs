//! What clicks, drags and keys on the canvas mean. Only the person's own view changes here: commands are queued.

use egui::{
    Align, Key, Layout, Modifiers, Popup, PopupAnchor, Pos2, Rect, RectAlign, Response, Role, Sense, SetOpenCommand,
    Ui, UiBuilder, Vec2, WidgetInfo, vec2,
};
use node::gazetteer::{Gazetteer, Point};
use protocol::ids::CustomerId;
use protocol::trace::{Blast, Bomb, FAILPOINTS, Part};

use super::cards::{self, Marks};
use super::{Diagram, DiagramState, MenuOf, layout, marks};
use crate::panels::actions::{self, Action};
use crate::panels::{Focus, Selected};
use crate::theme::size;
use crate::widgets::{Explains, asking, asks, button, hold_focus};
use knowledge::picture::{Customer, Node, Picture};
use knowledge::user_command::{CommandQueue, CustomerCommand, UserCommand};
use wording::Term;

/// Double-click: a customer. Drag: the map moves. Scroll or pinch: the map zooms. Arrows and page keys do the same.
pub(super) fn on_map(ui: &Ui, ground: &Response, part: Rect, state: &mut DiagramState, commands: &mut CommandQueue) {
    ground.widget_info(|| WidgetInfo::labeled(Role::Canvas, true, "map: double-click to place a customer"));
    let projection = state.view.on(part);
    let pointer = ground.hover_pos().filter(|at| part.contains(*at));
    if ground.double_clicked()
        && let Some(at) = ground.interact_pointer_pos().filter(|at| part.contains(*at))
    {
        match add_customer(projection.place(at)) {
            Ok(command) => commands.push(command),
            Err(why) => state.complaint = Some(why),
        }
    }
    let draws = state.cuts || state.cut_from.is_some() || ui.input(|input| input.modifiers.any());
    if ground.dragged() && !draws && !state.view.is_whole() {
        state.view.drag(&projection, ground.drag_delta());
    }
    if let Some(at) = pointer {
        let (scroll, pinch) = ui.input(|input| (input.smooth_scroll_delta.y, input.zoom_delta()));
        let factor = pinch * (scroll / 200.0).exp();
        if factor != 1.0 {
            state.view.zoom_at(&projection, at, factor);
        }
    }
    if ground.has_focus() {
        hold_focus(ui, ground, part.shrink(2.0));
        let pressed = |key| ui.input(|input| input.key_pressed(key));
        for (key, delta) in [
            (Key::ArrowLeft, vec2(40.0, 0.0)),
            (Key::ArrowRight, vec2(-40.0, 0.0)),
            (Key::ArrowUp, vec2(0.0, 40.0)),
            (Key::ArrowDown, vec2(0.0, -40.0)),
        ] {
            if pressed(key) {
                state.view.drag(&projection, delta);
            }
        }
        for (key, factor) in [(Key::PageUp, 1.5), (Key::PageDown, 1.0 / 1.5)] {
            if pressed(key) {
                state.view.zoom_at(&projection, part.center(), factor);
            }
        }
    }
}

/// A customer at the postcode nearest to a place.
///
/// # Errors
/// A sentence, if there is no postcode near.
fn add_customer(place: Point) -> Result<UserCommand, String> {
    let nearest = Gazetteer::get().nearest(place).map_err(|error| error.to_string())?;
    Ok(UserCommand::Customer(CustomerCommand::AddCustomer {
        name: None,
        postcode: nearest.postcode,
        place: nearest.point.in_millionths(),
    }))
}

/// Click: inspect. Drag: move. Right click, or Shift F10: what can be done.
pub(super) fn on_nodes(
    ui: &mut Ui,
    diagram: &Diagram<'_>,
    state: &mut DiagramState,
    focus: &mut Focus,
    commands: &mut CommandQueue,
) {
    for (node, kind, rect) in &diagram.nodes {
        let response = ui.interact(*rect, ui.scope_id().with(("node", &node.name)), Sense::click_and_drag());
        let selected = focus.is_on(&node.name);
        response.widget_info(|| {
            let name =
                format!("node {}: {}, {}", node.name, wording::title(node), wording::line(node, diagram.picture));
            WidgetInfo::selected(Role::Button, true, selected, name)
        });
        let this = Selected::Node(node.name.clone());
        let frozen = node.runs() && diagram.picture.steering.frozen.contains_key(&node.id);
        let hovered = response.hovered() || focus.hovered == this;
        let marks = Marks { selected, hovered, focused: response.has_focus(), frozen };
        cards::node(ui.painter(), diagram, node, *kind, *rect, marks);
        if response.hovered() {
            focus.hover(this);
        }
        if let Some(bomb) = diagram.picture.steering.bombs.get(&node.id) {
            bomb_on(ui, diagram, &node.name, *bomb, rect.right_top());
        }
        if response.clicked() || response.secondary_clicked() {
            focus.select_node(&node.name);
        }
        if response.dragged() {
            let centre = rect.center() + response.drag_delta() - diagram.canvas.min;
            let share = centre / diagram.canvas.size();
            if share.is_finite() {
                state.moved.insert(node.name.clone(), (share.x, share.y));
            }
        }
        if response.double_clicked() {
            state.moved.remove(&node.name);
        }
        let this = MenuOf::Node(node.name.clone());
        let by_click = state.opens.take_if(|opens| *opens == this).is_some();
        if state.menus_by_click && response.clicked() {
            state.opens = Some(this);
            ui.ctx().request_repaint();
        }
        let refuses = commands.refuses;
        menu_beside(ui, &response, by_click, |ui| {
            asking(ui, refuses, |ui| node_menu(ui, diagram.picture, node, commands));
        });
        // The timers at the lower edge explain themselves.
        let on_timers = response.hover_pos().is_some_and(|at| at.y > rect.bottom() - size::ROW / 2.0);
        if !on_timers && !response.dragged() && !response.context_menu_opened() {
            response.explains_all(&Term::on_card(node), wording::CARD_MEANS);
        }
    }
}

/// The mark of a bomb, which says when it goes off. A click takes it away.
fn bomb_on(ui: &Ui, diagram: &Diagram<'_>, name: &str, bomb: Bomb, at: Pos2) {
    let freezes = matches!(bomb.blast, Blast::Freeze { .. });
    marks::bomb(ui.painter(), diagram.tokens, at, freezes);
    let area = Rect::from_center_size(at, Vec2::splat(20.0));
    let response = ui.interact(area, ui.scope_id().with(("bomb", name)), Sense::hover());
    let words = format!("bomb in {name}: {}", wording::bomb(bomb));
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &words));
    response.on_hover_text(words);
}

/// A context menu that the keyboard opens too: then beside the thing, for there is no pointer.
pub(super) fn menu(ui: &Ui, response: &Response, contents: impl FnOnce(&mut Ui)) {
    context_menu(ui, response, Popup::context_menu(response), contents);
}

/// The same, beside the thing in any case: what it does can be seen while the menu is open.
fn menu_beside(ui: &Ui, response: &Response, opens: bool, contents: impl FnOnce(&mut Ui)) {
    let beside = Popup::context_menu(response).anchor(PopupAnchor::ParentRect(response.rect.expand(4.0)));
    let beside = beside.align(RectAlign::RIGHT_START).align_alternatives(&[RectAlign::LEFT_START]);
    let beside = if opens { beside.open_memory(Some(SetOpenCommand::Bool(true))) } else { beside };
    context_menu(ui, response, beside, contents);
}

/// The first; `opens` opens it whatever was clicked.
pub(super) fn menu_opening(ui: &Ui, response: &Response, opens: bool, contents: impl FnOnce(&mut Ui)) {
    let popup = Popup::context_menu(response);
    let popup = if opens { popup.open_memory(Some(SetOpenCommand::Bool(true))) } else { popup };
    context_menu(ui, response, popup, contents);
}

fn context_menu(ui: &Ui, response: &Response, popup: Popup<'_>, contents: impl FnOnce(&mut Ui)) {
    let id = response.id.with("menu by key");
    let by_key = response.has_focus() && ui.input_mut(|input| input.consume_key(Modifiers::SHIFT, Key::F10));
    if by_key || Popup::is_id_open(ui.ctx(), id) {
        let toggle = by_key.then_some(SetOpenCommand::Toggle);
        Popup::menu(response).id(id).open_memory(toggle).show(contents);
    } else {
        popup.show(contents);
    }
}

/// What can be done, as an entry of a menu.
pub(super) fn entry(ui: &mut Ui, action: Action, commands: &mut CommandQueue) {
    let response = ui.button(&action.in_full);
    let response = action.explain(response);
    asks(ui, &response, commands, action.command);
}

fn node_menu(ui: &mut Ui, picture: &Picture, node: &Node, commands: &mut CommandQueue) {
    for action in actions::of_node(picture, node).into_iter().chain(actions::rare(picture, node)) {
        entry(ui, action, commands);
    }
    let of_disk = actions::of_disk(picture, node);
    if !of_disk.is_empty() {
        let submenu = ui.menu_button(wording::DISK_MENU, |ui| {
            of_disk.into_iter().for_each(|action| entry(ui, action, commands));
        });
        if submenu.inner.is_none() {
            submenu.response.on_hover_text(wording::DISK_MENU_MEANS);
        }
    }
    if node.runs() {
        bomb_menus(ui, &node.name, &actions::parts(node), commands);
    }
}

/// The failpoints of somebody, by the parts it can play.
fn bomb_menus(ui: &mut Ui, name: &str, parts: &[Part], commands: &mut CommandQueue) {
    if parts.is_empty() {
        return;
    }
    ui.separator();
    for part in parts {
        let submenu = ui.menu_button(actions::bomb_menu(*part), |ui| {
            for crash in [true, false] {
                for at in FAILPOINTS.into_iter().filter(|at| at.part() == *part) {
                    entry(ui, actions::bomb(name, at, crash), commands);
                }
                if crash {
                    ui.separator();
                }
            }
        });
        if submenu.inner.is_none() {
            submenu.response.explains(Term::Bomb);
        }
    }
}

/// Click: this customer orders. Drag: it moves. Right click: what can be done.
pub(super) fn on_customers(
    ui: &mut Ui,
    diagram: &Diagram<'_>,
    places: &[(CustomerId, Rect)],
    state: &mut DiagramState,
    focus: &mut Focus,
    commands: &mut CommandQueue,
) {
    let mut painted = cards::Customers::new(ui.painter());
    for (customer, at) in &diagram.customers {
        let card = places.iter().find(|(id, _)| *id == customer.id).map(|(_, card)| *card);
        let dot = Rect::from_center_size(*at, Vec2::splat(size::CUSTOMER * 2.0 + 4.0));
        let response = ui.interact(dot, ui.scope_id().with(("customer", customer.id)), Sense::click_and_drag());
        let on_card = card.map(|card| ui.interact(card, ui.scope_id().with(("card", customer.id)), Sense::click()));
        let selected = focus.customer == Some(customer.id);
        response.widget_info(|| {
            let line = wording::customer_line(customer);
            let name = format!("customer {}: {}, {line}", customer.name, customer.postcode);
            WidgetInfo::selected(Role::Button, true, selected, name)
        });
        if let Some(on_card) = &on_card {
            on_card.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("card of {}", customer.name)));
        }
        let over_card = on_card.as_ref().is_some_and(Response::hovered);
        let hovered = response.hovered() || over_card;
        let this = Selected::Customer(customer.id);
        let marks =
            Marks { selected, hovered: hovered || focus.hovered == this, focused: response.has_focus(), frozen: false };
        painted.add(ui.painter(), diagram.tokens, (customer, *at), card, marks);
        if hovered {
            focus.hover(this);
        }
        if let Some(bomb) = diagram.picture.steering.bombs.get(&customer.node) {
            bomb_on(ui, diagram, &customer.name, *bomb, *at + vec2(size::CUSTOMER, -size::CUSTOMER));
        }
        let clicked = |response: &Response| response.clicked() || response.secondary_clicked();
        if clicked(&response) || on_card.as_ref().is_some_and(clicked) {
            focus.select_customer(customer.id);
        }
        carry(ui, &response, diagram, customer, state, commands);
        let refuses = commands.refuses;
        let by_click = state.opens.take_if(|opens| *opens == MenuOf::Customer(customer.id)).is_some();
        if state.appearance.presents && (response.clicked() || on_card.as_ref().is_some_and(Response::clicked)) {
            state.opens = Some(MenuOf::Customer(customer.id));
            ui.ctx().request_repaint();
        }
        menu_opening(ui, &response, by_click, |ui| {
            asking(ui, refuses, |ui| customer_menu(ui, diagram, customer, commands));
        });
        if let Some(on_card) = on_card {
            menu(ui, &on_card, |ui| asking(ui, refuses, |ui| customer_menu(ui, diagram, customer, commands)));
        } else {
            let place = Gazetteer::get().place_name(customer.postcode);
            response.on_hover_text(format!("{}, {} ({place})", customer.name, customer.postcode));
        }
    }
    painted.paint(ui.painter());
}

fn customer_menu(ui: &mut Ui, diagram: &Diagram<'_>, customer: &Customer, commands: &mut CommandQueue) {
    // Each keeps its place: what is asked for while the menu is open must not put another entry under the pointer.
    let here = customer.machine.is_none();
    ui.add_enabled_ui(here && customer.waiting.is_none(), |ui| wishes(ui, customer, commands));
    let gives_up = egui::Button::new("Cancel its order");
    let gives_up = ui.add_enabled(here && customer.waiting.is_some(), gives_up).on_hover_text(wording::GIVE_UP_MEANS);
    asks(ui, &gives_up, commands, CustomerCommand::GiveUp { customer: customer.id });
    let remove = ui.button(format!("Remove {}", customer.name));
    asks(ui, &remove, commands, CustomerCommand::RemoveCustomer { customer: customer.id });
    if diagram.picture.steering.bombs.contains_key(&customer.node) {
        let remove = ui.button(format!("Remove the bomb from {}", customer.name));
        asks(ui, &remove, commands, UserCommand::SetBomb { node: customer.name.clone(), bomb: None });
    }
    bomb_menus(ui, &customer.name, &[Part::Customer], commands);
}

/// One dish, or a look at what was ordered, to the customer's own postcode: a presentation has no order form.
fn wishes(ui: &mut Ui, customer: &Customer, commands: &mut CommandQueue) {
    let postcode = customer.postcode.to_string();
    ui.menu_button("Order", |ui| {
        for dish in protocol::menu::menu() {
            let (postcode, items) = (postcode.clone(), vec![dish.name.to_owned()]);
            let order = CustomerCommand::PlaceOrder { customer: customer.id, postcode, items };
            let entry = ui.button(dish.name);
            asks(ui, &entry, commands, order);
        }
    });
    let read = ui.button(format!("Read the history of {postcode}"));
    asks(ui, &read, commands, CustomerCommand::ReadHistory { customer: customer.id, postcode, page: 0 });
}

/// While it is carried, a customer stays where it lives; a ring shows where it would move.
fn carry(
    ui: &Ui,
    response: &Response,
    diagram: &Diagram<'_>,
    customer: &Customer,
    state: &mut DiagramState,
    commands: &mut CommandQueue,
) {
    if response.drag_started() {
        state.carried = Some(customer.id);
    }
    if state.carried != Some(customer.id) {
        return;
    }
    let part = layout::map_part(diagram.canvas);
    let Some(at) = response.interact_pointer_pos().or_else(|| ui.input(|input| input.pointer.latest_pos())) else {
        return;
    };
    ui.painter().circle_stroke(at, size::CUSTOMER, (size::OUTLINE, diagram.tokens.saffron));
    if !response.drag_stopped() {
        return;
    }
    state.carried = None;
    if !part.contains(at) {
        state.complaint = Some(wording::NOT_ON_THE_MAP.into());
        return;
    }
    match Gazetteer::get().nearest(diagram.projection.place(at)) {
        Ok(nearest) => commands.push(CustomerCommand::MoveCustomer {
            customer: customer.id,
            postcode: nearest.postcode,
            place: nearest.point.in_millionths(),
        }),
        Err(why) => state.complaint = Some(why.to_string()),
    }
}

/// Room for the buttons at the lower left: in two rows, or on a narrow canvas one above the other.
pub(super) fn room_for_buttons(canvas: Rect) -> Vec2 {
    if canvas.width() < NARROW { vec2(96.0, 4.0 * (size::ROW + 4.0)) } else { vec2(248.0, 2.0 * size::ROW + 4.0) }
}

/// A canvas that is narrower has no room for buttons side by side.
const NARROW: f32 = 680.0;

/// More of this and that, the cutting tool, and everything back in its place.
pub(super) fn buttons(
    ui: &mut Ui,
    area: Rect,
    diagram: &Diagram<'_>,
    state: &mut DiagramState,
    commands: &mut CommandQueue,
) {
    let upright = area.width() < 200.0;
    let layout = if upright { Layout::top_down(Align::Min) } else { Layout::left_to_right(Align::Center) };
    let row = |nth: f32| {
        if upright {
            area
        } else {
            Rect::from_min_size(area.min + vec2(0.0, nth * (size::ROW + 4.0)), vec2(area.width(), size::ROW))
        }
    };
    let mut upper = ui.new_child(UiBuilder::new().max_rect(row(0.0)).layout(layout));
    let words = if state.cuts { "Cutting…" } else { "Cut…" };
    let refuses = commands.refuses;
    if asking(&mut upper, refuses, |ui| button(ui, words)).on_hover_text(wording::CUT_HINT).clicked() {
        state.cuts = !state.cuts;
    }
    if !upright {
        if !diagram.picture.steering.links.is_empty()
            && asking(&mut upper, refuses, |ui| button(ui, "Mend all")).clicked()
        {
            commands.push(UserCommand::MendAll);
        }
        if diagram.picture.nodes.removed().next().is_some() {
            asking(&mut upper, refuses, |ui| bring_back(ui, diagram, commands));
        }
    }
    let mut lower = if upright { upper } else { ui.new_child(UiBuilder::new().max_rect(row(1.0)).layout(layout)) };
    let ui = &mut lower;
    if asking(ui, refuses, |ui| button(ui, "+ Replica")).clicked() {
        commands.push(UserCommand::AddReplica);
    }
    if asking(ui, refuses, |ui| button(ui, "+ Customer")).clicked() {
        match add_customer(next_town(diagram)) {
            Ok(command) => commands.push(command),
            Err(why) => state.complaint = Some(why),
        }
    }
    if button(ui, "Fit").clicked() {
        state.fit();
    }
}

/// Removed nodes, each of which can be started again.
fn bring_back(ui: &mut Ui, diagram: &Diagram<'_>, commands: &mut CommandQueue) {
    ui.menu_button("Move back", |ui| {
        for (name, _) in diagram.picture.nodes.removed() {
            if ui.button(name).clicked() {
                commands.push(UserCommand::Restart { node: name.clone() });
            }
        }
    });
}

/// The largest town in which nobody lives yet.
fn next_town(diagram: &Diagram<'_>) -> Point {
    let near = |town: Point| {
        diagram.customers.iter().any(|(customer, _)| {
            let (latitude, longitude) = customer.place;
            let home = Point { latitude: f64::from(latitude) / 1e6, longitude: f64::from(longitude) / 1e6 };
            home.distance_to(town) < FAR_ENOUGH
        })
    };
    let mut towns = Gazetteer::get().labels().iter().map(|label| label.point());
    towns.find(|town| !near(*town)).unwrap_or(Point { latitude: 54.776, longitude: -1.575 })
}

/// Two customers farther apart than this (in metres) do not stand in each other's way on the whole map.
const FAR_ENOUGH: f64 = 60_000.0;

/// What Enter, Delete and their like mean for what is selected.
pub(crate) fn command_for(selected: &Selected, picture: &knowledge::picture::Picture, key: Key) -> Option<UserCommand> {
    match (selected, key) {
        (Selected::Node(name), Key::Delete | Key::C) if picture.nodes.get(name).is_some_and(Node::runs) => {
            Some(UserCommand::Crash { node: name.clone() })
        }
        (Selected::Node(name), Key::R) if picture.nodes.get(name).is_some_and(|node| !node.runs()) => {
            Some(UserCommand::Restart { node: name.clone() })
        }
        (Selected::Customer(customer), Key::Delete) => {
            Some(UserCommand::Customer(CustomerCommand::RemoveCustomer { customer: *customer }))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_double_click_in_durham_finds_durham_and_one_at_sea_says_so() {
        let durham = add_customer(Point { latitude: 54.7761, longitude: -1.5733 }).unwrap();
        let UserCommand::Customer(CustomerCommand::AddCustomer { postcode, .. }) = durham else { panic!("{durham:?}") };
        assert_eq!(postcode.outcode(), "DH1");
        let sea = add_customer(Point { latitude: 56.0, longitude: 1.5 }).unwrap_err();
        assert!(sea.contains("no postcode here"), "{sea}");
    }
}
