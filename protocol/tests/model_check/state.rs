//! A moment of the whole cluster as the model checker sees it, and what changes it.
//!
//! Beside the machines it holds what no node knows: what was committed, answered and told so far. All of it is part of the
//! state, so that two ways to the same machines are merged only if they also told customers the same.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use super::packet::Packet;
use protocol::acknowledge::Acknowledge;
use protocol::fingerprint::digest_of;
use protocol::ids::{
    Contact, CustomerId, Fingerprint, FrontEndToken, NodeId, OpNumber, Position, RequestId, RequestNumber, Role, Span,
    Timestamp, View, ViewNumber,
};
use protocol::machine::{Effect, Effects, Identity, Input, JournalRecord, Machine, Settings, Timer};
use protocol::message::{Answer, Ask, Message};
use protocol::name_server::NameServer;
use protocol::order_book::{Entry, EntryEffect, OrderBook, OrderId};
use protocol::postcode::{Postcode, PostcodeService, Verdict};
use protocol::replica::Replica;
use protocol::simulation::disk::Disk;

/// Every entry that was ever made, by the fingerprint of the history that ends in it. A replica that got it by a snapshot
/// cannot show it any more. Equal states have what they need of it in common, so it does not tell states apart.
#[derive(Clone, Debug, Default)]
pub struct Made(Arc<BTreeMap<Fingerprint, Arc<Entry>>>);

impl PartialEq for Made {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}
impl Eq for Made {}
impl Hash for Made {
    fn hash<H: Hasher>(&self, _state: &mut H) {}
}

/// A replica, or the view it was in when it crashed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Node {
    /// It runs (or is frozen: that is not being scheduled).
    Alive(Arc<Replica>),
    /// It crashed.
    Dead(ViewNumber),
}

/// What a customer wants, and how far that has come.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    /// No copy of the request has arrived anywhere.
    Unasked,
    /// This many copies have; everything up to this op had been told to somebody before.
    Open(OpNumber, u8),
    /// The customer was told.
    Told,
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// All replicas there ever were.
    pub nodes: Vec<Node>,
    /// Of durable replicas: their disks.
    pub disks: Vec<Disk>,
    /// Everything that was ever said between replicas.
    pub packets: BTreeSet<Packet>,
    /// Answers that customers may get: which call, which answer.
    pub replies: BTreeSet<(usize, u64)>,
    /// As recorded: the index is the number.
    pub record: Vec<View>,
    /// One for each request of the configuration.
    pub calls: Vec<Call>,
    /// Crashes that may still happen.
    pub crashes: u8,
    /// Fresh processes that may still come.
    pub restarts: u8,
    /// The first invariant that a step broke.
    pub broken: Option<&'static str>,
    /// The committed history: what op 1 and so on are.
    pub committed: Vec<(Fingerprint, Arc<Entry>)>,
    /// The highest op answered in each view.
    pub answered: Vec<OpNumber>,
    acknowledge: Acknowledge,
    made: Made,
    name_server: Arc<NameServer>,
    answers: Vec<(u64, Answer)>,
    in_sync: BTreeSet<NodeId>,
    /// Requests of which a customer may be told that nothing is known any more, before they were committed if ever.
    expired: BTreeSet<RequestId>,
    floor: OpNumber,
}

/// Index of a node in its id.
pub fn id_of(node: usize) -> NodeId {
    NodeId(node as u64 + 1)
}

/// And back.
pub fn node_of(id: NodeId) -> usize {
    id.0 as usize - 1
}

fn contact(node: usize) -> Contact {
    Contact { id: id_of(node), address: SocketAddr::from((Ipv4Addr::LOCALHOST, 10 + node as u16)) }
}

fn front_end() -> Contact {
    Contact { id: NodeId(100), address: SocketAddr::from((Ipv4Addr::LOCALHOST, 1)) }
}

fn name_server() -> Contact {
    Contact { id: NodeId(101), address: SocketAddr::from((Ipv4Addr::LOCALHOST, 2)) }
}

fn identity(me: Contact, role: Role) -> Identity {
    Identity { me, name: String::new(), role, name_servers: name_server().into() }
}

/// Where all orders of the model go.
pub fn postcode() -> Postcode {
    "DH1 1AA".parse().unwrap_or_else(|error| panic!("{error}"))
}

