//! `strategies.yaml` in each way to be wrong.

use expect_test::{Expect, expect};

use super::{ACTIONS, TAXONOMY, load};

const STRATEGIES: &str = "strategies:
  - id: isolate
    name: Isolate
    description: Cut it off.
    types: [validator_compromise]
    severity: { from: high, to: critical }
    action: node.isolate
    with: { level: full }
    side_effects: [Nobody reaches it]
    permissions: [operations]
    for: 4h
  - id: patch
    name: Patch
    description: Close the hole.
    action: patch.apply
    with: { patch: latest }
at_once:
  - severity: critical
    strategies: [isolate]
    targets_max: 5
";

fn read(strategies: &str) -> (crate::content::Content, String) {
    let files = [("actions.yaml", ACTIONS), ("taxonomy.yaml", TAXONOMY), ("strategies.yaml", strategies)];
    let files = files.into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())).collect();
    let (content, problems) = load(&files);
    (content, problems.iter().map(|problem| format!("{problem}\n")).collect())
}

/// The problems after replacing a text that stands in the file exactly once.
fn wrong(from: &str, to: &str, expect: Expect) {
    assert_eq!(STRATEGIES.matches(from).count(), 1, "`{from}` must stand there once");
    expect.assert_eq(&read(&STRATEGIES.replace(from, to)).1);
}

#[test]
fn the_base_has_no_problem_and_folds_the_action_in() {
    let (content, problems) = read(STRATEGIES);
    assert_eq!(problems, "");
    let isolate = content.strategies.get("isolate").unwrap();
    assert_eq!((isolate.risk.name(), isolate.target.as_str()), ("medium", "node"));
    assert_eq!(isolate.side_effects, ["Nobody reaches it"]);
    assert!(isolate.permissions.contains("operations"));
    assert!(isolate.is_for("validator_compromise") && !isolate.is_for("node_failure"));
    assert!(content.strategies.get("patch").unwrap().is_for("node_failure"));
    assert!(content.strategies.at_once(crate::severity::Severity::High).is_none());
}

#[test]
fn names_and_types() {
    wrong("id: patch", "id: isolate", expect![[r#""#]]);
    wrong("id: patch", "id: Patch", expect![[r#""#]]);
    wrong("types: [validator_compromise]", "types: [validator_compromize]", expect![[r#""#]]);
    wrong("description: Close the hole.", "description: ''", expect![[r#""#]]);
    wrong("from: high, to: critical", "from: critical, to: low", expect![[r#""#]]);
    wrong("from: high, to: critical", "from: heigh", expect![[r#""#]]);
    wrong("    name: Patch\n", "    name: Patch\n    colour: red\n", expect![[r#""#]]);
}

#[test]
fn actions_and_arguments() {
    wrong("action: patch.apply", "action: patch.aply", expect![[r#""#]]);
    wrong("    with: { patch: latest }\n", "", expect![[r#""#]]);
    wrong("level: full", "level: deep", expect![[r#""#]]);
    wrong("level: full", "depth: full", expect![[r#""#]]);
    wrong("    for: 4h", "    risk: low", expect![[r#""#]]);
    wrong("    for: 4h", "    for: 900d", expect![[r#""#]]);
    wrong("    with: { patch: latest }\n", "    with: { patch: latest }\n    for: 4h\n", expect![[r#""#]]);
    wrong("permissions: [operations]", "permissions: [Operations, Operations]", expect![[r#""#]]);
}

#[test]
fn what_runs_at_once() {
    wrong("strategies: [isolate]", "strategies: [isolat]", expect![[r#""#]]);
    wrong("strategies: [isolate]", "strategies: [isolate, isolate]", expect![[r#""#]]);
    wrong("strategies: [isolate]", "strategies: [patch]", expect![[r#""#]]);
    wrong("severity: critical\n", "severity: medium\n", expect![[r#""#]]);
    wrong("targets_max: 5", "targets_max: 0", expect![[r#""#]]);
    wrong(
        "    targets_max: 5\n",
        "    targets_max: 5\n  - { severity: critical, strategies: [], targets_max: 5 }\n",
        expect![[r#""#]],
    );
}
