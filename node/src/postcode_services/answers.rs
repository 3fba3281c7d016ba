//! What a service's answer means: the one place where a status and a body become a verdict. No I/O.
//!
//! The rules that are easy to get wrong: "not found" is an answer, not a failure; getthedata.com also knows parts of
//! postcodes and closed ones, which are no addresses; and it does not know Northern Ireland, so there its "no" says
//! nothing.

use protocol::postcode::{Postcode, PostcodeService, Verdict};
use serde::Deserialize;

/// What an answer comes to.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Meaning {
    /// An answer.
    Says(Verdict),
    /// It cannot be used, and a sentence says why. Another service may be asked.
    Unavailable(String),
    /// It says that our request makes no sense; what it said. Another service would say the same.
    OurFault(String),
}

/// How long a name from outside may be, in characters.
const LONGEST_NAME: usize = 60;

/// Reads an answer of `by` to the question about `asked`.
pub(super) fn read(by: PostcodeService, asked: Postcode, status: u16, body: &[u8]) -> Meaning {
    match by {
        PostcodeService::PostcodesIo => read_postcodes_io(asked, status, body),
        PostcodeService::GetTheData => read_get_the_data(asked, status, body),
    }
}

/// Every field that matters here; the rest is ignored, as new ones may appear at any time.
#[derive(Deserialize)]
struct IoBody {
    result: Option<IoResult>,
    error: Option<String>,
    terminated: Option<IoTerminated>,
}

#[derive(Deserialize)]
struct IoResult {
    postcode: String,
    admin_district: Option<String>,
    region: Option<String>,
    country: Option<String>,
}

#[derive(Deserialize)]
struct IoTerminated {
    year_terminated: u16,
}

/// postcodes.io repeats the HTTP status in the body; HTTP's is the one that counts.
fn read_postcodes_io(asked: Postcode, status: u16, body: &[u8]) -> Meaning {
    let by = PostcodeService::PostcodesIo;
    let body: Option<IoBody> = serde_json::from_slice(body).ok();
    match (status, body) {
        (200, Some(IoBody { result: Some(result), .. })) => {
            if !same(&result.postcode, asked) {
                return Meaning::Unavailable(format!("{by} answered about another postcode than {asked}."));
            }
            let place = [result.admin_district, result.region, result.country].into_iter().flatten().find_map(name);
            Meaning::Says(Verdict::Valid { place, by })
        }
        (404, Some(IoBody { terminated: Some(closed), .. })) => {
            let year = closed.year_terminated;
            invalid(
                by,
                format!(
                    "{by} says that the postcode {asked} was closed in {year}. Use the new postcode of the address."
                ),
            )
        }
        (404, Some(IoBody { error: Some(_), .. })) => {
            invalid(by, format!("{by} says that there is no postcode {asked}. Check it and order again."))
        }
        (400, _) => Meaning::OurFault(format!("{by} did not understand the request about {asked} (status 400).")),
        (200 | 404, _) => Meaning::Unavailable(format!("{by} sent an invalid answer.")),
        (status, _) => unavailable_by_status(by, status),
    }
}

#[derive(Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
enum DataBody {
    Match { match_type: String, data: Option<DataUnit> },
    NoMatch,
}

#[derive(Deserialize)]
struct DataUnit {
    postcode: Option<String>,
    status: Option<String>,
    country: Option<String>,
}

/// getthedata.com says in the body what it found; its HTTP status for "no match" is not documented, so the body is read
/// first.
fn read_get_the_data(asked: Postcode, status: u16, body: &[u8]) -> Meaning {
    let by = PostcodeService::GetTheData;
    match serde_json::from_slice(body) {
        Ok(DataBody::Match { match_type, data: Some(unit) }) if match_type == "unit_postcode" => {
            if !unit.postcode.is_some_and(|postcode| same(&postcode, asked)) {
                return Meaning::Unavailable(format!("{by} answered about another postcode than {asked}."));
            }
            match unit.status.as_deref() {
                Some("live") => Meaning::Says(Verdict::Valid { place: unit.country.and_then(name), by }),
                Some("terminated") => invalid(
                    by,
                    format!("{by} says that the postcode {asked} was closed. Use the new postcode of the address."),
                ),
                _ => Meaning::Unavailable(format!("{by} does not say whether {asked} is in use.")),
            }
        }
        Ok(DataBody::Match { match_type, .. }) if match_type != "unit_postcode" => invalid(
            by,
            format!("{by} says that {asked} is only part of a postcode. Enter a full one, such as DH1 3LE."),
        ),
        Ok(DataBody::NoMatch) if asked.area() == "BT" => {
            Meaning::Unavailable(format!("{by} has no data for Northern Ireland, so it cannot check {asked}."))
        }
        Ok(DataBody::NoMatch) => {
            let why = format!("{by} says that there was no postcode {asked} in August 2023. Check it and order again.");
            invalid(by, why)
        }
        _ if status == 200 || status == 404 => Meaning::Unavailable(format!("{by} sent an invalid answer.")),
        _ => unavailable_by_status(by, status),
    }
}

fn invalid(by: PostcodeService, why: String) -> Meaning {
    Meaning::Says(Verdict::Invalid { why, by })
}

fn unavailable_by_status(by: PostcodeService, status: u16) -> Meaning {
    Meaning::Unavailable(match status {
        429 | 503 => format!("{by} is overloaded (status {status}) and is asked again later."),
        300..=399 => format!("{by} redirects to another address (status {status}), which is not followed."),
        500..=599 => format!("{by} is not working (status {status})."),
        _ => format!("{by} answered with the unexpected status {status}."),
    })
}

fn same(text: &str, asked: Postcode) -> bool {
    text.parse() == Ok(asked)
}

/// A name from outside, fit to be shown and replicated: short, and without control characters or the like.
fn name(text: String) -> Option<String> {
    let shown = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | ',' | '.' | '\'' | '’' | '-' | '&' | '(' | ')');
    let name: String = text.chars().filter(shown).take(LONGEST_NAME).collect();
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests;
