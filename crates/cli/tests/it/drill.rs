//! Drills: the whole of the product in a few seconds.

use serde_json::Value;

use crate::support::{run, stderr, stdout};

#[test]
fn a_drill_meets_its_targets_and_leaves_a_log_that_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("kept").display().to_string();
    let drill = run(&["drill", "validator_compromise", "--json", "--keep", &kept]);
    let report: Value = serde_json::from_slice(&drill.stdout).unwrap();
    assert!(drill.status.success(), "{report:#} {}", stderr(&drill));
    assert_eq!(report["met"], true);
    assert_eq!(report["stopped"], true);
    assert!(report["targets"].as_array().unwrap().iter().all(|target| target["measured_ms"].is_number()));
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

/// Every scenario that is listed, end to end; each measured target stands in the report.
fn meets_its_targets(scenario: &str, goals: &[&str]) {
    let drill = run(&["drill", scenario, "--json"]);
    let report: Value = serde_json::from_slice(&drill.stdout).unwrap();
    assert!(drill.status.success(), "{report:#} {}", stderr(&drill));
    assert_eq!((&report["met"], &report["stopped"]), (&Value::from(true), &Value::from(true)));
    let held = report["goals"].as_array().unwrap().iter().map(|goal| goal["verb"].as_str().unwrap());
    assert_eq!(held.collect::<Vec<_>>(), goals);
    assert_eq!(report["score"]["met"], report["score"]["of"]);
    assert!(report["run_completed_ms"].is_number(), "{report:#}");
}

#[test]
fn a_disguised_upload_ends_in_quarantine() {
    meets_its_targets("malicious_file_upload", &["file.quarantine", "account.flag"]);
}

#[test]
fn a_dead_node_runs_again_and_catches_up() {
    meets_its_targets("blockchain_node_failure", &["node.restart", "node.sync_status"]);
}

#[test]
fn a_prompt_injection_ends_with_its_session_and_its_words() {
    meets_its_targets("prompt_injection", &["session.terminate", "filter.update"]);
}
