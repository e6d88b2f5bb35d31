//! Asking whether a statement may go out, and what follows from enough people's yes.

use super::Command;
use crate::{
    approval::{self, Approval, Event},
    event::{Context, Rejected},
    flow,
    id::{ApprovalId, IncidentId, StatementId},
    incident, notice,
    state::State,
};

/// Whoever has to agree is called for the incident, and for one that is closed nobody is.
pub(super) fn is_worked_on(state: &State, id: IncidentId) -> bool {
    state.incidents.open.get(&id).is_some_and(|incident| incident.status != incident::Status::Closed)
}

/// The request that waits for this statement.
pub(super) fn asked(state: &State, id: StatementId) -> Option<&Approval> {
    state.approvals.values().find(|asked| asked.statement == Some(id) && !approval::is_over(asked))
}

/// One request, bound to the exact words; none of those who wrote them or ask for it may agree.
pub fn ask(state: &State, id: StatementId, context: &Context) -> Result<Vec<(ApprovalId, Event)>, Rejected> {
    let person = context.a_person("people have statements approved")?;
    let statement = super::open(state, id)?;
    if !is_worked_on(state, statement.incident) {
        let text = format!(
            "{0} is closed, so nobody would be called to agree with {id}; withdraw it and draft it anew in an open \
             incident",
            statement.incident
        );
        return Err(Rejected::Conflict(text));
    }
    if !statement.drill && !notice::has_way(state, statement.severity, &statement.to) {
        let text = format!(
            "no channel of channels.yaml reaches {} for a statement; add one of kind `email` or `sms` to its order, and \
             `mail` or `phone` to {0} in contacts.yaml",
            statement.to
        );
        return Err(Rejected::Conflict(text));
    }
    if let Some(asked) = asked(state, id) {
        let text = match asked.lapsed {
            true => format!("nobody answered {0} for {id}; have it asked again with `run ask {0}`", asked.id),
            false => format!("{} asks for {id} already", asked.id),
        };
        return Err(Rejected::Conflict(text));
    }
    let Some(known) = state.content.statements.get(&*statement.kind) else {
        let text = format!("statements.yaml has no `{}` any more; draft {id} anew", statement.kind);
        return Err(Rejected::Conflict(text));
    };
    let mut requesters = statement.authors.clone();
    requesters.push(person);
    requesters.sort_unstable();
    requesters.dedup();
    let (subject, terms) = (statement.subject(), known.terms.clone());
    let requested = Event::Requested {
        incident: Some(statement.incident),
        actions: Vec::new(),
        hash: subject.hash(),
        subject,
        requesters,
        expires_at: context.now.plus(terms.expires),
        terms,
        leave: None,
        statement: Some(id),
        reason: "".into(),
    };
    Ok(vec![(ApprovalId::from_number(context.next), requested)])
}

/// What enough people agreed with goes out.
pub(crate) fn carry_out(approval: &Approval, id: StatementId) -> flow::Command {
    let hash = approval.hash.clone();
    flow::Command::Statement(Command::Send { id, approval: approval.id, hash })
}
