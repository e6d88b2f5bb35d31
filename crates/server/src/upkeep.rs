//! What is looked at once a day, whoever asks: the controls, and whether a month has ended. What does not hold is an alert
//! of the platform's own until it does.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use domain::{
    alert::Received,
    content::Content,
    event::Actor,
    labels::Labels,
    time::{Span, Timestamp},
};
use engine::Handle;
use tokio::sync::watch;

use crate::api::compliance::evaluated;

const DAY: Span = Span::secs(86_400);
/// An alert stands until the next look is surely over.
const STANDS: Span = Span::secs(26 * 3_600);
/// How often it is asked whether a day is over.
const ASK: Duration = Duration::from_secs(60);
const CONTROL: &str = "ControlDoesNotHold";
const MONTH: &str = "MonthEnded";

/// Looks once a day, counted from the first entry of the journal, until the other side stops.
pub async fn keep(
    handle: Handle,
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
            if let Err(error) = look(&handle, content, now).await {
                tracing::error!(%error, "the controls could not be looked at; the next look is in a day");
            }
        }
    }
}

/// One look at the controls and the calendar.
pub async fn look(handle: &Handle, content: Arc<Content>, now: Timestamp) -> Result<(), engine::Error> {
    let reader = handle.reader().clone();
    let read = move || {
        let firing = reader.firing_alerts()?.into_iter().filter_map(|alert| {
            let ours = alert.labels.get("alertname") == Some(CONTROL);
            ours.then(|| alert.labels.get("control").map(str::to_owned)).flatten()
        });
        let firing: BTreeSet<String> = firing.collect();
        Ok::<_, engine::Error>((firing, evaluated(&reader, &content, now)?))
    };
    let (firing, controls) = match tokio::task::spawn_blocking(read).await {
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
    alerts.extend(month(now));
    if !alerts.is_empty()
        && let Err(refused) = handle.receive(Actor::Platform, alerts).await
    {
        tracing::warn!(reason = %refused, "alerts of the controls were not taken; the next look sends them again");
    }
    Ok(())
}

/// On the first look of a month: the figures of the last one wait to be reviewed.
fn month(now: Timestamp) -> Option<Received> {
    let of = |at: Timestamp| at.to_jiff().strftime("%Y-%m").to_string();
    let before = Timestamp(now.0.saturating_sub_unsigned(DAY.0));
    let (this, last) = (of(now), of(before));
    if this == last {
        return None;
    }
    let since = format!("{last}-01T00:00:00Z");
    let said =
        format!("review the figures of {last}: report kpi --since {since} --until {this}-01T00:00:00Z");
    alert(&[("alertname", MONTH), ("month", &last)], &said, now.plus(STANDS))
}

fn alert(labels: &[(&str, &str)], summary: &str, ends_at: Timestamp) -> Option<Received> {
    let labels = Labels::from_pairs(labels.to_vec()).ok()?;
    let annotations = Labels::from_pairs(vec![("summary", summary)]).ok()?;
    Some(Received { labels, annotations, ends_at: Some(ends_at), ..Received::default() })
}
