//! The picture of the fourteen steps: the actors and an arrow for each message, and below it what each is for.

use egui::{Align2, Label, Painter, Pos2, Rect, RichText, Role, Sense, Stroke, Ui, Vec2, WidgetInfo, vec2};
use protocol::message::Step;
use wording::Term;

use crate::theme::{self, Tokens, size, text, tokens};
use crate::widgets::{Explains, READ};

/// The actors, and where each stands, as shares of the picture.
const ACTORS: [(Term, f32, f32); 6] = [
    (CUSTOMER, 0.1, 0.55),
    (NAME_SERVER, 0.36, 0.12),
    (FRONT_END, 0.36, 0.55),
    (PRIMARY, 0.64, 0.55),
    (BACKUP, 0.9, 0.55),
    (SERVICE, 0.64, 0.9),
];
const CUSTOMER: Term = Term::Customer;
const NAME_SERVER: Term = Term::NameServer;
const FRONT_END: Term = Term::FrontEnd;
const PRIMARY: Term = Term::Primary;
const BACKUP: Term = Term::Backup;
const SERVICE: Term = Term::PostcodeService;

/// From whom to whom each step goes, and how far beside the line between the two, in points.
const ARROWS: [(u8, Term, Term, f32); 14] = [
    (1, PRIMARY, NAME_SERVER, 0.0),
    (2, FRONT_END, NAME_SERVER, 12.0),
    (3, NAME_SERVER, FRONT_END, 12.0),
    (4, FRONT_END, PRIMARY, -22.0),
    (5, PRIMARY, BACKUP, -12.0),
    (6, BACKUP, PRIMARY, -12.0),
    (7, CUSTOMER, NAME_SERVER, -12.0),
    (8, NAME_SERVER, CUSTOMER, -12.0),
    (9, CUSTOMER, FRONT_END, -12.0),
    (10, FRONT_END, PRIMARY, 0.0),
    (11, PRIMARY, SERVICE, -16.0),
    (12, SERVICE, PRIMARY, -16.0),
    (13, PRIMARY, FRONT_END, -22.0),
    (14, FRONT_END, CUSTOMER, -12.0),
];

/// The picture, and a line about each step.
pub(super) fn steps_ui(ui: &mut Ui) {
    let t = tokens(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), Sense::hover());
    ui.painter().rect_filled(rect, size::CORNER, t.canvas);
    for (_, from, to, aside) in ARROWS {
        let (start, end) = ends(card(rect, from), card(rect, to), aside);
        arrow(ui.painter(), t, start, end);
    }
    for (term, ..) in ACTORS {
        actor(ui, t, card(rect, term), term);
    }
    for (step, from, to, aside) in ARROWS {
        let (start, end) = ends(card(rect, from), card(rect, to), aside);
        number(ui, t, start.lerp(end, 0.5), Step(step));
    }
    ui.add_space(size::STEP);
    for (step, from, to, _) in ARROWS {
        // Every replica registers and hears of views; the picture shows it of one.
        let called =
            |end: Term| if matches!(step, 1 | 4) && end == PRIMARY { Term::Replica.word() } else { end.word() };
        let (from, to, step) = (called(from), called(to), Term::Step(Step(step)));
        let words = format!("{}: {from} → {to}", wording::capitalised(&step.word()));
        ui.add(Label::new(RichText::new(words).font(theme::strong(text::BODY))).wrap());
        ui.add(Label::new(step.definition()).wrap());
        ui.add_space(size::STEP);
    }
}

/// The height of the picture, in points.
const HEIGHT: f32 = 230.0;

fn card(picture: Rect, of: Term) -> Rect {
    let place = ACTORS.iter().find(|(term, ..)| *term == of).map_or(Vec2::ZERO, |(_, x, y)| vec2(*x, *y));
    Rect::from_center_size(picture.min + place * picture.size(), vec2(picture.width() * 0.17, 30.0))
}

/// Where an arrow begins and ends: at the edges of two cards, to the right of the line between their middles.
fn ends(from: Rect, to: Rect, aside: f32) -> (Pos2, Pos2) {
    let along = (to.center() - from.center()).normalized();
    let beside = along.rot90() * aside;
    (edge(from, along) + beside, edge(to, -along) + beside)
}

fn edge(card: Rect, along: Vec2) -> Pos2 {
    let half = card.size() / 2.0 + Vec2::splat(3.0);
    let reach = |length: f32, part: f32| if part.abs() < 0.01 { f32::INFINITY } else { length / part.abs() };
    card.center() + along * reach(half.x, along.x).min(reach(half.y, along.y))
}

fn arrow(painter: &Painter, t: &Tokens, start: Pos2, end: Pos2) {
    let stroke = Stroke::new(size::HAIRLINE, t.dim);
    let along = (end - start).normalized();
    painter.line_segment([start, end], stroke);
    for side in [-1.0, 1.0] {
        painter.line_segment([end, end - along * 6.0 + along.rot90() * side * 3.0], stroke);
    }
}

fn actor(ui: &Ui, t: &Tokens, card: Rect, term: Term) {
    let response = ui.interact(card, ui.scope_id().with(("actor", term.name())), READ);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, term.word()));
    let edge =
        if response.has_focus() { Stroke::new(size::OUTLINE, t.sea) } else { Stroke::new(size::HAIRLINE, t.dim) };
    ui.painter().rect(card, size::CORNER, t.panel, edge, egui::StrokeKind::Inside);
    let (words, font) = (wording::capitalised(&term.word()), theme::strong(text::SMALL));
    ui.painter().text(card.center(), Align2::CENTER_CENTER, words, font, t.text);
    response.explains(term);
}

fn number(ui: &Ui, t: &Tokens, at: Pos2, step: Step) {
    let area = Rect::from_center_size(at, Vec2::splat(size::NUMBER * 2.0));
    let response = ui.interact(area, ui.scope_id().with(("arrow", step.0)), READ);
    let term = Term::Step(step);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, term.word()));
    let edge =
        if response.has_focus() { Stroke::new(size::OUTLINE, t.sea) } else { Stroke::new(size::HAIRLINE, t.saffron) };
    ui.painter().circle(at, size::NUMBER, t.saffron_wash, edge);
    let font = theme::strong(text::SMALL);
    ui.painter().text(at, Align2::CENTER_CENTER, step.0.to_string(), font, t.saffron_text);
    response.explains(term);
}
