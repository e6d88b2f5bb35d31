//! `cargo xtask crash`: kill -9 at random moments under concurrent load, and the proof that nothing was lost or done
//! twice. How it works and what it cannot show is written in `docs/proofs.md`.

mod check;
mod content;
mod http;
mod journal;
mod ledger;
mod moments;
mod programs;
mod random;
mod senders;
mod shown;

use std::{
    collections::BTreeMap,
    io::{IsTerminal as _, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::atomic::Ordering,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, bail};

use self::{
    check::{Evidence, Verdict},
    journal::Journal,
    moments::{Anchor, Sight},
    programs::{Estate, Server, finished, free_port},
    random::Random,
    senders::Senders,
    shown::Api,
};
use crate::{Usage, process};

const HELP: &str = "\
Usage: cargo xtask crash [--moments N] [--seed S] [--binary FILE] [--release] [--keep]

Starts the estate and the server as processes, posts alerts from several senders at once, and kills the server with
SIGKILL at random moments, also while it starts. Then compares the senders' record, the estate's ledger, the exported
log and the API. Exit code 1 and everything kept when anything was lost or done twice.

  --moments N    how often the server is killed; 200 if not given, which takes about six minutes
  --seed S       plans the same alerts, faults and moments again
  --binary FILE  use this binary and build nothing
  --release      build and use the optimised binary
  --keep         keep data, ledger and logs also when all is well
";

/// Alerts that are made up for each moment.
const ALERTS: i64 = 18;
/// A checkpoint is kept, as an auditor would, each time after so many moments.
const KEEP_EVERY: u32 = 10;
/// For open calls and retries to come to their end, once nothing fails any more.
const SETTLE: Duration = Duration::from_secs(90);

/// One campaign and where it lies.
pub(crate) struct Campaign {
    binary: PathBuf,
    dir: PathBuf,
    moments: u32,
    seed: u64,
}

impl Campaign {
    fn data(&self) -> PathBuf {
        self.dir.join("data")
    }
}

#[derive(Default)]
struct Wanted {
    moments: Option<u32>,
    seed: Option<u64>,
    binary: Option<PathBuf>,
    release: bool,
    keep: bool,
}

pub(crate) fn run(args: &[String]) -> anyhow::Result<()> {
    if args.iter().any(|arg| arg == "--help" || arg == "-h") {
        print!("{HELP}");
        return Ok(());
    }
    let wanted = parse(args)?;
    let binary = match wanted.binary {
        Some(path) => path.canonicalize().with_context(|| format!("no binary `{}`", path.display()))?,
        None => build(wanted.release)?,
    };
    let seed = wanted.seed.unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::from(now.subsec_nanos()) ^ now.as_secs()
    });
    let moments = wanted.moments.unwrap_or(200);
    let dir = target_dir().join(format!("crash/{seed}-{}", std::process::id()));
    std::fs::create_dir_all(&dir).with_context(|| format!("no folder `{}`", dir.display()))?;
    let campaign = Campaign { binary, dir, moments, seed };
    println!("seed {seed}, {moments} moments, in {}", campaign.dir.display());
    let verdict = match campaign.run() {
        Ok(verdict) => verdict,
        Err(error) => {
            let kept = campaign.dir.display();
            return Err(
                error.context(format!("the campaign broke off; seed {seed}, everything is in {kept}"))
            );
        }
    };
    verdict.lines.iter().for_each(|(name, value)| println!("{name:<58} {value}"));
    verdict.violations.iter().for_each(|violation| println!("VIOLATION: {violation}"));
    if !verdict.violations.is_empty() {
        let (count, kept) = (verdict.violations.len(), campaign.dir.display());
        bail!("{count} violations; seed {seed}, everything is in {kept}");
    }
    println!("0 lost, 0 doubled beyond the class rules, the log verifies");
    if wanted.keep {
        println!("kept: {}", campaign.dir.display());
    } else {
        std::fs::remove_dir_all(&campaign.dir).context("the folder of the campaign cannot be removed")?;
    }
    Ok(())
}

