//! The line at the bottom: what customers were told, and whether the replicas still have it. Each light says why on hover.

use egui::Ui;

use crate::picture::{Copies, Picture};
use crate::widgets::{dim, from_right, light};
use crate::wording;

/// The whole line.
pub fn status_bar_ui(ui: &mut Ui, picture: &Picture) {
    let ledger = &picture.ledger;
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = 16.0;
        light(ui, true, &format!("{} acknowledged", ledger.placed), wording::PLACED_MEANS);
        light(ui, ledger.lost == 0, &format!("{} lost", ledger.lost), wording::LOST_MEANS);
        match ledger.copies {
            Copies::Alone => drop(dim(ui, "○ one copy only").on_hover_text(wording::COPIES_MEANS)),
            Copies::CatchingUp => drop(dim(ui, "○ replicas catching up").on_hover_text(wording::COPIES_MEANS)),
            Copies::Identical => drop(light(ui, true, "replicas identical", wording::COPIES_MEANS)),
            Copies::Differ => drop(light(ui, false, "replicas differ", wording::COPIES_MEANS)),
        }
        from_right(ui, |ui| {
            ui.spacing_mut().item_spacing.x = 16.0;
            dim(ui, wording::count(picture.nodes.running(), "process", "processes"));
            if let Some(median) = ledger.percentile(50) {
                dim(ui, format!("answered in {}", wording::duration(median))).on_hover_text(wording::MEDIAN_MEANS);
            }
            if let Some(failover) = ledger.failover {
                dim(ui, format!("last failover {}", wording::duration(failover)))
                    .on_hover_text(wording::FAILOVER_MEANS);
            }
        });
    });
}
