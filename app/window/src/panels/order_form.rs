//! What the chosen customer orders: dishes, where to, and what became of earlier orders.
//!
//! The form checks only the shape of a postcode; whether it exists is the primary's question to a postcode service.

use std::collections::BTreeMap;

use egui::{
    Align2, CornerRadius, Frame, Key, Label, Panel, RichText, Role, ScrollArea, Sense, Stroke, StrokeKind, TextEdit,
    Ui, WidgetInfo, vec2,
};
use protocol::ids::CustomerId;
use protocol::menu::{MOST_ITEMS, menu};
use protocol::message::Ask;
use protocol::order_book::{OrderId, Outcome};
use protocol::postcode::{Postcode, Verdict};

use super::Focus;
use super::customers::{self, customers_ui, entries};
use crate::theme::{self, size, text, tokens};
use crate::widgets::{asking, button, dim, elided, hairline, heading, main_button, outline, scrolling};
use knowledge::picture::{Customer, Picture};
use knowledge::user_command::{CommandQueue, CustomerCommand};

/// What is being chosen and typed, for each customer apart.
#[derive(Debug, Default)]
pub struct OrderFormState {
    drafts: BTreeMap<CustomerId, Draft>,
}

/// An order that has not been placed.
#[derive(Clone, Debug, Default)]
struct Draft {
    counts: BTreeMap<&'static str, usize>,
    /// None: the customer's own postcode.
    postcode: Option<String>,
}

impl Draft {
    fn items(&self) -> Vec<String> {
        let dishes = menu().iter().map(|dish| (dish.name, self.counts.get(dish.name).copied().unwrap_or(0)));
        dishes.flat_map(|(name, count)| std::iter::repeat_n(name.to_owned(), count)).collect()
    }
}

/// Customers, and the form of the chosen one. In a low panel everything scrolls but postcode and button, which are always in
/// sight.
pub(crate) fn ordering_ui(
    ui: &mut Ui,
    picture: &Picture,
    state: &mut OrderFormState,
    focus: &mut Focus,
    commands: &mut CommandQueue,
) {
    state.drafts.retain(|drafted, _| picture.customers.get(*drafted).is_some());
    let low = ui.available_height() < ROOM_FOR_LISTS;
    let (list, dishes) = share(ui.available_height() - AROUND_LISTS, customers::height(picture));
    if !low {
        customers_ui(ui, picture, focus, list);
    }
    let Some(customer) = focus.customer.and_then(|customer| picture.customers.get(customer)) else {
        if low {
            heading(ui, "Customers");
            entries(ui, picture, focus);
        }
        return;
    };
    let draft = state.drafts.entry(customer.id).or_default();
    ui.spacing_mut().item_spacing.y = 4.0;
    if low {
        let foot = Panel::bottom("order").frame(Frame::NONE).show_separator_line(false);
        let place = |ui: &mut Ui| {
            waiting_ui(ui, picture, customer, commands);
            place_ui(ui, picture, customer, draft, commands)
        };
        let postcode = foot.show(ui, place).inner;
        scrolling(ui, ScrollArea::vertical().id_salt("ordering").auto_shrink(false), |ui| {
            heading(ui, "Customers");
            entries(ui, picture, focus);
            heading(ui, &format!("{} orders", customer.name));
            dishes_ui(ui, draft);
            answers_ui(ui, customer, postcode, commands);
        });
        return;
    }
    heading(ui, &format!("{} orders", customer.name));
    // Dishes scroll, so that the button below them is always in sight.
    scrolling(ui, ScrollArea::vertical().id_salt("dishes").max_height(dishes), |ui| dishes_ui(ui, draft));
    let postcode = place_ui(ui, picture, customer, draft, commands);
    waiting_ui(ui, picture, customer, commands);
    let area = ScrollArea::vertical().id_salt("answers").auto_shrink(false);
    scrolling(ui, area, |ui| answers_ui(ui, customer, postcode, commands));
}

