//! `serve`: the platform on this machine, until a signal ends it.

mod demo;
mod files;
mod running;
mod settings;
mod sources;

use std::{io::Write as _, net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::Context as _;
use clap::Args;
use serde_json::json;

use crate::{
    args::Global,
    logs::{self, Format, Threshold},
    output::{Colour, Output, Verdict, escape},
    session::TOKEN_FILE,
    signals::{Asked, Signals},
};

pub(crate) use running::Running;
pub(crate) use settings::Settings;

/// How often it is looked whether the platform still runs.
const WATCH: Duration = Duration::from_millis(500);

/// Run the platform: take alerts, contain, keep the log
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence serve\n  ringfence serve --demo\n  \
                        ringfence serve --config ringfence.toml --data-dir /var/lib/ringfence\n\n\
                        Signals: SIGTERM and SIGINT drain and end within 10 s; SIGHUP reads the content anew.")]
pub(crate) struct Serve {
    /// Address and port to listen on; beyond loopback needs TLS or --behind-proxy [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
    /// Content folder, as `init` writes it; otherwise the shipped content
    #[arg(long, value_name = "DIR")]
    pub(crate) content: Option<PathBuf>,
    /// Configuration file: listeners, TLS, connectors
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// A proxy before this address speaks TLS; needed to listen beyond loopback without TLS here
    #[arg(long)]
    pub(crate) behind_proxy: bool,
    /// Name of the first person, at the first start only [default: $USER, or `admin`]
    #[arg(long, value_name = "NAME")]
    pub(crate) admin: Option<String>,
    /// Start with an attack on the simulated estate under way
    #[arg(long)]
    pub(crate) demo: bool,
    /// Form of the program's own log on standard error [default: text]
    #[arg(long, value_enum)]
    pub(crate) log_format: Option<Format>,
    /// What the program's own log leaves out [default: info]
    #[arg(long, value_enum)]
    pub(crate) log_level: Option<Threshold>,
}

impl Serve {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
        let (settings, log) = Settings::read(self, &global.data_dir)?;
        logs::start(
            self.log_format.or(log.format).unwrap_or(Format::Text),
            self.log_level.or(log.level).unwrap_or(Threshold::Info),
        );
        anyhow::ensure!(
            !self.demo || settings.estate.is_some(),
            "--demo attacks the simulated estate in this process, and the configuration names another; leave one out"
        );
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .context("cannot start the runtime")?;
        let mut signals = runtime.block_on(async { Signals::take() })?;
        let running = Running::start(settings, runtime)?;
        announce(&running, self.demo, output)?;
        let demo = if self.demo { Some(demo::start(&running)?) } else { None };
        let ended = wait(&running, &mut signals);
        drop(demo);
        tracing::info!("ending: no more requests are taken");
        running.stop()?;
        ended.map(|()| Verdict::Done)
    }
}

/// Waits for the end: a signal, or a platform that gave up.
fn wait(running: &Running, signals: &mut Signals) -> anyhow::Result<()> {
    running.runtime().block_on(async {
        let mut watch = tokio::time::interval(WATCH);
        loop {
            tokio::select! {
                asked = signals.next() => match asked {
                    Asked::End => return Ok(()),
                    Asked::Reload => running.reload().await,
                },
                _ = watch.tick() => {
                    if let Some(why) = running.ended() {
                        anyhow::bail!("the platform stopped by itself: {why}");
                    }
                }
            }
        }
    })
}

fn announce(running: &Running, demo: bool, output: &Output) -> anyhow::Result<()> {
    let dir = running.data_dir().display().to_string();
    let token_file = running.data_dir().join(TOKEN_FILE).display().to_string();
    if output.json {
        output.json(&json!({
            "address": running.address().to_string(),
            "data_dir": dir,
            "token_file": token_file,
            "content": running.content_hash(),
            "simulated_estate": running.estate().is_some(),
            "file_roots": running.roots(),
            "log_key": running.log_key().to_string(),
            "first_person": running.first_person().map(|first| first.name.clone()),
        }));
        return Ok(());
    }
    output.line(format!("{} {}", output.paint(Colour::Bold, "Ringfence is at"), running.address()));
    if let Some(first) = running.first_person() {
        output.line("");
        output.line(format!("First person: {} (admin). The token, shown this once:", escape(&first.name)));
        output.line(format!("  {}", first.token));
        output.line(format!("It is kept in {} for this machine's owner.", escape(&token_file)));
    }
    output.line("");
    output.line(format!("data      {}", escape(&dir)));
    output.line(format!("token     {}", escape(&token_file)));
    let hash: String = running.content_hash().chars().take(16).collect();
    output.line(format!("content   {} ({hash})", escape(&running.content_source())));
    output.line(format!("log key   {}", running.log_key()));
    output.line(format!("acts on   {}", acts_on(running, output)));
    for (connector, verb) in running.missing_connectors() {
        let warning = format!(
            "no connector `{connector}`: `{verb}` and its like will fail; add [connectors.{connector}]"
        );
        output.line(format!("warning   {}", output.paint(Colour::Yellow, &escape(&warning))));
    }
    output.line("");
    output.line(format!("Next: {}", next_command(running, demo)));
    output.line(format!("Look: {}   (a browser; log in with the token)", running.address()));
    std::io::stdout().flush().context("cannot print")
}

fn acts_on(running: &Running, output: &Output) -> String {
    let roots: Vec<String> = running.roots().iter().map(|root| escape(&root.display().to_string())).collect();
    let files = (!roots.is_empty()).then(|| format!("the REAL files below {}", roots.join(", ")));
    match (running.estate().is_some(), files) {
        (true, None) => output.paint(
            Colour::Yellow,
            "actions go to the SIMULATED ESTATE in this process; nothing real is touched",
        ),
        (true, Some(files)) => {
            output.paint(Colour::Yellow, &format!("the SIMULATED ESTATE in this process, and {files}"))
        }
        (false, files) => {
            let connectors = running.connectors().iter().map(|name| escape(name));
            connectors.chain(files).collect::<Vec<_>>().join(", ")
        }
    }
}

fn next_command(running: &Running, demo: bool) -> String {
    let dir = running.data_dir();
    let directory = if dir == std::path::Path::new("ringfence-data") {
        String::new()
    } else {
        format!(" --data-dir {}", escape(&dir.display().to_string()))
    };
    if demo {
        return format!("ringfence incident list{directory}   (the attack takes three seconds)");
    }
    format!(
        "ringfence alert send NodeDown --type validator_compromise \\\n        --severity critical node=validator-3{directory}"
    )
}
