//! What orders are called in lines for programs: the history that `check` judges is made of these names.

use protocol::ids::RequestId;
use protocol::order_book::{Order, OrderId};

/// The same order has the same name for every reader.
pub(super) fn order_name(request: RequestId) -> String {
    format!("{:032x}-{}", request.customer.0, request.number)
}

/// The same of an order that a history shows.
pub(super) fn name(order: &Order) -> String {
    match order.id {
        OrderId::Preset(number) => format!("seed-{number}"),
        OrderId::Placed(request) => order_name(request),
    }
}
