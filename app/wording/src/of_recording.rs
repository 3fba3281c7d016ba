//! What is said where a lesson is recorded and written: steps and conditions in words, the first words of a page, and what is missing.

use std::cmp::Ordering;

use protocol::trace::{Freezing, LinkRule, MessageAct, Rate};
use scenarios::{Action, EndName, Fault, Goal, NodeName, Page, Remark, Unsaid, WaitFor};

use super::{capitalised, count, failpoint, make_disk, plant, rate};

/// On the menu.
pub const WRITE_MEANS: &str = "Record a lesson by doing it, or open one of your own again.";
/// In the menu.
pub const RECORD_A_LESSON: &str = "Record a lesson";
/// In the menu.
pub const EDIT_A_LESSON: &str = "Edit a lesson…";
/// On the menu entry.
pub const RECORDING_MEANS: &str = "From now on, each order, fault and speed becomes a step of a lesson, together with what follows. Then you give its pages their words.";
/// On the chip of a recording.
pub const STOP_RECORDING_MEANS: &str = "A click ends the recording. Its pages then get their words.";
/// Another cluster has begun.
pub const RECORDING_ENDED: &str = "Another cluster begins, so the recording has ended. Its pages are in the editor.";
/// Nothing was recorded.
pub const RECORDING_IS_EMPTY: &str = "Nothing was recorded: no order was placed and nothing was done to the cluster.";
/// Why nothing can be recorded now.
pub const NO_RECORDING_IN_SCRIPT: &str =
    "A lesson or a scenario is running, and it gives commands of its own. Leave it, then record.";
/// Why nothing can be recorded now.
pub const NO_RECORDING_BESIDE: &str = "A lesson is in the editor. Save it or discard it first.";
/// Why nothing can be recorded now.
pub const ALREADY_RECORDING: &str = "A lesson is already being recorded. Stop it in the toolbar.";
/// What saving a lesson does.
pub const SAVE_LESSON_HINT: &str =
    "A Markdown file. The window opens it again, and `just-hungry lesson FILE` performs it in a terminal.";
/// What opening a lesson to edit it does.
pub const TYPED_WORDS_HINT: &str =
    "An empty line begins a paragraph. You can write **bold**, *italic* and links to terms: [view](term:view).";
/// On the goal.
pub const GOAL_MEANS: &str = "One sentence. The catalogue and the terminal show it below the title.";
/// On the rule.
pub const RULE_MEANS: &str = "One sentence that holds whatever happens. It stands at the end.";
/// What a prediction is.
pub const ASK_MEANS: &str =
    "Time stands still on this page, the reader predicts what will happen, and then it happens.";
/// Before a draft is lost.
pub const DISCARD_MEANS: &str = "All pages and their words will be lost. They have not been saved to a file.";
/// Over the pages that only show something.
pub const PAGE_TO_READ: &str = "A page to read. It ends with Next.";
/// The lines that a recording cannot know.
pub const FIRST_WORDS: [&str; 3] = [
    "A recorded lesson",
    "You can say what happened, and why.",
    "A customer is told “placed” only once an order is safe.",
];

/// "Recording a lesson · 3 steps · Stop", and shorter.
#[must_use]
pub fn recording_chip(steps: usize) -> [String; 3] {
    let steps = count(steps, "step", "steps");
    [format!("Recording a lesson · {steps} · Stop"), format!("Recording · {steps} · Stop"), "Stop recording".to_owned()]
}

/// The heading and the text that a page begins with.
#[must_use]
pub fn first_words(page: &Page) -> (String, String) {
    let steps = if page.do_it.is_empty() { &page.before } else { &page.do_it };
    let done: Vec<String> = steps.iter().filter(|step| !matches!(step, Action::Wait { .. })).map(step_words).collect();
    let heading = done.first().cloned().unwrap_or_else(|| "What happens".to_owned());
    let heading = heading.chars().take(60).collect();
    let lines: Vec<String> = done.iter().map(|words| format!("{words}.")).collect();
    let text = match page.asks() {
        true => lines.join(" "),
        false => format!("Watch: {}", lines.join(" ")),
    };
    (heading, text.chars().take(scenarios::LONGEST_PAGE).collect())
}

