//! A replica run by hand: `cargo run -p just-hungry-protocol --example by_hand`. No network, no clock, no thread.
#![expect(clippy::print_stdout, reason = "it shows what a machine asks for")]

use protocol::ids::{
    Contact, CustomerId, NodeId, OpNumber, RequestId, RequestNumber, Role, Span, Timestamp, View, ViewNumber,
};
use protocol::machine::{Effects, Identity, Input, Machine, Settings};
use protocol::message::{Ask, Message};
use protocol::order_book::OrderBook;
use protocol::postcode::{Postcode, PostcodeService, Verdict};
use protocol::replica::Replica;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let contact = |id| Contact { id: NodeId(id), address: ([127, 0, 0, 1], 9000 + id as u16).into() };
    let (name_server, front_end, me) = (contact(1), contact(2), contact(3));
    let identity = Identity { me, name: "replica-1".into(), role: Role::Replica, name_servers: name_server.into() };
    let mut replica = Replica::new(identity, Settings::default(), OrderBook::preset(1));

    // [4] A front-end says that this replica leads, alone. [10] Then it passes an order on.
    let view = View::new(ViewNumber(1), me.id, vec![me.id]);
    let view = Message::ViewIs { view, joiners: vec![], contacts: vec![me], patience: Span(0) };
    let (postcode, id): (Postcode, _) =
        ("DH1 3LE".parse()?, RequestId { customer: CustomerId(7), number: RequestNumber(1) });
    let order =
        Message::Request { id, since: OpNumber(0), ask: Ask::Order { postcode, items: vec!["Pad thai".into()] } };
    let said = |message| Input::Received { from: front_end, traced: true, message };
    // [12] A service knows the postcode: the order becomes the first entry, and its customer is answered [13].
    let verdict = Verdict::Valid { place: None, by: PostcodeService::PostcodesIo };
    for input in [said(view), said(order), Input::PostcodeChecked { request: id, verdict, at: Timestamp(0) }] {
        let mut effects = Effects::new(false);
        replica.handle(input, &mut effects);
        replica.settle(&mut effects);
        effects.drain().for_each(|effect| println!("{effect:?}"));
        replica.finish();
        println!("{} orders\n", replica.book().accepted());
    }
    Ok(())
}
