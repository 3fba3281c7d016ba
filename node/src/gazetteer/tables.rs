//! The rows of the built-in tables, and how they are read.
//!
//! A row that does not parse is left out; the tests count the rows, so that none is. Columns are those of
//! `resources/data/SOURCE.md`.

use std::collections::BTreeMap;

use protocol::postcode::Postcode;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Point;

/// A unit postcode that exists.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit<'a> {
    /// The whole postcode.
    pub postcode: Postcode,
    /// Its position; none for the Channel Islands and the Isle of Man.
    pub point: Option<Point>,
    /// Easting and northing in metres on the national grid, if exactly known.
    pub grid: Option<(u32, u32)>,
    /// Of the position: 1 best, 6 the middle of the sector, 9 none (the scale of the Office for National Statistics).
    pub quality: u8,
    /// Its local authority; for the places of [`Unit::special`] it is told there.
    pub district: Option<&'a District>,
    /// "Scotland".
    pub country: Option<&'a str>,
    /// Set by hand: Northern Ireland, the Channel Islands, the Isle of Man.
    pub special: Option<&'a Special>,
}

/// A local authority.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct District {
    /// "E06000047".
    pub gss: String,
    /// "County Durham".
    pub name: String,
    /// Code of its county; empty where there is none.
    pub county_gss: String,
    /// Name of its county; empty where there is none.
    pub county: String,
    /// "North East"; empty outside England.
    pub region: String,
    /// "England".
    pub country: String,
}

/// A postcode district.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Outcode {
    /// "DH1".
    pub outcode: String,
    /// The nearest sizeable place (not the post town).
    pub town: String,
}

/// A postcode that is no longer in use.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Closed {
    /// The whole postcode.
    pub postcode: Postcode,
    /// The year in which it was closed.
    #[serde(rename = "year_terminated")]
    pub year: u16,
    /// The month in which it was closed, 1 to 12.
    #[serde(rename = "month_terminated")]
    pub month: u8,
    lat: f64,
    lon: f64,
}

impl Closed {
    /// Where it was, roughly.
    #[must_use]
    pub fn point(&self) -> Point {
        Point { latitude: self.lat, longitude: self.lon }
    }
}

/// A name on the map.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Label {
    /// "Durham".
    pub name: String,
    lat: f64,
    lon: f64,
    /// 1 (largest) to 3.
    pub rank: u8,
}

impl Label {
    /// The place that it names.
    #[must_use]
    pub fn point(&self) -> Point {
        Point { latitude: self.lat, longitude: self.lon }
    }
}

/// A row with an exact position.
#[derive(Debug, Deserialize)]
pub(super) struct Listed {
    postcode: Postcode,
    lat: f64,
    lon: f64,
    easting: u32,
    northing: u32,
    quality: u8,
    pub(super) district: Option<u16>,
}

impl Listed {
    pub(super) fn point(&self) -> Point {
        Point { latitude: self.lat, longitude: self.lon }
    }

    pub(super) fn unit<'a>(&self, postcode: Postcode, district: Option<&'a District>) -> Unit<'a> {
        Unit {
            postcode,
            point: Some(self.point()),
            grid: Some((self.easting, self.northing)),
            quality: self.quality,
            district,
            country: district.map(|district| district.country.as_str()),
            special: None,
        }
    }
}

/// A postcode outside Great Britain, set by hand.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Special {
    postcode: Postcode,
    lat: Option<f64>,
    lon: Option<f64>,
    /// "Belfast"; empty where there is none.
    pub district: String,
    /// "Northern Ireland".
    pub country: String,
    /// What stands there, or what is peculiar.
    pub note: String,
}

impl Special {
    pub(super) fn point(&self) -> Option<Point> {
        Some(Point { latitude: self.lat?, longitude: self.lon? })
    }

    pub(super) fn unit(&self, postcode: Postcode) -> Unit<'_> {
        Unit {
            postcode,
            point: self.point(),
            grid: None,
            quality: if self.lat.is_some() { 1 } else { 9 },
            district: None,
            country: Some(&self.country),
            special: Some(self),
        }
    }
}

pub(super) fn districts() -> Vec<District> {
    rows(include_bytes!("../../../resources/data/uk-districts.csv")).collect()
}

pub(super) fn outcodes() -> BTreeMap<String, Outcode> {
    let table = rows(include_bytes!("../../../resources/data/uk-outcodes.csv"));
    table.map(|row: Outcode| (row.outcode.clone(), row)).collect()
}

/// Both tables of exactly known postcodes; some rows are in both.
pub(super) fn listed() -> BTreeMap<Postcode, Listed> {
    let spread = rows(include_bytes!("../../../resources/data/uk-postcodes.csv"));
    let cities = rows(include_bytes!("../../../resources/data/uk-postcodes-cities.csv"));
    spread.chain(cities).map(|row: Listed| (row.postcode, row)).collect()
}

pub(super) fn special() -> BTreeMap<Postcode, Special> {
    let table = rows(include_bytes!("../../../resources/data/uk-special.csv"));
    table.map(|row: Special| (row.postcode, row)).collect()
}

pub(super) fn closed() -> BTreeMap<Postcode, Closed> {
    let table = rows(include_bytes!("../../../resources/data/uk-terminated.csv"));
    table.map(|row: Closed| (row.postcode, row)).collect()
}

pub(super) fn labels() -> Vec<Label> {
    rows(include_bytes!("../../../resources/data/uk-places.csv")).collect()
}

fn rows<Row: DeserializeOwned + 'static>(file: &'static [u8]) -> impl Iterator<Item = Row> {
    csv::Reader::from_reader(file).into_deserialize().filter_map(Result::ok)
}
