//! `/incidents/{id}`: one incident as somebody who was just called needs it: what waits for people, what it is, what was
//! done and held, and its live timeline, the newest first.

use axum::response::Response;
use domain::{id::IncidentId, time::Timestamp};
use engine::Page as Part;
use maud::{Markup, html};

use super::{
    Frame, LIVE, Live, Place, analysis, containments, page,
    parts::{Names, ago, badge, between, instant},
    waits,
};
use crate::{
    Error,
    api::{incidents, missing},
    call::Call,
    route::{Parameter, Route},
    view::{Approval, Entry, Incident, IncidentPage, Lesson, Notice, Run},
};

const BEFORE: Parameter =
    Parameter { name: "cursor", about: "Shows the timeline before this position, and no longer live." };

/// Entries of the timeline that are shown at once.
const ENTRIES: usize = 100;
const PHASES: [&str; 6] = ["detect", "analyze", "contain", "eradicate", "recover", "review"];

pub(super) const ROUTE: Route =
    page("/incidents/{id}", &[BEFORE, LIVE], "One incident with its live timeline.", |call| {
        Box::pin(show(call))
    });

struct Found {
    page: IncidentPage,
    asked: Vec<Approval>,
    entries: Vec<Entry>,
    earlier: Option<u64>,
    names: Names,
}

async fn show(call: Call) -> Result<Response, Error> {
    let id: IncidentId = call.param("id")?;
    let before = call.page()?.before;
    let shared = call.shared.clone();
    let found = call
        .read(move |reader| {
            let Some(page) = incidents::page(reader, &shared, id)? else { return Ok(None) };
            let newest = Part { before: None, limit: 1_000 };
            let asked = reader.approvals(false, newest)?;
            let asked = asked.iter().filter(|asked| asked.incident == Some(id) && waits(asked));
            let latest = reader.latest(id, before, ENTRIES)?;
            Ok(Some(Found {
                page,
                asked: asked.map(Approval::from).collect(),
                entries: latest.entries.iter().map(Entry::from).collect(),
                earlier: latest.next,
                names: Names::of(reader)?,
            }))
        })
        .await?;
    let found = found.ok_or_else(|| missing(format_args!("incident {id}")))?;
    let over = found.page.incident.status == "closed" || before.is_some();
    let live = if over { None } else { Some(Live::of(&call, &format!("/incidents/{id}?"))?) };
    let title = format!("{id} {}", found.page.incident.title);
    let frame = Frame { title: &title, place: Place::Incidents, live };
    frame.around(&call, body(&found, call.now())).await
}

fn body(found: &Found, now: Timestamp) -> Markup {
    let IncidentPage { incident, analysis, runs, actions, notices, raised_by, lessons: _ } = &found.page;
    html! {
        (head(incident))
        (calls(incident, &found.asked, now))
        div.columns {
            section { h2 { "What it is" } (facts(found, now)) }
            section {
                h2 { "Response" }
                @if runs.is_empty() { p.empty { "No playbook runs for it." } }
                @for run in runs { (response(run)) }
            }
        }
        (analysis::section(analysis, &found.names))
        (lessons(&found.page.lessons))
        section {
            h2 { "Containments and actions" }
            @if actions.is_empty() { p.empty { "Nothing was done to any system." } }
            @else { (containments::table(actions, now, false)) }
        }
        (told(notices, now))
        @if !raised_by.is_empty() {
            details { summary { "Alerts (" (raised_by.len()) ")" }
                ul.plain { @for alert in raised_by {
                    li { (badge("alert", &alert.state)) " " (alert.id) ": " (alert.why)
                        div.labels { @for (name, value) in &alert.labels { span { (name) "=" (value) } " " } } }
                } }
            }
        }
        (timeline(found))
    }
}

