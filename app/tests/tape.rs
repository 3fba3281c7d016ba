//! The tape: any moment is what a fold from the beginning gives, files come back as they were, and damage is told of.
#![expect(clippy::unwrap_used, reason = "a test may fail by unwrap, its own parts too")]

mod lecture;

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use knowledge::picture::{MarkKind, Picture};
use knowledge::tape::{self, Entry, Moment, OpenError, Opened, Tape};
use lecture::lecture;
use wording::search::{Found, Query};

fn folded(entries: &[Entry], now: u64) -> Picture {
    let mut picture = Picture::default();
    for entry in entries {
        if let Entry::Fact(record) = entry {
            picture.apply(record);
        }
    }
    picture.set_now(now);
    picture
}

fn recorded(entries: &[Entry], room: usize) -> (Tape, Picture) {
    let (mut tape, mut picture) = (Tape::with_room(room), Picture::default());
    for entry in entries {
        tape.take_in(&mut picture, entry.clone());
    }
    (tape, picture)
}

fn written(tape: &Tape) -> Vec<u8> {
    let mut bytes = Vec::new();
    tape.copy().write(&mut bytes).unwrap();
    bytes
}

fn lines(tape: &Tape) -> String {
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&written(tape)[..]), &mut text).unwrap();
    text
}

fn entries_of(tape: &Tape) -> Vec<Entry> {
    (tape.first()..tape.end()).map(|number| tape.entry(number).unwrap()).collect()
}

fn same(one: &Picture, other: &Picture) -> bool {
    format!("{one:?}") == format!("{other:?}")
}

#[test]
fn a_look_at_any_moment_is_a_fold_from_the_beginning() {
    let entries = lecture(5_000);
    let (tape, picture) = recorded(&entries, usize::MAX);
    assert!(same(&picture, &folded(&entries, 0)));
    let mut moment = Moment::at(&tape, tape.end());
    let mut seed = 3usize;
    for _ in 0..40 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // Small steps to and fro, and leaps.
        let end = match (seed >> 40) % 3 {
            0 => (seed >> 33) % (entries.len() + 1),
            1 => (moment.end + 7).min(entries.len()),
            _ => moment.end.saturating_sub((seed >> 33) % 900),
        };
        moment.go_to(&tape, end);
        assert_eq!(moment.end, end);
        assert!(same(&moment.picture, &folded(&entries[..end], tape.time_at(end))), "at {end}");
    }
}

#[test]
fn a_full_tape_lets_its_beginning_go_and_knows_what_stood_then() {
    let entries = lecture(12_000);
    let (tape, picture) = recorded(&entries, 1_500_000);
    assert!(tape.first() > 2_000 && tape.end() == entries.len() && tape.bytes() <= 1_500_000);
    let first = tape.first();
    for end in [first, first + 1, first + 3_000, tape.end()] {
        let moment = Moment::at(&tape, end);
        assert!(same(&moment.picture, &folded(&entries[..end], tape.time_at(end))), "at {end}");
    }
    assert_eq!(Moment::at(&tape, 0).end, first, "nobody can look further back");
    let opened = tape::read(&written(&tape)[..]).unwrap();
    assert!(opened.notes[0].contains(&format!("The first {first} entries")), "{:?}", opened.notes);
    let names =
        |picture: &Picture| picture.nodes.iter().map(|node| (node.name.clone(), node.runs())).collect::<Vec<_>>();
    assert_eq!(names(&opened.picture), names(&picture));
    assert_eq!(opened.picture.customers.len(), 3);
    assert_eq!(opened.tape.message_index().judged().lights.contradictions.lost, 0);
}

