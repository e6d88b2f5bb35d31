//! The simulator in the gate: a share of the seeds, the planted bugs that it must catch, and the saga proof of each
//! playbook.

use sim::{Options, Planted, Report, Told, first_content, saga, shipped_content, simulate, simulate_notices};

/// Runs the seeds, and makes sure that they went through everything that may go wrong.
fn seeds(from: u64, count: u64) {
    let mut all = Report::default();
    for seed in from..from + count {
        match simulate(Options { seed, requests: 25, planted: None }) {
            Ok(report) => all += report,
            Err(failure) => panic!("{failure}"),
        }
    }
    let enough = all.reports > count / 4 && all.deadlines > 10 && all.levels > count && all.moves > count / 2;
    assert!(enough && all.restored > count / 10 && all.epochs > count, "this proves little: {all:?}");
}

#[test]
fn no_seed_breaks_an_invariant_1() {
    seeds(1, 200);
}

#[test]
fn no_seed_breaks_an_invariant_2() {
    seeds(1_001, 200);
}

#[test]
fn no_seed_breaks_an_invariant_3() {
    seeds(2_001, 200);
}

#[test]
fn a_seed_gives_the_same_twice() {
    let options = Options { seed: 7, requests: 40, planted: None };
    assert_eq!(simulate(options), simulate(options));
}

#[test]
fn every_planted_bug_is_caught() {
    for planted in Planted::ALL {
        let found =
            (1..200).find_map(|seed| simulate(Options { seed, requests: 60, planted: Some(planted) }).err());
        let Some(failure) = found else { panic!("{planted:?} is not caught") };
        let expected: &[&str] = match planted {
            Planted::AcknowledgeBeforeSync => &["I1", "I4"],
            Planted::LostSync => &["I1", "I9", "I11"],
            Planted::OldEpoch => &["I9"],
            Planted::NewKeyOnRetry => &["I4"],
            Planted::SendBeforeCommit | Planted::SendTwice => &["I4"],
            Planted::SkipLimits => &["I10"],
            Planted::AnyHash => &["I8"],
            Planted::ForgottenLevel => &["N3", "N4"],
            Planted::ForgottenDeadline => &["P1"],
            Planted::ForgottenMove | Planted::MoveOutside => &["L1"],
            // What a row said is forgotten at the next start, whatever it was.
            Planted::ToldBeforeSent => &["N1"],
            Planted::ReleaseUnverified => &["R1"],
            Planted::LostRow => &["I1", "I2", "I5", "I7", "I9", "I10", "I11", "I13", "N1"],
        };
        let invariant = failure.violation.invariant;
        assert!(expected.contains(&invariant), "{planted:?} is caught as {invariant}: {failure}");
    }
}

#[test]
fn shipped_playbooks_survive_every_failure_crash_and_repeat_1() {
    survive(0);
}

#[test]
fn shipped_playbooks_survive_every_failure_crash_and_repeat_2() {
    survive(1);
}

#[test]
fn shipped_playbooks_survive_every_failure_crash_and_repeat_3() {
    survive(2);
}

#[test]
fn shipped_playbooks_survive_every_failure_crash_and_repeat_4() {
    survive(3);
}

/// Every fourth of the shipped playbooks, so that the parts run side by side.
fn survive(part: usize) {
    let content = shipped_content();
    assert!(content.playbooks.len() >= 4);
    for id in content.playbooks.keys().skip(part).step_by(4) {
        match saga::prove(&content, id) {
            Ok(proof) => {
                // One that only asks people makes none.
                let acts = content.playbooks[id].steps().any(|(_, step)| !step.verb.is_empty());
                assert_eq!(proof.calls > 0, acts, "{id} makes {} calls", proof.calls);
            }
            Err(failure) => panic!("{id}: {failure}"),
        }
    }
}

#[test]
fn each_kind_of_step_goes_on_after_a_crash_at_every_point() {
    let content = first_content();
    let kinds: std::collections::BTreeSet<&str> =
        content.playbooks["every"].steps().map(|(_, step)| step.kind.name()).collect();
    assert_eq!(
        kinds.into_iter().collect::<Vec<_>>(),
        ["action", "call", "decision", "manual", "parallel", "switch", "wait", "while"]
    );
    match saga::prove(&content, "every") {
        Ok(proof) => assert!(proof.calls > 4 && proof.simulations > 200, "{proof:?}"),
        Err(failure) => panic!("{failure}"),
    }
}

#[test]
fn playbooks_with_one_action_of_each_class_survive_them_too() {
    let content = first_content();
    for id in ["breach", "outage"] {
        match saga::prove(&content, id) {
            Ok(proof) => assert!(proof.calls > 2, "{id} makes few calls"),
            Err(failure) => panic!("{id}: {failure}"),
        }
    }
}

#[test]
fn a_recovery_survives_every_failure_and_crash() {
    match sim::prove_recovery() {
        Ok(simulations) => assert!(simulations > 200, "{simulations} simulations prove little"),
        Err(failure) => panic!("{failure}"),
    }
}

#[test]
fn what_is_released_before_it_was_verified_is_caught() {
    let failure = sim::release_unverified().unwrap_err();
    assert_eq!(failure.violation.invariant, "R1", "{failure}");
}

#[test]
fn notices_reach_people_while_channels_fail_and_processes_end() {
    let mut all = Told::default();
    for seed in 1..=40 {
        match simulate_notices(Options { seed, requests: 25, planted: None }) {
            Ok(told) => {
                all.notices += told.notices;
                all.repeated += told.repeated;
                all.rerouted += told.rerouted;
                all.unreached += told.unreached;
                all.escalations += told.escalations;
                all.epochs += told.epochs;
            }
            Err(failure) => panic!("{failure}"),
        }
    }
    let enough = all.notices > 1_000 && all.repeated > 100 && all.rerouted > 100 && all.unreached > 10;
    assert!(enough && all.escalations > 100 && all.epochs > 300, "this proves little: {all:?}");
}

#[test]
fn a_notice_that_counts_as_delivered_before_it_is_sent_is_caught() {
    let planted = Some(Planted::ToldBeforeSent);
    let found = (1..20).find_map(|seed| simulate_notices(Options { seed, requests: 25, planted }).err());
    let failure = found.unwrap();
    assert_eq!(failure.violation.invariant, "N1", "{failure}");
}
