//! The heart of the window: customers on a faint map, the cluster beside it, and the messages between them.
//!
//! Layout is pure (`layout`, `map`, `relations`), painting only paints (`lines`, `cards`, `marks`); what clicks mean is
//! decided by `gestures`, `links`, `messages`, `timers` and `cut`, each for its own things.

mod badges;
mod beliefs;
mod cards;
mod crowd;
mod cut;
mod discs;
mod disks;
mod gestures;
mod layout;
mod lines;
mod link_dialog;
mod links;
mod map;
mod marks;
mod messages;
mod relations;
mod spotlight;
mod timers;
mod way;

use std::collections::BTreeMap;
use std::sync::Arc;

use egui::{Color32, Galley, Id, Pos2, Rect, Sense, Stroke, StrokeKind, Ui, Vec2, pos2, vec2};
use protocol::ids::{CustomerId, NodeId, Role};
use protocol::trace::Actor;

use crate::panels::Focus;
use crate::panels::toolbar::Appearance;
use crate::theme::{Tokens, size, tokens};
pub use badges::LastOfStep;
pub(crate) use cards::customer_colour;
pub(crate) use gestures::command_for;
use knowledge::picture::{Customer, Node, Picture};
use knowledge::user_command::CommandQueue;
use layout::Kind;
pub(crate) use layout::Taken;
use link_dialog::LinkDialog;
use map::{MapView, Projection};
use scenarios::{Placement, Spot};
use spotlight::Stage;
use timers::Spans;
use way::Way;

#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct DiagramState {
    /// Nodes that were dragged: the place of their middle as a share of the canvas.
    moved: BTreeMap<String, (f32, f32)>,
    view: MapView,
    /// The customer that is being carried to a new home.
    #[serde(skip)]
    carried: Option<CustomerId>,
    /// Why the last gesture led to nothing; taken by the app, which shows it.
    #[serde(skip)]
    pub complaint: Option<String>,
    /// The step of which the last message is wanted; taken by the app, which looks for it on the tape.
    #[serde(skip)]
    pub asks_last: Option<LastOfStep>,
    /// A step that has had no message yet: it is said at its number until this time.
    #[serde(skip)]
    pub none_yet: Option<(LastOfStep, f64)>,
    /// The menu that opens in the next frame.
    #[serde(skip)]
    opens: Option<MenuOf>,
    /// A click on a node opens its menu: there is no inspector.
    #[serde(skip)]
    pub menus_by_click: bool,
    /// How the window looks now.
    #[serde(skip)]
    pub appearance: Appearance,
    /// The next line that is drawn cuts what it crosses.
    #[serde(skip)]
    pub cuts: bool,
    /// Where the line begins that is being drawn.
    #[serde(skip)]
    cut_from: Option<Pos2>,
    /// The link that is being set.
    #[serde(skip)]
    link_dialog: Option<LinkDialog>,
    #[serde(skip)]
    spans: Spans,
    /// Seconds between two frames that only show timers running down.
    #[serde(skip)]
    pub dear: f32,
    /// A frame begins with nothing but the canvas's colour, so that it need not be painted.
    #[serde(skip)]
    pub begins_clear: bool,
    /// What a lesson speaks of: the rest recedes.
    #[serde(skip)]
    pub lit: Vec<Spot>,
    /// Where something stands that the greeting must not cover, and on which ground.
    #[serde(skip)]
    pub(crate) occupied: (Vec<Rect>, Option<Rect>),
    /// The ground, which takes arrow keys while it has the focus.
    #[serde(skip)]
    ground: Option<Id>,
}

impl DiagramState {
    /// Puts nodes back to their places and shows the whole map.
    pub fn fit(&mut self) {
        self.moved.clear();
        self.view = MapView::default();
    }

    /// Puts nodes and map where a set-up has them; what it does not name stays.
    pub(crate) fn place(&mut self, placement: &Placement) {
        self.moved.extend(placement.nodes.clone());
        if let Some(part) = placement.map {
            self.view = MapView::of(part);
        }
    }

