//! The heart of the window: customers on a faint map, the cluster beside it, and the messages between them.
//!
//! Layout is pure (`layout`, `map`), painting only paints (`lines`, `cards`, `messages`); what clicks mean is decided here.

mod cards;
mod gestures;
mod layout;
mod lines;
mod map;
mod messages;

use std::collections::BTreeMap;

use egui::{Pos2, Rect, Sense, Ui, Vec2, pos2, vec2};
use protocol::ids::{CustomerId, NodeId, Role};
use protocol::trace::Actor;

use crate::panels::Focus;
use crate::picture::{Customer, Node, Picture};
use crate::theme::{Tokens, size, tokens};
use crate::user_command::CommandQueue;
pub(crate) use cards::customer_colour;
pub(crate) use gestures::command_for;
pub(crate) use layout::Taken;
use layout::{Kind, Way};
use map::{MapView, Projection};

/// What the diagram remembers of itself.
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
    /// Messages do not travel but light their way.
    #[serde(skip)]
    pub reduced_motion: bool,
}

impl DiagramState {
    /// Puts nodes back to their places and shows the whole map.
    pub fn fit(&mut self) {
        self.moved.clear();
        self.view = MapView::default();
    }
}

/// Everything on the canvas with its place, for one frame.
struct Stage<'a> {
    picture: &'a Picture,
    tokens: &'static Tokens,
    canvas: Rect,
    projection: Projection,
    nodes: Vec<(&'a Node, Kind, Rect)>,
    customers: Vec<(&'a Customer, Pos2)>,
    by_name: BTreeMap<&'a str, usize>,
    by_node: BTreeMap<NodeId, usize>,
    /// Where replicas stand: ways lead around them.
    replicas: Vec<Rect>,
}

impl<'a> Stage<'a> {
    fn set(picture: &'a Picture, tokens: &'static Tokens, canvas: Rect, state: &DiagramState) -> Self {
        let shown: Vec<&Node> = picture.nodes.iter().collect();
        let kinds: Vec<Kind> = shown.iter().map(|node| kind(node.actor)).collect();
        let places = layout::places(canvas, &kinds);
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
        let mut edge = layout::map_part(canvas).shrink(size::CUSTOMER + 4.0);
        edge.max.y -= gestures::room_for_buttons(canvas).y + 12.0;
        let mut homes: Vec<Pos2> =
            picture.customers.iter().map(|customer| edge.clamp(projection.home(customer.place))).collect();
        layout::spread(&mut homes, size::CUSTOMER * 2.0);
        let customers: Vec<_> = picture.customers.iter().zip(homes).collect();
        let by_name = nodes.iter().enumerate().map(|(index, node)| (node.0.name.as_str(), index)).collect();
        let by_node = customers.iter().enumerate().map(|(index, customer)| (customer.0.node, index)).collect();
        let replicas = nodes.iter().filter(|node| node.1 == Kind::Replica).map(|node| node.2).collect();
        Self { picture, tokens, canvas, projection, nodes, customers, by_name, by_node, replicas }
    }

    /// Where somebody stands; also an earlier incarnation of somebody who does.
    fn end(&self, id: NodeId) -> Option<(Kind, Rect)> {
        if let Some(index) = self.by_node.get(&id) {
            let dot = Rect::from_center_size(self.customers[*index].1, Vec2::splat(size::CUSTOMER * 2.0));
            return Some((Kind::Customer, dot));
        }
        let index = self.by_name.get(self.picture.nodes.name_of(id)?)?;
        let (_, kind, rect) = &self.nodes[*index];
        Some((*kind, *rect))
    }

    fn way(&self, from: NodeId, to: NodeId) -> Option<Way> {
        Some(layout::way(self.end(from)?, self.end(to)?, &self.replicas))
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

/// The whole canvas.
pub fn workflow_diagram_ui(
    ui: &mut Ui,
    picture: &Picture,
    state: &mut DiagramState,
    focus: &mut Focus,
    commands: &mut CommandQueue,
) {
    let t = tokens(ui);
    let canvas = ui.available_rect_before_wrap();
    ui.painter().rect_filled(canvas, 0.0, t.canvas);
    ui.set_clip_rect(canvas.intersect(ui.clip_rect()));
    let ground = ui.interact(canvas, ui.scope_id().with("map"), Sense::click_and_drag());
    gestures::on_map(ui, &ground, layout::map_part(canvas), state, commands);

    let stage = Stage::set(picture, t, canvas, state);
    let mut taken = Taken::default();
    for (_, _, rect) in &stage.nodes {
        taken.take(*rect);
    }
    for (_, at) in &stage.customers {
        taken.take(Rect::from_center_size(*at, Vec2::splat(size::CUSTOMER * 2.0)));
    }
    let room = gestures::room_for_buttons(canvas);
    let buttons = Rect::from_min_size(canvas.left_bottom() + vec2(12.0, -room.y - 12.0), room);
    taken.take(buttons);

    stage.projection.paint(ui.painter(), t);
    stage.projection.paint_edge(ui.painter(), t);
    let dots = messages::place(&stage, state.reduced_motion);
    for dot in &dots {
        taken.take(dot.room());
    }
    lines::paint(ui.painter(), &stage, focus, &dots, &mut taken);
    let cards = cards::place_customers(ui.painter(), &stage, focus, &mut taken);
    stage.projection.paint_names(ui.painter(), t, &mut taken);
    gestures::on_nodes(ui, &stage, state, focus, commands);
    gestures::on_customers(ui, &stage, &cards, state, focus, commands);
    messages::show(ui, &stage, &dots, focus, &mut taken);
    gestures::buttons(ui, buttons, &stage, state, commands);
    hint(ui, canvas);
}

fn hint(ui: &Ui, canvas: Rect) {
    let dim = tokens(ui).dim;
    let font = crate::theme::plain(crate::theme::text::SMALL);
    let room = canvas.width() - 48.0;
    let galley = crate::widgets::elided(ui.painter(), crate::wording::CANVAS_HINT, font, dim, room);
    let at = pos2(canvas.center().x - galley.size().x / 2.0, canvas.top() + 12.0);
    ui.painter().galley(at, galley, dim);
}
