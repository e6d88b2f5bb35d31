//! Entries of the journal as they are shown, and what each says in a line.

mod analysis;
mod evidence;
mod recovery;
mod upkeep;

use domain::{
    access, action, alert, approval, content, control,
    event::{Event, LogEvent, Stream},
    incident::{self, at_once},
    intake, notice, report, review, run, sighting, silence,
    time::Timestamp,
};
use engine::TimelineEntry;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

use super::about;

/// One entry: the envelope whose leaf is in the tree, and the body beside it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Entry {
    /// Its leaf index: ask `/api/v1/log/prove/{position}` for the proof.
    pub(crate) position: u64,
    pub(crate) time: String,
    pub(crate) actor: String,
    pub(crate) stream: String,
    /// Number of the entry in its stream, from 1.
    pub(crate) seq: u64,
    pub(crate) kind: String,
    /// Salted SHA-256 of the body, in hex.
    pub(crate) body_hash: String,
    /// What it says, in a line.
    pub(crate) summary: String,
    /// Null once redacted.
    #[schemars(with = "Option<serde_json::Value>")]
    pub(crate) body: Option<Box<RawValue>>,
}

impl From<&TimelineEntry> for Entry {
    fn from(entry: &TimelineEntry) -> Entry {
        let envelope = &entry.envelope;
        let said = entry.body.as_deref().map(|body| summary(&envelope.stream, body));
        Entry {
            position: envelope.position,
            time: Timestamp(envelope.time_us).to_string(),
            actor: envelope.actor.clone(),
            stream: envelope.stream.clone(),
            seq: envelope.seq,
            kind: envelope.kind.clone(),
            body_hash: crate::token::hex(envelope.body.as_bytes()),
            summary: said.unwrap_or_else(|| "[redacted]".to_owned()),
            body: entry.body.as_deref().and_then(|body| RawValue::from_string(body.to_owned()).ok()),
        }
    }
}

/// What an entry says, in a line; empty when its kind says it all.
pub(crate) fn summary(stream: &str, body: &str) -> String {
    let Ok(parsed) = stream.parse::<Stream>() else { return String::new() };
    let said = match Event::read_body(parsed, body.as_bytes()) {
        Err(_) => return String::new(),
        Ok(Event::Alert(_, event)) => of_alert(&event),
        Ok(Event::Silence(_, event)) => of_silence(&event),
        Ok(Event::Incident(_, event)) => of_incident(&event),
        Ok(Event::Run(_, event)) => of_run(&event),
        Ok(Event::Action(_, event)) => of_action(&event),
        Ok(Event::Control(event)) => of_control(&event),
        Ok(Event::Person(_, event)) => of_person(&event),
        Ok(Event::Token(_, event)) => of_token(&event),
        Ok(Event::Approval(_, event)) => of_approval(&event),
        Ok(Event::Notice(_, event)) => of_notice(&event),
        Ok(Event::Review(_, event)) => of_review(&event),
        Ok(Event::Health(event)) => recovery::of_health(&event),
        Ok(Event::Report(_, event)) => of_report(&event),
        Ok(Event::Raw(_, intake::Event::Kept { source, reason, .. })) => format!("{source}: {reason}"),
        Ok(Event::Sighting(_, event)) => of_sighting(&event),
        Ok(Event::Evidence(_, event)) => evidence::said(&event),
        Ok(Event::Upkeep(event)) => upkeep::of_upkeep(&event),
        Ok(Event::Duty(_, event)) => upkeep::of_duty(&event),
        Ok(Event::Statement(_, event)) => upkeep::of_statement(&event),
        Ok(Event::Exercise(_, event)) => upkeep::of_exercise(&event),
        Ok(Event::Content(content::Event::Loaded { hash, files })) => {
            format!("{} files, {hash}", files.len())
        }
        Ok(Event::Log(LogEvent::Redacted { positions, reason })) => {
            format!("{} entries: {reason}", positions.len())
        }
        Ok(Event::Log(LogEvent::Refused { command, reason })) => format!("{command}: {reason}"),
    };
    let id = about(stream);
    if said.is_empty() { id } else { format!("{id}: {said}") }
}

