//! `/api/v1/reports/procedures`: how procedures go, step by step, and how soon each channel reaches people.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use axum::response::Response;
use domain::{
    figures::pace::{self, Times},
    id::IncidentId,
    playbook::Playbook,
    run::Run,
    time::{Span, Timestamp},
};
use engine::Reader;
use schemars::JsonSchema;
use serde::Serialize;

use super::{read, runs};
use crate::{
    Error,
    call::{Call, ok},
    route::{Answer, Parameter, Route, schema},
    shared::Shared,
    view::text,
};

/// What is looked at when nobody says.
const DAYS: u64 = 30;
/// Most runs, and most notices, that one report looks at.
const RUNS_MAX: usize = 10_000;
const NOTICES_MAX: usize = 100_000;

const SINCE: Parameter =
    Parameter { name: "since", about: "Runs and notices from then on; the last 30 days if absent." };

pub(crate) const ROUTES: &[Route] = &[read(
    "/api/v1/reports/procedures",
    &[SINCE],
    Answer::Json(200, schema::<Report>),
    "How procedures go step by step, and how soon each channel reaches people. Drills are left out.",
    |call| Box::pin(report(call)),
)];

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ProcedureReport")]
struct Report {
    since: String,
    at: String,
    playbooks: Vec<Pace>,
    channels: Vec<Channel>,
}

/// How one playbook goes, over its runs that are over.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ProcedurePace")]
struct Pace {
    playbook: String,
    runs: u64,
    completed: u64,
    failed: u64,
    canceled: u64,
    mean_s: Option<f64>,
    longest_s: f64,
    steps: Vec<Step>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ProcedureStep")]
struct Step {
    step: String,
    /// How often it was begun.
    uses: u64,
    failures: u64,
    skips: u64,
    /// How often it took longer than expected.
    late: u64,
    mean_s: Option<f64>,
    longest_s: f64,
    expected_s: Option<f64>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ChannelPace")]
struct Channel {
    channel: String,
    delivered: u64,
    failed: u64,
    delivery_mean_s: Option<f64>,
    delivery_longest_s: f64,
    /// How many notices of an incident that opened or went up were followed by an acknowledgement.
    acknowledged: u64,
    acknowledgement_mean_s: Option<f64>,
    acknowledgement_longest_s: f64,
}

async fn report(call: Call) -> Result<Response, Error> {
    let since = call.query_as::<Timestamp>("since", "an RFC 3339 time")?;
    let now = call.now();
    let span = Span::secs(DAYS * 86_400);
    let since = since.unwrap_or(Timestamp(now.0.saturating_sub_unsigned(span.0)));
    let shared = call.shared.clone();
    ok(&call.read(move |reader| made(reader, &shared, since, now)).await?)
}

fn made(reader: &Reader, shared: &Shared, since: Timestamp, now: Timestamp) -> Result<Report, engine::Error> {
    let all = reader.runs_since(since, RUNS_MAX)?;
    let notices = reader.notices_since(since, NOTICES_MAX)?;
    let of_runs = all.iter().map(|run| run.incident);
    let ids: BTreeSet<IncidentId> =
        of_runs.chain(notices.iter().filter_map(|notice| notice.incident)).collect();
    let (mut drills, mut heard) = (BTreeSet::new(), BTreeMap::new());
    for id in ids {
        let Some(incident) = reader.incident(id)? else { continue };
        if incident.drill {
            drills.insert(id);
        }
        heard.extend(incident.acknowledged.map(|(_, at)| (id, at)));
    }
    let mut texts: BTreeMap<Box<str>, Option<Arc<Playbook>>> = BTreeMap::new();
    for run in &all {
        if !texts.contains_key(&run.hash) {
            texts.insert(run.hash.clone(), runs::pinned(reader, shared, run)?);
        }
    }
    let text_of = |run: &Run| texts.get(&run.hash).and_then(Option::as_deref);
    let real = all.iter().filter(|run| !drills.contains(&run.incident));
    let playbooks = pace::of_runs(real.map(|run| (run, text_of(run))));
    let told = notices.iter().filter(|notice| notice.incident.is_none_or(|id| !drills.contains(&id)));
    let channels = pace::of_notices(told, |notice| heard.get(&notice.incident?).copied());
    Ok(Report {
        since: text(since),
        at: text(now),
        playbooks: playbooks.into_iter().map(Pace::of).collect(),
        channels: channels.into_iter().map(Channel::of).collect(),
    })
}

fn rounded(times: &Times) -> (Option<f64>, f64) {
    let round = |seconds: f64| (seconds * 1e3).round() / 1e3;
    (times.mean_s().map(round), round(times.longest_s))
}

impl Pace {
    fn of((playbook, pace): (String, pace::PlaybookPace)) -> Pace {
        let step = |(step, pace): (String, pace::StepPace)| {
            let (mean_s, longest_s) = rounded(&pace.took);
            let (uses, failures, skips, late) = (pace.uses, pace.failures, pace.skips, pace.late);
            let expected_s = pace.expected.map(|span| span.0 as f64 / 1e6);
            Step { step, uses, failures, skips, late, mean_s, longest_s, expected_s }
        };
        let (mean_s, longest_s) = rounded(&pace.took);
        Pace {
            playbook,
            runs: pace.runs,
            completed: pace.completed,
            failed: pace.failed,
            canceled: pace.canceled,
            mean_s,
            longest_s,
            steps: pace.steps.into_iter().map(step).collect(),
        }
    }
}

impl Channel {
    fn of((channel, pace): (String, pace::ChannelPace)) -> Channel {
        let (delivery_mean_s, delivery_longest_s) = rounded(&pace.delivery);
        let (acknowledgement_mean_s, acknowledgement_longest_s) = rounded(&pace.acknowledgement);
        Channel {
            channel,
            delivered: pace.delivered,
            failed: pace.failed,
            delivery_mean_s,
            delivery_longest_s,
            acknowledged: pace.acknowledgement.n,
            acknowledgement_mean_s,
            acknowledgement_longest_s,
        }
    }
}
