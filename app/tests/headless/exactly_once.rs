//! An order id used twice gets the first answer again, from real processes: sent as no real customer would send it.

use cluster::{Cluster, ClusterOptions};
use node::transport::{Arrival, Transport};
use protocol::ids::{Contact, CustomerId, NodeId, OpNumber, RequestId, RequestNumber, Role};
use protocol::message::{Answer, Ask, Envelope, Message};
use protocol::order_book::Outcome;

use crate::program::PATIENCE;

/// Speaks for one customer, without a machine that would keep it from saying things twice.
struct Mouth {
    transport: Transport,
    id: NodeId,
    said: u64,
}

impl Mouth {
    fn say(&mut self, to: Contact, message: Message) {
        self.said += 1;
        let envelope = Envelope { from: self.id, number: self.said, to: to.id, traced: false, message };
        self.transport.send(to, &envelope);
        self.transport.flush();
    }

    /// The next message of which something can be taken.
    async fn hear<T>(&mut self, take: impl Fn(Message) -> Option<T>) -> T {
        tokio::time::timeout(PATIENCE, async {
            loop {
                if let Arrival::Messages { envelopes, .. } = self.transport.arrival().await {
                    let found = envelopes.into_iter().find_map(|envelope| take(envelope.message));
                    if let Some(found) = found {
                        return found;
                    }
                }
            }
        })
        .await
        .expect("an answer in time")
    }

    async fn front_end(&mut self, name_server: Contact) -> Contact {
        loop {
            self.say(name_server, Message::Lookup { role: Role::FrontEnd });
            let found = self.hear(|message| {
                let Message::Found { who, .. } = message else { return None };
                Some(who)
            });
            // Empty as long as the front-end has not registered.
            if let Some((_, front_end)) = found.await.first() {
                return *front_end;
            }
        }
    }

    async fn answer(&mut self, to: Contact, id: RequestId, ask: Ask) -> Answer {
        self.say(to, Message::Request { id, since: OpNumber(0), ask });
        self.hear(|message| {
            let Message::Reply { id: answered, answer, .. } = message else { return None };
            (answered == id).then_some(answer)
        })
        .await
    }
}

#[test]
fn an_order_id_used_twice_gets_the_first_answer_again() {
    let program = env!("CARGO_BIN_EXE_just-hungry").into();
    let options = ClusterOptions { program, default_customers: false, ..ClusterOptions::usual().unwrap() };
    let cluster = Cluster::launch(options).unwrap();
    let admission = cluster.inquirer().admission().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let transport = Transport::open(([127, 0, 0, 1], 0).into(), &admission.credentials).unwrap();
        let mut mouth = Mouth { transport, id: NodeId(77), said: 0 };
        let front_end = mouth.front_end(admission.name_servers[0]).await;
        let postcode = "DH1 3LE".parse().unwrap();
        let order = |dish: &str| Ask::Order { postcode, items: vec![dish.to_owned()] };
        let request = |number| RequestId { customer: CustomerId(7), number: RequestNumber(number) };

        let first = mouth.answer(front_end, request(1), order("Pad thai")).await;
        assert!(matches!(first, Answer::Outcome(Outcome::Placed { .. })), "{first:?}");
        let again = mouth.answer(front_end, request(1), order("Pad thai")).await;
        assert_eq!(again, first);
        // Another order under the same id is the same order: the number decides.
        let other = mouth.answer(front_end, request(1), order("Lemonade")).await;
        assert_eq!(other, first);

        let history = mouth.answer(front_end, request(2), Ask::History { postcode, page: 0 }).await;
        let Answer::History(page) = history else { panic!("{history:?}") };
        let placed: Vec<_> = page.orders.iter().filter(|order| order.number.is_some()).collect();
        assert_eq!(placed.len(), 1, "{page:?}");
        assert_eq!(placed[0].items, ["Pad thai"]);
    });
}
