//! What a lesson's page speaks of is lit; the rest of the canvas recedes. Found anew in each frame, wherever things stand then.

use egui::{Rect, Shape, Stroke, StrokeKind, Ui, pos2};
use protocol::ids::{CustomerId, MessageId, NodeId};
use protocol::trace::Standing;

use super::Diagram;
use super::badges::Badge;
use super::lines::Line;
use super::messages::Dot;
use crate::theme::{self, size};
use knowledge::picture::Node;
use scenarios::{EndName, NodeName, Spot};

/// What stands on the canvas in this frame.
pub(super) struct Stage<'a> {
    pub diagram: &'a Diagram<'a>,
    pub lines: &'a [Line<'a>],
    pub dots: &'a [Dot<'a>],
    pub cards: &'a [(CustomerId, Rect)],
    pub badges: &'a [Badge],
    /// Of the messages that have one.
    pub labels: &'a [(MessageId, Rect)],
}

/// Lets everything recede but what is lit; nothing, if nothing of it is there.
pub(super) fn show(ui: &Ui, stage: &Stage<'_>, lit: &[Spot]) {
    let diagram = stage.diagram;
    let places: Vec<Rect> = lit.iter().flat_map(|spot| places(stage, spot)).collect();
    let links: Vec<&Line<'_>> = lit.iter().flat_map(|spot| links(stage, spot)).collect();
    if places.is_empty() && links.is_empty() {
        return;
    }
    let t = diagram.tokens;
    let veil = theme::faded(t.canvas, VEIL);
    for cell in around(diagram.canvas, &places) {
        ui.painter().rect_filled(cell, 0.0, veil);
    }
    let ring = Stroke::new(size::OUTLINE, t.tomato);
    for place in places {
        ui.painter().rect_stroke(place, f32::from(size::BIG_CORNER), ring, StrokeKind::Outside);
    }
    for line in links {
        ui.painter().add(Shape::line(line.way.points().to_vec(), Stroke::new(size::STRONG, t.tomato)));
        let (one, other) = (line.relation.from.0, line.relation.to.0);
        let on_it = stage.badges.iter().filter(|badge| [(one, other), (other, one)].contains(&badge.ends));
        on_it.for_each(|badge| badge.paint_lit(ui.painter(), t));
    }
}

/// How much of what is not lit is covered.
const VEIL: f32 = 0.66;
/// Around what is lit, in points.
const MARGIN: f32 = 6.0;

fn places(Stage { diagram, dots, cards, labels, .. }: &Stage<'_>, spot: &Spot) -> Vec<Rect> {
    match spot {
        Spot::End(end) => {
            let with_card = |id: NodeId| {
                let place = diagram.end(id)?.1;
                let customer = diagram.customers.iter().find(|(customer, _)| customer.node == id);
                let card = customer.and_then(|(customer, _)| cards.iter().find(|(owner, _)| *owner == customer.id));
                Some(card.map_or(place, |(_, card)| place.union(*card)).expand(MARGIN))
            };
            ids(diagram, end).into_iter().filter_map(with_card).collect()
        }
        Spot::Messages(step) => {
            let of_step = |dot: &&Dot<'_>| dot.flying.facts.step.is_some_and(|it| it.0 == *step);
            let with_words = |dot: &Dot<'_>| {
                let words = labels.iter().find(|(message, _)| *message == dot.flying.id).map(|(_, words)| *words);
                dot.room().union(words.unwrap_or(dot.room())).expand(MARGIN)
            };
            dots.iter().filter(of_step).map(with_words).collect()
        }
        // These are lines, or do not stand on the canvas.
        Spot::Link(..) | Spot::Light(_) | Spot::Part(_) => Vec::new(),
    }
}

fn links<'a>(Stage { diagram, lines, .. }: &Stage<'a>, spot: &Spot) -> Vec<&'a Line<'a>> {
    let Spot::Link(from, to) = spot else { return Vec::new() };
    let (from, to) = (ids(diagram, from), ids(diagram, to));
    let joins = |line: &&Line<'_>| {
        let (one, other) = (line.relation.from.0, line.relation.to.0);
        (from.contains(&one) && to.contains(&other)) || (from.contains(&other) && to.contains(&one))
    };
    lines.iter().filter(joins).collect()
}

/// Those that are meant now.
fn ids(diagram: &Diagram<'_>, end: &EndName) -> Vec<NodeId> {
    let those = |is_meant: &dyn Fn(&Node) -> bool| -> Vec<NodeId> {
        diagram.picture.nodes.iter().filter(|node| is_meant(node)).map(|node| node.id).collect()
    };
    let backup =
        |node: &Node| node.runs() && node.replica().is_some_and(|replica| replica.standing == Standing::Backup);
    match end {
        EndName::Customers => diagram.customers.iter().map(|(customer, _)| customer.node).collect(),
        EndName::Backups | EndName::Node(NodeName::Backup) => those(&backup),
        EndName::Node(NodeName::Primary) => those(&|node| node.leads()),
        EndName::Node(NodeName::Crashed) => those(&|node| !node.runs()),
        EndName::Node(NodeName::Frozen) => those(&|node| diagram.picture.steering.frozen.contains_key(&node.id)),
        EndName::Node(NodeName::Everybody | NodeName::SomeReplica) => those(&|node| node.replica().is_some()),
        EndName::Node(NodeName::Named(name)) => {
            let customer = diagram.customers.iter().find(|(customer, _)| customer.name == *name);
            customer.map_or_else(|| those(&|node| node.name == *name), |(customer, _)| vec![customer.node])
        }
    }
}

/// The canvas without the places, in pieces.
fn around(canvas: Rect, places: &[Rect]) -> Vec<Rect> {
    let edges = |of: fn(&Rect) -> [f32; 2], ends: [f32; 2]| {
        let within = |at: &f32| (ends[0]..=ends[1]).contains(at);
        let mut all: Vec<f32> = places.iter().flat_map(of).filter(within).chain(ends).collect();
        all.sort_by(f32::total_cmp);
        all
    };
    let columns = edges(|rect| [rect.left(), rect.right()], [canvas.left(), canvas.right()]);
    let rows = edges(|rect| [rect.top(), rect.bottom()], [canvas.top(), canvas.bottom()]);
    let mut pieces = Vec::new();
    for row in rows.windows(2) {
        for column in columns.windows(2) {
            let cell = Rect::from_min_max(pos2(column[0], row[0]), pos2(column[1], row[1]));
            if cell.is_positive() && !places.iter().any(|place| place.contains(cell.center())) {
                pieces.push(cell);
            }
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pieces_cover_everything_but_the_places() {
        let rect = |left, top, right, bottom| Rect::from_min_max(pos2(left, top), pos2(right, bottom));
        let canvas = rect(0.0, 0.0, 100.0, 50.0);
        let places = [rect(10.0, 10.0, 30.0, 20.0), rect(20.0, 15.0, 60.0, 40.0), rect(90.0, -5.0, 120.0, 5.0)];
        let pieces = around(canvas, &places);
        for x in 0..100 {
            for y in 0..50 {
                let at = pos2(x as f32 + 0.5, y as f32 + 0.5);
                let covered = pieces.iter().filter(|piece| piece.contains(at)).count();
                let lit = places.iter().any(|place| place.contains(at));
                assert_eq!(covered, usize::from(!lit), "{at:?}");
            }
        }
    }
}
