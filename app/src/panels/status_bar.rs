//! The line at the bottom: what customers were told, and whether that is so. Each light says why on hover; a red one leads to
//! the requests that contradict each other.

use egui::{Label, RichText, Sense, Ui};
use protocol::ids::RequestId;

use crate::picture::Picture;
use crate::theme::{text, tokens};
use crate::verdict::evidence::Judged;
use crate::widgets::{dim, from_right};
use crate::wording::{self, Light};

/// The whole line. Returns the request that shall be looked at, if a red light was clicked.
pub fn status_bar_ui(ui: &mut Ui, picture: &Picture, judged: &Judged) -> Option<RequestId> {
    let mut wanted = None;
    let ledger = &picture.ledger;
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = 14.0;
        for light in wording::lights(judged, ledger) {
            if light_ui(ui, &light) {
                let convicted = judged.contradictions.iter().find(|it| light.why.contains(&it.why));
                wanted = convicted.and_then(|contradiction| contradiction.requests.last()).copied();
            }
        }
        from_right(ui, |ui| {
            ui.spacing_mut().item_spacing.x = 14.0;
            // What has no room beside the lights is left out; all of it stands among the measurements.
            let has_room = |ui: &Ui| ui.available_width() > ROOM;
            if has_room(ui) {
                dim(ui, wording::count(picture.nodes.running(), "process", "processes"));
            }
            if let Some(median) = ledger.percentile(50).filter(|_| has_room(ui)) {
                dim(ui, format!("answered in {}", wording::duration(median))).on_hover_text(wording::MEDIAN_MEANS);
            }
            if let Some(failover) = ledger.failover.filter(|_| has_room(ui)) {
                dim(ui, format!("last failover {}", wording::duration(failover)))
                    .on_hover_text(wording::FAILOVER_MEANS);
            }
        });
    });
    wanted
}

/// Room that one of the words at the right needs.
const ROOM: f32 = 132.0;

/// A tick, a cross or a ring before the words, never colour alone. True: it is red and was clicked.
fn light_ui(ui: &mut Ui, light: &Light) -> bool {
    let t = tokens(ui);
    let (sign, ink) = match light.good {
        Some(true) => ("✓", t.basil_text),
        Some(false) => ("✗", t.tomato_text),
        None => ("○", t.dim),
    };
    let mut words = RichText::new(format!("{sign} {}", light.words)).size(text::SMALL).color(ink);
    if light.good == Some(false) {
        words = words.strong().background_color(t.tomato_wash);
    }
    let response = ui.add(Label::new(words).selectable(false).sense(Sense::click()));
    response.on_hover_text(&light.why).clicked() && light.good == Some(false)
}
