//! Who is told of a fact, and what it asks of people. Nothing, where the content names nobody.

mod digest;
mod duties;

use std::collections::BTreeSet;

use super::Command;
use crate::{
    action,
    event::{Event, Stream},
    id::{ApprovalId, IncidentId, ReportId, ReviewId, StatementId},
    incident::{self, Incident, analysis, people},
    notice::{self, Reason},
    playbook::{Kind, Playbook},
    report, review, run,
    state::State,
};

#[cfg(test)]
mod tests;

pub(super) fn after(state: &State, event: &Event) -> Vec<Command> {
    if state.content.people.is_empty() {
        return Vec::new();
    }
    match event {
        Event::Incident(id, event) => match state.incidents.open.get(id) {
            Some(incident) => after_incident(state, incident, event),
            None => Vec::new(),
        },
        Event::Run(id, event) => after_run(state, *id, event),
        Event::Review(id, event) => after_review(state, *id, event),
        Event::Report(id, event) => after_report(state, *id, event),
        Event::Action(id, action::Event::NotApplied { retry_at: None, .. }) => {
            let action = state.actions.get(*id).filter(|action| action.spec.origin.run().is_none());
            action.and_then(|action| weigh(state, action.spec.incident)).into_iter().collect()
        }
        Event::Duty(id, event) => duties::after(state, *id, event),
        Event::Alert(..)
        | Event::Silence(..)
        | Event::Action(..)
        | Event::Control(_)
        | Event::Sighting(..)
        | Event::Evidence(..)
        | Event::Upkeep(_)
        | Event::Statement(..)
        | Event::Exercise(..)
        | Event::Person(..)
        | Event::Token(..)
        | Event::Approval(..)
        | Event::Notice(..)
        | Event::Health(_)
        | Event::Raw(..)
        | Event::Content(_)
        | Event::Log(_) => Vec::new(),
    }
}

fn after_incident(state: &State, incident: &Incident, event: &incident::Event) -> Vec<Command> {
    let id = incident.id;
    let known = &state.content.people;
    match event {
        incident::Event::Opened { .. }
        | incident::Event::AlertJoined { severity: Some(_), .. }
        | incident::Event::Classified { .. } => vec![ask(id, people::Ask::SetClock)],
        incident::Event::AttentionRaised { about, reason } => attention(state, incident, about, reason),
        incident::Event::Acknowledged => {
            let who = incident.acknowledged.map_or_else(String::new, |(person, _)| person.to_string());
            let to = known.of_level(incident.standing().level.max(1));
            let mut commands = vec![ask(id, people::Ask::SetClock)];
            commands.extend(send(id, Reason::Acknowledged, to, &format!("{who} has acknowledged it")));
            commands
        }
        incident::Event::Resolved { summary, .. } => {
            send(id, Reason::Resolved, concerned(state, incident), summary)
        }
        incident::Event::Relapsed { reason } => {
            let mut to = concerned(state, incident);
            to.extend(known.of_level(1));
            let told = send(id, Reason::Opened, to, reason);
            told.into_iter().chain([ask(id, people::Ask::SetClock)]).collect()
        }
        // Whoever was called hears that it is over, once.
        incident::Event::Closed { .. } if incident.resolved_at.is_none() => {
            send(id, Reason::Resolved, concerned(state, incident), "closed without a resolution")
        }
        incident::Event::Analysis { fact } => {
            let told = after_analysis(state, incident, fact);
            told.into_iter().chain(weigh(state, id)).collect()
        }
        incident::Event::People(event) => after_people(state, incident, event),
        incident::Event::AlertJoined { targets, .. } if !targets.is_empty() => {
            weigh(state, id).into_iter().collect()
        }
        incident::Event::AlertJoined { .. }
        | incident::Event::Assigned { .. }
        | incident::Event::Noted { .. }
        | incident::Event::AtOnce { .. }
        | incident::Event::Linked { .. }
        | incident::Event::Contained { .. }
        | incident::Event::AttentionCleared { .. }
        | incident::Event::ResponseStopped { .. }
        | incident::Event::WatchEnded
        | incident::Event::SignedOff { .. }
        | incident::Event::Checked { .. }
        | incident::Event::Recovery { .. }
        | incident::Event::Closed { .. }
        | incident::Event::Redacted { .. } => Vec::new(),
    }
}

