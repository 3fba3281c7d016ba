//! Lines that can be taken hold of: what a link does is shown on its line, and said and changed by its menu.
//!
//! A line is wider for the pointer than for the eye. For the keyboard and for screen readers it is one thing in
//! the order of focus.

use egui::{Align2, Pos2, Rect, Response, Role, Sense, Ui, Vec2, WidgetInfo, vec2};
use protocol::message::Step;
use protocol::trace::{LinkRule, Part};

use super::gestures::menu_opening;
use super::layout::{Taken, keep_within};
use super::lines::Line;
use super::link_dialog::LinkDialog;
use super::{Diagram, DiagramState, MenuOf, marks};
use crate::panels::actions::{self, Action};
use crate::panels::links;
use crate::theme::{self, size, text};
use crate::widgets::{Explains, asking, asks};
use knowledge::user_command::{CommandQueue, LinkWay, UserCommand};
use wording::Term;

/// How near a line the pointer must be, in points.
const NEAR: f32 = 7.0;

/// The line under the pointer, if no node or customer is.
fn under_pointer(ui: &Ui, diagram: &Diagram<'_>, lines: &[Line<'_>]) -> Option<(usize, Pos2)> {
    let at = ui.input(|input| input.pointer.hover_pos()).filter(|at| ui.clip_rect().contains(*at))?;
    let on_card = diagram.nodes.iter().any(|(_, _, rect)| rect.contains(at));
    if on_card || diagram.customers.iter().any(|(_, dot)| dot.distance(at) < size::CUSTOMER + 3.0) {
        return None;
    }
    let distances = lines.iter().enumerate().map(|(index, line)| (index, line.way.distance(at)));
    let near = distances.filter(|(_, distance)| *distance <= NEAR);
    near.min_by(|one, other| one.1.total_cmp(&other.1)).map(|(index, _)| (index, at))
}

/// Lets lines be pointed at, and opens their menus. To be called below everything else on the canvas. `ground` is the canvas
/// itself: it takes the click of a finger, or of a mouse faster than frames, that comes before the line was pointed at.
pub(super) fn on_lines(
    ui: &mut Ui,
    ground: &Response,
    diagram: &Diagram<'_>,
    lines: &[Line<'_>],
    state: &mut DiagramState,
    commands: &mut CommandQueue,
) {
    let under = under_pointer(ui, diagram, lines);
    for (index, line) in lines.iter().enumerate() {
        let hovered = under.filter(|(near, _)| *near == index).map(|(_, at)| at);
        let centre = hovered.unwrap_or_else(|| line.way.at(0.5));
        // Beside a line that is pointed at, others do not get in the way.
        let extent = if hovered.is_some() || under.is_none() { 14.0 } else { 1.0 };
        let (one, other) = (line.relation.from.1, line.relation.to.1);
        let id = ui.scope_id().with(("link", one, other));
        let response = ui.interact(Rect::from_center_size(centre, Vec2::splat(extent)), id, Sense::click());
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("link {}", sentence(line))));
        if response.has_focus() || (hovered.is_some() && response.hovered()) {
            let ink = if response.has_focus() { diagram.tokens.sea } else { diagram.tokens.dim };
            ui.painter().line(line.way.points().to_vec(), (size::STRONG, theme::faded(ink, 0.6)));
        }
        let by_pointer = response.clicked_by(egui::PointerButton::Primary) && hovered.is_some();
        if response.clicked() && !by_pointer {
            state.link_dialog = Some(LinkDialog::open(diagram.picture, &line.ends()));
        }
        let this = MenuOf::Line(one.to_owned(), other.to_owned());
        let by_number = state.opens.take_if(|opens| *opens == this).is_some();
        let opens = by_number || (hovered.is_some() && ground.secondary_clicked());
        let refuses = commands.refuses;
        let entries = |ui: &mut Ui| asking(ui, refuses, |ui| link_menu(ui, diagram, line, state, commands));
        menu_opening(ui, &response, opens, entries);
        if hovered.is_some() && !line_is_plain(line) {
            response.on_hover_text(sentence(line));
        }
    }
}

fn line_is_plain(line: &Line<'_>) -> bool {
    line.rules.0.is_mended() && line.rules.1.is_mended()
}

