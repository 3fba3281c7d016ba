//! The ways of messages between things on the canvas: lines that know each place of the journey, and what is near or
//! across them. Pure: no painting.

use egui::{Pos2, Rect, Vec2, pos2, vec2};

use super::layout::{GUTTER, Kind, RIGHT_MARGIN};
use crate::theme::size;

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
            total += pair[0].distance_sq(pair[1]).sqrt();
            lengths.push(total);
        }
        Self { points, lengths }
    }

    fn straight(from: Pos2, to: Pos2) -> Self {
        Self::along(vec![from, to])
    }

    fn curved(from: Pos2, one: Pos2, other: Pos2, to: Pos2) -> Self {
        let pieces = pieces_of_curve(from, one, other, to);
        let point = |step: u32| {
            let t = step as f32 / pieces as f32;
            let u = 1.0 - t;
            let sum = from.to_vec2() * (u * u * u)
                + one.to_vec2() * (3.0 * u * u * t)
                + other.to_vec2() * (3.0 * u * t * t)
                + to.to_vec2() * (t * t * t);
            sum.to_pos2()
        };
        Self::along((0..=pieces).map(point).collect())
    }

    /// The same way in the other direction.
    #[must_use]
    pub fn back(mut self) -> Self {
        self.points.reverse();
        Self::along(self.points)
    }

    pub fn points(&self) -> &[Pos2] {
        &self.points
    }

    /// With two of three corners left out.
    pub(crate) fn roughly(&self) -> Vec<Pos2> {
        let last = self.points.len() - 1;
        self.points.iter().take(last).step_by(3).chain(self.points.last()).copied().collect()
    }

    /// In points.
    pub fn length(&self) -> f32 {
        self.lengths.last().copied().unwrap_or(0.0)
    }

    /// The place after this share (0 to 1) of the way.
    pub fn at(&self, share: f32) -> Pos2 {
        let wanted = self.length() * share.clamp(0.0, 1.0);
        let after = self.lengths.partition_point(|length| *length < wanted).clamp(1, self.points.len() - 1);
        let (start, end) = (self.lengths[after - 1], self.lengths[after]);
        let part = if end > start { (wanted - start) / (end - start) } else { 0.0 };
        self.points[after - 1].lerp(self.points[after], part)
    }

    /// How far a place is from the way, in points.
    pub fn distance(&self, from: Pos2) -> f32 {
        let pieces = self.points.windows(2).map(|pair| distance_to_piece(from, pair[0], pair[1]));
        pieces.fold(f32::INFINITY, f32::min)
    }

    /// Whether a straight line from `start` to `end` crosses the way.
    pub fn crosses(&self, start: Pos2, end: Pos2) -> bool {
        self.points.windows(2).any(|pair| pieces_cross(pair[0], pair[1], start, end))
    }

    /// A line this many points to the right of the way.
    pub fn beside(&self, aside: f32) -> Vec<Pos2> {
        let last = self.points.len() - 1;
        let place = |index: usize| {
            let along = self.points[(index + 1).min(last)] - self.points[index.saturating_sub(1)];
            self.points[index] + along.normalized().rot90() * aside
        };
        (0..=last).map(place).collect()
    }

    /// The way as a wave around itself.
    pub(crate) fn wave(&self) -> Vec<Pos2> {
        let steps = (self.length() / 2.0).ceil().max(2.0) as usize;
        let place = |step: usize| {
            let share = step as f32 / steps as f32;
            let along = self.at((share + 0.01).min(1.0)) - self.at((share - 0.01).max(0.0));
            self.at(share) + along.normalized().rot90() * (share * self.length() * 0.55).sin() * 2.5
        };
        (0..=steps).map(place).collect()
    }

    /// The direction of travel at a share of the way, one point long.
    pub fn heading(&self, share: f32) -> Vec2 {
        (self.at((share + 0.02).min(1.0)) - self.at((share - 0.02).max(0.0))).normalized()
    }

    /// The place this many points beyond a share of the way.
    pub fn beyond(&self, share: f32, points: f32) -> Pos2 {
        self.at(share + points / self.length().max(1.0))
    }
}

fn distance_to_piece(from: Pos2, start: Pos2, end: Pos2) -> f32 {
    let along = end - start;
    let share = ((from - start).dot(along) / along.length_sq().max(f32::EPSILON)).clamp(0.0, 1.0);
    from.distance(start + along * share)
}

