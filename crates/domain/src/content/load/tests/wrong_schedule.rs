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
    check(&[("schedule.yaml", text)], expect![[""]]);
    let text = "routines:\n  - { id: one, name: One, review: everything, every: hour, owner: a, due: 8h, asks: Look }\n";
    check(&[("schedule.yaml", text)], expect![[""]]);
}

#[test]
fn heads() {
    let head = "status: done\n";
    let text = PLAYBOOK.replacen("version:", &format!("{head}version:"), 1);
    check(&[("playbooks/validator_compromise.yaml", &text)], expect![[""]]);
    let head = "owner: ''\nreviewers: [a, a]\ncreated: yesterday\nupdated: 2026-01-02\n";
    let text = PLAYBOOK.replacen("version:", &format!("{head}version:"), 1);
    check(&[("playbooks/validator_compromise.yaml", &text)], expect![[""]]);
    let head = "criticality: high\ncreated: 2026-01-03\nupdated: 2026-01-02\n";
    let text = PLAYBOOK.replacen("version:", &format!("{head}version:"), 1);
    check(&[("playbooks/validator_compromise.yaml", &text)], expect![[""]]);
}

#[test]
fn exercises_courses_and_statements() {
    let table = "kind: tabletop\nname: A\ninjects:\n  - { at: 10m, says: One, asks: [Who?] }\n  - { at: 5m, says: '', asks: [] }\n";
    check(&[("drills/a.yaml", table)], expect![[""]]);
    let call = "kind: communication\nname: A\nreach: []\nwithin: 1s\n";
    check(&[("drills/a.yaml", call)], expect![[""]]);
    check(&[("drills/a.yaml", "kind: tabletops\n")], expect![[""]]);
    let text = "courses:\n  - { id: A, name: A, about: '', who: [], valid: 1s }\n";
    check(&[("training.yaml", text)], expect![[""]]);
    let text = "statements:\n  - { kind: media, name: M, template: nothing, approval: { quorum: 0, roles: [], expires: 1s } }\n";
    check(&[("statements.yaml", text)], expect![[""]]);
}
