//! How fast time goes, as a person says it: run, stop, step, faster, slower, and the command for each. Nothing is shown here.

use protocol::ids::Span;
use protocol::machine::Timer;
use protocol::trace::Rate;

use knowledge::picture::Picture;
use knowledge::user_command::{Until, UserCommand};

/// The speeds a person can choose, fastest first.
pub(crate) const RATES: [Rate; 6] = [Rate::REAL, Rate(100_000), Rate(33_333), Rate(10_000), Rate(3_333), Rate(1_000)];
/// The speed at which a hop of 10 ms takes a second.
pub const USUAL: Rate = RATES[3];
/// How long a hop can last, in microseconds of cluster time; beside these there is "as it suits the speed".
pub(crate) const HOPS: [u64; 5] = [0, 1_000, 10_000, 50_000, 200_000];
/// A step with nothing to wait for lets so much cluster time pass, in microseconds.
const SMALL_STEP: u64 = 10_000;

/// The speed that was chosen last. It stays while time stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    chosen: Rate,
}

impl Default for Pace {
    fn default() -> Self {
        Self { chosen: USUAL }
    }
}

impl Pace {
    /// Takes over the speed at which time goes.
    pub fn follow(&mut self, picture: &Picture) {
        if !picture.steering.is_stopped(picture.now) {
            self.chosen = picture.steering.rate;
        }
    }

    /// The speed at which time goes, or will go on.
    #[must_use]
    pub fn chosen(self) -> Rate {
        self.chosen
    }

    /// Another speed. Standing time goes on standing.
    pub fn choose(&mut self, picture: &Picture, rate: Rate) -> Option<UserCommand> {
        self.chosen = rate;
        (!picture.steering.is_stopped(picture.now)).then_some(UserCommand::SetRate { rate })
    }

    /// The next slower speed (or faster, with `by` -1).
    #[must_use]
    pub fn beside(self, by: isize) -> Rate {
        let now = RATES.iter().position(|rate| *rate <= self.chosen).unwrap_or(RATES.len() - 1);
        let wanted = now.saturating_add_signed(by).min(RATES.len() - 1);
        // A speed from a script that is none of these: slower means the next below it.
        let between = by > 0 && RATES[now] < self.chosen;
        if between { RATES[now] } else { RATES[wanted] }
    }

    #[must_use]
    pub fn run(self) -> UserCommand {
        UserCommand::SetRate { rate: self.chosen }
    }

    #[must_use]
    pub fn stop() -> UserCommand {
        UserCommand::SetRate { rate: Rate::STOPPED }
    }

    /// Run if time stands still, else stop.
    #[must_use]
    pub(crate) fn run_or_stop(self, picture: &Picture) -> UserCommand {
        if picture.steering.is_stopped(picture.now) { self.run() } else { Self::stop() }
    }

    /// Until the next message leaves its link; else the next timer rings; else a little.
    #[must_use]
    pub fn step(self, picture: &Picture) -> UserCommand {
        let next = picture.next_due().map(|(at, _)| at).or_else(|| next_timer(picture));
        let moment = next.unwrap_or(picture.now + SMALL_STEP);
        UserCommand::RunUntil { rate: self.in_steps(), until: Until::Moment(moment) }
    }

    #[must_use]
    pub fn run_until(self, until: Until) -> UserCommand {
        UserCommand::RunUntil { rate: self.in_steps(), until }
    }

    /// In real time no hop lasts, so that nothing could be seen of a step.
    fn in_steps(self) -> Rate {
        if self.chosen.is_slow() { self.chosen } else { USUAL }
    }
}

/// When the next timer rings. Heartbeats count only if they are shown.
fn next_timer(picture: &Picture) -> Option<u64> {
    let steering = &picture.steering;
    let shown = |timer: &Timer| steering.heartbeats || *timer != Timer::Heartbeat;
    let armed = steering.timers.iter().filter(|(node, _)| !steering.frozen.contains_key(node));
    let moments = armed.flat_map(|(_, timers)| timers).filter(|(timer, _)| shown(timer)).map(|(_, at)| *at);
    moments.filter(|at| *at > picture.now).min()
}

/// How long a hop takes before a person's eyes at this speed, in microseconds; 0: too short to be seen.
pub fn hop_in_sight(hop: u64, rate: Rate) -> u64 {
    if rate == Rate::STOPPED { 0 } else { hop.saturating_mul(1_000_000) / u64::from(rate.0) }
}

