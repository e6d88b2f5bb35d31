//! `services.yaml` in each way to be wrong, and the order that a right one gives.

use std::collections::BTreeSet;

use expect_test::{Expect, expect};

use super::{super::load, TAXONOMY};
use crate::content::services::{affected, in_order};

const ACTIONS: &str = "actions:
  - { verb: service.probe, summary: Look, target: service, connector: estate, class: read_back, risk: low,
      verify: true, blast_radius_max: 9 }
  - { verb: node.status, summary: Look, target: node, connector: estate, class: idempotent, risk: low,
      blast_radius_max: 9 }
  - { verb: node.synced, summary: Look, target: node, connector: estate, class: read_back, risk: low,
      verify: true, blast_radius_max: 9, args: { height: { kind: integer, required: true } } }
  - { verb: node.cut, summary: Cut, target: node, connector: estate, class: keyed, risk: low, containment: true,
      revert: node.join, verify: true, blast_radius_max: 9 }
  - { verb: node.join, summary: Join, target: node, connector: estate, class: keyed, risk: low, verify: true,
      blast_radius_max: 9 }
";

const SERVICES: &str = "services:
  - name: storage
    summary: Files
    group: 1
    owner: on_call
    targets: { service: [storage] }
    probes: [{ id: a, action: service.probe }]
  - name: ledger
    summary: Chain
    group: 2
    owner: on_call
    depends_on: [storage]
    targets: { service: [ledger], node: [n1, n2] }
    verify: [{ id: b, verifies: data, action: node.synced, with: { height: 7 } }]
    probes: [{ id: c, action: service.probe }]
  - name: shop
    summary: Shop
    group: 2
    owner: on_call
    depends_on: [storage]
    targets: { service: [shop] }
    probes: [{ id: d, action: service.probe, targets: [shop] }]
";

fn read(services: &str) -> (crate::content::Content, String) {
    let files = [("actions.yaml", ACTIONS), ("taxonomy.yaml", TAXONOMY), ("services.yaml", services)];
    let files = files.into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())).collect();
    let (content, problems) = load(&files);
    (content, problems.iter().map(|problem| format!("{problem}\n")).collect())
}

/// The problems after replacing a text that stands in the file exactly once.
fn wrong(from: &str, to: &str, expect: Expect) {
    assert_eq!(SERVICES.matches(from).count(), 1, "`{from}` must stand there once");
    expect.assert_eq(&read(&SERVICES.replace(from, to)).1);
}

