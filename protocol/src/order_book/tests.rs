//! What the order book promises: pages, numbers, sessions, and digests that tell books apart.

use super::*;
use crate::ids::RequestNumber;

fn durham() -> Postcode {
    "DH1 3LE".parse().unwrap()
}

fn accepted(op: u64, number: u64) -> Entry {
    let (postcode, items, number) = (durham(), vec!["Pad thai".into()], OrderNumber(number));
    let effect = EntryEffect::Accepted { postcode, items, number, at: Timestamp(1) };
    Entry { effect, outcome: Outcome::Placed { number }, ..withdrawn(7, op) }
}

fn withdrawn(customer: u128, op: u64) -> Entry {
    let request = RequestId { customer: CustomerId(customer), number: RequestNumber(op) };
    let (op, view) = (OpNumber(op), ViewNumber(1));
    Entry { op, view, request, effect: EntryEffect::Withdrawn, outcome: Outcome::NeverPlaced }
}

fn book_of(entries: &[Entry]) -> OrderBook {
    let mut book = OrderBook::default();
    entries.iter().for_each(|entry| book.apply(entry));
    book
}

#[test]
fn presets_differ_and_are_orders() {
    let books: Vec<_> = (1..=3).map(OrderBook::preset).collect();
    assert!(books.iter().all(|book| book.postcodes() >= 3 && book.accepted() == OrderNumber(0)));
    assert_ne!(books[0].as_base(), books[1].as_base());
    assert_ne!(books[1].as_base(), books[2].as_base());
    for (_, orders) in books.iter().flat_map(OrderBook::histories) {
        assert!(orders.iter().all(|order| crate::menu::check_items(&order.items).is_ok()));
    }
}

#[test]
fn there_are_three_presets_and_every_number_means_one_of_them() {
    let orders = |set| OrderBook::preset(set).histories().map(|(_, orders)| orders.len()).collect::<Vec<_>>();
    assert_eq!([orders(1), orders(2), orders(3)], [vec![1, 1, 1, 2], vec![1, 1, 1], vec![1, 1, 1]]);
    for (set, same) in [(0, 1), (4, 1), (5, 2), (u32::MAX, 3)] {
        assert_eq!(OrderBook::preset(set), OrderBook::preset(same), "{set}");
    }
}

#[test]
fn a_history_is_told_page_by_page_and_as_it_was_before() {
    let book = book_of(&(1..=250).map(|n| accepted(n, n)).collect::<Vec<_>>());
    let told = |page: HistoryPage| {
        let numbers: Vec<_> = page.orders.iter().filter_map(|order| order.number).map(|number| number.0).collect();
        (page.total, numbers.first().copied().unwrap_or(0), numbers.last().copied().unwrap_or(0))
    };
    let pages = [0, 1, 2, 3, u32::MAX].map(|page| told(book.history(durham(), page)));
    assert_eq!(pages, [(250, 1, 100), (250, 101, 200), (250, 201, 250), (250, 0, 0), (250, 0, 0)]);
    assert_eq!(told(book.earlier_history(durham(), 1, 120)), (120, 101, 120));
    assert_eq!((book.length(durham()), book.postcodes(), book.accepted()), (250, 1, OrderNumber(250)));
    assert_eq!(told(book.history("M1 1AE".parse().unwrap(), 0)), (0, 0, 0));
}

#[test]
fn only_an_order_with_the_next_number_fits() {
    let book = book_of(&[accepted(1, 1)]);
    let fitting = [1, 2, 3].map(|number| book.fits(&accepted(2, number)));
    assert_eq!((fitting, book.fits(&withdrawn(1, 9))), ([false, true, false], true));
}

#[test]
fn sessions_are_counted_evicted_and_forgotten() {
    let mut book = OrderBook::default().with_room_for(2);
    (1..=5).for_each(|n| book.apply(&withdrawn(n.into(), n)));
    assert_eq!((book.sessions(), book.evicted(), book.horizon()), (2, 3, OpNumber(3)));
    assert_eq!((book.session(CustomerId(3)), book.session(CustomerId(5)).unwrap().op), (None, OpNumber(5)));
    book.forget_sessions();
    assert_eq!((book.sessions(), book.session(CustomerId(5))), (0, None));
}

