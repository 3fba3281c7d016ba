//! Lines between those who talk, with the workflow's steps on them, and the glow of messages that have just passed.
//!
//! A line is there because of who is who now; its glow, because a message really went along it.

use std::collections::BTreeMap;

use egui::{Painter, Pos2, Rect, Shape, Stroke, Vec2};
use protocol::ids::NodeId;
use protocol::message::Step;
use protocol::trace::LinkRule;

use super::Diagram;
use super::badges::Badge;
use super::layout::Taken;
use super::messages::Dot;
use super::relations::{Pattern, Relation, relations};
use super::way::Way;
use crate::panels::links::{self, Ends};
use crate::panels::{Focus, Selected, pace};
use crate::theme::{self, Tokens, size, time};
use knowledge::picture::{End, Picture};

/// Two who talk, and the way between them on this canvas.
pub(super) struct Line<'a> {
    pub(super) relation: Relation<'a>,
    pub(super) way: Way,
    /// What the link does from the relation's first to its second, and back.
    pub(super) rules: (LinkRule, LinkRule),
}

impl Line<'_> {
    pub(super) fn ends(&self) -> Ends {
        (self.relation.from.1.to_owned(), self.relation.to.1.to_owned())
    }

    /// Whether nothing passes, either way.
    pub(super) fn is_cut(&self) -> bool {
        self.rules.0.cut && self.rules.1.cut
    }
}

/// All lines of this frame.
pub(super) fn lay<'a>(diagram: &Diagram<'a>, focus: &Focus) -> Vec<Line<'a>> {
    let line = |relation: Relation<'a>| {
        let way = diagram.way(relation.from.0, relation.to.0)?;
        let ends = (relation.from.1.to_owned(), relation.to.1.to_owned());
        Some(Line { way, rules: links::rules(diagram.picture, &ends), relation })
    };
    relations(diagram.picture, focus).into_iter().filter_map(line).collect()
}

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
    let lasts = pace::in_sight(picture, time::GLOW);
    for flying in picture.traffic.passed().rev().take(MOST_GLOWS) {
        let Some(strength) = flying.glow(picture.now, lasts) else { continue };
        let glow = glows.entry(pair(flying.id.from, flying.to)).or_default();
        glow.strength = glow.strength.max(strength);
        glow.lost |= matches!(flying.end, Some((_, End::Lost(_))));
        if let Some(step) = flying.facts.step {
            let shown = glow.steps.entry(step.0).or_default();
            *shown = shown.max(strength);
        }
    }
    glows
}

/// The lines of more customers than this lie so close to each other that nobody sees whether one is a smooth curve.
const MANY: usize = 60;

/// Under load only the newest messages light their ways one by one; the others are flow.
const MOST_GLOWS: usize = 600;

/// One of the workflow's steps, where it is written, and how strongly it glows.
struct Number {
    /// Between whom its messages pass.
    ends: Pair,
    /// By [`SHARES`].
    places: [Pos2; SHARES.len()],
    step: u8,
    strength: f32,
    lost: bool,
}

