//! `serve --demo`: an attacker is at work in the simulated estate, and its monitors send alerts over HTTP like any
//! other source.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use anyhow::Context as _;
use estate::Scenario;

use super::Running;
use crate::{
    client::{Client, Token},
    estate::{Estate, alert_body},
};

const PACE: Duration = Duration::from_millis(20);

/// The attack; dropping it ends the thread.
pub(super) struct Demo {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

pub(super) fn start(running: &Running) -> anyhow::Result<Demo> {
    let estate = running.estate().context("--demo needs the simulated estate")?.clone();
    let token = running.drill_token("demo-monitors")?;
    let client = Client::new(running.address().clone(), Some(Token::new(&token)), None)?;
    let over = Arc::new(AtomicBool::new(false));
    let ends = over.clone();
    estate.attack(Scenario::validator_compromise());
    let thread = std::thread::Builder::new()
        .name("demo".to_owned())
        .spawn(move || attack(&estate, &client, &ends))
        .context("cannot start the demo")?;
    tracing::info!("demo: an attack on validator-3 of the simulated estate is under way");
    Ok(Demo { over, thread: Some(thread) })
}

fn attack(estate: &Estate, client: &Client, over: &AtomicBool) {
    let mut told = 0;
    while !over.load(Ordering::Acquire) {
        for alert in estate.tick() {
            if let Err(error) = client.post("/api/v2/alerts", &alert_body(&alert)) {
                tracing::warn!(reason = %format!("{error:#}"), "demo: an alert was not taken");
            }
        }
        let happenings = estate.world().events_since(told);
        for happening in &happenings {
            tracing::info!("demo: {}", happening.text);
            told = happening.number + 1;
        }
        std::thread::park_timeout(PACE);
    }
}
