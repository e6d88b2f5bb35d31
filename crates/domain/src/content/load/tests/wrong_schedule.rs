//! Schedules and heads of procedures that cannot be right, each problem with its place.

use expect_test::expect;

use super::{PLAYBOOK, check};

#[test]
fn routines() {
    let text = "
routines:
  - { id: One, name: One, review: procedures, every: day, owner: a, due: 8h, asks: Look }
  - { id: two, name: '', every: day, at: '25:00', owner: a, due: 1s, asks: Look }
  - { id: two, name: Two, review: procedures, drill: x, every: week, owner: a, due: 8h, remind: soon, asks: '' }
  - { id: three, name: Three, drill: nowhere, every: quarter, owner: a, due: 8h, asks: Hold it }
";
    check(
        &[("schedule.yaml", text)],
        expect![[r#"
        schedule.yaml:3:11: the routine `One` must be lower-case letters, digits and `_`, starting with a letter
        schedule.yaml:4:11: the routine `two` has one of `review` and `drill`
        schedule.yaml:4:22: the name is empty; write what people should read
        schedule.yaml:4:42: `25:00` is not a time of day such as "09:00"
        schedule.yaml:4:66: the time of 1s is out of bounds; use 1m to 120d
        schedule.yaml:5:11: the routine `two` has one of `review` and `drill`
        schedule.yaml:5:11: the routine `two` is already defined at schedule.yaml:4:11; rename one
        schedule.yaml:5:97: the reminder: `soon` is not a duration such as 500ms, 10s, 15m, 4h, 7d or 1h30m
        schedule.yaml:5:109: say in 1 to 2000 bytes what is to be done
    "#]],
    );
    let text = "routines:\n  - { id: one, name: One, review: everything, every: hour, owner: a, due: 8h, asks: Look }\n";
    check(
        &[("schedule.yaml", text)],
        expect![[r#"
        schedule.yaml:2:35: unknown value `everything`; expected one of `procedures`, `responses`, `recoveries`, `framework`, `metrics`
        schedule.yaml:2:54: unknown value `hour`; expected one of `day`, `week`, `month`, `quarter`
    "#]],
    );
}

#[test]
fn heads() {
    let head = "status: done\n";
    let text = PLAYBOOK.replacen("version:", &format!("{head}version:"), 1);
    check(
        &[("playbooks/validator_compromise.yaml", &text)],
        expect![[r#"
        playbooks/validator_compromise.yaml:3:9: unknown value `done`; expected one of `draft`, `review`, `active`, `retired`
    "#]],
    );
    let head = "owner: ''\nreviewers: [a, a]\ncreated: yesterday\nupdated: 2026-01-02\n";
    let text = PLAYBOOK.replacen("version:", &format!("{head}version:"), 1);
    check(
        &[("playbooks/validator_compromise.yaml", &text)],
        expect![[r#"
        playbooks/validator_compromise.yaml:3:8: the owner is empty; write what people should read
        playbooks/validator_compromise.yaml:4:16: the reviewer `a` is listed twice; remove one
        playbooks/validator_compromise.yaml:5:10: `yesterday` is not a day such as 2026-01-31
    "#]],
    );
    let head = "criticality: high\ncreated: 2026-01-03\nupdated: 2026-01-02\n";
    let text = PLAYBOOK.replacen("version:", &format!("{head}version:"), 1);
    check(
        &[("playbooks/validator_compromise.yaml", &text)],
        expect![[r#"
        playbooks/validator_compromise.yaml:5:10: it was not changed before it was made; correct one of the two
    "#]],
    );
}

#[test]
fn exercises_courses_and_statements() {
    let table = "kind: tabletop\nname: A\ninjects:\n  - { at: 10m, says: One, asks: [Who?] }\n  - { at: 5m, says: '', asks: [] }\n";
    check(
        &[("drills/a.yaml", table)],
        expect![[r#"
        drills/a.yaml:5:11: an inject comes no earlier than the one before it; order them by time
        drills/a.yaml:5:21: the text has 1 to 2000 bytes
        drills/a.yaml:5:31: an inject asks 1 to 10 questions
    "#]],
    );
    let call = "kind: communication\nname: A\nreach: []\nwithin: 1s\n";
    check(
        &[("drills/a.yaml", call)],
        expect![[r#"
        drills/a.yaml:3:8: name 1 to 64 contacts, teams or roles to reach
        drills/a.yaml:4:9: the time to answer of 1s is out of bounds; use 1m to 7d
    "#]],
    );
    check(
        &[("drills/a.yaml", "kind: tabletops\n")],
        expect![[r#"
        drills/a.yaml:1:1: the field `scenario` is missing
        drills/a.yaml:1:7: unknown value `tabletops`; did you mean `tabletop`?
    "#]],
    );
    let text = "courses:\n  - { id: A, name: A, about: '', who: [], valid: 1s }\n";
    check(
        &[("training.yaml", text)],
        expect![[r#"
        training.yaml:2:11: the course `A` must be lower-case letters, digits and `_`, starting with a letter
        training.yaml:2:30: say in 1 to 2000 bytes what it teaches
        training.yaml:2:39: name the contacts, teams or roles that take it
        training.yaml:2:50: the validity of 1s is out of bounds; use 1d to 3660d
    "#]],
    );
    let text = "statements:\n  - { kind: media, name: M, template: nothing, approval: { quorum: 0, roles: [], expires: 1s } }\n";
    check(
        &[("statements.yaml", text)],
        expect![[r#"
        statements.yaml:2:68: the quorum is from 1 to 10
        statements.yaml:2:78: name the roles of whom one has to agree
        statements.yaml:2:91: the time to agree of 1s is out of bounds; use 1m to 1d
    "#]],
    );
}
