//! How large everything is drawn: as the person chose, as far as the window has room. Pure, but for the last function.
//!
//! A window in which the chosen size leaves less than a usable room is drawn smaller, in proportion. The choice is kept: on a
//! larger screen it holds again.

use egui::{Context, Vec2};

use crate::theme::size;

/// The size a person chose; 1 is the usual one.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Zoom(f32);

/// Between one size and the next.
const STEP: f32 = 0.1;
/// What a person can choose.
const CHOICES: (f32, f32) = (0.5, 4.0);
/// What is ever drawn: below it, nothing could be read, and panels are cut off instead.
const DRAWN: (f32, f32) = (0.3, 6.0);

impl Default for Zoom {
    fn default() -> Self {
        Self(1.0)
    }
}

impl Zoom {
    /// The factor for a window of this size, in points as the system counts them. A presentation is larger, and needs less
    /// room because it has no side panels.
    #[must_use]
    pub fn factor(self, window: Vec2, presents: bool) -> f32 {
        let (larger, _) = mode(presents);
        // A damaged memory may hold any number.
        let wanted = if self.0.is_finite() { self.0.clamp(CHOICES.0, CHOICES.1) } else { 1.0 };
        (wanted * larger).min(Self::largest(window, presents)).clamp(DRAWN.0, DRAWN.1)
    }

    /// One step larger; false if the window has no room for it.
    pub(crate) fn enlarge(&mut self, window: Vec2, presents: bool) -> bool {
        let now = self.shown(window, presents);
        *self = Self(steps(now + STEP).min(CHOICES.1));
        let grows = self.shown(window, presents) > now + STEP / 4.0;
        if !grows {
            *self = Self(now);
        }
        grows
    }

    /// One step smaller than what is shown.
    pub(crate) fn reduce(&mut self, window: Vec2, presents: bool) {
        *self = Self(steps(self.shown(window, presents) - STEP).max(CHOICES.0));
    }

    /// What is shown of the choice in such a window, where 1 is the usual size of its mode.
    #[must_use]
    pub fn shown(self, window: Vec2, presents: bool) -> f32 {
        self.factor(window, presents) / mode(presents).0
    }

    fn largest(window: Vec2, presents: bool) -> f32 {
        let (_, usable) = mode(presents);
        let fits = window / usable;
        fits.x.min(fits.y)
    }
}

/// How much larger everything is, and the room it needs.
fn mode(presents: bool) -> (f32, Vec2) {
    if presents { (size::PRESENTATION, size::USABLE_PRESENTED) } else { (1.0, size::USABLE) }
}

/// Rounded to whole steps, so that going up and down leads to where it began.
fn steps(factor: f32) -> f32 {
    (factor / STEP).round() * STEP
}

/// The size of the window in points as the system counts them, whatever is zoomed.
pub fn window(context: &Context) -> Vec2 {
    context.content_rect().size() * context.zoom_factor()
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::vec2;

    #[test]
    fn a_choice_holds_where_there_is_room_and_comes_back() {
        let mut zoom = Zoom::default();
        let screen = vec2(1920.0, 1080.0);
        for _ in 0..5 {
            assert!(zoom.enlarge(screen, false));
        }
        assert!((zoom.factor(screen, false) - 1.5).abs() < 1e-4);
        assert!((zoom.factor(vec2(1280.0, 800.0), false) - 1.5).abs() < 1e-4, "readable at 150 %");
        let projector = vec2(800.0, 600.0);
        let less = zoom.factor(projector, false);
        assert!(less < 1.5 && projector.x / less >= size::USABLE.x - 0.1, "{less}");
        assert!((zoom.factor(screen, false) - 1.5).abs() < 1e-4);
    }

    #[test]
    fn enlarging_ends_where_the_window_has_no_room_and_reducing_is_felt_at_once() {
        let window = vec2(1280.0, 800.0);
        let mut zoom = Zoom::default();
        let larger = (0..40).take_while(|_| zoom.enlarge(window, false)).count();
        assert!((5..20).contains(&larger), "{larger}");
        let most = zoom.factor(window, false);
        assert!(!zoom.enlarge(window, false));
        zoom.reduce(window, false);
        assert!(zoom.factor(window, false) < most - 0.01);
    }

    #[test]
    fn every_window_and_every_memory_has_a_size() {
        for kept in [f32::NAN, f32::INFINITY, -3.0, 0.0, 1.0, 900.0] {
            for (width, height) in [(0.0, 0.0), (1.0, 1.0), (300.0, 4000.0), (7680.0, 4320.0)] {
                for presents in [false, true] {
                    let factor = Zoom(kept).factor(vec2(width, height), presents);
                    assert!((DRAWN.0..=DRAWN.1).contains(&factor), "{kept} {width} {height}: {factor}");
                }
            }
        }
    }
}