/// Room for the list of customers and for the dishes, of so much for both: each gets what it needs, or what the other
/// leaves, or half. What is answered has no part in it: its coming and going moves no button.
fn share(room: f32, list: f32) -> (f32, f32) {
    let dishes = menu().len() as f32 * (size::ROW + 4.0);
    let list = list.min((room - dishes).max(room / 2.0)).max(customers::LEAST);
    (list, (room - list).max(size::ROW * 3.5))
}

/// A lower panel has no room for lists that scroll one by one.
const ROOM_FOR_LISTS: f32 = 680.0;

fn dishes_ui(ui: &mut Ui, draft: &mut Draft) {
    for dish in menu() {
        dish_row(ui, dish.name, dish.pence, draft);
    }
}

/// Where to, and the button. Returns the postcode, if it is one.
fn place_ui(
    ui: &mut Ui,
    picture: &Picture,
    customer: &Customer,
    draft: &mut Draft,
    commands: &mut CommandQueue,
) -> Option<Postcode> {
    ui.add_space(4.0);
    let typed = draft.postcode.clone().unwrap_or_else(|| customer.postcode.to_string());
    let postcode = postcode_field(ui, picture, &typed, draft);
    ui.add_space(4.0);
    place_button(ui, customer, draft, (&typed, postcode.is_some()), commands);
    postcode
}

fn answers_ui(ui: &mut Ui, customer: &Customer, postcode: Option<Postcode>, commands: &mut CommandQueue) {
    receipts(ui, customer);
    if let Some(postcode) = postcode {
        history(ui, customer, postcode, commands);
    }
}

/// Room for two headings, for postcode and button, and for the latest receipts with the button that reads the history.
const AROUND_LISTS: f32 = 2.0 * 28.0 + 112.0 + 140.0;

/// A dish: a click takes one more; the minus one less.
fn dish_row(ui: &mut Ui, name: &'static str, pence: u32, draft: &mut Draft) {
    let t = tokens(ui);
    let count = draft.counts.get(name).copied().unwrap_or(0);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), size::ROW), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("{name}, {count} chosen")));
    let (fill, edge) = if count > 0 { (t.tomato_wash, t.tomato) } else { (t.panel, t.line) };
    let edge = if response.hovered() && count == 0 { t.dim } else { edge };
    let corner = CornerRadius::same(size::CORNER);
    ui.painter().rect(rect, corner, fill, Stroke::new(size::HAIRLINE, edge), StrokeKind::Inside);
    if response.has_focus() {
        outline(ui, rect, size::CORNER);
    }
    let price = format!("£{}.{:02}", pence / 100, pence % 100);
    let at = rect.right_center() - vec2(if count > 0 { 56.0 } else { 28.0 }, 0.0);
    let price = ui.painter().text(at, Align2::RIGHT_CENTER, price, theme::plain(text::SMALL), t.dim);
    let room = price.left() - rect.left() - 18.0;
    let words = elided(ui.painter(), name, theme::plain(text::BODY), t.text, room);
    ui.painter().galley(rect.left_center() + vec2(10.0, -words.size().y / 2.0), words, t.text);
    let (sign, font) = match count {
        0 => ("+".to_owned(), theme::plain(text::BODY)),
        _ => (count.to_string(), theme::strong(text::BODY)),
    };
    ui.painter().text(rect.right_center() - vec2(10.0, 0.0), Align2::RIGHT_CENTER, sign, font, t.text);
    let full = draft.counts.values().sum::<usize>() >= MOST_ITEMS;
    if response.clicked() && !full {
        draft.counts.insert(name, count + 1);
    }
    if count > 0 {
        let minus = egui::Rect::from_center_size(rect.right_center() - vec2(38.0, 0.0), vec2(24.0, size::ROW));
        let fewer = ui.interact(minus, response.id.with("fewer"), Sense::click());
        fewer.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("one {name} less")));
        let ink = if fewer.hovered() || fewer.has_focus() { t.tomato_text } else { t.dim };
        ui.painter().text(minus.center(), Align2::CENTER_CENTER, "−", theme::strong(text::BODY), ink);
        if fewer.clicked() {
            draft.counts.insert(name, count - 1);
        }
    }
}

