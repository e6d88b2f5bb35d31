//! What monitoring tools and machines send, each from the body to the closed incident.

use expect_test::expect;
use serde_json::json;

use super::tale::Tale;
use crate::{
    alert::{Native, Received},
    incident::Disposition,
    mapping::Headers,
    time::{Span, Timestamp},
};

#[test]
fn cloudevents_tell_of_a_leaked_key() {
    let mut tale = Tale::new();
    tale.sends(
        "cloudevents",
        json!({
            "specversion": "1.0",
            "type": "KeyExposed",
            "source": "/scanners/repositories",
            "id": "scan-4471",
            "time": "2027-01-15T07:59:58Z",
            "data": { "incident_type": "key_compromise", "severity": "high", "key": "key-3",
                      "message": "a private key stands in a public repository" }
        }),
    );
    tale.works();
    tale.people_take_it();
    tale.recovers("the key was replaced everywhere");
    tale.sends_with(
        "cloudevents",
        Headers::from([
            ("ce-specversion".to_owned(), "1.0".to_owned()),
            ("ce-type".to_owned(), "KeyExposed".to_owned()),
            ("ce-source".to_owned(), "/scanners/repositories".to_owned()),
            ("ce-id".to_owned(), "scan-4502".to_owned()),
        ]),
        json!({ "incident_type": "key_compromise", "severity": "high", "key": "key-3", "status": "resolved" }),
    );
    tale.ends(Disposition::TruePositive);
    expect![[r#"
        +00:00:00 alert KeyExposed about key key-3: label incident_type="key_compromise"; rule key_exposed; no open incident of its group
        +00:00:00 incident "KeyExposed on key-3" opened: key_compromise, high, 99 % sure
        +00:00:00 playbook key_compromise 2.0.0 starts
        +00:00:00 calls key.revoke on key-3
        +00:00:00 key.revoke on key-3 holds, as read back
        +00:00:00 contained
        +00:02:00 a person takes it
        +00:12:00 approval requested
        +00:12:00 a person is called: `key.rotate` on key-3 waits for the approval of 1; see `run approve APR-18`
        +00:12:00 approval granted
        +00:12:00 calls key.rotate on key-3
        +00:12:00 approval consumed
        +00:12:00 key.rotate on key-3 holds, as read back
        +00:12:00 a person has it brought back: ledger, api
        +00:12:00 ledger is restoring
        +00:12:00 ledger is verifying
        +00:12:00 ledger is verified
        +00:12:00 calls key.revoke on key-3, to take it back
        +00:12:00 key.revoke on key-3 is taken back
        +00:12:00 ledger is released
        +00:12:00 ledger is healthy
        +00:12:00 api is restoring
        +00:12:00 api is verifying
        +00:12:00 api is verified
        +00:12:00 api is released
        +00:12:00 api is healthy
        +00:12:00 all of it is healthy
        +00:12:00 the playbook is completed
        +00:12:00 a person looks at its posture: as it should be, and nothing foreign is left
        +00:17:00 a person resolves it: the key was replaced everywhere
        +00:17:00 the alert is over, by source
        +01:17:00 the watch ends in silence
        +01:17:01 a person closes it: true_positive
        +01:17:01 a review opens, with 3 reports due
    "#]].assert_eq(&tale.told());
}

#[test]
fn grafana_tells_of_a_dead_node() {
    let mut tale = Tale::new();
    let body = |status: &str, ends: &str| {
        json!({
            "receiver": "ringfence", "status": status, "groupKey": "{}:{alertname=\"NodeDown\"}",
            "alerts": [{
                "status": status,
                "labels": { "alertname": "NodeDown", "incident_type": "node_failure", "severity": "high",
                            "node": "validator-6" },
                "annotations": { "summary": "no blocks for two minutes" },
                "startsAt": "2027-01-15T07:58:00Z", "endsAt": ends, "fingerprint": "c1f2"
            }]
        })
    };
    tale.sends("grafana", body("firing", "0001-01-01T00:00:00Z"));
    tale.works();
    tale.people_take_it();
    tale.recovers("the disk was full; it signs again");
    tale.sends("grafana", body("resolved", "2027-01-15T08:15:00Z"));
    tale.ends(Disposition::TruePositive);
    expect![[r#"
        +00:00:00 alert NodeDown about node validator-6: label incident_type="node_failure"; rule node_down; no open incident of its group
        +00:00:00 incident "NodeDown on validator-6" opened: node_failure, high, 99 % sure
        +00:00:00 playbook blockchain_node_failure 1.1.0 starts
        +00:00:00 calls node.status on validator-6
        +00:00:00 node.status on validator-6 holds, as read back
        +00:00:00 evidence collected
        +00:00:00 calls node.logs on validator-6
        +00:00:00 node.logs on validator-6 holds, as read back
        +00:00:00 calls node.restart on validator-6
        +00:00:00 node.restart on validator-6 holds, as read back
        +00:00:00 calls node.sync_status on validator-6
        +00:00:00 node.sync_status on validator-6 holds, as read back
        +00:00:00 calls node.status on validator-6
        +00:00:00 node.status on validator-6 holds, as read back
        +00:00:00 evidence collected
        +00:02:00 a person takes it
        +00:12:00 the playbook is completed
        +00:12:00 a person has it brought back: ledger, api
        +00:12:00 ledger is restoring
        +00:12:00 ledger is verifying
        +00:12:00 ledger is verified
        +00:12:00 ledger is released
        +00:12:00 ledger is healthy
        +00:12:00 api is restoring
        +00:12:00 api is verifying
        +00:12:00 api is verified
        +00:12:00 api is released
        +00:12:00 api is healthy
        +00:12:00 all of it is healthy
        +00:12:00 a person looks at its posture: as it should be, and nothing foreign is left
        +00:17:00 a person resolves it: the disk was full; it signs again
        +00:17:00 the alert is over, by source
        +01:17:00 the watch ends in silence
        +01:17:01 a person closes it: true_positive
        +01:17:01 a review opens, with 3 reports due
    "#]].assert_eq(&tale.told());
}

#[test]
fn falco_tells_of_a_shell_where_none_belongs() {
    let mut tale = Tale::new();
    tale.sends(
        "falco",
        json!({
            "rule": "PrivilegeEscalation", "priority": "Error", "time": "2027-01-15T07:59:59.5Z",
            "hostname": "validator-2", "output": "a shell was opened as root by an unknown process",
            "output_fields": { "user.name": "account-4", "proc.cmdline": "sh -i" }
        }),
    );
    tale.works();
    tale.people_take_it();
    tale.recovers("the image was rebuilt, the account has a new password");
    tale.ends(Disposition::TruePositive);
    expect![[r#"
        +00:00:00 alert PrivilegeEscalation about node validator-2, account account-4: rule unauthorized_access; no open incident of its group
        +00:00:00 incident "PrivilegeEscalation on validator-2" opened: unauthorized_access, high, 70 % sure
        +00:00:00 playbook unauthorized_access 2.1.0 starts
        +00:00:00 calls account.suspend on account-4
        +00:00:00 account.suspend on account-4 holds, as read back
        +00:00:00 contained
        +00:00:00 calls account.reset_sessions on account-4
        +00:00:00 account.reset_sessions on account-4 holds, as read back
        +00:00:00 calls node.preserve on validator-2
        +00:00:00 node.preserve on validator-2 holds, as read back
        +00:02:00 a person takes it
        +00:12:00 the playbook is completed
        +00:12:00 a person has it brought back: ledger, api
        +00:12:00 ledger is restoring
        +00:12:00 ledger is verifying
        +00:12:00 ledger is verified
        +00:12:00 ledger is released
        +00:12:00 ledger is healthy
        +00:12:00 api is restoring
        +00:12:00 api is verifying
        +00:12:00 api is verified
        +00:12:00 api is released
        +00:12:00 api is healthy
        +00:12:00 all of it is healthy
        +00:12:00 a person looks at its posture: as it should be, and nothing foreign is left
        +00:12:00 calls account.suspend on account-4, to take it back
        +00:12:00 account.suspend on account-4 is taken back
        +00:17:00 a person resolves it: the image was rebuilt, the account has a new password
        +01:00:00 the alert is over, by timeout
        +01:17:00 the watch ends in silence
        +01:17:01 a person closes it: true_positive
        +01:17:01 a review opens, with 3 reports due
    "#]].assert_eq(&tale.told());
}

#[test]
fn datadog_tells_of_an_account_in_two_places() {
    let mut tale = Tale::new();
    let body = |transition: &str| {
        json!({
            "monitor_id": 81, "alert_title": "ImpossibleTravel", "priority": "P2",
            "alert_transition": transition, "tags": "account:account-7,team:identity",
            "message": "two sign-ins, nine thousand kilometres and ten minutes apart"
        })
    };
    tale.sends("datadog", body("Triggered"));
    tale.works();
    tale.people_take_it();
    tale.recovers("the password and all sessions are new");
    tale.sends("datadog", body("Recovered"));
    tale.ends(Disposition::TruePositive);
    expect![[r#"
        +00:00:00 alert ImpossibleTravel about account account-7: rule unauthorized_access; no open incident of its group
        +00:00:00 incident "ImpossibleTravel on account-7" opened: unauthorized_access, high, 70 % sure
        +00:00:00 playbook unauthorized_access 2.1.0 starts
        +00:00:00 calls account.suspend on account-7
        +00:00:00 account.suspend on account-7 holds, as read back
        +00:00:00 contained
        +00:00:00 calls account.reset_sessions on account-7
        +00:00:00 account.reset_sessions on account-7 holds, as read back
        +00:02:00 a person takes it
        +00:12:00 the playbook is completed
        +00:12:00 calls account.suspend on account-7, to take it back
        +00:12:00 account.suspend on account-7 is taken back
        +00:17:00 a person resolves it: the password and all sessions are new
        +00:17:00 the alert is over, by source
        +01:17:00 the watch ends in silence
        +01:17:01 a person closes it: true_positive
        +01:17:01 a review opens, with 3 reports due
    "#]].assert_eq(&tale.told());
}

#[test]
fn sentry_tells_of_an_outage_that_a_person_answers() {
    let mut tale = Tale::new();
    let body = |action: &str| {
        json!({
            "action": action,
            "data": { "issue": { "id": "551", "title": "SystemDown", "level": "fatal", "culprit": "pay.submit",
                                 "project": { "slug": "api" } } }
        })
    };
    tale.sends("sentry", body("triggered"));
    tale.works();
    tale.people_take_it();
    tale.recovers("the last release was taken back");
    tale.sends("sentry", body("resolved"));
    tale.ends(Disposition::TruePositive);
    expect![[r#"
        +00:00:00 alert SystemDown about service api: rule system_down; no open incident of its group
        +00:00:00 incident "SystemDown on api" opened: service_disruption, critical, 70 % sure
        +00:00:00 playbook generic_response 1.1.0 starts
        +00:00:00 calls service.probe on api
        +00:00:00 service.probe on api holds, as read back
        +00:02:00 a person takes it
        +00:12:00 incident finding recorded
        +00:12:00 incident impact recorded
        +00:12:00 a person has it brought back: api
        +00:12:00 api is restoring
        +00:12:00 api is verifying
        +00:12:00 api is verified
        +00:12:00 api is released
        +00:12:00 api is healthy
        +00:12:00 all of it is healthy
        +00:12:00 the playbook is completed
        +00:12:00 a person looks at its data: as it should be, and nothing foreign is left
        +00:12:00 a person looks at its posture: as it should be, and nothing foreign is left
        +00:17:00 a person resolves it: the last release was taken back
        +00:17:00 the alert is over, by source
        +04:17:00 the watch ends in silence
        +04:17:01 a person signs off: it works for the business again
        +04:17:01 a person closes it: true_positive
        +04:17:01 a review opens, with 3 reports due
    "#]]
    .assert_eq(&tale.told());
}

#[test]
fn cloudwatch_tells_of_a_test_that_nobody_announced() {
    let mut tale = Tale::new();
    let body = |state: &str| {
        let alarm = json!({
            "AlarmName": "UnauthorizedAccess", "Severity": "P2", "NewStateValue": state, "Region": "eu-west-1",
            "NewStateReason": "refused calls over 50", "StateChangeTime": "2027-01-15T07:59:30.000+0000",
            "Trigger": { "MetricName": "RefusedCalls", "Namespace": "Access" }
        });
        json!({ "Type": "Notification", "MessageId": "m-1", "Message": alarm.to_string() })
    };
    tale.sends("cloudwatch", body("ALARM"));
    tale.works();
    tale.people_take_it();
    tale.recovers("a penetration test that was agreed, and not announced here");
    tale.sends("cloudwatch", body("OK"));
    tale.ends(Disposition::Benign);
    expect![[r#"
        +00:00:00 alert UnauthorizedAccess about nothing by name: rule unauthorized_access; no open incident of its group
        +00:00:00 incident "UnauthorizedAccess" opened: unauthorized_access, high, 70 % sure
        +00:00:00 playbook unauthorized_access 2.1.0 starts
        +00:02:00 a person takes it
        +00:12:00 the playbook is completed
        +00:17:00 a person resolves it: a penetration test that was agreed, and not announced here
        +00:17:00 the alert is over, by source
        +01:17:00 the watch ends in silence
        +01:17:01 a person closes it: benign
    "#]]
    .assert_eq(&tale.told());
}

/// What an Alertmanager says of two signatures.
fn double_sign(ends_at: Option<Timestamp>) -> Received {
    let labels = [
        ("alertname", "DoubleSign"),
        ("incident_type", "validator_compromise"),
        ("severity", "critical"),
        ("node", "validator-3"),
        ("key", "key-3"),
    ];
    let annotations = [("summary", "two blocks of one height")];
    Received { labels: labels.into(), annotations: annotations.into(), ends_at, ..Received::default() }
}

#[test]
fn alertmanager_clients_tell_of_a_double_signature() {
    let mut tale = Tale::new();
    tale.receives(double_sign(None));
    tale.works();
    tale.people_take_it();
    tale.recovers("the node was rebuilt with a new key");
    let now = tale.scene.now;
    tale.receives(double_sign(Some(now)));
    tale.ends(Disposition::TruePositive);
    expect![[r#"
        +00:00:00 alert DoubleSign about node validator-3, key key-3: label incident_type="validator_compromise"; rule double_sign; no open incident of its group
        +00:00:00 incident "DoubleSign on validator-3" opened: validator_compromise, critical, 99 % sure
        +00:00:00 playbook validator_compromise 2.0.0 starts
        +00:00:00 calls node.isolate on validator-3
        +00:00:00 node.isolate on validator-3 holds, as read back
        +00:00:00 contained
        +00:00:00 calls key.revoke on key-3
        +00:00:00 key.revoke on key-3 holds, as read back
        +00:00:00 calls node.preserve on validator-3
        +00:00:00 node.preserve on validator-3 holds, as read back
        +00:02:00 a person takes it
        +00:05:00 the alert is over, by timeout
        +00:12:00 approval requested
        +00:12:00 a person is called: `patch.apply` on validator-3 waits for the approval of 1; see `run approve APR-26`
        +00:12:00 approval granted
        +00:12:00 calls patch.apply on validator-3
        +00:12:00 approval consumed
        +00:12:00 patch.apply on validator-3 holds, as read back
        +00:12:00 approval requested
        +00:12:00 a person is called: `key.rotate` on key-3 waits for the approval of 1; see `run approve APR-35`
        +00:12:00 approval granted
        +00:12:00 calls key.rotate on key-3
        +00:12:00 approval consumed
        +00:12:00 key.rotate on key-3 holds, as read back
        +00:12:00 a person has it brought back: ledger, api
        +00:12:00 ledger is restoring
        +00:12:00 ledger is verifying
        +00:12:00 ledger is verified
        +00:12:00 calls key.revoke on key-3, to take it back
        +00:12:00 calls node.isolate on validator-3, to take it back
        +00:12:00 node.isolate on validator-3 is taken back
        +00:12:00 key.revoke on key-3 is taken back
        +00:12:00 ledger is released
        +00:12:00 ledger is healthy
        +00:12:00 api is restoring
        +00:12:00 api is verifying
        +00:12:00 api is verified
        +00:12:00 api is released
        +00:12:00 api is healthy
        +00:12:00 all of it is healthy
        +00:12:00 calls node.sync_status on validator-3
        +00:12:00 node.sync_status on validator-3 holds, as read back
        +00:12:00 the playbook is completed
        +00:12:00 a person looks at its posture: as it should be, and nothing foreign is left
        +00:17:00 a person resolves it: the node was rebuilt with a new key
        +04:17:00 the watch ends in silence
        +04:17:01 a person signs off: it works for the business again
        +04:17:01 a person closes it: true_positive
        +04:17:01 a review opens, with 3 reports due
    "#]].assert_eq(&tale.told());
}

#[test]
fn any_json_tells_of_a_key_and_the_account_that_took_it() {
    let mut tale = Tale::new();
    let body = |status: &str| {
        json!({ "title": "KeyLeak", "incident_type": "key_leak", "severity": "P2", "key": "key-5",
                "account": "account-2", "status": status, "description": "signed from an unknown address" })
    };
    tale.sends("generic", body("firing"));
    tale.works();
    tale.people_take_it();
    tale.recovers("a new key is in place");
    tale.sends("generic", body("closed"));
    tale.ends(Disposition::TruePositive);
    expect![[r#"
        +00:00:00 alert KeyLeak about key key-5, account account-2: label incident_type="key_leak"; no open incident of its group
        +00:00:00 incident "KeyLeak on key-5" opened: key_compromise, high, 90 % sure
        +00:00:00 playbook key_compromise 2.0.0 starts
        +00:00:00 calls key.revoke on key-5
        +00:00:00 key.revoke on key-5 holds, as read back
        +00:00:00 contained
        +00:00:00 calls account.suspend on account-2
        +00:00:00 account.suspend on account-2 holds, as read back
        +00:02:00 a person takes it
        +00:12:00 approval requested
        +00:12:00 a person is called: `key.rotate` on key-5 waits for the approval of 1; see `run approve APR-21`
        +00:12:00 approval granted
        +00:12:00 calls key.rotate on key-5
        +00:12:00 approval consumed
        +00:12:00 key.rotate on key-5 holds, as read back
        +00:12:00 a person has it brought back: ledger, api
        +00:12:00 ledger is restoring
        +00:12:00 ledger is verifying
        +00:12:00 ledger is verified
        +00:12:00 calls key.revoke on key-5, to take it back
        +00:12:00 key.revoke on key-5 is taken back
        +00:12:00 ledger is released
        +00:12:00 ledger is healthy
        +00:12:00 api is restoring
        +00:12:00 api is verifying
        +00:12:00 api is verified
        +00:12:00 api is released
        +00:12:00 api is healthy
        +00:12:00 all of it is healthy
        +00:12:00 the playbook is completed
        +00:12:00 a person looks at its posture: as it should be, and nothing foreign is left
        +00:12:00 calls account.suspend on account-2, to take it back
        +00:12:00 account.suspend on account-2 is taken back
        +00:17:00 a person resolves it: a new key is in place
        +00:17:00 the alert is over, by source
        +01:17:00 the watch ends in silence
        +01:17:01 a person closes it: true_positive
        +01:17:01 a review opens, with 3 reports due
    "#]].assert_eq(&tale.told());
}

#[test]
fn a_native_alert_tells_of_a_node_that_is_down() {
    let mut tale = Tale::new();
    let native = Native {
        alert_id: Some("a-17".into()),
        alert_type: "blockchain_node_down".into(),
        severity: Some("high".into()),
        source_system: Some("node-monitor".into()),
        timestamp: Some(tale.scene.now),
        metrics: [("node", "validator-6"), ("node_status", "down"), ("peer_count", "2")]
            .map(|(name, value)| (name.into(), value.into()))
            .into(),
        description: Some("the node does not answer".into()),
    };
    tale.receives(native.received().unwrap());
    tale.works();
    tale.people_take_it();
    tale.recovers("its provider moved it; it is back");
    tale.later(Span::secs(600));
    tale.ends(Disposition::TruePositive);
    expect![[r#"
        +00:00:00 alert blockchain_node_down about node validator-6: label incident_type="blockchain_node_down"; rule blockchain_node_down, node_status_down; no open incident of its group
        +00:00:00 incident "blockchain_node_down on validator-6" opened: node_failure, critical, 99 % sure
        +00:00:00 playbook blockchain_node_failure 1.1.0 starts
        +00:00:00 calls node.status on validator-6
        +00:00:00 node.status on validator-6 holds, as read back
        +00:00:00 evidence collected
        +00:00:00 calls node.logs on validator-6
        +00:00:00 node.logs on validator-6 holds, as read back
        +00:00:00 calls node.restart on validator-6
        +00:00:00 node.restart on validator-6 holds, as read back
        +00:00:00 calls node.sync_status on validator-6
        +00:00:00 node.sync_status on validator-6 holds, as read back
        +00:00:00 calls node.status on validator-6
        +00:00:00 node.status on validator-6 holds, as read back
        +00:00:00 evidence collected
        +00:02:00 a person takes it
        +00:05:00 the alert is over, by timeout
        +00:12:00 the playbook is completed
        +00:12:00 a person has it brought back: ledger, api
        +00:12:00 ledger is restoring
        +00:12:00 ledger is verifying
        +00:12:00 ledger is verified
        +00:12:00 ledger is released
        +00:12:00 ledger is healthy
        +00:12:00 api is restoring
        +00:12:00 api is verifying
        +00:12:00 api is verified
        +00:12:00 api is released
        +00:12:00 api is healthy
        +00:12:00 all of it is healthy
        +00:12:00 a person looks at its posture: as it should be, and nothing foreign is left
        +00:17:00 a person resolves it: its provider moved it; it is back
        +04:17:00 the watch ends in silence
        +04:17:01 a person signs off: it works for the business again
        +04:17:01 a person closes it: true_positive
        +04:17:01 a review opens, with 3 reports due
    "#]].assert_eq(&tale.told());
}
