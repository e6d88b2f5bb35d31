//! The system calls of a server, in their order: a completed sync of the WAL lies between the last write of a commit
//! and the 2xx that rests on it. The same check must fail for a server whose store never syncs.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{
    access::{self, Holder},
    event::Actor,
    flow::Command as Order,
    id::PersonId,
};
use store::{Options, Sqlite, Store};

use crate::{
    bad_input::raw::Connection,
    tampering::history::{Inside, signing_key},
};

const POSTS: usize = 25;
const PATIENCE: Duration = Duration::from_secs(60);
/// What the server of this test binary reads to know that it is one, and where.
const SERVE: &str = "RINGFENCE_TEST_SERVE";
const UNSYNCED: &str = "RINGFENCE_TEST_UNSYNCED";

#[test]
fn a_sync_ends_between_each_commit_and_its_answer() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence"));
    command.args(["serve", "--log-level", "error", "--listen", "127.0.0.1:0", "--data-dir", "data"]);
    let lines = traced(command, "data");
    assert_eq!(unsynced(&lines), Vec::<String>::new());
}

#[test]
fn the_check_passes_the_same_server_with_sync_and_fails_it_without() {
    let of_this_binary = |unsynced: bool| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["durability::trace::server_for_the_trace", "--exact", "--test-threads", "1"]);
        command.env(SERVE, "data").env_remove(UNSYNCED);
        if unsynced {
            command.env(UNSYNCED, "yes");
        }
        traced(command, "data")
    };
    assert_eq!(unsynced(&of_this_binary(false)), Vec::<String>::new());
    let found = unsynced(&of_this_binary(true));
    assert_eq!(found.len(), POSTS, "every answer came without a sync: {found:?}");
}

/// No test by itself: the process that the trace above looks at, wired like `serve`, with the store's sync on or off.
#[test]
fn server_for_the_trace() {
    let Some(directory) = std::env::var_os(SERVE).map(PathBuf::from) else { return };
    let unsafe_no_sync_for_trace_test = std::env::var_os(UNSYNCED).is_some();
    let options = Options { unsafe_no_sync_for_trace_test, ..Options::default() };
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(&directory, options).unwrap());
    let inside = Inside::start(store);
    let (token, hash) = server::create_token().unwrap();
    let people = inside.platform.handle.reader().people().unwrap();
    let holder = Holder::Person(people.first().map_or(PersonId::from_number(0), |person| person.id));
    let create = access::Command::CreateToken { holder, hash, label: "trace".to_owned(), expires_at: None };
    let handle = inside.platform.handle.clone();
    inside.runtime.block_on(handle.command(Actor::Platform, Order::Access(create))).unwrap();
    let (_stop, stopping) = tokio::sync::watch::channel(false);
    let (_content, content) = tokio::sync::watch::channel(Arc::default());
    let log_key = signing_key().verifier().clone();
    let sources = std::collections::BTreeMap::new();
    let options = server::Options {
        handle,
        content,
        log_key,
        public_log: false,
        secure: false,
        sources,
        stopping,
        owner: None,
        backups: None,
        folders: Vec::new(),
    };
    inside.runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        fs::write(directory.join("admin.token"), token).unwrap();
        fs::write(directory.join("server.addr"), format!("http://{address}\n")).unwrap();
        // Until it is killed.
        server::serve(listener, server::router(options), None, std::future::pending()).await.unwrap();
    });
}

/// `strace` as a process beside the traced one, so that our child is the program itself.
pub(super) fn strace(output: &Path, options: &[&str]) -> Command {
    let present = Command::new("strace").arg("-V").output().is_ok();
    assert!(present, "this test needs strace; install it with `apt-get install strace`");
    let mut command = Command::new("strace");
    command.args(["-D", "-f", "-q", "-o"]).arg(output).args(options);
    command
}

