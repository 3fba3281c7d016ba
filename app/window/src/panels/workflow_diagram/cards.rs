//! Cards of nodes and customers, and where customers' cards find room.

use std::sync::Arc;

use egui::epaint::RectShape;
use egui::layers::ShapeIdx;
use egui::{
    Align2, Color32, CornerRadius, FontId, Galley, Painter, Pos2, Rect, Shape, Stroke, StrokeKind, Vec2, pos2, vec2,
};
use protocol::ids::CustomerId;
use protocol::order_book::Outcome;
use protocol::trace::{Actor, Standing};

use super::Diagram;
use super::discs::Discs;
use super::disks;
use super::layout::{FAR_RINGS, Kind, RINGS, Taken, around_dot, keep_within, map_part};
use super::marks::{ice, snowflake};
use crate::panels::Focus;
use crate::theme::{self, Tokens, size, text};
use crate::widgets::{crown, elided};
use knowledge::picture::{Customer, Node, Picture};

/// What a card's outline says besides what the node is.
#[derive(Clone, Copy, Default)]
pub(super) struct Marks {
    pub(super) selected: bool,
    pub(super) hovered: bool,
    pub(super) focused: bool,
    pub(super) frozen: bool,
}

/// The colour of what a node is; its sign and words say the same.
fn colour(picture: &Picture, node: &Node, kind: Kind, t: &Tokens) -> Color32 {
    match (node.runs(), kind) {
        (false, _) => t.dim,
        (true, Kind::NameServer) => t.plum,
        (true, Kind::FrontEnd) => t.sea,
        (true, Kind::Service) => {
            if node.answered_in.is_some() {
                t.basil
            } else {
                t.dim
            }
        }
        (true, Kind::Customer) => t.dim,
        (true, Kind::Replica) if picture.is_left_out(node) => t.saffron,
        (true, Kind::Replica) => match node.replica().map(|replica| (replica.standing, replica.acting)) {
            Some((Standing::Primary, _)) => t.tomato,
            Some((Standing::Backup, _)) => t.basil,
            Some((Standing::Joining, _)) | None => t.saffron,
        },
    }
}

pub(super) fn node(painter: &Painter, diagram: &Diagram<'_>, node: &Node, kind: Kind, rect: Rect, marks: Marks) {
    let t = diagram.tokens;
    let colour = colour(diagram.picture, node, kind, t);
    let scale = diagram.scale;
    let (width, height) = (rect.width() / scale, rect.height() / scale);
    let (small, large) = (width < size::NODE.x - 0.5, width > size::NODE.x + 0.5);
    outline(painter, t, rect, colour, node.runs(), marks);
    if marks.frozen {
        ice(painter, t, rect);
    }
    let radius = scale * if small { 9.0 } else { height * 0.2 };
    let loads = node.replica().filter(|_| node.runs()).and_then(wording::share_loaded);
    let raised = if loads.is_some() { 4.0 * scale } else { 0.0 };
    let disc = pos2(rect.left() + radius + 8.0 * scale, rect.center().y - raised);
    if marks.frozen {
        painter.circle_filled(disc, radius, t.sea);
        snowflake(painter, disc, radius * 0.75, t.on_strong);
    } else {
        sign(painter, t, node, kind, disc, radius, colour);
    }
    let left = disc.x + radius + 7.0 * scale;
    let disk = node.replica().and_then(|replica| replica.disk.as_ref());
    let room = rect.right() - 5.0 * scale - left;
    if let Some(disk) = disk {
        disks::disk(painter, t, rect, if small { scale * 0.75 } else { scale }, disk, node.runs());
    }
    if let Some(machine) = &node.machine {
        tag(painter, t, rect, scale, machine);
    }
    let (title, line, font) = match small {
        true => {
            (wording::short_title(node), wording::short_line(node, diagram.picture), theme::strong(text::SMALL * scale))
        }
        false => (wording::title(node), wording::line(node, diagram.picture), theme::strong(text::LARGE * scale)),
    };
    let line = if marks.frozen { wording::FROZEN.to_owned() } else { line };
    let second_font = theme::plain(scale * if large { text::BODY } else { text::SMALL });
    let ink = if node.runs() { t.text } else { t.dim };
    if height < size::SMALL_NODE.y - 4.0 {
        let only = fitting(painter, &title, font, ink, room);
        painter.galley(pos2(left, rect.center().y - only.size().y / 2.0), only, ink);
        return;
    }
    let title = fitting(painter, &title, font, ink, room);
    let line = elided(painter, &line, second_font, t.dim, room);
    let height = title.size().y + line.size().y;
    let top = rect.center().y - height / 2.0 - raised;
    let second = top + title.size().y;
    painter.galley(pos2(left, top), title, ink);
    painter.galley(pos2(left, second), line, t.dim);
    if let Some(share) = loads {
        let width = room - if disk.is_some() { disks::ROOM * scale } else { 0.0 };
        let bar = Rect::from_min_size(pos2(left, rect.bottom() - 9.0 * scale), vec2(width, 4.0 * scale));
        painter.rect_filled(bar, 2.0, t.soft);
        painter.rect_filled(bar.with_max_x(bar.left() + width * share), 2.0, t.saffron);
    }
}

