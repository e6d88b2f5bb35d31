//! Connections: plain, over TLS, and their end. On loopback.

use std::{path::PathBuf, sync::Arc};

use server::Tls;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::ServerName},
};

use crate::bench::Bench;

struct Served {
    address: std::net::SocketAddr,
    end: oneshot::Sender<()>,
    task: JoinHandle<Result<(), server::ServeError>>,
}

async fn serve(bench: &Bench, tls: Option<Tls>) -> Served {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (end, ended) = oneshot::channel::<()>();
    let shutdown = async move { drop(ended.await) };
    let task = tokio::spawn(server::serve(listener, bench.router.clone(), tls, shutdown));
    Served { address, end, task }
}

async fn ask<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> String {
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut seen = String::new();
    let mut buffer = [0; 1024];
    while !seen.contains("\"ok\"}") {
        let read = stream.read(&mut buffer).await.unwrap();
        assert_ne!(read, 0, "closed after {seen}");
        seen += &String::from_utf8_lossy(&buffer[..read]);
    }
    seen
}

#[test]
fn a_connection_is_kept_until_the_end_and_then_closed() {
    let bench = Bench::new();
    bench.runtime.block_on(async {
        let served = serve(&bench, None).await;
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        for _ in 0..3 {
            assert!(ask(&mut stream).await.starts_with("HTTP/1.1 200 OK\r\n"));
        }
        served.end.send(()).unwrap();
        served.task.await.unwrap().unwrap();
        assert_eq!(stream.read(&mut [0; 16]).await.unwrap_or(0), 0);
        assert!(TcpStream::connect(served.address).await.is_err());
    });
}

/// A certificate for localhost and its key in files that end with the folder.
fn certificate(folder: &tempfile::TempDir) -> (rcgen::CertifiedKey<rcgen::KeyPair>, PathBuf, PathBuf) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (chain, key) = (folder.path().join("chain.pem"), folder.path().join("key.pem"));
    std::fs::write(&chain, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    (made, chain, key)
}

#[test]
fn over_tls_the_same_is_served() {
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    let (made, chain, key) = certificate(&folder);
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));
    bench.runtime.block_on(async {
        let served = serve(&bench, Some(Tls::from_pem_files(chain, key).unwrap())).await;
        let stream = TcpStream::connect(served.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = connector.connect(name, stream).await.unwrap();
        assert!(ask(&mut stream).await.starts_with("HTTP/1.1 200 OK\r\n"));
        served.end.send(()).unwrap();
        served.task.await.unwrap().unwrap();
    });
}

#[test]
fn unusable_certificates_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let (_, chain, key) = certificate(&folder);
    let (empty, gone) = (folder.path().join("empty.pem"), folder.path().join("gone.pem"));
    std::fs::write(&empty, "").unwrap();
    let named = |chain: &PathBuf, key: &PathBuf, wrong: &PathBuf| {
        let error = Tls::from_pem_files(chain.clone(), key.clone()).err().unwrap().to_string();
        assert!(error.contains(&format!("`{}`", wrong.display())), "{error}");
    };
    named(&empty, &key, &empty);
    named(&gone, &key, &gone);
    named(&chain, &gone, &gone);
    named(&chain, &chain, &chain);
}
