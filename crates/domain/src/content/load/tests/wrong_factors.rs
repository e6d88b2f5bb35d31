//! `factors` of `escalation.yaml` and `specialists` of `teams.yaml` in each way to be wrong.

use expect_test::{Expect, expect};

use super::{super::load, shown};
use crate::scene::all_shipped;

/// The problems of the shipped folder after replacing a text that stands in the file exactly once.
fn wrong(path: &str, from: &str, to: &str, expect: Expect) {
    let mut files = all_shipped();
    let text = files.get_mut(path).unwrap();
    assert_eq!(text.matches(from).count(), 1, "`{from}` must stand in {path} once");
    *text = text.replace(from, to);
    expect.assert_eq(&shown(&files));
}

#[test]
fn factors_name_what_there_is() {
    let path = "escalation.yaml";
    wrong(path, "regulated: [data_breach,", "regulated: [data_breech,", expect![[r#""#]]);
    wrong(path, "exposed_kinds: [endpoint]", "exposed_kinds: [endpoints]", expect![[r#""#]]);
    wrong(path, "id: time_is_over", "id: response_fails", expect![[r#""#]]);
    wrong(path, "when: factors.overdue &&", "when: factors.late &&", expect![[r#""#]]);
    wrong(path, "when: factors.overdue &&", "when: factors.impact &&", expect![[r#""#]]);
    wrong(path, "      after: 5m\n      level: 2", "      after: 5m\n      level: 1", expect![[r#""#]]);
    wrong(path, "      after: 5m\n", "      after: 900d\n", expect![[r#""#]]);
    wrong(path, "urgency: immediate", "urgency: now", expect![[r#""#]]);
    wrong(path, "      improvement: More people and another plan\n", "", expect![[r#""#]]);
    wrong(
        path,
        "    improvement: Somebody has it, and simple repairs begin\n",
        "    improves: much\n",
        expect![[r#""#]],
    );
}

#[test]
fn specialists_are_people_for_something() {
    let path = "teams.yaml";
    wrong(path, "contacts: [blockchain_specialist]", "contacts: [blockchain_specialists]", expect![[r#""#]]);
    wrong(path, "contacts: [blockchain_specialist]", "contacts: []", expect![[r#""#]]);
    wrong(path, "  - types: [data_breach, privacy_breach]\n    contacts", "  - contacts", expect![[r#""#]]);
    wrong(
        path,
        "types: [data_breach, privacy_breach]",
        "types: [data_breach, data_breach]",
        expect![[r#""#]],
    );
    wrong(path, "categories: [ai_security]", "categories: [ai]", expect![[r#""#]]);
    wrong(path, "categories: [ai_security]", "categories: [security]", expect![[r#""#]]);
}

#[test]
fn a_folder_without_them_has_none() {
    let mut files = all_shipped();
    for (path, from) in [("escalation.yaml", "factors:\n"), ("teams.yaml", "specialists:\n")] {
        let text = files.get_mut(path).unwrap();
        let cut = text.find(from).unwrap();
        text.truncate(cut);
    }
    let (content, problems) = load(&files);
    assert_eq!(problems, []);
    assert!(content.people.factors.rules.is_empty() && content.people.specialists.is_empty());
}
