//! The content that simulations run on: one action of each class, playbooks with each way to fail, in two versions
//! of which the second takes away and asks for more; and the shipped content.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use domain::content::{Content, load};

const ACTIONS: &str = "
actions:
  - { verb: node.isolate, summary: Isolate, target: node, connector: wall, class: keyed, risk: medium,
      containment: true, revert: node.release, verify: true, blast_radius_max: 4, timeout: 5s }
  - { verb: node.release, summary: Release, target: node, connector: wall, class: keyed, risk: medium,
      verify: true, blast_radius_max: 4, timeout: 5s }
  - { verb: segment.close, summary: Close, target: segment, connector: wall, class: read_back, risk: high,
      containment: true, revert: segment.open, verify: true, blast_radius_max: 4, timeout: 5s }
  - { verb: segment.open, summary: Open, target: segment, connector: wall, class: read_back, risk: high,
      verify: true, blast_radius_max: 4, timeout: 5s }
  - { verb: account.suspend, summary: Suspend, target: account, connector: desk, class: idempotent, risk: low,
      containment: true, revert: account.restore, verify: true, blast_radius_max: 4, timeout: 3s%SUSPEND% }
  - { verb: account.restore, summary: Restore, target: account, connector: desk, class: idempotent, risk: low,
      verify: true, blast_radius_max: 4, timeout: 3s%RESTORE% }
  - { verb: service.cut, summary: Cut, target: service, connector: desk, class: one_shot, risk: medium,
      containment: true, revert: service.mend, blast_radius_max: 4, timeout: 4s }
  - { verb: service.mend, summary: Mend, target: service, connector: desk, class: one_shot, risk: medium,
      blast_radius_max: 4, timeout: 4s }
  - { verb: key.burn, summary: Burn, target: key, connector: desk, class: one_shot, risk: low,
      blast_radius_max: 4, timeout: 4s }
%TELL%";

const TELL: &str =
    "  - { verb: endpoint.tell, summary: Tell, target: endpoint, connector: horn, class: notice, risk: low,
      blast_radius_max: 4, timeout: 2s }
";

const TAXONOMY: &str = "
types:
  - { name: breach, category: test, severity: high, group_by: [node], window: 1h }
  - { name: outage, category: test, severity: high, group_by: [service], window: 30m }
  - { name: leak, category: test, severity: medium, group_by: [account], window: 2h }
  - { name: mixed, category: test, severity: high, group_by: [node], window: 1h }
  - { name: noise, category: test, severity: low, window: 1h }
";

const RULE: &str = "
id: leak
match:
  - alertname=~\"Leak.*\"
type: leak
auto_response: false
";

/// What is counted, and what has to hold: sightings begin, are counted, fire and lapse while everything else goes on.
const COUNTED: &str = "
id: counted
on: records
match: [ 'event=\"knock\"' ]
count: { threshold: 4, window: 40s }
by: { account: who }
type: leak
auto_response: true
";

const HELD: &str = "
id: held
on: records
conditions: [ { metric: load, operator: greater_than, value: 90 } ]
for: 30s
by: { node: host }
type: breach
severity: high
auto_response: true
";

const FIRING: &str = "
id: firing
match: [ 'alertname=\"Noise\"' ]
for: 1m
type: noise
auto_response: true
";