#[test]
fn the_base_has_no_problem_and_an_order() {
    let (content, problems) = read(SERVICES);
    assert_eq!(problems, "");
    let order = |named: &[(&str, &str)]| {
        let named: Vec<_> = named.iter().map(|(kind, name)| ((*kind).into(), (*name).into())).collect();
        let found: BTreeSet<&str> = affected(&content.services, &named);
        let order = in_order(&content.services, &found);
        order.iter().map(|service| &*service.name).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(order(&[("service", "storage")]), "storage ledger shop", "with all that need it");
    assert_eq!(order(&[("node", "n2")]), "ledger");
    assert_eq!(order(&[("node", "n9"), ("key", "n1")]), "");
}

#[test]
fn what_is_needed_comes_first_whatever_the_names() {
    let text = SERVICES.replace("group: 1", "group: 2").replace("storage", "zulu");
    let (content, problems) = read(&text);
    assert_eq!(problems, "");
    let all = content.services.keys().map(String::as_str).collect();
    let order: Vec<&str> = in_order(&content.services, &all).iter().map(|s| &*s.name).collect();
    assert_eq!(order, ["zulu", "ledger", "shop"]);
}

#[test]
fn names() {
    wrong(
        "group: 1",
        "group: 10",
        expect![[r#"
            services.yaml:4:12: group 10 is out of bounds; use 1 to 9
            services.yaml:12:18: `ledger` of group 2 needs `storage` of group 10, which comes back later; give `storage` group 2 or less
            services.yaml:20:18: `shop` of group 2 needs `storage` of group 10, which comes back later; give `storage` group 2 or less
        "#]],
    );
    wrong(
        "name: shop",
        "name: ledger",
        expect![[r#"
            services.yaml:16:11: the service `ledger` is already defined at services.yaml:8:11; rename one
        "#]],
    );
    wrong(
        "group: 2\n    owner: on_call\n    depends_on: [storage]\n    targets: { service: [shop] }",
        "group: 2\n    owner: on_call\n    depends_on: [store, ledger]\n    targets: { service: [shop] }",
        expect![[r#"
            services.yaml:20:18: unknown service `store`; known: `ledger`, `shop`, `storage`
        "#]],
    );
    wrong(
        "node: [n1, n2]",
        "nodes: [n1, n2]",
        expect![[r#"
            services.yaml:13:42: unknown kind of target `nodes`; did you mean `node`?
        "#]],
    );
    wrong(
        "{ service: [shop] }",
        "{ service: [shop], node: [n1] }",
        expect![[r#"
            services.yaml:21:40: node `n1` belongs to `ledger` at services.yaml:13:42 already; a target belongs to one service
        "#]],
    );
    wrong(
        "summary: Shop",
        "urgent: yes",
        expect![[r#"
            services.yaml:16:5: the field `summary` is missing
            services.yaml:17:5: unknown field `urgent`; expected one of `name`, `summary`, `group`, `owner`, `depends_on`, `targets`, `restore_within`, `fresh_for`, `restore`, `verify`, `probes`
        "#]],
    );
}

#[test]
fn circles() {
    let text = SERVICES.replace("group: 2", "group: 1").replace(
        "owner: on_call\n    targets: { service: [storage] }",
        "owner: on_call\n    depends_on: [shop, storage]\n    targets: { service: [storage] }",
    );
    expect![[r#"
        services.yaml:6:18: the service needs itself: storage → shop → storage
        services.yaml:6:24: the service needs itself: storage → storage
        services.yaml:21:18: the service needs itself: shop → storage → shop
    "#]]
    .assert_eq(&read(&text).1);
}

#[test]
fn checks() {
    wrong(
        "[{ id: a, action: service.probe }]",
        "[]",
        expect![[r#"
        services.yaml:7:13: a service without a probe can never be shown to be well; add one
    "#]],
    );
    wrong(
        "id: a, action: service.probe",
        "id: a, action: service.prob",
        expect![[r#"
            services.yaml:7:31: unknown action `service.prob`; did you mean `service.probe`?
        "#]],
    );
    wrong(
        "id: a, action: service.probe",
        "id: a, action: node.synced, with: { height: x }",
        expect![[r#"
            services.yaml:7:31: the service has no node to probe; name `targets`
            services.yaml:7:60: the argument `height` must be of kind integer, not "x"
        "#]],
    );
    wrong(
        "id: c, action: service.probe",
        "id: c, action: node.status",
        expect![[r#"
            services.yaml:15:31: `node.status` is not read back (no `verify: true`), so it shows nothing
        "#]],
    );
    wrong(
        "id: c, action: service.probe",
        "id: b, action: node.cut",
        expect![[r#"
            services.yaml:15:20: the check `b` is already defined at services.yaml:14:20; rename one
            services.yaml:15:31: `node.cut` holds something back until it is released; name what brings back
        "#]],
    );
    wrong(
        "verifies: data, ",
        "",
        expect![[r#"
        services.yaml:14:20: say what it speaks for: `verifies: data` or `verifies: posture`
    "#]],
    );
    wrong(
        "verifies: data",
        "verifies: health",
        expect![[r#"
        services.yaml:14:33: health is what `probes` are for; use `data` or `posture` here
    "#]],
    );
    wrong(
        ", with: { height: 7 }",
        ", with: { depth: 7 }, targets: [n3]",
        expect![[r#"
            services.yaml:14:47: `node.synced` needs the argument `height`; add it under `with`
            services.yaml:14:75: `node.synced`: unknown argument `depth`; known: `height`
            services.yaml:14:90: unknown node of this service `n3`; did you mean `n1`?
        "#]],
    );
    wrong(
        "targets: [shop] }]",
        "targets: [] }]\n    restore_within: 1s",
        expect![[r#"
            services.yaml:22:55: no target is named; leave `targets` out to take those of the service
            services.yaml:23:21: the time to restore of 1s is out of bounds; use 10s to 30d
        "#]],
    );
}
