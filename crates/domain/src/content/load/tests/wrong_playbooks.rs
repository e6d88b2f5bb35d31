//! Wrong playbooks and tests of playbooks.

use expect_test::{Expect, expect};

use super::{ACTIONS, PLAYBOOK, RULE, change, check};

fn playbook(from: &str, to: &str, expect: Expect) {
    change("playbooks/validator_compromise.yaml", from, to, expect);
}

/// With these lines added to the one step.
fn step(lines: &[&str], expect: Expect) {
    let added: String = lines.iter().map(|line| format!("        {line}\n")).collect();
    check(&[("playbooks/validator_compromise.yaml", &format!("{PLAYBOOK}{added}"))], expect);
}

fn playbook_test(text: &str, expect: Expect) {
    check(&[("playbooks/validator_compromise.test.yaml", text)], expect);
}

#[test]
fn heads_of_playbooks() {
    playbook(
        "id: validator_compromise",
        "id: Validator-Compromise",
        expect![[r#"
        playbooks/validator_compromise.yaml:1:5: the playbook `Validator-Compromise` must be lower-case letters, digits and `_`, starting with a letter
    "#]],
    );
    playbook(
        "name: Validator compromise",
        "name: \"two\\nlines\"",
        expect![[r#"
        playbooks/validator_compromise.yaml:2:7: the name must be one line of at most 100 bytes
    "#]],
    );
    playbook(
        "version: 1.0.0",
        "version: 1.0",
        expect![[r#"
        playbooks/validator_compromise.yaml:3:10: expected text, found the number `1.0`; put it in quotes
    "#]],
    );
    playbook(
        "types: [validator_compromise]",
        "types: [validator_compromize]",
        expect![[r#"
        playbooks/validator_compromise.yaml:4:9: unknown incident type `validator_compromize`; did you mean `validator_compromise`?
    "#]],
    );
    playbook(
        "types: [validator_compromise]",
        "types: [validator_compromise, compromised_validator]",
        expect![[r#"
            playbooks/validator_compromise.yaml:4:31: the incident type `validator_compromise` is listed twice; remove one
        "#]],
    );
    playbook(
        "min_severity: high",
        "min_severity: 3",
        expect![[r#"
        playbooks/validator_compromise.yaml:5:15: unknown value `3`; expected one of `informational`, `low`, `medium`, `high`, `critical`
    "#]],
    );
    playbook(
        "roles: [security_lead]",
        "roles: [Security Lead, a, a]",
        expect![[r#"
        playbooks/validator_compromise.yaml:6:9: the role `Security Lead` must be lower-case letters, digits and `_`, starting with a letter
        playbooks/validator_compromise.yaml:6:27: the role `a` is listed twice; remove one
    "#]],
    );
    playbook(
        "roles: [security_lead]",
        "keeper: me",
        expect![[r#"
            playbooks/validator_compromise.yaml:6:1: unknown field `keeper`; expected one of `id`, `name`, `version`, `types`, `min_severity`, `response`, `procedure`, `status`, `unit`, `owner`, `criticality`, `reviewers`, `tags`, `related`, `created`, `updated`, `roles`, `stages`
        "#]],
    );
}

#[test]
fn playbooks_that_tie() {
    let other = PLAYBOOK.replace("id: validator_compromise", "id: other");
    check(
        &[("playbooks/other.yaml", &other)],
        expect![[r#"
        playbooks/validator_compromise.yaml:4:9: the playbook `other` in playbooks/other.yaml is chosen for type `validator_compromise` from severity high on as well; give one of them another `min_severity`
    "#]],
    );
    check(
        &[("playbooks/other.yaml", &other.replace("[validator_compromise]", "[compromised_validator]"))],
        expect![[r#"
            playbooks/validator_compromise.yaml:4:9: the playbook `other` in playbooks/other.yaml is chosen for type `validator_compromise` from severity high on as well; give one of them another `min_severity`
        "#]],
    );
    check(&[("playbooks/other.yaml", &other.replace("high", "critical"))], expect![[""]]);
    check(&[("playbooks/other.yaml", &other.replace("[validator_compromise]", "[]"))], expect![[""]]);
    check(
        &[("playbooks/other.yaml", &PLAYBOOK.replace("high", "low"))],
        expect![[r#"
        playbooks/validator_compromise.yaml:1:5: the playbook `validator_compromise` is already defined at playbooks/other.yaml:1:5; rename one
    "#]],
    );
}

#[test]
fn stages() {
    check(
        &[("playbooks/validator_compromise.yaml", "id: a\nname: A\nversion: '1'\nstages: []\n")],
        expect![[r#"
            playbooks/validator_compromise.yaml:4:9: the playbook has no stage; add one with a step
        "#]],
    );
    check(
        &[(
            "playbooks/validator_compromise.yaml",
            "id: a\nname: A\nversion: '1'\nstages:\n  - { id: one, steps: [] }\n  - { id: one, steps: [] }\n",
        )],
        expect![[r#"
            playbooks/validator_compromise.yaml:5:23: the stage `one` has no step; add one, or remove the stage
            playbooks/validator_compromise.yaml:6:11: the stage `one` is already defined at playbooks/validator_compromise.yaml:5:11; rename one
            playbooks/validator_compromise.yaml:6:23: the stage `one` has no step; add one, or remove the stage
        "#]],
    );
    playbook(
        "id: contain",
        "id: contain\n    roles: [security_led]",
        expect![[r#"
        playbooks/validator_compromise.yaml:9:13: unknown role `security_led`; did you mean `security_lead`? (the playbook's `roles` lists them)
    "#]],
    );
}

#[test]
fn gates() {
    playbook(
        "exit: steps.isolate.applied",
        "exit: steps.isolated.applied",
        expect![[r#"
        playbooks/validator_compromise.yaml:9:16: unknown field of steps `isolated`; did you mean `isolate`?
    "#]],
    );
    playbook(
        "exit: steps.isolate.applied",
        "exit: steps.isolate.aplied",
        expect![[r#"
        playbooks/validator_compromise.yaml:9:24: unknown field of step `aplied`; did you mean `applied`?
    "#]],
    );
    playbook(
        "exit: steps.isolate.applied",
        "exit: steps.isolate.targets",
        expect![[r#"
        playbooks/validator_compromise.yaml:9:11: the expression must be bool, but is int
    "#]],
    );
    playbook(
        "exit: steps.isolate.applied",
        "exit: steps.isolate.applied &&",
        expect![[r#"
        playbooks/validator_compromise.yaml:9:35: expected a value, found the end
    "#]],
    );
    playbook(
        "exit: steps.isolate.applied",
        "entry: decisions.scope.made",
        expect![[r#"
            playbooks/validator_compromise.yaml:9:21: unknown field of decisions `scope`; none is known here
        "#]],
    );
    playbook(
        "exit: steps.isolate.applied",
        "entry: incident.severity >= severity.hihg",
        expect![[r#"
        playbooks/validator_compromise.yaml:9:41: unknown field of severity `hihg`; did you mean `high`?
    "#]],
    );
    playbook(
        "exit: steps.isolate.applied",
        "exit: 'containments.all(c, c.held)'",
        expect![[r#"
        playbooks/validator_compromise.yaml:9:33: unknown field of containment `held`; known are `in_force`, `target`, `verb`, `verified`
    "#]],
    );
    playbook(
        "exit: steps.isolate.applied",
        "exit: true",
        expect![[r#"
        playbooks/validator_compromise.yaml:9:11: expected text, found the boolean `true`; put it in quotes
    "#]],
    );
}

#[test]
fn actions_of_steps() {
    playbook(
        "action: node.isolate",
        "action: node.isolat",
        expect![[r#"
        playbooks/validator_compromise.yaml:12:17: unknown action `node.isolat`; did you mean `node.isolate`?
    "#]],
    );
    playbook(
        "        action: node.isolate\n",
        "",
        expect![[r#"
            playbooks/validator_compromise.yaml:11:13: the step does nothing; add one of `action`, `decision`, `manual`, `wait`, `switch`, `while`, `parallel`, `call`
        "#]],
    );
    playbook(
        "        for_each: incident.targets(\"node\")\n",
        "",
        expect![[r#"
        playbooks/validator_compromise.yaml:11:13: the step acts on nothing; add `for_each` or `target`
    "#]],
    );
    playbook(
        "for_each: incident.targets(\"node\")",
        "target: ''",
        expect![[r#"
        playbooks/validator_compromise.yaml:13:17: the target is empty; name one, or use `for_each`
    "#]],
    );
    playbook(
        "for_each: incident.targets(\"node\")",
        "for_each: incident.targets(\"key\")",
        expect![[r#"
        playbooks/validator_compromise.yaml:13:19: `node.isolate` acts on a node, but this lists targets of kind key
    "#]],
    );
    playbook(
        "for_each: incident.targets(\"node\")",
        "for_each: incident.targets('nod')",
        expect![[r#"
        playbooks/validator_compromise.yaml:13:19: unknown kind of target `nod`; did you mean `node`?
    "#]],
    );
    playbook(
        "for_each: incident.targets(\"node\")",
        "for_each: incident.targets(node)",
        expect![[r#"
            playbooks/validator_compromise.yaml:13:36: unknown variable `node`; known are `analysis`, `containments`, `decisions`, `impact`, `incident`, `severity`, `steps`
        "#]],
    );
    playbook(
        "for_each: incident.targets(\"node\")",
        "for_each: incident.type",
        expect![[r#"
        playbooks/validator_compromise.yaml:13:19: the expression must be list(string), but is string
    "#]],
    );
}

#[test]
fn arguments_of_steps() {
    playbook(
        "id: isolate",
        "id: isolate node",
        expect![[r#"
        playbooks/validator_compromise.yaml:9:16: unknown field of steps `isolate`; known are `isolate node`
        playbooks/validator_compromise.yaml:11:13: the step `isolate node` must be lower-case letters, digits and `_`, starting with a letter
    "#]],
    );
    step(
        &["target: validator-1"],
        expect![[r#"
        playbooks/validator_compromise.yaml:14:17: the step has both `for_each` and `target`; remove one
    "#]],
    );
    step(
        &["with: { level: none }"],
        expect![[r#"
        playbooks/validator_compromise.yaml:14:24: the argument `level` must be one of full, partial, not "none"
    "#]],
    );
    step(
        &["with: { level: 3, levl: full }"],
        expect![[r#"
        playbooks/validator_compromise.yaml:14:24: the argument `level` must be of kind text, not 3
        playbooks/validator_compromise.yaml:14:33: `node.isolate`: unknown argument `levl`; did you mean `level`?
    "#]],
    );
    playbook(
        "action: node.isolate",
        "action: patch.apply",
        expect![[r#"
        playbooks/validator_compromise.yaml:12:17: `patch.apply` needs the argument `patch`; add it under `with`
    "#]],
    );
    playbook(
        "action: node.isolate",
        "action: patch.apply\n        with: { patch: p, tries: '3' }",
        expect![[r#"
            playbooks/validator_compromise.yaml:13:34: the argument `tries` must be of kind integer, not "3"
        "#]],
    );
}

#[test]
fn how_steps_are_called() {
    step(
        &["timeout: 61m"],
        expect![[r#"
        playbooks/validator_compromise.yaml:14:18: the timeout of 1h1m is out of bounds; use 1ms to 1h
    "#]],
    );
    step(
        &["timeout: 10"],
        expect![[r#"
        playbooks/validator_compromise.yaml:14:18: expected text, found the number `10`; put it in quotes
    "#]],
    );
    step(
        &["retry: { attempts: 21, delay: 2h }"],
        expect![[r#"
        playbooks/validator_compromise.yaml:14:28: attempts of 21 is out of bounds; use 1 to 20
        playbooks/validator_compromise.yaml:14:39: the delay of 2h is out of bounds; use 1ms to 1h
    "#]],
    );
    step(
        &["retry: { attempts: 0, backoff: linear }"],
        expect![[r#"
        playbooks/validator_compromise.yaml:14:40: unknown value `linear`; expected one of `constant`, `exponential`
    "#]],
    );
    step(
        &["lease: { for: 91d }"],
        expect![[r#"
        playbooks/validator_compromise.yaml:14:23: the lease of 91d is out of bounds; use 1s to 90d
    "#]],
    );
    step(
        &["lease: { for: 1h, on_expiry: lift }"],
        expect![[r#"
        playbooks/validator_compromise.yaml:14:38: `lift` is for low risk only, and `node.isolate` has medium risk; use `ask`
    "#]],
    );
    step(
        &["lease: { on_expiry: ask }"],
        expect![[r#"
        playbooks/validator_compromise.yaml:14:16: the lease has no end; add `for: 4h` or `until: incident_closed`
    "#]],
    );
    step(
        &["lease: { for: 1h, until: incident_closed }"],
        expect![[r#"
        playbooks/validator_compromise.yaml:14:34: the lease has both `for` and `until`; remove one
    "#]],
    );
    step(
        &["lease: { until: somebody_says_so }"],
        expect![[r#"
        playbooks/validator_compromise.yaml:14:25: unknown value `somebody_says_so`; expected one of `incident_closed`
    "#]],
    );
    step(&["lease: { until: incident_closed }"], expect![[""]]);
}

#[test]
fn words_and_links_of_steps() {
    step(
        &["priority: urgent"],
        expect![[r#"
        playbooks/validator_compromise.yaml:14:19: unknown value `urgent`; expected one of `optional`, `recommended`, `required`, `critical`
    "#]],
    );
    step(
        &["on_failure: goto"],
        expect![[r#"
        playbooks/validator_compromise.yaml:14:21: unknown value `goto`; expected one of `stop`, `continue`, `undo`
    "#]],
    );
    step(
        &["expected_duration: 31d"],
        expect![[r#"
        playbooks/validator_compromise.yaml:14:28: the expected duration of 31d is out of bounds; use 1ms to 30d
    "#]],
    );
    step(
        &["roles: [nobody]"],
        expect![[r#"
        playbooks/validator_compromise.yaml:14:17: unknown role `nobody`; known: `security_lead` (the playbook's `roles` lists them)
    "#]],
    );
    step(
        &["docs: 'javascript:alert(1)'"],
        expect![[r#"
        playbooks/validator_compromise.yaml:14:15: `docs` must be a web address that starts with https:// or http://
    "#]],
    );
    playbook(
        "action: node.isolate",
        "action: patch.apply\n        with: { patch: p }\n        lease: { for: 1h }",
        expect![[r#"
            playbooks/validator_compromise.yaml:14:16: `patch.apply` has no verb that takes it back, so a lease has no end to keep
        "#]],
    );
}

#[test]
fn approvals() {
    step(
        &["approval: { quorum: 0, expires: 1s }"],
        expect![[r#"
        playbooks/validator_compromise.yaml:14:29: a quorum of 0 is out of bounds; use 1 to 8
        playbooks/validator_compromise.yaml:14:41: the time to answer of 1s is out of bounds; use 1m to 7d
    "#]],
    );
    step(
        &["approval: { quorum: 9, roles: [nobody] }"],
        expect![[r#"
        playbooks/validator_compromise.yaml:14:29: a quorum of 9 is out of bounds; use 1 to 8
        playbooks/validator_compromise.yaml:14:40: unknown role `nobody`; known: `security_lead` (the playbook's `roles` lists them)
    "#]],
    );
    step(
        &["approval: { when: action.risk, quorum: two }"],
        expect![[r#"
        playbooks/validator_compromise.yaml:14:48: expected a whole number, found the text `two`
    "#]],
    );
    step(
        &["approval: { when: action.risk }"],
        expect![[r#"
        playbooks/validator_compromise.yaml:14:27: the expression must be bool, but is int
    "#]],
    );
    step(
        &["approval: { when: action.weight > 1 }"],
        expect![[r#"
        playbooks/validator_compromise.yaml:14:33: unknown field of action `weight`; known are `containment`, `risk`, `target`, `verb`
    "#]],
    );
    step(
        &["approval: { people: 2 }"],
        expect![[r#"
        playbooks/validator_compromise.yaml:14:21: unknown field `people`; expected one of `when`, `quorum`, `roles`, `expires`
    "#]],
    );
    step(
        &["call: other"],
        expect![[r#"
            playbooks/validator_compromise.yaml:11:13: the step is `action`, `call` at once; keep one
            playbooks/validator_compromise.yaml:14:15: unknown piece `other`; none is defined
        "#]],
    );
}

#[test]
fn kinds_of_steps() {
    step(
        &["due: 1h"],
        expect![[r#"
        playbooks/validator_compromise.yaml:14:14: `due` belongs to `manual`, but this step is `action`; remove it
    "#]],
    );
    step(
        &["manual: Call the owner"],
        expect![[r#"
        playbooks/validator_compromise.yaml:11:13: the step is `action`, `manual` at once; keep one
    "#]],
    );
    let with = |text: &str, expected: expect_test::Expect| {
        let wrong = PLAYBOOK
            .replace("action: node.isolate", text)
            .replace("        for_each: incident.targets(\"node\")\n", "");
        check(&[("playbooks/validator_compromise.yaml", &wrong)], expected);
    };
    with(
        "decision: More?\n        options: { a: {}, b: { goto: isolate } }",
        expect![[r#"
        playbooks/validator_compromise.yaml:13:38: `isolate` is not later than this step; a run only goes forward
    "#]],
    );
    with(
        "decision: More?\n        options: { a: { goto: nowhere } }\n        default: { after: 10m, choose: c }",
        expect![[r#"
            playbooks/validator_compromise.yaml:13:18: the decision has 1 options; use 2 to 16
            playbooks/validator_compromise.yaml:13:31: unknown step or stage `nowhere`; known: `contain`, `isolate`
            playbooks/validator_compromise.yaml:14:40: unknown option `c`; known: `a`
        "#]],
    );
    with(
        "manual: ''\n        options: { a: {}, b: {} }\n        role: nobody",
        expect![[r#"
        playbooks/validator_compromise.yaml:12:17: the instruction is empty; write what people should read
        playbooks/validator_compromise.yaml:13:18: `options` belongs to `decision`, but this step is `manual`; remove it
        playbooks/validator_compromise.yaml:14:15: unknown role `nobody`; known: `security_lead` (the playbook's `roles` lists them)
    "#]],
    );
    with(
        "wait: { until: 'true' }",
        expect![[r#"
        playbooks/validator_compromise.yaml:12:15: a wait has either `for`, or `until` with `timeout`
    "#]],
    );
    with(
        "wait: { until: 'steps.nothing.done', timeout: 1h }",
        expect![[r#"
        playbooks/validator_compromise.yaml:12:30: unknown field of steps `nothing`; known are `isolate`
    "#]],
    );
    with(
        "docs: https://example.org",
        expect![[r#"
            playbooks/validator_compromise.yaml:11:13: the step does nothing; add one of `action`, `decision`, `manual`, `wait`, `switch`, `while`, `parallel`, `call`
        "#]],
    );
}

#[test]
fn everything_at_once() {
    let wrong = ACTIONS.replace("target: node", "target: nod");
    let other = PLAYBOOK.replace("node.isolate", "node.cut").replace("1.0.0", "''");
    check(
        &[
            ("actions.yaml", &wrong),
            ("playbooks/validator_compromise.yaml", &other),
            ("rules/node_down.yaml", &RULE.replace("node_failure", "failure")),
        ],
        expect![[r#"
            actions.yaml:4:13: unknown kind of target `nod`; did you mean `node`?
            actions.yaml:16:13: unknown kind of target `nod`; did you mean `node`?
            actions.yaml:25:13: unknown kind of target `nod`; did you mean `node`?
            playbooks/validator_compromise.yaml:3:10: the version is empty; write what people should read
            playbooks/validator_compromise.yaml:12:17: unknown action `node.cut`; known: `node.isolate`, `node.release`, `patch.apply`
            rules/node_down.yaml:3:7: unknown incident type `failure`; known: `node_failure`, `validator_compromise`, `compromised_validator`
        "#]],
    );
}

#[test]
fn tests_of_playbooks() {
    playbook_test(
        "tests:\n  - name: a\n    incident: { type: node_gone, severity: high, targets: { nod: [a] } }\n    answers:\n      - { call: node.isolate, answers: [] }\n      - { call: node.cut a, answers: [applied] }\n    expect: { calls: [node.isolate], status: completed }\n",
        expect![[r#"
            playbooks/validator_compromise.test.yaml:3:23: unknown incident type `node_gone`; known: `node_failure`, `validator_compromise`, `compromised_validator`
            playbooks/validator_compromise.test.yaml:3:66: unknown kind of target `nod`; did you mean `node`?
            playbooks/validator_compromise.test.yaml:5:17: a call is written as verb and target, such as `node.isolate validator-1`
            playbooks/validator_compromise.test.yaml:5:40: the list of answers is empty; use applied, not_applied or unknown
            playbooks/validator_compromise.test.yaml:6:17: unknown action `node.cut`; known: `node.isolate`, `node.release`, `patch.apply`
            playbooks/validator_compromise.test.yaml:7:23: a call is written as verb and target, such as `node.isolate validator-1`
        "#]],
    );
    playbook_test(
        "tests:\n  - name: a\n    incident: { type: node_failure, severity: high }\n    answers:\n      - { call: node.isolate a, answers: [lost] }\n    expect: { calls: [], status: done }\n",
        expect![[r#"
            playbooks/validator_compromise.test.yaml:5:43: unknown value `lost`; expected one of `applied`, `not_applied`, `unknown`
            playbooks/validator_compromise.test.yaml:6:34: unknown value `done`; expected one of `completed`, `failed`, `blocked`, `waiting`
        "#]],
    );
}

/// One test of the base playbook, with its incident on two nodes.
fn rehearsed(answers: &str, calls: &str, status: &str, expect: Expect) {
    let targets = "{ node: [validator-2, validator-1], key: [key-1] }";
    let text = format!(
        "tests:\n  - name: a\n    incident: {{ type: compromised_validator, severity: high, targets: {targets} }}\n    \
         answers: [{answers}]\n    expect: {{ calls: [{calls}], status: {status} }}\n"
    );
    playbook_test(&text, expect);
}

#[test]
fn rehearsals_that_hold() {
    let both = "node.isolate validator-1, node.isolate validator-2";
    rehearsed("", both, "completed", expect![[""]]);
    let lost = "{ call: node.isolate validator-2, answers: [unknown, unknown, applied] }";
    rehearsed(lost, both, "completed", expect![[""]]);
    let refused = "{ call: node.isolate validator-1, answers: [not_applied] }";
    rehearsed(refused, both, "blocked", expect![[""]]);
}

#[test]
fn rehearsals_that_go_otherwise() {
    rehearsed(
        "",
        "node.isolate validator-2",
        "failed",
        expect![[r#"
        playbooks/validator_compromise.test.yaml:2:11: test `a`: the calls are `node.isolate validator-1`, `node.isolate validator-2`, expected `node.isolate validator-2`
        playbooks/validator_compromise.test.yaml:2:11: test `a`: the run is completed, expected failed
    "#]],
    );
    let lost = "{ call: node.isolate validator-2, answers: [unknown] }";
    rehearsed(
        lost,
        "node.isolate validator-1, node.isolate validator-2",
        "completed",
        expect![[r#"
        playbooks/validator_compromise.test.yaml:2:11: test `a`: the run is blocked (ACT-3 of step `isolate` is in doubt: the test says so), expected completed
    "#]],
    );
    playbook_test(
        "tests:\n  - name: a\n    incident: { type: node_failure, severity: high }\n    \
         expect: { calls: [], status: completed }\n",
        expect![[r#"
            playbooks/validator_compromise.test.yaml:2:11: test `a`: the run is not started, expected completed
        "#]],
    );
}

#[test]
fn a_rehearsal_of_undo() {
    let undo = PLAYBOOK.replace("        for_each", "        on_failure: undo\n        for_each");
    let test = "tests:\n  - name: a\n    incident: { type: validator_compromise, severity: high, targets: { node: [v1, v2] } }\n    \
                answers: [{ call: node.isolate v2, answers: [not_applied] }]\n    \
                expect: { calls: [node.isolate v1, node.isolate v2, node.release v1], status: failed }\n";
    check(
        &[("playbooks/validator_compromise.yaml", &undo), ("playbooks/validator_compromise.test.yaml", test)],
        expect![[""]],
    );
}