fn sentence(line: &Line<'_>) -> String {
    let (one, other) = (line.relation.from.1, line.relation.to.1);
    if line_is_plain(line) {
        return format!("{one} – {other}: no added delay");
    }
    wording::links_between(one, other, &line.rules.0, &line.rules.1)
}

/// What can be done with a link.
fn link_menu(
    ui: &mut Ui,
    diagram: &Diagram<'_>,
    line: &Line<'_>,
    state: &mut DiagramState,
    commands: &mut CommandQueue,
) {
    let ends = line.ends();
    let (one, other) = (&ends.0, &ends.1);
    let mut entry = |ui: &mut Ui, words: String, term: Term, command: UserCommand| {
        let response = ui.button(words).explains(term);
        asks(ui, &response, commands, command);
    };
    if !line.is_cut() {
        entry(ui, format!("Cut {one} – {other}"), Term::Cut, links::set(links::both(&ends).to_vec(), LinkRule::CUT));
    }
    if !line_is_plain(line) {
        let mended = links::set(links::both(&ends).to_vec(), LinkRule::default());
        entry(ui, format!("Mend {one} – {other}"), Term::Link, mended);
    }
    for (from, to, rule) in [(one, other, line.rules.0), (other, one, line.rules.1)] {
        let toggled = |words: String, rule: LinkRule| (words, links::set(vec![links::way(from, to)], rule));
        let (words, command) = match rule.cut {
            true => toggled(format!("Mend {from} → {to}"), LinkRule { cut: false, ..rule }),
            false => toggled(format!("Cut only {from} → {to}"), LinkRule { cut: true, ..rule }),
        };
        entry(ui, words, Term::Cut, command);
        let (words, command) = match rule.hold {
            true => toggled(format!("Release {from} → {to}"), LinkRule { hold: false, ..rule }),
            false => toggled(format!("Hold messages {from} → {to}"), LinkRule { hold: true, ..rule }),
        };
        entry(ui, words, Term::Held, command);
    }
    if ui.button("Delay, jitter, loss…").explains(Term::SlowLink).clicked() {
        state.link_dialog = Some(LinkDialog::open(diagram.picture, &ends));
        ui.close();
    }
    let steps = line.relation.steps;
    if !steps.is_empty() {
        ui.separator();
    }
    for step in steps {
        let submenu = ui.menu_button(format!("Bomb at step {step}"), |ui| {
            for action in bombs(diagram, line, *step) {
                super::gestures::entry(ui, action, commands);
            }
        });
        if submenu.inner.is_none() {
            submenu.response.explains(Term::Step(Step(*step)));
        }
    }
}

/// The bombs that can be dropped on a step of a line: each at the end whose part it is, crashing and freezing.
fn bombs(diagram: &Diagram<'_>, line: &Line<'_>, step: u8) -> Vec<Action> {
    let mut bombs = Vec::new();
    for at in actions::failpoints_at(step) {
        for (id, name) in [line.relation.from, line.relation.to] {
            let plays = match diagram.picture.nodes.of(id) {
                Some(node) => actions::parts(node).first() == Some(&at.part()),
                None => at.part() == Part::Customer,
            };
            if plays {
                bombs.extend([true, false].map(|crash| actions::bomb(name, *at, crash)));
            }
        }
    }
    bombs
}

