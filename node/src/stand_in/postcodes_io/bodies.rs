//! The objects of postcodes.io in JSON: every field it has, `null` where the built-in data says nothing.

use protocol::postcode::Postcode;
use serde_json::{Map, Value, json};

use crate::gazetteer::{Closed, District, Finding, Gazetteer, Outcode, Unit};

/// Fields of a postcode that are `null` unless the built-in data knows better.
const UNKNOWN_FIELDS: &str = "admin_county admin_district admin_ward bua cancer_alliance ccg ced date_of_introduction \
    european_electoral_region icb lep1 lep2 lsoa lsoa11 lsoa21 msoa msoa11 msoa21 national_park nhs_ha nhs_region \
    nuts oa21 parish parliamentary_constituency parliamentary_constituency_2024 pfa primary_care_trust region ruc11 \
    ruc21 ttwa";

/// Codes of a postcode that are `null` unless the built-in data knows better.
const UNKNOWN_CODES: &str = "admin_district admin_ward bua cancer_alliance ccg ccg_id ced icb lau2 lep1 lep2 lsoa \
    lsoa11 lsoa21 msoa msoa11 msoa21 national_park nhs_region nuts oa21 parish parliamentary_constituency \
    parliamentary_constituency_2024 pfa ruc11 ruc21 ttwa";

/// A live postcode as an object; none if it is not live.
pub(super) fn of(postcode: Postcode) -> Option<Value> {
    match Gazetteer::get().find(postcode) {
        Finding::Live(unit) => Some(self::postcode(&unit, None)),
        Finding::Closed(_) | Finding::Unknown => None,
    }
}

/// A live postcode; `distance` in metres where one was asked for.
pub(super) fn postcode(unit: &Unit<'_>, distance: Option<f64>) -> Value {
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
    if let Some(distance) = distance {
        object.insert("distance".into(), json!(distance));
    }
    Value::Object(object)
}

/// A closed postcode.
pub(super) fn terminated(closed: &Closed) -> Value {
    json!({
        "postcode": closed.postcode, "year_terminated": closed.year, "month_terminated": closed.month,
        "longitude": closed.point().longitude, "latitude": closed.point().latitude,
    })
}

/// A district; `distance` in metres where one was asked for.
pub(super) fn outcode(outcode: &Outcode, distance: Option<f64>) -> Value {
    let district = Gazetteer::get().district(outcode.district);
    let names = |name: fn(&District) -> &str| -> Vec<&str> {
        district.map(name).filter(|name| !name.is_empty()).into_iter().collect()
    };
    let mut object = json!({
        "outcode": outcode.outcode,
        "longitude": outcode.point().map(|point| point.longitude),
        "latitude": outcode.point().map(|point| point.latitude),
        "eastings": outcode.easting, "northings": outcode.northing,
        "admin_district": names(|district| &district.name),
        "admin_county": names(|district| &district.county),
        "country": names(|district| &district.country),
        "parish": [], "admin_ward": [], "parliamentary_constituency": [],
    });
    if outcode.outcode.starts_with("BT") {
        object["country"] = json!(["Northern Ireland"]);
    }
    if let Some(distance) = distance {
        object["distance"] = json!(distance);
    }
    object
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
