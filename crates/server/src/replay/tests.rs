//! How long and how many keys are known.

use std::time::{Duration, Instant};

use axum::{http::HeaderValue, response::IntoResponse as _};

use super::{Begun, COUNT_MAX, Key, Replays, WINDOW};

fn key(number: usize) -> Key {
    Key::of(&HeaderValue::from_str(&format!("k{number}")).unwrap(), 1, "/path").unwrap()
}

fn is_fresh(replays: &Replays, number: usize, now: Instant) -> bool {
    matches!(replays.begin(key(number), b"body", now), Ok(Begun::Fresh(_)))
}

async fn carry_out(replays: &Replays, number: usize, now: Instant) {
    let Ok(Begun::Fresh(claim)) = replays.begin(key(number), b"body", now) else { panic!("not fresh") };
    claim.settle("done".into_response()).await;
}

#[tokio::test]
async fn a_key_is_known_for_the_window_and_no_longer() {
    let (replays, now) = (Replays::default(), Instant::now());
    carry_out(&replays, 1, now).await;
    assert!(!is_fresh(&replays, 1, now + WINDOW));
    assert!(is_fresh(&replays, 1, now + WINDOW + Duration::from_millis(1)));
}

#[tokio::test]
async fn the_oldest_key_goes_when_there_are_too_many() {
    let (replays, now) = (Replays::default(), Instant::now());
    for number in 0..COUNT_MAX {
        carry_out(&replays, number, now).await;
    }
    assert!(!is_fresh(&replays, COUNT_MAX - 1, now));
    assert!(is_fresh(&replays, 0, now));
}

#[tokio::test]
async fn what_failed_or_was_given_up_may_be_tried_again() {
    let (replays, now) = (Replays::default(), Instant::now());
    let Ok(Begun::Fresh(claim)) = replays.begin(key(1), b"body", now) else { panic!("not fresh") };
    let error = replays.begin(key(1), b"body", now).err().unwrap();
    assert!(error.detail().contains("still under way"), "{error}");
    drop(claim);
    let Ok(Begun::Fresh(claim)) = replays.begin(key(1), b"body", now) else { panic!("not fresh") };
    claim.settle(axum::http::StatusCode::SERVICE_UNAVAILABLE.into_response()).await;
    assert!(is_fresh(&replays, 1, now));
}
