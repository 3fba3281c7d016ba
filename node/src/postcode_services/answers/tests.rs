//! Every row of the table of answers, on bodies as the services really send them.

use super::*;

/// postcodes.io, found, with its real fields (some left out).
const IO_FOUND: &str = r#"{ "status": 200, "result": { "postcode": "SW1A 1AA", "quality": 1,
    "eastings": 529090, "northings": 179645, "country": "England", "nhs_ha": "London", "longitude": -0.141588,
    "latitude": 51.501009, "region": "London", "incode": "1AA", "outcode": "SW1A", "admin_district": "Westminster",
    "admin_county": null, "admin_ward": null, "parish": null, "date_of_introduction": "198001",
    "codes": { "admin_district": "E09000033", "admin_county": "E99999999" } } }"#;
const IO_JERSEY: &str = r#"{ "status": 200, "result": { "postcode": "JE2 4WD", "quality": 9, "eastings": null,
    "northings": null, "country": "Channel Islands", "longitude": null, "latitude": null, "region": null,
    "admin_district": null } }"#;
const IO_BAD_SHAPE: &str = r#"{ "status": 404, "error": "Invalid postcode" }"#;
const IO_NOT_FOUND: &str = r#"{ "status": 404, "error": "Postcode not found" }"#;
const IO_CLOSED: &str = r#"{ "status": 404, "error": "Postcode not found", "terminated": { "postcode": "AB45 3AD",
    "year_terminated": 2016, "month_terminated": 9, "longitude": -2.4648, "latitude": 57.6359 } }"#;
const IO_BROKEN: &str = r#"{ "status": 500, "error": "500 Server Error.\nFor an urgent fix …" }"#;

const DATA_UNIT: &str = r#"{ "status": "match", "match_type": "unit_postcode", "input": "DH1 3LE",
    "data": { "postcode": "DH1 3LE", "status": "live", "usertype": "small", "easting": 427643, "northing": 541549,
      "positional_quality_indicator": 1, "country": "England", "latitude": "54.768110", "longitude": "-1.571870",
      "postcode_no_space": "DH13LE", "postcode_fixed_width_seven": "DH1 3LE", "outcode": "DH1", "incode": "3LE" },
    "copyright": ["Contains OS data (c) Crown copyright and database right 2024"] }"#;
const DATA_PART: &str = r#"{ "status": "match", "match_type": "postcode_district", "input": "DH1", "data": {} }"#;
const DATA_NO_MATCH: &str = r#"{ "status": "no_match", "input": "ZZ99 9ZZ" }"#;

use PostcodeService::{GetTheData, PostcodesIo};

fn about(by: PostcodeService, asked: &str, status: u16, body: &str) -> Meaning {
    read(by, asked.parse().unwrap(), status, body.as_bytes())
}

fn valid(by: PostcodeService, place: &str) -> Meaning {
    Meaning::Says(Verdict::Valid { place: Some(place.into()), by })
}

fn refusal(meaning: Meaning) -> String {
    match meaning {
        Meaning::Says(Verdict::Invalid { why, .. }) => why,
        other => panic!("{other:?} should be a refusal"),
    }
}

fn assert_unavailable(meaning: Meaning) {
    let Meaning::Unavailable(why) = meaning else { panic!("{meaning:?} should not be an answer") };
    assert!(why.ends_with('.'), "{why}");
}

