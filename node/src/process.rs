//! The life of a node process: what it is told first, what it becomes, how it ends.
//!
//! It ends when its launcher closes the pipe (at once, status 0), when it cannot be what it was told (status 2), or by a
//! fault (status 70), and each time says why in a sentence. What happens in between is the event loop's.
//!
//! Where its configuration comes from is not decided here. [`run_node`] reads it from a launcher's pipe; [`run_here`] is given
//! it by the program that a person started by hand. From there on both are the same.

mod commands;
mod explosion;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::process::ExitCode;

use anyhow::Context;
use protocol::front_end::FrontEnd;
use protocol::ids::{Contact, Role};
use protocol::machine::{Identity, Machine, Settings};
use protocol::name_server::NameServer;
use protocol::name_servers::NameServers;
use protocol::order_book::OrderBook;
use protocol::postcode::PostcodeService;
use protocol::replica::Replica;
use protocol::trace::NodeEvent;
use tokio::sync::watch;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::arguments::NodeRole;
use crate::cluster_clock::ClusterClock;
use crate::control::{Credentials, Duty, Misbehaviour, NodeConfig, NodeReport, RecordPlace, StandInKey};
use crate::durable::opening::{self, Opened};
use crate::etcd::Etcd;
use crate::event_loop::Host;
use crate::freezing::Standstill;
use crate::observation::{self, Feed, Reports};
use crate::postcode_services::PostcodeServices;
use crate::storage::Journal;
use crate::transport::outlets::plain;
use crate::transport::{Transport, limits, round_trip};
use crate::view_record::is_of_the_record;
use crate::{EXIT_BAD_INPUT, EXIT_FAULT, stand_in};
pub use commands::Commands;
use commands::{drive, orders_of, serve};
pub use explosion::die;

/// A durable replica numbers its messages from the microseconds since this moment on, the beginning of 2026: so no two lives
/// under one id number alike.
const NUMBERS_SINCE: u64 = 1_767_225_600_000_000;

/// Why a node has ended by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// A sentence.
    pub why: String,
    /// The exit status of a program that is nothing but this node.
    pub status: u8,
}

/// Is a node within this process until it is told to leave, or nobody can tell it anything any more. What it reports goes
/// to `reports`.
///
/// # Errors
/// When it cannot be what it was told, or cannot go on.
pub fn run_here(config: NodeConfig, reports: Reports, commands: Commands) -> Result<(), Failed> {
    // Fails only if there is one already, which does as well.
    drop(rustls::crypto::ring::default_provider().install_default());
    let (_reports, ended) = run(config, reports, commands, Standstill::default())
        .map_err(|error| Failed { why: crate::error_text::chain(&error), status: EXIT_FAULT })?;
    ended
}

/// Is a node until the launcher closes standard input. The whole program of `just-hungry-node`, and of `just-hungry node`.
#[must_use]
pub fn run_node(named: NodeRole) -> ExitCode {
    die_with_the_launcher();
    log_to_standard_error("warn");
    stop_on_a_broken_invariant();
    match begin(named) {
        Ok(ended) => ended,
        Err(error) => {
            tracing::error!("{}", crate::error_text::chain(&error));
            ExitCode::from(EXIT_BAD_INPUT)
        }
    }
}

fn begin(named: NodeRole) -> anyhow::Result<ExitCode> {
    let config = observation::first_word()?;
    let role = NodeRole::of(&config.duty);
    anyhow::ensure!(
        role == named,
        "The command line names the role {named}, but standard input names {role}. Start `node {role}`, or send another configuration."
    );
    // Fails only if there is one already, which does as well.
    drop(rustls::crypto::ring::default_provider().install_default());
    let reports = Reports::start()?;
    let standstill = Standstill::default();
    let commands = observation::listen(standstill.clone())?;
    let (reports, ended) = run(config, reports, commands, standstill)?;
    let Err(Failed { why, status }) = ended else { return Ok(ExitCode::SUCCESS) };
    tracing::error!("{why}");
    reports.tell_last(NodeReport::Failed { why });
    Ok(ExitCode::from(status))
}

/// How a node has ended, and the way on which it has reported.
type Ended = (Reports, Result<(), Failed>);

fn run(config: NodeConfig, reports: Reports, commands: Commands, standstill: Standstill) -> anyhow::Result<Ended> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    // As a task, not as the future the runtime blocks on: waking that one costs a turn of the I/O driver.
    let life = async { tokio::spawn(live(config, reports, commands, standstill)).await };
    Ok(runtime.block_on(life)?)
}

