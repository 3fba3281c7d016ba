//! The paths and bodies of getthedata.com: one path, which takes a whole postcode or a part of one.
//!
//! As the real service, it has nothing of Northern Ireland. Unlike it, its data is of April 2025, not of August 2023. Its
//! names for the matches of parts, and the status 200 of "no match", are likely but not documented anywhere.

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::get;
use protocol::postcode::Postcode;
use serde_json::{Value, json};

use super::Reply;
use crate::gazetteer::{Finding, Gazetteer, Point, Unit, postcodes_from};

pub(super) fn routes() -> Router {
    Router::new().route("/postcode/{input}", get(lookup))
}

async fn lookup(Path(input): Path<String>) -> Reply {
    let input = input.replace('+', " ");
    let text = input.trim().to_ascii_uppercase();
    let found = if text.starts_with("BT") { None } else { unit(&text).or_else(|| part(&text)) };
    Reply(
        StatusCode::OK,
        match found {
            Some((kind, data)) => json!({
                "status": "match", "match_type": kind, "input": input, "data": data,
                "copyright": [
                    "Contains OS data (c) Crown copyright and database right 2025",
                    "Contains Royal Mail data (c) Royal Mail copyright and Database right 2025",
                    "Contains National Statistics data (c) Crown copyright and database right 2025",
                ],
            }),
            None => json!({ "status": "no_match", "input": input }),
        },
    )
}

fn unit(text: &str) -> Option<(&'static str, Value)> {
    let postcode: Postcode = text.parse().ok()?;
    let data = match Gazetteer::get().find(postcode) {
        Finding::Live(unit) if unit.special.is_none() => live(&unit),
        Finding::Closed(closed) => {
            let mut data = describe(postcode, "terminated", Some(closed.point()));
            data["positional_quality_indicator"] = json!(8);
            data
        }
        Finding::Live(_) | Finding::Unknown => return None,
    };
    Some(("unit_postcode", data))
}

fn live(unit: &Unit<'_>) -> Value {
    let mut data = describe(unit.postcode, "live", unit.point);
    data["easting"] = json!(unit.grid.map(|(easting, _)| easting));
    data["northing"] = json!(unit.grid.map(|(_, northing)| northing));
    data["positional_quality_indicator"] = json!(unit.quality);
    data["country"] = json!(unit.country);
    data
}

/// Latitude and longitude are texts here.
fn describe(postcode: Postcode, status: &str, point: Option<Point>) -> Value {
    let (outcode, incode) = postcode.as_str().split_once(' ').unwrap_or_default();
    json!({
        "postcode": postcode,
        "status": status,
        "usertype": null,
        "easting": null,
        "northing": null,
        "country": null,
        "latitude": point.map(|point| format!("{:.6}", point.latitude)),
        "longitude": point.map(|point| format!("{:.6}", point.longitude)),
        "postcode_no_space": format!("{outcode}{incode}"),
        "postcode_fixed_width_seven": format!("{outcode:<4}{incode}"),
        "postcode_fixed_width_eight": format!("{outcode:<4} {incode}"),
        "postcode_area": postcode.area(),
        "postcode_district": outcode,
        "postcode_sector": sector(&postcode),
        "outcode": outcode,
        "incode": incode,
    })
}

/// A district, a sector or an area, tried in this order: "RG26" is a district, although "RG2 6" is a sector.
fn part(text: &str) -> Option<(&'static str, Value)> {
    if let Some(district) = Gazetteer::get().outcode(text) {
        let data = json!({ "postcode_district": district.outcode, "outcode": district.outcode });
        return Some(("postcode_district", data));
    }
    let compact = text.replace(' ', "");
    let in_sector = |postcode: &Postcode| text == sector(postcode) || text == sector(postcode).replace(' ', "");
    if let Some(any) = postcodes_from(&compact).find(in_sector) {
        let outcode = any.outcode();
        let data = json!({ "postcode_sector": sector(&any), "postcode_district": outcode, "outcode": outcode });
        return Some(("postcode_sector", data));
    }
    let exists = postcodes_from(&compact).next().is_some_and(|any| any.area() == text);
    exists.then(|| ("postcode_area", json!({ "postcode_area": text })))
}

/// "DH1 3".
fn sector(postcode: &Postcode) -> &str {
    let text = postcode.as_str();
    text.get(..text.len() - 2).unwrap_or_default()
}