/// Paints all lines. Numbers stand where nothing `fixed` is and no other number; one under a message waits until it has passed.
/// Returns those that can be seen.
pub(super) fn paint(
    painter: &Painter,
    diagram: &Diagram<'_>,
    lines: &[Line<'_>],
    focus: &Focus,
    dots: &[Dot<'_>],
    (fixed, taken): (&Taken, &mut Taken),
) -> Vec<Badge> {
    let mut glows = glows(diagram.picture);
    let mut numbers: Vec<Vec<Number>> = Vec::new();
    let are_many = diagram.customers.len() > MANY;
    for Line { relation, way, rules } in lines {
        let ends = (relation.from.0, relation.to.0);
        let glow = glows.remove(&pair(ends.0, ends.1)).unwrap_or_default();
        let is_one_of_many = are_many && diagram.by_node.contains_key(&relation.from.0);
        if is_one_of_many && relation.pattern == Pattern::Solid && rules.0.is_mended() && rules.1.is_mended() {
            painter.line(way.roughly(), quiet(diagram.tokens));
        } else {
            ruled_line(painter, diagram.tokens, way, relation.pattern, rules);
        }
        glowing_line(painter, diagram.tokens, way, &glow);
        if !rules.0.cut && !rules.1.cut {
            numbers.push(numbers_on(way, ends, relation.steps, &glow));
        }
    }
    pulses(painter, diagram);
    for ((one, other), glow) in glows {
        let Some(way) = diagram.way(one, other) else { continue };
        glowing_line(painter, diagram.tokens, &way, &glow);
        numbers.push(numbers_on(&way, (one, other), &[], &glow));
    }
    flows(painter, diagram);
    travelled(painter, diagram, dots);
    selected_way(painter, diagram, focus);
    let room = |at: Pos2| Rect::from_center_size(at, Vec2::splat(size::NUMBER * 2.0));
    let mut written: Vec<Pos2> = Vec::new();
    let chosen: Vec<_> = numbers.iter().flat_map(|numbers| choose(numbers, fixed, &mut written)).collect();
    let free: Vec<_> = chosen.into_iter().filter(|(_, at)| taken.is_free(room(*at))).collect();
    let shown = |(number, at): (&Number, Pos2)| {
        let glow = (number.strength, number.lost);
        let badge = Badge { at, step: Step(number.step), ends: number.ends, glow };
        badge.paint(painter, diagram.tokens);
        taken.take(room(at));
        badge
    };
    free.into_iter().map(shown).collect()
}

/// The first places in which all numbers of a line are clear of everything else; failing that, those of the middle that are.
fn choose<'a>(numbers: &'a [Number], fixed: &Taken, written: &mut Vec<Pos2>) -> Vec<(&'a Number, Pos2)> {
    let is_clear = |at: Pos2| {
        let room = Rect::from_center_size(at, Vec2::splat(size::NUMBER * 2.0));
        fixed.is_free(room) && written.iter().all(|other| other.distance(at) >= size::NUMBER * 2.0)
    };
    let places = |nth: usize| numbers.iter().map(move |number| (number, number.places[nth]));
    let all_clear = |nth: &usize| places(*nth).all(|(_, at)| is_clear(at));
    let chosen: Vec<_> = match (0..SHARES.len()).find(all_clear) {
        Some(nth) => places(nth).collect(),
        None => places(0).filter(|(_, at)| is_clear(*at)).collect(),
    };
    written.extend(chosen.iter().map(|(_, at)| *at));
    chosen
}

/// Where numbers may stand on a line, best first.
const SHARES: [f32; 7] = [0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8];

/// The ways along which messages are travelling now.
fn travelled(painter: &Painter, diagram: &Diagram<'_>, dots: &[Dot<'_>]) {
    let mut pairs: BTreeMap<Pair, bool> = BTreeMap::new();
    for dot in dots {
        let numbered = pairs.entry(pair(dot.flying.id.from, dot.flying.to)).or_default();
        *numbered |= dot.flying.facts.step.is_some();
    }
    for ((from, to), numbered) in pairs {
        let Some(way) = diagram.way(from, to) else { continue };
        let stroke = match numbered {
            true => Stroke::new(size::OUTLINE, diagram.tokens.saffron),
            false => Stroke::new(size::HAIRLINE, diagram.tokens.dim),
        };
        painter.line(way.points().to_vec(), stroke);
    }
}

/// The numbers of a line side by side, in its middle if there is room: those of the workflow always, others while they glow.
fn numbers_on(way: &Way, ends: Pair, always: &[u8], glow: &Glow) -> Vec<Number> {
    let mut steps: Vec<u8> = always.to_vec();
    steps.extend(glow.steps.keys().filter(|step| !always.contains(step)));
    let apart = size::NUMBER * 2.0 + 4.0;
    let half = (steps.len() as f32 - 1.0) / 2.0;
    // A short line has no room for two: they then stand at its left and right.
    let short = way.length() < apart * (steps.len() as f32 + 0.4);
    let aside = (way.at(0.6) - way.at(0.4)).normalized().rot90();
    let places = |index: usize| {
        let offset = (index as f32 - half) * apart;
        let place = |share| if short { way.at(share) + aside * offset } else { way.beyond(share, offset) };
        SHARES.map(place)
    };
    let number = |(index, step): (usize, &u8)| {
        let strength = glow.steps.get(step).copied().unwrap_or(0.0);
        Number { ends, places: places(index), step: *step, strength, lost: glow.lost }
    };
    steps.iter().enumerate().map(number).collect()
}