/// Lives until it is told to end or something goes wrong.
async fn live(config: NodeConfig, reports: Reports, commands: Commands, standstill: Standstill) -> Ended {
    let ended = match become_what_was_told(&config, &reports, &standstill) {
        Ok(RunsAs::NameServer(host, contact)) => drive(host, contact, &reports, commands, |_, _| None).await,
        Ok(RunsAs::FrontEnd(host, contact)) => drive(host, contact, &reports, commands, |_, _| None).await,
        Ok(RunsAs::Replica(host, contact)) => drive(host, contact, &reports, commands, orders_of).await,
        Ok(RunsAs::StandIn(service, key, listeners, contact)) => {
            let (behave, behaviour) = watch::channel(Misbehaviour::default());
            let begin = |listener| {
                let (key, behaviour) = (key.clone(), behaviour.clone());
                tokio::spawn(async move { match stand_in::serve(service, key, listener, behaviour).await {} })
            };
            let mut listeners = listeners.into_iter();
            listeners.by_ref().take(1).map(begin).for_each(drop);
            let others = listeners.zip(&config.reach.also_listen);
            let mut others: BTreeMap<IpAddr, _> = others.map(|(listener, ip)| (*ip, begin(listener))).collect();
            let more = |addresses: Vec<IpAddr>| {
                others.retain(|ip, serving| {
                    let stays = addresses.contains(ip);
                    if !stays {
                        serving.abort();
                    }
                    stays
                });
                let new: Vec<IpAddr> = addresses.into_iter().filter(|ip| !others.contains_key(ip)).collect();
                let mut failed = Vec::new();
                for ip in new {
                    match stand_in::listener((ip, contact.address.port()).into()) {
                        Ok(listener) => drop(others.insert(ip, begin(listener))),
                        Err(error) => failed.push(error),
                    }
                }
                failed
            };
            let serving = std::future::pending();
            serve(serving, contact, (behave, more), &reports, commands, standstill).await
        }
        Ok(RunsAs::Echo(endpoint, contact)) => {
            let (behave, _) = watch::channel(Misbehaviour::default());
            let echo = async {
                round_trip::echo(endpoint).await;
                Ok(())
            };
            serve(echo, contact, (behave, |_| Vec::new()), &reports, commands, standstill).await
        }
        Err(error) => {
            let why = crate::error_text::chain(&error);
            return (reports, Err(Failed { why, status: EXIT_BAD_INPUT }));
        }
    };
    let failed = |error: anyhow::Error| {
        // A full disk is no fault of this program.
        let status = if is_of_the_record(&error) { EXIT_BAD_INPUT } else { EXIT_FAULT };
        Failed { why: crate::error_text::chain(&error), status }
    };
    (reports, ended.map_err(failed))
}

/// What a process has become, ready to say so.
enum RunsAs {
    NameServer(Box<Host<NameServer>>, Contact),
    FrontEnd(Box<Host<FrontEnd>>, Contact),
    Replica(Box<Host<Replica>>, Contact),
    StandIn(PostcodeService, StandInKey, Vec<tokio::net::TcpListener>, Contact),
    Echo(quinn::Endpoint, Contact),
}

