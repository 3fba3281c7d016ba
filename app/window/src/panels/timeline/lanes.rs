//! The lanes: customers, then nodes in the order in which an order passes them.

use egui::{Id, Painter, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2};
use protocol::ids::NodeId;
use rustc_hash::FxHashMap;

use super::Course;
use crate::panels::{Focus, Selected};
use crate::theme::{self, size, text, tokens};
use crate::widgets::{crown, elided};

/// Names of the lanes that are shown, from the top.
pub(super) struct Lanes(Vec<String>);

pub(super) struct Places<'a> {
    course: Course<'a>,
    middles: Vec<(String, f32)>,
    known: std::cell::RefCell<FxHashMap<NodeId, Option<f32>>>,
}

impl Places<'_> {
    /// Of an incarnation of a node or customer; none: it has no lane.
    pub fn of(&self, id: NodeId) -> Option<f32> {
        *self.known.borrow_mut().entry(id).or_insert_with(|| {
            let Course { tip, shown, .. } = self.course;
            self.named(tip.nodes.name_of(id).or_else(|| shown.nodes.name_of(id))?)
        })
    }

    pub fn named(&self, name: &str) -> Option<f32> {
        self.middles.iter().find(|(lane, _)| lane == name).map(|(_, y)| *y)
    }
}

impl Lanes {
    /// All that were there at the moment that is shown, or are at the end of the tape.
    pub fn of(course: Course<'_>, hidden: &std::collections::BTreeSet<String>) -> Self {
        let mut names = all(course);
        names.retain(|name| !hidden.contains(name));
        Self(names)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Each gets its place below the ruler.
    pub fn place<'a>(&self, course: Course<'a>, rect: Rect, pitch: f32) -> Places<'a> {
        let top = rect.top() + size::RULER;
        let middle = |index: usize| (top + (index as f32 + 0.5) * pitch).round() + 0.5;
        let middles = self.0.iter().enumerate().map(|(index, name)| (name.clone(), middle(index))).collect();
        Places { course, middles, known: Default::default() }
    }

    /// Names and lines. A name can be clicked: the inspector shows what it is called so.
    pub fn paint(&self, ui: &Ui, painter: &Painter, rect: Rect, places: &Places<'_>, focus: &mut Focus) {
        let t = tokens(ui);
        let shown = places.course.shown;
        let primary = shown.nodes.acting_primary().map(|node| node.name.as_str());
        for (name, y) in &places.middles {
            let selection = selection(places.course, name);
            let lit = focus.hovered == selection && selection != Selected::Nothing;
            let area =
                Rect::from_min_max(pos2(rect.left(), y - 8.0), pos2(rect.left() + size::LANE_NAME - 8.0, y + 8.0));
            let response = ui.interact(area, Id::unique(("lane", name)), Sense::click());
            response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("lane {name}")));
            if response.hovered() {
                focus.hover(selection.clone());
            }
            if response.clicked() {
                match selection {
                    Selected::Customer(customer) => focus.select_customer(customer),
                    other => focus.selected = other,
                }
            }
            let ink = if lit || response.hovered() { t.text } else { t.dim };
            let leads = primary == Some(name.as_str());
            let room = size::LANE_NAME - if leads { 28.0 } else { 8.0 };
            let words = elided(painter, name, theme::plain(text::SMALL), ink, room);
            let end = rect.left() + words.size().x;
            painter.galley(pos2(rect.left(), y - words.size().y / 2.0), words, ink);
            if leads {
                crown(painter, pos2(end + 12.0, *y), 12.0, t.tomato);
            }
            let line = [pos2(rect.left() + size::LANE_NAME, *y), pos2(rect.right(), *y)];
            let stroke =
                Stroke::new(if lit { size::OUTLINE } else { size::HAIRLINE }, if lit { t.dim } else { t.line });
            match shown.nodes.get(name).is_none_or(|node| node.runs()) {
                true => drop(painter.line_segment(line, stroke)),
                false => painter.extend(egui::Shape::dashed_line(&line, stroke, size::DASH, size::DASH)),
            }
        }
    }
}

pub(super) fn all(course: Course<'_>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let pictures = if course.is_past { vec![course.tip, course.shown] } else { vec![course.tip] };
    for picture in &pictures {
        names.extend(picture.customers.iter().map(|customer| customer.name.clone()));
    }
    for picture in &pictures {
        names.extend(picture.nodes.iter().map(|node| node.name.clone()));
    }
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

fn selection(course: Course<'_>, name: &str) -> Selected {
    if course.shown.nodes.get(name).is_some() {
        return Selected::Node(name.to_owned());
    }
    let customer = course.shown.customers.iter().find(|customer| customer.name == name);
    customer.map_or(Selected::Nothing, |customer| Selected::Customer(customer.id))
}
