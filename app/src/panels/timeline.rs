//! The space-time diagram of the latest seconds: a lane for each node, a line for each message.
//!
//! It follows cluster time while something happens; scrubbing back is not here.

use std::collections::BTreeMap;

use egui::{Align2, Painter, Pos2, Rect, Role, ScrollArea, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};
use protocol::ids::NodeId;

use super::{Focus, Selected};
use crate::panels::workflow_diagram::Taken;
use crate::picture::{End, Life, Passage, Picture};
use crate::theme::{self, Tokens, size, text, time, tokens};
use crate::widgets::{button, crown, dim, elided};
use crate::wording;

/// What the timeline remembers: how much of the past it shows.
#[derive(Debug)]
pub struct TimelineState {
    span: u64,
}

impl Default for TimelineState {
    fn default() -> Self {
        Self { span: time::TIMELINE }
    }
}

impl TimelineState {
    fn zoom(&mut self, factor: f64) {
        self.span = ((self.span as f64 * factor) as u64).clamp(1_000, 120_000_000);
    }
}

/// Shows more of the past, or less.
pub fn zoom_ui(ui: &mut Ui, state: &mut TimelineState) {
    for (words, factor, hint) in [("+", 0.5, "Look closer (Ctrl and scroll)"), ("−", 2.0, "Show more of the past")] {
        if button(ui, words).on_hover_text(hint).clicked() {
            state.zoom(factor);
        }
    }
    dim(ui, format!("the last {}", wording::duration(state.span)));
}

/// Lanes in the order in which messages pass them.
fn lanes(picture: &Picture) -> Vec<(String, Vec<NodeId>)> {
    let customers = picture.customers.iter().map(|customer| (customer.name.clone(), vec![customer.node]));
    let nodes = picture.nodes.iter().map(|node| (node.name.clone(), vec![node.id]));
    customers.chain(nodes).collect()
}

/// The window of time that is shown: it ends at the latest thing that happened, or now while something moves.
#[derive(Clone, Copy)]
struct Window {
    start: u64,
    end: u64,
    left: f32,
    right: f32,
}

impl Window {
    fn x(&self, at: u64) -> f32 {
        let share = (at as f64 - self.start as f64) / (self.end - self.start).max(1) as f64;
        self.left + (share as f32) * (self.right - self.left)
    }
}

/// The whole tab.
pub fn timeline_ui(ui: &mut Ui, picture: &Picture, state: &mut TimelineState, focus: &mut Focus) {
    let lanes = lanes(picture);
    ScrollArea::vertical().id_salt("timeline").auto_shrink(false).show(ui, |ui| {
        let room = ui.available_height();
        let (most, least) = size::LANE;
        let pitch = ((room - 20.0) / lanes.len().max(1) as f32).clamp(least, most);
        let height = (lanes.len() as f32 * pitch + 20.0).max(room);
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::click());
        response.widget_info(|| WidgetInfo::labeled(Role::Canvas, true, "timeline of messages"));
        if response.hovered() {
            state.zoom(1.0 / f64::from(ui.input(|input| input.zoom_delta())));
        }
        let t = tokens(ui);
        let moment = moment(picture);
        let window = Window {
            start: moment.saturating_sub(state.span),
            end: moment.max(state.span),
            left: rect.left() + size::LANE_NAME,
            right: rect.right() - 64.0,
        };
        let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
        let middles = paint_lanes(&painter, t, rect, pitch, &lanes, picture);
        let nearest = paint_messages(&painter, t, picture, &window, &middles, response.hover_pos());
        paint_marks(&painter, t, picture, &window, &middles);
        now(&painter, t, window.x(moment), rect, moment);
        if let Some(passage) = nearest {
            let selected = Selected::Message(passage.id, passage.to);
            let words =
                format!("{} · {} → {}", passage.facts.label, picture.name(passage.id.from), picture.name(passage.to));
            if response.clone().on_hover_text(words).clicked() {
                focus.selected = selected;
            }
        }
    });
}

/// What "now" is on the timeline: at rest it stays where the last thing happened, so that nothing is repainted.
fn moment(picture: &Picture) -> u64 {
    let last = picture.log.lines().next_back().map_or(0, |line| line.at).max(picture.traffic.newest_end());
    if picture.moves() { picture.now.max(last) } else { last }
}

fn paint_lanes(
    painter: &Painter,
    t: &Tokens,
    rect: Rect,
    pitch: f32,
    lanes: &[(String, Vec<NodeId>)],
    picture: &Picture,
) -> BTreeMap<String, f32> {
    let mut middles = BTreeMap::new();
    let primary = picture.nodes.acting_primary().map(|node| node.name.as_str());
    for (index, (name, _)) in lanes.iter().enumerate() {
        let y = (rect.top() + 20.0 + (index as f32 + 0.5) * pitch).round() + 0.5;
        let runs = picture.nodes.get(name).is_none_or(|node| node.runs());
        let ink = t.dim;
        let words = elided(painter, name, theme::plain(text::SMALL), ink, size::LANE_NAME - 28.0);
        let end = rect.left() + words.size().x;
        painter.galley(pos2(rect.left(), y - words.size().y / 2.0), words, ink);
        if primary == Some(name.as_str()) {
            crown(painter, pos2(end + 12.0, y), 12.0, t.tomato);
        }
        let line = [pos2(rect.left() + size::LANE_NAME, y), pos2(rect.right(), y)];
        let stroke = Stroke::new(size::HAIRLINE, t.line);
        match runs {
            true => drop(painter.line_segment(line, stroke)),
            false => painter.extend(egui::Shape::dashed_line(&line, stroke, size::DASH, size::DASH)),
        }
        middles.insert(name.clone(), y);
    }
    middles
}

