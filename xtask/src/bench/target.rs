//! The system that is acted on: a plain HTTP server in this process that notes when each target is first called.
//!
//! `/t/n00000042` is a call that is timed, whatever its method; `/s/…` is only counted.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};

const ANSWER: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";
/// Longest request that is read.
const REQUEST_MAX: usize = 16 * 1024;

pub(super) struct Target {
    pub(super) address: SocketAddr,
    pub(super) seen: Arc<Seen>,
    stopping: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

/// What was called, and when.
pub(super) struct Seen {
    pub(super) base: Instant,
    /// Nanoseconds since `base` of the first call by number; 0 for none yet.
    first: Vec<AtomicU64>,
    /// Numbers that were called.
    pub(super) targets: AtomicU64,
    /// Calls beyond the first of a number.
    pub(super) again: AtomicU64,
    /// Calls that are only counted.
    pub(super) steps: AtomicU64,
}

impl Target {
    /// Takes calls for the numbers below `numbers`.
    pub(super) fn start(numbers: u64) -> anyhow::Result<Target> {
        let listener = TcpListener::bind("127.0.0.1:0").context("no port for the target")?;
        let address = listener.local_addr()?;
        let first = (0..numbers).map(|_| AtomicU64::new(0)).collect();
        let [targets, again, steps] = [0, 0, 0].map(AtomicU64::new);
        let seen = Arc::new(Seen { base: Instant::now(), first, targets, again, steps });
        let stopping = Arc::new(AtomicBool::new(false));
        let (to, stop) = (Arc::clone(&seen), Arc::clone(&stopping));
        let accepting = std::thread::spawn(move || accept(&listener, &to, &stop));
        Ok(Target { address, seen, stopping, accepting: Some(accepting) })
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Release);
        // Wakes the thread up; where that fails it ends with the process.
        if TcpStream::connect(self.address).is_ok()
            && let Some(thread) = self.accepting.take()
        {
            drop(thread.join());
        }
    }
}

impl Seen {
    pub(super) fn count(&self) -> u64 {
        self.targets.load(Ordering::Acquire)
    }

    /// When the number was first called, in nanoseconds since the base.
    pub(super) fn called_at(&self, number: u64) -> Option<u64> {
        let at = self.first.get(usize::try_from(number).ok()?)?.load(Ordering::Acquire);
        (at > 0).then_some(at)
    }

    /// Waits until this many numbers were called.
    ///
    /// # Errors
    /// When no call came for `patience` although some are missing.
    pub(super) fn wait_for(&self, count: u64, patience: Duration) -> anyhow::Result<()> {
        let (mut last, mut since) = (self.count(), Instant::now());
        while last < count {
            std::thread::sleep(Duration::from_millis(1));
            let now = self.count();
            if now != last {
                (last, since) = (now, Instant::now());
            } else if since.elapsed() > patience {
                bail!("only {last} of {count} targets were called");
            }
        }
        Ok(())
    }

    fn note(&self, request: &[u8]) {
        let now = u64::try_from(self.base.elapsed().as_nanos()).unwrap_or(u64::MAX).max(1);
        match number(request) {
            Some(number) => {
                let Some(first) = self.first.get(number) else { return };
                if first.compare_exchange(0, now, Ordering::AcqRel, Ordering::Acquire).is_ok() {
                    self.targets.fetch_add(1, Ordering::AcqRel);
                } else {
                    self.again.fetch_add(1, Ordering::AcqRel);
                }
            }
            None => {
                self.steps.fetch_add(1, Ordering::AcqRel);
            }
        }
    }
}

/// The number behind `/t/n` in the first line.
pub(super) fn number(request: &[u8]) -> Option<usize> {
    let line = request.split(|byte| *byte == b'\r').next()?;
    let at = line.windows(4).position(|four| four == b"/t/n")? + 4;
    let digits: Vec<u8> = line[at..].iter().copied().take_while(u8::is_ascii_digit).collect();
    std::str::from_utf8(&digits).ok()?.parse().ok()
}

fn accept(listener: &TcpListener, seen: &Arc<Seen>, stopping: &AtomicBool) {
    for stream in listener.incoming() {
        if stopping.load(Ordering::Acquire) {
            return;
        }
        let (Ok(stream), seen) = (stream, Arc::clone(seen)) else { continue };
        // A connection ends when the other side closes it; nothing is lost with an error here.
        std::thread::spawn(move || drop(serve(stream, &seen)));
    }
}

fn serve(mut stream: TcpStream, seen: &Seen) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = vec![0_u8; REQUEST_MAX];
    let mut filled = 0;
    loop {
        let count = stream.read(&mut buffer[filled..])?;
        if count == 0 {
            return Ok(());
        }
        filled += count;
        while let Some(length) = complete(&buffer[..filled]) {
            seen.note(&buffer[..length]);
            stream.write_all(ANSWER)?;
            buffer.copy_within(length..filled, 0);
            filled -= length;
        }
    }
}

/// The length of the first request, if it is all there.
pub(super) fn complete(bytes: &[u8]) -> Option<usize> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let length = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let total = end + 4 + length.unwrap_or(0);
    (bytes.len() >= total).then_some(total)
}
