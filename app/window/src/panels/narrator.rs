//! The strip below the canvas: one sentence of what happens, and one of what it means. It covers nothing and is never cut: the
//! canvas gives it the room that its words need.

use egui::accesskit::Live;
use egui::{
    Align2, Frame, Galley, Label, Panel, Pos2, Rect, Response, RichText, Role, Sense, Stroke, Ui, WidgetInfo, pos2,
    vec2,
};
use protocol::message::Step;
use std::sync::Arc;
use wording::Term;
use wording::narrator::{Sentence, Weight};

use crate::theme::{self, size, text, tokens};
use crate::widgets::{Explains, READ, from_right};

/// Around the words, in points.
const MARGIN: (f32, f32) = (16.0, 8.0);
/// Room for the step's number, at the left.
const BADGE: f32 = 32.0;
/// Room for the time, at the right.
const TIME: f32 = 92.0;
/// Sentences up to this many letters do not change the height of the strip.
const USUAL: (usize, usize) = (62, 10);

/// The words, broken into lines for the room there is.
struct Words {
    what: Arc<Galley>,
    means: Option<Arc<Galley>>,
}

impl Words {
    fn of(ui: &Ui, what: &str, means: Option<&str>, presents: bool, width: f32) -> Self {
        let t = tokens(ui);
        let (large, small) = if presents { (text::TITLE, text::LARGE) } else { (text::LARGE, text::BODY) };
        let lay = |words: &str, letters, ink| ui.painter().layout(words.to_owned(), letters, ink, width);
        Self {
            what: lay(what, theme::strong(large), t.text),
            means: means.map(|means| lay(means, theme::plain(small), t.dim)),
        }
    }

    fn height(&self) -> f32 {
        self.what.size().y + self.means.as_ref().map_or(0.0, |means| means.size().y + 2.0)
    }
}

/// The strip. Returns where it stands, and the moment that was clicked.
pub fn narrator_ui(ui: &mut Ui, sentence: Option<&Sentence>, presents: bool) -> (Rect, Option<u64>) {
    let t = tokens(ui);
    let width = (ui.available_width() - 2.0 * MARGIN.0 - BADGE - TIME).max(80.0);
    let nothing = (wording::NOTHING_TOLD, None);
    let (what, means) = sentence.map_or(nothing, |sentence| (sentence.what.as_str(), sentence.means.as_deref()));
    let words = Words::of(ui, what, means, presents, width);
    // The canvas does not jump when a usual sentence follows another.
    let usual = Words::of(ui, &"n".repeat(USUAL.0), Some(&"n".repeat(USUAL.1)), presents, width).height();
    let height = usual.max(words.height()) + 2.0 * MARGIN.1;
    let frame = Frame::new().fill(t.canvas);
    let panel = Panel::bottom("narrator").exact_size(height + size::STEP).show_separator_line(false).frame(frame);
    panel
        .show(ui, |ui| {
            let strip = ui.max_rect().shrink2(vec2(8.0, 0.0)).with_max_y(ui.max_rect().bottom() - size::STEP);
            ui.painter().rect(
                strip,
                size::BIG_CORNER,
                t.panel,
                Stroke::new(size::HAIRLINE, t.line),
                egui::StrokeKind::Inside,
            );
            let left = strip.left() + MARGIN.0 - 8.0;
            let top = strip.center().y - words.height() / 2.0;
            spoken(ui, strip, sentence, what, means);
            if let Some(sentence) = sentence {
                badge(ui, sentence, pos2(left + size::NUMBER + 2.0, strip.center().y));
            }
            let below = top + words.what.size().y + 2.0;
            ui.painter().galley(pos2(left + BADGE, top), words.what, t.text);
            if let Some(means) = words.means {
                ui.painter().galley(pos2(left + BADGE, below), means, t.dim);
            }
            let clicked = sentence.filter(|sentence| time(ui, strip, sentence.at).clicked());
            (strip, clicked.map(|sentence| sentence.at))
        })
        .inner
}

/// More definitions at once would cover the picture.
const MOST_TERMS: usize = 4;

/// What a screen reader says as soon as it changes.
fn spoken(ui: &mut Ui, strip: Rect, sentence: Option<&Sentence>, what: &str, means: Option<&str>) {
    let response = ui.interact(strip, ui.scope_id().with("sentence"), READ);
    let words = sentence.map_or_else(|| what.to_owned(), Sentence::numbered);
    let words = means.map_or(words.clone(), |means| format!("{words} {means}"));
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &words));
    // What its words mean, for somebody who meets them here first.
    let terms: Vec<Term> = sentence
        .and_then(|sentence| sentence.step)
        .map(|step| Term::Step(Step(step)))
        .into_iter()
        .chain(Term::in_sentence(&words))
        .take(MOST_TERMS)
        .collect();
    let urgent = sentence.is_some_and(|sentence| sentence.weight == Weight::Alarm);
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_live(if urgent { Live::Assertive } else { Live::Polite });
    });
    if !terms.is_empty() {
        response.explains_all(&terms, "");
    }
}

/// The step's number; or a sign for what is none: a cross, a ring.
fn badge(ui: &Ui, sentence: &Sentence, at: Pos2) {
    let t = tokens(ui);
    let (fill, ink, sign) = match (sentence.step, sentence.weight) {
        (_, Weight::Alarm) => (t.tomato_text, t.on_strong, "✗".to_owned()),
        (Some(step), _) => (t.saffron, t.on_saffron, step.to_string()),
        (None, Weight::Title | Weight::Step | Weight::Answer | Weight::Event) => (t.soft, t.dim, "•".to_owned()),
    };
    ui.painter().circle_filled(at, size::NUMBER + 2.0, fill);
    ui.painter().text(at, Align2::CENTER_CENTER, sign, theme::strong(text::SMALL), ink);
}

/// When it happened, and the way there.
fn time(ui: &mut Ui, strip: Rect, at: u64) -> Response {
    let t = tokens(ui);
    let room =
        Rect::from_min_max(pos2(strip.right() - TIME, strip.top()), strip.right_bottom()).shrink2(vec2(8.0, 4.0));
    let mut ui = ui.new_child(egui::UiBuilder::new().max_rect(room));
    let words = RichText::new(format!("{} s →", wording::clock(at))).size(text::SMALL).color(t.dim);
    let mut clicked = None;
    from_right(&mut ui, |ui| {
        let label = Label::new(words).selectable(false).sense(Sense::click());
        let response = ui.add(label).on_hover_text(wording::TO_ITS_MOMENT);
        let name = format!("show {} s in the timeline", wording::clock(at));
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
        clicked = Some(response);
    });
    clicked.unwrap_or_else(|| ui.response())
}
