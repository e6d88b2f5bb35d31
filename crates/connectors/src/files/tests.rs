//! Files in and out of quarantine, cut off at every step, and boxes that somebody changed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::symlink,
    path::Path,
};

use super::*;

struct Bench {
    folder: tempfile::TempDir,
    files: Arc<FilesConnector>,
}

impl Bench {
    fn new() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("root")).unwrap();
        let roots = vec![fs::canonicalize(folder.path().join("root")).unwrap()];
        let vault = Vault::open_in(folder.path()).unwrap();
        let keep: Keep = Arc::new(|_| Err("no store here".to_owned()));
        let files = FilesConnector::new(roots, vault, keep, Arc::new(|sha256| sha256 == "aa"));
        Bench { folder, files }
    }

    fn path(&self, name: &str) -> String {
        self.files.roots[0].join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, bytes: &[u8]) -> String {
        fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }

    fn names(&self, folder: &str) -> BTreeSet<String> {
        let names = fs::read_dir(self.folder.path().join(folder)).unwrap();
        names.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
    }
}

impl FilesConnector {
    fn vault_path(&self, target: &str) -> PathBuf {
        self.vault.path(target, 0)
    }
}

fn why<T>(done: Done<T>) -> String {
    match done {
        Ok(_) => panic!("it was done"),
        Err(Failure::Refused(why) | Failure::Again(why)) => why,
    }
}

fn ok<T>(done: Done<T>) -> T {
    match done {
        Ok(done) => done,
        Err(Failure::Refused(why) | Failure::Again(why)) => panic!("{why}"),
    }
}

#[test]
fn in_and_out_for_every_length_around_a_part() {
    for length in [0, 1, 65_535, 65_536, 65_537, 200_000] {
        let bench = Bench::new();
        let bytes: Vec<u8> = (0..length).map(|number: u32| number.to_le_bytes()[0]).collect();
        let path = bench.write("a", &bytes);
        assert_eq!(
            bench.files.read(&path, true),
            Outcome::DoesNotHold { seen: "the file is elsewhere".into() }
        );
        ok(bench.files.quarantine(&path));
        ok(bench.files.quarantine(&path));
        assert_eq!(bench.files.read(&path, true), Outcome::Holds);
        assert!(bench.names("root").is_empty());
        ok(bench.files.restore(&path));
        assert_eq!(bench.files.read(&path, false), Outcome::Holds);
        assert!(fs::read(&path).unwrap() == bytes);
        assert!(bench.names("quarantine").is_empty());
    }
}

#[test]
fn a_process_that_ends_at_any_step_leaves_the_file_in_one_place_and_the_next_goes_on() {
    // After the change of name; after the box was written; before it was whole.
    for step in 0..3 {
        let bench = Bench::new();
        let path = bench.write("a", b"bytes");
        let place = ok(bench.files.place(&path));
        ok(place.swap("a", &place.hidden()));
        if step == 1 {
            ok(bench.files.take_in(&place, &place.hidden(), &path));
        }
        if step == 2 {
            let unfinished = bench.files.vault_path(&path).with_extension("new");
            fs::write(unfinished, b"half").unwrap();
        }
        assert_ne!(bench.files.read(&path, true), Outcome::Holds, "not before it is through");
        ok(bench.files.quarantine(&path));
        assert!(bench.names("root").is_empty());
        assert_eq!(bench.names("quarantine").len(), 1, "one box at step {step}");

        // On the way out: half a file beside it; or all of it there and the box not thrown away.
        let place = ok(bench.files.place(&path));
        fs::write(bench.path(&place.fresh()), b"by").unwrap();
        if step == 1 {
            fs::write(&path, b"bytes").unwrap();
        }
        ok(bench.files.restore(&path));
        assert!(fs::read(&path).unwrap() == b"bytes");
        assert!(bench.names("quarantine").is_empty());
    }
}

#[test]
fn a_file_that_took_its_place_is_not_overwritten() {
    let bench = Bench::new();
    let path = bench.write("a", b"the first");
    ok(bench.files.quarantine(&path));
    bench.write("a", b"another");
    assert!(why(bench.files.restore(&path)).contains("none is overwritten"));
    assert!(fs::read(&path).unwrap() == b"another");
    // It goes the same way, and both come back one after the other.
    ok(bench.files.quarantine(&path));
    assert_eq!(bench.names("quarantine").len(), 2);
    ok(bench.files.restore(&path));
    assert!(fs::read(&path).unwrap() == b"another");
}

#[test]
fn any_changed_byte_of_a_box_is_found() {
    let bench = Bench::new();
    let path = bench.write("a", b"what it was");
    ok(bench.files.quarantine(&path));
    let sealed = bench.files.vault_path(&path);
    let whole = fs::read(&sealed).unwrap();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        fs::write(&sealed, bytes).unwrap();
        drop(why(bench.files.restore(&path)));
        assert!(!Path::new(&path).exists(), "byte {at}");
    }
    fs::write(&sealed, &whole[..whole.len() - 1]).unwrap();
    drop(why(bench.files.restore(&path)));
    // A box of another path is not this one's.
    let other = bench.write("b", b"another");
    ok(bench.files.quarantine(&other));
    fs::copy(bench.files.vault_path(&other), &sealed).unwrap();
    drop(why(bench.files.restore(&path)));
    fs::write(&sealed, whole).unwrap();
    ok(bench.files.restore(&path));
}

