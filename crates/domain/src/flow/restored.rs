//! What follows when a data directory came from a backup: nothing that was under way goes on by itself, for what was
//! done after the backup is not known; and people hear of backups that fail.

#[cfg(test)]
mod tests;

use super::{Command, doubt};
use crate::{
    action::{self, Operation, Status},
    alert::Received,
    control::backup::Restored,
    labels::Labels,
    run,
    state::State,
    time::Timestamp,
};

/// The name of the platform's own alert that a backup failed.
const ALERT: &str = "RingfenceBackupFailed";

/// Calls that were open or due come into doubt, runs wait for a person, and people are called.
pub(super) fn began(state: &State, restored: &Restored) -> Vec<Command> {
    let reason = format!("restored from backup {}; it may have happened since", restored.backup);
    let again = |action: &&action::Action| match &action.status {
        Status::Calling { intent } => intent.operation != Operation::ReadBack,
        Status::Waiting { operation, .. } => *operation != Operation::ReadBack,
        Status::Held { .. }
        | Status::InForce
        | Status::Done
        | Status::Failed { .. }
        | Status::InDoubt { .. }
        | Status::Released => false,
    };
    let doubted = |action: &action::Action| {
        Command::Action(action::Command::Doubt { id: action.id, reason: reason.clone() })
    };
    let under_way = |run: &&run::Run| matches!(run.status, run::Status::Active | run::Status::Blocked { .. });
    let pause = |run: &run::Run| Command::Run(run::Command::Pause { id: run.id });
    let runs = state.runs.iter().filter(under_way).map(pause);
    let told = doubt::call(
        state,
        &format!(
            "this is backup {} of {}, restored: runs are paused and open calls in doubt; look at what was done \
             since, resume the runs, then `control confirm-clock`",
            restored.backup, restored.made_at
        ),
    );
    runs.chain(state.actions.iter().filter(again).map(doubted)).chain(told).collect()
}

/// An alert of the platform's own opens an incident and calls people like any other.
pub(super) fn failed(why: &str) -> Vec<Command> {
    vec![alert(why, None)]
}

/// Long over, which is nothing where no backup had failed.
pub(super) fn made() -> Vec<Command> {
    vec![alert("a backup was made again", Some(Timestamp(1)))]
}

fn alert(words: &str, ends_at: Option<Timestamp>) -> Command {
    let words: String = words.chars().take(500).collect();
    let labels = Labels::from_pairs(vec![("alertname", ALERT), ("severity", "high")]).unwrap_or_default();
    let annotations = Labels::from_pairs(vec![("summary", words.as_str())]).unwrap_or_default();
    Command::Receive(Box::new(Received { labels, annotations, ends_at, ..Received::default() }))
}
