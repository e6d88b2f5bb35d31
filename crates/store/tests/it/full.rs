//! A full disk, and the space kept back for it.

use store::{Error, Options, Sqlite, Store};

use crate::{all, batch, quiet, stored};

#[test]
fn a_full_disk_loses_nothing_and_heals() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = Options { max_bytes: Some(256 << 10), ..quiet() };
    let store = Sqlite::open(directory.path(), options).expect("open");
    let epoch = store.lease("writer", "full").expect("lease");
    let mut length = 0;
    let refused = loop {
        match store.append(&batch(epoch, length, 4)) {
            Ok(new) => length = new,
            Err(error) => break error,
        }
        assert!(length < 10_000, "the limit was never reached");
    };
    assert!(matches!(refused, Error::Full(_)), "{refused:?}");
    assert_eq!(store.length().expect("length"), length);
    assert_eq!(all(&store), (0..length).map(stored).collect::<Vec<_>>());
    drop(store);
    let store = Sqlite::open(directory.path(), quiet()).expect("open with more room");
    store.append(&batch(epoch, length, 4)).expect("there is room now");
    assert_eq!(all(&store), (0..length + 5).map(stored).collect::<Vec<_>>());
}

#[test]
fn the_reserve_is_released_and_restored() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = Options { reserve_bytes: 100_000, ..quiet() };
    let store = Sqlite::open(directory.path(), options.clone()).expect("open");
    let file = directory.path().join("reserve");
    let bytes = || std::fs::metadata(&file).map(|metadata| metadata.len()).ok();
    assert_eq!((bytes(), store.usage().reserve), (Some(100_000), true));
    assert!(store.release_reserve().expect("release"));
    assert!(!store.release_reserve().expect("release again"));
    assert_eq!((bytes(), store.usage().reserve), (None, false));
    store.restore_reserve().expect("restore");
    store.restore_reserve().expect("restore again");
    assert_eq!(bytes(), Some(100_000));
    store.release_reserve().expect("release");
    drop(store);
    let store = Sqlite::open(directory.path(), options).expect("open");
    assert!(store.usage().reserve, "opening restores it");
}
