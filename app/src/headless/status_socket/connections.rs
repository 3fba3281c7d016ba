//! Receiving visitors at the door: how many at once, how long each may take, and who gives way.
//!
//! Anybody on this machine can connect, so nobody is given anything to hold before a known line has come. What the lines
//! mean is not known here.

use std::collections::VecDeque;
use std::io::{self, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use node::bounded_lines::BoundedLines;

/// Visitors of whom no known line has come yet. When one more comes, the oldest gives way.
const MOST_UNKNOWN: usize = 16;
/// Visitors in all: also known ones that are being answered, and those that are just leaving.
const MOST_VISITORS: usize = 128;
/// The longest line that is read, in bytes.
const LONGEST_LINE: usize = 4096;

/// Who is meant by a line, and what it is answered.
pub(super) trait Host: Send + Sync + 'static {
    /// Whether the line comes from somebody who may ask.
    fn knows(&self, line: &str) -> bool;
    /// The answer to a visitor.
    fn answer(&self, line: &str) -> String;
}

/// Receives visitors until the listener fails. Each has so long for its whole request, and for taking its answer.
pub(super) fn receive_all(listener: &TcpListener, patience: Duration, host: impl Host) {
    let (host, unknown, present) = (Arc::new(host), Arc::new(Unknown::default()), Arc::new(AtomicUsize::new(0)));
    for (number, visitor) in listener.incoming().flatten().enumerate() {
        if present.load(Ordering::Relaxed) >= MOST_VISITORS {
            continue;
        }
        let Ok(handle) = visitor.try_clone() else { continue };
        unknown.admit(number, handle);
        let staying = Staying::begin(&present);
        let (host, unknown) = (host.clone(), unknown.clone());
        let _ = thread::Builder::new().name("visitor".into()).spawn(move || {
            // A visitor that goes away in the middle is nobody's problem.
            let _ = receive(&visitor, number, patience, &*host, &unknown);
            unknown.remove(number);
            drop(staying);
        });
    }
}

fn receive(
    visitor: &TcpStream,
    number: usize,
    patience: Duration,
    host: &impl Host,
    unknown: &Unknown,
) -> io::Result<()> {
    let mut lines = BoundedLines::new(BufReader::new(Hurried::new(visitor, patience)), LONGEST_LINE);
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
    Hurried::new(visitor, patience).write_all(answer.as_bytes())
}

/// Who is here and may be anybody, oldest first.
#[derive(Default)]
struct Unknown(Mutex<VecDeque<(usize, TcpStream)>>);

impl Unknown {
    fn admit(&self, number: usize, visitor: TcpStream) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST_UNKNOWN
            && let Some((_, oldest)) = all.pop_front()
        {
            // Fails only if it has gone by itself.
            let _ = oldest.shutdown(Shutdown::Both);
        }
        all.push_back((number, visitor));
    }

    /// Whether it was still here.
    fn remove(&self, number: usize) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = all.len();
        all.retain(|(other, _)| *other != number);
        all.len() < before
    }
}

/// Counts a visitor as long as it is here.
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
pub(super) struct Hurried<'a> {
    stream: &'a TcpStream,
    until: Instant,
}

impl<'a> Hurried<'a> {
    pub fn new(stream: &'a TcpStream, patience: Duration) -> Self {
        Self { stream, until: Instant::now() + patience }
    }

    fn left(&self) -> io::Result<Option<Duration>> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
    }
}

impl Read for Hurried<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(self.left()?)?;
        self.stream.read(buffer)
    }
}

impl Write for Hurried<'_> {
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

    impl Host for Echo {
        fn knows(&self, line: &str) -> bool {
            line.starts_with("friend")
        }

        fn answer(&self, line: &str) -> String {
            format!("heard {}", line.trim())
        }
    }

    fn door(patience: Duration) -> SocketAddr {
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

    /// Nothing here depends on time: nobody's patience ends during the test.
    #[test]
    fn who_says_nothing_keeps_nobody_out() {
        let address = door(Duration::from_secs(3600));
        let mut silent: Vec<_> = (0..3 * MOST_VISITORS)
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
        for stream in silent.iter_mut().take(MOST_VISITORS) {
            let ended = stream.read(&mut [0; 8]);
            assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
        }
    }

    #[test]
    fn a_byte_now_and_then_does_not_lengthen_the_stay() {
        let address = door(Duration::from_millis(300));
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
