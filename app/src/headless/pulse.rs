//! How often nodes are heard, and how long a silence may be, as chosen in a terminal.

use protocol::ids::Span;
use protocol::machine::Settings;

use super::Failure;

/// What a person can choose about failure detection.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Pulse {
    /// Interval of heartbeats, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=60_000))]
    heartbeat: u64,
    /// Silence after which a node is suspected, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 400, value_parser = clap::value_parser!(u64).range(2..=600_000))]
    suspect_after: u64,
}

impl Pulse {
    /// The usual settings with these.
    ///
    /// # Errors
    /// When they contradict each other.
    pub fn settings(&self) -> Result<Settings, Failure> {
        if self.suspect_after < 2 * self.heartbeat {
            let why =
                "--suspect-after must be at least twice --heartbeat; otherwise nodes suspect each other all the time";
            return Err(Failure::BadInput(why.into()));
        }
        let (heartbeat, suspect_after) = (Span::millis(self.heartbeat), Span::millis(self.suspect_after));
        Ok(Settings { heartbeat, suspect_after, ..Settings::default() })
    }
}
