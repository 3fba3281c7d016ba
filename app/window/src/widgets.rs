//! The few things all panels are made of: headings, pills, choices, rows. Calm, with hairlines and without
//! shadows, and never telling by colour alone. What they mean is the panels' business.

mod terms;

use egui::style::ScrollAnimation;
use egui::{
    Align, Button, Color32, CornerRadius, EventFilter, Frame, Id, Label, Layout, Modal, Response, RichText, Role,
    ScrollArea, Sense, Stroke, StrokeKind, TextEdit, Ui, Vec2, WidgetInfo, vec2,
};

use crate::theme::{self, size, text, tokens};
use knowledge::user_command::{CommandQueue, UserCommand};
use wording::Term;

use terms::explained_by_pointer;
pub use terms::{Explains, READ, dots_below, term};

/// "CUSTOMERS": the beginning of a part of a panel.
pub fn heading(ui: &mut Ui, words: &str) {
    heading_that(ui, words, Sense::hover());
}

fn heading_that(ui: &mut Ui, words: &str, senses: Sense) -> Response {
    let dim = tokens(ui).dim;
    ui.add_space(size::STEP);
    let words = RichText::new(words.to_uppercase()).font(theme::strong(text::SMALL)).color(dim);
    ui.add(Label::new(words).truncate().sense(senses))
}

/// The same of what is a term.
pub fn heading_of(ui: &mut Ui, term: Term, words: &str) {
    let response = heading_that(ui, words, READ);
    dots_below(ui, &response, response.rect);
    response.explains(term);
}

/// Words in the second colour.
pub(crate) fn dim(ui: &mut Ui, words: impl Into<String>) -> Response {
    let colour = tokens(ui).dim;
    ui.label(RichText::new(words).size(text::SMALL).color(colour))
}

/// The same of what is explained.
pub fn dim_of(ui: &mut Ui, words: impl Into<String>) -> Response {
    let colour = tokens(ui).dim;
    ui.add(Label::new(RichText::new(words).size(text::SMALL).color(colour)).selectable(false).sense(READ))
}

/// Words on a rounded ground, cut off where the room ends.
pub fn pill(ui: &mut Ui, words: &str, ink: Color32, ground: Color32) -> Response {
    pill_that(ui, words, (ink, ground), Sense::hover())
}

/// The same of what is explained.
pub fn pill_of(ui: &mut Ui, words: &str, ink: Color32, ground: Color32) -> Response {
    pill_that(ui, words, (ink, ground), READ)
}

fn pill_that(ui: &mut Ui, words: &str, (ink, ground): (Color32, Color32), senses: Sense) -> Response {
    let room = (ui.available_width() - 24.0).max(40.0);
    let galley = elided(ui.painter(), words, theme::strong(text::SMALL), ink, room);
    let (rect, response) = ui.allocate_exact_size(galley.size() + vec2(20.0, 8.0), senses);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, words));
    ui.painter().rect_filled(rect, rect.height() / 2.0, ground);
    if response.has_focus() {
        ui.painter().rect_stroke(rect, rect.height() / 2.0, (size::OUTLINE, tokens(ui).sea), StrokeKind::Inside);
    }
    ui.painter().galley(rect.center() - galley.size() / 2.0, galley, ink);
    response
}

/// A button with an outline.
pub fn button(ui: &mut Ui, words: &str) -> Response {
    ui.add(Button::new(RichText::new(words).size(text::BODY)).min_size(vec2(0.0, size::ROW)))
}

/// A button that closes the box in which it stands.
pub(crate) fn closing_button(ui: &mut Ui, words: &str) {
    if button(ui, words).clicked() {
        ui.close();
    }
}

/// A click on this asks for something; the menu or box in which it stands closes.
pub(crate) fn asks(ui: &Ui, clicked: &Response, commands: &mut CommandQueue, command: impl Into<UserCommand>) {
    if clicked.clicked() {
        commands.push(command);
        ui.close();
    }
}

/// Keeps arrow keys for what has the focus, and outlines it.
pub(crate) fn hold_focus(ui: &Ui, response: &Response, rect: egui::Rect) {
    let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    outline(ui, rect, 4);
}

