//! Reads a history, checking the form of each line as it comes.
//!
//! Memory is bounded by the limits here, not by what the file claims; nothing is judged.

mod under_way;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, ErrorKind};

use hashbrown::HashTable;
use node::bounded_lines::BoundedLines;
use protocol::judge::{Act, End, Operation, OrderIndex, Seen};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{History, HistoryError, NamedHistory};
use crate::recognition::recognise;
use under_way::{Open, UnderWay};

/// A line longer than this is refused before it is kept, in bytes.
const LONGEST_LINE: usize = 16 * 1024 * 1024;
/// The most operations in one history, and the most order ids.
const MOST_OPERATIONS: usize = 5_000_000;
/// What is kept of a history while it is read, in bytes.
const ROOM: usize = 148 * 1024 * 1024;
/// What an order id takes beside its text, in bytes: where it ends, its place in a table that may be half empty, a mark.
const NAME: usize = size_of::<u32>() + 2 * (size_of::<OrderIndex>() + 1) + 1;

/// The types of line that are checked.
const ALL_OURS: [&str; 5] = ["init", "invoke", "ok", "fail", "info"];

/// Reads a whole history.
///
/// # Errors
/// When it cannot be read, or the first line that is wrong, with its number.
pub fn read(source: impl BufRead) -> Result<History, HistoryError> {
    let (_, source) = recognise(source)?;
    let mut reading = Reading::default();
    let mut lines = BoundedLines::new(source, LONGEST_LINE);
    for line in 1.. {
        let told = match lines.next_line() {
            Ok(None) => break,
            Ok(Some(bytes)) => reading.take_line(line, bytes),
            Err(error) if error.kind() == ErrorKind::FileTooLarge => {
                Err(format!("longer than {} MiB", LONGEST_LINE / 1024 / 1024))
            }
            Err(error) => return Err(error.into()),
        };
        told.map_err(|why| HistoryError::Line { line, why })?;
    }
    reading.finish()
}

/// A line as it is read, before it is known to make sense.
#[derive(Deserialize)]
struct RawLine<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    process: Option<u64>,
    #[serde(borrow)]
    f: Option<Cow<'a, str>>,
    #[serde(borrow)]
    postcode: Option<Cow<'a, str>>,
    #[serde(borrow)]
    value: Option<&'a RawValue>,
    time: Option<u64>,
    op: Option<u64>,
}

/// An element of a list or an order id, borrowed from the line where it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// What is known of one postcode while its lines come.
#[derive(Default)]
struct Place {
    known: NamedHistory,
    /// Where each name stands, found by its hash: the names themselves are kept once.
    indices: HashTable<OrderIndex>,
    /// Whether the order of this index was placed.
    placed: Vec<bool>,
}

/// How names are hashed, and how many there are at all postcodes together.
#[derive(Default)]
struct Names {
    hashing: RandomState,
    count: usize,
    /// Bytes that they take.
    bytes: usize,
}

#[derive(Default)]
struct Reading {
    numbers: HashMap<String, u32>,
    places: Vec<Place>,
    open: UnderWay,
    operations: usize,
    /// Bytes of postcodes, and of lists that are no beginning of others.
    beside: usize,
    names: Names,
    /// Whether a line was one of a history, and whether one was something else.
    is_one: bool,
    is_foreign: bool,
}

impl Reading {
    /// About how much memory what was read takes, in bytes.
    fn bytes(&self) -> usize {
        self.operations * size_of::<Operation>() + self.names.bytes + self.open.bytes() + self.beside
    }

