//! Files that somebody offers: taken in as a stream, looked at on the way, and never unpacked.
//!
//! What a file is is told by its first bytes, by a table of magic numbers; whether it is text, by all of them. Nothing
//! that arrives is believed: not the length, not the media type, not the name.

mod magic;

use std::{
    io::{self, Read},
    time::Duration,
};

use axum::body::{Body, Bytes};
use domain::limits::FileKind;
use http_body_util::BodyExt as _;
use tokio::{sync::mpsc, time::timeout};

pub(crate) use magic::Told;

/// Some part has to come within this time.
const PART_TIMEOUT: Duration = Duration::from_secs(20);
/// All of it has to have come within this time.
const WHOLE_TIMEOUT: Duration = Duration::from_secs(3_600);
/// Parts on the way between the connection and the disk.
const PARTS: usize = 4;
/// The bytes by which a type is told.
const HEAD: usize = 8 * 1024;

/// Moves a body to a reader that may block; ends when either side does.
pub(crate) fn reader(body: Body) -> Parts {
    let (sender, parts) = mpsc::channel(PARTS);
    tokio::spawn(async move {
        let late = |_| Err(io::Error::new(io::ErrorKind::TimedOut, "the file did not arrive in time"));
        let failed = match timeout(WHOLE_TIMEOUT, forward(body, &sender)).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => Err(error),
            Err(elapsed) => late(elapsed),
        };
        drop(sender.send(failed).await);
    });
    Parts { parts, part: Bytes::new(), ended: false }
}

/// Ends with an empty part, so that a task that is gone is not taken for the end of the file.
async fn forward(mut body: Body, sender: &mpsc::Sender<io::Result<Bytes>>) -> io::Result<()> {
    let broken = |why: &str| io::Error::new(io::ErrorKind::ConnectionReset, why.to_owned());
    loop {
        let frame = timeout(PART_TIMEOUT, body.frame()).await;
        let frame = frame.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "the file did not go on"))?;
        let part = match frame {
            None => Bytes::new(),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(part) if part.is_empty() => continue,
                Ok(part) => part,
                Err(_) => continue,
            },
            Some(Err(_)) => return Err(broken("the file broke off")),
        };
        let last = part.is_empty();
        if sender.send(Ok(part)).await.is_err() || last {
            return Ok(());
        }
    }
}

/// The blocking end of a body.
pub(crate) struct Parts {
    parts: mpsc::Receiver<io::Result<Bytes>>,
    part: Bytes,
    ended: bool,
}

impl Read for Parts {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.part.is_empty() && !self.ended {
            let gone = || Err(io::Error::new(io::ErrorKind::ConnectionReset, "the file broke off"));
            self.part = self.parts.blocking_recv().unwrap_or_else(gone)?;
            self.ended = self.part.is_empty();
        }
        let read = self.part.len().min(into.len());
        into[..read].copy_from_slice(&self.part.split_to(read));
        Ok(read)
    }
}

/// What was seen of a file, once it is there.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    /// What its bytes say that it is.
    pub(crate) media: Option<&'static str>,
    pub(crate) kind: FileKind,
    /// Why it is not what it was said to be.
    pub(crate) disguised: Option<String>,
}

type Refuse = Box<dyn Fn(&Seen) -> Option<String> + Send>;

/// Looks at a file as it passes, and stops it at the end where the limits do not take it.
pub(crate) struct Look<R> {
    from: R,
    told: Told,
    head: Vec<u8>,
    text: Utf8,
    /// Says no to what was seen.
    refuse: Refuse,
    pub(crate) seen: Option<Seen>,
    pub(crate) refused: Option<String>,
    /// Why it did not come to its end.
    pub(crate) broke: Option<String>,
}

impl<R: Read> Look<R> {
    pub(crate) fn new(
        from: R,
        told: Told,
        refuse: impl Fn(&Seen) -> Option<String> + Send + 'static,
    ) -> Look<R> {
        let (head, text) = (Vec::new(), Utf8::default());
        Look { from, told, head, text, refuse: Box::new(refuse), seen: None, refused: None, broke: None }
    }

    fn end(&mut self) -> io::Result<()> {
        let seen = magic::judge(&self.told, &self.head, self.text.is_text());
        self.refused = (self.refuse)(&seen);
        self.seen = Some(seen);
        let refused = self.refused.clone();
        refused.map_or(Ok(()), |why| Err(io::Error::new(io::ErrorKind::PermissionDenied, why)))
    }
}

impl<R: Read> Read for Look<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(into).inspect_err(|error| self.broke = Some(error.to_string()))?;
        if read == 0 && !into.is_empty() {
            self.end()?;
        }
        let room = HEAD.saturating_sub(self.head.len()).min(read);
        self.head.extend_from_slice(&into[..room]);
        self.text.take(&into[..read]);
        Ok(read)
    }
}

/// Whether bytes that come in parts are text: UTF-8 without control characters that text has no use for.
#[derive(Default)]
struct Utf8 {
    /// The beginning of a character that the last part cut.
    cut: Vec<u8>,
    wrong: bool,
}

impl Utf8 {
    fn take(&mut self, part: &[u8]) {
        if self.wrong || part.is_empty() {
            return;
        }
        let mut bytes = std::mem::take(&mut self.cut);
        bytes.extend_from_slice(part);
        let good = match std::str::from_utf8(&bytes) {
            Ok(text) => text,
            Err(error) if error.error_len().is_none() => {
                self.cut = bytes[error.valid_up_to()..].to_vec();
                std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default()
            }
            Err(_) => {
                self.wrong = true;
                return;
            }
        };
        let odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{c}' | '\u{1b}');
        self.wrong = good.chars().any(odd);
    }

    fn is_text(&self) -> bool {
        !self.wrong && self.cut.is_empty()
    }
}
