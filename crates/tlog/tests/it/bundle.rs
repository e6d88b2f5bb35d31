//! Bundles: they come back, and every alteration and truncation is found.

use tlog::bundle::{self, Header, Reader, Scope, Writer};
use tlog::leaf::Envelope;
use tlog::verify::{Finding, Report};
use tlog::{SigningKey, VerifierKey};

use crate::log::{Log, ORIGIN, key, keys};

/// Exports the entries that `scope` selects, proven by the checkpoint of size `sealed`.
fn export(log: &Log, sealed: u64, scope: &Scope) -> Vec<u8> {
    let header = Header { origin: ORIGIN.into(), key: key().verifier().clone(), scope: scope.clone() };
    let mut writer = Writer::new(Vec::new(), &header, &log.checkpoint(sealed)).unwrap();
    for stored in &log.entries {
        let envelope = Envelope::decode(&stored.envelope).unwrap();
        let position = envelope.position;
        let selected = match scope {
            Scope::Log => true,
            Scope::Range { from, to } => (*from..*to).contains(&position),
            Scope::Streams(streams) => streams.contains(&envelope.stream) && position < sealed,
        };
        if selected {
            let proof = (*scope != Scope::Log).then(|| log.proof(position, sealed));
            writer.entry(&stored.envelope, stored.body(), proof.as_deref()).unwrap();
        }
    }
    writer.finish().unwrap()
}

fn scopes() -> [Scope; 3] {
    let streams = vec!["incident/0".to_owned(), "incident/2".to_owned()];
    [Scope::Log, Scope::Range { from: 5, to: 17 }, Scope::Streams(streams)]
}

fn check(bundle: &[u8]) -> Report {
    bundle::verify(bundle, Some(ORIGIN), &keys(), &[]).unwrap()
}

#[test]
fn good_bundles_have_no_findings() {
    let log = Log::new(24, 0);
    for (scope, entries) in scopes().iter().zip([24, 12, 16]) {
        let bundle = export(&log, 24, scope);
        let report = check(&bundle);
        assert!(report.is_clean(), "{report}");
        assert_eq!(report.entries, entries);
        assert!(report.redacted > 0);
        assert_eq!(report.checkpoint.unwrap().size, 24);
    }
    let report = check(&export(&log, 20, &Scope::Log));
    assert!(report.is_clean());
    assert_eq!(report.unsealed, 4);
    assert!(check(&export(&Log::new(0, 0), 0, &Scope::Log)).is_clean());
}

#[test]
fn a_bundle_is_read_back_as_written() {
    let log = Log::new(9, 0);
    let bundle = export(&log, 9, &Scope::Log);
    let mut reader = Reader::new(&bundle[..]).unwrap();
    assert_eq!((reader.header().scope.clone(), reader.checkpoint()), (Scope::Log, &*log.checkpoint(9)));
    for stored in &log.entries {
        let entry = reader.entry().unwrap().unwrap();
        assert_eq!((entry.envelope, entry.body), (stored.envelope.clone(), stored.body.clone()));
    }
    assert!(reader.entry().unwrap().is_none());
}

#[test]
fn every_truncation_is_found() {
    let log = Log::new(6, 0);
    let bundle = export(&log, 6, &Scope::Log);
    for length in 0..bundle.len() {
        let report = check(&bundle[..length]);
        assert!(!report.is_clean(), "a bundle cut to {length} bytes was accepted");
    }
    let lines: Vec<&[u8]> = bundle.split_inclusive(|byte| *byte == b'\n').collect();
    for removed in 0..lines.len() {
        let mut rest = lines.clone();
        rest.remove(removed);
        assert!(!check(&rest.concat()).is_clean(), "line {removed} can be removed");
        rest.insert(removed, lines[removed]);
        rest.insert(removed, lines[removed]);
        assert!(!check(&rest.concat()).is_clean(), "line {removed} can be repeated");
    }
    let cut = check(&lines[..5].concat()).findings;
    assert!(cut.contains(&Finding::BundleTruncated { entries: 3 }), "{cut:?}");
}

#[test]
fn every_altered_byte_is_found() {
    let log = Log::new(8, 0);
    for scope in [Scope::Log, Scope::Range { from: 2, to: 5 }, Scope::Streams(vec!["incident/1".into()])] {
        let bundle = export(&log, 8, &scope);
        for at in 0..bundle.len() {
            for mask in [0x01, 0x20, 0x80] {
                let mut altered = bundle.clone();
                altered[at] ^= mask;
                assert!(!check(&altered).is_clean(), "byte {at} of {scope:?} can be altered by {mask}");
            }
        }
    }
}

