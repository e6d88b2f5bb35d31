//! Which act a command is, and on what: the only place that knows.

use super::{
    act::{self, Act, Kind},
    thing::{About, Effect, Thing},
};
use crate::{
    access::{self, Holder},
    action, approval,
    content::strategies::Strategy,
    control::{self, Leave},
    duty, evidence, exercise,
    flow::Command,
    id::{ActionId, ApprovalId, EvidenceId, IncidentId, ReportId, ReviewId, RunId},
    incident, intake, notice,
    playbook::Life,
    report, review, run, silence,
    state::State,
    statement, upkeep,
};

/// What a command asks of policies.
pub(super) enum Asked {
    Acts(Vec<(Act, Thing)>),
    /// Given by the scope of a token.
    Scope,
    /// It only puts on record what was refused.
    Record,
    /// Only the platform itself asks for it.
    Own,
}

fn one(act: Act, thing: Thing) -> Asked {
    Asked::Acts(vec![(act, thing)])
}

pub(super) fn by(state: &State, command: &Command) -> Asked {
    match command {
        Command::Silence(command) => of_silence(command),
        Command::Incident(command) => of_incident(state, command),
        Command::Run(command) => of_run(state, command),
        Command::Action(command) => of_action(state, command),
        Command::Control(command) => of_control(command),
        Command::Access(command) => of_access(state, command),
        Command::Approval(command) => match command {
            approval::Command::Approve { id, .. } => Asked::Acts(of_approval(state, *id)),
            approval::Command::Deny { id, .. } => one(act::APPROVAL_DENY, Thing::approval(state, *id)),
            approval::Command::Renew { id } => one(act::APPROVAL_RENEW, Thing::approval(state, *id)),
            approval::Command::Request { .. }
            | approval::Command::RequestStep { .. }
            | approval::Command::Expire { .. }
            | approval::Command::Consume { .. }
            | approval::Command::End { .. }
            | approval::Command::Void { .. } => Asked::Own,
        },
        Command::Notice(command) => of_notice(state, command),
        Command::Review(command) => match command {
            review::Command::Complete { id, .. } => one(act::REVIEW_COMPLETE, of_review(state, *id)),
            review::Command::Write { id, .. } => one(act::REVIEW_WRITE, of_review(state, *id)),
            review::Command::Open { .. } | review::Command::Remind { .. } => Asked::Own,
        },
        Command::Report(command) => match command {
            report::Command::Receive(_) => Asked::Scope,
            report::Command::Acknowledge { id, .. } => one(act::REPORT_ACKNOWLEDGE, of_report(state, *id)),
            report::Command::Close { id, .. } => one(act::REPORT_CLOSE, of_report(state, *id)),
            report::Command::Link { .. } | report::Command::Remind { .. } => Asked::Own,
        },
        Command::Evidence(command) => of_evidence(state, command),
        Command::Statement(command) => of_statement(state, command),
        Command::Exercise(exercise::Command::Reached { .. } | exercise::Command::Elapse { .. }) => Asked::Own,
        Command::Exercise(_) => one(act::EXERCISE_HOLD, Thing::platform()),
        Command::Upkeep(command) => of_upkeep(command),
        Command::Duty(duty::Command::Complete { .. }) => one(act::DUTY_COMPLETE, Thing::platform()),
        Command::Duty(
            duty::Command::Open { .. } | duty::Command::Held { .. } | duty::Command::Remind { .. },
        ) => Asked::Own,
        Command::Intake(intake::Command::Keep { .. }) => Asked::Scope,
        Command::LoadContent(_) => one(act::CONTENT_LOAD, Thing::platform()),
        Command::Redact { .. } => one(act::REDACT, Thing::platform()),
        Command::RecordRefusal { .. } => Asked::Record,
        Command::Health(_)
        | Command::Receive(_)
        | Command::Sighting(_)
        | Command::Enact { .. }
        | Command::Detect { .. }
        | Command::Reroute { .. } => Asked::Own,
    }
}

fn of_silence(command: &silence::Command) -> Asked {
    let thing = |id: String| Thing::new(Kind::Silence, id);
    match command {
        silence::Command::Set { id, .. } => {
            one(act::SILENCE_SET, thing(id.map_or_else(|| "new".to_owned(), |id| id.to_string())))
        }
        silence::Command::Expire { id } => one(act::SILENCE_EXPIRE, thing(id.to_string())),
    }
}

