//! The page on which phones order and vote, and the dialog that opens it: what a phone is told, and what the lecturer is.
//!
//! The fixed words of the page itself stand in `resources/room/`.

use protocol::message::Ask;
use protocol::order_book::{HistoryPage, Order, Outcome, PAGE};
use protocol::postcode::Postcode;

use knowledge::picture::{Picture, Receipt, Service, Waiting};

/// In the menu, and over the dialog.
pub const ROOM: &str = "Let the room order…";
/// Over the dialog.
pub const ROOM_TITLE: &str = "Let the room order by phone";
/// In the dialog, before the page is open.
pub const ROOM_MEANS: &str = "Opens a web page. Everyone with its link can be a customer on the map, order dishes, and vote in lessons. The page is off until you open it, and ends with this program.";
/// Which of the computer's addresses.
pub const ROOM_WHERE: &str = "On which network?";
/// The picture of the link, for screen readers.
pub const ROOM_PICTURE: &str = "the link as a QR picture";
/// What plain HTTP means; shown where another computer can reach the page.
pub const ROOM_PLAIN: &str = "The page uses plain HTTP. Everyone in the same network can read what is typed, and can change it on its way. Ask for a first name or a made-up one, and for no real address.";
/// Only loopback is there.
pub const ROOM_NO_NETWORK: &str =
    "This computer has no network now, so no phone can reach it. Join a network, then open this box again.";
/// How many.
pub const ROOM_MOST: &str = "Phones at most";
/// The button that opens it.
pub const ROOM_OPEN: &str = "Open the page";
/// The button that closes it.
pub const ROOM_CLOSE: &str = "Switch off";
/// Under that button.
pub const ROOM_CLOSE_MEANS: &str = "After you switch it off, phones cannot order. Their customers stay on the map. If you open the page again, the same link works.";
/// Under the picture of the link.
pub const ROOM_SCAN: &str = "Point a phone’s camera at the picture, or type the link. The phone must be in the same network. If it cannot reach the page, the network may keep its devices apart, or a firewall may block the port: try a phone’s hotspot.";

/// One of the computer's addresses.
#[must_use]
pub fn room_address(address: std::net::IpAddr, network: &str) -> String {
    if address.is_loopback() { "Only on this computer, to try it".into() } else { format!("{network} · {address}") }
}

/// How many phones there are.
#[must_use]
pub fn room_phones(phones: usize, most: usize, in_touch: usize) -> String {
    format!("{} of at most {most}, {in_touch} in touch now", crate::count(phones, "phone", "phones"))
}

/// The page cannot be opened there.
#[must_use]
pub fn room_not_opened(address: std::net::IpAddr, why: &str) -> String {
    format!("The page cannot be opened on {address}: {why}. Choose another network.")
}

/// In the menu, while the page is open.
#[must_use]
pub fn room_entry(phones: usize) -> String {
    format!("on, {}", crate::count(phones, "phone", "phones"))
}

/// While phones vote.
#[must_use]
pub fn room_voted(voted: usize, phones: usize) -> String {
    format!("{voted} of {} voted", crate::count(phones, "phone has", "phones have"))
}

/// A link with another token, or none.
pub const ROOM_WRONG_LINK: &str = "This link is not valid. Ask for the present one.";
/// A phone that is not known, or not any more.
pub const ROOM_JOIN_FIRST: &str = "Join first: enter a name and a postcode.";
/// A phone that asks faster than a person can.
pub const ROOM_TOO_FAST: &str = "Too many requests. Wait a moment, then try again.";
/// What came is not what the page sends.
pub const ROOM_NOT_UNDERSTOOD: &str = "This request was not understood. Reload the page, then try again.";
/// No name at all.
pub const ROOM_NO_NAME: &str = "Enter a name. The others see it on the map.";
/// A name with characters that no screen shows, or that turn text around.
pub const ROOM_NAME_HIDDEN: &str = "The name contains characters that no screen shows. Type it again without them.";
/// A name that another one has.
pub const ROOM_NAME_TAKEN: &str = "There is already a customer with this name. Choose another name.";
/// A name that nodes have.
pub const ROOM_NAME_OF_NODE: &str = "This is the name of a process. Choose another name.";
/// The lecturer's program did not put it on the map.
pub const ROOM_NOT_ADDED: &str = "You could not be put on the map. Choose another name, then try again.";
/// Its customer was removed on the map.
pub const ROOM_REMOVED: &str = "Your customer was removed from the map. Join again to order.";
/// No more phones.
pub const ROOM_FULL: &str = "The room is full. Ask for more places.";
/// One at a time.
pub const ROOM_STILL_WAITING: &str =
    "Your last request is still waiting for an answer. Wait for it, or cancel the order.";
