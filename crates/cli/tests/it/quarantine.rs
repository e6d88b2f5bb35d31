//! Quarantine with the real binary and real files: out of reach, encrypted, put back by approval, and never a file that
//! the configuration did not name.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt as _, symlink},
    path::{Path, PathBuf},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    bad_input::{raw::Connection, token},
    support::{Server, stderr},
};

const SECRET: &[u8] = b"MZ this is what nobody may run";

/// A folder with `files`, which is configured, and `outside`, which is not.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["files", "outside"] {
        fs::create_dir(folder.path().join(name)).unwrap();
        fs::write(folder.path().join(name).join("file.exe"), SECRET).unwrap();
    }
    let config = "[files]\nroots = [\"files\"]\n";
    fs::write(folder.path().join("ringfence.toml"), config).unwrap();
    folder
}

fn start(folder: TempDir) -> Server {
    let config = folder.path().join("ringfence.toml");
    Server::start_in(folder, &["--config", config.to_str().unwrap()])
}

/// As written in the manual, plus the token: a form's media type, and nothing but a path.
fn post(server: &Server, path: &str) -> (u16, Value) {
    let body = serde_json::json!({ "path": path }).to_string();
    let mut connection = Connection::open(&server.address);
    let answer = connection.post("/api/security/quarantine", &token(server), body.as_bytes());
    (answer.status, serde_json::from_str(&answer.body).unwrap())
}

fn settled(server: &Server, id: &str) -> Value {
    let over = |action: &Value| !matches!(action["status"].as_str(), Some("calling" | "waiting"));
    server.until(&["containment", "show", id], over)
}

