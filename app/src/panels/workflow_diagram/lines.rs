//! Lines between those who talk, with the seed's numbers on them, and the glow of messages that have just passed.
//!
//! A line is there because of who is who now; its glow, because a message really went along it.

use std::collections::BTreeMap;

use egui::{Align2, Color32, Painter, Pos2, Rect, Shape, Stroke, Vec2};
use protocol::ids::{NodeId, Role};
use protocol::postcode::PostcodeService;
use protocol::trace::Actor;

use super::Stage;
use super::layout::{Taken, Way};
use super::messages::Dot;
use crate::panels::{Focus, Selected};
use crate::picture::{End, Node, Picture};
use crate::theme::{self, Tokens, size, text, time};

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pattern {
    Solid,
    Dashed,
    Dotted,
}

/// Two who talk as part of the workflow.
#[derive(Clone, Debug, PartialEq)]
struct Relation {
    from: NodeId,
    to: NodeId,
    pattern: Pattern,
    /// The seed's numbers written on the line.
    steps: &'static [u8],
}

/// Who talks with whom, by the roles they have now.
fn relations(picture: &Picture, focus: &Focus) -> Vec<Relation> {
    let running = |actor: Actor| picture.nodes.iter().filter(move |node| node.runs() && node.actor == actor);
    let name_server = running(Actor::Role(Role::NameServer)).next();
    let front_ends: Vec<&Node> = running(Actor::Role(Role::FrontEnd)).collect();
    let mut list = Vec::new();
    let mut line = |from: NodeId, to: NodeId, pattern, steps| list.push(Relation { from, to, pattern, steps });
    if let Some(name_server) = name_server {
        front_ends.iter().for_each(|node| line(node.id, name_server.id, Pattern::Dashed, &[2, 3]));
        if let Some(first) = running(Actor::Role(Role::Replica)).next() {
            line(first.id, name_server.id, Pattern::Dashed, &[1]);
        }
        if let Some(customer) = focus.customer.and_then(|customer| picture.customers.get(customer)) {
            line(customer.node, name_server.id, Pattern::Dashed, &[7, 8]);
        }
    }
    for customer in picture.customers.iter() {
        let found = customer.front_end.and_then(|id| picture.nodes.of(id)).filter(|node| node.runs());
        if let Some(front_end) = found.or_else(|| front_ends.last().copied()) {
            let steps: &[u8] = if focus.customer == Some(customer.id) { &[9, 14] } else { &[] };
            line(customer.node, front_end.id, Pattern::Solid, steps);
        }
    }
    let Some(primary) = picture.nodes.acting_primary() else { return list };
    if let Some(front_end) = front_ends.last() {
        line(front_end.id, primary.id, Pattern::Solid, &[10, 13]);
    }
    let followers = primary.replica().into_iter().flat_map(|state| {
        let joiners = state.joiners.iter().map(|joiner| joiner.0);
        state.view.members.iter().copied().chain(joiners)
    });
    let runs = |id: &NodeId| *id != primary.id && picture.nodes.of(*id).is_some_and(Node::runs);
    for (index, follower) in followers.filter(runs).enumerate() {
        let steps: &[u8] = if index < MOST_NUMBERED { &[5, 6] } else { &[] };
        line(primary.id, follower, Pattern::Solid, steps);
    }
    for (service, pattern, steps) in [
        (PostcodeService::PostcodesIo, Pattern::Solid, &[11u8, 12][..]),
        (PostcodeService::GetTheData, Pattern::Dotted, &[]),
    ] {
        running(Actor::Service(service)).for_each(|node| line(primary.id, node.id, pattern, steps));
    }
    list
}

/// The lines to more followers than this are not numbered: it is the same on each.
const MOST_NUMBERED: usize = 4;

/// What passed between two lately.
#[derive(Default)]
struct Glow {
    strength: f32,
    lost: bool,
    steps: BTreeMap<u8, f32>,
}

type Pair = (NodeId, NodeId);

fn pair(one: NodeId, other: NodeId) -> Pair {
    (one.min(other), one.max(other))
}

fn glows(picture: &Picture) -> BTreeMap<Pair, Glow> {
    let mut glows: BTreeMap<Pair, Glow> = BTreeMap::new();
    for passage in picture.traffic.passed().rev().take(MOST_GLOWS) {
        let Some(strength) = passage.glow(picture.now, time::GLOW) else { continue };
        let glow = glows.entry(pair(passage.id.from, passage.to)).or_default();
        glow.strength = glow.strength.max(strength);
        glow.lost |= matches!(passage.end, Some((_, End::Lost(_))));
        if let Some(step) = passage.facts.step {
            let shown = glow.steps.entry(step.0).or_default();
            *shown = shown.max(strength);
        }
    }
    glows
}

