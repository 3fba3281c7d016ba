//! Keys that mean the same wherever the focus is, unless something is being typed, chosen from a menu, or asked.

use egui::{Event, Key, Modifiers, Ui};
use protocol::trace::{Freezing, MessageAct};

use super::Window;
use crate::panels::Selected;
use crate::panels::help::Page;
use crate::panels::pace::{Pace, RATES};
use crate::panels::toolbar::{PlayClick, next_theme};
use crate::panels::workflow_diagram::command_for;
use crate::panels::zoom::Zoom;
use knowledge::user_command::{Until, UserCommand};

/// Takes the keys that mean something everywhere before a panel can: Space would press the button that has the focus. False:
/// all keys of this frame belong to a field, a menu or a dialog, also if one of them closes it.
pub(super) fn claim(ui: &Ui, window: &mut Window) -> bool {
    if ui.text_edit_focused() || is_asked(ui) {
        return false;
    }
    let pressed = |modifiers, key| ui.input_mut(|input| input.consume_key(modifiers, key));
    let pace = window.toolbar.pace;
    if pressed(Modifiers::NONE, Key::Space) {
        window.run_or_stop();
    }
    window.clicker_keys(ui);
    if window.diagram.takes_arrows(ui) {
        return true;
    }
    if pressed(Modifiers::SHIFT, Key::ArrowRight) {
        window.commands.push(pace.run_until(Until::NumberedStep));
    } else if pressed(Modifiers::COMMAND, Key::ArrowRight) {
        window.commands.push(pace.run_until(Until::ViewChange));
    } else if pressed(Modifiers::NONE, Key::ArrowRight) {
        window.commands.push(pace.step(&window.picture));
    }
    true
}

impl Window {
    /// Lets time go or stops it; of the past, lets it play or stops it.
    pub(super) fn run_or_stop(&mut self) {
        match self.past_plays() {
            Some(plays) => self.toolbar.asked_of_past = Some(PlayClick::Play(!plays)),
            None => self.commands.push(self.toolbar.pace.run_or_stop(&self.picture)),
        }
    }
}

/// Ctrl with plus, minus and 0, wherever the focus is. On many keyboards plus is typed with Shift, or is the key "=".
fn zoom(ui: &Ui, window: &mut Window) {
    let pressed = |key: Key| typed(ui, key, |modifiers| modifiers.command);
    let Window { appearance, toolbar, .. } = window;
    if pressed(Key::Plus) || pressed(Key::Equals) {
        toolbar.complaint = appearance.enlarge(ui.ctx());
    }
    if pressed(Key::Minus) {
        appearance.reduce(ui.ctx());
    }
    if pressed(Key::Num0) {
        appearance.zoom = Zoom::default();
    }
}

/// Whether a menu or a dialog is open, whose keys these are.
fn is_asked(ui: &Ui) -> bool {
    egui::Popup::is_any_open(ui.ctx()) || ui.memory(|memory| memory.top_modal_layer().is_some())
}

