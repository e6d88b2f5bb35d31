//! State rows: changes, ranges and cursors.

use crate::{Batch, Direction, Range, Row, RowChange, Store, Table};

use super::{Open, delete, opened, put};

pub(super) fn put_replace_delete(open: Open<'_>) {
    let (store, epoch) = opened(open);
    change(&*store, epoch, vec![put(1, b"a", b"1"), put(1, b"", b"empty key"), put(2, b"a", b"")]);
    assert_eq!(store.row(Table(1), b"a").expect("row").as_deref(), Some(&b"1"[..]));
    assert_eq!(store.row(Table(1), b"").expect("row").as_deref(), Some(&b"empty key"[..]));
    assert_eq!(
        store.row(Table(2), b"a").expect("row").as_deref(),
        Some(&b""[..]),
        "an empty value is a value"
    );
    assert_eq!(store.row(Table(1), b"b").expect("row"), None);
    assert_eq!(store.row(Table(3), b"a").expect("row"), None);
    change(&*store, epoch, vec![put(1, b"a", b"2"), delete(2, b"a"), delete(2, b"never there")]);
    assert_eq!(store.row(Table(1), b"a").expect("row").as_deref(), Some(&b"2"[..]));
    assert_eq!(store.row(Table(2), b"a").expect("row"), None);
    assert_eq!(store.rows(Table(2), &Range::all(), 9).expect("rows"), []);
}

pub(super) fn order_in_a_batch(open: Open<'_>) {
    let (store, epoch) = opened(open);
    let rows = vec![put(1, b"a", b"1"), put(1, b"a", b"2"), put(1, b"b", b"1"), delete(1, b"b")];
    change(&*store, epoch, rows);
    change(&*store, epoch, vec![delete(1, b"c"), put(1, b"c", b"3")]);
    assert_eq!(keys(&*store, &Range::all()), ["a", "c"]);
    assert_eq!(store.row(Table(1), b"a").expect("row").as_deref(), Some(&b"2"[..]));
}

pub(super) fn ranges(open: Open<'_>) {
    let (store, epoch) = opened(open);
    let rows = ["a", "b", "ba", "bb", "c", "d"].map(|key| put(1, key.as_bytes(), b"v"));
    change(&*store, epoch, rows.to_vec());
    change(&*store, epoch, vec![put(0, b"b", b"v"), put(2, b"b", b"v"), put(255, b"b", b"v")]);
    for (range, expect) in [
        (Range::all(), "a b ba bb c d"),
        (Range::all().descending(), "d c bb ba b a"),
        (Range::prefix("b"), "b ba bb"),
        (Range::prefix("b").descending(), "bb ba b"),
        (Range::prefix("b").after("b"), "ba bb"),
        (Range::prefix("b").after("bb"), ""),
        (Range::prefix("b").descending().after("bb"), "ba b"),
        (Range::all().from("b").below("c"), "b ba bb"),
        (Range::all().from("b").below("c").descending(), "bb ba b"),
        (Range::all().from("bb"), "bb c d"),
        (Range::all().below("b"), "a"),
        (Range::all().after("bz"), "c d"),
        (Range::all().after("bz").descending(), "bb ba b a"),
        (Range::all().from("d").below("a"), ""),
        (Range::prefix("x"), ""),
        (Range::prefix([0xff, 0xff]), ""),
    ] {
        assert_eq!(keys(&*store, &range).join(" "), expect, "{range:?}");
    }
}

pub(super) fn cursors(open: Open<'_>) {
    let (store, epoch) = opened(open);
    // Keys with the bytes that end or carry, as numbers and as the table's last possible keys.
    let mut expect: Vec<Row> =
        (0..300_u32).map(|n| (n.to_be_bytes().to_vec(), n.to_le_bytes().to_vec())).collect();
    expect.push((vec![0xff; 8], vec![1]));
    expect.push((vec![0xff; crate::limits::KEY], vec![2]));
    let rows = expect.iter().map(|(key, value)| put(1, key, value));
    change(&*store, epoch, rows.rev().collect());
    for limit in [1, 7, 302, 1000] {
        assert_eq!(paged(&*store, Range::all(), limit), expect, "ascending by {limit}");
        let mut backward = paged(&*store, Range::all().descending(), limit);
        backward.reverse();
        assert_eq!(backward, expect, "descending by {limit}");
    }
    assert_eq!(store.rows(Table(1), &Range::all(), 0).expect("rows"), [], "a page of none");
}

/// Keys of all lengths stand in one order, that of their bytes; a key of eight bytes is one like the others.
pub(super) fn lengths(open: Open<'_>) {
    let (store, epoch) = opened(open);
    let keys = keys_of_all_lengths();
    let expect: Vec<Row> =
        keys.iter().map(|key| (key.clone(), key.iter().rev().copied().collect())).collect();
    change(&*store, epoch, expect.iter().rev().map(|(key, value)| put(1, key, value)).collect());
    drop(store);
    let store = open();
    for (key, value) in &expect {
        assert_eq!(store.row(Table(1), key).expect("row").as_ref(), Some(value), "{key:x?}");
    }
    for key in &keys {
        let key = key.as_slice();
        for range in
            [Range::prefix(key), Range::all().from(key), Range::all().below(key), Range::all().after(key)]
        {
            for limit in [1, 3, 100] {
                pages_of(&*store, &expect, &range, limit);
                pages_of(&*store, &expect, &range.clone().descending(), limit);
            }
        }
        for other in &keys {
            let between = Range::all().from(key).below(other.as_slice());
            pages_of(&*store, &expect, &between, 100);
            pages_of(&*store, &expect, &between.descending(), 100);
            pages_of(&*store, &expect, &Range::prefix(key).after(other.as_slice()), 100);
            pages_of(&*store, &expect, &Range::prefix(key).after(other.as_slice()).descending(), 100);
        }
    }
}

