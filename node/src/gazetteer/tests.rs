//! The data as `resources/data/SOURCE.md` describes it, and clicks on the map.

use super::*;

fn postcode(text: &str) -> Postcode {
    text.parse().unwrap()
}

fn click(latitude: f64, longitude: f64) -> Result<Nearest, NoPostcodeNear> {
    Gazetteer::get().nearest(Point { latitude, longitude })
}

#[test]
fn every_row_is_read() {
    let gazetteer = Gazetteer::get();
    assert_eq!(gazetteer.districts.len(), 350);
    assert_eq!(gazetteer.outcodes.len(), 2951);
    assert_eq!(gazetteer.listed.len(), 12_774);
    assert_eq!(gazetteer.special.len(), 15);
    assert_eq!(gazetteer.closed.len(), 120);
    assert_eq!(gazetteer.labels.len(), 145);
    assert_eq!(gazetteer.tree.size(), 12_774 + 12);
}

#[test]
fn known_postcodes_exist_and_others_do_not() {
    let gazetteer = Gazetteer::get();
    for text in ["SW1A 1AA", "DH1 3LE", "G2 1DU", "ZE1 0AA", "EC1A 1BB", "M1 1AE", "TR1 1AA", "BT1 5GS", "JE2 4WD"] {
        assert!(matches!(gazetteer.find(postcode(text)), Finding::Live(_)), "{text}");
    }
    for text in ["SW1A 1AZ", "AB45 3AD", "DN55 1PT", "ZZ99 9ZZ", "DH1 3CC", "BT1 1AA"] {
        assert!(!matches!(gazetteer.find(postcode(text)), Finding::Live(_)), "{text}");
    }
}

#[test]
fn every_listed_postcode_is_in_the_bitmap_and_has_an_outcode() {
    let gazetteer = Gazetteer::get();
    for listed in gazetteer.listed() {
        let sector = sectors::sector_of(listed).unwrap_or_else(|| panic!("{listed} has no sector"));
        assert!(sector.holds(listed), "{listed}");
        assert!(gazetteer.outcode(listed.outcode()).is_some(), "{listed}");
    }
}

#[test]
fn closed_postcodes_are_known_as_closed() {
    let gazetteer = Gazetteer::get();
    assert!(gazetteer.closed.values().all(|closed| matches!(gazetteer.find(closed.postcode), Finding::Closed(_))));
    let Finding::Closed(closed) = gazetteer.find(postcode("AB45 3AD")) else { panic!("AB45 3AD should be closed") };
    assert_eq!((closed.year, closed.month), (2016, 9));
}

#[test]
fn positions_are_exact_or_say_that_they_are_not() {
    let Finding::Live(palace) = Gazetteer::get().find(postcode("SW1A 1AA")) else { panic!("SW1A 1AA should exist") };
    assert_eq!((palace.quality, palace.grid), (1, Some((529_090, 179_645))));
    let point = palace.point.unwrap();
    assert!((point.latitude - 51.50101).abs() < 1e-5 && (point.longitude + 0.14159).abs() < 1e-5, "{point:?}");
    let district = palace.district.unwrap();
    assert_eq!((district.name.as_str(), district.region.as_str()), ("Westminster", "London"));
    assert_eq!(palace.country, Some("England"));

    let by_sector = postcodes_from("DH7").find(|unit| !Gazetteer::get().listed.contains_key(unit)).unwrap();
    let Finding::Live(unit) = Gazetteer::get().find(by_sector) else { panic!("{by_sector} should exist") };
    assert_eq!((unit.quality, unit.grid), (6, None));
    let durham = Point { latitude: 54.776, longitude: -1.575 };
    assert!(unit.point.unwrap().distance_to(durham) < 30_000.0, "{unit:?}");

    let Finding::Live(jersey) = Gazetteer::get().find(postcode("JE2 4WD")) else { panic!("JE2 4WD should exist") };
    assert_eq!((jersey.quality, jersey.point, jersey.country), (9, None, Some("Channel Islands")));
}

