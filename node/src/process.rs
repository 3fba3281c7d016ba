//! The life of a node process: what it is told first, what it becomes, how it ends.
//!
//! It ends when its launcher closes the pipe (at once, status 0), when it cannot be what it was told (status 2), or by a
//! fault (status 70), and each time says why in a sentence. What happens in between is the event loop's.

use std::net::TcpListener;
use std::process::ExitCode;

use anyhow::Context;
use protocol::front_end::FrontEnd;
use protocol::ids::{Contact, Role};
use protocol::machine::{Identity, Machine};
use protocol::name_server::NameServer;
use protocol::order_book::OrderBook;
use protocol::postcode::{Postcode, PostcodeService};
use protocol::replica::Replica;
use tokio::sync::{mpsc, watch};

use crate::arguments::NodeRole;
use crate::cluster_clock::ClusterClock;
use crate::control::{ControlCommand, Credentials, Duty, Misbehaviour, NodeConfig, NodeReport, Usage};
use crate::event_loop::Host;
use crate::observation::{self, Feed, Reports};
use crate::postcode_services::PostcodeServices;
use crate::storage::Journal;
use crate::transport::{Transport, limits, round_trip};
use crate::{EXIT_BAD_INPUT, EXIT_FAULT, stand_in, usage};

/// How many histories one report shows.
const MOST_HISTORIES: usize = 50;

/// Is a node until the launcher closes standard input. The whole program of `just-hungry-node`, and of `just-hungry node`.
#[must_use]
pub fn run_node(named: NodeRole) -> ExitCode {
    die_with_the_launcher();
    log_to_standard_error();
    stop_on_a_broken_invariant();
    match begin(named) {
        Ok(ended) => ended,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::from(EXIT_BAD_INPUT)
        }
    }
}

fn begin(named: NodeRole) -> anyhow::Result<ExitCode> {
    let config = observation::first_word()?;
    let role = NodeRole::of(&config.duty);
    anyhow::ensure!(
        role == named,
        "The command line says {named}, standard input says {role}. Start `node {role}`, or send another configuration."
    );
    // Fails only if there is one already, which does as well.
    drop(rustls::crypto::ring::default_provider().install_default());
    let reports = Reports::start()?;
    let commands = observation::listen()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    // As a task, not as the future the runtime blocks on: waking that one costs a turn of the I/O driver.
    let life = async { tokio::spawn(live(config, reports, commands)).await };
    let (reports, why, status) = runtime.block_on(life)?;
    tracing::error!("{why}");
    reports.tell_last(NodeReport::Failed { why });
    Ok(ExitCode::from(status))
}

/// Lives until something goes wrong, and tells what.
async fn live(
    config: NodeConfig,
    reports: Reports,
    commands: mpsc::UnboundedReceiver<ControlCommand>,
) -> (Reports, String, u8) {
    let ended = match become_what_was_told(config, &reports) {
        Ok(Being::NameServer(host, contact)) => drive(host, contact, &reports, commands, |_, _| None).await,
        Ok(Being::FrontEnd(host, contact)) => drive(host, contact, &reports, commands, |_, _| None).await,
        Ok(Being::Replica(host, contact)) => drive(host, contact, &reports, commands, orders_of).await,
        Ok(Being::StandIn(service, listener, contact)) => {
            let (behave, behaviour) = watch::channel(Misbehaviour::default());
            serve(stand_in::serve(service, listener, behaviour), contact, behave, &reports, commands).await
        }
        Ok(Being::Echo(endpoint, contact)) => {
            let (behave, _) = watch::channel(Misbehaviour::default());
            let echo = async {
                round_trip::echo(endpoint).await;
                Ok(())
            };
            serve(echo, contact, behave, &reports, commands).await
        }
        Err(error) => return (reports, format!("{error:#}"), EXIT_BAD_INPUT),
    };
    let why = ended.err().map_or_else(|| "The launcher stopped talking.".into(), |error| format!("{error:#}"));
    (reports, why, EXIT_FAULT)
}