#[test]
fn postcodes_io_200_is_valid_even_without_a_position() {
    assert_eq!(about(PostcodesIo, "SW1A 1AA", 200, IO_FOUND), valid(PostcodesIo, "Westminster"));
    assert_eq!(about(PostcodesIo, "JE2 4WD", 200, IO_JERSEY), valid(PostcodesIo, "Channel Islands"));
    let bare = about(PostcodesIo, "DH1 3LE", 200, r#"{"result":{"postcode":"DH13LE"}}"#);
    assert_eq!(bare, Meaning::Says(Verdict::Valid { place: None, by: PostcodesIo }));
}

#[test]
fn postcodes_io_404_is_an_answer_whatever_the_error() {
    for body in [IO_BAD_SHAPE, IO_NOT_FOUND, r#"{"status":404,"error":"Resource not found"}"#] {
        let why = refusal(about(PostcodesIo, "DH1 3CC", 404, body));
        assert!(why.contains("postcodes.io says that there is no postcode DH1 3CC"), "{why}");
    }
    let why = refusal(about(PostcodesIo, "AB45 3AD", 404, IO_CLOSED));
    assert!(why.contains("AB45 3AD was closed in 2016"), "{why}");
}

#[test]
fn postcodes_io_400_is_our_own_fault() {
    let meaning = about(PostcodesIo, "DH1 3LE", 400, r#"{"status":400,"error":"Invalid result limit submitted"}"#);
    assert!(matches!(meaning, Meaning::OurFault(_)), "{meaning:?}");
}

#[test]
fn what_is_not_an_answer_leaves_the_question_open() {
    for (status, body) in [
        (429, r#"{"status":429,"error":"Too many requests"}"#),
        (500, IO_BROKEN),
        (503, "Service Unavailable"),
        (502, "<html>Bad gateway</html>"),
        (301, ""),
        (403, "blocked"),
        (200, "<html>Please log in to the hotel's network</html>"),
        (404, "<html>Not found</html>"),
        (200, r#"{"status":200}"#),
        (200, r#"{"status":200,"result":null}"#),
        (200, r#"{"status":200,"result":{"country":"England"}}"#),
        (200, r#"{"status":200,"result":true}"#),
        (404, r#"{"status":404}"#),
        (200, ""),
        (200, &IO_FOUND[..IO_FOUND.len() / 2]),
        (200, &"[".repeat(60_000)),
    ] {
        assert_unavailable(about(PostcodesIo, "SW1A 1AA", status, body));
        assert_unavailable(about(GetTheData, "SW1A 1AA", status, body));
    }
}

#[test]
fn an_answer_about_something_else_is_none() {
    assert_unavailable(about(PostcodesIo, "DH1 3LE", 200, IO_FOUND));
    assert_unavailable(about(GetTheData, "SW1A 1AA", 200, DATA_UNIT));
}

#[test]
fn get_the_data_says_yes_only_to_a_whole_live_postcode() {
    assert_eq!(about(GetTheData, "DH1 3LE", 200, DATA_UNIT), valid(GetTheData, "England"));
    let closed = DATA_UNIT.replace("\"live\"", "\"terminated\"");
    assert!(refusal(about(GetTheData, "DH1 3LE", 200, &closed)).contains("was closed"));
    assert!(refusal(about(GetTheData, "DH1 3LE", 200, DATA_PART)).contains("only part of a postcode"));
    let unheard = DATA_UNIT.replace("unit_postcode", "something_else");
    assert!(refusal(about(GetTheData, "DH1 3LE", 200, &unheard)).contains("only part of a postcode"));
    assert_unavailable(about(GetTheData, "DH1 3LE", 200, &DATA_UNIT.replace("\"live\"", "\"asleep\"")));
    assert_unavailable(about(GetTheData, "DH1 3LE", 200, r#"{"status":"match","match_type":"unit_postcode"}"#));
    assert_unavailable(about(GetTheData, "DH1 3LE", 200, r#"{"status":"match","data":{"postcode":"DH1 3LE"}}"#));
}

#[test]
fn get_the_data_no_is_as_old_as_its_data_and_ends_at_the_irish_sea() {
    for status in [200, 404] {
        let why = refusal(about(GetTheData, "ZZ99 9ZZ", status, DATA_NO_MATCH));
        assert!(why.contains("in August 2023"), "{why}");
        let Meaning::Unavailable(why) = about(GetTheData, "BT1 5GS", status, DATA_NO_MATCH) else {
            panic!("it cannot know of Northern Ireland")
        };
        assert!(why.contains("Northern Ireland"), "{why}");
    }
}

#[test]
fn names_from_outside_are_short_and_harmless() {
    let body = |place: &str| {
        serde_json::json!({ "result": { "postcode": "DH1 3LE", "admin_district": place, "country": "England" } })
            .to_string()
    };
    for (given, shown) in [
        ("Bristol, City of", "Bristol, City of"),
        ("Ynys Môn", "Ynys Môn"),
        ("\u{1b}[31mred\u{202e}\0", "31mred"),
        ("<b>", "b"),
        ("\n\t", "England"),
        (&"x".repeat(5000), &"x".repeat(LONGEST_NAME)),
    ] {
        assert_eq!(about(PostcodesIo, "DH1 3LE", 200, &body(given)), valid(PostcodesIo, shown));
    }
}
