//! The tabs at the bottom: timeline, log, measurements.

use egui::{Label, RichText, ScrollArea, Sense, Ui};
use protocol::text::without_invisible;

use super::Focus;
use super::Selected;
use super::measurements::measurements_ui;
use super::timeline::{Course, Look, TimelineState, controls_ui, timeline_ui};
use crate::theme::{self, text, tokens};
use crate::widgets::{field, follow_focus, from_right, hairline, tabs};
use knowledge::picture::{LogLine, Picture};
use wording::{self, Weight};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    /// Messages between lanes, as time goes on.
    #[default]
    Timeline,
    Log,
    Measurements,
}

#[derive(Debug, Default)]
pub struct BottomState {
    tab: Tab,
    filter: String,
    /// Also what it asks for.
    pub timeline: TimelineState,
}

impl BottomState {
    /// A moment is to be shown, in the timeline too.
    pub fn looks_at(&mut self, at: u64) {
        self.tab = Tab::Timeline;
        self.timeline.ask(Look::At(at));
    }
}

pub(crate) fn bottom_ui(ui: &mut Ui, course: Course<'_>, state: &mut BottomState, focus: &mut Focus) {
    let picture = course.shown;
    // Another tab must not move the diagram.
    ui.set_min_height(ui.available_height());
    ui.horizontal(|ui| {
        let choices = [(Tab::Timeline, "Timeline"), (Tab::Log, "Log"), (Tab::Measurements, "Measurements")];
        if let Some(tab) = tabs(ui, state.tab, &choices) {
            state.tab = tab;
        }
        if state.tab == Tab::Timeline {
            from_right(ui, |ui| controls_ui(ui, course, &mut state.timeline, focus));
        }
        if state.tab == Tab::Log {
            from_right(ui, |ui| {
                field(ui, &mut state.filter, "Filter the log", "Show only lines with …", 200.0);
            });
        }
    });
    hairline(ui);
    match state.tab {
        Tab::Timeline => timeline_ui(ui, course, &mut state.timeline, focus),
        Tab::Log => log(ui, picture, &state.filter, focus),
        Tab::Measurements => measurements_ui(ui, picture, course.judged),
    }
}

fn log(ui: &mut Ui, picture: &Picture, filter: &str, focus: &mut Focus) {
    let wanted = without_invisible(filter).trim().to_lowercase();
    let has = |words: &str| words.to_lowercase().contains(&wanted);
    let matches = |line: &LogLine| {
        wanted.is_empty() || line.node.as_deref().is_some_and(has) || has(&wording::line_of_log(line).1)
    };
    let lines: Vec<_> = picture.log.lines().filter(|line| matches(line)).collect();
    let height = text::SMALL + 6.0;
    let area = ScrollArea::vertical().id_salt("log").auto_shrink(false).stick_to_bottom(true);
    area.show_rows(ui, height, lines.len(), |ui, rows| {
        let t = tokens(ui);
        for line in &lines[rows] {
            let (weight, said) = wording::line_of_log(line);
            let (sign, ink) = match weight {
                Weight::Plain => ("  ", t.text),
                Weight::Good => ("✓ ", t.basil_text),
                Weight::Bad => ("✗ ", t.tomato_text),
            };
            let node = line.node.as_deref().unwrap_or("–");
            let words = format!("{:>9}  {node:<16}{sign}{}", wording::clock(line.at), said);
            let label =
                Label::new(RichText::new(&words).font(theme::mono()).color(ink)).truncate().sense(Sense::click());
            let response = ui.add(label);
            let of = line.message.map_or(Selected::Nothing, |(id, to)| Selected::Message(id, to));
            if of != Selected::Nothing && focus.hovered == of {
                ui.painter().rect_filled(response.rect.expand(1.0), 2.0, theme::faded(t.saffron, 0.25));
            }
            if response.hovered() {
                focus.hover(of);
            }
            if response.on_hover_text("Click to copy").clicked() {
                ui.ctx().copy_text(words);
            }
        }
        follow_focus(ui);
    });
}
