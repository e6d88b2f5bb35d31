//! A time on the command line: as RFC 3339 has it, or a day or a time as tables print them, in UTC.

use domain::time::Timestamp;
use jiff::{civil::DateTime, tz::TimeZone};

pub(crate) fn moment(text: &str) -> Result<Timestamp, String> {
    let civil = || text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok();
    match text.parse::<Timestamp>() {
        Ok(at) => Ok(at),
        Err(_) => civil().map(|at| Timestamp::from_jiff(at.timestamp())).ok_or_else(|| {
            format!("`{text}` is no time; give a day such as 2026-01-31, or 2026-01-31T08:00:00Z")
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_what_tables_print_are_times_in_utc() {
        let read = |text: &str| moment(text).map(|at| at.to_string());
        assert_eq!(read("2026-01-31").unwrap(), "2026-01-31T00:00:00Z");
        assert_eq!(read("2026-01-31 08:00:01").unwrap(), "2026-01-31T08:00:01Z");
        assert_eq!(read("2026-01-31T08:00:00+02:00").unwrap(), "2026-01-31T06:00:00Z");
        for wrong in ["yesterday", "2026-02-30", "8", ""] {
            assert!(read(wrong).unwrap_err().contains("2026-01-31"), "{wrong}");
        }
    }
}