/// Under load only the newest messages light their ways one by one; the others are flow.
const MOST_GLOWS: usize = 600;

/// One of the seed's numbers, where it is written, and how strongly it glows.
struct Number {
    at: Pos2,
    step: u8,
    strength: f32,
    lost: bool,
}

/// Paints all lines; numbers take their places, but not where a message is.
pub(super) fn paint(painter: &Painter, stage: &Stage<'_>, focus: &Focus, dots: &[Dot<'_>], taken: &mut Taken) {
    let mut glows = glows(stage.picture);
    let mut numbers: Vec<Number> = Vec::new();
    for relation in relations(stage.picture, focus) {
        let Some(way) = stage.way(relation.from, relation.to) else { continue };
        let glow = glows.remove(&pair(relation.from, relation.to)).unwrap_or_default();
        quiet_line(painter, stage.tokens, &way, relation.pattern);
        glowing_line(painter, stage.tokens, &way, &glow);
        numbers.extend(numbers_on(&way, relation.steps, &glow));
    }
    for ((one, other), glow) in glows {
        let Some(way) = stage.way(one, other) else { continue };
        glowing_line(painter, stage.tokens, &way, &glow);
        numbers.extend(numbers_on(&way, &[], &glow));
    }
    flows(painter, stage);
    travelled(painter, stage, dots);
    selected_way(painter, stage, focus);
    let room = |at: Pos2| Rect::from_center_size(at, Vec2::splat(size::NUMBER * 2.0));
    numbers.retain(|number| taken.is_free(room(number.at)));
    let mut written: Vec<Pos2> = Vec::new();
    for number in numbers {
        if written.iter().all(|other| other.distance(number.at) >= size::NUMBER * 2.0) {
            written.push(number.at);
            number.paint(painter, stage.tokens);
        }
    }
    written.into_iter().for_each(|at| taken.take(room(at)));
}

/// The ways along which messages are travelling now.
fn travelled(painter: &Painter, stage: &Stage<'_>, dots: &[Dot<'_>]) {
    let mut pairs: BTreeMap<Pair, bool> = BTreeMap::new();
    for dot in dots {
        let numbered = pairs.entry(pair(dot.passage.id.from, dot.passage.to)).or_default();
        *numbered |= dot.passage.facts.step.is_some();
    }
    for ((from, to), numbered) in pairs {
        let Some(way) = stage.way(from, to) else { continue };
        let stroke = match numbered {
            true => Stroke::new(size::OUTLINE, stage.tokens.saffron),
            false => Stroke::new(size::HAIRLINE, stage.tokens.dim),
        };
        painter.line(way.points().to_vec(), stroke);
    }
}

/// The numbers of a line side by side in its middle: those of the workflow always, others while they glow.
fn numbers_on(way: &Way, always: &[u8], glow: &Glow) -> Vec<Number> {
    let mut steps: Vec<u8> = always.to_vec();
    steps.extend(glow.steps.keys().filter(|step| !always.contains(step)));
    let apart = size::NUMBER * 2.0 + 4.0;
    let half = (steps.len() as f32 - 1.0) / 2.0;
    // A short line has no room for two: they then stand left and right of it.
    let short = way.length() < apart * (steps.len() as f32 + 0.4);
    let aside = (way.at(0.6) - way.at(0.4)).normalized().rot90();
    let place = |index: usize| {
        let offset = (index as f32 - half) * apart;
        if short { way.at(0.5) + aside * offset } else { way.beside_middle(offset) }
    };
    let number = |(index, step): (usize, &u8)| {
        let strength = glow.steps.get(step).copied().unwrap_or(0.0);
        Number { at: place(index), step: *step, strength, lost: glow.lost }
    };
    steps.iter().enumerate().map(number).collect()
}

fn quiet_line(painter: &Painter, t: &Tokens, way: &Way, pattern: Pattern) {
    let stroke = Stroke::new(size::HAIRLINE, theme::between(t.canvas, t.dim, 0.62));
    match pattern {
        Pattern::Solid => drop(painter.line(way.points().to_vec(), stroke)),
        Pattern::Dashed => {
            painter.extend(Shape::dashed_line(way.points(), stroke, size::DASH, size::DASH));
        }
        Pattern::Dotted => {
            painter.extend(Shape::dashed_line(way.points(), stroke, size::DASH / 2.0, size::DASH));
        }
    }
}