/// What reviews of similar incidents taught.
fn lessons(lessons: &[Lesson]) -> Markup {
    html! {
        @if !lessons.is_empty() {
            section {
                h2 { "Lessons of similar incidents" }
                ul.plain { @for lesson in lessons {
                    li { a href={ "/incidents/" (lesson.incident) } { (lesson.incident) } ", " (lesson.why) ": "
                        (lesson.text) div.fine { (lesson.review) } }
                } }
            }
        }
    }
}

fn head(incident: &Incident) -> Markup {
    let reached = PHASES.iter().position(|phase| **phase == incident.phase);
    html! {
        p.crumbs { a href="/" { "Incidents" } " / " (incident.id) }
        h1 { (badge("severity", &incident.severity)) " " (incident.title) }
        p { (badge("status", &incident.status)) " " (incident.incident_type)
            @if incident.drill { " · " strong { "a drill: nobody outside hears of it" } } }
        ol.phases aria-label="Phases" {
            @for (index, phase) in PHASES.iter().enumerate() {
                li aria-current=[(Some(index) == reached).then_some("step")]
                    class=[reached.is_some_and(|reached| index < reached).then_some("past")] { (phase) }
            }
        }
    }
}

/// What waits for a person comes before everything else.
fn calls(incident: &Incident, asked: &[Approval], now: Timestamp) -> Markup {
    html! {
        @if !incident.attention.is_empty() || !asked.is_empty() {
            section.attention role="alert" {
                h2 { "Waiting for a person" }
                ul {
                    @for asked in asked {
                        li { "Approval " strong { (asked.id) } ": " (asked.verb) " on " (asked.targets.join(", "))
                            " needs " (asked.quorum) ", has " (asked.grants.len()) ". "
                            code { "ringfence run approve " (asked.id) } }
                    }
                    @for attention in &incident.attention {
                        li { (attention.reason) span.fine { " · " (attention.about) ", " (ago(&attention.since, now)) } }
                    }
                }
            }
        }
    }
}

fn facts(found: &Found, now: Timestamp) -> Markup {
    let incident = &found.page.incident;
    let (names, opened) = (&found.names, &incident.opened_at);
    let first = found.page.actions.iter().filter(|action| action.containment);
    let first = first.filter_map(|action| action.applied_at.as_deref()).min();
    let person = |who: &Option<String>| who.as_deref().map(|who| names.get(who).to_owned());
    let since = |at: &Option<String>| at.as_deref().and_then(|at| between(at, opened));
    let fact = |name: &str, value: Option<String>| {
        html! {
            @if let Some(value) = value { div { dt { (name) } dd { (value) } } }
        }
    };
    html! {
        dl.facts {
            div { dt { "Opened" } dd { (instant(opened)) ", " (ago(opened, now)) } }
            (fact("Why", Some(incident.why.clone())))
            (fact("First containment", first.and_then(|at| between(at, opened)).map(|took| format!("after {took}"))))
            (fact("Contained, read back", since(&incident.contained_at).map(|took| format!("after {took}"))))
            (fact("Resolved", since(&incident.resolved_at).map(|took| format!("after {took}"))))
            (fact("Acknowledged", incident.acknowledged.as_ref().map(|seen| names.get(&seen.by).to_owned())))
            (fact("Commander", person(&incident.commander)))
            (fact("Assigned to", person(&incident.assignee)))
            @if let Some(room) = &incident.room {
                div { dt { "Room" } dd { a href=(room) rel="noreferrer" { (room) } } }
            }
            (fact("Team", (!incident.team.is_empty()).then(|| incident.team.join(", "))))
            @if !incident.unfilled.is_empty() {
                div.calls { dt { "Nobody holds" } dd { (incident.unfilled.join(", ")) } }
            }
            @if let Some(due) = &incident.escalates_at {
                div { dt { "Escalates" } dd { (ago(due, now)) " to level " (incident.level + 1) ": "
                    (incident.escalates_why) } }
            }
            @if let Some(found) = &incident.escalation {
                div { dt { "Level " (incident.level) } dd { (found.called.join(", ")) ". Expected: " (found.improvement) } }
            }
            @if let Some(crisis) = &incident.crisis {
                @if !crisis.open.is_empty() {
                    div.calls { dt { "Crisis team, no answer" } dd { (crisis.open.join(", ")) } }
                }
            }
            (fact("Priority", Some(format!("{}: {}", incident.priority, incident.priority_why))))
            (fact("Confidence", incident.confidence.map(|sure| format!("{:.0} %", sure * 100.0))))
            (fact("Targets", (!incident.targets.is_empty()).then(|| targets(incident))))
            @if let Some(until) = &incident.watch_until { div { dt { "Watched" } dd { "ends " (ago(until, now)) } } }
            (fact("Came back", (incident.relapses > 0).then(|| format!("{} times", incident.relapses))))
            (fact("Verdict", incident.disposition.as_ref().map(|verdict| verdict.replace('_', " "))))
        }
    }
}

