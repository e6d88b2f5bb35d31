//! The log as an auditor sees it: on a server, in a data directory, in a bundle, and after somebody touched it.

use std::fs;

use serde_json::Value;

use crate::support::{Server, run, stderr, stdout};

#[test]
fn a_log_verifies_everywhere_and_grows_from_a_kept_checkpoint() {
    let server = Server::start(&[]);
    server.json(&[
        "alert",
        "send",
        "One",
        "--type",
        "validator_compromise",
        "--severity",
        "critical",
        "node=validator-3",
    ]);
    let isolated = |one: &Value| one["verb"] == "node.isolate" && one["verified"] == true;
    server.until(&["containment", "list"], |list| list["items"].as_array().unwrap().iter().any(isolated));
    let size = |text: &str| text.lines().nth(1).and_then(|line| line.parse::<u64>().ok()).unwrap_or(0);
    server.until_done(&["log", "checkpoint"]);
    server.until(&["log", "checkpoint"], |note| size(note["checkpoint"].as_str().unwrap()) > 5);
    let kept = server.folder.path().join("kept");
    fs::write(&kept, server.ask(&["log", "checkpoint"]).stdout).unwrap();
    let kept = kept.display().to_string();
    let key = fs::read_to_string(server.data().join("log.pub")).unwrap();

    let remote = server.ask(&["log", "verify", &server.address, "--since", &kept, "--key", key.trim()]);
    assert!(remote.status.success(), "{}{}", stdout(&remote), stderr(&remote));

    let bundle = server.folder.path().join("bundle").display().to_string();
    assert!(server.ask(&["log", "export", "--out", &bundle]).status.success());
    let whole = run(&["log", "verify", &bundle, "--since", &kept, "--key", key.trim()]);
    assert!(whole.status.success(), "{}", stdout(&whole));

    let proof = stdout(&server.ask(&["log", "prove", "3"]));
    assert!(proof.contains("index 3"), "{proof}");

    let (_, _, folder) = server.end("TERM");
    let data = folder.path().join("data").display().to_string();
    let offline = run(&["log", "verify", &data, "--since", &kept]);
    assert!(offline.status.success(), "{}{}", stdout(&offline), stderr(&offline));
    assert!(stdout(&offline).contains("Nothing is wrong."), "{}", stdout(&offline));

    let stranger = Server::start(&[]);
    let other = fs::read_to_string(stranger.data().join("log.pub")).unwrap();
    let wrong = run(&["log", "verify", &data, "--key", other.trim()]);
    assert_eq!(wrong.status.code(), Some(1), "{}", stdout(&wrong));
}

#[test]
fn an_altered_bundle_is_found() {
    let server = Server::start(&[]);
    server.json(&["alert", "send", "One", "node=validator-3"]);
    server.json(&["log", "checkpoint"]);
    let bundle = server.folder.path().join("bundle");
    let shown = bundle.display().to_string();
    assert!(server.ask(&["log", "export", "--out", &shown]).status.success());
    let text = fs::read_to_string(&bundle).unwrap();
    fs::write(&bundle, text.replacen("person.added", "person.adding", 1)).unwrap();
    let found = run(&["log", "verify", &shown]);
    assert_eq!(found.status.code(), Some(1));
    assert!(stdout(&found).contains("WRONG"), "{}", stdout(&found));
}

#[test]
fn redaction_erases_the_text_and_keeps_the_proof() {
    let server = Server::start(&[]);
    let opened = server.json(&[
        "incident",
        "open",
        "the name of somebody",
        "--type",
        "unauthorized_access",
        "--severity",
        "high",
        "account=account-1",
    ]);
    let id = opened["id"].as_str().unwrap();
    let redacted = server.ask(&["log", "redact", "--incident", id, "--reason", "personal data"]);
    assert!(redacted.status.success(), "{}", stderr(&redacted));
    let shown = stdout(&server.ask(&["incident", "show", id]));
    assert!(!shown.contains("the name of somebody"), "{shown}");
    let (_, _, folder) = server.end("TERM");
    let data = folder.path().join("data").display().to_string();
    let offline = run(&["log", "verify", &data, "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&offline.stdout).unwrap();
    assert_eq!(report["ok"], true, "{report:#}");
    assert!(report["redacted"].as_u64().unwrap() > 0, "{report:#}");
}
