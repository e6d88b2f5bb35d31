//! The data directory: who may open it, what it must hold, and its modes.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use store::{BlobId, Error, Sqlite, Store};

use crate::{batch, opened, quiet};

const OTHER_PROCESS: &str = "STORE_TEST_OPENED_BY_ANOTHER_PROCESS";

#[test]
fn a_second_opening_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = opened(directory.path());
    for refused in [Sqlite::open(directory.path(), quiet()), Sqlite::open_read_only(directory.path())] {
        let Err(Error::InUse { path, pid }) = refused else { panic!("the directory was opened twice") };
        assert_eq!((path.as_path(), pid), (directory.path(), Some(std::process::id())));
    }
    store.lease("writer", "first").expect("the first goes on");
    drop(store);
    opened(directory.path());
}

#[test]
fn a_second_process_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = opened(directory.path());
    let said = open_in_another_process(directory.path());
    assert!(said.contains(&format!("data directory `{}` is in use", directory.path().display())), "{said}");
    assert!(said.contains(&format!("by process {}", std::process::id())), "{said}");
    assert!(said.contains("stop that process, or choose another data directory"), "{said}");
    drop(store);
    assert_eq!(open_in_another_process(directory.path()), "opened");
}

fn open_in_another_process(directory: &Path) -> String {
    let said = tempfile::NamedTempFile::new().expect("a file");
    let status = Command::new(std::env::current_exe().expect("this test binary"))
        .args(["--exact", "directory::opens_when_asked"])
        .env(OTHER_PROCESS, format!("{}\n{}", directory.display(), said.path().display()))
        .status()
        .expect("run this test binary");
    assert!(status.success());
    fs::read_to_string(said.path()).expect("what it said")
}

/// The other process of [`a_second_process_is_refused`]; alone it does nothing.
#[test]
fn opens_when_asked() {
    let Ok(asked) = std::env::var(OTHER_PROCESS) else { return };
    let (directory, said) = asked.split_once('\n').expect("two paths");
    let text = match Sqlite::open(directory, quiet()) {
        Ok(_) => "opened".to_owned(),
        Err(error) => error.to_string(),
    };
    fs::write(said, text).expect("say it");
}

#[test]
fn readers_share_and_keep_a_writer_out() {
    let directory = tempfile::tempdir().expect("a directory");
    drop(opened(directory.path()));
    let first = Sqlite::open_read_only(directory.path()).expect("one reader");
    let second = Sqlite::open_read_only(directory.path()).expect("another reader");
    assert!(matches!(Sqlite::open(directory.path(), quiet()), Err(Error::InUse { .. })));
    drop((first, second));
    opened(directory.path());
}

#[test]
fn foreign_files_are_refused_and_left_alone() {
    let foreign = tempfile::tempdir().expect("a directory");
    let path = foreign.path().join("store.db");
    let connection = rusqlite::Connection::open(&path).expect("a database");
    connection.execute_batch("CREATE TABLE theirs (a)").expect("a table");
    drop(connection);
    refused_and_left_alone(foreign.path(), "another program");
    fs::write(&path, [b'x'; 9000]).expect("write a file");
    refused_and_left_alone(foreign.path(), "is not a database");
}

fn refused_and_left_alone(directory: &Path, why: &str) {
    let file = directory.join("store.db");
    let before = fs::read(&file).expect("the file");
    for refused in [Sqlite::open(directory, quiet()), Sqlite::open_read_only(directory)] {
        let Err(error @ Error::Open { .. }) = refused else { panic!("a foreign file was opened") };
        assert!(error.to_string().contains(why), "{error}");
    }
    assert!(before == fs::read(&file).expect("the file"), "the foreign file has changed");
}

#[test]
fn only_the_owner_can_look_inside() {
    let parent = tempfile::tempdir().expect("a directory");
    let directory = parent.path().join("new/data");
    let store = Sqlite::open(&directory, store::Options::default()).expect("open");
    let epoch = store.lease("writer", "modes").expect("lease");
    store.append(&batch(epoch, 0, 1)).expect("append");
    store.put_blob(b"private").expect("put a blob");
    let files = files(&directory);
    for name in ["store.db", "store.db-wal", "store.db-shm", "lock", "reserve"] {
        assert!(files.contains(&directory.join(name)), "{name} is missing");
    }
    for path in files {
        let mode = fs::metadata(&path).expect("metadata").permissions().mode() & 0o777;
        assert_eq!(mode, if path.is_dir() { 0o700 } else { 0o600 }, "{}", path.display());
    }
}

#[test]
fn an_open_directory_is_closed_only_if_it_is_ours() {
    let mode = |path: &Path| fs::metadata(path).expect("metadata").permissions().mode() & 0o777;
    for (other_file, after) in [(false, 0o700), (true, 0o755)] {
        let directory = tempfile::tempdir().expect("a directory");
        fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).expect("open it to all");
        if other_file {
            fs::write(directory.path().join("other"), b"").expect("write a file");
        }
        opened(directory.path());
        assert_eq!(mode(directory.path()), after);
    }
}

#[test]
fn damaged_and_unfinished_blobs() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = opened(directory.path());
    let id = store.put_blob(b"the evidence").expect("put a blob");
    let name = id.to_string();
    let file = directory.path().join("blobs").join(&name[..2]).join(&name);
    fs::write(&file, b"the evidenCe").expect("damage it");
    let Err(Error::Corrupt { place, .. }) = store.blob(&id) else { panic!("damage was not noticed") };
    assert!(place.contains(&name), "{place}");
    store.put_blob(b"the evidence").expect("put it again");
    assert_eq!(store.blob(&id).expect("blob").as_deref(), Some(&b"the evidence"[..]));
    drop(store);
    let unfinished = directory.path().join("blobs/tmp/7");
    fs::write(&unfinished, b"half").expect("leave an unfinished file");
    opened(directory.path());
    assert!(!unfinished.exists(), "the unfinished file is removed");
}

#[test]
fn blob_ids_are_text() {
    let id = BlobId::of(b"abc");
    let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(id.to_string(), text);
    assert_eq!(text.parse::<BlobId>().expect("parse"), id);
    for bad in ["", "ba78", &text.to_uppercase(), &text.replace('b', "ä"), &format!("{text}00")] {
        assert!(bad.parse::<BlobId>().is_err(), "{bad}");
    }
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = vec![directory.to_owned()];
    for file in fs::read_dir(directory).expect("list") {
        let path = file.expect("list").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}
