//! How much of what could not be read is kept, so that garbage cannot fill the disk.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Longest part of a body that is kept, in bytes.
pub(crate) const BODY_MAX: usize = 64 * 1024;
/// Most bodies kept in an hour.
const COUNT_MAX: usize = 500;
/// Most bytes kept in an hour.
const BYTES_MAX: usize = 8 * 1024 * 1024;
const HOUR: Duration = Duration::from_secs(3_600);

#[derive(Debug, Default)]
pub(crate) struct Kept(Mutex<Option<Window>>);

#[derive(Debug, Clone, Copy)]
struct Window {
    began: Instant,
    count: usize,
    bytes: usize,
}

impl Kept {
    /// Whether a body of this length may still be kept in this hour.
    pub(crate) fn admit(&self, length: usize, now: Instant) -> bool {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let current = window.filter(|window| now.duration_since(window.began) < HOUR);
        let current = current.unwrap_or(Window { began: now, count: 0, bytes: 0 });
        let next = Window { count: current.count + 1, bytes: current.bytes + length, ..current };
        let fits = next.count <= COUNT_MAX && next.bytes <= BYTES_MAX;
        *window = Some(if fits { next } else { current });
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_keeps_so_many_and_so_much() {
        let (kept, now) = (Kept::default(), Instant::now());
        assert_eq!((0..1_000).filter(|_| kept.admit(10, now)).count(), COUNT_MAX);
        let later = now + HOUR;
        assert_eq!((0..1_000).filter(|_| kept.admit(BODY_MAX, later)).count(), BYTES_MAX / BODY_MAX);
        assert!(kept.admit(1, later + HOUR));
    }
}
