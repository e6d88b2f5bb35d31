//! Store, node, connectors and server put together, and taken apart again in the right order.

use std::{
    io,
    net::TcpListener,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, anyhow, bail};
use domain::{
    access::{self, Holder, Role},
    content::{Content, FILES},
    control::backup::Restored,
    event::{Actor, Stream},
    flow::Command,
    id::PersonId,
    time::Timestamp,
};
use engine::{
    Handle, Platform,
    backup::{Schedule, Shelf},
};
use store::{Sqlite, Store as _};
use tlog::{SigningKey, VerifierKey};
use tokio::{
    runtime::Runtime,
    sync::watch,
    task::{AbortHandle, JoinHandle},
};

use super::{Settings, files, sources};
use crate::{
    client::Address,
    content::Source,
    estate::Estate,
    glass, keys,
    session::{ADDRESS_FILE, TOKEN_FILE},
};

/// Requests that wait to be decided, and alerts within them: a few batches of the largest size.
const REQUESTS_MAX: usize = 16_384;
const ALERTS_MAX: usize = 131_072;
/// Connections may finish what they ask for in the first time, the platform what it decided in the second; all
/// together stay below the 10 s after which a supervisor would kill.
const DRAIN_CONNECTIONS: Duration = Duration::from_secs(5);
const DRAIN_PLATFORM: Duration = Duration::from_secs(3);
const DRAIN_REST: Duration = Duration::from_secs(1);

/// A server at work.
pub(crate) struct Running {
    runtime: Runtime,
    store: Arc<Sqlite>,
    platform: Platform,
    server: JoinHandle<anyhow::Result<()>>,
    stopping: watch::Sender<bool>,
    backups: Vec<AbortHandle>,
    content: watch::Sender<Arc<Content>>,
    source: Source,
    address: Address,
    data_dir: PathBuf,
    log_key: VerifierKey,
    estate: Option<Arc<Estate>>,
    connectors: Vec<String>,
    roots: Vec<PathBuf>,
    first_person: Option<FirstPerson>,
}

/// Made when nobody was there; the token's text exists nowhere else but in the file.
pub(crate) struct FirstPerson {
    pub(crate) name: String,
    pub(crate) token: String,
}

impl Running {
    /// Starts everything. What fails, fails before an address is announced.
    pub(crate) fn start(settings: Settings, runtime: Runtime) -> anyhow::Result<Running> {
        let content = settings.content.checked()?;
        sources::check(&settings.sources, &content)?;
        let listener = bind(&settings)?;
        put_in_place(&settings.data_dir)?;
        let store = Sqlite::open(&settings.data_dir, store::Options::default())?;
        let store = Arc::new(store);
        let key = keys::open_or_create(&settings.data_dir, store.length()? == 0)?;
        let log_key = key.verifier().clone();
        let mut connectors = settings.connectors.clone();
        let own = files::connector(&settings, &store)?;
        connectors.insert(FILES.to_owned(), Arc::new(own.clone()));
        let (incarnation, restored) = origin(&settings.data_dir, &key)?;
        let platform = engine::start(engine::Options {
            incarnation,
            restored,
            disk: Some(Arc::new(Reserve(store.clone()))),
            store: store.clone(),
            connectors,
            channels: settings.channels.clone(),
            content: content.clone(),
            signing_key: key,
            runtime: runtime.handle().clone(),
            wall_clock,
            requests_max: REQUESTS_MAX,
            alerts_max: ALERTS_MAX,
        })?;
        let first_person = runtime.block_on(first_person(&platform.handle, &settings))?;
        let sources = sources::enable(&settings.sources, &platform.handle, &runtime)?;
        let address = address_of(&listener, settings.tls.is_some())?;
        keys::write_private(&settings.data_dir.join(ADDRESS_FILE), &format!("{address}\n"))?;
        let shelf = Arc::new(Shelf::new(&settings.data_dir, &settings.backups));
        let backups = backups(&runtime, &platform.handle, &shelf, settings.schedule);
        let (stopping, stops) = watch::channel(false);
        let (content, contents) = watch::channel(content);
        let data = Some((shelf.clone(), log_key.clone()));
        runtime.spawn(server::upkeep::keep(platform.handle.clone(), data, contents.clone(), stops.clone()));
        let options = server::Options {
            handle: platform.handle.clone(),
            content: contents,
            log_key: log_key.clone(),
            public_log: settings.public_log,
            secure: settings.secure,
            sources,
            stopping: stops,
            owner: Some(glass::owner(&settings.data_dir)),
            backups: Some(shelf),
            folders: settings.folders.clone(),
        };
        own.take_snapshots(files::snapshot(server::Packing::of(&options)));
        let server = runtime.block_on(async { serve(listener, settings.tls, options) })?;
        Ok(Running {
            runtime,
            store,
            platform,
            server,
            stopping,
            backups,
            content,
            source: settings.content,
            address,
            data_dir: settings.data_dir,
            log_key,
            estate: settings.estate,
            connectors: settings.connectors.into_keys().collect(),
            roots: settings.roots,
            first_person,
        })
    }