#[test]
fn clicks_on_towns_find_postcodes_there() {
    for (latitude, longitude, area, within) in [
        (51.5010, -0.1416, "SW", 50.0),
        (54.7731, -1.5757, "DH", 200.0),
        (55.9533, -3.1883, "EH", 300.0),
        (53.4794, -2.2453, "M", 500.0),
        (51.4816, -3.1791, "CF", 300.0),
        (55.8609, -4.2514, "G", 300.0),
        (52.4796, -1.9026, "B", 3000.0),
        (57.1497, -2.0943, "AB", 3000.0),
        (50.3755, -4.1427, "PL", 3000.0),
        (60.1545, -1.1494, "ZE", 10_000.0),
        (54.5973, -5.9301, "BT", 500.0),
        (50.1186, -5.5371, "TR", 5000.0),
    ] {
        let found = click(latitude, longitude).unwrap();
        assert_eq!(found.postcode.area(), area, "{found:?}");
        assert!(found.metres <= within, "{found:?}");
        assert!(!found.place.is_empty(), "{found:?}");
    }
    assert_eq!(click(54.7731, -1.5757).unwrap().place, "Durham");
    assert_eq!(click(54.5965, -5.9301).unwrap().place, "Belfast City Hall");
}

#[test]
fn clicks_far_from_any_postcode_are_refused_with_a_reason() {
    for (latitude, longitude) in [(53.35, -6.26), (56.0, 3.0), (48.86, 2.35), (51.9, -8.47), (0.0, 0.0), (-54.0, 178.0)]
    {
        let refusal = click(latitude, longitude).unwrap_err();
        assert!(matches!(refusal, NoPostcodeNear::TooFar { .. }), "{refusal}");
        assert!(refusal.to_string().contains(" km away. Choose a place in the United Kingdom."), "{refusal}");
    }
    let omagh = click(54.6, -7.3).unwrap_err();
    assert!(omagh.to_string().contains("only twelve postcodes in Northern Ireland"), "{omagh}");
    for (latitude, longitude) in [(f64::NAN, 0.0), (f64::INFINITY, 0.0), (91.0, 0.0), (51.0, 1e9)] {
        assert_eq!(click(latitude, longitude), Err(NoPostcodeNear::NotAPlace));
    }
}

#[test]
fn the_nearest_is_the_nearest() {
    let gazetteer = Gazetteer::get();
    for at in [Point { latitude: 59.0, longitude: -3.0 }, Point { latitude: 50.2, longitude: -5.1 }] {
        let (_, slowly) = gazetteer
            .listed
            .iter()
            .map(|(postcode, row)| (*postcode, row.point().distance_to(at)))
            .min_by(|one, other| one.1.total_cmp(&other.1))
            .unwrap();
        let distances: Vec<_> = gazetteer.by_distance(at).take(50).map(|(_, metres)| metres).collect();
        assert!((distances[0] - slowly).abs() < 0.001, "{distances:?}, {slowly}");
        assert!(distances.is_sorted());
    }
}

#[test]
fn distances_are_those_of_the_globe() {
    let (london, edinburgh) =
        (Point { latitude: 51.5074, longitude: -0.1278 }, Point { latitude: 55.9533, longitude: -3.1883 });
    assert!((london.distance_to(edinburgh) - 534_000.0).abs() < 1_500.0, "{}", london.distance_to(edinburgh));
    assert_eq!(london.in_millionths(), (51_507_400, -127_800));
}

#[test]
fn the_outline_is_closed_land() {
    assert_eq!(outline().len(), 61);
    let points = |land: &Polygon| land.shore.len() + land.holes.iter().map(Vec::len).sum::<usize>();
    assert_eq!(outline().iter().map(points).sum::<usize>(), 3708);
    assert!(outline().iter().any(|land| land.kind == LandKind::Context));
    for land in outline() {
        assert!(land.shore.len() >= 4 && land.shore.first() == land.shore.last());
        assert!(
            land.shore.iter().all(|at| (45.0..62.0).contains(&at.latitude) && (-12.0..9.0).contains(&at.longitude))
        );
    }
}

#[test]
fn the_attribution_is_that_of_the_data() {
    let source = include_str!("../../../resources/data/SOURCE.md");
    for line in ATTRIBUTION {
        assert!(source.contains(line), "{line}");
    }
}