fn of_incident(state: &State, command: &incident::Command) -> Asked {
    use incident::{Command as Asks, analysis, people::Ask, restore};
    let (act, id) = match command {
        Asks::Open { incident_type, severity, .. } => {
            let incident = Some(About::new(state, incident_type, *severity));
            return one(act::INCIDENT_OPEN, Thing { incident, ..Thing::new(Kind::Incident, "new") });
        }
        Asks::Acknowledge { id } => (act::INCIDENT_ACKNOWLEDGE, id),
        Asks::Assign { id, .. } => (act::INCIDENT_ASSIGN, id),
        Asks::Classify { id, .. } => (act::INCIDENT_CLASSIFY, id),
        Asks::Note { id, .. } => (act::INCIDENT_NOTE, id),
        Asks::Link { id, .. } => (act::INCIDENT_LINK, id),
        Asks::Analyze { id, ask: analysis::Ask::Update { .. } } => (act::INCIDENT_UPDATE, id),
        Asks::Analyze { id, .. } => (act::INCIDENT_ANALYZE, id),
        Asks::Resolve { id, .. } => (act::INCIDENT_RESOLVE, id),
        Asks::SignOff { id, .. } => (act::INCIDENT_SIGN_OFF, id),
        Asks::Close { id, .. } => (act::INCIDENT_CLOSE, id),
        Asks::Recovery { id, command: restore::Command::Begin } => (act::RECOVERY_BEGIN, id),
        Asks::Recovery { id, command: restore::Command::Judge { .. } } => (act::RECOVERY_JUDGE, id),
        Asks::People { id, ask: Ask::Escalate { .. } } => (act::INCIDENT_ESCALATE, id),
        Asks::People { id, ask: Ask::Claim } => (act::INCIDENT_CLAIM, id),
        Asks::People { id, ask: Ask::HandOver { .. } } => (act::INCIDENT_HAND_OVER, id),
        Asks::People { id, ask: Ask::Answer { .. } } => (act::INCIDENT_ANSWER, id),
        Asks::People { id, ask: Ask::Accept } => (act::INCIDENT_ACCEPT, id),
        Asks::People { ask: Ask::SetClock | Ask::Elapsed | Ask::Weigh | Ask::Assemble { .. }, .. }
        | Asks::Recovery {
            command:
                restore::Command::Advance
                | restore::Command::Found { .. }
                | restore::Command::Released { .. }
                | restore::Command::Stuck { .. }
                | restore::Command::Repeat,
            ..
        }
        | Asks::FromAlert { .. }
        | Asks::EndWatch { .. }
        | Asks::Check { .. }
        | Asks::Contained { .. }
        | Asks::RaiseAttention { .. }
        | Asks::ClearAttention { .. }
        | Asks::ActAtOnce { .. }
        | Asks::StopResponse { .. } => return Asked::Own,
    };
    one(act, Thing::incident(state, *id))
}

fn of_run(state: &State, command: &run::Command) -> Asked {
    let (act, id) = match command {
        run::Command::Start { incident, .. } => {
            return one(act::RUN_START, Thing::incident(state, *incident));
        }
        run::Command::Update { id, .. } => (act::RUN_UPDATE, *id),
        run::Command::Pause { id } => (act::RUN_PAUSE, *id),
        run::Command::Resume { id } => (act::RUN_RESUME, *id),
        run::Command::Skip { id, .. } => (act::RUN_SKIP, *id),
        run::Command::Retry { id, .. } => (act::RUN_RETRY, *id),
        run::Command::Cancel { id, undo: false } => (act::RUN_CANCEL, *id),
        run::Command::Cancel { id, undo: true } => (act::RUN_UNDO, *id),
        run::Command::Advance { .. } | run::Command::Quarantine { .. } => return Asked::Own,
    };
    one(act, run_thing(state, id))
}

fn run_thing(state: &State, id: RunId) -> Thing {
    let run = state.runs.get(id);
    let people = run.map(|run| run.by.clone()).unwrap_or_default();
    Thing { people, ..Thing::within(Kind::Run, id.to_string(), state, run.map(|run| run.incident)) }
}

fn of_action(state: &State, command: &action::Command) -> Asked {
    let (act, id) = match command {
        action::Command::Apply { incident, verb, .. } => {
            let effect = state.content.actions.get(verb).map(|known| Effect::new(known));
            let thing = Thing::within(Kind::Effect, verb.as_str(), state, Some(*incident));
            return one(act::CONTAINMENT_APPLY, Thing { effect, ..thing });
        }
        action::Command::Take { incident, strategy, .. } => {
            let known = state.content.strategies.get(strategy);
            return known.map_or_else(
                || {
                    one(
                        act::CONTAINMENT_APPLY,
                        Thing::within(Kind::Effect, strategy.as_str(), state, Some(*incident)),
                    )
                },
                |known| one(act::CONTAINMENT_APPLY, of_strategy(state, *incident, known)),
            );
        }
        action::Command::Release { id } => (act::CONTAINMENT_RELEASE, *id),
        action::Command::Extend { id, .. } => (act::CONTAINMENT_EXTEND, *id),
        action::Command::Settle { id, .. } => (act::CONTAINMENT_SETTLE, *id),
        action::Command::Request(_)
        | action::Command::Report { .. }
        | action::Command::Withdraw { .. }
        | action::Command::Wake { .. }
        | action::Command::Abandon { .. }
        | action::Command::Recover { .. }
        | action::Command::EndLease { .. }
        | action::Command::Doubt { .. }
        | action::Command::Deny { .. } => return Asked::Own,
    };
    one(act, effect_thing(state, act, id))
}

