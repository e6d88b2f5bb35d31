//! Wrong documents in, problems out; and the shipped content, which has none.

mod blocks;
mod detection;
mod figures;
mod pieces;
mod schema;
mod shipped;
mod shipped_people;
mod wrong;
mod wrong_drills;
mod wrong_factors;
mod wrong_playbooks;
mod wrong_schedule;
mod wrong_scores;
mod wrong_services;
mod wrong_strategies;

use std::collections::BTreeMap;

use expect_test::Expect;

use super::load;

/// A small folder without a problem, into which tests put wrong files.
const ACTIONS: &str = r#"actions:
  - verb: node.isolate
    summary: Cut a node off
    target: node
    connector: estate
    class: keyed
    risk: medium
    containment: true
    revert: node.release
    verify: true
    blast_radius_max: 2
    args:
      level: { kind: text, one_of: [full, partial], default: full }
  - verb: node.release
    summary: Let a node back in
    target: node
    connector: estate
    class: keyed
    risk: medium
    blast_radius_max: 2
    args:
      level: { kind: text, one_of: [full, partial], default: full }
  - verb: patch.apply
    summary: Apply a patch
    target: node
    connector: estate
    risk: high
    blast_radius_max: 7
    args:
      patch: { kind: text, required: true }
      tries: { kind: integer }
"#;

const TAXONOMY: &str = "types:
  - name: validator_compromise
    category: blockchain
    severity: critical
    aliases: [compromised_validator]
    group_by: [node]
    window: 4h
  - name: node_failure
    category: blockchain
    severity: high
";

const PLAYBOOK: &str = r#"id: validator_compromise
name: Validator compromise
version: 1.0.0
types: [validator_compromise]
min_severity: high
roles: [security_lead]
stages:
  - id: contain
    exit: steps.isolate.applied
    steps:
      - id: isolate
        action: node.isolate
        for_each: incident.targets("node")
"#;

const RULE: &str = "id: node_down
match: ['alertname=~\"NodeDown|HostDown\"']
type: node_failure
auto_response: false
";

fn folder() -> BTreeMap<String, String> {
    let files = [
        ("actions.yaml", ACTIONS),
        ("taxonomy.yaml", TAXONOMY),
        ("playbooks/validator_compromise.yaml", PLAYBOOK),
        ("rules/node_down.yaml", RULE),
    ];
    files.into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())).collect()
}

fn shown(files: &BTreeMap<String, String>) -> String {
    load(files).1.iter().map(|problem| format!("{problem}\n")).collect()
}

/// The problems of the folder after these files are put into it.
fn check(changed: &[(&str, &str)], expect: Expect) {
    let mut files = folder();
    files.extend(changed.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())));
    expect.assert_eq(&shown(&files));
}

/// The problems after replacing a text that stands in the file exactly once.
fn change(path: &str, from: &str, to: &str, expect: Expect) {
    let mut files = folder();
    let text = files.get_mut(path).unwrap();
    assert_eq!(text.matches(from).count(), 1, "`{from}` must stand in {path} once");
    *text = text.replace(from, to);
    expect.assert_eq(&shown(&files));
}

#[test]
fn the_base_of_the_tests_has_no_problem() {
    let (content, problems) = load(&folder());
    assert_eq!(problems, []);
    assert_eq!(content.playbooks.len(), 1);
    assert_eq!(content.rules.len(), 1);
    assert_eq!(content.type_name(" Compromised_Validator "), "validator_compromise");
    let isolate = &content.playbooks["validator_compromise"].stages[0].steps[0];
    assert_eq!(isolate.with["level"], "full", "the action's default is filled in");
    let text = &content.playbook_texts[&content.playbooks["validator_compromise"].hash];
    assert_eq!(&**text, PLAYBOOK);
}

#[test]
fn the_hash_depends_on_every_name_and_text_and_on_nothing_else() {
    let hash = |files: &BTreeMap<String, String>| load(files).0.hash;
    let base = hash(&folder());
    assert_eq!(base.len(), 64);
    assert_eq!(base, hash(&folder()));
    let mut other = folder();
    other.get_mut("rules/node_down.yaml").unwrap().push('\n');
    assert_ne!(base, hash(&other));
    let mut renamed = folder();
    let text = renamed.remove("rules/node_down.yaml").unwrap();
    renamed.insert("rules/down.yaml".to_owned(), text);
    assert_ne!(base, hash(&renamed));
}
