//! Rules that look more than once or at records, wrongly written, and rules that cost too much.

use expect_test::{Expect, expect};

use super::{RULE, check};

/// The small rule with this added at its end.
fn added(text: &str, expect: Expect) {
    check(&[("rules/node_down.yaml", &format!("{RULE}{text}"))], expect);
}

fn of_records(text: &str, test: &str, expect: Expect) {
    let rule = format!("id: logins\non: records\n{text}type: node_failure\nauto_response: true\n");
    let test = format!("tests:\n{test}");
    let files = [("rules/logins.yaml", rule.as_str()), ("rules/logins.test.yaml", test.as_str())];
    let shown = if test.len() > 7 { &files[..] } else { &files[..1] };
    check(shown, expect);
}

const COUNT: &str = "match: [ 'event=\"login_failed\"' ]\ncount: { threshold: 3, window: 1m }\n";

#[test]
fn counts_and_holds_out_of_bounds() {
    added(
        "for: 10m\ncount: { threshold: 3, window: 1m }\n",
        expect![[r#"
        rules/node_down.yaml:5:6: a rule has `for` or `count`, not both; write two rules
    "#]],
    );
    added(
        "for: 0s\n",
        expect![[r#"
        rules/node_down.yaml:5:6: the time that it has to hold of 0s is out of bounds; use 1s to 1d
    "#]],
    );
    added(
        "for: soon\n",
        expect![[r#"
        rules/node_down.yaml:5:6: the time that it has to hold: `soon` is not a duration such as 500ms, 10s, 15m, 4h, 7d or 1h30m
    "#]],
    );
    added(
        "count: { threshold: 1, window: 1m }\n",
        expect![[r#"
        rules/node_down.yaml:5:21: a threshold of 1 is out of bounds; use 2 to 1000
    "#]],
    );
    added(
        "count: { threshold: 5000, window: 40d, distinct: '' }\n",
        expect![[r#"
        rules/node_down.yaml:5:21: a threshold of 5000 is out of bounds; use 2 to 1000
        rules/node_down.yaml:5:35: the window of 40d is out of bounds; use 1s to 1d
        rules/node_down.yaml:5:50: the field whose values are counted has a name of 1 to 256 bytes
    "#]],
    );
    added(
        "count: { threshold: 3 }\n",
        expect![[r#"
        rules/node_down.yaml:5:8: the field `window` is missing
    "#]],
    );
    added(
        "count: { threshold: 3, window: 1m, per: user }\n",
        expect![[r#"
        rules/node_down.yaml:5:36: unknown field `per`; expected one of `threshold`, `window`, `distinct`
    "#]],
    );
    added(
        "by: { node: node }\n",
        expect![[r#"
        rules/node_down.yaml:5:13: `by` keeps records or counts apart; an alert is held by itself, so leave it out
    "#]],
    );
    added(
        "for: 10m\nby: { node: node }\n",
        expect![[r#"
        rules/node_down.yaml:6:13: `by` keeps records or counts apart; an alert is held by itself, so leave it out
    "#]],
    );
    added(
        "count: { threshold: 3, window: 1m }\nby: { severity: node, b: '' }\n",
        expect![[r#"
        rules/node_down.yaml:6:17: the label `severity` is written by the rule itself; use another name
        rules/node_down.yaml:6:26: the field has a name of 1 to 256 bytes
    "#]],
    );
    added(
        "on: logs\n",
        expect![[r#"
        rules/node_down.yaml:5:5: unknown value `logs`; expected one of `alerts`, `records`
    "#]],
    );
}

#[test]
fn what_other_rules_tell_of_is_left_to_rules_that_are_there() {
    added(
        "count: { threshold: 3, window: 1m }\nunless: [node_down, no_such]\n",
        expect![[r#"
        rules/node_down.yaml:6:10: the rule names itself; name others that tell of the same
        rules/node_down.yaml:6:21: unknown rule `no_such`; known: `node_down`
    "#]],
    );
    added(
        "unless: [other]\n",
        expect![[r#"
        rules/node_down.yaml:5:10: `unless` leaves out of a count what other rules tell of; add `count`
        rules/node_down.yaml:5:10: unknown rule `other`; known: `node_down`
    "#]],
    );
    of_records(
        &format!("{COUNT}unless: [node_down]\n"),
        "",
        expect![[r#"
        rules/logins.yaml:5:10: `node_down` looks at alerts and this rule at records, so it never tells of the same; name one with `on: records`
    "#]],
    );
}

#[test]
fn tests_need_what_the_rule_looks_at() {
    let one = |labels: &str, expect: &str| format!("  - name: a\n    {labels}\n    expect: {expect}\n");
    let samples = "samples: [ { labels: { event: login_failed }, times: 3, every: 10s } ]";
    of_records(
        COUNT,
        &one(samples, "none"),
        expect![[r#"
        rules/logins.test.yaml:4:13: test `a`: the rule matches (type `node_failure`, severity high), expected none
    "#]],
    );
    of_records(
        COUNT,
        &one("labels: { event: login_failed }", "none"),
        expect![[r#"
        rules/logins.test.yaml:2:11: a rule on records, with `for` or with `count` is tested with `samples`, any other without
    "#]],
    );
    let few = "samples: [ { labels: { event: login_failed }, times: 2, every: 10s } ]";
    of_records(
        COUNT,
        &one(few, "{ opens: { type: node_failure, severity: high } }"),
        expect![[r#"
        rules/logins.test.yaml:4:13: test `a`: the rule does not match
    "#]],
    );
    let many = "samples: [ { times: 100000 } ]";
    of_records(
        COUNT,
        &one(many, "none"),
        expect![[r#"
        rules/logins.test.yaml:3:25: `times` is 1 to 5000
    "#]],
    );
}

#[test]
fn a_rule_that_costs_too_much_is_refused_with_its_place() {
    let test = |number: usize| {
        format!("  - {{ field: f{number}, operator: matches, value: '{}' }}\n", "(a|b)*".repeat(150))
    };
    let many: String = (0..10).map(test).collect();
    of_records(
        &format!("match: [ 'event=\"x\"' ]\nconditions:\n{many}"),
        "",
        expect![[r#"
        rules/logins.yaml:1:5: rule `logins` costs 2301 to try, at most 2000; use fewer or shorter regular expressions
    "#]],
    );
    // The same cost is refused earlier where each record would be tried.
    let any: String = (0..3).map(test).map(|text| format!("    {}", text.trim_start_matches("  "))).collect();
    of_records(
        &format!("conditions:\n  - any:\n{any}"),
        "",
        expect![[r#"
        rules/logins.yaml:1:5: rule `logins` costs 690 and is tried on everything, where at most 100 is allowed; add a matcher such as alertname="…", so that it is tried only where it can fit
    "#]],
    );
    of_records(&format!("match: [ 'event=\"x\"' ]\nconditions:\n  - any:\n{any}"), "", expect![[""]]);
    // A repetition that would compile to more than is allowed is refused for itself.
    let bomb = "conditions:\n  - { field: f, operator: matches, value: '(a{100}){100}{100}' }\n";
    of_records(
        bomb,
        "",
        expect![[r#"
        rules/logins.yaml:4:43: `(a{100}){100}{100}` is not a usable regular expression: Compiled regex exceeds size limit of 262144 bytes.
    "#]],
    );
}
