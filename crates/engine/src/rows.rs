//! How live things stand in the store's rows. A thing is in its live table while something may still happen
//! to it and moves to the past table when it is over, so that a start reads only what is live.

use domain::{
    event::Stream,
    figures::Case,
    id::IncidentId,
    review::Lookback,
    state::{Saved, State},
};
use serde::Serialize;
use store::RowChange;

use crate::Error;

/// The tables, by the number that stands in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Table {
    Alert = 1,
    AlertPast = 2,
    Silence = 3,
    SilencePast = 4,
    Incident = 5,
    IncidentPast = 6,
    Run = 7,
    RunPast = 8,
    Action = 9,
    ActionPast = 10,
    Control = 11,
    Person = 12,
    Token = 13,
    /// Texts of content by hash, and under the empty key what is in force.
    Content = 14,
    /// Key: incident and first position of one commit; value: the positions. The entries of an incident in order.
    Timeline = 15,
    /// Complete tiles of the tree by path.
    Tile = 16,
    /// Signed checkpoints by size.
    Checkpoint = 17,
    Approval = 18,
    ApprovalPast = 19,
    Notice = 20,
    NoticePast = 21,
    Review = 22,
    ReviewPast = 23,
    /// Bodies that could not be read.
    Raw = 24,
    /// What rules have seen so far; gone when it is over.
    Sighting = 25,
    /// What the last probes of services said.
    Health = 40,
    Report = 42,
    ReportPast = 43,
    Evidence = 50,
    /// What each closed incident leaves for the figures.
    Case = 60,
    /// What each review leaves for them, beside its texts.
    Lookback = 61,
    /// Which procedures are active, and what came round.
    Upkeep = 70,
    Duty = 71,
    DutyPast = 72,
    Statement = 73,
    StatementPast = 74,
    Exercise = 75,
    ExercisePast = 76,
}

impl Table {
    pub const ALL: [Table; 38] = [
        Table::Alert,
        Table::AlertPast,
        Table::Silence,
        Table::SilencePast,
        Table::Incident,
        Table::IncidentPast,
        Table::Run,
        Table::RunPast,
        Table::Action,
        Table::ActionPast,
        Table::Control,
        Table::Person,
        Table::Token,
        Table::Content,
        Table::Timeline,
        Table::Tile,
        Table::Checkpoint,
        Table::Approval,
        Table::ApprovalPast,
        Table::Notice,
        Table::NoticePast,
        Table::Review,
        Table::ReviewPast,
        Table::Raw,
        Table::Sighting,
        Table::Health,
        Table::Report,
        Table::ReportPast,
        Table::Evidence,
        Table::Case,
        Table::Lookback,
        Table::Upkeep,
        Table::Duty,
        Table::DutyPast,
        Table::Statement,
        Table::StatementPast,
        Table::Exercise,
        Table::ExercisePast,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Table::Alert => "alert",
            Table::AlertPast => "alert (past)",
            Table::Silence => "silence",
            Table::SilencePast => "silence (past)",
            Table::Incident => "incident",
            Table::IncidentPast => "incident (past)",
            Table::Run => "run",
            Table::RunPast => "run (past)",
            Table::Action => "action",
            Table::ActionPast => "action (past)",
            Table::Control => "control",
            Table::Person => "person",
            Table::Token => "token",
            Table::Content => "content",
            Table::Timeline => "timeline",
            Table::Tile => "tile",
            Table::Checkpoint => "checkpoint",
            Table::Approval => "approval",
            Table::ApprovalPast => "approval (past)",
            Table::Notice => "notice",
            Table::NoticePast => "notice (past)",
            Table::Review => "review",
            Table::ReviewPast => "review (past)",
            Table::Raw => "raw",
            Table::Sighting => "sighting",
            Table::Health => "health",
            Table::Report => "report",
            Table::ReportPast => "report (past)",
            Table::Evidence => "evidence",
            Table::Case => "case",
            Table::Lookback => "lookback",
            Table::Upkeep => "upkeep",
            Table::Duty => "duty",
            Table::DutyPast => "duty (past)",
            Table::Statement => "statement",
            Table::StatementPast => "statement (past)",
            Table::Exercise => "exercise",
            Table::ExercisePast => "exercise (past)",
        }
    }

    pub(crate) fn of(self) -> store::Table {
        store::Table(self as u8)
    }
}

/// What stands under the empty key of the content table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
pub(crate) struct InForce {
    pub(crate) hash: Box<str>,
    pub(crate) content_seq: u64,
    pub(crate) log_seq: u64,
}

pub(crate) fn key(number: u64) -> Vec<u8> {
    number.to_be_bytes().to_vec()
}

/// The key of what one commit added to an incident's timeline.
pub(crate) fn timeline_key(incident: IncidentId, first: u64) -> Vec<u8> {
    [incident.0.to_be_bytes(), first.to_be_bytes()].concat()
}

