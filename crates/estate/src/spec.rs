//! The description of an estate as a document, and the estate that is shipped.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// What exists in an estate at the beginning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    pub segments: Vec<String>,
    pub nodes: Vec<NodeSpec>,
    pub keys: Vec<KeySpec>,
    pub accounts: Vec<AccountSpec>,
    pub sessions: Vec<SessionSpec>,
    pub services: Vec<ServiceSpec>,
    pub endpoints: Vec<EndpointSpec>,
    pub models: Vec<String>,
    #[serde(default)]
    pub files: Vec<FileSpec>,
    /// In the order in which they were made; the last of a model is the one that it runs.
    #[serde(default)]
    pub checkpoints: Vec<CheckpointSpec>,
    #[serde(default)]
    pub datasets: Vec<String>,
    #[serde(default)]
    pub pipelines: Vec<PipelineSpec>,
    #[serde(default)]
    pub backups: Vec<BackupSpec>,
    pub patches: Vec<PatchSpec>,
    /// Traffic that is let through between segments; all other traffic between segments is not.
    pub traffic: Vec<TrafficRule>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeSpec {
    pub id: String,
    pub segment: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeySpec {
    pub id: String,
    pub node: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountSpec {
    pub id: String,
    pub role: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionSpec {
    pub id: String,
    pub account: String,
    /// Address that the session comes from.
    pub from: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceSpec {
    pub id: String,
    pub segment: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointSpec {
    pub id: String,
    pub service: String,
}

/// A file under one of the roots that take uploads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSpec {
    pub id: String,
    pub root: String,
    /// What the name says that it is.
    pub extension: String,
    /// What its first bytes say that it is.
    pub magic: String,
    pub uploader: String,
    /// Stands for the bytes; equal for copies.
    pub content: String,
}

impl FileSpec {
    /// The first bytes belong to another kind of file than the name.
    pub fn is_disguised(&self) -> bool {
        self.extension != self.magic
    }
}

/// The weights of a model as they were at one time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointSpec {
    pub id: String,
    pub model: String,
    /// Stands for the weights.
    pub weights: String,
}

/// Trains a model with a data set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PipelineSpec {
    pub id: String,
    pub dataset: String,
    pub model: String,
}

/// A copy of the data of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupSpec {
    pub id: String,
    pub service: String,
    /// It cannot be read any more.
    #[serde(default)]
    pub broken: bool,
}

/// A patch that is ready to be applied in an emergency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatchSpec {
    pub id: String,
    pub summary: String,
    /// The hole that it closes, where it has a name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub closes: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrafficRule {
    pub from: String,
    pub to: String,
}

/// The kinds of things in an estate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    Node,
    Key,
    Account,
    Session,
    Service,
    Endpoint,
    Segment,
    Model,
    File,
    Dataset,
    Pipeline,
    /// Of a network; every address there can be is known.
    Address,
}

impl TargetKind {
    pub const ALL: [TargetKind; 12] = [
        TargetKind::Node,
        TargetKind::Key,
        TargetKind::Account,
        TargetKind::Session,
        TargetKind::Service,
        TargetKind::Endpoint,
        TargetKind::Segment,
        TargetKind::Model,
        TargetKind::File,
        TargetKind::Dataset,
        TargetKind::Pipeline,
        TargetKind::Address,
    ];

    pub fn name(self) -> &'static str {
        match self {
            TargetKind::Node => "node",
            TargetKind::Key => "key",
            TargetKind::Account => "account",
            TargetKind::Session => "session",
            TargetKind::Service => "service",
            TargetKind::Endpoint => "endpoint",
            TargetKind::Segment => "segment",
            TargetKind::Model => "model",
            TargetKind::File => "file",
            TargetKind::Dataset => "dataset",
            TargetKind::Pipeline => "pipeline",
            TargetKind::Address => "address",
        }
    }

    /// Of many.
    pub(crate) fn plural(self) -> String {
        match self {
            TargetKind::Address => "addresses".to_owned(),
            TargetKind::Node
            | TargetKind::Key
            | TargetKind::Account
            | TargetKind::Session
            | TargetKind::Service
            | TargetKind::Endpoint
            | TargetKind::Segment
            | TargetKind::Model
            | TargetKind::File
            | TargetKind::Dataset
            | TargetKind::Pipeline => format!("{}s", self.name()),
        }
    }

    pub fn parse(name: &str) -> Option<TargetKind> {
        TargetKind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// One thing in the estate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TargetRef {
    pub kind: TargetKind,
    pub id: String,
}

