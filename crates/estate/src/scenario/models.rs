//! Shipped scenarios about models: what they learn from is poisoned, what they know is copied, what they see is made to
//! mislead them.

use super::shipped::{alert, beat, goal, noticed};
use super::{Deed, SECOND_US, Scenario, Work};
use crate::spec::{TargetKind, TargetRef};

/// Somebody upstream changes what a model learns from.
pub(super) fn data_poisoning() -> Scenario {
    let poison = Deed::Poison { dataset: "dataset-1".to_owned(), vector: "upstream".to_owned(), percent: 4 };
    let changed = Deed::Damage { target: TargetRef::new(TargetKind::Model, "model-a") };
    Scenario {
        id: "data_poisoning".to_owned(),
        name: "Data poisoning".to_owned(),
        summary: "A supplier of dataset-1 was taken over. pipeline-1 teaches model-a from it until the pipeline stands \
                  still, the data set is cut off and put back, and the model runs its last clean checkpoint."
            .to_owned(),
        beats: vec![
            beat(0, "A delivery for dataset-1 comes with labels that are wrong on purpose.", poison),
            beat(
                SECOND_US / 4,
                "pipeline-1 teaches model-a with it.",
                work(TargetKind::Pipeline, "pipeline-1", "wrong lessons", 1),
            ),
            beat(SECOND_US / 2, "The weights of model-a are not those that were registered.", changed),
            noticed(
                SECOND_US,
                "The labels of dataset-1 have moved too far.",
                alert(
                    "DataPoisoning",
                    "data_poisoning",
                    &[("dataset", "dataset-1"), ("pipeline", "pipeline-1"), ("model", "model-a")],
                    "4 % of the labels of dataset-1 moved with its last delivery",
                ),
            ),
        ],
        goals: vec![
            goal("pipeline.pause", TargetKind::Pipeline, "pipeline-1"),
            goal("dataset.quarantine", TargetKind::Dataset, "dataset-1"),
            goal("model.rollback", TargetKind::Model, "model-a"),
            goal("dataset.clean", TargetKind::Dataset, "dataset-1"),
        ],
    }
}

/// Questions that add up to a copy of a model.
pub(super) fn model_extraction() -> Scenario {
    let ask = |prompts, bytes_out| Deed::Ask { session: "session-7".to_owned(), prompts, bytes_out };
    Scenario {
        id: "model_extraction".to_owned(),
        name: "Model extraction".to_owned(),
        summary: "session-7 asks model-b thousands of things in order and keeps every answer with its scores. It ends \
                  when the calls of its account are refused and its session is over."
            .to_owned(),
        beats: vec![
            beat(0, "session-7 begins to ask model-b in order.", ask(900, 2_000_000)),
            beat(
                SECOND_US / 4,
                "Every answer goes into a model of its own.",
                work(TargetKind::Session, "session-7", "copied answers", 5),
            ),
            beat(SECOND_US / 2, "It asks faster.", ask(2_400, 6_000_000)),
            noticed(
                SECOND_US,
                "One account has asked model-b thousands of different things.",
                alert(
                    "ModelExtraction",
                    "model_extraction",
                    &[
                        ("session", "session-7"),
                        ("account", "account-7"),
                        ("address", "198.51.100.7"),
                        ("endpoint", "gateway-models"),
                        ("model", "model-b"),
                    ],
                    "account-7 asked model-b 3,300 different things within an hour",
                ),
            ),
        ],
        goals: vec![
            goal("session.terminate", TargetKind::Session, "session-7"),
            goal("api.suspend_access", TargetKind::Account, "account-7"),
            goal("model.watch", TargetKind::Model, "model-b"),
        ],
    }
}

/// Pictures that are made to be taken for something else.
pub(super) fn adversarial_attack() -> Scenario {
    let craft = |session: &str, technique: &str| Deed::Inject {
        session: session.to_owned(),
        signature: "perturbation/3".to_owned(),
        techniques: vec![technique.to_owned()],
    };
    Scenario {
        id: "adversarial_attack".to_owned(),
        name: "Adversarial attack".to_owned(),
        summary:
            "session-6 sends model-a inputs with noise that nobody sees, and what should be refused passes; \
                  session-9 does the same. It ends when the session is over and such inputs are refused."
                .to_owned(),
        beats: vec![
            beat(0, "session-6 tries which noise misleads model-a.", craft("session-6", "perturbation")),
            beat(
                SECOND_US / 8,
                "It tries the noise on a model of its own first.",
                craft("session-6", "transfer"),
            ),
            beat(
                SECOND_US / 4,
                "model-a lets through what it should refuse.",
                work(TargetKind::Session, "session-6", "wrong decisions", 2),
            ),
            beat(SECOND_US / 2, "session-9 sends the same noise.", craft("session-9", "perturbation")),
            beat(
                SECOND_US / 2,
                "model-a is misled there as well.",
                work(TargetKind::Session, "session-9", "wrong decisions", 2),
            ),
            noticed(
                SECOND_US,
                "model-a is too sure of too many odd inputs.",
                alert(
                    "AdversarialAttack",
                    "adversarial_attack",
                    &[
                        ("session", "session-6"),
                        ("account", "account-6"),
                        ("address", "198.51.100.6"),
                        ("service", "gateway"),
                        ("model", "model-a"),
                    ],
                    "inputs of session-6 differ from known ones by noise alone, and model-a decides otherwise",
                ),
            ),
        ],
        goals: vec![
            goal("session.terminate", TargetKind::Session, "session-6"),
            goal("filter.tighten", TargetKind::Service, "gateway"),
            goal("filter.update", TargetKind::Service, "gateway"),
            goal("pattern.record", TargetKind::Session, "session-6"),
        ],
    }
}

fn work(kind: TargetKind, through: &str, doing: &str, damage: u64) -> Deed {
    Deed::Work(Work {
        fault: false,
        through: TargetRef::new(kind, through),
        doing: doing.to_owned(),
        damage,
        period_us: SECOND_US / 4,
    })
}
