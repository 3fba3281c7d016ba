//! Keys that mean the same wherever the focus is, unless something is being typed.

use egui::{Key, Modifiers, Ui};
use protocol::ids::Span;

use super::Window;
use crate::panels::Selected;
use crate::panels::toolbar::{HOP_KEYS, next_theme};
use crate::panels::workflow_diagram::command_for;
use crate::theme::time;
use crate::user_command::UserCommand;

/// Does what the keys pressed in this frame mean.
pub(super) fn handle(ui: &Ui, window: &mut Window) {
    let help = |input: &egui::InputState| input.key_pressed(Key::F1) || input.key_pressed(Key::Questionmark);
    if ui.input(|input| input.key_pressed(Key::F1)) {
        window.toolbar.shortcuts = true;
    }
    if ui.text_edit_focused() {
        return;
    }
    if ui.input(help) {
        window.toolbar.shortcuts = true;
    }
    let pressed = |key: Key| ui.input(|input| input.key_pressed(key) && input.modifiers == Modifiers::NONE);
    if pressed(Key::Escape) && !egui::Popup::is_any_open(ui.ctx()) {
        window.focus.selected = Selected::Nothing;
    }
    for key in [Key::Delete, Key::C, Key::R] {
        if pressed(key)
            && let Some(command) = command_for(&window.focus.selected, &window.picture, key)
        {
            window.commands.push(command);
        }
    }
    for (key, hop) in HOP_KEYS.into_iter().zip(time::HOPS) {
        if pressed(key) {
            window.commands.push(UserCommand::SetHop { hop: Some(Span(hop)) });
        }
    }
    if pressed(Key::N) {
        window.commands.push(UserCommand::AddReplica);
    }
    if pressed(Key::F) {
        window.diagram.fit();
    }
    if pressed(Key::P) {
        window.appearance.presents = !window.appearance.presents;
    }
    if pressed(Key::T) {
        let now = ui.options(|options| options.theme_preference);
        ui.ctx().set_theme(next_theme(now).1);
    }
}
