//! The pages in a real Chromium, driven through WebDriver by `chromedriver` (Debian's `chromium` and `chromium-driver`,
//! which the gate installs): a person logs in with scripts switched off, reads, and nothing is wider than the screen.
//!
//! With `RINGFENCE_PICTURES` set to a folder, what was seen is kept there; `cargo xtask pictures` does that.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use base64::Engine as _;
use serde_json::{Value, json};

use crate::support::{Killed, Server, run_curl};

/// A telephone and a wide screen.
const WIDTHS: [u32; 2] = [360, 1600];

struct Browser {
    session: String,
    _driver: Killed,
}

impl Browser {
    fn open() -> Browser {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let driver = Killed(driver.unwrap_or_else(|error| panic!("`chromedriver` does not start: {error}")));
        let began = std::time::Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(60), "chromedriver never listened");
            std::thread::yield_now();
        }
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--hide-scrollbars",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
        ];
        let scripts_off = json!({ "profile.managed_default_content_settings.javascript": 2 });
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "args": arguments, "prefs": scripts_off },
        } } });
        let root = format!("http://127.0.0.1:{port}/session");
        let answer = call("POST", &root, &wanted);
        let id = answer["sessionId"].as_str().unwrap_or_else(|| panic!("no session: {answer}"));
        Browser { session: format!("{root}/{id}"), _driver: driver }
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        call("POST", &format!("{}{path}", self.session), body)
    }

    fn go(&self, address: &str) {
        self.post("/url", &json!({ "url": address }));
    }

    fn address(&self) -> String {
        call("GET", &format!("{}/url", self.session), &Value::Null).as_str().unwrap().to_owned()
    }

    fn find(&self, css: &str) -> String {
        let found = self.post("/element", &json!({ "using": "css selector", "value": css }));
        let id = found.as_object().and_then(|found| found.values().next()).and_then(Value::as_str);
        format!("/element/{}", id.unwrap_or_else(|| panic!("no `{css}` on {}: {found}", self.address())))
    }

    /// What a person reads there.
    fn text(&self, css: &str) -> String {
        let element = self.find(css);
        let text = call("GET", &format!("{}{element}/text", self.session), &Value::Null);
        text.as_str().unwrap().to_owned()
    }

    /// As wide as asked for, whatever the smallest window is.
    fn resize(&self, width: u32, height: u32) {
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.devtools("Emulation.setDeviceMetricsOverride", &metrics);
    }

    fn devtools(&self, command: &str, params: &Value) -> Value {
        self.post("/goog/cdp/execute", &json!({ "cmd": command, "params": params }))
    }

    /// Width and height of what is laid out.
    fn extent(&self) -> (f64, f64) {
        let metrics = self.devtools("Page.getLayoutMetrics", &json!({}));
        let size = &metrics["cssContentSize"];
        (size["width"].as_f64().unwrap(), size["height"].as_f64().unwrap())
    }

    /// The page as PNG, as far down as one looks at first.
    fn picture(&self, width: u32, high: f64) -> Vec<u8> {
        let clip = json!({ "x": 0, "y": 0, "width": width, "height": high.min(1_200.0), "scale": 1 });
        let wanted = json!({ "captureBeyondViewport": true, "clip": clip });
        let shot = self.devtools("Page.captureScreenshot", &wanted);
        base64::engine::general_purpose::STANDARD.decode(shot["data"].as_str().unwrap()).unwrap()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        drop(run_curl(&["--silent", "--request", "DELETE", &self.session]));
    }
}

/// One call of WebDriver; gives its `value`.
fn call(method: &str, address: &str, body: &Value) -> Value {
    let body = body.to_string();
    let mut args = vec!["--silent", "--max-time", "60", "--request", method, address];
    if method == "POST" {
        args.extend(["--header", "Content-Type: application/json", "--data-binary", &body]);
    }
    let answer = run_curl(&args);
    let mut answer: Value = serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"));
    let value = answer["value"].take();
    assert!(value["error"].is_null(), "{method} {address}: {value}");
    value
}

/// An incident as it looks while people work on it.
fn incident(server: &Server) -> String {
    let labels = ["incident_type=validator_compromise", "severity=critical", "node=validator-3", "key=key-3"];
    server.json(&[["alert", "send", "DoubleVote"].as_slice(), &labels].concat());
    let open = server.until(&["incident", "list"], |list| !list["items"][0]["contained_at"].is_null());
    let id = open["items"][0]["id"].as_str().unwrap().to_owned();
    server.json(&["incident", "ack", &id]);
    id
}

fn keep(name: &str, width: u32, picture: &[u8]) {
    let Some(folder) = std::env::var_os("RINGFENCE_PICTURES").map(PathBuf::from) else { return };
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(format!("{name}-{width}.png")), picture).unwrap();
}

#[test]
fn a_person_reads_every_page_in_chromium_at_both_widths_without_scripts() {
    let server = Server::start(&[]);
    let id = incident(&server);
    let browser = Browser::open();
    for width in WIDTHS {
        browser.resize(width, 900);
        browser.go(&format!("{}/incidents/{id}", server.address));
        assert!(
            browser.address().ends_with(&format!("/login?next=/incidents/{id}")),
            "{}",
            browser.address()
        );
        look(&browser, "login", width);
        let token = fs::read_to_string(server.data().join("admin.token")).unwrap();
        browser.post(&format!("{}/value", browser.find("#token")), &json!({ "text": token.trim() }));
        browser.post(&format!("{}/click", browser.find(".login button")), &json!({}));
        assert!(browser.address().ends_with(&format!("/incidents/{id}")), "{}", browser.address());
        for (name, path, says) in [
            ("incidents", "/".to_owned(), "validator-3"),
            ("incident", format!("/incidents/{id}?live=off"), "node.isolate"),
            ("containments", "/containments".to_owned(), "key.revoke"),
            ("figures", "/figures".to_owned(), "Time to first containment"),
        ] {
            browser.go(&format!("{}{path}", server.address));
            let said = browser.text("main");
            assert!(said.contains(says), "{name} does not say `{says}`: {said}");
            look(&browser, name, width);
        }
        browser.post(&format!("{}/click", browser.find(".who form button")), &json!({}));
        assert!(browser.address().ends_with("/login"), "{}", browser.address());
    }
}

/// Nothing is wider than the screen, and a picture of it is one.
fn look(browser: &Browser, name: &str, width: u32) {
    let (wide, high) = browser.extent();
    assert!(wide <= f64::from(width), "{name} is {wide} wide on a screen of {width}");
    assert!(high > 100.0, "{name} is empty");
    let picture = browser.picture(width, high);
    assert!(picture.starts_with(b"\x89PNG") && picture.len() > 4_000, "{name}: {} bytes", picture.len());
    keep(name, width, &picture);
}
