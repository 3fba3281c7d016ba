//! Where things stand on the canvas, and the ways between them. Pure: no painting, no egui state.
//!
//! Replicas keep their places over failovers: it is the crown that moves.

use egui::{Pos2, Rect, Vec2, pos2, vec2};

use crate::theme::size;

/// What stands on the canvas, as far as its place depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A dot on the map.
    Customer,
    /// Above the front-end.
    NameServer,
    /// Between map and replicas.
    FrontEnd,
    /// In the column on the right, or in several columns.
    Replica,
    /// Below the front-end.
    Service,
}

/// More replicas than this stand in several columns of smaller cards.
const ONE_COLUMN: usize = 5;
/// Room right of the replicas, for ways that lead around their neighbours.
const RIGHT_MARGIN: f32 = 52.0;
/// Room between columns of replicas, for the ways of messages.
const GUTTER: f32 = 36.0;
/// Between the lowest replica and the services.
const ABOVE_SERVICES: f32 = 32.0;
/// On a canvas of this size, nodes are larger.
const LARGE: Vec2 = vec2(1000.0, 600.0);
/// On a smaller canvas than this, nodes are smaller.
const USUAL: Vec2 = vec2(680.0, 400.0);

/// The part of the canvas that is the map's.
#[must_use]
pub fn map_part(canvas: Rect) -> Rect {
    canvas.with_max_x(canvas.left() + canvas.width() * size::MAP_SHARE)
}

/// The size of a node's card where there is room.
fn card(canvas: Rect) -> Vec2 {
    let at_least = |room: Vec2| canvas.width() >= room.x && canvas.height() >= room.y;
    if at_least(LARGE) {
        size::LARGE_NODE
    } else if at_least(USUAL) {
        size::NODE
    } else {
        size::SMALL_NODE
    }
}

/// The places of nodes of these kinds, in their order, on an untouched canvas. Customers have none here.
#[must_use]
pub fn places(canvas: Rect, kinds: &[Kind]) -> Vec<Rect> {
    let count = |wanted: Kind| kinds.iter().filter(|kind| **kind == wanted).count();
    let replicas = Replicas::within(canvas, count(Kind::Replica));
    let map = map_part(canvas).right();
    let widest = (replicas.left() - map - 36.0).max(size::SMALL_NODE.x);
    let card = card(canvas).min(vec2(widest, f32::INFINITY));
    let middle = (map + (replicas.left() - map) * 0.42).max(map + card.x / 2.0 + 12.0);
    let (top, bottom) = (canvas.top() + 44.0 + card.y / 2.0, canvas.bottom() - 24.0 - card.y / 2.0);
    let centre_of = |kind: Kind, nth: usize| match kind {
        Kind::NameServer => pos2(middle, top + nth as f32 * (card.y + 16.0)),
        Kind::FrontEnd => {
            let several = count(Kind::FrontEnd) as f32 - 1.0;
            pos2(middle, (top + bottom) / 2.0 - 8.0 + (nth as f32 - several / 2.0) * (card.y + 16.0))
        }
        Kind::Replica => replicas.centre(nth),
        // The first one asked stands nearest to the replicas.
        Kind::Service => {
            let step = card.x + 20.0;
            let first = (middle + step * 0.5).max(map + step * 1.5).min(canvas.right() - 8.0 - card.x / 2.0);
            pos2(first - nth as f32 * step, bottom)
        }
        Kind::Customer => canvas.center(),
    };
    let mut seen = [0usize; 5];
    let place = |kind: &Kind| {
        let nth = &mut seen[*kind as usize];
        *nth += 1;
        let size = if *kind == Kind::Replica { replicas.size } else { card };
        keep_within(Rect::from_center_size(centre_of(*kind, *nth - 1), size), canvas)
    };
    kinds.iter().map(place).collect()
}

/// A rectangle moved, if need be, so that it lies on the canvas.
#[must_use]
pub fn keep_within(rect: Rect, canvas: Rect) -> Rect {
    let inner = canvas.shrink(8.0);
    let half = rect.size() / 2.0;
    let range = |low: f32, high: f32| if low <= high { (low, high) } else { (low, low) };
    let (left, right) = range(inner.left() + half.x, inner.right() - half.x);
    let (top, bottom) = range(inner.top() + half.y, inner.bottom() - half.y);
    let centre = pos2(rect.center().x.clamp(left, right), rect.center().y.clamp(top, bottom));
    Rect::from_center_size(centre, rect.size())
}

/// The grid in which replicas stand.
struct Replicas {
    canvas: Rect,
    columns: usize,
    rows: usize,
    size: Vec2,
}

