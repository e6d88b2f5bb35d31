//! The command line as a whole: the options that every command has, and the list of commands.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::{
    client::Address,
    commands::{
        alert, backup, check, containment, control, duty, estate, evidence, exercise, incident, init, log,
        notice, playbook, report, run, service, silence, statement, task, team, token, user, why,
    },
    drill,
    output::{Output, Verdict},
    serve,
};

/// Incident response that contains in milliseconds, loses nothing, and proves every step.
#[derive(Debug, Parser)]
#[command(
    name = "ringfence",
    version,
    max_term_width = 100,
    propagate_version = false,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "First minute:\n  ringfence drill validator_compromise\n  ringfence serve\n\n\
                  Exit codes: 0 done, 1 refused or not met, 2 the command line is wrong."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command understands.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// Print JSON for programs; its form is stable
    #[arg(long, global = true, display_order = 900)]
    pub(crate) json: bool,
    /// Data directory: where `serve` keeps everything, and where the others find server and token
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "RINGFENCE_DATA_DIR",
        hide_env_values = true,
        default_value = "ringfence-data",
        display_order = 901
    )]
    pub(crate) data_dir: PathBuf,
    /// The server to speak to; otherwise the one of the data directory
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "RINGFENCE_SERVER",
        hide_env_values = true,
        display_order = 902
    )]
    pub(crate) server: Option<Address>,
    /// A file that holds the token; otherwise the environment, then `admin.token` of the data directory
    #[arg(long, global = true, value_name = "FILE", display_order = 903)]
    pub(crate) token_file: Option<PathBuf>,
    /// The token itself, from the environment only: a command line is seen by everybody on the machine
    #[arg(skip = std::env::var("RINGFENCE_TOKEN").ok())]
    pub(crate) token: Option<String>,
    /// Certificates in PEM that may vouch for an https server, in the place of the public ones
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "RINGFENCE_CA_FILE",
        hide_env_values = true,
        display_order = 904
    )]
    pub(crate) ca_file: Option<PathBuf>,
    /// Send the token without TLS to another machine
    #[arg(long, global = true, display_order = 905)]
    pub(crate) insecure: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Serve(Box<serve::Serve>),
    Drill(drill::Drill),
    Init(init::Init),
    Check(check::Check),
    #[command(subcommand)]
    Alert(alert::Command),
    #[command(subcommand)]
    Silence(silence::Command),
    #[command(subcommand)]
    Incident(incident::Command),
    #[command(subcommand)]
    Run(run::Command),
    #[command(subcommand)]
    Task(task::Command),
    #[command(subcommand)]
    Report(report::Command),
    #[command(subcommand)]
    Containment(containment::Command),
    #[command(subcommand)]
    Control(control::Command),
    #[command(subcommand)]
    Notice(notice::Command),
    #[command(subcommand)]
    Statement(statement::Command),
    #[command(subcommand)]
    Evidence(evidence::Command),
    #[command(subcommand)]
    Backup(backup::Command),
    #[command(subcommand)]
    Log(log::Command),
    Why(why::Why),
    #[command(subcommand)]
    Playbook(playbook::Command),
    #[command(subcommand)]
    Duty(duty::Command),
    #[command(subcommand)]
    Exercise(exercise::Command),
    #[command(subcommand)]
    Training(exercise::Training),
    #[command(subcommand)]
    Service(service::Command),
    Team(team::Team),
    #[command(subcommand)]
    Token(token::Command),
    #[command(subcommand)]
    User(user::Command),
    Estate(estate::Estate),
}

impl Cli {
    pub(crate) fn run(&self, output: &Output) -> anyhow::Result<Verdict> {
        let global = &self.global;
        match &self.command {
            Command::Serve(command) => command.run(global, output),
            Command::Drill(command) => command.run(global, output),
            Command::Init(command) => command.run(output),
            Command::Check(command) => command.run(output),
            Command::Alert(command) => command.run(global, output),
            Command::Silence(command) => command.run(global, output),
            Command::Incident(command) => command.run(global, output),
            Command::Run(command) => command.run(global, output),
            Command::Task(command) => command.run(global, output),
            Command::Report(command) => command.run(global, output),
            Command::Containment(command) => command.run(global, output),
            Command::Control(command) => command.run(global, output),
            Command::Notice(command) => command.run(global, output),
            Command::Statement(command) => command.run(global, output),
            Command::Evidence(command) => command.run(global, output),
            Command::Backup(command) => command.run(global, output),
            Command::Log(command) => command.run(global, output),
            Command::Why(command) => command.run(global, output),
            Command::Playbook(command) => command.run(global, output),
            Command::Exercise(command) => command.run(global, output),
            Command::Training(command) => command.run(global, output),
            Command::Duty(command) => command.run(global, output),
            Command::Service(command) => command.run(global, output),
            Command::Team(command) => command.run(global, output),
            Command::Token(command) => command.run(global, output),
            Command::User(command) => command.run(global, output),
            Command::Estate(command) => command.run(output),
        }
    }
}