/// Whoever is concerned hears at once what a person says of how it stands, and the cause that they were promised.
fn after_analysis(state: &State, incident: &Incident, fact: &analysis::Fact) -> Vec<Command> {
    match fact {
        analysis::Fact::Updated { text, .. } => {
            send(incident.id, Reason::Update, concerned(state, incident), text)
        }
        analysis::Fact::Explained { text, awaited: true, .. } => {
            send(incident.id, Reason::Cause, concerned(state, incident), text)
        }
        analysis::Fact::Explained { awaited: false, .. }
        | analysis::Fact::Found { .. }
        | analysis::Fact::Assessed { .. }
        | analysis::Fact::Profiled { .. } => Vec::new(),
    }
}

/// One thing that asks again for another reason is not a second call; an approval that nobody gave is, and goes to
/// more people each time.
fn attention(state: &State, incident: &Incident, about: &str, reason: &str) -> Vec<Command> {
    // A notice about a notice that reached nobody would reach nobody; of a report people hear by its own facts.
    if about.starts_with(incident::OF_NOTICE) || about.starts_with("report/") {
        return Vec::new();
    }
    let known = &state.content.people;
    let level = incident.standing().level.max(1);
    let commander = incident.standing().commander.and_then(|person| crate::access::identity(state, person));
    let asked = about.strip_prefix("approval/").and_then(|position| position.parse().ok());
    let asked = asked.and_then(|position| state.approvals.get(&ApprovalId::from_number(position)));
    let Some(approval) = asked else {
        let first = incident.attention.iter().filter(|waits| *waits.about == *about).count() == 1;
        let mut to = known.of_level(level);
        to.extend(commander);
        // Whoever wrote words to the outside thinks that they are out.
        let words = about.strip_prefix("statement/").and_then(|position| position.parse().ok());
        let words = words.and_then(|position| state.statements.get(&StatementId::from_number(position)));
        let authors = words.into_iter().flat_map(|words| &words.authors);
        to.extend(authors.filter_map(|person| crate::access::identity(state, *person)));
        return if first { send(incident.id, Reason::Attention, to, reason) } else { Vec::new() };
    };
    let times = u8::try_from(approval.expired).unwrap_or(u8::MAX);
    let mut to = known.of_level(level.saturating_add(times).min(known.last_level()));
    to.extend(known.expand(approval.terms.roles.iter().map(|role| &**role)));
    to.extend(commander);
    let asked: BTreeSet<_> =
        approval.requesters.iter().filter_map(|person| crate::access::identity(state, *person)).collect();
    to.retain(|contact| !asked.contains(contact));
    let until = approval.expires_at;
    send(incident.id, Reason::Approval, to, &format!("{reason}; it stands until {until}"))
}

fn after_people(state: &State, incident: &Incident, event: &people::Event) -> Vec<Command> {
    let id = incident.id;
    let known = &state.content.people;
    match event {
        people::Event::ClockSet { tell: true, severity, .. } => {
            let mut to = known.told_of(*severity);
            to.extend(known.of_level(1));
            let told = send(id, Reason::Opened, to, &format!("severity {severity}"));
            told.into_iter().chain(weigh(state, id)).collect()
        }
        people::Event::ClockSet { tell: false, .. } => weigh(state, id).into_iter().collect(),
        people::Event::Escalated { level, why, weighed, .. } => {
            let to = weighed.called.iter().map(|contact| &**contact).collect();
            send(id, Reason::Escalated, to, &format!("level {level}: {why}"))
        }
        people::Event::CrisisCalled { .. }
        | people::Event::CrisisAnswered { .. }
        | people::Event::CrisisReminded { .. } => after_crisis(incident, event),
        people::Event::UpdateDue { digest: true, .. } if !incident.drill => digest::after(state, incident),
        people::Event::UpdateDue { unheard, .. } if *unheard > people::UNHEARD_AT_CADENCE => {
            let to = known.of_level(incident.standing().level);
            let since = incident.opened_at;
            send(id, Reason::Update, to, &format!("nobody has acknowledged it since {since}"))
        }
        people::Event::UpdateDue { .. } => {
            send(id, Reason::Update, concerned(state, incident), "state of the incident")
        }
        people::Event::HandOverOffered { to } => {
            let to = crate::access::identity(state, *to).into_iter().collect();
            send(id, Reason::Task, to, "you are asked to take command")
        }
        people::Event::Assembled { run, team, unfilled } => {
            let to = known.inside(team.iter().map(|(_, contact)| &**contact));
            let mut commands = send(id, Reason::Run, to, &format!("{run} began"));
            if !unfilled.is_empty() {
                let reason = format!("{run} needs a role that nobody holds: {}", unfilled.join(", "));
                let about = Stream::Incident(id);
                let attention = incident::Command::RaiseAttention { id, about, reason: reason.clone() };
                commands.push(Command::Incident(attention));
                if known.last_level() > 0 {
                    commands
                        .push(ask(id, people::Ask::Escalate { level: None, criterion: None, why: reason }));
                }
            }
            commands
        }
        people::Event::Weighed { .. } | people::Event::Claimed | people::Event::HandOverAccepted => {
            Vec::new()
        }
    }
}

