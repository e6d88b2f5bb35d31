//! What the public API shows: alerts, incidents, runs and actions, page by page.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use serde_json::Value;

use super::http::Connection;

const PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(200);

pub(super) struct Api<'a> {
    pub(super) address: SocketAddr,
    pub(super) token: &'a str,
}

/// Everything, live and over.
pub(super) struct Shown {
    pub(super) alerts: Vec<Value>,
    pub(super) incidents: Vec<Value>,
    pub(super) runs: Vec<Value>,
    pub(super) actions: Vec<Value>,
}

impl Api<'_> {
    pub(super) fn get(&self, path: &str) -> anyhow::Result<String> {
        let mut connection = Connection::open(self.address, PATIENCE)?;
        let answer = connection.get(path, self.token).with_context(|| format!("GET {path}"))?;
        if answer.status != 200 {
            bail!("GET {path} was answered with {}: {}", answer.status, answer.body);
        }
        Ok(answer.body)
    }

    fn list(&self, path: &str, filter: &str) -> anyhow::Result<Vec<Value>> {
        let (mut items, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.get(&format!("/api/v1/{path}?{filter}&limit=1000{cursor}"))?;
            let page: Value = serde_json::from_str(&page).with_context(|| format!("the list of {path}"))?;
            items.extend(page["items"].as_array().context("a list without items")?.iter().cloned());
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(items),
            }
        }
    }

    /// Waits until nothing happens by itself any more; gives what still does after `patience`.
    pub(super) fn settle(&self, patience: Duration) -> anyhow::Result<Vec<String>> {
        let begun = Instant::now();
        loop {
            let mut moving = named(&self.list("runs", "state=live")?, &["active", "undoing"]);
            moving.extend(named(&self.list("containments", "state=live")?, &["held", "calling", "waiting"]));
            if moving.is_empty() || begun.elapsed() > patience {
                return Ok(moving);
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Waits until the newest checkpoint covers every entry, so that an export holds them all.
    pub(super) fn sealed(&self, patience: Duration) -> anyhow::Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < patience {
            let size =
                self.get("/log/checkpoint").ok().and_then(|note| note.lines().nth(1)?.parse::<u64>().ok());
            let size = size.unwrap_or(0);
            let behind = self.get(&format!("/api/v1/log/entries?from={size}&limit=1"))?;
            let behind: Value = serde_json::from_str(&behind).context("the list of entries")?;
            if behind["items"].as_array().is_some_and(Vec::is_empty) {
                return Ok(());
            }
            std::thread::sleep(LOOK);
        }
        bail!("entries stay without a checkpoint for {} s", patience.as_secs())
    }

    pub(super) fn everything(&self) -> anyhow::Result<Shown> {
        let both = |path: &str, live: &str, over: &str| -> anyhow::Result<Vec<Value>> {
            let mut items = self.list(path, live)?;
            items.extend(self.list(path, over)?);
            Ok(items)
        };
        Ok(Shown {
            alerts: both("alerts", "state=firing", "state=resolved")?,
            incidents: both("incidents", "status=open", "status=closed")?,
            runs: both("runs", "state=live", "state=ended")?,
            actions: both("containments", "state=live", "state=past")?,
        })
    }
}

fn named(items: &[Value], statuses: &[&str]) -> Vec<String> {
    let moving = items.iter().filter(|item| statuses.iter().any(|status| item["status"] == *status));
    moving.map(|item| format!("{} is {}", item["id"], item["status"])).collect()
}

/// The number in an id such as `INC-13`.
pub(super) fn number(id: &Value) -> Option<u64> {
    id.as_str()?.rsplit_once('-')?.1.parse().ok()
}
