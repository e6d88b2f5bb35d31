//! The check of the check: each fault that the product could have is planted in sound evidence, and must be told.

use serde_json::{Value, json};

use super::{Evidence, Verdict};
use crate::crash::{
    journal::{Asked, Intent, Journal},
    ledger::Call,
    senders::Record,
    shown::Shown,
};

fn intent(action: u64, operation: &str, epoch: u64) -> Intent {
    Intent { action, operation: operation.to_owned(), epoch, time_us: 1_000_000 }
}

fn call(key: &str, verb: &str, effect: &str) -> Call {
    let text = str::to_owned;
    let (key, verb, target) = (text(key), text(verb), text("validator-1"));
    let (fault, effect) = (text("ok"), text(effect));
    Call { number: 1, time_us: 2_000_000, key, verb, target, epoch: 1, fault, effect }
}

fn asked(class: &str, verb: &str, key: &str) -> Asked {
    Asked {
        class: class.to_owned(),
        verb: verb.to_owned(),
        target: "validator-1".to_owned(),
        keys: [key.to_owned()].into(),
    }
}

/// One alert, its incident and run, and three actions: keyed with a repeated call, read back, and one-shot.
fn sound() -> Evidence {
    let mut journal = Journal { entries: 9, starts: 1, ..Journal::default() };
    journal.raised.insert("case".to_owned(), 1);
    journal.groups.insert("group".to_owned(), [2].into());
    journal.incidents.insert(2);
    journal.runs.insert(2, vec![3]);
    journal.intents.insert("k".to_owned(), vec![intent(4, "apply", 1), intent(4, "apply", 1)]);
    journal.intents.insert("r".to_owned(), vec![intent(5, "apply", 1), intent(5, "read_back", 1)]);
    journal.intents.insert("o".to_owned(), vec![intent(6, "apply", 1)]);
    journal.actions.insert(4, asked("keyed", "node.isolate", "k"));
    journal.actions.insert(5, asked("read_back", "patch.apply", "r"));
    journal.actions.insert(6, asked("one_shot", "key.revoke", "o"));
    let calls = vec![
        call("k", "node.isolate", "applied"),
        call("k", "node.isolate", "duplicate"),
        call("r", "patch.apply", "applied"),
        call("o", "key.revoke", "applied"),
    ];
    let shown = Shown {
        alerts: vec![json!({ "labels": { "case": "case" } })],
        incidents: vec![json!({ "id": "INC-2", "attention": [{ "reason": "why" }] })],
        runs: vec![json!({ "id": "RUN-3", "incident": "INC-2", "status": "blocked", "reason": "why" })],
        actions: vec![
            json!({ "id": "ACT-4", "status": "in_force" }),
            json!({ "id": "ACT-5", "status": "done" }),
            json!({ "id": "ACT-6", "status": "in_doubt" }),
        ],
    };
    let record = Record { acknowledged: ["case".to_owned()].into(), groups: ["group".to_owned()].into() };
    Evidence { record, journal, calls, shown }
}

/// Exactly this is told when the change was made.
fn check(told: &str, change: impl FnOnce(&mut Evidence)) {
    let mut evidence = sound();
    change(&mut evidence);
    let mut verdict = Verdict::default();
    evidence.check(&mut verdict);
    let found = verdict.violations.join("\n");
    match told {
        "" => assert_eq!(found, ""),
        told => assert!(found.contains(told), "`{told}` is not in `{found}`"),
    }
}

fn set(item: &mut Value, name: &str, value: &str) {
    item[name] = value.into();
}

#[test]
fn sound_evidence_passes() {
    check("", |_| {});
}

#[test]
fn a_lost_or_doubled_alert_is_told() {
    check("case was acknowledged and is not in the exported log", |e| e.journal.raised.clear());
    check("case was acknowledged and the API does not show it", |e| e.shown.alerts.clear());
    check("case was raised 2 times", |e| e.journal.raised.values_mut().for_each(|times| *times = 2));
}

#[test]
fn a_doubled_incident_or_run_is_told() {
    check("group has the incidents {2, 7}", |e| {
        e.journal.groups.insert("group".to_owned(), [2, 7].into());
    });
    check("group was acknowledged and opened nothing", |e| e.journal.groups.clear());
    check("incident 2 has 2 runs", |e| drop(e.journal.runs.insert(2, vec![3, 8])));
    check("incident 2 has 0 runs", |e| e.journal.runs.clear());
    check("incident 2: log and API differ", |e| e.shown.incidents[0]["id"] = "INC-3".into());
}

#[test]
fn a_call_without_its_intent_is_told() {
    check("has 0 such intents before it", |e| drop(e.journal.intents.remove("k")));
    check("has 1 such intents before it, and it is number 2", |e| {
        e.journal.intents.insert("k".to_owned(), vec![intent(4, "apply", 1)]);
    });
    check("of epoch 2", |e| e.calls[0].epoch = 2);
    check("has 0 such intents before it", |e| e.calls[2].time_us = 500_000);
    check("has 0 such intents before it", |e| {
        e.journal.intents.insert("r".to_owned(), vec![intent(5, "read_back", 1)]);
    });
}

#[test]
fn an_effect_that_its_class_forbids_is_told() {
    let twice = |e: &mut Evidence| e.calls[1].effect = "applied".to_owned();
    check("it was applied 2 times", twice);
    check("it was applied 0 times", |e| {
        e.calls.retain(|call| call.key != "k");
    });
    check("ACT-4", |e| set(&mut e.shown.actions[0], "status", "failed"));
    check("ACT-5", |e| set(&mut e.shown.actions[1], "status", "in_doubt"));
    check("the asked state false", |e| e.calls.retain(|call| call.key != "r"));
    check("it was called 2 times", |e| {
        e.calls.push(call("o", "key.revoke", "duplicate"));
    });
    check("ACT-6", |e| set(&mut e.shown.actions[2], "status", "failed"));
    check("is in the API and was never intended", |e| drop(e.journal.actions.remove(&6)));
    check("an action is missing", |e| drop(e.shown.actions.pop()));
}

#[test]
fn silence_is_told() {
    check("is active and nobody was told", |e| set(&mut e.shown.runs[0], "status", "active"));
    check("is blocked and nobody was told", |e| e.shown.incidents[0]["attention"] = json!([]));
}
