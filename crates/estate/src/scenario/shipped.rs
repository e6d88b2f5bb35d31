//! The shipped scenarios beside the compromise of a validator: a disguised upload, a dead node, a talked-over model.

use std::collections::BTreeMap;

use serde_json::{Map, json};

use super::{Beat, Deed, DrillAlert, Goal, SECOND_US, Scenario, Work};
use crate::spec::{FileSpec, TargetKind, TargetRef};

/// A program that calls itself a picture copies itself until it and its copies are in quarantine.
pub(super) fn malicious_file_upload() -> Scenario {
    Scenario {
        id: "malicious_file_upload".to_owned(),
        name: "Malicious file upload".to_owned(),
        summary:
            "account-5 uploads a program that is named like a picture. It is copied from root to root, and \
                  opened, until it and its copies are in quarantine."
                .to_owned(),
        beats: vec![
            beat(
                0,
                "account-5 uploads upload-77, a picture by its name.",
                upload("upload-77", "/srv/uploads"),
            ),
            beat(SECOND_US / 2, "A copy appears as upload-78.", upload("upload-78", "/srv/shared")),
            beat(
                SECOND_US / 2,
                "upload-77 is opened again and again.",
                work("upload-77", "infected readers"),
            ),
            beat(SECOND_US * 3 / 4, "So is its copy.", work("upload-78", "infected readers")),
            noticed(
                SECOND_US,
                "The first bytes of upload-77 are those of a program.",
                alert(
                    "MagicNumberMismatch",
                    "malicious_file_upload",
                    &[("file", "upload-77"), ("account", "account-5"), ("service", "storage")],
                    "upload-77 is named png and begins like an elf program",
                ),
            ),
        ],
        goals: vec![
            goal("file.quarantine", TargetKind::File, "upload-77"),
            watched("account-5"),
            goal("validation.tighten", TargetKind::Service, "storage"),
        ],
    }
}

/// A validator stops; it has to be started again and to catch up.
pub(super) fn blockchain_node_failure() -> Scenario {
    let missed = Work {
        fault: true,
        through: TargetRef::new(TargetKind::Node, "validator-6"),
        doing: "missed blocks".to_owned(),
        damage: 1,
        period_us: SECOND_US / 4,
    };
    Scenario {
        id: "blockchain_node_failure".to_owned(),
        name: "Blockchain node failure".to_owned(),
        summary:
            "validator-6 dies of a disk error and misses its blocks until its log is saved, it is started \
                  again and has caught up with the chain."
                .to_owned(),
        beats: vec![
            beat(0, "validator-6 stops; its peers lose it.", Deed::Fail { node: "validator-6".to_owned() }),
            beat(SECOND_US / 4, "Its turns to propose pass unused.", Deed::Work(missed)),
            noticed(
                SECOND_US,
                "Monitoring does not reach validator-6.",
                alert(
                    "BlockchainNodeDown",
                    "node_failure",
                    &[("node", "validator-6")],
                    "validator-6 does not answer; 6 of 7 validators are active",
                ),
            ),
        ],
        goals: vec![
            goal("node.restart", TargetKind::Node, "validator-6"),
            goal("node.sync_status", TargetKind::Node, "validator-6"),
        ],
    }
}

