//! The Alertmanager project's scenarios of merging alerts, as far as intake goes: what is pushed, in the wire's
//! form, and what is known of the alert when a notification would be due.

use domain::{
    alert::Alert,
    event::{Actor, Context},
    flow,
    labels::Labels,
    state::State,
    time::{Span, Timestamp},
};
use serde::Deserialize;
use serde_json::json;

use crate::alertmanager::intake;

#[derive(Deserialize)]
struct Scenario {
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
enum Step {
    Push { at: f64, alerts: Vec<Described> },
    Expect { between: (f64, f64), alerts: Vec<Described> },
}

/// An alert with times in seconds since the start.
#[derive(Deserialize)]
struct Described {
    labels: Labels,
    annotations: Labels,
    starts_at: f64,
    ends_at: Option<f64>,
}

const START: Timestamp = Timestamp(1_767_225_600_000_000);

fn at(seconds: f64) -> Timestamp {
    START.plus(Span::millis((seconds * 1_000.0).round() as u64))
}

/// What decides, and the alert as the last facts left it, resolved or not.
struct Intake {
    state: State,
    last: Option<Alert>,
    position: u64,
}

impl Intake {
    fn push(&mut self, now: Timestamp, alerts: &[Described]) {
        self.pass(now);
        let wire = alerts.iter().map(|alert| {
            json!({
                "labels": alert.labels,
                "annotations": alert.annotations,
                "startsAt": at(alert.starts_at).to_string(),
                "endsAt": alert.ends_at.map(|ends_at| at(ends_at).to_string()),
            })
        });
        let body = serde_json::to_vec(&wire.collect::<Vec<_>>()).unwrap();
        for received in intake::read(&body).unwrap() {
            let (context, mut facts) = (self.context(now), Vec::new());
            flow::receive(&mut self.state, received.unwrap(), &context, &mut facts).unwrap();
            self.keep(facts);
        }
    }

    /// Lets happen by itself what is due until `now`.
    fn pass(&mut self, now: Timestamp) {
        let (context, mut facts) = (self.context(now), Vec::new());
        flow::due(&mut self.state, &context, &mut facts);
        self.keep(facts);
    }

    fn context(&self, now: Timestamp) -> Context {
        Context { now, actor: Actor::Platform, next: self.position, epoch: 1 }
    }

    fn keep(&mut self, facts: Vec<flow::Fact>) {
        for fact in facts {
            self.position += 1;
            let domain::event::Event::Alert(id, event) = &fact.event else { continue };
            match self.last.as_mut().filter(|alert| alert.id == *id) {
                Some(alert) => domain::alert::apply(alert, event, &fact.meta),
                None => self.last = domain::alert::create(*id, event, &fact.meta),
            }
        }
    }
}

fn scenario(name: &str) -> Scenario {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus");
    let corpus = std::env::var("RINGFENCE_CORPUS").unwrap_or_else(|_| default.to_owned());
    let path = format!("{corpus}/alertmanager/scenarios/{name}.json");
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{path}: {error}; set RINGFENCE_CORPUS to the corpus"));
    serde_json::from_str(&text).unwrap()
}

fn play(name: &str) {
    let mut intake = Intake { state: State::default(), last: None, position: 1 };
    let mut expected = 0;
    for step in scenario(name).steps {
        match step {
            Step::Push { at: seconds, alerts } => intake.push(at(seconds), &alerts),
            Step::Expect { between, alerts } => {
                intake.pass(at(between.0));
                let [want] = alerts.as_slice() else { panic!("{name}: {} alerts", alerts.len()) };
                let found = intake.last.as_ref().unwrap();
                assert_eq!(found.labels, want.labels, "{name} after {} s", between.0);
                assert_eq!(found.starts_at, at(want.starts_at), "{name} after {} s", between.0);
                assert_eq!(found.is_firing(), want.ends_at.is_none(), "{name} after {} s", between.0);
                // The first end stands here; there a later one moves it until it is notified.
                if found.is_firing() {
                    assert_eq!(found.annotations, want.annotations, "{name} after {} s", between.0);
                } else {
                    assert!(found.ends_at <= at(want.ends_at.unwrap()), "{name} after {} s", between.0);
                }
                expected += 1;
            }
        }
    }
    assert_eq!(expected, 5, "{name}");
}

#[test]
fn alerts_with_an_end_are_merged_as_by_alertmanager() {
    play("testMergeAlerts-endsAt-True");
}

#[test]
fn alerts_without_an_end_are_merged_as_by_alertmanager() {
    play("testMergeAlerts-endsAt-False");
}
