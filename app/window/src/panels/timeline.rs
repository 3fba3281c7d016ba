//! The space-time diagram of the whole run: a lane for each node, a line for each message, marks for what stands out.
//!
//! It is drawn from the tape's index of messages, live and for a look back alike: what comes after the moment that is shown
//! is paler.
//! Dragging the line "now" asks for another moment; going there is the app's.

mod controls;
mod lanes;
mod marks;
mod messages;
mod scale;

use egui::{Id, Key, Modifiers, Rect, Response, Role, ScrollArea, Sense, Ui, WidgetInfo, pos2, vec2};

use protocol::ids::RequestId;
use protocol::trace::Rate;

use super::{Focus, Selected};
use crate::theme::{size, time, tokens};
use crate::widgets::{hold_focus, scrolling};
use controls::Search;
pub(crate) use controls::controls_ui;
use knowledge::picture::Picture;
use knowledge::tape::Tape;
use knowledge::verdict::evidence::Judged;
use lanes::Lanes;
use messages::Matches;
use scale::Scale;
use wording::search::Query;

/// What the timeline is drawn from.
#[derive(Clone, Copy)]
pub struct Course<'a> {
    /// The moment that is shown.
    pub shown: &'a Picture,
    /// The end of the tape.
    pub tip: &'a Picture,
    pub tape: &'a Tape,
    /// How many of its entries have happened at the moment that is shown.
    pub end: usize,
    /// Whether that is not the present.
    pub is_past: bool,
    /// How the verdict stands at that moment.
    pub judged: &'a Judged,
}

impl Course<'_> {
    pub(crate) fn asked_at(&self, request: RequestId) -> Option<u64> {
        let message_index = self.tape.message_index();
        message_index
            .request(request)
            .and_then(|at| message_index.requests().get(at as usize))
            .map(|request| request.span.0)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// At this moment of cluster time.
    At(u64),
    /// After this many entries of the tape.
    After(usize),
    Back,
    On,
    /// At the present, or at the end of the tape.
    Now,
}

/// Which messages are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Kinds {
    orders: bool,
    replication: bool,
    views: bool,
    quiet: bool,
}

impl Default for Kinds {
    fn default() -> Self {
        Self { orders: true, replication: true, views: true, quiet: true }
    }
}

impl Kinds {
    /// Whether messages with this number in the workflow are shown; 0: without one.
    fn show(&self, step: u8) -> bool {
        match step {
            0 => self.quiet,
            1..=4 => self.views,
            5 | 6 => self.replication,
            _ => self.orders,
        }
    }
}

#[derive(Debug)]
pub struct TimelineState {
    span: u64,
    /// The speed of time that the span suits.
    pace: Rate,
    /// The right edge; none: it goes on with time.
    edge: Option<u64>,
    kinds: Kinds,
    hidden: std::collections::BTreeSet<String>,
    search: Search,
    matches: Matches,
    /// Every n-th message was drawn lately.
    stride: usize,
    /// What was asked for in this frame.
    look: Option<Look>,
}

impl Default for TimelineState {
    fn default() -> Self {
        Self {
            span: time::TIMELINE,
            pace: Rate::REAL,
            edge: None,
            kinds: Kinds::default(),
            hidden: Default::default(),
            search: Search::default(),
            matches: Matches::default(),
            stride: 1,
            look: None,
        }
    }
}

/// The shortest and the longest time that is shown, in microseconds of cluster time.
const SPANS: (u64, u64) = (200, 24 * 3600 * 1_000_000);

impl TimelineState {
    /// A moment is to be shown that was chosen elsewhere.
    pub fn ask(&mut self, look: Look) {
        self.look = Some(look);
    }

    /// Where the person wants to look, since this was last asked.
    pub(crate) fn take_look(&mut self) -> Option<Look> {
        self.look.take()
    }

