//! What may be recorded of an incident: by people, within bounds, about things that exist.

use std::collections::BTreeSet;

use super::{
    Analysis, Ask, FINDINGS_MAX, Fact, INDICATORS, LINE_MAX, LINKS_MAX, MEASURES_MAX, PROFILE_MAX, TEXT_MAX,
};
use crate::{
    event::{Context, Rejected},
    id::{EvidenceId, IncidentId},
    incident::{self, Incident, Status},
    state::State,
    time::{Span, Timestamp},
};

/// An end that lies further off is no expectation.
const ETA_MOST: Span = Span::secs(365 * 86_400);

pub(in crate::incident) fn decide(
    state: &State,
    id: IncidentId,
    ask: Ask,
    context: &Context,
) -> Result<Fact, Rejected> {
    let incident = incident::decide::open(state, id)?;
    context.a_person("people say what an incident is")?;
    match ask {
        Ask::Finding { text, evidence, entries } => {
            finding(state, incident, text, evidence, entries, context.next)
        }
        Ask::Impact { areas, text } => {
            if areas.is_empty() {
                return Err(invalid("no area is named; rate systems, data, people, business or regulation"));
            }
            Ok(Fact::Assessed { areas, text: words("text", text, TEXT_MAX)? })
        }
        Ask::Threat { techniques, indicators, actor } => threat(techniques, indicators, actor),
        Ask::Cause { text, method, measures } => {
            most("measures", measures.len(), MEASURES_MAX)?;
            let measures = measures.into_iter().map(|one| words("measure", one, LINE_MAX));
            let known = incident.analysis.as_ref().is_some_and(|analysis| analysis.cause.is_some());
            let awaited = incident.status != Status::Open && !known;
            let text = words("cause", text, TEXT_MAX)?;
            Ok(Fact::Explained { text, method, measures: measures.collect::<Result<_, _>>()?, awaited })
        }
        Ask::Update { text, eta } => {
            let text = words("text", text, TEXT_MAX)?;
            Ok(Fact::Updated { text, eta: eta.map(|eta| expected(eta, context.now)).transpose()? })
        }
    }
}

fn invalid(message: impl Into<String>) -> Rejected {
    Rejected::Invalid(message.into())
}

fn words(what: &str, text: String, bytes: usize) -> Result<Box<str>, Rejected> {
    if text.trim().is_empty() || text.len() > bytes {
        return Err(invalid(format!("the {what} is empty or longer than {bytes} bytes")));
    }
    Ok(text.into())
}

fn most(what: &str, count: usize, most: usize) -> Result<(), Rejected> {
    if count > most { Err(invalid(format!("{count} {what} are too many; at most {most}"))) } else { Ok(()) }
}

fn finding(
    state: &State,
    incident: &Incident,
    text: String,
    evidence: Vec<EvidenceId>,
    entries: Vec<u64>,
    next: u64,
) -> Result<Fact, Rejected> {
    let known = incident.analysis.as_deref().map_or(0, |analysis: &Analysis| analysis.findings.len());
    if known >= FINDINGS_MAX {
        return Err(Rejected::Limited(format!("{} has {FINDINGS_MAX} findings already", incident.id)));
    }
    most("pieces of evidence", evidence.len(), LINKS_MAX)?;
    most("entries", entries.len(), LINKS_MAX)?;
    for id in &evidence {
        let kept = state.evidence.get(id).is_some_and(|kept| kept.item.incident == incident.id);
        if !kept {
            let reason = format!("there is no evidence {id} of {}; see `evidence list`", incident.id);
            return Err(Rejected::NotFound(reason));
        }
    }
    if let Some(entry) = entries.iter().find(|entry| **entry >= next) {
        return Err(Rejected::NotFound(format!("there is no entry {entry}")));
    }
    let evidence = evidence.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    let entries = entries.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    Ok(Fact::Found { text: words("finding", text, TEXT_MAX)?, evidence, entries })
}

fn threat(
    techniques: Vec<String>,
    indicators: Vec<(String, String)>,
    actor: Option<String>,
) -> Result<Fact, Rejected> {
    if techniques.is_empty() && indicators.is_empty() && actor.is_none() {
        return Err(invalid("the profile is empty; give techniques, indicators or who is behind it"));
    }
    most("techniques", techniques.len(), PROFILE_MAX)?;
    most("indicators", indicators.len(), PROFILE_MAX)?;
    if let Some(wrong) = techniques.iter().find(|id| !is_technique(id)) {
        let shown: String = wrong.chars().take(64).collect();
        return Err(invalid(format!(
            "`{shown}` is no technique; write one of ATT&CK as T1078 or T1078.004, of ATLAS as AML.T0051"
        )));
    }
    let mut known = Vec::with_capacity(indicators.len());
    for (kind, value) in indicators {
        if !INDICATORS.contains(&kind.as_str()) {
            let shown: String = kind.chars().take(64).collect();
            return Err(invalid(format!(
                "`{shown}` is no kind of indicator; use one of {}",
                INDICATORS.join(", ")
            )));
        }
        known.push((kind.into(), words("indicator", value, LINE_MAX)?));
    }
    let techniques = techniques.into_iter().collect::<BTreeSet<_>>().into_iter().map(Into::into).collect();
    let actor = actor.map(|text| words("actor", text, TEXT_MAX)).transpose()?;
    Ok(Fact::Profiled { techniques, indicators: known, actor })
}

/// `T1234` or `T1234.001` of ATT&CK, `AML.T0000` or `AML.T0000.001` of ATLAS.
pub(super) fn is_technique(id: &str) -> bool {
    let digits =
        |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    let plain = id.strip_prefix("AML.").unwrap_or(id);
    let Some(rest) = plain.strip_prefix('T') else { return false };
    match rest.split_once('.') {
        None => digits(rest, 4),
        Some((technique, part)) => digits(technique, 4) && digits(part, 3),
    }
}

fn expected(eta: Timestamp, now: Timestamp) -> Result<Timestamp, Rejected> {
    if eta <= now || eta.since(now) > ETA_MOST {
        return Err(invalid("the expected end is not after now, or more than a year off"));
    }
    Ok(eta)
}