fn boxes(server: &Server) -> Vec<PathBuf> {
    fs::read_dir(server.data().join("quarantine")).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn path(server: &Server, name: &str) -> String {
    let root = fs::canonicalize(server.folder.path()).unwrap();
    root.join(name).to_str().unwrap().to_owned()
}

#[test]
fn a_real_file_goes_out_of_reach_and_its_bytes_are_nowhere_in_the_clear() {
    let server = start(folder());
    assert_eq!(
        server.said["file_roots"].as_array().unwrap().len(),
        1,
        "it says so where real files are within reach"
    );
    let target = path(&server, "files/file.exe");
    let (status, action) = post(&server, &target);
    assert_eq!(status, 201, "{action:#}");
    let action = settled(&server, action["id"].as_str().unwrap());
    assert_eq!((&action["status"], &action["verified"]), (&"in_force".into(), &true.into()), "{action:#}");
    assert!(!Path::new(&target).exists());
    assert_eq!(fs::read_dir(server.folder.path().join("files")).unwrap().count(), 0, "nothing beside it");
    let boxes = boxes(&server);
    assert_eq!(boxes.len(), 1);
    let sealed = fs::read(&boxes[0]).unwrap();
    assert!(!sealed.windows(8).any(|part| part == &SECRET[..8]), "it is encrypted");
    assert_eq!(fs::metadata(&boxes[0]).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(fs::read(server.folder.path().join("outside/file.exe")).unwrap() == SECRET);
}

#[test]
fn what_is_no_plain_file_below_a_root_is_refused_and_stays() {
    let server = start(folder());
    let files = server.folder.path().join("files");
    symlink("../outside/file.exe", files.join("link")).unwrap();
    symlink("../outside", files.join("way")).unwrap();
    fs::hard_link(server.folder.path().join("outside/file.exe"), files.join("hard")).unwrap();
    fs::create_dir(files.join("dir")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(files.join("pipe")).status().unwrap().success());
    let root = path(&server, "files");
    let mut targets: Vec<String> = ["link", "way/file.exe", "hard", "dir", "pipe", "nothing", "file.exe/x"]
        .into_iter()
        .map(|name| format!("{root}/{name}"))
        .collect();
    targets.push(path(&server, "outside/file.exe"));
    // The ways out in three spellings: as they are, encoded, and encoded twice.
    for dots in
        ["..", "%2e%2e", "%252e%252e", "..%2f", "%2e%2e%2f", "%252e%252e%252f", "....//", "..\\", "./.."]
    {
        targets.push(format!("{root}/{dots}/outside/file.exe"));
        targets.push(format!("{root}/{dots}/{dots}/{dots}/etc/passwd"));
    }
    targets.extend([format!("{root}//file.exe"), format!("{root}/./file.exe"), format!("{root}-2/file.exe")]);
    for target in targets {
        let (status, action) = post(&server, &target);
        assert_eq!(status, 201, "{target}: {action:#}");
        let action = settled(&server, action["id"].as_str().unwrap());
        assert_eq!(action["status"], "failed", "{target}: {action:#}");
    }
    assert!(fs::read(server.folder.path().join("outside/file.exe")).unwrap() == SECRET);
    assert!(fs::read(files.join("file.exe")).unwrap() == SECRET);
    for name in ["link", "way", "hard", "dir", "pipe"] {
        assert!(fs::symlink_metadata(files.join(name)).is_ok(), "{name} is still there");
    }
    assert!(boxes(&server).is_empty());
    for wrong in ["", "file.exe", "sha256:00"] {
        assert_eq!(post(&server, wrong).0, 422, "{wrong}");
    }
}

#[test]
fn it_comes_back_by_approval_as_it_was_and_over_nothing() {
    let server = start(folder());
    let target = path(&server, "files/file.exe");
    fs::set_permissions(&target, fs::Permissions::from_mode(0o640)).unwrap();
    let before = fs::metadata(&target).unwrap();
    let (_, action) = post(&server, &target);
    let id = settled(&server, action["id"].as_str().unwrap())["id"].as_str().unwrap().to_owned();

    // Who asks does not allow it.
    let held = server.json(&["containment", "release", &id]);
    assert_eq!(held["status"], "held", "{held:#}");
    assert!(!Path::new(&target).exists());
    server.json(&["user", "add", "cleo", "--role", "commander"]);
    let other = server.json(&["token", "create", "--person", "cleo"]);
    let waiting = server.json(&["run", "approvals"]);
    let request = &waiting["items"][0];
    let approve = crate::support::ringfence()
        .args(["run", "approve", request["id"].as_str().unwrap()])
        .args(["--hash", request["hash"].as_str().unwrap()])
        .env("RINGFENCE_SERVER", &server.address)
        .env("RINGFENCE_TOKEN", other["token"].as_str().unwrap())
        .output()
        .unwrap();
    assert!(approve.status.success(), "{}", stderr(&approve));
    let gone = server.until(&["containment", "show", &id], |action| action["status"] != "calling");
    assert_eq!(gone["status"], "released", "{gone:#}");
    let after = fs::metadata(&target).unwrap();
    assert!(fs::read(&target).unwrap() == SECRET);
    for get in [MetadataExt::mode, MetadataExt::uid, MetadataExt::gid] {
        assert_eq!(get(&after), get(&before));
    }
    assert_eq!((after.mtime(), after.mtime_nsec()), (before.mtime(), before.mtime_nsec()));
    assert!(boxes(&server).is_empty());
}

#[test]
fn a_process_that_is_killed_on_the_way_goes_on_where_it_was() {
    let folder = folder();
    let large = vec![7; 96 << 20];
    fs::write(folder.path().join("files/large.bin"), &large).unwrap();
    let server = start(folder);
    let target = path(&server, "files/large.bin");
    let (_, action) = post(&server, &target);
    let id = action["id"].as_str().unwrap().to_owned();
    // Some of it is in a box that is not whole.
    let began = std::time::Instant::now();
    let halfway = |path: &PathBuf| fs::metadata(path).is_ok_and(|about| about.len() > 1 << 20);
    while !boxes(&server).iter().any(halfway) {
        assert!(began.elapsed().as_secs() < 60, "nothing came");
        std::thread::yield_now();
    }
    let (_, _, folder) = server.end("KILL");
    let server = start(folder);
    let action = settled(&server, &id);
    assert_eq!(action["status"], "in_force", "{action:#}");
    assert!(!Path::new(&target).exists());
    let boxes = boxes(&server);
    assert_eq!(boxes.len(), 1, "{boxes:?}");
    assert!(fs::metadata(&boxes[0]).unwrap().len() > large.len() as u64);
    assert_eq!(fs::read_dir(server.folder.path().join("files")).unwrap().count(), 1, "the other file alone");
}
