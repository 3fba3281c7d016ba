//! Where things stand on the canvas. Pure: no painting, no egui state. The ways between them are in `way`.
//!
//! Replicas keep their places over failovers: it is the crown that moves.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use egui::{Pos2, Rect, Vec2, pos2, vec2};

use crate::theme::size;

/// What stands on the canvas, as far as its place depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A dot on the map.
    Customer,
    NameServer,
    /// Between map and replicas.
    FrontEnd,
    /// In the column on the right, or in several columns.
    Replica,
    Service,
}

/// More replicas than this stand in several columns of smaller cards.
const ONE_COLUMN: usize = 5;
/// Room right of the replicas, for ways that lead around their neighbours.
pub(super) const RIGHT_MARGIN: f32 = 52.0;
/// Room between columns of replicas, for the ways of messages.
pub(super) const GUTTER: f32 = 36.0;
/// The same on a canvas that has room for large cards in several columns; so much is beside the front-end, too.
const WIDE_GUTTER: f32 = 72.0;
/// Between the lowest replica and the services.
const ABOVE_SERVICES: f32 = 32.0;
/// On a canvas of this size, nodes are larger.
const LARGE: Vec2 = vec2(1000.0, 600.0);
/// On a smaller canvas than this, nodes are smaller.
const USUAL: Vec2 = vec2(680.0, 400.0);

