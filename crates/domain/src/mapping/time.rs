//! Times as monitoring tools write them: RFC 3339 with or without a zone, and numbers since 1970.

use crate::time::Timestamp;

/// Before this a time was not set: Go writes the year 1, others write 0.
const UNSET_BEFORE: i64 = 86_400_000_000;

/// `None` where the sender wrote that there is no time. Numbers are seconds, milliseconds, microseconds or
/// nanoseconds, by their size; text without a zone is UTC.
pub(super) fn read(text: &str) -> Result<Option<Timestamp>, ()> {
    let text = text.trim();
    let at = match text.parse::<f64>() {
        Ok(number) if number.is_finite() => from_number(number)?,
        Ok(_) => return Err(()),
        Err(_) => from_text(text)?,
    };
    Ok(Some(at).filter(|at| at.0 >= UNSET_BEFORE))
}

fn from_number(number: f64) -> Result<Timestamp, ()> {
    let micros = match number.abs() {
        size if size < 1e11 => number * 1e6,
        size if size < 1e14 => number * 1e3,
        size if size < 1e17 => number,
        size if size < 1e20 => number / 1e3,
        _ => return Err(()),
    };
    #[expect(clippy::cast_possible_truncation, reason = "bounded by the cases above to less than 2^63")]
    Ok(Timestamp(micros as i64))
}

fn from_text(text: &str) -> Result<Timestamp, ()> {
    if let Ok(at) = text.parse() {
        return Ok(at);
    }
    let bare = text.trim_end_matches(" UTC").trim_end_matches(" GMT").replacen(' ', "T", 1);
    format!("{bare}Z").parse().map_err(|_| ())
}
