//! The faint map on which customers stand: projection, zoom and land. Equirectangular, true to scale at 54.5° north.

use std::sync::{Arc, OnceLock};

use egui::{Color32, Mesh, Painter, Pos2, Rect, Shape, Stroke, Vec2, pos2, vec2};
use node::gazetteer::{self, Gazetteer, LandKind, Point};

use super::layout::Taken;
use crate::theme::{self, Tokens, size};
use scenarios::MapPart;

/// The cosine of 54.5°: how much shorter a degree of longitude is than one of latitude.
const SQUEEZE: f32 = 0.580_7;
/// Latitude and longitude that the whole map shows.
const NORTH: f32 = 59.6;
const SOUTH: f32 = 49.9;
const WEST: f32 = -7.6;
const EAST: f32 = 1.9;
/// Closest look: some 3 km from side to side.
const MOST_ZOOM: f32 = 200.0;

/// Which part of the map is shown.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct MapView {
    /// 1 shows everything.
    zoom: f32,
    /// What is in the middle, in degrees: longitude, latitude.
    middle: (f32, f32),
}

impl Default for MapView {
    fn default() -> Self {
        Self { zoom: 1.0, middle: ((WEST + EAST) / 2.0, (NORTH + SOUTH) / 2.0) }
    }
}

/// A view of the map on a part of the screen.
#[derive(Clone, Copy, Debug)]
pub struct Projection {
    part: Rect,
    view: MapView,
    /// Points a degree of latitude.
    scale: f32,
}

impl MapView {
    /// Lays the view onto a part of the screen.
    #[must_use]
    pub fn on(self, part: Rect) -> Projection {
        let room = part.shrink2(vec2(20.0, 24.0));
        let fit = (room.height() / (NORTH - SOUTH)).min(room.width() / ((EAST - WEST) * SQUEEZE));
        Projection { part, view: self, scale: fit.max(1.0) * self.zoom }
    }

    /// As a set-up has it.
    pub(crate) fn of(part: MapPart) -> Self {
        let MapPart { zoom, longitude, latitude } = part;
        let middle = (longitude.clamp(WEST, EAST), latitude.clamp(SOUTH, NORTH + 1.5));
        if zoom > 1.0 { Self { zoom: zoom.min(MOST_ZOOM), middle } } else { Self::default() }
    }

    /// For a set-up; none: the whole map.
    pub(crate) fn part(self) -> Option<MapPart> {
        let (longitude, latitude) = self.middle;
        (!self.is_whole()).then_some(MapPart { zoom: self.zoom, longitude, latitude })
    }

    pub(crate) fn is_whole(&self) -> bool {
        *self == Self::default()
    }

    /// Moves the map by this many points, as when it is dragged.
    pub fn drag(&mut self, projection: &Projection, delta: Vec2) {
        let (longitude, latitude) = self.middle;
        let longitude = longitude - delta.x / (projection.scale * SQUEEZE);
        let latitude = latitude + delta.y / projection.scale;
        self.middle = (longitude.clamp(WEST, EAST), latitude.clamp(SOUTH, NORTH + 1.5));
    }

    /// Zooms by a factor around a place on the screen, which stays where it is.
    pub(crate) fn zoom_at(&mut self, projection: &Projection, fixed: Pos2, factor: f32) {
        let zoom = (self.zoom * factor).clamp(1.0, MOST_ZOOM);
        let factor = zoom / self.zoom;
        if zoom == 1.0 {
            *self = Self::default();
            return;
        }
        self.zoom = zoom;
        let away = projection.part.center() - fixed;
        self.drag(projection, -away * (1.0 / factor - 1.0));
    }
}

impl Projection {
    /// Where a place is on the screen.
    pub fn at(&self, longitude: f32, latitude: f32) -> Pos2 {
        let (x, y) = self.view.middle;
        self.part.center() + vec2((longitude - x) * SQUEEZE, y - latitude) * self.scale
    }

    /// Where a customer lives on the screen; places in millionths of a degree.
    pub fn home(&self, (latitude, longitude): (i32, i32)) -> Pos2 {
        self.at(longitude as f32 / 1e6, latitude as f32 / 1e6)
    }

    /// The place under a point of the screen.
    pub fn place(&self, at: Pos2) -> Point {
        let away = (at - self.part.center()) / self.scale;
        let (x, y) = self.view.middle;
        Point { latitude: f64::from(y - away.y), longitude: f64::from(x + away.x / SQUEEZE) }
    }

    pub fn paint(&self, painter: &Painter, tokens: &Tokens) {
        let painter = painter.with_clip_rect(self.part.intersect(painter.clip_rect()));
        for piece in land() {
            let bounds = Rect::from_two_pos(
                self.at(piece.bounds.left(), piece.bounds.top()),
                self.at(piece.bounds.right(), piece.bounds.bottom()),
            );
            if !bounds.intersects(painter.clip_rect()) {
                continue;
            }
            let fill = match piece.kind {
                LandKind::Land => tokens.soft,
                LandKind::Context => theme::between(tokens.canvas, tokens.soft, 0.35),
            };
            let shore: Vec<Pos2> = piece.shore.iter().map(|place| self.at(place.x, place.y)).collect();
            painter.add(Shape::Mesh(Arc::new(mesh(&shore, &piece.triangles, fill))));
            let ink = if piece.kind == LandKind::Land { tokens.line } else { fill };
            painter.add(Shape::closed_line(thinned(&shore), Stroke::new(size::HAIRLINE, ink)));
        }
    }

