//! The frame keeps its shape, and times are written as people read them.

use std::time::Duration;

use estate::Scenario;

use super::{millis, scene::Scene, view::View};
use crate::output::Output;

#[test]
fn times_are_short() {
    assert_eq!(millis(Duration::from_micros(1_840)), "1.8 ms");
    assert_eq!(millis(Duration::from_millis(12_345)), "12345 ms");
}

#[test]
fn every_line_of_a_frame_fits_into_eighty_columns() {
    let scenario = Scenario::validator_compromise();
    let scene = Scene::new(&scenario);
    let view = View::new(&scenario, "http://127.0.0.1:65535".to_owned(), Output::new(false));
    let frame = view.frame(&scene);
    for line in &frame {
        assert!(line.chars().count() <= 80, "{} characters: {line}", line.chars().count());
    }
    assert!(frame.len() <= 26, "{} lines", frame.len());
}
