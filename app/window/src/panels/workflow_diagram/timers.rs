//! Armed timers: small rings under a node's card that run down in cluster time. A click lets one ring.
//!
//! Only while time is slow or stands still: in real time nobody could see one run down.

use std::collections::BTreeMap;

use egui::{Pos2, Rect, Role, Sense, Stroke, Ui, Vec2, WidgetInfo, pos2};
use protocol::ids::NodeId;
use protocol::machine::Timer;

use super::{Diagram, DiagramState, marks};
use crate::theme::size;
use knowledge::picture::Picture;
use knowledge::user_command::{CommandQueue, UserCommand};

/// Rings that are shown at a node; the inspector lists all.
const MOST_RINGS: usize = 6;
const RADIUS: f32 = 7.0;
/// From the ring to the middle of its arc.
const INSET: f32 = 2.5;

/// How long each armed timer had to run when it was first seen: only the moment of its ring is told.
#[derive(Clone, Debug, Default)]
pub(super) struct Spans(BTreeMap<(NodeId, Timer), (u64, u64)>);

impl Spans {
    /// Takes over what is armed now.
    fn follow(&mut self, picture: &Picture) {
        let armed = &picture.steering.timers;
        let now = picture.now;
        self.0.retain(|(node, timer), (at, _)| armed.get(node).is_some_and(|timers| timers.contains(&(*timer, *at))));
        for (node, timers) in armed {
            for (timer, at) in timers {
                self.0.entry((*node, *timer)).or_insert((*at, now));
            }
        }
    }

    /// How long it runs in all, in microseconds of cluster time.
    fn whole(&self, node: NodeId, timer: Timer) -> u64 {
        self.0.get(&(node, timer)).map_or(u64::MAX, |(at, from)| at.saturating_sub(*from).max(1))
    }

    /// How much of its time is left, from 0 to 1.
    fn left(&self, node: NodeId, timer: Timer, now: u64) -> f32 {
        let Some((at, from)) = self.0.get(&(node, timer)) else { return 1.0 };
        let (left, whole) = (at.saturating_sub(now), at.saturating_sub(*from));
        if whole == 0 { 0.0 } else { (left as f32 / whole as f32).min(1.0) }
    }
}

/// Shows the timers of all nodes and customers. `dear`: for that alone there is at most one frame in this many seconds.
pub(super) fn show(ui: &mut Ui, diagram: &Diagram<'_>, state: &mut DiagramState, commands: &mut CommandQueue) {
    if state.appearance.hides_timers {
        return;
    }
    let (picture, dear, spans) = (diagram.picture, state.dear, &mut state.spans);
    spans.follow(picture);
    let counts = |timer: &Timer| picture.steering.heartbeats || *timer != Timer::Heartbeat;
    let mut soonest = f32::INFINITY;
    let pixel = ui.pixels_per_point().max(f32::EPSILON).recip();
    let mut moves = |node: NodeId, timer: Timer, radius: f32| {
        let circumference = std::f32::consts::TAU * radius;
        soonest = soonest.min(spans.whole(node, timer) as f32 * pixel / circumference);
    };
    for (node, _, rect) in &diagram.nodes {
        let Some(armed) = picture.steering.timers.get(&node.id).filter(|_| node.runs()) else { continue };
        // Under a low card, so that they leave its second line alone.
        let below = if rect.height() < (size::NODE.y - 1.0) * diagram.scale { 4.0 * diagram.scale } else { 0.0 };
        let rings = armed.iter().filter(|(timer, _)| counts(timer)).take(MOST_RINGS);
        for (index, (timer, at)) in rings.enumerate() {
            let along = diagram.scale * (16.0 + index as f32 * (RADIUS * 2.0 + 5.0));
            let place = pos2(rect.left() + along, rect.bottom() + below);
            let share = spans.left(node.id, *timer, picture.now);
            moves(node.id, *timer, diagram.scale * (RADIUS - INSET));
            ring(ui, diagram, (node.id, &node.name), (*timer, *at), place, share, commands);
        }
    }
    for (customer, at) in &diagram.customers {
        let armed = picture.steering.timers.get(&customer.node).into_iter().flatten();
        if let Some((timer, _)) = armed.filter(|(timer, _)| counts(timer)).min_by_key(|(_, rings)| *rings) {
            let share = spans.left(customer.node, *timer, picture.now);
            let (radius, stroke) = (size::CUSTOMER + 3.5, Stroke::new(size::OUTLINE, diagram.tokens.saffron));
            moves(customer.node, *timer, radius);
            marks::arc(ui.painter(), *at, radius, share, stroke);
        }
    }
    // An arc has not moved before its end is elsewhere on the screen; all of them are drawn again at once.
    if soonest.is_finite() && !picture.steering.is_stopped(picture.now) {
        // A rate is microseconds of cluster time in a second.
        let seconds = soonest / picture.steering.rate.0 as f32;
        ui.ctx().request_repaint_after_secs(seconds.max(dear));
    }
}

