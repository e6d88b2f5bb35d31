//! The encryption of a backup, attacked: every byte changed, every length cut, parts moved, repeated and left out. And
//! which backups a schedule may let go.

use std::{
    fs,
    io::{Read as _, Write as _},
};

use domain::time::Timestamp;

use super::{Key, Manifest, Shelf, archive, sealed::Opener, sealed::Sealer};

/// As `sealed` has them.
const HEADER: usize = 60;
const PART: usize = 64 * 1024 + 16;

fn sealed(key: &Key, bytes: &[u8]) -> Vec<u8> {
    let mut sealer = Sealer::new(Vec::new(), key).unwrap();
    sealer.write_all(bytes).unwrap();
    sealer.finish().unwrap()
}

fn opened(key: &Key, bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let opener = Opener::new(bytes, key).map_err(|error| error.to_string());
    opener?.read_to_end(&mut out).map_err(|error| error.to_string())?;
    Ok(out)
}

#[test]
fn what_was_sealed_opens_at_every_length_around_a_part() {
    let key = Key::create().unwrap();
    for length in [0, 1, 65_535, 65_536, 65_537, 131_072, 200_000] {
        let bytes: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
        let file = sealed(&key, &bytes);
        assert!(opened(&key, &file).unwrap() == bytes, "{length}");
        assert_ne!(file, sealed(&key, &bytes), "each file has a key of its own");
    }
}

#[test]
fn every_changed_byte_is_found() {
    let key = Key::create().unwrap();
    let file = sealed(&key, b"a few words of a database");
    for at in 0..file.len() {
        for bit in [1, 0x80] {
            let mut changed = file.clone();
            changed[at] ^= bit;
            assert!(opened(&key, &changed).is_err(), "byte {at}");
        }
    }
}

#[test]
fn every_cut_and_every_addition_is_found() {
    let key = Key::create().unwrap();
    let file = sealed(&key, &[7; 150]);
    for length in 0..file.len() {
        assert!(opened(&key, &file[..length]).is_err(), "{length}");
    }
    assert!(opened(&key, &[&file[..], &[0]].concat()).is_err());
    // Also where the cut is between two parts.
    let large = sealed(&key, &[7; 200_000]);
    for parts in 1..=3 {
        let said = opened(&key, &large[..HEADER + parts * PART]).unwrap_err();
        assert!(said.contains("changed, moved or cut off"), "{said}");
    }
    assert!(opened(&key, &[&large[..], &large[HEADER..]].concat()).is_err());
}

#[test]
fn parts_that_are_moved_repeated_left_out_or_of_another_file_are_found() {
    let key = Key::create().unwrap();
    let (file, other) = (sealed(&key, &[7; 200_000]), sealed(&key, &[7; 200_000]));
    let part = |file: &[u8], number: usize| {
        let from = HEADER + number * PART;
        file[from..file.len().min(from + PART)].to_vec()
    };
    let all: Vec<Vec<u8>> = (0..4).map(|number| part(&file, number)).collect();
    let built = |order: &[&[u8]]| [&[&file[..HEADER]], order].concat().concat();
    assert!(opened(&key, &built(&[&all[0], &all[1], &all[2], &all[3]])).is_ok());
    assert!(opened(&key, &built(&[&all[1], &all[0], &all[2], &all[3]])).is_err());
    assert!(opened(&key, &built(&[&all[0], &all[0], &all[1], &all[2], &all[3]])).is_err());
    assert!(opened(&key, &built(&[&all[0], &all[2], &all[3]])).is_err());
    let foreign = part(&other, 1);
    assert!(opened(&key, &built(&[&all[0], &foreign, &all[2], &all[3]])).is_err());
}

#[test]
fn a_wrong_key_is_named_as_such() {
    let (key, other) = (Key::create().unwrap(), Key::create().unwrap());
    let said = opened(&other, &sealed(&key, b"words")).unwrap_err();
    assert!(
        said.starts_with("wrong key: ") && said.contains(&key.id()) && said.contains(&other.id()),
        "{said}"
    );
    assert!(!said.contains(key.text().trim_start_matches("rfbk_")));
}

