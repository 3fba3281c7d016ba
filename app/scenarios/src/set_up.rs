//! A set-up: how a cluster begins. How many replicas, which customers, what is set, how fast time goes, and where everything stands.
//!
//! A set-up is a TOML file that is only data, with the limits and the refusals of scenarios. The window saves one and opens it.
//!
//! **Deliberately absent:** anything unsafe but [`Settings::acknowledge`], for which a person is asked; where postcodes are
//! checked, because a stranger's file must not decide to ask real services.

mod file;

use std::collections::BTreeMap;
use std::io::Read;

use protocol::acknowledge::Acknowledge;
use protocol::ids::{Role, Span};
use protocol::machine::Settings;
use protocol::postcode::Postcode;
use protocol::trace::{Actor, Rate};

use crate::script_runner::place_of;
use crate::{LARGEST_FILE, ScenarioError, located, too_large, utf_8};
use knowledge::picture::Picture;
use knowledge::user_command::{CustomerCommand, UserCommand};

/// A hop of a message lasts this long while time is slower than real time, unless a person has said otherwise.
const USUAL_HOP: Span = Span::millis(10);

/// How a cluster begins.
#[derive(Clone, Debug, PartialEq)]
pub struct SetUp {
    /// What people call it.
    pub name: String,
    /// 1 to 20.
    pub replicas: u32,
    /// Those of its fields that a file can say; the rest is as usual.
    pub settings: Settings,
    /// None: the customers that every cluster has at first.
    pub customers: Option<Vec<Settler>>,
    /// How fast time goes once all replicas serve; it may stand still.
    pub speed: Rate,
    /// How long each hop lasts; none: as it suits the speed.
    pub hop: Option<Span>,
    /// Whether primaries remember verdicts on postcodes.
    pub caches_checks: bool,
    /// Whether heartbeats are shown one by one.
    pub shows_heartbeats: bool,
    /// Whether replicas keep their state on disk.
    pub durable: bool,
    pub placement: Placement,
}

/// A customer that is there from the beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settler {
    pub name: String,
    pub postcode: Postcode,
    /// Latitude and longitude in millionths of a degree; none: where the postcode is.
    pub place: Option<(i32, i32)>,
}

/// Where things stand on the screen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Placement {
    /// Nodes that a person moved: the place of their middle, as a share of the picture's width and height.
    pub nodes: BTreeMap<String, (f32, f32)>,
    /// The part of the map that is shown; none: all of it.
    pub map: Option<MapPart>,
}

/// A part of the map.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MapPart {
    /// 1 shows everything.
    pub zoom: f32,
    /// The middle, in degrees.
    pub longitude: f32,
    /// The middle, in degrees.
    pub latitude: f32,
}

impl Default for SetUp {
    fn default() -> Self {
        Self {
            name: String::new(),
            replicas: 3,
            settings: Settings::default(),
            customers: None,
            speed: Rate(10_000),
            hop: None,
            caches_checks: true,
            shows_heartbeats: false,
            durable: false,
            placement: Placement::default(),
        }
    }
}

impl SetUp {
    /// Of the cluster that a picture shows, begun from `self`: its replicas, customers and settings of now. `speed`: the one
    /// that was chosen last; `placement`: what was moved.
    #[must_use]
    pub fn of_picture(&self, picture: &Picture, speed: Rate, caches_checks: bool, placement: Placement) -> Self {
        let usual_hop = if picture.steering.rate.is_slow() { USUAL_HOP } else { Span(0) };
        let hop = Span(picture.hop);
        let settler = |customer: &knowledge::picture::Customer| Settler {
            name: customer.name.clone(),
            postcode: customer.postcode,
            place: Some(customer.place),
        };
        Self {
            name: self.name.clone(),
            replicas: (picture.nodes.iter().filter(|node| node.actor == Actor::Role(Role::Replica)).count() as u32)
                .clamp(1, 20),
            settings: Settings { acknowledge: picture.steering.acknowledge, ..self.settings.clone() },
            customers: Some(picture.customers.iter().map(settler).collect()),
            speed,
            hop: (hop != usual_hop).then_some(hop),
            caches_checks,
            shows_heartbeats: picture.steering.heartbeats,
            durable: picture.nodes.is_durable(),
            placement,
        }
    }

    /// What a cluster that has just begun is told, beside what its processes were started with.
    pub fn commands(&self) -> Vec<UserCommand> {
        let mut commands = Vec::new();
        if self.hop.is_some() {
            commands.push(UserCommand::SetHop { hop: self.hop });
        }
        if !self.caches_checks {
            commands.push(UserCommand::SetVerdictCache { on: false });
        }
        if self.shows_heartbeats {
            commands.push(UserCommand::ShowHeartbeats { on: true });
        }
        let settle = |settler: &Settler| {
            let Settler { name, postcode, place } = settler.clone();
            let place = place.unwrap_or_else(|| place_of(postcode));
            UserCommand::Customer(CustomerCommand::AddCustomer { name: Some(name), postcode, place })
        };
        commands.extend(self.customers.iter().flatten().map(settle));
        commands
    }

    /// Whether an answer waits for all copies: else a person is asked first.
    pub fn is_safe(&self) -> bool {
        self.settings.acknowledge == Acknowledge::All
    }

    /// As a file that [`parse_set_up`] reads.
    pub fn to_text(&self) -> String {
        file::write(self)
    }
}

/// Reads a set-up.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub fn parse_set_up(text: &str) -> Result<SetUp, ScenarioError> {
    if text.len() as u64 > LARGEST_FILE {
        return Err(ScenarioError { line: 1, column: 1, why: too_large() });
    }
    file::read(text).map_err(|(at, why)| located(text, at, why))
}

/// Reads a set-up within its limits.
///
/// # Errors
/// When it cannot be read at all; else the first thing that is wrong, with its place.
pub fn read_set_up(source: impl Read) -> std::io::Result<Result<SetUp, ScenarioError>> {
    Ok(utf_8(source)?.and_then(|text| parse_set_up(&text)))
}

#[cfg(test)]
mod tests;
