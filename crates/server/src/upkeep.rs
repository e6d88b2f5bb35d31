//! What is looked at once a day, whoever asks: the controls, and whether a month has ended. What does not hold is an alert
//! of the platform's own until it does.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use domain::{
    alert::Received,
    content::Content,
    event::Actor,
    figures::{CASES_MAX, Window, figures},
    labels::Labels,
    time::{Span, Timestamp},
};
use engine::{Handle, Reader, backup::Shelf};
use tlog::VerifierKey;
use tokio::sync::watch;

use crate::api::compliance::{Looks, evaluated};

const DAY: Span = Span::secs(86_400);
/// An alert stands until the next look is surely over.
const STANDS: Span = Span::secs(26 * 3_600);
/// How often it is asked whether a day is over.
const ASK: Duration = Duration::from_secs(60);
const CONTROL: &str = "ControlDoesNotHold";
const MONTH: &str = "MonthEnded";
/// Longest text of figures in one alert, in characters.
const REPORT_MAX: usize = 3_000;

/// The data directory, where there is one, and the key that signs its log.
pub type Data = Option<(Arc<Shelf>, VerifierKey)>;

/// Looks once a day, counted from the first entry of the journal, until the other side stops.
pub async fn keep(
    handle: Handle,
    data: Data,
    content: watch::Receiver<Arc<Content>>,
    mut stopping: watch::Receiver<bool>,
) {
    let first = handle.reader().clone();
    let first = tokio::task::spawn_blocking(move || first.entry(0)).await;
    let Ok(Ok(Some(first))) = first else { return };
    let began = Timestamp(first.envelope.time_us);
    let mut days = handle.now().since(began).0 / DAY.0;
    loop {
        tokio::select! {
            _ = stopping.wait_for(|stops| *stops) => return,
            () = tokio::time::sleep(ASK) => {}
        }
        let now = handle.now();
        if now.since(began).0 / DAY.0 > days {
            days = now.since(began).0 / DAY.0;
            let content = content.borrow().clone();
            if let Err(error) = look(&handle, data.clone(), content, now).await {
                tracing::error!(%error, "the controls could not be looked at; the next look is in a day");
            }
        }
    }
}

/// One look at the controls and the calendar.
pub async fn look(
    handle: &Handle,
    data: Data,
    content: Arc<Content>,
    now: Timestamp,
) -> Result<(), engine::Error> {
    let reader = handle.reader().clone();
    let read = move || {
        let firing = reader.firing_alerts()?.into_iter().filter_map(|alert| {
            let ours = alert.labels.get("alertname") == Some(CONTROL);
            ours.then(|| alert.labels.get("control").map(str::to_owned)).flatten()
        });
        let firing: BTreeSet<String> = firing.collect();
        let looks = match &data {
            Some((shelf, log_key)) => Looks::of(Some(&**shelf), log_key.clone(), now),
            None => Looks::none(),
        };
        let month = month(&reader, &content, now)?;
        Ok::<_, engine::Error>((firing, evaluated(&reader, &content, now, &looks)?, month))
    };
    let (firing, controls, month) = match tokio::task::spawn_blocking(read).await {
        Ok(read) => read?,
        Err(error) => {
            return Err(engine::Error::Corrupt { what: "the controls".to_owned(), why: error.to_string() });
        }
    };
    let mut alerts = Vec::new();
    for control in controls.iter().filter(|one| !one.holds || firing.contains(&one.id)) {
        let labels = [("alertname", CONTROL), ("control", &control.id), ("group", control.group.name())];
        let until = if control.holds { now } else { now.plus(STANDS) };
        alerts.extend(alert(&labels, &format!("{}: {}", control.title, control.said), until));
    }
    alerts.extend(month);
    if !alerts.is_empty()
        && let Err(refused) = handle.receive(Actor::Platform, alerts).await
    {
        tracing::warn!(reason = %refused, "alerts of the controls were not taken; the next look sends them again");
    }
    Ok(())
}

/// On the first look of a month: the figures of the last one, which wait to be reviewed.
fn month(reader: &Reader, content: &Content, now: Timestamp) -> Result<Option<Received>, engine::Error> {
    let of = |at: Timestamp| at.to_jiff().strftime("%Y-%m").to_string();
    let before = Timestamp(now.0.saturating_sub_unsigned(DAY.0));
    let (this, last) = (of(now), of(before));
    let first = |month: &str| format!("{month}-01T00:00:00Z").parse::<Timestamp>().ok();
    let (Some(since), Some(until)) = (first(&last), first(&this)) else { return Ok(None) };
    if this == last {
        return Ok(None);
    }
    let (cases, reviews) = (reader.cases(since, CASES_MAX)?, reader.lookbacks(since, CASES_MAX)?);
    let made = figures(&cases, &reviews, content, Window { since, until }, now);
    let told = made.all.figures.iter().filter_map(|figure| {
        let value = figure.value?;
        let met = match figure.met {
            Some(true) => ", met",
            Some(false) => ", NOT met",
            None => "",
        };
        Some(format!("{} {value:.1} {}{met}", figure.of.title, figure.of.unit.name()))
    });
    let told: String = told.collect::<Vec<_>>().join("; ").chars().take(REPORT_MAX).collect();
    let said = format!(
        "review the figures of {last} over {} incidents: {told}. All of them: report kpi --since {since} --until {until}",
        made.all.incidents
    );
    Ok(alert(&[("alertname", MONTH), ("month", &last)], &said, now.plus(STANDS)))
}

fn alert(labels: &[(&str, &str)], summary: &str, ends_at: Timestamp) -> Option<Received> {
    let labels = Labels::from_pairs(labels.to_vec()).ok()?;
    let annotations = Labels::from_pairs(vec![("summary", summary)]).ok()?;
    Some(Received { labels, annotations, ends_at: Some(ends_at), ..Received::default() })
}
