//! Which postcodes of Great Britain exist: a bitmap for each sector, searched as it lies in the program file.
//!
//! The format of `uk-sectors.bin` is described in `resources/data/SOURCE.md`. Nothing is copied or parsed. Northern
//! Ireland, the Channel Islands and the Isle of Man are not in it.

use protocol::postcode::Postcode;

use super::Point;

static SECTORS: &[u8] = include_bytes!("../../../resources/data/uk-sectors.bin");
const HEADER: usize = 16;
const RECORD: usize = 62;
const NOTHING: u16 = u16::MAX;

/// The letters that the last two places of a postcode can have, in the order of the bitmap.
const LETTERS: &[u8; 20] = b"ABDEFGHJLNPQRSTUWXYZ";

/// "DH1 3": up to 400 postcodes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sector(&'static [u8; RECORD]);

/// The record of the sector that `postcode` would belong to.
pub(super) fn sector_of(postcode: Postcode) -> Option<Sector> {
    let mut key = [b' '; 5];
    let (outcode, incode) = postcode.as_str().split_once(' ')?;
    key[..outcode.len()].copy_from_slice(outcode.as_bytes());
    key[4] = *incode.as_bytes().first()?;
    let records = records();
    let at = records.binary_search_by(|record| record[..5].cmp(&key)).ok()?;
    Some(Sector(&records[at]))
}

/// All live postcodes whose letters and digits (without the space) begin with `prefix`, in alphabetical order of those.
/// `prefix` is in capitals.
pub fn postcodes_from(prefix: &str) -> impl Iterator<Item = Postcode> {
    let mut fitting: Vec<(String, Sector)> = records()
        .iter()
        .map(|record| (Sector(record).compact_name(), Sector(record)))
        .filter(|(name, _)| name.starts_with(prefix) || prefix.starts_with(name.as_str()))
        .collect();
    // A letter follows each name: "DH111" (DH11 1) with its postcodes comes before "DH11" (DH1 1) with its own.
    fitting.sort_by_cached_key(|(name, _)| format!("{name}A"));
    let prefix = prefix.to_owned();
    fitting
        .into_iter()
        .flat_map(|(name, sector)| sector.units().map(move |unit| format!("{name}{unit}")))
        .filter(move |text| text.starts_with(&prefix))
        .filter_map(|text| text.parse().ok())
}

fn records() -> &'static [[u8; RECORD]] {
    SECTORS.get(HEADER..).unwrap_or_default().as_chunks::<RECORD>().0
}

impl Sector {
    /// Whether the last two letters of `postcode`, which belongs here, are in use.
    pub(super) fn holds(self, postcode: Postcode) -> bool {
        let [.., first, second] = postcode.as_str().as_bytes() else { return false };
        let index = |letter: &u8| LETTERS.iter().position(|known| known == letter);
        index(first).zip(index(second)).is_some_and(|(first, second)| self.bit(20 * first + second))
    }

    /// The mean position of its postcodes.
    pub(super) fn point(self) -> Option<Point> {
        let (latitude, longitude) = (self.number(6), self.number(8));
        (latitude != NOTHING || longitude != NOTHING).then(|| Point {
            latitude: f64::from(latitude) / 4096.0 + 49.0,
            longitude: f64::from(longitude) / 4096.0 - 9.0,
        })
    }

    /// Row of its local authority.
    pub(super) fn district(self) -> Option<u16> {
        Some(self.number(10)).filter(|row| *row != NOTHING)
    }

    /// "DH13".
    fn compact_name(self) -> String {
        self.0[..5].iter().filter(|byte| **byte != b' ').map(|byte| char::from(*byte)).collect()
    }

    /// The last two letters of each of its postcodes, in order.
    fn units(self) -> impl Iterator<Item = String> {
        (0..400).filter(move |bit| self.bit(*bit)).map(|bit| {
            let letters = [LETTERS[bit / 20], LETTERS[bit % 20]];
            letters.map(char::from).iter().collect()
        })
    }

    fn bit(self, index: usize) -> bool {
        self.0[12 + index / 8] >> (index % 8) & 1 == 1
    }

    fn number(self, at: usize) -> u16 {
        u16::from_le_bytes([self.0[at], self.0[at + 1]])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_as_described() {
        assert_eq!(&SECTORS[..8], b"UKSECT1\n");
        assert_eq!(SECTORS[8..12], 10_878u32.to_le_bytes());
        assert_eq!(SECTORS[12..16], 20_250_422u32.to_le_bytes());
        assert_eq!(SECTORS.len(), HEADER + 10_878 * RECORD);
        assert!(records().is_sorted_by(|one, other| one[..5] < other[..5]));
    }

    #[test]
    fn every_postcode_of_great_britain_is_in_it_once() {
        let bits: u32 = records().iter().flat_map(|record| &record[12..]).map(|byte| byte.count_ones()).sum();
        assert_eq!(bits, 1_743_449);
    }

    #[test]
    fn postcodes_are_found_by_how_they_begin() {
        let found: Vec<_> = postcodes_from("SW1A1A").map(|postcode| postcode.to_string()).collect();
        assert!(found.contains(&"SW1A 1AA".to_owned()) && !found.contains(&"SW1A 1AZ".to_owned()), "{found:?}");
        assert!(postcodes_from("DH1").any(|postcode| postcode.as_str() == "DH1 3LE"));
        assert!(
            postcodes_from("DH1").any(|postcode| postcode.as_str().starts_with("DH10") || postcode.outcode() == "DH1")
        );
        assert_eq!(postcodes_from("QQ").count(), 0);
        let durham: Vec<_> = postcodes_from("DH").map(|postcode| postcode.as_str().replace(' ', "")).collect();
        assert!(durham.is_sorted() && durham.len() > 5000, "{}", durham.len());
    }
}
