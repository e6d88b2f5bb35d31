//! Evidence with the real binary: large files, files that break off, and bytes that somebody changed.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
};

use serde_json::Value;
use sha2::Digest as _;

use crate::{
    bad_input::{memory, token},
    support::{Server, files_below, stderr, stdout},
};

/// Most that the memory in use may grow while files pass, in KiB.
const GROWTH_MAX: u64 = 64 * 1024;
const BOMB: usize = 192 << 20;

fn incident(server: &Server) -> String {
    let opened =
        server.json(&["incident", "open", "odd power", "--type", "power_systems", "--severity", "low"]);
    opened["id"].as_str().unwrap().to_owned()
}

fn file(server: &Server, name: &str, bytes: &[u8]) -> PathBuf {
    let path = server.folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    path
}

fn add(server: &Server, incident: &str, path: &Path) -> Value {
    server.json(&["evidence", "add", incident, path.to_str().unwrap()])
}

/// The file in which the store keeps these bytes.
fn blob(server: &Server, sha256: &str) -> PathBuf {
    server.data().join("blobs").join(&sha256[..2]).join(sha256)
}

/// Every file below `blobs`, the unfinished ones included.
fn blobs(server: &Server) -> Vec<PathBuf> {
    let folders = fs::read_dir(server.data().join("blobs")).unwrap().map(|entry| entry.unwrap().path());
    folders.flat_map(|folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path())).collect()
}

/// An archive of one entry that says it unpacks to four terabytes, and lies about it in the other direction too.
fn bomb() -> Vec<u8> {
    let mut zip = b"PK\x03\x04\x2d\0\0\0\x08\0\0\0\0\0\0\0\0\0".to_vec();
    zip.extend(u32::MAX.to_le_bytes());
    zip.extend(0u32.to_le_bytes());
    zip.extend([1, 0, 0, 0, b'a']);
    zip.resize(BOMB, 0);
    zip
}

#[test]
fn an_archive_is_stored_as_it_is_without_growth_of_memory() {
    let server = Server::start(&[]);
    let incident = incident(&server);
    let path = file(&server, "42.zip", &bomb());
    add(&server, &incident, &file(&server, "first.txt", b"words"));
    let before = memory(server.pid(), "VmRSS").unwrap();
    let kept = add(&server, &incident, &path);
    let peak = memory(server.pid(), "VmHWM").unwrap();
    assert!(peak < before + GROWTH_MAX, "{before} KiB before, {peak} KiB at most");
    assert_eq!((kept["bytes"].as_u64(), &kept["media"]), (Some(BOMB as u64), &"application/zip".into()));
    let stored = blob(&server, kept["sha256"].as_str().unwrap());
    assert_eq!(fs::metadata(stored).unwrap().len(), BOMB as u64);
    assert_eq!(blobs(&server).len(), 2, "nothing was unpacked");
    let out = server.folder.path().join("copy.zip");
    let id = kept["id"].as_str().unwrap();
    server.json(&["evidence", "get", id, "--why", "a test", "--out", out.to_str().unwrap()]);
    assert!(fs::read(&out).unwrap() == fs::read(&path).unwrap());
    let peak = memory(server.pid(), "VmHWM").unwrap();
    assert!(peak < before + GROWTH_MAX, "{before} KiB before, {peak} KiB at most");
}

#[test]
fn a_changed_byte_is_found_named_and_not_handed_out() {
    let server = Server::start(&[]);
    let incident = incident(&server);
    let kept = add(&server, &incident, &file(&server, "node.log", b"it stopped at noon\n"));
    let (id, sha256) = (kept["id"].as_str().unwrap(), kept["sha256"].as_str().unwrap());
    assert!(server.ask(&["evidence", "verify", id]).status.success());
    fs::write(blob(&server, sha256), b"it stopped at nine\n").unwrap();

    let out = server.folder.path().join("copy");
    let refused = server.ask(&["evidence", "get", id, "--why", "x", "--out", out.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("were changed: collected as"), "{}", stderr(&refused));
    assert!(!out.exists());
    let verified = server.ask(&["evidence", "verify", id]);
    assert_eq!(verified.status.code(), Some(1));
    assert!(stdout(&verified).contains(&format!("the bytes of {id} `node.log` were changed")));
    let page = server.json(&["incident", "show", &incident]);
    assert!(page.to_string().contains("were changed"), "a person is called: {page:#}");
    assert!(stdout(&server.ask(&["evidence", "list", &incident])).contains("ALTERED"));

    let (_, _, folder) = server.end("TERM");
    let data = folder.path().join("data");
    let audit = crate::support::run(&["log", "verify", data.to_str().unwrap()]);
    assert_eq!(audit.status.code(), Some(1));
    assert!(format!("{}{}", stdout(&audit), stderr(&audit)).contains(sha256), "{}", stdout(&audit));
}

/// Begins an upload and sends half of it; the connection stays open.
fn half(server: &Server, incident: &str) -> TcpStream {
    let address = server.address.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "POST /api/v1/evidence?incident={incident}&kind=file&name=a.bin HTTP/1.1\r\nhost: {address}\r\n\
         authorization: Bearer {}\r\ncontent-length: 2097152\r\n\r\n",
        token(server)
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&[7; 1 << 20]).unwrap();
    stream
}

