//! From an alert to a released containment, by the commands that the README shows.

use serde_json::Value;

use crate::support::{Server, stderr, stdout};

fn items(value: &Value) -> &[Value] {
    value["items"].as_array().unwrap()
}

/// Sends the alert of a compromised validator and waits until everything about it holds.
fn contained(server: &Server) -> (String, Vec<Value>) {
    server.json(&[
        "alert",
        "send",
        "ValidatorDoubleVote",
        "--type",
        "validator_compromise",
        "--severity",
        "critical",
        "node=validator-3",
        "key=key-3",
    ]);
    let incidents = server.until(&["incident", "list"], |list| items(list).len() == 1);
    let held = server.until(&["containment", "list"], |list| {
        let holds = |action: &&Value| action["status"] == "in_force" && action["verified"] == true;
        items(list).iter().filter(holds).count() == 2
    });
    let held = items(&held).iter().filter(|action| action["status"] == "in_force").cloned().collect();
    (items(&incidents)[0]["id"].as_str().unwrap().to_owned(), held)
}

#[test]
fn an_alert_is_contained_shown_explained_and_released() {
    let server = Server::start(&[]);
    let (incident, held) = contained(&server);
    let page = stdout(&server.ask(&["incident", "show", &incident]));
    for part in ["critical", "node validator-3", "node.isolate", "in_force", "timeline", "action.intended"] {
        assert!(page.contains(part), "{part} is missing in:\n{page}");
    }
    for line in page.lines() {
        assert!(line.chars().count() <= 80, "too long: {line}");
    }
    let why = stdout(&server.ask(&["why", &incident]));
    assert!(why.contains("incident_type"), "{why}");
    let runs = server.json(&["run", "list"]);
    let ended = server.json(&["run", "list", "--ended"]);
    assert_eq!(items(&runs).len() + items(&ended).len(), 1);

    let first = held[0]["id"].as_str().unwrap();
    let released = server.ask(&["containment", "release", first]);
    assert!(released.status.success(), "{}", stderr(&released));
    server.until(&["containment", "show", first], |action| action["status"] == "released");
    let again = server.ask(&["containment", "release", first]);
    assert_eq!(again.status.code(), Some(1), "{}", stderr(&again));
}

#[test]
fn people_work_on_an_incident() {
    let server = Server::start(&[]);
    let (incident, held) = contained(&server);
    let done = |args: &[&str]| {
        let output = server.ask(args);
        assert!(output.status.success(), "{args:?}: {}", stderr(&output));
    };
    done(&["incident", "ack", &incident]);
    done(&["user", "add", "second", "--role", "responder"]);
    done(&["incident", "assign", &incident, "second"]);
    done(&["incident", "note", &incident, "seen\u{1b}[31m here"]);
    done(&["incident", "link", &incident, "https://chat.example/1", "--title", "room"]);
    done(&["incident", "classify", &incident, "--severity", "high", "--why", "one node"]);
    let page = stdout(&server.ask(&["incident", "show", &incident]));
    assert!(page.contains("seen\\u{1b}[31m"), "data is escaped: {page}");
    assert!(!page.contains('\u{1b}'), "no escape sequence in a pipe");
    done(&["incident", "resolve", &incident, "validator rebuilt"]);
    let early = server.ask(&["incident", "close", &incident, "--as", "true-positive"]);
    assert_eq!(early.status.code(), Some(1), "what holds must be released first");
    for action in &held {
        done(&["containment", "release", action["id"].as_str().unwrap()]);
    }
    let released = |list: &Value| items(list).iter().all(|action| action["status"] != "in_force");
    server.until(&["containment", "list"], released);
    let watched = server.ask(&["incident", "close", &incident, "--as", "true-positive"]);
    assert_eq!(watched.status.code(), Some(1), "what was real is watched first");
    let run = items(&server.json(&["run", "list"]))[0]["id"].as_str().unwrap().to_owned();
    let early = server.ask(&["incident", "close", &incident, "--as", "benign"]);
    assert_eq!(early.status.code(), Some(1), "the response ends first");
    done(&["run", "cancel", &run]);
    done(&["incident", "close", &incident, "--as", "benign"]);
    assert_eq!(items(&server.json(&["incident", "list"])).len(), 0);
    assert_eq!(items(&server.json(&["incident", "list", "--closed"])).len(), 1);
}

