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
    wrong(
        path,
        "regulated: [data_breach,",
        "regulated: [data_breech,",
        expect![[r#"
        escalation.yaml:55:15: unknown incident type `data_breech`; did you mean `data_breach`?
    "#]],
    );
    wrong(
        path,
        "exposed_kinds: [endpoint]",
        "exposed_kinds: [endpoints]",
        expect![[r#"
        escalation.yaml:57:19: unknown kind of target `endpoints`; did you mean `endpoint`?
    "#]],
    );
    wrong(
        path,
        "id: time_is_over",
        "id: response_fails",
        expect![[r#"
        escalation.yaml:86:11: the rule `response_fails` is already defined at escalation.yaml:66:11; rename one
    "#]],
    );
    wrong(
        path,
        "when: factors.overdue &&",
        "when: factors.late &&",
        expect![[r#"
        escalation.yaml:87:20: unknown field of factors `late`; known are `acknowledged`, `blocked`, `complexity`, `contained`, `effectiveness`, `exposed`, `failed`, `impact`, `overdue`, `regulated`, `severity`
    "#]],
    );
    wrong(
        path,
        "when: factors.overdue &&",
        "when: factors.impact &&",
        expect![[r#"
        escalation.yaml:87:13: an operand of `&&` must be bool, but is int
    "#]],
    );
}

#[test]
fn rules_engage_levels_that_there_are() {
    let path = "escalation.yaml";
    wrong(
        path,
        "      after: 5m\n      level: 2",
        "      after: 5m\n      level: 1",
        expect![[r#"
        escalation.yaml:75:14: level 1 is none to go up to; use 2 to 4
    "#]],
    );
    wrong(
        path,
        "      after: 5m\n",
        "      after: 900d\n",
        expect![[r#"
        escalation.yaml:74:14: the time of 900d is out of bounds; use 1s to 30d
    "#]],
    );
    wrong(
        path,
        "urgency: immediate",
        "urgency: now",
        expect![[r#"
        escalation.yaml:101:16: unknown value `now`; expected one of `normal`, `high`, `immediate`
    "#]],
    );
    wrong(
        path,
        "      improvement: More people and another plan\n",
        "",
        expect![[r#"
        escalation.yaml:86:7: the field `improvement` is missing
    "#]],
    );
    wrong(
        path,
        "    improvement: Somebody has it, and simple repairs begin\n",
        "    improves: much\n",
        expect![[r#"
            escalation.yaml:15:5: unknown field `improves`; expected one of `title`, `teams`, `acknowledge`, `capabilities`, `includes_lower`, `specialists`, `improvement`, `criteria`
            policies/duties.cedar:25:42: unknown Capability `business_decisions`; none is defined
            policies/duties.cedar:35:42: unknown Capability `external_communications`; none is defined
        "#]],
    );
}

#[test]
fn specialists_are_people_for_something() {
    let path = "teams.yaml";
    wrong(
        path,
        "contacts: [blockchain_specialist]",
        "contacts: [blockchain_specialists]",
        expect![[r#"
        teams.yaml:56:16: unknown contact `blockchain_specialists`; did you mean `blockchain_specialist`?
    "#]],
    );
    wrong(
        path,
        "contacts: [blockchain_specialist]",
        "contacts: []",
        expect![[r#"
        teams.yaml:56:15: nobody is named; list `contacts`, or leave the entry out
    "#]],
    );
    wrong(
        path,
        "  - types: [data_breach, privacy_breach]\n    contacts",
        "  - contacts",
        expect![[r#"
        teams.yaml:61:15: the entry is for nothing; name `types` or `categories`
    "#]],
    );
    wrong(
        path,
        "types: [data_breach, privacy_breach]",
        "types: [data_breach, data_breach]",
        expect![[r#"
            teams.yaml:61:26: the type `data_breach` is already defined at teams.yaml:61:13; rename one
            teams.yaml:61:26: the type `data_breach` is listed twice; remove one
        "#]],
    );
    wrong(
        path,
        "categories: [ai_security]",
        "categories: [ai]",
        expect![[r#"
        teams.yaml:64:18: unknown category `ai`; known: `ai_security`, `application`, `blockchain`, `infrastructure`, `security`
    "#]],
    );
    wrong(
        path,
        "categories: [ai_security]",
        "categories: [security]",
        expect![[r#"
        teams.yaml:64:18: the category `category security` is already defined at teams.yaml:58:18; rename one
    "#]],
    );
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
