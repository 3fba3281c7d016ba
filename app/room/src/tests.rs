//! The page over HTTP, without a browser and without a cluster: what a phone gets, what it is refused, and that a flood does no harm.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use knowledge::user_command::CustomerCommand;
use protocol::ids::{CustomerId, NodeId, OrderNumber, RequestId, RequestNumber};
use protocol::message::{Answer, Ask};
use protocol::order_book::Outcome;
use serde_json::{Value, json};

use super::*;

/// A room and a cluster that answers when it is told to.
struct Class {
    room: Room,
    picture: Picture,
    path: String,
    address: SocketAddr,
    asked: u64,
    orders: bool,
    ballot: Option<Ballot>,
    done: Vec<UserCommand>,
}

impl Class {
    fn open(most: usize) -> Self {
        let mut room = Room::new(|| {}).unwrap();
        let link = room.open(Ipv4Addr::LOCALHOST.into(), None, most).unwrap();
        let (address, path) = link.strip_prefix("http://").unwrap().split_once('/').unwrap();
        let (address, path) = (address.parse().unwrap(), format!("/{path}"));
        let picture = Picture::default();
        Self { room, picture, path, address, asked: 0, orders: true, ballot: None, done: Vec::new() }
    }

    fn fact(&mut self, node: u64, event: impl Into<TraceEvent>) {
        let record = TraceRecord { node: NodeId(node), at: self.picture.now + 1, event: event.into() };
        self.room.learn(&record);
        self.picture.apply(&record);
    }

    /// What a frame of the window does. Orders are under way then, and not answered.
    fn frame(&mut self) {
        self.room.follow(&self.picture, self.orders, self.ballot.as_ref());
        for command in self.room.take_commands() {
            self.asked += 1;
            let number = self.asked;
            match &command {
                UserCommand::Customer(CustomerCommand::AddCustomer { name, postcode, place }) => {
                    let (customer, name) = (CustomerId(number.into()), name.clone().unwrap());
                    let (postcode, place) = (*postcode, *place);
                    self.fact(number, LauncherEvent::CustomerIs { customer, name, postcode, place });
                }
                UserCommand::Customer(CustomerCommand::PlaceOrder { customer, postcode, items }) => {
                    let request = RequestId { customer: *customer, number: RequestNumber(number) };
                    let ask = Ask::Order { postcode: postcode.parse().unwrap(), items: items.clone() };
                    self.fact(customer.0 as u64, NodeEvent::Asked { customer: *customer, request, ask });
                }
                _ => {}
            }
            self.done.push(command);
        }
        self.room.follow(&self.picture, self.orders, self.ballot.as_ref());
    }

    /// All that wait are told that their order was placed.
    fn answer(&mut self) {
        let waiting: Vec<_> = self.picture.customers.iter().filter_map(|it| it.waiting.as_ref()).cloned().collect();
        for (number, waiting) in (1..).zip(waiting) {
            let answer = Answer::Outcome(Outcome::Placed { number: OrderNumber(number) });
            let (request, took) = (waiting.request, 5);
            self.fact(request.customer.0 as u64, NodeEvent::Answered { request, answer, took });
        }
        self.frame();
    }

