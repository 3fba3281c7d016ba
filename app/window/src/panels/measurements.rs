//! Measurements: counts, and two plots: orders a second as time went on, with faults and view changes, and how long answers took.
//!
//! The counts are the lights', which know the crowd too.

use egui::{Align2, Role, ScrollArea, Sense, Ui, WidgetInfo, vec2};
use egui_plot::{Bar, BarChart, Legend, Line, Plot, PlotPoints, VLine};

use crate::theme::{self, size, text, tokens};
use crate::widgets::{Explains, READ, dim, dots_below, scrolling};
use knowledge::picture::{MarkKind, Picture};
use knowledge::verdict::evidence::Judged;
use wording::{self, Term};

/// The whole tab.
pub(super) fn measurements_ui(ui: &mut Ui, picture: &Picture, judged: &Judged) {
    ui.add_space(size::STEP);
    let area = ScrollArea::vertical().id_salt("measurements").auto_shrink(false);
    scrolling(ui, area, |ui| {
        let beside = ui.available_width() - 2.0 * COLUMN;
        let room = vec2((beside / 2.0 - 2.0 * size::STEP).max(LEAST.x), (ui.available_height() - 28.0).max(LEAST.y));
        if beside >= 2.0 * LEAST.x {
            ui.horizontal_top(|ui| {
                numbers(ui, picture, judged);
                rates(ui, picture, room);
                latencies(ui, picture, room);
            });
        } else {
            numbers(ui, picture, judged);
            let room = vec2(ui.available_width(), LEAST.y);
            rates(ui, picture, room);
            latencies(ui, picture, room);
        }
    });
}

/// A column of numbers.
const COLUMN: f32 = 208.0;
/// The smallest plot.
const LEAST: egui::Vec2 = egui::Vec2::new(180.0, 120.0);

fn numbers(ui: &mut Ui, picture: &Picture, judged: &Judged) {
    let stats = &picture.stats;
    let told = judged.lights.together();
    let refused = picture.crowd.map_or(0, |(_, crowd)| crowd.refused);
    let percentile = |percent| stats.percentile(percent).map_or("–".to_owned(), wording::duration);
    let columns: [[(&str, String, Option<Term>); 6]; 2] = [
        [
            ("Orders acknowledged", told.acknowledged.to_string(), Some(Term::Acknowledged)),
            ("Rejected", (stats.rejected + refused).to_string(), Some(Term::Receipt)),
            ("Cancelled", stats.never_placed.to_string(), None),
            ("Histories read", told.reads.to_string(), Some(Term::History)),
            ("Batches committed", stats.committed.to_string(), Some(Term::Committed)),
            ("Messages in flight", picture.traffic.flying().count().to_string(), None),
        ],
        [
            ("Answered, median", percentile(50), None),
            ("90 % within", percentile(90), None),
            ("99 % within", percentile(99), None),
            ("Slowest", percentile(100), None),
            ("Failovers", stats.failovers.to_string(), Some(Term::Failover)),
            ("Last failover", stats.failover.map_or("–".to_owned(), wording::duration), Some(Term::Failover)),
        ],
    ];
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        for column in &columns {
            ui.vertical(|ui| {
                ui.set_width(COLUMN);
                for (name, value, term) in column {
                    number(ui, name, value, *term);
                }
            });
        }
    });
}

fn number(ui: &mut Ui, name: &str, value: &str, term: Option<Term>) {
    let t = tokens(ui);
    let sense = if term.is_some() { READ } else { Sense::hover() };
    let (rect, response) = ui.allocate_exact_size(vec2(COLUMN - 4.0 * size::STEP, 22.0), sense);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{name}: {value}")));
    let left = ui.painter().text(rect.left_center(), Align2::LEFT_CENTER, name, theme::plain(text::BODY), t.dim);
    ui.painter().text(rect.right_center(), Align2::RIGHT_CENTER, value, theme::strong(text::BODY), t.text);
    if let Some(term) = term {
        dots_below(ui, &response, left);
        response.explains(term);
    }
}

/// Orders a second of cluster time; a red line for each fault, a purple one for each new view.
fn rates(ui: &mut Ui, picture: &Picture, room: egui::Vec2) {
    let t = tokens(ui);
    let points = picture.rates.per_second(picture.now);
    let since = points.first().map_or(0.0, |[at, _]| *at);
    ui.vertical(|ui| {
        ui.set_width(room.x);
        dim(ui, wording::ORDERS_A_SECOND).on_hover_text(wording::ORDERS_A_SECOND_MEAN);
        let most = points.iter().map(|[_, rate]| *rate).fold(1.0, f64::max);
        let words = wording::rates_now(points.last().map_or(0.0, |[_, rate]| *rate), most);
        let shown = plot("rates", room).include_y(most * 1.1).show(ui, |plot| {
            for mark in picture.marks.iter().filter(|mark| mark.at as f64 / 1e6 >= since) {
                let (ink, name) = match mark.kind {
                    MarkKind::View(number) => (t.plum, format!("view {number}")),
                    kind if kind.is_fault() => (t.tomato, "fault".to_owned()),
                    _ => continue,
                };
                plot.vline(VLine::new(name, mark.at as f64 / 1e6).color(ink).width(size::HAIRLINE));
            }
            plot.line(Line::new("orders a second", PlotPoints::from(points)).color(t.sea).width(size::OUTLINE));
        });
        shown.response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &words));
    });
}

/// How many of the latest answers took how long.
fn latencies(ui: &mut Ui, picture: &Picture, room: egui::Vec2) {
    let t = tokens(ui);
    ui.vertical(|ui| {
        ui.set_width(room.x);
        dim(ui, wording::TIMES_OF_ANSWERS).on_hover_text(wording::MEDIAN_MEANS);
        let Some(slowest) = picture.stats.times().max().filter(|slowest| *slowest > 0) else {
            dim(ui, if picture.crowd.is_some() { wording::ONLY_TOGETHER } else { wording::NO_ANSWERS });
            return;
        };
        let (unit, name) = if slowest < 10_000 { (1.0, "µs") } else { (1_000.0, "ms") };
        let width = slowest as f64 / unit / BARS as f64;
        let mut counts = [0_u32; BARS];
        for took in picture.stats.times() {
            counts[((took as f64 / unit / width) as usize).min(BARS - 1)] += 1;
        }
        let bar = |(number, count): (usize, &u32)| {
            Bar::new((number as f64 + 0.5) * width, f64::from(*count)).width(width * 0.9)
        };
        let bars = counts.iter().enumerate().map(bar).collect();
        let shown =
            plot("times", room).x_axis_formatter(move |mark, _| format!("{} {name}", mark.value)).show(ui, |plot| {
                plot.bar_chart(BarChart::new("answers", bars).color(t.sea));
                for (percent, ink) in [(50, t.basil), (99, t.saffron)] {
                    if let Some(at) = picture.stats.percentile(percent) {
                        let line = VLine::new(format!("{percent} % within"), at as f64 / unit).color(ink);
                        plot.vline(line.width(size::OUTLINE));
                    }
                }
            });
        shown.response.widget_info(|| WidgetInfo::labeled(Role::Image, true, "times of the latest answers"));
    });
}

/// Bars of the histogram.
const BARS: usize = 24;

/// A plot that cannot be dragged: it shows all there is.
fn plot(name: &str, room: egui::Vec2) -> Plot<'_> {
    Plot::new(name)
        .width(room.x)
        .height(room.y - 16.0)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .show_background(false)
        .include_y(0.0)
        .legend(Legend::default().text_style(egui::TextStyle::Small))
}
