//! Blobs.

use crate::{BlobId, Error, limits};

use super::Open;

pub(super) fn by_hash(open: Open<'_>) {
    let store = open();
    let kept: Vec<Vec<u8>> = vec![Vec::new(), b"blob".to_vec(), vec![0xa5; 3 << 20]];
    for bytes in &kept {
        assert_eq!(store.blob(&BlobId::of(bytes)).expect("blob"), None);
        for _ in 0..2 {
            assert_eq!(store.put_blob(bytes).expect("put a blob"), BlobId::of(bytes));
        }
    }
    let refused = store.put_blob(&vec![0; limits::BLOB + 1]);
    assert!(matches!(refused, Err(Error::Limit { .. })), "{refused:?}");
    drop(store);
    let store = open();
    for bytes in kept {
        assert!(store.blob(&BlobId::of(&bytes)).expect("blob") == Some(bytes));
    }
    assert_eq!(store.blob(&BlobId([7; 32])).expect("blob"), None);
}
