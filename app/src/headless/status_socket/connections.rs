//! Connections to the status socket: how many at once, how long each may take, and which gives way.
//!
//! Any program on this machine can connect, so a connection can hold little before a line with the password has come. What
//! the lines mean is not known here.

use std::collections::VecDeque;
use std::io::{self, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use node::bounded_lines::BoundedLines;

/// Connections on which no line with the password has come yet. When one more comes, the oldest gives way.
const MOST_UNKNOWN: usize = 16;
/// Connections in all: also those that are being answered, and those that are just ending.
const MOST_CONNECTIONS: usize = 128;
/// The longest line that is read, in bytes.
const LONGEST_LINE: usize = 4096;

/// Decides which lines are answered, and how.
pub(super) trait Respondent: Send + Sync + 'static {
    fn knows(&self, line: &str) -> bool;
    fn answer(&self, line: &str) -> String;
}

/// Serves connections until the listener fails. Each has `patience` for its whole request, and again for its answer.
pub(super) fn receive_all(listener: &TcpListener, patience: Duration, host: impl Respondent) {
    let (host, unknown, present) = (Arc::new(host), Arc::new(Unknown::default()), Arc::new(AtomicUsize::new(0)));
    for (number, connection) in listener.incoming().flatten().enumerate() {
        if present.load(Ordering::Relaxed) >= MOST_CONNECTIONS {
            continue;
        }
        let Ok(handle) = connection.try_clone() else { continue };
        unknown.admit(number, handle);
        let staying = Staying::begin(&present);
        let (host, unknown) = (host.clone(), unknown.clone());
        let _ = thread::Builder::new().name("status request".into()).spawn(move || {
            // A connection that breaks off in the middle harms no other.
            let _ = receive(&connection, number, patience, &*host, &unknown);
            unknown.remove(number);
            drop(staying);
        });
    }
}

fn receive(
    connection: &TcpStream,
    number: usize,
    patience: Duration,
    host: &impl Respondent,
    unknown: &Unknown,
) -> io::Result<()> {
    let mut lines = BoundedLines::new(BufReader::new(TimeLimited::new(connection, patience)), LONGEST_LINE);
    let line = match lines.next_text() {
        // Answered like any other line of a stranger.
        Err(error) if error.kind() == ErrorKind::FileTooLarge => "",
        line => line?.unwrap_or_default(),
    };
    if host.knows(line) && !unknown.remove(number) {
        return Ok(()); // It has given way already.
    }
    let mut answer = host.answer(line);
    answer.push('\n');
    TimeLimited::new(connection, patience).write_all(answer.as_bytes())
}

/// Connections without a password so far, oldest first.
#[derive(Default)]
struct Unknown(Mutex<VecDeque<(usize, TcpStream)>>);

impl Unknown {
    fn admit(&self, number: usize, connection: TcpStream) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST_UNKNOWN
            && let Some((_, oldest)) = all.pop_front()
        {
            // Fails only if it has gone by itself.
            let _ = oldest.shutdown(Shutdown::Both);
        }
        all.push_back((number, connection));
    }

    /// Whether it was still here.
    fn remove(&self, number: usize) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = all.len();
        all.retain(|(other, _)| *other != number);
        all.len() < before
    }
}

/// Counts a connection as long as it lasts.
struct Staying(Arc<AtomicUsize>);

impl Staying {
    fn begin(present: &Arc<AtomicUsize>) -> Self {
        present.fetch_add(1, Ordering::Relaxed);
        Self(present.clone())
    }
}

impl Drop for Staying {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection on which everything together must be done by a moment, however many pieces it comes in.
pub(super) struct TimeLimited<'a> {
    stream: &'a TcpStream,
    until: Instant,
}

impl<'a> TimeLimited<'a> {
    pub fn new(stream: &'a TcpStream, patience: Duration) -> Self {
        Self { stream, until: Instant::now() + patience }
    }

    fn left(&self) -> io::Result<Option<Duration>> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
    }
}

impl Read for TimeLimited<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(self.left()?)?;
        self.stream.read(buffer)
    }
}

impl Write for TimeLimited<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(self.left()?)?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use super::*;

    struct Echo;

    impl Respondent for Echo {
        fn knows(&self, line: &str) -> bool {
            line.starts_with("friend")
        }

        fn answer(&self, line: &str) -> String {
            format!("heard {}", line.trim())
        }
    }

    fn socket(patience: Duration) -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || receive_all(&listener, patience, Echo));
        address
    }

    fn told(address: SocketAddr, line: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(line.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Nothing here depends on time: no patience ends during the test.
    #[test]
    fn idle_connections_keep_no_other_out() {
        let address = socket(Duration::from_secs(3600));
        let mut silent: Vec<_> = (0..3 * MOST_CONNECTIONS)
            .map(|_| {
                let mut stream = TcpStream::connect(address).unwrap();
                // May have given way already.
                let _ = stream.write_all(b"f");
                stream
            })
            .collect();
        assert_eq!(told(address, "friend\n"), "heard friend\n");
        assert_eq!(told(address, "stranger\n"), "heard stranger\n");
        // The oldest were shown out, without a word.
        for stream in silent.iter_mut().take(MOST_CONNECTIONS) {
            let ended = stream.read(&mut [0; 8]);
            assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
        }
    }

    #[test]
    fn a_byte_now_and_then_does_not_lengthen_the_stay() {
        let address = socket(Duration::from_millis(300));
        let mut dripping = TcpStream::connect(address).unwrap();
        dripping.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let begun = Instant::now();
        // Each piece comes well within the patience, and the line never ends.
        let ended = loop {
            let _ = dripping.write_all(b"f");
            match dripping.read(&mut [0; 8]) {
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                ended => break ended,
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "still here");
        };
        assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
    }
}
