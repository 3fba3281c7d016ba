//! What stands beside the tabs while the timeline is shown: searching, choosing, looking closer, going back.

use egui::{Button, Key, Modifiers, Popup, RichText, Ui};
use protocol::ids::{MessageId, NodeId};

use super::{Course, Look, TimelineState, lanes, latest};
use crate::panels::{Focus, Selected};
use crate::theme::{size, text};
use crate::widgets::{button, checkbox, dim, field, scrolling};
use wording::search::{Found, Query};

/// What is looked for.
#[derive(Debug, Default)]
pub(super) struct Search {
    pub text: String,
    /// Whether everything else is hidden.
    pub only: bool,
    /// The hit that is looked at, from 0.
    at: Option<usize>,
    hits: Vec<Target>,
    /// What was looked for when the hits were found, and how long the tape was.
    found: (String, usize),
}

/// Where a hit leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Target {
    at: u64,
    message: Option<(MessageId, NodeId)>,
    customer: Option<protocol::ids::CustomerId>,
}

impl Search {
    /// Looks again, if something else is looked for or there is more to look at.
    fn refresh(&mut self, course: Course<'_>) {
        let now = (self.text.clone(), course.tape.end());
        if self.found == now {
            return;
        }
        if self.found.0 != now.0 {
            self.at = None;
        }
        let hits = Query::parse(&self.text).hits(course.tape.message_index(), course.tip);
        self.hits = hits
            .into_iter()
            .map(|hit| match hit.what {
                Found::Message(it) => Target { at: hit.at, message: Some((it.id, it.to)), customer: None },
                Found::Request(request) => Target { at: hit.at, message: None, customer: Some(request.id.customer) },
                Found::Mark(_) => Target { at: hit.at, message: None, customer: None },
            })
            .collect();
        self.found = now;
    }

    /// The next hit, or the one before.
    fn go(&mut self, on: bool) -> Option<Target> {
        let last = self.hits.len().checked_sub(1)?;
        let at = match (self.at, on) {
            (None, true) => 0,
            (None, false) => last,
            (Some(at), true) => {
                if at >= last {
                    0
                } else {
                    at + 1
                }
            }
            (Some(at), false) => at.checked_sub(1).unwrap_or(last),
        };
        self.at = Some(at);
        self.hits.get(at).copied()
    }
}

/// Room for the buttons that are always there, in points.
const ROOM_FOR_BUTTONS: f32 = 330.0;
/// Room for how much of the run is shown.
const ROOM_FOR_SPAN: f32 = 96.0;
/// Room for a field to search in, and what is found beside it.
const ROOM_FOR_SEARCH: (f32, f32) = (120.0, 112.0);
/// What else the menu of the filter holds needs so much of the window's height.
const BESIDE_LANES: f32 = 340.0;
/// The widest field.
const SEARCH: f32 = 168.0;

/// From the right: looking closer, choosing, searching, going back. What has no room is in the menu of the filter.
pub(crate) fn controls_ui(ui: &mut Ui, course: Course<'_>, state: &mut TimelineState, focus: &mut Focus) {
    let middle = course.shown.now;
    let room = ui.available_width() - ROOM_FOR_BUTTONS;
    let is_searching = !state.search.text.is_empty();
    let found = if is_searching { ROOM_FOR_SEARCH.1 } else { 0.0 };
    let search_width = (room - found).min(SEARCH);
    let searches = search_width >= ROOM_FOR_SEARCH.0;
    let tells_span = room - found - search_width.max(0.0) >= ROOM_FOR_SPAN;
    if room >= 0.0 && button(ui, "Whole run").on_hover_text("Show the whole run (F on the timeline)").clicked() {
        state.fit(course);
    }
    for (words, factor, hint) in [("+", 0.5, "Zoom in (wheel, or + on the timeline)"), ("−", 2.0, "Zoom out (−)")] {
        if button(ui, words).on_hover_text(hint).clicked() {
            state.zoom(factor, middle, course);
        }
    }
    if tells_span {
        let words = wording::shown_part(state.span, state.stride);
        dim(ui, words).on_hover_text("How much of the run is shown. Zoom in to see every message.");
    }
    filter_menu(ui, course, state, focus, searches);
    if searches {
        search(ui, course, state, focus, search_width);
    }
    if !course.is_past {
        let back = button(ui, "Look back").on_hover_text("One message back (←); or drag the line “now”");
        if back.clicked() {
            state.look = Some(Look::Back);
        }
    }
}