/// There is no order to cancel.
pub const ROOM_NOTHING_TO_CANCEL: &str = "No order of yours is waiting, so there is nothing to cancel.";
/// A command went out, and nothing was heard.
pub const ROOM_NOT_SENT: &str = "The request was not sent. Try again.";
/// While a lesson or a scenario runs.
pub const ROOM_LESSON_RUNS: &str = "A lesson or a scenario is running. Orders are open again when it is over.";
/// The customer is not on the map yet.
pub const ROOM_COMING: &str = "You are being put on the map. You can order in a moment.";
/// A vote that is over.
pub const ROOM_VOTE_CLOSED: &str = "This vote is closed.";
/// An order whose cluster ended before the answer.
pub const ROOM_CLUSTER_ENDED: &str =
    "A new cluster was started before the answer came. The earlier orders are gone with the old one.";

/// A name that is too long.
#[must_use]
pub fn room_name_too_long(most: usize) -> String {
    format!("A name can have at most {most} characters.")
}

/// A postcode that is not on the map.
#[must_use]
pub fn room_unknown_postcode(postcode: Postcode) -> String {
    format!("{postcode} is not on the map. Choose another postcode, such as DH1 3LE.")
}

/// What became of a request, in the word that stands before the sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Became {
    Waiting,
    Placed,
    Refused,
    Cancelled,
    Unknown,
}

/// What is told of an order that was answered.
#[must_use]
pub fn phone_receipt(receipt: &Receipt) -> (Became, String) {
    let to = receipt.postcode.map(|postcode| format!(", to {postcode}")).unwrap_or_default();
    let order = format!("{}, {}{to}", crate::dishes(&receipt.items), crate::price(&receipt.items));
    match &receipt.outcome {
        Some(Outcome::Placed { number }) => {
            let took = crate::duration(receipt.took);
            (Became::Placed, format!("Order {number}: {order}. Every replica of the view has it. It took {took}."))
        }
        Some(Outcome::Rejected { why }) => (Became::Refused, format!("{order}: {}", crate::rejection(why))),
        Some(Outcome::NeverPlaced) => (Became::Cancelled, format!("{order}: this order will never be placed.")),
        None => (
            Became::Unknown,
            format!(
                "{order}: the replicas have forgotten your earlier requests, so this order may or may not have been placed. Read the history of its postcode. If the order is missing there, order again."
            ),
        ),
    }
}

/// What was asked for.
#[must_use]
pub fn phone_asked(ask: &Ask) -> String {
    match ask {
        Ask::Order { postcode, items } => {
            format!("{}, {}, to {postcode}", crate::dishes(items), crate::price(items))
        }
        Ask::History { postcode, .. } => format!("The history of {postcode}"),
        Ask::Withdraw => "Your order is being cancelled".into(),
    }
}

/// Why a request has not been answered yet.
#[must_use]
pub fn phone_waits(waiting: &Waiting, picture: &Picture) -> String {
    if picture.steering.is_stopped(picture.now) {
        return "Time stands still in the lecture hall, so nothing moves.".into();
    }
    if waiting.giving_up {
        return "Your cancellation is on its way. The answer will say whether the order had already been placed."
            .into();
    }
    match (picture.service(), waiting.why, &waiting.ask) {
        (Service::Waiting(_) | Service::Starting, ..) => {
            "No primary answers at the moment. Your request is repeated under the same number, so an order is never placed twice."
                .into()
        }
        (Service::Lost(_), ..) => "All members of the view are gone. The lecturer must begin a new history.".into(),
        (Service::Serving { .. }, Some((why, _)), Ask::Order { postcode, .. }) => {
            format!("{}.", crate::capitalised(&crate::wait_reason(why, *postcode)))
        }
        (Service::Serving { .. }, ..) => "It is on its way to the primary, and the answer on its way back.".into(),
    }
}

/// "Orders 1 to 100 of 240".
#[must_use]
pub fn phone_history(page: &HistoryPage) -> String {
    if page.total == 0 {
        return format!("No orders to {} yet.", page.postcode);
    }
    let first = u64::from(page.page) * PAGE as u64 + 1;
    let last = first + page.orders.len() as u64 - 1;
    match (page.total, last) {
        (total, last) if first == 1 && last == total => {
            format!("{} to {}, oldest first", crate::count(total as usize, "order", "orders"), page.postcode)
        }
        (total, last) => format!("Orders {first} to {last} of {total} to {}, oldest first", page.postcode),
    }
}

/// One line of a history.
#[must_use]
pub fn phone_history_line(order: &Order) -> String {
    let dishes = crate::dishes(&order.items);
    order
        .number
        .map_or_else(|| format!("{dishes} (there from the beginning)"), |number| format!("Order {number}: {dishes}"))
}

/// A vote that has come true or not.
#[must_use]
pub fn phone_outcome(mine: Option<&str>, happened: Option<&str>) -> String {
    match (mine, happened) {
        (Some(mine), Some(happened)) if mine == happened => format!("{happened} happened, as you said."),
        (Some(mine), Some(happened)) => format!("{happened} happened. You said {mine}."),
        (None, Some(happened)) => format!("{happened} happened."),
        (_, None) => "Something else happened than any of these.".into(),
    }
}
