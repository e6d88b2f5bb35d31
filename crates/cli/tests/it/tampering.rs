//! Alterations of a good log by the thousand: each is found and named, and good logs raise no alarm.
//!
//! The same function that `log verify` calls checks each of them. What changes nothing by construction, such as a
//! free byte in a page of the database, is not among them, and no miss is forgiven.

pub(crate) mod history;
mod image;

use std::{fs, io::Write as _, path::Path, sync::Arc};

use store::{Memory, Options, Sqlite, Store};
use tlog::{
    bundle::{Header, Scope, Writer},
    leaf::{Body, Envelope, body_hash},
};

use self::{
    history::{Inside, Random, signing_key},
    image::{Image, key},
};
use crate::support::{run, stdout};

/// Prints as part of every failure, and is enough to do the same again.
const SEED: u64 = 20_261_121;

/// A log of a few hundred entries with every kind of row, redactions among them, and a complete tile.
fn good(store: &Arc<dyn Store>, seed: u64) -> Image {
    let inside = Inside::start(store.clone());
    let mut random = Random::new(seed);
    while store.length().unwrap() < 400 {
        inside.live(&mut random, 10);
    }
    inside.end();
    Image::of(&**store)
}

fn good_image() -> Image {
    let store: Arc<dyn Store> = Arc::new(Memory::new());
    let image = good(&store, SEED);
    assert_eq!(image.findings(&[]), Vec::<String>::new(), "the log is good before it is altered");
    let kinds: std::collections::BTreeSet<u8> = image.rows.keys().map(|(table, _)| *table).collect();
    assert!(kinds.len() >= 15, "the history is rich enough: {kinds:?}");
    assert!(image.entries.iter().any(|entry| entry.content.is_none()), "something was redacted");
    image
}

/// An alteration, and words of which one must stand in what is found.
struct Alteration {
    what: String,
    named: Vec<String>,
}

fn altered(what: String, named: &[&str]) -> Alteration {
    Alteration { what, named: named.iter().map(|&word| word.to_owned()).collect() }
}

#[track_caller]
fn check(alteration: &Alteration, number: usize, found: &[String]) {
    let Alteration { what, named } = alteration;
    assert!(!found.is_empty(), "seed {SEED}, number {number}: {what} was not found");
    let says = found.iter().any(|finding| named.iter().any(|word| finding.contains(word.as_str())));
    assert!(says, "seed {SEED}, number {number}: {what} is not named as {named:?} in {found:?}");
}

/// Another byte in the place of one of them.
fn flip(bytes: &mut [u8], random: &mut Random) -> usize {
    let at = random.below(bytes.len());
    bytes[at] ^= 1 << random.below(8);
    at
}

#[test]
fn a_hundred_good_logs_raise_no_alarm() {
    for seed in 0..100 {
        let store: Arc<dyn Store> = Arc::new(Memory::new());
        let inside = Inside::start(store.clone());
        inside.live(&mut Random::new(seed), 40 + seed as usize % 30);
        inside.end();
        let image = Image::of(&*store);
        assert_eq!(image.findings(&[]), Vec::<String>::new(), "seed {seed}");
        let half = image.checkpoint(image.entries.len() / 2);
        assert_eq!(image.findings(&[half]), Vec::<String>::new(), "seed {seed}, with a kept checkpoint");
    }
}

#[test]
fn altered_entries_are_found() {
    let good = good_image();
    let mut random = Random::new(SEED + 1);
    for number in 0..250 {
        let mut image = good.clone();
        let alteration = alter_entry(&mut image, &mut random, number % 10);
        check(&alteration, number, &image.findings(&[]));
    }
}