impl Replicas {
    fn within(canvas: Rect, count: usize) -> Self {
        let columns = if count <= ONE_COLUMN { 1 } else { count.div_ceil(10).max(2) };
        let rows = count.max(1).div_ceil(columns);
        let room = canvas.height() - 68.0 - ABOVE_SERVICES - card(canvas).y;
        let shift = if columns > 1 { 0.5 } else { 0.0 };
        let height = (room - (rows as f32 - 1.0) * 6.0) / (rows as f32 + shift);
        let small = vec2(size::SMALL_NODE.x, size::SMALL_NODE.y.min(height));
        let usual = card(canvas);
        let size = if columns == 1 && height > usual.y + 8.0 { usual } else { small };
        Self { canvas, columns, rows, size }
    }

    fn left(&self) -> f32 {
        let columns = self.columns as f32;
        self.canvas.right() - RIGHT_MARGIN - columns * self.size.x - (columns - 1.0) * GUTTER
    }

    /// Column by column, from the top. The lowest row leaves room for the services.
    fn centre(&self, nth: usize) -> Pos2 {
        let (column, row) = (nth / self.rows, nth % self.rows);
        let shift = if self.columns > 1 { self.size.y * 0.5 } else { 0.0 };
        let top = self.canvas.top() + 44.0 + self.size.y / 2.0;
        let bottom = self.canvas.bottom() - 24.0 - card(self.canvas).y - ABOVE_SERVICES - self.size.y / 2.0 - shift;
        let x = self.left() + self.size.x / 2.0 + column as f32 * (self.size.x + GUTTER);
        let y = match self.rows {
            1 => (top + bottom) / 2.0,
            2 => top + (bottom - top) * (0.2 + 0.6 * row as f32),
            rows => top + (bottom - top) * row as f32 / (rows as f32 - 1.0),
        };
        // Columns are shifted against each other, so that ways between them spread.
        pos2(x, y + if column % 2 == 1 { shift } else { 0.0 })
    }
}

/// The way of messages between two things: a line with a place for each moment of the journey.
#[derive(Clone, Debug, PartialEq)]
pub struct Way {
    points: Vec<Pos2>,
    lengths: Vec<f32>,
}

impl Way {
    fn along(points: Vec<Pos2>) -> Self {
        let mut total = 0.0;
        let mut lengths = vec![0.0];
        for pair in points.windows(2) {
            total += pair[0].distance(pair[1]);
            lengths.push(total);
        }
        Self { points, lengths }
    }

    fn straight(from: Pos2, to: Pos2) -> Self {
        Self::along(vec![from, to])
    }

    fn curved(from: Pos2, one: Pos2, other: Pos2, to: Pos2) -> Self {
        let point = |step: u32| {
            let t = step as f32 / CURVE as f32;
            let u = 1.0 - t;
            let sum = from.to_vec2() * (u * u * u)
                + one.to_vec2() * (3.0 * u * u * t)
                + other.to_vec2() * (3.0 * u * t * t)
                + to.to_vec2() * (t * t * t);
            sum.to_pos2()
        };
        Self::along((0..=CURVE).map(point).collect())
    }

    /// The same way in the other direction.
    #[must_use]
    pub fn back(mut self) -> Self {
        self.points.reverse();
        Self::along(self.points)
    }

    /// Corners of the line.
    #[must_use]
    pub fn points(&self) -> &[Pos2] {
        &self.points
    }

    /// In points.
    #[must_use]
    pub fn length(&self) -> f32 {
        self.lengths.last().copied().unwrap_or(0.0)
    }

    /// The place after this share (0 to 1) of the way.
    #[must_use]
    pub fn at(&self, share: f32) -> Pos2 {
        let wanted = self.length() * share.clamp(0.0, 1.0);
        let after = self.lengths.partition_point(|length| *length < wanted).clamp(1, self.points.len() - 1);
        let (start, end) = (self.lengths[after - 1], self.lengths[after]);
        let part = if end > start { (wanted - start) / (end - start) } else { 0.0 };
        self.points[after - 1].lerp(self.points[after], part)
    }

    /// The place so many points past the middle.
    #[must_use]
    pub fn beside_middle(&self, points: f32) -> Pos2 {
        self.at(0.5 + points / self.length().max(1.0))
    }
}

/// Straight pieces of a curve.
const CURVE: u32 = 24;

/// The way from one thing to another: the same line, whichever of the two sends. It leads around `others` that stand
/// between two replicas.
#[must_use]
pub fn way(from: (Kind, Rect), to: (Kind, Rect), others: &[Rect]) -> Way {
    let upright = |a: &Rect, b: &Rect| (a.center().y, a.center().x) <= (b.center().y, b.center().x);
    let swapped = from.0 as usize > to.0 as usize || (from.0 == to.0 && !upright(&from.1, &to.1));
    if swapped { ordered(to, from, others).back() } else { ordered(from, to, others) }
}

