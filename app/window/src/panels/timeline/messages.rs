//! The messages: a line from lane to lane each, with its number. Which are meant by the search is kept up as the tape grows.

use egui::{Painter, Pos2, Rect, Stroke, pos2};
use rustc_hash::FxHashSet;

use super::lanes::Places;
use super::scale::Scale;
use super::{Course, TimelineState};
use crate::panels::workflow_diagram::Taken;
use crate::panels::{Focus, Selected};
use crate::theme::{self, Tokens, size, text};
use knowledge::tape::{Arrival, MessageTrack};
use wording::search::Query;

/// Of more messages, only every n-th is drawn.
const MOST_LINES: usize = 1000;
/// Of more, none is numbered.
const MOST_NUMBERS: usize = 160;

/// Which messages the search means, by the entries that told of them.
#[derive(Debug, Default)]
pub(super) struct Matches {
    query: Query,
    /// How many messages were looked at.
    upto: usize,
    /// The entry of the last of them.
    last: usize,
    entries: FxHashSet<usize>,
}

impl Matches {
    /// Looks at what is new, or at everything if something else is looked for.
    pub fn follow(&mut self, query: &Query, course: Course<'_>) {
        let message_index = course.tape.message_index();
        let end = message_index.tracks().next_back().map_or(0, |track| track.entry);
        if *query != self.query || end < self.last {
            *self = Self { query: query.clone(), ..Self::default() };
        }
        if self.query.is_empty() {
            return;
        }
        let fresh = message_index.tracks().rev().take_while(|track| self.upto == 0 || track.entry > self.last);
        let meant = fresh.filter(|track| self.query.means(track, message_index, course.tip));
        let meant: Vec<usize> = meant.map(|track| track.entry).collect();
        self.entries.extend(meant);
        (self.upto, self.last) = (message_index.tracks().len(), end);
    }

    fn mean(&self, track: &MessageTrack) -> bool {
        self.query.is_empty() || self.entries.contains(&track.entry)
    }
}

/// What painting needs.
pub(super) struct Lanes<'a> {
    pub course: Course<'a>,
    pub scale: &'a Scale,
    pub places: &'a Places<'a>,
    pub state: &'a TimelineState,
    pub focus: &'a Focus,
}

impl Lanes<'_> {
    fn lit(&self, track: &MessageTrack) -> bool {
        let it = Selected::Message(track.id, track.to);
        self.focus.hovered == it || self.focus.selected == it
    }

    fn convicted(&self, track: &MessageTrack) -> bool {
        let message_index = self.course.tape.message_index();
        let request = track.request.and_then(|request| message_index.requests().get(request as usize));
        !self.course.judged.contradictions.is_empty()
            && request.is_some_and(|request| self.course.judged.convicts(request.id))
    }

    fn visible(&self) -> impl Iterator<Item = &MessageTrack> {
        let all = self.course.tape.message_index().between(self.scale.start, self.scale.end);
        let wanted = |track: &&MessageTrack| {
            self.state.kinds.show(track.step) && (!self.state.search.only || self.state.matches.mean(track))
        };
        all.filter(wanted)
    }

    /// From where to where a message's line goes; none: one of its ends has no lane.
    fn line(&self, track: &MessageTrack) -> Option<[Pos2; 2]> {
        let (from, to) = (self.places.of(track.id.from)?, self.places.of(track.to)?);
        let (until, share) = match track.is_open() {
            false => (track.end, 1.0),
            true => {
                let flying = self.course.tip.traffic.find(track.id, track.to);
                let share = flying.map_or(1.0, |flying| flying.progress(self.course.tip.now));
                (self.course.tip.now.max(track.sent), share)
            }
        };
        let (mut start, mut end) = (self.scale.x(track.sent), self.scale.x(until));
        if end - start < 1.0 {
            // A message without delay is a line all the same.
            (start, end) = (start - 0.5, end + 0.5);
        }
        Some([pos2(start, from), pos2(end, from + (to - from) * share)])
    }
}

pub(super) struct Painted {
    /// The message next to the pointer.
    pub nearest: Option<MessageTrack>,
    /// Every n-th message was drawn.
    pub stride: usize,
}

