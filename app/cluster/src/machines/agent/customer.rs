//! The customer of the person at this machine: the same as that of a terminal. The launcher steers it, and hears what happens to
//! it.
//!
//! What it orders is decided by the person here, and not in this file.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use node::control::{read_frame, write_frame};
use node::transport::identity::OwnKey;

use super::time::HostTime;
use super::{Here, News};
use crate::hosts::{Confirmation, ToHost};
use crate::lone_customer::Customer;
use crate::machines::talk::{CustomerThere, FromCustomer, Reading, ToCustomer, Writing};
use crate::observer::Facts;
use knowledge::user_command::CustomerCommand;

/// What wakes the thread that speaks to the launcher.
enum ToSay {
    /// There are facts.
    Facts,
    Confirmed {
        ticket: u64,
        at: u64,
    },
}

/// Starts it, and attends it until the launcher has nothing more to say, or is gone.
pub(super) fn attend(
    there: CustomerThere,
    own: &OwnKey,
    (time, news): (&HostTime, &Sender<News>),
    streams: (Writing, Reading),
) {
    if let Err(error) = try_to_attend(there, own, (time, news), streams) {
        let _ = news.send(News::NoCustomer(node::error_text::chain(&error)));
    }
}

fn try_to_attend(
    there: CustomerThere,
    own: &OwnKey,
    (time, news): (&HostTime, &Sender<News>),
    (to, mut from): (Writing, Reading),
) -> anyhow::Result<()> {
    let CustomerThere { name, mut admission, key: _, home, listen, reach } = there;
    admission.credentials = own.with(admission.credentials);
    admission.clock = time.translated(admission.clock);
    let (facts, copy) = (Facts::default(), Facts::default());
    facts.copy_to(copy.clone());
    let (sender, waiting) = channel();
    let woken = Mutex::new(sender.clone());
    copy.wake_with(Arc::new(move || {
        // Nobody speaks to the launcher any more only when this ends.
        let _ = woken.lock().unwrap_or_else(PoisonError::into_inner).send(ToSay::Facts);
    }));
    let customer = Customer::start_at((name, admission), (home, (listen, reach)), facts, || {})?;
    let customer = Arc::new(customer);
    let appeared = FromCustomer::Appeared { node: customer.node, customer: customer.id };
    thread::Builder::new().name("facts".into()).spawn(move || speak(to, &appeared, &copy, &waiting))?;
    let _ = news.send(News::Customer(Here(customer.clone())));
    // An error is the same as the end: without its launcher the customer ends.
    while let Ok(Some(word)) = read_frame(&mut from) {
        match word {
            ToCustomer::Steer(command) => customer.steer(ToHost::Steer(command)),
            ToCustomer::Confirm(ticket) => {
                let sender = sender.clone();
                let say = move |at| drop(sender.send(ToSay::Confirmed { ticket, at }));
                customer.steer(ToHost::Confirm(Confirmation::new(say)));
            }
            ToCustomer::Wake => customer.wake(),
            ToCustomer::Perform(command) => {
                if matches!(command, CustomerCommand::RemoveCustomer { .. }) {
                    let _ = news.send(News::CustomerRemoved);
                }
                customer.perform(command);
            }
        }
    }
    // It repeats nothing any more, even while somebody still holds it.
    customer.perform(CustomerCommand::RemoveCustomer { customer: customer.id });
    Ok(())
}

/// Until the connection is gone.
fn speak(mut to: Writing, appeared: &FromCustomer, facts: &Facts, waiting: &Receiver<ToSay>) {
    let mut said = write_frame(&mut to, appeared);
    while let (Ok(()), Ok(next)) = (&said, waiting.recv()) {
        said = match next {
            ToSay::Confirmed { ticket, at } => write_frame(&mut to, &FromCustomer::Confirmed { ticket, at }),
            ToSay::Facts => {
                let (records, dropped) = facts.take_counted();
                write_frame(&mut to, &FromCustomer::Facts { records, dropped })
            }
        };
    }
}