/// "Ada orders Pad thai", "Crash the primary".
#[must_use]
pub fn step_words(step: &Action) -> String {
    match step {
        Action::Crash(node) => format!("Crash {}", the(node)),
        Action::CrashAll => "Crash every node".into(),
        Action::PowerOn => "Start every node again".into(),
        Action::FreshStart(node) => format!("Begin a new history with {}", the(node)),
        Action::Restart(node) => format!("Restart {}", the(node)),
        Action::AddReplica => "Add a replica".into(),
        Action::AddFrontEnd => "Add a front-end".into(),
        Action::Remove(node) => format!("Remove {}", the(node)),
        Action::Misbehave(service, _) => format!("Change how {service} answers"),
        Action::StoreMembers(members) => {
            format!("Let {} of the view record's store run", count(*members as usize, "member", "members"))
        }
        Action::VerdictCache(true) => "Cache postcode checks".into(),
        Action::VerdictCache(false) => "Do not cache postcode checks".into(),
        Action::Hop(None) => "Let each hop take as long as suits the speed".into(),
        Action::Hop(Some(length)) => format!("Let each hop take {} ms", length.as_millis()),
        Action::Speed(Rate::STOPPED) => "Stop time".into(),
        Action::Speed(speed) => format!("Let time run at {}", rate(*speed)),
        Action::GoOn => "Let time go on".into(),
        Action::RunUntil(_, Goal::Later(length)) => format!("Let time run for {} ms", length.as_millis()),
        Action::RunUntil(_, Goal::NumberedStep) => "Run to the next numbered step".into(),
        Action::RunUntil(_, Goal::ViewChange) => "Run to the next view change".into(),
        Action::Step { count: number, .. } => {
            format!("Go on by {}", count(*number as usize, "single step", "single steps"))
        }
        Action::Links { from, to, both_ways, rule } => links(from, to, *both_ways, *rule),
        Action::MendAll => "Mend all links".into(),
        Action::Partition(side) => {
            let side: Vec<String> = side.iter().map(end).collect();
            format!("Cut {} off", side.join(" and "))
        }
        Action::Message { act, which, .. } => {
            let number = which.step.map_or_else(String::new, |step| format!(" ({step})"));
            let way = [("from", &which.from), ("to", &which.to)];
            let way: String =
                way.iter().filter_map(|(word, at)| Some(format!(" {word} {}", end(at.as_ref()?)))).collect();
            format!("{} the message{number}{way}", act_words(*act))
        }
        Action::Ring { node, timer, .. } => format!("Let the timer “{}” of {} ring", timer.name, the(node)),
        Action::Freeze(node, Freezing::Cooperative) => format!("Freeze {}", the(node)),
        Action::Freeze(node, Freezing::Signal) => format!("Suspend the process of {}", the(node)),
        Action::Wake(node) => format!("Wake {}", the(node)),
        Action::Bomb(node, None) => format!("Remove the bomb from {}", the(node)),
        Action::Bomb(node, Some(bomb)) => format!("Put a bomb in {}: {}", the(node), failpoint(bomb.at)),
        Action::Disk(node, how) => make_disk(&the(node), *how),
        Action::Plant(None) => "Switch the injected bug off".into(),
        Action::Plant(Some(bug)) => format!("UNSAFE: switch a bug on: {}", plant(*bug)),
        Action::Acknowledge(choice) => format!("Let answers wait for this many copies: {choice}"),
        Action::Customer { name, postcode } => format!("{name} lives at {postcode}"),
        Action::Order { customer, items, .. } => format!("{customer} orders {}", items.join(", ")),
        Action::Read { customer, .. } => format!("{customer} reads the history"),
        Action::GiveUp(customer) => format!("{customer} cancels the order"),
        Action::Say(words) => format!("Say: {words}"),
        Action::Wait { for_what, .. } => format!("Wait until {}", condition_words(for_what)),
    }
}

/// "the view has changed", after "until" or "if".
#[must_use]
pub fn condition_words(what: &WaitFor) -> String {
    match what {
        WaitFor::Answered(customer) => format!("{customer} is not waiting for an answer"),
        WaitFor::Asked(customer) => format!("{customer} has sent a request"),
        WaitFor::Placed { customer, count: 0 } => format!("{customer} was not told “placed”"),
        WaitFor::Placed { customer, count: 1 } => format!("{customer} was told “placed”"),
        WaitFor::Placed { customer, count } => format!("{customer} was told “placed” {count} times"),
        WaitFor::Shows { customer, count: number } => {
            format!("{customer} is shown {}", count(*number as usize, "order", "orders"))
        }
        WaitFor::ShowsTold { customer, than } => {
            let more = match than {
                Ordering::Equal => "as many orders as",
                Ordering::Greater => "more orders than",
                Ordering::Less => "fewer orders than",
            };
            format!("{customer} is shown {more} were placed")
        }
        WaitFor::Copies(number) => {
            format!("there are {}", count(*number as usize, "equal copy", "equal copies"))
        }
        WaitFor::Refused => "a message was refused".into(),
        WaitFor::Goes => "time goes on".into(),
        WaitFor::Serving => "orders are answered".into(),
        WaitFor::Members(None) => "all replicas that run are members".into(),
        WaitFor::Members(Some(number)) => format!("the view has {}", count(*number as usize, "member", "members")),
        WaitFor::ViewChange => "the view has changed".into(),
        WaitFor::Held(number) => format!("links hold {}", count(*number as usize, "message", "messages")),
        WaitFor::Failpoint => "the bomb has gone off".into(),
        WaitFor::StepArrived(step) => format!("a message ({step}) has arrived"),
        WaitFor::StepSent(step) => format!("a message ({step}) was sent"),
        WaitFor::Stopped => "time stands still".into(),
        WaitFor::Leads(node) => format!("{} leads", the(node)),
        WaitFor::Suspected => "a replica is suspected".into(),
        WaitFor::Frozen(node) => format!("{} has frozen", the(node)),
        WaitFor::Ended(node) => format!("{} has ended", the(node)),
        WaitFor::AWhile(length) => format!("{} ms have passed", length.as_millis()),
        WaitFor::TheEnd(_) => "the run is about to end".into(),
    }
}