/// Runs the server under strace, posts alerts one by one on one connection, and gives the trace.
fn traced(program: Command, data: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let (trace, data) = (folder.path().join("trace"), folder.path().join(data));
    let calls = "trace=write,writev,pwrite64,pwritev,sendto,sendmsg,fsync,fdatasync";
    let mut command = strace(&trace, &["-y", "-s", "8192", "-e", calls, "-e", "signal=none"]);
    command.arg(program.get_program()).args(program.get_args()).current_dir(folder.path());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    let address = wait_for(&mut child, &data.join("server.addr"));
    let token = wait_for(&mut child, &data.join("admin.token"));
    let mut connection = Connection::open(&address);
    for number in 0..POSTS {
        let body = format!("[{{\"labels\":{{\"alertname\":\"{}\"}}}}]", label(number));
        let answer = connection.post("/api/v2/alerts", token.trim(), body.as_bytes());
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    whole(&trace)
}

fn label(number: usize) -> String {
    format!("Traced{number:04}X")
}

fn wait_for(child: &mut Child, path: &Path) -> String {
    let began = Instant::now();
    loop {
        if let Ok(text) = fs::read_to_string(path)
            && !text.trim().is_empty()
        {
            return text;
        }
        assert!(child.try_wait().unwrap().is_none(), "the server ended before it was there");
        assert!(began.elapsed() < PATIENCE, "no `{}`", path.display());
        std::thread::yield_now();
    }
}

/// The trace once strace has written all the answers; it writes them in the order in which they ended.
fn whole(trace: &Path) -> Vec<String> {
    let began = Instant::now();
    loop {
        let bytes = fs::read(trace).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<String> =
            text.split_inclusive('\n').filter(|line| line.ends_with('\n')).map(str::to_owned).collect();
        let answers = lines.iter().filter(|line| line.contains("HTTP/1.1 200")).count();
        if answers >= POSTS {
            return lines;
        }
        assert!(began.elapsed() < PATIENCE, "the trace has {answers} answers of {POSTS}");
        std::thread::yield_now();
    }
}

/// The answers that were written before a sync of what they rest on had ended, one line each.
fn unsynced(lines: &[String]) -> Vec<String> {
    let answers = lines.iter().enumerate().filter(|(_, line)| line.contains("HTTP/1.1 200"));
    let answers: Vec<usize> = answers.map(|(at, _)| at).collect();
    let judge = |number: usize| sync_between(lines, &label(number), answers[number]).err();
    (0..POSTS).filter_map(judge).collect()
}

/// Looks for the commit that holds `label`, the last write of it, and the sync behind that.
fn sync_between(lines: &[String], label: &str, answer: usize) -> Result<(), String> {
    let wrote = |line: &&String| is_call(line, &["pwrite64", "pwritev", "write"]) && on_wal(line);
    let commit = lines.iter().position(|line| wrote(&line) && line.contains(label));
    let Some(commit) = commit.filter(|commit| *commit < answer) else {
        return Err(format!("{label} was answered before it was written to the WAL"));
    };
    let thread = thread_of(&lines[commit]);
    let own = |at: &usize| thread_of(&lines[*at]) == thread;
    // The commit goes on until its thread syncs, or for as long as it writes to the WAL.
    let mut last = commit;
    for at in (commit..answer).filter(own) {
        let line = &lines[at];
        if is_call(line, &["fsync", "fdatasync"]) && on_wal(line) {
            return ended(lines, at, answer)
                .then_some(())
                .ok_or_else(|| format!("{label} was answered before its sync had ended"));
        }
        if wrote(&line) {
            last = at;
        }
    }
    Err(format!("{label} was written (trace line {last}) and answered (line {answer}) without a sync"))
}

fn is_call(line: &str, names: &[&str]) -> bool {
    let call = line.split_whitespace().nth(1).unwrap_or_default();
    names.iter().any(|name| call.strip_prefix(name).is_some_and(|rest| rest.starts_with('(')))
}

fn on_wal(line: &str) -> bool {
    line.split_once('>').is_some_and(|(before, _)| before.ends_with("store.db-wal"))
}

fn thread_of(line: &str) -> &str {
    line.split_whitespace().next().unwrap_or_default()
}

/// Whether the sync that begins in this line returned 0 before `limit`.
fn ended(lines: &[String], begun: usize, limit: usize) -> bool {
    let thread = thread_of(&lines[begun]);
    if !lines[begun].contains("<unfinished ...>") {
        return lines[begun].trim_end().ends_with("= 0");
    }
    let resumed = lines[begun + 1..limit].iter().find(|line| thread_of(line) == thread);
    resumed.is_some_and(|line| line.contains("sync resumed>") && line.trim_end().ends_with("= 0"))
}
