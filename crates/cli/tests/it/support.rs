//! Starting the binary and asking it things. A server that a test leaves behind is killed by its id.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

/// For everything that should happen soon; never reached when all is well.
const AMPLE: Duration = Duration::from_secs(60);

/// The binary with nothing of the surroundings that could change what it does.
pub(crate) fn ringfence() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence"));
    for name in ["RINGFENCE_SERVER", "RINGFENCE_TOKEN", "RINGFENCE_DATA_DIR", "RINGFENCE_CA_FILE"] {
        command.env_remove(name);
    }
    command.env("USER", "tester").stdin(Stdio::null());
    command
}

/// Runs to the end.
pub(crate) fn run(args: &[&str]) -> Output {
    ringfence().args(args).output().unwrap()
}

/// Runs curl to its end; gives what it wrote.
pub(crate) fn run_curl(args: &[&str]) -> String {
    let output = Command::new("curl").args(args).stdin(Stdio::null()).output();
    stdout(&output.unwrap_or_else(|error| panic!("`curl` does not start: {error}")))
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// How many files lie in a folder and all below it.
pub(crate) fn files_below(folder: &Path) -> usize {
    let Ok(found) = std::fs::read_dir(folder) else { return 0 };
    let count = |path: PathBuf| if path.is_dir() { files_below(&path) } else { 1 };
    found.flatten().map(|entry| count(entry.path())).sum()
}

/// A server with a data directory of its own.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    /// What it said when it was ready.
    pub(crate) said: Value,
    pub(crate) folder: TempDir,
}

impl Server {
    pub(crate) fn start(extra: &[&str]) -> Server {
        Server::start_in(tempfile::tempdir().unwrap(), extra)
    }

    /// Starts on the data directory `data` of a folder, at a free port.
    pub(crate) fn start_in(folder: TempDir, extra: &[&str]) -> Server {
        Server::start_saying(folder, extra, Stdio::inherit())
    }

    /// As [`Server::start_in`], with a place for what it says.
    pub(crate) fn start_saying(folder: TempDir, extra: &[&str], said: Stdio) -> Server {
        let mut child = ringfence()
            .args(["serve", "--json", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(folder.path().join("data"))
            .args(extra)
            .stdout(Stdio::piped())
            .stderr(said)
            .spawn()
            .unwrap();
        let said = first_json(&mut child);
        let address = said["address"].as_str().unwrap().to_owned();
        Server { child, address, said, folder }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A command that finds this server by its data directory.
    pub(crate) fn ask(&self, args: &[&str]) -> Output {
        ringfence().arg("--data-dir").arg(self.data()).args(args).output().unwrap()
    }

    /// A command that must succeed, as JSON.
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let output = self.ask(&[&["--json"], args].concat());
        assert!(output.status.success(), "{args:?}: {}", stderr(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Asks until the answer is what is waited for.
    pub(crate) fn until(&self, args: &[&str], wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + AMPLE;
        loop {
            let answer = self.json(args);
            if wanted(&answer) {
                return answer;
            }
            assert!(Instant::now() < deadline, "{args:?} never became what was waited for: {answer:#}");
        }
    }

    /// Asks until it succeeds, such as for a checkpoint of a log that nobody has signed yet.
    pub(crate) fn until_done(&self, args: &[&str]) {
        let deadline = Instant::now() + AMPLE;
        loop {
            let answer = self.ask(args);
            if answer.status.success() {
                return;
            }
            assert!(Instant::now() < deadline, "{args:?} never succeeded: {}", stderr(&answer));
        }
    }

    /// Sends a signal and waits for the end.
    pub(crate) fn end(mut self, signal: &str) -> (ExitStatus, Duration, TempDir) {
        self.signal(signal);
        let began = Instant::now();
        let status = wait(&mut self.child);
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap());
        (status, began.elapsed(), folder)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A child that does not outlive its test.
pub(crate) struct Killed(pub(crate) Child);

impl Drop for Killed {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The first JSON value that a child prints.
pub(crate) fn first_json(child: &mut Child) -> Value {
    let out = BufReader::new(child.stdout.take().unwrap());
    match serde_json::Deserializer::from_reader(out).into_iter::<Value>().next() {
        Some(Ok(said)) => said,
        said => panic!("the program did not start: {said:?}, {:?}", child.wait()),
    }
}

/// Waits for the end of a child, within bounds.
pub(crate) fn wait(child: &mut Child) -> ExitStatus {
    let deadline = Instant::now() + AMPLE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if Instant::now() >= deadline {
            drop(child.kill());
            panic!("the program did not end");
        }
        std::thread::yield_now();
    }
}

/// Lines of text up to the one that starts with `last`.
pub(crate) fn lines_until(child: &mut Child, last: &str) -> Vec<String> {
    let out = BufReader::new(child.stdout.take().unwrap());
    let mut lines = Vec::new();
    for line in out.lines() {
        lines.push(line.unwrap());
        if lines.last().is_some_and(|line| line.starts_with(last)) {
            return lines;
        }
    }
    let mut said = String::new();
    if let Some(mut err) = child.stderr.take() {
        drop(err.read_to_string(&mut said));
    }
    panic!("no line starts with {last:?}: {lines:?} {said}");
}

pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}
