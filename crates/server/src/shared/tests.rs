//! The rate of journaled refusals.

use std::time::{Duration, Instant};

use super::{REFUSALS_MAX, Refusals};

#[test]
fn refusals_beyond_the_rate_are_counted_and_told_with_the_next() {
    let refusals = Refusals::default();
    let now = Instant::now();
    let admitted = (0..REFUSALS_MAX + 7).filter(|_| refusals.admit(now).is_some()).count();
    assert_eq!(admitted, REFUSALS_MAX as usize);
    assert_eq!(refusals.admit(now + Duration::from_millis(999)), None);
    assert_eq!(refusals.admit(now + Duration::from_secs(1)), Some(8));
    assert_eq!(refusals.admit(now + Duration::from_secs(1)), Some(0));
}
