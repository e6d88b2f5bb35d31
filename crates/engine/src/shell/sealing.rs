//! The seal thread: takes the leaves of each commit and signs a checkpoint a few times a second.

use std::{
    sync::{Arc, atomic::Ordering, mpsc},
    thread::JoinHandle,
    time::Duration,
};

use store::Store;
use tlog::{Hash, leaf_hash};

use super::{Counters, Options};
use crate::{Error, Seal};

/// How long leaves may wait for a checkpoint while more arrive.
const PACE: Duration = Duration::from_millis(250);

pub(crate) enum Sealing {
    /// The writer's epoch; the first message.
    Epoch(u64),
    /// The envelopes that were committed, in order.
    Leaves(Vec<Vec<u8>>),
    Stop,
}

pub(crate) fn start(
    options: &Options,
    counters: Arc<Counters>,
) -> Result<(mpsc::Sender<Sealing>, JoinHandle<()>), Error> {
    let (sender, receiver) = mpsc::channel();
    let store = options.store.clone();
    let seed = options.signing_key.to_secret_text();
    let key = tlog::note::SigningKey::parse(&seed).map_err(|error| Error::Key(error.to_string()))?;
    let mut seal = Seal::open(&*store, key)?;
    let thread = std::thread::Builder::new().name("seal".to_owned());
    let thread = thread
        .spawn(move || run(&mut seal, &*store, &receiver, &counters))
        .map_err(|error| Error::Thread(error.to_string()))?;
    Ok((sender, thread))
}

fn run(seal: &mut Seal, store: &dyn Store, receiver: &mpsc::Receiver<Sealing>, counters: &Counters) {
    let mut epoch = 0;
    while let Ok(first) = receiver.recv() {
        let mut stop = take(seal, first, &mut epoch);
        let until = std::time::Instant::now() + PACE;
        while !stop {
            let left = until.saturating_duration_since(std::time::Instant::now());
            match receiver.recv_timeout(left) {
                Ok(message) => stop = take(seal, message, &mut epoch),
                Err(mpsc::RecvTimeoutError::Timeout) => break,
                Err(mpsc::RecvTimeoutError::Disconnected) => stop = true,
            }
        }
        match seal.seal(store, epoch) {
            Ok(Some(checkpoint)) => counters.sealed_size.store(checkpoint.size, Ordering::Relaxed),
            Ok(None) => {}
            // The next leaves try again; what stays unsealed is sealed at the next start.
            Err(error) => tracing::error!(error = %error, "the checkpoint could not be kept"),
        }
        if stop {
            return;
        }
    }
}

/// Takes one message; true when it is the last.
fn take(seal: &mut Seal, message: Sealing, epoch: &mut u64) -> bool {
    match message {
        Sealing::Epoch(new) => *epoch = new,
        Sealing::Leaves(envelopes) => {
            let leaves: Vec<Hash> = envelopes.iter().map(|envelope| leaf_hash(envelope)).collect();
            leaves.into_iter().for_each(|leaf| seal.append(leaf));
        }
        Sealing::Stop => return true,
    }
    false
}
