//! Bodies that are written while they are read: a bounded channel of pieces.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use axum::body::{Body, Bytes};
use hyper::body::Frame;
use tokio::sync::mpsc;

/// Pieces on the way at most.
const PIECES: usize = 8;
/// Bytes of one piece.
const PIECE: usize = 64 * 1024;

type Piece = Result<Bytes, io::Error>;

struct Pieces(mpsc::Receiver<Piece>);

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}

/// A body and the way to fill it. An error breaks the connection off, so that nobody takes a part for the whole.
pub(crate) fn channel() -> (mpsc::Sender<Piece>, Body) {
    let (sender, receiver) = mpsc::channel(PIECES);
    (sender, Body::new(Pieces(receiver)))
}

/// Writes into a body from a thread that may block.
pub(crate) struct Writer {
    sender: mpsc::Sender<Piece>,
    piece: Vec<u8>,
}

impl Writer {
    pub(crate) fn new(sender: mpsc::Sender<Piece>) -> Writer {
        Writer { sender, piece: Vec::new() }
    }

    fn send(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = Bytes::from(std::mem::take(&mut self.piece));
        self.sender.blocking_send(Ok(piece)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send()
    }
}