/// Paints the messages of the window; returns the one next to the pointer.
fn paint_messages<'a>(
    painter: &Painter,
    t: &Tokens,
    picture: &'a Picture,
    window: &Window,
    middles: &BTreeMap<String, f32>,
    pointer: Option<Pos2>,
) -> Option<&'a Passage> {
    let mut nearest: Option<(f32, &Passage)> = None;
    let mut taken = Taken::default();
    let passed = picture.traffic.passed().rev().take(MOST_LINES);
    for passage in picture.traffic.flying().chain(passed) {
        let ended = passage.end.as_ref().map(|(at, _)| *at);
        let until = ended.unwrap_or(picture.now);
        if until < window.start {
            continue;
        }
        let lane = |id| picture.nodes.name_of(id).and_then(|name| middles.get(name));
        let (Some(from), Some(to)) = (lane(passage.id.from), lane(passage.to)) else { continue };
        let share = if ended.is_some() { 1.0 } else { passage.progress(picture.now) };
        let start = pos2(window.x(passage.sent), *from);
        let end = pos2(window.x(until), from + (to - from) * share);
        let colour = match (&passage.end, passage.facts.step.map(|step| step.0)) {
            (Some((_, End::Lost(_))), _) => t.tomato,
            (None, _) | (_, Some(5)) => t.saffron,
            (_, Some(6)) => t.basil,
            (_, Some(_)) => t.dim,
            (_, None) => theme::between(t.panel, t.dim, 0.5),
        };
        let clipped = clip_left(start, end, window.left);
        painter.line_segment([clipped, end], Stroke::new(1.25, colour));
        if ended.is_some() {
            painter.circle_filled(end, 2.5, colour);
        }
        if let Some(step) = passage.facts.step {
            step_number(painter, t, clipped.lerp(end, 0.5), step.0, &mut taken);
        }
        if let Some(pointer) = pointer {
            let away = distance(pointer, clipped, end);
            if away < 6.0 && nearest.is_none_or(|(best, _)| away < best) {
                nearest = Some((away, passage));
            }
        }
    }
    nearest.map(|(_, passage)| passage)
}

/// Under load only the newest messages are drawn one by one.
const MOST_LINES: usize = 800;

fn clip_left(start: Pos2, end: Pos2, left: f32) -> Pos2 {
    if start.x >= left || end.x <= start.x {
        start
    } else {
        start.lerp(end, ((left - start.x) / (end.x - start.x)).min(1.0))
    }
}

fn distance(point: Pos2, start: Pos2, end: Pos2) -> f32 {
    let (along, to) = (end - start, point - start);
    let share = (to.dot(along) / along.length_sq().max(0.01)).clamp(0.0, 1.0);
    (to - along * share).length()
}

fn step_number(painter: &Painter, t: &Tokens, at: Pos2, step: u8, taken: &mut Taken) {
    let galley = painter.layout_no_wrap(step.to_string(), theme::plain(text::SMALL), t.dim);
    let places = [pos2(at.x + 8.0, at.y - 2.0), pos2(at.x - 8.0, at.y - 2.0)]
        .map(|centre| Rect::from_center_size(centre, galley.size()));
    let everywhere = Rect::EVERYTHING;
    if let Some(place) = taken.first_free(everywhere, places) {
        painter.galley(place.min, galley, t.dim);
    }
}

/// Crashes, as crosses on their lanes.
fn paint_marks(painter: &Painter, t: &Tokens, picture: &Picture, window: &Window, middles: &BTreeMap<String, f32>) {
    for node in picture.nodes.iter().filter(|node| node.life != Life::Runs) {
        let (Some(y), x) = (middles.get(&node.name), window.x(node.since)) else { continue };
        if x < window.left {
            continue;
        }
        let stroke = Stroke::new(size::OUTLINE, t.tomato);
        painter.line_segment([pos2(x - 4.0, y - 4.0), pos2(x + 4.0, y + 4.0)], stroke);
        painter.line_segment([pos2(x - 4.0, y + 4.0), pos2(x + 4.0, y - 4.0)], stroke);
    }
}

fn now(painter: &Painter, t: &Tokens, x: f32, rect: Rect, moment: u64) {
    painter.vline(x, rect.y_range(), Stroke::new(size::HAIRLINE, t.tomato));
    let words = format!("now · {} s", wording::clock(moment));
    let galley = painter.layout_no_wrap(words, theme::strong(text::SMALL), t.on_strong);
    let room = galley.size() + vec2(16.0, 4.0);
    let left = (x - room.x / 2.0).min(rect.right() - room.x - 4.0);
    let pill = Rect::from_min_size(pos2(left, rect.top()), room);
    painter.rect_filled(pill, room.y / 2.0, t.tomato_text);
    painter.text(pill.center(), Align2::CENTER_CENTER, galley.text(), theme::strong(text::SMALL), t.on_strong);
}
