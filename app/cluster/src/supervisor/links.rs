//! The rules of links by the names of their ends, and who has to be told of each: the sender's process.
//!
//! Links outlive the processes at their ends: a process that starts again, or appears, is told the present rules. What a rule
//! does to a message is the driver's matter.

use std::collections::BTreeMap;

use anyhow::bail;
use node::control::{LinkSetting, SteeringCommand};
use protocol::ids::{NodeId, Span};
use protocol::trace::{Actor, LauncherEvent, LinkRule};

use super::Supervisor;
use crate::hosts::CROWD;
use crate::nodes::Node;
use knowledge::user_command::LinkWay;

/// A link delays a message at most so long.
const LONGEST_DELAY: Span = Span::millis(600_000);
/// All messages: a thousand of a thousand.
const ALL: u16 = 1000;

/// What links do, by name; those that are not named do nothing.
pub(crate) type LinkRules = BTreeMap<LinkWay, LinkRule>;

impl Supervisor {
    pub(crate) fn set_links(&mut self, links: Vec<LinkWay>, rule: LinkRule) -> anyhow::Result<()> {
        if rule.loss > ALL || rule.doubling > ALL {
            bail!("A link can lose or duplicate at most {ALL} of {ALL} messages.");
        }
        if rule.delay > LONGEST_DELAY || rule.jitter > LONGEST_DELAY {
            bail!("A link can delay a message by at most {} s.", LONGEST_DELAY.0 / 1_000_000);
        }
        for name in links.iter().flat_map(|way| [&way.from, &way.to]) {
            if !self.is_link_end(name) {
                bail!("There is no node or customer named “{}”.", crate::shown(name));
            }
        }
        self.set_all(links, rule);
        Ok(())
    }

    pub(crate) fn mend_all(&mut self) {
        let broken: Vec<LinkWay> = self.steering.links.keys().cloned().collect();
        self.set_all(broken, LinkRule::default());
    }

    fn set_all(&mut self, links: Vec<LinkWay>, rule: LinkRule) {
        let (mut told, mut facts) = (Vec::new(), Vec::new());
        for way in links {
            let settings = self.settings_of(&way, rule);
            told.extend(settings.into_iter().map(|it| (self.link_owner(it), SteeringCommand::Link(it))));
            let (from, to) = (way.from.clone(), way.to.clone());
            if rule.is_mended() {
                self.steering.links.remove(&way);
            } else {
                self.steering.links.insert(way, rule);
            }
            facts.push((NodeId(0), LauncherEvent::LinkIs { from, to, rule }));
        }
        self.steer_and_confirm(told, facts);
    }

    /// What a process that starts under this name has to know of its own links.
    pub(crate) fn own_links(&self, id: NodeId) -> Vec<LinkSetting> {
        let rules = self.steering.links.iter().flat_map(|(way, rule)| self.settings_of(way, *rule));
        rules.filter(|setting| self.link_owner(*setting) == id).collect()
    }

    /// A node or customer with this name has a new id: all at the other ends are told. The process itself is told when it
    /// starts, a customer here.
    pub(crate) fn renew_links(&self, name: &str) {
        let rules = self.steering.links.iter().filter(|(way, _)| way.from == name || way.to == name);
        for setting in rules.flat_map(|(way, rule)| self.settings_of(way, *rule)) {
            self.tell_of_link(setting);
        }
    }

    fn settings_of(&self, way: &LinkWay, rule: LinkRule) -> Vec<LinkSetting> {
        let receivers = self.ends(&way.to);
        let from_each = |from: NodeId| receivers.iter().map(move |to| LinkSetting { from, to: *to, rule });
        self.ends(&way.from).into_iter().flat_map(from_each).collect()
    }

    /// A service knows of no links: both ways live with the replica that asks.
    fn link_owner(&self, setting: LinkSetting) -> NodeId {
        if self.is_service(setting.from) { setting.to } else { setting.from }
    }

    fn tell_of_link(&self, setting: LinkSetting) {
        // A process that does not run now is told when it starts.
        let _ = self.steer(self.link_owner(setting), SteeringCommand::Link(setting));
    }

    fn is_link_end(&self, name: &str) -> bool {
        name == CROWD || self.nodes.named(name).is_some() || self.hosts.knows(name) || self.live_service(name).is_some()
    }

    /// The processes at that end now.
    fn ends(&self, name: &str) -> Vec<NodeId> {
        let node = self.nodes.named(name).map(|at| self.nodes.all[at].id);
        match node.or_else(|| self.live_service(name)) {
            Some(id) => vec![id],
            None => self.hosts.named(name).collect(),
        }
    }

    fn live_service(&self, name: &str) -> Option<NodeId> {
        self.nodes.live_services.iter().find(|live| live.service.to_string() == name).map(|live| live.id)
    }

    pub(crate) fn is_service(&self, id: NodeId) -> bool {
        let stand_in = |node: &Node| node.id == id && matches!(node.kind.actor(), Actor::Service(_));
        self.nodes.all.iter().any(stand_in) || self.nodes.live_services.iter().any(|live| live.id == id)
    }
}
