//! The connector in this process keeps the words of all connectors.

use std::{sync::Arc, time::Duration};

use connectors::{Call, Operation, Outcome};
use serde_json::Map;

use super::Estate;
use crate::content::Source;

fn call(operation: Operation, key: &str, target: &str) -> Call {
    let content = Source::Shipped.checked().unwrap();
    Call {
        key: key.to_owned(),
        epoch: 1,
        operation,
        verb: "node.isolate".to_owned(),
        target_kind: "node".to_owned(),
        target: target.to_owned(),
        args: Map::new(),
        incident: "INC-1".to_owned(),
        attempt: 1,
        timeout: Duration::from_secs(1),
        spec: Arc::clone(&content.actions["node.isolate"]),
    }
}

#[test]
fn what_is_applied_is_read_back_and_taken_back() {
    let estate = Estate::shipped();
    let check = |operation, key: &str, holds: Option<bool>| {
        let outcome = estate.run(&call(operation, key, "validator-3"));
        let applied = matches!(outcome, Outcome::Applied { verified: Some(true), .. });
        assert_eq!(applied, holds == Some(true), "{operation:?} {key}: {outcome:?}");
    };
    check(Operation::ReadBack, "r", Some(false));
    check(Operation::Apply, "a", Some(true));
    check(Operation::Apply, "a", Some(true));
    check(Operation::ReadBack, "r", Some(true));
    check(Operation::Revert, "b", Some(true));
    check(Operation::ReadBack, "r", Some(false));
    assert_eq!(estate.calls().len(), 3);
}

#[test]
fn an_unknown_target_is_refused_for_good() {
    let outcome = Estate::shipped().run(&call(Operation::Apply, "a", "validator-99"));
    assert!(matches!(outcome, Outcome::NotApplied { retry: false, .. }), "{outcome:?}");
}
