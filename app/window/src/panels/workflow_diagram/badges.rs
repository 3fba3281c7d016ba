//! The numbers on lines can be taken hold of: each says what its step is, and a click shows the last message of that step.

use egui::{Align2, Painter, Pos2, Rect, Role, Sense, Stroke, Ui, Vec2, WidgetInfo};
use protocol::ids::NodeId;
use protocol::message::Step;

use super::relations::CROWD;
use super::{Diagram, DiagramState, MenuOf};
use crate::theme::{self, Tokens, size, text};
use crate::widgets::Explains;
use wording::Term;

/// A number, and between whom its messages pass.
pub(super) struct Badge {
    pub(super) at: Pos2,
    pub(super) step: Step,
    pub(super) ends: (NodeId, NodeId),
    /// How strongly it glows, and whether because a message was lost.
    pub(super) glow: (f32, bool),
}

impl Badge {
    /// In a circle; filled while its message glows.
    pub(super) fn paint(&self, painter: &Painter, t: &Tokens) {
        let (strength, lost) = self.glow;
        let (full, full_ink) = if lost { (t.tomato_text, t.on_strong) } else { (t.saffron, t.on_saffron) };
        let edge = theme::between(theme::between(t.canvas, t.dim, 0.62), full, strength);
        let fill = theme::between(t.canvas, full, strength);
        let ink = if strength > 0.5 { full_ink } else { t.dim };
        painter.circle(self.at, size::NUMBER, fill, Stroke::new(size::HAIRLINE, edge));
        painter.text(self.at, Align2::CENTER_CENTER, self.step.0.to_string(), theme::plain(text::SMALL), ink);
    }

    /// On a line that a lesson speaks of.
    pub(super) fn paint_lit(&self, painter: &Painter, t: &Tokens) {
        painter.circle(self.at, size::NUMBER + 1.0, t.panel, Stroke::new(size::OUTLINE, t.tomato));
        painter.text(self.at, Align2::CENTER_CENTER, self.step.0.to_string(), theme::strong(text::SMALL), t.text);
    }
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
    for Badge { at, step, ends, .. } in badges {
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
            state.opens = Some(MenuOf::Line(names.0.clone(), names.1.clone()));
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