#[test]
fn a_link_that_is_put_in_the_way_leads_nowhere() {
    let bench = Bench::new();
    fs::create_dir(bench.path("dir")).unwrap();
    let path = bench.write("dir/a", b"inside");
    fs::write(bench.folder.path().join("a"), b"outside").unwrap();
    let place = ok(bench.files.place(&path));
    // Between the look and the move, the folder becomes a link.
    fs::rename(bench.path("dir"), bench.path("moved")).unwrap();
    symlink(bench.folder.path(), bench.path("dir")).unwrap();
    ok(place.swap("a", "b"));
    assert!(fs::read(bench.path("moved/b")).unwrap() == b"inside");
    assert!(fs::read(bench.folder.path().join("a")).unwrap() == b"outside");
    assert!(why(bench.files.quarantine(&path)).contains("leads over a link"));
}

#[test]
fn files_of_the_same_content_are_found_wherever_they_lie_below_the_roots_and_nowhere_else() {
    let bench = Bench::new();
    fs::create_dir_all(bench.path("deep/er")).unwrap();
    let path = bench.write("a.exe", b"the same bytes");
    let (one, two) = (bench.write("b.txt", b"the same bytes"), bench.write("deep/er/c", b"the same bytes"));
    bench.write("d", b"the same bytez");
    bench.write("e", b"other");
    fs::write(bench.folder.path().join("outside"), b"the same bytes").unwrap();
    symlink(bench.folder.path(), bench.path("link")).unwrap();
    symlink(bench.folder.path().join("outside"), bench.path("f")).unwrap();
    let found = ok(bench.files.similar(&path));
    assert_eq!((&found["same_content"], &found["loose"]), (&json!([one, two]), &json!(2)), "{found}");
    // It is looked for the same way when it is in quarantine, and those that are there are not loose.
    ok(bench.files.quarantine(&path));
    ok(bench.files.quarantine(&two));
    let found = ok(bench.files.similar(&path));
    assert_eq!((&found["same_content"], &found["loose"]), (&json!([one]), &json!(1)), "{found}");
    ok(bench.files.quarantine(&one));
    assert_eq!(ok(bench.files.similar(&path))["loose"], 0);
    assert!(why(bench.files.similar(&bench.path("none"))).contains("there is no file"));
    assert!(why(bench.files.similar("sha256:bb")).contains("nothing with this hash"));
    assert_eq!(ok(bench.files.similar("sha256:aa"))["loose"], 0, "an upload is looked for by its hash");
}

#[test]
fn boxes_without_their_key_are_an_error_and_two_keys_are_never_the_same() {
    let bench = Bench::new();
    let path = bench.write("a", b"x");
    ok(bench.files.quarantine(&path));
    let key = bench.folder.path().join("quarantine.key");
    let first = fs::read(&key).unwrap();
    fs::remove_file(&key).unwrap();
    assert!(Vault::open_in(bench.folder.path()).is_err());
    let other = Bench::new();
    assert_ne!(fs::read(other.folder.path().join("quarantine.key")).unwrap(), first);
}

#[tokio::test]
async fn a_snapshot_is_of_the_platform_and_waits_until_it_runs() {
    let bench = Bench::new();
    let spec = Arc::new(domain::content::ActionSpec {
        verb: SNAPSHOT.to_owned(),
        summary: "Seal".to_owned(),
        target: "service".to_owned(),
        args: BTreeMap::new(),
        connector: domain::content::FILES.to_owned(),
        class: domain::content::Class::Idempotent,
        risk: domain::severity::Risk::Low,
        containment: false,
        purpose: domain::content::Purpose::Evidence,
        files: false,
        keeps: Some(domain::evidence::Kind::AuditLog),
        counts: None,
        revert: None,
        lasting: false,
        verify: false,
        blast_radius_max: 1,
        in_force_max: None,
        permissions: BTreeSet::new(),
        timeout: domain::time::Span::secs(10),
        side_effects: Vec::new(),
        requests: None,
    });
    let call = |operation, target: &str| Call {
        key: "k".to_owned(),
        epoch: 1,
        operation,
        verb: SNAPSHOT.to_owned(),
        target_kind: "service".to_owned(),
        target: target.to_owned(),
        args: serde_json::Map::new(),
        incident: "INC-4".to_owned(),
        attempt: 1,
        timeout: std::time::Duration::from_secs(5),
        spec: spec.clone(),
    };
    let apply = call(Operation::Apply, OWN);
    let early = bench.files.perform(&apply).await;
    assert!(matches!(early, Outcome::NotApplied { retry: true, .. }), "{early:?}");
    bench.files.take_snapshots(Arc::new(|call| {
        let told = json!({ "incident": call.incident });
        Box::pin(async move { Ok(told) })
    }));
    let taken = bench.files.perform(&apply).await;
    let artefact = Some(json!({ "incident": "INC-4" }));
    assert_eq!(taken, Outcome::Applied { verified: Some(true), artefact, duplicate: false });
    for wrong in [call(Operation::Apply, "ledger"), call(Operation::Revert, OWN)] {
        let refused = bench.files.perform(&wrong).await;
        assert!(matches!(refused, Outcome::NotApplied { retry: false, .. }), "{refused:?}");
    }
}
