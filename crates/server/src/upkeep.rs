//! What is looked at once a day, whoever asks: the controls, and whether a month has ended. What does not hold is an alert
//! of the platform's own until it does. Whether a look is due follows from what is on record, so none is lost while
//! nothing runs, and one that fails is made again.

use std::{sync::Arc, time::Duration};

use domain::{
    alert::Received,
    content::Content,
    event::{Actor, Rejected},
    figures::{CASES_MAX, Window, figures},
    flow::Command,
    labels::Labels,
    time::{Span, Timestamp},
    upkeep::{self, Ended, Month},
};
use engine::{Handle, Reader, Refused, backup::Shelf};
use tlog::VerifierKey;
use tokio::sync::watch;

use crate::api::compliance::{Control, Looks, evaluated};

/// What does not hold stands until a look says that it does, however late that is made; ten years are never.
const STANDS: Span = Span::secs(10 * 366 * 86_400);
/// How often it is asked whether a look is due.
const ASK: Duration = Duration::from_secs(60);
/// When one that failed is made again.
const AGAIN: Duration = Duration::from_secs(600);
const CONTROL: &str = "ControlDoesNotHold";
/// Longest text in one alert, in characters.
const REPORT_MAX: usize = 3_000;

/// The data directory, where there is one, and the key that signs its log.
pub type Data = Option<(Arc<Shelf>, VerifierKey)>;

/// Why there was no look.
#[derive(Debug, thiserror::Error)]
pub enum Missed {
    #[error("what is on record could not be read: {0}")]
    Read(#[from] engine::Error),
    #[error("what was seen was not taken: {0}")]
    Refused(#[from] Refused),
    #[error("an alert of a control was not taken: {0}")]
    Alert(Rejected),
}

/// Looks once a day until the other side stops.
pub async fn keep(
    handle: Handle,
    data: Data,
    content: watch::Receiver<Arc<Content>>,
    mut stopping: watch::Receiver<bool>,
) {
    let mut wait = ASK;
    loop {
        tokio::select! {
            _ = stopping.wait_for(|stops| *stops) => return,
            () = tokio::time::sleep(wait) => {}
        }
        let content = content.borrow().clone();
        wait = match look_if_due(&handle, data.clone(), content).await {
            Ok(()) => ASK,
            Err(error) => {
                let minutes = AGAIN.as_secs() / 60;
                tracing::error!(%error, "the controls could not be looked at; tried again in {minutes} minutes");
                AGAIN
            }
        };
    }
}

async fn look_if_due(handle: &Handle, data: Data, content: Arc<Content>) -> Result<(), Missed> {
    let now = handle.now();
    if read(handle, move |reader| is_due(reader, now)).await? {
        look(handle, data, content, now).await?;
    }
    Ok(())
}

/// Whether the look of this day is still to be made; days are counted from the first entry of the journal.
pub fn is_due(reader: &Reader, now: Timestamp) -> Result<bool, engine::Error> {
    let Some(began) = began(reader)? else { return Ok(false) };
    Ok(reader.upkeep()?.look_is_due(began, now))
}

fn began(reader: &Reader) -> Result<Option<Timestamp>, engine::Error> {
    Ok(reader.entry(0)?.map(|first| Timestamp(first.envelope.time_us)))
}

async fn read<T: Send + 'static>(
    handle: &Handle,
    read: impl FnOnce(&Reader) -> Result<T, engine::Error> + Send + 'static,
) -> Result<T, engine::Error> {
    let reader = handle.reader().clone();
    match tokio::task::spawn_blocking(move || read(&reader)).await {
        Ok(read) => read,
        Err(error) => Err(engine::Error::Corrupt { what: "the controls".to_owned(), why: error.to_string() }),
    }
}

/// One look at the controls and the calendar. It is on record once all that it found was taken.
pub async fn look(handle: &Handle, data: Data, content: Arc<Content>, now: Timestamp) -> Result<(), Missed> {
    let seen = move |reader: &Reader| {
        let looks = match &data {
            Some((shelf, log_key)) => Looks::of(Some(&**shelf), log_key.clone(), now),
            None => Looks::none(),
        };
        let controls = evaluated(reader, &content, now, &looks)?;
        Ok((alerts(&controls, firing(reader)?, now), month(reader, &content, now)?))
    };
    let (alerts, month) = read(handle, seen).await?;
    if !alerts.is_empty() {
        let receipt = handle.receive(Actor::Platform, alerts).await?;
        if let Some((_, reason)) = receipt.refused.into_iter().next() {
            return Err(Missed::Alert(reason));
        }
    }
    let looked = upkeep::Command::Looked { month };
    handle.command(Actor::Platform, Command::Upkeep(looked)).await?;
    Ok(())
}

/// The controls that stand as not holding.
fn firing(reader: &Reader) -> Result<Vec<Labels>, engine::Error> {
    let all = reader.firing_alerts()?.into_iter().map(|alert| alert.labels);
    Ok(all.filter(|labels| labels.get("alertname") == Some(CONTROL)).collect())
}

/// What does not hold, and the end of what stands but does not belong to it any more: it holds again, or is no control now.
fn alerts(controls: &[Control], firing: Vec<Labels>, now: Timestamp) -> Vec<Received> {
    let failing = controls.iter().filter(|one| !one.holds).filter_map(|control| {
        let labels = [("alertname", CONTROL), ("control", &*control.id), ("group", control.group.name())];
        let labels = Labels::from_pairs(labels.to_vec()).ok()?;
        let said: String = format!("{}: {}", control.title, control.said).chars().take(REPORT_MAX).collect();
        let annotations = Labels::from_pairs(vec![("summary", said.as_str())]).ok()?;
        Some(Received { labels, annotations, ends_at: Some(now.plus(STANDS)), ..Received::default() })
    });
    let mut alerts: Vec<Received> = failing.collect();
    let over = firing.into_iter().filter(|labels| alerts.iter().all(|one| one.labels != *labels));
    let ended = |labels| Received { labels, ends_at: Some(now), ..Received::default() };
    let over: Vec<Received> = over.map(ended).collect();
    alerts.extend(over);
    alerts
}

/// With the first look after a month: its figures, which wait to be reviewed.
fn month(reader: &Reader, content: &Content, now: Timestamp) -> Result<Option<Month>, engine::Error> {
    let Some(began) = began(reader)? else { return Ok(None) };
    let Some(ended) = reader.upkeep()?.month_to_tell(began, now) else { return Ok(None) };
    let Ended { name, since, until } = ended;
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
        "review the figures of {name} over {} incidents: {told}. All of them: report kpi --since {since} --until {until}",
        made.all.incidents
    );
    Ok(Some(Month { name, said: said.into() }))
}
