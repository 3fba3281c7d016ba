//! Terms say what they mean: under the pointer, with the keyboard's focus, and to screen readers. The definitions are `wording`'s.

use std::iter::once;

use egui::{Id, Label, Response, RichText, Sense, Shape, Stroke, Tooltip, Ui, vec2};
use wording::Term;

use crate::theme::{self, size, text, tokens, tokens_of};

/// What has a hover text that the keyboard can show, too. What is only read must take the focus for that: [`READ`].
pub trait Explains: Sized {
    /// Says what this term means.
    fn explains(self, term: Term) -> Self {
        self.explains_all(&[term], "")
    }

    /// Says what the terms mean, and below that something else, such as what a click does.
    fn explains_all(self, terms: &[Term], also: &str) -> Self;
}

impl Explains for Response {
    fn explains_all(self, terms: &[Term], also: &str) -> Self {
        self.ctx.accesskit_node_builder(self.id, |node| {
            let definitions = terms.iter().map(|term| term.explained());
            let all: Vec<String> = definitions.chain(once(also.to_owned()).filter(|also| !also.is_empty())).collect();
            node.set_description(all.join(" "));
        });
        let by_key = is_reached_by_key(&self) && !is_below_a_menu(&self);
        let tooltip = if by_key { Tooltip::for_widget(&self) } else { Tooltip::for_enabled(&self) };
        tooltip.width(WIDTH).show(|ui| explanation(ui, terms, also));
        self
    }
}

/// Whether it has the focus, and the pointer has not moved since: then the pointer says what is of interest.
fn is_reached_by_key(response: &Response) -> bool {
    let since = Id::unique("explained to the keyboard since");
    let (now, still) = response.ctx.input(|input| (input.time, input.pointer.time_since_last_movement()));
    if response.gained_focus() {
        response.ctx.data_mut(|data| data.insert_temp(since, now));
    }
    let gained = response.ctx.data(|data| data.get_temp::<f64>(since)).unwrap_or(now);
    response.has_focus() && f64::from(still) >= now - gained
}

/// Explains a term to the pointer alone: the keyboard has its own place for that beside it.
pub fn explained_by_pointer(response: &Response, term: Term) {
    Tooltip::for_enabled(response).width(WIDTH).show(|ui| explanation(ui, &[term], ""));
}

/// Whether a menu is open over this: the explanation would cover its entries.
fn is_below_a_menu(response: &Response) -> bool {
    egui::Popup::is_any_open(&response.ctx) && response.layer_id.order != egui::Order::Foreground
}

/// How what is only read can be reached: by the pointer and by the keyboard.
pub const READ: Sense = Sense::FOCUSABLE;

/// The widest explanation, in points.
const WIDTH: f32 = 320.0;

fn explanation(ui: &mut Ui, terms: &[Term], also: &str) {
    ui.set_max_width(WIDTH);
    for term in terms {
        let word = wording::capitalised(&term.word());
        ui.add(Label::new(RichText::new(word).font(theme::strong(text::BODY))).wrap());
        ui.add(Label::new(term.definition()).wrap());
    }
    if !also.is_empty() {
        ui.add(Label::new(RichText::new(also).color(tokens(ui).dim)).wrap());
    }
}

/// A term in the middle of a text, with dots below: it takes the keyboard's focus to be read.
pub fn term(ui: &mut Ui, term: Term, words: impl Into<RichText>) -> Response {
    let label = Label::new(words.into()).selectable(false).sense(READ);
    let (at, galley, response) = label.layout_in_ui(ui);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, galley.text()));
    let ink = ui.visuals().text_color();
    let rows: Vec<_> = galley.rows.iter().filter_map(words_of).map(|row| row.translate(at.to_vec2())).collect();
    ui.painter().galley(at, galley, ink);
    rows.into_iter().for_each(|row| dots_below(ui, &response, row));
    response.explains(term)
}

/// Where the letters of a row stand: the first row of a text begins where the words before it end.
fn words_of(row: &egui::epaint::text::PlacedRow) -> Option<egui::Rect> {
    let first = row.glyphs.iter().find(|glyph| !glyph.chr.is_whitespace())?;
    Some(row.rect().with_min_x(row.pos.x + first.pos.x))
}

/// Marks words as a term: dots below them, or a line while they have the focus.
pub fn dots_below(ui: &Ui, response: &Response, words: egui::Rect) {
    let t = tokens_of(ui.ctx().theme());
    let ends = [words.left_bottom(), words.right_bottom()].map(|at| at + vec2(0.0, 0.5));
    if response.has_focus() {
        ui.painter().line_segment(ends, Stroke::new(size::OUTLINE, t.sea));
    } else {
        ui.painter().extend(Shape::dotted_line(&ends, t.dim, 2.5 * size::HAIRLINE, size::HAIRLINE / 2.0));
    }
}