/// Each member of the crisis team answers; who has not hears of it again, and once their time is over a person is called.
fn after_crisis(incident: &Incident, event: &people::Event) -> Vec<Command> {
    let (id, Some(crisis)) = (incident.id, &incident.standing().crisis) else { return Vec::new() };
    let open: BTreeSet<&str> = crisis.open().collect();
    let asked = format!("the crisis team is called; answer with `ringfence incident answer {id}`");
    let people::Event::CrisisReminded { .. } = event else {
        let called = matches!(event, people::Event::CrisisCalled { .. });
        return if called { send(id, Reason::Task, open, &asked) } else { Vec::new() };
    };
    let names = open.iter().copied().collect::<Vec<_>>().join(", ");
    let mut commands = send(id, Reason::Task, open, &asked);
    // Their time is over.
    if crisis.remind_at.is_none() {
        let (since, about) = (crisis.since, Stream::Incident(id));
        let reason = format!("called into the crisis team at {since}, and no answer from {names}");
        commands.push(Command::Incident(incident::Command::RaiseAttention { id, about, reason }));
    }
    commands
}

/// Something may have got worse, where rules look at that.
fn weigh(state: &State, id: IncidentId) -> Option<Command> {
    (!state.content.people.factors.rules.is_empty()).then(|| ask(id, people::Ask::Weigh))
}

fn after_run(state: &State, id: crate::id::RunId, event: &run::Event) -> Vec<Command> {
    let Some(run) = state.runs.get(id) else { return Vec::new() };
    if matches!(event, run::Event::Started { .. }) {
        return vec![ask(run.incident, people::Ask::Assemble { run: id })];
    }
    let Some((incident, progress)) = state.incidents.open.get(&run.incident).zip(event.progress()) else {
        return Vec::new();
    };
    let team = || team(state, incident);
    let mut commands = Vec::new();
    if progress.went_wrong() {
        commands.extend(weigh(state, incident.id));
    }
    if let Some(stage) = progress.stage {
        commands.extend(send(incident.id, Reason::Run, team(), &format!("{id} reached stage {}", stage + 1)));
    }
    if let Some(playbook) = state.playbooks.get(&run.hash) {
        commands.extend(tasks(state, incident, playbook, progress));
    }
    if matches!(progress.status, Some(run::Status::Completed)) {
        commands.extend(send(incident.id, Reason::Run, team(), &format!("{id} is completed")));
    }
    commands
}

/// Who has to do or to decide something hears of it when it begins, before it is due, and when it is overdue.
fn tasks(state: &State, incident: &Incident, playbook: &Playbook, progress: &run::Progress) -> Vec<Command> {
    let known = &state.content.people;
    let begun = progress.begun.iter().map(|begun| (begun.step, "is yours to do"));
    let flagged = progress.flagged.iter().filter_map(|flagged| match flagged.flag {
        run::Flag::Reminder => Some((flagged.step, "is due soon")),
        run::Flag::Overdue => Some((flagged.step, "is overdue")),
        run::Flag::Late => None,
    });
    let mut commands = Vec::new();
    for (index, what) in begun.chain(flagged) {
        let Some((_, step)) = playbook.steps().nth(index as usize) else { continue };
        let (asks, own) = match &step.kind {
            Kind::Manual(manual) => (&manual.instructions, [&manual.owner, &manual.role]),
            Kind::Decision(decision) => (&decision.question, [&None, &None]),
            Kind::Action
            | Kind::Wait(_)
            | Kind::Switch(_)
            | Kind::While(_)
            | Kind::Parallel(_)
            | Kind::Call(_) => continue,
        };
        let own = own.into_iter().flatten().chain(&step.roles).map(String::as_str);
        let mut to = known.expand(own);
        if to.is_empty() {
            // It calls on somebody, so those outside hear of it as well, or a team of theirs alone would not.
            to.extend(incident.standing().team.iter().map(|(_, contact)| &**contact));
        }
        commands.extend(send(incident.id, Reason::Task, to, &format!("`{}` {what}: {asks}", step.id)));
    }
    commands
}

