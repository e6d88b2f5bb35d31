//! A compromised validator: contained, resolved, back again while it is watched, and closed for good.

use expect_test::expect;

use super::{close, everything_works, release_all, resolve, sign_off};
use crate::{incident::Status, scene::Scene, time::Span};

fn alert(scene: &mut Scene, name: &str) {
    scene.alert([
        ("alertname", name),
        ("incident_type", "validator_compromise"),
        ("severity", "critical"),
        ("node", "validator-3"),
    ]);
}

#[test]
fn from_the_first_alert_through_a_relapse_to_the_end() {
    let mut scene = Scene::new(&[]);

    // 08:00. Two signatures for one height: the platform contains the node before anybody has looked.
    alert(&mut scene, "DoubleSign");
    everything_works(&mut scene);
    let id = scene.incident();
    expect![[r#"
        alert.raised alert/2 label incident_type="validator_compromise"; rule double_sign; no open incident of its group
        incident.opened incident/3
        run.started run/4 stage 0, begin 0 on validator-3
        action.intended action/5 Apply node.isolate validator-3 #1 rf-scene-5-0
        action.applied action/5
        incident.contained incident/3
        run.advanced run/4 step 0 Done, step 1 Done, step 2 Done, step 3 Done, stage 1, Completed
    "#]]
    .assert_eq(&scene.look());

    // 08:20. The node is rebuilt; nothing is held back any more, and the watch begins.
    scene.wait(Span::secs(1_200));
    release_all(&mut scene, id);
    scene.look();
    scene.must(resolve(id, "rebuilt from the trusted image"));
    assert_eq!(scene.state.incidents.open[&id].status, Status::Watching);
    expect![[r#"
        incident.resolved incident/3
    "#]]
    .assert_eq(&scene.look());
    expect!["incident INC-3 is watched until 2027-01-15T12:20:00Z; close it then"]
        .assert_eq(&scene.refused(close(id)));

    // 10:20. It is back: the same incident, open again, and contained again.
    scene.wait(Span::secs(7_200));
    scene.look();
    alert(&mut scene, "DoubleSignAgain");
    expect![[r#"
        alert.raised alert/13 label incident_type="validator_compromise"; same group as open INC-3
        incident.alert_joined incident/3
        incident.relapsed incident/3
        incident.attention_raised incident/3 relapse: ALERT-13 came while the incident was watched after its resolution
        run.started run/17 stage 0, begin 0 on validator-3
        action.intended action/18 Apply node.isolate validator-3 #1 rf-scene-18-0
    "#]].assert_eq(&scene.look());
    assert_eq!(scene.state.incidents.open.len(), 1);
    everything_works(&mut scene);
    release_all(&mut scene, id);

    // The second time it holds: the watch passes in silence.
    scene.must(resolve(id, "the image itself was bad; a new one is in place"));
    scene.look();
    scene.wait(Span::secs(4 * 3_600));
    expect![[r#"
        alert.resolved alert/13
        incident.watch_ended incident/3
    "#]]
    .assert_eq(&scene.look());
    expect!["incident INC-3 is critical and not signed off; see `incident sign-off`"]
        .assert_eq(&scene.refused(close(id)));
    scene.must(sign_off(id, "blocks are signed again, no customer was hurt"));
    scene.must(close(id));
    expect![[r#"
        incident.signed_off incident/3
        incident.closed incident/3
        review.opened review/28
    "#]]
    .assert_eq(&scene.look());
}
