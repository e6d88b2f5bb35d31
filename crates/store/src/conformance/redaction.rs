//! Redaction leaves the envelope and the position, and nothing of salt and body.

use crate::{Batch, Stored};

use super::{Open, all, append, entry, opened, stored};

pub(super) fn takes_the_content(open: Open<'_>) {
    let (store, epoch) = opened(open);
    append(&*store, epoch, 0, 5);
    let batch = Batch { epoch, expected: 5, redact: vec![1, 3], ..Batch::default() };
    assert_eq!(store.append(&batch).expect("redact"), 5);
    let expect = [stored(0), redacted(1), stored(2), redacted(3), stored(4)];
    assert_eq!(all(&*store), expect);
    assert_eq!(store.append(&batch).expect("redact again"), 5);
    assert_eq!(all(&*store), expect);
    drop(store);
    assert_eq!(all(&*open()), expect);
}

pub(super) fn with_the_batch(open: Open<'_>) {
    let (store, epoch) = opened(open);
    append(&*store, epoch, 0, 2);
    let entries = vec![entry(2), entry(3)];
    let batch = Batch { epoch, expected: 2, entries, redact: vec![0, 3, 0], ..Batch::default() };
    assert_eq!(store.append(&batch).expect("append and redact"), 4);
    assert_eq!(all(&*store), [redacted(0), stored(1), stored(2), redacted(3)]);
}

fn redacted(number: u64) -> Stored {
    Stored { content: None, ..stored(number) }
}