/// What a strategy does, which may take more than its action alone.
pub(super) fn of_strategy(state: &State, incident: IncidentId, strategy: &Strategy) -> Thing {
    let effect = state.content.actions.get(&strategy.verb).map(|known| Effect {
        risk: strategy.risk,
        permissions: strategy.permissions.clone(),
        ..Effect::new(known)
    });
    let thing = Thing::within(Kind::Effect, strategy.id.as_str(), state, Some(incident));
    Thing { effect, ..thing }
}

/// Taking back is the effect of the verb that takes back.
fn effect_thing(state: &State, asked: Act, id: ActionId) -> Thing {
    let action = state.actions.get(id);
    let effect = action.map(|action| {
        let revert = action.spec.revert.as_deref().filter(|_| asked == act::CONTAINMENT_RELEASE);
        let reverting = revert.and_then(|verb| state.content.actions.get(verb));
        reverting.map_or_else(|| Effect::of(state, &action.spec), |known| Effect::new(known))
    });
    let incident = action.map(|action| action.spec.incident);
    Thing { effect, ..Thing::within(Kind::Effect, id.to_string(), state, incident) }
}

/// Allowing that a limit is left takes the right to leave it, too, and words to the outside the right to say them.
pub(super) fn of_approval(state: &State, id: ApprovalId) -> Vec<(Act, Thing)> {
    let asked = state.approvals.get(&id);
    let leave = asked.and_then(|approval| approval.leave.as_ref());
    let words = asked.and_then(|approval| approval.statement);
    let outside = words.map(|id| {
        let thing =
            Thing::within(Kind::Notice, id.to_string(), state, asked.and_then(|asked| asked.incident));
        (act::STATEMENT_SEND, Thing { external: true, ..thing })
    });
    let leaving = leave.map(|leave| match leave {
        Leave::KillSwitch { .. } => (act::KILL_SWITCH, Thing::platform()),
        Leave::SafeMode { .. } => (act::SAFE_MODE, Thing::platform()),
        Leave::Data(_) => (act::RESTORE, Thing::platform()),
    });
    let approve = (act::APPROVAL_APPROVE, Thing::approval(state, id));
    leaving.into_iter().chain([approve]).chain(outside).collect()
}

fn of_control(command: &control::Command) -> Asked {
    let act = match command {
        control::Command::SetKillSwitch { .. } => act::KILL_SWITCH,
        control::Command::SetSafeMode { .. } => act::SAFE_MODE,
        control::Command::SetBreaker { .. } => act::BREAKER,
        control::Command::ConfirmClock => act::CONFIRM_CLOCK,
        control::Command::BreakGlass { .. } => act::BREAK_GLASS,
        control::Command::MendGlass => act::MEND_GLASS,
        control::Command::Restore { .. } | control::Command::EndRestore { .. } => act::RESTORE,
        // It has been made already; who may have one made is asked before.
        control::Command::BackedUp(_) => return Asked::Record,
        control::Command::Start { .. }
        | control::Command::TripBreaker { .. }
        | control::Command::DoubtClock { .. }
        | control::Command::BackupFailed { .. }
        | control::Command::RestoreReady { .. }
        | control::Command::Leave { .. } => return Asked::Own,
    };
    one(act, Thing::platform())
}

fn of_access(state: &State, command: &access::Command) -> Asked {
    let account = |id: String, people: Option<_>| Thing {
        people: people.into_iter().collect(),
        ..Thing::new(Kind::Account, id)
    };
    match command {
        access::Command::LogIn { .. } => one(act::LOG_IN, account("page".to_owned(), None)),
        access::Command::LogOut { id } => one(act::LOG_OUT, account(id.to_string(), None)),
        access::Command::AddPerson { name, .. } => one(act::PERSON_ADD, account(name.clone(), None)),
        access::Command::SetRole { id, .. } => one(act::PERSON_SET_ROLE, account(id.to_string(), Some(*id))),
        access::Command::DisablePerson { id } => one(act::PERSON_DISABLE, account(id.to_string(), Some(*id))),
        access::Command::CreateToken { holder, .. } => {
            one(act::TOKEN_CREATE, account("new".to_owned(), owner(holder)))
        }
        access::Command::RevokeToken { id } => {
            let of = state.tokens.get(id).and_then(|token| owner(&token.holder));
            one(act::TOKEN_REVOKE, account(id.to_string(), of))
        }
    }
}

