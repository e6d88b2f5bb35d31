//! Backups with the real binary: made under load, attacked, cut off, and restored.

mod restoring;
mod rewinding;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Server, mode, ringfence, run, stderr, stdout};

/// Runs on a data directory that no server has.
fn on(data: &Path, args: &[&str]) -> Output {
    ringfence().arg("--data-dir").arg(data).args(args).output().unwrap()
}

fn create(server: &Server) -> Value {
    server.json(&["backup", "create"])
}

fn path(made: &Value) -> PathBuf {
    PathBuf::from(made["path"].as_str().unwrap())
}

fn key(server: &Server) -> String {
    server.data().join("backup.key").to_str().unwrap().to_owned()
}

/// A folder with a data directory made of a backup.
fn restored(file: &Path, key: &str, extra: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let args = ["backup", "restore", file.to_str().unwrap(), "--key", key];
    let done = on(&folder.path().join("data"), &[&args[..], extra].concat());
    assert!(done.status.success(), "{}", stderr(&done));
    folder
}

fn titles(server: &Server) -> Vec<String> {
    let listed = server.json(&["incident", "list", "--limit", "1000"]);
    let titles =
        listed["items"].as_array().unwrap().iter().map(|one| one["title"].as_str().unwrap().to_owned());
    titles.collect()
}

fn open(server: &Server, title: &str) -> String {
    let args = ["incident", "open", title, "--type", "power_systems", "--severity", "low"];
    server.json(&args)["id"].as_str().unwrap().to_owned()
}

#[test]
fn what_was_acknowledged_before_a_backup_is_in_it_whatever_goes_on() {
    let server = Server::start(&[]);
    let (acknowledged, stop) = (Mutex::new(Vec::new()), AtomicBool::new(false));
    let (before, made) = std::thread::scope(|scope| {
        for sender in 0..2 {
            let (server, acknowledged, stop) = (&server, &acknowledged, &stop);
            scope.spawn(move || {
                for number in 0.. {
                    let title = format!("from {sender} number {number}");
                    open(server, &title);
                    acknowledged.lock().unwrap().push(title);
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                }
            });
        }
        while acknowledged.lock().unwrap().len() < 6 {
            std::thread::yield_now();
        }
        let before = acknowledged.lock().unwrap().clone();
        let made = create(&server);
        stop.store(true, Ordering::Relaxed);
        (before, made)
    });
    assert_eq!(made["new_key"], true);
    let file = path(&made);
    assert_eq!((mode(&file), mode(Path::new(&key(&server)))), (0o600, 0o600));
    assert!(!server.data().join("backup.tmp").exists());
    let sealed = fs::read(&file).unwrap();
    for clear in ["SQLite format 3", "from 0 number 0", "PRIVATE+KEY"] {
        assert!(!sealed.windows(clear.len()).any(|part| part == clear.as_bytes()), "{clear}");
    }
    let verified = server.json(&["backup", "verify", file.to_str().unwrap()]);
    assert_eq!((&verified["ok"], &verified["entries"]), (&true.into(), &made["entries"]));

    let kept = server.folder.path().join("kept");
    server.until_done(&["log", "checkpoint"]);
    fs::write(&kept, stdout(&server.ask(&["log", "checkpoint"])).trim_end().to_owned() + "\n").unwrap();
    let again =
        restored(&file, &key(&server), &["--kept", kept.to_str().unwrap(), "--reason", "the disk died"]);
    let copy = Server::start_in(again, &[]);
    let there = titles(&copy);
    for title in &before {
        assert!(there.contains(title), "{title} was acknowledged before the backup");
    }
    let control = copy.json(&["control", "show"]);
    assert!(control["clock_doubt"].as_str().unwrap().contains("restored from backup"), "{control:#}");
    assert!(copy.ask(&["control", "confirm-clock"]).status.success());
    let origin = fs::read_to_string(copy.data().join("restored.json")).unwrap();
    let origin: Value = serde_json::from_str(&origin).unwrap();
    assert!(origin["restored"]["lost"].as_u64().is_some(), "{origin:#}");
    assert_eq!(origin["restored"]["reason"], "the disk died");
    let (_, _, folder) = copy.end("TERM");
    let audit = run(&["log", "verify", folder.path().join("data").to_str().unwrap()]);
    assert!(audit.status.success(), "{}", stdout(&audit));
}

