//! `/`: the queue of open incidents, the most urgent first, or the closed ones.

use axum::response::Response;
use domain::{action::Status, time::Timestamp};
use engine::Page as Part;
use maud::{Markup, html};

use super::{
    Frame, LIVE, Live, Place, page,
    parts::{Names, ago, badge},
    waits,
};
use crate::{
    Error,
    api::{either, queue},
    call::Call,
    route::{Parameter, Route},
    view::{Incident, Page},
};

const STATUS: Parameter = Parameter { name: "status", about: "`open` (if absent) or `closed`." };
const CURSOR: Parameter = Parameter { name: "cursor", about: "Where the page before ended." };

/// As many as one looks over.
const LIMIT: usize = 50;

pub(super) const ROUTE: Route =
    page("/", &[STATUS, CURSOR, LIVE], "Incidents, the most urgent first.", |call| Box::pin(show(call)));

struct Found {
    page: Page<Incident>,
    names: Names,
    in_force: usize,
    asked: usize,
}

async fn show(call: Call) -> Result<Response, Error> {
    let closed = either(&call, "status", ["open", "closed"])?;
    let part = Part { limit: LIMIT, ..call.page()? };
    let found = call
        .read(move |reader| {
            let page = match closed {
                true => {
                    let rows = reader.incidents(true, part)?;
                    Page::of(&rows, part.limit, |row| row.id.0, |row| Incident::from(row))
                }
                false => queue::page(reader, part)?,
            };
            let newest = Part { before: None, limit: 1_000 };
            let in_force = reader
                .actions(false, newest)?
                .iter()
                .filter(|action| action.status == Status::InForce)
                .count();
            let asked = reader.approvals(false, newest)?.iter().filter(|asked| waits(asked)).count();
            Ok(Found { page, names: Names::of(reader)?, in_force, asked })
        })
        .await?;
    let first = part.before.is_none();
    let live = if closed || !first { None } else { Some(Live::of(&call, "/?")?) };
    let frame = Frame { title: "Incidents", place: Place::Incidents, live };
    let body = body(&found, closed, first, call.now());
    frame.around(&call, body).await
}

fn body(found: &Found, closed: bool, first: bool, now: Timestamp) -> Markup {
    let incidents = &found.page.items;
    let status = if closed { "closed" } else { "open" };
    html! {
        h1 { "Incidents" }
        nav.tabs aria-label="Which incidents" {
            a href="/" aria-current=[(!closed).then_some("page")] { "Open" }
            a href="/?status=closed" aria-current=[closed.then_some("page")] { "Closed" }
        }
        @if !closed && first { (summary(found)) }
        @if incidents.is_empty() {
            p.empty {
                @if closed { "No incident was closed yet." }
                @else { "No incident is open. What opens one is shown here within seconds." }
            }
        } @else {
            table.list {
                thead { tr {
                    th { "Severity" } th { "Incident" } th { "State" } th { "Targets" } th { "Command" }
                    th { "Opened" }
                } }
                tbody { @for incident in incidents { (row(incident, &found.names, now)) } }
            }
        }
        @if let Some(next) = &found.page.next {
            p.more { a href={ "/?status=" (status) "&cursor=" (next) } { "More incidents" } }
        }
    }
}

fn summary(found: &Found) -> Markup {
    let calls: usize = found.page.items.iter().map(|incident| incident.attention.len()).sum();
    let more = if found.page.next.is_some() { "+" } else { "" };
    html! {
        dl.tiles {
            div { dt { "Open" } dd { (found.page.items.len()) (more) } }
            div.call[calls > 0] { dt { "Waiting for a person" } dd { (calls) (more) } }
            div.call[found.asked > 0] { dt { "Approvals asked" } dd { (found.asked) } }
            div { dt { "Containments in force" } dd { a href="/containments" { (found.in_force) } } }
        }
    }
}

fn row(incident: &Incident, names: &Names, now: Timestamp) -> Markup {
    let targets: Vec<&str> = incident.targets.iter().map(|target| &*target.name).collect();
    let command = incident.commander.as_deref().or(incident.assignee.as_deref());
    html! {
        tr {
            td data-label="Severity" { (badge("severity", &incident.severity)) }
            td.main data-label="Incident" {
                a href={ "/incidents/" (incident.id) } { (incident.title) }
                div.fine { (incident.id) " · " (incident.incident_type)
                    @if incident.drill { " · " strong { "drill" } } }
                @if let Some(first) = incident.attention.first() {
                    div.calls { (first.reason)
                        @if incident.attention.len() > 1 { " and " (incident.attention.len() - 1) " more" } }
                }
            }
            td data-label="State" { (badge("status", &incident.status)) " " span.fine { (incident.phase) } }
            td data-label="Targets" { (shown(&targets)) }
            td data-label="Command" {
                @match command { Some(who) => (names.get(who)), None => span.fine { "nobody yet" } }
            }
            td data-label="Opened" { (ago(&incident.opened_at, now)) }
        }
    }
}

/// The first few, and how many more.
fn shown(names: &[&str]) -> Markup {
    let (first, rest) = names.split_at(names.len().min(3));
    html! {
        @if names.is_empty() { span.fine { "none named" } }
        (first.join(", "))
        @if !rest.is_empty() { " and " (rest.len()) " more" }
    }
}