fn of_evidence(state: &State, command: &evidence::Command) -> Asked {
    let kept = |id: &EvidenceId| {
        let incident = state.evidence.get(id).map(|kept| kept.item.incident);
        Thing::within(Kind::Evidence, id.to_string(), state, incident)
    };
    let new = |incident: IncidentId| Thing::within(Kind::Evidence, "new", state, Some(incident));
    match command {
        evidence::Command::Collect(item) => one(act::EVIDENCE_COLLECT, new(item.incident)),
        evidence::Command::Write { incident, .. } => one(act::EVIDENCE_COLLECT, new(*incident)),
        evidence::Command::Access { id, .. } => one(act::EVIDENCE_ACCESS, kept(id)),
        evidence::Command::Export { ids, .. } => {
            Asked::Acts(ids.iter().map(|id| (act::EVIDENCE_EXPORT, kept(id))).collect())
        }
        evidence::Command::Transfer { id, .. } => one(act::EVIDENCE_TRANSFER, kept(id)),
        evidence::Command::Verify { id, .. } => one(act::EVIDENCE_VERIFY, kept(id)),
        evidence::Command::Seal { .. } => Asked::Own,
    }
}

fn of_statement(state: &State, command: &statement::Command) -> Asked {
    let incident = match command {
        statement::Command::Draft { incident, .. } => Some(*incident),
        statement::Command::Edit { id, .. }
        | statement::Command::Submit { id }
        | statement::Command::Withdraw { id, .. } => state.statements.get(id).map(|known| known.incident),
        statement::Command::Send { .. } | statement::Command::Report { .. } => return Asked::Own,
    };
    let thing = Thing::new(Kind::Incident, "new");
    one(act::STATEMENT_WRITE, incident.map_or(thing, |id| Thing::incident(state, id)))
}

fn of_upkeep(command: &upkeep::Command) -> Asked {
    let act = match command {
        upkeep::Command::Move { to: Life::Draft | Life::Review, .. } => act::PROCEDURE_REVIEW,
        upkeep::Command::Move { to: Life::Active, .. } => act::PROCEDURE_ACTIVATE,
        upkeep::Command::Move { to: Life::Retired, .. } => act::PROCEDURE_RETIRE,
        upkeep::Command::Complete { .. } => act::TRAINING_COMPLETE,
        upkeep::Command::Round | upkeep::Command::Looked { .. } => return Asked::Own,
    };
    one(act, Thing::platform())
}

fn owner(holder: &Holder) -> Option<crate::id::PersonId> {
    match holder {
        Holder::Person(id) | Holder::Page(id) => Some(*id),
        Holder::Source(_) | Holder::Drill(_) | Holder::Form(_) | Holder::Outside(_) => None,
    }
}

fn of_notice(state: &State, command: &notice::Command) -> Asked {
    let people = &state.content.people;
    let external = |names: &[&str]| {
        let reached = people.expand(names.iter().copied());
        reached.iter().any(|name| people.contacts.get(*name).is_some_and(|contact| contact.external))
    };
    let thing = |incident: IncidentId, external: bool| Thing {
        external,
        ..Thing::within(Kind::Notice, "new", state, Some(incident))
    };
    match command {
        notice::Command::Send { incident, to, .. } => {
            let to: Vec<&str> = to.iter().map(|name| &**name).collect();
            one(act::NOTICE_SEND, thing(*incident, external(&to)))
        }
        notice::Command::Test { incident, to, .. } => {
            one(act::NOTICE_TEST, thing(*incident, external(&[to])))
        }
        notice::Command::Tell { .. }
        | notice::Command::Probe { .. }
        | notice::Command::Say { .. }
        | notice::Command::Report { .. }
        | notice::Command::Wake { .. }
        | notice::Command::Recover { .. }
        | notice::Command::Cancel { .. } => Asked::Own,
    }
}

fn of_review(state: &State, id: ReviewId) -> Thing {
    let incident = state.reviews.get(&id).map(|review| review.incident);
    Thing::within(Kind::Review, id.to_string(), state, incident)
}

fn of_report(state: &State, id: ReportId) -> Thing {
    let incident = state.reports.get(&id).and_then(|report| report.incident);
    Thing::within(Kind::Report, id.to_string(), state, incident)
}
