//! The estate and the server as processes of their own, ended with this program whatever happens.

use std::{
    fs::{self, File, OpenOptions},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};

use super::{Campaign, content, http::Connection};
use crate::process;

const ESTATE_WITHIN: Duration = Duration::from_secs(10);
/// A start may read back everything.
const READY_WITHIN: Duration = Duration::from_secs(60);
const END_WITHIN: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_micros(500);

/// Lives through all the crashes of the server, with a ledger that is its own.
pub(super) struct Estate {
    child: Child,
    pub(super) address: SocketAddr,
    pub(super) ledger: PathBuf,
}

pub(super) struct Server {
    child: Child,
    pub(super) address: SocketAddr,
}

impl Estate {
    pub(super) fn start(campaign: &Campaign) -> anyhow::Result<Estate> {
        let ledger = campaign.dir.join("estate.ledger");
        let address = free_port()?;
        let mut command = guarded(&campaign.binary);
        command.args(["estate", "--listen", &address.to_string(), "--seed", &campaign.seed.to_string()]);
        command.arg("--ledger").arg(&ledger);
        for fault in content::FAULTS {
            command.args(["--fault", fault]);
        }
        let child = spawn(&mut command, &campaign.dir.join("estate.log"))?;
        let mut estate = Estate { child, address, ledger };
        let begin = Instant::now();
        while Connection::open(address, ESTATE_WITHIN).is_err() {
            if let Some(status) = estate.child.try_wait()? {
                bail!("the estate ended with {status}; see `estate.log`");
            }
            if begin.elapsed() > ESTATE_WITHIN {
                bail!("the estate did not listen in time");
            }
            std::thread::sleep(LOOK);
        }
        Ok(estate)
    }

    /// No more faults, so that everything can come to its end.
    pub(super) fn heal(&self) -> anyhow::Result<()> {
        let mut connection = Connection::open(self.address, ESTATE_WITHIN)?;
        let answer = connection.post("/v1/faults", "-", "{\"seed\":0,\"rules\":[]}")?;
        anyhow::ensure!(answer.status == 200, "the estate keeps its faults: {}", answer.body);
        Ok(())
    }
}

impl Drop for Estate {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Server {
    pub(super) fn start(campaign: &Campaign, address: SocketAddr) -> anyhow::Result<Server> {
        let mut command = guarded(&campaign.binary);
        command.args(["serve", "--log-level", "warn", "--listen", &address.to_string()]);
        command.arg("--data-dir").arg(campaign.data());
        command.arg("--content").arg(campaign.dir.join("content"));
        command.arg("--config").arg(campaign.dir.join("ringfence.toml"));
        let child = spawn(&mut command, &campaign.dir.join("server.log"))?;
        Ok(Server { child, address })
    }

    /// How the server ended, if it did so by itself.
    pub(super) fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        self.child.try_wait().context("the server cannot be waited for")
    }

    pub(super) fn is_ready(&self, patience: Duration) -> bool {
        let ask = || Connection::open(self.address, patience)?.get("/readyz", "-");
        ask().is_ok_and(|answer| answer.status == 200)
    }

    pub(super) fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let begin = Instant::now();
        while !self.is_ready(Duration::from_secs(1)) {
            if let Some(status) = self.ended()? {
                bail!("the server ended by itself with {status}; see `server.log`");
            }
            if begin.elapsed() > READY_WITHIN {
                bail!("the server was not ready within {} s", READY_WITHIN.as_secs());
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// SIGKILL: no handler runs, nothing is flushed, and what the kernel was not given is gone.
    pub(super) fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill().context("the server cannot be killed")?;
        self.child.wait().context("the server cannot be waited for")?;
        Ok(())
    }

    /// SIGTERM, and waits for the end.
    pub(super) fn stop(mut self) -> anyhow::Result<()> {
        let mut kill = Command::new("kill");
        kill.args(["-TERM", &self.child.id().to_string()]);
        anyhow::ensure!(process::succeeds(kill), "the server took no signal");
        let begin = Instant::now();
        while begin.elapsed() < END_WITHIN {
            if let Some(status) = self.ended()? {
                anyhow::ensure!(status.success(), "the server ended with {status} when it was asked to end");
                return Ok(());
            }
            std::thread::sleep(LOOK);
        }
        bail!("the server did not end within {} s", END_WITHIN.as_secs())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Runs the binary to its end; gives what it printed, and whether it succeeded.
pub(super) fn finished(campaign: &Campaign, args: &[&str]) -> anyhow::Result<(bool, String)> {
    let mut command = Command::new(&campaign.binary);
    command.args(args).current_dir(&campaign.dir).stdin(Stdio::null());
    let output =
        command.output().with_context(|| format!("`ringfence {}` cannot be started", args.join(" ")))?;
    let text = [output.stdout, output.stderr].concat();
    Ok((output.status.success(), String::from_utf8_lossy(&text).into_owned()))
}

/// A loopback port below those that the system gives to outgoing connections, so that it stays free between lives.
pub(super) fn free_port() -> anyhow::Result<SocketAddr> {
    let from = 20_000 + u16::try_from(std::process::id() % 10_000).unwrap_or(0);
    for port in (from..32_000).chain(20_000..from) {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    bail!("no port between 20000 and 32000 is free")
}

fn spawn(command: &mut Command, log: &Path) -> anyhow::Result<Child> {
    let failed = || format!("`{}` cannot be written", log.display());
    let log = OpenOptions::new().create(true).append(true).open(log).with_context(failed)?;
    let errors: File = log.try_clone().with_context(failed)?;
    command.stdin(Stdio::null()).stdout(log).stderr(errors);
    command.spawn().with_context(|| format!("`{}` cannot be started", process::shown(command)))
}

/// The program, ended by the kernel when this process ends, where `setpriv` is there to ask for that.
fn guarded(binary: &Path) -> Command {
    let setpriv = Path::new("/usr/bin/setpriv");
    if fs::metadata(setpriv).is_err() {
        return Command::new(binary);
    }
    let mut command = Command::new(setpriv);
    command.args(["--pdeathsig", "KILL", "--"]).arg(binary);
    command
}
