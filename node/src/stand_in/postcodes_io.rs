//! The path and the bodies of postcodes.io for the one question that a replica asks: is this a postcode?
//!
//! Its object has every field of the real one, `null` where the built-in data says nothing. No other path is offered.

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::get;
use protocol::postcode::Postcode;
use serde_json::{Map, Value, json};

use super::Reply;
use crate::gazetteer::{Finding, Gazetteer, Unit};

/// Fields of a postcode that are `null` unless the built-in data knows better.
const UNKNOWN_FIELDS: &str = "admin_county admin_district admin_ward bua cancer_alliance ccg ced date_of_introduction \
    european_electoral_region icb lep1 lep2 lsoa lsoa11 lsoa21 msoa msoa11 msoa21 national_park nhs_ha nhs_region \
    nuts oa21 parish parliamentary_constituency parliamentary_constituency_2024 pfa primary_care_trust region ruc11 \
    ruc21 ttwa";

/// Codes of a postcode that are `null` unless the built-in data knows better.
const UNKNOWN_CODES: &str = "admin_district admin_ward bua cancer_alliance ccg ccg_id ced icb lau2 lep1 lep2 lsoa \
    lsoa11 lsoa21 msoa msoa11 msoa21 national_park nhs_region nuts oa21 parish parliamentary_constituency \
    parliamentary_constituency_2024 pfa ruc11 ruc21 ttwa";

pub(super) fn routes() -> Router {
    let nothing_here = async || not_found("Resource not found");
    Router::new()
        .route("/postcodes/{postcode}", get(show))
        .fallback(nothing_here)
        .method_not_allowed_fallback(nothing_here)
}

async fn show(Path(text): Path<String>) -> Reply {
    let Ok(postcode) = text.parse::<Postcode>() else { return not_found("Invalid postcode") };
    match Gazetteer::get().find(postcode) {
        Finding::Live(unit) => Reply(StatusCode::OK, json!({ "status": 200, "result": describe(&unit) })),
        Finding::Closed(closed) => {
            let mut reply = not_found("Postcode not found");
            reply.1["terminated"] = json!({
                "postcode": closed.postcode, "year_terminated": closed.year, "month_terminated": closed.month,
                "longitude": closed.point().longitude, "latitude": closed.point().latitude,
            });
            reply
        }
        Finding::Unknown => not_found("Postcode not found"),
    }
}

fn not_found(error: &str) -> Reply {
    Reply(StatusCode::NOT_FOUND, json!({ "status": 404, "error": error }))
}

fn describe(unit: &Unit<'_>) -> Value {
    let (outcode, incode) = unit.postcode.as_str().split_once(' ').unwrap_or_default();
    let mut object = nulls(UNKNOWN_FIELDS);
    let mut codes = nulls(UNKNOWN_CODES);
    codes.insert("admin_county".into(), json!(county_code(unit)));
    if let Some(district) = unit.district {
        object.insert("admin_district".into(), json!(district.name));
        object.insert("admin_county".into(), json!(named(&district.county)));
        object.insert("region".into(), json!(named(&district.region)));
        codes.insert("admin_district".into(), json!(district.gss));
    } else if let Some(special) = unit.special {
        object.insert("admin_district".into(), json!(named(&special.district)));
    }
    let known = json!({
        "postcode": unit.postcode, "outcode": outcode, "incode": incode, "quality": unit.quality,
        "longitude": unit.point.map(|point| point.longitude),
        "latitude": unit.point.map(|point| point.latitude),
        "eastings": unit.grid.map(|(easting, _)| easting),
        "northings": unit.grid.map(|(_, northing)| northing),
        "country": unit.country, "codes": codes,
    });
    if let Value::Object(known) = known {
        object.extend(known);
    }
    Value::Object(object)
}

fn nulls(fields: &str) -> Map<String, Value> {
    fields.split_whitespace().map(|field| (field.to_owned(), Value::Null)).collect()
}

fn named(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// "Not applicable" has a code of its own in each country: E99999999 in England.
fn county_code(unit: &Unit<'_>) -> Option<String> {
    let country = unit.country?;
    match unit.district.and_then(|district| named(&district.county_gss)) {
        Some(code) => Some(code.to_owned()),
        None => ["England", "Wales", "Scotland", "Northern Ireland"]
            .contains(&country)
            .then(|| format!("{}99999999", &country[..1])),
    }
}
