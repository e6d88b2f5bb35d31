//! Who hears of a duty: its owner when it comes and before it is due, and the first level as well when it is overdue.

use crate::{duty, flow::Command, id::DutyId, notice, severity::Severity, state::State};

pub(super) fn after(state: &State, id: DutyId, event: &duty::Event) -> Vec<Command> {
    let Some(duty) = state.duties.get(&id) else { return Vec::new() };
    let known = &state.content.people;
    let mut to = known.expand([&*duty.owner]);
    let said = match event {
        duty::Event::Opened { .. } => "came round",
        duty::Event::Reminded => "is due soon",
        duty::Event::Overdue => {
            to.extend(known.of_level(1));
            "is overdue"
        }
        duty::Event::Completed { .. } => return Vec::new(),
    };
    let title = format!("{id}: {} {said}", duty.name).into();
    let mut lines: Vec<Box<str>> = duty.asks.lines().map(Into::into).collect();
    lines.push(format!("Due {}, for {}.", duty.due, duty.owner).into());
    lines.push(format!("When it is done: `ringfence duty complete {id} NOTE`").into());
    tell(notice::Reason::Duty, Severity::Medium, to, title, lines)
}

/// One notice for each, of no single incident.
pub(super) fn tell(
    reason: notice::Reason,
    severity: Severity,
    to: std::collections::BTreeSet<&str>,
    title: Box<str>,
    lines: Vec<Box<str>>,
) -> Vec<Command> {
    if to.is_empty() {
        return Vec::new();
    }
    let to = to.into_iter().map(Into::into).collect();
    vec![Command::Notice(notice::Command::Tell { reason, severity, to, title, lines })]
}