    fn send(&self, head: &str, body: &str) -> (u16, String) {
        let length = body.len();
        let text = format!("{head}\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        // It may be refused before all was sent.
        let _ = stream.write_all(text.as_bytes());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8(answer).unwrap();
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        (status, answer)
    }

    fn get(&self, what: &str) -> (u16, String) {
        self.send(&format!("GET {}{what} HTTP/1.1", self.path), "")
    }

    fn post(&self, what: &str, session: &str, body: &Value) -> (u16, Value) {
        let head =
            format!("POST {}{what} HTTP/1.1\r\nContent-Type: application/json\r\nX-Session: {session}", self.path);
        let (status, answer) = self.send(&head, &body.to_string());
        (status, body_of(&answer))
    }

    fn join(&mut self, name: &str) -> String {
        let (status, answer) = self.post("join", "", &json!({"name": name, "postcode": "DH1 3LE"}));
        assert_eq!(status, 200, "{answer}");
        self.frame();
        answer["session"].as_str().unwrap().to_owned()
    }

    fn news(&self, session: &str, after: u64) -> (u16, Value) {
        let (status, answer) =
            self.send(&format!("GET {}news HTTP/1.1\r\nX-Session: {session}\r\nX-After: {after}", self.path), "");
        (status, body_of(&answer))
    }
}

fn body_of(answer: &str) -> Value {
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    serde_json::from_str(body).unwrap_or(Value::Null)
}

fn says(answer: &Value) -> &str {
    answer["says"].as_str().unwrap_or_default()
}

#[test]
fn the_page_is_there_for_the_link_and_for_nothing_else() {
    let mut class = Class::open(10);
    for (file, kind, words) in [
        ("", "text/html", "<noscript>"),
        ("room.css", "text/css", "prefers-color-scheme: dark"),
        ("room.js", "text/javascript", "textContent"),
        ("menu", "application/json", "Pad thai"),
    ] {
        let (status, answer) = class.get(file);
        assert_eq!(status, 200, "{file}");
        let small = answer.to_lowercase();
        for wanted in
            [kind, words, "default-src 'none'", "frame-ancestors 'none'", "nosniff", "no-referrer", "no-store"]
        {
            assert!(small.contains(&wanted.to_lowercase()), "{file} has no {wanted}: {small}");
        }
    }
    let token = class.path.trim_matches('/').to_owned();
    assert!(token.len() == 32 && token.bytes().all(|byte| byte.is_ascii_hexdigit()), "128 bits: {token}");
    let other = Room::new(|| {}).unwrap();
    assert_ne!(other.token, token, "each run has its own");
    for path in ["/", "/room.js", &format!("/{}/", "0".repeat(32)), &format!("/{token}/../menu"), &format!("/{token}")]
    {
        let (status, answer) = class.send(&format!("GET {path} HTTP/1.1"), "");
        assert_eq!((status, says(&body_of(&answer))), (404, wording::ROOM_WRONG_LINK), "{path}");
    }
    class.room.close();
    assert!(TcpStream::connect(class.address).is_err(), "nothing listens");
    let again = class.room.open(Ipv4Addr::LOCALHOST.into(), None, 10).unwrap();
    assert!(again.contains(&token), "the link stays: {again}");
}

#[test]
fn nothing_of_the_page_comes_from_elsewhere_or_becomes_markup() {
    let (html, css, js) = (
        include_str!("../../../resources/room/room.html"),
        include_str!("../../../resources/room/room.css"),
        include_str!("../../../resources/room/room.js"),
    );
    for (file, text) in [("html", html), ("css", css), ("js", js)] {
        for forbidden in [
            "http:",
            "https:",
            "//cdn",
            "@import",
            "url(",
            "innerHTML",
            "outerHTML",
            "insertAdjacent",
            "document.write",
            "eval(",
            "Function(",
            "style=",
            "onclick=",
        ] {
            assert!(!text.contains(forbidden), "{file} has {forbidden}");
        }
    }
}

#[test]
fn a_phone_orders_and_is_told_what_became_of_that() {
    let mut class = Class::open(10);
    let session = class.join("Anna");
    let (_, page) = class.news(&session, 0);
    assert_eq!((&page["name"], &page["postcode"], &page["closed"]), (&json!("Anna"), &json!("DH1 3LE"), &Value::Null));
    let order = json!({"postcode": "ne1 7ru", "items": ["Pad thai", "Pad thai"]});
    assert_eq!(class.post("order", &session, &order), (200, json!({})));
    class.frame();
    let (_, page) = class.news(&session, page["version"].as_u64().unwrap());
    assert_eq!(page["open"]["became"], "waiting");
    assert!(page["open"]["words"].as_str().unwrap().contains("2 × Pad thai"), "{page}");
    // A reload asks from the beginning, and finds the same order.
    assert_eq!(class.news(&session, 0).1, page);
    let (status, refused) = class.post("order", &session, &order);
    assert_eq!((status, says(&refused)), (409, wording::ROOM_STILL_WAITING));
    class.answer();
    let (_, page) = class.news(&session, page["version"].as_u64().unwrap());
    assert_eq!((&page["open"], &page["receipts"][0]["became"]), (&Value::Null, &json!("placed")));
    let commands: Vec<_> = class.done.iter().map(|command| matches!(command, UserCommand::Customer(_))).collect();
    assert_eq!(commands, [true, true], "the same commands as by a click");
}

#[test]
fn an_order_whose_cluster_ends_is_unknown_and_the_phone_gets_a_new_customer() {
    let mut class = Class::open(10);
    let session = class.join("Anna");
    class.post("order", &session, &json!({"postcode": "DH1 3LE", "items": ["Pad thai"]}));
    class.frame();
    class.picture = Picture::default();
    class.room.begins_again();
    class.orders = false;
    class.frame();
    let (_, page) = class.news(&session, 0);
    assert_eq!(
        (&page["receipts"][0]["became"], &page["closed"]),
        (&json!("unknown"), &json!(wording::ROOM_LESSON_RUNS))
    );
    assert_eq!(class.picture.customers.len(), 0, "no customer comes while a lesson runs");
    let (status, answer) = class.post("order", &session, &json!({"postcode": "DH1 3LE", "items": ["Pad thai"]}));
    assert_eq!((status, says(&answer)), (409, wording::ROOM_LESSON_RUNS));
    class.orders = true;
    class.frame();
    assert_eq!(class.picture.customers.len(), 1);
    let (status, _) = class.post("order", &session, &json!({"postcode": "DH1 3LE", "items": ["Pad thai"]}));
    assert_eq!(status, 200);
}

#[test]
fn what_a_phone_may_not_is_refused_with_a_sentence() {
    let mut class = Class::open(3);
    class.join("Anna");
    let session = class.join("<b>Ben</b>");
    assert_eq!(class.news(&session, 0).1["name"], "<b>Ben</b>", "any name is a name: it is shown as text");
    let joins = |name: &str, postcode: &str| json!({"name": name, "postcode": postcode});
    for (body, status, why) in [
        (joins(" \t", "DH1 3LE"), 400, wording::ROOM_NO_NAME),
        (joins(&"x".repeat(31), "DH1 3LE"), 400, "at most 30"),
        (joins("Eve\u{202e}lecturer", "DH1 3LE"), 400, wording::ROOM_NAME_HIDDEN),
        (joins("Eve\u{0}", "DH1 3LE"), 400, wording::ROOM_NAME_HIDDEN),
        (joins("anna", "DH1 3LE"), 409, wording::ROOM_NAME_TAKEN),
        (joins("Replica-1", "DH1 3LE"), 409, wording::ROOM_NAME_OF_NODE),
        (joins("Eve", "nowhere"), 400, "postcode"),
        (joins("Eve", "ZZ99 9ZZ"), 400, "not on the map"),
        (json!({"name": "Eve"}), 400, wording::ROOM_NOT_UNDERSTOOD),
        (json!({"name": "Eve", "postcode": "DH1 3LE", "role": "primary"}), 400, wording::ROOM_NOT_UNDERSTOOD),
        (json!({"name": "x".repeat(9000), "postcode": "DH1 3LE"}), 413, wording::ROOM_NOT_UNDERSTOOD),
    ] {
        let (code, answer) = class.post("join", "", &body);
        assert!(code == status && says(&answer).contains(why), "{body}: {code} {answer}");
    }
    class.join("Carl");
    let (code, answer) = class.post("join", "", &joins("Eve", "DH1 3LE"));
    assert_eq!((code, says(&answer)), (503, wording::ROOM_FULL));

    let orders = |postcode: &str, items: &[&str]| json!({"postcode": postcode, "items": items});
    for (session, body, status, why) in [
        (session.as_str(), orders("DH1 3LE", &[]), 400, "empty"),
        (&session, orders("DH1 3LE", &["Fried lecturer"]), 400, "not on the menu"),
        (&session, orders("DH1 3LE", &["Pad thai"; 51]), 400, "at most 50"),
        (&session, orders("<script>", &["Pad thai"]), 400, "postcode"),
        ("guessed", orders("DH1 3LE", &["Pad thai"]), 401, wording::ROOM_JOIN_FIRST),
        ("", orders("DH1 3LE", &["Pad thai"]), 401, wording::ROOM_JOIN_FIRST),
    ] {
        let (code, answer) = class.post("order", session, &body);
        assert!(code == status && says(&answer).contains(why), "{body}: {code} {answer}");
    }
    // A form of another site cannot send JSON that is called so.
    let form = format!("POST {}leave HTTP/1.1\r\nContent-Type: text/plain\r\nX-Session: {session}", class.path);
    assert_eq!(class.send(&form, "{}").0, 415);
}

#[test]
fn each_phone_has_one_vote_and_may_change_it_until_the_vote_is_closed() {
    let mut class = Class::open(10);
    let (anna, ben) = (class.join("Anna"), class.join("Ben"));
    let choices = ["A", "B"].map(|letter| (letter.to_owned(), format!("It is {letter}."))).to_vec();
    let ballot = Ballot {
        id: "1".into(),
        question: "What happens?".into(),
        text: String::new(),
        choices,
        standing: Voting::Open,
    };
    class.ballot = Some(ballot.clone());
    class.frame();
    let (_, page) = class.news(&anna, 0);
    assert_eq!((&page["ballot"]["choices"][1]["text"], &page["ballot"]["open"]), (&json!("It is B."), &json!(true)));
    let vote = |class: &Class, session: &str, ballot: &str, choice: usize| {
        class.post("vote", session, &json!({"ballot": ballot, "choice": choice})).0
    };
    assert_eq!([vote(&class, &anna, "1", 0), vote(&class, &anna, "1", 1), vote(&class, &ben, "1", 1)], [200; 3]);
    assert_eq!(class.room.tally(), [(1, 2)].into());
    assert_eq!(
        [vote(&class, &ben, "1", 2), vote(&class, &ben, "0", 0), vote(&class, "guessed", "1", 0)],
        [400, 409, 401]
    );
    class.ballot = Some(Ballot { standing: Voting::Happened(Some(0)), ..ballot.clone() });
    class.frame();
    assert_eq!(vote(&class, &anna, "1", 0), 409);
    assert_eq!(class.news(&anna, 0).1["ballot"]["outcome"], "A happened. You said B.");
    class.ballot = Some(Ballot { id: "2".into(), ..ballot });
    class.frame();
    assert_eq!(class.room.tally(), [].into(), "another round begins with no vote");
}

#[test]
fn a_flood_is_refused_and_the_others_are_served() {
    let mut class = Class::open(40);
    let (eve, anna) = (class.join("Eve"), class.join("Anna"));
    // Each kind of request has its own limit; some were spent already.
    let order = json!({"postcode": "DH1 3LE", "items": []});
    let asked: Vec<u16> = (0..40).map(|_| class.post("order", &eve, &order).0).collect();
    assert!(asked.iter().filter(|status| **status == 429).count() > 20, "{asked:?}");
    let looked: Vec<u16> = (0..100).map(|_| class.news(&eve, 0).0).collect();
    assert!(looked.contains(&429), "{looked:?}");
    let joined: Vec<u16> = (0..500)
        .map(|at| class.post("join", "", &json!({"name": format!("x{at}"), "postcode": "DH1 3LE"})).0)
        .collect();
    assert_eq!(joined.iter().filter(|status| **status == 200).count(), 38, "the room has 40 places");
    assert!(joined.ends_with(&[429]), "and then nobody may even knock: {joined:?}");
    // Connections that say nothing, or never end what they say, keep no phone out.
    let mut silent = Vec::new();
    for number in 0..400 {
        let mut stream = TcpStream::connect(class.address).unwrap();
        if number % 2 == 0 {
            let _ = stream.write_all(b"POST /x HTTP/1.1\r\nContent-Le");
        }
        silent.push(stream);
    }
    let (status, answer) = class.post("order", &anna, &json!({"postcode": "DH1 3LE", "items": ["Pad thai"]}));
    assert_eq!((status, answer), (200, json!({})));
    class.frame();
    class.answer();
    assert_eq!(class.news(&anna, 0).1["receipts"][0]["became"], "placed");
}

#[test]
fn a_customer_that_was_removed_on_the_map_joins_again() {
    let mut class = Class::open(10);
    let session = class.join("Anna");
    let node = class.picture.customers.iter().next().unwrap().node;
    let (how, words) = (protocol::trace::Ending::Removed, "removed".into());
    class.fact(node.0, LauncherEvent::Ended { how, words });
    class.frame();
    assert_eq!(class.news(&session, 0).0, 401);
    class.join("Anna");
}

#[test]
fn a_phone_votes_for_a_number_where_one_is_asked_for() {
    let mut class = Class::open(10);
    let (anna, ben) = (class.join("Anna"), class.join("Ben"));
    let (id, question) = ("1".to_owned(), "How many copies?".to_owned());
    let ballot = Ballot { id, question, text: String::new(), choices: Vec::new(), standing: Voting::Open };
    class.ballot = Some(ballot.clone());
    class.frame();
    assert_eq!(class.news(&anna, 0).1["ballot"]["largest"], crate::LARGEST_NUMBER);
    let vote = |class: &Class, session: &str, number: i64| {
        class.post("vote", session, &json!({"ballot": "1", "choice": number})).0
    };
    assert_eq!([vote(&class, &anna, 3), vote(&class, &ben, 3), vote(&class, &ben, 2)], [200; 3]);
    let too_large = crate::LARGEST_NUMBER as i64 + 1;
    assert_eq!([vote(&class, &anna, too_large), vote(&class, &anna, -1)], [400; 2]);
    assert_eq!(class.room.tally(), [(2, 1), (3, 1)].into());
    assert_eq!([vote(&class, &anna, 100), vote(&class, &ben, too_large - 1)], [200; 2]);
    assert_eq!(
        class.room.tally(),
        [(100, 1), (crate::LARGEST_NUMBER, 1)].into(),
        "nothing is too much to be predicted"
    );
    class.frame();
    assert_eq!(class.news(&ben, 0).1["ballot"]["mine"], crate::LARGEST_NUMBER);
    assert_eq!([vote(&class, &anna, 3), vote(&class, &ben, 2)], [200; 2]);
    class.ballot = Some(Ballot { standing: Voting::Happened(Some(3)), ..ballot });
    class.frame();
    assert_eq!(class.news(&anna, 0).1["ballot"]["outcome"], "3 happened, as you said.");
    assert_eq!(class.news(&ben, 0).1["ballot"]["outcome"], "3 happened. You said 2.");
}
