//! Numbers and bytes in one order, and tables that come with their first row.

use proptest::prelude::*;

use super::*;
use crate::{Batch, Options, Sqlite, Store};

fn opened(directory: &std::path::Path) -> Sqlite {
    let options = Options { checkpoints: None, reserve_bytes: 0, ..Options::default() };
    Sqlite::open(directory, options).expect("open")
}

fn change(table: u8, key: &[u8], value: Option<&[u8]>) -> RowChange {
    RowChange { table: Table(table), key: key.to_vec(), value: value.map(<[u8]>::to_vec) }
}

/// Bytes near the places where lengths, signs and carries change the order.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(vec![0, 1, 0x7f, 0x80, 0xff]), 0..=10)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_interval_of_bytes_is_one_of_numbers(low in bytes(), high in bytes(), key in any::<[u8; 8]>(), near in bytes()) {
        let mut around = near.clone();
        around.resize(8, 0);
        for key in [&key[..], &around, &[0; 8], &[0xff; 8]] {
            let Key::Number(number) = Key::of(key) else { panic!("eight bytes are a number") };
            prop_assert_eq!(key_of(number), key);
            let found = numbers_between(&low, &high).is_some_and(|(first, last)| first <= number && number <= last);
            prop_assert_eq!(found, low.as_slice() <= key && key < high.as_slice(), "{:x?} in {:x?}..{:x?}", key, low, high);
        }
    }

    #[test]
    fn numbers_have_the_order_of_their_bytes(left in any::<u64>(), right in any::<u64>()) {
        prop_assert_eq!(in_order(left).cmp(&in_order(right)), left.to_be_bytes().cmp(&right.to_be_bytes()));
    }
}

#[test]
fn only_eight_bytes_are_a_number() {
    for length in 0..=10 {
        let key = vec![0xff; length];
        assert_eq!(Key::of(&key).kind() == Kind::Number, length == 8, "{length} bytes");
    }
    assert_eq!((in_order(0), in_order(1 << 63), in_order(u64::MAX)), (i64::MIN, 0, i64::MAX));
}

#[test]
fn a_table_comes_with_its_first_row() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = opened(directory.path());
    let epoch = store.lease("writer", "rows").expect("lease");
    let outside =
        Connection::open(directory.path().join(super::super::DATABASE)).expect("another connection");
    let tables = || {
        let names = "SELECT name FROM sqlite_schema WHERE name GLOB '*_[0-9]*' ORDER BY name";
        let mut select = outside.prepare(names).expect("prepare");
        let names = select.query_map([], |row| row.get::<_, String>(0)).expect("query");
        names.collect::<rusqlite::Result<Vec<_>>>().expect("names")
    };
    store.put_rows(epoch, &[change(255, &[1; 8], None), change(0, b"key", None)]).expect("delete nothing");
    assert_eq!(tables(), Vec::<String>::new());
    let rows =
        vec![change(255, &[1; 8], Some(b"a")), change(255, &[1; 8], None), change(7, b"key", Some(b"b"))];
    store.put_rows(epoch, &rows).expect("put");
    assert_eq!(tables(), ["bytes_255", "bytes_7", "number_255", "number_7"]);
    drop(store);
    let store = opened(directory.path());
    store.put_rows(epoch, &rows).expect("put after a reopen");
    assert_eq!(store.rows(Table(255), &Range::all(), 9).expect("rows"), []);
    assert_eq!(store.row(Table(7), b"key").expect("row").as_deref(), Some(&b"b"[..]));
    assert_eq!(tables().len(), 4);
}

/// A failed batch takes the tables it brought with it, and the next one brings them again.
#[test]
fn a_failed_batch_creates_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let options =
        Options { max_bytes: Some(256 << 10), checkpoints: None, reserve_bytes: 0, ..Options::default() };
    let store = Sqlite::open(directory.path(), options).expect("open");
    let epoch = store.lease("writer", "rows").expect("lease");
    let rows = |bytes| vec![change(3, &[0; 8], Some(&vec![1; bytes])), change(3, b"key", Some(b"v"))];
    let refused = store.append(&Batch { epoch, rows: rows(1 << 20), ..Batch::default() });
    assert!(matches!(refused, Err(Error::Full(_))), "{refused:?}");
    assert_eq!(store.rows(Table(3), &Range::all(), 9).expect("rows"), []);
    assert_eq!(store.row(Table(3), &[0; 8]).expect("row"), None);
    store.append(&Batch { epoch, rows: rows(10), ..Batch::default() }).expect("a smaller batch");
    assert_eq!(store.rows(Table(3), &Range::all(), 9).expect("rows").len(), 2);
}
