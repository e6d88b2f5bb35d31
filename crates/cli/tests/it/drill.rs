//! Drills: the whole of the product in a few seconds.

use serde_json::Value;

use crate::support::{Server, run, stderr, stdout};

#[test]
fn a_drill_meets_its_targets_and_leaves_a_log_that_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("kept").display().to_string();
    let drill = run(&["drill", "validator_compromise", "--json", "--keep", &kept]);
    let report: Value = serde_json::from_slice(&drill.stdout).unwrap();
    assert!(drill.status.success(), "{report:#} {}", stderr(&drill));
    assert_eq!(report["met"], true);
    assert_eq!(report["stopped"], true);
    assert!(report["targets"].as_array().unwrap().iter().all(|target| target["met"] == true));
    assert!(report["incident"].as_str().unwrap().starts_with("INC-"));
    assert_eq!(report["log"]["ok"], true);
    let verify = run(&["log", "verify", &kept]);
    assert!(verify.status.success(), "{}", stdout(&verify));
    let again = run(&["drill", "validator_compromise", "--keep", &kept]);
    assert_eq!(again.status.code(), Some(1), "a folder that is there is left alone");
}

#[test]
fn a_drill_in_a_pipe_tells_the_story_in_plain_lines() {
    let drill = run(&["drill", "validator_compromise"]);
    let text = stdout(&drill);
    assert!(drill.status.success(), "{text} {}", stderr(&drill));
    assert!(!text.contains('\u{1b}'), "no escape sequences in a pipe");
    for part in ["takes over validator-3", "→ node.isolate validator-3", "read back", "met", "log verify"] {
        assert!(text.contains(part), "{part} is missing in:\n{text}");
    }
    assert!(stdout(&run(&["drill", "--list"])).contains("validator_compromise"));
}

/// Three validators, each started and caught up.
const RESTARTED: &str =
    "node.restart node.sync_status node.restart node.sync_status node.restart node.sync_status";

/// One after the other, and each with people who answer: what is asked of them stands in content.
#[test]
fn all_drills_meet_their_targets_and_each_is_counted() {
    let drill = run(&["drill", "--all", "--json"]);
    let report: Value = serde_json::from_slice(&drill.stdout).unwrap();
    assert!(drill.status.success(), "{report:#} {}", stderr(&drill));
    assert_eq!(report["met"], true);
    let goals = |report: &Value| {
        let goals = report["goals"].as_array().unwrap().iter().map(|goal| goal["verb"].as_str().unwrap());
        goals.map(str::to_owned).collect::<Vec<_>>().join(" ")
    };
    let drills: Vec<(&str, String)> = report["drills"]
        .as_array()
        .unwrap()
        .iter()
        .map(|drill| (drill["scenario"].as_str().unwrap(), goals(drill)))
        .collect();
    let expected = [
        ("validator_compromise", "node.isolate key.revoke"),
        ("malicious_file_upload", "file.quarantine account.flag validation.tighten"),
        ("blockchain_node_failure", "node.restart node.sync_status"),
        ("prompt_injection", "session.terminate account.suspend filter.update"),
        ("key_compromise", "key.revoke account.suspend key.rotate"),
        ("system_compromise", "node.isolate node.rebuild key.rotate"),
        ("unauthorized_access", "account.suspend account.reset_sessions policy.tighten"),
        ("generic_response", "account.suspend"),
        ("data_poisoning", "pipeline.pause dataset.quarantine model.rollback dataset.clean"),
        ("model_extraction", "session.terminate api.suspend_access model.watch"),
        ("adversarial_attack", "session.terminate filter.tighten filter.update pattern.record"),
        ("privacy_breach", "account.suspend api.shutdown leak.purge"),
        ("zero_day_exploit", "node.isolate service.shield node.rebuild patch.apply"),
        ("consensus_failure", RESTARTED),
        ("security_incident", "node.isolate traffic.block account.suspend node.rebuild"),
    ];
    assert_eq!(drills, expected.map(|(scenario, goals)| (scenario, goals.to_owned())));
    for drill in report["drills"].as_array().unwrap() {
        assert_eq!((&drill["met"], &drill["stopped"]), (&Value::from(true), &Value::from(true)), "{drill:#}");
        let of = drill["targets"].as_array().unwrap().len();
        assert_eq!(drill["score"], serde_json::json!({ "met": of, "of": of }));
        let automation = &drill["targets"][5];
        assert_eq!(automation["name"], "automation");
        assert!(automation["measured_percent"].as_u64() >= automation["least_percent"].as_u64());
        let recovered = drill["targets"].as_array().unwrap().iter().find(|t| t["name"] == "recovered");
        let held =
            ["validator_compromise", "system_compromise"].map(Value::from).contains(&drill["scenario"]);
        assert_eq!(recovered.map(|target| &target["within_ms"]), held.then_some(&Value::from(300_000.0)));
    }
}

#[test]
fn people_answer_in_a_drill_and_its_incident_is_marked() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("data").display().to_string();
    let drill = run(&["drill", "prompt_injection", "--keep", &kept]);
    let text = stdout(&drill);
    assert!(drill.status.success(), "{text} {}", stderr(&drill));
    for part in ["account.suspend account-8", "a person: judge: keep_out", "steps without a person", "6 of 6"]
    {
        assert!(text.contains(part), "{part} is missing in:\n{text}");
    }
    let server = Server::start_in(folder, &[]);
    let listed = server.json(&["incident", "list"]);
    assert_eq!(listed["items"][0]["drill"], true, "{listed:#}");
    let shown = stdout(&server.ask(&["incident", "list"]));
    assert!(shown.contains("DRILL PromptInjection"), "{shown}");
    let (status, _, _) = server.end("TERM");
    assert!(status.success());
}