/// What has the focus is outlined so.
pub(crate) fn outline(ui: &Ui, rect: egui::Rect, corner: u8) {
    let ring = Stroke::new(size::OUTLINE, tokens(ui).sea);
    ui.painter().rect_stroke(rect, CornerRadius::same(corner), ring, StrokeKind::Inside);
}

/// A button that ends something.
pub(crate) fn destructive(ui: &mut Ui, words: &str) -> Response {
    let t = tokens(ui);
    let button = Button::new(RichText::new(words).size(text::BODY).color(t.tomato_text))
        .stroke(Stroke::new(size::HAIRLINE, t.tomato))
        .min_size(vec2(0.0, size::ROW));
    ui.add(button)
}

/// A box to tick. Its edge can be seen while it is empty.
pub(crate) fn checkbox(ui: &mut Ui, on: &mut bool, words: impl Into<String>) -> Response {
    let response = ui.checkbox(on, words.into());
    let width = ui.spacing().icon_width;
    let centre = response.rect.left_center() + vec2(width / 2.0, 0.0);
    let edge = Stroke::new(size::HAIRLINE, if response.has_focus() { tokens(ui).sea } else { tokens(ui).dim });
    let around = egui::Rect::from_center_size(centre, Vec2::splat(width));
    ui.painter().rect_stroke(around, CornerRadius::same(4), edge, StrokeKind::Inside);
    response
}

/// A field for a line of text.
pub fn field(ui: &mut Ui, text_now: &mut String, name: &str, hint: &str, width: f32) -> Response {
    let field = TextEdit::singleline(text_now).hint_text(hint).margin(vec2(10.0, 6.0)).desired_width(width);
    ui.add(field).accessible_name(name)
}

/// A box over everything else; Esc closes it.
pub fn dialog(ui: &Ui, name: &str) -> Modal {
    let frame = Frame::popup(ui.style()).corner_radius(size::BIG_CORNER).inner_margin(20.0);
    Modal::new(Id::unique(name)).frame(frame)
}

/// The one button a panel is there for, as wide as the panel.
pub(crate) fn main_button(ui: &mut Ui, words: &str, enabled: bool) -> Response {
    let t = tokens(ui);
    let (ink, fill) = if enabled { (t.on_strong, t.tomato_text) } else { (t.dim, t.soft) };
    let button =
        Button::new(RichText::new(words).font(theme::strong(text::BODY)).color(ink)).fill(fill).stroke(Stroke::NONE);
    let room = vec2(ui.available_width(), 32.0);
    ui.add_enabled_ui(enabled, |ui| ui.add_sized(room, button)).inner
}

/// What asks the cluster for something: disabled, with the reason in its hover text, while nothing can be asked for.
pub fn asking<R>(ui: &mut Ui, refuses: Option<&str>, contents: impl FnOnce(&mut Ui) -> R) -> R {
    let Some(why) = refuses else { return contents(ui) };
    let shown = ui.add_enabled_ui(false, contents);
    shown.response.on_disabled_hover_text(why);
    shown.inner
}

/// Shows what may be longer than its room, with a bar that can be seen where it is. What the keyboard gives the focus to comes
/// into sight by itself.
pub fn scrolling<R>(ui: &mut Ui, area: ScrollArea, contents: impl FnOnce(&mut Ui) -> R) -> R {
    let usual = ui.style().clone();
    let followed = |ui: &mut Ui| {
        ui.set_style(usual);
        let shown = contents(ui);
        follow_focus(ui);
        shown
    };
    let scrolled = |ui: &mut Ui| {
        let t = tokens(ui);
        ui.visuals_mut().widgets.inactive.bg_fill = theme::between(t.panel, t.dim, 0.55);
        ui.visuals_mut().widgets.hovered.bg_fill = t.dim;
        ui.visuals_mut().widgets.active.bg_fill = t.dim;
        area.show(ui, followed).inner
    };
    ui.scope(scrolled).inner
}