/// On which other machine its process runs: on the upper edge, at its right end.
fn tag(painter: &Painter, t: &Tokens, card: Rect, scale: f32, machine: &str) {
    let words = elided(painter, machine, theme::plain(text::SMALL * scale), t.dim, card.width() * 0.8);
    let pill = words.size() + vec2(10.0 * scale, 0.0);
    // It covers as little as possible of the card, whose words begin close below.
    let corner = pos2(card.right() - 10.0 * scale, card.top() + 4.0 * scale);
    let around = Rect::from_min_max(corner - pill, corner);
    painter.rect(around, pill.y / 2.0, t.canvas, Stroke::new(size::HAIRLINE, t.dim), StrokeKind::Inside);
    painter.galley(around.center() - words.size() / 2.0, words, t.dim);
}

/// A name in one line: smaller, down to seven tenths, before it is cut off.
fn fitting(painter: &Painter, words: &str, font: FontId, ink: Color32, room: f32) -> Arc<Galley> {
    let whole = painter.layout_no_wrap(words.to_owned(), font.clone(), ink);
    if whole.size().x <= room {
        return whole;
    }
    let size = font.size * (room / whole.size().x * 0.99).clamp(0.7, 1.0);
    elided(painter, words, FontId { size, ..font }, ink, room)
}

fn outline(painter: &Painter, t: &Tokens, rect: Rect, colour: Color32, runs: bool, marks: Marks) {
    let corner = CornerRadius::same(size::CORNER);
    let fill = if marks.hovered { theme::between(t.panel, t.soft, 0.6) } else { t.panel };
    if runs {
        let width = if marks.selected { size::STRONG } else { size::OUTLINE };
        painter.rect(rect, corner, fill, Stroke::new(width, colour), StrokeKind::Inside);
    } else {
        painter.rect_filled(rect, corner, t.canvas);
        let stroke = Stroke::new(if marks.selected { size::STRONG } else { size::OUTLINE }, colour);
        painter.extend(Shape::dashed_line(&rounded(rect.shrink(0.5)), stroke, size::DASH + 1.0, size::DASH));
    }
    if marks.selected {
        painter.rect_stroke(
            rect.expand(2.0),
            size::CORNER + 2,
            (size::OUTLINE, theme::faded(colour, 0.3)),
            StrokeKind::Outside,
        );
    }
    if marks.focused {
        painter.rect_stroke(rect.expand(3.0), size::CORNER + 3, (size::OUTLINE, t.sea), StrokeKind::Outside);
    }
}

/// A closed line along a rounded rectangle.
fn rounded(rect: Rect) -> Vec<Pos2> {
    let radius = f32::from(size::CORNER);
    let inner = rect.shrink(radius);
    let corners = [inner.right_bottom(), inner.left_bottom(), inner.left_top(), inner.right_top()];
    let mut points = Vec::new();
    for (quarter, corner) in corners.into_iter().enumerate() {
        for part in 0..=4 {
            let angle = (quarter as f32 + part as f32 / 4.0) * std::f32::consts::FRAC_PI_2;
            points.push(corner + Vec2::angled(angle) * radius);
        }
    }
    points.push(points[0]);
    points
}