fn become_what_was_told(config: &NodeConfig, reports: &Reports, standstill: &Standstill) -> anyhow::Result<RunsAs> {
    Ok(match &config.duty {
        Duty::NameServer { keeps: RecordPlace::Journal(path) } => {
            // Before the port is opened: a second name server says that the journal is in use, not the port.
            let (journal, record) = Journal::open(path.as_ref())?;
            let host = host(config, reports, standstill)?.with_record(Box::new(journal));
            let machine = |identity, settings| NameServer::new(identity, settings, record);
            let (host, me) = inhabited(host, config, Role::NameServer, machine);
            RunsAs::NameServer(host, me)
        }
        Duty::NameServer { keeps: RecordPlace::Etcd(access) } => {
            let etcd = Etcd::new(access)?;
            let host = host(config, reports, standstill)?.with_record(Box::new(etcd));
            let (host, me) = inhabited(host, config, Role::NameServer, NameServer::with_store);
            RunsAs::NameServer(host, me)
        }
        Duty::FrontEnd => {
            let host = host(config, reports, standstill)?;
            let (host, me) = inhabited(host, config, Role::FrontEnd, FrontEnd::new);
            RunsAs::FrontEnd(host, me)
        }
        Duty::Replica { preset, services, verdict_cache, durable: Some(place) } => {
            // Before the port is opened: a second replica says that the folder is in use.
            let Opened { log, recovered, id, notice } = opening::open(place, config.id, &config.name)?;
            let config = &match id == config.id {
                true => config.clone(),
                false => NodeConfig { id, credentials: place.spare.1.clone(), ..config.clone() },
            };
            let services = PostcodeServices::new(services.clone(), *verdict_cache)?;
            let host = host(config, reports, standstill)?.with_postcode_services(services).with_disk(log);
            let machine =
                |identity, settings| Replica::durable(identity, settings, OrderBook::preset(*preset), recovered);
            let (mut host, me) = inhabited(host, config, Role::Replica, machine);
            host.number_from(id, config.clock.wall.saturating_sub(NUMBERS_SINCE));
            if let Some(text) = notice {
                tracing::warn!("{text}");
                host.trace(id, || NodeEvent::Log { text });
            }
            RunsAs::Replica(host, me)
        }
        Duty::Replica { preset, services, verdict_cache, durable: None } => {
            let services = PostcodeServices::new(services.clone(), *verdict_cache)?;
            let host = host(config, reports, standstill)?.with_postcode_services(services);
            let machine = |identity, settings| Replica::new(identity, settings, OrderBook::preset(*preset));
            let (host, me) = inhabited(host, config, Role::Replica, machine);
            RunsAs::Replica(host, me)
        }
        Duty::StandIn { service, key } => {
            let listener = stand_in::listener(config.listen)?;
            let contact = Contact { id: config.id, address: listener.local_addr()? };
            let mut listeners = vec![listener];
            for ip in &config.reach.also_listen {
                listeners.push(stand_in::listener((*ip, contact.address.port()).into())?);
            }
            RunsAs::StandIn(*service, key.clone(), listeners, contact)
        }
        Duty::Echo => {
            let endpoint = limits::endpoint(config.listen, keys(config)?)?;
            let contact = Contact { id: config.id, address: plain(endpoint.local_addr()?) };
            RunsAs::Echo(endpoint, contact)
        }
    })
}

/// A host without actors, reachable by the peers of its run.
fn host<M: Machine>(config: &NodeConfig, reports: &Reports, standstill: &Standstill) -> anyhow::Result<Host<M>> {
    let transport = Transport::open_with(config.listen, keys(config)?, &config.reach)?;
    for ip in &config.reach.also_listen {
        if let Err(error) = transport.listen_on(*ip) {
            reports.tell(NodeReport::Refused { why: crate::error_text::chain(&error).into() });
        }
    }
    let feed = Feed::new(config.observe, reports.sink());
    let host = Host::new(transport, ClusterClock::started_at(config.clock), &config.settings, feed);
    let mut host = host.with_standstill(standstill.clone());
    for setting in &config.links {
        host.set_link(*setting);
    }
    Ok(host)
}

/// The machine moves in, and the bomb that may lie in it from the beginning.
fn inhabited<M: Machine>(
    mut host: Host<M>,
    config: &NodeConfig,
    role: Role,
    machine: impl FnOnce(Identity, Settings) -> M,
) -> (Box<Host<M>>, Contact) {
    let me = host.contact(config.id);
    let name_servers = NameServers::of(&config.name_servers).unwrap_or(me.into());
    let identity = Identity { me, name: config.name.clone(), role, name_servers };
    host.add(config.id, role, machine(identity, config.settings.clone()));
    host.lay_bomb(config.id, config.bomb);
    (Box::new(host), me)
}

fn keys(config: &NodeConfig) -> anyhow::Result<&Credentials> {
    config.credentials.as_ref().context("This node was given no keys, so no other node would talk to it.")
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

/// Writes the log to standard error, unless it goes somewhere already. JUST_HUNGRY_LOG and RUST_LOG change how much.
pub fn log_to_standard_error(usual: &str) {
    let wanted = ["JUST_HUNGRY_LOG", "RUST_LOG"].into_iter().find_map(|name| std::env::var(name).ok());
    let parsed = |filter: &str| filter.parse::<Targets>().ok();
    let filter = wanted.as_deref().and_then(parsed).or_else(|| parsed(usual)).unwrap_or_default();
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false);
    drop(tracing_subscriber::registry().with(lines.with_filter(filter)).try_init());
}

/// A broken invariant must stop the whole process, visibly, not only the task that found it.
fn stop_on_a_broken_invariant() {
    std::panic::set_hook(Box::new(|fault| {
        let place = fault.location().map(ToString::to_string).unwrap_or_default();
        let what = fault.payload_as_str().unwrap_or("no reason given");
        tracing::error!(
            "This node stops because of an internal fault at {place}: {what}. Please report it with the log."
        );
        std::process::exit(EXIT_FAULT.into());
    }));
}
