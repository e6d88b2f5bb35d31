//! A critical incident with the real binary: it closes once log, backup and rules were looked at, and says why not before.
//! And who has these looked at for a report.

use std::fs;

use serde_json::Value;

use crate::support::{Server, ringfence, stderr};

#[test]
fn a_critical_incident_closes_only_with_a_log_that_verifies_and_a_backup_that_restores() {
    let folder = tempfile::tempdir().unwrap();
    let content = folder.path().join("content");
    assert!(crate::support::run(&["init", content.to_str().unwrap()]).status.success());
    // Nothing is watched, so that only the looks stand between the end and the close.
    let recovery = content.join("recovery.yaml");
    let text = fs::read_to_string(&recovery).unwrap();
    let (watch, rest) = text.split_at(text.find("watch:").unwrap());
    let rest = &rest[rest.find("# From this severity on").unwrap()..];
    fs::write(&recovery, format!("{watch}{rest}")).unwrap();
    let server = Server::start_in(folder, &["--content", content.to_str().unwrap()]);
    let grave = ["incident", "open", "grave", "--type", "power_systems", "--severity", "critical"];
    let incident = server.json(&grave)["id"].as_str().unwrap().to_owned();
    // People end it by themselves.
    for run in server.json(&["run", "list"])["items"].as_array().unwrap() {
        server.json(&["run", "cancel", run["id"].as_str().unwrap()]);
    }
    assert!(server.ask(&["incident", "resolve", &incident, "over"]).status.success());
    assert!(server.ask(&["incident", "sign-off", &incident, "it works"]).status.success());
    let close = || server.ask(&["incident", "close", &incident, "--as", "true-positive"]);
    let refused = close();
    assert_eq!(refused.status.code(), Some(1));
    let said = stderr(&refused);
    assert!(said.contains("a backup restores: it does not: ") && said.contains("there is none"), "{said}");
    assert!(!said.contains("the log verifies"), "{said}");
    let checked = server.ask(&["--json", "incident", "check", &incident]);
    assert_eq!(checked.status.code(), Some(1), "it says the same");
    server.json(&["backup", "create"]);
    let looked = server.json(&["incident", "check", &incident]);
    let checks: Vec<(&str, bool)> = looked["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["of"].as_str().unwrap(), one["passed"] == true))
        .collect();
    assert_eq!(checks, [("log", true), ("backup", true), ("detection", true)], "{looked:#}");
    let closed = close();
    assert!(closed.status.success(), "{}", stderr(&closed));
    let timeline = server.json(&["incident", "show", &incident])["timeline"].clone();
    let kinds: Vec<&str> =
        timeline.as_array().unwrap().iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    assert!(kinds.iter().filter(|kind| **kind == "incident.checked").count() >= 6, "{kinds:?}");
}

/// What the report says of one control: whether it holds, and why.
fn control(report: &Value, id: &str) -> (bool, String) {
    let groups = report["groups"].as_array().unwrap().iter();
    let mut all = groups.flat_map(|group| group["controls"].as_array().unwrap());
    let one = all.find(|one| one["id"] == id).unwrap();
    (one["holds"] == true, one["said"].as_str().unwrap().to_owned())
}

#[test]
fn whoever_only_reads_is_told_of_the_newest_look_and_has_none_made() {
    let server = Server::start(&[]);
    server.json(&["user", "add", "vic", "--role", "viewer"]);
    let token = server.json(&["token", "create", "--person", "vic"])["token"].as_str().unwrap().to_owned();
    let read = || -> Value {
        let mut asks = ringfence();
        asks.arg("--data-dir").arg(server.data()).env("RINGFENCE_TOKEN", &token);
        let done = asks.args(["--json", "report", "compliance"]).output().unwrap();
        serde_json::from_slice(&done.stdout).unwrap_or_else(|_| panic!("{}", stderr(&done)))
    };
    for _ in 0..2 {
        let (holds, said) = control(&read(), "backup_restores");
        assert!(!holds && said.contains("nobody has looked since the server began"), "{said}");
    }
    server.json(&["backup", "create"]);
    let looked = server.ask(&["--json", "report", "compliance"]);
    let looked: Value = serde_json::from_slice(&looked.stdout).unwrap();
    assert!(control(&looked, "backup_restores").0, "whoever commands has it looked at: {looked:#}");
    let told = read();
    for id in ["log_verifies", "backup_restores"] {
        let (holds, said) = control(&told, id);
        assert!(holds && said.contains(", as of 20"), "{said}");
    }
}
