//! The parts of the window. Each is a function of the picture; a click queues a command and changes nothing else.
//!
//! Panels see the picture, their own state (zoom, hover, what is being typed) and the queue; never the cluster.

pub mod about;
pub mod actions;
pub mod banner;
pub mod bottom;
pub mod catalogue;
pub mod consent;
pub mod customers;
pub(crate) mod editor;
pub mod files;
pub mod help;
pub mod inspector;
pub mod lesson;
pub mod links;
pub mod machines;
mod measurements;
pub mod narrator;
pub mod notices;
pub mod order_form;
pub mod pace;
pub mod past;
pub mod phones;
pub mod result;
pub mod scenarios;
pub mod status_bar;
pub mod timeline;
pub mod toolbar;
pub mod workflow_diagram;
pub mod zoom;

use std::collections::BTreeSet;

use protocol::ids::{CustomerId, MessageId, NodeId};

use knowledge::picture::Picture;

#[derive(Clone, Debug, Default, PartialEq)]
pub enum Selected {
    #[default]
    Nothing,
    /// The node of this name.
    Node(String),
    Customer(CustomerId),
    /// A message on its way to somebody.
    Message(MessageId, NodeId),
}

/// What the inspector shows, and for whom the form orders.
#[derive(Clone, Debug, Default)]
pub struct Focus {
    /// Shown by the inspector.
    pub selected: Selected,
    /// Orders; stays while nodes are looked at.
    pub customer: Option<CustomerId>,
    /// What the pointer is on, in whichever panel: the others light it too. It is that of the last frame.
    pub hovered: Selected,
    hovering: Selected,
    /// Scrolled to when the list is shown next.
    pub brings_into_sight: Option<CustomerId>,
    /// Those who were there when a new customer was asked for.
    known: Option<BTreeSet<CustomerId>>,
}

impl Focus {
    /// The pointer is on this. To be said in each frame in which it is so.
    pub(crate) fn hover(&mut self, what: Selected) {
        self.hovering = what;
    }

    pub fn select_node(&mut self, name: &str) {
        self.selected = Selected::Node(name.to_owned());
    }

    /// Looks at a customer, which from now on is the one that orders.
    pub fn select_customer(&mut self, customer: CustomerId) {
        self.selected = Selected::Customer(customer);
        self.customer = Some(customer);
    }

    /// A customer was asked for: it will order once it is there.
    pub(crate) fn await_customer(&mut self, picture: &Picture) {
        self.known = Some(picture.customers.iter().map(|customer| customer.id).collect());
    }

    /// Whether this node is looked at.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        matches!(&self.selected, Selected::Node(selected) if selected == name)
    }

    /// Lets go of what is no longer there, and takes the first customer if none orders yet.
    pub fn follow(&mut self, picture: &Picture) {
        self.hovered = std::mem::take(&mut self.hovering);
        let is_new = |known: &BTreeSet<_>| picture.customers.iter().find(|customer| !known.contains(&customer.id));
        if let Some(new) = self.known.as_ref().and_then(is_new) {
            self.select_customer(new.id);
            (self.known, self.brings_into_sight) = (None, Some(new.id));
        }
        let there = |customer: CustomerId| picture.customers.get(customer).is_some();
        if !self.customer.is_some_and(there) {
            self.customer = picture.customers.iter().next().map(|customer| customer.id);
        }
        let gone = match &self.selected {
            Selected::Nothing => false,
            Selected::Node(name) => picture.nodes.get(name).is_none(),
            Selected::Customer(customer) => !there(*customer),
            Selected::Message(id, to) => picture.traffic.find(*id, *to).is_none(),
        };
        if gone {
            self.selected = Selected::Nothing;
        }
    }
}