    /// Where a map that shows a part ends.
    pub(crate) fn paint_edge(&self, painter: &Painter, tokens: &Tokens) {
        if !self.view.is_whole() {
            painter.vline(self.part.right(), self.part.y_range(), Stroke::new(size::HAIRLINE, tokens.line));
        }
    }

    /// Writes names of towns where there is room: the closer the look, the smaller the towns.
    pub(crate) fn paint_names(&self, painter: &Painter, tokens: &Tokens, taken: &mut Taken) {
        if self.view.zoom < 1.8 {
            return;
        }
        let smallest = if self.view.zoom < 4.0 { 1 } else { 3 };
        for label in Gazetteer::get().labels().iter().filter(|label| label.rank <= smallest) {
            let point = label.point();
            let at = self.at(point.longitude as f32, point.latitude as f32);
            let font = theme::plain(theme::text::SMALL);
            let galley = painter.layout_no_wrap(label.name.clone(), font, tokens.dim);
            let rect = Rect::from_center_size(at - vec2(0.0, 10.0), galley.size());
            if taken.first_free(self.part, [rect.expand(2.0)]).is_some() {
                painter.circle_filled(at, 1.5, tokens.dim);
                painter.galley(rect.min, galley, tokens.dim);
            }
        }
    }
}

/// Corners of a shore that are closer to each other, in points, are one.
const NEAR: f32 = 2.0;

/// A closed line without points so close to each other that nobody sees them apart, and without inlets and headlands that
/// turn on the spot: the painter's corner of a line that turns back is a spike across the map.
fn thinned(shore: &[Pos2]) -> Vec<Pos2> {
    let mut kept: Vec<Pos2> = Vec::with_capacity(shore.len());
    for point in shore {
        while let [.., before, last] = kept[..]
            && turns_back(before, last, *point)
        {
            kept.pop();
        }
        if kept.last().is_none_or(|last| last.distance_sq(*point) > NEAR * NEAR) {
            kept.push(*point);
        }
    }
    while let [first, second, .., before, last] = kept[..] {
        if turns_back(before, last, first) || last.distance_sq(first) <= NEAR * NEAR {
            kept.pop();
        } else if turns_back(last, first, second) {
            kept.remove(0);
        } else {
            break;
        }
    }
    kept
}

fn turns_back(before: Pos2, at: Pos2, after: Pos2) -> bool {
    (at - before).normalized().dot((after - at).normalized()) < -0.7
}

fn mesh(shore: &[Pos2], triangles: &[u32], fill: Color32) -> Mesh {
    let mut mesh = Mesh::default();
    mesh.reserve_vertices(shore.len());
    for point in shore {
        mesh.colored_vertex(*point, fill);
    }
    mesh.indices.extend_from_slice(triangles);
    mesh
}

/// A piece of land, cut into triangles; places are longitude and latitude.
struct Piece {
    kind: LandKind,
    shore: Vec<Pos2>,
    triangles: Vec<u32>,
    bounds: Rect,
}

fn land() -> &'static [Piece] {
    static LAND: OnceLock<Vec<Piece>> = OnceLock::new();
    // The mainland beyond the Channel would only end in a straight cut.
    let near = |piece: &Piece| piece.kind == LandKind::Land || piece.bounds.right() < 0.5;
    LAND.get_or_init(|| gazetteer::outline().iter().map(piece).filter(near).collect())
}

/// Lakes are not drawn: the outline has none that would be seen.
fn piece(polygon: &gazetteer::Polygon) -> Piece {
    let mut shore: Vec<Pos2> =
        polygon.shore.iter().map(|point| pos2(point.longitude as f32, point.latitude as f32)).collect();
    if shore.first() == shore.last() {
        shore.pop();
    }
    let mut triangles = Vec::new();
    let corners = shore.iter().map(|place| [place.x, place.y]);
    earcut::Earcut::new().earcut(corners, &[], &mut triangles);
    let bounds = Rect::from_points(&shore);
    Piece { kind: polygon.kind, shore, triangles, bounds }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part() -> Rect {
        Rect::from_min_size(pos2(244.0, 48.0), vec2(300.0, 540.0))
    }

    #[test]
    fn what_is_projected_comes_back() {
        let projection = MapView::default().on(part());
        let at = projection.home((54_768_110, -1_571_870));
        assert!(part().contains(at));
        let place = projection.place(at);
        assert!((place.latitude - 54.768_11).abs() < 0.01 && (place.longitude + 1.571_87).abs() < 0.01);
    }

    #[test]
    fn zooming_keeps_the_place_under_the_pointer() {
        let mut view = MapView::default();
        let fixed = pos2(420.0, 300.0);
        let before = view.on(part()).place(fixed);
        view.zoom_at(&view.on(part()), fixed, 8.0);
        let after = view.on(part()).place(fixed);
        assert!(before.distance_to(after) < 500.0, "{before:?} {after:?}");
        view.zoom_at(&view.on(part()), fixed, 0.01);
        assert!(view.is_whole());
    }

    #[test]
    fn all_land_is_cut_into_triangles() {
        assert!(land().iter().any(|piece| piece.kind == LandKind::Land && piece.shore.len() > 500));
        for piece in land() {
            assert!(piece.triangles.len() >= 3 && piece.triangles.len().is_multiple_of(3));
            assert!(piece.triangles.iter().all(|index| (*index as usize) < piece.shore.len()));
        }
    }
}
