//! `estate`: the simulated estate as a process of its own, with faults on purpose and an independent ledger.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::Context as _;
use clap::Args;
use estate::{
    World,
    faults::{Faults, Rule},
    server::Config,
};
use serde_json::json;

use crate::{
    output::{Output, Verdict, escape},
    signals::Signals,
};

/// Serve the simulated estate over HTTP, for tests and benchmarks
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence estate --listen 127.0.0.1:9300 --ledger estate.ledger \
                        --fault 'slow:200@node.isolate*3' --fault 'apply_then_drop%5'\n\n\
                        A fault is MODE[:NUMBER][@VERB][*COUNT][%PERCENT].")]
pub(crate) struct Estate {
    /// Address and port; the estate knows no tokens, so it listens on loopback only
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9300")]
    listen: SocketAddr,
    /// File to which every call is written before it is answered
    #[arg(long, value_name = "FILE", default_value = "estate.ledger")]
    ledger: PathBuf,
    /// A fault to show on purpose; may be given again
    #[arg(long = "fault", value_name = "FAULT")]
    faults: Vec<Rule>,
    /// The same seed and the same calls give the same faults
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Sync the ledger before each answer
    #[arg(long)]
    sync: bool,
}

impl Estate {
    pub(crate) fn run(&self, output: &Output) -> anyhow::Result<Verdict> {
        anyhow::ensure!(
            self.listen.ip().is_loopback(),
            "the estate takes orders from anybody, so it listens on loopback only, not on {}",
            self.listen
        );
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .context("cannot start the runtime")?;
        runtime.block_on(self.serve(output))?;
        Ok(Verdict::Done)
    }

    async fn serve(&self, output: &Output) -> anyhow::Result<()> {
        let mut signals = Signals::take()?;
        let listener = tokio::net::TcpListener::bind(self.listen).await.with_context(|| {
            format!("cannot listen on {}; choose another address with --listen", self.listen)
        })?;
        let address = format!("http://{}", listener.local_addr()?);
        let ledger = self.ledger.display().to_string();
        if output.json {
            output.json(&json!({ "address": address, "ledger": ledger }));
        } else {
            output.line(format!("The simulated estate is at {address}; its ledger is {}", escape(&ledger)));
        }
        let config = Config {
            world: World::shipped(),
            ledger: self.ledger.clone(),
            sync: self.sync,
            faults: Faults { seed: self.seed, rules: self.faults.clone() },
        };
        estate::server::serve(listener, config, async move {
            signals.next().await;
        })
        .await?;
        Ok(())
    }
}
