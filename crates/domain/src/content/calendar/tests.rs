//! Waits over evenings, weekends, holidays and offsets, and what a low incident is due by with and without them.

use super::{Calendar, Wait};
use crate::{
    scene::{Scene, all_shipped},
    time::{Span, Timestamp},
};

const CALENDAR: &str = "offset: \"+02:00\"
working_days: [monday, tuesday, wednesday, thursday, friday]
hours: { from: \"09:00\", to: \"17:00\" }
holidays: [2026-12-25, 2026-12-28]
";

fn calendar() -> Calendar {
    let mut files = all_shipped();
    files.insert("calendar.yaml".to_owned(), CALENDAR.to_owned());
    let (content, problems) = crate::content::load(&files);
    assert_eq!(problems, []);
    content.people.calendar.unwrap()
}

#[test]
fn working_time_stands_still_at_night_on_weekends_and_on_holidays() {
    let calendar = calendar();
    let business = |hours: u64| Wait::Business(Span::secs(hours * 3_600));
    for (wait, from, to) in [
        // Thursday morning, 10:00 there.
        (business(4), "2026-12-24T08:00:00Z", "2026-12-24T12:00:00Z"),
        (business(7), "2026-12-24T08:00:00Z", "2026-12-24T15:00:00Z"),
        // The next hours are those of Tuesday: Christmas, a weekend and a holiday lie between.
        (business(8), "2026-12-24T08:00:00Z", "2026-12-29T08:00:00Z"),
        (business(1), "2026-12-26T03:00:00Z", "2026-12-29T08:00:00Z"),
        (business(16), "2026-12-29T07:00:00Z", "2026-12-30T15:00:00Z"),
        // Before and after the hours of the same day.
        (business(1), "2026-12-24T01:00:00Z", "2026-12-24T08:00:00Z"),
        (business(1), "2026-12-22T20:00:00Z", "2026-12-23T08:00:00Z"),
        (Wait::NextBusinessDay, "2026-12-22T20:00:00Z", "2026-12-23T15:00:00Z"),
        (Wait::NextBusinessDay, "2026-12-24T08:00:00Z", "2026-12-29T15:00:00Z"),
        // Late on Tuesday in UTC is Wednesday there.
        (Wait::NextBusinessDay, "2026-12-22T23:00:00Z", "2026-12-24T15:00:00Z"),
        (Wait::Plain(Span::secs(3_600)), "2026-12-24T23:00:00Z", "2026-12-25T00:00:00Z"),
    ] {
        let from: Timestamp = from.parse().unwrap();
        assert_eq!(wait.after(from, Some(&calendar)).to_string(), to, "{wait} after {from}");
    }
}

#[test]
fn without_a_calendar_every_hour_counts() {
    let at: Timestamp = "2026-12-24T08:00:00Z".parse().unwrap();
    assert_eq!(Wait::NextBusinessDay.after(at, None).to_string(), "2026-12-25T08:00:00Z");
    assert_eq!(Wait::Business(Span::secs(7_200)).after(at, None).to_string(), "2026-12-24T10:00:00Z");
}

/// When a low incident of Saturday evening has to be acknowledged, when it goes on, and why then.
fn low(calendar: Option<&str>) -> (String, String, String) {
    let mut files = all_shipped();
    files.extend(calendar.map(|text| ("calendar.yaml".to_owned(), text.to_owned())));
    let (content, problems) = crate::content::load(&files);
    assert_eq!(problems, []);
    let mut scene = Scene::with(content);
    scene.now = "2027-01-16T18:00:00Z".parse().unwrap();
    scene.alert([("incident_type", "validator_compromise"), ("severity", "low"), ("node", "validator-1")]);
    let standing = scene.state.incidents.open[&scene.incident()].standing().clone();
    let shown = |at: Option<Timestamp>| at.unwrap().to_string();
    (shown(standing.acknowledge_by), shown(standing.due), standing.why.to_string())
}

#[test]
fn a_low_incident_has_a_day_or_the_next_working_day_where_there_is_a_calendar() {
    let (acknowledge, due, why) = low(None);
    assert_eq!((&*acknowledge, &*due), ("2027-01-17T18:00:00Z", "2027-01-17T18:00:00Z"));
    assert_eq!(why, "low goes on after next_business_day");
    let (acknowledge, due, _) = low(Some(CALENDAR));
    assert_eq!((&*acknowledge, &*due), ("2027-01-18T15:00:00Z", "2027-01-18T15:00:00Z"));
}