/// The deadlines of a review come when its incident is closed, so nothing but a notice tells of them.
fn after_review(state: &State, id: ReviewId, event: &review::Event) -> Vec<Command> {
    let Some(review) = state.reviews.get(&id) else { return Vec::new() };
    let known = &state.content.people;
    let mut to = known.of_level(1);
    let said = match event {
        review::Event::Reminded { report } => format!("the {report} report of {id} is due soon"),
        review::Event::Overdue { report } => {
            to.extend(review.severity.map(|severity| known.told_of(severity)).unwrap_or_default());
            format!("the {report} report of {id} is overdue")
        }
        review::Event::Part { fact } => return after_part(state, review, fact),
        review::Event::Opened { .. } | review::Event::Completed { .. } => return Vec::new(),
    };
    send(review.incident, Reason::Review, to, &format!("{said}; see `report review complete`"))
}

/// Whoever owns a corrective action hears of it when it is agreed, before it is due, and with the first level when it is
/// overdue.
fn after_part(state: &State, review: &review::Review, fact: &review::Fact) -> Vec<Command> {
    let known = &state.content.people;
    let (number, what) = match fact {
        review::Fact::Found { awaited: true, text, .. } => {
            let mut to = known.of_level(1);
            to.extend(review.severity.map(|severity| known.told_of(severity)).unwrap_or_default());
            return send(review.incident, Reason::Cause, known.inside(to), text);
        }
        review::Fact::Planned { .. } => (u32::try_from(review.actions.len()).unwrap_or(u32::MAX), "is yours"),
        review::Fact::ActionReminded { action } => (*action, "is due soon"),
        review::Fact::ActionOverdue { action } => (*action, "is overdue"),
        review::Fact::Attended { .. }
        | review::Fact::Signed { .. }
        | review::Fact::Found { awaited: false, .. }
        | review::Fact::Answered { .. }
        | review::Fact::Finished { .. } => return Vec::new(),
    };
    let Some(action) = review.action(number) else { return Vec::new() };
    let mut to = known.expand([&*action.owner]);
    if to.is_empty() || matches!(fact, review::Fact::ActionOverdue { .. }) {
        to.extend(known.of_level(1));
    }
    let about = format!("action {number} of {} {what}, due {}: {}", review.id, action.due, action.what);
    send(review.incident, Reason::Review, to, &about)
}

/// The deadlines of a report hold whether its incident is open or not.
fn after_report(state: &State, id: ReportId, event: &report::Event) -> Vec<Command> {
    let Some(report) = state.reports.get(&id) else { return Vec::new() };
    let Some((incident, asked)) = report.incident.zip(report.asks(event)) else { return Vec::new() };
    let standing = state.incidents.open.get(&incident).map(|incident| incident.standing());
    let mut to = state.content.people.of_level(standing.map_or(1, |standing| standing.level.max(1)));
    let commander = standing.and_then(|standing| standing.commander);
    to.extend(commander.and_then(|person| crate::access::identity(state, person)));
    send(incident, Reason::Task, to, &asked)
}

/// Whom the severity names, and the team; nobody outside, whoever they are.
fn concerned<'a>(state: &'a State, incident: &'a Incident) -> BTreeSet<&'a str> {
    let known = &state.content.people;
    let team = incident.standing().team.iter().map(|(_, contact)| &**contact);
    known.inside(known.told_of(incident.severity).into_iter().chain(team))
}

/// The team of the run as far as it is inside: those outside hear of a task of theirs, and else by statements.
fn team<'a>(state: &'a State, incident: &'a Incident) -> BTreeSet<&'a str> {
    state.content.people.inside(incident.standing().team.iter().map(|(_, contact)| &**contact))
}

fn ask(id: IncidentId, ask: people::Ask) -> Command {
    Command::Incident(incident::Command::People { id, ask })
}

/// One notice for each, however many lists name them.
fn send(incident: IncidentId, reason: Reason, to: BTreeSet<&str>, about: &str) -> Vec<Command> {
    if to.is_empty() {
        return Vec::new();
    }
    let to = to.into_iter().map(Into::into).collect();
    vec![Command::Notice(notice::Command::Send { incident, reason, to, about: about.into() })]
}