    /// The part that is shown begins to stay where it is, or to follow time again.
    pub fn follow(&mut self, follows: bool, edge: u64) {
        self.edge = match (follows, self.edge) {
            (true, _) => None,
            (false, Some(edge)) => Some(edge),
            (false, None) => Some(edge),
        };
    }

    /// Slower time shows less of itself, so that a person sees about as many seconds of their own. A chosen part
    /// of the run stays as it is.
    fn keep_pace(&mut self, course: Course<'_>) {
        let rate = course.tip.steering.rate;
        if rate == Rate::STOPPED || rate == self.pace || self.edge.is_some() || course.is_past {
            return;
        }
        let span = self.span as f64 * f64::from(rate.0) / f64::from(self.pace.0);
        self.span = (span as u64).clamp(SPANS.0, SPANS.1);
        self.pace = rate;
    }

    pub fn show(&mut self, at: u64, course: Course<'_>) {
        let margin = self.span / 8;
        let (start, end) = self.range(course);
        if at < start + margin || at + margin > end {
            self.edge = Some(at.saturating_add(self.span / 2));
        }
    }

    /// Keeps a moment in sight that a person goes to, step by step, while the part that is shown stays where it is.
    pub(crate) fn accompany(&mut self, at: u64) {
        if self.edge.is_some_and(|edge| at < edge.saturating_sub(self.span) || at > edge) {
            self.edge = Some(at.saturating_add(self.span / 2));
        }
    }

    /// Shows the whole run.
    fn fit(&mut self, course: Course<'_>) {
        let first = course.tape.time_at(course.tape.first());
        self.span = (latest(course).saturating_sub(first)).clamp(SPANS.0, SPANS.1);
        self.edge = course.is_past.then(|| latest(course));
    }

    /// Shows `factor` as much, with `at` staying where it is.
    fn zoom(&mut self, factor: f64, at: u64, course: Course<'_>) {
        let (start, end) = self.range(course);
        let span = ((self.span as f64 * factor) as u64).clamp(SPANS.0, SPANS.1);
        if self.edge.is_some() || at < end {
            let share = at.saturating_sub(start) as f64 / self.span.max(1) as f64;
            let edge = at.saturating_add(((1.0 - share) * span as f64) as u64);
            self.edge = (self.edge.is_some() || edge < latest(course)).then_some(edge);
        }
        self.span = span;
    }

    fn pan(&mut self, by: i64, course: Course<'_>) {
        let edge = self.range(course).1.saturating_add_signed(by);
        let first = course.tape.time_at(course.tape.first());
        let edge = edge.clamp(first.saturating_add(self.span / 4), latest(course).saturating_add(self.span / 2));
        self.edge = (course.is_past || edge < latest(course)).then_some(edge);
    }

    /// The part of the run that is shown.
    fn range(&self, course: Course<'_>) -> (u64, u64) {
        let end = self.edge.unwrap_or_else(|| latest(course).max(self.span));
        (end.saturating_sub(self.span), end)
    }
}

/// The end of the run as it is drawn: at rest it stays where the last thing happened, so that nothing is repainted.
fn latest(course: Course<'_>) -> u64 {
    let last = course.tape.time_at(course.tape.end());
    if course.tip.moves() { course.tip.now.max(last) } else { last }
}