/// Does what the other keys pressed in this frame mean, if they were free when it began.
pub(super) fn handle(ui: &Ui, window: &mut Window, free: bool) {
    zoom(ui, window);
    window.full_screen_key(ui);
    if ui.input(|input| input.key_pressed(Key::F1)) {
        window.toolbar.help.show(Page::Steps);
    }
    if typed(ui, Key::N, |modifiers| modifiers.command && !modifiers.alt && !modifiers.shift) {
        window.toolbar.new_cluster = true;
    }
    if typed(ui, Key::N, |modifiers| modifiers.command && !modifiers.alt && modifiers.shift) {
        window.toolbar.start_over = true;
    }
    if !free || ui.text_edit_focused() || is_asked(ui) {
        return;
    }
    if ui.input(|input| input.key_pressed(Key::Questionmark)) {
        window.toolbar.help.show(Page::Keys);
    }
    let pressed = |key: Key| typed(ui, key, |modifiers| modifiers == Modifiers::NONE);
    if pressed(Key::Escape) && !window.diagram.leaves_tool() {
        // First what is selected, then the presentation.
        match window.focus.selected {
            Selected::Nothing => drop(window.leaves_presentation(ui.ctx())),
            Selected::Node(_) | Selected::Customer(_) | Selected::Message(..) => {
                window.focus.selected = Selected::Nothing;
            }
        }
    }
    for key in [Key::Delete, Key::C, Key::R] {
        if pressed(key)
            && let Some(command) = command_for(&window.focus.selected, &window.picture, key)
        {
            window.commands.push(command);
        }
    }
    speeds(ui, window);
    on_selected(&pressed, window);
    for (key, command) in [(Key::N, UserCommand::AddReplica), (Key::M, UserCommand::MendAll)] {
        if pressed(key) {
            window.commands.push(command);
        }
    }
    if pressed(Key::G) {
        window.order_again();
    }
    if pressed(Key::F) {
        window.diagram.fit();
    }
    for (key, which) in [
        (Key::P, &mut window.appearance.presents),
        (Key::B, &mut window.appearance.beliefs),
        (Key::J, &mut window.appearance.hides_tabs),
        (Key::W, &mut window.appearance.points),
        (Key::L, &mut window.toolbar.scenarios),
        (Key::K, &mut window.toolbar.lessons),
    ] {
        *which ^= pressed(key);
    }
    if pressed(Key::X) {
        match window.commands.refuses {
            Some(why) => window.diagram.complaint = Some(why.into()),
            None => window.diagram.cuts ^= true,
        }
    }
    if pressed(Key::T) {
        let now = ui.options(|options| options.theme_preference);
        ui.ctx().set_theme(next_theme(now).1);
    }
}

/// Whether a key was pressed with such modifiers. They are the key's own: those of the frame may be let go by its end, and
/// Ctrl + would change the speed too.
fn typed(ui: &Ui, wanted: Key, such: impl Fn(Modifiers) -> bool) -> bool {
    let is_it = |event: &Event| matches!(event, Event::Key { key, pressed: true, modifiers, .. } if *key == wanted && such(*modifiers));
    ui.input(|input| input.events.iter().any(is_it))
}

/// 1 to 6, plus and minus. On many keyboards plus is typed with Shift.
fn speeds(ui: &Ui, window: &mut Window) {
    const NUMBERS: [Key; 6] = [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6];
    let pressed = |key: Key| typed(ui, key, |modifiers| !modifiers.command && !modifiers.alt);
    let pace: &mut Pace = &mut window.toolbar.pace;
    let mut wanted = NUMBERS.into_iter().zip(RATES).find(|(key, _)| pressed(*key)).map(|(_, rate)| rate);
    if pressed(Key::Plus) || pressed(Key::Equals) {
        wanted = Some(pace.beside(-1));
    }
    if pressed(Key::Minus) {
        wanted = Some(pace.beside(1));
    }
    if let Some(rate) = wanted {
        let command = pace.choose(&window.picture, rate);
        // In the past it is the speed at which that is played.
        window.commands.extend(command.filter(|_| window.past.is_none()));
    }
}

/// Z freezes and wakes a node, H holds a message and lets it go, D doubles it.
fn on_selected(pressed: &dyn Fn(Key) -> bool, window: &mut Window) {
    let picture = &window.picture;
    match &window.focus.selected {
        Selected::Node(name) if pressed(Key::Z) => {
            let Some(node) = picture.nodes.get(name).filter(|node| node.runs()) else { return };
            let node_name = name.clone();
            window.commands.push(match picture.steering.frozen.contains_key(&node.id) {
                true => UserCommand::Wake { node: node_name },
                false => UserCommand::Freeze { node: node_name, how: Freezing::Cooperative },
            });
        }
        Selected::Message(id, to) => {
            let Some(flying) = picture.traffic.find(*id, *to).filter(|flying| flying.end.is_none()) else { return };
            let hold = if flying.is_held() { MessageAct::LetGo } else { MessageAct::Hold };
            for (key, act) in [
                (Key::H, hold),
                (Key::D, MessageAct::Duplicate),
                (Key::O, MessageAct::LetPast),
                (Key::Delete, MessageAct::Drop),
            ] {
                if pressed(key) {
                    window.commands.push(UserCommand::Message { message: *id, to: *to, act });
                }
            }
        }
        Selected::Node(_) | Selected::Customer(_) | Selected::Nothing => {}
    }
}