/// The positions as offsets from the first, four bytes each.
pub(crate) fn timeline_value(positions: &[u64]) -> Vec<u8> {
    let first = positions.first().copied().unwrap_or(0);
    // INVARIANT: the positions are of one commit, which has far less than 2^32 entries.
    positions.iter().flat_map(|position| ((position - first) as u32).to_be_bytes()).collect()
}

/// The positions of a timeline row, with the incident; `None` when it does not read.
pub(crate) fn timeline_row(key: &[u8], value: &[u8]) -> Option<(IncidentId, Vec<u64>)> {
    let (incident, first) = key.split_first_chunk::<8>()?;
    let first = u64::from_be_bytes(first.try_into().ok()?);
    let (offsets, rest) = value.as_chunks::<4>();
    let position = |offset: &[u8; 4]| first.checked_add(u64::from(u32::from_be_bytes(*offset)));
    let positions: Option<Vec<u64>> = offsets.iter().map(position).collect();
    let positions = positions.filter(|positions| rest.is_empty() && positions.first() == Some(&first))?;
    Some((IncidentId::from_number(u64::from_be_bytes(*incident)), positions))
}

fn put(table: Table, key: Vec<u8>, value: &impl Serialize) -> Result<RowChange, Error> {
    let value = serde_json::to_vec(value)
        .map_err(|error| Error::Corrupt { what: table.name().to_owned(), why: error.to_string() })?;
    Ok(RowChange { table: table.of(), key, value: Some(value) })
}

/// The rows that bring one touched thing up to date. `fresh` says that its live row was never written.
pub(crate) fn changes(
    state: &State,
    stream: Stream,
    fresh: bool,
    out: &mut Vec<RowChange>,
) -> Result<(), Error> {
    let live = state.is_live(stream);
    let (tables, number) = match stream {
        Stream::Alert(id) => ((Table::Alert, Table::AlertPast), id.0),
        Stream::Silence(id) => ((Table::Silence, Table::SilencePast), id.0),
        Stream::Incident(id) => ((Table::Incident, Table::IncidentPast), id.0),
        Stream::Run(id) => ((Table::Run, Table::RunPast), id.0),
        Stream::Action(id) => ((Table::Action, Table::ActionPast), id.0),
        Stream::Person(id) => ((Table::Person, Table::Person), id.0),
        Stream::Token(id) => ((Table::Token, Table::Token), id.0),
        Stream::Approval(id) => ((Table::Approval, Table::ApprovalPast), id.0),
        Stream::Notice(id) => ((Table::Notice, Table::NoticePast), id.0),
        Stream::Review(id) => ((Table::Review, Table::ReviewPast), id.0),
        Stream::Report(id) => ((Table::Report, Table::ReportPast), id.0),
        Stream::Raw(id) => ((Table::Raw, Table::Raw), id.0),
        Stream::Sighting(id) => ((Table::Sighting, Table::Sighting), id.0),
        Stream::Evidence(id) => ((Table::Evidence, Table::Evidence), id.0),
        Stream::Control => ((Table::Control, Table::Control), 0),
        Stream::Health => ((Table::Health, Table::Health), 0),
        Stream::Upkeep => ((Table::Upkeep, Table::Upkeep), 0),
        Stream::Duty(id) => ((Table::Duty, Table::DutyPast), id.0),
        Stream::Statement(id) => ((Table::Statement, Table::StatementPast), id.0),
        Stream::Exercise(id) => ((Table::Exercise, Table::ExercisePast), id.0),
        Stream::Content | Stream::Log => {
            let (content_seq, log_seq) = (state.content_seq, state.log_seq);
            let in_force = InForce { hash: state.loaded.clone(), content_seq, log_seq };
            out.push(put(Table::Content, Vec::new(), &in_force)?);
            return Ok(());
        }
    };
    for_figures(state, stream, live, out)?;
    if !live && !fresh {
        out.push(RowChange { table: tables.0.of(), key: key(number), value: None });
    }
    let table = if live { tables.0 } else { tables.1 };
    let row = match stream {
        Stream::Alert(id) => state.alerts.get(id).map(|alert| put(table, key(number), alert)),
        Stream::Silence(id) => state.silences.get(&id).map(|silence| put(table, key(number), silence)),
        Stream::Incident(id) => state.incidents.open.get(&id).map(|i| put(table, key(number), i)),
        Stream::Run(id) => state.runs.get(id).map(|run| put(table, key(number), run)),
        Stream::Action(id) => state.actions.get(id).map(|action| put(table, key(number), action)),
        Stream::Person(id) => state.people.get(&id).map(|person| put(table, key(number), person)),
        Stream::Token(id) => state.tokens.get(&id).map(|token| put(table, key(number), token)),
        Stream::Approval(id) => state.approvals.get(&id).map(|approval| put(table, key(number), approval)),
        Stream::Notice(id) => state.notices.get(&id).map(|notice| put(table, key(number), notice)),
        Stream::Review(id) => state.reviews.get(&id).map(|review| put(table, key(number), review)),
        Stream::Report(id) => state.reports.get(&id).map(|report| put(table, key(number), report)),
        Stream::Raw(id) => state.raw.get(&id).map(|raw| put(table, key(number), raw)),
        Stream::Evidence(id) => state.evidence.get(&id).map(|evidence| put(table, key(number), evidence)),
        Stream::Sighting(id) => {
            let sighting = state.sightings.get(id).filter(|_| live);
            sighting.map(|sighting| put(table, key(number), sighting))
        }
        Stream::Control => Some(put(table, key(number), &state.control)),
        Stream::Health => Some(put(table, key(number), &state.health)),
        Stream::Upkeep => Some(put(table, key(number), &state.upkeep)),
        Stream::Duty(id) => state.duties.get(&id).map(|duty| put(table, key(number), duty)),
        Stream::Statement(id) => state.statements.get(&id).map(|made| put(table, key(number), made)),
        Stream::Exercise(id) => state.exercises.get(&id).map(|held| put(table, key(number), held)),
        Stream::Content | Stream::Log => None,
    };
    out.extend(row.transpose()?);
    Ok(())
}