const BREACH: &str = "
id: breach
name: Breach
version: 1.0.0
types: [breach]
stages:
  - id: contain
    exit: steps.isolate.applied && steps.close.done
    steps:
      - id: isolate
        action: node.isolate
        for_each: incident.targets(\"node\")
        priority: critical
        retry: { attempts: 4, delay: 200ms }
        lease: { for: 30m, on_expiry: ask }
      - id: close
        action: segment.close
        for_each: incident.targets(\"segment\")
        retry: { attempts: 3, delay: 300ms }
        lease: { for: 1h, on_expiry: ask }
      - id: suspend
        action: account.suspend
        for_each: incident.targets(\"account\")%WITH%
        priority: optional
        lease: { for: 10m, on_expiry: lift }
        on_failure: continue
  - id: finish
    entry: containments.all(c, c.in_force)
    steps:
      - id: burn
        action: key.burn
        for_each: incident.targets(\"key\")
        priority: recommended
        on_failure: continue
%LAST%";

const BREACH_LAST: &str = "      - id: tell
        action: endpoint.tell
        target: pager
        priority: optional
        on_failure: continue
";

const OUTAGE: &str = "
id: outage
name: Outage
version: 1.0.0
types: [outage]
stages:
  - id: contain
    steps:
      - id: cut
        action: service.cut
        for_each: incident.targets(\"service\")
        lease: { for: 20m, on_expiry: ask }
        on_failure: undo
      - id: close
        action: segment.close
        for_each: incident.targets(\"segment\")
        retry: { attempts: 2, delay: 100ms }
        on_failure: undo
      - id: isolate
        action: node.isolate
        for_each: incident.targets(\"node\")
        retry: { attempts: 2, delay: 100ms }
        on_failure: undo
      - id: suspend
        action: account.suspend
        for_each: incident.targets(\"account\")%WITH%
        retry: { attempts: 1 }
        on_failure: undo
";

const LEAK: &str = "
id: leak
name: Leak
version: 1.0.0
types: [leak]
stages:
  - id: contain
    steps:
      - id: suspend
        action: account.suspend
        for_each: incident.targets(\"account\")%WITH%
        lease: { for: 5m, on_expiry: lift }
      - id: cut
        action: service.cut
        for_each: incident.targets(\"service\")
  - id: after
    entry: steps.suspend.applied
    steps:
      - id: isolate
        action: node.isolate
        for_each: incident.targets(\"node\")
";

/// Each kind of step, the ones that hold others around the ones that do not.
const EVERY: &str = "
id: every
name: Every kind
version: 1.0.0
types: [mixed]
stages:
  - id: contain
    exit: steps.both.done && decisions.scope.made
    steps:
      - id: both
        parallel:
          calls:
            - id: shut
              call: shut
              with: { nodes: 'incident.targets(\"node\")' }
            - { id: note, manual: Note it, priority: optional }
          people:
            - id: scope
              decision: Is there more?
              options:
                enough: {}
                more:
                  steps:
                    - id: suspend
                      action: account.suspend
                      for_each: incident.targets(\"account\")%DEEP%
                      on_failure: continue
              default: { after: 20h, choose: enough }
            - { id: ring, manual: Ring them, due: 10m }
      - id: again
        while: steps.again.rounds < 2
        rounds: 3
        steps:
          - { id: burn, action: key.burn, for_each: incident.targets(\"key\"), on_failure: continue, priority: optional }
          - { id: rest, wait: { for: 30s } }
      - id: how
        switch:
          - case: high
            when: incident.severity >= severity.high
            steps:
              - { id: cut, action: service.cut, for_each: incident.targets(\"service\"), on_failure: undo }
        otherwise: [{ id: look, manual: Look }]
  - id: finish
    steps:
      - id: first
        parallel:
          condition: [{ id: until, wait: { until: 'containments.all(c, c.in_force)', timeout: 5m } }]
          time: [{ id: late, wait: { for: 10m } }]
        join: any
        on_failure: continue
        priority: optional
      - { id: quick, decision: Over?, options: { yes: {}, no: {} }, default: { after: 1m, choose: yes } }
      - { id: done, manual: Say that it is over }
";

const SHUT: &str = "
id: shut
inputs: { nodes: { type: names } }
steps:
  - { id: isolate, action: node.isolate, for_each: inputs.nodes, retry: { attempts: 3, delay: 200ms } }
  - { id: sure, decision: Was that right?, options: { yes: {}, no: {} } }
";

/// The files of the first version, or of the second: an argument more, a verb and a step less.
pub fn files_of(second: bool) -> BTreeMap<String, String> {
    let ticket = ", args: { ticket: { kind: text, required: true } }";
    let (with, suspend, tell, last) = if second {
        ("\n        with: { ticket: T-1 }", ticket, "", "")
    } else {
        ("", "", TELL, BREACH_LAST)
    };
    let actions = ACTIONS.replace("%SUSPEND%", suspend).replace("%RESTORE%", suspend).replace("%TELL%", tell);
    let deep = with.replace('\n', "\n              ");
    let playbook = |text: &str| text.replace("%WITH%", with).replace("%DEEP%", &deep).replace("%LAST%", last);
    let files = [
        ("actions.yaml", actions),
        ("taxonomy.yaml", TAXONOMY.to_owned()),
        ("rules/leak.yaml", RULE.to_owned()),
        ("rules/counted.yaml", COUNTED.to_owned()),
        ("rules/held.yaml", HELD.to_owned()),
        ("rules/firing.yaml", FIRING.to_owned()),
        ("playbooks/breach.yaml", playbook(BREACH)),
        ("playbooks/outage.yaml", playbook(OUTAGE)),
        ("playbooks/leak.yaml", playbook(LEAK)),
        ("playbooks/every.yaml", playbook(EVERY)),
        ("pieces/shut.yaml", SHUT.to_owned()),
    ];
    files.into_iter().map(|(path, text)| (path.to_owned(), text)).collect()
}

/// The content of these files. Panics with the problems where it has any: the simulator's own content is wrong.
pub(crate) fn loaded(files: &BTreeMap<String, String>) -> Arc<Content> {
    let (content, problems) = load(files);
    assert!(problems.is_empty(), "the content has problems: {problems:?}");
    Arc::new(content)
}

/// The first version.
pub fn first_content() -> Arc<Content> {
    loaded(&files_of(false))
}

/// The content that is shipped with the product. Panics where it cannot be read.
pub fn shipped_content() -> Arc<Content> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content");
    let mut files = BTreeMap::new();
    collect(&root, "", &mut files);
    // Clocks that call people go on until somebody acknowledges, and nobody here does; that they are called once
    // and in time is shown where the clocks are.
    files.remove("severities.yaml");
    files.remove("escalation.yaml");
    // What comes round does so for ever, and nothing would come to rest.
    files.remove("schedule.yaml");
    loaded(&files)
}

fn collect(folder: &Path, prefix: &str, files: &mut BTreeMap<String, String>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        panic!("the shipped content is not at {}", folder.display());
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = entry.path();
        if path.is_dir() {
            collect(&path, &format!("{prefix}{name}/"), files);
        } else if name.ends_with(".yaml") {
            let text = std::fs::read_to_string(&path);
            assert!(text.is_ok(), "{} does not read: {text:?}", path.display());
            files.extend(text.ok().map(|text| (format!("{prefix}{name}"), text)));
        }
    }
}
