//! Wrong steps that hold others.

use expect_test::{Expect, expect};

use super::{PLAYBOOK, check};

fn wrong(steps: &str, expect: Expect) {
    check(&[("playbooks/validator_compromise.yaml", &format!("{PLAYBOOK}{steps}"))], expect);
}

#[test]
fn switches() {
    wrong(
        "      - id: how
        switch:
          - { case: a, when: incident.nothing, steps: [] }
          - { case: a, when: 'true', steps: [{ id: isolate, manual: Twice }] }
          - { case: otherwise, when: 'true', steps: [] }
        rounds: 3
",
        expect![[r#"
            playbooks/validator_compromise.yaml:16:11: say with `otherwise` what is done when no case holds; `[]` is nothing
            playbooks/validator_compromise.yaml:16:38: unknown field of incident `nothing`; known are `id`, `severity`, `title`, `type`
            playbooks/validator_compromise.yaml:17:21: the case `a` is there already; rename one
            playbooks/validator_compromise.yaml:17:52: the step `isolate` is already defined at playbooks/validator_compromise.yaml:11:13; rename one
            playbooks/validator_compromise.yaml:18:21: the case `otherwise` is there already; rename one
            playbooks/validator_compromise.yaml:19:17: `rounds` belongs to `while`, but this step is `switch`; remove it
        "#]],
    );
}

#[test]
fn loops() {
    wrong(
        "      - id: again
        while: steps.isolate
        steps: []
      - id: deep
        while: 'true'
        rounds: 100
        steps:
          - id: deeper
            while: 'true'
            rounds: 100
            steps: [{ id: a, wait: { for: 1s } }]
      - { id: never, while: 'true', rounds: 101, steps: [{ id: b, wait: { for: 1s } }] }
",
        expect![[r#"
            playbooks/validator_compromise.yaml:15:16: the expression must be bool, but is step
            playbooks/validator_compromise.yaml:15:16: the loop has no bound; add `rounds`, 1 to 100
            playbooks/validator_compromise.yaml:16:16: the loop has no step; add one
            playbooks/validator_compromise.yaml:23:21: with the loops around it this may begin 10100 steps; at most 2000: use fewer rounds or fewer steps
            playbooks/validator_compromise.yaml:25:45: 101 rounds is out of bounds; use 1 to 100
        "#]],
    );
}

#[test]
fn a_condition_that_is_too_dear_for_its_loop() {
    wrong(
        "      - id: again
        while: steps.again.rounds < 3
        rounds: 20
        steps:
          - id: inner
            while: containments.exists(c, c.verb == 'node.isolate' && !c.verified)
            rounds: 40
            steps: [{ id: a, wait: { for: 1s } }]
      - id: once
        switch:
          - case: deep
            when: containments.all(c, containments.exists(d, d.target == c.target && d.verb != c.verb))
            steps: []
        otherwise: []
",
        expect![[r#"
            playbooks/validator_compromise.yaml:19:20: over all rounds of the loops this may cost 11481640; at most 5000000: use fewer rounds or a simpler expression
            playbooks/validator_compromise.yaml:25:19: the expression may cost 21003002 steps with lists of 1000; at most 1000000 are allowed
        "#]],
    );
}

#[test]
fn branches() {
    wrong(
        "      - id: both
        parallel:
          One: [{ id: a, manual: A }]
          two: []
        rounds: 2
      - id: alone
        parallel: { one: [{ id: b, decision: Out?, options: { x: { goto: end }, y: { goto: c, steps: [] } } }, { id: c, manual: C }] }
      - { id: end, manual: End }
",
        expect![[r#"
            playbooks/validator_compromise.yaml:16:16: the branch `One` must be lower-case letters, digits and _
            playbooks/validator_compromise.yaml:17:16: the branch `two` has no step; add one
            playbooks/validator_compromise.yaml:18:17: `rounds` belongs to `while`, but this step is `parallel`; remove it
            playbooks/validator_compromise.yaml:20:19: there are 1 branches; use 2 to 16
            playbooks/validator_compromise.yaml:20:74: step `end` is not one of the steps around this one; a choice never leads into other steps, nor out of a `while` or a `parallel`
            playbooks/validator_compromise.yaml:20:102: an option has either `steps` or `goto`; remove one
        "#]],
    );
}

#[test]
fn choices_that_lead_where_they_must_not() {
    wrong(
        "      - id: ask
        decision: Where?
        options:
          into: { goto: inner }
          beyond: { steps: [{ id: ask_more, decision: And?, options: { on: { goto: end }, stay: {} } }] }
      - id: again
        while: 'true'
        rounds: 2
        steps: [{ id: inner, decision: Out?, options: { x: { goto: end }, y: { goto: last } } }]
      - { id: end, manual: End }
  - id: last
    steps: [{ id: z, manual: Z }]
",
        expect![[r#"
            playbooks/validator_compromise.yaml:17:25: step `inner` is not one of the steps around this one; a choice never leads into other steps, nor out of a `while` or a `parallel`
            playbooks/validator_compromise.yaml:22:68: step `end` is not one of the steps around this one; a choice never leads into other steps, nor out of a `while` or a `parallel`
            playbooks/validator_compromise.yaml:22:86: `last` is outside; a choice never leads into other steps, nor out of a `while` or a `parallel`
        "#]],
    );
}

#[test]
fn too_deep() {
    let mut steps = "{ id: s7, manual: Deep }".to_owned();
    for level in (0..7).rev() {
        steps = format!("{{ id: s{level}, while: 'true', rounds: 1, steps: [{steps}] }}");
    }
    wrong(
        &format!("      - {steps}\n"),
        expect![[r#"
        playbooks/validator_compromise.yaml:14:279: step `s6` stands inside of 6 others; at most 6
    "#]],
    );
}