fn ring(
    ui: &Ui,
    diagram: &Diagram<'_>,
    (node, name): (NodeId, &str),
    (timer, rings): (Timer, u64),
    at: Pos2,
    share: f32,
    commands: &mut CommandQueue,
) {
    let t = diagram.tokens;
    let (radius, inset) = (diagram.scale * RADIUS, diagram.scale * INSET);
    let area = Rect::from_center_size(at, Vec2::splat(radius * 2.0 + 4.0));
    let response = ui.interact(area, ui.scope_id().with(("timer", node, timer)), Sense::click());
    let words = wording::timer_name(timer, &|id| diagram.picture.name(id));
    let left = wording::duration(rings.saturating_sub(diagram.picture.now));
    let may_ask = commands.refuses.is_none();
    response.widget_info(|| WidgetInfo::labeled(Role::Button, may_ask, format!("timer of {name}: {words}")));
    let track = Stroke::new(size::HAIRLINE, if response.hovered() && may_ask { t.text } else { t.dim });
    ui.painter().circle(at, radius, t.panel, track);
    let ink = if share < 0.15 { t.tomato } else { t.saffron };
    marks::arc(ui.painter(), at, radius - inset, share, Stroke::new(diagram.scale * size::STRONG, ink));
    if response.has_focus() {
        ui.painter().circle_stroke(at, radius + 3.0, (size::OUTLINE, t.sea));
    }
    let means = commands.refuses.unwrap_or("Click to make it ring now");
    let response = response.on_hover_text(format!("{words}\nrings in {left} of cluster time\n{means}"));
    if response.clicked() && may_ask {
        commands.push(UserCommand::Ring { node, timer });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::trace::{LauncherEvent, NodeEvent, Rate, TraceEvent, TraceRecord};

    fn say(picture: &mut Picture, at: u64, event: impl Into<TraceEvent>) {
        picture.set_now(at);
        picture.apply(&TraceRecord { node: NodeId(1), at, event: event.into() });
    }

    #[test]
    fn a_timer_runs_down_from_where_it_was_first_seen_and_begins_again_when_it_is_armed_again() {
        let (mut picture, mut spans) = (Picture::default(), Spans::default());
        let left = |spans: &Spans, picture: &Picture| spans.left(NodeId(1), Timer::RetryRequest, picture.now);
        say(&mut picture, 0, LauncherEvent::ClockIs { rate: Rate(10_000), until: None });
        say(&mut picture, 1_000, NodeEvent::Timers { armed: vec![(Timer::RetryRequest, 5_000)] });
        spans.follow(&picture);
        picture.set_now(4_000);
        spans.follow(&picture);
        assert_eq!(left(&spans, &picture), 0.25);
        say(&mut picture, 4_500, NodeEvent::Timers { armed: vec![(Timer::RetryRequest, 8_500)] });
        spans.follow(&picture);
        assert_eq!(left(&spans, &picture), 1.0);
    }
}
