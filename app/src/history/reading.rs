//! Reads a history, checking the form of each line as it comes.
//!
//! Memory is bounded by the limits here, not by what the file claims; nothing is judged.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::io::{BufRead, Read};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Act, End, History, HistoryError, Operation, OrderIndex};

/// A line longer than this is refused before it is kept, in bytes.
const LONGEST_LINE: u64 = 16 * 1024 * 1024;
/// At most so many operations in one history: what fits into some hundred MiB.
const MOST_OPERATIONS: usize = 5_000_000;

/// Reads a whole history.
///
/// # Errors
/// When it cannot be read, or the first line that is wrong, with its number.
pub fn read(mut source: impl BufRead) -> Result<History, HistoryError> {
    let mut reading = Reading::default();
    let mut bytes = Vec::new();
    for line in 1.. {
        bytes.clear();
        let length = source.by_ref().take(LONGEST_LINE + 1).read_until(b'\n', &mut bytes)?;
        if length == 0 {
            break;
        }
        let told = if length as u64 > LONGEST_LINE {
            Err(format!("longer than {} MiB", LONGEST_LINE / 1024 / 1024))
        } else {
            reading.take_line(line, &bytes)
        };
        told.map_err(|why| HistoryError::Line { line, why })?;
    }
    Ok(reading.history)
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

/// The order ids met so far at one postcode.
#[derive(Default)]
struct Names {
    indices: HashMap<String, OrderIndex>,
    placed: HashSet<OrderIndex>,
}

#[derive(Default)]
struct Reading {
    history: History,
    names: HashMap<String, Names>,
    open: HashMap<u64, (String, usize, u64)>,
    operations: usize,
}

impl Reading {
    fn take_line(&mut self, line: usize, bytes: &[u8]) -> Result<(), String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "not UTF-8 text".to_owned())?;
        if text.trim().is_empty() {
            return Ok(());
        }
        let raw: RawLine<'_> = match serde_json::from_str(text) {
            Ok(raw) => raw,
            Err(error) if !is_foreign(text) => return Err(format!("not a line of a history: {error}")),
            Err(_) => return Ok(()),
        };
        match &*raw.kind {
            "init" => self.take_init(&raw),
            "invoke" => self.take_invoke(line, &raw),
            "ok" => self.take_answer(&raw, Some(End::Done)),
            "fail" => self.take_answer(&raw, Some(End::NotDone)),
            "info" => self.take_answer(&raw, None),
            _ => Ok(()),
        }
    }

    fn take_init(&mut self, raw: &RawLine<'_>) -> Result<(), String> {
        let postcode = needed(raw.postcode.as_deref(), "postcode")?;
        let value = needed(raw.value, "value")?;
        let orders = self.list(postcode, value)?;
        let here = self.history.postcodes.entry(postcode.to_owned()).or_default();
        if here.base.is_some() || !here.operations.is_empty() {
            return Err(format!("“init” of {postcode} must come once, before its first operation"));
        }
        here.base = Some(orders);
        Ok(())
    }

    fn take_invoke(&mut self, line: usize, raw: &RawLine<'_>) -> Result<(), String> {
        let postcode = needed(raw.postcode.as_deref(), "postcode")?;
        let op = needed(raw.op, "op")?;
        let start = needed(raw.time, "time")?;
        let process = needed(raw.process, "process")?;
        let act = match needed(raw.f.as_deref(), "f")? {
            "place" => {
                let order = self.order(postcode, needed(raw.value, "value")?)?;
                if !self.names.entry(postcode.to_owned()).or_default().placed.insert(order) {
                    return Err("this order id was placed at this postcode before".into());
                }
                Act::Place(order)
            }
            "read" => Act::Read(Vec::new()),
            other => return Err(format!("“f” is “{}”, not place or read", other.escape_debug())),
        };
        self.operations += 1;
        if self.operations > MOST_OPERATIONS {
            return Err(format!("more than {MOST_OPERATIONS} operations"));
        }
        let here = self.history.postcodes.entry(postcode.to_owned()).or_default();
        here.operations.push(Operation { line, act, start, end: None });
        let place = here.operations.len() - 1;
        match self.open.insert(op, (postcode.to_owned(), place, process)) {
            None => Ok(()),
            Some(_) => Err(format!("operation {op} is already under way")),
        }
    }

    fn take_answer(&mut self, raw: &RawLine<'_>, end: Option<End>) -> Result<(), String> {
        let op = needed(raw.op, "op")?;
        let (postcode, place, process) =
            self.open.remove(&op).ok_or_else(|| format!("operation {op} was not invoked, or is answered already"))?;
        if raw.process.is_some_and(|p| p != process) || raw.postcode.as_deref().is_some_and(|p| p != postcode) {
            return Err(format!("operation {op} is answered under another process or postcode"));
        }
        let Some(end) = end else { return Ok(()) };
        let time = needed(raw.time, "time")?;
        let wants_list = matches!(
            self.history.postcodes.get(&postcode).and_then(|here| here.operations.get(place)),
            Some(Operation { act: Act::Read(_), .. })
        );
        let list = if wants_list && end == End::Done {
            Some(self.list(&postcode, needed(raw.value, "value")?)?)
        } else {
            None
        };
        let here = self.history.postcodes.entry(postcode).or_default();
        let operation = here.operations.get_mut(place).ok_or("no such operation")?;
        if time < operation.start {
            return Err(format!("operation {op} ends before it begins"));
        }
        operation.end = Some((end, time));
        if let Some(list) = list {
            operation.act = Act::Read(list);
        }
        Ok(())
    }

    fn order(&mut self, postcode: &str, value: &RawValue) -> Result<OrderIndex, String> {
        let Text(name) = serde_json::from_str(value.get()).map_err(|_| "“value” is not an order id")?;
        Ok(self.index(postcode, &name))
    }

    fn list(&mut self, postcode: &str, value: &RawValue) -> Result<Vec<OrderIndex>, String> {
        let names: Vec<Text<'_>> =
            serde_json::from_str(value.get()).map_err(|_| "“value” is not a list of order ids")?;
        Ok(names.iter().map(|Text(name)| self.index(postcode, name)).collect())
    }

    fn index(&mut self, postcode: &str, name: &str) -> OrderIndex {
        if !self.names.contains_key(postcode) {
            self.names.insert(postcode.to_owned(), Names::default());
        }
        let Some(Names { indices, .. }) = self.names.get_mut(postcode) else { return 0 };
        if let Some(known) = indices.get(name) {
            return *known;
        }
        let names = &mut self.history.postcodes.entry(postcode.to_owned()).or_default().names;
        let index = names.len() as OrderIndex;
        names.push(name.to_owned());
        indices.insert(name.to_owned(), index);
        index
    }
}

/// Whether a line that does not parse as one of ours is one of the other types that a checker ignores.
fn is_foreign(text: &str) -> bool {
    #[derive(Deserialize)]
    struct Typed {
        r#type: String,
    }
    let ours = ["init", "invoke", "ok", "fail", "info"];
    serde_json::from_str::<Typed>(text).is_ok_and(|line| !ours.contains(&&*line.r#type))
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
        assert_eq!(here.names, ["seed-0", "c3-17"]);
        assert_eq!(here.base, Some(vec![0]));
        assert_eq!(
            here.operations,
            [
                Operation { line: 2, act: Act::Place(1), start: 81231, end: Some((End::Done, 95102)) },
                Operation { line: 4, act: Act::Read(vec![0, 1]), start: 96000, end: Some((End::Done, 99012)) },
            ]
        );
    }

    #[test]
    fn other_types_are_ignored_and_their_fields_do_not_matter() {
        let text = "{\"type\":\"meta\",\"process\":\"all\"}\n\n{\"type\":\"fault\",\"value\":\"x\",\"time\":-1}\n";
        assert_eq!(read(text.as_bytes()).unwrap(), History::default());
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
