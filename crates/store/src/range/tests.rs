//! The interval must hold exactly the keys that the parts of the range describe one by one.

use proptest::prelude::*;

use super::*;

fn described(range: &Range, key: &[u8]) -> bool {
    let past = |after: &Vec<u8>| match range.direction {
        Direction::Ascending => key > after.as_slice(),
        Direction::Descending => key < after.as_slice(),
    };
    key.starts_with(&range.prefix)
        && range.from.as_ref().is_none_or(|from| key >= from.as_slice())
        && range.below.as_ref().is_none_or(|below| key < below.as_slice())
        && range.after.as_ref().is_none_or(past)
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(vec![0u8, 1, 0x7f, 0xfe, 0xff]), 0..4)
}

proptest! {
    #[test]
    fn interval_agrees_with_the_description(
        prefix in bytes(), from in prop::option::of(bytes()), below in prop::option::of(bytes()),
        after in prop::option::of(bytes()), descending: bool, key in bytes(),
    ) {
        let direction = if descending { Direction::Descending } else { Direction::Ascending };
        let range = Range { prefix, from, below, after, direction };
        let (low, high) = range.interval();
        prop_assert_eq!(low <= key && key < high, described(&range, &key), "{:?}", range);
    }
}

#[test]
fn the_longest_key_is_below_the_open_end() {
    let (low, high) = Range::all().interval();
    assert!(low.is_empty() && vec![0xff; limits::KEY] < high);
}