/// The part of a dialog that may be higher than the window: it scrolls, and what needs `below` points under it stays in sight.
pub(crate) fn scrolling_in_dialog<R>(ui: &mut Ui, below: f32, contents: impl FnOnce(&mut Ui) -> R) -> R {
    let room = (ui.ctx().content_rect().height() - AROUND_DIALOG - below).max(2.0 * size::ROW);
    // Without the second one, it is never higher than it was at first.
    scrolling(ui, ScrollArea::vertical().max_height(room).min_scrolled_height(room), contents)
}

/// Above and below what a dialog contains, in points: its frame, and some of the window.
const AROUND_DIALOG: f32 = 64.0;

/// Brings into sight what the keyboard has just given the focus to. To be called last in what scrolls.
pub(crate) fn follow_focus(ui: &mut Ui) {
    let focused = ui.memory(|memory| memory.focused());
    let key = ui.scope_id().with("followed focus");
    if ui.data(|data| data.get_temp::<Option<Id>>(key)).flatten() == focused {
        return;
    }
    ui.data_mut(|data| data.insert_temp(key, focused));
    let by_key = ui.input(|input| input.key_pressed(egui::Key::Tab)) || !ui.input(|input| input.pointer.any_pressed());
    let response = focused.filter(|_| by_key).and_then(|id| ui.ctx().read_response(id));
    let inside = |response: &Response| {
        response.layer_id == ui.layer_id() && ui.min_rect().expand(1.0).contains(response.rect.center())
    };
    if let Some(response) = response.filter(inside) {
        ui.scroll_to_rect_animation(response.rect, None, ScrollAnimation::none());
    }
}

/// Choices side by side, of which one holds. Returns the one that was clicked.
pub fn choice<T: PartialEq + Copy>(ui: &mut Ui, name: &str, now: T, choices: &[(T, String)]) -> Option<T> {
    let t = tokens(ui);
    let mut chosen = None;
    let frame = Frame::new()
        .stroke(Stroke::new(size::HAIRLINE, t.line))
        .corner_radius(CornerRadius::same(size::CORNER))
        .fill(t.panel);
    frame.show(ui, |ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        ui.horizontal(|ui| {
            for (value, words) in choices {
                let holds = *value == now;
                let (ink, fill) = if holds { (t.background, t.text) } else { (t.text, t.panel) };
                let button = Button::new(RichText::new(words).size(text::BODY).color(ink))
                    .fill(fill)
                    .stroke(Stroke::NONE)
                    .corner_radius(CornerRadius::same(size::CORNER - 1))
                    .min_size(vec2(0.0, size::ROW - 2.0));
                let response = ui.add(button);
                response.widget_info(|| {
                    WidgetInfo::selected(Role::RadioButton, ui.is_enabled(), holds, format!("{name}: {words}"))
                });
                if response.has_focus() {
                    outline(ui, response.rect, size::CORNER - 1);
                }
                if response.clicked() && !holds {
                    chosen = Some(*value);
                }
            }
        });
    });
    chosen
}

/// The signs of a tape recorder, painted: not every font has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    Run,
    Stop,
    /// A bar and a triangle.
    Step,
    /// A small triangle that points down.
    More,
}

pub fn sign(painter: &egui::Painter, at: egui::Pos2, sign: Sign, ink: Color32) {
    let triangle = |points: [Vec2; 3]| {
        let points = points.map(|offset| at + offset).to_vec();
        painter.add(egui::Shape::convex_polygon(points, ink, Stroke::NONE));
    };
    let bar = |x: f32, width: f32| {
        painter.rect_filled(egui::Rect::from_center_size(at + vec2(x, 0.0), vec2(width, 10.0)), 1.0, ink);
    };
    match sign {
        Sign::Run => triangle([vec2(-4.0, -5.0), vec2(5.0, 0.0), vec2(-4.0, 5.0)]),
        Sign::Stop => [-2.75, 2.75].into_iter().for_each(|x| bar(x, 3.0)),
        Sign::Step => {
            bar(-4.5, 2.0);
            triangle([vec2(-2.0, -5.0), vec2(6.0, 0.0), vec2(-2.0, 5.0)]);
        }
        Sign::More => triangle([vec2(-4.0, -2.0), vec2(4.0, -2.0), vec2(0.0, 3.0)]),
    }
}

