//! Figures as they are shown: each with its formula's unit, over how many, what is open, and what it is made of.

use domain::figures::{self, CASES_MAX, Window};
use engine::Reader;
use schemars::JsonSchema;
use serde::Serialize;

use super::text;
use crate::{Error, Problem, call::Call};

/// What the figures are asked of when nobody says.
const DAYS: u64 = 30;
const DAY: u64 = 86_400;
/// No window is wider.
const DAYS_MAX: u64 = 3_660;

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) title: String,
    /// seconds, percent, count or score.
    pub(crate) unit: String,
    /// The mean of a time, the share in percent, the count; null where nothing was measured.
    pub(crate) value: Option<f64>,
    pub(crate) p50: Option<f64>,
    pub(crate) p95: Option<f64>,
    /// How many were measured.
    pub(crate) n: usize,
    /// How many have not come to it yet; they are in no mean and no percentile.
    pub(crate) open: usize,
    /// How long the oldest of those waits, in seconds.
    pub(crate) oldest_open_s: Option<u64>,
    pub(crate) target: Option<f64>,
    /// Whether at most the target is wanted, or at least.
    pub(crate) less_is_better: bool,
    pub(crate) met: Option<bool>,
    /// What it is made of, newest first; at most 200. Each has its entries at `/api/v1/incidents/{id}/timeline`.
    pub(crate) incidents: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "FigureGroup")]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) incidents: usize,
    pub(crate) figures: Vec<Figure>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Kpi {
    pub(crate) since: String,
    pub(crate) until: String,
    pub(crate) at: String,
    /// In the window, and in no figure.
    pub(crate) drills: usize,
    /// The twelve values people look at first.
    pub(crate) dashboard: Dashboard,
    pub(crate) all: Group,
    pub(crate) by_severity: Vec<Group>,
    pub(crate) by_category: Vec<Group>,
}

/// Times in seconds, rates in percent; null where nothing was measured or nobody answered.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Dashboard {
    pub(crate) response_times: ResponseTimes,
    pub(crate) incident_statistics: IncidentStatistics,
    pub(crate) effectiveness_metrics: Effectiveness,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ResponseTimes {
    pub(crate) average_detection_time: Option<f64>,
    pub(crate) average_containment_time: Option<f64>,
    pub(crate) average_resolution_time: Option<f64>,
    pub(crate) automation_rate: Option<f64>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct IncidentStatistics {
    pub(crate) total_incidents: Option<f64>,
    pub(crate) critical_incidents: Option<f64>,
    pub(crate) resolved_incidents: Option<f64>,
    pub(crate) false_positives: Option<f64>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Effectiveness {
    pub(crate) containment_success_rate: Option<f64>,
    pub(crate) recovery_success_rate: Option<f64>,
    /// What reviews said, in percent of what could have been lost.
    pub(crate) business_impact_minimization: Option<f64>,
    /// Corrective actions that are closed.
    pub(crate) lessons_learned_applied: Option<f64>,
}

impl From<&figures::Figure> for Figure {
    fn from(figure: &figures::Figure) -> Figure {
        Figure {
            name: figure.of.name.to_owned(),
            title: figure.of.title.to_owned(),
            unit: figure.of.unit.name().to_owned(),
            value: figure.value,
            p50: figure.p50,
            p95: figure.p95,
            n: figure.n,
            open: figure.open,
            oldest_open_s: figure.oldest.map(|oldest| oldest.0 / 1_000_000),
            target: figure.target,
            less_is_better: figure.of.less,
            met: figure.met,
            incidents: figure.incidents.iter().map(text).collect(),
        }
    }
}

impl From<&figures::Group> for Group {
    fn from(group: &figures::Group) -> Group {
        Group {
            name: group.name.clone(),
            incidents: group.incidents,
            figures: group.figures.iter().map(Figure::from).collect(),
        }
    }
}

impl Dashboard {
    fn of(all: &figures::Group) -> Dashboard {
        let value = |name: &str| all.named(name).and_then(|figure| figure.value);
        Dashboard {
            response_times: ResponseTimes {
                average_detection_time: value("time_to_detect"),
                average_containment_time: value("time_to_contain"),
                average_resolution_time: value("time_to_resolve"),
                automation_rate: value("automation_rate"),
            },
            incident_statistics: IncidentStatistics {
                total_incidents: value("total_incidents"),
                critical_incidents: value("critical_incidents"),
                resolved_incidents: value("resolved_incidents"),
                false_positives: value("false_positives"),
            },
            effectiveness_metrics: Effectiveness {
                containment_success_rate: value("containment_success_rate"),
                recovery_success_rate: value("recovery_success_rate"),
                business_impact_minimization: value("impact_avoided"),
                lessons_learned_applied: value("lessons_applied"),
            },
        }
    }
}

/// `since` and `until` of the query: the last thirty days if absent.
pub(crate) fn window(call: &Call) -> Result<Window, Error> {
    let form = "an RFC 3339 time such as 2026-01-31T08:00:00Z";
    let until = call.query_as("until", form)?.unwrap_or_else(|| call.now());
    let before = |span: domain::time::Span| domain::time::Timestamp(until.0.saturating_sub_unsigned(span.0));
    let since = call.query_as("since", form)?.unwrap_or(before(domain::time::Span::secs(DAYS * DAY)));
    if since >= until || until.since(since) > domain::time::Span::secs(DAYS_MAX * DAY) {
        let detail = format!("`since` has to be before `until` by at most {DAYS_MAX} d");
        return Err(Error::new(Problem::Malformed, detail));
    }
    Ok(Window { since, until })
}

impl Kpi {
    pub(crate) async fn of(call: &Call, window: Window) -> Result<Kpi, Error> {
        let (content, now) = (call.shared.content(), call.now());
        let made = call.read(move |reader| made(reader, &content, window, now)).await?;
        let made = made.ok_or_else(|| {
            let detail = format!("more than {CASES_MAX} incidents are in the window; choose a shorter one");
            Error::new(Problem::Malformed, detail)
        })?;
        Ok(Kpi {
            since: text(window.since),
            until: text(window.until),
            at: text(now),
            drills: made.drills,
            dashboard: Dashboard::of(&made.all),
            all: Group::from(&made.all),
            by_severity: made.by_severity.iter().map(Group::from).collect(),
            by_category: made.by_category.iter().map(Group::from).collect(),
        })
    }
}

/// None when too many incidents are in the window.
fn made(
    reader: &Reader,
    content: &domain::content::Content,
    window: Window,
    now: domain::time::Timestamp,
) -> Result<Option<figures::Figures>, engine::Error> {
    let since = domain::time::Timestamp(window.since.0.saturating_sub_unsigned(figures::REPEAT.0));
    let cases = reader.cases(since, CASES_MAX + 1)?;
    let reviews = reader.lookbacks(window.since, CASES_MAX)?;
    if cases.len() > CASES_MAX {
        return Ok(None);
    }
    Ok(Some(figures::figures(&cases, &reviews, content, window, now)))
}