/// What an incident that is over and a review leave for the figures.
fn for_figures(state: &State, stream: Stream, live: bool, out: &mut Vec<RowChange>) -> Result<(), Error> {
    if let Stream::Incident(id) = stream
        && let Some(incident) = state.incidents.open.get(&id).filter(|_| !live)
    {
        out.push(put(Table::Case, key(id.0), &Case::of(incident))?);
    }
    if let Stream::Review(id) = stream
        && let Some(review) = state.reviews.get(&id)
    {
        out.push(put(Table::Lookback, key(id.0), &Lookback::of(review))?);
    }
    Ok(())
}

/// The tables that a start reads in full, in the order in which things refer to each other.
pub(crate) const LIVE: [Table; 19] = [
    Table::Control,
    Table::Person,
    Table::Token,
    Table::Silence,
    Table::Alert,
    Table::Incident,
    Table::Run,
    Table::Action,
    Table::Approval,
    Table::Notice,
    Table::Review,
    Table::Sighting,
    Table::Health,
    Table::Report,
    Table::Evidence,
    Table::Upkeep,
    Table::Duty,
    Table::Statement,
    Table::Exercise,
];

/// Reads one live row back.
pub(crate) fn live_rows(table: Table, value: &[u8]) -> Result<Option<Saved>, Error> {
    let saved = match table {
        Table::Alert => serde_json::from_slice(value).map(Saved::Alert),
        Table::Silence => serde_json::from_slice(value).map(Saved::Silence),
        Table::Incident => serde_json::from_slice(value).map(Saved::Incident),
        Table::Run => serde_json::from_slice(value).map(Saved::Run),
        Table::Action => serde_json::from_slice(value).map(Saved::Action),
        Table::Control => serde_json::from_slice(value).map(Saved::Control),
        Table::Person => serde_json::from_slice(value).map(Saved::Person),
        Table::Token => serde_json::from_slice(value).map(Saved::Token),
        Table::Approval => serde_json::from_slice(value).map(Saved::Approval),
        Table::Notice => serde_json::from_slice(value).map(Saved::Notice),
        Table::Review => serde_json::from_slice(value).map(Saved::Review),
        Table::Sighting => serde_json::from_slice(value).map(|sighting| Saved::Sighting(Box::new(sighting))),
        Table::Health => serde_json::from_slice(value).map(Saved::Health),
        Table::Report => serde_json::from_slice(value).map(Saved::Report),
        Table::Evidence => serde_json::from_slice(value).map(|evidence| Saved::Evidence(Box::new(evidence))),
        Table::Upkeep => serde_json::from_slice(value).map(|upkeep| Saved::Upkeep(Box::new(upkeep))),
        Table::Duty => serde_json::from_slice(value).map(|duty| Saved::Duty(Box::new(duty))),
        Table::Statement => serde_json::from_slice(value).map(|made| Saved::Statement(Box::new(made))),
        Table::Exercise => serde_json::from_slice(value).map(|held| Saved::Exercise(Box::new(held))),
        Table::AlertPast
        | Table::SilencePast
        | Table::IncidentPast
        | Table::RunPast
        | Table::ActionPast
        | Table::ApprovalPast
        | Table::NoticePast
        | Table::ReviewPast
        | Table::ReportPast
        | Table::Case
        | Table::Lookback
        | Table::DutyPast
        | Table::StatementPast
        | Table::ExercisePast
        | Table::Raw
        | Table::Content
        | Table::Timeline
        | Table::Tile
        | Table::Checkpoint => return Ok(None),
    };
    saved.map(Some).map_err(|error| Error::Corrupt {
        what: format!("a row of {}", table.name()),
        why: error.to_string(),
    })
}