#[test]
fn a_damaged_backup_a_wrong_key_and_a_directory_in_use_are_refused_by_name() {
    let server = Server::start(&[]);
    open(&server, "before");
    let made = create(&server);
    assert_eq!(create(&server)["new_key"], false);
    let (file, key) = (path(&made), key(&server));
    let whole = fs::read(&file).unwrap();
    let damaged = server.folder.path().join("damaged.backup");
    let said = |bytes: &[u8]| {
        fs::write(&damaged, bytes).unwrap();
        let refused = run(&["backup", "verify", damaged.to_str().unwrap(), "--key", &key]);
        assert_eq!(refused.status.code(), Some(1), "{}", stdout(&refused));
        stderr(&refused)
    };
    for at in [0, 25, 40, 70, whole.len() / 2, whole.len() - 1] {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        said(&changed);
    }
    assert!(said(&whole[..whole.len() - 20]).contains("changed, moved or cut off"));
    assert!(said(&whole[..60 + 64 * 1024 + 16]).contains("changed, moved or cut off"));
    assert!(said(&[&whole[..], b"x"].concat()).contains("changed, moved or cut off"));

    let other = server.folder.path().join("other.key");
    fs::write(&other, format!("rfbk_{}\n", "ab".repeat(32))).unwrap();
    let refused = run(&["backup", "verify", file.to_str().unwrap(), "--key", other.to_str().unwrap()]);
    assert!(stderr(&refused).contains("wrong key"), "{}", stderr(&refused));

    let args = ["backup", "restore", file.to_str().unwrap(), "--key", &key];
    let taken = on(&server.data(), &args);
    assert_eq!(taken.status.code(), Some(1));
    assert!(stderr(&taken).contains("nothing is overwritten"), "{}", stderr(&taken));
    fs::write(&damaged, &whole[..whole.len() - 1]).unwrap();
    let target = server.folder.path().join("half");
    let args = ["backup", "restore", damaged.to_str().unwrap(), "--key", &key];
    assert_eq!(on(&target, &args).status.code(), Some(1));
    assert!(!target.exists() && !server.folder.path().join("half.restoring").exists());
}

#[test]
fn all_is_looked_at_while_it_runs_and_what_was_changed_is_named() {
    let server = Server::start(&[]);
    let incident = open(&server, "odd");
    let ask = || {
        let (url, token) =
            (format!("{}/api/integrity/validate", server.address), crate::bad_input::token(&server));
        let said = crate::support::run_curl(&["-s", &url, "-H", &format!("Authorization: Bearer {token}")]);
        serde_json::from_str::<Value>(&said).unwrap_or_else(|_| panic!("{said}"))
    };
    let found = |said: &Value, name: &str| {
        let checks = said["checks"].as_array().unwrap();
        checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("{said:#}")).clone()
    };
    let said = ask();
    assert_eq!((&found(&said, "log")["ok"], &found(&said, "backup")["ok"]), (&true.into(), &false.into()));
    create(&server);
    assert_eq!(ask()["ok"], true, "{:#}", ask());
    let file = server.folder.path().join("a.log");
    fs::write(&file, b"it stopped at noon\n").unwrap();
    let kept = server.json(&["evidence", "add", &incident, file.to_str().unwrap()]);
    let sha256 = kept["sha256"].as_str().unwrap();
    fs::write(server.data().join("blobs").join(&sha256[..2]).join(sha256), b"it stopped at nine\n").unwrap();
    let said = ask();
    assert_eq!((&said["ok"], &found(&said, "rows")["ok"]), (&false.into(), &true.into()));
    assert!(found(&said, "blobs")["findings"].to_string().contains(sha256), "{said:#}");
}

#[test]
fn a_schedule_makes_them_and_keeps_so_many() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("ringfence.toml");
    fs::write(&config, "[backup]\nevery = \"1s\"\nkeep = 2\ndir = \"safe\"\n").unwrap();
    let server = Server::start_in(folder, &["--config", config.to_str().unwrap()]);
    let newest = |listed: &Value| listed["items"][0]["id"].as_str().map(str::to_owned);
    let mut seen = std::collections::BTreeSet::new();
    while seen.len() < 4 {
        seen.extend(newest(&server.json(&["backup", "list"])));
    }
    let listed = server.until(&["backup", "list"], |listed| listed["items"].as_array().unwrap().len() <= 2);
    assert!(listed["items"][0]["path"].as_str().unwrap().contains("/safe/"), "{listed:#}");
}
