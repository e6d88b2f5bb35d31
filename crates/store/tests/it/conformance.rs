//! One row for each kind of store. PostgreSQL will be the next.

use store::{
    Memory, Options, Sqlite, Store,
    conformance::{CHECKS, Check, Open},
};

fn run(check: &Check, open: Open<'_>) {
    println!("check: {}", check.name);
    (check.run)(open);
}

#[test]
fn memory() {
    for check in CHECKS {
        let memory = Memory::new();
        run(check, &|| Box::new(memory.clone()) as Box<dyn Store>);
    }
}

#[test]
fn sqlite() {
    for check in CHECKS {
        let directory = tempfile::tempdir().expect("a directory");
        run(check, &|| {
            Box::new(Sqlite::open(directory.path(), Options::default()).expect("open")) as Box<dyn Store>
        });
    }
}

/// With the WAL copied and begun anew at nearly every commit, nothing may change for callers.
#[test]
fn sqlite_with_busy_checkpoints() {
    let checkpoints = store::Checkpoints {
        passive_bytes: 1,
        restart_bytes: 16 << 10,
        idle: std::time::Duration::from_millis(1),
    };
    for check in CHECKS {
        let directory = tempfile::tempdir().expect("a directory");
        let options = || Options { checkpoints: Some(checkpoints), reserve_bytes: 0, ..Options::default() };
        run(check, &|| Box::new(Sqlite::open(directory.path(), options()).expect("open")) as Box<dyn Store>);
    }
}

#[test]
fn snapshots_are_independent() {
    let live = Memory::new();
    let epoch = live.lease("writer", "live").expect("lease");
    live.append(&crate::batch(epoch, 0, 0)).expect("append");
    let durable = live.snapshot();
    live.append(&crate::batch(epoch, 1, 0)).expect("append");
    assert_eq!((live.length().expect("length"), durable.length().expect("length")), (2, 1));
    durable.append(&crate::batch(epoch, 1, 0)).expect("append to the snapshot");
    assert_eq!(crate::all(&live), crate::all(&durable));
}