/// A button with a sign before its words; one that holds is dark. `name` is what it is called where it cannot be seen.
pub(crate) fn sign_button(ui: &mut Ui, mark: Sign, words: &str, name: &str, holds: bool) -> Response {
    let t = tokens(ui);
    let (ink, fill) = if holds { (t.background, t.text) } else { (t.text, t.panel) };
    let galley = ui.painter().layout_no_wrap(words.to_owned(), theme::plain(text::BODY), ink);
    let gap = if words.is_empty() { 0.0 } else { 6.0 };
    let extent = vec2(galley.size().x + gap + 12.0 + 20.0, size::ROW);
    let (rect, response) =
        ui.allocate_exact_size(if words.is_empty() { vec2(26.0, size::ROW) } else { extent }, Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, holds, name));
    let fill = if response.hovered() && !holds { t.soft } else { fill };
    let edge =
        if response.has_focus() { Stroke::new(size::OUTLINE, t.sea) } else { Stroke::new(size::HAIRLINE, t.line) };
    ui.painter().rect(rect, CornerRadius::same(size::CORNER), fill, edge, StrokeKind::Inside);
    let left = if words.is_empty() { rect.center().x } else { rect.left() + 16.0 };
    sign(ui.painter(), egui::pos2(left, rect.center().y), mark, ink);
    ui.painter().galley(egui::pos2(left + 6.0 + gap, rect.center().y - galley.size().y / 2.0), galley, ink);
    response
}

/// "Address  127.0.0.1:4000": what is called so, and what it is; a click copies it.
pub fn fact(ui: &mut Ui, name: &str, value: &str, fixed_width: bool) {
    fact_in_column(ui, FACT_NAME, None, (name, value), fixed_width);
}

/// The same where the name is a term.
pub(crate) fn fact_of(ui: &mut Ui, term: Term, name: &str, value: &str, fixed_width: bool) {
    fact_in_column(ui, FACT_NAME, Some(term), (name, value), fixed_width);
}

/// The same, with so much room for names. The term is explained wherever the pointer is on its line.
pub(crate) fn fact_in_column(
    ui: &mut Ui,
    room: f32,
    term: Option<Term>,
    (name, value): (&str, &str),
    fixed_width: bool,
) {
    let t = tokens(ui);
    ui.horizontal_top(|ui| {
        let words = elided(ui.painter(), name, theme::plain(text::BODY), t.dim, room.max(FACT_NAME * 1.6));
        let width = room.max(words.size().x + 4.0);
        let (left, of_name) = ui.allocate_exact_size(vec2(width, 18.0), Sense::hover());
        let at = left.left_top() + vec2(0.0, 1.0);
        let written = egui::Rect::from_min_size(at, words.size());
        ui.painter().galley(at, words, t.dim);
        let font = if fixed_width { theme::mono() } else { theme::plain(text::BODY) };
        let words = RichText::new(value).font(font).color(t.text);
        let response = ui.add(Label::new(words).wrap().sense(Sense::click()));
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{name}: {value}")));
        let response = match term {
            Some(term) => {
                dots_below(ui, &response, written);
                explained_by_pointer(&of_name, term);
                response.explains_all(&[term], CLICK_TO_COPY)
            }
            None => response.on_hover_text(CLICK_TO_COPY),
        };
        if response.clicked() {
            ui.ctx().copy_text(value.to_owned());
        }
    });
}

const CLICK_TO_COPY: &str = "Click to copy";

/// Room for the names of facts.
const FACT_NAME: f32 = 76.0;

/// A row that can be chosen: custom contents on a ground that shows hover, choice and focus.
pub fn row(
    ui: &mut Ui,
    height: f32,
    chosen: bool,
    name: &str,
    contents: impl FnOnce(&egui::Painter, egui::Rect),
) -> Response {
    let t = tokens(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, chosen, name));
    if ui.is_rect_visible(rect) {
        if chosen || response.hovered() {
            let fill = if chosen { t.soft } else { t.background };
            ui.painter().rect_filled(rect, CornerRadius::same(size::CORNER), fill);
        }
        if response.has_focus() {
            outline(ui, rect, size::CORNER);
        }
        contents(&ui.painter().with_clip_rect(rect.intersect(ui.clip_rect())), rect);
    }
    response
}

