//! What the API shows of what people made out about an incident.

use std::collections::BTreeMap;

use domain::incident::{self as incidents, analysis};
use schemars::JsonSchema;
use serde::Serialize;

use super::{optional, text};

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Analysis {
    /// Oldest first.
    pub(crate) findings: Vec<Finding>,
    /// By area: systems, data, people, business, regulation. What is not there nobody has rated.
    pub(crate) impact: BTreeMap<String, Rated>,
    pub(crate) threat: Option<Threat>,
    pub(crate) cause: Option<Cause>,
    /// When it is expected to end.
    pub(crate) eta: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Finding {
    pub(crate) text: String,
    pub(crate) evidence: Vec<String>,
    /// Positions of the journal that show it.
    pub(crate) entries: Vec<u64>,
    pub(crate) by: Option<String>,
    pub(crate) at: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ImpactRating")]
pub(crate) struct Rated {
    /// none, low, medium, high or severe.
    pub(crate) level: String,
    pub(crate) text: String,
    pub(crate) by: Option<String>,
    pub(crate) at: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ThreatProfile")]
pub(crate) struct Threat {
    pub(crate) techniques: Vec<String>,
    pub(crate) indicators: Vec<Indicator>,
    pub(crate) actor: Option<String>,
    pub(crate) by: Option<String>,
    pub(crate) at: Option<String>,
}

/// Something by which the attack is recognized.
#[derive(Debug, Serialize, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Indicator {
    /// Such as address, domain, hash or account.
    pub(crate) kind: String,
    pub(crate) value: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RootCause")]
pub(crate) struct Cause {
    pub(crate) text: String,
    /// five_whys, fishbone, timeline, fault_tree or other.
    pub(crate) method: String,
    /// What is done so that it does not come again.
    pub(crate) measures: Vec<String>,
    /// How often it was written anew.
    pub(crate) revised: u32,
    pub(crate) by: Option<String>,
    pub(crate) at: Option<String>,
}

impl From<&incidents::Analysis> for Analysis {
    fn from(known: &incidents::Analysis) -> Analysis {
        let impact = known.impact.iter().map(|(area, one)| (area.name().to_owned(), rated(one)));
        Analysis {
            findings: known.findings.iter().map(finding).collect(),
            impact: impact.collect(),
            threat: known.threat.as_ref().map(threat),
            cause: known.cause.as_ref().map(cause),
            eta: optional(known.eta),
        }
    }
}

fn by(by: analysis::By) -> (Option<String>, Option<String>) {
    (by.map(|(person, _)| text(person)), by.map(|(_, at)| text(at)))
}

fn words(list: &[Box<str>]) -> Vec<String> {
    list.iter().map(text).collect()
}

fn finding(one: &analysis::Finding) -> Finding {
    let (by, at) = by(one.by);
    let evidence = one.evidence.iter().map(text).collect();
    Finding { text: text(&one.text), evidence, entries: one.entries.clone(), by, at }
}

fn rated(one: &analysis::Rated) -> Rated {
    let (by, at) = by(one.by);
    Rated { level: one.level.name().to_owned(), text: text(&one.text), by, at }
}

fn threat(one: &analysis::Threat) -> Threat {
    let (by, at) = by(one.by);
    let indicator = |(kind, value): &incidents::Target| Indicator { kind: text(kind), value: text(value) };
    let indicators = one.indicators.iter().map(indicator).collect();
    Threat { techniques: words(&one.techniques), indicators, actor: one.actor.as_ref().map(text), by, at }
}

fn cause(one: &analysis::Cause) -> Cause {
    let (by, at) = by(one.by);
    let (method, measures) = (one.method.name().to_owned(), words(&one.measures));
    Cause { text: text(&one.text), method, measures, revised: one.revised, by, at }
}
