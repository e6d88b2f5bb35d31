//! Backups of a running platform: each attempt goes on record, and where a schedule says so they make themselves.

use std::{sync::Arc, time::Duration};

use domain::{
    control::{
        Command,
        backup::{Backup, Status},
        restore::Restore,
    },
    event::Actor,
    flow,
    time::Span,
};
use tokio::sync::broadcast::error::RecvError;

use super::{Listed, Shelf, wrong};
use crate::{Error, Handle};

/// After a failure it is tried again this soon, or at the next time if that is sooner.
const AGAIN: Span = Span::secs(3_600);
/// A schedule looks at the time this often, as platform time and that of the runtime are not the same.
const LOOK: Duration = Duration::from_secs(1);

/// When backups make themselves, and how many stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    pub every: Span,
    pub keep: usize,
}

impl Handle {
    /// Makes a backup and puts on record what came of it. The flag says that the key is new.
    pub async fn back_up(&self, shelf: Arc<Shelf>, actor: Actor) -> Result<(Listed, bool), Error> {
        let now = self.now();
        let made = tokio::task::spawn_blocking(move || shelf.make(now)).await;
        let made = made.unwrap_or_else(|error| Err(wrong("attempt", error)));
        let (listed, new) = match made {
            Ok(made) => made,
            Err(error) => {
                let why = told(&error);
                let failed = flow::Command::Control(Command::BackupFailed { why });
                self.record(Actor::Platform, failed).await?;
                return Err(error);
            }
        };
        if let Ok(manifest) = &listed.manifest {
            let (id, root) = (manifest.id.as_str().into(), manifest.root.as_str().into());
            let backup = Box::new(Backup { id, root, entries: manifest.entries, bytes: listed.bytes });
            self.record(actor, flow::Command::Control(Command::BackedUp(backup))).await?;
        }
        Ok((listed, new))
    }

    async fn record(&self, actor: Actor, command: flow::Command) -> Result<(), Error> {
        self.command(actor, command).await.map(drop).map_err(|error| wrong("record", error))
    }

    /// Lays ready what two people agreed to go back to, and says what came of it. Runs until it is aborted.
    pub async fn restore_by(&self, shelf: Arc<Shelf>) {
        let mut facts = self.subscribe();
        loop {
            match facts.recv().await {
                Ok(came) if came.iter().any(|fact| fact.kind == "control.restore_approved") => {}
                Ok(_) => continue,
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
            let restore = match self.reader().control() {
                Ok(control) => control.restore.filter(|restore| !restore.ready),
                Err(error) => {
                    tracing::error!(error = %told(&error), "it is not known what to restore; cancel the restore and ask for it again");
                    continue;
                }
            };
            let Some(restore) = restore else { continue };
            let approval = restore.approval;
            if let Err(error) = self.lay_ready(&shelf, *restore).await {
                tracing::error!(error = %told(&error), "a restore is not laid ready");
                let why = told(&error).chars().take(1_000).collect();
                let end = Command::EndRestore { why, approval: Some(approval) };
                drop(self.record(Actor::Platform, flow::Command::Control(end)).await);
            }
        }
    }

    /// The next start goes on with the data as they are, once it is on record that nobody means what lies ready.
    pub async fn call_off(&self, shelf: Arc<Shelf>) -> Result<(), Error> {
        let reader = self.reader().clone();
        let meant = move || Ok(reader.control()?.restore.map(|restore| restore.wanted));
        let off = tokio::task::spawn_blocking(move || shelf.call_off(&meant)).await;
        off.unwrap_or_else(|error| Err(wrong("restore", error)))
    }

    async fn lay_ready(&self, shelf: &Arc<Shelf>, restore: Restore) -> Result<(), Error> {
        let approval = restore.approval;
        // By the newest checkpoint it is known how much will be missing.
        let kept: Vec<String> = self.reader().checkpoint()?.into_iter().collect();
        let (laid, reader) = (shelf.clone(), self.reader().clone());
        let meant = move || Ok(reader.control()?.restore.is_some_and(|restore| restore.approval == approval));
        let laid = tokio::task::spawn_blocking(move || {
            laid.lay_ready(&restore.wanted, &kept, &restore.reason, &meant)
        });
        if !laid.await.unwrap_or_else(|error| Err(wrong("restore", error)))? {
            tracing::warn!("a restore was called off before it was ready");
            return Ok(());
        }
        let ready = Command::RestoreReady { approval };
        let ready = self.command(Actor::Platform, flow::Command::Control(ready)).await;
        let ready = ready.map_err(|error| wrong("record", error))?;
        if ready.created("control.restore_ready").is_none() {
            // Called off meanwhile.
            return self.call_off(shelf.clone()).await;
        }
        tracing::warn!("a restore is ready; the next start puts it in its place");
        Ok(())
    }

    /// Runs until it is aborted.
    pub async fn back_up_by(&self, shelf: Arc<Shelf>, schedule: Schedule) {
        let mut not_before = None;
        loop {
            tokio::time::sleep(LOOK).await;
            let status = self.reader().control().map(|control| control.backup.unwrap_or_default());
            let Ok(Status { last_at, .. }) = status else { continue };
            let due = last_at.map(|at| at.plus(schedule.every)).max(not_before);
            if due.is_some_and(|due| due > self.now()) {
                continue;
            }
            not_before = None;
            match self.back_up(shelf.clone(), Actor::Platform).await {
                Ok((listed, _)) => {
                    tracing::info!(backup = %listed.id, bytes = listed.bytes, "a backup was made");
                    let (pruned, reader) = (shelf.clone(), self.reader().clone());
                    let pruned = tokio::task::spawn_blocking(move || {
                        pruned.prune(schedule.keep, reader.earliest_onset()?)
                    });
                    if let Ok(Err(error)) = pruned.await {
                        tracing::error!(error = %told(&error), "old backups were not removed");
                    }
                }
                Err(error) => {
                    tracing::error!(error = %told(&error), "no backup was made; it is tried again");
                    not_before = Some(self.now().plus(schedule.every.min(AGAIN)));
                }
            }
        }
    }
}

/// An error with its causes.
pub(super) fn told(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}