/// Scissors, bars and signs on lines whose links do something. A click on scissors mends.
pub(super) fn signs(
    ui: &Ui,
    diagram: &Diagram<'_>,
    lines: &[Line<'_>],
    taken: &mut Taken,
    commands: &mut CommandQueue,
) {
    for line in lines.iter().filter(|line| !line_is_plain(line)) {
        for (rule, near, back) in [(line.rules.0, 0.16, false), (line.rules.1, 0.84, true)] {
            if rule.hold && !rule.cut {
                let heading = line.way.heading(near) * if back { -1.0 } else { 1.0 };
                marks::bars(ui.painter(), diagram.tokens, line.way.at(near), heading);
            }
        }
        if line.rules.0.cut || line.rules.1.cut {
            scissors(ui, diagram, line, taken, commands);
        }
        words(ui, diagram, line, taken);
    }
}

fn scissors(ui: &Ui, diagram: &Diagram<'_>, line: &Line<'_>, taken: &mut Taken, commands: &mut CommandQueue) {
    let (one, other) = (line.relation.from.1, line.relation.to.1);
    let shares = [0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74];
    let room = |share: f32| Rect::from_center_size(line.way.at(share), Vec2::splat(marks::SIGN * 2.0 + 2.0));
    let share = shares.into_iter().find(|share| taken.is_free(room(*share))).unwrap_or(0.5);
    let at = line.way.at(share);
    taken.take(room(share));
    let area = Rect::from_center_size(at, Vec2::splat(marks::SIGN * 2.0));
    let response = ui.interact(area, ui.scope_id().with(("scissors", one, other)), Sense::click());
    let heading = line.way.heading(share);
    let (name, ways, arrow): (String, Vec<LinkWay>, Option<Vec2>) = match (line.rules.0.cut, line.rules.1.cut) {
        (true, true) => (format!("{one} – {other}"), links::both(&line.ends()).to_vec(), None),
        (true, false) => (format!("{one} → {other}"), vec![links::way(one, other)], Some(heading)),
        (false, _) => (format!("{other} → {one}"), vec![links::way(other, one)], Some(-heading)),
    };
    let may_ask = commands.refuses.is_none();
    response.widget_info(|| WidgetInfo::labeled(Role::Button, may_ask, format!("mend {name}")));
    marks::scissors(ui.painter(), diagram.tokens, at, may_ask && (response.hovered() || response.has_focus()));
    if let Some(towards) = arrow {
        let beside = at + towards * (marks::SIGN + 11.0);
        ui.painter().circle_filled(beside, 10.0, diagram.tokens.canvas);
        marks::blocked_arrow(ui.painter(), diagram.tokens, beside, towards);
    }
    let means = format!("{}\n{}", sentence(line), commands.refuses.unwrap_or("Click: mend"));
    if response.on_hover_text(means).clicked() && may_ask {
        commands.push(links::set(ways, LinkRule::default()));
    }
}

/// "+200 ms": what a link does besides being cut, near its sender; once, if both ways do the same.
fn words(ui: &Ui, diagram: &Diagram<'_>, line: &Line<'_>, taken: &mut Taken) {
    let t = diagram.tokens;
    let (there, back) = (wording::link_signs(&line.rules.0), wording::link_signs(&line.rules.1));
    let arrow = |words: &str, to: &str| format!("{words} → {to}");
    let (one, other) = (line.relation.from.1, line.relation.to.1);
    let signs = match (there.is_empty(), back.is_empty(), there == back) {
        (false, _, true) => vec![(0.5, there)],
        (there_none, back_none, _) => {
            let there = (!there_none).then(|| (0.32, arrow(&there, other)));
            there.into_iter().chain((!back_none).then(|| (0.68, arrow(&back, one)))).collect()
        }
    };
    for (share, words) in signs {
        let galley = ui.painter().layout_no_wrap(words, theme::strong(text::SMALL), t.saffron_text);
        let room = galley.size() + vec2(14.0, 6.0);
        let place = |share: f32, lift: f32| {
            let at = line.way.at(share) + line.way.heading(share).rot90() * lift;
            Rect::from_center_size(at, room)
        };
        let lifts = [0.0, -20.0, 20.0, -40.0, 40.0];
        let shares = [share, share - 0.12, share + 0.12, share - 0.24, share + 0.24];
        let places = shares.into_iter().flat_map(|share| lifts.map(|lift| place(share, lift)));
        // Bars say without words that messages are held.
        let only_held = |rule: &LinkRule| LinkRule { hold: false, ..*rule }.is_mended();
        let found = taken.first_free(diagram.canvas.shrink(4.0), places);
        if found.is_none() && only_held(&line.rules.0) && only_held(&line.rules.1) {
            continue;
        }
        let rect = found.unwrap_or_else(|| keep_within(place(share, 0.0), diagram.canvas));
        ui.painter().rect(rect, room.y / 2.0, t.saffron_wash, (size::HAIRLINE, t.saffron), egui::StrokeKind::Inside);
        let at = Align2::CENTER_CENTER.align_size_within_rect(galley.size(), rect).min;
        ui.painter().galley(at, galley, t.saffron_text);
    }
}