/// The disc at the left of a card: a letter, the crown, or a cross.
fn sign(painter: &Painter, t: &Tokens, node: &Node, kind: Kind, at: Pos2, radius: f32, colour: Color32) {
    let strong = match colour {
        colour if colour == t.tomato => t.tomato_text,
        other => other,
    };
    painter.circle_filled(at, radius, strong);
    let ink = if colour == t.saffron { t.on_saffron } else { t.on_strong };
    if !node.runs() {
        let arm = radius * 0.36;
        let stroke = Stroke::new(size::OUTLINE, ink);
        painter.line_segment([at - Vec2::splat(arm), at + Vec2::splat(arm)], stroke);
        painter.line_segment([at + vec2(-arm, arm), at + vec2(arm, -arm)], stroke);
        return;
    }
    if node.leads() {
        crown(painter, at, radius * 1.1, ink);
        return;
    }
    let letter = match (kind, node.actor) {
        (Kind::NameServer, _) => "N",
        (Kind::FrontEnd, _) => "F",
        (Kind::Replica, _) => "R",
        (_, Actor::Service(_)) => "P",
        _ => "C",
    };
    painter.text(at, Align2::CENTER_CENTER, letter, theme::strong(text::SMALL.min(radius * 1.3)), ink);
}

/// The colour of what a customer is at.
pub(crate) fn customer_colour(customer: &Customer, t: &Tokens) -> Color32 {
    match (&customer.waiting, customer.receipts.back().map(|receipt| receipt.outcome.as_ref())) {
        (Some(_), _) => t.saffron,
        (None, Some(Some(Outcome::Placed { .. }))) => t.basil,
        (None, Some(Some(Outcome::Rejected { .. }) | None)) => t.tomato,
        (None, Some(Some(Outcome::NeverPlaced)) | None) => t.dim,
    }
}

/// Finds room for customers' cards: the one that orders first, then those that wait, then the others. A customer without
/// room stays a dot with a letter, and is named when pointed at.
pub(super) fn place_customers(
    painter: &Painter,
    diagram: &Diagram<'_>,
    focus: &Focus,
    taken: &mut Taken,
) -> Vec<(CustomerId, Rect)> {
    let bounds = diagram.canvas.with_max_x(map_part(diagram.canvas).right() + 24.0).shrink(8.0);
    let mut order: Vec<&(&Customer, Pos2)> = diagram.customers.iter().collect();
    order.sort_by_key(|(customer, _)| (focus.customer != Some(customer.id), customer.waiting.is_none()));
    // What the line between a dot and its card must not cross: other dots, and other cards.
    let dot = |at: Pos2| Rect::from_center_size(at, Vec2::splat(size::CUSTOMER * 2.0));
    let mut placed: Vec<(CustomerId, Rect)> = Vec::new();
    for (customer, at) in order {
        let [name, line] = words(painter, diagram.tokens, customer);
        let width = name.size().x.max(line.size().x) + 18.0;
        let others = diagram.customers.iter().filter(|(other, _)| other.id != customer.id).map(|(_, at)| dot(*at));
        let others: Vec<Rect> = others.chain(placed.iter().map(|(_, card)| *card)).collect();
        let is_clear = |card: &Rect| others.iter().all(|other| !crosses([*at, card.clamp(*at)], *other));
        // A customer that orders keeps its card, though it stands farther away, or aside on a narrow map.
        let must = focus.customer == Some(customer.id);
        let rings: &[f32] = if must { &FAR_RINGS } else { &RINGS };
        let places = around_dot(*at, vec2(width, size::CARD.y), size::CUSTOMER, rings);
        let places: Vec<Rect> = places.map(|card| if must { keep_within(card, bounds) } else { card }).collect();
        // What costs most is asked last: in a room full of phones, few cards have a place at all.
        let is_free = |card: &Rect| bounds.contains_rect(*card) && taken.is_free(*card);
        let clear = places.iter().copied().find(|card| is_free(card) && is_clear(card));
        let found = taken.first_free(bounds, clear);
        let found = found.or_else(|| taken.first_free(bounds, places.iter().copied().filter(|_| must)));
        placed.extend(found.map(|card| (customer.id, card)));
    }
    placed
}