/// The whole tab, without its controls.
pub fn timeline_ui(ui: &mut Ui, course: Course<'_>, state: &mut TimelineState, focus: &mut Focus) {
    let t = tokens(ui);
    let lanes = Lanes::of(course, &state.hidden);
    let area = ScrollArea::vertical().id_salt("timeline").auto_shrink(false);
    // On the lanes the wheel looks closer; on their names it goes to other lanes.
    let names = ui.available_rect_before_wrap().with_max_x(ui.max_rect().left() + size::LANE_NAME);
    let over_names = ui.input(|input| input.pointer.hover_pos()).is_some_and(|pointer| names.contains(pointer));
    let by_bar = egui::scroll_area::ScrollSource {
        drag: egui::containers::scroll_area::DragScroll::Never,
        mouse_wheel: over_names,
        ..Default::default()
    };
    scrolling(ui, area.scroll_source(by_bar), |ui| {
        let room = ui.available_height();
        let (most, least) = size::LANE;
        let pitch = ((room - size::RULER) / lanes.len().max(1) as f32).clamp(least, most);
        let height = (lanes.len() as f32 * pitch + size::RULER).max(room);
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::click_and_drag());
        response.widget_info(|| WidgetInfo::labeled(Role::Canvas, true, "timeline of messages"));
        state.keep_pace(course);
        let (start, end) = state.range(course);
        let scale = Scale { start, end, left: rect.left() + size::LANE_NAME, right: rect.right() - size::RIGHT_OF_NOW };
        gestures(ui, &response, &scale, state, course);
        let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
        let places = lanes.place(course, rect, pitch);
        lanes.paint(ui, &painter, rect, &places, focus);
        let field = painter.with_clip_rect(painter.clip_rect().intersect(Rect::everything_right_of(scale.left - 1.0)));
        marks::paint_below(&field, t, course, &scale, &places);
        state.matches.follow(&Query::parse(&state.search.text), course);
        let lanes = messages::Lanes { course, scale: &scale, places: &places, state, focus };
        let messages::Painted { nearest, stride } = messages::paint(&field, t, &lanes, response.hover_pos());
        state.stride = stride;
        marks::paint_above(ui, &field, t, course, &scale, &places, response.hover_pos().filter(|_| nearest.is_none()));
        now_line(ui, &painter, rect, &scale, state, course);
        if response.has_focus() {
            hold_focus(ui, &response, rect.shrink(1.0));
        }
        if let Some(track) = nearest {
            let selected = Selected::Message(track.id, track.to);
            let words = messages::words(&track, course);
            if response.clicked() {
                focus.selected = selected.clone();
            }
            focus.hover(selected);
            response.on_hover_text_at_pointer(words);
        }
    });
}

/// Drag moves along, the wheel and two fingers look closer or farther; all by keys, too.
fn gestures(ui: &Ui, response: &Response, scale: &Scale, state: &mut TimelineState, course: Course<'_>) {
    if response.dragged() {
        state.pan(-scale.time_of(response.drag_delta().x), course);
    }
    if let Some(pointer) = response.hover_pos().filter(|pointer| pointer.x >= scale.left - 1.0) {
        let (zoom, scroll) = ui.input(|input| (input.zoom_delta(), input.smooth_scroll_delta()));
        let wheel = (f64::from(-scroll.y) / 240.0).exp2();
        let factor = if zoom == 1.0 { wheel } else { 1.0 / f64::from(zoom) };
        if factor != 1.0 {
            state.zoom(factor, scale.time_at(pointer.x), course);
        }
        if scroll.x != 0.0 {
            state.pan(-scale.time_of(scroll.x), course);
        }
    }
    if !response.has_focus() {
        return;
    }
    let pressed = |key| ui.input_mut(|input| input.consume_key(Modifiers::NONE, key));
    let middle = scale.time_at((scale.left + scale.right) / 2.0);
    let plus = ui.input_mut(|input| input.consume_key(Modifiers::SHIFT, Key::Plus));
    if pressed(Key::ArrowUp) || pressed(Key::Plus) || pressed(Key::Equals) || plus {
        state.zoom(0.5, middle, course);
    }
    if pressed(Key::ArrowDown) || pressed(Key::Minus) {
        state.zoom(2.0, middle, course);
    }
    let quarter = (state.span / 4) as i64;
    if pressed(Key::PageUp) {
        state.pan(-quarter, course);
    }
    if pressed(Key::PageDown) {
        state.pan(quarter, course);
    }
    if pressed(Key::F) {
        state.fit(course);
    }
}