fn alter_entry(image: &mut Image, random: &mut Random, kind: usize) -> Alteration {
    let length = image.entries.len();
    let position = match kind {
        5 => random.below(length - 1),
        _ => whole(image, random),
    };
    let of = format!("entry {position}");
    let named = [of.as_str(), "an entry from", "entries"];
    let entry = &mut image.entries[position];
    match kind {
        0 => {
            let at = flip(&mut entry.envelope, random);
            altered(format!("byte {at} of the envelope of {of}"), &named)
        }
        1 => {
            let mut envelope = Envelope::decode(&entry.envelope).unwrap();
            envelope.actor = if envelope.actor == "person/1" { "person/2" } else { "person/1" }.to_owned();
            entry.envelope = encoded(&envelope);
            altered(format!("the actor of {of}"), &named)
        }
        2 => {
            let mut envelope = Envelope::decode(&entry.envelope).unwrap();
            envelope.time_us += 1;
            entry.envelope = encoded(&envelope);
            altered(format!("the time of {of}"), &named)
        }
        3 => {
            let (_, body) = entry.content.as_mut().unwrap();
            let at = flip(body, random);
            altered(format!("byte {at} of the body of {of}"), &[&of])
        }
        4 => {
            let (salt, _) = entry.content.as_mut().unwrap();
            let at = flip(salt, random);
            altered(format!("byte {at} of the salt of {of}"), &[&of])
        }
        5 => {
            image.entries.remove(position);
            altered(format!("{of} removed"), &[&format!("entries {position} to {position} are missing")])
        }
        6 => {
            let other = (position + 1 + random.below(length - 1)) % length;
            let (a, b) = (image.entries[position].envelope.clone(), image.entries[other].envelope.clone());
            image.entries[position].envelope = b;
            image.entries[other].envelope = a;
            altered(format!("the envelopes of {of} and {other} exchanged"), &[&of])
        }
        7 => {
            entry.content = None;
            altered(format!("the body of {of} erased without a redaction"), &[&of])
        }
        8 => put_back(image, random),
        _ => {
            let (salt, body) = entry.content.as_mut().unwrap();
            let at = flip(body, random);
            let mut envelope = Envelope::decode(&entry.envelope).unwrap();
            envelope.body = body_hash(salt, body);
            entry.envelope = encoded(&envelope);
            altered(format!("byte {at} of the body of {of}, with a new hash in the envelope"), &named)
        }
    }
}

/// An entry whose body is there.
fn whole(image: &Image, random: &mut Random) -> usize {
    loop {
        let position = random.below(image.entries.len());
        if image.entries[position].content.is_some() {
            return position;
        }
    }
}

/// A text in the place of one that was redacted.
fn put_back(image: &mut Image, random: &mut Random) -> Alteration {
    let gone: Vec<usize> =
        (0..image.entries.len()).filter(|at| image.entries[*at].content.is_none()).collect();
    let position = *random.of(&gone).unwrap();
    image.entries[position].content = Some(([7; 16], b"{}".to_vec()));
    altered(format!("a body for the redacted entry {position}"), &[&format!("entry {position}")])
}

fn encoded(envelope: &Envelope) -> Vec<u8> {
    let mut bytes = Vec::new();
    envelope.encode(&mut bytes).unwrap();
    bytes
}

#[test]
fn altered_rows_tiles_and_checkpoints_are_found() {
    let good = good_image();
    let mut random = Random::new(SEED + 2);
    for number in 0..300 {
        let mut image = good.clone();
        let alteration = alter_row(&mut image, &mut random, number % 6);
        check(&alteration, number, &image.findings(&[]));
    }
}

/// Rows that rest on redacted entries cannot be compared with anything; `log verify` counts them, and they are not
/// altered here.
fn comparable(image: &Image) -> Vec<(u8, Vec<u8>)> {
    let stream = |entry: &store::Stored| Envelope::decode(&entry.envelope).unwrap().stream;
    let redacted: Vec<String> =
        image.entries.iter().filter(|entry| entry.content.is_none()).map(stream).collect();
    let rests = |(_, key): &&(u8, Vec<u8>)| {
        let number = key.get(..8).and_then(|first| first.try_into().ok()).map_or(0, u64::from_be_bytes);
        redacted.iter().any(|stream| stream.ends_with(&format!("/{number}")))
    };
    image.rows.keys().filter(|key| !rests(key)).cloned().collect()
}

fn alter_row(image: &mut Image, random: &mut Random, kind: usize) -> Alteration {
    let rows = comparable(image);
    // Each table as often as any other, however many rows it has.
    let mut tables: Vec<u8> = rows.iter().map(|(table, _)| *table).collect();
    tables.dedup();
    let table = *random.of(&tables).unwrap();
    let of_table: Vec<_> = rows.into_iter().filter(|(of, _)| *of == table).collect();
    let (_, key) = random.of(&of_table).unwrap().clone();
    let name = engine::Table::ALL.iter().find(|known| **known as u8 == table).unwrap().name();
    let shown = format!("row {key:02x?} of table {table} `{name}`");
    let named = [name, "tile", "checkpoint", "content", "playbook"];
    let value = image.rows.get_mut(&(table, key.clone())).unwrap();
    match kind {
        0 | 1 => {
            let at = flip(value, random);
            altered(format!("byte {at} of {shown}"), &named)
        }
        2 => {
            value.pop();
            altered(format!("the last byte of {shown} removed"), &named)
        }
        3 => {
            image.rows.remove(&(table, key));
            altered(format!("{shown} removed"), &named)
        }
        4 => {
            let value = image.rows.remove(&(table, key.clone())).unwrap();
            let mut elsewhere = key;
            if elsewhere.is_empty() {
                elsewhere.push(1);
            }
            flip(&mut elsewhere, random);
            while image.rows.contains_key(&(table, elsewhere.clone())) {
                flip(&mut elsewhere, random);
            }
            image.rows.insert((table, elsewhere), value);
            altered(format!("{shown} moved"), &named)
        }
        _ => {
            let (mut stranger, value) = (vec![0xee; 8], value.clone());
            stranger[7] = random.below(200) as u8;
            let table = if random.below(4) == 0 { 200 + random.below(50) as u8 } else { table };
            image.rows.insert((table, stranger), value);
            altered(format!("a row added, made of {shown}"), &[&named[..], &["no such table"]].concat())
        }
    }
}