/// What is true of other keys is true of those of eight bytes.
pub(super) fn eight_bytes(open: Open<'_>) {
    let (store, epoch) = opened(open);
    let key = 7_u64.to_be_bytes();
    change(&*store, epoch, vec![delete(1, &key), delete(9, &key), put(1, &key, b"1"), put(1, &key, b"")]);
    assert_eq!(store.row(Table(1), &key).expect("row").as_deref(), Some(&b""[..]), "an empty value");
    assert_eq!(store.row(Table(1), &key[..7]).expect("row"), None);
    assert_eq!(store.row(Table(2), &key).expect("row"), None);
    change(&*store, epoch, vec![put(2, &key, b"2"), put(1, &key[..7], b"7"), put(1, &[0; 9], b"9")]);
    change(&*store, epoch, vec![delete(1, &key), put(2, &key, b"3"), delete(2, &[0; 9])]);
    let left = [(vec![0; 7], b"7".to_vec()), (vec![0; 9], b"9".to_vec())];
    assert_eq!(store.rows(Table(1), &Range::all(), 9).expect("rows"), left);
    assert_eq!(store.rows(Table(2), &Range::all(), 9).expect("rows"), [(key.to_vec(), b"3".to_vec())]);
    change(&*store, epoch, vec![put(1, &key, b"again"), delete(1, &key)]);
    assert_eq!(store.rows(Table(1), &Range::all(), 9).expect("rows"), left);
}

pub(super) fn without_entries(open: Open<'_>) {
    let (store, epoch) = opened(open);
    store.put_rows(epoch, &[put(1, b"tile", b"1"), put(1, b"gone", b"1")]).expect("put rows");
    store.put_rows(epoch, &[put(1, b"tile", b"2"), delete(1, b"gone")]).expect("put rows");
    store.put_rows(epoch, &[]).expect("put no rows");
    assert_eq!(keys(&*store, &Range::all()), ["tile"]);
    assert_eq!(store.length().expect("length"), 0);
    let long = put(1, &[0; crate::limits::KEY + 1], b"");
    store.put_rows(epoch, &[put(1, b"a", b""), long]).expect_err("a key that is too long");
    drop(store);
    assert_eq!(keys(&*open(), &Range::all()), ["tile"]);
}

fn change(store: &dyn Store, epoch: u64, rows: Vec<RowChange>) {
    let expected = store.length().expect("length");
    let batch = Batch { epoch, expected, rows, ..Batch::default() };
    assert_eq!(store.append(&batch).expect("append rows alone"), expected);
}

/// Ascending. Each number with what it begins with and what goes on from it, also where the sign of a signed
/// number changes.
fn keys_of_all_lengths() -> Vec<Vec<u8>> {
    let middle = 1_u64 << 63;
    let numbers = [0, 1, 255, 256, middle - 1, middle, middle + 1, u64::MAX - 1, u64::MAX];
    let mut keys: Vec<Vec<u8>> = Vec::new();
    for key in numbers.map(u64::to_be_bytes) {
        keys.extend([&key[..1], &key[..7], &key].map(<[u8]>::to_vec));
        keys.extend([0, 0xff].map(|next| [&key[..], &[next]].concat()));
    }
    keys.push(Vec::new());
    keys.sort();
    keys.dedup();
    keys
}

/// Reads the range in pages and compares with the rows of `all` that its fields name, one by one.
fn pages_of(store: &dyn Store, all: &[Row], range: &Range, limit: usize) {
    let up = range.direction == Direction::Ascending;
    let within = |key: &Vec<u8>| {
        key.starts_with(&range.prefix)
            && range.from.as_ref().is_none_or(|from| key >= from)
            && range.below.as_ref().is_none_or(|below| key < below)
            && range.after.as_ref().is_none_or(|after| if up { key > after } else { key < after })
    };
    let mut expect: Vec<Row> = all.iter().filter(|(key, _)| within(key)).cloned().collect();
    if !up {
        expect.reverse();
    }
    assert_eq!(paged(store, range.clone(), limit), expect, "{range:x?} by {limit}");
}

fn keys(store: &dyn Store, range: &Range) -> Vec<String> {
    let rows = store.rows(Table(1), range, 100).expect("rows");
    rows.into_iter().map(|(key, _)| String::from_utf8_lossy(&key).into_owned()).collect()
}

fn paged(store: &dyn Store, mut range: Range, limit: usize) -> Vec<Row> {
    let mut found = Vec::new();
    loop {
        let page = store.rows(Table(1), &range, limit).expect("rows");
        assert!(page.len() <= limit);
        let Some((last, _)) = page.last() else { return found };
        range = range.after(last.clone());
        found.extend(page);
    }
}