/// `a` is the one whose kind comes first, or the upper one.
fn ordered((kind_a, a): (Kind, Rect), (kind_b, b): (Kind, Rect), others: &[Rect]) -> Way {
    let right_of_a = b.left() - a.right();
    match (kind_a, kind_b) {
        (Kind::Customer, Kind::FrontEnd | Kind::NameServer | Kind::Replica | Kind::Service) if right_of_a > 16.0 => {
            let start = a.center() + vec2(size::CUSTOMER + 1.0, 0.0);
            across(start, b.left_center())
        }
        (Kind::NameServer, Kind::FrontEnd) if b.top() > a.bottom() && (a.center().x - b.center().x).abs() < 60.0 => {
            Way::straight(a.center_bottom(), b.center_top())
        }
        (Kind::NameServer, Kind::Replica) if right_of_a > 24.0 => {
            across(a.right_center(), b.left_center() - vec2(0.0, b.height() * 0.25))
        }
        (Kind::FrontEnd, Kind::Replica) if right_of_a > 16.0 => across(a.right_center(), b.left_center()),
        (Kind::Replica, Kind::Service) if b.top() > a.bottom() && b.left() + 12.0 < a.left() - 20.0 => {
            let start = a.left_center() + vec2(0.0, a.height() * 0.28);
            let end = pos2((a.left() - 20.0).min(b.right() - 20.0), b.top());
            // Down beside the replicas first: the front-end stands farther left.
            let fall = end.y - start.y;
            Way::curved(start, start + vec2(-28.0, fall * 0.55), end - vec2(0.0, fall * 0.25), end)
        }
        (Kind::Replica, Kind::Replica) if right_of_a > 8.0 => across(a.right_center(), b.left_center()),
        (Kind::Replica, Kind::Replica) if a.left() - b.right() > 8.0 => {
            across(b.right_center(), a.left_center()).back()
        }
        (Kind::Replica, Kind::Replica) if b.top() > a.bottom() => {
            let between = Rect::from_two_pos(a.center_bottom(), b.center_top()).expand2(vec2(2.0, -1.0));
            if others.iter().any(|other| other.intersects(between)) {
                around(a, b)
            } else {
                Way::straight(a.center_bottom(), b.center_top())
            }
        }
        _ => Way::straight(border(a, b.center()), border(b, a.center())),
    }
}

/// From left to right, leaving and arriving level.
fn across(start: Pos2, end: Pos2) -> Way {
    let bend = vec2((end.x - start.x) * 0.5, 0.0);
    Way::curved(start, start + bend, end - bend, end)
}

/// Between two replicas in one column, in a bow on the right of those between.
fn around(a: Rect, b: Rect) -> Way {
    // A curve reaches three quarters as far as its handles; the dots on it need room, too.
    let most = if a.width() < size::NODE.x { GUTTER } else { (RIGHT_MARGIN - 16.0) / 0.75 };
    let bow = vec2((20.0 + (b.top() - a.bottom()) * 0.12).min(most), 0.0);
    let (start, end) = (a.right_center(), b.right_center());
    Way::curved(start, start + bow, end + bow, end)
}

/// Where the straight line from a rectangle's middle to `towards` leaves it.
fn border(rect: Rect, towards: Pos2) -> Pos2 {
    let delta = towards - rect.center();
    let half = rect.size() / 2.0;
    let share = |d: f32, h: f32| if d.abs() < 0.01 { f32::INFINITY } else { h / d.abs() };
    rect.center() + delta * share(delta.x, half.x).min(share(delta.y, half.y)).min(1.0)
}

/// Moves dots that would hide each other apart, each as little as it takes; the first stays where it is.
pub fn spread(dots: &mut [Pos2], apart: f32) {
    for index in 1..dots.len() {
        let home = dots[index];
        let (before, rest) = dots.split_at_mut(index);
        let free = |at: Pos2| before.iter().all(|other| other.distance(at) >= apart);
        // A spiral by the golden angle tries all directions alike.
        let tries = (0..200).map(|step| home + Vec2::angled(step as f32 * 2.4) * (apart * 0.3 * (step as f32).sqrt()));
        if let Some(at) = tries.into_iter().find(|at| free(*at)) {
            rest[0] = at;
        }
    }
}

/// Rectangles that labels must not cover.
#[derive(Clone, Debug, Default)]
pub struct Taken(Vec<Rect>);

impl Taken {
    /// Takes a place.
    pub fn take(&mut self, rect: Rect) {
        self.0.push(rect);
    }

    /// Whether nothing stands there.
    #[must_use]
    pub fn is_free(&self, rect: Rect) -> bool {
        !self.0.iter().any(|taken| taken.intersects(rect))
    }

    /// The first of these places that lies within `bounds` and is free; it is taken.
    pub fn first_free(&mut self, bounds: Rect, places: impl IntoIterator<Item = Rect>) -> Option<Rect> {
        let found = places.into_iter().find(|place| bounds.contains_rect(*place) && self.is_free(*place))?;
        self.take(found);
        Some(found)
    }
}