#[test]
fn a_process_that_is_killed_in_the_middle_of_an_upload_keeps_the_whole_and_no_half() {
    let mut server = Server::start(&[]);
    let incident = incident(&server);
    let kept = add(&server, &incident, &file(&server, "whole.log", b"whole\n"));
    let id = kept["id"].as_str().unwrap();
    for _ in 0..3 {
        let mut stream = half(&server, &incident);
        // Some of it is on the disk under a name of no meaning.
        let began = std::time::Instant::now();
        while blobs(&server).iter().all(|path| fs::metadata(path).is_ok_and(|about| about.len() < 1 << 19)) {
            assert!(began.elapsed().as_secs() < 30, "nothing came");
            std::thread::yield_now();
        }
        let (_, _, folder) = server.end("KILL");
        drop(stream.read(&mut [0; 1]));
        server = Server::start_in(folder, &[]);
        assert_eq!(blobs(&server).len(), 1, "the half is gone");
        let items = server.json(&["evidence", "list", &incident]);
        assert_eq!(items["items"].as_array().unwrap().len(), 1);
        assert!(server.ask(&["evidence", "verify", id]).status.success());
    }
}

#[test]
fn what_leaves_is_checked_without_a_server_and_every_change_is_named() {
    let server = Server::start(&[]);
    let incident = incident(&server);
    let kept = add(&server, &incident, &file(&server, "node.log", b"it stopped at noon\n"));
    let (id, sha256) = (kept["id"].as_str().unwrap(), kept["sha256"].as_str().unwrap());
    server.json(&["evidence", "add", &incident, "--note", "the door stood open", "--name", "door"]);
    let disguised = file(&server, "holiday.jpg", b"just words");
    assert_eq!(
        server.ask(&["evidence", "add", &incident, disguised.to_str().unwrap()]).status.code(),
        Some(1)
    );
    server.json(&["evidence", "transfer", id, "--to", "Forensics", "--why", "disk", "--receipt", "R-17"]);
    server.until(&["evidence", "list", &incident], |list| {
        list["items"].as_array().unwrap().iter().all(|kept| kept["sealed_at"].is_string())
    });
    let folder = server.folder.path().join("case");
    let case = folder.to_str().unwrap();
    server.json(&["evidence", "export", &incident, "--why", "for the court", "--out", case]);
    let (_, _, kept_alive) = server.end("TERM");
    let check = || crate::support::run(&["evidence", "verify", case]);
    assert!(check().status.success(), "{}", stdout(&check()));

    let changed = |name: &str, from: &str, to: &str, found: &str| {
        let path = folder.join(name);
        let whole = fs::read(&path).unwrap();
        let text = String::from_utf8(whole.clone()).unwrap();
        assert!(text.contains(from), "{name} has no {from}");
        fs::write(&path, text.replacen(from, to, 1)).unwrap();
        let output = check();
        assert_eq!(output.status.code(), Some(1), "{name}: {}", stdout(&output));
        assert!(stdout(&output).contains(found), "{name}: {}", stdout(&output));
        fs::write(&path, whole).unwrap();
    };
    changed(sha256, "noon", "nine", &format!("{id}: its bytes were changed"));
    changed("manifest.json", "Forensics", "Nobody", &format!("{id} is not what the log says"));
    changed("log.bundle", "evidence.transferred", "evidence.transformed", "WRONG");
    changed("log.bundle", "\"checkpoint\"", "\"checkpaint\"", "WRONG");
    fs::write(folder.join("more"), b"x").unwrap();
    assert!(stdout(&check()).contains("`more` is no part of it"));
    fs::remove_file(folder.join("more")).unwrap();
    fs::rename(folder.join(sha256), folder.join("gone")).unwrap();
    assert!(stdout(&check()).contains(&format!("{id}: its bytes are missing")));
    drop(kept_alive);
}

