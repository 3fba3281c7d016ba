//! Searches of postcodes.io by distance, and their limits.

use std::collections::BTreeMap;

use axum::extract::{Path, Query};
use serde_json::Value;

use super::{Parameters, Reply, bad_request, bodies, found, live, not_found};
use crate::gazetteer::{Finding, Gazetteer, Outcode, Point};

const LIMIT: usize = 10;
const MOST: usize = 100;
/// Radius around a postcode or click in metres: if not given, and at most.
const RADIUS: (f64, f64) = (100.0, 2_000.0);
/// The same around districts.
const OUTCODE_RADIUS: (f64, f64) = (5_000.0, 25_000.0);
/// Radius of a `widesearch`.
const WIDE: f64 = 20_000.0;

const NO_POSITION: &str = "Invalid longitude/latitude submitted";

/// Longitude and latitude as texts, if both are given.
pub(super) fn position(parameters: &BTreeMap<String, String>) -> Option<(&str, &str)> {
    let pair = |longitude, latitude| Some((parameters.get(longitude)?.as_str(), parameters.get(latitude)?.as_str()));
    pair("longitude", "latitude")
        .or_else(|| pair("lon", "lat"))
        .filter(|(one, other)| !one.is_empty() && !other.is_empty())
}

/// Around a click.
pub(super) fn postcodes(longitude: &str, latitude: &str, parameters: &BTreeMap<String, String>) -> Reply {
    match point(longitude, latitude) {
        Some(at) => around(at, parameters, None),
        None => bad_request(NO_POSITION),
    }
}

/// Around a postcode, which is itself the first.
pub(super) async fn postcode(Path(text): Path<String>, Query(parameters): Parameters) -> Reply {
    let Some(unit) = live(&text) else { return not_found("Postcode not found") };
    match unit.point {
        Some(at) => around(at, &parameters, Some(bodies::postcode(&unit, Some(0.0)))),
        None => bad_request(NO_POSITION),
    }
}

fn around(at: Point, parameters: &BTreeMap<String, String>, itself: Option<Value>) -> Reply {
    let wide = parameters.contains_key("widesearch") || parameters.contains_key("wideSearch");
    let (limit, radius) = match bounds(parameters, RADIUS) {
        Ok((limit, _)) if wide => (limit.min(LIMIT), WIDE),
        Ok(bounds) => bounds,
        Err(refusal) => return refusal,
    };
    let gazetteer = Gazetteer::get();
    let own_name = itself.as_ref().map(|object| object["postcode"].clone());
    let others = gazetteer
        .by_distance(at)
        .take_while(|(_, metres)| *metres <= radius)
        .filter(|(postcode, _)| own_name.as_ref().is_none_or(|own| own != postcode.as_str()))
        .filter_map(|(postcode, metres)| match gazetteer.find(postcode) {
            Finding::Live(unit) => Some(bodies::postcode(&unit, Some(metres))),
            Finding::Closed(_) | Finding::Unknown => None,
        });
    list(itself.into_iter().chain(others).take(limit).collect())
}

/// Districts around a click.
pub(super) async fn outcodes(Query(parameters): Parameters) -> Reply {
    let at = position(&parameters).and_then(|(longitude, latitude)| point(longitude, latitude));
    at.map_or_else(|| bad_request(NO_POSITION), |at| outcodes_around(at, &parameters))
}

/// Districts around a district.
pub(super) async fn outcode(Path(name): Path<String>, Query(parameters): Parameters) -> Reply {
    match known_outcode(&name).map(Outcode::point) {
        Some(Some(at)) => outcodes_around(at, &parameters),
        Some(None) => bad_request(NO_POSITION),
        None => not_found("Outcode not found"),
    }
}

fn outcodes_around(at: Point, parameters: &BTreeMap<String, String>) -> Reply {
    let (limit, radius) = match bounds(parameters, OUTCODE_RADIUS) {
        Ok(bounds) => bounds,
        Err(refusal) => return refusal,
    };
    let mut near: Vec<_> = Gazetteer::get()
        .outcodes()
        .filter_map(|outcode| Some((outcode.point()?.distance_to(at), outcode)))
        .filter(|(metres, _)| *metres <= radius)
        .collect();
    near.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    list(near.into_iter().take(limit).map(|(metres, outcode)| bodies::outcode(outcode, Some(metres))).collect())
}

/// A district by its name in any spelling.
pub(super) fn known_outcode(name: &str) -> Option<&'static Outcode> {
    Gazetteer::get().outcode(&name.split_whitespace().collect::<String>().to_ascii_uppercase())
}

/// An empty list is `null`.
fn list(objects: Vec<Value>) -> Reply {
    found(if objects.is_empty() { Value::Null } else { Value::Array(objects) })
}

fn point(longitude: &str, latitude: &str) -> Option<Point> {
    let number = |text: &str| text.trim().parse().ok().filter(|number: &f64| number.is_finite());
    Some(Point { longitude: number(longitude)?, latitude: number(latitude)? })
}

/// Limit and radius, given or not, held down to what is allowed.
fn bounds(parameters: &BTreeMap<String, String>, (radius, most): (f64, f64)) -> Result<(usize, f64), Reply> {
    let given = |name: &str| parameters.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
    let limit = match given("limit").map(str::parse::<usize>) {
        None => LIMIT,
        Some(Ok(limit)) => limit.min(MOST),
        Some(Err(_)) => return Err(bad_request("Invalid result limit submitted")),
    };
    let radius = match given("radius").map(str::parse::<f64>) {
        None => radius,
        Some(Ok(radius)) if radius.is_finite() && radius >= 0.0 => radius.min(most),
        Some(_) => return Err(bad_request("Invalid lookup radius submitted")),
    };
    Ok((limit, radius))
}
