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
