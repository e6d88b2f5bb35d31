//! The one binary `ringfence`: it reads the command line, the environment and the configuration, wires the other
//! crates together, and prints.
//!
//! It decides nothing about alerts, incidents or limits: whatever changes something goes to a running server as a
//! request, and what a server answers is shown. The exceptions need no server: `serve` and `drill` start one, `check`
//! and `init` handle files, `log verify` checks what lies on a disk.
//!
//! Start at [`args::Cli`]; each command is a module of `commands` with its arguments and its `run`. `serve` is the
//! place where store, node, connectors and server are put together.

mod args;
mod client;
mod commands;
mod config;
mod content;
mod drill;
mod estate;
mod glass;
mod keys;
mod logs;
mod output;
mod serve;
mod session;
mod signals;
#[cfg(test)]
mod tests;
mod verify;

use std::process::ExitCode;

use clap::Parser as _;

use crate::{
    args::Cli,
    output::{Failure, Output},
};

/// A third of deciding an alert is allocation; measured, this one takes a seventh off the whole.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = Output::new(cli.global.json);
    match cli.run(&output) {
        Ok(verdict) => verdict.into(),
        Err(error) => output.failure(&Failure::from(error)),
    }
}
