//! The shipped example of an `http` connector, against a plain HTTP server that knows nothing of Ringfence.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};

use crate::support::{Server, run, stderr};

/// Blocked addresses with what was sent for them.
type Blocks = Arc<Mutex<BTreeMap<String, Value>>>;

/// PUT, GET and DELETE of `/blocks/{address}`, until the test ends.
fn firewall(blocks: Blocks) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().take(64).flatten() {
            let blocks = blocks.clone();
            std::thread::spawn(move || serve(&stream, &blocks));
        }
    });
    address
}

fn serve(stream: &TcpStream, blocks: &Blocks) {
    let mut reader = BufReader::new(stream);
    while let Some((method, path, body)) = request(&mut reader) {
        let address = path.trim_start_matches("/blocks/").to_owned();
        let mut blocks = blocks.lock().unwrap();
        let known = blocks.contains_key(&address);
        let (status, answer) = match method.as_str() {
            "PUT" => {
                let sent: Value = serde_json::from_slice(&body).unwrap();
                blocks.insert(address.clone(), sent);
                (200, json!({ "address": address }))
            }
            "DELETE" if blocks.remove(&address).is_some() => (200, json!({})),
            "GET" if known => (200, json!({ "address": address })),
            _ => (404, json!({})),
        };
        let text = answer.to_string();
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}",
            text.len()
        );
        let mut out = stream;
        if out.write_all(format!("{head}\r\n\r\n{text}").as_bytes()).is_err() {
            return;
        }
    }
}

fn request(reader: &mut BufReader<&TcpStream>) -> Option<(String, String, Vec<u8>)> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split(' ').map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        if header.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = header.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((method, path, body))
}

/// The steps of the example's README, with the test's own firewall in the place of the sample.
fn content_and_config(folder: &Path, firewall: &str) -> (String, String) {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples/http-firewall");
    let content = folder.join("my-content");
    let made = run(&["init", &content.display().to_string()]);
    assert!(made.status.success(), "{}", stderr(&made));
    let actions = content.join("actions.yaml");
    let own = fs::read_to_string(example.join("actions.yaml")).unwrap();
    let (_, entries) = own.split_once("actions:\n").unwrap();
    let all = format!("{}\n{entries}", fs::read_to_string(&actions).unwrap());
    fs::write(&actions, all).unwrap();
    let playbook = "playbooks/block_address.yaml";
    fs::copy(example.join(playbook), content.join(playbook)).unwrap();
    let config = folder.join("ringfence.toml");
    let text = fs::read_to_string(example.join("ringfence.toml")).unwrap();
    fs::write(&config, text.replace("127.0.0.1:9400", firewall)).unwrap();
    (content.display().to_string(), config.display().to_string())
}

#[test]
fn the_example_contains_reads_back_and_reverts_on_a_plain_server() {
    let folder = tempfile::tempdir().unwrap();
    let blocks = Blocks::default();
    let (content, config) = content_and_config(folder.path(), &firewall(blocks.clone()));
    let checked = run(&["check", &content]);
    assert!(checked.status.success(), "{}", stderr(&checked));
    let server = Server::start(&["--content", &content, "--config", &config]);
    let alert = ["alert", "send", "Guessing", "--type", "unauthorized_access", "--severity", "medium"];
    server.json(&[&alert[..], &["address=192.0.2.7"]].concat());
    let in_force =
        |list: &Value| list["items"][0]["status"] == "in_force" && list["items"][0]["verified"] == true;
    let list = server.until(&["containment", "list"], in_force);
    let sent = blocks.lock().unwrap().get("192.0.2.7").cloned().unwrap();
    assert!(sent["incident"].as_str().unwrap().starts_with("INC-"), "{sent}");
    let id = list["items"][0]["id"].as_str().unwrap().to_owned();
    server.json(&["containment", "release", &id]);
    server.until(&["containment", "list"], |list| list["items"].as_array().is_some_and(Vec::is_empty));
    assert!(blocks.lock().unwrap().is_empty());
}
