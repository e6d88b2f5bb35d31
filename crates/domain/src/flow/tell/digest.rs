//! The state of all open incidents of one severity, in one notice for each who hears of them.

use std::collections::BTreeSet;

use super::{Command, duties};
use crate::{
    incident::{Incident, Status},
    notice,
    state::State,
};

/// Most incidents that one digest names; of the others it says how many there are.
const NAMED_MAX: usize = 50;

/// The clocks of all of them come at the same moment. The first of them tells of all, the others of nothing.
pub(super) fn after(state: &State, incident: &Incident) -> Vec<Command> {
    let severity = incident.severity;
    let all = || state.incidents.ranks.of(severity);
    let open = || all().filter_map(|id| state.incidents.open.get(&id));
    let tells = open().find(|one| one.standing().update_at.is_some());
    if tells.is_none_or(|first| first.id != incident.id) {
        return Vec::new();
    }
    let count = all().len();
    let title = match count {
        1 => format!("1 incident of severity {severity} is open"),
        _ => format!("{count} incidents of severity {severity} are open"),
    };
    let mut to = BTreeSet::new();
    let mut lines: Vec<Box<str>> = Vec::new();
    for one in open().take(NAMED_MAX) {
        to.extend(super::concerned(state, one));
        lines.push(line(state, one).into());
    }
    if count > NAMED_MAX {
        lines.push(format!("and {} more: `ringfence incident list`", count - NAMED_MAX).into());
    }
    duties::tell(notice::Reason::Digest, severity, to, title.into(), lines)
}

fn line(state: &State, incident: &Incident) -> String {
    let contained = incident.status == Status::Open && incident.contained_at.is_some();
    let status = if contained { "contained" } else { "open" };
    let commander = incident.standing().commander.and_then(|id| state.people.get(&id));
    let who = match (commander, incident.acknowledged) {
        (Some(person), _) => format!("commanded by {}", person.name),
        (None, Some(_)) => "acknowledged".to_owned(),
        (None, None) => "not acknowledged".to_owned(),
    };
    let (id, since, title) = (incident.id, incident.opened_at, &incident.title);
    format!("{id} {status} since {since}, {who}: {title}")
}
