//! Damage of every kind is noticed, and what was never promised is cut off.

use std::sync::Arc;

use super::*;
use crate::ids::{CustomerId, OpNumber, OrderNumber, RequestId, RequestNumber, Timestamp, View, ViewNumber};
use crate::order_book::{Entry, EntryEffect, Outcome};

const SIZE: usize = 64 * 1024;

fn label() -> Label {
    Label { cluster: Some(3), node: NodeId(11), name: "replica-1".into(), file: 7 }
}

fn entry(op: u64) -> Kept {
    let request = RequestId { customer: CustomerId(u128::from(op)), number: RequestNumber(op) };
    let (number, at) = (OrderNumber(op), Timestamp(1_700_000_000_000 + op));
    let effect = EntryEffect::Accepted {
        postcode: "EH1 1RE".parse().unwrap(),
        items: vec!["Pad thai".into(), "Lemonade".into()],
        number,
        at,
    };
    let outcome = Outcome::NeverPlaced;
    Kept::Entry(Arc::new(Entry { op: OpNumber(op), view: ViewNumber(1), request, effect, outcome }))
}

fn put(file: &mut [u8], (at, mark): (u64, [u8; MARK])) {
    file[at as usize..][..MARK].copy_from_slice(&mark);
}

/// A log, and what is in it. Its last `unpromised` entries lie beyond the mark.
fn log(entries: u64, unpromised: u64) -> (Vec<u8>, Vec<Kept>) {
    let mut kept = vec![Kept::Begins];
    kept.push(Kept::View(View::new(ViewNumber(1), NodeId(11), vec![NodeId(11), NodeId(22)])));
    kept.push(Kept::Whole(None));
    kept.extend((1..=entries).map(entry));
    let (mut writer, mut file) = Writer::begin(&label());
    for (at, record) in kept.iter().enumerate() {
        if at as u64 + unpromised == kept.len() as u64 {
            put(&mut file, writer.mark());
        }
        writer.append(record, &mut file).unwrap();
        assert_eq!(writer.length(), file.len() as u64);
    }
    if unpromised == 0 {
        put(&mut file, writer.mark());
        assert!(writer.is_marked());
    }
    (file, kept)
}

fn full_log() -> Vec<u8> {
    let (one, two) = (log(1, 0).0.len(), log(2, 0).0.len());
    let mut entries = ((SIZE - one) / (two - one)) as u64;
    while log(entries, 0).0.len() < SIZE {
        entries += 1;
    }
    log(entries, 0).0
}

/// All records of a file; fewer at a time than it has, so that readers must ask for more.
fn read(file: &[u8]) -> Result<(Label, Vec<Kept>, Reader), FileError> {
    let (mut reader, label) = Reader::open(&file[..file.len().min(HEADER)], file.len() as u64)?;
    let mut records = Vec::new();
    let mut seen = 0;
    loop {
        let at = reader.at() as usize;
        match reader.next(&file[at..at + seen])? {
            Next::Record(kept, size) => {
                records.push(kept);
                assert_eq!(reader.at() as usize, at + size);
                seen = 0;
            }
            Next::Needs(size) => {
                assert!(size > seen && at + size <= file.len());
                seen = size;
            }
            Next::Ends => return Ok((label, records, reader)),
        }
    }
}

/// From a reader that stands before the damage, to the end or the first error.
fn read_on(mut reader: Reader, file: &[u8]) -> Result<(), FileError> {
    while let Next::Record(..) = reader.next(&file[reader.at() as usize..])? {}
    Ok(())
}

#[test]
fn what_was_written_is_read_and_can_be_continued() {
    let (mut file, kept) = log(20, 0);
    let (found, records, reader) = read(&file).unwrap();
    assert_eq!((found, records), (label(), kept));
    let mut writer = reader.into_writer();
    assert!(writer.is_marked());
    writer.append(&entry(21), &mut file).unwrap();
    put(&mut file, writer.mark());
    let (_, records, reader) = read(&file).unwrap();
    assert_eq!((records.last(), reader.into_writer()), (Some(&entry(21)), writer));
}

