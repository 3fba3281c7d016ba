//! Between moments of cluster time and places on the screen.

/// The part of time that is shown, and where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    /// At the left edge, in microseconds.
    pub start: u64,
    /// At the right edge.
    pub end: u64,
    /// The left edge, in points.
    pub left: f32,
    pub right: f32,
}

impl Scale {
    fn span(&self) -> f64 {
        self.end.saturating_sub(self.start).max(1) as f64
    }

    /// Where a moment is; far away moments stay far away, within what can be painted.
    pub fn x(&self, at: u64) -> f32 {
        let share = (at as f64 - self.start as f64) / self.span();
        let far = f64::from(self.right - self.left) * 4.0;
        (f64::from(self.left) + (share * f64::from(self.right - self.left)).clamp(-far, far)) as f32
    }

    pub fn time_at(&self, x: f32) -> u64 {
        let share = f64::from(x - self.left) / f64::from(self.right - self.left).max(1.0);
        (self.start as f64 + share * self.span()).max(0.0) as u64
    }

    /// How long this many points are, in microseconds.
    pub(crate) fn time_of(&self, points: f32) -> i64 {
        (f64::from(points) / f64::from(self.right - self.left).max(1.0) * self.span()) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_and_places_agree() {
        let scale = Scale { start: 1_000, end: 3_000, left: 100.0, right: 300.0 };
        assert_eq!([scale.x(1_000), scale.x(2_000), scale.x(3_000)], [100.0, 200.0, 300.0]);
        assert_eq!([scale.time_at(100.0), scale.time_at(150.0), scale.time_at(0.0)], [1_000, 1_500, 0]);
        assert_eq!(scale.time_of(-50.0), -500);
        assert!(scale.x(u64::MAX) < 2_000.0 && Scale { end: 1_000, ..scale }.x(1_000) == 100.0);
    }
}
