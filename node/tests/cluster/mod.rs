//! A cluster of real processes for tests: starts nodes, listens to them, and orders food.
//!
//! Times are only limits after which a test fails. Nodes die with the test's thread, whatever happens.

use std::io::Read;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use node::cluster_clock::ClusterClock;
use node::control::{
    ClockReading, ControlCommand, Duty, LinkSetting, NodeConfig, NodeReport, Reach, RecordPlace, ServiceAddress,
    StandInKey, SteeringCommand, Usage, read_frame, write_frame,
};
use node::event_loop::{Answered, Host};
use node::observation::Feed;
use node::transport::Transport;
use node::transport::identity::Authority;
use protocol::customer::Customer;
use protocol::ids::{Contact, CustomerId, NodeId, RequestNumber, Role, Span};
use protocol::machine::{Identity, Input, Settings, Wish};
use protocol::message::{Answer, Ask};
use protocol::postcode::PostcodeService;
use protocol::trace::{Bomb, LinkRule, NodeEvent, NodeState, Rate, ReplicaState, TraceEvent};

/// Longer than anything takes; a test that waits this long fails.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// Other processes say what they have to say between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

pub fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// A node as its launcher sees it.
pub struct Process {
    /// As it was configured.
    pub id: NodeId,
    /// Where it can be reached, once it is ready.
    pub address: SocketAddr,
    child: Child,
    input: Option<ChildStdin>,
    reports: Receiver<NodeReport>,
}

impl Process {
    /// Starts `just-hungry-node node ROLE` and says nothing to it yet.
    pub fn start(role: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_just-hungry-node"))
            .args(["node", role])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = child.stdout.take().unwrap();
        let (sender, reports) = channel();
        std::thread::spawn(move || {
            while let Ok(Some(report)) = read_frame(&mut output) {
                let _ = sender.send(report);
            }
        });
        Self { id: NodeId(0), address: loopback(), input: child.stdin.take(), child, reports }
    }

    pub fn configure(&mut self, config: &NodeConfig) {
        self.id = config.id;
        write_frame(self.input.as_mut().unwrap(), config).unwrap();
    }

    pub fn say_bytes(&mut self, bytes: &[u8]) {
        std::io::Write::write_all(self.input.as_mut().unwrap(), bytes).unwrap();
    }

    pub fn command(&mut self, command: &ControlCommand) {
        write_frame(self.input.as_mut().unwrap(), command).unwrap();
    }

    pub fn steer(&mut self, steering: SteeringCommand) {
        self.command(&ControlCommand::Steer(steering));
    }

    pub fn next_report(&mut self) -> NodeReport {
        self.reports.recv_timeout(PATIENCE).expect("the node should report")
    }

    pub fn ready(&mut self) -> Contact {
        match self.next_report() {
            NodeReport::Ready { contact, .. } => {
                self.address = contact.address;
                contact
            }
            other => panic!("the first report should be Ready, not {other:?}"),
        }
    }

    pub fn state(&mut self) -> NodeState {
        self.status().0.unwrap()
    }

    /// What it believes and uses, when all that was said to it before is done.
    pub fn status(&mut self) -> (Option<NodeState>, Usage) {
        self.command(&ControlCommand::ReportStatus);
        loop {
            if let NodeReport::Status { state, usage } = self.next_report() {
                return (state, *usage);
            }
        }
    }

    pub fn replica_state(&mut self) -> ReplicaState {
        let NodeState::Replica(state) = self.state() else { panic!("it should be a replica") };
        *state
    }

    /// Lays a bomb; it lies there when this returns.
    pub fn lay(&mut self, bomb: Bomb) {
        self.steer(SteeringCommand::Bomb { node: self.id, bomb: Some(bomb) });
        self.state();
    }

    /// Whether it has said that this bomb went off.
    pub fn says_exploded(&mut self, bomb: Bomb) -> bool {
        let said = |report| match report {
            NodeReport::Trace { records, .. } => {
                records.iter().any(|record| record.event == TraceEvent::Node(NodeEvent::Exploded { bomb }))
            }
            _ => false,
        };
        self.reports.try_iter().any(said)
    }

    pub fn close_input(&mut self) {
        self.input = None;
    }

    /// Stops the process as the system does it, not as the protocol would; [`Self::wake`] lets it go on.
    #[cfg(unix)]
    pub fn freeze(&self) {
        self.signal(rustix::process::Signal::STOP);
    }

    #[cfg(unix)]
    pub fn wake(&self) {
        self.signal(rustix::process::Signal::CONT);
    }

    #[cfg(unix)]
    fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal).unwrap();
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn wait(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "the process should have ended");
            std::thread::yield_now();
        }
    }

    /// What it wrote to its log until it ended.
    pub fn last_words(&mut self) -> String {
        let mut words = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut words).unwrap();
        words
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Name server, front-end, stand-ins and replicas, and one customer in this process.
pub struct Cluster {
    pub authority: Authority,
    folder: tempfile::TempDir,
    next_id: u64,
    pub name_server: Process,
    name_server_config: NodeConfig,
    name_server_contact: Contact,
    pub front_end: Process,
    pub replicas: Vec<Process>,
    services: Vec<ServiceAddress>,
    _stand_ins: Vec<Process>,
    customer: Host<Customer>,
    asked: u64,
    answers: Vec<Answered>,
    crowd: u64,
    clock: ClusterClock,
}