#[test]
fn a_cut_log_is_found() {
    let good = good_image();
    let mut random = Random::new(SEED + 3);
    for number in 0..50 {
        let mut image = good.clone();
        let left = random.below(image.entries.len());
        image.entries.truncate(left);
        let alteration = altered(format!("cut after {left} entries"), &["the end was cut off"]);
        check(&alteration, number, &image.findings(&[]));
    }
}

/// Whoever has the signing key can make a log that is whole in itself. Only a checkpoint that was kept shows it.
#[test]
fn a_rewritten_and_signed_log_is_found_against_a_kept_checkpoint() {
    let good = good_image();
    let mut random = Random::new(SEED + 4);
    for number in 0..100 {
        let mut image = good.clone();
        let position = whole(&image, &mut random);
        // Another salt is another leaf, and changes no row.
        let entry = &mut image.entries[position];
        let (salt, body) = entry.content.as_mut().unwrap();
        flip(salt, &mut random);
        let mut envelope = Envelope::decode(&entry.envelope).unwrap();
        envelope.body = body_hash(salt, body);
        entry.envelope = encoded(&envelope);
        image.sign_anew();
        assert_eq!(image.findings(&[]), Vec::<String>::new(), "in itself it is whole");
        let later = good.entries.len() - position;
        let kept = good.checkpoint(position + 1 + random.below(later));
        let alteration =
            altered(format!("entry {position} rewritten and signed"), &["the log was rewritten"]);
        check(&alteration, number, &image.findings(&[kept]));
        let before = good.checkpoint(random.below(position + 1).max(1).min(position.max(1)));
        if position > 0 {
            assert_eq!(image.findings(&[before]), Vec::<String>::new(), "what was kept before it agrees");
        }
    }
}

#[test]
fn a_log_that_was_rolled_back_is_found_against_a_kept_checkpoint() {
    let good = good_image();
    let mut random = Random::new(SEED + 5);
    for number in 0..50 {
        let mut image = good.clone();
        let left = 1 + random.below(image.entries.len() - 1);
        image.entries.truncate(left);
        image.sign_anew();
        let kept = good.checkpoint(left + 1 + random.below(good.entries.len() - left));
        let alteration =
            altered(format!("rolled back to {left} entries and signed"), &["the log was rolled back"]);
        check(&alteration, number, &image.findings(&[kept]));
    }
}

