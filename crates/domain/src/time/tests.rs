//! Spans and points as text and as numbers.

use super::{Span, Timestamp};

#[test]
fn spans_read_and_show() {
    for (text, micros, shown) in [
        ("500ms", 500_000, "500ms"),
        ("10s", 10_000_000, "10s"),
        ("1h30m", 5_400_000_000, "1h30m"),
        ("90m", 5_400_000_000, "1h30m"),
        ("7d", 604_800_000_000, "7d"),
        ("0s", 0, "0s"),
    ] {
        let span: Span = text.parse().unwrap();
        assert_eq!((span.0, span.to_string().as_str()), (micros, shown), "{text}");
    }
    for wrong in ["", "5", "s", "5x", "-5s", "1h 30m", "99999999999999999999s", "9999999999999d", "½s"] {
        assert!(wrong.parse::<Span>().is_err(), "{wrong}");
    }
}

#[test]
fn points_add_subtract_and_saturate() {
    let at = Timestamp(10);
    assert_eq!(at.plus(Span(5)).since(at), Span(5));
    assert_eq!(at.since(at.plus(Span(5))), Span(0));
    assert_eq!(Timestamp::MAX.plus(Span(1)), Timestamp::MAX);
    assert_eq!("2027-01-15T08:00:00Z".parse::<Timestamp>().unwrap().to_string(), "2027-01-15T08:00:00Z");
}