const CUSTOMER: NodeId = NodeId(0xc0);
/// Further customers, from this id on.
const CROWD: u64 = 0xc001;

impl Cluster {
    pub fn start(replicas: u32) -> Self {
        let authority = Authority::new().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let nobody = Contact { id: NodeId(1), address: loopback() };
        let duty = Duty::NameServer { keeps: RecordPlace::Journal(folder.path().join("journal").into()) };
        let mut name_server_config = config(&authority, "name-server", duty, NodeId(1), nobody);
        let mut name_server = Process::start("name-server");
        name_server.configure(&name_server_config);
        let name_server_contact = name_server.ready();
        name_server_config.listen = name_server_contact.address;

        let key = StandInKey::random().unwrap();
        let mut services = Vec::new();
        let mut stand_ins = Vec::new();
        for (id, role, service) in
            [(2, "postcodes-io", PostcodeService::PostcodesIo), (3, "getthedata", PostcodeService::GetTheData)]
        {
            let mut stand_in = Process::start(role);
            let duty = Duty::StandIn { service, key: key.clone() };
            stand_in.configure(&self::config(&authority, role, duty, NodeId(id), name_server_contact));
            let base_url = format!("http://{}", stand_in.ready().address);
            services.push(ServiceAddress { service, id: NodeId(id), base_url, key: Some(key.clone()) });
            stand_ins.push(stand_in);
        }

        let customer = customer(&authority, name_server_contact);
        let front_end = Process::start("front-end");
        let mut cluster = Self {
            authority,
            folder,
            next_id: 10,
            name_server,
            name_server_config,
            name_server_contact,
            front_end,
            replicas: Vec::new(),
            services,
            _stand_ins: stand_ins,
            customer,
            asked: 0,
            answers: Vec::new(),
            crowd: 0,
            clock: ClusterClock::started_at(clock()),
        };
        cluster.configure_front_end();
        for number in 1..=replicas {
            cluster.add_replica(number);
        }
        cluster
    }

    pub fn config(&mut self, name: &str, duty: Duty) -> NodeConfig {
        self.next_id += 1;
        config(&self.authority, name, duty, NodeId(self.next_id), self.name_server_contact)
    }

    pub fn journal(&self) -> PathBuf {
        self.folder.path().join("journal")
    }

    fn configure_front_end(&mut self) {
        let config = self.config("front-end", Duty::FrontEnd);
        self.front_end.configure(&config);
        self.front_end.ready();
    }

    pub fn restart_front_end(&mut self) {
        self.front_end.kill();
        self.front_end = Process::start("front-end");
        self.configure_front_end();
    }

    /// The same incarnation with the same keys at the same address, from its journal.
    pub fn restart_name_server(&mut self) {
        self.name_server.kill();
        self.name_server = Process::start("name-server");
        self.name_server.configure(&self.name_server_config);
        assert_eq!(self.name_server.ready(), self.name_server_contact);
    }

    /// All but the stand-ins.
    pub fn nodes(&mut self) -> impl Iterator<Item = &mut Process> {
        [&mut self.name_server, &mut self.front_end].into_iter().chain(&mut self.replicas)
    }

    /// Slows every hop of every link.
    pub fn slow_down(&mut self, hop: Span) {
        let slower = SteeringCommand::Retime(Settings { hop, ..Settings::default() });
        self.nodes().for_each(|process| process.steer(slower.clone()));
        self.customer.steer(slower).unwrap();
    }

    /// Cluster time goes so fast, for everybody as soon as this returns.
    pub fn set_rate(&mut self, rate: Rate) {
        let at = self.clock.now();
        self.clock.set(at, rate, None);
        let goes = SteeringCommand::Clock { at, rate, until: None };
        self.nodes().for_each(|process| process.steer(goes.clone()));
        self.nodes().for_each(|process| drop(process.status()));
        self.customer.steer(goes).unwrap();
    }

    /// What the link from one replica to another, or from the front-end (none) to a replica, does as soon as this returns.
    pub fn set_link(&mut self, from: Option<usize>, to: usize, rule: LinkRule) {
        let to = self.replicas[to].id;
        let sender = from.map_or(&mut self.front_end, |from| &mut self.replicas[from]);
        sender.steer(SteeringCommand::Link(LinkSetting { from: sender.id, to, rule }));
        sender.status();
    }

