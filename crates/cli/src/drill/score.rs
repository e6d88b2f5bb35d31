//! The score of a drill: each target with what was measured, and the share of steps that went without a person.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use domain::content::drill::Drill;
use serde_json::{Value, json};

use super::{millis, scene::Scene};
use crate::commands::show;

pub(super) struct Target {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    measured: Measure,
    wanted: Measure,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Measure {
    Never,
    Time(Duration),
    Percent(u64),
}

impl Target {
    pub(super) fn is_met(&self) -> bool {
        match (self.measured, self.wanted) {
            (Measure::Time(measured), Measure::Time(within)) => measured < within,
            (Measure::Percent(measured), Measure::Percent(least)) => measured >= least,
            (Measure::Never | Measure::Time(_) | Measure::Percent(_), _) => false,
        }
    }

    pub(super) fn measured(&self) -> String {
        match self.measured {
            Measure::Never => "never".to_owned(),
            Measure::Time(time) => millis(time),
            Measure::Percent(share) => format!("{share} %"),
        }
    }

    pub(super) fn wanted(&self) -> String {
        match self.wanted {
            Measure::Never => String::new(),
            Measure::Time(time) if time < Duration::from_secs(120) => format!("< {} s", time.as_secs()),
            Measure::Time(time) => format!("< {} min", time.as_secs() / 60),
            Measure::Percent(share) => format!(">= {share} %"),
        }
    }

    pub(super) fn to_json(&self) -> Value {
        let ms = |measure: Measure| match measure {
            Measure::Time(time) => json!((time.as_secs_f64() * 1e6).round() / 1e3),
            Measure::Never | Measure::Percent(_) => Value::Null,
        };
        let percent = |measure: Measure| match measure {
            Measure::Percent(share) => json!(share),
            Measure::Never | Measure::Time(_) => Value::Null,
        };
        let mut all = json!({ "name": self.name, "met": self.is_met() });
        if let Measure::Percent(_) = self.wanted {
            all["measured_percent"] = percent(self.measured);
            all["least_percent"] = percent(self.wanted);
        } else {
            all["measured_ms"] = ms(self.measured);
            all["within_ms"] = ms(self.wanted);
        }
        all
    }
}

/// Everything the drill is measured by.
pub(super) fn targets(drill: &Drill, scene: &Scene) -> Vec<Target> {
    let since = |at: Option<Instant>| at.and_then(|at| scene.since_alert(at));
    let time = |name, what, measured: Option<Duration>, within: domain::time::Span| Target {
        name,
        what,
        measured: measured.map_or(Measure::Never, Measure::Time),
        wanted: Measure::Time(within.as_std()),
    };
    let wanted = &drill.targets;
    let detected = scene.opened.map(|at| at.saturating_duration_since(scene.began));
    let mut targets = vec![
        time("detected", "incident open, since it began", detected, wanted.detected),
        time(
            "first_containment",
            "first goal carried out",
            since(scene.called.values().min().copied()),
            wanted.first_containment,
        ),
        time("contained", "every goal carried out", since(scene.all_called()), wanted.contained),
        time("verified", "every goal read back, on disk", since(scene.all_verified()), wanted.verified),
        time("completed", "every step of the playbook done", since(scene.completed), wanted.completed),
        Target {
            name: "automation",
            what: "steps without a person",
            measured: automation(&scene.steps, &scene.approved).map_or(Measure::Never, Measure::Percent),
            wanted: Measure::Percent(u64::from(wanted.automation_percent)),
        },
    ];
    let recovered = wanted.recovered;
    targets.extend(
        recovered.map(|within| time("recovered", "every service well again", since(scene.recovered), within)),
    );
    targets
}

/// Percent of the steps done in which no person had a hand. Counted are actions that had something to act on, waits,
/// tasks and decisions. An action that people allowed is theirs; a decision that its default made is nobody's. What
/// only holds other steps, and what was skipped, does not count.
pub(super) fn automation(steps: &[Value], approved: &BTreeSet<String>) -> Option<u64> {
    let (mut alone, mut all) = (0, 0);
    for step in steps.iter().filter(|step| show::text(step, "status") == "done") {
        let by_person = !show::text(step, "by").is_empty() || approved.contains(&show::text(step, "id"));
        let counts = match &*show::text(step, "kind") {
            "action" => !show::items(step, "targets").is_empty(),
            "wait" | "decision" | "manual" => true,
            _ => false,
        };
        all += u64::from(counts);
        alone += u64::from(counts && !by_person && show::text(step, "kind") != "manual");
    }
    (all > 0).then(|| 100 * alone / all)
}