/// A session talks a model into giving away records; another one does the same.
pub(super) fn prompt_injection() -> Scenario {
    let leak = |session: &str| {
        Deed::Work(Work {
            fault: false,
            through: TargetRef::new(TargetKind::Session, session),
            doing: "leaked records".to_owned(),
            damage: 3,
            period_us: SECOND_US / 4,
        })
    };
    let inject = |session: &str, techniques: &[&str]| Deed::Inject {
        session: session.to_owned(),
        signature: "role-override/7".to_owned(),
        techniques: techniques.iter().map(|name| (*name).to_owned()).collect(),
    };
    Scenario {
        id: "prompt_injection".to_owned(),
        name: "Prompt injection".to_owned(),
        summary:
            "session-8 talks model-a out of its instructions and reads records of others; session-9 knows \
                  the same words. It ends when the session is over, its owner shut out and the words are filtered."
                .to_owned(),
        beats: vec![
            beat(0, "session-8 tells model-a to forget its instructions.", inject("session-8", &["role_override"])),
            beat(
                SECOND_US / 8,
                "It hides the same words in base64.",
                inject("session-8", &["encoding"]),
            ),
            beat(
                SECOND_US / 4,
                "Then it has model-a call a tool for it.",
                inject("session-8", &["tool_abuse"]),
            ),
            beat(SECOND_US / 4, "model-a gives session-8 what belongs to others.", leak("session-8")),
            beat(SECOND_US / 2, "session-9 uses the same words.", inject("session-9", &["role_override"])),
            beat(SECOND_US / 2, "model-a obeys session-9 as well.", leak("session-9")),
            noticed(
                SECOND_US,
                "The answers of model-a hold records that session-8 may not see.",
                alert(
                    "PromptInjection",
                    "prompt_injection",
                    &[
                        ("session", "session-8"),
                        ("account", "account-8"),
                        ("service", "gateway"),
                        ("endpoint", "gateway-models"),
                        ("address", "198.51.100.8"),
                    ],
                    "answers to session-8 hold records of other accounts",
                ),
            ),
        ],
        goals: vec![
            goal("session.terminate", TargetKind::Session, "session-8"),
            goal("account.suspend", TargetKind::Account, "account-8"),
            goal("filter.update", TargetKind::Service, "gateway"),
        ],
    }
}

impl DrillAlert {
    /// What a monitor says when too few validators are left to agree.
    pub(crate) fn consensus_risk(node: &str, active: usize) -> DrillAlert {
        let summary = format!("{active} validators are active after the loss of {node}");
        alert("BlockchainConsensusRisk", "consensus_failure", &[("node", node)], &summary)
    }

    /// What a response has the monitors say.
    pub(crate) fn raised(
        name: &str,
        severity: &str,
        node: &str,
        active: usize,
        incident: &str,
    ) -> DrillAlert {
        let mut alert = DrillAlert::consensus_risk(node, active);
        alert.labels.insert("alertname".to_owned(), name.to_owned());
        alert.labels.insert("severity".to_owned(), severity.to_owned());
        if name != "BlockchainConsensusRisk" {
            alert.labels.remove("incident_type");
        }
        if !incident.is_empty() {
            alert.labels.insert("incident_id".to_owned(), incident.to_owned());
        }
        alert
    }
}

fn upload(id: &str, root: &str) -> Deed {
    Deed::Upload {
        file: FileSpec {
            id: id.to_owned(),
            root: root.to_owned(),
            extension: "png".to_owned(),
            magic: "elf".to_owned(),
            uploader: "account-5".to_owned(),
            content: "a program that copies itself".to_owned(),
        },
    }
}

fn work(file: &str, doing: &str) -> Deed {
    Deed::Work(Work {
        fault: false,
        through: TargetRef::new(TargetKind::File, file),
        doing: doing.to_owned(),
        damage: 1,
        period_us: SECOND_US / 4,
    })
}

pub(super) fn beat(at_us: u64, text: &str, deed: Deed) -> Beat {
    Beat { at_us, text: text.to_owned(), deed: Some(deed), alert: None }
}

pub(super) fn noticed(at_us: u64, text: &str, alert: DrillAlert) -> Beat {
    Beat { at_us, text: text.to_owned(), deed: None, alert: Some(alert) }
}

pub(super) fn alert(name: &str, kind: &str, targets: &[(&str, &str)], summary: &str) -> DrillAlert {
    let mut labels = BTreeMap::from([
        ("alertname".to_owned(), name.to_owned()),
        ("incident_type".to_owned(), kind.to_owned()),
        ("severity".to_owned(), "critical".to_owned()),
    ]);
    labels.extend(targets.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())));
    DrillAlert { labels, annotations: BTreeMap::from([("summary".to_owned(), summary.to_owned())]) }
}

pub(super) fn goal(verb: &str, kind: TargetKind, id: &str) -> Goal {
    Goal { verb: verb.to_owned(), target: TargetRef::new(kind, id), args: Map::new() }
}

fn watched(account: &str) -> Goal {
    let args = Map::from_iter([("days".to_owned(), json!(7))]);
    Goal { args, ..goal("account.flag", TargetKind::Account, account) }
}