fn of_sighting(event: &sighting::Event) -> String {
    match event {
        sighting::Event::Begun { rule, by, .. } => format!("rule {rule} {by}"),
        sighting::Event::Counted { .. } | sighting::Event::Fired => String::new(),
        sighting::Event::Lapsed { reason } => super::name(reason),
    }
}

fn of_alert(event: &alert::Event) -> String {
    match event {
        alert::Event::Raised { labels, route, .. } => {
            format!("{}; {}", labels.get("alertname").unwrap_or("an alert"), route.why)
        }
        alert::Event::Routed { route } => route.why.to_string(),
        alert::Event::Resolved { by: alert::ResolvedBy::Source, .. } => "by its source".to_owned(),
        alert::Event::Resolved { by: alert::ResolvedBy::Timeout, .. } => "not repeated in time".to_owned(),
        alert::Event::Changed { .. } | alert::Event::Redacted { .. } => String::new(),
    }
}

fn of_silence(event: &silence::Event) -> String {
    match event {
        silence::Event::Set { terms } => {
            let matchers: Vec<String> = terms.matchers.iter().map(ToString::to_string).collect();
            format!("{} until {}: {}", matchers.join(", "), terms.ends_at, terms.comment)
        }
        silence::Event::Expired { early: true, .. } => "ended early".to_owned(),
        silence::Event::Expired { early: false, .. } => String::new(),
    }
}

fn of_incident(event: &incident::Event) -> String {
    match event {
        incident::Event::Opened { title, incident_type, severity, why, .. } => {
            format!("{title}, {incident_type}, {severity}; {why}")
        }
        incident::Event::AlertJoined { alert, severity: None, .. } => alert.to_string(),
        incident::Event::AlertJoined { alert, severity: Some(severity), .. } => {
            format!("{alert}; now {severity}")
        }
        incident::Event::Assigned { person } => person.to_string(),
        incident::Event::Classified { incident_type, severity, why, .. } => {
            format!("{incident_type}, {severity}: {why}")
        }
        incident::Event::Noted { text } => text.to_string(),
        incident::Event::Linked { title, url, .. } => format!("{title}: {url}"),
        incident::Event::Analysis { fact } => analysis::said(fact),
        incident::Event::Checked { found } => {
            format!("{}: {}: {}", found.gate.name(), if found.passed { "yes" } else { "no" }, found.said)
        }
        incident::Event::AtOnce { severity, effects, left } => at_once::said(*severity, effects, left),
        incident::Event::Contained { action } => action.to_string(),
        incident::Event::AttentionRaised { about: stream, reason } => format!("{}: {reason}", about(stream)),
        incident::Event::People(event) => of_people(event),
        incident::Event::ResponseStopped { run } => run.to_string(),
        incident::Event::AttentionCleared { about: stream } => about(stream),
        incident::Event::Resolved { summary, watch_until: None } => summary.to_string(),
        incident::Event::Resolved { summary, watch_until: Some(until) } => {
            format!("{summary}; watched until {until}")
        }
        incident::Event::Relapsed { reason } => reason.to_string(),
        incident::Event::Recovery { fact } => recovery::of_fact(fact),
        incident::Event::SignedOff { note } => note.to_string(),
        incident::Event::Closed { disposition } => super::name(disposition),
        incident::Event::Acknowledged | incident::Event::WatchEnded | incident::Event::Redacted { .. } => {
            String::new()
        }
    }
}

