//! What a drill came to: each target with what was measured, how the attack ended, and the log as an auditor sees it.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    time::{Duration, Instant},
};

use domain::content::drill::Drill;
use estate::Scenario;
use serde_json::{Value, json};

use super::{
    millis,
    scene::Scene,
    score::{self, Target},
    shown,
};
use crate::{
    output::{Colour, Output, escape},
    verify::Checked,
};

pub(super) struct Outcome {
    scenario: String,
    targets: Vec<Target>,
    accepted: Option<Duration>,
    stopped_after: Option<Duration>,
    problems: Vec<String>,
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
    pub(super) fn of(
        scenario: &Scenario,
        drill: &Drill,
        scene: &Scene,
        checked: Checked,
        kept: Option<PathBuf>,
    ) -> Outcome {
        let since = |at: Option<Instant>| at.and_then(|at| scene.since_alert(at));
        Outcome {
            scenario: scenario.id.clone(),
            targets: score::targets(drill, scene),
            accepted: scene.accepted,
            stopped_after: since(scene.stopped_at),
            incident: scene.incident.clone(),
            run: scene.run.clone(),
            goals: scene.goals.clone(),
            damage: scene.damage,
            spared: scene.spared,
            stopped: scene.stopped,
            refused: scene.refused.clone(),
            problems: scene.problems.clone(),
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
            && self.problems.is_empty()
            && self.checked.is_clean()
    }

    pub(super) fn print(&self, output: &Output) {
        if output.json {
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
            let (measured, wanted) = (target.measured(), target.wanted());
            let mark = if target.is_met() {
                output.paint(Colour::Green, "met")
            } else {
                output.paint(Colour::Red, "NOT MET")
            };
            output.line(format!("{:36} {measured:>12}  {wanted:>10}  {mark}", target.what));
        }
    }

    pub(super) fn row(&self) -> Vec<String> {
        let (met, of) = self.score();
        let measured = |name| self.targets.iter().find(|target| target.name == name).map(Target::measured);
        let verdict = if self.is_met() { "met" } else { "NOT MET" };
        let mut row = vec![self.scenario.clone(), format!("{met} of {of}")];
        row.extend(["contained", "completed", "automation"].map(|name| measured(name).unwrap_or_default()));
        row.extend([self.damage.to_string(), verdict.to_owned()]);
        row
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
        let (met, of) = self.score();
        let after = self.stopped_after.map_or_else(String::new, |after| format!(" after {}", millis(after)));
        output.line("");
        output.line(format!("score     {met} of {of} targets"));
        output
            .line(format!("attack    {state}{after}: damage {}, spared so far {}", self.damage, self.spared));
        for (verb, target, holds) in &self.goals {
            let holds = if *holds { "holds" } else { "DOES NOT HOLD" };
            output.line(format!("goal      {} {}: {holds}", escape(verb), escape(target)));
        }
        for refused in &self.refused {
            output.line(output.paint(Colour::Red, &format!("refused   {}", escape(refused))));
        }
        for problem in &self.problems {
            output.line(output.paint(Colour::Red, &format!("people    {}", escape(problem))));
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

    /// What was measured, by the name of its target.
    pub(super) fn measured(&self) -> BTreeMap<&'static str, String> {
        self.targets.iter().map(|target| (target.name, target.measured())).collect()
    }

    pub(super) fn to_json(&self) -> Value {
        let ms = |duration: Option<Duration>| duration.map(|d| (d.as_secs_f64() * 1e6).round() / 1e3);
        let targets = self.targets.iter().map(Target::to_json);
        let goals = self
            .goals
            .iter()
            .map(|(verb, target, holds)| json!({ "verb": verb, "target": target, "holds": holds }));
        let (met, of) = self.score();
        json!({
            "score": { "met": met, "of": of },
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
            "stopped_ms": ms(self.stopped_after),
            "refused": self.refused,
            "problems": self.problems,
            "log": self.checked.to_json(),
            "kept": self.kept.as_ref().map(|path| path.display().to_string()),
        })
    }
}
