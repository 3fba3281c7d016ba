//! What is said of set-ups: how a cluster begins.

use protocol::trace::Rate;
use scenarios::SetUp;

use crate::{count, rate};

/// What a set-up is called where one is chosen.
#[must_use]
pub fn set_up_name(set_up: &SetUp) -> String {
    if set_up.name.is_empty() { "As the program was started".to_owned() } else { set_up.name.clone() }
}

/// What it begins with, in a sentence.
#[must_use]
pub fn set_up_summary(set_up: &SetUp) -> String {
    let customers = match &set_up.customers {
        None => "the usual customers".to_owned(),
        Some(settlers) => count(settlers.len(), "customer", "customers"),
    };
    let speed = match set_up.speed {
        Rate::STOPPED => "time stopped".to_owned(),
        Rate::REAL => "in real time".to_owned(),
        speed => format!("at {} of real time", rate(speed)),
    };
    let unsafe_setting = if set_up.is_safe() { "" } else { ", UNSAFE: an answer waits for fewer copies" };
    let replicas = count(set_up.replicas as usize, "replica", "replicas");
    format!("{}: {replicas}, {customers}, {speed}{unsafe_setting}.", set_up_name(set_up))
}
