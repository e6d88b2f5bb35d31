//! Where text ends, and what of it is not shown.

use super::*;

#[test]
fn text_is_cut_between_characters() {
    for (text, most, kept) in
        [("", 3, ""), ("abc", 3, "abc"), ("abcd", 3, "abc"), ("aß", 2, "a"), ("€", 2, "")]
    {
        assert_eq!(cut(text, most), kept);
        assert_eq!(cut_off(text.to_owned(), most), kept);
        let sign = if kept == text { "" } else { "…" };
        assert_eq!(clipped(text.to_owned(), most), format!("{kept}{sign}"));
    }
}

#[test]
fn nothing_harmful_is_shown() {
    let marks = "\u{61c}\u{200b}\u{200e}\u{202e}\u{2028}\u{2066}\u{feff}\u{e0041}\u{1b}\r\u{0}\u{85}";
    assert!(marks.chars().all(is_harmful));
    assert_eq!(shown(marks, true), "\u{fffd}".repeat(marks.chars().count()));
    assert_eq!(shown("a\nß\t€", true), "a\nß\t€");
    assert_eq!(shown("a\nb", false), "a\u{fffd}b");
}
