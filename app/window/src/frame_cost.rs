//! What drawing costs on this machine, and how many frames are worth it.

use std::time::Duration;

use crate::theme::time;

/// What a frame costs this process in all its threads: without a graphics card, most of it is painting.
#[derive(Default)]
pub(super) struct FrameCost {
    /// Processor time up to the last frame, in microseconds.
    used: u64,
    /// Of the latest frames, in seconds.
    average: f32,
}

impl FrameCost {
    /// A frame begins: what was used since the last one is its cost.
    pub fn follow(&mut self, used: u64) {
        let cost = used.saturating_sub(self.used) as f32 / 1e6;
        if self.used > 0 {
            self.average += (cost - self.average) * 0.2;
        }
        self.used = used;
    }

    /// Seconds between two frames that only show how time goes, so that they cost little of one core.
    pub(crate) fn between_idle_frames(&self) -> f32 {
        (self.average / time::IDLE_SHARE).clamp(1.0 / 30.0, 2.0)
    }

    /// How long a fact may wait for others, so that all of them cost one frame: facts of a heartbeat come one by one in slow
    /// motion.
    pub fn patience(&self) -> Duration {
        Duration::from_secs_f32(if self.average > time::DEAR_FRAME / 2.0 { time::GATHER } else { 0.0 })
    }
}