fn search(ui: &mut Ui, course: Course<'_>, state: &mut TimelineState, focus: &mut Focus, width: f32) {
    let response = field(ui, &mut state.search.text, "Search the timeline", wording::SEARCH_HINT, width);
    // After the field: what comes and goes before it would take its focus away.
    if !state.search.text.is_empty() {
        state.search.refresh(course);
        let number = state.search.hits.len();
        let words = match (state.search.at, number) {
            (_, 0) => "none".to_owned(),
            (Some(at), _) => format!("{} of {number}", at + 1),
            (None, _) => format!("{number} found"),
        };
        checkbox(ui, &mut state.search.only, "only").on_hover_text("Hide all other messages");
        dim(ui, words);
    } else {
        state.search.only = false;
    }
    let (enter, back) = ui.input(|input| (input.key_pressed(Key::Enter), input.modifiers == Modifiers::SHIFT));
    if response.lost_focus() && enter {
        response.request_focus();
        state.search.refresh(course);
        if let Some(target) = state.search.go(!back) {
            state.show(target.at, course);
            if let Some((id, to)) = target.message {
                focus.selected = Selected::Message(id, to);
            } else if let Some(customer) = target.customer {
                focus.select_customer(customer);
            }
            if course.is_past || target.at < latest(course) {
                ui.ctx().request_repaint();
            }
        }
    }
}

/// What is shown; without room for it elsewhere, also the search and the way back to all of it.
fn filter_menu(ui: &mut Ui, course: Course<'_>, state: &mut TimelineState, focus: &mut Focus, searches: bool) {
    let changed = state.kinds != super::Kinds::default() || !state.hidden.is_empty();
    let words = if changed { "Filter ●" } else { "Filter" };
    let response = ui.add(Button::new(RichText::new(words).size(text::BODY)).min_size(crate::widgets::ICON_BUTTON));
    Popup::menu(&response).close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside).show(|ui| {
        ui.set_min_width(200.0);
        if !searches {
            ui.horizontal(|ui| search(ui, course, state, focus, SEARCH));
            if ui.button("Show the whole run").clicked() {
                state.fit(course);
                ui.close();
            }
            ui.separator();
        }
        let kinds = &mut state.kinds;
        checkbox(ui, &mut kinds.orders, "Requests and replies [7]–[14]");
        checkbox(ui, &mut kinds.replication, "Updates and acknowledgements [5] [6]");
        checkbox(ui, &mut kinds.views, "Registration and views [1]–[4]");
        checkbox(ui, &mut kinds.quiet, "Messages without a step number");
        ui.separator();
        let room = (ui.ctx().content_rect().height() - BESIDE_LANES).clamp(2.0 * size::ROW, 240.0);
        scrolling(ui, egui::ScrollArea::vertical().max_height(room), |ui| {
            for name in lanes::all(course) {
                let mut shown = !state.hidden.contains(&name);
                if checkbox(ui, &mut shown, format!("Lane of {name}")).changed() {
                    match shown {
                        true => drop(state.hidden.remove(&name)),
                        false => drop(state.hidden.insert(name)),
                    }
                }
            }
        });
        ui.separator();
        if ui.button("Show everything").clicked() {
            state.kinds = super::Kinds::default();
            state.hidden.clear();
            state.search.text.clear();
            ui.close();
        }
    });
}