/// A length of cluster time that a person sees for about this many microseconds, at the speed of the picture. While time
/// stands still or is very slow it is at least nine tenths of a hop, so that what has just arrived can be told.
pub(crate) fn in_sight(picture: &Picture, micros: u64) -> u64 {
    let rate = picture.steering.rate;
    let scaled = micros * u64::from(rate.0) / 1_000_000;
    if rate.is_slow() { scaled.max(picture.hop * 9 / 10) } else { micros }
}

/// The command for hops of this length; none: as it suits the speed.
#[must_use]
pub(crate) fn hop_command(micros: Option<u64>) -> UserCommand {
    UserCommand::SetHop { hop: micros.map(Span) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::ids::{MessageId, NodeId};
    use protocol::message::Summary;
    use protocol::trace::{LauncherEvent, MessageFacts, NodeEvent, TraceEvent, TraceRecord};

    fn sent(picture: &mut Picture, number: u64, delay: u64, held: bool) {
        let facts =
            MessageFacts { step: None, summary: Summary::Heartbeat, request: None, fields: Vec::new(), delay, held };
        let message = MessageId { from: NodeId(1), number };
        let event = TraceEvent::Node(NodeEvent::Sent { message, to: NodeId(2), facts });
        picture.apply(&TraceRecord { node: NodeId(1), at: 1_000, event });
    }

    fn stopped() -> Picture {
        let mut picture = Picture::default();
        let event = TraceEvent::Launcher(LauncherEvent::ClockIs { rate: Rate::STOPPED, until: None });
        picture.apply(&TraceRecord { node: NodeId(0), at: 1_000, event });
        picture
    }

    #[test]
    fn a_step_ends_when_the_next_message_that_is_not_held_leaves_its_link() {
        let mut picture = stopped();
        sent(&mut picture, 1, 5_000, true);
        sent(&mut picture, 2, 10_000, false);
        sent(&mut picture, 3, 9_000, false);
        let step = UserCommand::RunUntil { rate: USUAL, until: Until::Moment(10_000) };
        assert_eq!(Pace::default().step(&picture), step);
    }

    #[test]
    fn a_step_without_messages_leads_to_the_next_timer_but_not_to_a_heartbeat() {
        let mut picture = stopped();
        let armed = vec![(Timer::Heartbeat, 2_000), (Timer::RetryRequest, 7_000)];
        picture.apply(&TraceRecord {
            node: NodeId(1),
            at: 1_000,
            event: TraceEvent::Node(NodeEvent::Timers { armed }),
        });
        let step = UserCommand::RunUntil { rate: USUAL, until: Until::Moment(7_000) };
        assert_eq!(Pace::default().step(&picture), step);
    }

    #[test]
    fn a_speed_chosen_while_time_stands_still_waits_for_run() {
        let (mut pace, picture) = (Pace::default(), stopped());
        assert_eq!(pace.choose(&picture, Rate::SLOWEST), None);
        assert_eq!(pace.run_or_stop(&picture), UserCommand::SetRate { rate: Rate::SLOWEST });
        let mut going = Picture::default();
        going.set_now(5);
        pace.follow(&going);
        assert_eq!(pace.run_or_stop(&going), UserCommand::SetRate { rate: Rate::STOPPED });
    }

    #[test]
    fn faster_and_slower_end_at_the_ends() {
        let at = |rate| Pace { chosen: rate };
        assert_eq!(at(Rate::REAL).beside(-1), Rate::REAL);
        assert_eq!(at(Rate::SLOWEST).beside(1), Rate::SLOWEST);
        assert_eq!(at(USUAL).beside(1), RATES[4]);
        assert_eq!(at(USUAL).beside(-1), RATES[2]);
        assert_eq!(at(Rate(50_000)).beside(1), RATES[2]);
        assert_eq!(at(Rate(50_000)).beside(-1), RATES[1]);
    }

    #[test]
    fn a_hop_of_ten_milliseconds_takes_a_second_at_a_hundredth() {
        assert_eq!(hop_in_sight(10_000, USUAL), 1_000_000);
        assert_eq!(hop_in_sight(0, Rate::REAL), 0);
    }
}