fn the(node: &NodeName) -> String {
    match node {
        NodeName::Primary => "the primary".into(),
        NodeName::Backup => "a backup".into(),
        NodeName::Crashed => "the crashed node".into(),
        NodeName::Frozen => "the frozen node".into(),
        NodeName::Everybody => "every node".into(),
        NodeName::SomeReplica => "some replica".into(),
        NodeName::Named(name) => name.clone(),
    }
}

fn end(name: &EndName) -> String {
    match name {
        EndName::Node(node) => the(node),
        EndName::Backups => "the backups".into(),
        EndName::Customers => "the customers".into(),
    }
}

fn links(from: &EndName, to: &EndName, both_ways: bool, rule: LinkRule) -> String {
    let (from, to) = (end(from), end(to));
    match rule {
        mended if mended.is_mended() => format!("Mend the link between {from} and {to}"),
        LinkRule { cut: true, .. } if both_ways => format!("Cut the link between {from} and {to}"),
        LinkRule { cut: true, .. } => format!("Cut the link from {from} to {to}"),
        LinkRule { hold: true, .. } => format!("Hold what {from} sends to {to}"),
        _ => format!("Disturb the link from {from} to {to}"),
    }
}

fn act_words(act: MessageAct) -> &'static str {
    match act {
        MessageAct::Hold => "Hold",
        MessageAct::LetGo => "Release",
        MessageAct::LetPast => "Let overtake",
        MessageAct::Drop => "Drop",
        MessageAct::Duplicate => "Duplicate",
        MessageAct::Delay(_) => "Delay",
    }
}

/// What the recording cannot say, as a sentence.
#[must_use]
pub fn remark(remark: &Remark) -> String {
    match remark {
        Remark::OrdersBefore(orders) => format!(
            "{} had been placed before the recording. The lesson starts without any.",
            capitalised(&count(*orders, "order", "orders"))
        ),
        Remark::Unsaid(unsaid) => {
            let what = match unsaid {
                Unsaid::CustomerLeft => "A customer was removed",
                Unsaid::Links => "A link was given several faults at once",
                Unsaid::Message => "Something was done to a message that cannot be told apart from others",
                Unsaid::Timer => "A timer rang that cannot be told apart from others",
                Unsaid::Other => "Something was done",
            };
            format!("{what}. A lesson has no step for that, so it is left out.")
        }
        Remark::NameUnsaid(name) => {
            format!("The customer {} cannot be in a lesson: use letters, digits, spaces and hyphens.", shown(name))
        }
        Remark::LinkUnsaid(from, to) => {
            format!("The link from {from} to {to} has several faults at once. A lesson starts with it mended.")
        }
        Remark::Named(name) => format!(
            "{name} is meant by its name, because several replicas have the same role. In a new cluster it can have another role."
        ),
        Remark::TooMany(left_out) => {
            format!("A lesson has at most 60 pages. {} left out.", count(*left_out, "command was", "commands were"))
        }
    }
}

fn shown(name: &str) -> String {
    format!("“{}”", protocol::text::shown(name, 40))
}

/// Why a draft can be neither tried nor saved, as a sentence.
#[must_use]
pub fn draft_fault(fault: &Fault) -> String {
    match fault {
        Fault::NoTitle => "The lesson needs a title.".into(),
        Fault::NoGoal => "Write one sentence on what the reader will understand.".into(),
        Fault::NoRule => "Write one sentence that stands at the end: the rule behind it.".into(),
        Fault::NoPages => "The lesson needs at least one page.".into(),
        Fault::NoHeading(page) => format!("Page {} needs a heading.", page + 1),
        Fault::NoText(page) => format!("Page {} needs a text.", page + 1),
        Fault::NoChoice(page) => format!("Each answer on page {} needs words.", page + 1),
        Fault::Refused(why) => format!("The lesson cannot be written yet: {why}."),
    }
}
