//! What data may not do to a terminal, and that tables fit.

use super::{Output, Table, escape, escape_lines, shorten, wrap};

#[test]
fn control_characters_and_marks_of_direction_are_written_out() {
    let check = |input: &str, expect: &str| assert_eq!(escape(input), expect);
    check("validator-3", "validator-3");
    check("Zürich 東京", "Zürich 東京");
    check("\u{1b}[2Jgone", "\\u{1b}[2Jgone");
    check("a\r\nb\tc", "a\\r\\nb\\tc");
    check("\u{202e}cod.exe", "\\u{202e}cod.exe");
    check("\u{9b}31m", "\\u{9b}31m");
    assert_eq!(escape_lines("one\ntwo\u{7}"), "one\ntwo\\u{7}");
}

#[test]
fn long_text_is_cut_where_it_can_be_seen() {
    assert_eq!(shorten("abcdef", 6), "abcdef");
    assert_eq!(shorten("abcdefg", 6), "abcde…");
    assert_eq!(wrap("one two three", 7), ["one two", "three"]);
}

#[test]
fn tables_fit_into_eighty_columns() {
    let mut table = Table::new(&["id", "~title", "~why"]);
    table.row(vec!["INC-1".to_owned(), "t".repeat(70), "w".repeat(40)]);
    let widths = table.widths();
    assert!(widths.iter().sum::<usize>() + 2 * 2 <= 80, "{widths:?}");
    assert_eq!(widths[0], 5);
    assert!(!table.is_empty());
}

#[test]
fn without_a_terminal_nothing_is_coloured() {
    let output = Output { json: false, colour: false, terminal: false };
    assert_eq!(output.shade("critical"), "critical");
    assert!(!output.is_live());
}
