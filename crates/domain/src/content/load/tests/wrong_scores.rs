//! Scores and their tests that cannot be right, each problem with its place.

use expect_test::expect;

use super::check;

const SCORES: &str = "scores:
  - score: practised
    of: [node.isolate]
    needs: [techniques]
    parts:
      - { signal: techniques.encoding, weight: 0.5 }
      - { signal: attempts, above: 2, weight: 0.125 }
  - score: risk
    of: [node.isolate]
    parts:
      - { share: practised, weight: 0.25 }
";

#[test]
fn scores() {
    check(&[("scores.yaml", SCORES)], expect![""]);
    check(
        &[(
            "scores.yaml",
            "scores:
  - score: Risk
    of: [node.isolat, node.isolate, node.isolate]
    needs: [incident.mood, 'Bad name', 'x.']
    parts:
      - { signal: a, weight: 0 }
      - { signal: a, weight: 1.5 }
      - { signal: a, weight: 0.0001 }
      - { signal: a, above: .nan, weight: 1 }
      - { weight: 0.5 }
      - { signal: a, share: b, weight: 0.5 }
      - { share: later, above: 1, weight: 0.5 }
  - score: later
    of: []
    parts: []
  - score: later
    of: [node.isolate]
    parts: [{ signal: a, weight: 1 }]
",
        )],
        expect![[r#"
            scores.yaml:2:12: the score `Risk` must be lower-case letters, digits and `_`, starting with a letter
            scores.yaml:3:10: unknown action `node.isolat`; did you mean `node.isolate`?
            scores.yaml:3:37: the verb `node.isolate` is listed twice; remove one
            scores.yaml:4:13: unknown signal `incident.mood`; known: `incident.alerts`, `incident.confidence`, `incident.indicators`, `incident.severity`, `incident.targets`, `incident.techniques`
            scores.yaml:4:28: `Bad name` is no signal; write such as `attempts` or `techniques.encoding`
            scores.yaml:4:40: `x.` is no signal; write such as `attempts` or `techniques.encoding`
            scores.yaml:6:30: 0 is no weight; use 0.001 to 1 with at most three decimals
            scores.yaml:7:30: 1.5 is no weight; use 0.001 to 1 with at most three decimals
            scores.yaml:8:30: 0.0001 is no weight; use 0.001 to 1 with at most three decimals
            scores.yaml:9:29: the bound is no number
            scores.yaml:10:19: a part has either `signal` or `share`
            scores.yaml:11:40: a part has either `signal` or `share`
            scores.yaml:12:18: unknown score `later`; none is defined; a share is of a score above this one
            scores.yaml:12:32: a share has no bound; leave `above` out
            scores.yaml:13:12: no verb gives this score; name the actions whose answers do in `of`
            scores.yaml:15:12: a score has 1 to 50 parts
            scores.yaml:16:12: the score `later` is already defined at scores.yaml:13:12; rename one
        "#]],
    );
    check(
        &[("scores.yaml", "scores: [{ score: a, of: [node.isolate], parts: [{ signal: a, weigth: 1 }] }]\n")],
        expect![[r#"
            scores.yaml:1:50: the field `weight` is missing
            scores.yaml:1:63: unknown field `weigth`; did you mean `weight`?
        "#]],
    );
}

#[test]
fn tests_of_scores() {
    check(
        &[("scores.test.yaml", "tests: [{ name: a, signals: {}, expect: {} }]\n")],
        expect![[r#"
            scores.test.yaml:0:0: tests `scores.yaml`, which is not there; name the test after the file it tests
        "#]],
    );
    check(
        &[
            ("scores.yaml", SCORES),
            (
                "scores.test.yaml",
                "tests:
  - name: it adds up
    signals: { techniques: 1, techniques.encoding: 1, attempts: 3 }
    expect: { practised: 0.625, risk: 0.156 }
  - name: it does not
    signals: { techniques: 1, attempts: 2 }
    expect: { practised: 0.125, rsk: 0 }
    none: [risk]
  - name: nothing to make it of
    signals: { attempts: 3 }
    expect: { risk: 0 }
    none: [practised]
",
            ),
        ],
        expect![[r#"
            scores.test.yaml:7:26: test `it does not`: got practised 0 = nothing speaks for it, expected 0.125
            scores.test.yaml:7:38: unknown score `rsk`; did you mean `risk`?
            scores.test.yaml:8:12: test `it does not`: got risk 0 = nothing speaks for it, expected none
            scores.test.yaml:11:21: test `nothing to make it of`: `risk` cannot be made of these signals
        "#]],
    );
}