/// The id of a call: every customer has one, but a withdrawal is the second of the customer before it.
pub fn request(calls: &[Ask], call: usize) -> RequestId {
    let (customer, number) = if calls[call] == Ask::Withdraw { (call - 1, 2) } else { (call, 1) };
    RequestId { customer: CustomerId(customer as u128), number: RequestNumber(number) }
}

impl State {
    /// An empty record.
    pub fn new(calls: usize, acknowledge: Acknowledge) -> Self {
        let mut name_server =
            NameServer::new(identity(name_server(), Role::NameServer), Settings::default(), JournalRecord::default());
        let claim = Input::Received { from: front_end(), traced: false, message: Message::ClaimFrontEnd };
        name_server.handle(claim, &mut Effects::new(false));
        Self {
            nodes: Vec::new(),
            disks: Vec::new(),
            packets: BTreeSet::new(),
            replies: BTreeSet::new(),
            record: vec![View::default()],
            calls: vec![Call::Unasked; calls],
            crashes: 0,
            restarts: 0,
            broken: None,
            committed: Vec::new(),
            answered: vec![OpNumber(0)],
            acknowledge,
            made: Made::default(),
            name_server: Arc::new(name_server),
            answers: Vec::new(),
            in_sync: BTreeSet::new(),
            expired: BTreeSet::new(),
            floor: OpNumber(0),
        }
    }

    /// A fresh process appears.
    pub fn add_node(&mut self, settings: &Settings, durable: bool) {
        let node = self.nodes.len();
        if durable {
            self.disks.push(Disk::default());
            self.nodes.push(Node::Dead(ViewNumber(0)));
            return self.start_from_disk(node, settings);
        }
        let me = identity(contact(node), Role::Replica);
        let replica = Replica::new(me, settings.clone(), OrderBook::default());
        self.nodes.push(Node::Alive(Arc::new(replica)));
    }

    /// A durable replica that crashed comes back.
    pub fn come_back(&mut self, node: usize, settings: &Settings) {
        self.restarts -= 1;
        self.start_from_disk(node, settings);
    }

    fn start_from_disk(&mut self, node: usize, settings: &Settings) {
        let me = identity(contact(node), Role::Replica);
        let recovered = self.disks[node].recover().unwrap_or_default();
        let replica = Replica::durable(me, settings.clone(), OrderBook::default(), recovered);
        self.nodes[node] = Node::Alive(Arc::new(replica));
        // Its first round: a disk without a file gets one.
        self.handle(node, vec![Input::Retimed(settings.clone())], None);
    }

    /// What a durable replica was writing is on its disk.
    pub fn sync(&mut self, node: usize) {
        let Some(number) = self.disks[node].synced() else { return };
        self.disks[node].begin_sync();
        self.handle(node, vec![Input::Kept { number }], None);
    }

    /// A running replica.
    pub fn replica(&self, node: usize) -> Option<&Replica> {
        match &self.nodes[node] {
            Node::Alive(replica) => Some(replica),
            Node::Dead(_) => None,
        }
    }

    /// All running replicas.
    pub fn replicas(&self) -> impl Iterator<Item = &Replica> {
        (0..self.nodes.len()).filter_map(|node| self.replica(node))
    }

    /// The view a replica is in, or was when it crashed.
    pub fn view_of(&self, id: NodeId) -> ViewNumber {
        match &self.nodes[node_of(id)] {
            Node::Alive(replica) => replica.view().number,
            Node::Dead(view) => *view,
        }
    }

    /// Replicas that may be in the next view: R13.
    pub fn candidates(&self) -> BTreeSet<NodeId> {
        self.newest().members.iter().chain(&self.in_sync).copied().collect()
    }

    /// The newest recorded view.
    pub fn newest(&self) -> &View {
        &self.record[self.record.len() - 1]
    }

    // Steps.

    /// It crashes.
    pub fn crash(&mut self, node: usize) {
        self.nodes[node] = Node::Dead(self.view_of(id_of(node)));
        if let Some(disk) = self.disks.get_mut(node) {
            disk.lose_power(0);
        }
        self.crashes -= 1;
    }