#[test]
fn a_saved_tape_comes_back_as_it_was() {
    let entries = lecture(3_000);
    let (tape, picture) = recorded(&entries, usize::MAX);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lecture.jhtape");
    std::fs::write(&path, "what was there before").unwrap();
    tape::save(&tape.copy(), &path).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    let Opened { tape: opened, picture: shown, notes, bad_line } = tape::open(&path).unwrap();
    assert_eq!((notes, bad_line), (vec![], None));
    assert_eq!(entries_of(&opened), entries);
    assert!(same(&shown, &picture));
    assert_eq!(opened.message_index().judged().lights, tape.message_index().judged().lights);
    assert_eq!(tape::read(lines(&tape).as_bytes()).unwrap().notes, Vec::<String>::new(), "uncompressed, too");
}

#[test]
fn a_tape_that_cannot_be_saved_is_told_of_and_leaves_nothing() {
    let (tape, _) = recorded(&lecture(100), usize::MAX);
    let folder = tempfile::tempdir().unwrap();
    let refused = |path: std::path::PathBuf| tape::save(&tape.copy(), &path).unwrap_err().to_string();
    assert!(refused(folder.path().join("nowhere").join("x")).contains("there is no folder"));
    assert!(refused("/".into()).contains("is not a file name"));
    std::fs::create_dir(folder.path().join("taken")).unwrap();
    assert!(refused(folder.path().join("taken")).starts_with("The file was not saved to"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "the folder that was there");
    let full = std::path::Path::new("/dev/full");
    if full.exists() {
        let mut sink = std::fs::OpenOptions::new().write(true).open(full).unwrap();
        assert_eq!(tape.copy().write(&mut sink).unwrap_err().kind(), std::io::ErrorKind::StorageFull);
    }
}

#[test]
fn a_tape_that_is_cut_off_anywhere_opens_as_far_as_it_goes() {
    let entries: Vec<Entry> = lecture(20).into_iter().step_by(3).take(14).collect();
    let (tape, _) = recorded(&entries, usize::MAX);
    let (text, compressed) = (lines(&tape).into_bytes(), written(&tape));
    for whole in [&text, &compressed] {
        for length in 0..whole.len() {
            match tape::read(&whole[..length]) {
                Ok(opened) => {
                    let kept = entries_of(&opened.tape);
                    assert_eq!(kept[..], entries[..kept.len()], "cut off at {length}");
                    // Only the check sum, or the last line's end, may be missing without loss.
                    assert!(
                        !opened.notes.is_empty() || length >= whole.len() - 8,
                        "cut off at {length}: nothing was said"
                    );
                }
                Err(OpenError::NoTape(_)) => {}
                Err(error) => panic!("cut off at {length}: {error}"),
            }
        }
    }
    let last = tape::read(&text[..text.len() - 30]).unwrap();
    assert_eq!(last.notes, ["The tape was cut off after line 14; only the part before that is shown."]);
    assert_eq!(last.bad_line, Some(15));
}

#[test]
fn a_flipped_bit_never_breaks_the_reader() {
    let entries: Vec<Entry> = lecture(20).into_iter().step_by(3).take(14).collect();
    let (tape, _) = recorded(&entries, usize::MAX);
    for whole in [lines(&tape).into_bytes(), written(&tape)] {
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << (at % 8);
            if let Ok(opened) = tape::read(&flipped[..]) {
                assert!(opened.tape.end() <= entries.len() + 1);
                let moment = Moment::at(&opened.tape, opened.tape.end() / 2);
                assert!(moment.picture.nodes.running() < 20);
            }
        }
    }
}

#[test]
fn what_is_no_tape_is_refused_with_the_line() {
    for (bytes, why) in [
        (&b""[..], "the file is empty"),
        (b"title = \"Chaos\"\n", "line 1"),
        (b"{\"type\":\"init\",\"postcode\":\"M1 1AE\",\"value\":[]}\n", "missing field `just-hungry-tape`"),
        (b"\x1f\x8bnonsense", "damaged at its beginning"),
        (b"\x89PNG\r\n\x1a\n", "line 1"),
    ] {
        let error = tape::read(bytes).unwrap_err().to_string();
        assert!(error.contains("This is not a tape") && error.contains(why), "{error}");
    }
    assert!(tape::open(&std::env::temp_dir()).unwrap_err().to_string().contains("it is not a file"));
}