    /// What was moved.
    pub(crate) fn placement(&self) -> Placement {
        Placement { nodes: self.moved.clone(), map: self.view.part() }
    }

    /// Leaves the cutting tool; false if it was not chosen.
    pub(crate) fn leaves_tool(&mut self) -> bool {
        self.cut_from = None;
        std::mem::take(&mut self.cuts)
    }

    /// Whether the map has the focus, which then is moved by the arrow keys.
    #[must_use]
    pub(crate) fn takes_arrows(&self, ui: &Ui) -> bool {
        self.ground.is_some_and(|ground| ui.memory(|memory| memory.has_focus(ground)))
    }
}

/// Whose menu opens by a click on something else, or without an inspector or an order form.
#[derive(Clone, Debug, PartialEq, Eq)]
enum MenuOf {
    /// The line between these two: one of its numbers was clicked, which lies over it.
    Line(String, String),
    Node(String),
    Customer(CustomerId),
}

/// Everything on the canvas with its place, for one frame.
struct Diagram<'a> {
    picture: &'a Picture,
    tokens: &'static Tokens,
    canvas: Rect,
    /// How much smaller than usual nodes are drawn, with their letters.
    scale: f32,
    projection: Projection,
    nodes: Vec<(&'a Node, Kind, Rect)>,
    customers: Vec<(&'a Customer, Pos2)>,
    by_name: BTreeMap<&'a str, usize>,
    by_node: BTreeMap<NodeId, usize>,
    /// Customers that are told of only together, and where.
    crowd: Option<(NodeId, Rect)>,
    /// Where replicas and front-ends stand: ways lead around them.
    in_the_way: Vec<Rect>,
}

impl<'a> Diagram<'a> {
    fn set(picture: &'a Picture, tokens: &'static Tokens, canvas: Rect, state: &DiagramState) -> Self {
        let shown: Vec<&Node> = picture.nodes.iter().collect();
        let kinds: Vec<Kind> = shown.iter().map(|node| kind(node.actor)).collect();
        let (places, scale) = (layout::places(canvas, &kinds), layout::scale(canvas, &kinds));
        let projection = state.view.on(layout::map_part(canvas));
        let moved = |node: &Node, place: Rect| match state.moved.get(&node.name) {
            None => place,
            Some((x, y)) => {
                let centre = canvas.min + vec2(x * canvas.width(), y * canvas.height());
                layout::keep_within(Rect::from_center_size(centre, place.size()), canvas)
            }
        };
        let nodes: Vec<_> =
            shown.into_iter().zip(kinds).zip(places).map(|((node, kind), at)| (node, kind, moved(node, at))).collect();
        // A home outside the part of the map that is shown waits at its edge.
        let mut edge = layout::inside(layout::map_part(canvas), size::CUSTOMER + 4.0);
        // The hint stands above all homes, the buttons below them.
        edge.min.y = (canvas.top() + ROOM_FOR_HINT + size::CUSTOMER).min(edge.max.y);
        edge.max.y = (edge.max.y - gestures::room_for_buttons(canvas).y - 12.0).max(edge.min.y);
        let mut homes: Vec<Pos2> =
            picture.customers.iter().map(|customer| edge.clamp(projection.home(customer.place))).collect();
        layout::spread(&mut homes, size::CUSTOMER * 2.0, edge);
        let customers: Vec<_> = picture.customers.iter().zip(homes).collect();
        let by_name = nodes.iter().enumerate().map(|(index, node)| (node.0.name.as_str(), index)).collect();
        let by_node = customers.iter().enumerate().map(|(index, customer)| (customer.0.node, index)).collect();
        let wide = nodes.iter().filter(|node| matches!(node.1, Kind::Replica | Kind::FrontEnd));
        let in_the_way = wide.map(|node| node.2).collect();
        let crowd = picture.crowd.map(|(first, _)| (first, crowd::place(canvas)));
        Self { picture, tokens, canvas, scale, projection, nodes, customers, by_name, by_node, crowd, in_the_way }
    }

    /// The room of all that stands here.
    fn taken(&self) -> Taken {
        let mut taken = Taken::default();
        self.nodes.iter().for_each(|(_, _, rect)| taken.take(*rect));
        let dot = |at: Pos2| Rect::from_center_size(at, Vec2::splat(size::CUSTOMER * 2.0));
        self.customers.iter().for_each(|(_, at)| taken.take(dot(*at)));
        self.crowd.iter().for_each(|(_, card)| taken.take(*card));
        taken
    }

    /// Where somebody stands; also an earlier incarnation of somebody who does.
    fn end(&self, id: NodeId) -> Option<(Kind, Rect)> {
        if let Some(index) = self.by_node.get(&id) {
            let dot = Rect::from_center_size(self.customers[*index].1, Vec2::splat(size::CUSTOMER * 2.0));
            return Some((Kind::Customer, dot));
        }
        if let Some((_, card)) = self.crowd.filter(|(first, _)| *first == id) {
            return Some((Kind::Customer, card));
        }
        let index = self.by_name.get(self.picture.nodes.name_of(id)?)?;
        let (_, kind, rect) = &self.nodes[*index];
        Some((*kind, *rect))
    }

    fn way(&self, from: NodeId, to: NodeId) -> Option<Way> {
        Some(way::way(self.end(from)?, self.end(to)?, &self.in_the_way))
    }
}

fn kind(actor: Actor) -> Kind {
    match actor {
        Actor::Role(Role::NameServer) => Kind::NameServer,
        Actor::Role(Role::FrontEnd) => Kind::FrontEnd,
        Actor::Role(Role::Replica) => Kind::Replica,
        Actor::Role(Role::Customer) => Kind::Customer,
        Actor::Service(_) => Kind::Service,
    }
}

pub(crate) fn workflow_diagram_ui(
    ui: &mut Ui,
    picture: &Picture,
    state: &mut DiagramState,
    focus: &mut Focus,
    commands: &mut CommandQueue,
) {
    let t = tokens(ui);
    let canvas = ui.available_rect_before_wrap();
    if !state.begins_clear {
        ui.painter().rect_filled(canvas, 0.0, t.canvas);
    }
    ui.set_clip_rect(canvas.intersect(ui.clip_rect()));
    let ground = ui.interact(canvas, ui.scope_id().with("map"), Sense::click_and_drag());
    state.ground = Some(ground.id);
    gestures::on_map(ui, &ground, layout::map_part(canvas), state, commands);

    // The truth has a line of its own.
    let above = if state.appearance.beliefs { ROOM_FOR_TRUTH } else { 0.0 };
    let diagram = Diagram::set(picture, t, canvas.with_min_y(canvas.top() + above), state);
    let mut taken = diagram.taken();
    let room = gestures::room_for_buttons(canvas);
    let buttons = Rect::from_min_size(canvas.left_bottom() + vec2(12.0, -room.y - 12.0), room);
    taken.take(buttons);
    let hint = Hint::of(ui, picture, canvas, state);
    // Where there is so little room that nodes are drawn smaller, what can be done is told by the list of keys alone.
    let hint = Some(hint).filter(|hint| hint.ground.is_some() || diagram.scale >= 1.0);
    hint.iter().for_each(|hint| taken.take(hint.rect));

    diagram.projection.paint(ui.painter(), t);
    diagram.projection.paint_edge(ui.painter(), t);
    let notes = if state.appearance.beliefs { beliefs::place(ui.painter(), &diagram, &mut taken) } else { Vec::new() };
    let mut fixed = taken.clone();
    let dots = messages::place(&diagram, state.appearance.reduced_motion);
    for dot in &dots {
        taken.take(dot.room());
    }
    let lines = lines::lay(&diagram, focus);
    links::on_lines(ui, &ground, &diagram, &lines, state, commands);
    // Before the numbers on lines: a number finds room elsewhere on its line, a card only beside its dot.
    let cards = cards::place_customers(ui.painter(), &diagram, focus, &mut taken);
    cards.iter().for_each(|(_, card)| fixed.take(*card));
    let badges = lines::paint(ui.painter(), &diagram, &lines, focus, &dots, (&fixed, &mut taken));
    let numbers = badges.iter().map(|badge| Rect::from_center_size(badge.at, Vec2::splat(size::NUMBER * 2.0)));
    state.occupied = (fixed.all().iter().copied().chain(numbers).collect(), Some(canvas));
    links::signs(ui, &diagram, &lines, &mut taken, commands);
    diagram.projection.paint_names(ui.painter(), t, &mut taken);
    crowd::show(ui, &diagram);
    gestures::on_nodes(ui, &diagram, state, focus, commands);
    gestures::on_customers(ui, &diagram, &cards, state, focus, commands);
    badges::show(ui, &diagram, &badges, state);
    if state.appearance.beliefs {
        beliefs::show(ui, &diagram, &notes);
    }
    timers::show(ui, &diagram, state, commands);
    let labels = messages::show(ui, &diagram, &dots, focus, &mut taken, commands);
    gestures::buttons(ui, buttons, &diagram, state, commands);
    let stage =
        Stage { diagram: &diagram, lines: &lines, dots: &dots, cards: &cards, badges: &badges, labels: &labels };
    spotlight::show(ui, &stage, &state.lit);
    cut::draw(ui, &ground, &diagram, state, commands);
    link_dialog::link_dialog_ui(ui, picture, &mut state.link_dialog, commands);
    standing_time(ui, picture, canvas);
    if let Some(hint) = hint {
        hint.show(ui);
    }
}

/// The line in which the hint stands, in points.
const ROOM_FOR_HINT: f32 = 36.0;

/// The line in which the truth stands, in points.
const ROOM_FOR_TRUTH: f32 = 28.0;

/// A frame around the canvas while time is stopped, so that it is not mistaken for a cluster at rest.
fn standing_time(ui: &Ui, picture: &Picture, canvas: Rect) {
    if picture.steering.is_stopped(picture.now) {
        let stroke = Stroke::new(size::STRONG + size::HAIRLINE, tokens(ui).saffron);
        ui.painter().rect_stroke(canvas, 0.0, stroke, StrokeKind::Inside);
    }
}

/// What can be done here; while time stands still or a line is drawn, that.
struct Hint {
    words: String,
    galley: Arc<Galley>,
    ground: Option<Color32>,
    /// The room it takes.
    rect: Rect,
}

impl Hint {
    fn of(ui: &Ui, picture: &Picture, canvas: Rect, state: &DiagramState) -> Self {
        let t = tokens(ui);
        let small = crate::theme::text::SMALL;
        let stopped = picture.steering.is_stopped(picture.now);
        let (words, ink, ground) = match (state.cuts, stopped) {
            (true, _) => (wording::CUT_HINT.to_owned(), t.tomato_text, Some(t.tomato_wash)),
            (false, true) => (wording::stopped(picture.now), t.on_saffron, Some(t.saffron)),
            (false, false) if state.appearance.presents => (wording::CANVAS_HINT_PRESENTED.to_owned(), t.dim, None),
            (false, false) => (wording::CANVAS_HINT.to_owned(), t.dim, None),
        };
        let font = if ground.is_some() { crate::theme::strong(small) } else { crate::theme::plain(small) };
        let room = (canvas.width() - 48.0).max(0.0);
        let galley = crate::widgets::elided(ui.painter(), &words, font, ink, room);
        let at = pos2(canvas.center().x - galley.size().x / 2.0, canvas.top() + 12.0);
        let rect = Rect::from_min_size(at, galley.size()).expand2(vec2(12.0, 5.0));
        Self { words, galley, ground, rect }
    }

    fn show(self, ui: &Ui) {
        let Self { words, galley, ground, rect } = self;
        if let Some(ground) = ground {
            ui.painter().rect_filled(rect, 12.0, ground);
            let response = ui.interact(rect, ui.scope_id().with("hint"), Sense::hover());
            response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, &words));
        }
        // The words have their colour from when they were laid out.
        ui.painter().galley(rect.center() - galley.size() / 2.0, galley, tokens(ui).dim);
    }
}