fn glowing_line(painter: &Painter, t: &Tokens, way: &Way, glow: &Glow) {
    if glow.strength > 0.0 {
        let colour = if glow.lost { t.tomato } else { t.saffron };
        let stroke = Stroke::new(size::STRONG, theme::faded(colour, glow.strength));
        painter.line(way.points().to_vec(), stroke);
    }
}

/// Messages that are only counted: the more of them a second, the wider the line.
fn flows(painter: &Painter, stage: &Stage<'_>) {
    for (from, to, flow) in stage.picture.traffic.flows() {
        let fresh = stage.picture.now.saturating_sub(flow.at) < time::GLOW * 2;
        if !fresh || flow.rate < 1.0 {
            continue;
        }
        let Some(way) = stage.way(from, to) else { continue };
        let width = size::HAIRLINE + flow.rate.log10().max(0.0) * 1.5;
        painter.line(way.points().to_vec(), Stroke::new(width, theme::faded(stage.tokens.saffron, 0.35)));
    }
}

fn selected_way(painter: &Painter, stage: &Stage<'_>, focus: &Focus) {
    if let Selected::Message(id, to) = focus.selected
        && let Some(way) = stage.way(id.from, to)
    {
        painter.line(way.points().to_vec(), Stroke::new(size::OUTLINE, stage.tokens.text));
    }
}

impl Number {
    /// In a circle; filled while its message glows.
    fn paint(&self, painter: &Painter, t: &Tokens) {
        let (full, full_ink) = if self.lost { (t.tomato_text, t.on_strong) } else { (t.saffron, t.on_saffron) };
        let edge = theme::between(theme::between(t.canvas, t.dim, 0.62), full, self.strength);
        let fill = theme::between(t.canvas, full, self.strength);
        let ink: Color32 = if self.strength > 0.5 { full_ink } else { t.dim };
        painter.circle(self.at, size::NUMBER, fill, Stroke::new(size::HAIRLINE, edge));
        painter.text(self.at, Align2::CENTER_CENTER, self.step.to_string(), theme::plain(text::SMALL), ink);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::ids::{Contact, View, ViewNumber};
    use protocol::trace::{NodeState, ReplicaState, Standing, Started, TraceEvent, TraceRecord};

    fn started(name: &str, id: u64, role: Role) -> TraceRecord {
        let contact = Contact { id: NodeId(id), address: "127.0.0.1:4000".parse().unwrap() };
        let started = Started { name: name.into(), actor: Actor::Role(role), pid: 7, contact };
        TraceRecord { node: NodeId(id), at: 0, event: TraceEvent::Started(started) }
    }

    fn leads(id: u64) -> TraceRecord {
        let view = View { number: ViewNumber(1), primary: NodeId(id), members: vec![NodeId(3), NodeId(4)] };
        let state = ReplicaState {
            standing: Standing::Primary,
            view,
            acting: true,
            position: None,
            commit: Default::default(),
            ack_set: vec![],
            silent: Vec::new(),
            joiners: vec![],
            loading: None,
            orders: Default::default(),
            postcodes: 0,
            sessions: 0,
            digest: Default::default(),
        };
        TraceRecord { node: NodeId(id), at: 1, event: TraceEvent::State(NodeState::Replica(state)) }
    }

    #[test]
    fn the_lines_lead_to_whoever_is_primary_now() {
        let mut picture = Picture::default();
        let cast = [("name-server", Role::NameServer), ("front-end", Role::FrontEnd)];
        let replicas = [("replica-1", Role::Replica), ("replica-2", Role::Replica)];
        for ((name, role), id) in cast.into_iter().chain(replicas).zip(1..) {
            picture.apply(&started(name, id, role));
        }
        let lines = |picture: &Picture| -> Vec<(u64, u64, Vec<u8>)> {
            let lines = relations(picture, &Focus::default()).into_iter();
            lines.map(|line| (line.from.0, line.to.0, line.steps.to_vec())).collect()
        };
        let always = vec![(2, 1, vec![2, 3]), (3, 1, vec![1])];
        assert_eq!(lines(&picture), always);
        picture.apply(&leads(4));
        let served = [always, vec![(2, 4, vec![10, 13]), (4, 3, vec![5, 6])]].concat();
        assert_eq!(lines(&picture), served);
    }
}
