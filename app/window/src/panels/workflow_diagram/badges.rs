//! The numbers on lines can be taken hold of: each says what its step is, and a click shows the last message of that step.

use egui::{Pos2, Rect, Role, Sense, Ui, Vec2, WidgetInfo};
use protocol::ids::NodeId;
use protocol::message::Step;

use super::relations::CROWD;
use super::{Diagram, DiagramState};
use crate::theme::size;
use crate::widgets::Explains;
use wording::Term;

/// A number, and between whom its messages pass.
pub(super) struct Badge {
    pub(super) at: Pos2,
    pub(super) step: Step,
    pub(super) ends: (NodeId, NodeId),
}

/// A step on a line, of which somebody wants to see the last message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastOfStep {
    pub step: Step,
    pub ends: (NodeId, NodeId),
}

/// Lets numbers be pointed at. Under messages: one that passes is in front.
pub(super) fn show(ui: &mut Ui, diagram: &Diagram<'_>, badges: &[Badge], state: &mut DiagramState) {
    let now = ui.input(|input| input.time);
    let clicks = ui.input(|input| input.pointer.any_pressed());
    state.none_yet.take_if(|(_, until)| clicks || *until <= now);
    for Badge { at, step, ends } in badges {
        let names = (name(diagram, ends.0), name(diagram, ends.1));
        let area = Rect::from_center_size(*at, Vec2::splat(size::NUMBER * 2.0));
        let id = ui.scope_id().with(("badge", step.0, &names));
        let response = ui.interact(area, id, Sense::click());
        let called = || format!("step {} on {} – {}", step.0, names.0, names.1);
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, called()));
        if response.has_focus() || response.hovered() {
            let ink = if response.has_focus() { diagram.tokens.sea } else { diagram.tokens.dim };
            ui.painter().circle_stroke(*at, size::NUMBER + 2.0, (size::OUTLINE, ink));
        }
        let this = LastOfStep { step: *step, ends: *ends };
        if let Some((_, until)) = state.none_yet.filter(|(none, _)| *none == this) {
            response.show_tooltip_text(wording::none_of_step(*step, &names.0, &names.1));
            ui.ctx().request_repaint_after_secs((until - now) as f32);
            continue;
        }
        // What can be done with the line below is told by its own menu.
        if response.secondary_clicked() {
            state.opens_menu = Some(names.clone());
        }
        if response.explains_all(&[Term::Step(*step)], wording::BADGE_MEANS).clicked() {
            state.asks_last = Some(this);
        }
    }
}

fn name(diagram: &Diagram<'_>, id: NodeId) -> String {
    let is_crowd = diagram.crowd.is_some_and(|(first, _)| first == id);
    if is_crowd { CROWD.to_owned() } else { diagram.picture.name(id) }
}
