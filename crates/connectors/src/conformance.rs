//! Checks that every connector passes, run against a system whose own account says what was done to it. A check that
//! fails panics with what it expected.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{
    action::Operation,
    content::{ActionSpec, Class},
};
use serde_json::{Map, Value};

use crate::call::{Call, Connector, Outcome};

/// Calls that should be answered; never reached when the connector is right.
const AMPLE: Duration = Duration::from_secs(10);
/// Calls that are not answered.
const SHORT: Duration = Duration::from_millis(300);
/// How much longer than its timeout a call may take on a busy machine.
const SLACK: Duration = Duration::from_secs(5);

/// A connector, an action for it, and the system behind it.
pub struct Subject<'a> {
    pub connector: &'a dyn Connector,
    /// Keyed, with a revert, and read back.
    pub spec: Arc<ActionSpec>,
    /// A target that the system knows and on which the action does not hold yet.
    pub target: &'a str,
    pub unknown_target: &'a str,
    pub args: Map<String, Value>,
    pub system: &'a dyn System,
}

/// What the system behind a connector says of itself, and how it is made to fail.
pub trait System: Sync {
    /// How many changes it carried out so far, repeats under one key not counted.
    fn changes(&self) -> u64;
    /// With `true` it takes calls from now on without answering and without carrying them out.
    fn hang(&self, hang: bool);
    /// The next call to change something is carried out, and its connection closed without an answer.
    fn drop_next_answer(&self);
}

/// Runs all checks, in this order; the action does not hold at the end.
pub async fn check(subject: &Subject<'_>) {
    assert_eq!(subject.spec.class, Class::Keyed, "conformance needs a keyed action");
    applied_once_per_key(subject).await;
    reverted_once_per_key(subject).await;
    unknown_target_changes_nothing(subject).await;
    lost_answer_is_unknown_and_repeats_safely(subject).await;
    silence_ends_at_the_timeout(subject).await;
}

async fn applied_once_per_key(subject: &Subject<'_>) {
    let before = subject.system.changes();
    subject.reads(false).await;
    subject.applied(Operation::Apply, "c-apply", 1, false).await;
    assert_eq!(subject.system.changes(), before + 1, "one change after one apply");
    subject.reads(true).await;
    subject.applied(Operation::Apply, "c-apply", 2, true).await;
    assert_eq!(subject.system.changes(), before + 1, "one change after the repeat");
}

async fn reverted_once_per_key(subject: &Subject<'_>) {
    let before = subject.system.changes();
    subject.applied(Operation::Revert, "c-revert", 1, false).await;
    assert_eq!(subject.system.changes(), before + 1, "one change after one revert");
    subject.applied(Operation::Revert, "c-revert", 2, true).await;
    assert_eq!(subject.system.changes(), before + 1, "one change after the repeated revert");
    let outcome = subject.run(Operation::Revert, "c-revert-again", 1, AMPLE).await;
    assert!(
        matches!(outcome, Outcome::Applied { .. } | Outcome::NotApplied { .. }),
        "revert of what does not hold: {outcome:?}"
    );
    subject.reads(false).await;
}

async fn unknown_target_changes_nothing(subject: &Subject<'_>) {
    let before = subject.system.changes();
    for operation in [Operation::Apply, Operation::Revert] {
        let mut call = subject.call(operation, "c-unknown", 1, AMPLE);
        subject.unknown_target.clone_into(&mut call.target);
        let outcome = subject.connector.perform(&call).await;
        let refused = matches!(outcome, Outcome::NotApplied { retry: false, .. });
        assert!(refused, "unknown target: {outcome:?}");
    }
    assert_eq!(subject.system.changes(), before, "no change for an unknown target");
}

async fn lost_answer_is_unknown_and_repeats_safely(subject: &Subject<'_>) {
    let before = subject.system.changes();
    subject.system.drop_next_answer();
    let outcome = subject.run(Operation::Apply, "c-lost", 1, AMPLE).await;
    assert!(matches!(outcome, Outcome::Unknown { .. }), "lost answer: {outcome:?}");
    subject.reads(true).await;
    subject.applied(Operation::Apply, "c-lost", 2, true).await;
    assert_eq!(subject.system.changes(), before + 1, "one change though the answer was lost");
    subject.applied(Operation::Revert, "c-lost-revert", 1, false).await;
}

async fn silence_ends_at_the_timeout(subject: &Subject<'_>) {
    let before = subject.system.changes();
    subject.system.hang(true);
    let begin = Instant::now();
    for operation in [Operation::Apply, Operation::Revert, Operation::ReadBack] {
        let outcome = subject.run(operation, "c-silent", 1, SHORT).await;
        assert!(matches!(outcome, Outcome::Unknown { .. }), "{operation:?} in silence: {outcome:?}");
    }
    assert!(begin.elapsed() < 3 * SHORT + SLACK, "calls end at their timeout");
    subject.system.hang(false);
    assert_eq!(subject.system.changes(), before, "silence changes nothing");
    subject.applied(Operation::Apply, "c-after", 1, false).await;
    subject.applied(Operation::Revert, "c-after-revert", 1, false).await;
}

impl Subject<'_> {
    async fn applied(&self, operation: Operation, key: &str, attempt: u32, duplicate: bool) {
        let outcome = self.run(operation, key, attempt, AMPLE).await;
        let Outcome::Applied { verified, duplicate: said, .. } = &outcome else {
            panic!("{operation:?} with key {key}, attempt {attempt}: {outcome:?}");
        };
        assert_eq!(*verified, Some(true), "{operation:?} with key {key} is read back");
        assert!(duplicate == *said, "{operation:?} with key {key}: {outcome:?}");
    }

    async fn reads(&self, holds: bool) {
        let outcome = self.run(Operation::ReadBack, "c-read", 1, AMPLE).await;
        let as_asked = match outcome {
            Outcome::Holds => holds,
            Outcome::DoesNotHold { .. } => !holds,
            Outcome::Applied { .. } | Outcome::NotApplied { .. } | Outcome::Unknown { .. } => false,
        };
        assert!(as_asked, "read back, expected holds to be {holds}: {outcome:?}");
    }

    async fn run(&self, operation: Operation, key: &str, attempt: u32, timeout: Duration) -> Outcome {
        self.connector.perform(&self.call(operation, key, attempt, timeout)).await
    }

    fn call(&self, operation: Operation, key: &str, attempt: u32, timeout: Duration) -> Call {
        Call {
            key: key.to_owned(),
            epoch: 1,
            operation,
            verb: self.spec.verb.clone(),
            target_kind: self.spec.target.clone(),
            target: self.target.to_owned(),
            args: self.args.clone(),
            incident: "INC-1".to_owned(),
            attempt,
            timeout,
            spec: Arc::clone(&self.spec),
        }
    }
}
