//! `/api/v1/stream`: server-sent events, one a fact, as facts become durable.

use std::{future::ready, sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use domain::{access::Permission, id::IncidentId};
use engine::Started;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::{
    sync::{
        OwnedSemaphorePermit,
        broadcast::{self, error::RecvError},
        mpsc,
    },
    time::{Instant, interval_at},
};

use super::read;
use crate::{
    Error, Problem,
    call::Call,
    route::{Answer, Parameter, Route},
    shared::{Shared, busy},
    stream, token, view,
};

/// A comment after so much silence; also how late a revoked token is noticed at most.
const HEARTBEAT: Duration = Duration::from_secs(4);

const INCIDENT: Parameter = Parameter { name: "incident", about: "Only facts about this incident." };

pub(crate) const ROUTES: &[Route] = &[read(
    "/api/v1/stream",
    &[INCIDENT],
    Answer::Other("text/event-stream"),
    "Facts as they become durable; `lagged` tells of facts that a slow reader missed.",
    |call| Box::pin(ready(begin(&call))),
)];

/// The data of one event.
#[derive(Serialize)]
struct Fact<'a> {
    position: u64,
    time: String,
    actor: String,
    stream: String,
    kind: &'a str,
    incident: Option<String>,
    summary: String,
    body: Option<&'a RawValue>,
}

fn begin(call: &Call) -> Result<Response, Error> {
    let incident = match call.query_one("incident")? {
        None => None,
        Some(text) => {
            Some(text.parse::<IncidentId>().map_err(|error| Error::new(Problem::Malformed, error))?)
        }
    };
    let permit = call.shared.streams.clone().try_acquire_owned();
    let permit = permit.map_err(|_| busy("too many streams and exports are open"))?;
    let token = token::bearer_hash(&call.headers)?;
    let (sender, body) = stream::channel();
    // Subscribed before the answer goes out: what happens after the headers arrived is seen.
    let facts = call.shared.handle.subscribe();
    let following = Following { shared: call.shared.clone(), token, incident, sender, _permit: permit };
    tokio::spawn(following.run(facts));
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

struct Following {
    shared: Arc<Shared>,
    token: Box<str>,
    incident: Option<IncidentId>,
    sender: mpsc::Sender<Result<Bytes, std::io::Error>>,
    _permit: OwnedSemaphorePermit,
}

impl Following {
    async fn run(self, mut facts: broadcast::Receiver<Arc<Vec<Started>>>) {
        let mut stopping = self.shared.stopping.clone();
        let mut heartbeat = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
        let mut piece = String::from(": facts follow as they become durable\n\n");
        loop {
            if !piece.is_empty()
                && self.sender.send(Ok(Bytes::from(std::mem::take(&mut piece)))).await.is_err()
            {
                return;
            }
            piece = tokio::select! {
                received = facts.recv() => match received {
                    Ok(batch) => self.events(&batch),
                    Err(RecvError::Lagged(batches)) => format!("event: lagged\ndata: {{\"batches\":{batches}}}\n\n"),
                    Err(RecvError::Closed) => return,
                },
                _ = heartbeat.tick() => ":\n\n".to_owned(),
                stopped = stopping.wait_for(|stopping| *stopping) => {
                    drop(stopped);
                    return;
                }
                () = self.sender.closed() => return,
            };
            if !self.may_go_on() {
                return;
            }
        }
    }

    /// Asked again for each piece: a revoked token, a disabled person or a lower role end the stream.
    fn may_go_on(&self) -> bool {
        let who = self.shared.handle.principal(&self.token, self.shared.now());
        who.is_some_and(|who| who.may(Permission::Read))
    }

    fn events(&self, batch: &[Started]) -> String {
        let mut out = String::new();
        let wanted = |fact: &&Started| self.incident.is_none_or(|id| fact.incident == Some(id));
        for fact in batch.iter().filter(wanted) {
            let stream = fact.stream.to_string();
            let data = Fact {
                position: fact.position,
                time: fact.time.to_string(),
                actor: fact.actor.to_string(),
                kind: fact.kind,
                incident: fact.incident.map(view::text),
                summary: view::summary(&stream, &fact.body),
                body: serde_json::from_str(&fact.body).ok(),
                stream,
            };
            // JSON has no line breaks outside of escapes, so one line holds it.
            if let Ok(data) = serde_json::to_string(&data) {
                out.push_str(&format!("id: {}\nevent: {}\ndata: {data}\n\n", fact.position, fact.kind));
            }
        }
        out
    }
}
