//! The walls between crates: which of ours may be used where, and who may name SQL, HTTP and axum.

use crate::manifest::{self, Dependency, Kind, Package};
use crate::tree;

/// What each crate may use of ours, in the product.
const EDGES: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("tlog", &[]),
    ("store", &[]),
    ("connectors", &["domain"]),
    ("engine", &["domain", "store", "tlog", "connectors"]),
    ("server", &["engine", "domain", "tlog"]),
    ("estate", &["domain"]),
    ("ringfence", &["domain", "tlog", "store", "connectors", "engine", "server", "estate"]),
    ("sim", &["domain", "tlog", "store", "connectors", "engine", "estate"]),
    ("xtask", &[]),
];

/// What tests may use besides: the simulated world, and what a test of the server assembles a node from.
const TEST_EDGES: &[(&str, &[&str])] = &[
    ("connectors", &["estate"]),
    ("engine", &["estate"]),
    ("server", &["estate", "store", "connectors"]),
    ("ringfence", &[]),
];

const SQL: &[&str] = &[
    "rusqlite",
    "libsqlite3-sys",
    "tokio-postgres",
    "postgres",
    "postgres-types",
    "deadpool-postgres",
    "sqlx",
    "diesel",
    "sea-orm",
    "sqlite",
];

const HTTP_CLIENTS: &[&str] = &[
    "reqwest",
    "ureq",
    "hyper-rustls",
    "hyper-tls",
    "isahc",
    "curl",
    "attohttpc",
    "awc",
    "surf",
    "minreq",
    "tonic",
    "http-client",
];

/// Libraries that hold a server and a client; the client is a feature.
const HTTP_BOTH: &[&str] = &["hyper", "hyper-util"];

/// Time, chance and the outside world: nothing that decides or verifies may reach them.
const IMPURE: &[&str] = &[
    "tokio",
    "async-std",
    "smol",
    "futures",
    "mio",
    "socket2",
    "rand",
    "getrandom",
    "fastrand",
    "tempfile",
    "chrono",
    "time",
    "rayon",
    "crossbeam-channel",
];

const PACKAGES_MAX: usize = 450;