/// What a link does shows in the shape of its line: torn, gappy, wavy, double.
fn ruled_line(painter: &Painter, t: &Tokens, way: &Way, pattern: Pattern, rules: &(LinkRule, LinkRule)) {
    if rules.0.is_mended() && rules.1.is_mended() {
        quiet_line(painter, t, way, pattern);
        return;
    }
    let either = |is: fn(&LinkRule) -> bool| is(&rules.0) || is(&rules.1);
    let stroke = Stroke::new(size::OUTLINE, if either(|rule| rule.cut) { t.tomato } else { t.dim });
    if either(|rule| rule.cut) {
        painter.extend(Shape::dashed_line(way.points(), stroke, size::DASH * 0.75, size::DASH * 2.0));
    } else if either(|rule| rule.jitter.0 > 0) {
        painter.line(way.wave(), stroke);
    } else if either(|rule| rule.loss > 0) {
        painter.extend(Shape::dashed_line(way.points(), stroke, size::DASH * 3.0, size::DASH * 2.0));
    } else if either(|rule| rule.delay.0 > 0 || rule.doubling > 0) {
        let thin = Stroke::new(size::HAIRLINE, t.dim);
        painter.line(way.beside(-1.75), thin);
        painter.line(way.beside(1.75), thin);
    } else {
        painter.line(way.points().to_vec(), stroke);
    }
}

/// How a line is drawn on which nothing passes.
fn quiet(t: &Tokens) -> Stroke {
    Stroke::new(size::HAIRLINE, theme::between(t.canvas, t.dim, 0.62))
}

fn quiet_line(painter: &Painter, t: &Tokens, way: &Way, pattern: Pattern) {
    let stroke = quiet(t);
    match pattern {
        Pattern::Solid => drop(painter.line(way.points().to_vec(), stroke)),
        Pattern::Dashed => {
            painter.extend(Shape::dashed_line(way.points(), stroke, size::DASH, size::DASH));
        }
        Pattern::Dotted => {
            painter.extend(Shape::dashed_line(way.points(), stroke, size::DASH / 2.0, size::DASH));
        }
        Pattern::Faint => {
            let faint = Stroke::new(size::HAIRLINE, theme::between(t.canvas, t.dim, 0.22));
            painter.line(way.points().to_vec(), faint);
        }
    }
}

/// Heartbeats and their like are only counted: a line on which some have just been brightens for a moment.
fn pulses(painter: &Painter, diagram: &Diagram<'_>) {
    let lasts = pace::in_sight(diagram.picture, time::PULSE).max(1);
    for (from, to, flow) in diagram.picture.traffic.flows() {
        let age = diagram.picture.now.saturating_sub(flow.beat);
        if flow.beat == 0 || age >= lasts {
            continue;
        }
        if let Some(way) = diagram.way(from, to) {
            let strength = 0.55 * (1.0 - age as f32 / lasts as f32);
            let stroke = Stroke::new(size::HAIRLINE, theme::faded(diagram.tokens.dim, strength));
            painter.line(way.points().to_vec(), stroke);
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
fn flows(painter: &Painter, diagram: &Diagram<'_>) {
    for (from, to, flow) in diagram.picture.traffic.flows() {
        let fresh = diagram.picture.now.saturating_sub(flow.at) < pace::in_sight(diagram.picture, time::GLOW * 2);
        if !fresh || flow.rate < 1.0 {
            continue;
        }
        let Some(way) = diagram.way(from, to) else { continue };
        let width = size::HAIRLINE + flow.rate.log10().max(0.0) * 1.5;
        painter.line(way.points().to_vec(), Stroke::new(width, theme::faded(diagram.tokens.saffron, 0.35)));
    }
}

fn selected_way(painter: &Painter, diagram: &Diagram<'_>, focus: &Focus) {
    if let Selected::Message(id, to) = focus.selected
        && let Some(way) = diagram.way(id.from, to)
    {
        painter.line(way.points().to_vec(), Stroke::new(size::OUTLINE, diagram.tokens.text));
    }
}