/// Where the label of a dot may stand, best first: lines leave to the right, so labels prefer the left.
pub fn around_dot(dot: Pos2, label: Vec2, radius: f32) -> impl Iterator<Item = Rect> {
    let (w, h, near) = (label.x, label.y, radius + 6.0);
    let ring = move |far: f32| {
        [
            vec2(-near - far - w, -h / 2.0),
            vec2(-near - far - w, -h - 2.0),
            vec2(-near - far - w, 2.0),
            vec2(-w / 2.0, -near - far - h),
            vec2(-w / 2.0, near + far),
            vec2(near + far, -h - 2.0),
            vec2(near + far, 2.0),
            vec2(near + far, -h / 2.0),
            vec2(-w - far / 2.0, -near - far - h),
            vec2(-w - far / 2.0, near + far),
        ]
    };
    [0.0, 20.0, 44.0].into_iter().flat_map(ring).map(move |offset| Rect::from_min_size(dot + offset, label))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canvas(width: f32, height: f32) -> Rect {
        Rect::from_min_size(pos2(244.0, 48.0), vec2(width, height))
    }

    fn cluster(replicas: usize) -> Vec<Kind> {
        let mut kinds = vec![Kind::NameServer, Kind::FrontEnd, Kind::Service, Kind::Service];
        kinds.extend(vec![Kind::Replica; replicas]);
        kinds
    }

    #[test]
    fn nothing_overlaps_on_any_usual_canvas() {
        for (width, height) in [
            (524.0, 390.0),
            (600.0, 440.0),
            (760.0, 500.0),
            (780.0, 516.0),
            (844.0, 560.0),
            (1400.0, 800.0),
            (1000.0, 640.0),
        ] {
            // The smallest window has room for one column of replicas.
            let most = if width < 700.0 { ONE_COLUMN } else { 20 };
            for replicas in 0..=most {
                let places = places(canvas(width, height), &cluster(replicas));
                for (index, one) in places.iter().enumerate() {
                    assert!(canvas(width, height).contains_rect(*one));
                    for other in &places[index + 1..] {
                        let clear = !one.expand(1.0).intersects(*other);
                        assert!(clear, "{one:?} {other:?}, {replicas} replicas on {width} × {height}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_way_is_the_same_line_in_both_directions() {
        let places = places(canvas(900.0, 560.0), &cluster(3));
        let dot = Rect::from_center_size(pos2(300.0, 300.0), Vec2::splat(16.0));
        let ends = [
            (Kind::Customer, dot),
            (Kind::NameServer, places[0]),
            (Kind::FrontEnd, places[1]),
            (Kind::Service, places[2]),
            (Kind::Replica, places[4]),
            (Kind::Replica, places[6]),
        ];
        for one in ends {
            for other in ends.into_iter().filter(|other| *other != one) {
                let (there, back) = (way(one, other, &places), way(other, one, &places));
                assert!(there.at(0.25).distance(back.at(0.75)) < 0.5, "{one:?} {other:?}");
                assert!(there.at(0.0).distance(back.at(1.0)) < 0.01);
            }
        }
    }

    #[test]
    fn a_way_to_a_neighbours_neighbour_leads_around() {
        let places = places(canvas(900.0, 560.0), &cluster(3));
        let (first, second, third) = (places[4], places[5], places[6]);
        let way = way((Kind::Replica, first), (Kind::Replica, third), &places);
        assert!(way.points().iter().all(|point| !second.contains(*point)));
    }

    #[test]
    fn dots_that_would_hide_each_other_move_apart() {
        let mut dots = [pos2(50.0, 50.0); 12];
        dots[11] = pos2(300.0, 50.0);
        spread(&mut dots, 16.0);
        assert_eq!((dots[0], dots[11]), (pos2(50.0, 50.0), pos2(300.0, 50.0)));
        let apart = |i: usize, j: usize| dots[i].distance(dots[j]) >= 16.0;
        assert!((0..12).all(|i| (0..i).all(|j| apart(i, j))));
        assert!(dots[..11].iter().all(|dot| dot.distance(dots[0]) < 60.0));
    }

    #[test]
    fn labels_give_way() {
        let mut taken = Taken::default();
        let bounds = Rect::from_min_size(Pos2::ZERO, vec2(400.0, 300.0));
        let dot = pos2(200.0, 150.0);
        let mut labels = Vec::new();
        while let Some(label) = taken.first_free(bounds, around_dot(dot, vec2(60.0, 20.0), 8.0)) {
            labels.push(label);
        }
        assert!(labels.len() >= 6);
        assert!(labels.iter().enumerate().all(|(i, a)| labels[i + 1..].iter().all(|b| !a.intersects(*b))));
    }
}
