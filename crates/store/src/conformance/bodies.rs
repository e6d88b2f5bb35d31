//! Large bodies and values, and pages that end before they fill the memory.

use crate::{Batch, Entry, Table, limits};

use super::{Open, opened, put};

pub(super) fn large(open: Open<'_>) {
    let (store, epoch) = opened(open);
    let body: Vec<u8> = (0..limits::BODY).map(|n| (n % 251) as u8).collect();
    let entries = vec![
        Entry { envelope: vec![1; limits::ENVELOPE], salt: [1; 16], body: body.clone() },
        Entry { envelope: Vec::new(), salt: [2; 16], body: Vec::new() },
    ];
    let rows = vec![put(1, b"large", &body)];
    let batch = Batch { epoch, expected: 0, entries, rows, ..Batch::default() };
    assert_eq!(store.append(&batch).expect("append"), 2);
    drop(store);
    let store = open();
    let found = store.read(0, 2).expect("read");
    assert!(found[0].content == Some(([1; 16], body.clone())), "the large body");
    assert_eq!(found[1].content, Some(([2; 16], Vec::new())), "an empty body is not a redacted one");
    assert!(store.row(Table(1), b"large").expect("row") == Some(body), "the large value");
}

pub(super) fn pages_by_bytes(open: Open<'_>) {
    let (store, epoch) = opened(open);
    let body = vec![3; limits::PAGE_BYTES / 4];
    for expected in 0..6 {
        let entries = vec![Entry { envelope: Vec::new(), salt: [0; 16], body: body.clone() }];
        let rows = vec![put(1, &[expected], &body)];
        let batch = Batch { epoch, expected: u64::from(expected), entries, rows, ..Batch::default() };
        store.append(&batch).expect("append");
    }
    let entries = [0, 4].map(|from| store.read(from, 100).expect("read").len());
    assert_eq!(entries, [4, 2], "pages of entries");
    let range = crate::Range::all();
    assert!(
        (3..=4).contains(&store.rows(Table(1), &range, 100).expect("rows").len()),
        "the first page of rows"
    );
    assert_eq!(store.rows(Table(1), &range.after([3]), 100).expect("rows").len(), 2, "the last page of rows");
}
