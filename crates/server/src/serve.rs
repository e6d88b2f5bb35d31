//! Serving: connections in plain or over TLS, bounded in number and in how long a head may take, and drained at
//! the end.

use std::{future::Future, io, path::PathBuf, pin::pin, sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        self, ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    },
};

/// Connections served at once; more wait in the backlog of the listener.
const CONNECTIONS_MAX: usize = 4096;
/// How long the head of a request, idle time before it, or a TLS handshake may take.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long open requests may take to finish after the end was asked for.
pub const DRAIN: Duration = Duration::from_secs(8);
/// Bytes of a request's head and of what is read ahead.
const BUFFER_MAX: usize = 128 * 1024;

#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The listener failed; another port or address may do.
    #[error("the listener failed")]
    Listener(#[source] io::Error),
    /// Certificate or key cannot be used; `path` names the file.
    #[error("`{}` cannot be used for TLS: {why}", path.display())]
    Tls { path: PathBuf, why: String },
}

/// A certificate chain and its key.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
}

impl Tls {
    /// Reads both from PEM files.
    ///
    /// # Errors
    /// [`ServeError::Tls`] names the file that does not read or does not fit.
    pub fn from_pem_files(certificates: PathBuf, key: PathBuf) -> Result<Tls, ServeError> {
        let unusable = |path: &PathBuf| {
            let path = path.clone();
            move |error: &dyn std::fmt::Display| ServeError::Tls { path, why: error.to_string() }
        };
        let chain: Result<Vec<_>, _> =
            CertificateDer::pem_file_iter(&certificates).and_then(Iterator::collect);
        let chain = chain.map_err(|error| unusable(&certificates)(&error))?;
        if chain.is_empty() {
            return Err(unusable(&certificates)(&"it holds no certificate"));
        }
        let secret = PrivateKeyDer::from_pem_file(&key).map_err(|error| unusable(&key)(&error))?;
        let config = server_config(chain, secret).map_err(|error| unusable(&certificates)(&error))?;
        Ok(Tls { acceptor: TlsAcceptor::from(Arc::new(config)) })
    }
}

fn server_config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Serves until `shutdown` is done, then takes no more connections, lets open requests finish for [`DRAIN`], and
/// returns. Streams end when `Options::stopping` turns true, which the caller does first.
///
/// # Errors
/// [`ServeError::Listener`] when no connection can be taken any more.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    tls: Option<Tls>,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let (end, ended) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        while connections.try_join_next().is_some() {}
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next(), if connections.len() >= CONNECTIONS_MAX => continue,
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                connections.spawn(connect(stream, router.clone(), tls.clone(), ended.clone()));
            }
            Err(error) if of_one_connection(&error) => {}
            // Out of file handles, most likely: wait until a connection gives one back.
            Err(error) => tokio::select! {
                () = &mut shutdown => break,
                given_back = connections.join_next() => if given_back.is_none() {
                    return Err(ServeError::Listener(error));
                },
            },
        }
    }
    drop(listener);
    drop(end);
    drop(ended);
    let drained = async { while connections.join_next().await.is_some() {} };
    if timeout(DRAIN, drained).await.is_err() {
        tracing::warn!("connections that did not finish in time were cut off");
    }
    Ok(())
}

fn of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    [ConnectionAborted, ConnectionRefused, ConnectionReset].contains(&error.kind())
}

async fn connect(stream: TcpStream, router: Router, tls: Option<Tls>, mut ended: watch::Receiver<()>) {
    // Only speed is lost without it.
    drop(stream.set_nodelay(true));
    let Some(tls) = tls else { return drive(stream, router, ended).await };
    let shaken = tokio::select! {
        shaken = timeout(HEAD_TIMEOUT, tls.acceptor.accept(stream)) => shaken,
        _ = ended.changed() => return,
    };
    match shaken {
        Ok(Ok(stream)) => drive(stream, router, ended).await,
        Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
        Err(_) => tracing::debug!("a TLS handshake took too long"),
    }
}

async fn drive<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    router: Router,
    mut ended: watch::Receiver<()>,
) {
    let service = TowerToHyperService::new(router);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(BUFFER_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        // What goes wrong on a connection is its client's affair and was answered where it could be.
        _ = connection.as_mut() => return,
        _ = ended.changed() => connection.as_mut().graceful_shutdown(),
    }
    drop(connection.await);
}
