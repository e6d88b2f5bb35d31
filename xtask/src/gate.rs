//! `cargo xtask test`: the one gate. The same steps in the same order here and in CI.

use std::io::Write;
use std::process::Command;
use std::time::Instant;

use anyhow::{anyhow, bail};

use crate::process::{self, cargo};
use crate::tally::Tally;
use crate::{Usage, needs};

/// One step: passes, is skipped with a reason, or stops the gate.
struct Step {
    name: &'static str,
    about: &'static str,
    run: fn() -> anyhow::Result<Done>,
    /// What a person does when it fails.
    remedy: &'static str,
}

enum Done {
    Passed,
    Counted(Tally),
    Skipped(&'static str),
}

const STEPS: &[Step] = &[
    Step {
        name: "needs",
        about: "programs that tests start; installs them where it may",
        run: || needs::ensure().map(|()| Done::Passed),
        remedy: "run the command above, or install the programs in your own way",
    },
    Step {
        name: "fmt",
        about: "rustfmt finds nothing to change",
        run: || process::quiet(cargo(&["fmt", "--all", "--check"])).map(|()| Done::Passed),
        remedy: "run `cargo fmt --all`",
    },
    Step {
        name: "clippy",
        about: "no warning from the compiler or clippy",
        run: clippy,
        remedy: "mend the code; a lint is silenced only by #[expect(…, reason = \"…\")]",
    },
    Step {
        name: "tests",
        about: "all tests of the workspace, tidy among them",
        run: tests,
        remedy: "run the failing test alone, for example `cargo nextest run -p CRATE TEST`",
    },
    Step {
        name: "deny",
        about: "licences, bans and sources of dependencies (cargo-deny)",
        run: deny,
        remedy: "see deny.toml; a new licence or source is a decision, not an edit",
    },
    Step {
        name: "docs",
        about: "the API documentation builds without a warning",
        run: docs,
        remedy: "mend the doc comment; `cargo doc --no-deps --workspace` shows the same",
    },
];

pub(crate) fn run(args: &[String]) -> anyhow::Result<()> {
    let steps = match Asked::parse(args)? {
        Asked::Help => {
            print!("{}", help());
            return Ok(());
        }
        Asked::List => {
            print!("{}", list());
            return Ok(());
        }
        Asked::Steps(steps) => steps,
    };
    let started = Instant::now();
    let mut tally = None;
    let mut skipped = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        match perform(step, index + 1, steps.len())? {
            Done::Passed => {}
            Done::Counted(counted) => tally = Some(counted),
            Done::Skipped(reason) => skipped.push((step.name, reason)),
        }
    }
    for (name, reason) in &skipped {
        println!("SKIPPED {name}: {reason}");
    }
    let (all, done) = (STEPS.len(), steps.len() - skipped.len());
    let what = if steps.len() == all { "gate".to_owned() } else { format!("{done} of {all} steps") };
    println!("{what} passed in {:.1} s, {} skipped", started.elapsed().as_secs_f64(), skipped.len());
    if let Some(tally) = tally {
        println!("{tally}");
    }
    Ok(())
}

/// What the arguments ask for.
enum Asked {
    Help,
    List,
    Steps(Vec<&'static Step>),
}

impl Asked {
    fn parse(args: &[String]) -> Result<Self, Usage> {
        let mut only = Vec::new();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--help" | "-h" => return Ok(Self::Help),
                "--list" => return Ok(Self::List),
                "--only" => only.push(named(args.next())?),
                other => return Err(Usage(format!("`test` does not know `{other}`; see --help"))),
            }
        }
        let chosen = STEPS.iter().filter(|step| only.is_empty() || only.contains(&step.name));
        Ok(Self::Steps(chosen.collect()))
    }
}

fn named(name: Option<&String>) -> Result<&'static str, Usage> {
    let name = name.ok_or_else(|| Usage("`--only` wants the name of a step; see --list".to_owned()))?;
    let step = STEPS.iter().find(|step| step.name == name);
    step.map(|step| step.name).ok_or_else(|| Usage(format!("no step is called `{name}`; see --list")))
}

fn perform(step: &Step, number: usize, of: usize) -> anyhow::Result<Done> {
    println!("[{number}/{of}] {}: {}", step.name, step.about);
    // Nothing depends on this flush but the reader's patience.
    let _ = std::io::stdout().flush();
    let started = Instant::now();
    let done = (step.run)();
    let seconds = started.elapsed().as_secs_f64();
    match &done {
        Ok(Done::Passed) => println!("[{number}/{of}] {} ok, {seconds:.1} s", step.name),
        Ok(Done::Counted(tally)) => println!("[{number}/{of}] {} ok, {seconds:.1} s: {tally}", step.name),
        Ok(Done::Skipped(reason)) => println!("[{number}/{of}] {} SKIPPED: {reason}", step.name),
        Err(_) => println!("[{number}/{of}] {} FAILED, {seconds:.1} s", step.name),
    }
    done.map_err(|error| {
        anyhow!(
            "step `{name}`: {error:#}\nwhat to do: {remedy}\nthen: cargo xtask test --only {name}",
            name = step.name,
            remedy = step.remedy
        )
    })
}

fn clippy() -> anyhow::Result<Done> {
    let args = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    process::quiet(cargo(&args)).map(|()| Done::Passed)
}

/// End-to-end tests start the binary that cargo built beside them, so no release build is needed here.
fn tests() -> anyhow::Result<Done> {
    let mut tally = Tally::default();
    if !process::watched(test_runner(), |line| tally.read(line))? {
        bail!("tests failed: {tally}");
    }
    Ok(Done::Counted(tally))
}

/// Colour is off because the tally is read from the same text that is shown.
fn test_runner() -> Command {
    let mut runner = preferred_test_runner();
    runner.env("CARGO_TERM_COLOR", "never");
    runner
}

fn preferred_test_runner() -> Command {
    if process::succeeds(cargo(&["nextest", "--version"])) {
        cargo(&["nextest", "run", "--workspace", "--locked", "--no-fail-fast"])
    } else {
        println!("      cargo-nextest is not installed (`cargo install --locked cargo-nextest`): cargo test");
        cargo(&["test", "--workspace", "--all-targets", "--locked", "--no-fail-fast"])
    }
}

fn deny() -> anyhow::Result<Done> {
    if !process::succeeds(cargo(&["deny", "--version"])) {
        return Ok(Done::Skipped(
            "cargo-deny is not installed, licences and sources were NOT checked: \
             cargo install --locked cargo-deny",
        ));
    }
    let args = ["deny", "--workspace", "check", "licenses", "bans", "sources"];
    process::quiet(cargo(&args)).map(|()| Done::Passed)
}

fn docs() -> anyhow::Result<Done> {
    let mut command = cargo(&["doc", "--no-deps", "--workspace", "--locked"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    process::quiet(command).map(|()| Done::Passed)
}

fn list() -> String {
    STEPS.iter().map(|step| format!("  {:<8} {}\n", step.name, step.about)).collect()
}

fn help() -> String {
    format!(
        "Usage: cargo xtask test [--only STEP]… [--list]\n\n\
         Runs these steps in order and stops at the first that fails, with its whole output:\n{}\n\
         Example: cargo xtask test --only fmt --only clippy\n",
        list()
    )
}
