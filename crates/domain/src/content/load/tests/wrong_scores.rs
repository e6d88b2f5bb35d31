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
            scores.yaml:2:12: x
        "#]],
    );
    check(
        &[("scores.yaml", "scores: [{ score: a, of: [node.isolate], parts: [{ signal: a, weigth: 1 }] }]\n")],
        expect![[r#"
            scores.yaml:1:1: x
        "#]],
    );
}

#[test]
fn tests_of_scores() {
    check(
        &[("scores.test.yaml", "tests: [{ name: a, signals: {}, expect: {} }]\n")],
        expect![[r#"
            scores.test.yaml:1:1: x
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
            scores.test.yaml:1:1: x
        "#]],
    );
}
