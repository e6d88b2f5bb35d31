//! `/containments`: what is in force or under way, by whom, until when.

use axum::response::Response;
use domain::time::Timestamp;
use engine::Page as Part;
use maud::{Markup, html};

use super::{
    Frame, LIVE, Live, Place, page,
    parts::{ago, badge},
};
use crate::{
    Error,
    call::Call,
    route::{Parameter, Route},
    view::{Action, Page},
};

const CURSOR: Parameter = Parameter { name: "cursor", about: "Where the page before ended." };
const LIMIT: usize = 100;

pub(super) const ROUTE: Route =
    page("/containments", &[CURSOR, LIVE], "Containments in force and actions under way.", |call| {
        Box::pin(show(call))
    });

async fn show(call: Call) -> Result<Response, Error> {
    let part = Part { limit: LIMIT, ..call.page()? };
    let found = call.read(move |reader| reader.actions(false, part)).await?;
    let found = Page::of(&found, part.limit, |row| row.id.0, |row| Action::from(row));
    let live = if part.before.is_some() { None } else { Some(Live::of(&call, "/containments?")?) };
    let frame = Frame { title: "Containments", place: Place::Containments, live };
    frame.around(&call, body(&found, call.now())).await
}

fn body(found: &Page<Action>, now: Timestamp) -> Markup {
    html! {
        h1 { "Containments in force and actions under way" }
        @if found.items.is_empty() {
            p.empty { "Nothing is in force and nothing is under way." }
        } @else {
            (table(&found.items, now, true))
        }
        @if let Some(next) = &found.next {
            p.more { a href={ "/containments?cursor=" (next) } { "Earlier ones" } }
        }
    }
}

/// Also used on the page of an incident, which does not repeat its own id.
pub(super) fn table(actions: &[Action], now: Timestamp, of_many: bool) -> Markup {
    html! {
        table.list {
            thead { tr {
                th { "Action" } th { "Target" } th { "State" } th { "Read back" } th { "Lease" }
                @if of_many { th { "Incident" } }
            } }
            tbody { @for action in actions { (row(action, now, of_many)) } }
        }
    }
}

fn row(action: &Action, now: Timestamp, of_many: bool) -> Markup {
    html! {
        tr {
            td.main data-label="Action" {
                (action.verb) div.fine { (action.id) " · " (action.risk) " risk"
                    @if action.run.is_none() { " · by hand" } }
            }
            td data-label="Target" { (action.target.kind) " " (action.target.name) }
            td data-label="State" {
                (badge("action", &action.status))
                @if let Some(reason) = &action.reason { div.fine { (reason) } }
            }
            td data-label="Read back" {
                @match action.verified {
                    Some(true) => "as asked",
                    Some(false) => strong.wrong { "not as asked" },
                    None => span.fine { "not yet" },
                }
            }
            td data-label="Lease" {
                @match &action.lease_until {
                    Some(until) if action.lease_expired => { strong { "over, held: " (ago(until, now)) } },
                    Some(until) => { "ends " (ago(until, now)) },
                    None => span.fine { "none" },
                }
            }
            @if of_many {
                td data-label="Incident" { a href={ "/incidents/" (action.incident) } { (action.incident) } }
            }
        }
    }
}
