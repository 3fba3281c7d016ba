//! A set-up as it is written: read within its limits, and written so that a person may go on by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use protocol::ids::Span;
use protocol::machine::Settings;
use protocol::order_book::MOST_SESSIONS;
use protocol::trace::Rate;
use serde::Deserialize;
use toml::Spanned;

use super::{MapPart, Placement, SetUp, Settler};
use crate::check::actions::{customer_name, rate};
use crate::check::{self, LONGEST_TITLE, MOST_REPLICAS, Refusal, refuse, within};

/// At most this many customers with a name.
const MOST_SETTLERS: usize = 100;
/// At most this many nodes that were moved.
const MOST_PLACES: usize = 100;
/// The longest hop, in milliseconds.
const LONGEST_HOP: i64 = 600_000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    set_up: Spanned<String>,
    replicas: Spanned<i64>,
    acknowledge: Option<Spanned<String>>,
    speed: Option<Spanned<f64>>,
    hop_ms: Option<Spanned<i64>>,
    #[serde(default = "yes")]
    cache_postcode_checks: bool,
    #[serde(default)]
    show_heartbeats: bool,
    #[serde(default)]
    durable: bool,
    heartbeat_ms: Option<Spanned<i64>>,
    suspect_after_ms: Option<Spanned<i64>>,
    autoclean_s: Option<Spanned<i64>>,
    refuse_unchecked_after_s: Option<Spanned<i64>>,
    sessions: Option<Spanned<i64>>,
    usual_customers: Option<Spanned<bool>>,
    #[serde(default)]
    customer: Vec<FileCustomer>,
    #[serde(default)]
    node: Vec<FileNode>,
    map: Option<FileMap>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct FileCustomer {
    name: Spanned<String>,
    postcode: Spanned<String>,
    latitude: Option<Spanned<f64>>,
    longitude: Option<Spanned<f64>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct FileNode {
    name: Spanned<String>,
    x: Spanned<f64>,
    y: Spanned<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct FileMap {
    zoom: Spanned<f64>,
    latitude: Spanned<f64>,
    longitude: Spanned<f64>,
}

fn yes() -> bool {
    true
}

pub(super) fn read(text: &str) -> Result<SetUp, Refusal> {
    let file: File = toml::from_str(text)
        .map_err(|error| (error.span().map_or(0, |span| span.start), error.message().to_owned()))?;
    Ok(SetUp {
        name: name(&file.set_up)?,
        replicas: within(&file.replicas, 1, i64::from(MOST_REPLICAS), "replicas")? as u32,
        settings: settings(&file)?,
        customers: customers(&file)?,
        speed: file.speed.as_ref().map(|share| rate(share, true)).transpose()?.unwrap_or(SetUp::default().speed),
        hop: span(&file.hop_ms, 0, LONGEST_HOP, "hop-ms", 1)?,
        caches_checks: file.cache_postcode_checks,
        shows_heartbeats: file.show_heartbeats,
        durable: file.durable,
        placement: Placement { nodes: nodes(&file.node)?, map: file.map.as_ref().map(map).transpose()? },
    })
}

fn name(written: &Spanned<String>) -> Result<String, Refusal> {
    let name = written.get_ref().trim();
    if name.is_empty() || name.chars().count() > LONGEST_TITLE || name.chars().any(char::is_control) {
        return refuse(written, format!("“set-up” holds a name: one line of 1 to {LONGEST_TITLE} characters"));
    }
    Ok(name.to_owned())
}

/// A length of time in units of this many milliseconds.
fn span(field: &Option<Spanned<i64>>, least: i64, most: i64, name: &str, unit: u64) -> Result<Option<Span>, Refusal> {
    let number = field.as_ref().map(|number| within(number, least, most, name)).transpose()?;
    Ok(number.map(|number| Span::millis(number.unsigned_abs() * unit)))
}

/// With the limits of the command line.
fn settings(file: &File) -> Result<Settings, Refusal> {
    let usual = Settings::default();
    let heartbeat = span(&file.heartbeat_ms, 1, 60_000, "heartbeat-ms", 1)?.unwrap_or(usual.heartbeat);
    let suspect_after = span(&file.suspect_after_ms, 2, 600_000, "suspect-after-ms", 1)?.unwrap_or(usual.suspect_after);
    if suspect_after.0 < 2 * heartbeat.0 {
        let at = file.suspect_after_ms.as_ref().or(file.heartbeat_ms.as_ref()).map_or(0, |number| number.span().start);
        let why =
            "“suspect-after-ms” must be at least twice “heartbeat-ms”; otherwise nodes suspect each other all the time";
        return Err((at, why.into()));
    }
    let most = i64::from(MOST_SESSIONS);
    let sessions = file.sessions.as_ref().map(|room| within(room, 1, most, "sessions")).transpose()?;
    Ok(Settings {
        heartbeat,
        suspect_after,
        autoclean: span(&file.autoclean_s, 1, 86_400, "autoclean-s", 1000)?.unwrap_or(usual.autoclean),
        refuse_unchecked_after: span(&file.refuse_unchecked_after_s, 1, 3600, "refuse-unchecked-after-s", 1000)?,
        most_sessions: sessions.map_or(usual.most_sessions, |sessions| sessions as u32),
        acknowledge: file.acknowledge.as_ref().map(check::acknowledge).transpose()?.unwrap_or_default(),
        ..usual
    })
}

fn customers(file: &File) -> Result<Option<Vec<Settler>>, Refusal> {
    if let Some(usual) = file.usual_customers.as_ref().filter(|usual| *usual.get_ref()) {
        return match file.customer.is_empty() {
            true => Ok(None),
            false => {
                refuse(usual, "“usual-customers” and [[customer]] exclude each other: leave one of them out".into())
            }
        };
    }
    let mut names = BTreeSet::new();
    let mut settlers = Vec::new();
    for written in &file.customer {
        let name = customer_name(&written.name)?;
        if !names.insert(name.clone()) {
            return refuse(&written.name, format!("there is a customer “{name}” already"));
        }
        if names.len() > MOST_SETTLERS {
            return refuse(&written.name, format!("a set-up has at most {MOST_SETTLERS} customers"));
        }
        let postcode = written.postcode.get_ref().parse();
        let postcode = postcode.or_else(|error| refuse(&written.postcode, format!("{error}")))?;
        let place = match (&written.latitude, &written.longitude) {
            (None, None) => None,
            (Some(latitude), Some(longitude)) => Some((
                millionths(between(latitude, -90.0, 90.0, "latitude")?),
                millionths(between(longitude, -180.0, 180.0, "longitude")?),
            )),
            (Some(only), None) | (None, Some(only)) => {
                return refuse(only, "a place needs both “latitude” and “longitude”".into());
            }
        };
        settlers.push(Settler { name, postcode, place });
    }
    Ok(Some(settlers))
}

fn nodes(written: &[FileNode]) -> Result<BTreeMap<String, (f32, f32)>, Refusal> {
    let mut nodes = BTreeMap::new();
    for node in written {
        let name = node.name.get_ref();
        if name.is_empty() || name.chars().count() > 40 || name.chars().any(char::is_control) {
            return refuse(&node.name, "a node's name has 1 to 40 characters, such as “replica-2”".into());
        }
        if nodes.len() == MOST_PLACES {
            return refuse(&node.name, format!("a set-up places at most {MOST_PLACES} nodes"));
        }
        let place = (between(&node.x, 0.0, 1.0, "x")? as f32, between(&node.y, 0.0, 1.0, "y")? as f32);
        nodes.insert(name.clone(), place);
    }
    Ok(nodes)
}

fn map(written: &FileMap) -> Result<MapPart, Refusal> {
    Ok(MapPart {
        zoom: between(&written.zoom, 1.0, 200.0, "zoom")? as f32,
        latitude: between(&written.latitude, -90.0, 90.0, "latitude")? as f32,
        longitude: between(&written.longitude, -180.0, 180.0, "longitude")? as f32,
    })
}

fn between(number: &Spanned<f64>, least: f64, most: f64, name: &str) -> Result<f64, Refusal> {
    match *number.get_ref() {
        fits if (least..=most).contains(&fits) => Ok(fits),
        other => refuse(number, format!("“{name}” is {other}; it must be from {least} to {most}")),
    }
}

fn millionths(degrees: f64) -> i32 {
    (degrees * 1e6).round() as i32
}

/// What [`read`] takes, with a word where a key does not speak for itself. What is as usual is left out.
pub(super) fn write(set_up: &SetUp) -> String {
    let SetUp { name, replicas, settings, customers, speed, hop, caches_checks, shows_heartbeats, durable, placement } =
        set_up;
    let mut text = format!("set-up = {}\nreplicas = {replicas}\n", quoted(name));
    let mut line = |line: std::fmt::Arguments<'_>| writeln!(text, "{line}").unwrap_or_default();
    let usual = Settings::default();
    if settings.acknowledge != usual.acknowledge {
        line(format_args!(
            "acknowledge = {}   # UNSAFE: an answer waits for fewer copies",
            quoted(&settings.acknowledge.to_string())
        ));
    }
    let share = f64::from(speed.0) / f64::from(Rate::REAL.0);
    line(format_args!("speed = {share:?}   # 1.0 is real time, 0.0 stands still"));
    let milliseconds = [
        ("hop-ms", *hop, 1),
        ("heartbeat-ms", (settings.heartbeat != usual.heartbeat).then_some(settings.heartbeat), 1),
        ("suspect-after-ms", (settings.suspect_after != usual.suspect_after).then_some(settings.suspect_after), 1),
        ("autoclean-s", (settings.autoclean != usual.autoclean).then_some(settings.autoclean), 1000),
        ("refuse-unchecked-after-s", settings.refuse_unchecked_after, 1000),
    ];
    for (key, length, unit) in milliseconds {
        if let Some(length) = length {
            line(format_args!("{key} = {}", length.0 / 1000 / unit));
        }
    }
    if settings.most_sessions != usual.most_sessions {
        line(format_args!("sessions = {}", settings.most_sessions));
    }
    if !caches_checks {
        line(format_args!("cache-postcode-checks = false"));
    }
    if *shows_heartbeats {
        line(format_args!("show-heartbeats = true"));
    }
    if *durable {
        line(format_args!("durable = true"));
    }
    match customers {
        None => line(format_args!("usual-customers = true")),
        Some(settlers) => {
            for Settler { name, postcode, place } in settlers {
                line(format_args!("\n[[customer]]\nname = {}\npostcode = \"{postcode}\"", quoted(name)));
                if let Some((latitude, longitude)) = place {
                    let degrees = |millionths: &i32| f64::from(*millionths) / 1e6;
                    line(format_args!("latitude = {:.6}\nlongitude = {:.6}", degrees(latitude), degrees(longitude)));
                }
            }
        }
    }
    for (name, (x, y)) in &placement.nodes {
        line(format_args!("\n[[node]]   # where it stands: shares of the picture's width and height"));
        line(format_args!("name = {}\nx = {x:.4}\ny = {y:.4}", quoted(name)));
    }
    if let Some(MapPart { zoom, latitude, longitude }) = placement.map {
        line(format_args!("\n[map]\nzoom = {zoom:.4}\nlatitude = {latitude:.6}\nlongitude = {longitude:.6}"));
    }
    text
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