    /// The name server records a view that some front-end proposes.
    pub fn record(&mut self, view: View) {
        let (expected, token) = (self.newest().number, FrontEndToken(1));
        let message = Message::RecordView { token, expected, view: view.clone() };
        let mut effects = Effects::new(false);
        Arc::make_mut(&mut self.name_server)
            .handle(Input::Received { from: front_end(), traced: false, message }, &mut effects);
        let journaled = effects.drain().any(|effect| matches!(effect, Effect::Journal(entry) if entry.view == view));
        if journaled {
            let growing = view.number == expected.next() && view.members.contains(&view.primary);
            let begins = expected == ViewNumber(0);
            self.check("I9", growing && (begins || view.members.iter().all(|id| self.candidates().contains(id))));
            self.record.push(view);
            self.answered.push(OpNumber(0));
            self.in_sync.clear();
        }
    }

    /// A front-end tells a replica of a recorded view.
    pub fn tell(&mut self, node: usize, view: usize) {
        let (view, all) = (self.record[view].clone(), 0..self.nodes.len());
        let joiners = all.clone().map(id_of).filter(|id| !view.members.contains(id)).collect();
        let message = Message::ViewIs { view, joiners, contacts: all.map(contact).collect(), patience: Span(0) };
        self.handle(node, vec![Input::Received { from: front_end(), traced: false, message }], None);
    }

    /// A message between replicas arrives. It may arrive again.
    pub fn deliver(&mut self, packet: &Packet) {
        let message = (*packet.message).clone();
        self.handle(packet.to, vec![Input::Received { from: contact(packet.from), traced: false, message }], None);
    }

    /// A primary's heartbeat rings. That somebody was not heard is forgiven at once: silence decides nothing here.
    pub fn ring(&mut self, node: usize) {
        self.handle(node, vec![Input::Overslept { by: Span::millis(1000) }, Input::Rang(Timer::Heartbeat)], None);
    }

    /// A copy of a request arrives at a replica, and the postcode service says this of it.
    pub fn ask(&mut self, node: usize, call: usize, calls: &[Ask], good: bool) {
        self.calls[call] = match (&self.calls[call], &calls[call]) {
            (Call::Unasked, _) => Call::Open(self.floor, 1),
            (Call::Open(floor, copies), _) => Call::Open(*floor, copies + 1),
            (Call::Told, _) => Call::Told,
        };
        // R14: a withdrawal says since when the order is that it gives up.
        let first = if calls[call] == Ask::Withdraw { call - 1 } else { call };
        let since = match self.calls[first] {
            Call::Open(since, _) => since,
            // Older than it may be: that is always safe.
            Call::Unasked | Call::Told => OpNumber(0),
        };
        let message = Message::Request { id: request(calls, call), since, ask: calls[call].clone() };
        self.handle(node, vec![Input::Received { from: front_end(), traced: false, message }], Some((calls, good)));
    }

    /// What a driver does with one replica: inputs (last first), verdicts at once, settle; then what it said is on its way.
    fn handle(&mut self, node: usize, mut inputs: Vec<Input>, calls: Option<(&[Ask], bool)>) {
        let Node::Alive(replica) = &mut self.nodes[node] else { return };
        let replica = Arc::make_mut(replica);
        let (view, acting, commit) = (replica.view().number, replica.acting(), replica.commit());
        let mut effects = Effects::new(false);
        let mut sent = Vec::new();
        while let Some(input) = inputs.pop() {
            replica.handle(input, &mut effects);
            if inputs.is_empty() {
                replica.settle(&mut effects);
                replica.finish();
            }
            for effect in effects.drain() {
                match effect {
                    Effect::Send { to, message, .. } => sent.push((to, message)),
                    Effect::Keep { number, new_file, kept } => {
                        _ = self.disks[node].write(number, new_file, kept);
                    }
                    Effect::CheckPostcode { request, .. } => {
                        let good = calls.is_none_or(|(_, good)| good);
                        let input = Input::PostcodeChecked { request, verdict: verdict(good), at: Timestamp(0) };
                        inputs.push(input);
                    }
                    _ => {}
                }
            }
        }
        let stays = view == replica.view().number;
        self.check("I7", view <= self.view_of(id_of(node)));
        let now = self.replica(node).map(|replica| (replica.acting(), replica.commit()));
        self.check("R2", !stays || acting || now.is_some_and(|(acting, _)| !acting));
        self.check("I6", !(stays && acting) || now.is_some_and(|(acting, new)| !acting || new >= commit));
        if !stays && now.is_some_and(|(acting, _)| acting) {
            self.entered(node);
        }
        self.look_at_primary(node);
        for (to, message) in sent {
            self.said(node, to, message);
        }
    }