/// The field, and what is known of what stands in it.
fn postcode_field(ui: &mut Ui, picture: &Picture, typed: &str, draft: &mut Draft) -> Option<Postcode> {
    let t = tokens(ui);
    let parsed = typed.parse::<Postcode>();
    let verdict = parsed.as_ref().ok().and_then(|postcode| picture.verdict(*postcode));
    let (edge, ink, words) = match (&parsed, verdict) {
        (Err(error), _) => (t.tomato, t.tomato_text, error.to_string()),
        (Ok(_), Some(said @ Verdict::Valid { .. })) => (t.basil, t.basil_text, format!("✓ {}", wording::verdict(said))),
        (Ok(_), Some(said @ Verdict::Invalid { .. })) => {
            (t.tomato, t.tomato_text, format!("✗ {}", wording::verdict(said)))
        }
        // A customer that waits for a service reads that below, and since when.
        (Ok(_), Some(Verdict::NobodyAnswers)) => (t.saffron, t.dim, wording::POSTCODE_NOT_ASKED.to_owned()),
        (Ok(_), None) => (t.line, t.dim, wording::POSTCODE_NOT_ASKED.to_owned()),
    };
    let mut text_now = typed.to_owned();
    let field = TextEdit::singleline(&mut text_now)
        .hint_text("Postcode, such as DH1 3LE")
        .margin(vec2(10.0, 6.0))
        .char_limit(16)
        .desired_width(f32::INFINITY);
    let response = ui.scope(|ui| {
        let visuals = &mut ui.visuals_mut().widgets;
        visuals.inactive.bg_stroke = Stroke::new(size::HAIRLINE, edge);
        visuals.hovered.bg_stroke = Stroke::new(size::HAIRLINE, edge);
        ui.add(field).accessible_name("Deliver to postcode")
    });
    if response.inner.changed() {
        draft.postcode = Some(text_now);
    }
    ui.add(Label::new(RichText::new(words).size(text::SMALL).color(ink)).wrap());
    parsed.ok()
}

/// Why nothing can be asked of this customer.
fn refuses(customer: &Customer, commands: &CommandQueue) -> Option<&'static str> {
    commands.refuses.or(customer.machine.is_some().then_some(wording::ORDERS_ELSEWHERE))
}

fn place_button(
    ui: &mut Ui,
    customer: &Customer,
    draft: &mut Draft,
    (postcode, well_formed): (&str, bool),
    commands: &mut CommandQueue,
) {
    let items = draft.items();
    let ready = !items.is_empty() && well_formed && customer.waiting.is_none() && refuses(customer, commands).is_none();
    let words = match items.len() {
        0 => "Place order".to_owned(),
        count => format!("Place order · {} · {}", wording::count(count, "item", "items"), wording::price(&items)),
    };
    let by_key = ui.input(|input| input.modifiers.command && input.key_pressed(Key::Enter));
    let otherwise = if customer.waiting.is_some() { wording::ONE_AT_A_TIME } else { wording::ORDER_NEEDS };
    let needs = refuses(customer, commands).unwrap_or(otherwise);
    let response = main_button(ui, &words, ready).on_disabled_hover_text(needs);
    if ready && (response.clicked() || by_key) {
        commands.push(CustomerCommand::PlaceOrder { customer: customer.id, postcode: postcode.to_owned(), items });
        draft.counts.clear();
    }
}

/// What the customer waits for, why, and the way out. It stands where it does not move the button that places an order: a
/// second click on the place of the first must not give up what the first ordered.
fn waiting_ui(ui: &mut Ui, picture: &Picture, customer: &Customer, commands: &mut CommandQueue) {
    let Some(waiting) = &customer.waiting else { return };
    dim(ui, waits(&waiting.ask, waiting.giving_up));
    if let Some(why) = wording::why_it_waits(waiting, picture.now) {
        let ink = tokens(ui).saffron_text;
        ui.add(Label::new(RichText::new(why).size(text::SMALL).color(ink)).wrap());
    }
    let can = !waiting.giving_up && matches!(waiting.ask, Ask::Order { .. });
    let give_up = |ui: &mut Ui| ui.add_enabled_ui(can, |ui| button(ui, "Cancel order")).inner;
    if asking(ui, refuses(customer, commands), give_up).on_hover_text(wording::GIVE_UP_MEANS).clicked() {
        commands.push(CustomerCommand::GiveUp { customer: customer.id });
    }
}

