//! What is read, what is refused, and where each problem points.

use std::collections::BTreeMap;

use expect_test::{Expect, expect};
use proptest::prelude::*;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::*;

#[derive(Debug, Deserialize, PartialEq)]
struct Playbook {
    id: Spanned<String>,
    name: String,
    #[serde(default)]
    stages: Vec<Stage>,
    priority: Option<Priority>,
    #[serde(default)]
    limits: BTreeMap<Word, u8>,
    ratio: Option<f64>,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Stage {
    id: Spanned<String>,
    exit: Option<Spanned<String>>,
    #[serde(default)]
    attempts: u8,
    #[serde(default)]
    enabled: bool,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Priority {
    Low,
    Critical,
    After { stage: String },
    Number(u32),
}

/// A key that checks itself.
#[derive(Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(try_from = "String")]
struct Word(String);

impl TryFrom<String> for Word {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let good = text.bytes().all(|byte| byte.is_ascii_lowercase());
        if good { Ok(Self(text)) } else { Err(format!("`{text}` is not a lower-case word")) }
    }
}

fn check<T: DeserializeOwned>(text: &str, expected: Expect) {
    let (value, problems) = read::<T>("p.yaml", text);
    assert_eq!(value.is_some(), problems.is_empty());
    let lines: Vec<String> = problems.iter().map(|problem| format!("{problem}\n")).collect();
    expected.assert_eq(&lines.concat());
}

fn good<T: DeserializeOwned>(text: &str) -> T {
    let (value, problems) = read::<T>("p.yaml", text);
    assert_eq!(problems, []);
    value.expect("a value without problems")
}

#[test]
fn reads_a_document_with_positions() {
    let text = "\
# a comment
id: validator_compromise
name: \"Validator: compromise\"
priority: { after: { stage: contain } }
limits: { nodes: 0x10 }
ratio: 1e-1
stages:
  - id: contain
    exit: 'steps.isolate.applied'
    attempts: 3
    enabled: true
";
    let playbook: Playbook = good(text);
    assert_eq!(playbook.id.value, "validator_compromise");
    assert_eq!(playbook.id.position(), Position { line: 2, column: 5 });
    assert_eq!(playbook.priority, Some(Priority::After { stage: "contain".to_owned() }));
    assert_eq!(playbook.limits, BTreeMap::from([(Word("nodes".to_owned()), 16)]));
    assert_eq!(playbook.ratio, Some(0.1));
    assert_eq!(playbook.stages[0].id.position(), Position { line: 8, column: 9 });
    assert_eq!(playbook.stages[0].attempts, 3);
    assert!(playbook.stages[0].enabled);
}

#[test]
fn reports_every_misfit_at_once_in_order() {
    check::<Playbook>(
        "\
idd: x
stages:
  - id: [a]
    attempts: many
  - attempts: 300
    id: b
    enabeld: true
  - exit: 5
    id: c
  - exit: x > 1
priority: urgent
limits: { Nodes: 1, hours: -1 }
ratio: true
",
        expect![[r#"
            p.yaml:1:1: the field `id` is missing
            p.yaml:1:1: unknown field `idd`; did you mean `id`?
            p.yaml:3:9: expected text, found a list
            p.yaml:4:15: expected a whole number, found the text `many`
            p.yaml:5:15: expected a whole number from 0 to 255, found the number `300`
            p.yaml:7:5: unknown field `enabeld`; did you mean `enabled`?
            p.yaml:8:11: expected text, found the number `5`; put it in quotes
            p.yaml:10:5: the field `id` is missing
            p.yaml:11:11: unknown value `urgent`; expected one of `low`, `critical`, `after`, `number`
            p.yaml:12:11: `Nodes` is not a lower-case word
            p.yaml:12:28: expected a whole number from 0 to 255, found the number `-1`
            p.yaml:13:8: expected a number, found the boolean `true`
        "#]],
    );
}

#[test]
fn what_a_fault_takes_with_it_is_not_told_twice() {
    check::<Playbook>(
        "id: [x]\nname: y\n",
        expect![[r#"
        p.yaml:1:5: expected text, found a list
    "#]],
    );
    check::<(u8, u8)>(
        "[1, x]",
        expect![[r#"
        p.yaml:1:5: expected a whole number, found the text `x`
    "#]],
    );
    check::<Playbook>(
        "id: x\nname: y\npriority: { number: x }\n",
        expect![[r#"
        p.yaml:3:21: expected a whole number, found the text `x`
    "#]],
    );
}

#[test]
fn enums_take_a_name_or_one_field() {
    assert_eq!(good::<Vec<Priority>>("[low, {number: 3}]"), [Priority::Low, Priority::Number(3)]);
    check::<Vec<Priority>>(
        "[number, {low: 1}, {low: , number: 2}, [], crtical]",
        expect![[r#"
        p.yaml:1:2: `number` needs a value: write `number: …`
        p.yaml:1:16: expected nothing, found the number `1`
        p.yaml:1:20: expected one field, found 2
        p.yaml:1:40: expected one of the known values, found a list
        p.yaml:1:44: unknown value `crtical`; did you mean `critical`?
    "#]],
    );
}

#[test]
fn scalars_follow_the_core_schema() {
    assert_eq!(good::<Vec<String>>("[no, yes, 'true', \"5\", 1.2.0, 5m, 0x, e5]").len(), 8);
    assert_eq!(good::<Vec<bool>>("[true, False]"), [true, false]);
    assert_eq!(good::<Vec<i64>>("[0o17, 0xff, -9223372036854775808, +3]"), [15, 255, i64::MIN, 3]);
    assert_eq!(good::<Vec<f64>>("[.5, 1., -1e3, .inf, 3]"), [0.5, 1.0, -1000.0, f64::INFINITY, 3.0]);
    assert_eq!(good::<Vec<Option<u8>>>("[~, null, 1, ]"), [None, None, Some(1)]);
    check::<Vec<String>>(
        "[true, 1.2, ~, 0x1F, 1e3]",
        expect![[r#"
        p.yaml:1:2: expected text, found the boolean `true`; put it in quotes
        p.yaml:1:8: expected text, found the number `1.2`; put it in quotes
        p.yaml:1:13: expected text, found nothing
        p.yaml:1:16: expected text, found the number `0x1F`; put it in quotes
        p.yaml:1:22: expected text, found the number `1e3`; put it in quotes
    "#]],
    );
    check::<Vec<bool>>(
        "[yes, 'true', 1]",
        expect![[r#"
        p.yaml:1:2: expected true or false, found the text `yes`
        p.yaml:1:7: expected true or false, found the text `true`
        p.yaml:1:15: expected true or false, found the number `1`
    "#]],
    );
    check::<Vec<u64>>(
        "[99999999999999999999, -1, 1.5]",
        expect![[r#"
        p.yaml:1:2: expected a whole number, not negative, found the number `100000000000000000000.0`
        p.yaml:1:24: expected a whole number, not negative, found the number `-1`
        p.yaml:1:28: expected a whole number, not negative, found the number `1.5`
    "#]],
    );
}

#[test]
fn duplicate_keys_are_refused_where_the_second_stands() {
    check::<BTreeMap<String, u8>>(
        "a: 1\nb: 2\n\"a\": 3\na: 4\n",
        expect![[r#"
        p.yaml:3:1: `a` is given twice; keep one
        p.yaml:4:1: `a` is given twice; keep one
    "#]],
    );
}

#[test]
fn what_could_expand_or_run_is_refused() {
    check::<BTreeMap<String, Vec<String>>>(
        "a: &a [x]\nb: *a\nc: *nowhere\nd:\n  - !secret x\n  - !!str 5\n",
        expect![[r#"
            p.yaml:1:7: anchors (`&name`) are not read; write the value out
            p.yaml:2:4: aliases (`*name`) are not read; write the value out
            p.yaml:3:4: aliases (`*name`) are not read; write the value out
            p.yaml:5:13: tags (`!name`) are not read; remove the tag
            p.yaml:6:11: expected text, found the number `5`; put it in quotes
            p.yaml:6:11: tags (`!name`) are not read; remove the tag
        "#]],
    );
    check::<BTreeMap<String, u8>>(
        "a: 1\n<<: {b: 2}\n",
        expect![[r#"
        p.yaml:2:1: merge keys (`<<`) are not read; write the fields out
    "#]],
    );
    check::<BTreeMap<String, u8>>(
        "%YAML 1.2\n---\na: 1\n",
        expect![[r#"
        p.yaml:1:1: not valid YAML: YAML directives are disallowed
    "#]],
    );
    check::<BTreeMap<String, u8>>(
        "a: 1\n---\nb: 2\n",
        expect![[r#"
        p.yaml:2:1: a second document starts here; one file holds one document
    "#]],
    );
    check::<BTreeMap<String, u8>>(
        "? [a, b]\n: 1\n",
        expect![[r#"
        p.yaml:1:3: a key must be plain text
    "#]],
    );
}

#[test]
fn syntax_errors_have_a_place() {
    check::<Playbook>(
        "id: x\nname: 'open\n",
        expect![[r#"
        p.yaml:3:1: not valid YAML: invalid indentation in multiline quoted scalar
    "#]],
    );
    check::<Playbook>(
        "id: x\n  name: y\n",
        expect![[r#"
        p.yaml:2:7: not valid YAML: mapping values are not allowed in this context
    "#]],
    );
    check::<Playbook>(
        "id: [a, b\n",
        expect![[r#"
        p.yaml:1:5: not valid YAML: unclosed bracket '['
    "#]],
    );
    check::<Playbook>(
        "\tid: a\n",
        expect![[r#"
        p.yaml:1:2: the field `name` is missing
    "#]],
    );
    check::<Playbook>(
        "",
        expect![[r#"
        p.yaml:1:1: the file is empty
    "#]],
    );
    check::<Playbook>(
        "# nothing\n",
        expect![[r#"
        p.yaml:1:1: the file is empty
    "#]],
    );
    check::<Playbook>(
        "just text",
        expect![[r#"
        p.yaml:1:1: expected a mapping, found the text `just text`
    "#]],
    );
}

#[test]
fn a_billion_laughs_cost_nothing() {
    let mut text = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for level in 1..40 {
        let one = format!("*a{}", level - 1);
        text.push_str(&format!("a{level}: &a{level} [{}]\n", vec![one; 9].join(", ")));
    }
    let (value, problems) = read::<BTreeMap<String, serde::de::IgnoredAny>>("p.yaml", &text);
    assert!(value.is_none());
    assert_eq!(problems.len(), MAX_PROBLEMS);
    assert_eq!(problems[0].to_string(), "p.yaml:1:9: anchors (`&name`) are not read; write the value out");
}

#[test]
fn nesting_size_and_count_are_bounded() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let (value, _) = read::<serde::de::IgnoredAny>("p.yaml", &nested(MAX_DEPTH));
    assert!(value.is_some());
    check::<serde::de::IgnoredAny>(
        &nested(MAX_DEPTH + 1),
        expect![[r#"
        p.yaml:1:65: nested too deeply; at most 64 levels are read
    "#]],
    );
    let (value, problems) = read::<serde::de::IgnoredAny>("p.yaml", &nested(500_000));
    assert!(value.is_none());
    assert_eq!(problems.len(), 1);

    let block: String = (0..200).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    check::<serde::de::IgnoredAny>(
        &block,
        expect![[r#"
        p.yaml:65:65: nested too deeply; at most 64 levels are read
    "#]],
    );
    check::<serde::de::IgnoredAny>(
        &format!("a: \"{}\"\n", "x".repeat(MAX_SCALAR_BYTES + 1)),
        expect![[r#"
        p.yaml:1:4: a text of 65537 bytes; at most 65536 are read
    "#]],
    );
    check::<serde::de::IgnoredAny>(
        &format!("a: {}\n", "x".repeat(MAX_BYTES)),
        expect![[r#"
        p.yaml:1:1: the file has 1048580 bytes; at most 1048576 are read
    "#]],
    );
    check::<serde::de::IgnoredAny>(
        &"- 1\n".repeat(MAX_NODES + 1),
        expect![[r#"
        p.yaml:100001:3: too many values; at most 100000 are read
    "#]],
    );
}

#[test]
fn a_file_of_faults_ends_early() {
    let (_, problems) = read::<Vec<u8>>("p.yaml", &"- x\n".repeat(50_000));
    assert_eq!(problems.len(), MAX_PROBLEMS);
    assert_eq!((problems[0].line, problems[MAX_PROBLEMS - 1].line), (1, 64));
}

#[test]
fn an_offset_in_a_text_points_into_the_file() {
    let text = "\
- a == bb
- 'it''s == bb'
- \"a\\t\\\"== bb\"
- äö == bb
- |
  a == bb
- a ==
  bb
";
    let texts: Vec<Spanned<String>> = good(text);
    let places: Vec<String> = texts
        .iter()
        .map(|text| text.problem("p.yaml", text.find("bb").expect("bb"), "unknown").to_string())
        .collect();
    expect![[r#"
        p.yaml:1:8: unknown
        p.yaml:2:13: unknown
        p.yaml:3:12: unknown
        p.yaml:4:9: unknown
        p.yaml:6:3: unknown
        p.yaml:7:3: unknown"#]]
    .assert_eq(&places.join("\n"));
}

#[test]
fn a_placed_value_compares_and_prints_as_its_value() {
    let placed: Vec<Spanned<u8>> = good("[7, 7]");
    assert_eq!(placed[0], placed[1]);
    assert_ne!(placed[0].position(), placed[1].position());
    assert_eq!(placed[0], Spanned::without_position(7));
    assert_eq!(placed[0].to_string(), "7");
    assert_eq!(placed[0].problem_here("q.yaml", "odd").to_string(), "q.yaml:1:2: odd");
}

#[test]
fn the_nearest_name_is_a_plausible_slip() {
    let known = ["name", "timeout", "retry", "on_failure"];
    assert_eq!(nearest("nmae", known), Some("name"));
    assert_eq!(nearest("timeuot", known), Some("timeout"));
    assert_eq!(nearest("on_fail", known), None);
    assert_eq!(nearest("Name", known), Some("name"));
    assert_eq!(nearest("quorum", known), None);
    assert_eq!(nearest("", known), None);
    assert_eq!(nearest(&"x".repeat(10_000), known), None);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_without_panic(text in "[-:\\[\\]{}'\"|>&*!#a-c0-9.,~ \n\t%?ä]{0,80}") {
        let _ = read::<Playbook>("p.yaml", &text);
        let _ = read::<BTreeMap<String, Vec<Spanned<String>>>>("p.yaml", &text);
    }

    #[test]
    fn problems_point_into_the_file(text in "(id|name|stages|- id|  exit): ?[a-z0-9\\[{]{0,4}\n{1,3}") {
        let (_, problems) = read::<Playbook>("p.yaml", &text);
        let lines = u32::try_from(text.lines().count()).expect("short");
        for problem in problems {
            prop_assert!(problem.line >= 1 && problem.line <= lines + 1, "{problem}");
        }
    }
}
