//! TLS: a server with a certificate of its own, and a client that is told whom to believe.

use std::fs;

use crate::support::{Server, stderr};

#[test]
fn a_server_speaks_tls_and_is_believed_only_with_its_authority() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("cert.pem"), made.cert.pem()).unwrap();
    fs::write(at("key.pem"), made.signing_key.serialize_pem()).unwrap();
    fs::write(at("ringfence.toml"), "[tls]\ncert = \"cert.pem\"\nkey = \"key.pem\"\n").unwrap();
    let server = Server::start(&["--config", &at("ringfence.toml").display().to_string()]);
    assert!(server.address.starts_with("https://"), "{}", server.address);
    let ca = at("cert.pem").display().to_string();
    let list = server.json(&["--ca-file", &ca, "incident", "list"]);
    assert_eq!(list["items"].as_array().unwrap().len(), 0);
    let unknown = server.ask(&["incident", "list"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(stderr(&unknown).contains("--ca-file"), "{}", stderr(&unknown));
}