    fn check(&mut self, name: &'static str, holds: bool) {
        if !holds {
            self.broken.get_or_insert(name);
        }
    }

    /// I8: a replica that begins to lead holds everything answered in earlier views.
    fn entered(&mut self, node: usize) {
        let Some(replica) = self.replica(node) else { return };
        let below = self.answered.iter().take(replica.view().number.0 as usize).max().copied().unwrap_or_default();
        let holds = self.holds(replica, below);
        self.check("I8", holds);
    }

    /// Takes over what a primary committed, and whom it took in: I2, I6, I8.
    fn look_at_primary(&mut self, node: usize) {
        let Some(replica) = self.replica(node).filter(|replica| replica.acting()) else { return };
        let (commit, is_safe) = (replica.commit(), self.acknowledge.is_safe());
        let enough = if is_safe { commit } else { OpNumber(0) }.max(replica.inherited().unwrap_or_default());
        let view = replica.view().clone();
        let ack_set: Vec<_> = replica.ack_set().collect();
        let late = |id: &NodeId| !view.members.contains(id) && !self.in_sync.contains(id);
        let in_step = |id: &NodeId| replica.acked_by(*id).is_some_and(|acked| acked >= enough);
        let right = view.number != self.newest().number || ack_set.iter().filter(|id| late(id)).all(in_step);
        let known = (self.committed.len() as u64).min(commit.0);
        let same = known == 0 || self.holds(replica, OpNumber(known));
        let made: Vec<_> = replica
            .entries_after(OpNumber(0))
            .filter_map(|entry| Some((replica.position_at(entry.op)?.fingerprint, Arc::clone(entry))))
            .collect();
        let wanted: Vec<_> = (known + 1..=commit.0).map(|op| replica.position_at(OpNumber(op))).collect();
        let everywhere = ack_set.iter().all(|id| match &self.nodes[node_of(*id)] {
            Node::Alive(peer) if peer.view().number <= view.number && commit.0 > 0 => {
                peer.position_at(commit) == replica.position_at(commit)
            }
            Node::Alive(_) | Node::Dead(_) => true,
        });
        if made.iter().any(|(fingerprint, _)| !self.made.0.contains_key(fingerprint)) {
            Arc::make_mut(&mut self.made.0).extend(made);
        }
        let all = &self.made.0;
        let found =
            |at: Option<Position>| at.and_then(|at| Some((at.fingerprint, Arc::clone(all.get(&at.fingerprint)?))));
        let new: Vec<_> = wanted.iter().filter_map(|at| found(*at)).collect();
        let whole = new.len() == wanted.len();
        self.check("I8", right);
        self.check("I2", same && whole);
        self.check("I6", everywhere || !is_safe);
        let mut once: BTreeSet<_> = self.committed.iter().map(|(_, entry)| entry.request).collect();
        let first = new.iter().all(|(_, entry)| once.insert(entry.request) && !self.expired.contains(&entry.request));
        self.check("I7", first);
        self.committed.extend(new);
        if view.number == self.newest().number {
            self.in_sync.extend(ack_set);
        }
    }

    /// Whether a replica holds a committed op.
    pub fn holds(&self, replica: &Replica, op: OpNumber) -> bool {
        let Some(position) = replica.position().filter(|position| position.op >= op) else { return op.0 == 0 };
        match (op.0.checked_sub(1).and_then(|place| self.committed.get(place as usize)), replica.position_at(op)) {
            (Some((fingerprint, _)), Some(there)) => there.fingerprint == *fingerprint,
            // Older than its log: installed with a snapshot.
            (_, None) => position.op > op,
            (None, Some(_)) => op.0 == 0,
        }
    }