/// Whether a straight line passes a rectangle.
fn crosses([from, to]: [Pos2; 2], rect: Rect) -> bool {
    const SAMPLES: usize = 16;
    Rect::from_two_pos(from, to).intersects(rect)
        && (0..=SAMPLES).any(|step| rect.contains(from.lerp(to, step as f32 / SAMPLES as f32)))
}

/// Name and second line of a customer's card.
fn words(painter: &Painter, t: &Tokens, customer: &Customer) -> [Arc<Galley>; 2] {
    let room = size::CARD.x - 18.0;
    let line = format!("{} · {}", customer.postcode, wording::customer_line(customer));
    let name = elided(painter, &customer.name, theme::strong(text::BODY), t.text, room);
    [name, elided(painter, &line, theme::plain(text::SMALL), t.dim, room)]
}

/// What is painted of customers: all cards, above them all dots, above them all letters, so that the dots are painted together.
pub(super) struct Customers {
    below: Vec<Shape>,
    dots: Discs,
    letters: Vec<Shape>,
    /// Where all of it lies among what else is painted.
    layer: ShapeIdx,
}

impl Customers {
    /// None yet; what is painted from now on lies above them.
    pub fn new(painter: &Painter) -> Self {
        let dots = Discs::new(painter.ctx(), size::CUSTOMER + size::OUTLINE / 2.0);
        Self { below: Vec::new(), dots, letters: Vec::new(), layer: painter.add(Shape::Noop) }
    }

    /// A customer: dot and, if there is room, card.
    pub fn add(
        &mut self,
        painter: &Painter,
        t: &Tokens,
        (customer, at): (&Customer, Pos2),
        card: Option<Rect>,
        marks: Marks,
    ) {
        let colour = customer_colour(customer, t);
        if let Some(card) = card {
            let corner = CornerRadius::same(size::CORNER);
            self.below.push(Shape::line_segment([at, card.clamp(at)], Stroke::new(size::HAIRLINE, colour)));
            let width = if marks.selected { size::STRONG } else { size::HAIRLINE };
            let fill = if marks.hovered { theme::between(t.panel, t.soft, 0.6) } else { t.panel };
            let edge = Stroke::new(width, colour);
            self.below.push(RectShape::new(card, corner, fill, edge, StrokeKind::Inside).into());
            let left = card.left() + 9.0;
            let [name, line] = words(painter, t, customer);
            let top = card.center().y - (name.size().y + line.size().y) / 2.0;
            let second = top + name.size().y;
            self.below.push(Shape::galley(pos2(left, top), name, t.text));
            self.below.push(Shape::galley(pos2(left, second), line, t.dim));
        } else {
            let letter = customer.name.chars().next().unwrap_or('?');
            let ink = if colour == t.saffron { t.on_saffron } else { t.on_strong };
            let galley = painter.layout_no_wrap(letter.into(), theme::strong(text::SMALL), ink);
            self.letters.push(Shape::galley(at - galley.size() / 2.0, galley, ink));
        }
        if marks.focused {
            self.below.push(Shape::circle_stroke(at, size::CUSTOMER + 4.0, (size::OUTLINE, t.sea)));
        }
        self.dots.add(at, size::CUSTOMER + size::OUTLINE / 2.0, t.panel);
        self.dots.add(at, size::CUSTOMER - size::OUTLINE / 2.0, colour);
    }

    /// Paints all of them.
    pub fn paint(self, painter: &Painter) {
        let Self { mut below, dots, letters, layer } = self;
        below.push(dots.shape());
        below.extend(letters);
        painter.set(layer, Shape::Vec(below));
    }
}
