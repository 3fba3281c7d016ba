//! The commands, on real processes: what a person at a terminal, a script or a student's own program meets.
//!
//! Everything goes through the real program; nothing is called from inside (but for `exactly_once`, which must send what no
//! command sends, `commands`, which speaks as the window does, and `tapes`, which are saved by the window). What a window does is tested elsewhere.

#![expect(clippy::unwrap_used, reason = "a test may fail by unwrap, its own parts too")]

mod lecture;
mod made_history;
#[path = "headless/program.rs"]
mod program;
#[path = "headless/scenario_run.rs"]
mod scenario_run;

#[path = "headless/bad_input.rs"]
mod bad_input;
#[cfg(target_os = "linux")]
#[path = "headless/browser.rs"]
mod browser;
#[cfg(target_os = "linux")]
#[path = "headless/by_hand.rs"]
mod by_hand;
#[path = "headless/commands.rs"]
mod commands;
#[path = "headless/crashes.rs"]
mod crashes;
#[path = "headless/deploy.rs"]
mod deploy;
#[cfg(target_os = "linux")]
#[path = "headless/disks.rs"]
mod disks;
#[path = "headless/durable.rs"]
mod durable;
#[cfg(target_os = "linux")]
#[path = "headless/ending.rs"]
mod ending;
#[cfg(target_os = "linux")]
#[path = "headless/etcd.rs"]
mod etcd;
#[cfg(target_os = "linux")]
#[path = "headless/etcd_durable.rs"]
mod etcd_durable;
#[cfg(target_os = "linux")]
#[path = "headless/etcd_secure.rs"]
mod etcd_secure;
#[path = "headless/exactly_once.rs"]
mod exactly_once;
#[cfg(target_os = "linux")]
#[path = "headless/failpoints.rs"]
mod failpoints;
#[path = "headless/front_ends.rs"]
mod front_ends;
#[path = "headless/judging.rs"]
mod judging;
#[path = "headless/lessons.rs"]
mod lessons;
#[cfg(target_os = "linux")]
#[path = "headless/machines.rs"]
mod machines;
#[cfg(target_os = "linux")]
#[path = "headless/machines_customers.rs"]
mod machines_customers;
#[cfg(target_os = "linux")]
#[path = "headless/machines_steered.rs"]
mod machines_steered;
#[path = "headless/museum.rs"]
mod museum;
#[cfg(target_os = "linux")]
#[path = "headless/network.rs"]
mod network;
#[cfg(target_os = "linux")]
#[path = "headless/own_disks.rs"]
mod own_disks;
#[cfg(target_os = "linux")]
#[path = "headless/phones.rs"]
mod phones;
#[cfg(target_os = "linux")]
#[path = "headless/power_cut.rs"]
mod power_cut;
#[path = "headless/scenarios.rs"]
mod scenarios;
#[path = "headless/steering.rs"]
mod steering;
#[path = "headless/tapes.rs"]
mod tapes;
#[path = "headless/total_loss.rs"]
mod total_loss;
#[path = "headless/unchecked.rs"]
mod unchecked;
