//! The content of the random seeds: that of the proofs, and all that goes on beside it. People with clocks, services
//! that are brought back, reports, and a playbook that moves the platform's own limits.

use std::{collections::BTreeMap, sync::Arc};

use domain::content::Content;

use crate::{content, notices, recovery};

const SERVICES: &str = "
services:
  - { name: base, summary: Base, group: 1, owner: on_call,
      targets: { service: [base, one-0], segment: [two-0, two-1, side-0, own-9] },
      restore: [{ id: tidy, action: service.tidy, targets: [base] }],
      verify: [{ id: whole, verifies: data, action: service.look, targets: [base] }],
      probes: [{ id: base_up, action: service.look, targets: [base] }] }
  - { name: shop, summary: Shop, group: 2, owner: on_call, depends_on: [base],
      targets: { service: [shop, one-1], node: [one-0, one-1, inner-0, own-9], account: [three-0, three-1] },
      verify: [{ id: safe, verifies: posture, action: service.look, targets: [shop] }],
      probes: [{ id: shop_up, action: service.look, targets: [shop] }] }
";

const RECOVERY: &str = "
watch: { critical: 12m, high: 10m }
probe_every: 5m
";

const LIMITS: &str = "
  - { verb: control.safe_mode, summary: Set, target: limit, connector: ringfence, class: idempotent, risk: medium,
      revert: control.safe_mode_leave, verify: true, blast_radius_max: 1, timeout: 10s,
      args: { back_to: { kind: text, default: disabled } } }
  - { verb: control.safe_mode_leave, summary: Leave, target: limit, connector: ringfence, class: idempotent,
      risk: high, verify: true, blast_radius_max: 1, timeout: 10s,
      args: { back_to: { kind: text, default: disabled } } }
  - { verb: control.breaker, summary: Open, target: limit, connector: ringfence, class: idempotent, risk: medium,
      revert: control.breaker_close, verify: true, blast_radius_max: 4, timeout: 10s }
  - { verb: control.breaker_close, summary: Close, target: limit, connector: ringfence, class: idempotent,
      risk: high, verify: true, blast_radius_max: 4, timeout: 10s }
  - { verb: control.kill_switch, summary: Stop, target: limit, connector: ringfence, class: idempotent, risk: high,
      verify: true, blast_radius_max: 1, timeout: 10s }
";

const STORM_TYPE: &str = "  - { name: storm, category: test, severity: high, group_by: [node], window: 20m }
";

/// Limits are tightened, something is done under them, and where that fails they are taken back.
const STORM: &str = "
id: storm
name: Storm
version: 1.0.0
types: [storm]
stages:
  - id: tighten
    steps:
      - { id: stricter, action: control.safe_mode, target: restricted, priority: optional, on_failure: continue }
      - { id: open, action: control.breaker, target: desk, on_failure: undo }
      - id: isolate
        action: node.isolate
        for_each: incident.targets(\"node\")
        retry: { attempts: 2, delay: 100ms }
        on_failure: undo
      - id: how
        switch:
          - case: high
            when: incident.severity >= severity.critical
            steps:
              - { id: stop, action: control.kill_switch, target: platform, on_failure: continue }
        otherwise: [{ id: loosen, action: control.breaker_close, target: desk, on_failure: continue }]
";

const REPORTS: &str = "
incident_type: noise
outside_type: leak
form_confidence: 40
outside_confidence: 20
form_per_hour: 3
outside_per_hour: 2
acknowledge: 1h
disclose: 1d
remind: 20h
";

/// The first version, or the second.
pub(crate) fn whole_content(second: bool) -> Arc<Content> {
    content::loaded(&whole_files(second))
}

fn whole_files(second: bool) -> BTreeMap<String, String> {
    let mut files = content::files_of(second);
    for (path, more) in
        [("actions.yaml", recovery::LOOKS), ("actions.yaml", LIMITS), ("taxonomy.yaml", STORM_TYPE)]
    {
        if let Some(text) = files.get_mut(path) {
            text.push_str(more.trim_start_matches('\n'));
        }
    }
    let own = [
        ("services.yaml", SERVICES),
        ("recovery.yaml", RECOVERY),
        ("reports.yaml", REPORTS),
        ("playbooks/storm.yaml", STORM),
    ];
    let all = own.into_iter().chain(notices::PEOPLE);
    files.extend(all.map(|(path, text)| (path.to_owned(), text.to_owned())));
    files
}