impl TargetRef {
    pub fn new(kind: TargetKind, id: &str) -> TargetRef {
        TargetRef { kind, id: id.to_owned() }
    }
}

impl fmt::Display for TargetRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.name(), self.id)
    }
}

impl Spec {
    /// The estate that Ringfence acts on until another one is configured.
    pub fn shipped() -> Spec {
        let node =
            |n: usize| NodeSpec { id: format!("validator-{n}"), segment: shipped_segment(n).to_owned() };
        let service =
            |id: &str, segment: &str| ServiceSpec { id: id.to_owned(), segment: segment.to_owned() };
        let endpoint =
            |id: &str, service: &str| EndpointSpec { id: id.to_owned(), service: service.to_owned() };
        let rule = |from: &str, to: &str| TrafficRule { from: from.to_owned(), to: to.to_owned() };
        Spec {
            segments: vec!["core".to_owned(), "edge".to_owned()],
            nodes: (1..=7).map(node).collect(),
            keys: (1..=7)
                .map(|n| KeySpec { id: format!("key-{n}"), node: format!("validator-{n}") })
                .collect(),
            accounts: (1..=9).map(shipped_account).collect(),
            sessions: (1..=9).map(shipped_session).collect(),
            services: vec![
                service("api", "edge"),
                service("gateway", "edge"),
                service("ledger", "core"),
                service("storage", "core"),
            ],
            endpoints: vec![
                endpoint("api-public", "api"),
                endpoint("api-admin", "api"),
                endpoint("gateway-models", "gateway"),
                endpoint("ledger-write", "ledger"),
                endpoint("storage-read", "storage"),
            ],
            models: vec!["model-a".to_owned(), "model-b".to_owned()],
            files: vec![
                shipped_file("upload-1", "png", "account-4", "a picture"),
                shipped_file("upload-2", "pdf", "account-5", "an invoice"),
                shipped_file("upload-3", "png", "account-6", "another picture"),
            ],
            checkpoints: vec![
                shipped_checkpoint("model-a-1", "model-a"),
                shipped_checkpoint("model-a-2", "model-a"),
                shipped_checkpoint("model-b-1", "model-b"),
            ],
            datasets: vec!["dataset-1".to_owned(), "dataset-2".to_owned()],
            pipelines: vec![
                shipped_pipeline("pipeline-1", "dataset-1", "model-a"),
                shipped_pipeline("pipeline-2", "dataset-2", "model-b"),
            ],
            backups: ["api", "gateway", "ledger", "storage"].iter().map(|of| shipped_backup(of)).collect(),
            patches: vec![
                shipped_patch("patch-1", "validators refuse to sign twice at one height"),
                shipped_patch("patch-2", "the login of the api counts failed attempts"),
                shipped_patch("patch-3", "storage checks the length of a read"),
            ],
            traffic: vec![rule("core", "edge"), rule("edge", "core")],
        }
    }

    /// Every name that is used must be defined, and defined once.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let segments = unique("segment", self.segments.iter())?;
        let nodes = unique("node", self.nodes.iter().map(|node| &node.id))?;
        unique("key", self.keys.iter().map(|key| &key.id))?;
        let accounts = unique("account", self.accounts.iter().map(|account| &account.id))?;
        unique("session", self.sessions.iter().map(|session| &session.id))?;
        let services = unique("service", self.services.iter().map(|service| &service.id))?;
        unique("endpoint", self.endpoints.iter().map(|endpoint| &endpoint.id))?;
        let models = unique("model", self.models.iter())?;
        let datasets = unique("dataset", self.datasets.iter())?;
        unique("checkpoint", self.checkpoints.iter().map(|checkpoint| &checkpoint.id))?;
        unique("pipeline", self.pipelines.iter().map(|pipeline| &pipeline.id))?;
        unique("backup", self.backups.iter().map(|backup| &backup.id))?;
        let files = self.files.iter();
        unique("file", files.clone().map(|file| &file.id))?;
        unique("patch", self.patches.iter().map(|patch| &patch.id))?;