fn targets(incident: &Incident) -> String {
    let each = incident.targets.iter().map(|target| format!("{} {}", target.kind, target.name));
    each.collect::<Vec<_>>().join(", ")
}

fn response(run: &Run) -> Markup {
    let stages: Vec<&str> = run.steps.iter().filter_map(|step| step.stage.as_deref()).collect();
    let mut order: Vec<&str> = Vec::new();
    for stage in stages {
        if !order.contains(&stage) {
            order.push(stage);
        }
    }
    html! {
        div.run {
            h3 { (run.name) " " (badge("run", &run.status)) }
            p.fine { (run.id) " · " (run.playbook) " " (run.version) }
            @if let Some(reason) = &run.reason { p.calls { (reason) } }
            @for stage in order {
                h4 { (stage.replace('_', " ")) @if stage == run.stage && run.ended_at.is_none() { span.fine { " · now" } } }
                ul.steps { @for step in run.steps.iter().filter(|step| step.stage.as_deref() == Some(stage)) {
                    li { (badge("step", &step.status)) " " (step.name.as_deref().unwrap_or(&step.id))
                        @if let Some(choice) = &step.choice { ": " strong { (choice) } }
                        @if step.overdue || step.late { " " strong.wrong { "late" } }
                        @if let Some(note) = &step.note { div.fine { (note) } } }
                } }
            }
        }
    }
}

fn told(notices: &[Notice], now: Timestamp) -> Markup {
    let failed = notices.iter().filter(|notice| notice.status == "undeliverable").count();
    html! {
        @if !notices.is_empty() {
            details open[failed > 0] {
                summary { "Notices (" (notices.len())
                    @if failed > 0 { ", " strong.wrong { (failed) " undeliverable" } } ")" }
                ul.plain { @for notice in notices {
                    li { (badge("notice", &notice.status)) " " (notice.subject) " → " (notice.to)
                        @if let Some(channel) = &notice.channel { " by " (channel) }
                        span.fine { " · " (ago(&notice.queued_at, now)) }
                        @if let Some(detail) = &notice.detail { div.fine { (detail) } } }
                } }
            }
        }
    }
}

fn timeline(found: &Found) -> Markup {
    let id = &found.page.incident.id;
    html! {
        section {
            h2 { "Timeline" }
            p.fine { "The newest first. Each entry is a leaf of the log; " code { "ringfence log prove N" }
                " proves that it stands there." }
            ol.timeline { @for entry in found.entries.iter().rev() {
                li class=[entry.kind.starts_with("notice.").then_some("notice")] {
                    (instant(&entry.time))
                    span.leaf { "#" (entry.position) }
                    div { strong { (entry.kind) } " " (entry.summary)
                        span.fine { " · " (found.names.get(&entry.actor)) } }
                }
            } }
            @if let Some(earlier) = found.earlier {
                p.more { a href={ "/incidents/" (id) "?cursor=" (earlier) } { "Earlier entries" } }
            }
        }
    }
}
