//! New connections: resolve, keep only allowed addresses, connect, look at the address that the connection has, and
//! speak TLS where the endpoint does.

use std::{io, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};

use super::{Failure, not_sent};
use crate::{
    endpoint::Endpoint,
    error::Error,
    network::{IpNet, Networks},
};

/// More addresses of one name are not tried.
const ADDRESSES_MAX: usize = 8;

/// A name being resolved.
pub type Resolving = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// Turns a name and a port into addresses. What it says is not trusted.
pub type Resolve = Arc<dyn Fn(String, u16) -> Resolving + Send + Sync>;

/// The resolver of the machine.
pub fn system_resolver() -> Resolve {
    Arc::new(|host, port| {
        Box::pin(async move { Ok(tokio::net::lookup_host((host.as_str(), port)).await?.collect()) })
    })
}

/// A connection, with or without TLS.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

pub(super) struct Dialer {
    endpoint: Endpoint,
    networks: Networks,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    resolve: Resolve,
}

impl Dialer {
    pub(super) fn new(
        endpoint: Endpoint,
        networks: Vec<IpNet>,
        trusted_ca_pem: Option<&str>,
        resolve: Resolve,
    ) -> Result<Dialer, Error> {
        let tls = if endpoint.tls { Some(tls(&endpoint, trusted_ca_pem)?) } else { None };
        Ok(Dialer { endpoint, networks: Networks::new(networks), tls, resolve })
    }

    pub(super) async fn open(&self, limit: Duration) -> Result<Box<dyn Stream>, Failure> {
        let stream = self.connect(limit).await?;
        // A connection without delay is a matter of speed only.
        let _ = stream.set_nodelay(true);
        let Some((connector, name)) = &self.tls else { return Ok(Box::new(stream)) };
        match connector.connect(name.clone(), stream).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => Err(not_sent(&format!("TLS with `{}`: {error}", self.endpoint.host))),
        }
    }

    async fn connect(&self, limit: Duration) -> Result<TcpStream, Failure> {
        let addresses = self.addresses().await?;
        let share = limit / u32::try_from(addresses.len()).unwrap_or(1).max(1);
        let mut last = not_sent("the name has no address");
        for address in addresses {
            last = match timeout(share, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return self.check_peer(stream),
                Ok(Err(error)) => not_sent(&format!("connect to {address}: {error}")),
                Err(_) => not_sent(&format!("connect to {address}: no answer in time")),
            };
        }
        Err(last)
    }

    /// The addresses that may be tried; if there are some but none is allowed, that is the failure.
    async fn addresses(&self) -> Result<Vec<SocketAddr>, Failure> {
        let Endpoint { host, port, .. } = &self.endpoint;
        let found = match self.endpoint.address() {
            Some(address) => vec![SocketAddr::new(address, *port)],
            None => (self.resolve)(host.clone(), *port)
                .await
                .map_err(|error| not_sent(&format!("resolve `{host}`: {error}")))?,
        };
        let mut refused = None;
        let mut allowed = Vec::new();
        for address in found.into_iter().take(ADDRESSES_MAX) {
            match self.networks.check(address.ip()) {
                Ok(()) => allowed.push(address),
                Err(reason) => refused = Some(reason),
            }
        }
        match refused {
            Some(reason) if allowed.is_empty() => Err(forbidden(host, &reason)),
            Some(_) | None => Ok(allowed),
        }
    }

    /// The last word: the address that this connection has, whatever was resolved before.
    fn check_peer(&self, stream: TcpStream) -> Result<TcpStream, Failure> {
        let peer = stream.peer_addr().map_err(|error| not_sent(&format!("connect: {error}")))?;
        match self.networks.check(peer.ip()) {
            Ok(()) => Ok(stream),
            Err(reason) => Err(forbidden(&self.endpoint.host, &reason)),
        }
    }
}

fn forbidden(host: &str, reason: &str) -> Failure {
    Failure::NotSent { reason: format!("`{host}`: {reason}"), retry: false }
}

fn tls(
    endpoint: &Endpoint,
    trusted_ca_pem: Option<&str>,
) -> Result<(TlsConnector, ServerName<'static>), Error> {
    let host = endpoint.host.strip_suffix('.').unwrap_or(&endpoint.host);
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| Error::Config(format!("endpoint `{endpoint}`: TLS needs a name or address as host")))?;
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Config(format!("TLS: {error}")))?
        .with_root_certificates(roots(trusted_ca_pem)?)
        .with_no_client_auth();
    Ok((TlsConnector::from(Arc::new(config)), name))
}

fn roots(trusted_ca_pem: Option<&str>) -> Result<RootCertStore, Error> {
    let Some(pem) = trusted_ca_pem else {
        return Ok(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() });
    };
    let wrong = |why: String| Error::Config(format!("trusted certificates: {why}"));
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(wrong("the file holds none".to_owned()));
    }
    Ok(roots)
}
