//! Checking a bundle.

use std::io::BufRead;

use super::read::Item;
use super::{Entry, Reader, Scope};
use crate::leaf::EnvelopeRef;
use crate::note::VerifierKey;
use crate::tree::verify_inclusion;
use crate::verify::{EntryCheck, Findings, Source, open_checkpoint};
use crate::{Checkpoint, Error, Finding, Report, Verifier, leaf_hash};

/// Checks a bundle with the keys that the auditor trusts and the checkpoints that the auditor kept.
/// Without keys the bundle's own key is taken, and the report says so.
///
/// # Errors
/// [`Error::Io`] when `input` fails. Everything that is wrong with the bundle is a finding.
pub fn verify(
    input: impl BufRead,
    origin: Option<&str>,
    keys: &[VerifierKey],
    kept: &[&str],
) -> Result<Report, Error> {
    let mut reader = match Reader::new(input) {
        Ok(reader) => reader,
        Err(error @ Error::Io { .. }) => return Err(error),
        Err(error) => return Ok(unreadable(&error)),
    };
    let key_from_bundle = keys.is_empty();
    let own_key = [reader.header().key.clone()];
    let trusted = if key_from_bundle { &own_key } else { keys };
    let mut report = match reader.header().scope {
        Scope::Log => check_log(&mut reader, origin, trusted, kept)?,
        Scope::Range { .. } | Scope::Streams(_) => check_selection(&mut reader, origin, trusted, kept)?,
    };
    report.key_from_bundle = key_from_bundle;
    let header = reader.header();
    if !trusted.contains(&header.key) {
        report.findings.push(Finding::BundleKey { found: header.key.to_string() });
    }
    if let Some(checkpoint) = report.checkpoint.as_ref().filter(|c| c.origin != header.origin) {
        let detail = format!("the header names `{}`, the checkpoint `{}`", header.origin, checkpoint.origin);
        report.findings.push(Finding::BundleAltered { line: 1, detail });
    }
    Ok(report)
}

fn unreadable(error: &Error) -> Report {
    let mut report = Report::default();
    report.findings.push(Finding::BundleAltered { line: 1, detail: error.to_string() });
    report
}

fn check_log<R: BufRead>(
    reader: &mut Reader<R>,
    origin: Option<&str>,
    keys: &[VerifierKey],
    kept: &[&str],
) -> Result<Report, Error> {
    let mut verifier = Verifier::new(origin, keys.to_vec());
    verifier.push_checkpoint(reader.checkpoint());
    for note in kept {
        verifier.push_kept(note);
    }
    let mut position = 0;
    let mut findings = Findings::default();
    for_each_entry(reader, &mut findings, |entry, _| {
        if let Some(entry) = entry {
            verifier.push_entry(position, &entry.envelope, entry.body());
        }
        position += 1;
    })?;
    let mut report = verifier.finish();
    report.add(findings);
    Ok(report)
}

fn check_selection<R: BufRead>(
    reader: &mut Reader<R>,
    origin: Option<&str>,
    keys: &[VerifierKey],
    kept: &[&str],
) -> Result<Report, Error> {
    let mut findings = Findings::default();
    let mut origin = origin.map(str::to_owned);
    let checkpoint = open_checkpoint(Source::Log, reader.checkpoint(), &mut origin, keys, &mut findings);
    let mut report = Report::default();
    for note in kept {
        let Some(kept) = open_checkpoint(Source::Kept, note, &mut origin, keys, &mut findings) else {
            continue;
        };
        match checkpoint.as_ref().filter(|checkpoint| checkpoint.size == kept.size) {
            Some(checkpoint) if checkpoint.root == kept.root => report.kept_agreed += 1,
            Some(checkpoint) => {
                let (kept_root, computed) = (kept.root, checkpoint.root);
                findings.push(Finding::Fork { size: kept.size, kept: kept_root, computed });
            }
            None => findings.push(Finding::KeptNotCovered { size: kept.size }),
        }
    }
    let mut selection = Selection::new(reader.header().scope.clone(), checkpoint);
    for_each_entry(reader, &mut findings, |entry, findings| match entry {
        Some(entry) => selection.check(&entry, findings),
        None => selection.skip(),
    })?;
    selection.finish(&mut findings);
    report.entries = selection.entries.entries;
    report.redacted = selection.entries.redacted;
    report.checkpoint = selection.checkpoint;
    report.add(findings);
    Ok(report)
}

