//! `demo`: the classroom demonstration in the terminal. Real processes, each numbered step printed as it happens.
//!
//! Muriel orders and all goes well; Grace orders and the primary is killed before her order is acknowledged; the killed
//! process comes back and is brought up. Then the histories are read and judged. Nothing printed is invented: each line
//! is a fact that a process reported.

mod narrator;

use std::time::Duration;

use protocol::ids::Span;
use protocol::order_book::OrderId;
use serde_json::json;

use super::{ClusterKind, Exit, Failure, launch_open, say, say_json};
use cluster::ClusterOptions;
use cluster::interrupt::Interrupt;
use knowledge::picture::Picture;
use knowledge::user_command::UserCommand;
use narrator::Demo;

/// So slowly that a person could follow, and a kill comes between two messages.
const HOP: Span = Span::millis(150);

/// Nothing in the demonstration takes longer, but for suspicions.
const PATIENCE: Duration = Duration::from_secs(30);
/// Until another replica leads, a few in a row may have to run out.
const SUSPICIONS: u32 = 10;

/// The demonstration.
#[derive(Clone, Debug, clap::Args)]
pub struct DemoArguments {
    /// The cluster to start.
    #[command(flatten)]
    pub cluster: ClusterKind,
    /// Print the result as one JSON object.
    #[arg(long)]
    pub json: bool,
}

pub(crate) fn perform(arguments: &DemoArguments, interrupt: &Interrupt) -> Result<Exit, Failure> {
    let options = ClusterOptions { interrupt: interrupt.clone(), ..arguments.cluster.options()? };
    let replicas = options.replicas as usize;
    if replicas < 2 {
        let why = "The demonstration kills the primary, so it needs at least two replicas. Use --replicas 2 or more.";
        return Err(Failure::BadInput(why.into()));
    }
    say(format!(
        "Just Hungry: passive replication on real processes. Name server, front-end, {replicas} replicas, two postcode \
         services."
    ))?;
    let patience = PATIENCE + SUSPICIONS * Duration::from_micros(options.settings.suspect_after.0);
    let mut demo = Demo::new(launch_open(options)?, patience, interrupt.clone());
    demo.until_members(replicas)?;
    demo.cluster.perform(UserCommand::SetHop { hop: Some(HOP) });

    demo.chapter("Muriel orders. This is her first order, so her program looks up the front-end first.")?;
    demo.order("Muriel", &["Fish and chips", "Lemonade"])?;

    demo.chapter("Grace orders, and the primary is killed before the backups acknowledge the order.")?;
    demo.kill_at_update = true;
    demo.order("Grace", &["Pad thai"])?;
    demo.until("another replica is primary", |demo| demo.picture.nodes.acting_primary().is_some())?;
    let survived = demo.killed.is_some();

    demo.chapter(
        "The killed process is restarted. It comes back as a new replica with empty memory, and receives the whole state.",
    )?;
    if let Some(node) = demo.killed.clone() {
        demo.cluster.perform(UserCommand::Restart { node });
    }
    demo.until_members(replicas)?;

    demo.chapter("All customers read the history of their postcode.")?;
    demo.cluster.perform(UserCommand::SetHop { hop: None });
    let customers: Vec<String> = demo.picture.customers.iter().map(|customer| customer.name.clone()).collect();
    for name in customers {
        demo.read(&name)?;
    }
    let verdict = demo.verdict(survived);
    for sentence in &verdict.sentences {
        say(sentence)?;
    }
    if arguments.json {
        say_json(&json!({
            "verdict": if verdict.holds { "holds" } else { "violation" },
            "acknowledged": demo.picture.stats.placed,
            "failovers": demo.picture.stats.failovers,
            "killed": demo.killed,
        }))?;
    }
    Ok(if verdict.holds { Exit::Holds } else { Exit::Violation })
}

struct Verdict {
    holds: bool,
    sentences: Vec<String>,
}

impl Demo {
    /// Each receipt must be found exactly once.
    fn verdict(&self, killed: bool) -> Verdict {
        let Picture { customers, stats, .. } = &self.picture;
        let mut holds = killed && stats.placed == 2 && stats.failovers >= 1;
        let mut sentences = vec![String::new()];
        for (name, receipt) in customers.iter().flat_map(|it| it.receipts.iter().map(|receipt| (&it.name, receipt))) {
            let all = customers.iter().filter_map(|it| it.history.as_ref()).flat_map(|page| &page.orders);
            let times = all.filter(|order| order.id == OrderId::Placed(receipt.request)).count();
            holds &= times == 1;
            sentences.push(format!("{name}'s order was acknowledged, and the history shows it {times} time(s)."));
        }
        sentences.push(match (&self.killed, holds) {
            (Some(killed), true) => format!(
                "Verdict: {killed} was killed in the middle of an order and another replica took over. No order is lost, and none is stored twice."
            ),
            _ => "Verdict: VIOLATED. A promise was broken.".to_owned(),
        });
        Verdict { holds, sentences }
    }
}