    fn take_line(&mut self, line: usize, bytes: &[u8]) -> Result<(), String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "not UTF-8 text".to_owned())?;
        if text.trim().is_empty() {
            return Ok(());
        }
        let raw: RawLine<'_> = match serde_json::from_str(text) {
            Ok(raw) => raw,
            Err(error) => match type_of(text) {
                Some(kind) if !ALL_OURS.contains(&&*kind) => {
                    self.note_foreign(&kind);
                    return Ok(());
                }
                _ => return Err(format!("not a line of a history: {error}")),
            },
        };
        self.is_one |= ALL_OURS.contains(&&*raw.kind);
        match &*raw.kind {
            "init" => self.take_init(&raw),
            "invoke" => self.take_invoke(line, &raw),
            "ok" => self.take_answer(&raw, Some(End::Done)),
            "fail" => self.take_answer(&raw, Some(End::NotDone)),
            "info" => self.take_answer(&raw, None),
            other => {
                self.note_foreign(other);
                Ok(())
            }
        }
    }

    /// Checkers ignore what they do not know, but a history tells of something that they do, or at least of a fault.
    fn note_foreign(&mut self, kind: &str) {
        self.is_foreign = true;
        self.is_one |= kind == "fault";
    }

    fn finish(self) -> Result<History, HistoryError> {
        if self.is_foreign && !self.is_one {
            return Err(HistoryError::Foreign);
        }
        let mut postcodes = BTreeMap::new();
        let mut places = self.places;
        for (postcode, number) in self.numbers {
            let history = std::mem::take(&mut places[number as usize]).known;
            postcodes.insert(postcode, history);
        }
        Ok(History { postcodes })
    }

    fn take_init(&mut self, raw: &RawLine<'_>) -> Result<(), String> {
        let postcode = needed(raw.postcode.as_deref(), "postcode")?;
        let value = needed(raw.value, "value")?;
        let (_, names, place) = self.place(postcode);
        let orders = place.list(names, value)?;
        if place.known.history.base.is_some() || !place.known.history.operations.is_empty() {
            return Err(format!("“init” of {postcode} must come once, before the first operation on {postcode}"));
        }
        place.known.history.base = Some(orders);
        Ok(())
    }

    fn take_invoke(&mut self, line: usize, raw: &RawLine<'_>) -> Result<(), String> {
        let postcode = needed(raw.postcode.as_deref(), "postcode")?;
        let op = needed(raw.op, "op")?;
        let start = needed(raw.time, "time")?;
        let process = needed(raw.process, "process")?;
        self.operations += 1;
        if self.operations > MOST_OPERATIONS {
            return Err(format!("more than {MOST_OPERATIONS} operations"));
        }
        let (number, names, place) = self.place(postcode);
        let act = match needed(raw.f.as_deref(), "f")? {
            "place" => {
                let order = place.order(names, needed(raw.value, "value")?)?;
                if std::mem::replace(&mut place.placed[order as usize], true) {
                    return Err("this order id was placed at this postcode before".into());
                }
                Act::Place(order)
            }
            "read" => Act::Read(Seen::Beginning(0)),
            other => return Err(format!("“f” is “{}”, not place or read", other.escape_debug())),
        };
        let operations = &mut place.known.history.operations;
        let at = operations.len() as u32;
        operations.push(Operation { line, act, start, end: None });
        if !self.open.begin(Open { op, process, place: number, at }) {
            return Err(format!("operation {op} has already begun"));
        }
        self.fits()
    }

    fn fits(&self) -> Result<(), String> {
        match self.bytes() > ROOM {
            true => Err(format!(
                "the history up to this line needs more than {} MiB of memory; record a shorter run or fewer customers",
                ROOM / 1024 / 1024
            )),
            false => Ok(()),
        }
    }

    fn take_answer(&mut self, raw: &RawLine<'_>, end: Option<End>) -> Result<(), String> {
        let op = needed(raw.op, "op")?;
        let Open { place: number, at, process, .. } =
            self.open.end(op).ok_or_else(|| format!("operation {op} was not invoked, or has already been answered"))?;
        let numbers = &self.numbers;
        let elsewhere = |postcode: &str| numbers.get(postcode) != Some(&number);
        if raw.process.is_some_and(|p| p != process) || raw.postcode.as_deref().is_some_and(elsewhere) {
            return Err(format!("operation {op} is answered under another process or postcode"));
        }
        let Some(end) = end else { return Ok(()) };
        let time = needed(raw.time, "time")?;
        let place = self.places.get_mut(number as usize).ok_or("no such postcode")?;
        let operation = place.known.history.operations.get(at as usize).ok_or("no such operation")?;
        if time < operation.start {
            return Err(format!("operation {op} ends before it begins"));
        }
        let seen = match operation.act {
            Act::Read(_) if end == End::Done => {
                let list = place.list(&mut self.names, needed(raw.value, "value")?)?;
                let length = list.len();
                let seen = place.known.history.keep(list);
                let apart = matches!(seen, Seen::Other(_));
                self.beside +=
                    if apart { length * size_of::<OrderIndex>() + size_of::<Box<[OrderIndex]>>() } else { 0 };
                Some(seen)
            }
            Act::Read(_) | Act::Place(_) => None,
        };
        let operation = place.known.history.operations.get_mut(at as usize).ok_or("no such operation")?;
        operation.end = Some((end, time));
        if let Some(seen) = seen {
            operation.act = Act::Read(seen);
        }
        self.fits()
    }

    /// Number and entry of a postcode, and how names are hashed.
    fn place(&mut self, postcode: &str) -> (u32, &mut Names, &mut Place) {
        let number = match self.numbers.get(postcode) {
            Some(known) => *known,
            None => {
                let new = self.places.len() as u32;
                self.numbers.insert(postcode.to_owned(), new);
                // Its name is kept twice while the parts are put together.
                self.beside += size_of::<Place>() + 2 * (postcode.len() + size_of::<String>());
                self.places.push(Place::default());
                new
            }
        };
        (number, &mut self.names, &mut self.places[number as usize])
    }
}