fn of_people(event: &incident::people::Event) -> String {
    use incident::people::Event;
    match event {
        Event::ClockSet { level, severity, why, .. } => format!("level {level}, {severity}: {why}"),
        Event::Escalated { level, why, criterion: None, .. } => format!("level {level}: {why}"),
        Event::Escalated { level, why, criterion: Some(criterion), .. } => {
            format!("level {level}, {criterion}: {why}")
        }
        Event::CrisisCalled { members, answer_by, .. } => {
            format!("{}, to answer by {answer_by}", members.join(", "))
        }
        Event::CrisisAnswered { contact } => contact.to_string(),
        Event::CrisisReminded { next: Some(next) } | Event::Weighed { next: Some(next) } => {
            format!("next {next}")
        }
        Event::CrisisReminded { next: None } | Event::Weighed { next: None } => String::new(),
        Event::UpdateDue { next: Some(next), .. } => format!("next {next}"),
        Event::HandOverOffered { to } => to.to_string(),
        Event::Assembled { run, team, unfilled } => {
            let unfilled = if unfilled.is_empty() {
                String::new()
            } else {
                format!("; nobody holds {}", unfilled.join(", "))
            };
            format!("{run}, {} people{unfilled}", team.len())
        }
        Event::UpdateDue { next: None, .. } | Event::Claimed | Event::HandOverAccepted => String::new(),
    }
}

fn of_run(event: &run::Event) -> String {
    match event {
        run::Event::Started { name, version, progress, .. } => {
            format!("{name} {version}; {}", of_progress(progress))
        }
        run::Event::Advanced { progress } => of_progress(progress),
        run::Event::Updated { finished } => {
            of_progress(&run::Progress { finished: finished.clone(), ..run::Progress::default() })
        }
        run::Event::StepSkipped { step, why } => format!("step {}: {why}", step + 1),
        run::Event::StepRetried { step, .. } => format!("step {}", step + 1),
        run::Event::UndoStarted { reason } | run::Event::Quarantined { reason } => reason.to_string(),
        run::Event::Paused | run::Event::Resumed | run::Event::Canceled => String::new(),
    }
}

fn of_progress(progress: &run::Progress) -> String {
    let mut parts = Vec::new();
    for finished in &progress.finished {
        parts.push(format!("step {} {}", finished.step + 1, super::name(&finished.status)));
    }
    for begun in &progress.begun {
        parts.push(format!("step {} begins on {}", begun.step + 1, begun.targets.join(", ")));
    }
    if let Some(opened) = &progress.opened {
        parts.push(format!("step {} begins a round", opened.step + 1));
    }
    if let Some(release) = progress.release {
        parts.push(format!("takes {release} back"));
    }
    match &progress.status {
        Some(run::Status::Blocked { reason }) => parts.push(format!("blocked: {reason}")),
        Some(run::Status::Failed { reason }) => parts.push(format!("failed: {reason}")),
        Some(run::Status::Undoing { reason }) => parts.push(format!("undoing: {reason}")),
        Some(run::Status::Quarantined { reason }) => parts.push(format!("quarantined: {reason}")),
        Some(run::Status::Completed) => parts.push("completed".to_owned()),
        Some(run::Status::Canceled) => parts.push("canceled".to_owned()),
        Some(run::Status::Active | run::Status::Paused) | None => {}
    }
    parts.join("; ")
}