#[test]
fn tapes_of_other_versions_show_what_is_understood() {
    let (tape, _) = recorded(&lecture(20), usize::MAX);
    let newer = lines(&tape).replace("\"just-hungry-tape\":2", "\"just-hungry-tape\":3");
    let mut text: Vec<&str> = newer.lines().collect();
    text.insert(3, r#"{"hologram":{"at":5}}"#);
    text.insert(4, r#"{"fact":{"node":1,"at":2,"event":{"Levitated":{"height":\"\u001b[31m\"}}}}"#);
    let opened = tape::read(text.join("\n").as_bytes()).unwrap();
    assert!(opened.notes[0].contains("format 3"), "{:?}", opened.notes);
    assert!(opened.notes[1].starts_with("Line 4 is not valid and is skipped: unknown variant `hologram`"));
    assert_eq!(opened.tape.end(), tape.end());
    assert_eq!(opened.bad_line, Some(4));
}

#[test]
fn a_malicious_tape_is_kept_within_limits() {
    let header = "{\"just-hungry-tape\":2}\n";
    let bomb = |lines: &[u8], times: usize| {
        let mut file = GzEncoder::new(Vec::new(), Compression::fast());
        file.write_all(header.as_bytes()).unwrap();
        (0..times).for_each(|_| file.write_all(lines).unwrap());
        file.finish().unwrap()
    };
    let zeros = tape::read(&bomb(&[b'0'; 65_536], 100)[..]).unwrap();
    assert_eq!(zeros.notes, ["Line 2 is longer than 4 MiB; only the tape before it is shown."]);
    let blank = tape::read(&bomb(&[b'\n'; 65_536], 10)[..]).unwrap();
    assert_eq!(blank.notes.len(), 2, "{:?}", blank.notes);
    let mut many = header.to_owned();
    for id in 0..5_000 {
        many += &format!(
            "{{\"fact\":{{\"node\":{id},\"at\":1,\"event\":{{\"Started\":{{\"name\":\"n{id}\",\"actor\":{{\"Role\":\"Replica\"}},\
             \"pid\":1,\"contact\":{{\"id\":{id},\"address\":\"127.0.0.1:1\"}}}}}}}}}}\n"
        );
    }
    let many = tape::read(many.as_bytes()).unwrap();
    assert_eq!(many.picture.nodes.iter().count(), 2_000);
    assert!(many.notes[0].contains("more than 2000 processes"), "{:?}", many.notes);
    let late = format!("{header}{{\"fact\":{{\"node\":1,\"at\":18446744073709551615,\"event\":\"Woke\"}}}}\n");
    assert!(tape::read(late.as_bytes()).unwrap().notes[0].contains("later than the longest possible run"));
    let evil = format!(
        "{header}{{\"fact\":{{\"node\":1,\"at\":1,\"event\":{{\"Log\":{{\"text\":\"a\\u001b[2J\\nb\"}}}}}}}}\n"
    );
    let evil = tape::read(evil.as_bytes()).unwrap();
    assert_eq!(wording::line_of_log(evil.picture.log.lines().next().unwrap()).1, "a\\u{1b}[2J\\nb");
}

/// What a tape takes is bounded in bytes, whatever they are spent on: long texts, and many short ones.
#[test]
fn a_tape_of_long_refusals_is_kept_within_memory() {
    let tape_of = |lines: usize, length: usize| {
        let mut file = GzEncoder::new(Vec::new(), Compression::fast());
        file.write_all(b"{\"just-hungry-tape\":2}\n").unwrap();
        for at in 0..lines {
            let why = "It is away. ".repeat(length / 12);
            let line = format!(
                "{{\"fact\":{{\"node\":1,\"at\":{at},\"event\":{{\"CommandRefused\":{{\"why\":{{\"Words\":\"{at} {why}\"}}}}}}}}}}\n"
            );
            file.write_all(line.as_bytes()).unwrap();
        }
        tape::read(&file.finish().unwrap()[..]).unwrap()
    };
    let long = tape_of(130, 1_000_000);
    assert!(long.tape.bytes() <= 100 << 20 && long.tape.end() > 100, "{} of {}", long.tape.bytes(), long.tape.end());
    assert!(long.notes[0].contains("The tape is too large"), "{:?}", long.notes);
    assert!(long.picture.log.lines().map(|line| wording::line_of_log(line).1.len()).sum::<usize>() <= 1 << 20);
    assert!(long.picture.notices.iter().all(|(_, why)| wording::denial(why, |id| id.to_string()).len() < 6_000));
    let last = long.tape.entry(long.tape.end() - 1).unwrap();
    assert!(format!("{last:?}").len() > 1_000_000, "the tape itself has it whole");
    let many = tape_of(2_000, 5_000);
    assert_eq!((many.tape.end(), many.notes.len()), (2_000, 1), "{:?}", many.notes);
    assert!(many.picture.log.lines().map(|line| wording::line_of_log(line).1.len()).sum::<usize>() <= 1 << 20);
}

#[test]
fn steps_go_to_and_fro_message_by_message() {
    let entries = lecture(60);
    let (tape, _) = recorded(&entries, usize::MAX);
    let mut forward = vec![0];
    while tape.step_after(*forward.last().unwrap()) < tape.end() {
        forward.push(tape.step_after(*forward.last().unwrap()));
    }
    assert!(forward.len() > 100);
    for pair in forward.windows(2).skip(1) {
        let undone = tape.step_before(pair[1]);
        assert!(undone >= pair[0] && undone < pair[1], "{pair:?}: {undone}");
    }
    assert_eq!(tape.end_at(tape.time_at(30)), 30, "moments are distinct here");
    assert_eq!((tape.end_at(0), tape.end_at(u64::MAX)), (0, tape.end()));
}

#[test]
fn a_search_ignores_what_nobody_sees() {
    assert_eq!(Query::parse("\u{feff}order\u{200b} 7\u{2060}"), Query::parse("order 7"));
}

#[test]
fn what_is_looked_for_is_found() {
    let (tape, picture) = recorded(&lecture(6_000), usize::MAX);
    let hits = |text: &str| Query::parse(text).hits(tape.message_index(), &picture);
    let order = hits("order 7");
    assert!(matches!(order[0].what, Found::Request(request) if request.number.unwrap().0 == 7));
    let steps: Vec<u8> =
        order.iter().filter_map(|hit| if let Found::Message(it) = hit.what { Some(it.step) } else { None }).collect();
    assert_eq!(steps, [9, 10, 11, 12, 5, 6, 5, 6, 13, 14]);
    assert_eq!(hits("order 7 [5] replica-2").len(), 1);
    let views = hits("view change");
    assert!(
        !views.is_empty()
            && views.iter().all(|hit| matches!(hit.what, Found::Mark(mark) if matches!(mark.kind, MarkKind::View(_))))
    );
    assert!(hits("crash").iter().any(|hit| matches!(hit.what, Found::Mark(mark) if mark.kind == MarkKind::Ended)));
    assert!(hits("Grace/4").iter().all(|hit| matches!(hit.what, Found::Request(_))));
    assert!(hits("teapot").is_empty() && hits("  ").is_empty());
    let recalled = order.iter().find_map(|hit| if let Found::Message(it) = hit.what { tape.recall(it) } else { None });
    assert_eq!(wording::label(&recalled.unwrap().facts.summary), "order to M1 1AE");
}

#[test]
fn the_verdict_of_any_moment_is_known() {
    let (tape, _) = recorded(&lecture(600), usize::MAX);
    let at = |end: usize| tape.message_index().judged_at(end).lights.acknowledged;
    assert_eq!((at(0), at(tape.end()) > 40), (0, true));
    let answered = (0..tape.end()).find(|end| at(*end) == 5).unwrap();
    assert!(format!("{:?}", tape.entry(answered - 1)).contains("Answered"), "from the very answer on");
}