impl Place {
    fn order(&mut self, all: &mut Names, value: &RawValue) -> Result<OrderIndex, String> {
        let Text(name) = serde_json::from_str(value.get()).map_err(|_| "“value” is not an order id")?;
        self.index(all, &name)
    }

    fn list(&mut self, all: &mut Names, value: &RawValue) -> Result<Vec<OrderIndex>, String> {
        let names: Vec<Text<'_>> =
            serde_json::from_str(value.get()).map_err(|_| "“value” is not a list of order ids")?;
        names.iter().map(|Text(name)| self.index(all, name)).collect()
    }

    fn index(&mut self, all: &mut Names, name: &str) -> Result<OrderIndex, String> {
        let names = &self.known.names;
        let hash = all.hashing.hash_one(name);
        let is_it = |index: &OrderIndex| names.get(*index) == Some(name);
        if let Some(known) = self.indices.find(hash, is_it) {
            return Ok(*known);
        }
        all.count += 1;
        all.bytes += name.len() + NAME;
        if all.count > MOST_OPERATIONS {
            return Err(format!("more than {MOST_OPERATIONS} orders"));
        }
        let index = self.known.name(name);
        let names = &self.known.names;
        self.placed.push(false);
        let again = |index: &OrderIndex| all.hashing.hash_one(names.get(*index).unwrap_or_default());
        self.indices.insert_unique(hash, index, again);
        Ok(index)
    }
}