#[test]
fn altered_bundles_are_found() {
    let good = good_image();
    let bundle = bundle(&good);
    let found = |bytes: &[u8]| {
        let report = tlog::bundle::verify(bytes, None, &[key()], &[]).unwrap();
        report.findings.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(found(&bundle), Vec::<String>::new(), "the bundle is good before it is altered");
    let mut random = Random::new(SEED + 6);
    for number in 0..200 {
        let mut bytes = bundle.clone();
        let what = alter_bundle(&mut bytes, &mut random, number % 5);
        let named = ["line", "entry", "entries", "cut off", "checkpoint", "bundle", "key", "log"];
        check(&altered(what, &named), number, &found(&bytes));
    }
}

fn bundle(image: &Image) -> Vec<u8> {
    let origin = signing_key().name().to_owned();
    let header = Header { origin, key: key(), scope: Scope::Log };
    let checkpoint = image.checkpoint(image.entries.len());
    let mut writer = Writer::new(Vec::new(), &header, &checkpoint).unwrap();
    for entry in &image.entries {
        let body = entry.content.as_ref().map(|(salt, body)| Body { salt, body });
        writer.entry(&entry.envelope, body, None).unwrap();
    }
    writer.finish().unwrap()
}

fn alter_bundle(bytes: &mut Vec<u8>, random: &mut Random, kind: usize) -> String {
    let mut lines: Vec<Vec<u8>> = bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let line = random.below(lines.len());
    let what = match kind {
        0 => {
            let at = flip(bytes, random);
            return format!("byte {at} of the bundle");
        }
        1 => {
            let left = random.below(bytes.len());
            bytes.truncate(left);
            return format!("bundle cut after {left} bytes");
        }
        2 => {
            lines.remove(line);
            format!("line {line} of the bundle removed")
        }
        3 => {
            let copy = lines[line].clone();
            lines.insert(line, copy);
            format!("line {line} of the bundle repeated")
        }
        _ => {
            let other = (line + 1 + random.below(lines.len() - 1)) % lines.len();
            lines.swap(line, other);
            format!("lines {line} and {other} of the bundle exchanged")
        }
    };
    *bytes = lines.concat();
    what
}

/// Bytes of the database file and of blobs, through the binary, as an auditor would look.
#[test]
fn altered_files_are_found_by_the_command() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let good = {
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(&data, Options::default()).unwrap());
        store.put_blob(&[42; 5_000]).unwrap();
        store.put_blob(b"what a node said").unwrap();
        good(&store, SEED + 7)
    };
    verify(&data).expect_err("there is nothing to find before it is altered");
    let mut random = Random::new(SEED + 8);
    let database = data.join("store.db");
    let pages = fs::read(&database).unwrap();
    for number in 0..40 {
        let mut bytes = pages.clone();
        let (what, at, length) = payload(&good, &bytes, &mut random);
        let what = if number % 4 == 0 {
            let page = at / 4096 * 4096;
            bytes[page..page + 4096].fill(random.next() as u8);
            format!("the page with {what}")
        } else {
            let flipped = flip(&mut bytes[at..at + length], &mut random);
            format!("byte {flipped} of {what} in the database")
        };
        fs::write(&database, &bytes).unwrap();
        let found = verify(&data).unwrap_or_default();
        check(&altered(what, &["entry", "row", "entries", "store", "table", "read"]), number, &[found]);
    }
    fs::write(&database, &pages).unwrap();
    for number in 0..10 {
        let (path, what) = alter_blob(&data, &mut random, number % 3);
        let found = verify(&data).unwrap_or_default();
        check(&altered(what, &["blob"]), number, &[found]);
        drop(path);
    }
    verify(&data).expect_err("all is as it was");
}

/// What `log verify` says when something is wrong; an error when nothing is.
fn verify(data: &Path) -> Result<String, String> {
    let key = key().to_string();
    let output = run(&["log", "verify", &data.display().to_string(), "--key", &key]);
    let said = format!("{}{}", stdout(&output), crate::support::stderr(&output));
    if output.status.success() { Err(said) } else { Ok(said) }
}

/// Where the bytes of an entry or a row stand in the file: somewhere, and only there, so that they are in use.
fn payload(image: &Image, bytes: &[u8], random: &mut Random) -> (String, usize, usize) {
    loop {
        let position = whole(image, random);
        let entry = &image.entries[position];
        let (what, needle) = match random.below(3) {
            0 => (format!("the envelope of entry {position}"), entry.envelope.clone()),
            1 => (format!("the body of entry {position}"), entry.content.clone().unwrap().1),
            _ => {
                let rows = comparable(image);
                let row = random.of(&rows).unwrap().clone();
                (format!("row {row:02x?}"), image.rows[&row].clone())
            }
        };
        let mut places =
            bytes.windows(needle.len().max(24)).enumerate().filter(|(_, w)| w.starts_with(&needle));
        if let (Some((at, _)), None) = (places.next(), places.next())
            && needle.len() >= 24
        {
            return (what, at, needle.len());
        }
    }
}

/// Puts the good file back when it goes out of scope.
struct Restored {
    path: std::path::PathBuf,
    good: Vec<u8>,
    stray: Option<std::path::PathBuf>,
}

impl Drop for Restored {
    fn drop(&mut self) {
        fs::File::create(&self.path).and_then(|mut file| file.write_all(&self.good)).unwrap();
        if let Some(stray) = &self.stray {
            fs::remove_file(stray).unwrap();
        }
    }
}

fn alter_blob(data: &Path, random: &mut Random, kind: usize) -> (Restored, String) {
    let files = |folder: &Path| -> Vec<std::path::PathBuf> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    };
    let shelves: Vec<_> =
        files(&data.join("blobs")).into_iter().filter(|path| !path.ends_with("tmp")).collect();
    let path = files(random.of(&shelves).unwrap()).remove(0);
    let good = fs::read(&path).unwrap();
    let mut bytes = good.clone();
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let (what, stray) = match kind {
        0 => (format!("byte {} of blob {name}", flip(&mut bytes, random)), None),
        1 => {
            bytes.truncate(random.below(bytes.len()));
            (format!("blob {name} cut"), None)
        }
        _ => {
            let stray = path.with_file_name("not-a-hash");
            fs::write(&stray, b"stray").unwrap();
            (format!("a stray file beside blob {name}"), Some(stray))
        }
    };
    fs::write(&path, &bytes).unwrap();
    (Restored { path, good, stray }, what)
}