/// Paints those in sight.
pub(super) fn paint(painter: &Painter, t: &Tokens, lanes: &Lanes<'_>, pointer: Option<Pos2>) -> Painted {
    let number = lanes.visible().count();
    let stride = number.div_ceil(MOST_LINES).max(1);
    let mut nearest: Option<(f32, &MessageTrack)> = None;
    let mut taken = Taken::default();
    for (index, track) in lanes.visible().enumerate() {
        let lit = lanes.lit(track);
        let convicted = lanes.convicted(track);
        if !index.is_multiple_of(stride) && !lit && !convicted {
            continue;
        }
        let Some(line) = lanes.line(track) else { continue };
        let line = [clip_left(line, lanes.scale.left), line[1]];
        if line[1].x < lanes.scale.left {
            continue;
        }
        let matters = lit || convicted;
        let ink = ink(t, lanes, track, matters);
        let width = if matters { size::STRONG } else { 1.25 };
        painter.line_segment(line, Stroke::new(width, ink));
        paint_end(painter, track, line[1], ink);
        if track.step > 0 && (number <= MOST_NUMBERS || matters) {
            step_number(painter, t, line[0].lerp(line[1], 0.5), track.step, &mut taken);
        }
        if let Some(pointer) = pointer {
            let away = distance(pointer, line[0], line[1]);
            if away < 6.0 && nearest.is_none_or(|(best, _)| away < best) {
                nearest = Some((away, track));
            }
        }
    }
    Painted { nearest: nearest.map(|(_, track)| track.clone()), stride }
}

fn ink(t: &Tokens, lanes: &Lanes<'_>, track: &MessageTrack, matters: bool) -> egui::Color32 {
    let ink = match (track.how, track.step) {
        (Arrival::Lost | Arrival::Refused, _) => t.tomato,
        (Arrival::OnItsWay, _) | (_, 5) => t.saffron,
        (_, 6) => t.basil,
        (_, 0) => theme::between(t.panel, t.dim, 0.5),
        _ => t.dim,
    };
    let later = lanes.course.is_past && track.entry >= lanes.course.end;
    let beside = !lanes.state.search.text.is_empty() && !lanes.state.matches.mean(track);
    match (matters, later || beside) {
        (true, _) if lanes.convicted(track) => t.tomato,
        (true, _) => t.text,
        (false, true) => theme::faded(ink, 0.3),
        (false, false) => ink,
    }
}

/// A dot: handled. A cross: it never arrived. A bar: it arrived and was refused.
fn paint_end(painter: &Painter, track: &MessageTrack, at: Pos2, ink: egui::Color32) {
    let stroke = Stroke::new(size::OUTLINE, ink);
    match track.how {
        Arrival::OnItsWay => {}
        Arrival::Delivered => drop(painter.circle_filled(at, 2.5, ink)),
        Arrival::Refused => drop(painter.line_segment([at - egui::vec2(0.0, 5.0), at + egui::vec2(0.0, 5.0)], stroke)),
        Arrival::Lost => super::marks::cross(painter, at, 3.0, stroke),
    }
}

/// What a message is, in a line or two.
pub(super) fn words(track: &MessageTrack, course: Course<'_>) -> String {
    let name = |id| course.tip.nodes.name_of(id).or_else(|| course.shown.nodes.name_of(id)).unwrap_or("?").to_owned();
    let step = if track.step > 0 { format!("[{}] ", track.step) } else { String::new() };
    let how = match track.how {
        Arrival::OnItsWay => "on its way".to_owned(),
        Arrival::Delivered => format!("took {}", wording::duration(track.end - track.sent)),
        Arrival::Refused => "refused".to_owned(),
        Arrival::Lost => "lost".to_owned(),
    };
    let sent = wording::clock(track.sent);
    format!(
        "{step}{} · {} → {}\nsent {sent}, {how}",
        wording::label(&track.summary),
        name(track.id.from),
        name(track.to)
    )
}

fn clip_left([start, end]: [Pos2; 2], left: f32) -> Pos2 {
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
    if let Some(place) = taken.first_free(Rect::EVERYTHING, places) {
        painter.galley(place.min, galley, t.dim);
    }
}
