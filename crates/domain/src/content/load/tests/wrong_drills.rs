//! Drills that cannot be right, each problem with its place.

use expect_test::expect;

use super::{PLAYBOOK, check};

const DRILL: &str = "
scenario: validator_compromise
playbook: validator_compromise
targets:
  detected: 30s
  first_containment: 30s
  contained: 5s
  verified: 5m
  completed: 30m
  automation_percent: 90
";

#[test]
fn targets() {
    let text = DRILL
        .replace("contained: 5s", "contained: 6m")
        .replace("detected: 30s", "detected: 2d")
        .replace("automation_percent: 90", "automation_percent: 101");
    check(
        &[("drills/a.yaml", &text)],
        expect![[r#"
        drills/a.yaml:5:13: the target of 2d is out of bounds; use 1ms to 1d
        drills/a.yaml:8:13: what is not contained cannot be verified; make this later
        drills/a.yaml:10:23: the automation is 0 to 100 percent
    "#]],
    );
    let text = DRILL.replace("playbook: validator_compromise", "playbook: validator_compromised");
    check(
        &[("drills/a.yaml", &text)],
        expect![[r#"
        drills/a.yaml:3:11: unknown playbook `validator_compromised`; did you mean `validator_compromise`?
    "#]],
    );
    check(
        &[("drills/a.yaml", "scenario: x\nplaybook: validator_compromise\n")],
        expect![[r#"
        drills/a.yaml:1:1: the field `targets` is missing
    "#]],
    );
}

#[test]
fn what_nobody_brings_back_is_not_held_to_a_time() {
    let text = DRILL.replace("  completed: 30m\n", "  completed: 30m\n  recovered: 5m\n");
    check(
        &[("drills/a.yaml", &text)],
        expect![[r#"
        drills/a.yaml:10:14: nobody in the drill has services brought back; give a task `first: recover`
    "#]],
    );
}

#[test]
fn people() {
    let text = format!(
        "{DRILL}people:
  - {{ step: isolat, after: 1s, choose: x }}
  - {{ step: isolate, after: 2m, complete: done }}
  - {{ step: isolate, after: 1s, approve: true }}
  - {{ step: revoke, after: 1s, approve: false }}
  - {{ step: revoke, after: 1s, complete: '' }}
  - {{ step: suspend, after: 1s, choose: x, complete: y }}
"
    );
    check(
        &[("drills/a.yaml", &text)],
        expect![[r#"
        drills/a.yaml:12:13: unknown step `isolat`; did you mean `isolate`?
        drills/a.yaml:13:13: `isolate` is `action`, not `manual`
        drills/a.yaml:13:29: the time to answer of 2m is out of bounds; use 0s to 1m
        drills/a.yaml:14:13: `isolate` has no `approval`; it begins without one
        drills/a.yaml:14:13: `isolate` is answered already; remove one
        drills/a.yaml:15:5: a part has one of `choose`, for a decision, `complete`, for a task, and `approve: true`, for an action
        drills/a.yaml:16:13: unknown step `revoke`; known: `isolate`
        drills/a.yaml:16:42: the note has 1 to 1000 bytes
        drills/a.yaml:17:5: a part has one of `choose`, for a decision, `complete`, for a task, and `approve: true`, for an action
    "#]],
    );
}

#[test]
fn a_drill_of_a_playbook_with_a_problem_adds_none() {
    let broken = PLAYBOOK.replace("action: node.isolate", "action: node.isolat");
    check(
        &[("drills/a.yaml", DRILL), ("playbooks/validator_compromise.yaml", &broken)],
        expect![[r#"
        playbooks/validator_compromise.yaml:12:17: unknown action `node.isolat`; did you mean `node.isolate`?
    "#]],
    );
}
