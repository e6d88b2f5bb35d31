//! Two people have a running server go back to a backup: its next start does it, or leaves all as it was.

use std::{fs, path::Path, process::Output};

use serde_json::Value;

use super::{create, open, restoring::large, restoring::wait_for};
use crate::{
    bad_input::token,
    support::{Server, ringfence, run_curl, stderr},
};

/// The token of a second person who may command.
fn second(server: &Server) -> String {
    server.json(&["user", "add", "second", "--role", "commander"]);
    server.json(&["token", "create", "--person", "second"])["token"].as_str().unwrap().to_owned()
}

/// Of the open incidents, in order of name.
fn titles(server: &Server) -> Vec<String> {
    let mut titles = super::titles(server);
    titles.sort_unstable();
    titles
}

fn by(server: &Server, token: &str, args: &[&str]) -> Output {
    let mut asks = ringfence();
    asks.arg("--data-dir").arg(server.data()).env("RINGFENCE_TOKEN", token).arg("--json").args(args);
    asks.output().unwrap()
}

fn json(done: &Output) -> Value {
    assert!(done.status.success(), "{}", stderr(done));
    serde_json::from_slice(&done.stdout).unwrap()
}

fn copied(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copied(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[test]
fn two_people_go_back_and_the_next_start_is_the_backup() {
    let server = Server::start(&[]);
    open(&server, "before");
    let other = second(&server);
    let made = create(&server);
    let grave = ["incident", "open", "grave", "--type", "power_systems", "--severity", "high"];
    server.json(&grave);
    let newer = create(&server);
    // As the procedure has it, with a token.
    let url = format!("{}/api/recovery/restore", server.address);
    let bearer = format!("Authorization: Bearer {}", token(&server));
    let curl = || {
        let said =
            run_curl(&["-s", "-X", "POST", &url, "-H", &bearer, "--data", r#"{"backup_id":"latest"}"#]);
        serde_json::from_str::<Value>(&said).unwrap_or_else(|_| panic!("{said}"))
    };
    let asked = curl();
    assert_eq!((&asked["status"], &asked["backup_id"]), (&"waiting".into(), &made["id"]), "{asked:#}");
    assert_eq!(asked["newer_than_onset"], false);
    assert!(asked["skipped"][0]["why"].as_str().unwrap().contains("not before the onset"), "{asked:#}");
    let again = curl();
    assert!(again["detail"].as_str().unwrap().contains("each person counts once"), "{again:#}");
    assert!(server.json(&["control", "show"])["restore"].is_null(), "one person is not enough");
    // Another backup is another request, and one that may hold the attack says so.
    let risky = json(&by(&server, &other, &["backup", "rewind", newer["id"].as_str().unwrap()]));
    assert_eq!((&risky["status"], &risky["newer_than_onset"]), (&"waiting".into(), &true.into()));
    assert_ne!(risky["hash"], asked["hash"]);

    let approved = json(&by(&server, &other, &["backup", "rewind", "latest"]));
    assert_eq!((&approved["status"], &approved["backup_id"]), (&"approved".into(), &made["id"]));
    let control = server.until(&["control", "show"], |control| control["restore"]["ready"] == true);
    assert_eq!(control["leaving"], Value::Array(Vec::new()), "nothing else is asked any more");
    assert_eq!(titles(&server), ["before", "grave"], "all goes on until the next start");
    let (_, _, folder) = server.end("KILL");
    let server = Server::start_in(folder, &[]);
    assert_eq!(titles(&server), ["before"]);
    let control = server.json(&["control", "show"]);
    assert!(control["restore"].is_null() && !control["clock_doubt"].is_null(), "{control:#}");
    let origin = fs::read_to_string(server.data().join("restored.json")).unwrap();
    let origin: Value = serde_json::from_str(&origin).unwrap();
    let reason = origin["restored"]["reason"].as_str().unwrap();
    assert_eq!(reason.matches("P-").count(), 2, "{reason}");
    assert!(origin["restored"]["lost"].as_u64().unwrap() > 0, "{origin:#}");
    let replaced = server.data().join(format!("replaced-{}", made["id"].as_str().unwrap()));
    assert!(replaced.join("store.db").exists());
    // It is done once.
    open(&server, "after");
    let (_, _, folder) = server.end("TERM");
    assert_eq!(titles(&Server::start_in(folder, &[])), ["after", "before"]);
}

#[test]
fn what_was_called_off_does_not_come_back_whenever_it_was_cut_off() {
    let server = Server::start(&[]);
    open(&server, "before");
    let other = second(&server);
    let made = create(&server);
    open(&server, "after");
    let id = made["id"].as_str().unwrap();
    let agree = |server: &Server| {
        json(&by(server, &token(server), &["backup", "rewind", id]));
        json(&by(server, &other, &["backup", "rewind", id]));
        server.until(&["control", "show"], |control| control["restore"]["ready"] == true);
    };
    agree(&server);
    let busy = by(&server, &other, &["backup", "rewind", "latest"]);
    assert!(stderr(&busy).contains("cancel that first"), "{}", stderr(&busy));
    let (ready, kept) = (server.data().join("restore.ready"), server.folder.path().join("kept"));
    copied(&ready, &kept);
    let canceled = json(&by(&server, &other, &["backup", "rewind", "--cancel"]));
    assert!(canceled["restore"].is_null() && !ready.exists(), "{canceled:#}");
    let (_, _, folder) = server.end("KILL");
    // As if it had been cut off before the files were gone.
    fs::rename(&kept, &ready).unwrap();
    let server = Server::start_in(folder, &[]);
    assert_eq!(titles(&server), ["after", "before"]);
    assert!(!ready.exists());
    agree(&server);
    let (_, _, folder) = server.end("KILL");
    assert_eq!(titles(&Server::start_in(folder, &[])), ["before"]);
}

#[test]
fn cut_off_while_it_is_laid_ready_all_stays_as_it_was() {
    let server = Server::start(&[]);
    large(&server);
    let other = second(&server);
    let made = create(&server);
    open(&server, "after");
    let id = made["id"].as_str().unwrap();
    json(&by(&server, &token(&server), &["backup", "rewind", id]));
    json(&by(&server, &other, &["backup", "rewind", id]));
    let staging = server.data().join("restore.staging");
    wait_for(|| staging.join("store.db").exists());
    let (_, _, folder) = server.end("KILL");
    assert!(!folder.path().join("data/restore.ready").exists(), "it was cut off too late to show anything");
    let server = Server::start_in(folder, &[]);
    assert!(titles(&server).contains(&"after".to_owned()));
    assert!(server.json(&["control", "show"])["restore"].is_null() && !staging.exists());
}