fn waits(ask: &Ask, giving_up: bool) -> String {
    match (ask, giving_up) {
        (_, true) => "Cancelling: finding out whether the order went through.".into(),
        (Ask::Order { items, postcode }, false) => format!("On its way to {postcode}: {}", wording::dishes(items)),
        (Ask::History { .. } | Ask::Withdraw, false) => "Waiting for an answer.".into(),
    }
}

fn receipts(ui: &mut Ui, customer: &Customer) {
    if customer.receipts.is_empty() {
        return;
    }
    heading(ui, "Receipts");
    for receipt in customer.receipts.iter().rev().take(MOST_RECEIPTS) {
        let words = match &receipt.outcome {
            Some(Outcome::Placed { number }) => format!("✓ #{number}  {}", wording::dishes(&receipt.items)),
            None => format!("? {}", wording::EXPIRED),
            other => format!("✗ {}", wording::outcome(other.as_ref())),
        };
        let more = match &receipt.outcome {
            None => format!(" – {}", wording::expired(receipt.request.number)),
            Some(_) => String::new(),
        };
        let t = tokens(ui);
        let ink = if matches!(receipt.outcome, Some(Outcome::Placed { .. })) { t.text } else { t.tomato_text };
        let label = Label::new(RichText::new(words).size(text::SMALL).color(ink)).truncate();
        let took = wording::duration(receipt.took);
        let to = receipt.postcode.map_or_else(String::new, |postcode| format!(" to {postcode}"));
        ui.add(label).on_hover_text(format!("{}{to}, answered after {took}{more}", wording::dishes(&receipt.items)));
    }
}

const MOST_RECEIPTS: usize = 3;

/// What was ordered to the postcode, as this customer was told.
fn history(ui: &mut Ui, customer: &Customer, postcode: Postcode, commands: &mut CommandQueue) {
    heading(ui, &format!("Orders to {postcode}"));
    let page = customer.history.as_ref().filter(|page| page.postcode == postcode);
    // Above what it brings, so that it stays where it is.
    let words = if page.is_some() { "Read again" } else { "Read the history" };
    let idle = customer.waiting.is_none();
    let read = |ui: &mut Ui| ui.add_enabled_ui(idle, |ui| button(ui, words)).inner;
    if asking(ui, refuses(customer, commands), read).on_disabled_hover_text(wording::ONE_AT_A_TIME).clicked() {
        let postcode = postcode.to_string();
        commands.push(CustomerCommand::ReadHistory { customer: customer.id, postcode, page: 0 });
    }
    if let Some(page) = page {
        for order in page.orders.iter().rev().take(MOST_ORDERS) {
            let number = match (order.number, order.id) {
                (Some(number), _) => format!("#{number}"),
                (None, OrderId::Preset(_) | OrderId::Placed(_)) => "loaded".into(),
            };
            ui.spacing_mut().interact_size.y = 20.0;
            ui.horizontal(|ui| {
                let t = tokens(ui);
                let (rect, _) = ui.allocate_exact_size(vec2(44.0, 20.0), Sense::hover());
                ui.painter().text(rect.left_center(), Align2::LEFT_CENTER, number, theme::plain(text::SMALL), t.dim);
                let words = RichText::new(wording::dishes(&order.items)).size(text::SMALL);
                ui.add(Label::new(words).truncate());
            });
            hairline(ui);
        }
        dim(ui, wording::count(page.total as usize, "order in all", "orders in all"));
    }
}

/// Orders of the history that are shown.
const MOST_ORDERS: usize = 12;