fn parse(args: &[String]) -> Result<Wanted, Usage> {
    fn value<T: std::str::FromStr>(name: &str, value: Option<&String>) -> Result<Option<T>, Usage> {
        let parsed = value.and_then(|text| text.parse().ok());
        parsed
            .map(Some)
            .ok_or_else(|| Usage(format!("`{name}` needs a value; see `cargo xtask crash --help`")))
    }
    let mut wanted = Wanted::default();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--moments" => wanted.moments = value(arg, args.next())?,
            "--seed" => wanted.seed = value(arg, args.next())?,
            "--binary" => wanted.binary = value(arg, args.next())?,
            "--release" => wanted.release = true,
            "--keep" => wanted.keep = true,
            unknown => return Err(Usage(format!("`crash` has no option `{unknown}`"))),
        }
    }
    Ok(wanted)
}

fn target_dir() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| process::workspace_root().join("target"), PathBuf::from)
}

fn build(release: bool) -> anyhow::Result<PathBuf> {
    let mut args = vec!["build", "--quiet", "--package", "ringfence", "--bin", "ringfence"];
    args.extend(release.then_some("--release"));
    process::quiet(process::cargo(&args))?;
    Ok(target_dir().join(if release { "release" } else { "debug" }).join("ringfence"))
}

impl Campaign {
    fn run(&self) -> anyhow::Result<Verdict> {
        let begun = Instant::now();
        let estate = Estate::start(self)?;
        content::write(&self.dir, estate.address)?;
        let address = free_port()?;
        let senders = Senders::start(address, self.seed, &self.dir)?;
        let mut verdict = Verdict::default();
        let killed = self.kill_again_and_again(address, &estate, &senders)?;
        let moments: Vec<String> = killed.iter().map(|(name, count)| format!("{count} {name}")).collect();
        verdict.note("kill -9", format!("{} moments: {}", self.moments, moments.join(", ")));
        let mut server = Server::start(self, address)?;
        server.wait_until_ready()?;
        estate.heal()?;
        let token = self.token()?;
        senders.shared.token.get_or_init(|| token.clone());
        senders.shared.allowance.fetch_add(ALERTS, Ordering::Relaxed);
        let posts = senders.shared.clone();
        let record = senders.finish().context("a sender broke off")?;
        let api = Api { address, token: &token };
        let moving = api.settle(SETTLE)?;
        verdict
            .violations
            .extend(moving.iter().take(20).map(|it| format!("{it} and does not come to an end")));
        api.sealed(SETTLE)?;
        let shown = api.everything()?;
        let bundle = self.export(&mut verdict)?;
        server.stop()?;
        let journal = Journal::read(&bundle)?;
        let calls = ledger::read(&estate.ledger)?;
        let (posted, cut) = (posts.posts.load(Ordering::Relaxed), posts.cut.load(Ordering::Relaxed));
        verdict.note("deliveries posted", format!("{posted}, {cut} of them cut off or refused by the kill"));
        verdict.note("entries in the log", journal.entries);
        verdict.note("starts in the log", journal.starts);
        verdict.note("calls open when the server was killed", journal.interrupted);
        verdict.note("calls in the estate's ledger", calls.len());
        Evidence { record, journal, calls, shown }.check(&mut verdict);
        self.verify(&bundle, &mut verdict)?;
        verdict.note("time", format!("{} s", begun.elapsed().as_secs()));
        Ok(verdict)
    }

