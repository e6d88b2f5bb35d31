//! What the server under test runs with: five actions, one of each class, all on the estate beside it.

use std::{fs, net::SocketAddr, path::Path};

use anyhow::Context as _;

/// What alerts are about: the type of the incident, the label that names its target, how many targets the estate
/// has of that kind, and their names.
pub(super) const KINDS: [(&str, &str, u64, &str); 3] = [
    ("crash_node", "node", 7, "validator-"),
    ("crash_account", "account", 9, "account-"),
    ("crash_key", "key", 7, "key-"),
];

/// Faults of the estate as `ringfence estate --fault` takes them: one call in three meets one. Those that fail are few
/// enough that five in a row, which open the circuit breaker of the estate for half a minute, are rare.
pub(super) const FAULTS: [&str; 7] = [
    "slow:40%15",
    "answer_twice%5",
    "apply_then_drop%5",
    "drop_before%3",
    "apply_then_hang%2",
    "hang%2",
    "apply_then_error%2",
];

const ACTIONS: &str = "\
actions:
  - verb: node.isolate
    summary: Cut a node off
    target: node
    connector: estate
    class: keyed
    risk: low
    containment: true
    revert: node.release
    verify: true
    blast_radius_max: 5
    timeout: 600ms
  - verb: node.release
    summary: Let a node back
    target: node
    connector: estate
    class: keyed
    risk: low
    verify: true
    blast_radius_max: 5
    timeout: 600ms
  - verb: patch.apply
    summary: Patch a node
    target: node
    connector: estate
    class: read_back
    risk: low
    verify: true
    blast_radius_max: 5
    timeout: 600ms
    args:
      patch: { kind: text, required: true }
  - verb: account.suspend
    summary: Suspend an account
    target: account
    connector: estate
    class: idempotent
    risk: low
    blast_radius_max: 5
    timeout: 600ms
  - verb: service.disable
    summary: Take a service out of use
    target: service
    connector: estate
    class: notice
    risk: low
    blast_radius_max: 5
    timeout: 600ms
  - verb: key.revoke
    summary: Revoke a key
    target: key
    connector: estate
    class: one_shot
    risk: low
    blast_radius_max: 5
    timeout: 600ms
";

const NODE: &str = "      - id: isolate
        action: node.isolate
        for_each: incident.targets(\"node\")
        retry: { attempts: 20, backoff: constant, delay: 100ms }
        lease: { for: 24h, on_expiry: ask }
      - id: patch
        action: patch.apply
        for_each: incident.targets(\"node\")
        with: { patch: patch-1 }
        retry: { attempts: 20, backoff: constant, delay: 100ms }
";

const ACCOUNT: &str = "      - id: suspend
        action: account.suspend
        for_each: incident.targets(\"account\")
        retry: { attempts: 20, backoff: constant, delay: 100ms }
      - id: disable
        action: service.disable
        target: api
        retry: { attempts: 20, backoff: constant, delay: 100ms }
";

const KEY: &str = "      - id: revoke
        action: key.revoke
        for_each: incident.targets(\"key\")
        retry: { attempts: 20, backoff: constant, delay: 100ms }
";

/// Writes the content folder and `ringfence.toml` into `dir`.
pub(super) fn write(dir: &Path, estate: SocketAddr) -> anyhow::Result<()> {
    let content = dir.join("content");
    for folder in ["playbooks", "rules"] {
        let path = content.join(folder);
        fs::create_dir_all(&path).with_context(|| format!("no folder `{}`", path.display()))?;
    }
    let put = |path: &Path, text: &str| {
        fs::write(path, text).with_context(|| format!("`{}` cannot be written", path.display()))
    };
    put(&content.join("actions.yaml"), ACTIONS)?;
    let mut types = String::from("types:\n");
    for ((kind, ..), steps) in KINDS.iter().zip([NODE, ACCOUNT, KEY]) {
        types += &format!(
            "  - name: {kind}\n    category: crash\n    severity: high\n    group_by: [group]\n    window: 24h\n"
        );
        let playbook = format!(
            "id: {kind}\nname: Crash\nversion: 1.0.0\ntypes: [{kind}]\nmin_severity: low\nstages:\n  \
             - id: only\n    name: Only\n    steps:\n{steps}"
        );
        put(&content.join(format!("playbooks/{kind}.yaml")), &playbook)?;
    }
    put(&content.join("taxonomy.yaml"), &types)?;
    let configuration = format!(
        "[connectors.estate]\nkind = \"estate\"\nendpoint = \"http://{estate}\"\n\
         allowed_networks = [\"127.0.0.1/32\"]\nconcurrency_max = 64\n"
    );
    put(&dir.join("ringfence.toml"), &configuration)
}