/// Hands on each entry, `None` for one that cannot be read, and reports what is wrong with the lines.
fn for_each_entry<R: BufRead>(
    reader: &mut Reader<R>,
    findings: &mut Findings,
    mut take: impl FnMut(Option<Entry>, &mut Findings),
) -> Result<(), Error> {
    loop {
        match reader.item()? {
            Item::Entry(entry) => take(Some(entry), findings),
            Item::Altered(line, detail) => {
                findings.push(Finding::BundleAltered { line, detail });
                take(None, findings);
            }
            Item::End(Ok(())) => return Ok(()),
            Item::End(Err(detail)) => {
                let line = reader.line_number().saturating_sub(1);
                findings.push(Finding::BundleAltered { line, detail });
                return Ok(());
            }
            Item::CutOff => {
                findings.push(Finding::BundleTruncated { entries: reader.entries() });
                return Ok(());
            }
        }
    }
}

/// The check of a bundle that does not hold the whole log.
struct Selection {
    scope: Scope,
    checkpoint: Option<Checkpoint>,
    entries: EntryCheck,
    /// Position that the next entry must have at least; in a range, exactly.
    next: u64,
}

impl Selection {
    fn new(scope: Scope, checkpoint: Option<Checkpoint>) -> Self {
        let (entries, next) = match scope {
            Scope::Range { from, .. } => (EntryCheck::range(), from),
            Scope::Log | Scope::Streams(_) => (EntryCheck::whole_log(), 0),
        };
        Self { scope, checkpoint, entries, next }
    }

    /// Passes over an entry that cannot be read.
    fn skip(&mut self) {
        self.next = self.next.saturating_add(1);
    }

    fn check(&mut self, entry: &Entry, findings: &mut Findings) {
        let envelope = EnvelopeRef::decode(&entry.envelope).ok();
        let position = envelope.map_or(self.next, |envelope| envelope.position);
        self.entries.check(position, &entry.envelope, entry.body(), findings);
        self.check_scope(position, envelope, findings);
        self.next = position.saturating_add(1);
        let Some(checkpoint) = &self.checkpoint else { return };
        let proof = entry.proof.as_deref().unwrap_or_default();
        let leaf = leaf_hash(&entry.envelope);
        let verified = verify_inclusion(&leaf, position, checkpoint.size, proof, &checkpoint.root);
        if let Err(error) = verified {
            findings.push(Finding::NotIncluded { position, detail: error.to_string() });
        }
    }

    fn check_scope(&self, position: u64, envelope: Option<EnvelopeRef<'_>>, findings: &mut Findings) {
        let detail = match &self.scope {
            Scope::Range { from, to } if position < *from || position >= *to => {
                format!("it is outside the range {from}..{to}")
            }
            Scope::Range { .. } if position > self.next => {
                findings.push(Finding::Gap { first: self.next, last: position - 1 });
                return;
            }
            Scope::Streams(streams) if !holds(streams, envelope) => "its stream was not selected".to_owned(),
            Scope::Log | Scope::Range { .. } | Scope::Streams(_) => {
                if position < self.next {
                    findings.push(Finding::Duplicate { position });
                }
                return;
            }
        };
        findings.push(Finding::OutOfScope { position, detail });
    }

    fn finish(&self, findings: &mut Findings) {
        match self.scope {
            Scope::Range { to, .. } if self.next < to => {
                findings.push(Finding::Gap { first: self.next, last: to - 1 });
            }
            Scope::Log | Scope::Range { .. } | Scope::Streams(_) => {}
        }
    }
}

/// An envelope that cannot be read is reported elsewhere.
fn holds(streams: &[String], envelope: Option<EnvelopeRef<'_>>) -> bool {
    envelope.is_none_or(|envelope| streams.iter().any(|stream| stream == envelope.stream))
}
