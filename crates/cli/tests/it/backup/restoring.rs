//! Cut off in the middle, and which backup is the latest that may be trusted.

use std::{fs, path::Path, process::Stdio, time::Instant};

use serde_json::Value;

use super::{create, key, on, open, path, restored, titles};
use crate::support::{Killed, Server, ringfence, stderr};

/// Enough bytes that there is a middle.
const LARGE: usize = 48 << 20;

pub(super) fn large(server: &Server) {
    let incident = open(server, "large");
    let file = server.folder.path().join("large.bin");
    fs::write(&file, (0..LARGE).map(|at| (at * 7 % 253) as u8).collect::<Vec<u8>>()).unwrap();
    server.json(&["evidence", "add", &incident, file.to_str().unwrap()]);
}

pub(super) fn wait_for(what: impl Fn() -> bool) {
    let began = Instant::now();
    while !what() {
        assert!(began.elapsed().as_secs() < 60, "it never came");
        std::thread::yield_now();
    }
}

fn ending(folder: &Path, ending: &str) -> Vec<std::path::PathBuf> {
    let Ok(found) = fs::read_dir(folder) else { return Vec::new() };
    let paths = found.flatten().map(|entry| entry.path());
    paths.filter(|path| path.extension().is_some_and(|found| found == ending)).collect()
}

#[test]
fn a_kill_in_the_middle_leaves_nothing_half() {
    let mut server = Server::start(&[]);
    large(&server);
    for _ in 0..2 {
        let data = server.data();
        let mut asked = ringfence();
        asked
            .arg("--data-dir")
            .arg(&data)
            .args(["backup", "create"])
            .stderr(Stdio::null())
            .stdout(Stdio::null());
        let asked = Killed(asked.spawn().unwrap());
        wait_for(|| !ending(&data.join("backups"), "part").is_empty());
        let (_, _, folder) = server.end("KILL");
        drop(asked);
        assert!(ending(&data.join("backups"), "backup").is_empty());
        server = Server::start_in(folder, &[]);
        assert!(server.json(&["backup", "list"])["items"].as_array().unwrap().is_empty());
    }
    let made = create(&server);
    assert!(!server.data().join("backup.tmp").exists());
    let (file, key) = (path(&made), key(&server));

    let folder = tempfile::tempdir().unwrap();
    let (target, half) = (folder.path().join("data"), folder.path().join("data.restoring"));
    for _ in 0..2 {
        let mut restore = ringfence();
        restore.arg("--data-dir").arg(&target).args([
            "backup",
            "restore",
            file.to_str().unwrap(),
            "--key",
            &key,
        ]);
        let restoring = Killed(restore.stdout(Stdio::null()).spawn().unwrap());
        wait_for(|| half.join("store.db").exists());
        drop(restoring);
        assert!(!target.exists() && half.exists());
    }
    let done = on(&target, &["backup", "restore", file.to_str().unwrap(), "--key", &key]);
    assert!(done.status.success(), "{}", stderr(&done));
    assert!(!half.exists());
    let copy = Server::start_in(folder, &[]);
    assert_eq!(titles(&copy), ["large"]);
    let evidence = copy.json(&["evidence", "list"]);
    let id = evidence["items"][0]["id"].as_str().unwrap();
    assert!(copy.ask(&["evidence", "verify", id]).status.success());
}

#[test]
fn the_latest_is_the_newest_that_verifies_and_is_older_than_the_onset() {
    let server = Server::start(&[]);
    open(&server, "first");
    let old = create(&server);
    let incident = open(&server, "second");
    let newer = create(&server);
    let newest = path(&create(&server));
    let mut bytes = fs::read(&newest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&newest, bytes).unwrap();
    let dir = server.data().join("backups");
    let latest = |extra: &[&str]| -> Value {
        let folder = tempfile::tempdir().unwrap();
        let args = ["--json", "backup", "restore", "latest", "--dir", dir.to_str().unwrap()];
        let done = on(&folder.path().join("data"), &[&args[..], extra].concat());
        assert!(done.status.success(), "{}", stderr(&done));
        serde_json::from_slice(&done.stdout).unwrap()
    };
    let any = latest(&[]);
    assert_eq!(any["backup"], newer["id"], "the newest is damaged: {any:#}");
    assert_eq!(any["skipped"].as_array().unwrap().len(), 1);
    let before = latest(&["--at-onset", &incident]);
    assert_eq!(before["backup"], old["id"], "{before:#}");
    assert_eq!(before["skipped"].as_array().unwrap().len(), 2);

    let folder = tempfile::tempdir().unwrap();
    let file = path(&newer);
    let args = ["backup", "restore", file.to_str().unwrap(), "--at-onset", &incident];
    let refused = on(&folder.path().join("data"), &args);
    assert!(stderr(&refused).contains("--accept-newer"), "{}", stderr(&refused));
    let copy = restored(&file, &key(&server), &["--at-onset", &incident, "--accept-newer"]);
    assert_eq!(titles(&Server::start_in(copy, &[])).len(), 2);
}
