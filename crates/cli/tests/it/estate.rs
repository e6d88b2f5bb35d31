//! The estate as a process of its own: another machine, as far as the platform can tell.

use std::{fs, process::Stdio};

use serde_json::Value;

use crate::support::{Killed, Server, first_json, ringfence};

#[test]
fn actions_reach_an_estate_in_another_process_and_stand_in_its_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("ledger");
    let child = ringfence()
        .args(["estate", "--json", "--listen", "127.0.0.1:0", "--fault", "apply_then_drop*1", "--ledger"])
        .arg(&ledger)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut child = Killed(child);
    let address = first_json(&mut child.0)["address"].as_str().unwrap().to_owned();
    let config = folder.path().join("ringfence.toml");
    let text = format!(
        "[connectors.estate]\nkind = \"estate\"\nendpoint = \"{address}\"\nallowed_networks = [\"127.0.0.1/32\"]\n"
    );
    fs::write(&config, text).unwrap();
    let server = Server::start(&["--config", &config.display().to_string()]);
    server.json(&[
        "alert",
        "send",
        "Double",
        "--type",
        "validator_compromise",
        "--severity",
        "critical",
        "node=validator-4",
    ]);
    let isolated = |one: &Value| one["verb"] == "node.isolate" && one["verified"] == true;
    server.until(&["containment", "list"], |list| list["items"].as_array().unwrap().iter().any(isolated));
    let lines: Vec<Value> = fs::read_to_string(&ledger)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let isolations: Vec<&Value> =
        lines.iter().filter(|line| line["verb"] == "node.isolate" && line["route"] == "action").collect();
    assert_eq!(isolations[0]["effect"], "applied", "{isolations:#?}");
    let same = |line: &&Value| line["key"] == isolations[0]["key"] && line["effect"] == "duplicate";
    assert!(isolations[1..].iter().all(same), "the lost answer was asked for again under the same key");
    assert!(isolations.len() > 1, "the answer was lost once");
}