fn of_action(event: &action::Event) -> String {
    let with_spec = |spec: &Option<Box<action::Spec>>| {
        let spec = spec.as_deref();
        spec.map_or_else(String::new, |spec| {
            format!("{} on {} {}; ", spec.verb, spec.target_kind, spec.target)
        })
    };
    let read_back = |verified: &Option<bool>| match verified {
        Some(true) => "; read-back agrees",
        Some(false) => "; read-back does not agree",
        None => "",
    };
    match event {
        action::Event::Intended { spec, goal, intent } => {
            format!("{}{} attempt {}", with_spec(spec), super::name(goal), intent.attempt)
        }
        action::Event::Held { spec, reason, .. } => format!("{}{reason}", with_spec(spec)),
        action::Event::Withdrawn { reason, .. } => reason.to_string(),
        action::Event::Applied { attempt, verified, scores, .. } => {
            let scores = scores.iter().map(|score| format!("; {}", score.line()));
            format!("attempt {attempt}{}{}", read_back(verified), scores.collect::<String>())
        }
        action::Event::Released { attempt, verified } => format!("attempt {attempt}{}", read_back(verified)),
        action::Event::NotApplied { reason, retry_at: Some(at), .. } => format!("{reason}; again at {at}"),
        action::Event::NotApplied { reason, retry_at: None, .. } => reason.to_string(),
        action::Event::Unknown { reason, next: action::Next::InDoubt, .. } => {
            format!("{reason}; a person must say")
        }
        action::Event::Unknown { reason, next: action::Next::Call { operation, at }, .. } => {
            format!("{reason}; {} at {at}", super::name(operation))
        }
        action::Event::LeaseExtended { until } => format!("until {until}"),
        action::Event::Yielded { to } => format!("nothing was called: {to} holds the same"),
        action::Event::Abandoned { reason } => reason.to_string(),
        action::Event::LeaseExpired => String::new(),
        action::Event::Settled { verdict, why } => format!("{}: {why}", super::name(verdict)),
    }
}

fn of_control(event: &control::Event) -> String {
    match event {
        control::Event::Started { epoch, .. } => format!("epoch {epoch}"),
        control::Event::KillSwitchOn { reason }
        | control::Event::KillSwitchOff { reason, .. }
        | control::Event::ClockDoubted { reason } => reason.to_string(),
        control::Event::GlassBroken { reason, until } => match until {
            Some(until) => format!("all limits left by one person until {until}: {reason}"),
            None => reason.to_string(),
        },
        control::Event::GlassMended => "the limits are back".to_owned(),
        control::Event::SafeModeSet { level, reason, .. } => format!("{level}: {reason}"),
        control::Event::BreakerOpened { name, reason, .. } => format!("{name}: {reason}"),
        control::Event::BreakerClosed { name } => name.to_string(),
        control::Event::ClockConfirmed => String::new(),
        control::Event::BackedUp { backup } => format!("{} with {} entries", backup.id, backup.entries),
        control::Event::BackupFailed { why } | control::Event::RestoreEnded { why } => why.to_string(),
        control::Event::RestoreApproved { wanted, reason, .. } => {
            format!("to backup {} of {} entries: {reason}", wanted.backup, wanted.entries)
        }
        control::Event::RestoreReady { .. } => "the next start puts it in its place".to_owned(),
        control::Event::Restored { restored, .. } => {
            format!("from backup {} of {}, {} entries", restored.backup, restored.made_at, restored.entries)
        }
    }
}

fn of_person(event: &access::PersonEvent) -> String {
    match event {
        access::PersonEvent::Added { name, role } => format!("{name}, {}", role.name()),
        access::PersonEvent::RoleSet { role } => role.name().to_owned(),
        access::PersonEvent::Disabled => String::new(),
    }
}

fn of_token(event: &access::TokenEvent) -> String {
    match event {
        access::TokenEvent::Created { holder: access::Holder::Person(id), label, .. } => {
            format!("for {id} {label}")
        }
        access::TokenEvent::Created { holder: access::Holder::Page(id), .. } => {
            format!("for a browser of {id}")
        }
        access::TokenEvent::Created { holder: access::Holder::Source(name), label, .. } => {
            format!("for source {name} {label}")
        }
        access::TokenEvent::Created { holder: access::Holder::Drill(name), label, .. } => {
            format!("for drills by {name} {label}")
        }
        access::TokenEvent::Created { holder: access::Holder::Form(name), label, .. } => {
            format!("for form {name} {label}")
        }
        access::TokenEvent::Created { holder: access::Holder::Outside(name), label, .. } => {
            format!("for reports from outside by {name} {label}")
        }
        access::TokenEvent::Revoked => String::new(),
    }
}

