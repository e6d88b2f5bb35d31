//! `/api/v1/reports/compliance`: which controls hold now, and what shows it. Only who may command has log and backups
//! looked at for it; all others are told of the newest look, so that nobody who reads keeps a restore or a close waiting.

use std::collections::BTreeMap;

use axum::response::Response;
use domain::{
    access::Permission,
    compliance::{self, Group, Known},
    content::Content,
    figures::{self, CASES_MAX, Window},
    incident::closing::{Found, Gate},
    time::{Span, Timestamp},
};
use engine::{Page as Part, Reader, backup::Shelf};
use schemars::JsonSchema;
use serde::Serialize;
use tlog::VerifierKey;

use super::{closing, read};
use crate::{
    Error,
    call::{Call, ok},
    gate,
    route::{Answer, Route, schema},
    shared::busy,
    view::text,
};

/// Controls look this far back.
const YEAR: Span = Span::secs(366 * 86_400);
/// Pieces of evidence that are looked at, the newest.
const EVIDENCE_MAX: usize = 1_000;

pub(crate) const ROUTES: &[Route] = &[read(
    "/api/v1/reports/compliance",
    &[],
    Answer::Json(200, schema::<Compliance>),
    "Every control by group, whether it holds now, and what shows it.",
    |call| Box::pin(show(call)),
)];

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ComplianceReport")]
pub(crate) struct Compliance {
    at: String,
    holding: usize,
    of: usize,
    groups: Vec<Controls>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ControlGroup")]
struct Controls {
    group: String,
    controls: Vec<Control>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Control {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) holds: bool,
    pub(crate) said: String,
    #[serde(skip)]
    pub(crate) group: Group,
}

async fn show(call: Call) -> Result<Response, Error> {
    let (content, now) = (call.shared.content(), call.now());
    let (shelf, log_key) = (call.shared.backups.clone(), call.shared.log_key.clone());
    let permit = match gate::require(call.principal.as_ref(), Permission::Command) {
        Ok(()) => Some(call.shared.looks.clone().try_acquire_owned()),
        Err(_) => None,
    };
    let permit = permit.transpose().map_err(|_| busy("a backup is being made or looked at already"))?;
    let controls = call.read(move |reader| {
        let looks = match permit {
            Some(_permit) => Looks::of(shelf.as_deref(), log_key, now),
            None => Looks::newest(shelf.as_deref()),
        };
        evaluated(reader, &content, now, &looks)
    });
    let controls = controls.await?;
    let holding = controls.iter().filter(|one| one.holds).count();
    let of = controls.len();
    let mut of_group: BTreeMap<Group, Vec<Control>> = BTreeMap::new();
    for control in controls {
        of_group.entry(control.group).or_default().push(control);
    }
    let group = |(group, controls): (Group, _)| Controls { group: group.name().to_owned(), controls };
    let groups = of_group.into_iter().map(group).collect();
    ok(&Compliance { at: text(now), holding, of, groups })
}

/// What only a look at the data directory tells.
pub(crate) struct Looks {
    log: (bool, String),
    backup: (bool, String),
}

impl Looks {
    pub(crate) fn none() -> Looks {
        let none = || (false, "this server has no data directory to look at".to_owned());
        Looks { log: none(), backup: none() }
    }

    /// What the look of the day found, or whoever had one made since.
    fn newest(shelf: Option<&Shelf>) -> Looks {
        let Some(shelf) = shelf else { return Looks::none() };
        let said = |gate: Gate| match shelf.newest_look(gate.name()) {
            Some((at, looked)) => {
                let found = closing::told(gate, looked);
                (found.passed, format!("{}, as of {at}", found.said))
            }
            None => (
                false,
                "nobody has looked since the server began; the look of the day does, or a commander who asks"
                    .to_owned(),
            ),
        };
        Looks { log: said(Gate::Log), backup: said(Gate::Backup) }
    }

    /// May take long.
    pub(crate) fn of(shelf: Option<&Shelf>, log_key: VerifierKey, now: Timestamp) -> Looks {
        let Some(shelf) = shelf else { return Looks::none() };
        let log = match shelf.validate_log(log_key, now) {
            Ok(looked) => closing::told(Gate::Log, looked),
            Err(error) => Found { gate: Gate::Log, passed: false, said: error.to_string().into() },
        };
        let backup = closing::told(Gate::Backup, shelf.validate_backup(now));
        let said = |found: Found| (found.passed, found.said.to_string());
        Looks { log: said(log), backup: said(backup) }
    }
}

/// Every control of the content by what the rows say.
pub(crate) fn evaluated(
    reader: &Reader,
    content: &Content,
    now: Timestamp,
    looks: &Looks,
) -> Result<Vec<Control>, engine::Error> {
    let since = Timestamp(now.0.saturating_sub_unsigned(YEAR.0));
    let cases = reader.cases(since, CASES_MAX)?;
    let reviews = reader.lookbacks(since, CASES_MAX)?;
    let window = Window { since, until: now.plus(Span(1)) };
    let figures = figures::figures(&cases, &reviews, content, window, now);
    let (people, control) = (reader.people()?, reader.control()?);
    let evidence = reader.evidence_page(Part { before: None, limit: EVIDENCE_MAX })?;
    let known = Known {
        now,
        content,
        figures: &figures,
        cases: &cases,
        reviews: &reviews,
        people: &people,
        evidence: &evidence,
        unsigned_since: unsigned_since(reader)?,
        clock_doubt: control.clock_doubt.as_deref(),
        log: (looks.log.0, &looks.log.1),
        backup: (looks.backup.0, &looks.backup.1),
    };
    let shown = |one: compliance::Verdict<'_>| Control {
        id: one.control.id.to_string(),
        title: one.control.title.to_string(),
        holds: one.holds,
        said: one.said,
        group: one.control.group,
    };
    Ok(compliance::evaluate(&known).into_iter().map(shown).collect())
}

/// The second line of a checkpoint says how many entries it covers.
fn unsigned_since(reader: &Reader) -> Result<Option<Timestamp>, engine::Error> {
    let note = reader.checkpoint()?;
    let covered = note.as_deref().and_then(|note| note.lines().nth(1)).and_then(|size| size.parse().ok());
    let first = reader.entry(covered.unwrap_or(0))?;
    Ok(first.map(|entry| Timestamp(entry.envelope.time_us)))
}