/// The type of a line that does not parse as one of ours: others may have fields of their own.
fn type_of(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Typed {
        r#type: String,
    }
    serde_json::from_str::<Typed>(text).ok().map(|line| line.r#type)
}

fn needed<T>(field: Option<T>, name: &str) -> Result<T, String> {
    field.ok_or_else(|| format!("“{name}” is missing"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Function, HistoryWriter, Kind, LineValue, OperationLine};

    const EXAMPLE: &str = r#"{"type":"init","postcode":"NE1 1AB","value":["seed-0"]}
{"process":3,"type":"invoke","f":"place","postcode":"NE1 1AB","value":"c3-17","time":81231,"op":41}
{"process":3,"type":"ok","f":"place","postcode":"NE1 1AB","value":"c3-17","time":95102,"op":41}
{"process":5,"type":"invoke","f":"read","postcode":"NE1 1AB","value":null,"time":96000,"op":42}
{"process":5,"type":"ok","f":"read","postcode":"NE1 1AB","value":["seed-0","c3-17"],"time":99012,"op":42}
"#;

    #[test]
    fn the_example_of_the_format_is_written_byte_for_byte() {
        let mut bytes = Vec::new();
        let mut writer = HistoryWriter::new(&mut bytes);
        writer.init("NE1 1AB", &["seed-0".into()]).unwrap();
        let list = ["seed-0".to_owned(), "c3-17".to_owned()];
        for (process, kind, f, value, time, op) in [
            (3, Kind::Invoke, Function::Place, LineValue::Order("c3-17"), 81231, 41),
            (3, Kind::Ok, Function::Place, LineValue::Order("c3-17"), 95102, 41),
            (5, Kind::Invoke, Function::Read, LineValue::Nothing(()), 96000, 42),
            (5, Kind::Ok, Function::Read, LineValue::List(&list), 99012, 42),
        ] {
            writer.operation(&OperationLine { process, kind, f, postcode: "NE1 1AB", value, time, op }).unwrap();
        }
        writer.finish().unwrap();
        assert_eq!(String::from_utf8(bytes).unwrap(), EXAMPLE);
    }

    #[test]
    fn the_example_of_the_format_is_read() {
        let history = read(EXAMPLE.as_bytes()).unwrap();
        let here = &history.postcodes["NE1 1AB"];
        assert_eq!(here.history.longest, [0, 1]);
        assert_eq!(here.names.iter().collect::<Vec<_>>(), ["seed-0", "c3-17"]);
        assert_eq!(here.history.base, Some(vec![0]));
        assert_eq!(
            here.history.operations,
            [
                Operation { line: 2, act: Act::Place(1), start: 81231, end: Some((End::Done, 95102)) },
                Operation { line: 4, act: Act::Read(Seen::Beginning(2)), start: 96000, end: Some((End::Done, 99012)) },
            ]
        );
    }

    #[test]
    fn other_types_are_ignored_and_their_fields_do_not_matter() {
        let text = "{\"type\":\"meta\",\"process\":\"all\"}\n\n{\"type\":\"fault\",\"value\":\"x\",\"time\":-1}\n";
        assert_eq!(read(text.as_bytes()).unwrap(), History::default());
        assert_eq!(read("\u{feff}".as_bytes()).unwrap(), History::default());
        let module = read("{\"type\":\"module\"}".as_bytes());
        assert!(matches!(module, Err(HistoryError::Foreign)), "{module:?}");
    }

    /// What nobody answered takes most: each is kept until the end, and might still get its answer.
    #[test]
    fn orders_without_an_answer_take_little_memory_and_have_a_bound() {
        assert!(size_of::<Operation>() <= 40, "{}", size_of::<Operation>());
        let line = |at: u64| {
            format!(
                r#"{{"process":{at},"type":"invoke","f":"place","postcode":"M1 1AE","value":"c{at}","time":5,"op":{at}}}"#
            )
        };
        let mut reading = Reading::default();
        for at in 0..28_000 {
            reading.take_line(at as usize + 1, line(at).as_bytes()).unwrap();
        }
        let each = reading.bytes() / 28_000;
        assert!((80..=110).contains(&each), "{each} bytes for each");
        reading.beside = ROOM;
        let why = reading.take_line(28_001, line(28_000).as_bytes()).unwrap_err();
        assert!(why.contains("more than 148 MiB of memory"), "{why}");
    }

    #[test]
    fn refusals_name_their_line() {
        let invoke = r#"{"process":1,"type":"invoke","f":"place","postcode":"M1 1AE","value":"a","time":5,"op":1}"#;
        let answer = r#"{"process":1,"type":"ok","f":"place","postcode":"M1 1AE","value":"a","time":4,"op":1}"#;
        for (text, line) in [
            ("nonsense".to_owned(), 1),
            ("{\"type\":\"ok\"".to_owned(), 1),
            (answer.to_owned(), 1),
            (format!("{invoke}\n{answer}"), 2),
            (format!("{invoke}\n{invoke}"), 2),
            (invoke.replace("place", "eat"), 1),
            (invoke.replace("\"op\":1", "\"op\":-1"), 1),
            (format!("{invoke}\n{{\"type\":\"init\",\"postcode\":\"M1 1AE\",\"value\":[]}}"), 2),
        ] {
            match read(text.as_bytes()) {
                Err(HistoryError::Line { line: found, .. }) => assert_eq!(found, line, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }
}
