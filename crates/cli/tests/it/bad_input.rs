//! Broken, huge and hostile input to the real server and to `check`: a clear refusal with place and reason, memory
//! that stays where it was, and nobody else disturbed.

pub(crate) mod raw;

use std::{
    fs,
    path::Path,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use self::raw::{Answer, Connection};
use crate::support::{Server, ringfence};

/// Most that the memory in use may grow, in KiB.
const GROWTH_MAX: u64 = 64 * 1024;
/// The same when senders offer 700 MB at once: the server takes 64 MiB of large bodies, and reads them.
const GROWTH_MAX_AT_ONCE: u64 = 192 * 1024;
/// Everything that takes alerts or other input.
const ROUTES: [&str; 3] = ["/api/v2/alerts", "/api/v1/alerts", "/api/v2/silences"];
/// A well-behaved sender waits no longer than this for its answer meanwhile.
const OTHERS_WAIT: Duration = Duration::from_secs(5);

pub(crate) fn token(server: &Server) -> String {
    fs::read_to_string(server.data().join("admin.token")).unwrap().trim().to_owned()
}

/// A value in KiB from `/proc/PID/status`.
pub(crate) fn memory(pid: u32, name: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim_start_matches(':').trim().trim_end_matches(" kB").parse().ok()
}

/// A sender that goes on as if nothing happened, and tells when something did.
struct Other {
    ending: Arc<AtomicBool>,
    thread: JoinHandle<u32>,
}

impl Other {
    fn start(server: &Server) -> Other {
        let (address, token) = (server.address.clone(), token(server));
        let ending = Arc::new(AtomicBool::new(false));
        let seen = ending.clone();
        let thread = std::thread::spawn(move || {
            let (mut connection, mut sent) = (Connection::open(&address), 0);
            while !seen.load(Ordering::Relaxed) {
                let body = format!("[{{\"labels\":{{\"alertname\":\"Other{sent}\"}}}}]");
                let began = Instant::now();
                let answer = connection.post("/api/v2/alerts", &token, body.as_bytes());
                assert_eq!(answer.status, 200, "{}", answer.body);
                assert!(began.elapsed() < OTHERS_WAIT, "another sender waited {:?}", began.elapsed());
                sent += 1;
            }
            sent
        });
        Other { ending, thread }
    }

    fn end(self) {
        self.ending.store(true, Ordering::Relaxed);
        assert!(self.thread.join().unwrap() > 0, "another sender got its alerts in");
    }
}

/// Runs while another sender is at work, and holds memory against what it was before.
fn undisturbed(growth_max: u64, work: impl FnOnce(&Server, &str)) {
    let server = Server::start(&["--log-level", "error"]);
    let token = token(&server);
    let other = Other::start(&server);
    // Both kinds of delivery once, so that what they keep for good is counted before.
    for route in &ROUTES[..2] {
        Connection::open(&server.address).post(route, &token, br#"[{"labels":{"alertname":"First"}}]"#);
    }
    let before = memory(server.pid(), "VmRSS").unwrap();
    work(&server, &token);
    other.end();
    let after = memory(server.pid(), "VmRSS").unwrap();
    assert!(after < before + growth_max, "{before} KiB before, {after} KiB after");
    let answer = Connection::open(&server.address).get("/readyz", "-");
    assert_eq!(answer.status, 200, "the server still serves: {}", answer.body);
    let (status, _, _) = server.end("TERM");
    assert!(status.success());
}

/// Refused as the sender's mistake, with a reason that holds one of these words.
#[track_caller]
fn refused(what: &str, answer: &Answer, words: &[&str]) {
    let Answer { status, body } = answer;
    assert!((400..500).contains(status), "{what}: {status} {body}");
    assert!(body.len() < 4_096, "{what}: the refusal has {} bytes", body.len());
    let said = body.to_lowercase();
    assert!(words.iter().any(|word| said.contains(word)), "{what}: {words:?} not in {body}");
}

#[test]
fn broken_and_hostile_bodies_are_refused_with_place_and_reason() {
    let deep = [b"[".repeat(200_000), b"]".repeat(200_000)].concat();
    let deep_labels = [br#"[{"labels":{"a":"#.to_vec(), b"[".repeat(100_000)].concat();
    let many: String = (0..100_000).map(|n| format!("\"l{n}\":\"v\",")).collect();
    let many = format!("[{{\"labels\":{{{many}\"alertname\":\"Many\"}}}}]").into_bytes();
    let long = format!("[{{\"labels\":{{\"alertname\":\"{}\"}}}}]", "x".repeat(1 << 20)).into_bytes();
    let cases: [(&str, Vec<u8>, &[&str]); 9] = [
        ("nothing", Vec::new(), &["empty", "required", "eof"]),
        ("truncated JSON", br#"[{"labels":{"alertname":"Cut"#.to_vec(), &["line 1 column"]),
        ("no JSON", b"alertname=Down".to_vec(), &["line 1 column"]),
        ("nesting", deep, &["line 1 column", "recursion", "longer than"]),
        ("nesting in a label", deep_labels, &["line 1 column", "recursion", "longer than"]),
        ("100,000 labels", many, &["labels", "longer than"]),
        ("a label of a megabyte", long, &["longer than", "too large", "line 1 column"]),
        (
            "invalid UTF-8",
            b"[{\"labels\":{\"alertname\":\"\xff\xfe\"}}]".to_vec(),
            &["utf-8", "unicode", "line 1"],
        ),
        (
            "a field given twice",
            br#"[{"labels":{"a":"b"},"labels":{"a":"c"},"matchers":[],"matchers":[]}]"#.to_vec(),
            &["line 1 column", "duplicate", "twice"],
        ),
    ];
    undisturbed(GROWTH_MAX, |server, token| {
        for route in ROUTES {
            for (what, body, words) in &cases {
                let answer = Connection::open(&server.address).post_early(route, token, body).unwrap();
                refused(&format!("{what} to {route}"), &answer, words);
            }
        }
    });
}

/// Of two values for one label Alertmanager takes the later; our own form refuses what is ambiguous.
#[test]
fn a_label_given_twice_is_refused_or_the_later_counts() {
    undisturbed(GROWTH_MAX, |server, token| {
        let body = br#"[{"labels":{"alertname":"First","alertname":"Twice"}}]"#;
        let answer = Connection::open(&server.address).post("/api/v1/alerts", token, body);
        refused("a label given twice", &answer, &["alertname"]);
        let answer = Connection::open(&server.address).post("/api/v2/alerts", token, body);
        assert_eq!(answer.status, 200, "{}", answer.body);
        let shown = Connection::open(&server.address).get("/api/v1/alerts", token).body;
        assert!(shown.contains("\"Twice\""), "{shown}");
    });
}

#[test]
fn a_body_of_a_hundred_megabytes_is_refused_without_being_kept() {
    const MEGABYTE: usize = 1 << 20;
    let block = vec![b' '; MEGABYTE];
    undisturbed(GROWTH_MAX, |server, token| {
        for route in ROUTES {
            let mut connection = Connection::open(&server.address);
            connection.head("POST", route, token, &format!("content-length: {}\r\n", 100 * MEGABYTE));
            let answer = connection.answer().unwrap();
            assert_eq!(answer.status, 413, "{route}: the length alone is enough: {}", answer.body);
            refused(route, &answer, &["large", "bytes"]);
            let mut connection = Connection::open(&server.address);
            connection.head("POST", route, token, "transfer-encoding: chunked\r\n");
            let chunk = [format!("{MEGABYTE:x}\r\n").as_bytes(), &block, b"\r\n"].concat();
            let sent = (0..100).take_while(|_| connection.send(&chunk)).count();
            // Cut off in the middle of sending, the answer may be lost with the connection.
            if let Ok(answer) = connection.answer() {
                assert_eq!(answer.status, 413, "{route}: {}", answer.body);
            } else {
                assert!(sent < 100, "{route}: the server took everything and said nothing");
            }
        }
    });
}

/// Many at once: the bodies that are held together are bounded, not only each of them. What is too much is refused
/// before it is read, so a sender may see its connection end before it has sent everything.
#[test]
fn many_large_bodies_at_once_stay_bounded() {
    let long = format!("[{{\"labels\":{{\"alertname\":\"{}\"}}}}]", "x".repeat(7 << 20)).into_bytes();
    undisturbed(GROWTH_MAX_AT_ONCE, |server, token| {
        std::thread::scope(|scope| {
            for _ in 0..96 {
                scope.spawn(|| {
                    let mut connection = Connection::open(&server.address);
                    let length = format!("content-length: {}\r\n", long.len());
                    connection.head("POST", "/api/v2/alerts", token, &length);
                    let taken = connection.send(&long);
                    match connection.answer() {
                        Ok(answer) => assert!((400..504).contains(&answer.status), "{answer:?}"),
                        Err(error) => assert!(!taken, "it took everything and said nothing: {error}"),
                    }
                });
            }
        });
    });
}

/// Runs `ringfence check` on shipped content with one file replaced; gives what it said and its largest memory.
fn check(file: &str, text: &[u8]) -> (String, u64) {
    let folder = tempfile::tempdir().unwrap();
    let content = folder.path().join("content");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content"), &content);
    fs::write(content.join(file), text).unwrap();
    let out = fs::File::create(folder.path().join("out")).unwrap();
    let mut command = ringfence();
    command.arg("check").arg(&content).stdout(out.try_clone().unwrap()).stderr(Stdio::from(out));
    let began = Instant::now();
    let mut child = command.spawn().unwrap();
    let mut peak = 0;
    let status = loop {
        peak = memory(child.id(), "VmHWM").unwrap_or(0).max(peak);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if began.elapsed() > Duration::from_secs(60) {
            child.kill().unwrap();
        }
        std::thread::yield_now();
    };
    let said = String::from_utf8_lossy(&fs::read(folder.path().join("out")).unwrap()).into_owned();
    assert!(status.code() == Some(i32::from(!text.is_empty())), "{file}: {status} {said}");
    (said, peak)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, to).unwrap();
        }
    }
}

#[test]
fn hostile_content_is_refused_with_file_and_line() {
    // An estate of its own is no part of what is checked, so this is the memory that good content takes.
    let (_, good) = check("estate.yaml", b"");
    let bomb: String = (0..12)
        .map(|n| match n {
            0 => "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned(),
            n => format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 9].join(", ")),
        })
        .collect();
    let deep = format!("{}{}\n", "[".repeat(100_000), "]".repeat(100_000));
    let deep_block: String = (0..2_000).map(|n| format!("{}- a:\n", " ".repeat(2 * n))).collect();
    let many: String = (0..200_000).map(|n| format!("k{n}: v\n")).collect();
    let cases: [(&str, Vec<u8>); 10] = [
        ("aliases that multiply", bomb.into_bytes()),
        ("nested flow", deep.into_bytes()),
        ("nested blocks", deep_block.into_bytes()),
        ("a scalar of 50 MB", format!("id: {}\n", "x".repeat(50 << 20)).into_bytes()),
        ("200,000 keys", many.into_bytes()),
        ("keys given twice", b"id: one\nid: two\n".to_vec()),
        ("invalid UTF-8", b"id: \xff\xfe\n".to_vec()),
        ("cut in the middle", b"id: \"cut\nstages:\n  - {".to_vec()),
        ("a tag that makes something else", b"id: !!python/object:os.system [x]\n".to_vec()),
        ("control characters", b"id: a\x1b[2Jb\x07\n".to_vec()),
    ];
    for file in ["playbooks/hostile.yaml", "actions.yaml", "rules/hostile.yaml"] {
        for (what, text) in &cases {
            let (said, peak) = check(file, text);
            let name = file.rsplit('/').next().unwrap();
            // Where a file is too large to be read, or no text at all, the file is the place.
            let placed = said.contains(&format!("{name}:1:")) || said.contains(&format!("{name}:2:"));
            let whole = said.contains(name) && ["bytes", "UTF-8"].iter().any(|word| said.contains(word));
            assert!(placed || whole, "{what} in {file}: no place is named: {said}");
            assert!(said.len() < 64 * 1024, "{what} in {file}: {} bytes were said", said.len());
            assert!(
                !said.contains(['\x1b', '\x07']),
                "{what} in {file}: control characters reach the terminal"
            );
            assert!(peak < good + GROWTH_MAX, "{what} in {file}: {peak} KiB, {good} KiB for good content");
        }
    }
}
