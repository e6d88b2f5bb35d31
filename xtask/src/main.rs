//! `cargo xtask`: the chores of this repository, written in Rust.
//!
//! Each command is one module with `run(&[String]) -> anyhow::Result<()>`. To add one, declare the module and
//! give it a line in [`COMMANDS`].
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool talks to its terminal")]

mod bench;
mod crash;
mod gate;
mod needs;
mod pictures;
mod process;
mod tally;
mod tidy;

use std::process::ExitCode;

/// A chore that can be asked for by name.
struct Command {
    name: &'static str,
    about: &'static str,
    run: fn(&[String]) -> anyhow::Result<()>,
}

const COMMANDS: &[Command] = &[
    Command { name: "test", about: "the gate that a change must pass, here and in CI", run: gate::run },
    Command {
        name: "bench",
        about: "the rows of the budget, measured with the release binary",
        run: bench::run,
    },
    Command {
        name: "crash",
        about: "kill -9 again and again: nothing lost, nothing done twice",
        run: crash::run,
    },
    Command { name: "pictures", about: "what the pages look like, as docs/pictures", run: pictures::run },
    Command { name: "tidy", about: "only the checks of walls, sources and documents", run: tidy::run },
];

/// The command line was not understood: exit code 2, unlike work that was done and failed.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(if error.is::<Usage>() { 2 } else { 1 })
        }
    }
}

fn dispatch(args: &[String]) -> anyhow::Result<()> {
    let Some((name, rest)) = args.split_first() else {
        print!("{}", help());
        return Err(Usage("no command was named".to_owned()).into());
    };
    if ["help", "--help", "-h"].contains(&name.as_str()) {
        print!("{}", help());
        return Ok(());
    }
    match COMMANDS.iter().find(|command| command.name == name) {
        Some(command) => (command.run)(rest),
        None => Err(Usage(format!("unknown command `{name}`; `cargo xtask help` lists them")).into()),
    }
}

fn help() -> String {
    let mut text = String::from("Usage: cargo xtask COMMAND [OPTIONS]\n\nCommands:\n");
    for command in COMMANDS {
        text.push_str(&format!("  {:<8} {}\n", command.name, command.about));
    }
    text.push_str("\nEvery command explains itself with --help, for example `cargo xtask test --help`.\n");
    text
}