fn pieces_cross(a: Pos2, b: Pos2, c: Pos2, d: Pos2) -> bool {
    let side = |from: Pos2, to: Pos2, at: Pos2| (to - from).rot90().dot(at - from) > 0.0;
    side(a, b, c) != side(a, b, d) && side(c, d, a) != side(c, d, b)
}

/// How many straight pieces look like this curve: it bends at most by the second difference of its handles, and a piece strays from
/// it by the square of its part. The ways of a whole room are drawn thirty times a second, and most of them hardly bend.
fn pieces_of_curve(from: Pos2, one: Pos2, other: Pos2, to: Pos2) -> u32 {
    let bend = |a: Pos2, b: Pos2, c: Pos2| ((a - b) + (c - b)).length();
    let most = bend(from, one, other).max(bend(one, other, to));
    ((0.75 * most / STRAY).sqrt().ceil() as u32).clamp(PIECES.0, PIECES.1)
}

/// So far may a piece stray from its curve, in points: nobody sees it.
const STRAY: f32 = 0.4;
/// Straight pieces of a curve, at least and at most.
const PIECES: (u32, u32) = (6, 24);

/// The way from one thing to another: the same line, whichever of the two sends. It leads around `others` that stand
/// between two replicas, or between the name server and a front-end.
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
            if others.iter().any(|other| other.intersects(between(a, b))) {
                on_the_left(a, b)
            } else {
                Way::straight(a.center_bottom(), b.center_top())
            }
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
            if others.iter().any(|other| other.intersects(between(a, b))) {
                around(a, b)
            } else {
                Way::straight(a.center_bottom(), b.center_top())
            }
        }
        _ => Way::straight(border(a, b.center()), border(b, a.center())),
    }
}

/// Where the straight way between two that stand one above the other passes.
fn between(a: Rect, b: Rect) -> Rect {
    Rect::from_two_pos(a.center_bottom(), b.center_top()).expand2(vec2(2.0, -1.0))
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

/// From the name server to a front-end below another one, in a bow on the left: on the right are the ways to replicas.
fn on_the_left(a: Rect, b: Rect) -> Way {
    let bow = vec2(-(20.0 + (b.top() - a.bottom()) * 0.12), 0.0);
    let (start, end) = (a.left_center(), b.left_center() - vec2(0.0, b.height() * 0.25));
    Way::curved(start, start + bow, end + bow, end)
}

/// Where the straight line from a rectangle's middle to `towards` leaves it.
fn border(rect: Rect, towards: Pos2) -> Pos2 {
    let delta = towards - rect.center();
    let half = rect.size() / 2.0;
    let share = |d: f32, h: f32| if d.abs() < 0.01 { f32::INFINITY } else { h / d.abs() };
    rect.center() + delta * share(delta.x, half.x).min(share(delta.y, half.y)).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::super::layout::places;
    use super::super::layout::tests::{canvas, cluster};
    use super::*;

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
    fn the_name_server_reaches_every_front_end_beside_those_above_it() {
        for (width, height) in [(524.0, 390.0), (780.0, 516.0), (1400.0, 800.0)] {
            let mut kinds = cluster(3);
            kinds.extend([Kind::FrontEnd, Kind::FrontEnd]);
            let places = places(canvas(width, height), &kinds);
            let front_ends = [places[1], places[kinds.len() - 2], places[kinds.len() - 1]];
            for (nth, front_end) in front_ends.into_iter().enumerate() {
                let way = way((Kind::NameServer, places[0]), (Kind::FrontEnd, front_end), &front_ends);
                let crossed = |other: &Rect| way.points().iter().any(|point| other.shrink(1.0).contains(*point));
                assert!(!front_ends[..nth].iter().any(crossed), "{nth} on {width} × {height}");
            }
        }
    }

    #[test]
    fn a_line_across_a_way_crosses_it_and_a_place_knows_how_far_it_is() {
        let way = Way::straight(pos2(0.0, 0.0), pos2(100.0, 0.0));
        assert!(way.crosses(pos2(50.0, -10.0), pos2(60.0, 10.0)));
        assert!(!way.crosses(pos2(50.0, -10.0), pos2(60.0, -1.0)));
        assert!(!way.crosses(pos2(101.0, -10.0), pos2(101.0, 10.0)));
        assert_eq!(way.distance(pos2(50.0, 7.0)), 7.0);
        assert_eq!(way.distance(pos2(103.0, 4.0)), 5.0);
        assert_eq!(way.beside(2.0).len(), 2);
        assert!(way.wave().iter().all(|at| at.y.abs() <= 2.6));
    }
}
