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
    wrong(
        "id: patch",
        "id: isolate",
        expect![[r#"
        strategies.yaml:12:9: the strategy `isolate` is already defined at strategies.yaml:2:9; rename one
    "#]],
    );
    wrong(
        "id: patch",
        "id: Patch",
        expect![[r#"
        strategies.yaml:12:9: the strategy `Patch` must be lower-case letters, digits and `_`, starting with a letter
    "#]],
    );
    wrong(
        "types: [validator_compromise]",
        "types: [validator_compromize]",
        expect![[r#"
        strategies.yaml:5:13: unknown incident type `validator_compromize`; did you mean `validator_compromise`?
    "#]],
    );
    wrong(
        "description: Close the hole.",
        "description: ''",
        expect![[r#"
        strategies.yaml:14:18: the description has 1 to 1000 bytes; say when it fits
    "#]],
    );
    wrong(
        "from: high, to: critical",
        "from: critical, to: low",
        expect![[r#"
        strategies.yaml:6:15: no severity is from critical to low; the lower one goes first
        strategies.yaml:19:18: `isolate` is for critical to low, so it never runs at critical; take it out
    "#]],
    );
    wrong(
        "from: high, to: critical",
        "from: heigh",
        expect![[r#"
        strategies.yaml:6:23: unknown value `heigh`; did you mean `high`?
    "#]],
    );
    wrong(
        "    name: Patch\n",
        "    name: Patch\n    colour: red\n",
        expect![[r#"
        strategies.yaml:14:5: unknown field `colour`; expected one of `id`, `name`, `description`, `types`, `severity`, `action`, `with`, `risk`, `side_effects`, `permissions`, `for`
    "#]],
    );
}

#[test]
fn actions_and_arguments() {
    wrong(
        "action: patch.apply",
        "action: patch.aply",
        expect![[r#"
        strategies.yaml:15:13: unknown action `patch.aply`; did you mean `patch.apply`?
    "#]],
    );
    wrong(
        "    with: { patch: latest }\n",
        "",
        expect![[r#"
        strategies.yaml:15:13: `patch.apply` needs the argument `patch`; add it under `with`
    "#]],
    );
    wrong(
        "level: full",
        "level: deep",
        expect![[r#"
        strategies.yaml:8:20: the argument `level` must be one of full, partial, not "deep"
    "#]],
    );
    wrong(
        "level: full",
        "depth: full",
        expect![[r#"
        strategies.yaml:8:20: `node.isolate`: unknown argument `depth`; known: `level`
    "#]],
    );
    wrong(
        "    for: 4h",
        "    risk: low",
        expect![[r#"
        strategies.yaml:11:11: the risk low is below that of `node.isolate`, which is medium; leave it out or raise it
    "#]],
    );
    wrong(
        "    for: 4h",
        "    for: 900d",
        expect![[r#"
        strategies.yaml:11:10: the lease of 900d is out of bounds; use 1m to 90d
    "#]],
    );
    wrong(
        "    with: { patch: latest }\n",
        "    with: { patch: latest }\n    for: 4h\n",
        expect![[r#"
        strategies.yaml:17:10: `patch.apply` has no verb that takes it back, so a lease has no end to keep
    "#]],
    );
    wrong(
        "permissions: [operations]",
        "permissions: [Operations, Operations]",
        expect![[r#"
        strategies.yaml:10:19: the capability `Operations` must be lower-case letters, digits and `_`, starting with a letter
        strategies.yaml:10:31: the capability `Operations` is listed twice; remove one
        strategies.yaml:10:31: the capability `Operations` must be lower-case letters, digits and `_`, starting with a letter
    "#]],
    );
}

#[test]
fn what_runs_at_once() {
    wrong(
        "strategies: [isolate]",
        "strategies: [isolat]",
        expect![[r#"
        strategies.yaml:19:18: unknown strategy `isolat`; did you mean `isolate`?
    "#]],
    );
    wrong(
        "strategies: [isolate]",
        "strategies: [isolate, isolate]",
        expect![[r#"
        strategies.yaml:19:27: the strategy `isolate` is listed twice; remove one
    "#]],
    );
    wrong(
        "strategies: [isolate]",
        "strategies: [patch]",
        expect![[r#"
        strategies.yaml:19:18: `patch` has high risk, so a person has to want it; take it out
    "#]],
    );
    wrong(
        "severity: critical\n",
        "severity: medium\n",
        expect![[r#"
        strategies.yaml:19:18: `isolate` is for high to critical, so it never runs at medium; take it out
    "#]],
    );
    wrong(
        "targets_max: 5",
        "targets_max: 0",
        expect![[r#"
        strategies.yaml:20:18: targets_max must be 1 to 1000 on one incident
    "#]],
    );
    wrong(
        "    targets_max: 5\n",
        "    targets_max: 5\n  - { severity: critical, strategies: [], targets_max: 5 }\n",
        expect![[r#"
            strategies.yaml:21:17: the set for `critical` is already defined at strategies.yaml:18:15; rename one
        "#]],
    );
}
