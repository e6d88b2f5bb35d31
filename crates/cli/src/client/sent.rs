//! What a request carries: a text, or a file that is read as it is sent.

use std::{
    fs::File,
    io::Read as _,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use anyhow::Context as _;
use hyper::body::{Body, Bytes, Frame, SizeHint};

const PART: usize = 64 * 1024;
/// A file of the largest size over a slow line.
const FILE_TIMEOUT: Duration = Duration::from_secs(2 * 3_600);

#[derive(Default)]
pub(super) enum Sent {
    #[default]
    Nothing,
    Text(Bytes),
    File {
        file: File,
        left: u64,
    },
}

impl Sent {
    pub(super) fn text(text: String) -> Sent {
        Sent::Text(text.into())
    }

    /// Of the length that it has now.
    pub(super) fn file(file: File) -> anyhow::Result<Sent> {
        let about = file.metadata().context("cannot tell the length of the file")?;
        anyhow::ensure!(about.is_file(), "what is sent has to be a file");
        Ok(Sent::File { file, left: about.len() })
    }

    pub(super) fn media(&self) -> &'static str {
        match self {
            Sent::Nothing | Sent::Text(_) => "application/json",
            Sent::File { .. } => "application/octet-stream",
        }
    }

    pub(super) fn patience(&self) -> Duration {
        match self {
            Sent::Nothing | Sent::Text(_) => super::TIMEOUT,
            Sent::File { .. } => FILE_TIMEOUT,
        }
    }

    fn length(&self) -> u64 {
        match self {
            Sent::Nothing => 0,
            Sent::Text(text) => text.len() as u64,
            Sent::File { left, .. } => *left,
        }
    }

    fn next(&mut self) -> std::io::Result<Bytes> {
        match self {
            Sent::Nothing => Ok(Bytes::new()),
            Sent::Text(text) => Ok(std::mem::take(text)),
            Sent::File { file, left } => {
                let wanted = usize::try_from(*left).unwrap_or(PART).min(PART);
                let mut part = vec![0; wanted];
                // A file that became shorter breaks the request off.
                file.read_exact(&mut part)?;
                *left -= wanted as u64;
                Ok(part.into())
            }
        }
    }
}

impl Body for Sent {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        if self.length() == 0 {
            return Poll::Ready(None);
        }
        Poll::Ready(Some(self.next().map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.length() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length())
    }
}