/// What a process has become, ready to say so.
enum Being {
    NameServer(Box<Host<NameServer>>, Contact),
    FrontEnd(Box<Host<FrontEnd>>, Contact),
    Replica(Box<Host<Replica>>, Contact),
    StandIn(PostcodeService, tokio::net::TcpListener, Contact),
    Echo(quinn::Endpoint, Contact),
}

fn become_what_was_told(config: NodeConfig, reports: &Reports) -> anyhow::Result<Being> {
    let NodeConfig { id, settings, .. } = config.clone();
    let identity = |me, role| Identity { me, name: config.name.clone(), role, name_server: config.name_server };
    Ok(match &config.duty {
        Duty::NameServer { journal } => {
            // Before the port is opened: a second name server shall say that the journal is in use, not the port.
            let (journal, record) = Journal::open(journal)?;
            let mut host = host(&config, reports)?.with_journal(journal);
            let me = host.contact(id);
            host.add(id, Role::NameServer, NameServer::new(identity(me, Role::NameServer), settings, record));
            Being::NameServer(Box::new(host), me)
        }
        Duty::FrontEnd => {
            let mut host = host(&config, reports)?;
            let me = host.contact(id);
            host.add(id, Role::FrontEnd, FrontEnd::new(identity(me, Role::FrontEnd), settings));
            Being::FrontEnd(Box::new(host), me)
        }
        Duty::Replica { preset, services, verdict_cache } => {
            let services = PostcodeServices::new(services.clone(), *verdict_cache)?;
            let mut host = host(&config, reports)?.with_postcode_services(services);
            let me = host.contact(id);
            let base = OrderBook::preset(*preset);
            host.add(id, Role::Replica, Replica::new(identity(me, Role::Replica), settings, base));
            Being::Replica(Box::new(host), me)
        }
        Duty::StandIn(service) => {
            let listen = config.listen;
            let listener = TcpListener::bind(listen).with_context(|| {
                format!(
                    "TCP port {listen} cannot be opened. Another program may hold it: end it or choose another port"
                )
            })?;
            listener.set_nonblocking(true)?;
            let contact = Contact { id, address: listener.local_addr()? };
            Being::StandIn(*service, tokio::net::TcpListener::from_std(listener)?, contact)
        }
        Duty::Echo => {
            let endpoint = limits::endpoint(config.listen, keys(&config)?)?;
            let contact = Contact { id, address: endpoint.local_addr()? };
            Being::Echo(endpoint, contact)
        }
    })
}

/// A host of nobody yet, reachable by the peers of its run.
fn host<M: Machine>(config: &NodeConfig, reports: &Reports) -> anyhow::Result<Host<M>> {
    let transport = Transport::open(config.listen, keys(config)?)?;
    let feed = Feed::new(config.observe, reports.sink());
    Ok(Host::new(transport, ClusterClock::started_at(config.clock), &config.settings, feed))
}

fn keys(config: &NodeConfig) -> anyhow::Result<&Credentials> {
    config.credentials.as_ref().context("This node was given no keys, so nobody would talk to it.")
}

/// Reports a replica's histories from a postcode on; none of other machines.
type Show<M> = fn(&M, Option<Postcode>) -> Option<NodeReport>;

async fn drive<M: Machine>(
    mut host: Box<Host<M>>,
    me: Contact,
    reports: &Reports,
    mut commands: mpsc::UnboundedReceiver<ControlCommand>,
    show: Show<M>,
) -> anyhow::Result<()> {
    reports.tell(NodeReport::Ready { pid: std::process::id(), contact: me });
    loop {
        tokio::select! {
            biased;
            command = commands.recv() => {
                let Some(command) = command else { return Ok(()) };
                obey(&mut host, me, command, reports, show);
            }
            () = host.ready() => {}
        }
        host.round()?;
    }
}

