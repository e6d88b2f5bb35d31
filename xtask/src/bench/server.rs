//! The real binary as a child process, ended on every way out.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};

use super::{Bench, content, http, http::Connection};
use crate::process;

/// A start may read a large data directory.
const READY_WITHIN: Duration = Duration::from_secs(120);
/// How long a drain may take before the process is killed.
const END_WITHIN: Duration = Duration::from_secs(20);
/// How often it is looked whether the server is ready, which is the precision of start times.
const LOOK: Duration = Duration::from_micros(200);

pub(super) struct Server {
    child: Child,
    pub(super) address: SocketAddr,
    pub(super) token: String,
    pub(super) data: PathBuf,
    log: PathBuf,
    /// From the start of the process to the first 200 of `/readyz`.
    pub(super) ready_after: Duration,
}

/// Memory of a process, in MiB.
#[derive(Debug, Clone, Copy)]
pub(super) struct Memory {
    pub(super) resident: f64,
    /// Without what is shared with other processes.
    pub(super) proportional: f64,
}

impl Server {
    /// Starts the binary over `folder`/data, with the bench's content and `target` as the system to act on.
    pub(super) fn start(bench: &Bench, folder: &Path, target: SocketAddr) -> anyhow::Result<Server> {
        let (data, files) = (folder.join("data"), folder.join("content"));
        let (config, log) = (folder.join("ringfence.toml"), folder.join("server.log"));
        if !files.exists() {
            content::write(&files, &process::workspace_root().join("content"))?;
        }
        fs::write(&config, content::configuration(target)).context("the configuration cannot be written")?;
        let address_file = data.join("server.addr");
        if address_file.exists() {
            fs::remove_file(&address_file).context("the address of an earlier server is in the way")?;
        }
        let output = fs::OpenOptions::new().create(true).append(true).open(&log).context("no log file")?;
        let mut command = guarded(&bench.binary);
        command.args(["serve", "--listen", "127.0.0.1:0", "--log-level", "warn", "--data-dir"]);
        command.arg(&data).arg("--content").arg(&files).arg("--config").arg(&config);
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let begin = Instant::now();
        let child =
            command.spawn().with_context(|| format!("`{}` cannot be started", bench.binary.display()))?;
        // From here on the child ends with this value, whatever comes.
        let unknown = SocketAddr::from(([127, 0, 0, 1], 0));
        let (token, ready_after) = (String::new(), Duration::ZERO);
        let mut server = Server { child, address: unknown, token, data, log, ready_after };
        server.wait_until_ready(&address_file, begin)?;
        let token = server.data.join("admin.token");
        let token =
            fs::read_to_string(&token).with_context(|| format!("no token in `{}`", token.display()))?;
        server.token = token.trim().to_owned();
        Ok(server)
    }

    fn wait_until_ready(&mut self, address_file: &Path, begin: Instant) -> anyhow::Result<()> {
        let request = http::get("/readyz", "-");
        loop {
            if let Ok(text) = fs::read_to_string(address_file)
                && let Some(address) = socket_address(&text)
                && let Ok(mut connection) = Connection::open(address)
                && connection.status(&request).is_ok_and(|status| status == 200)
            {
                self.ready_after = begin.elapsed();
                self.address = address;
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended with {status} while it started: {}", self.last_words());
            }
            if begin.elapsed() > READY_WITHIN {
                bail!("the server was not ready within {} s", READY_WITHIN.as_secs());
            }
            std::thread::sleep(LOOK);
        }
    }

    /// The end of what it printed.
    fn last_words(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().rev().take(3).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join(" | ")
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn connect(&self) -> anyhow::Result<Connection> {
        Connection::open(self.address)
    }

    pub(super) fn get(&self, path: &str) -> anyhow::Result<String> {
        self.connect()?.body(&http::get(path, &self.token))
    }

    /// The number of entries that the last checkpoint covers.
    pub(super) fn entries(&self) -> anyhow::Result<u64> {
        let note = self.get("/log/checkpoint")?;
        let size = note.lines().nth(1).and_then(|line| line.parse().ok());
        size.with_context(|| format!("no tree size in the checkpoint `{note}`"))
    }

    pub(super) fn memory(&self) -> anyhow::Result<Memory> {
        let path = format!("/proc/{}/smaps_rollup", self.child.id());
        let text = fs::read_to_string(&path).with_context(|| format!("`{path}` cannot be read"))?;
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
            number.map(|kib| kib / 1024.0).with_context(|| format!("no `{name}` in `{path}`"))
        };
        Ok(Memory { resident: field("Rss:")?, proportional: field("Pss:")? })
    }

    /// Asks the server to end and waits until it has.
    pub(super) fn stop(mut self) -> anyhow::Result<()> {
        let pid = self.child.id().to_string();
        if !process::succeeds({
            let mut kill = Command::new("kill");
            kill.args(["-TERM", &pid]);
            kill
        }) {
            bail!("process {pid} took no signal");
        }
        let begin = Instant::now();
        while begin.elapsed() < END_WITHIN {
            if let Some(status) = self.child.try_wait()? {
                if status.success() {
                    return Ok(());
                }
                bail!("the server ended with {status} when it was asked to end: {}", self.last_words());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        bail!("the server did not end within {} s", END_WITHIN.as_secs())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already after `stop`; then there is nothing to kill.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The program, ended by the kernel when this process is killed, where `setpriv` is there to ask for that.
fn guarded(binary: &Path) -> Command {
    let setpriv = Path::new("/usr/bin/setpriv");
    if !setpriv.exists() {
        return Command::new(binary);
    }
    let mut command = Command::new(setpriv);
    command.args(["--pdeathsig", "KILL", "--"]).arg(binary);
    command
}

/// The address in whatever form it was written: bare, or as a URL.
pub(super) fn socket_address(text: &str) -> Option<SocketAddr> {
    let text = text.trim();
    text.strip_prefix("http://").unwrap_or(text).trim_end_matches('/').parse().ok()
}
