//! What the check of a whole log finds, and that it finds nothing in a good one.

use tlog::leaf::Envelope;
use tlog::tile::tiles;
use tlog::verify::{Finding, MAX_FINDINGS, Report, Source};
use tlog::{Checkpoint, SigningKey, Verifier, leaf_hash, tree};

use crate::log::{Log, ORIGIN, Stored, key, keys};

/// Checks `log` against its checkpoint of size `sealed`, the kept ones, and all its tiles.
fn check(log: &Log, sealed: u64, kept: &[&str]) -> Report {
    check_entries(&log.entries, &[&log.checkpoint(sealed)], kept)
}

fn check_entries(entries: &[Stored], checkpoints: &[&str], kept: &[&str]) -> Report {
    let mut verifier = Verifier::new(Some(ORIGIN), keys());
    checkpoints.iter().for_each(|note| verifier.push_checkpoint(note));
    kept.iter().for_each(|note| verifier.push_kept(note));
    for (position, stored) in (0..).zip(entries) {
        verifier.push_entry(position, &stored.envelope, stored.body());
    }
    verifier.finish()
}

fn altered(stored: &Stored, change: impl Fn(&mut Envelope)) -> Stored {
    let mut envelope = Envelope::decode(&stored.envelope).unwrap();
    change(&mut envelope);
    let mut bytes = Vec::new();
    envelope.encode(&mut bytes).unwrap();
    Stored { envelope: bytes, body: stored.body.clone() }
}

#[test]
fn good_logs_of_every_small_size_have_no_findings() {
    let log = Log::new(40, 0);
    for size in 0..=40 {
        let part = Log::new(size, 0);
        for sealed in [0, size / 2, size] {
            let kept = [log.checkpoint(0), log.checkpoint(sealed / 2), log.checkpoint(sealed)];
            let kept: Vec<&str> = kept.iter().map(String::as_str).collect();
            let report = check(&part, sealed, &kept);
            assert!(report.is_clean(), "{report}");
            assert_eq!((report.entries, report.unsealed, report.kept_agreed), (size, size - sealed, 3));
            assert_eq!(report.root, Some(log.root(size)));
            assert_eq!(report.redacted, (0..size).filter(|position| position % 7 == 6).count() as u64);
        }
    }
}

#[test]
fn a_good_log_with_all_its_tiles_has_no_findings() {
    for size in [1, 255, 256, 257, 600] {
        let log = Log::new(size, 0);
        let mut verifier = Verifier::new(None, keys());
        verifier.push_checkpoint(&log.checkpoint(size));
        // Tiles of earlier sizes may lie about too.
        for tile in tiles(size).chain(tiles(size / 2)) {
            verifier.push_tile(&tile, &log.tile(&tile));
        }
        for (position, stored) in (0..).zip(&log.entries) {
            verifier.push_entry(position, &stored.envelope, stored.body());
        }
        let report = verifier.finish();
        assert!(report.is_clean(), "{report}");
    }
}

#[test]
fn an_altered_body_or_salt_is_named() {
    for part in 0..2 {
        let mut log = Log::new(20, 0);
        let Some((salt, body)) = &mut log.entries[11].body else { panic!("not redacted") };
        if part == 0 {
            body[3] ^= 1
        } else {
            salt[3] ^= 1
        }
        assert_eq!(check(&log, 20, &[]).findings, [Finding::BodyAltered { position: 11 }]);
    }
}

#[test]
fn an_altered_envelope_is_found_by_the_root_and_placed_by_checkpoints_and_tiles() {
    let log = Log::new(300, 0);
    let mut entries = log.entries.clone();
    entries[290] = altered(&entries[290], |envelope| envelope.actor = "person/0-0".into());
    let mut verifier = Verifier::new(Some(ORIGIN), keys());
    verifier.push_checkpoint(&log.checkpoint(300));
    verifier.push_checkpoint(&log.checkpoint(128));
    tiles(300).for_each(|tile| verifier.push_tile(&tile, &log.tile(&tile)));
    for (position, stored) in (0..).zip(&entries) {
        verifier.push_entry(position, &stored.envelope, stored.body());
    }
    let leaves = entries.iter().map(|stored| leaf_hash(&stored.envelope));
    let computed = tree::root_of(leaves);
    let report = verifier.finish();
    let text = report.to_string();
    assert!(text.contains("tile/0/001.p/44: hash 34 is not that of entry 290"), "{text}");
    assert!(text.contains("an entry from 128 to 299 was altered"), "{text}");
    assert!(report.findings.contains(&Finding::RootMismatch {
        size: 300,
        stated: log.root(300),
        computed,
        unaltered: 128
    }));
    assert_eq!(report.findings.len(), 2);
}