fn obey<M: Machine>(host: &mut Host<M>, me: Contact, command: ControlCommand, reports: &Reports, show: Show<M>) {
    match command {
        ControlCommand::Observe(observe) => host.observe(observe),
        ControlCommand::Retime(settings) => host.retime(&settings),
        ControlCommand::VerdictCache(on) => host.set_verdict_cache(on),
        ControlCommand::ShowOrders { from } => {
            if let Some(report) = host.machine(me.id).and_then(|machine| show(machine, from)) {
                reports.tell(report);
            }
        }
        ControlCommand::ReportStatus => {
            let transport = host.transport();
            let usage = Usage {
                processor: usage::processor(),
                memory: usage::memory(),
                connections: transport.connections(),
                refused_messages: transport.refusals().count(),
                timers_rung: 0,
                in_links: 0,
            };
            let state = host.machine(me.id).map(Machine::describe);
            reports.tell(NodeReport::Status { state, usage });
        }
        ControlCommand::Clock { .. }
        | ControlCommand::Link(_)
        | ControlCommand::Message { .. }
        | ControlCommand::Ring { .. }
        | ControlCommand::Freeze
        | ControlCommand::Wake
        | ControlCommand::Bomb(_)
        | ControlCommand::ObserveHeartbeats(_) => tracing::warn!("not yet"),
        ControlCommand::Misbehave(_) => tracing::warn!("only a postcode stand-in can be told to misbehave"),
    }
}

fn orders_of(replica: &Replica, from: Option<Postcode>) -> Option<NodeReport> {
    let book = replica.book();
    let histories = book.histories().skip_while(|(postcode, _)| from.is_some_and(|from| *postcode < from));
    let histories = histories.take(MOST_HISTORIES).map(|(postcode, orders)| (postcode, orders.to_vec())).collect();
    Some(NodeReport::Orders { histories, postcodes: book.postcodes() as u64 })
}

/// Serves without a machine, as long as `serving` lasts.
async fn serve(
    serving: impl Future<Output = anyhow::Result<()>>,
    contact: Contact,
    behave: watch::Sender<Misbehaviour>,
    reports: &Reports,
    mut commands: mpsc::UnboundedReceiver<ControlCommand>,
) -> anyhow::Result<()> {
    reports.tell(NodeReport::Ready { pid: std::process::id(), contact });
    let mut serving = std::pin::pin!(serving);
    loop {
        tokio::select! {
            ended = &mut serving => return ended,
            command = commands.recv() => match command {
                None => return Ok(()),
                Some(ControlCommand::Misbehave(misbehaviour)) => drop(behave.send(misbehaviour)),
                Some(ControlCommand::ReportStatus) => {
                    let usage = Usage { processor: usage::processor(), memory: usage::memory(), ..Usage::default() };
                    reports.tell(NodeReport::Status { state: None, usage });
                }
                Some(
                    ControlCommand::Observe(_)
                    | ControlCommand::Retime(_)
                    | ControlCommand::VerdictCache(_)
                    | ControlCommand::ShowOrders { .. }
                    | ControlCommand::Clock { .. }
                    | ControlCommand::Link(_)
                    | ControlCommand::Message { .. }
                    | ControlCommand::Ring { .. }
                    | ControlCommand::Freeze
                    | ControlCommand::Wake
                    | ControlCommand::Bomb(_)
                    | ControlCommand::ObserveHeartbeats(_),
                ) => {}
            },
        }
    }
}

/// On Linux the kernel ends this process with the launcher's thread that started it, even while this process is stopped and
/// cannot see its pipe close.
fn die_with_the_launcher() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Signal, getppid, set_parent_process_death_signal};
        let launcher = getppid();
        let asked = set_parent_process_death_signal(Some(Signal::KILL));
        if asked.is_ok() && getppid() != launcher {
            std::process::exit(0); // It died in between: the signal will not come.
        }
    }
}

fn log_to_standard_error() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("JUST_HUNGRY_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    drop(log.try_init());
}

/// A broken invariant must stop the whole process, visibly, not only the task that found it.
fn stop_on_a_broken_invariant() {
    std::panic::set_hook(Box::new(|fault| {
        let place = fault.location().map(ToString::to_string).unwrap_or_default();
        let what = fault.payload_as_str().unwrap_or("no words");
        tracing::error!("This node stops: an internal fault at {place}: {what}. Please report it with the log.");
        std::process::exit(EXIT_FAULT.into());
    }));
}
