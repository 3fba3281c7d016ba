//! The fourteen steps: what each message is called and what it is for.

use protocol::message::Step;

/// What a step is called, in two or three words.
pub fn step_name(step: Step) -> &'static str {
    named(step).0
}

/// From whom to whom, and what for.
pub(super) fn definition(step: Step) -> String {
    named(step).1.into()
}

fn named(step: Step) -> (&'static str, &'static str) {
    match step.0 {
        1 => (
            "register",
            "A replica tells the name server that it is alive and where to reach it. It repeats this at each heartbeat.",
        ),
        2 => (
            "look up replicas",
            "The front-end asks the name server which replicas there are and which view is recorded. With the same step it claims its token and proposes the next view.",
        ),
        3 => (
            "replicas found",
            "The name server tells the front-end the replicas, the token and the recorded view. A view counts once this answer is written to the journal.",
        ),
        4 => (
            "announce the view",
            "The front-end tells the replicas which view is recorded, and which replicas are joining. It repeats this at each heartbeat.",
        ),
        5 => (
            "update",
            "The primary sends the result of an order to a backup. A joining replica gets the whole state in the same way.",
        ),
        6 => (
            "acknowledgement",
            "A backup tells the primary up to which operation it holds everything. The customer is answered once all members have done so.",
        ),
        7 => (
            "look up the front-end",
            "A customer asks the name server for the front-end. It does so before its first order, and whenever answers fail to come.",
        ),
        8 => (
            "front-end found",
            "The name server tells the customer which front-end is newest. The customer sends its orders there.",
        ),
        9 => (
            "request",
            "A customer sends an order or a question to the front-end, under a number of its own. It repeats the request under this number until it is answered.",
        ),
        10 => (
            "forwarded request",
            "The front-end passes the request to the primary of the newest view. After a view change it sends the request to the new primary.",
        ),
        11 => (
            "check the postcode",
            "The primary asks postcodes.io, or else getthedata.com, whether the postcode exists. Backups never ask, so copies cannot differ.",
        ),
        12 => (
            "postcode checked",
            "The service says whether the postcode exists. The primary then accepts or rejects the order, and both are entries of the history.",
        ),
        13 => ("reply", "The primary sends the answer to the front-end. By then every member holds the order."),
        14 => (
            "reply to the customer",
            "The front-end passes the answer to the customer. If it is lost, the customer repeats its request and gets the same answer.",
        ),
        _ => ("no step", "The workflow has fourteen steps."),
    }
}
