//! Opening to read only, for offline verification: it sees everything and leaves no trace.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use store::{Error, RowChange, Sqlite, Store, Table};

use crate::{all, batch, opened, stored};

/// Every file with its bytes and time of change.
type Listing = BTreeMap<PathBuf, (Option<Vec<u8>>, SystemTime)>;

#[test]
fn after_a_clean_close() {
    let directory = tempfile::tempdir().expect("a directory");
    let (store, length) = filled(directory.path());
    drop(store);
    assert!(!directory.path().join("store.db-wal").exists());
    verify(directory.path(), length);
}

/// The files are copied while the store is open, so that the WAL holds nearly everything.
#[test]
fn after_a_crash() {
    for shared_memory in [false, true] {
        let directory = tempfile::tempdir().expect("a directory");
        let (store, length) = filled(directory.path());
        let copy = tempfile::tempdir().expect("a directory");
        copy_files(directory.path(), copy.path());
        if !shared_memory {
            fs::remove_file(copy.path().join("store.db-shm")).expect("remove");
        }
        drop(store);
        verify(copy.path(), length);
    }
}

#[test]
fn nothing_to_open() {
    let directory = tempfile::tempdir().expect("a directory");
    let missing = directory.path().join("missing");
    for path in [directory.path(), &missing] {
        let Err(error @ Error::Open { .. }) = Sqlite::open_read_only(path) else { panic!("opened nothing") };
        assert!(error.to_string().contains("there is no store in it"), "{error}");
    }
    assert_eq!(listing(directory.path()).len(), 1, "nothing was created");
}

/// A path that a URI could misread.
#[test]
fn odd_path() {
    let parent = tempfile::tempdir().expect("a directory");
    let directory = parent.path().join("a?b#c%41 ü&mode=rwc");
    let (store, length) = filled(&directory);
    drop(store);
    verify(&directory, length);
}

fn filled(directory: &Path) -> (Sqlite, u64) {
    let store = opened(directory);
    let epoch = store.lease("writer", "read only").expect("lease");
    let length =
        (0..20).fold(0, |length, number| store.append(&batch(epoch, length, number)).expect("append"));
    store.put_blob(b"a blob").expect("put a blob");
    (store, length)
}

fn verify(directory: &Path, length: u64) {
    let before = listing(directory);
    let store = Sqlite::open_read_only(directory).expect("open to read only");
    assert_eq!(store.length().expect("length"), length);
    assert_eq!(all(&store), (0..length).map(stored).collect::<Vec<_>>());
    assert_eq!(store.row(Table(1), b"last").expect("row"), Some(19_u64.to_be_bytes().to_vec()));
    let blob = store::BlobId::of(b"a blob");
    assert_eq!(store.blob(&blob).expect("blob").as_deref(), Some(&b"a blob"[..]));
    for refused in [
        store.append(&batch(1, length, 0)).map(drop),
        store.put_rows(1, &[RowChange { table: Table(1), key: Vec::new(), value: None }]),
        store.lease("writer", "read only").map(drop),
        store.put_blob(b"another").map(drop),
        store.checkpoint(),
        store.release_reserve().map(drop),
        store.restore_reserve(),
    ] {
        assert!(matches!(refused, Err(Error::NotWritten(_))), "{refused:?}");
    }
    assert!(listing(directory) == before, "while it is open");
    drop(store);
    assert!(listing(directory) == before, "after it is closed");
}

fn listing(directory: &Path) -> Listing {
    let changed = fs::metadata(directory).expect("metadata").modified().expect("time");
    let mut found = Listing::from([(directory.to_owned(), (None, changed))]);
    for file in fs::read_dir(directory).expect("list") {
        let path = file.expect("list").path();
        if path.is_dir() {
            found.append(&mut listing(&path));
        } else {
            let changed = fs::metadata(&path).expect("metadata").modified().expect("time");
            found.insert(path.clone(), (Some(fs::read(&path).expect("read")), changed));
        }
    }
    found
}

fn copy_files(from: &Path, to: &Path) {
    for file in fs::read_dir(from).expect("list") {
        let path = file.expect("list").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            fs::create_dir(&target).expect("create");
            copy_files(&path, &target);
        } else {
            fs::copy(&path, &target).expect("copy");
        }
    }
}
