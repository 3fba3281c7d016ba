//! A lesson with an injected bug, told as facts: an acknowledged order is lost, and a customer reads a history without it.

use protocol::ids::{OrderNumber, RequestId, RequestNumber};
use protocol::message::{Answer, Ask, Summary};
use protocol::order_book::HistoryPage;
use protocol::plant::Plant;
use protocol::trace::{Ending, Freezing, LauncherEvent, LinkRule, MachineEvent, NodeEvent, Sign, Standing, TraceEvent};

use crate::scene::{FRONT_END, NAME_SERVER, Scene, customer, order_on_its_way, postcode, replica, view};

/// A lesson with an injected bug: Grace is told that her order is placed, the primary dies, and Alan reads a history without
/// it. A node was frozen and a link cut on the way.
pub fn lost_order() -> Scene {
    let mut scene = order_on_its_way();
    let s = &mut scene;
    // The rest of the usual scene does not happen.
    s.facts.retain(|fact| fact.at < 4_600_000);
    let plant = Some(Plant::AckBeforeReplicate);
    s.fact(NAME_SERVER, 4_700_000, LauncherEvent::PlantIs { plant });
    let cut = LinkRule::CUT;
    s.fact(
        NAME_SERVER,
        4_800_000,
        LauncherEvent::LinkIs { from: "replica-2".into(), to: "replica-3".into(), rule: cut },
    );
    let request = s.asks(2, 2, &["Pad thai"], "NE1 7RU", 5_000_000);
    s.message(customer(2).0, FRONT_END, 9, Summary::Order(postcode("NE1 7RU")), 5_000_000, Some(5_200_000));
    s.message(FRONT_END, replica(2), 10, Summary::Order(postcode("NE1 7RU")), 5_200_000, Some(5_400_000));
    s.message(replica(2), FRONT_END, 13, Summary::Placed(OrderNumber(41)), 5_500_000, Some(5_700_000));
    s.message(FRONT_END, customer(2).0, 14, Summary::Placed(OrderNumber(41)), 5_700_000, Some(5_900_000));
    s.placed(request, 41, 900_000, 5_900_000);
    s.fact(replica(4), 6_000_000, NodeEvent::Froze { how: Freezing::Cooperative });
    s.fact(replica(2), 6_500_000, LauncherEvent::Ended { how: Ending::Crashed, words: "signal: 9 (SIGKILL)".into() });
    let why = Some(Sign::Gone);
    s.fact(FRONT_END, 6_750_000, MachineEvent::Suspects { replica: replica(2), suspected: true, why });
    s.fact(replica(4), 8_000_000, NodeEvent::Woke);
    let view = view(4, replica(3), &[replica(3)]);
    s.fact(replica(3), 7_000_000, MachineEvent::Became { standing: Standing::Primary, view: view.clone() });
    s.fact(
        NAME_SERVER,
        7_200_000,
        LauncherEvent::LinkIs { from: "replica-2".into(), to: "replica-3".into(), rule: Default::default() },
    );
    let (alan, customer) = customer(3);
    let postcode = "NE1 7RU".parse().unwrap_or_else(|error| panic!("{error}"));
    let read = RequestId { customer, number: RequestNumber(1) };
    s.fact(alan, 9_000_000, NodeEvent::Asked { customer, request: read, ask: Ask::History { postcode, page: 0 } });
    s.message(alan, FRONT_END, 9, Summary::History(postcode), 9_000_000, Some(9_300_000));
    s.message(FRONT_END, replica(3), 10, Summary::History(postcode), 9_300_000, Some(9_600_000));
    s.message(replica(3), FRONT_END, 13, Summary::Orders(0), 9_600_000, Some(9_900_000));
    s.message(FRONT_END, alan, 14, Summary::Orders(0), 9_900_000, Some(10_200_000));
    let page = HistoryPage { postcode, page: 0, total: 0, orders: vec![] };
    s.fact(alan, 10_200_000, NodeEvent::Answered { request: read, answer: Answer::History(page), took: 1_200_000 });
    // Each message knows the customer it belongs to.
    for fact in &mut s.facts {
        if let TraceEvent::Node(NodeEvent::Sent { facts, .. }) = &mut fact.event {
            facts.request = match fact.at {
                5_000_000..6_000_000 => Some(request),
                9_000_000.. => Some(read),
                _ => None,
            };
        }
    }
    scene
}