/// Tabs, of which one is shown, underlined. Returns the one that was clicked.
pub fn tabs<T: PartialEq + Copy>(ui: &mut Ui, now: T, choices: &[(T, &str)]) -> Option<T> {
    let t = tokens(ui);
    let mut chosen = None;
    ui.spacing_mut().item_spacing.x = 16.0;
    for (value, words) in choices {
        let holds = *value == now;
        let ink = if holds { t.text } else { t.dim };
        let galley = ui.painter().layout_no_wrap((*words).to_owned(), theme::plain(text::BODY), ink);
        let (rect, response) = ui.allocate_exact_size(vec2(galley.size().x, size::ROW), Sense::click());
        response.widget_info(|| WidgetInfo::selected(Role::Tab, true, holds, *words));
        ui.painter().galley(rect.left_center() - vec2(0.0, galley.size().y / 2.0), galley, ink);
        if holds || response.has_focus() {
            let stroke = Stroke::new(size::OUTLINE, if holds { t.tomato } else { t.sea });
            ui.painter().hline(rect.x_range(), rect.bottom(), stroke);
        }
        if response.clicked() {
            chosen = Some(*value);
        }
    }
    chosen
}

/// A light with words: a tick or a cross, never colour alone. The reason stands in the hover text.
pub fn light(ui: &mut Ui, good: bool, words: &str, why: &str) -> Response {
    let t = tokens(ui);
    let (sign, ink) = if good { ("✓", t.basil_text) } else { ("✗", t.tomato_text) };
    ui.label(RichText::new(format!("{sign} {words}")).size(text::SMALL).color(ink)).on_hover_text(why)
}

pub(crate) fn from_right<R>(ui: &mut Ui, contents: impl FnOnce(&mut Ui) -> R) -> R {
    ui.with_layout(Layout::right_to_left(Align::Center), contents).inner
}

/// A hairline from side to side.
pub(crate) fn hairline(ui: &mut Ui) {
    let stroke = Stroke::new(size::HAIRLINE, tokens(ui).line);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), size::HAIRLINE), Sense::hover());
    ui.painter().hline(rect.x_range(), rect.center().y, stroke);
}

/// A crown (the primary's sign) that fits into a square around `centre`.
pub(crate) fn crown(painter: &egui::Painter, centre: egui::Pos2, width: f32, colour: Color32) {
    let at = |x: f32, y: f32| centre + vec2(x, y) * width / 2.0;
    let base = [at(-0.85, 0.65), at(0.85, 0.65), at(0.85, 0.4), at(-0.85, 0.4)];
    let spikes = [
        [at(-0.85, 0.45), at(-1.0, -0.5), at(-0.1, 0.45)],
        [at(-0.6, 0.45), at(0.0, -0.75), at(0.6, 0.45)],
        [at(0.1, 0.45), at(1.0, -0.5), at(0.85, 0.45)],
    ];
    painter.add(egui::Shape::convex_polygon(base.to_vec(), colour, Stroke::NONE));
    for spike in spikes {
        painter.add(egui::Shape::convex_polygon(spike.to_vec(), colour, Stroke::NONE));
    }
}

/// A line of text cut off with an ellipsis where the room ends.
pub(crate) fn elided(
    painter: &egui::Painter,
    words: &str,
    font: egui::FontId,
    colour: Color32,
    room: f32,
) -> std::sync::Arc<egui::Galley> {
    let mut job = egui::text::LayoutJob::simple_singleline(words.to_owned(), font, colour);
    job.wrap = egui::text::TextWrapping::truncate_at_width(room);
    painter.layout_job(job)
}

/// The room a toolbar button takes.
pub(crate) const ICON_BUTTON: Vec2 = Vec2::new(32.0, size::ROW);
