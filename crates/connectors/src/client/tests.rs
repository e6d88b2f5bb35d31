//! What the client sends, refuses and gives up on.

use super::{Client, Config};
use crate::{Secret, system_resolver};

fn refused(change: impl FnOnce(&mut Config)) -> String {
    let mut config = Config::new("https://system.example".parse().unwrap());
    change(&mut config);
    match Client::new(config, system_resolver()) {
        Ok(_) => panic!("the configuration was taken"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn bad_configurations_are_refused_without_their_secrets() {
    let header = |name: &str, value: &str| {
        let (name, secret) = (name.to_owned(), Secret::new(value));
        refused(move |config| config.headers.push((name, secret)))
    };
    assert!(header("Authorization", "Bearer hunter2\r\nX-Evil: 1").contains("line break"));
    assert!(!header("Authorization", "Bearer hunter2\n").contains("hunter2"));
    assert!(header("Authorization", "").contains("empty"));
    assert!(header("a b", "hunter2").contains("not the name"));
    assert!(refused(|config| config.concurrency_max = 0).contains("at least 1"));
    assert!(refused(|config| config.trusted_ca_pem = Some("nothing".to_owned())).contains("none"));
}

#[test]
fn secrets_cannot_be_printed() {
    let mut config = Config::new("https://system.example".parse().unwrap());
    config.headers.push(("Authorization".to_owned(), Secret::new("Bearer hunter2")));
    let text = format!("{config:?} {:?}", config.headers);
    assert!(text.contains("***"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}
