//! The tabs at the bottom: timeline, log, measurements.

use egui::{Label, RichText, ScrollArea, Sense, Ui, vec2};
use protocol::text::without_invisible;

use super::Focus;
use super::Selected;
use super::timeline::{Course, Look, TimelineState, controls_ui, timeline_ui};
use crate::theme::{self, size, text, tokens};
use crate::widgets::{Explains, READ, dim, dots_below, field, follow_focus, from_right, hairline, tabs};
use knowledge::picture::{LogLine, Picture};
use knowledge::verdict::evidence::Judged;
use wording::{self, Term, Weight};

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
        Tab::Measurements => measurements(ui, picture, course.judged),
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

/// The counts are the lights', which know the crowd too.
fn measurements(ui: &mut Ui, picture: &Picture, judged: &Judged) {
    let stats = &picture.stats;
    let told = judged.lights.together();
    let refused = picture.crowd.map_or(0, |(_, crowd)| crowd.refused);
    let percentile = |percent| stats.percentile(percent).map_or("–".to_owned(), wording::duration);
    let columns: [[(&str, String, Option<Term>); 4]; 3] = [
        [
            ("Orders acknowledged", told.acknowledged.to_string(), Some(Term::Acknowledged)),
            ("Rejected", (stats.rejected + refused).to_string(), Some(Term::Receipt)),
            ("Cancelled", stats.never_placed.to_string(), None),
            ("Histories read", told.reads.to_string(), Some(Term::History)),
        ],
        [
            ("Answered, median", percentile(50), None),
            ("90 % within", percentile(90), None),
            ("99 % within", percentile(99), None),
            ("Slowest", percentile(100), None),
        ],
        [
            ("Batches committed", stats.committed.to_string(), Some(Term::Committed)),
            ("Failovers", stats.failovers.to_string(), Some(Term::Failover)),
            ("Last failover", stats.failover.map_or("–".to_owned(), wording::duration), Some(Term::Failover)),
            ("Messages in flight", picture.traffic.flying().count().to_string(), None),
        ],
    ];
    ui.add_space(8.0);
    ui.horizontal_top(|ui| {
        for column in &columns {
            ui.vertical(|ui| {
                ui.set_width(232.0);
                for (name, value, term) in column {
                    number(ui, name, value, *term);
                }
            });
        }
        latencies(ui, picture);
    });
}

fn number(ui: &mut Ui, name: &str, value: &str, term: Option<Term>) {
    let t = tokens(ui);
    let (rect, response) =
        ui.allocate_exact_size(vec2(216.0, 24.0), if term.is_some() { READ } else { Sense::hover() });
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, format!("{name}: {value}")));
    let left = ui.painter().text(rect.left_center(), egui::Align2::LEFT_CENTER, name, theme::plain(text::BODY), t.dim);
    ui.painter().text(rect.right_center(), egui::Align2::RIGHT_CENTER, value, theme::strong(text::BODY), t.text);
    if let Some(term) = term {
        dots_below(ui, &response, left);
        response.explains(term);
    }
}

/// How long the latest answers took, one bar each, oldest first.
fn latencies(ui: &mut Ui, picture: &Picture) {
    let times: Vec<u64> = picture.stats.times().collect();
    let Some(slowest) = times.iter().copied().max().filter(|slowest| *slowest > 0) else {
        ui.vertical(|ui| dim(ui, if picture.crowd.is_some() { wording::ONLY_TOGETHER } else { wording::NO_ANSWERS }));
        return;
    };
    let room = vec2(ui.available_width().max(80.0), 96.0);
    let (rect, response) = ui.allocate_exact_size(room, Sense::hover());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, "times of the latest answers"));
    let t = tokens(ui);
    let bars = ((rect.width() / 6.0) as usize).max(1);
    let latest = &times[times.len().saturating_sub(bars)..];
    for (index, took) in latest.iter().enumerate() {
        let height = (*took as f32 / slowest as f32 * rect.height()).max(1.0);
        let corner = rect.left_bottom() + vec2(index as f32 * 6.0, -height);
        ui.painter().rect_filled(egui::Rect::from_min_size(corner, vec2(4.0, height)), 1.0, t.sea);
    }
    ui.painter().hline(rect.x_range(), rect.bottom(), (size::HAIRLINE, t.line));
}