/// What a digest is for: that two replicas whose books differ anywhere are seen to differ.
#[test]
fn books_that_differ_anywhere_have_different_digests() {
    let changed = |change: fn(&mut Entry)| {
        let mut entry = accepted(1, 1);
        change(&mut entry);
        book_of(&[entry])
    };
    let mut books = vec![
        OrderBook::default(),
        OrderBook::preset(1),
        OrderBook::preset(2),
        changed(|_| {}),
        changed(|entry| entry.request.customer = CustomerId(8)),
        changed(|entry| entry.request.number = RequestNumber(2)),
        changed(|entry| entry.outcome = Outcome::NeverPlaced),
        changed(|entry| entry.effect = EntryEffect::Rejected),
    ];
    let effects = [("M1 1AE", "Pad thai", 1), ("DH1 3LE", "Beef ramen", 1), ("DH1 3LE", "Pad thai", 2)];
    books.extend(effects.map(|(postcode, item, at)| {
        let (postcode, items, at) = (postcode.parse().unwrap(), vec![item.into()], Timestamp(at));
        let effect = EntryEffect::Accepted { postcode, items, number: OrderNumber(1), at };
        book_of(&[Entry { effect, ..accepted(1, 1) }])
    }));
    let mut digests: Vec<_> = books.iter().map(OrderBook::digest).collect();
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), books.len(), "{books:#?}");
}

/// Neither many requests, nor many orders, nor many evictions wear a digest out.
#[test]
fn a_digest_goes_on_changing() {
    let mut book = OrderBook::preset(1).with_room_for(10);
    let mut digests = BTreeMap::new();
    for n in 1..=1000 {
        book.apply(&if n % 3 == 0 { accepted(n, n / 3) } else { withdrawn(n.into(), n) });
        assert_eq!(digests.insert(book.digest(), n), None, "after {n} entries the digest is an earlier one");
    }
    let ones: u32 = digests.keys().map(|digest| digest.0.count_ones()).sum();
    assert!((31_000..33_000).contains(&ones), "about half of 64 000 bits: {ones}");
}

/// Digests and positions are compared between processes, and printed: another version must not compute others.
#[test]
fn digests_and_positions_are_what_they_always_were() {
    let mut book = OrderBook::default().with_room_for(2);
    let base = book.as_base();
    assert_eq!((base.op, base.fingerprint), (OpNumber(0), Fingerprint(0x9cf5_6cee_2859_f811)));
    for entry in [accepted(1, 1), withdrawn(8, 2), withdrawn(9, 3), accepted(4, 2)] {
        book.apply(&entry);
    }
    assert_eq!(
        (book.digest(), base.after(&accepted(1, 1)).fingerprint),
        (Fingerprint(0x37a2_8cd5_669b_7994), Fingerprint(0xa5ec_6f34_cc80_6964))
    );
}

#[test]
fn applying_the_same_entries_gives_the_same_book() {
    let (mut one, mut other) = (OrderBook::preset(1), OrderBook::preset(1));
    for entry in [accepted(1, 1), accepted(2, 2)] {
        one.apply(&entry);
        other.apply(&entry);
    }
    assert_eq!(one, other);
    assert_eq!(one.digest(), other.digest());
    assert_eq!(one.history("DH1 3LE".parse().unwrap(), 0).total, 3);
    assert_eq!(one.session(CustomerId(7)).unwrap().number, RequestNumber(2));
}

#[test]
fn positions_chain() {
    let base = OrderBook::preset(1).as_base();
    assert_ne!(base.after(&accepted(1, 1)), base.after(&accepted(1, 1)).after(&accepted(1, 1)));
    assert_eq!(base.after(&accepted(1, 1)), base.after(&accepted(1, 1)));
}

#[test]
fn an_order_has_the_same_digest_whoever_holds_its_dishes() {
    let items = vec!["Pad thai".to_owned(), "Lemonade".to_owned()];
    let (id, number, at) = (OrderId::Preset(3), Some(OrderNumber(7)), Timestamp(9));
    let entered = digest_of(&Entered { id, number, items: &items, at });
    assert_eq!(entered, digest_of(&Order { id, number, items, at }));
}