/// The part of the canvas that is the map's.
pub(crate) fn map_part(canvas: Rect) -> Rect {
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

/// The places of nodes of these kinds, in their order, on an untouched canvas. Customers have none here. On a canvas with
/// less room than they need, all of them are smaller, in proportion: none ever covers another.
pub fn places(canvas: Rect, kinds: &[Kind]) -> Vec<Rect> {
    let scale = scale(canvas, kinds);
    let wide = Rect::from_min_size(canvas.min, (canvas.size() / scale).max(Vec2::ZERO));
    let shrink = |rect: Rect| Rect::from_min_size(canvas.min + (rect.min - canvas.min) * scale, rect.size() * scale);
    places_with_room(wide, kinds).into_iter().map(shrink).collect()
}

/// How much smaller than usual nodes are drawn, with their letters: 1 where there is room.
pub fn scale(canvas: Rect, kinds: &[Kind]) -> f32 {
    let count = |wanted: Kind| kinds.iter().filter(|kind| **kind == wanted).count();
    let columns = columns(count(Kind::Replica)) as f32;
    let rows = count(Kind::Replica).max(1).div_ceil(columns as usize) as f32;
    let card = size::SMALL_NODE;
    // The map, the column in the middle, and the replicas; the services stand below the last two.
    let beside = (card.x + 48.0) + columns * (card.x + GUTTER) + RIGHT_MARGIN;
    let width = beside / (1.0 - size::MAP_SHARE);
    let shift = if columns > 1.0 { 0.5 } else { 0.0 };
    let middle = (count(Kind::FrontEnd).max(1) as f32 + 2.0) * (card.y + 6.0);
    let height = 68.0 + ABOVE_SERVICES + card.y + ((rows + shift) * (LEAST_ROW + 6.0)).max(middle - card.y);
    let fits = canvas.size().max(Vec2::ZERO) / vec2(width, height);
    fits.x.min(fits.y).clamp(SMALLEST_SCALE, 1.0)
}

/// A canvas without any room has a scale as well.
const SMALLEST_SCALE: f32 = 0.01;
/// The lowest card of a replica with letters of the usual size.
const LEAST_ROW: f32 = 22.0;

/// A part of a rectangle, this far from its edges, or its middle if there is less room than that.
pub(crate) fn inside(rect: Rect, margin: f32) -> Rect {
    let half = rect.size().max(Vec2::ZERO) / 2.0;
    Rect::from_center_size(rect.center(), 2.0 * (half - Vec2::splat(margin)).max(Vec2::ZERO))
}

fn columns(replicas: usize) -> usize {
    if replicas <= ONE_COLUMN { 1 } else { replicas.div_ceil(10).max(2) }
}

fn places_with_room(canvas: Rect, kinds: &[Kind]) -> Vec<Rect> {
    let count = |wanted: Kind| kinds.iter().filter(|kind| **kind == wanted).count();
    let replicas = Replicas::within(canvas, count(Kind::Replica));
    let map = map_part(canvas).right();
    let widest = (replicas.left() - map - 36.0).max(size::SMALL_NODE.x);
    let card = card(canvas).min(vec2(widest, f32::INFINITY));
    let middle = (map + (replicas.left() - map) * 0.42).max(map + card.x / 2.0 + 12.0);
    let (top, bottom) = (canvas.top() + 44.0 + card.y / 2.0, canvas.bottom() - 24.0 - card.y / 2.0);
    // From one name server to the next.
    let name_servers = card.y + 16.0;
    let centre_of = |kind: Kind, nth: usize| match kind {
        Kind::NameServer => pos2(middle, top + nth as f32 * name_servers),
        Kind::FrontEnd => {
            // Several share the room between the name servers and the services.
            let several = count(Kind::FrontEnd) as f32;
            let top = top + count(Kind::NameServer).saturating_sub(1) as f32 * name_servers;
            let gap = ((bottom - top - card.y * (several + 1.0)) / (several + 1.0)).clamp(4.0, 16.0);
            let lift = if several > 1.0 { 0.0 } else { 8.0 };
            pos2(middle, (top + bottom) / 2.0 - lift + (nth as f32 - (several - 1.0) / 2.0) * (card.y + gap))
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
pub(crate) fn keep_within(rect: Rect, canvas: Rect) -> Rect {
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
    gutter: f32,
}

impl Replicas {
    fn within(canvas: Rect, count: usize) -> Self {
        let columns = columns(count);
        let rows = count.max(1).div_ceil(columns);
        let room = canvas.height() - 68.0 - ABOVE_SERVICES - card(canvas).y;
        let shift = if columns > 1 { 0.5 } else { 0.0 };
        let height = (room - (rows as f32 - 1.0) * 6.0) / (rows as f32 + shift);
        let small = vec2(size::SMALL_NODE.x, size::SMALL_NODE.y.min(height));
        let usual = card(canvas);
        let width = columns as f32 * (usual.x + WIDE_GUTTER) + RIGHT_MARGIN + usual.x;
        let has_room = columns == 1 || width <= canvas.right() - map_part(canvas).right();
        let (size, gutter) = if has_room && height > usual.y + 8.0 { (usual, WIDE_GUTTER) } else { (small, GUTTER) };
        Self { canvas, columns, rows, size, gutter }
    }

    fn left(&self) -> f32 {
        let columns = self.columns as f32;
        self.canvas.right() - RIGHT_MARGIN - columns * self.size.x - (columns - 1.0) * self.gutter
    }

    /// Column by column, from the top. The lowest row leaves room for the services.
    fn centre(&self, nth: usize) -> Pos2 {
        let (column, row) = (nth / self.rows, nth % self.rows);
        let shift = if self.columns > 1 { self.size.y * 0.5 } else { 0.0 };
        let top = self.canvas.top() + 44.0 + self.size.y / 2.0;
        let bottom = self.canvas.bottom() - 24.0 - card(self.canvas).y - ABOVE_SERVICES - self.size.y / 2.0 - shift;
        let x = self.left() + self.size.x / 2.0 + column as f32 * (self.size.x + self.gutter);
        let y = match self.rows {
            1 => (top + bottom) / 2.0,
            2 => top + (bottom - top) * (0.2 + 0.6 * row as f32),
            rows => top + (bottom - top) * row as f32 / (rows as f32 - 1.0),
        };
        // Columns are shifted against each other, so that ways between them spread.
        pos2(x, y + if column % 2 == 1 { shift } else { 0.0 })
    }
}

/// Moves dots that would hide each other apart, each as little as it takes, and within the room while there is some; the first stays
/// where it is.
pub fn spread(dots: &mut [Pos2], apart: f32, room: Rect) {
    // Only dots in the same square or in one beside it can be too near.
    let square = |at: Pos2| ((at.x / apart).floor() as i32, (at.y / apart).floor() as i32);
    let mut standing: BTreeMap<(i32, i32), Vec<Pos2>> = BTreeMap::new();
    let mut tried: BTreeMap<[u32; 2], usize> = BTreeMap::new();
    for dot in dots {
        let is_free = |at: &Pos2| {
            let (x, y) = square(*at);
            let rows = (x - 1..=x + 1).map(|x| standing.range((x, y - 1)..=(x, y + 1)));
            rows.flatten().flat_map(|(_, there)| there).all(|other| other.distance_sq(*at) >= apart * apart)
        };
        let home = *dot;
        let place = |offset: &Vec2| home + *offset * apart;
        // What was not free for another dot of this home is not free now.
        let tried = tried.entry([home.x, home.y].map(f32::to_bits)).or_default();
        let mut places = SPIRAL.iter().skip(*tried).map(place).inspect(|_| *tried += 1);
        let within = places.find(|at| room.contains(*at) && is_free(at));
        // A room that is full is left, though not far.
        let free = within.or_else(|| SPIRAL[..200].iter().map(place).find(is_free));
        *dot = free.unwrap_or(home);
        standing.entry(square(*dot)).or_default().push(*dot);
    }
}

/// Places around its home at which a dot may stand, nearest first: a spiral by the golden angle tries all directions alike.
static SPIRAL: LazyLock<Vec<Vec2>> = LazyLock::new(|| {
    (0..4000).map(|step| step as f32).map(|step| Vec2::angled(step * 2.4) * 0.3 * step.sqrt()).collect()
});

/// Rectangles that labels must not cover.
#[derive(Clone, Debug, Default)]
pub struct Taken(Vec<Rect>);

impl Taken {
    pub fn take(&mut self, rect: Rect) {
        self.0.push(rect);
    }

    pub(crate) fn all(&self) -> &[Rect] {
        &self.0
    }

    pub(crate) fn is_free(&self, rect: Rect) -> bool {
        !self.0.iter().any(|taken| taken.intersects(rect))
    }

    /// The first of these places that lies within `bounds` and is free; it is taken.
    pub(crate) fn first_free(&mut self, bounds: Rect, places: impl IntoIterator<Item = Rect>) -> Option<Rect> {
        let found = places.into_iter().find(|place| bounds.contains_rect(*place) && self.is_free(*place))?;
        self.take(found);
        Some(found)
    }
}

/// How far from its dot a label may stand, in points; and one that must be there.
pub(crate) const RINGS: [f32; 3] = [0.0, 20.0, 44.0];
/// See [`RINGS`].
pub(crate) const FAR_RINGS: [f32; 8] = [0.0, 20.0, 44.0, 72.0, 104.0, 140.0, 180.0, 220.0];

/// Where the label of a dot may stand, so far from it, best first: lines leave to the right, so labels prefer the left.
pub(crate) fn around_dot(dot: Pos2, label: Vec2, radius: f32, rings: &[f32]) -> impl Iterator<Item = Rect> {
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
    rings.iter().copied().flat_map(ring).map(move |offset| Rect::from_min_size(dot + offset, label))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn canvas(width: f32, height: f32) -> Rect {
        Rect::from_min_size(pos2(244.0, 48.0), vec2(width, height))
    }

    pub(in super::super) fn cluster(replicas: usize) -> Vec<Kind> {
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
    fn three_front_ends_stand_one_above_the_other_and_cover_nothing() {
        for (width, height) in [(524.0, 316.0), (524.0, 390.0), (600.0, 440.0), (768.0, 464.0), (1024.0, 624.0)] {
            for front_ends in 1..=3 {
                let mut kinds = cluster(4);
                kinds.extend(vec![Kind::FrontEnd; front_ends - 1]);
                let places = places(canvas(width, height), &kinds);
                let free = |index: usize, one: &Rect| {
                    !places[index + 1..].iter().any(|other| one.expand(4.0).intersects(*other))
                };
                assert!(places.iter().enumerate().all(|(index, one)| free(index, one)), "{front_ends} on {width}");
                let shown: Vec<&Rect> =
                    kinds.iter().zip(&places).filter(|(kind, _)| **kind == Kind::FrontEnd).map(|(_, at)| at).collect();
                assert!(shown.windows(2).all(|pair| pair[0].bottom() + 8.0 <= pair[1].top()), "{shown:?}");
                assert!(shown.windows(2).all(|pair| pair[0].center().x == pair[1].center().x), "{shown:?}");
            }
        }
    }

    #[test]
    fn several_name_servers_stand_above_the_front_end_and_cover_nothing() {
        for (width, height, most) in [(600.0, 440.0, 2), (760.0, 500.0, 3), (1000.0, 640.0, 3), (1400.0, 800.0, 3)] {
            for name_servers in 1..=most {
                let mut kinds = cluster(3);
                kinds.extend(vec![Kind::NameServer; name_servers - 1]);
                let places = places(canvas(width, height), &kinds);
                let free = |index: usize, one: &Rect| {
                    !places[index + 1..].iter().any(|other| one.expand(4.0).intersects(*other))
                };
                let all_free = places.iter().enumerate().all(|(index, one)| free(index, one));
                assert!(all_free, "{name_servers} on {width} × {height}: {places:?}");
            }
        }
    }

    #[test]
    fn dots_that_would_hide_each_other_move_apart() {
        let mut dots = [pos2(50.0, 50.0); 12];
        dots[11] = pos2(300.0, 50.0);
        spread(&mut dots, 16.0, Rect::from_min_max(Pos2::ZERO, pos2(400.0, 200.0)));
        assert_eq!((dots[0], dots[11]), (pos2(50.0, 50.0), pos2(300.0, 50.0)));
        let apart = |i: usize, j: usize| dots[i].distance(dots[j]) >= 16.0;
        assert!((0..12).all(|i| (0..i).all(|j| apart(i, j))));
        assert!(dots[..11].iter().all(|dot| dot.distance(dots[0]) < 60.0));
    }

    #[test]
    fn a_room_full_of_phones_with_one_home_hides_nobody() {
        let room = canvas(300.0, 480.0);
        let mut dots = [room.right_center(); 200];
        spread(&mut dots, 16.0, room);
        let hidden = (0..200).find(|i| (0..*i).any(|j| dots[*i].distance(dots[j]) < 16.0));
        assert!(hidden.is_none() && dots.iter().all(|dot| room.contains(*dot)), "{hidden:?}");
        // On a canvas that is too low for its map, too.
        let mut dots = [pos2(300.0, 90.0); 5];
        spread(&mut dots, 16.0, Rect::from_min_max(pos2(290.0, 90.0), pos2(310.0, 90.0)));
        assert!((0..5).all(|i| (0..i).all(|j| dots[i].distance(dots[j]) >= 16.0)), "{dots:?}");
    }

    #[test]
    fn labels_give_way() {
        let mut taken = Taken::default();
        let bounds = Rect::from_min_size(Pos2::ZERO, vec2(400.0, 300.0));
        let dot = pos2(200.0, 150.0);
        let mut labels = Vec::new();
        while let Some(label) = taken.first_free(bounds, around_dot(dot, vec2(60.0, 20.0), 8.0, &RINGS)) {
            labels.push(label);
        }
        assert!(labels.len() >= 6);
        assert!(labels.iter().enumerate().all(|(i, a)| labels[i + 1..].iter().all(|b| !a.intersects(*b))));
    }
}