fn of_approval(event: &approval::Event) -> String {
    match event {
        approval::Event::Requested { subject, hash, .. } => {
            format!("{} on {}, hash {hash}", subject.verb, subject.targets.join(", "))
        }
        approval::Event::Granted { person, hash } => format!("by {person}, hash {hash}"),
        approval::Event::Denied { person, why } => format!("by {person}: {why}"),
        approval::Event::Expired { again_until: Some(until) } => format!("asked again until {until}"),
        approval::Event::Expired { again_until: None } => "not asked any more".to_owned(),
        approval::Event::Renewed { expires_at } => format!("asked again by hand until {expires_at}"),
        approval::Event::Consumed { action } => format!("by {action}"),
        approval::Event::Ended { why } => why.to_string(),
        approval::Event::Voided { action, why } => format!("for {action}: {why}"),
    }
}

fn of_notice(event: &notice::Event) -> String {
    match event {
        notice::Event::Queued { to, about, left_out, .. } => {
            let left_out = left_out.iter().map(|(channel, why)| format!("; not by {channel}: {why}"));
            format!("to {to}: {about}{}", left_out.collect::<String>())
        }
        notice::Event::Sending { intent } => {
            format!("by way {}, attempt {}, id {}", intent.route + 1, intent.attempt, intent.dedup_id)
        }
        notice::Event::Delivered { route, receipt } => format!("by way {}: {receipt}", route + 1),
        notice::Event::NotDelivered { route, reason, retry_at: Some(at) } => {
            format!("not by way {}: {reason}; again at {at}", route + 1)
        }
        notice::Event::NotDelivered { route, reason, retry_at: None } => {
            format!("not by way {}: {reason}", route + 1)
        }
        notice::Event::Undeliverable { reason } | notice::Event::Cancelled { reason } => reason.to_string(),
    }
}

fn of_report(event: &report::Event) -> String {
    match event {
        report::Event::Received { told, .. } => domain::text::shown(&told.title, false),
        report::Event::Linked { alert, incident: Some(incident) } => format!("{alert}, {incident}"),
        report::Event::Linked { alert, incident: None } => alert.to_string(),
        report::Event::Acknowledged { note } => note.to_string(),
        report::Event::Unanswered => "nobody acknowledged it in time".to_owned(),
        report::Event::Reminded => "it has to be disclosed soon".to_owned(),
        report::Event::Overdue => "it had to be disclosed by now".to_owned(),
        report::Event::Closed { outcome, note } => format!("{}: {note}", outcome.name()),
        report::Event::Redacted { .. } => String::new(),
    }
}

fn of_part(fact: &review::Fact) -> String {
    match fact {
        review::Fact::Attended { role, who, attended: true } => format!("{who} attended as {role}"),
        review::Fact::Attended { role, who, attended: false } => format!("{who} did not attend as {role}"),
        review::Fact::Signed { role, who } => format!("{who} as {role}"),
        review::Fact::Found { area, .. } => super::name(area),
        review::Fact::Answered { .. } => String::new(),
        review::Fact::Planned { what, owner, due, .. } => format!("{what}: {owner}, by {due}"),
        review::Fact::Finished { action, note } => format!("action {action}: {note}"),
        review::Fact::ActionReminded { action } => format!("action {action} is due soon"),
        review::Fact::ActionOverdue { action } => format!("action {action} is overdue"),
    }
}

fn of_review(event: &review::Event) -> String {
    match event {
        review::Event::Opened { incident, .. } => incident.to_string(),
        review::Event::Reminded { report } => format!("the {report} report is due soon"),
        review::Event::Overdue { report } => format!("the {report} report is overdue"),
        review::Event::Completed { report, .. } => format!("the {report} report"),
        review::Event::Part { fact } => of_part(fact),
    }
}