    /// This many new customers ask at once.
    pub fn crowd_asks(&mut self, customers: u64, ask: &Ask) {
        for number in 0..customers {
            let id = NodeId(CROWD + self.crowd + number);
            let me = self.customer.contact(id);
            let name_servers = self.name_server_contact.into();
            let identity = Identity { me, name: "Ada".into(), role: Role::Customer, name_servers };
            let customer = Customer::new(identity, Settings::default(), CustomerId(id.0.into()), RequestNumber(0));
            self.customer.add(id, Role::Customer, customer);
            self.customer.give(id, Input::Wanted { wish: Wish::Ask(ask.clone()), traced: true });
        }
        self.crowd += customers;
    }

    /// The customers live for this long, or until this many of them are answered; returns their answers.
    pub async fn customers_live(&mut self, at_most: Duration, answers: usize) -> Vec<Answer> {
        let end = tokio::time::Instant::now() + at_most;
        let mut answered = Vec::new();
        loop {
            self.customer.round().unwrap();
            answered.extend(self.customer.take_answers().into_iter().map(|answered| answered.answer));
            if answered.len() >= answers || tokio::time::timeout_at(end, self.customer.ready()).await.is_err() {
                return answered;
            }
        }
    }

    pub fn add_replica(&mut self, number: u32) {
        self.add_replica_with(number, None);
    }

    /// A replica that comes with a bomb.
    pub fn add_replica_with(&mut self, number: u32, bomb: Option<Bomb>) {
        let duty =
            Duty::Replica { preset: number, services: self.services.clone(), verdict_cache: true, durable: None };
        let config = NodeConfig { bomb, ..self.config(&format!("replica-{number}"), duty) };
        let mut replica = Process::start("replica");
        replica.configure(&config);
        replica.ready();
        self.replicas.push(replica);
    }

    /// Asks, and waits for the answer however long the cluster needs to recover.
    pub async fn ask(&mut self, ask: Ask) -> Answer {
        self.give(ask);
        self.answer().await
    }

    /// Asks.
    pub fn give(&mut self, ask: Ask) {
        self.customer.give(CUSTOMER, Input::Wanted { wish: Wish::Ask(ask), traced: true });
        self.asked += 1;
    }

    /// The answer to what was asked last.
    pub async fn answer(&mut self) -> Answer {
        self.until("the customer is answered", |cluster| !cluster.answers.is_empty()).await;
        let answered = self.answers.pop().unwrap();
        assert_eq!(answered.request.number, RequestNumber(self.asked));
        answered.answer
    }

    /// The customer goes on until this is so.
    pub async fn until(&mut self, what: &str, mut so: impl FnMut(&mut Self) -> bool) {
        let begun = Instant::now();
        loop {
            self.customer.round().unwrap();
            self.answers.extend(self.customer.take_answers());
            if so(self) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
            let _ = tokio::time::timeout(LOOK_AGAIN, self.customer.ready()).await;
        }
    }

    /// Waits until all replicas still there are members of one view; the primary's place in `replicas`.
    pub fn wait_until_all_are_members(&mut self) -> usize {
        let begun = Instant::now();
        loop {
            let states: Vec<_> = self.replicas.iter_mut().map(Process::replica_state).collect();
            let primary = states.iter().position(|state| state.acting);
            if let Some(primary) = primary
                && states.iter().all(|state| state.view == states[primary].view)
                && states[primary].view.members.len() == states.len()
            {
                return primary;
            }
            assert!(begun.elapsed() < PATIENCE, "all replicas should have become members: {states:?}");
            std::thread::yield_now();
        }
    }
}

pub fn config(authority: &Authority, name: &str, duty: Duty, id: NodeId, name_server: Contact) -> NodeConfig {
    let role = match &duty {
        Duty::NameServer { .. } => Some(Role::NameServer),
        Duty::FrontEnd => Some(Role::FrontEnd),
        Duty::Replica { .. } => Some(Role::Replica),
        Duty::StandIn { .. } | Duty::Echo => None,
    };
    NodeConfig {
        name: name.into(),
        duty,
        id,
        listen: loopback(),
        name_servers: vec![name_server],
        settings: Settings::default(),
        credentials: role.map(|role| authority.issue(role, Some(id)).unwrap()),
        clock: clock(),
        links: Vec::new(),
        bomb: None,
        observe: false,
        reach: Reach::default(),
    }
}

/// Real time, since 1970.
fn clock() -> ClockReading {
    ClockReading { wall: 0, cluster: 0, rate: Rate::REAL, until: None }
}

fn customer(authority: &Authority, name_server: Contact) -> Host<Customer> {
    let credentials = authority.issue(Role::Customer, None).unwrap();
    let transport = Transport::open(loopback(), &credentials).unwrap();
    let me = Contact { id: CUSTOMER, address: transport.address() };
    let identity = Identity { me, name: "Grace".into(), role: Role::Customer, name_servers: name_server.into() };
    let settings = Settings::default();
    let feed = Feed::new(false, Box::new(|_, _| {}));
    let mut host = Host::new(transport, ClusterClock::started_at(clock()), &settings, feed);
    host.add(me.id, Role::Customer, Customer::new(identity, settings, CustomerId(7), RequestNumber(0)));
    host
}