/// An attacker fits the last line to the alteration; the entry is still named.
#[test]
fn alterations_with_a_fitting_last_line_are_named() {
    let log = Log::new(24, 0);
    for scope in scopes() {
        let mut altered = log.clone();
        altered.entries[8].body = Some((vec![1; 16], b"another".to_vec()));
        let findings = check(&export(&altered, 24, &scope)).findings;
        assert_eq!(findings, [Finding::BodyAltered { position: 8 }]);

        let mut altered = log.clone();
        let other = Log::new(24, 1);
        altered.entries[8] = other.entries[8].clone();
        let findings = check(&export(&altered, 24, &scope)).findings;
        let named = findings.iter().any(|finding| {
            matches!(finding, Finding::NotIncluded { position: 8, .. } | Finding::RootMismatch { .. })
        });
        assert!(named, "{findings:?}");
    }
}

#[test]
fn entries_left_out_of_a_selection_are_named() {
    let log = Log::new(24, 0);
    let mut fewer = log.clone();
    fewer.entries.remove(9);
    let range = check(&export(&fewer, 24, &Scope::Range { from: 5, to: 17 })).findings;
    assert!(range.contains(&Finding::Gap { first: 9, last: 9 }), "{range:?}");
    let streams = check(&export(&fewer, 24, &Scope::Streams(vec!["incident/0".into()]))).findings;
    assert!(matches!(&streams[..], [Finding::SeqGap { position: 12, .. }]), "{streams:?}");
    fewer.entries.truncate(12);
    let range = check(&export(&fewer, 24, &Scope::Range { from: 11, to: 17 })).findings;
    assert!(range.contains(&Finding::Gap { first: 13, last: 16 }), "{range:?}");
}

#[test]
fn the_key_of_a_bundle_is_trusted_only_if_the_auditor_says_so() {
    let bundle = export(&Log::new(4, 0), 4, &Scope::Log);
    let report = bundle::verify(&bundle[..], None, &[], &[]).unwrap();
    assert!(report.is_clean() && report.key_from_bundle);
    let stranger = SigningKey::from_seed(ORIGIN, &[1; 32]).unwrap().verifier().clone();
    let report = bundle::verify(&bundle[..], None, &[stranger], &[]).unwrap();
    assert!(report.findings.iter().any(|finding| matches!(finding, Finding::BundleKey { .. })), "{report}");
    assert!(report.findings.iter().any(|finding| matches!(finding, Finding::CheckpointRefused { .. })));
}

#[test]
fn kept_checkpoints_are_compared() {
    let (log, rewritten) = (Log::new(12, 0), Log::new(12, 1));
    let with_kept = |scope: &Scope, kept: &str| {
        bundle::verify(&export(&log, 12, scope)[..], None, &keys(), &[kept]).unwrap()
    };
    let range = Scope::Range { from: 0, to: 3 };
    assert!(with_kept(&Scope::Log, &log.checkpoint(7)).is_clean());
    assert!(with_kept(&range, &log.checkpoint(12)).is_clean());
    let fork = with_kept(&Scope::Log, &rewritten.checkpoint(7)).findings;
    assert!(matches!(fork[..], [Finding::Fork { size: 7, .. }]));
    let fork = with_kept(&range, &rewritten.checkpoint(12)).findings;
    assert!(matches!(fork[..], [Finding::Fork { size: 12, .. }]));
    assert_eq!(with_kept(&range, &log.checkpoint(7)).findings, [Finding::KeptNotCovered { size: 7 }]);
}

#[test]
fn what_the_format_cannot_hold_is_not_written() {
    let log = Log::new(1, 0);
    let key: VerifierKey = key().verifier().clone();
    let header = Header { origin: ORIGIN.into(), key, scope: Scope::Log };
    let mut writer = Writer::new(Vec::new(), &header, &log.checkpoint(1)).unwrap();
    let stored = &log.entries[0];
    assert!(writer.entry(b"{}", None, None).is_err());
    assert!(writer.entry(&stored.envelope, None, Some(&[])).is_err());
    let short = tlog::leaf::Body { salt: &[0; 15], body: b"" };
    assert!(writer.entry(&stored.envelope, Some(short), None).is_err());
    assert!(writer.entry(&stored.envelope, stored.body(), None).is_ok());
    assert!(Reader::new(&b"{\"bundle\":2}\n"[..]).is_err());
    assert!(Reader::new(&b"\xff\n\n"[..]).is_err());
}
