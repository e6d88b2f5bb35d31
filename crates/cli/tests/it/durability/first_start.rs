//! The first start, killed at every sync and every rename: the next start must let its owner in, and the log verify.

use std::{
    fs,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use crate::{
    bad_input::raw::Connection,
    durability::trace::strace,
    support::{Server, run, stderr, stdout},
};

const PATIENCE: Duration = Duration::from_secs(60);
/// More than any first start has; reaching it would mean that the kills do not arrive.
const CALLS_MAX: u32 = 60;

#[test]
fn a_first_start_killed_at_any_sync_or_rename_lets_its_owner_in() {
    let mut killed = 0;
    for call in ["fsync", "fdatasync", "rename"] {
        let times = (1..CALLS_MAX).take_while(|number| killed_at(call, *number)).count();
        assert!(times + 1 < CALLS_MAX as usize, "a first start never came through its {call} calls");
        killed += times;
    }
    assert!(killed >= 15, "only {killed} kills: strace injects nothing");
}

/// Kills a first start at this call. Returns whether the kill came, which it does not after the last such call.
fn killed_at(call: &str, number: u32) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let inject = format!("inject={call}:signal=SIGKILL:when={number}");
    let mut command = strace(&folder.path().join("trace"), &["-e", &format!("trace={call}"), "-e", &inject]);
    command.arg(env!("CARGO_BIN_EXE_ringfence")).args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]);
    let mut child = command.arg(&data).stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    let killed = loop {
        if child.try_wait().unwrap().is_some() {
            break true;
        }
        if is_ready(&data) {
            child.kill().unwrap();
            child.wait().unwrap();
            break false;
        }
        assert!(began.elapsed() < PATIENCE, "neither killed nor ready at {call} {number}");
        std::thread::yield_now();
    };
    lets_its_owner_in(folder, &format!("{call} {number}"));
    killed
}

/// The address is the last that a start writes.
fn is_ready(data: &Path) -> bool {
    data.join("server.addr").exists()
}

fn lets_its_owner_in(folder: tempfile::TempDir, at: &str) {
    let server = Server::start_in(folder, &["--log-level", "error"]);
    let token = fs::read_to_string(server.data().join("admin.token")).unwrap_or_default();
    let answer = Connection::open(&server.address).get("/api/v1/people", token.trim());
    assert_eq!(answer.status, 200, "after a kill at {at}: {}", answer.body);
    assert_eq!(answer.body.matches("\"role\":\"admin\"").count(), 1, "after a kill at {at}: {}", answer.body);
    let (status, _, folder) = server.end("TERM");
    assert!(status.success(), "after a kill at {at}");
    let verified = run(&["log", "verify", &folder.path().join("data").display().to_string()]);
    assert!(verified.status.success(), "after a kill at {at}: {}{}", stdout(&verified), stderr(&verified));
}
