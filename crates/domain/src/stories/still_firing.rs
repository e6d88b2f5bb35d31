//! An alert that never stops: the watch passes, and the incident still cannot close as what was real.

use expect_test::expect;

use super::{close, everything_works, prove, recover, resolve, sign_off, watched};
use crate::{
    incident::Status,
    scene::{CUT_OFF, Scene},
    time::Span,
};

fn alert(scene: &mut Scene) {
    scene.alert([
        ("alertname", "DoubleSign"),
        ("incident_type", "validator_compromise"),
        ("severity", "critical"),
        ("node", "validator-3"),
    ]);
}

#[test]
fn closing_waits_until_nothing_fires() {
    let mut scene = Scene::new(&[CUT_OFF]);
    alert(&mut scene);
    everything_works(&mut scene);
    let id = scene.incident();
    recover(&mut scene, id);
    scene.must(resolve(id, "restarted"));

    // Its source repeats the alert for longer than the four hours of the watch.
    for _ in 0..100 {
        watched(&mut scene, Span::secs(150));
        alert(&mut scene);
    }
    assert_eq!(scene.state.incidents.open[&id].status, Status::Resolved);
    expect!["1 alerts of incident INC-3 fire still; it can close when they are resolved"]
        .assert_eq(&scene.refused(close(id)));

    // Whoever knows that nothing was real may say so at any time, and the business may sign; neither ends it as real.
    scene.must(sign_off(id, "it seems to work"));
    expect!["1 alerts of incident INC-3 fire still; it can close when they are resolved"]
        .assert_eq(&scene.refused(close(id)));

    // Then it falls silent.
    scene.wait(Span::secs(600));
    prove(&mut scene, id);
    scene.must(close(id));
}
