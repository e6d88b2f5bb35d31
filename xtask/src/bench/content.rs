//! The content that the servers run with: small actions and playbooks whose only cost is the platform's own.

use std::{fs, net::SocketAddr, path::Path};

use anyhow::Context as _;

/// Steps of the playbooks that keep many runs in flight.
pub(super) const STEPS: u64 = 20;

/// One call that contains, as the whole playbook.
pub(super) const CONTAINED: &str = "bench_contained";
/// Five no-op steps, then a call that shows that they are done.
pub(super) const FIVE: &str = "bench_five";
/// [`STEPS`] no-op steps, then a call that shows that they are done.
pub(super) const MANY: &str = "bench_many";
/// [`STEPS`] steps by HTTP, the last one timed.
pub(super) const MANY_HTTP: &str = "bench_many_http";
/// A containment, then a gate that no machine opens: the run stays open.
pub(super) const WAITING: &str = "bench_waiting";
/// No playbook fits: the incident stays open.
pub(super) const OPEN: &str = "bench_open";

/// `node.contain` and `node.mark` are timed by the target, `node.step` is counted. `account.restore` is carried out
/// by the estate in the server's own process, where it changes nothing.
const ACTIONS: &str = "\
actions:
  - verb: node.contain
    summary: Contain a node
    target: node
    connector: target
    class: idempotent
    risk: low
    containment: true
    revert: node.free
    blast_radius_max: 10
    requests:
      apply: { method: PUT, path: \"/t/{{target}}\", body: { incident: \"{{incident}}\" }, expect: { status: [204] } }
      revert: { method: DELETE, path: \"/t/{{target}}\", expect: { status: [204] } }
  - verb: node.free
    summary: Take the containment of a node back
    target: node
    connector: target
    class: idempotent
    risk: low
    blast_radius_max: 10
    requests:
      apply: { method: DELETE, path: \"/t/{{target}}\", expect: { status: [204] } }
  - verb: node.mark
    summary: Show that the steps before are done
    target: node
    connector: target
    class: idempotent
    risk: low
    blast_radius_max: 10
    requests:
      apply: { method: PUT, path: \"/t/{{target}}\", body: { incident: \"{{incident}}\" }, expect: { status: [204] } }
  - verb: node.step
    summary: One step by HTTP
    target: node
    connector: target
    class: idempotent
    risk: low
    blast_radius_max: 10
    requests:
      apply: { method: PUT, path: \"/s/{{target}}\", body: { incident: \"{{incident}}\" }, expect: { status: [204] } }
  - verb: account.restore
    summary: Nothing, for an account that is not suspended
    target: account
    connector: estate
    class: keyed
    risk: low
    blast_radius_max: 10
";

/// Writes the content folder: rules and incident types as `shipped`, and besides them what the rows need.
pub(super) fn write(folder: &Path, shipped: &Path) -> anyhow::Result<()> {
    let [playbooks, rules] = ["playbooks", "rules"].map(|name| folder.join(name));
    for path in [&playbooks, &rules] {
        fs::create_dir_all(path).with_context(|| format!("no folder `{}`", path.display()))?;
    }
    copy_rules(&shipped.join("rules"), &rules)?;
    let put = |path: &Path, text: &str| {
        fs::write(path, text).with_context(|| format!("`{}` cannot be written", path.display()))
    };
    put(&folder.join("actions.yaml"), ACTIONS)?;
    let types = shipped.join("taxonomy.yaml");
    let types = fs::read_to_string(&types).with_context(|| format!("no `{}`", types.display()))?;
    put(&folder.join("taxonomy.yaml"), &format!("{}\n{}", types.trim_end(), taxonomy()))?;
    let mark = step("last", "node.mark", NODE);
    let no_op =
        |count| (1..=count).map(|n| step(&format!("s{n}"), "account.restore", ACCOUNT)).collect::<String>();
    let by_http = (1..STEPS).map(|n| step(&format!("s{n}"), "node.step", NODE)).collect::<String>();
    let playbook = |kind: &str, exit: &str, steps: String| {
        let text = format!(
            "id: {kind}\nname: Bench\nversion: 1.0.0\ntypes: [{kind}]\nmin_severity: low\nstages:\n  \
             - id: only\n    name: Only\n{exit}    steps:\n{steps}"
        );
        put(&playbooks.join(format!("{kind}.yaml")), &text)
    };
    playbook(CONTAINED, "", step("contain", "node.contain", NODE))?;
    playbook(FIVE, "", no_op(5) + &mark)?;
    playbook(MANY, "", no_op(STEPS) + &mark)?;
    playbook(MANY_HTTP, "", by_http + &mark)?;
    playbook(WAITING, "    exit: steps.contain.verified\n", step("contain", "node.contain", NODE))
}

const NODE: &str = "for_each: incident.targets(\"node\")";
const ACCOUNT: &str = "target: account-1";

fn step(id: &str, verb: &str, target: &str) -> String {
    format!("      - id: {id}\n        action: {verb}\n        {target}\n")
}

fn taxonomy() -> String {
    let one = |name: &str| {
        format!(
            "  - name: {name}\n    category: bench\n    severity: high\n    group_by: [node]\n    window: 4h\n"
        )
    };
    let kinds = [CONTAINED, FIVE, MANY, MANY_HTTP, WAITING, OPEN];
    kinds.map(one).concat()
}

fn copy_rules(from: &Path, to: &Path) -> anyhow::Result<()> {
    let shown = from.display();
    for entry in fs::read_dir(from).with_context(|| format!("no folder `{shown}`"))? {
        let path = entry?.path();
        let Some(name) = path.file_name().filter(|name| !name.to_string_lossy().ends_with(".test.yaml"))
        else {
            continue;
        };
        fs::copy(&path, to.join(name)).with_context(|| format!("`{}` cannot be copied", path.display()))?;
    }
    Ok(())
}

/// The configuration: the target of this process, and the estate within the server.
pub(super) fn configuration(target: SocketAddr) -> String {
    format!(
        "[connectors.target]\nkind = \"http\"\nendpoint = \"http://{target}\"\n\
         allowed_networks = [\"127.0.0.1/32\"]\n\n[connectors.estate]\nkind = \"estate\"\n"
    )
}
