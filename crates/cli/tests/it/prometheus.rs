//! The real Prometheus and the real amtool against the real binary. Both are Debian packages, `prometheus` and
//! `prometheus-alertmanager`, which the gate installs.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;

use crate::support::{Server, stderr, stdout};

const RULES: &str = "\
groups:
  - name: validators
    rules:
      - alert: DoubleVote
        expr: vector(1)
        labels:
          incident_type: validator_compromise
          node: validator-3
          severity: critical
        annotations:
          summary: two votes at one height
";

/// A running Prometheus; ended by its id.
struct Prometheus(Child);

impl Prometheus {
    /// Evaluates one rule that always fires and sends to the server as a machine source.
    fn start(server: &Server) -> Prometheus {
        let folder = server.folder.path().join("prometheus");
        fs::create_dir(&folder).unwrap();
        let token = server.json(&["token", "create", "--source", "prometheus"]);
        fs::write(folder.join("token"), token["token"].as_str().unwrap()).unwrap();
        fs::write(folder.join("rules.yml"), RULES).unwrap();
        fs::write(folder.join("prometheus.yml"), config(server)).unwrap();
        let child = Command::new("prometheus")
            .current_dir(&folder)
            // It only finds its receiver some seconds after the first evaluation, so it must send again.
            .args(["--config.file=prometheus.yml", "--rules.alert.resend-delay=200ms"])
            .args(["--web.listen-address=127.0.0.1:0", "--storage.tsdb.path=data"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.join("log")).unwrap())
            .spawn();
        Prometheus(child.unwrap_or_else(|error| panic!("`prometheus` does not start: {error}")))
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn config(server: &Server) -> String {
    let target = server.address.trim_start_matches("http://");
    format!(
        "\
global:
  evaluation_interval: 200ms
rule_files: [rules.yml]
alerting:
  alertmanagers:
    - authorization:
        credentials_file: token
      static_configs:
        - targets: ['{target}']
"
    )
}

#[test]
fn an_alert_of_prometheus_is_contained() {
    let server = Server::start(&[]);
    let prometheus = Prometheus::start(&server);
    let contained = |list: &Value| {
        let items = list["items"].as_array().unwrap();
        items.iter().any(|incident| incident["contained_at"].is_string())
    };
    let list = server.until(&["incident", "list"], contained);
    let incidents = list["items"].as_array().unwrap();
    assert_eq!(incidents.len(), 1, "{list:#}");
    assert_eq!(incidents[0]["incident_type"], "validator_compromise", "{list:#}");
    assert_eq!(incidents[0]["severity"], "critical", "{list:#}");
    assert_eq!(incidents[0]["alerts"], 1, "repeats do not count: {list:#}");
    drop(prometheus);
}

/// The amtool of the server's first person.
struct Amtool<'a> {
    server: &'a Server,
}

impl<'a> Amtool<'a> {
    fn of(server: &'a Server) -> Amtool<'a> {
        let token = server.data().join("admin.token");
        let config = format!("authorization:\n  credentials_file: {}\n", token.display());
        fs::write(server.folder.path().join("http.yml"), config).unwrap();
        Amtool { server }
    }

    fn run(&self, args: &[&str]) -> Output {
        let http: &Path = &self.server.folder.path().join("http.yml");
        let mut command = Command::new("amtool");
        command.arg(format!("--alertmanager.url={}", self.server.address));
        command.arg(format!("--http.config.file={}", http.display()));
        let output = command.args(args).env("HOME", self.server.folder.path()).output();
        output.unwrap_or_else(|error| panic!("`amtool` does not start: {error}"))
    }

    /// What it prints when it succeeds.
    #[track_caller]
    fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", stderr(&output));
        stdout(&output)
    }

    #[track_caller]
    fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.ok(&[args, &["--output=json"]].concat())).unwrap()
    }
}

#[test]
fn amtool_sends_silences_and_finds() {
    let server = Server::start(&[]);
    let amtool = Amtool::of(&server);
    amtool.ok(&["alert", "add", "DiskFull", "node=db-1", "severity=low", "--annotation=summary=96 %"]);
    let alerts = amtool.json(&["alert", "query", "node=~db-.*"]);
    assert_eq!(alerts[0]["labels"]["alertname"], "DiskFull", "{alerts:#}");
    assert_eq!(alerts[0]["annotations"]["summary"], "96 %", "{alerts:#}");
    assert_eq!(alerts[0]["status"]["state"], "active", "{alerts:#}");

    let add = ["silence", "add", "node=db-1", "--author=rae", "--comment=new disk", "--duration=1h"];
    let id = amtool.ok(&add).trim().to_owned();
    let silences = amtool.json(&["silence", "query", "node=db-1"]);
    assert_eq!((&silences[0]["id"], &silences[0]["createdBy"]), (&id.clone().into(), &"rae".into()));
    let silenced = amtool.json(&["alert", "query", "--silenced"]);
    assert_eq!(silenced[0]["status"]["silencedBy"][0], *id, "{silenced:#}");

    let longer = amtool.json(&["silence", "update", "--duration=2h", &id]);
    assert_eq!(longer[0]["id"], *id, "only the end was moved: {longer:#}");

    amtool.ok(&["silence", "expire", &id]);
    assert_eq!(amtool.json(&["silence", "query"]), serde_json::json!([]));
    let expired = amtool.json(&["silence", "query", "--expired", "--within=1h"]);
    assert_eq!(expired[0]["status"]["state"], "expired", "{expired:#}");
    assert_eq!(amtool.json(&["alert", "query"])[0]["status"]["state"], "active");
    assert!(!amtool.run(&["silence", "expire", &id]).status.success(), "it has expired already");

    assert!(amtool.ok(&["config", "show"]).contains("receiver: ringfence"));
    assert_eq!(amtool.ok(&["config", "routes", "test", "node=db-1"]).trim(), "ringfence");
    assert!(amtool.ok(&["cluster", "show"]).contains("disabled"));
}
