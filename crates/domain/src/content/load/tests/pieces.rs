//! Pieces that are wrong, called wrongly, or call one another without end.

use expect_test::{Expect, expect};

use super::{PLAYBOOK, check};

const CUT: &str = "id: cut
inputs:
  nodes: { type: names }
  level: { type: text, default: full }
steps:
  - { id: isolate, action: node.isolate, for_each: inputs.nodes, with: { level: { input: level } } }
  - { id: look, wait: { until: steps.isolate.verified, timeout: 1m } }
";

fn calling(steps: &str, piece: &str, expect: Expect) {
    let playbook = format!("{PLAYBOOK}{steps}");
    check(&[("playbooks/validator_compromise.yaml", &playbook), ("pieces/cut.yaml", piece)], expect);
}

#[test]
fn calls() {
    calling(
        "      - { id: a, call: cut, with: { nodes: 'incident.targets(\"node\")' } }\n",
        CUT,
        expect![[""]],
    );
    calling("      - { id: a, call: cut, with: { nodes: [validator-1] } }\n", CUT, expect![[""]]);
    calling(
        "      - { id: a, call: cutt }
      - { id: b, call: cut, with: { nodes: incident.title, levl: full } }
      - { id: c, call: cut, with: { nodes: [1], level: 3 } }
      - { id: d, call: cut, with: { nodes: [], level: half } }
      - { id: e, call: cut, with: { nodes: [] }, for_each: incident.targets('node') }
      - { id: d_look, manual: Look }
",
        CUT,
        expect![[r#"
            playbooks/validator_compromise.yaml:14:24: unknown piece `cutt`; did you mean `cut`?
            playbooks/validator_compromise.yaml:15:44: the expression must be list(string), but is string
            playbooks/validator_compromise.yaml:15:66: unknown input `levl`; did you mean `level`?
            playbooks/validator_compromise.yaml:16:44: the input `nodes` is a list of names, or an expression for one
            playbooks/validator_compromise.yaml:16:56: the input `level` is text
            playbooks/validator_compromise.yaml:17:24: with what is given to the piece `cut`: pieces/cut.yaml:6:81: the argument `level` must be one of full, partial, not "half"
            playbooks/validator_compromise.yaml:18:60: `for_each` belongs to `action`, but this step is `call`; remove it
            playbooks/validator_compromise.yaml:19:15: the step `d_look` is already defined at playbooks/validator_compromise.yaml:17:15; rename one
        "#]],
    );
}

#[test]
fn pieces() {
    calling(
        "      - { id: a, call: cut }\n",
        "id: cut
inputs: { Level: { type: text }, often: { type: integer, default: many } }
roles: [network_lead]
steps:
  - { id: isolate, action: node.isolate, for_each: inputs.nodes, with: { level: { input: levels } } }
  - { id: look, wait: { until: steps.contain.done, timeout: 1m } }
  - { id: ask, decision: Where?, options: { out: { goto: verify }, on: {} } }
",
        expect![[r#"
            pieces/cut.yaml:2:18: the input `Level` must be lower-case letters, digits and _
            pieces/cut.yaml:2:67: the default of `often` is not an integer
            pieces/cut.yaml:5:58: unknown field of inputs `nodes`; known are `Level`, `often`
            pieces/cut.yaml:5:81: unknown input `levels`; did you mean `Level`?
            pieces/cut.yaml:6:37: unknown field of steps `contain`; known are `ask`, `isolate`, `look`
            pieces/cut.yaml:7:58: unknown step or stage `verify`; known: `ask`, `isolate`, `look`
            playbooks/validator_compromise.yaml:14:15: the piece `cut` needs the input `Level`; add it under `with`
            playbooks/validator_compromise.yaml:14:24: the piece `cut` needs the role `network_lead`; add it to `roles`
        "#]],
    );
    calling(
        "      - { id: a, call: cut }\n",
        "id: cut\nroles: [network_lead]\nsteps: [{ id: go, manual: Go, role: network_lead }]\n",
        expect![[r#"
            playbooks/validator_compromise.yaml:14:24: the piece `cut` needs the role `network_lead`; add it to `roles`
        "#]],
    );
    calling(
        "      - { id: a, action: node.isolate, target: x, with: { level: { input: b } } }\n",
        CUT,
        expect![[r#"
            playbooks/validator_compromise.yaml:14:66: only a piece has inputs; write the value
        "#]],
    );
}

#[test]
fn pieces_that_call_themselves() {
    check(
        &[
            ("pieces/a.yaml", "id: a\nsteps: [{ id: to_b, call: b }]\n"),
            ("pieces/b.yaml", "id: b\nsteps:\n  - { id: first, manual: First }\n  - { id: to_a, call: a }\n"),
        ],
        expect![[r#"
            pieces/b.yaml:4:23: a piece must not come to call itself: `a` calls `b` calls `a`
        "#]],
    );
    check(
        &[
            ("pieces/a.yaml", "id: a\nsteps: [{ id: s, call: b }]\n"),
            ("pieces/b.yaml", "id: b\nsteps: [{ id: s, call: c }]\n"),
            ("pieces/c.yaml", "id: c\nsteps: [{ id: s, call: d }]\n"),
            ("pieces/d.yaml", "id: d\nsteps: [{ id: s, call: e }]\n"),
            ("pieces/e.yaml", "id: e\nsteps: [{ id: s, manual: Last }]\n"),
        ],
        expect![[r#"
            pieces/d.yaml:2:24: pieces call one another more than 4 deep; join some
        "#]],
    );
}

#[test]
fn pieces_that_grow_too_large() {
    let many = |call: &str| {
        let steps: String = (0..100).map(|n| format!("  - {{ id: s{n}, {call} }}\n")).collect();
        format!("steps:\n{steps}")
    };
    check(
        &[
            ("pieces/a.yaml", &format!("id: a\n{}", many("manual: Do"))),
            ("pieces/b.yaml", &format!("id: b\n{}", many("call: a"))),
            (
                "pieces/c.yaml",
                "id: c\nsteps: [{ id: w, while: 'true', rounds: 30, steps: [{ id: to, call: a }] }]\n",
            ),
        ],
        expect![[r#"
            pieces/b.yaml:3:3: the piece comes to 10100 steps; at most 512
            pieces/c.yaml:2:59: with the loops around it this may begin 3030 steps; at most 2000: use fewer rounds or fewer steps
        "#]],
    );
}
