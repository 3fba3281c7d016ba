//! The hops of an order and nothing else: five processes that pass datagrams on, as front-end, primary and two backups do, and
//! the customers. Nothing is kept, sealed or sent again: it is what the system's sockets and processes cost.

use std::net::{SocketAddr, UdpSocket};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::Found;
use crate::load::{Customer, ORDER, Server, free_port, measure};

/// After this long a datagram is sent again.
const LOST: Duration = Duration::from_millis(200);
const HERE: [u8; 4] = [127, 0, 0, 1];

fn at(port: u16) -> SocketAddr {
    (HERE, port).into()
}

/// `hop WHAT PORT PEER…`: one of the processes. It lives until it is killed.
pub fn hop(arguments: &[String]) {
    let ports: Vec<u16> = arguments[1..].iter().map(|port| port.parse().unwrap()).collect();
    let socket = UdpSocket::bind(at(ports[0])).unwrap();
    let peers: Vec<SocketAddr> = ports[1..].iter().map(|port| at(*port)).collect();
    let mut bytes = [0; 2048];
    loop {
        let (length, from) = socket.recv_from(&mut bytes[8..]).unwrap();
        match arguments[0].as_str() {
            // It answers.
            "backup" => drop(socket.send_to(&bytes[8..8 + length], from)),
            // From the front-end to both backups; the answer of the second goes back to the front-end.
            "primary" if from == peers[0] => {
                for backup in &peers[1..] {
                    socket.send_to(&bytes[8..8 + length], backup).unwrap();
                }
            }
            "primary" if from == peers[2] => drop(socket.send_to(&bytes[8..8 + length], peers[0])),
            "primary" => {}
            // To the primary, with the customer's port; the answer goes to that port.
            "front-end" if from == peers[0] => {
                let port = u16::from_le_bytes([bytes[8], bytes[9]]);
                socket.send_to(&bytes[10..8 + length], at(port)).unwrap();
            }
            "front-end" => {
                bytes[6..8].copy_from_slice(&from.port().to_le_bytes());
                socket.send_to(&bytes[6..8 + length], peers[0]).unwrap();
            }
            what => panic!("there is no {what}"),
        }
    }
}

fn start(what: &str, ports: &[u16]) -> Server {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["hop", what]).args(ports.iter().map(ToString::to_string)).stdin(Stdio::null());
    Server(command.spawn().unwrap())
}

struct OfChain(tokio::net::UdpSocket);

impl Customer for OfChain {
    async fn order(&mut self, _number: u64) {
        // What does not fit into a socket's buffer is gone.
        let answered = async |socket: &tokio::net::UdpSocket| {
            socket.send(&[0x5a; ORDER]).await.unwrap();
            tokio::time::timeout(LOST, socket.recv(&mut [0; 2048])).await.is_ok()
        };
        while !answered(&self.0).await {}
    }
}

#[expect(clippy::unnecessary_wraps, reason = "as the others, which may not be installed")]
pub fn measure_chain(customers: u32, lasts: Duration) -> Option<Found> {
    let [front_end, primary, first, second] = [(); 4].map(|()| free_port());
    let servers = [
        start("backup", &[first]),
        start("backup", &[second]),
        start("primary", &[primary, front_end, first, second]),
        start("front-end", &[front_end, primary]),
    ];
    std::thread::sleep(Duration::from_millis(200));
    let processes = servers.each_ref().map(|server| server.0.id());
    Some(measure(customers, lasts, &processes, async move |_| {
        let socket = tokio::net::UdpSocket::bind(at(0)).await.unwrap();
        socket.connect(at(front_end)).await.unwrap();
        OfChain(socket)
    }))
}