#[test]
fn the_kill_switch_holds_effects_back_until_it_is_off() {
    let server = Server::start(&[]);
    assert!(server.ask(&["control", "kill-switch", "on", "--reason", "test"]).status.success());
    let control = server.json(&["control", "show"]);
    assert_eq!(control["kill_switch"]["on"], true, "{control:#}");
    server.json(&[
        "alert",
        "send",
        "Double",
        "--type",
        "validator_compromise",
        "--severity",
        "critical",
        "node=validator-2",
    ]);
    let held = server.until(&["containment", "list"], |list| !items(list).is_empty());
    assert!(items(&held).iter().all(|action| action["status"] == "held"), "{held:#}");
    let shown = stdout(&server.ask(&["control", "show"]));
    assert!(shown.contains("kill switch  on"), "{shown}");
    let asked = stdout(&server.ask(&["control", "kill-switch", "off"]));
    assert!(asked.contains("another person has to ask for it too"), "{asked}");
    assert_eq!(server.ask(&["control", "kill-switch", "off"]).status.code(), Some(1));
    assert!(server.ask(&["control", "break-glass", "--for", "1h", "--reason", "alone"]).status.success());
    server.until(&["containment", "list"], |list| items(list).iter().any(|a| a["status"] == "in_force"));
    assert_eq!(server.json(&["control", "show"])["glass"]["reason"], "alone");
    let kinds = server.json(&["incident", "list"]);
    assert!(items(&kinds).iter().any(|one| one["incident_type"] == "break_glass"), "{kinds:#}");
    assert!(server.ask(&["control", "safe-mode", "restricted"]).status.success());
    assert_eq!(server.json(&["control", "show"])["safe_mode"], "restricted");
}

#[test]
fn tokens_let_in_as_much_as_they_say_and_no_longer() {
    let server = Server::start(&[]);
    let made = server.json(&["token", "create", "--source", "prometheus"]);
    let (id, token) = (made["id"].as_str().unwrap(), made["token"].as_str().unwrap());
    let with = |args: &[&str]| {
        let mut command = crate::support::ringfence();
        command.env("RINGFENCE_TOKEN", token).args(["--server", &server.address]).args(args).output().unwrap()
    };
    assert!(with(&["alert", "send", "FromMachine"]).status.success());
    assert_eq!(with(&["incident", "list"]).status.code(), Some(1), "a source may only send");
    assert!(server.ask(&["token", "revoke", id]).status.success());
    assert_eq!(with(&["alert", "send", "FromMachine"]).status.code(), Some(1));
    let list = stdout(&server.ask(&["token", "list"]));
    assert!(!list.contains(token) && !list.contains("prometheus"), "{list}");
    assert!(stdout(&server.ask(&["token", "list", "--all"])).contains("prometheus"));
    assert!(stdout(&server.ask(&["user", "list"])).contains("tester"));
}

#[test]
fn a_silence_mutes_until_it_is_expired() {
    let server = Server::start(&[]);
    let made = server.json(&["silence", "add", "node=validator-5", "--for", "1h", "--comment", "restart"]);
    let id = made["id"].as_str().unwrap();
    server.json(&[
        "alert",
        "send",
        "Double",
        "--type",
        "validator_compromise",
        "--severity",
        "critical",
        "node=validator-5",
    ]);
    assert_eq!(items(&server.json(&["incident", "list"])).len(), 0);
    assert!(stdout(&server.ask(&["silence", "list"])).contains("validator-5"));
    assert!(server.ask(&["silence", "expire", id]).status.success());
    server.until(&["incident", "list"], |list| items(list).len() == 1);
}

#[test]
fn what_runs_is_what_was_shipped() {
    let server = Server::start(&[]);
    let list = stdout(&server.ask(&["playbook", "list"]));
    assert!(list.contains("validator_compromise"), "{list}");
    let text = stdout(&server.ask(&["playbook", "show", "validator_compromise"]));
    assert!(text.contains("node.isolate"), "{text}");
}
