//! The steps of a stage as they stand inside of one another, each with what it does in one line.

use domain::playbook::{Join, Kind, Stage, Step, Targets, Wait};
use schemars::JsonSchema;
use serde::Serialize;

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Line {
    pub(crate) step: String,
    pub(crate) name: String,
    pub(crate) kind: String,
    /// In how many other steps it stands.
    pub(crate) depth: usize,
    /// The branch, case or option that begins with it, and when it is taken.
    pub(crate) branch: Option<String>,
    /// What it does: the verb, the question, the condition.
    pub(crate) about: String,
}

/// `first` is the number of the stage's first step.
pub(crate) fn outline(stage: &Stage, first: u32) -> Vec<Line> {
    let steps: Vec<(u32, &Step)> = (first..).zip(&stage.steps).collect();
    let line = |&(index, step): &(u32, &Step)| {
        let holds = |holder: &&(u32, &Step)| {
            (holder.0 + 1..=holder.0 + holder.1.kind.inner() as u32).contains(&index)
        };
        let around: Vec<&(u32, &Step)> = steps.iter().filter(holds).collect();
        Line {
            step: step.id.clone(),
            name: step.name.clone(),
            kind: step.kind.name().to_owned(),
            depth: around.len(),
            branch: around.last().and_then(|(_, holder)| branch(&holder.kind, index)),
            about: about(step),
        }
    };
    steps.iter().map(line).collect()
}

/// What begins with this step of the one that holds it.
fn branch(holder: &Kind, index: u32) -> Option<String> {
    let begins = |steps: &std::ops::Range<u32>| steps.start == index && !steps.is_empty();
    match holder {
        Kind::Switch(switch) => {
            let case = switch.cases.iter().find(|case| begins(&case.steps))?;
            let when = case.when.as_ref().map(|when| format!(" when `{}`", when.text));
            Some(format!("{}{}", case.name, when.unwrap_or_default()))
        }
        Kind::Decision(_) | Kind::Parallel(_) => {
            let branches = holder.branches().into_iter();
            branches.filter(|(_, steps)| begins(steps)).map(|(name, _)| name.to_owned()).next()
        }
        Kind::Action | Kind::Manual(_) | Kind::Wait(_) | Kind::While(_) | Kind::Call(_) => None,
    }
}

fn about(step: &Step) -> String {
    match &step.kind {
        Kind::Action => match &step.targets {
            Targets::ForEach(list) => format!("{} for each of `{}`", step.verb, list.source()),
            Targets::Named(name) => format!("{} on {name}", step.verb),
        },
        Kind::Decision(decision) => {
            let options: Vec<&str> = decision.options.keys().map(String::as_str).collect();
            let default = decision.default.as_ref();
            let default = default.map(|d| format!("; {} after {}", d.choose, d.after)).unwrap_or_default();
            format!("{} ({}{default})", decision.question, options.join(", "))
        }
        Kind::Manual(manual) => manual.instructions.clone(),
        Kind::Wait(Wait::For(span)) => format!("for {span}"),
        Kind::Wait(Wait::Until { gate, timeout }) => format!("until `{}`, at most {timeout}", gate.text),
        Kind::Switch(_) => "the first case that holds".to_owned(),
        Kind::While(one) => format!("while `{}`, at most {} rounds", one.gate.text, one.rounds),
        Kind::Parallel(parallel) => match parallel.join {
            Join::All => "side by side, until all came through".to_owned(),
            Join::Any => "side by side, until one came through".to_owned(),
        },
        Kind::Call(call) => format!("the piece {}", call.piece),
    }
}
