//! What a drill came to: each target with what was measured, how the attack ended, and the log as an auditor sees it.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use estate::Scenario;
use serde_json::{Value, json};

use super::{millis, scene::Scene, shown};
use crate::{
    output::{Colour, Output, escape},
    verify::Checked,
};

/// First containment and full verification, as the specification of the platform demands them.
const FIRST_WITHIN: Duration = Duration::from_secs(30);
/// From the first deed of the attacker to the open incident.
const DETECTED_WITHIN: Duration = Duration::from_secs(300);
const VERIFIED_WITHIN: Duration = Duration::from_secs(300);

struct Target {
    name: &'static str,
    what: &'static str,
    measured: Option<Duration>,
    within: Duration,
}

impl Target {
    fn is_met(&self) -> bool {
        self.measured.is_some_and(|measured| measured < self.within)
    }
}

pub(super) struct Outcome {
    scenario: String,
    targets: Vec<Target>,
    accepted: Option<Duration>,
    completed: Option<Duration>,
    /// Percent of the calls that went without a person.
    automation: Option<u64>,
    incident: Option<String>,
    run: Option<String>,
    goals: Vec<(String, String, bool)>,
    damage: u64,
    spared: u64,
    stopped: bool,
    refused: Vec<String>,
    checked: Checked,
    kept: Option<PathBuf>,
}

impl Outcome {
    pub(super) fn of(scenario: &Scenario, scene: &Scene, checked: Checked, kept: Option<PathBuf>) -> Outcome {
        let since = |at: Option<Instant>| at.and_then(|at| scene.since_alert(at));
        let targets = vec![
            Target {
                name: "detected",
                what: "incident opened, since it began",
                measured: scene.opened.map(|at| at.saturating_duration_since(scene.began)),
                within: DETECTED_WITHIN,
            },
            Target {
                name: "first_containment",
                what: "first containment carried out",
                measured: since(scene.called.values().min().copied()),
                within: FIRST_WITHIN,
            },
            Target {
                name: "attacker_contained",
                what: "every goal carried out",
                measured: since(scene.all_called()),
                within: Duration::from_micros(scenario.contained_within_us),
            },
            Target {
                name: "verified",
                what: "every goal read back, on disk",
                measured: since(scene.all_verified()),
                within: VERIFIED_WITHIN,
            },
        ];
        Outcome {
            scenario: scenario.id.clone(),
            targets,
            accepted: scene.accepted,
            completed: since(scene.completed),
            automation: scene.automation(),
            incident: scene.incident.clone(),
            run: scene.run.clone(),
            goals: scene.goals.clone(),
            damage: scene.damage,
            spared: scene.spared,
            stopped: scene.stopped,
            refused: scene.refused.clone(),
            checked,
            kept,
        }
    }

    pub(super) fn is_met(&self) -> bool {
        let goals = self.goals.iter().all(|(_, _, holds)| *holds);
        self.targets.iter().all(Target::is_met)
            && goals
            && self.stopped
            && self.refused.is_empty()
            && self.checked.is_clean()
    }

    pub(super) fn print(&self, output: &Output) {
        if output.json {
            output.json(&self.to_json());
            return;
        }
        output.line("");
        self.print_targets(output);
        self.print_end(output);
        self.print_proof(output);
    }

    fn print_targets(&self, output: &Output) {
        output.line(output.paint(
            Colour::Bold,
            &format!("{:36} {:>12}  {:>10}", "since the first alert was sent", "measured", "target"),
        ));
        if let Some(accepted) = self.accepted {
            output.line(format!("{:36} {:>12}", "accepted: on disk and answered", millis(accepted)));
        }
        for target in &self.targets {
            let measured = target.measured.map_or_else(|| "never".to_owned(), millis);
            let within = format!("< {} s", target.within.as_secs());
            let mark = if target.is_met() {
                output.paint(Colour::Green, "met")
            } else {
                output.paint(Colour::Red, "NOT MET")
            };
            output.line(format!("{:36} {measured:>12}  {within:>10}  {mark}", target.what));
        }
    }

    fn score(&self) -> (usize, usize) {
        (self.targets.iter().filter(|target| target.is_met()).count(), self.targets.len())
    }

    fn print_end(&self, output: &Output) {
        let state = if self.stopped {
            output.paint(Colour::Green, "stopped")
        } else {
            output.paint(Colour::Red, "still under way")
        };
        let completed = self.completed.map_or_else(|| "never".to_owned(), millis);
        output.line(format!("{:36} {completed:>12}", "all steps of the playbook done"));
        let (met, of) = self.score();
        let automation =
            self.automation.map_or_else(String::new, |rate| format!(", {rate} % without a person"));
        output.line("");
        output.line(format!("score     {met} of {of} targets{automation}"));
        output.line(format!("attack    {state}: damage {}, spared so far {}", self.damage, self.spared));
        for (verb, target, holds) in &self.goals {
            let holds = if *holds { "holds" } else { "DOES NOT HOLD" };
            output.line(format!("goal      {} {}: {holds}", escape(verb), escape(target)));
        }
        for refused in &self.refused {
            output.line(output.paint(Colour::Red, &format!("refused   {}", escape(refused))));
        }
        let ids = [&self.incident, &self.run].into_iter().flatten().map(String::as_str).collect::<Vec<_>>();
        output.line(format!("incident  {}", ids.join(", ")));
    }

    fn print_proof(&self, output: &Output) {
        let checked = &self.checked;
        let verdict = if checked.is_clean() {
            output.paint(Colour::Green, "verified")
        } else {
            output.paint(Colour::Red, "NOT CLEAN")
        };
        output.line(format!(
            "log       {verdict}: {} entries, root {}",
            checked.entries(),
            checked.root().unwrap_or_default()
        ));
        output.line("");
        match &self.kept {
            Some(folder) => {
                output.line("Prove it yourself:");
                output.line(format!("  ringfence log verify {}", shown(folder)));
                output.line(format!("Look around:\n  ringfence serve --data-dir {}", shown(folder)));
            }
            None => {
                output.line("Prove it yourself:");
                output.line(format!("  ringfence drill {} --keep drill-data", self.scenario));
                output.line("  ringfence log verify drill-data");
            }
        }
        let last = if self.is_met() {
            output.paint(Colour::Green, "The drill met its targets.")
        } else {
            output.paint(Colour::Red, "The drill did not meet its targets.")
        };
        output.line(last);
    }

    fn to_json(&self) -> Value {
        let ms = |duration: Option<Duration>| duration.map(|d| (d.as_secs_f64() * 1e6).round() / 1e3);
        let targets = self.targets.iter().map(|target| {
            json!({
                "name": target.name,
                "measured_ms": ms(target.measured),
                "within_ms": target.within.as_millis() as u64,
                "met": target.is_met(),
            })
        });
        let goals = self
            .goals
            .iter()
            .map(|(verb, target, holds)| json!({ "verb": verb, "target": target, "holds": holds }));
        let (met, of) = self.score();
        json!({
            "score": { "met": met, "of": of },
            "automation_percent": self.automation,
            "run_completed_ms": ms(self.completed),
            "scenario": self.scenario,
            "met": self.is_met(),
            "accepted_ms": ms(self.accepted),
            "targets": targets.collect::<Vec<_>>(),
            "goals": goals.collect::<Vec<_>>(),
            "incident": self.incident,
            "run": self.run,
            "damage": self.damage,
            "spared": self.spared,
            "stopped": self.stopped,
            "refused": self.refused,
            "log": self.checked.to_json(),
            "kept": self.kept.as_ref().map(|path| path.display().to_string()),
        })
    }
}
