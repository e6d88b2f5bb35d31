//! The language: values of expressions, and the problems of those that are not well-formed or well-typed.

use expect_test::expect;

use super::*;

#[test]
fn arithmetic_is_checked() {
    table(expect![[r#"
            1 + 2 * 3 => 7
            (1 + 2) * 3 => 9
            7 / 2 => 3
            -7 / 2 => -3
            -7 % 3 => -1
            7 - 2 - 1 => 4
            100 / 10 / 5 => 2
            -9223372036854775808 => -9223372036854775808
            --5 => 5
            -(-5) => 5
            -x => -7
            0x1F => 31
            1.5e3 => 1500.0
            .5 + d => 3.0
            d / 0.0 => inf
            -d => -2.5
            9223372036854775807 + 1 => error at 0: the result is out of range
            -9223372036854775808 - 1 => error at 0: the result is out of range
            9223372036854775807 * 2 => error at 0: the result is out of range
            -(-9223372036854775808) => error at 0: the result is out of range
            -9223372036854775808 / -1 => error at 0: the result is out of range
            -9223372036854775808 % -1 => error at 0: the result is out of range
            x / y => error at 0: division by zero
            x % 0 => error at 0: division by zero
            9223372036854775808 => 0..19: this number does not fit in 64 bits
            18446744073709551616 => 0..20: `18446744073709551616` is not a number this language can hold
            1e999 => 0..5: `1e999` is not a number this language can hold
            1u => 0..2: unsigned numbers are not supported; leave out the `u`
            12ab => 0..4: `12ab` is not a number this language can hold
            5.0 % 2.0 => 0..9: `%` does not take double and double
            1 + 1.0 => 0..7: `+` does not take int and double
        "#]]);
}

#[test]
fn precedence_follows_the_language_definition() {
    table(expect![[r#"
            true || false && false => true
            (true || false) && false => false
            !true || true => true
            !(true || true) => false
            !!yes => true
            1 + 1 == 2 && 2 * 2 != 5 => true
            1 < 2 == true => true
            true ? 1 : false ? 2 : 3 => 1
            false ? 1 : false ? 2 : 3 => 3
            1 + 2 in [3] => true
            x > 5 ? "big" : "small" => "big"
            -x + 1 < 0 => true
            !yes == false => true
        "#]]);
}

#[test]
fn strings_have_escapes_and_code_points() {
    table(expect![[r#"
            "a" + 'b' => "ab"
            '\x41\u00e4\U0001F600\101\n' => "Aä😀A\n"
            r"\n" => "\\n"
            '''it's''' => "it's"
            size("Größe ☃") => 7
            "\"" == '"' => true
            'a' < 'b' => true
            s.contains("ex") => true
            s.startsWith("te") && s.endsWith("xt") => true
            s.size() => 4
            '\q' => 1..3: this escape is not known
            '\ud800' => 1..7: this escape is not known
            '\x4' => 1..3: this escape is not known
            'open => 0..5: this string has no end
            'two⏎lines' => 0..5: this string has no end
            b'bytes' => 0..1: this string prefix is not known; only `r` is
            f'{x}' => 0..1: this string prefix is not known; only `r` is
            s.matches("(a+)+$") => 0..19: `matches` is not supported; use `contains`, `startsWith` or `endsWith`
            s.contains(1) => 11..12: the argument of `contains` must be string, but is int
            x.contains("1") => 0..1: what `contains` is called on must be string, but is int
            "a" - "b" => 0..9: `-` does not take string and string
        "#]]);
}

#[test]
fn a_deciding_operand_wins_over_an_error() {
    table(expect![[r#"
            fault && false => false
            false && fault => false
            fault || true => true
            true || fault => true
            fault && true => error at 0: the variable `fault` is not bound
            true && fault => error at 8: the variable `fault` is not bound
            fault || false => error at 0: the variable `fault` is not bound
            x / y == 1 || yes => true
            yes && x / y == 1 => error at 7: division by zero
            !(x / y == 1) => error at 2: division by zero
            yes ? 1 : x / y => 1
            yes ? x / y : 1 => error at 6: division by zero
            numbers.exists(n, 6 / (n - 3) < 0) => true
            numbers.exists(n, 6 / (n - 3) > 0) => error at 18: division by zero
            numbers.all(n, 6 / (n - 3) > 0) => false
            numbers.all(n, 6 / (n - 3) < 0) => error at 15: division by zero
            numbers.exists_one(n, 6 / (n - 3) < -5) => error at 22: division by zero
        "#]]);
}

#[test]
fn lists_and_macros() {
    table(expect![[r#"
            numbers.filter(n, n > 1) => [3, 2]
            numbers.map(n, n * n) => [9, 1, 4]
            numbers.exists_one(n, n == 2) => true
            size(numbers) => 3
            numbers.filter(n, n > 1).map(n, n + 1) => [4, 3]
            [] == numbers => false
            numbers == [] => false
            [] + numbers => [3, 1, 2]
            yes ? [] : numbers => []
            size([]) => 5..7: an empty list here has no type; ask with `size(…) == 0`
            [].all(n, true) => 0..2: an empty list here has no type; ask with `size(…) == 0`
            [1, 2][1] => 2
            numbers[3] => error at 0: the index 3 is outside a list of 3
            numbers[-1] => error at 0: the index -1 is outside a list of 3
            [[1], [2, 3]].map(l, l.size()) => [1, 2]
            2 in numbers => true
            2 in [] => false
            [1, 2,] => [1, 2]
            [1, 'a', true] => 4..7: every element of the list must be int, but is string; 9..13: every element of the list must be int, but is bool
            numbers.map(x, x) == numbers && x == 7 => true
            containments.all(c, c.verified) => false
            containments.filter(c, !c.verified).map(c, c.target) => ["n2"]
            numbers.map(1, 2) => 12..13: `map` takes a plain name first
            numbers.map(n) => 8..11: `map` takes a name and an expression
            labels.all(k, true) => 0..6: `all` runs over lists only, but this is map(string, string)
            x.exists(n, true) => 0..1: `exists` runs over lists only, but this is int
            numbers.filter(n, n) => 18..19: the condition of `filter` must be bool, but is int
            numbers.all(n, m > 1) => 15..16: unknown variable `m`; known are `containments`, `d`, `fault`, `incident`, `labels`, `now`, `numbers`, `risk`, `s`, `steps`, `x`, `y`, …
            [1] + ['a'] => 0..11: `+` does not take list(int) and list(string)
            1 in labels => 0..1: `in` cannot look for int in map(string, string)
            'zone' in labels => true
            1 in 2 => 0..1: `in` cannot look for int in int
        "#]]);
}

#[test]
fn fields_maps_and_functions() {
    table(expect![[r#"
            steps.isolate.applied && steps.isolate.attempts < 3 => true
            steps.revoke.applied => error at 0: the field `revoke` is absent
            has(steps.revoke) => false
            has(steps.isolate.applied) => true
            has(labels.zone) && labels.zone == 'eu' => true
            labels.planet => error at 0: the field `planet` is absent
            labels['zone'] => "eu"
            labels['planet'] => error at 0: the key is absent
            incident.severity >= risk.high => true
            incident.targets('node') => ["n1", "n2"]
            incident.targets('nothing') => error at 0: no such kind of target
            today() => "Saturday"
            incident.targets('node').all(t, t in incident.tags) => false
            incident.severty => 8..16: unknown field of incident `severty`; did you mean `severity`?
            step.isolate => 0..4: unknown variable `step`; did you mean `steps`?
            steps.isolate.aplied && incidnt.severity > y => 13..20: unknown field of step `aplied`; did you mean `applied`?; 24..31: unknown variable `incidnt`; did you mean `incident`?
            incident.target('x') => 0..20: unknown function `target`; did you mean `targets`?
            incident.targets(1) => 17..18: an argument of `targets` must be string, but is int
            incident.targets() => 0..18: `targets` takes 1 arguments, but has 0
            targets('x') => 0..12: `targets` is called on incident, as `x.targets(…)`
            s.targets('x') => 0..1: what `targets` is called on must be incident, but is string
            x.today() => 0..9: `today` is called as `today(…)`
            now.year => 0..8: timestamp has no fields, so no `year`
            labels[1] => 7..8: the index must be string, but is int
            incident[0] => 0..8: incident cannot be indexed; only lists and maps can
            has(x) => 0..6: `has` takes one field, as in `has(incident.owner)`
            has(x.y) => 0..8: int has no fields, so no `y`
            {'a': 1} => 0..1: map literals are not supported
            null => 0..4: there is no null; ask with `has(x.field)`
            incident.title == null => 18..22: there is no null; ask with `has(x.field)`
            for => 0..3: `for` is a reserved word; use another name
            incident.for => 9..12: `for` is a reserved word; use another name
            incident == incident => true
            nonsense() => 0..10: unknown function `nonsense`; known are `size`, `has`, `duration`, `today`
        "#]]);
}

#[test]
fn time_is_arithmetic_on_durations() {
    table(expect![[r#"
            now - incident.opened => 1h 30m
            now - incident.opened > duration('1h') => true
            incident.opened + duration('1h30m') == now => true
            duration('90s') + duration('-1.5ms') => 1m 29s 998ms 500µs
            duration('1h') - duration('30m') => 30m
            duration('0') => 0s
            duration('5 m') => 0..15: `5 m` is not a duration; write `90s`, `5m` or `1h30m`
            duration('5d') => 0..14: `5d` is not a duration; write `90s`, `5m` or `1h30m`
            duration('') => 0..12: `` is not a duration; write `90s`, `5m` or `1h30m`
            duration('9999999999h') => 0..23: `9999999999h` is not a duration; write `90s`, `5m` or `1h30m`
            duration(s) => 0..11: `duration` takes one string literal, as in `duration("5m")`
            now + now => 0..9: `+` does not take timestamp and timestamp
            now * 2 => 0..7: `*` does not take timestamp and int
            duration('1s') * 2 => 0..18: `*` does not take duration and int
            now + duration('2540400h') => 2316-09-12T11:30:00Z
            now < incident.opened => false
        "#]]);
}

#[test]
fn syntax_errors_say_what_was_expected() {
    table(expect![[r#"
            ⏎ => 1..1: expected a value, found the end
            // only a comment => 17..17: expected a value, found the end
            1 + => 3..3: expected a value, found the end
            (1 => 2..2: expected `)`, found the end
            1) => 1..2: expected an operator or the end, found `)`
            [1, 2 => 5..5: expected `]`, found the end
            x y => 2..3: expected an operator or the end, found `y`
            a = b => 2..3: a single `=` is not an operator; write `==`
            a & b => 2..3: a single `&` is not an operator; write `&&`
            a | b => 2..3: a single `|` is not an operator; write `||`
            # => 0..1: `#` does not belong here
            x. => 2..2: expected a field or function name, found the end
            x.1 => 1..3: expected an operator or the end, found `0.1`
            x ? 1 => 5..5: expected `:`, found the end
            size(1,) => 7..8: expected a value, found `)`
            yes⏎&& // why⏎ yes => true
            !-x => 1..2: expected a value, found `-`
            -!yes => 1..2: expected a value, found `!`
            ä => 0..2: `ä` does not belong here
        "#]]);
}

#[test]
fn every_type_problem_is_reported() {
    table(expect![[r#"
        (x && s) || numbers.all(n, n) || nope || 1 == 'a' => 1..2: an operand of `&&` must be bool, but is int; 6..7: an operand of `&&` must be bool, but is string; 27..28: the condition of `all` must be bool, but is int; 33..37: unknown variable `nope`; known are `containments`, `d`, `fault`, `incident`, `labels`, `now`, `numbers`, `risk`, `s`, `steps`, `x`, `y`, …; 46..49: `==` cannot compare int with string
    "#]]);
}

#[test]
fn the_expected_type_is_enforced() {
    let problems = Expr::compile("x + 1", &env(), &Type::Bool).expect_err("an int");
    expect!["at 0: the expression must be bool, but is int"].assert_eq(&problems[0].to_string());
    let empty = Expr::compile("[]", &env(), &Type::list(Type::String)).expect("the type is known");
    assert_eq!(empty.evaluate(&bindings()), Ok(Value::list([])));
}

#[test]
fn an_expression_knows_what_it_reads() {
    let source = "steps.isolate.applied && numbers.all(x, x > y) && has(labels.a)";
    let expr = compile(source).expect("a good expression");
    let reads: Vec<&str> = expr.reads().iter().map(String::as_str).collect();
    assert_eq!(reads, ["labels", "numbers", "steps", "y"]);
    assert_eq!(expr.source(), source);
    assert_eq!(expr.holds(&bindings()), Ok(false));
}

#[test]
fn the_normal_form_is_the_same_expression() {
    let normal = |source: &str| compile(source).expect("a good expression").to_string();
    let source = "((1+2)*3)==9&&!(yes||(yes))?'it\\'s':\"a\\n\"";
    expect![[r#"(1 + 2) * 3 == 9 && !(yes || yes) ? "it's" : "a\n""#]].assert_eq(&normal(source));
    assert_eq!(normal(&normal(source)), normal(source));
}

#[test]
fn unbound_names_and_wrong_kinds_are_errors() {
    let expr = Expr::compile("x > 1", &env(), &Type::Bool).expect("a good expression");
    let outcome = |bindings: &Bindings<'_>| expr.evaluate(bindings).expect_err("no value").to_string();
    assert_eq!(outcome(&Bindings::new()), "the variable `x` is not bound");
    assert_eq!(outcome(&Bindings::new().variable("x", "1 > 0")), "expected a string, got an int");
}
