//! The first start, what it leaves on disk, and the starts that are refused.

use std::{fs, net::TcpListener, process::Stdio, time::Duration};

use crate::support::{Server, lines_until, mode, ringfence, run, stderr};

#[test]
fn the_first_start_names_a_person_and_shows_the_token_once() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let start = || {
        let mut command = ringfence();
        command.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(&data);
        command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
    };
    let mut child = start();
    let lines = lines_until(&mut child, "Next:");
    child.kill().unwrap();
    child.wait().unwrap();
    let text = lines.join("\n");
    let token = fs::read_to_string(data.join("admin.token")).unwrap();
    assert!(token.trim().starts_with("rf_") && token.trim().len() == 46, "{token}");
    assert!(text.contains(token.trim()), "{text}");
    assert!(text.contains("First person: tester (admin)"), "{text}");
    assert!(text.contains("SIMULATED ESTATE"), "{text}");
    assert_eq!(mode(&data), 0o700);
    for entry in fs::read_dir(&data).unwrap() {
        let path = entry.unwrap().path();
        let expect = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&path), expect, "{}", path.display());
    }

    let mut child = start();
    let text = lines_until(&mut child, "Next:").join("\n");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!text.contains("rf_"), "the token is shown once: {text}");
}

#[test]
fn two_fresh_installs_share_no_key_and_no_token() {
    let (one, two) = (Server::start(&[]), Server::start(&[]));
    for file in ["log.key", "log.pub", "admin.token"] {
        let (a, b) = (fs::read(one.data().join(file)).unwrap(), fs::read(two.data().join(file)).unwrap());
        assert_ne!(a, b, "{file}");
    }
    let token = one.data().join("admin.token").display().to_string();
    let foreign = run(&["--server", &two.address, "--token-file", &token, "incident", "list"]);
    assert_eq!(foreign.status.code(), Some(1), "{}", stderr(&foreign));
}

#[test]
fn what_is_in_use_is_refused_clearly() {
    let server = Server::start(&[]);
    let data = server.data().display().to_string();
    let second = run(&["serve", "--listen", "127.0.0.1:0", "--data-dir", &data]);
    assert_eq!(second.status.code(), Some(1));
    assert!(stderr(&second).contains("is in use"), "{}", stderr(&second));

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").display().to_string();
    let refused = run(&["serve", "--listen", &address, "--data-dir", &data]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains(&format!("cannot listen on {address}")), "{}", stderr(&refused));
}

#[test]
fn doors_that_would_stand_open_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").display().to_string();
    let refused = run(&["serve", "--listen", "0.0.0.0:0", "--data-dir", &data]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("--behind-proxy"), "{}", stderr(&refused));
    assert!(!folder.path().join("data").exists(), "nothing was made");
}

#[test]
fn a_mistyped_key_of_the_configuration_is_named_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("ringfence.toml");
    fs::write(&config, "listen = \"127.0.0.1:0\"\n[log]\nformt = \"json\"\n").unwrap();
    let data = folder.path().join("data").display().to_string();
    let refused = run(&["serve", "--config", &config.display().to_string(), "--data-dir", &data]);
    assert_eq!(refused.status.code(), Some(1));
    let said = stderr(&refused);
    assert!(said.contains("ringfence.toml:3:1: unknown field `formt`; did you mean `format`?"), "{said}");
}

#[test]
fn a_server_drains_and_ends_at_sigterm_and_sigint() {
    for signal in ["TERM", "INT"] {
        let server = Server::start(&[]);
        server.json(&["alert", "send", "NodeDown", "node=validator-3"]);
        let (status, took, folder) = server.end(signal);
        assert!(status.success(), "{signal}: {status:?}");
        assert!(took < Duration::from_secs(10), "{signal}: {took:?}");
        assert!(!folder.path().join("data/server.addr").exists());
        let again = Server::start_in(folder, &[]);
        let alerts = again.json(&["alert", "list"]);
        assert_eq!(alerts["items"].as_array().unwrap().len(), 1, "{alerts:#}");
    }
}

#[test]
fn a_wrong_command_line_is_told_apart_from_a_refusal() {
    let check = |args: &[&str], code: i32| assert_eq!(run(args).status.code(), Some(code), "{args:?}");
    check(&["--help"], 0);
    check(&["incident"], 2);
    check(&["incident", "show", "ALERT-1"], 2);
    check(&["why", "nothing"], 2);
    check(&["drill", "no_such_attack"], 2);
    check(&["--server", "http://127.0.0.1:1", "incident", "list"], 1);
}
