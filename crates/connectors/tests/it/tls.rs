//! TLS: only certificates that the configuration trusts, for the name of the endpoint.

use std::sync::{Arc, Mutex};

use connectors::{Config, Connector, HttpConnector, Outcome, Resolve};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer},
};

use crate::{
    plain::{self, Answer, Received, Server},
    support::{bare_call, config, not_applied},
};

struct Secure {
    port: u16,
    ca_pem: String,
    received: Arc<Mutex<Vec<Received>>>,
    task: JoinHandle<()>,
}

impl Secure {
    /// Serves with a certificate for `name` from an authority of its own.
    async fn start(name: &str) -> Secure {
        let authority_key = KeyPair::generate().unwrap();
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca_pem = authority.self_signed(&authority_key).unwrap().pem();
        let issuer = Issuer::new(authority, authority_key);
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let received = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&received);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (acceptor, kept) = (acceptor.clone(), Arc::clone(&kept));
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        plain::serve(stream, Arc::new(|_| Answer::empty(200)), kept).await;
                    }
                });
            }
        });
        Secure { port, ca_pem, received, task }
    }

    fn config(&self, name: &str) -> Config {
        config(&format!("https://{name}:{}", self.port))
    }

    async fn call(&self, config: Config) -> Outcome {
        let port = self.port;
        let resolve: Resolve =
            Arc::new(move |_, _| Box::pin(async move { Ok(vec![([127, 0, 0, 1], port).into()]) }));
        HttpConnector::with_resolver(config, resolve).unwrap().perform(&bare_call()).await
    }
}

impl Drop for Secure {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[tokio::test]
async fn a_trusted_certificate_for_the_name_is_taken() {
    let server = Secure::start("system.example").await;
    let mut config = server.config("system.example");
    config.trusted_ca_pem = Some(server.ca_pem.clone());
    let outcome = server.call(config).await;
    assert!(matches!(outcome, Outcome::Applied { .. }), "{outcome:?}");
    assert_eq!(server.received.lock().unwrap()[0].header("authorization"), Some("Bearer s3cr3t-token"));
}

#[tokio::test]
async fn other_certificates_never_see_the_request() {
    let server = Secure::start("other.example").await;
    let mut wrong_name = server.config("system.example");
    wrong_name.trusted_ca_pem = Some(server.ca_pem.clone());
    let unknown_authority = server.config("other.example");
    for config in [wrong_name, unknown_authority] {
        let (reason, retry) = not_applied(server.call(config).await);
        assert!(retry && reason.contains("certificate"), "{reason}");
    }
    assert!(server.received.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_server_without_tls_never_sees_the_request() {
    let server = Server::start(|_| Answer::Raw("HTTP/1.1 400 Bad Request\r\n\r\n".to_owned())).await;
    let connector = HttpConnector::new(config(&format!("https://{}", server.address))).unwrap();
    let mut call = bare_call();
    call.timeout = std::time::Duration::from_secs(1);
    not_applied(connector.perform(&call).await);
    assert!(server.received().iter().all(|request| !request.body.contains("validator-3")));
}
