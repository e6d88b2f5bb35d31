//! An effect that asks for people and begins without them is a violation; one that only looks is none.

use domain::{
    action::{Goal, Intent, Operation, Origin, Spec},
    approval::Terms,
    content::{Class, Purpose},
    id::{IncidentId, RunId},
    limits::Asked,
    playbook::Retry,
    severity::Risk,
    time::{Span, Timestamp},
};

use super::Consents;

fn spec(approval: Option<Terms>) -> Spec {
    Spec {
        incident: IncidentId::from_number(1),
        origin: Origin::Run { run: RunId::from_number(2), step: 0, round: 0 },
        verb: "key.revoke".into(),
        target_kind: "key".into(),
        target: "key-1".into(),
        args: serde_json::Map::new(),
        connector: "estate".into(),
        class: Class::ReadBack,
        risk: Risk::Medium,
        containment: true,
        purpose: Purpose::Containment,
        keeps: None,
        revert: Some("key.reinstate".into()),
        verify: true,
        timeout: Span::secs(10),
        retry: Retry::default(),
        lease: None,
        approval,
        strategy: None,
    }
}

#[test]
fn an_effect_that_asks_for_people_does_not_begin_without_them() {
    let terms = || Some(Terms { quorum: 1, roles: Vec::new(), expires: Span::secs(60) });
    let cases = [
        (terms(), Goal::Apply, Operation::Apply, false),
        (terms(), Goal::Apply, Operation::ReadBack, true),
        (terms(), Goal::Release, Operation::Revert, true),
        (None, Goal::Apply, Operation::Apply, true),
    ];
    for (approval, goal, operation, may) in cases {
        let deadline = Timestamp(10);
        let asked = Asked::Automatically;
        let intent =
            Intent { operation, key: "rf-1".into(), attempt: 1, epoch: 1, deadline, asked, pass: None };
        let found = Consents::default().used(&spec(approval), goal, &intent, Timestamp(0));
        assert_eq!(found.is_ok(), may, "{goal:?} {operation:?}: {found:?}");
        assert!(found.is_ok() || found.unwrap_err().invariant == "I8");
    }
}