fn allowed<'a>(table: &[(&str, &'a [&'a str])], of: &str) -> Option<&'a [&'a str]> {
    table.iter().find(|(name, _)| *name == of).map(|(_, names)| *names)
}

fn edge_problems(packages: &[Package]) -> Vec<String> {
    let ours: Vec<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let mut problems = Vec::new();
    for package in packages {
        let Some(product) = allowed(EDGES, &package.name) else {
            problems
                .push(format!("crate `{}` has no line in EDGES of xtask/tests/it/walls.rs", package.name));
            continue;
        };
        let tests = allowed(TEST_EDGES, &package.name).unwrap_or(&[]);
        for dependency in package.dependencies.iter().filter(|d| ours.contains(&d.name.as_str())) {
            let name = dependency.name.as_str();
            let in_tests = dependency.kind == Kind::Dev && tests.contains(&name);
            if !product.contains(&name) && !in_tests {
                problems.push(format!("`{}` must not use `{name}` ({:?})", package.name, dependency.kind));
            }
        }
    }
    problems
}

/// Names of `what` outside the crates that `may` name them.
fn naming_problems(packages: &[Package], what: &[&str], may: &[&str]) -> Vec<String> {
    let mut problems = Vec::new();
    for package in packages.iter().filter(|package| !may.contains(&package.name.as_str())) {
        for dependency in package.dependencies.iter().filter(|d| what.contains(&d.name.as_str())) {
            problems.push(format!("`{}` names `{}`; only {may:?} may", package.name, dependency.name));
        }
    }
    problems
}

/// Clients are for those who call out, and for the load generators of xtask; a server may use the other half.
fn http_client_problems(packages: &[Package]) -> Vec<String> {
    const CALLERS: &[&str] = &["connectors", "ringfence", "xtask"];
    let mut problems = naming_problems(packages, HTTP_CLIENTS, CALLERS);
    for package in packages.iter().filter(|package| !CALLERS.contains(&package.name.as_str())) {
        for dependency in package.dependencies.iter().filter(|d| HTTP_BOTH.contains(&d.name.as_str())) {
            let serves = ["server", "estate"].contains(&package.name.as_str());
            if !serves || has_client(dependency) {
                let (crate_name, name) = (&package.name, &dependency.name);
                problems
                    .push(format!("`{crate_name}` takes the client side of `{name}`; only {CALLERS:?} may"));
            }
        }
    }
    problems
}

fn has_client(dependency: &Dependency) -> bool {
    dependency.features.iter().any(|feature| feature.starts_with("client") || feature == "full")
}

fn purity_problems(packages: &[Package]) -> Vec<String> {
    let mut problems = Vec::new();
    for package in packages.iter().filter(|package| ["domain", "tlog"].contains(&package.name.as_str())) {
        let product = package.dependencies.iter().filter(|dependency| dependency.kind != Kind::Dev);
        for dependency in product.filter(|dependency| IMPURE.contains(&dependency.name.as_str())) {
            problems.push(format!("`{}` must stay pure and names `{}`", package.name, dependency.name));
        }
    }
    problems
}

#[test]
fn crates_use_only_what_their_wall_allows() {
    tree::none(
        &edge_problems(&manifest::packages()),
        "move the code to the side of the wall where it belongs",
    );
}

#[test]
fn every_wall_has_its_crate() {
    let packages = manifest::packages();
    for (name, _) in EDGES {
        assert!(packages.iter().any(|package| package.name == *name), "EDGES names `{name}`, cargo does not");
    }
}

#[test]
fn only_the_store_speaks_sql() {
    tree::none(&naming_problems(&manifest::packages(), SQL, &["store"]), "go through the trait of `store`");
}

#[test]
fn only_those_who_call_out_have_an_http_client() {
    tree::none(&http_client_problems(&manifest::packages()), "ask a connector, or the client of the CLI");
}

#[test]
fn only_servers_know_axum() {
    let axum = ["axum", "axum-core", "axum-extra", "axum-server", "tower-http"];
    tree::none(
        &naming_problems(&manifest::packages(), &axum, &["server", "estate"]),
        "keep HTTP in `server`",
    );
}

#[test]
fn what_decides_and_verifies_is_pure() {
    tree::none(&purity_problems(&manifest::packages()), "pass the value in as a parameter");
}

#[test]
fn every_crate_is_licensed_and_private() {
    for package in manifest::packages() {
        let (name, license) = (&package.name, package.license.as_deref());
        assert_eq!(license, Some("Apache-2.0"), "`{name}`: license.workspace = true is missing");
        assert!(!package.published, "`{name}`: publish.workspace = true is missing");
    }
}

#[test]
fn the_product_builds_from_few_packages() {
    let count = manifest::product_packages();
    assert!(count <= PACKAGES_MAX, "{count} packages in the default build, at most {PACKAGES_MAX}");
}

#[test]
fn planted_edges_are_found() {
    let dependency = |name: &str, kind| Dependency::new(name, kind, &[]);
    let packages = [
        Package::new("domain", vec![dependency("store", Kind::Normal)]),
        Package::new("tlog", vec![dependency("domain", Kind::Dev)]),
        Package::new("store", vec![dependency("serde", Kind::Normal)]),
        Package::new("engine", vec![dependency("estate", Kind::Dev), dependency("estate", Kind::Normal)]),
        Package::new("helper", vec![]),
    ];
    // `estate` is a crate of ours only if it is in the list.
    let packages: Vec<Package> = packages.into_iter().chain([Package::new("estate", vec![])]).collect();
    assert_eq!(
        edge_problems(&packages),
        [
            "`domain` must not use `store` (Normal)",
            "`tlog` must not use `domain` (Dev)",
            "`engine` must not use `estate` (Normal)",
            "crate `helper` has no line in EDGES of xtask/tests/it/walls.rs",
        ]
    );
}

#[test]
fn planted_clients_and_sql_are_found() {
    let one = |of: &str, name: &str, features: &[&str]| {
        [Package::new(of, vec![Dependency::new(name, Kind::Normal, features)])]
    };
    assert_eq!(http_client_problems(&one("engine", "ureq", &[])).len(), 1);
    assert_eq!(http_client_problems(&one("engine", "hyper", &["server"])).len(), 1);
    assert_eq!(http_client_problems(&one("server", "hyper-util", &["client-legacy"])).len(), 1);
    assert_eq!(http_client_problems(&one("server", "hyper-util", &["server", "tokio"])).len(), 0);
    assert_eq!(http_client_problems(&one("connectors", "hyper", &["client"])).len(), 0);
    assert_eq!(naming_problems(&one("engine", "rusqlite", &[]), SQL, &["store"]).len(), 1);
    assert_eq!(purity_problems(&one("domain", "tokio", &[])).len(), 1);
    assert_eq!(purity_problems(&one("engine", "tokio", &[])).len(), 0);
}
