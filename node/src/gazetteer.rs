//! Postcodes, towns and the land's outline, from the data that is built in: no network, no files.
//!
//! Knows which of all postcodes of Great Britain exist (April 2025), where 12,774 of them are exactly and the others
//! roughly, and a few of Northern Ireland, the Channel Islands and the Isle of Man. `resources/data/SOURCE.md` says where
//! each file came from. Nothing is read before it is asked for: a replica's process, which asks a postcode service
//! instead, never pays for it. Drawing (projection, colours) is not here.

mod outline;
mod sectors;
mod tables;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use protocol::postcode::Postcode;
use rstar::RTree;
use rstar::primitives::GeomWithData;
use thiserror::Error;

pub use outline::{LandKind, Polygon, outline};
pub use sectors::postcodes_from;
pub use tables::{Closed, District, Label, Outcode, Special, Unit};

/// What must be shown wherever this data is (the last lines of `resources/data/SOURCE.md`).
pub const ATTRIBUTION: [&str; 5] = [
    "Contains OS data © Crown copyright and database right 2025.",
    "Contains Royal Mail data © Royal Mail copyright and database right 2025.",
    "Contains National Statistics data © Crown copyright and database right 2025.",
    "Place names: GeoNames, CC BY 4.0.",
    "Made with Natural Earth (public domain).",
];

/// How far from a click the nearest postcode may be, in metres.
const REACH: f64 = 30_000.0;

/// Mean radius of the Earth in metres.
const EARTH: f64 = 6_371_008.8;

/// A place on the Earth, WGS 84, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// North is positive.
    pub latitude: f64,
    /// East is positive.
    pub longitude: f64,
}

impl Point {
    /// The great-circle distance in metres, on a sphere (good to 0.5 %).
    #[must_use]
    pub fn distance_to(self, other: Point) -> f64 {
        arc(self.on_unit_sphere(), other.on_unit_sphere())
    }

    /// Latitude and longitude in millionths of a degree, as commands and traces carry them.
    #[must_use]
    pub fn in_millionths(self) -> (i32, i32) {
        let whole = |degrees: f64| (degrees * 1e6).round() as i32;
        (whole(self.latitude), whole(self.longitude))
    }

    /// Straight lines through the Earth order points just as distances along its surface do, so that a plain tree in
    /// three dimensions finds the truly nearest, at every latitude.
    fn on_unit_sphere(self) -> [f64; 3] {
        let (sin_lat, cos_lat) = self.latitude.to_radians().sin_cos();
        let (sin_lon, cos_lon) = self.longitude.to_radians().sin_cos();
        [cos_lat * cos_lon, cos_lat * sin_lon, sin_lat]
    }
}

/// Metres along the surface between two points on the unit sphere (haversine, from the chord).
fn arc(a: [f64; 3], b: [f64; 3]) -> f64 {
    let chord_2: f64 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
    2.0 * EARTH * (chord_2.sqrt() / 2.0).min(1.0).asin()
}

/// What a click on the map found.
#[derive(Clone, Debug, PartialEq)]
pub struct Nearest {
    /// The nearest postcode whose position is exactly known.
    pub postcode: Postcode,
    /// Its position.
    pub point: Point,
    /// How far from the click, in metres.
    pub metres: f64,
    /// "Durham", or what stands there, for a tooltip.
    pub place: String,
}

/// Why no customer can live where the click was. Sentences for people.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum NoPostcodeNear {
    /// Out at sea, or in another country.
    #[error(
        "There is no postcode here. The nearest one, {postcode} ({place}), is {kilometres} km away. Choose a place in the United Kingdom."
    )]
    TooFar {
        /// The nearest postcode.
        postcode: Postcode,
        /// The town there, or what stands there.
        place: String,
        /// Its distance, rounded up.
        kilometres: u64,
    },
    /// In Northern Ireland, of which only a few postcodes may be passed on.
    #[error(
        "The built-in data has only twelve postcodes in Northern Ireland; the nearest, {postcode} ({place}), is \
         {kilometres} km away. Choose a place nearer to it, or type the postcode."
    )]
    NotInTheData {
        /// The nearest postcode.
        postcode: Postcode,
        /// The town there, or what stands there.
        place: String,
        /// Its distance, rounded up.
        kilometres: u64,
    },
    /// Not a number, or off the globe.
    #[error("That is not a place on the Earth. Choose a place in the United Kingdom.")]
    NotAPlace,
}

