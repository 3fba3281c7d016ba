//! How many copies there are before a customer is told "placed", and what is at risk when they are fewer than all.

use protocol::acknowledge::Acknowledge;

use scenarios::Unsafe;

/// Beside the choice.
pub const ACKNOWLEDGE_MEANS: &str = "How many copies there are before a customer is told “placed”:";

/// What a choice is called.
pub fn acknowledge_choice(acknowledge: Acknowledge) -> &'static str {
    match acknowledge {
        Acknowledge::All => "All members",
        Acknowledge::One => "One backup",
        Acknowledge::None => "Only the primary",
    }
}

/// When the customer is answered.
pub fn acknowledge(acknowledge: Acknowledge) -> &'static str {
    match acknowledge {
        Acknowledge::All => "The primary answers the customer once every member holds the order.",
        Acknowledge::One => "The primary answers the customer once one backup holds the order.",
        Acknowledge::None => "The primary answers the customer before any backup holds the order.",
    }
}

/// What that can lead to.
pub fn acknowledge_consequence(acknowledge: Acknowledge) -> &'static str {
    match acknowledge {
        Acknowledge::All => {
            "A crash of the primary loses no acknowledged order. The slowest member decides how long each answer takes."
        }
        Acknowledge::One => "Answers come sooner. If another backup leads next, an acknowledged order may be lost.",
        Acknowledge::None => "Answers come soonest. If the primary crashes then, acknowledged orders are lost.",
    }
}

/// What is wrong while something unsafe is on.
pub fn unsafe_switch(switch: Unsafe) -> &'static str {
    match switch {
        Unsafe::Plant(plant) => super::plant(plant),
        Unsafe::Acknowledge(choice) => acknowledge(choice),
    }
}

/// What it is called in a sentence.
pub(super) fn kind_of(switch: Unsafe) -> &'static str {
    match switch {
        Unsafe::Plant(_) => "bug",
        Unsafe::Acknowledge(_) => "unsafe setting",
    }
}

/// What it means to agree to answers before all copies are there.
const CONSENT_TO_FEWER: &str = "While this is on, orders acknowledged to customers may be lost. That is the lesson. The window has a red mark until every answer waits for all members again.";

/// What it means to agree.
pub fn consent(switch: Unsafe) -> &'static str {
    match switch {
        Unsafe::Plant(_) => super::CONSENT,
        Unsafe::Acknowledge(_) => CONSENT_TO_FEWER,
    }
}

/// The buttons that run a script once more, with it and without it.
pub fn run_with(switch: Unsafe) -> [String; 2] {
    let it = kind_of(switch);
    [format!("Run with the {it}…"), format!("Run without the {it}")]
}

/// The title of the question whether to switch something unsafe on.
pub fn unsafe_title(switch: Unsafe) -> String {
    match switch {
        Unsafe::Plant(plant) => super::plant_title(plant),
        Unsafe::Acknowledge(_) => "Answer before all members hold the order?".into(),
    }
}

/// Why a script is not performed without consent: what it switches on.
pub fn switches_on(kind: &str, switch: Unsafe) -> String {
    let words = unsafe_switch(switch);
    match switch {
        Unsafe::Plant(plant) => format!("This {kind} switches on a bug: {plant}. {words}"),
        Unsafe::Acknowledge(choice) => format!("This {kind} is unsafe: it sets acknowledge to “{choice}”. {words}"),
    }
}

/// Answered orders that the least advanced member that could lead next does not hold.
pub fn at_risk(orders: u64) -> String {
    format!("orders at risk: {orders}")
}

/// Beside that number: what it counts.
pub const AT_RISK_MEANS: &str = "Answered orders that the least advanced backup does not hold, by what it last reported. If the primary crashes now and that backup leads next, they are lost.";

/// Where something is on that is not an injected bug.
pub const UNSAFE_SETTING: &str = "Unsafe setting";
/// Ends it.
pub const WAIT_FOR_ALL: &str = "Wait for all members";

/// What fewer copies buy: half of the latest answers came within this time, in microseconds.
pub fn median_answer(median: u64) -> String {
    format!("median answer: {}", super::duration(median))
}
