//! The summaries of both test runners, in every shape that they print.

use super::Tally;

fn check(lines: &[&str], expect: &str) {
    let mut tally = Tally::default();
    lines.iter().for_each(|line| tally.read(line));
    assert_eq!(tally.to_string(), expect, "{lines:?}");
}

#[test]
fn reads_the_closing_line_of_nextest() {
    check(&["     Summary [   0.012s] 5 tests run: 5 passed, 0 skipped"], "5 passed, 0 failed");
    check(&["     Summary [   9.100s] 1 test run: 1 passed (1 slow), 2 skipped"], "1 passed, 0 failed");
    check(
        &["     Summary [  61.3s] 9 tests run: 5 passed, 2 failed, 1 timed out, 1 exec failed, 3 skipped"],
        "5 passed, 4 failed",
    );
    check(&["     Summary [   2.0s] 3/7 tests run: 2 passed, 1 failed, 0 skipped"], "2 passed, 1 failed");
}

#[test]
fn adds_up_the_binaries_of_libtest() {
    check(
        &[
            "running 3 tests",
            "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
            "test result: FAILED. 4 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        ],
        "7 passed, 1 failed",
    );
}

#[test]
fn other_lines_count_nothing() {
    check(
        &["", "PASS [ 0.1s] store it::append", "12 passed, 3 failed", "Summary of it all"],
        "0 passed, 0 failed",
    );
}
