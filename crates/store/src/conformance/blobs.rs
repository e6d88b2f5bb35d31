//! Blobs.

use crate::{BlobId, Error, limits};

use super::Open;

use std::io::{self, Read};

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

/// A stream that gives some bytes and then breaks off.
struct Broken(usize);

impl Read for Broken {
    fn read(&mut self, part: &mut [u8]) -> io::Result<usize> {
        let read = self.0.min(part.len());
        self.0 -= read;
        part[..read].fill(1);
        if read == 0 { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(read) }
    }
}

pub(super) fn by_stream(open: Open<'_>) {
    let store = open();
    let bytes = vec![0x5a; (2 << 20) + 7];
    let id = BlobId::of(&bytes);
    let length = bytes.len() as u64;
    for _ in 0..2 {
        assert_eq!(store.put_blob_from(&mut bytes.as_slice(), length).expect("put"), (id, length));
    }
    let longer = store.put_blob_from(&mut [1; 9].as_slice(), 8);
    assert!(matches!(longer, Err(Error::Limit { .. })), "{longer:?}");
    let broken = store.put_blob_from(&mut Broken(100_000), u64::MAX);
    assert!(matches!(broken, Err(Error::NotWritten(_))), "{broken:?}");
    for nothing in [BlobId::of(&[1; 9]), BlobId::of(&[1; 100_000])] {
        assert!(store.open_blob(&nothing).expect("open").is_none());
    }
    drop(store);
    let store = open();
    let mut stream = store.open_blob(&id).expect("open").expect("it is there");
    assert_eq!(crate::hash(&mut stream).expect("read"), (id, length));
    assert!(store.blob(&id).expect("blob") == Some(bytes));
}