/// What is known of a postcode.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding<'a> {
    /// It exists.
    Live(Unit<'a>),
    /// It existed once.
    Closed(&'a Closed),
    /// It does not exist, for all that is known here.
    Unknown,
}

/// All tables, parsed.
#[derive(Debug)]
pub struct Gazetteer {
    districts: Vec<District>,
    outcodes: BTreeMap<String, Outcode>,
    listed: BTreeMap<Postcode, tables::Listed>,
    special: BTreeMap<Postcode, tables::Special>,
    closed: BTreeMap<Postcode, Closed>,
    labels: Vec<Label>,
    tree: RTree<GeomWithData<[f64; 3], Postcode>>,
}

impl Gazetteer {
    /// The one gazetteer of this process, parsed at the first call (tens of milliseconds).
    pub fn get() -> &'static Gazetteer {
        static GAZETTEER: OnceLock<Gazetteer> = OnceLock::new();
        GAZETTEER.get_or_init(Gazetteer::parse)
    }

    fn parse() -> Gazetteer {
        let (listed, special) = (tables::listed(), tables::special());
        let positions = listed.iter().map(|(postcode, row)| (*postcode, row.point()));
        let others = special.iter().filter_map(|(postcode, row)| Some((*postcode, row.point()?)));
        let leaves =
            positions.chain(others).map(|(postcode, point)| GeomWithData::new(point.on_unit_sphere(), postcode));
        Gazetteer {
            tree: RTree::bulk_load(leaves.collect()),
            districts: tables::districts(),
            outcodes: tables::outcodes(),
            closed: tables::closed(),
            labels: tables::labels(),
            listed,
            special,
        }
    }

    /// What is known of `postcode`. Its position is exact if it is listed, else the middle of its sector (quality 6,
    /// 0.7 km off as a rule).
    #[must_use]
    pub fn find(&self, postcode: Postcode) -> Finding<'_> {
        if let Some(special) = self.special.get(&postcode) {
            return Finding::Live(special.unit(postcode));
        }
        if let Some(listed) = self.listed.get(&postcode) {
            return Finding::Live(listed.unit(postcode, self.district(listed.district)));
        }
        match sectors::sector_of(postcode).filter(|sector| sector.holds(postcode)) {
            Some(sector) => Finding::Live(Unit {
                postcode,
                point: sector.point(),
                grid: None,
                quality: if sector.point().is_some() { 6 } else { 9 },
                district: self.district(sector.district()),
                country: self.district(sector.district()).map(|district| district.country.as_str()),
                special: None,
            }),
            None => self.closed.get(&postcode).map_or(Finding::Unknown, Finding::Closed),
        }
    }

    /// The nearest postcode to a click, at most 30 km away.
    ///
    /// # Errors
    /// A sentence for the person who clicked, if there is none.
    pub fn nearest(&self, at: Point) -> Result<Nearest, NoPostcodeNear> {
        let Some((postcode, metres)) = self.by_distance(at).next() else {
            return Err(NoPostcodeNear::NotAPlace);
        };
        let place = self.place_name(postcode);
        let kilometres = (metres / 1000.0).ceil() as u64;
        if metres > REACH {
            let northern_ireland = (54.0..55.3).contains(&at.latitude) && (-8.2..-5.4).contains(&at.longitude);
            return Err(if northern_ireland {
                NoPostcodeNear::NotInTheData { postcode, place, kilometres }
            } else {
                NoPostcodeNear::TooFar { postcode, place, kilometres }
            });
        }
        let point = match self.find(postcode) {
            Finding::Live(Unit { point: Some(point), .. }) => point,
            _ => at,
        };
        Ok(Nearest { postcode, point, metres, place })
    }

    /// All exactly known postcodes with their distance in metres, nearest first; none if `at` is no place on the Earth.
    fn by_distance(&self, at: Point) -> impl Iterator<Item = (Postcode, f64)> + '_ {
        let on_globe = at.latitude.abs() <= 90.0 && at.longitude.abs() <= 180.0;
        let from = at.on_unit_sphere();
        on_globe
            .then(|| self.tree.nearest_neighbor_iter(from))
            .into_iter()
            .flatten()
            .map(move |leaf| (leaf.data, arc(from, *leaf.geom())))
    }

    /// The town of a postcode, or its authority, or what stands there: "Durham", "Belfast City Hall".
    #[must_use]
    pub fn place_name(&self, postcode: Postcode) -> String {
        if let Some(special) = self.special.get(&postcode) {
            return special.note.clone();
        }
        let town = self.outcode(postcode.outcode()).map(|outcode| outcode.town.clone()).filter(|town| !town.is_empty());
        town.unwrap_or_else(|| match self.find(postcode) {
            Finding::Live(Unit { district: Some(district), .. }) => district.name.clone(),
            _ => postcode.outcode().to_owned(),
        })
    }

    /// A postcode district, by its canonical name ("DH1").
    #[must_use]
    pub fn outcode(&self, name: &str) -> Option<&Outcode> {
        self.outcodes.get(name)
    }

    /// A local authority by its row in the tables.
    fn district(&self, row: Option<u16>) -> Option<&District> {
        self.districts.get(usize::from(row?))
    }

    /// Names for the map; rank 1 is shown at every zoom, rank 3 only near.
    #[must_use]
    pub fn labels(&self) -> &[Label] {
        &self.labels
    }

    /// Every postcode whose position is exactly known, in order.
    pub fn listed(&self) -> impl Iterator<Item = Postcode> + '_ {
        self.listed.keys().copied()
    }
}

#[cfg(test)]
mod tests;
