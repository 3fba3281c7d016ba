//! Where the panels stand, for every size of the window. Pure; the panels themselves are shown by `lib.rs`.

use std::ops::RangeInclusive;

use egui::Vec2;

use crate::theme::size;

/// Which panels there is room for, and how wide or high each may be, in points.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Arrangement {
    /// The status bar, if there is room for it.
    pub status_bar: bool,
    /// The narrator's strip below the diagram.
    pub narrator: bool,
    /// Customers and the order form; where the inspector has no panel of its own, that too.
    pub left: Option<RangeInclusive<f32>>,
    pub right: Option<RangeInclusive<f32>>,
    /// The tabs at the bottom.
    pub bottom: Option<RangeInclusive<f32>>,
    /// How high the tabs are at first.
    pub bottom_at_first: f32,
}

/// Side panels and tabs at their smallest.
const LEAST: (f32, f32) = (200.0, 96.0);
/// The diagram keeps this much of the window.
const DIAGRAM: Vec2 = Vec2::new(240.0, 120.0);
/// And this part of its height, however high the tabs were in a larger window.
const DIAGRAM_SHARE: f32 = 0.5;
/// Below this height there is only the diagram under the toolbar.
const ROOM_FOR_STATUS_BAR: f32 = 200.0;
/// Below this height the diagram needs the narrator's room; a presentation has more, without tabs.
const ROOM_FOR_NARRATOR: (f32, f32) = (500.0, 340.0);

/// Arranges the panels of a window in `room` points.
pub(super) fn arrange(room: Vec2, presents: bool, teaches: bool) -> Arrangement {
    let status_bar = room.y >= ROOM_FOR_STATUS_BAR;
    let bars = size::TOOLBAR + if status_bar { size::STATUS_BAR } else { 0.0 };
    let most_bottom = room.y - bars - DIAGRAM.y.max(room.y * DIAGRAM_SHARE);
    let tabs = (!presents || room.y >= size::TIMELINE_PRESENTED) && most_bottom >= LEAST.1;
    // A presentation has no side panels, but a lesson's page stands beside the picture in any case.
    let page_only = presents && teaches;
    let two = page_only || room.x >= size::ROOM_FOR_TWO_PANELS;
    let most_side = (room.x - DIAGRAM.x) / if two && !page_only { 2.0 } else { 1.0 };
    let side = ((!presents || teaches) && most_side >= LEAST.0).then(|| LEAST.0..=most_side.min(420.0));
    let narrator = room.y >= if presents { ROOM_FOR_NARRATOR.1 } else { ROOM_FOR_NARRATOR.0 };
    let canvas = room.x
        - match (page_only, side.is_some(), two) {
            (true, ..) => size::RIGHT,
            (false, true, true) => size::LEFT + size::RIGHT,
            (false, true, false) => size::LEFT,
            (false, false, _) => 0.0,
        };
    let strip = match (narrator, canvas >= size::ROOM_FOR_LONG_LINES) {
        (false, _) => 0.0,
        (true, true) => size::NARRATOR,
        (true, false) => size::NARRATOR * 1.3,
    };
    Arrangement {
        status_bar,
        narrator,
        right: side.clone().filter(|_| two),
        left: side.filter(|_| !page_only),
        bottom: tabs.then(|| LEAST.1..=most_bottom.min(480.0)),
        bottom_at_first: size::BOTTOM.min(room.y * size::BOTTOM_SHARE - strip).max(LEAST.1),
    }
}

/// What the one side panel shows where there is no room for two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Side {
    /// Customers and the order form.
    #[default]
    Order,
    Inspect,
    /// The page of a lesson.
    Lesson,
    /// The editor of a lesson.
    Edit,
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::vec2;

    #[test]
    fn the_diagram_keeps_its_room_in_every_window() {
        for width in (1..=4000).step_by(7) {
            for height in (1..=2400).step_by(13) {
                let room = vec2(width as f32, height as f32);
                for (presents, teaches) in [(false, false), (true, false), (false, true), (true, true)] {
                    let Arrangement { left, right, bottom, .. } = arrange(room, presents, teaches);
                    let most = |range: &Option<RangeInclusive<f32>>| range.as_ref().map_or(0.0, |range| *range.end());
                    for range in [&left, &right, &bottom].into_iter().flatten() {
                        assert!(range.start() <= range.end(), "{room:?} {range:?}");
                    }
                    let sides = most(&left) + most(&right);
                    assert!(sides == 0.0 || sides + DIAGRAM.x <= room.x + 0.1, "{room:?}");
                    assert!(bottom.is_none() || most(&bottom) + size::TOOLBAR + DIAGRAM.y <= room.y + 0.1, "{room:?}");
                }
            }
        }
    }

    #[test]
    fn a_usable_window_has_all_panels() {
        for (width, height) in [(760.0, 480.0), (853.0, 533.0), (1024.0, 768.0), (1280.0, 800.0)] {
            let found = arrange(vec2(width, height), false, false);
            assert!(found.left.is_some() && found.bottom.is_some() && found.status_bar, "{found:?}");
            assert_eq!(found.right.is_some(), width >= size::ROOM_FOR_TWO_PANELS);
        }
    }
}
