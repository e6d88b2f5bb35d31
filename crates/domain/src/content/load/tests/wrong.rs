//! Wrong documents other than playbooks, by the file they are in.

use expect_test::{Expect, expect};

use super::{super::decode, PLAYBOOK, RULE, change, check};

fn action(from: &str, to: &str, expect: Expect) {
    change("actions.yaml", from, to, expect);
}

fn taxonomy(from: &str, to: &str, expect: Expect) {
    change("taxonomy.yaml", from, to, expect);
}

fn rule(from: &str, to: &str, expect: Expect) {
    change("rules/node_down.yaml", from, to, expect);
}

fn rule_test(text: &str, expect: Expect) {
    check(&[("rules/node_down.test.yaml", text)], expect);
}

#[test]
fn files() {
    check(
        &[("playbook/x.yaml", PLAYBOOK), ("rules/.yaml", RULE), ("rules/a/b.yaml", RULE)],
        expect![[r#"
            playbook/x.yaml:0:0: not a file that a content folder has; it has `actions.yaml`, `taxonomy.yaml`, `contacts.yaml`, `teams.yaml`, `severities.yaml`, `escalation.yaml`, `calendar.yaml`, `rules/*.test.yaml`, `rules/*.yaml`, `pieces/*.yaml`, `playbooks/*.test.yaml`, `playbooks/*.yaml`, `mappings/*.test.yaml`, `mappings/*.yaml`, `drills/*.yaml`, `channels.yaml`, `templates/*.txt`, `recovery.yaml`, `targets.yaml`, `confidence.yaml`, `services.yaml`, `strategies.yaml`, `reports.yaml`, `scores.yaml`, `scores.test.yaml`, `compliance.yaml`, `schedule.yaml`, `statements.yaml`, `training.yaml`, `policies/*.cedar`, `estate.yaml`
            rules/.yaml:0:0: not a file that a content folder has; it has `actions.yaml`, `taxonomy.yaml`, `contacts.yaml`, `teams.yaml`, `severities.yaml`, `escalation.yaml`, `calendar.yaml`, `rules/*.test.yaml`, `rules/*.yaml`, `pieces/*.yaml`, `playbooks/*.test.yaml`, `playbooks/*.yaml`, `mappings/*.test.yaml`, `mappings/*.yaml`, `drills/*.yaml`, `channels.yaml`, `templates/*.txt`, `recovery.yaml`, `targets.yaml`, `confidence.yaml`, `services.yaml`, `strategies.yaml`, `reports.yaml`, `scores.yaml`, `scores.test.yaml`, `compliance.yaml`, `schedule.yaml`, `statements.yaml`, `training.yaml`, `policies/*.cedar`, `estate.yaml`
            rules/a/b.yaml:0:0: not a file that a content folder has; it has `actions.yaml`, `taxonomy.yaml`, `contacts.yaml`, `teams.yaml`, `severities.yaml`, `escalation.yaml`, `calendar.yaml`, `rules/*.test.yaml`, `rules/*.yaml`, `pieces/*.yaml`, `playbooks/*.test.yaml`, `playbooks/*.yaml`, `mappings/*.test.yaml`, `mappings/*.yaml`, `drills/*.yaml`, `channels.yaml`, `templates/*.txt`, `recovery.yaml`, `targets.yaml`, `confidence.yaml`, `services.yaml`, `strategies.yaml`, `reports.yaml`, `scores.yaml`, `scores.test.yaml`, `compliance.yaml`, `schedule.yaml`, `statements.yaml`, `training.yaml`, `policies/*.cedar`, `estate.yaml`
        "#]],
    );
    check(
        &[("actions.yaml", "")],
        expect![[r#"
        actions.yaml:1:1: the file is empty
    "#]],
    );
    check(
        &[("actions.yaml", "actions: [")],
        expect![[r#"
        actions.yaml:1:10: not valid YAML: unclosed bracket '['
    "#]],
    );
    check(
        &[("taxonomy.yaml", "types: []\nmore: 1\n")],
        expect![[r#"
        taxonomy.yaml:2:1: unknown field `more`; expected one of `types`
    "#]],
    );
    let empty = super::super::load(&std::collections::BTreeMap::new()).1;
    let shown: String = empty.iter().map(|problem| format!("{problem}\n")).collect();
    expect![[r#"
        actions.yaml:0:0: the file is missing; `ringfence init DIR` writes a folder with all files to start from
        taxonomy.yaml:0:0: the file is missing; `ringfence init DIR` writes a folder with all files to start from
    "#]].assert_eq(&shown);
}

#[test]
fn text_that_is_not_utf8() {
    let problem = decode("rules/a.yaml", b"id: caf\xc3\xa9\nname: \xff\n").unwrap_err();
    expect!["rules/a.yaml:2:7: not UTF-8 text; save the file as UTF-8"].assert_eq(&problem.to_string());
    assert_eq!(decode("a", "\u{feff}id: x".as_bytes()).unwrap(), "id: x");
}

#[test]
fn verbs() {
    action(
        "verb: patch.apply",
        "verb: patch",
        expect![[r#"
        actions.yaml:23:11: the verb `patch` must be two or more ids with dots, such as `node.isolate`
    "#]],
    );
    action(
        "verb: patch.apply",
        "verb: Patch.Apply",
        expect![[r#"
        actions.yaml:23:11: the verb `Patch.Apply` must be two or more ids with dots, such as `node.isolate`
    "#]],
    );
    action(
        "verb: patch.apply",
        "verb: patch..apply",
        expect![[r#"
        actions.yaml:23:11: the verb `patch..apply` must be two or more ids with dots, such as `node.isolate`
    "#]],
    );
    action(
        "verb: patch.apply",
        "verb: node.isolate",
        expect![[r#"
        actions.yaml:23:11: the verb `node.isolate` is already defined at actions.yaml:2:11; rename one
    "#]],
    );
    action(
        "verb: node.isolate",
        "verb: node.insulate",
        expect![[r#"
        playbooks/validator_compromise.yaml:12:17: unknown action `node.isolate`; did you mean `node.insulate`?
    "#]],
    );
}

#[test]
fn parts_of_an_action() {
    action(
        "summary: Apply a patch",
        "summary: ''",
        expect![[r#"
        actions.yaml:24:14: the summary is empty; write what people should read
    "#]],
    );
    action(
        "summary: Apply a patch\n    target: node",
        "summary: Apply a patch\n    target: nodes",
        expect![[r#"
            actions.yaml:25:13: unknown kind of target `nodes`; did you mean `node`?
        "#]],
    );
    action(
        "summary: Apply a patch\n    target: node\n    connector: estate",
        "summary: Apply a patch\n    target: node\n    connector: ''",
        expect![[r#"
            actions.yaml:26:16: the connector `` must be lower-case letters, digits and `_`, starting with a letter
        "#]],
    );
    action(
        "summary: Apply a patch\n    target: node\n    connector: estate",
        "summary: Apply a patch\n    target: node",
        expect![[r#"
            actions.yaml:23:5: the field `connector` is missing
        "#]],
    );
    action(
        "risk: high",
        "risk: hihg",
        expect![[r#"
        actions.yaml:27:11: unknown value `hihg`; did you mean `high`?
    "#]],
    );
}

#[test]
fn words_and_bounds_of_an_action() {
    action(
        "risk: high",
        "risk: high\n    class: one-shot",
        expect![[r#"
        actions.yaml:28:12: unknown value `one-shot`; did you mean `one_shot`?
    "#]],
    );
    action(
        "risk: high",
        "risk: high\n    class: read_back",
        expect![[r#"
        actions.yaml:28:12: class `read_back` needs `verify: true`: after an unknown outcome the state is read
    "#]],
    );
    action(
        "risk: high",
        "risk: high\n    timeout: 2h",
        expect![[r#"
        actions.yaml:28:14: the timeout of 2h is out of bounds; use 1ms to 1h
    "#]],
    );
    action(
        "risk: high",
        "risk: high\n    timeout: ten seconds",
        expect![[r#"
        actions.yaml:28:14: the timeout: `ten seconds` is not a duration such as 500ms, 10s, 15m, 4h, 7d or 1h30m
    "#]],
    );
    action(
        "risk: high",
        "risk: high\n    timout: 10s",
        expect![[r#"
        actions.yaml:28:5: unknown field `timout`; did you mean `timeout`?
    "#]],
    );
    action(
        "blast_radius_max: 7",
        "blast_radius_max: 0",
        expect![[r#"
        actions.yaml:28:23: blast_radius_max must be 1 to 10000 targets in one step
    "#]],
    );
    action(
        "blast_radius_max: 7",
        "blast_radius_max: many",
        expect![[r#"
        actions.yaml:28:23: expected a whole number, found the text `many`
    "#]],
    );
    action(
        "blast_radius_max: 7",
        "containment: true\n    blast_radius_max: 7",
        expect![[r#"
        actions.yaml:23:11: `patch.apply` is a containment, so it needs `revert` with the verb that takes it back
    "#]],
    );
}

#[test]
fn the_way_back() {
    action(
        "revert: node.release",
        "revert: node.relase",
        expect![[r#"
        actions.yaml:9:13: unknown verb `node.relase`; did you mean `node.release`?
    "#]],
    );
    action(
        "revert: node.release",
        "revert: node.isolate",
        expect![[r#"
        actions.yaml:9:13: `node.isolate` cannot take itself back; name the opposite verb
    "#]],
    );
    action(
        "revert: node.release",
        "revert: patch.apply",
        expect![[r#"
        actions.yaml:9:13: `patch.apply` requires the argument `patch`, which it would not always get
        actions.yaml:13:14: `patch.apply` takes this back with the same arguments, but has no `level`
    "#]],
    );
    action(
        "summary: Let a node back in\n    target: node",
        "summary: Let a node back in\n    target: segment",
        expect![[r#"
            actions.yaml:9:13: `node.release` acts on a segment, but what it takes back acts on a node
        "#]],
    );
}

#[test]
fn arguments_of_an_action() {
    action(
        "patch: { kind: text, required: true }",
        "Patch: { kind: text }",
        expect![[r#"
        actions.yaml:30:14: the argument `Patch` must be lower-case letters, digits and `_`, starting with a letter
    "#]],
    );
    action(
        "patch: { kind: text, required: true }",
        "patch: { kind: string }",
        expect![[r#"
        actions.yaml:30:22: unknown value `string`; expected one of `text`, `integer`, `number`, `boolean`
    "#]],
    );
    action(
        "patch: { kind: text, required: true }",
        "patch: { kind: text, required: true, default: a }",
        expect![[r#"
            actions.yaml:30:53: the argument `patch` is required, so its default is never used; remove one
        "#]],
    );
    action(
        "patch: { kind: text, required: true }",
        "patch: { kind: text, one_of: [a, b, a], default: c }",
        expect![[r#"
            actions.yaml:30:43: the value `a` is listed twice; remove one
            actions.yaml:30:56: the default: the argument `patch` must be one of a, b, a, not "c"
        "#]],
    );
    action(
        "tries: { kind: integer }",
        "tries: { kind: integer, one_of: ['1'] }",
        expect![[r#"
        actions.yaml:31:40: `one_of` is for text only; remove it, or make the argument `tries` text
    "#]],
    );
    action(
        "tries: { kind: integer }",
        "tries: { kind: integer, default: 1.5 }",
        expect![[r#"
        actions.yaml:31:40: the default: the argument `tries` must be of kind integer, not 1.5
    "#]],
    );
    action(
        "tries: { kind: integer }",
        "tries: { kind: boolean, default: 1 }",
        expect![[r#"
        actions.yaml:31:40: the default: the argument `tries` must be of kind boolean, not 1
    "#]],
    );
}

#[test]
fn requests() {
    let with = |requests: &str| format!("risk: high\n    requests: {requests}");
    action(
        "risk: high",
        &with("{ apply: { method: PUT, path: 'blocks' } }"),
        expect![[r#"
        actions.yaml:28:24: the path must start with `/`; the host stands in the connector's configuration
    "#]],
    );
    action(
        "risk: high",
        &with("{ apply: { method: PUT, path: '/b/{{args.pach}}' } }"),
        expect![[r#"
        actions.yaml:28:15: in a placeholder: unknown argument `pach`; did you mean `patch`?
    "#]],
    );
    action(
        "risk: high",
        &with("{ apply: { method: PUT, path: '/b/{{target}}' } }\n    verify: true"),
        expect![[r#"
            actions.yaml:28:15: `verify: true` needs a `verify` request that reads the state back
        "#]],
    );
    action(
        "risk: high",
        &with("{ apply: { method: SEND, path: '/b' }, verfy: 1 }"),
        expect![[r#"
        actions.yaml:28:34: unknown value `SEND`; expected one of `GET`, `POST`, `PUT`, `PATCH`, `DELETE`
        actions.yaml:28:54: unknown field `verfy`; did you mean `verify`?
    "#]],
    );
}

#[test]
fn incident_types() {
    taxonomy(
        "name: node_failure",
        "name: Node failure",
        expect![[r#"
        rules/node_down.yaml:3:7: unknown incident type `node_failure`; did you mean `Node failure`?
        taxonomy.yaml:8:11: the incident type `Node failure` must be lower-case letters, digits and `_`, starting with a letter
    "#]],
    );
    taxonomy(
        "name: node_failure",
        "name: validator_compromise",
        expect![[r#"
        rules/node_down.yaml:3:7: unknown incident type `node_failure`; known: `validator_compromise`, `compromised_validator`
        taxonomy.yaml:8:11: the incident type `validator_compromise` is already defined at taxonomy.yaml:2:11; rename one
    "#]],
    );
    taxonomy(
        "aliases: [compromised_validator]",
        "aliases: [Node_Failure]",
        expect![[r#"
        taxonomy.yaml:5:15: the name `node_failure` is already defined at taxonomy.yaml:8:11; rename one
    "#]],
    );
    taxonomy(
        "aliases: [compromised_validator]",
        "aliases: [a, A, '']",
        expect![[r#"
        taxonomy.yaml:5:18: the name `a` is already defined at taxonomy.yaml:5:15; rename one
        taxonomy.yaml:5:21: the alias is empty; write what people should read
    "#]],
    );
    taxonomy(
        "group_by: [node]",
        "group_by: [node, 'the node', node]",
        expect![[r#"
        taxonomy.yaml:6:22: `the node` is not a label name: letters, digits and `_`, not starting with a digit
        taxonomy.yaml:6:34: the label `node` is listed twice; remove one
    "#]],
    );
    taxonomy(
        "window: 4h",
        "window: 0s",
        expect![[r#"
        taxonomy.yaml:7:13: the window of 0s is out of bounds; use 1s to 30d
    "#]],
    );
    taxonomy(
        "severity: high",
        "severity: urgent",
        expect![[r#"
        taxonomy.yaml:10:15: unknown value `urgent`; expected one of `informational`, `low`, `medium`, `high`, `critical`
    "#]],
    );
}

#[test]
fn rules() {
    rule(
        "id: node_down",
        "id: node-down",
        expect![[r#"
        rules/node_down.yaml:1:5: the rule `node-down` must be lower-case letters, digits and `_`, starting with a letter
    "#]],
    );
    rule(
        "['alertname=~\"NodeDown|HostDown\"']",
        "['alertname=~\"Node(Down\"']",
        expect![[r#"
            rules/node_down.yaml:2:9: `Node(Down` is not a usable regular expression: unclosed group
        "#]],
    );
    rule(
        "['alertname=~\"NodeDown|HostDown\"']",
        "['alertname']",
        expect![[r#"
            rules/node_down.yaml:2:9: `alertname` is not a matcher such as name="value"
        "#]],
    );
    rule(
        "['alertname=~\"NodeDown|HostDown\"']",
        "[]",
        expect![[r#"
        rules/node_down.yaml:2:8: the matchers fit an alert without labels, so they fit nearly all; add one that needs a label, such as alertname="NodeDown"
    "#]],
    );
    rule(
        "['alertname=~\"NodeDown|HostDown\"']",
        "['alertname!=\"NodeDown\"']",
        expect![[r#"
        rules/node_down.yaml:2:8: the matchers fit an alert without labels, so they fit nearly all; add one that needs a label, such as alertname="NodeDown"
    "#]],
    );
    rule(
        "type: node_failure",
        "type: node_failur",
        expect![[r#"
        rules/node_down.yaml:3:7: unknown incident type `node_failur`; did you mean `node_failure`?
    "#]],
    );
    rule(
        "auto_response: false",
        "auto_response: no",
        expect![[r#"
        rules/node_down.yaml:4:16: expected true or false, found the text `no`
    "#]],
    );
    rule(
        "auto_response: false",
        "severity: high",
        expect![[r#"
        rules/node_down.yaml:1:1: the field `auto_response` is missing
    "#]],
    );
    check(
        &[("rules/other.yaml", RULE)],
        expect![[r#"
        rules/other.yaml:1:5: the rule `node_down` is already defined at rules/node_down.yaml:1:5; rename one
    "#]],
    );
}

#[test]
fn tests_of_rules() {
    rule_test(
        "tests: []\n",
        expect![[r#"
        rules/node_down.test.yaml:1:8: the file has no test; add one, or remove the file
    "#]],
    );
    rule_test(
        "tests:\n  - name: a\n    labels: { alertname: NodeDown }\n    expect: none\n",
        expect![[r#"
        rules/node_down.test.yaml:4:13: test `a`: the rule matches (type `node_failure`, severity high), expected none
    "#]],
    );
    rule_test(
        "tests:\n  - name: a\n    labels: { alertname: NodeUp }\n    expect: { opens: { type: node_failure, severity: high } }\n",
        expect![[r#"
            rules/node_down.test.yaml:4:13: test `a`: the rule does not match
        "#]],
    );
    rule_test(
        "tests:\n  - name: a\n    labels: { alertname: NodeDown }\n    expect: { opens: { type: node_failure, severity: low } }\n",
        expect![[r#"
            rules/node_down.test.yaml:4:13: test `a`: got type `node_failure`, severity high, expected type `node_failure`, severity low
        "#]],
    );
    rule_test(
        "tests:\n  - name: a\n    labels: { alertname: NodeDown }\n    expect: { opens: { type: node_failing, severity: high } }\n",
        expect![[r#"
            rules/node_down.test.yaml:4:30: unknown incident type `node_failing`; did you mean `node_failure`?
        "#]],
    );
    rule_test(
        "tests:\n  - name: a\n    labels: { alertname: 1 }\n    expect: nothing\n",
        expect![[r#"
        rules/node_down.test.yaml:3:26: expected text, found the number `1`; put it in quotes
        rules/node_down.test.yaml:4:13: unknown value `nothing`; expected one of `none`, `opens`
    "#]],
    );
    check(
        &[("rules/gone.test.yaml", "tests:\n  - name: a\n    labels: {}\n    expect: none\n")],
        expect![[r#"
            rules/gone.test.yaml:0:0: tests `rules/gone.yaml`, which is not there; name the test after the file it tests
        "#]],
    );
}

#[test]
fn conditions_of_rules() {
    let with = |conditions: &str| {
        let text = format!("id: other\nconditions: {conditions}\ntype: node_failure\nauto_response: true\n");
        let mut files = super::folder();
        files.insert("rules/other.yaml".to_owned(), text);
        super::shown(&files)
    };
    let good = "[{ metric: a, operator: less_than, value: 3 }, { any: [{ field: b, operator: exists }] }]";
    assert_eq!(with(good), "");
    let many = vec!["{ metric: a, operator: exists }"; 65].join(", ");
    let deep = format!("{}{{ metric: a, operator: exists }}{}", "{ all: [".repeat(9), "] }".repeat(9));
    for (conditions, expected) in [
        ("[]", "the list of conditions is empty"),
        ("[{ metric: a }]", "a condition is `all`, or `any`, or `metric`"),
        ("[{ metric: a, operator: less_than, value: x }]", "needs a `value` that is a number"),
        ("[{ metric: a, operator: in, value: 3 }]", "`in` needs a list"),
        ("[{ metric: a, operator: exists, value: 3 }]", "`exists` takes no value"),
        ("[{ metric: a, operator: matches, value: '(' }]", "is not a usable regular expression"),
        (
            "[{ metric: a, operator: matches, value: '(a{1000}){1000}' }]",
            "is not a usable regular expression",
        ),
        (&format!("[{many}]"), "the rule has 65 conditions; at most 64"),
        (&format!("[{deep}]"), "nested deeper than 8 levels"),
    ] {
        let shown = with(conditions);
        assert!(
            shown.starts_with("rules/other.yaml:2:") && shown.contains(expected),
            "{conditions}: {shown}"
        );
    }
}

#[test]
fn recovery() {
    let text = "watch:\n  critical: 4x\n  high: 60d\n  urgent: 1h\nsign_off: crtical\n";
    check(
        &[("recovery.yaml", text)],
        expect![[r#"
        recovery.yaml:4:3: unknown field `urgent`; expected one of `informational`, `low`, `medium`, `high`, `critical`
        recovery.yaml:5:11: unknown value `crtical`; did you mean `critical`?
    "#]],
    );
    let text = "reports:\n  initial: 24h\n  detailed: 12h\n  final: 30m\n  remind: 48h\n";
    check(
        &[("recovery.yaml", text)],
        expect![[r#"
        recovery.yaml:3:13: this report is due no later than the initial one; make it later
        recovery.yaml:4:10: the deadline of 30m is out of bounds; use 1h to 365d
        recovery.yaml:4:10: this report is due no later than the detailed one; make it later
        recovery.yaml:5:11: the reminder of 2d is out of bounds; use 0s to 1d
    "#]],
    );
    check(&[("recovery.yaml", "watch: {critical: 0s}\n")], expect![[""]]);
}

#[test]
fn people() {
    let contacts = "contacts:
  - name: anna
    mail: anna
  - name: Bert
  - { name: anna, phone: '1' }
";
    check(
        &[("contacts.yaml", contacts)],
        expect![[r#"
        contacts.yaml:3:11: not a mail address such as on-call@example.com
        contacts.yaml:4:11: no way to reach this contact; give `mail`, `phone` or `chat`
        contacts.yaml:4:11: the contact `Bert` must be lower-case letters, digits and `_`, starting with a letter
        contacts.yaml:5:13: the contact `anna` is already defined at contacts.yaml:2:11; rename one
    "#]],
    );
    let contacts = (
        "contacts.yaml",
        "contacts:
  - { name: anna, phone: '1' }
",
    );
    let teams = "teams:
  - { name: ops, role: Runs it, members: [ana] }
  - { name: empty, role: '', members: [] }
roles:
  legal: [anna]
";
    check(
        &[contacts, ("teams.yaml", teams)],
        expect![[r#"
        teams.yaml:0:0: no contact holds the role `security_lead` that playbook `validator_compromise` needs; list it under `roles`, empty if it is vacant
        teams.yaml:2:43: unknown contact `ana`; did you mean `anna`?
        teams.yaml:3:13: a team without members can be told nothing; list `members`
        teams.yaml:3:26: the role is empty; write what people should read
    "#]],
    );
    let teams = (
        "teams.yaml",
        "teams:
  - { name: ops, role: Runs it, members: [anna] }
roles: { security_lead: [] }
",
    );
    let severities = "severities:
  - { severity: high, tell: [opps], acknowledge: soon, escalate: 0s }
  - { severity: high, acknowledge: 1h }
";
    check(
        &[contacts, teams, ("severities.yaml", severities)],
        expect![[r#"
        severities.yaml:2:30: unknown team, role or contact `opps`; did you mean `ops`?
        severities.yaml:2:50: the time: `soon` is not a duration such as 500ms, 10s, 15m, 4h, 7d or 1h30m
        severities.yaml:2:66: the escalation time of 0s is out of bounds; use 1s to 365d
        severities.yaml:3:17: the severity `high` is already defined at severities.yaml:2:17; rename one
    "#]],
    );
    let escalation = "levels:
  - { title: One, teams: [ops], acknowledge: immediate, criteria: [a] }
  - { title: Two, teams: [], acknowledge: immediate, criteria: [a] }
  - { title: Three, teams: [oops], acknowledge: 1h }
";
    check(
        &[contacts, teams, ("escalation.yaml", escalation)],
        expect![[r#"
        escalation.yaml:3:14: a level without teams reaches nobody; list `teams`
        escalation.yaml:3:43: only the first level may be `immediate`; give it a time
        escalation.yaml:3:65: the criterion `a` is already defined at escalation.yaml:2:68; rename one
        escalation.yaml:4:29: unknown team `oops`; did you mean `ops`?
    "#]],
    );
}

#[test]
fn calendars() {
    let text = "offset: \"02:00\"
working_days: [monday, mondy, monday]
hours: { from: \"9:00\", to: \"25:00\" }
holidays: [2026-02-30, 2026-12-25, 2026-12-25]
";
    check(
        &[("calendar.yaml", text)],
        expect![[r#"
            calendar.yaml:1:9: the offset `02:00` is not one from UTC such as "+02:00" or "-05:30"
            calendar.yaml:2:24: unknown day `mondy`; did you mean `monday`?
            calendar.yaml:2:31: the day `monday` is listed twice; remove one
            calendar.yaml:3:16: `9:00` is not a time of day such as "09:00"
            calendar.yaml:3:28: `25:00` is not a time of day such as "09:00"
            calendar.yaml:4:12: `2026-02-30` is not a day such as 2026-12-25
            calendar.yaml:4:36: the holiday `2026-12-25` is listed twice; remove one
        "#]],
    );
    let text = "offset: \"+01:00\"\nzone: Europe/Paris\n";
    check(
        &[("calendar.yaml", text)],
        expect![[r#"
        calendar.yaml:1:1: the field `working_days` is missing
        calendar.yaml:2:1: unknown field `zone`; expected one of `offset`, `working_days`, `hours`, `holidays`
    "#]],
    );
    let text = "offset: \"+15:00\"\nworking_days: []\nhours: { from: \"17:00\", to: \"09:00\" }\n";
    check(
        &[("calendar.yaml", text)],
        expect![[r#"
        calendar.yaml:1:9: the offset `+15:00` is not one from UTC such as "+02:00" or "-05:30"
        calendar.yaml:2:15: no day is worked; list at least one, such as monday
        calendar.yaml:3:29: the hours of a day must be at least one, and end on the day they begin
    "#]],
    );
    let severities = "severities:
  - { severity: high, acknowledge: business 31d, escalate: next_busines_day }
  - { severity: low, acknowledge: business, escalate: business 5s }
";
    check(
        &[("severities.yaml", severities)],
        expect![[r#"
        severities.yaml:2:36: the time of 31d is out of bounds; use 1m to 30d
        severities.yaml:2:60: the escalation time: `next_busines_day` is not a duration such as 500ms, 10s, 15m, 4h, 7d or 1h30m
        severities.yaml:3:35: the time: `business` is not a duration such as 500ms, 10s, 15m, 4h, 7d or 1h30m
        severities.yaml:3:55: the escalation time of 5s is out of bounds; use 1m to 30d
    "#]],
    );
}

#[test]
fn reports() {
    let text = "incident_type: Odd One\nform_confidence: 50\noutside_per_hour: 0\nacknowledge: 5m\ndisclose: 30d\n\
                remind: 60d\n";
    check(
        &[("reports.yaml", text)],
        expect![[r#"
        reports.yaml:1:16: an incident type `Odd One` must be lower-case letters, digits and `_`, starting with a letter
        reports.yaml:2:18: with 50 % playbooks would start on what anybody tells; at most 49
        reports.yaml:3:19: 0 reports an hour is not from 1 to 3600
        reports.yaml:4:14: the acknowledgement of 5m is out of bounds; use 1h to 30d
        reports.yaml:6:9: the reminder of 60d is out of bounds; use 0s to 30d
    "#]],
    );
    check(
        &[("reports.yaml", "acknowledge: 2d\nper_day: 3\n")],
        expect![[r#"
        reports.yaml:2:1: unknown field `per_day`; expected one of `incident_type`, `outside_type`, `form_confidence`, `outside_confidence`, `form_per_hour`, `outside_per_hour`, `acknowledge`, `disclose`, `remind`
    "#]],
    );
    check(&[("reports.yaml", "acknowledge: 2d\n")], expect![[""]]);
}