#[test]
fn every_flipped_bit_of_a_log_is_noticed() {
    let file = full_log();
    assert!(file.len() >= SIZE);
    // What comes before the damage reads as it always does, so reading begins at the damaged record.
    let (mut reader, _) = Reader::open(&file[..HEADER], file.len() as u64).unwrap();
    let mut flipped = file.clone();
    let mut flips = 0;
    for bit in 0..HEADER * 8 {
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(Reader::open(&flipped[..HEADER], file.len() as u64).is_err(), "bit {bit} of the header");
        flipped[bit / 8] ^= 1 << (bit % 8);
        flips += 1;
    }
    loop {
        let before = reader.clone();
        let at = before.at() as usize;
        let Next::Record(_, size) = reader.next(&file[at..]).unwrap() else { break };
        for bit in at * 8..(at + size) * 8 {
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(read_on(before.clone(), &flipped), Err(FileError::Record(at as u64)), "bit {bit}");
            flipped[bit / 8] ^= 1 << (bit % 8);
            flips += 1;
        }
    }
    assert_eq!((flips, flipped), (file.len() * 8, file));
}

#[test]
fn every_truncation_of_a_log_is_noticed() {
    let file = full_log();
    for length in 0..file.len() {
        let found = Reader::open(&file[..length.min(HEADER)], length as u64).map(|_| ());
        match length {
            0..16 => assert_eq!(found, Err(FileError::NoLog)),
            16..20 => assert_eq!(found, Err(FileError::Header)),
            _ => assert!(matches!(found, Err(FileError::Truncated { .. })), "cut to {length} bytes: {found:?}"),
        }
    }
}

/// A crash in the middle of a batch that was never promised: everything before it is there, and all whole records of it.
#[test]
fn a_torn_tail_is_cut_off_at_every_byte() {
    let (file, kept) = log(40, 10);
    let (_, _, whole) = read(&file).unwrap();
    let promised = whole.promised as usize;
    assert!(promised < file.len() - 10 * 20 && promised > HEADER);
    for length in promised..=file.len() {
        let (_, records, reader) = read(&file[..length]).unwrap();
        assert!(records.len() >= kept.len() - 10 && records[..] == kept[..records.len()], "cut to {length} bytes");
        assert!(reader.at() as usize <= length);
        // Some file systems grow a file before its content is there.
        let mut grown = file[..length].to_vec();
        grown.resize(file.len(), 0);
        let (_, of_grown, reader_of_grown) = read(&grown).unwrap();
        assert!(of_grown.len() >= records.len() && of_grown[..] == kept[..of_grown.len()]);
        // What is written behind the cut is read again.
        grown.truncate(reader_of_grown.at() as usize);
        let mut writer = reader_of_grown.into_writer();
        writer.append(&Kept::Begins, &mut grown).unwrap();
        put(&mut grown, writer.mark());
        assert_eq!(read(&grown).unwrap().1.last(), Some(&Kept::Begins));
    }
    for bit in promised * 8..file.len() * 8 {
        let mut flipped = file.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let (_, records, _) = read(&flipped).unwrap();
        assert!(records.len() >= kept.len() - 10 && records.len() < kept.len());
        assert_eq!(records[..], kept[..records.len()], "bit {bit}");
    }
}

/// The content of one file never continues another, and no record counts in the place of another.
#[test]
fn records_count_only_in_their_file_and_place() {
    let (file, _) = log(3, 0);
    let (_, mut other) = Writer::begin(&Label { file: 8, ..label() });
    other.extend_from_slice(&file[HEADER..]);
    assert_eq!(read(&other).map(|(_, records, _)| records), Ok(Vec::new()));
    other[MARKS[0]..HEADER].copy_from_slice(&file[MARKS[0]..HEADER]);
    assert_eq!(read(&other), Err(FileError::Mark));

    let (_, _, end) = read(&file).unwrap();
    let size = (file.len() - log(2, 0).0.len()).min(end.at() as usize);
    let mut swapped = file.clone();
    let (second, third) = (file.len() - 2 * size, file.len() - size);
    swapped[second..third].copy_from_slice(&file[third..]);
    swapped[third..].copy_from_slice(&file[second..third]);
    assert_eq!(read(&swapped), Err(FileError::Record(second as u64)));
}

#[test]
fn other_versions_replicas_and_clusters_are_named() {
    let (mut file, _) = log(3, 0);
    assert_eq!(label().check(Some(3), "replica-1"), Ok(()));
    assert_eq!(label().check(Some(4), "replica-1"), Err(FileError::OtherCluster));
    assert_eq!(label().check(Some(3), "replica-2"), Err(FileError::OtherNode));
    let long = "replica ".repeat(100);
    let (_, header) = Writer::begin(&Label { name: long.clone(), ..label() });
    assert_eq!(Reader::open(&header, HEADER as u64).unwrap().1.check(Some(3), &long), Ok(()));
    file[16] = 2;
    assert_eq!(read(&file).unwrap_err(), FileError::OtherVersion(2));
    assert_eq!(read(b"just text, no log at all").unwrap_err(), FileError::NoLog);
}
