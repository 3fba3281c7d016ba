//! The outline of the land, to draw a map under the postcodes.
//!
//! Simplified to about 600 m: never refuse a place because it seems to lie in the sea (`resources/data/SOURCE.md`).

use std::sync::OnceLock;

use geojson::{GeoJson, GeometryValue, Position};

use super::Point;

/// The country to which a piece of land belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LandKind {
    /// The United Kingdom.
    Land,
    /// A neighbour: drawn fainter, without customers.
    Context,
}

/// A piece of land.
#[derive(Clone, Debug, PartialEq)]
pub struct Polygon {
    /// Whether customers can live there.
    pub kind: LandKind,
    /// Its shore; the last point is the first again.
    pub shore: Vec<Point>,
    /// Shores of its lakes and other gaps, each closed in the same way.
    pub holes: Vec<Vec<Point>>,
}

/// All land, largest part first within each feature of the file; parsed at the first call.
pub fn outline() -> &'static [Polygon] {
    static OUTLINE: OnceLock<Vec<Polygon>> = OnceLock::new();
    OUTLINE.get_or_init(|| parse(include_str!("../../../resources/data/uk-outline.geojson")))
}

fn parse(text: &str) -> Vec<Polygon> {
    let Ok(GeoJson::FeatureCollection(collection)) = text.parse::<GeoJson>() else { return Vec::new() };
    let mut land = Vec::new();
    for feature in collection.features {
        let kind = match feature.property("kind").and_then(|kind| kind.as_str()) {
            Some("land") => LandKind::Land,
            _ => LandKind::Context,
        };
        let polygons = match feature.geometry.map(|geometry| geometry.value) {
            Some(GeometryValue::Polygon { coordinates }) => vec![coordinates],
            Some(GeometryValue::MultiPolygon { coordinates }) => coordinates,
            _ => Vec::new(),
        };
        for rings in polygons {
            let mut rings = rings.iter().map(|ring| ring.iter().filter_map(point).collect());
            let Some(shore) = rings.next() else { continue };
            land.push(Polygon { kind, shore, holes: rings.collect() });
        }
    }
    land
}

/// GeoJSON puts the longitude first.
fn point(position: &Position) -> Option<Point> {
    match position.as_slice() {
        [longitude, latitude, ..] => Some(Point { latitude: *latitude, longitude: *longitude }),
        _ => None,
    }
}