        defined("model", &models, self.checkpoints.iter().map(|point| (&point.id, &point.model)))?;
        defined("model", &models, self.pipelines.iter().map(|line| (&line.id, &line.model)))?;
        defined("dataset", &datasets, self.pipelines.iter().map(|line| (&line.id, &line.dataset)))?;
        defined("service", &services, self.backups.iter().map(|backup| (&backup.id, &backup.service)))?;
        defined("segment", &segments, self.nodes.iter().map(|node| (&node.id, &node.segment)))?;
        defined("segment", &segments, self.services.iter().map(|service| (&service.id, &service.segment)))?;
        defined("segment", &segments, self.traffic.iter().map(|rule| (&rule.to, &rule.from)))?;
        defined("segment", &segments, self.traffic.iter().map(|rule| (&rule.from, &rule.to)))?;
        defined("account", &accounts, files.map(|file| (&file.id, &file.uploader)))?;
        defined("node", &nodes, self.keys.iter().map(|key| (&key.id, &key.node)))?;
        defined("account", &accounts, self.sessions.iter().map(|session| (&session.id, &session.account)))?;
        defined("service", &services, self.endpoints.iter().map(|endpoint| (&endpoint.id, &endpoint.service)))
    }
}

fn shipped_segment(node: usize) -> &'static str {
    if node <= 4 { "core" } else { "edge" }
}

fn shipped_account(n: usize) -> AccountSpec {
    let role = match n {
        1 => "administrator",
        2 | 3 => "operator",
        _ => "customer",
    };
    AccountSpec { id: format!("account-{n}"), role: role.to_owned() }
}

fn shipped_session(n: usize) -> SessionSpec {
    SessionSpec {
        id: format!("session-{n}"),
        account: format!("account-{n}"),
        from: format!("198.51.100.{n}"),
    }
}

fn shipped_file(id: &str, kind: &str, uploader: &str, content: &str) -> FileSpec {
    FileSpec {
        id: id.to_owned(),
        root: "/srv/uploads".to_owned(),
        extension: kind.to_owned(),
        magic: kind.to_owned(),
        uploader: uploader.to_owned(),
        content: content.to_owned(),
    }
}

fn shipped_checkpoint(id: &str, model: &str) -> CheckpointSpec {
    CheckpointSpec { id: id.to_owned(), model: model.to_owned(), weights: format!("weights of {id}") }
}

fn shipped_pipeline(id: &str, dataset: &str, model: &str) -> PipelineSpec {
    PipelineSpec { id: id.to_owned(), dataset: dataset.to_owned(), model: model.to_owned() }
}

fn shipped_backup(service: &str) -> BackupSpec {
    BackupSpec { id: format!("{service}-nightly"), service: service.to_owned(), broken: false }
}

fn shipped_patch(id: &str, summary: &str) -> PatchSpec {
    PatchSpec { id: id.to_owned(), summary: summary.to_owned(), closes: String::new() }
}

fn unique<'a>(kind: &str, ids: impl Iterator<Item = &'a String>) -> Result<BTreeSet<&'a str>, Error> {
    let mut seen = BTreeSet::new();
    for id in ids {
        if !seen.insert(id.as_str()) {
            return Err(Error::Spec(format!("{kind} `{id}` is defined twice; remove one")));
        }
    }
    Ok(seen)
}

fn defined<'a>(
    kind: &str,
    known: &BTreeSet<&str>,
    uses: impl Iterator<Item = (&'a String, &'a String)>,
) -> Result<(), Error> {
    for (user, used) in uses {
        if !known.contains(used.as_str()) {
            return Err(Error::Spec(format!(
                "`{user}` names the {kind} `{used}`, which is not defined; define it"
            )));
        }
    }
    Ok(())
}
