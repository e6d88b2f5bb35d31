//! A compromised validator: contained, resolved, back again while it is watched, and closed for good.

use expect_test::expect;

use super::{close, everything_works, people_work, prove, recover, resolve, sign_off, watched};
use crate::{id::IncidentId, incident::Status, scene::Scene, time::Span};

fn alert(scene: &mut Scene, name: &str) {
    scene.alert([
        ("alertname", name),
        ("incident_type", "validator_compromise"),
        ("severity", "critical"),
        ("node", "validator-3"),
    ]);
}

/// 08:00. Two signatures for one height: the platform contains the node before anybody has looked.
fn contained(scene: &mut Scene) -> IncidentId {
    alert(scene, "DoubleSign");
    everything_works(scene);
    let id = scene.incident();
    expect![[r#"
        alert.raised alert/2 label incident_type="validator_compromise"; rule double_sign; no open incident of its group
        incident.opened incident/3
        run.started run/4 stage 0, begin 0 on validator-3
        action.intended action/5 Apply node.isolate validator-3 #1 rf-scene-5-0
        action.applied action/5
        incident.contained incident/3
        run.advanced run/4 step 0 Done, step 1 Done, step 2 Done, open 3
        run.advanced run/4 open 4
        run.advanced run/4 step 6 Done, begin 5 on validator-3
        action.intended action/11 Apply node.preserve validator-3 #1 rf-scene-11-0
        action.applied action/11
        run.advanced run/4 step 5 Done, step 4 Done, step 3 Done, begin 7 on
    "#]]
    .assert_eq(&scene.look());
    id
}

/// 08:05. It is this one validator; the cause is known, the hole is closed, and what needs it comes back in order.
fn mended(scene: &mut Scene, id: IncidentId) {
    scene.wait(Span::secs(300));
    scene.look();
    people_work(scene, id);
    expect![[r#"
        person.added person/15
        run.updated run/4
        run.advanced run/4 step 11 Done, stage 1, begin 12 on
        run.updated run/4
        run.advanced run/4 begin 13 on validator-3
        action.held action/20 `patch.apply` asks for approval; it needs the approval of 1 person
        approval.requested approval/21
        incident.attention_raised incident/3 `patch.apply` on validator-3 waits for the approval of 1; see `run approve APR-21`
        approval.granted approval/21
        action.intended action/20 Apply #1 rf-scene-20-0
        approval.consumed approval/21
        incident.attention_cleared incident/3
        action.applied action/20
        run.advanced run/4 step 13 Done, step 14 Done, stage 2, open 15
        run.advanced run/4 begin 16 on
        incident.recovery_started incident/3 ledger, api
        incident.recovery_moved incident/3 ledger restoring
        incident.recovery_moved incident/3 ledger verifying
        action.intended action/33 ReadBack node.sync_status validator-3 #1 rf-scene-33-0
        action.intended action/34 ReadBack data.verify ledger #1 rf-scene-34-0
        action.applied action/33
        incident.recovery_found incident/3 ledger true: holds
        action.applied action/34
        incident.recovery_found incident/3 ledger true: holds
        incident.recovery_moved incident/3 ledger verified
        action.intended action/5 Revert #2 rf-scene-5-1
        action.released action/5
        incident.recovery_released incident/3 ledger ACT-5 true
        incident.recovery_moved incident/3 ledger released
        action.intended action/44 ReadBack service.probe ledger #1 rf-scene-44-0
        action.applied action/44
        incident.recovery_found incident/3 ledger true: holds
        incident.recovery_moved incident/3 ledger healthy
        incident.recovery_moved incident/3 api restoring
        incident.recovery_moved incident/3 api verifying
        incident.recovery_moved incident/3 api verified
        incident.recovery_moved incident/3 api released
        health.probed health
        action.intended action/53 ReadBack service.probe api #1 rf-scene-53-0
        action.applied action/53
        incident.recovery_found incident/3 api true: holds
        incident.recovery_moved incident/3 api healthy
        incident.recovery_completed incident/3
        health.probed health
        run.updated run/4
        run.advanced run/4 begin 17 on validator-3
        action.intended action/61 Apply node.sync_status validator-3 #1 rf-scene-61-0
        action.applied action/61
        run.advanced run/4 step 17 Done, step 15 Done, Completed
    "#]].assert_eq(&scene.look());
}

#[test]
fn from_the_first_alert_through_a_relapse_to_the_end() {
    let mut scene = Scene::new(&[]);
    let id = contained(&mut scene);
    mended(&mut scene, id);
    recover(&mut scene, id);
    scene.look();
    scene.must(resolve(id, "the hole is closed"));
    assert_eq!(scene.state.incidents.open[&id].status, Status::Watching);
    expect![[r#"
        incident.resolved incident/3
        incident.recovery_watched incident/3 2027-01-15T08:15:00Z
    "#]]
    .assert_eq(&scene.look());
    expect!["incident INC-3 is watched until 2027-01-15T12:05:00Z; close it then"]
        .assert_eq(&scene.refused(close(id)));

    // 10:05. It is back: the same incident, open again, and contained again.
    watched(&mut scene, Span::secs(7_200));
    scene.look();
    alert(&mut scene, "DoubleSignAgain");
    expect![[r#"
        alert.raised alert/175 label incident_type="validator_compromise"; same group as open INC-3
        incident.alert_joined incident/3
        incident.relapsed incident/3
        incident.attention_raised incident/3 relapse: ALERT-175 came while the incident was watched after its resolution
        run.started run/179 stage 0, begin 0 on validator-3
        action.intended action/180 Apply node.isolate validator-3 #1 rf-scene-180-0
    "#]].assert_eq(&scene.look());
    assert_eq!(scene.state.incidents.open.len(), 1);
    people_work(&mut scene, id);
    recover(&mut scene, id);

    // The second time it holds: the watch passes in silence.
    scene.must(resolve(id, "the patch was not enough; the node comes from a new image"));
    scene.look();
    watched(&mut scene, Span::secs(4 * 3_600));
    let told = scene.look();
    let told: Vec<&str> =
        told.lines().filter(|line| !line.contains("probe") && !line.contains("recovery_")).collect();
    let told: Vec<&str> = told
        .into_iter()
        .filter(|line| !line.starts_with("action.") && !line.starts_with("health."))
        .collect();
    expect![[r#"
        alert.resolved alert/175
        incident.watch_ended incident/3
    "#]]
    .assert_eq(&(told.join("\n") + "\n"));
    expect!["incident INC-3 is critical and not signed off; see `incident sign-off`"]
        .assert_eq(&scene.refused(close(id)));
    scene.must(sign_off(id, "blocks are signed again, no customer was hurt"));
    prove(&mut scene, id);
    scene.must(close(id));
    expect![[r#"
        incident.signed_off incident/3
        incident.checked incident/3
        incident.checked incident/3
        incident.checked incident/3
        incident.checked incident/3
        incident.closed incident/3
        review.opened review/464
    "#]]
    .assert_eq(&scene.look());
}
