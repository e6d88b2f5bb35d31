//! A loss of power after the last acknowledgement: the WAL is cut or torn beyond what was acknowledged, and the real
//! binary opens what is left.

use std::{
    fs,
    path::{Path, PathBuf},
};

use engine::{Page, Reader};
use store::Sqlite;

use crate::{
    bad_input::raw::Connection,
    support::{Server, run, stderr, stdout},
    tampering::history::Random,
};

const POSTS: usize = 60;
const WAL: &str = "store.db-wal";

/// After an acknowledgement: the bytes of the WAL, and the salts that name its present use.
struct Mark {
    bytes: usize,
    salts: Vec<u8>,
}

#[test]
fn what_was_acknowledged_survives_a_torn_end_of_the_wal() {
    let server = Server::start(&["--log-level", "error"]);
    let token = fs::read_to_string(server.data().join("admin.token")).unwrap();
    let mut connection = Connection::open(&server.address);
    let mut marks = Vec::new();
    for number in 0..POSTS {
        let body = format!("[{{\"labels\":{{\"alertname\":\"{}\"}}}}]", label(number));
        let answer = connection.post("/api/v2/alerts", token.trim(), body.as_bytes());
        assert_eq!(answer.status, 200, "{}", answer.body);
        let wal = fs::read(server.data().join(WAL)).unwrap();
        marks.push(Mark { bytes: wal.len(), salts: wal[16..24].to_vec() });
    }
    let (_, _, folder) = server.end("KILL");
    let data = folder.path().join("data");
    let wal = fs::read(data.join(WAL)).unwrap();
    let mut random = Random::new(20_261_122);
    let mut served = 0;
    for (number, mark) in marks.iter().enumerate().filter(|(_, mark)| mark.salts == wal[16..24]) {
        for kind in 0..3 {
            let copy = copy_of(&data);
            fs::write(copy.join("data").join(WAL), torn(&wal, mark.bytes, kind, &mut random)).unwrap();
            assert_eq!(missing(&copy.join("data"), number), Vec::<String>::new(), "kind {kind}");
            if number % 20 == 19 {
                serves(&copy.0, number);
                served += 1;
            }
        }
    }
    assert!(served >= 3, "the WAL began anew all the time: {served} were served");
}

fn label(number: usize) -> String {
    format!("Kept{number:04}X")
}

/// The WAL as a loss of power may leave it: whole up to what was synced, then cut, zeros, or anything.
fn torn(wal: &[u8], synced: usize, kind: usize, random: &mut Random) -> Vec<u8> {
    let mut torn = wal.to_vec();
    match kind {
        0 => torn.truncate(synced + random.below(wal.len() - synced + 1)),
        1 => torn[synced..].fill(0),
        _ => {
            torn.extend([0; 9_000]);
            torn[synced..].iter_mut().for_each(|byte| *byte = random.next() as u8);
        }
    }
    torn
}

/// A folder with a copy of the data directory, as it was when the process was killed.
struct Copy(tempfile::TempDir);

impl Copy {
    fn join(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

fn copy_of(data: &Path) -> Copy {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("data");
    fs::create_dir(&to).unwrap();
    for name in ["store.db", "log.key", "log.pub", "admin.token"] {
        fs::copy(data.join(name), to.join(name)).unwrap();
    }
    Copy(folder)
}

/// The acknowledged alerts up to this one that are not there.
fn missing(data: &Path, last: usize) -> Vec<String> {
    let store = Sqlite::open_read_only(data).unwrap();
    let reader = Reader::new(std::sync::Arc::new(store));
    let alerts = reader.alerts(false, Page { before: None, limit: 1_000 }).unwrap();
    let names: Vec<&str> = alerts.iter().filter_map(|alert| alert.labels.get("alertname")).collect();
    (0..=last).map(label).filter(|label| !names.contains(&label.as_str())).collect()
}

/// The real server goes on with it, shows everything, and the log verifies.
fn serves(folder: &tempfile::TempDir, last: usize) {
    let moved = tempfile::tempdir().unwrap();
    fs::rename(folder.path().join("data"), moved.path().join("data")).unwrap();
    let server = Server::start_in(moved, &["--log-level", "error"]);
    let token = fs::read_to_string(server.data().join("admin.token")).unwrap();
    let shown = Connection::open(&server.address).get("/api/v2/alerts", token.trim());
    for number in 0..=last {
        assert!(shown.body.contains(&label(number)), "alert {number} of {last} is not shown");
    }
    let (status, _, moved) = server.end("TERM");
    assert!(status.success());
    let verified = run(&["log", "verify", &moved.path().join("data").display().to_string()]);
    assert!(verified.status.success(), "{}{}", stdout(&verified), stderr(&verified));
}