#[test]
fn whoever_may_not_collect_has_no_backup_made_and_nothing_packed() {
    let folder = tempfile::tempdir().unwrap();
    let content = folder.path().join("content");
    assert!(crate::support::run(&["init", content.to_str().unwrap()]).status.success());
    let policy = "@id(\"hands-off\")\n@text(\"nobody collects here\")\n\
        forbid (principal is Person, action == Action::\"evidence.collect\", resource);\n";
    fs::write(content.join("policies/hands_off.cedar"), policy).unwrap();
    let server = Server::start_in(folder, &["--content", content.to_str().unwrap()]);
    let incident = incident(&server);
    let before = files_below(&server.data().join("blobs"));
    let refused = server.ask(&["evidence", "snapshot", &incident, "--fresh-backup"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("nobody collects here"), "{}", stderr(&refused));
    assert_eq!(files_below(&server.data().join("blobs")), before);
    assert_eq!(server.json(&["backup", "list"])["items"].as_array().map(Vec::len), Some(0));
}

#[test]
fn a_snapshot_keeps_log_backup_and_folders_each_with_its_hash() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("logs")).unwrap();
    fs::write(folder.path().join("logs/node.log"), "it stopped at noon\n").unwrap();
    let config = folder.path().join("ringfence.toml");
    fs::write(&config, "[[evidence.folders]]\npath = \"logs\"\nkind = \"system_log\"\n").unwrap();
    let server = Server::start_in(folder, &["--config", config.to_str().unwrap()]);
    let incident = incident(&server);
    let kept = server.json(&["evidence", "snapshot", &incident]);
    let items = kept["items"].as_array().unwrap();
    let kinds: Vec<&str> = items.iter().map(|item| item["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["audit_log", "configuration_backup", "system_log"], "{kept:#}");
    assert_eq!(kept["missing"].as_array().map(Vec::len), Some(0), "{kept:#}");
    let get = |number: usize| {
        let (id, out) =
            (items[number]["id"].as_str().unwrap(), server.folder.path().join(number.to_string()));
        let args = ["evidence", "get", id, "--why", "a look", "--out", out.to_str().unwrap()];
        assert!(server.ask(&args).status.success());
        out
    };
    // The log is checked by whoever has it, and a change of it is found.
    let log = get(0);
    let key = fs::read_to_string(server.data().join("log.pub")).unwrap();
    let verify =
        |path: &Path| crate::support::run(&["log", "verify", path.to_str().unwrap(), "--key", key.trim()]);
    let audit = verify(&log);
    assert!(audit.status.success(), "{} {}", stdout(&audit), stderr(&audit));
    let text = fs::read_to_string(&log).unwrap();
    assert!(text.contains("incident/"), "the incident is in it");
    let lines: Vec<&str> = text.lines().collect();
    fs::write(&log, [&lines[..lines.len() - 2], &lines[lines.len() - 1..]].concat().join("\n")).unwrap();
    assert!(!verify(&log).status.success(), "an entry is left out");
    // The backup is named with the hash of its file.
    let described: Value = serde_json::from_slice(&fs::read(get(1)).unwrap()).unwrap();
    let file = fs::read(described["path"].as_str().unwrap()).unwrap();
    let digest = sha2::Sha256::digest(&file);
    let hash: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(described["sha256"], hash);
    let packed = fs::read(get(2)).unwrap();
    assert!(packed.windows(18).any(|part| part == b"it stopped at noon"));
    // Made anew when it is asked for; what cannot be kept is told, and the rest is.
    fs::remove_dir_all(server.folder.path().join("logs")).unwrap();
    let again = server.ask(&["--json", "evidence", "snapshot", &incident, "--fresh-backup"]);
    assert_eq!(again.status.code(), Some(1));
    let again: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert!(again["missing"][0]["what"].as_str().unwrap().contains("logs"), "{again:#}");
    assert_ne!(again["items"][1]["sha256"], items[1]["sha256"]);
    let custody = server.json(&["evidence", "show", items[0]["id"].as_str().unwrap()]);
    let hands: Vec<&str> =
        custody["custody"].as_array().unwrap().iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    assert_eq!(hands, ["evidence.collected", "evidence.sealed", "evidence.accessed"]);
}

/// What the step of a playbook kept.
fn snapshots(list: &Value) -> Vec<&Value> {
    let items = list["items"].as_array().unwrap().iter();
    items.filter(|item| item["name"] == "evidence.snapshot ringfence").collect()
}

/// The one that the step keeps, once it is sealed.
fn snapshot(server: &Server, incident: &str) -> Value {
    let list = server.until(&["evidence", "list", incident], |list| {
        snapshots(list).iter().any(|item| item["sealed_at"].is_string())
    });
    let [kept] = snapshots(&list)[..] else { panic!("more than one: {list:#}") };
    kept.clone()
}

#[test]
fn a_step_of_a_playbook_keeps_a_snapshot_once_with_hash_and_custody_although_the_process_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("logs")).unwrap();
    fs::write(folder.path().join("logs/node.log"), "it stopped at noon\n").unwrap();
    let config = folder.path().join("ringfence.toml");
    fs::write(&config, "[[evidence.folders]]\npath = \"logs\"\nkind = \"system_log\"\n").unwrap();
    let arguments = ["--config", config.to_str().unwrap()];
    let mut server = Server::start_in(folder, &arguments);
    server.json(&["backup", "create"]);
    let alert = ["--type", "system_compromise", "--severity", "critical", "node=validator-5"];
    server.json(&[&["alert", "send", "RootkitDetected"][..], &alert].concat());
    let incidents = server.until(&["incident", "list"], |list| list["items"].as_array().unwrap().len() == 1);
    let incident = incidents["items"][0]["id"].as_str().unwrap();
    // Killed before the snapshot, in the middle of it or behind it: the next life goes on.
    let (_, _, folder) = server.end("KILL");
    server = Server::start_in(folder, &arguments);
    let kept = snapshot(&server, incident);
    assert_eq!((&kept["kind"], kept["fault"].is_null()), (&"audit_log".into(), true), "{kept:#}");
    let (id, sha256) = (kept["id"].as_str().unwrap(), kept["sha256"].as_str().unwrap());
    assert!(kept["source"].as_str().unwrap().starts_with("ACT-"), "{kept:#}");
    let bytes = fs::read(blob(&server, sha256)).unwrap();
    let hash: String = sha2::Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((hash.as_str(), kept["bytes"].as_u64()), (sha256, Some(bytes.len() as u64)));
    assert!(server.ask(&["evidence", "verify", id]).status.success());

    // All of it is in the one piece, and the log in it is checked by whoever has it.
    let (out, unpacked) = (server.folder.path().join("a.tar"), server.folder.path().join("unpacked"));
    server.json(&["evidence", "get", id, "--why", "a look", "--out", out.to_str().unwrap()]);
    fs::create_dir(&unpacked).unwrap();
    let tar = std::process::Command::new("tar")
        .args(["-xf", out.to_str().unwrap(), "-C", unpacked.to_str().unwrap()])
        .status();
    assert!(tar.unwrap().success());
    let key = fs::read_to_string(server.data().join("log.pub")).unwrap();
    let log = unpacked.join("log.bundle");
    let audit = crate::support::run(&["log", "verify", log.to_str().unwrap(), "--key", key.trim()]);
    assert!(audit.status.success(), "{} {}", stdout(&audit), stderr(&audit));
    assert!(fs::read_to_string(&log).unwrap().contains("incident/"), "the incident is in it");
    let described: Value = serde_json::from_slice(&fs::read(unpacked.join("backup.json")).unwrap()).unwrap();
    let backup = fs::read(described["path"].as_str().unwrap()).unwrap();
    let hash: String = sha2::Sha256::digest(&backup).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(described["sha256"], hash);
    assert_eq!(fs::read(unpacked.join("folders/1/logs/node.log")).unwrap(), b"it stopped at noon\n");
    assert!(!unpacked.join("missing.json").exists());

    let custody = server.json(&["evidence", "show", id]);
    let hands = custody["custody"].as_array().unwrap().iter().map(|entry| entry["kind"].as_str().unwrap());
    let hands: Vec<&str> = hands.collect();
    assert_eq!(hands[..2], ["evidence.collected", "evidence.sealed"]);
    assert_eq!(hands.last(), Some(&"evidence.accessed"));
    // Another life adds none.
    let (_, _, folder) = server.end("KILL");
    server = Server::start_in(folder, &arguments);
    assert_eq!(snapshot(&server, incident)["id"], id);
}
