//! The workspace as cargo sees it.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// One crate of ours.
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) license: Option<String>,
    pub(crate) published: bool,
    /// Folder from the workspace root.
    pub(crate) folder: String,
    pub(crate) dependencies: Vec<Dependency>,
}

/// One line of a manifest.
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) features: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// Part of the product.
    Normal,
    /// Runs while the product is built.
    Build,
    /// Only in tests.
    Dev,
}

impl Package {
    pub(crate) fn new(name: &str, dependencies: Vec<Dependency>) -> Self {
        let license = Some("Apache-2.0".to_owned());
        Self {
            name: name.to_owned(),
            license,
            published: false,
            folder: format!("crates/{name}"),
            dependencies,
        }
    }
}

impl Dependency {
    pub(crate) fn new(name: &str, kind: Kind, features: &[&str]) -> Self {
        Self { name: name.to_owned(), kind, features: features.iter().map(ToString::to_string).collect() }
    }
}

/// All crates of the workspace with what their manifests name, not what is resolved from it.
pub(crate) fn packages() -> Vec<Package> {
    let text = cargo(&["metadata", "--no-deps", "--format-version", "1"]);
    let metadata: Value = serde_json::from_str(&text).unwrap();
    let packages: Vec<Package> = list(&metadata["packages"]).iter().map(package).collect();
    assert!(packages.len() >= 10, "cargo metadata shows only {} packages", packages.len());
    packages
}

/// Distinct packages that are compiled for `ringfence` with its default features on this machine.
pub(crate) fn product_packages() -> usize {
    let args = ["tree", "--locked", "-p", "ringfence", "-e", "normal,build", "--prefix", "none", "-f", "{p}"];
    let tree = cargo(&args);
    let packages: std::collections::BTreeSet<&str> =
        tree.lines().map(|line| line.trim_end_matches(" (*)")).filter(|line| !line.is_empty()).collect();
    assert!(!packages.is_empty(), "cargo tree printed nothing");
    packages.len()
}

fn package(value: &Value) -> Package {
    let manifest = Path::new(string(&value["manifest_path"])).parent().unwrap();
    let root = crate::tree::root().canonicalize().unwrap();
    Package {
        name: string(&value["name"]).to_owned(),
        license: value["license"].as_str().map(str::to_owned),
        // `publish = false` is an empty list of registries, no restriction is null.
        published: value["publish"] != Value::Array(Vec::new()),
        folder: manifest.canonicalize().unwrap().strip_prefix(root).unwrap().display().to_string(),
        dependencies: list(&value["dependencies"]).iter().map(dependency).collect(),
    }
}

fn dependency(value: &Value) -> Dependency {
    let kind = match value["kind"].as_str() {
        None => Kind::Normal,
        Some("build") => Kind::Build,
        Some("dev") => Kind::Dev,
        Some(other) => panic!("cargo metadata names a kind of dependency that is not known here: {other}"),
    };
    let features = list(&value["features"]).iter().map(|feature| string(feature).to_owned()).collect();
    Dependency { name: string(&value["name"]).to_owned(), kind, features }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn string(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn cargo(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO")).args(args).current_dir(crate::tree::root()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "`cargo {}` failed:\n{said}", args.join(" "));
    String::from_utf8(output.stdout).unwrap()
}