    pub(crate) fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.platform.handle
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    pub(crate) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    pub(crate) fn log_key(&self) -> &VerifierKey {
        &self.log_key
    }

    pub(crate) fn estate(&self) -> Option<&Arc<Estate>> {
        self.estate.as_ref()
    }

    pub(crate) fn connectors(&self) -> &[String] {
        &self.connectors
    }

    /// Folders on whose files actions act.
    pub(crate) fn roots(&self) -> &[PathBuf] {
        &self.roots
    }

    /// The connectors that actions name and no configuration has, each with one of those actions.
    pub(crate) fn missing_connectors(&self) -> Vec<(String, String)> {
        let content = self.content.borrow();
        let mut missing = std::collections::BTreeMap::new();
        let own = [domain::control::own::CONNECTOR, FILES];
        let known = |name: &String| own.contains(&name.as_str()) || self.connectors.contains(name);
        for action in content.actions.values().filter(|action| !known(&action.connector)) {
            missing.entry(action.connector.clone()).or_insert_with(|| action.verb.clone());
        }
        missing.into_iter().collect()
    }

    pub(crate) fn first_person(&self) -> Option<&FirstPerson> {
        self.first_person.as_ref()
    }

    pub(crate) fn content_hash(&self) -> String {
        self.content.borrow().hash.to_string()
    }

    pub(crate) fn content_source(&self) -> String {
        self.source.describe()
    }

    /// Why the platform stopped by itself, if it did.
    pub(crate) fn ended(&self) -> Option<String> {
        self.platform.ended()
    }

    /// A token for a machine whose alerts are for practice.
    pub(crate) fn drill_token(&self, name: &str) -> anyhow::Result<String> {
        let (token, hash) = server::create_token().map_err(|error| anyhow!("no randomness: {error}"))?;
        let holder = Holder::Drill(name.into());
        self.runtime.block_on(create_token(self.handle(), holder, hash, name))?;
        Ok(token)
    }

    /// Reads the content anew. Content with a problem changes nothing.
    pub(crate) async fn reload(&self) {
        match self.load().await {
            Ok(hash) => tracing::info!(content = %hash, "content is in force"),
            Err(error) => tracing::error!(
                reason = %format!("{error:#}"),
                "content was not loaded; what was in force stays in force"
            ),
        }
    }

    async fn load(&self) -> anyhow::Result<String> {
        let content = self.source.checked()?;
        self.handle().command(Actor::Platform, Command::LoadContent(content.clone())).await?;
        let hash = content.hash.to_string();
        self.content.send_replace(content);
        Ok(hash)
    }

    /// Takes no more requests, finishes those under way, decides what is queued, signs, and closes the store.
    pub(crate) fn stop(self) -> anyhow::Result<()> {
        self.stopping.send_replace(true);
        let Running { runtime, store, platform, server, data_dir, backups, .. } = self;
        backups.iter().for_each(AbortHandle::abort);
        let served = runtime.block_on(async { tokio::time::timeout(DRAIN_CONNECTIONS, server).await });
        let stopped = runtime.block_on(async {
            let stop = tokio::task::spawn_blocking(move || platform.stop());
            tokio::time::timeout(DRAIN_PLATFORM, stop).await
        });
        runtime.shutdown_timeout(DRAIN_REST);
        let closed = close(store);
        // The next start writes it anew; a reader of a stale one is told that nobody is there.
        drop(std::fs::remove_file(data_dir.join(ADDRESS_FILE)));
        if stopped.is_err() || !closed {
            bail!(
                "the platform did not end in time; what it acknowledged is on disk, and the next start goes on"
            );
        }
        match served {
            Ok(Ok(served)) => served,
            Ok(Err(error)) => Err(anyhow!("the server ended in a panic: {error}")),
            // Connections that would not end are cut; what they were told is durable.
            Err(_) => Ok(()),
        }
    }
}

/// What two people agreed to go back to, before anything is opened.
fn put_in_place(data_dir: &Path) -> anyhow::Result<()> {
    let replaced = engine::backup::put_in_place(data_dir).context(
        "a restore that was laid ready could not be put in its place; the next start goes on with it",
    )?;
    if let Some(replaced) = replaced {
        tracing::warn!(replaced = %replaced.display(), "a backup is in place of the data, which are kept");
    }
    Ok(())
}

/// What the data directory is called in idempotency keys, and which backup it came from, if any.
fn origin(data_dir: &Path, key: &SigningKey) -> anyhow::Result<(String, Option<Box<Restored>>)> {
    Ok(match engine::backup::origin(data_dir)? {
        Some(origin) => (origin.incarnation, Some(Box::new(origin.restored))),
        None => (keys::incarnation(key), None),
    })
}

/// Closes the store once nobody else holds it; a thread that ends may hold it a moment longer.
fn close(store: Arc<Sqlite>) -> bool {
    let deadline = Instant::now() + DRAIN_REST;
    while Arc::strong_count(&store) > 1 {
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::park_timeout(Duration::from_millis(1));
    }
    true
}