/// The line at the moment that is shown. It can be dragged, and so can a place beside it on the ruler.
fn now_line(
    ui: &Ui,
    painter: &egui::Painter,
    rect: Rect,
    scale: &Scale,
    state: &mut TimelineState,
    course: Course<'_>,
) {
    let t = tokens(ui);
    let moment = if course.is_past { course.shown.now } else { latest(course) };
    let ruler = Rect::from_min_max(pos2(scale.left, rect.top()), pos2(rect.right(), rect.top() + size::RULER));
    let response = ui.interact(ruler, ui.scope_id().with(Id::unique("now line")), Sense::click_and_drag());
    let x = scale.x(moment);
    let is_shown = x >= scale.left && x <= rect.right();
    let grip = Rect::from_center_size(pos2(x, rect.center().y), vec2(size::GRIP, rect.height()));
    let line = ui.interact(
        if is_shown { grip } else { Rect::NOTHING },
        ui.scope_id().with(Id::unique("grip of the now line")),
        Sense::drag(),
    );
    let words = if course.is_past { "the moment that is shown" } else { "now" };
    response.widget_info(|| WidgetInfo::slider(true, moment as f64 / 1e6, words));
    let of_ruler = response.interact_pointer_pos().filter(|_| response.dragged() || response.clicked());
    if let Some(pointer) = of_ruler.or(line.interact_pointer_pos().filter(|_| line.dragged())) {
        let at = scale.time_at(pointer.x);
        let beyond = !course.is_past && pointer.x >= scale.x(moment) - 1.0;
        if !beyond {
            state.follow(false, scale.end);
            state.look = Some(if at >= latest(course) { Look::Now } else { Look::At(at) });
        }
    }
    if course.is_past && latest(course) <= scale.end {
        let end = scale.x(latest(course));
        painter.extend(egui::Shape::dashed_line(
            &[pos2(end, rect.top()), pos2(end, rect.bottom())],
            (size::HAIRLINE, t.dim),
            size::DASH,
            size::DASH,
        ));
    }
    if !is_shown {
        return;
    }
    let verb = if course.is_past { "then" } else { "now" };
    let words = format!("{verb} · {} s", wording::clock(moment));
    let galley = painter.layout_no_wrap(words, crate::theme::strong(crate::theme::text::SMALL), t.on_strong);
    let room = galley.size() + vec2(16.0, 4.0);
    let left = (x - room.x / 2.0).min(rect.right() - room.x - 4.0);
    let pill = Rect::from_min_size(pos2(left, rect.top()), room);
    let width = if [&response, &line].iter().any(|part| part.hovered() || part.dragged()) {
        size::STRONG
    } else {
        size::HAIRLINE
    };
    painter.vline(x, rect.y_range(), (width, t.tomato));
    painter.rect_filled(pill, room.y / 2.0, t.tomato_text);
    painter.galley(pill.center() - galley.size() / 2.0, galley, t.on_strong);
    let _ = line.on_hover_cursor(egui::CursorIcon::ResizeHorizontal);
    let response = response.on_hover_cursor(egui::CursorIcon::ResizeHorizontal);
    // A person who looks back knows how, and the words would cover the past.
    if !course.is_past {
        response.on_hover_text_at_pointer(wording::SCRUB_HINT);
    }
}

#[cfg(test)]
mod tests {
    use super::TimelineState;

    #[test]
    fn a_moment_that_is_gone_to_stays_in_sight_and_moves_the_part_shown_no_more_than_needed() {
        let mut state = TimelineState { span: 120_000, edge: Some(1_000_000), ..TimelineState::default() };
        state.accompany(900_000);
        assert_eq!(state.edge, Some(1_000_000), "it is in sight");
        state.accompany(500_000);
        assert_eq!(state.edge, Some(560_000), "in the middle of what is shown");
        let mut follows = TimelineState { edge: None, ..state };
        follows.accompany(5);
        assert_eq!(follows.edge, None, "what goes on with time goes on");
    }
}