#[test]
fn a_key_is_read_as_it_was_written() {
    let key = Key::create().unwrap();
    assert!(Key::parse(&format!("{}\n", key.text())).unwrap() == key);
    for text in ["", "rfbk_", "rfbk_00", &key.text()[1..], &key.text().replace("rfbk_", "rfbk_zz")] {
        assert!(Key::parse(text).is_err(), "{text}");
    }
}

#[test]
fn an_archive_that_breaks_off_or_goes_on_is_found() {
    let mut bytes = Vec::new();
    archive::put(&mut bytes, "a", 3, &mut &b"abc"[..]).unwrap();
    archive::put(&mut bytes, "b", 0, &mut &b""[..]).unwrap();
    let unended = bytes.clone();
    archive::end(&mut bytes).unwrap();
    let names = |bytes: &[u8]| {
        let mut names = Vec::new();
        archive::each(&mut &bytes[..], &mut |name, length, _| {
            names.push((name.to_owned(), length));
            Ok(())
        })
        .map(|()| names)
    };
    assert_eq!(names(&bytes).unwrap(), [("a".to_owned(), 3), ("b".to_owned(), 0)]);
    assert!(names(&unended).is_err());
    assert!(names(&bytes[..14]).is_err());
    assert!(names(&[&bytes[..], b"x"].concat()).is_err());
    assert!(archive::put(&mut Vec::new(), "a", 4, &mut &b"abc"[..]).is_err());
}

/// A shelf with backups that were made at these times, and are called so.
fn shelf(made_at: &[i64]) -> (tempfile::TempDir, Shelf) {
    let folder = tempfile::tempdir().unwrap();
    let shelf = Shelf::new(folder.path(), folder.path().join("backups"));
    let key = Key::create().unwrap();
    key.write(&shelf.key_file()).unwrap();
    fs::create_dir(folder.path().join("backups")).unwrap();
    for at in made_at {
        let text = String::new();
        let manifest = Manifest {
            format: super::FORMAT,
            id: format!("b{at}"),
            made_at: Timestamp(*at),
            version: text.clone(),
            log: text.clone(),
            incarnation: text.clone(),
            entries: 1,
            root: text.clone(),
            checkpoint: text.clone(),
            content: text,
            files: Vec::new(),
            blobs: 0,
            blob_bytes: 0,
        };
        let text = serde_json::to_vec(&manifest).unwrap();
        let mut bytes = Vec::new();
        archive::put(&mut bytes, "manifest.json", text.len() as u64, &mut &text[..]).unwrap();
        archive::end(&mut bytes).unwrap();
        fs::write(folder.path().join(format!("backups/b{at}.backup")), sealed(&key, &bytes)).unwrap();
    }
    (folder, shelf)
}

#[test]
fn the_newest_backup_from_before_what_is_not_over_stays_however_many_are_made_after() {
    let check = |onset: Option<i64>, expect: &[&str]| {
        let (folder, shelf) = shelf(&[10, 20, 30, 40, 50]);
        // One that does not open is neither counted nor removed.
        fs::write(folder.path().join("backups/odd.backup"), "nothing").unwrap();
        for _ in 0..2 {
            shelf.prune(2, onset.map(Timestamp)).unwrap();
            let mut left: Vec<String> = shelf.list().unwrap().into_iter().map(|listed| listed.id).collect();
            left.retain(|id| id != "odd");
            assert_eq!(left, expect, "{onset:?}");
            assert!(folder.path().join("backups/odd.backup").exists());
        }
    };
    check(None, &["b50", "b40"]);
    check(Some(60), &["b50", "b40"]);
    check(Some(45), &["b50", "b40"]);
    check(Some(30), &["b50", "b40", "b20"]);
    check(Some(25), &["b50", "b40", "b20"]);
    check(Some(10), &["b50", "b40"]);
}
