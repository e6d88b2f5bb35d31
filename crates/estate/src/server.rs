//! Serves a world over HTTP on one listener, with faults and an independent ledger.
//!
//! The routes are those of an axum router; the connections are driven here, because a fault may close a connection
//! without an answer, which a router cannot do.

mod answer;
mod routes;

use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::answer::Cut;
use crate::error::Error;
use crate::faults::Faults;
use crate::ledger;
use crate::world::World;

pub use self::routes::EPOCH_HEADER;

/// Connections served at once; more wait in the backlog of the listener.
const CONNECTIONS_MAX: usize = 4096;
/// Idempotency keys remembered: half a minute of calls at full speed.
const KEYS_REMEMBERED: usize = 1_000_000;
/// How long open connections may take to finish after the end was asked for.
const DRAIN: Duration = Duration::from_secs(2);

/// What is served and how.
#[derive(Clone, Debug)]
pub struct Config {
    /// A fresh one: it forgets the idempotency keys that it knows.
    pub world: World,
    /// File of the ledger; begun if it is not there, continued if it is.
    pub ledger: PathBuf,
    /// Sync the ledger to the disk before each answer: it then survives the machine and not only the process.
    pub sync: bool,
    pub faults: Faults,
}

/// Serves until `shutdown` is done, then lets open connections finish for two seconds.
///
/// # Errors
/// [`Error::LedgerFile`] or [`Error::LedgerLine`] if the ledger cannot be opened, [`Error::Faults`] if the faults make
/// no sense, [`Error::Accept`] if the listener fails.
pub async fn serve(
    listener: TcpListener,
    config: Config,
    shutdown: impl Future<Output = ()>,
) -> Result<(), Error> {
    config.faults.check()?;
    let router = routes::router(Arc::new(Estate::open(config)?));
    let (end, ended) = watch::channel(());
    let mut connections = JoinSet::new();
    tokio::pin!(shutdown);
    loop {
        while connections.try_join_next().is_some() {}
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next(), if connections.len() >= CONNECTIONS_MAX => continue,
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) if of_one_connection(&error) => continue,
            // Out of file handles, most likely: wait until a connection gives one back.
            Err(error) => tokio::select! {
                () = &mut shutdown => break,
                ended = connections.join_next() => match ended {
                    Some(_) => continue,
                    None => return Err(Error::Accept(error)),
                },
            },
        };
        connections.spawn(drive(stream, TowerToHyperService::new(router.clone()), ended.clone()));
    }
    drop(listener);
    drop(end);
    let all_done = async { while connections.join_next().await.is_some() {} };
    // Those that did not finish are ended when the set is dropped.
    drop(tokio::time::timeout(DRAIN, all_done).await);
    Ok(())
}

/// Everything that requests share.
#[derive(Debug)]
struct Estate {
    core: Mutex<Core>,
    ledger: PathBuf,
    sync: bool,
}

/// Changed together under one lock, so that the order of the ledger is the order in which the world changed.
#[derive(Debug)]
struct Core {
    world: World,
    faults: Faults,
    /// Nothing after a write failed: without a ledger no call is taken.
    ledger: Option<ledger::Writer>,
}

impl Estate {
    fn open(config: Config) -> Result<Estate, Error> {
        let writer = ledger::Writer::open(&config.ledger)?;
        let mut world = config.world;
        world.remember(KEYS_REMEMBERED);
        let core = Core { world, faults: config.faults, ledger: Some(writer) };
        Ok(Estate { core: Mutex::new(core), ledger: config.ledger, sync: config.sync })
    }

    fn lock(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn drive(stream: TcpStream, routes: TowerToHyperService<axum::Router>, mut ended: watch::Receiver<()>) {
    // Only speed is lost without it.
    drop(stream.set_nodelay(true));
    let service = service_fn(move |request| {
        let answer = routes.call(request);
        async move {
            let answer = match answer.await {
                Ok(answer) => answer,
                Err(never) => match never {},
            };
            // hyper answers an error of the service by closing the connection without a word.
            if answer.extensions().get::<Cut>().is_some() { Err(Cut) } else { Ok(answer) }
        }
    });
    let connection =
        http1::Builder::new().header_read_timeout(None).serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = ended.changed() => connection.as_mut().graceful_shutdown(),
    }
    // A connection that breaks concerns nobody but its client.
    drop(connection.await);
}

/// Such an error ends one connection, not the listener.
fn of_one_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionRefused
            | ErrorKind::Interrupted
    )
}

/// Wall time in microseconds since 1970.
fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