    /// The campaign itself: one life of the server after the other.
    fn kill_again_and_again(
        &self,
        address: SocketAddr,
        estate: &Estate,
        senders: &Senders,
    ) -> anyhow::Result<BTreeMap<&'static str, u32>> {
        let mut random = Random::new(self.seed, 0);
        let shared = senders.shared.clone();
        let sight = Sight { shared, ledger: estate.ledger.clone(), wal: self.data().join("store.db-wal") };
        let mut killed = BTreeMap::new();
        for moment in 0..self.moments {
            let mut server = Server::start(self, address)?;
            senders.shared.allowance.fetch_add(ALERTS, Ordering::Relaxed);
            if senders.shared.token.get().is_none() && moment >= 2 {
                // The first moments may fall into the very first start, before there is a token.
                server.wait_until_ready()?;
                senders.shared.token.get_or_init(|| self.token().unwrap_or_default());
            }
            let anchor = match moment {
                0 | 1 => Anchor::Begun,
                _ => Anchor::ALL[random.below(Anchor::ALL.len() as u64) as usize],
            };
            moments::wait(anchor, &sight, &server, &mut random);
            if moment % KEEP_EVERY == KEEP_EVERY - 1 {
                self.keep_checkpoint(&mut server, moment)?;
            }
            if let Some(status) = server.ended()? {
                bail!("the server ended by itself with {status} in life {moment}; see `server.log`");
            }
            server.kill()?;
            *killed.entry(anchor.name()).or_default() += 1;
            progress(moment + 1, self.moments, senders);
        }
        Ok(killed)
    }

    fn token(&self) -> anyhow::Result<String> {
        let path = self.data().join("admin.token");
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("nobody can come in: no token in `{}`", path.display()))?;
        Ok(text.trim().to_owned())
    }

    /// What an auditor keeps: the log must later have grown from it.
    fn keep_checkpoint(&self, server: &mut Server, moment: u32) -> anyhow::Result<()> {
        server.wait_until_ready()?;
        let api = Api { address: server.address, token: &self.token()? };
        // Right after a start there may be none yet.
        if let Ok(note) = api.get("/log/checkpoint") {
            std::fs::write(self.dir.join(format!("kept-{moment}.checkpoint")), note)?;
        }
        Ok(())
    }

    fn export(&self, verdict: &mut Verdict) -> anyhow::Result<PathBuf> {
        let bundle = self.dir.join("export.bundle");
        let (data, out) = (shown(&self.data()), shown(&bundle));
        let (done, said) = finished(self, &["log", "export", "--data-dir", &data, "--out", &out])?;
        if !done {
            verdict.violations.push(format!("the log cannot be exported: {said}"));
        }
        Ok(bundle)
    }

    /// The log as an auditor checks it: data directory and bundle, against every checkpoint that was kept.
    fn verify(&self, bundle: &Path, verdict: &mut Verdict) -> anyhow::Result<()> {
        let kept: Vec<String> = (0..self.moments)
            .map(|moment| self.dir.join(format!("kept-{moment}.checkpoint")))
            .filter(|path| path.exists())
            .map(|path| shown(&path))
            .collect();
        let key = std::fs::read_to_string(self.data().join("log.pub")).context("no `log.pub`")?;
        for what in [&self.data(), bundle] {
            let what = shown(what);
            let mut args = vec!["log", "verify", &what, "--key", key.trim()];
            kept.iter().for_each(|path| args.extend(["--since", path]));
            let (done, said) = finished(self, &args)?;
            let name = what.rsplit('/').next().unwrap_or_default();
            verdict.note(&format!("log verify {name}"), if done { "nothing is wrong" } else { "WRONG" });
            if !done {
                verdict.violations.push(format!("`log verify {name}` says: {said}"));
            }
        }
        verdict.note("kept checkpoints that the log has grown from", kept.len());
        Ok(())
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Only where somebody looks on.
fn progress(done: u32, of: u32, senders: &Senders) {
    let mut out = std::io::stdout();
    if out.is_terminal() {
        let acknowledged = senders.shared.acknowledged.load(Ordering::Relaxed);
        print!("\r{done} of {of} moments, {acknowledged} alerts acknowledged ");
        if done == of {
            println!();
        }
        drop(out.flush());
    }
}