/// The disk reserve of the store, as the platform asks for it.
struct Reserve(Arc<Sqlite>);

impl engine::Disk for Reserve {
    fn release_reserve(&self) {
        if let Err(error) = self.0.release_reserve() {
            tracing::error!(error = &error as &dyn std::error::Error, "the disk reserve cannot be given up");
        }
    }

    fn restore_reserve(&self) -> bool {
        self.0.restore_reserve().is_ok()
    }
}

/// Serves in the background until `stopping` turns true; must be called within a runtime.
fn serve(
    listener: TcpListener,
    tls: Option<server::Tls>,
    options: server::Options,
) -> anyhow::Result<JoinHandle<anyhow::Result<()>>> {
    let listener = tokio::net::TcpListener::from_std(listener).context("cannot set up the listener")?;
    let mut stopping = options.stopping.clone();
    let router = server::router(options);
    let shutdown = async move {
        // A sender that is gone means the end as well.
        drop(stopping.wait_for(|stop| *stop).await);
    };
    Ok(tokio::spawn(async move { Ok(server::serve(listener, router, tls, shutdown).await?) }))
}

fn wall_clock() -> Timestamp {
    Timestamp::from_jiff(jiff::Timestamp::now())
}

/// What makes backups when it is time, and lays ready what people agreed to go back to.
fn backups(
    runtime: &Runtime,
    handle: &Handle,
    shelf: &Arc<Shelf>,
    schedule: Option<Schedule>,
) -> Vec<AbortHandle> {
    let (laying, on) = (handle.clone(), shelf.clone());
    let restores = runtime.spawn(async move { laying.restore_by(on).await }).abort_handle();
    let made = schedule.map(|schedule| {
        let (handle, shelf) = (handle.clone(), shelf.clone());
        runtime.spawn(async move { handle.back_up_by(shelf, schedule).await }).abort_handle()
    });
    made.into_iter().chain([restores]).collect()
}

fn bind(settings: &Settings) -> anyhow::Result<TcpListener> {
    let listen = settings.listen;
    let listener = TcpListener::bind(listen).map_err(|error| {
        let help = if error.kind() == io::ErrorKind::AddrInUse {
            "; stop what listens there, or choose another address with --listen"
        } else if error.kind() == io::ErrorKind::PermissionDenied {
            "; choose a port above 1023 with --listen"
        } else {
            ""
        };
        anyhow!("cannot listen on {listen}: {error}{help}")
    })?;
    listener.set_nonblocking(true).context("cannot set up the listener")?;
    Ok(listener)
}

fn address_of(listener: &TcpListener, tls: bool) -> anyhow::Result<Address> {
    let mut local = listener.local_addr().context("cannot tell the address of the listener")?;
    if local.ip().is_unspecified() {
        local.set_ip(if local.is_ipv4() {
            [127, 0, 0, 1].into()
        } else {
            std::net::Ipv6Addr::LOCALHOST.into()
        });
    }
    let scheme = if tls { "https" } else { "http" };
    format!("{scheme}://{local}").parse().map_err(anyhow::Error::msg)
}

/// Somebody must be able to let people in. Made when no person ever had a token, which a start that was cut off in
/// the middle leaves behind too: the text stands on the disk before the log knows of it, and is used again.
async fn first_person(handle: &Handle, settings: &Settings) -> anyhow::Result<Option<FirstPerson>> {
    let tokens = handle.reader().tokens()?;
    if tokens.iter().any(|token| matches!(token.holder, Holder::Person(_))) {
        return Ok(None);
    }
    let token = keys::first_token(&settings.data_dir.join(TOKEN_FILE))?;
    let (id, name) = match handle.reader().people()?.into_iter().next() {
        Some(person) => (person.id, person.name.to_string()),
        None => add_first(handle, settings).await?,
    };
    create_token(handle, Holder::Person(id), server::token_hash(&token), "first start").await?;
    Ok(Some(FirstPerson { name, token }))
}

async fn add_first(handle: &Handle, settings: &Settings) -> anyhow::Result<(PersonId, String)> {
    let user = || std::env::var("USER").ok().filter(|name| is_name(name));
    let name = settings.admin.clone().or_else(user).unwrap_or_else(|| "admin".to_owned());
    let add = access::Command::AddPerson { name: name.clone(), role: Role::Admin };
    let receipt = handle.command(Actor::Platform, Command::Access(add)).await?;
    match receipt.created("person.added") {
        Some(Stream::Person(id)) => Ok((id, name)),
        Some(_) | None => bail!("the first person was not added"),
    }
}

pub(super) async fn create_token(
    handle: &Handle,
    holder: Holder,
    hash: Box<str>,
    label: &str,
) -> anyhow::Result<()> {
    let create = access::Command::CreateToken { holder, hash, label: label.to_owned(), expires_at: None };
    handle.command(Actor::Platform, Command::Access(create)).await?;
    Ok(())
}

fn is_name(name: &str) -> bool {
    let good = |b: u8| b.is_ascii_alphanumeric() || b"._@-".contains(&b);
    !name.is_empty() && name.len() <= 64 && name.bytes().all(good)
}