    fn said(&mut self, node: usize, to: Contact, message: Message) {
        match message {
            Message::StateUpdate(_) | Message::Snapshot(_) | Message::Ack { .. } | Message::Refused { .. } => {
                let to = node_of(to.id);
                self.packets.insert(Packet::new(node, to, message));
            }
            Message::Reply { id, answer, view, .. } => self.replied(id, answer, view),
            // Front-ends are folded into "any permitted view"; timers repeat what is on its way for ever.
            _ => {}
        }
    }

    /// I6: only what is committed is answered.
    fn replied(&mut self, id: RequestId, answer: Answer, view: ViewNumber) {
        let op = match &answer {
            Answer::Outcome(outcome) => {
                let found = self.committed.iter().find(|(_, entry)| entry.request == id);
                found.filter(|(_, entry)| entry.outcome == *outcome).map(|(_, entry)| entry.op)
            }
            Answer::History(page) => {
                let shown = page.orders.iter().map(|order| order.id);
                let truth = self.orders();
                let same = shown.eq(truth.iter().take(page.orders.len()).map(|(id, _)| *id));
                same.then(|| truth.iter().take(page.orders.len()).next_back().map_or(OpNumber(0), |(_, op)| *op))
            }
            Answer::Expired => {
                if !self.committed.iter().any(|(_, entry)| entry.request == id) {
                    self.expired.insert(id);
                }
                Some(OpNumber(0))
            }
        };
        self.check("I6", op.is_some());
        let highest = &mut self.answered[view.0 as usize];
        *highest = (*highest).max(op.unwrap_or_default());
        // A customer that was told already takes no other answer.
        let call = (id.customer.0 as u64 + id.number.0 - 1) as usize;
        if self.calls[call] != Call::Told {
            let digest = digest_of(&answer).0;
            self.replies.insert((call, digest));
            if !self.answers.iter().any(|(known, _)| *known == digest) {
                self.answers.push((digest, answer));
                self.answers.sort_by_key(|(digest, _)| *digest);
            }
        }
    }

    /// The committed orders with their ops.
    fn orders(&self) -> Vec<(OrderId, OpNumber)> {
        let accepted = self.committed.iter().filter(|(_, entry)| matches!(entry.effect, EntryEffect::Accepted { .. }));
        accepted.map(|(_, entry)| (OrderId::Placed(entry.request), entry.op)).collect()
    }

    /// A customer takes an answer. I1, exactly: there is a moment between asking and being told at which it is right.
    pub fn take(&mut self, call: usize, digest: u64, calls: &[Ask]) {
        let Call::Open(floor, _) = self.calls[call] else { return };
        let answer = self.answers.iter().find(|(known, _)| *known == digest).map(|(_, answer)| answer.clone());
        let id = request(calls, call);
        let moment = match answer {
            Some(Answer::Outcome(_)) => {
                let op = self.committed.iter().find(|(_, entry)| entry.request == id).map(|(_, entry)| entry.op);
                op.filter(|op| *op >= floor)
            }
            Some(Answer::History(page)) => {
                let (truth, shown) = (self.orders(), page.total as usize);
                let before = shown.checked_sub(1).and_then(|last| truth.get(last)).map_or(OpNumber(0), |(_, op)| *op);
                let moment = before.max(floor);
                let next = truth.get(shown).map(|(_, op)| *op);
                (shown <= truth.len() && next.is_none_or(|next| next > moment)).then_some(moment)
            }
            // Whether it was placed is what nobody knows.
            Some(Answer::Expired) => Some(floor),
            None => None,
        };
        self.check("I1", moment.is_some());
        self.floor = self.floor.max(moment.unwrap_or_default());
        self.calls[call] = Call::Told;
        self.replies.retain(|(other, _)| *other != call);
        let replies = &self.replies;
        self.answers.retain(|(digest, _)| replies.iter().any(|(_, wanted)| wanted == digest));
    }

    /// What the start needed is over; what waits for a fresh process is on its way.
    pub fn begin(&mut self, members: usize) {
        let newest = self.newest().number;
        let waits = |packet: &Packet| match &*packet.message {
            Message::StateUpdate(update) => packet.to >= members && update.view.number == newest,
            _ => false,
        };
        self.packets.retain(waits);
    }
}

fn verdict(good: bool) -> Verdict {
    let by = PostcodeService::PostcodesIo;
    if good { Verdict::Valid { place: None, by } } else { Verdict::Invalid { why: String::new(), by } }
}
