//! Which addresses are connected to, whatever they are called.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use connectors::{Config, Connector, HttpConnector, Resolve};

use crate::{
    plain::{Answer, Server},
    support::{bare_call, config, not_applied},
};

/// A resolver that answers with the next of these, then the last one again and again.
fn resolver(answers: Vec<Vec<SocketAddr>>) -> Resolve {
    let next = AtomicUsize::new(0);
    Arc::new(move |_, _| {
        let index = next.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
        let answer = answers[index].clone();
        Box::pin(async move { Ok(answer) })
    })
}

async fn refused(config: Config, resolve: Resolve) {
    let connector = HttpConnector::with_resolver(config, resolve).unwrap();
    let (reason, retry) = not_applied(connector.perform(&bare_call()).await);
    assert!(!retry && reason.contains("allowed networks"), "{reason}");
}

#[tokio::test]
async fn a_name_does_not_open_an_address() {
    let server = Server::start(|_| Answer::empty(200)).await;
    let port = server.address.port();
    let addresses =
        ["127.0.0.1", "0.0.0.0", "::1", "::ffff:127.0.0.1", "169.254.169.254", "::ffff:169.254.169.254"];
    for address in addresses {
        let mut config = config(&format!("http://good.example.:{port}"));
        config.allowed_networks = vec!["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()];
        let address = SocketAddr::new(address.parse().unwrap(), port);
        refused(config, resolver(vec![vec![address]])).await;
    }
    let mut config = config(&format!("http://localhost:{port}"));
    config.allowed_networks = vec!["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()];
    refused(config, connectors::system_resolver()).await;
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn an_address_in_the_endpoint_needs_its_network_too() {
    let server = Server::start(|_| Answer::empty(200)).await;
    let mut config = config(&server.url());
    config.allowed_networks = Vec::new();
    refused(config, connectors::system_resolver()).await;
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_name_that_is_bound_anew_is_checked_anew() {
    // Allowed first, so the name looks harmless; each later answer is another machine.
    let good = Server::start_on([127, 0, 0, 2].into(), |_| {
        Answer::Raw("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".to_owned())
    })
    .await;
    let secret = Server::start(|_| Answer::empty(200)).await;
    let mut config = config(&format!("http://good.example:{}", good.address.port()));
    config.allowed_networks = vec!["127.0.0.2".parse().unwrap()];
    let resolve = resolver(vec![vec![good.address], vec![secret.address]]);
    let connector = HttpConnector::with_resolver(config, resolve).unwrap();
    let first = connector.perform(&bare_call()).await;
    assert!(matches!(first, connectors::Outcome::Applied { .. }), "{first:?}");
    let (reason, _) = not_applied(connector.perform(&bare_call()).await);
    assert!(reason.contains("127.0.0.1"), "{reason}");
    assert_eq!((good.connections(), secret.connections()), (1, 0));
}

#[tokio::test]
async fn of_several_addresses_only_allowed_ones_are_tried() {
    let server = Server::start_on([127, 0, 0, 2].into(), |_| Answer::empty(200)).await;
    let other = Server::start(|_| Answer::empty(200)).await;
    let mut config = config(&format!("http://good.example:{}", server.address.port()));
    config.allowed_networks = vec!["127.0.0.2/31".parse().unwrap()];
    let closed = SocketAddr::new([127, 0, 0, 3].into(), server.address.port());
    let resolve = resolver(vec![vec![other.address, closed, server.address]]);
    let connector = HttpConnector::with_resolver(config, resolve).unwrap();
    let outcome = connector.perform(&bare_call()).await;
    assert!(matches!(outcome, connectors::Outcome::Applied { .. }), "{outcome:?}");
    assert_eq!((server.connections(), other.connections()), (1, 0));
}

#[tokio::test]
async fn a_name_that_is_not_found_is_tried_again_later() {
    let resolve: Resolve = Arc::new(|_, _| Box::pin(async { Err(io::Error::other("no such name")) }));
    let connector = HttpConnector::with_resolver(config("http://gone.example"), resolve).unwrap();
    let (reason, retry) = not_applied(connector.perform(&bare_call()).await);
    assert!(retry && reason.contains("resolve `gone.example`"), "{reason}");
    let connector =
        HttpConnector::with_resolver(config("http://gone.example"), resolver(vec![vec![]])).unwrap();
    let (reason, retry) = not_applied(connector.perform(&bare_call()).await);
    assert!(retry && reason.contains("no address"), "{reason}");
}