#[test]
fn bytes_that_are_no_envelope_are_named() {
    let mut log = Log::new(5, 0);
    log.entries[2].envelope[0] = b'[';
    let findings = check(&log, 5, &[]).findings;
    assert!(matches!(findings[0], Finding::EnvelopeAltered { position: 2, .. }), "{findings:?}");
}

#[test]
fn missing_repeated_and_moved_entries_are_named() {
    let log = Log::new(12, 0);
    let note = log.checkpoint(12);
    let push = |order: &[usize]| {
        let mut verifier = Verifier::new(Some(ORIGIN), keys());
        verifier.push_checkpoint(&note);
        for position in order {
            let stored = &log.entries[*position];
            verifier.push_entry(*position as u64, &stored.envelope, stored.body());
        }
        verifier.finish().findings
    };
    let gap = push(&[0, 1, 2, 3, 6, 7, 8, 9, 10, 11]);
    assert!(gap.contains(&Finding::Gap { first: 4, last: 5 }), "{gap:?}");
    assert!(gap.iter().any(|finding| matches!(finding, Finding::SeqGap { .. })));
    let twice = push(&[0, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    assert_eq!(twice, [Finding::Duplicate { position: 2 }]);

    let mut entries = log.entries.clone();
    entries.swap(4, 5);
    let moved = check_entries(&entries, &[&note], &[]).findings;
    assert!(moved.contains(&Finding::WrongPosition { position: 4, stated: 5 }), "{moved:?}");
    entries = log.entries.clone();
    entries.remove(4);
    let removed = check_entries(&entries, &[&note], &[]).findings;
    assert!(removed.contains(&Finding::Truncated { size: 12, entries: 11 }), "{removed:?}");
}

#[test]
fn numbers_and_times_that_do_not_follow_are_named() {
    let log = Log::new(12, 0);
    let mut entries = log.entries.clone();
    entries[4] = altered(&entries[4], |envelope| {
        envelope.seq += 1;
        envelope.time_us -= 100;
    });
    let findings = check_entries(&entries, &[&log.checkpoint(12)], &[]).findings;
    let stream = "incident/1".to_owned();
    let seq = Finding::SeqGap { position: 4, stream, expected: 2, found: 3 };
    assert!(findings.contains(&seq), "{findings:?}");
    assert!(findings.iter().any(|f| matches!(f, Finding::TimeBackward { position: 4, .. })), "{findings:?}");
}

#[test]
fn altered_tiles_are_named() {
    let log = Log::new(600, 0);
    for altered in tiles(600) {
        let mut verifier = Verifier::new(Some(ORIGIN), keys());
        verifier.push_checkpoint(&log.checkpoint(600));
        let mut bytes = log.tile(&altered);
        let last = bytes.len() - 1;
        bytes[last] ^= 0x80;
        verifier.push_tile(&altered, &bytes);
        verifier.push_tile(&altered, &bytes[..last]);
        for (position, stored) in (0..).zip(&log.entries) {
            verifier.push_entry(position, &stored.envelope, stored.body());
        }
        verifier.push_tile(&altered, &bytes);
        let findings = verifier.finish().findings;
        assert!(matches!(&findings[0], Finding::TileAltered { tile, .. } if *tile == altered));
        let mismatch = Finding::TileMismatch { tile: altered, offset: altered.width - 1 };
        assert!(findings.contains(&mismatch), "{findings:?}");
    }
}

#[test]
fn tiles_that_cannot_be_checked_are_named() {
    let log = Log::new(600, 0);
    let mut verifier = Verifier::new(Some(ORIGIN), keys());
    verifier.push_checkpoint(&log.checkpoint(300));
    let beyond = tlog::tile::Tile::hashes(0, 1, 600).unwrap();
    verifier.push_tile(&beyond, &log.tile(&beyond));
    for (position, stored) in (0..).zip(&log.entries[..300]) {
        verifier.push_entry(position, &stored.envelope, stored.body());
    }
    let late = tlog::tile::Tile::hashes(0, 0, 600).unwrap();
    verifier.push_tile(&late, &log.tile(&late));
    let findings = verifier.finish().findings;
    assert_eq!(findings, [Finding::TileLate { tile: late }, Finding::TileBeyond { tile: beyond }]);
}

#[test]
fn a_log_cut_off_is_named() {
    let log = Log::new(20, 0);
    let findings = check_entries(&log.entries[..15], &[&log.checkpoint(20)], &[]).findings;
    assert_eq!(findings, [Finding::Truncated { size: 20, entries: 15 }]);
    let findings = check_entries(&log.entries[..15], &[&log.checkpoint(15)], &[&log.checkpoint(20)]).findings;
    assert_eq!(findings, [Finding::Rollback { kept: 20, sealed: 15, entries: 15 }]);
    let findings = check_entries(&log.entries, &[&log.checkpoint(15)], &[&log.checkpoint(20)]).findings;
    assert_eq!(findings, [Finding::Rollback { kept: 20, sealed: 15, entries: 20 }]);
    let findings = check_entries(&log.entries, &[], &[]).findings;
    assert_eq!(findings, [Finding::NoCheckpoint { entries: 20 }]);
}

#[test]
fn a_rewritten_and_signed_log_is_found_by_a_kept_checkpoint() {
    let (log, rewritten) = (Log::new(20, 0), Log::new(25, 1));
    assert!(check(&rewritten, 25, &[]).is_clean());
    let findings = check(&rewritten, 25, &[&log.checkpoint(13)]).findings;
    let fork = Finding::Fork { size: 13, kept: log.root(13), computed: rewritten.root(13) };
    assert_eq!(findings, [fork]);
}

#[test]
fn checkpoints_that_nobody_should_trust_are_named() {
    let log = Log::new(10, 0);
    let refused = |note: &str| {
        let findings = check_entries(&log.entries, &[note], &[]).findings;
        assert_eq!(findings.len(), 1, "{findings:?}");
        findings[0].to_string()
    };
    let stranger = SigningKey::from_seed(ORIGIN, &[1; 32]).unwrap();
    let note = Checkpoint::new(ORIGIN, 10, log.root(10)).sign(&stranger).unwrap();
    assert!(refused(&note).contains("none of the known keys"));
    let altered = log.checkpoint(10).replacen("\n10\n", "\n11\n", 1);
    assert!(refused(&altered).contains("does not fit the text"));
    assert!(refused("nothing").contains("cannot read note"));
    let other = Checkpoint::new("other.example/log", 10, log.root(10)).sign(&key()).unwrap();
    assert!(refused(&other).contains("belongs to the log `other.example/log`"));
    let report = check_entries(&log.entries, &[&log.checkpoint(10)], &[&altered]);
    assert!(matches!(&report.findings[..], [Finding::CheckpointRefused { from: Source::Kept, .. }]));
}

#[test]
fn a_checkpoint_after_its_entries_is_said_to_be_unchecked() {
    let log = Log::new(10, 0);
    let mut verifier = Verifier::new(Some(ORIGIN), keys());
    verifier.push_checkpoint(&log.checkpoint(0));
    for (position, stored) in (0..).zip(&log.entries) {
        verifier.push_entry(position, &stored.envelope, stored.body());
    }
    verifier.push_kept(&log.checkpoint(10));
    verifier.push_kept(&log.checkpoint(9));
    let findings = verifier.finish().findings;
    assert!(findings.contains(&Finding::CheckpointLate { from: Source::Kept, size: 9 }), "{findings:?}");
}

#[test]
fn findings_are_bounded() {
    let mut log = Log::new(2000, 0);
    log.entries.iter_mut().for_each(|stored| stored.body = Some((vec![], vec![])));
    let report = check(&log, 2000, &[]);
    assert_eq!(report.findings.len(), MAX_FINDINGS);
    assert_eq!(report.suppressed, 1000);
    assert!(report.to_string().ends_with("and 1000 more findings"));
}

#[test]
fn findings_have_names_for_machines() {
    let tile = tlog::tile::Tile::hashes(0, 0, 12).unwrap();
    let finding = Finding::TileMismatch { tile, offset: 3 };
    let json = serde_json::to_string(&finding).unwrap();
    assert_eq!(json, r#"{"finding":"tile_mismatch","tile":"tile/0/000.p/12","offset":3}"#);
    let json = serde_json::to_value(check(&Log::new(2, 0), 2, &[])).unwrap();
    assert_eq!(json["checkpoint"]["size"], 2);
    assert_eq!(json["root"].as_str().unwrap().len(), 64);
}
