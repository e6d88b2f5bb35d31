//! `playbooks/*.yaml`: from the document to a [`Playbook`] with compiled gates.

use std::{collections::BTreeMap, sync::Arc};

use serde::Deserialize;

use super::{
    Files, Known,
    block::{self, Places},
    charter, hash,
    piece::{self, Inputs, Pieces},
    report::{Report, Seen, read_reported, shorten, unknown},
    step::StepDocument,
};
use crate::{
    document::{Problem, Spanned},
    expr::{Env, Expr, Stands, Type},
    playbook::{Criticality, Gate, Life, PASSES_MOST, Playbook, Procedure, Response, Stage},
    severity::Severity,
};

/// Most stages, and most steps over all stages, of one playbook.
const MAX_STAGES: usize = 64;
pub(super) const MAX_STEPS: usize = 512;

#[derive(Deserialize)]
pub(super) struct PlaybookDocument {
    pub(super) id: Spanned<String>,
    name: Spanned<String>,
    version: Spanned<String>,
    #[serde(default)]
    types: Vec<Spanned<String>>,
    min_severity: Option<Severity>,
    #[serde(default)]
    response: Response,
    #[serde(default)]
    procedure: Procedure,
    #[serde(default)]
    pub(super) status: Life,
    pub(super) unit: Option<Spanned<String>>,
    pub(super) owner: Option<Spanned<String>>,
    pub(super) criticality: Option<Criticality>,
    #[serde(default)]
    pub(super) reviewers: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) tags: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) related: Vec<Spanned<String>>,
    pub(super) created: Option<Spanned<String>>,
    pub(super) updated: Option<Spanned<String>>,
    #[serde(default)]
    roles: Vec<Spanned<String>>,
    stages: Spanned<Vec<StageDocument>>,
}

#[derive(Deserialize)]
pub(super) struct StageDocument {
    pub(super) id: Spanned<String>,
    name: Option<Spanned<String>>,
    #[serde(default)]
    description: String,
    #[serde(default)]
    roles: Vec<Spanned<String>>,
    entry: Option<Spanned<String>>,
    exit: Option<Spanned<String>>,
    pub(super) steps: Spanned<Vec<StepDocument>>,
}

/// What the parts of one playbook are checked against.
pub(super) struct Scope<'a> {
    pub(super) env: &'a Env,
    pub(super) roles: &'a [Spanned<String>],
    pub(super) known: Known<'a>,
    pub(super) places: Places<'a>,
    /// In a piece: what its ids begin with here, and what its names stand for.
    pub(super) prefix: String,
    pub(super) stands: Stands,
    pub(super) inputs: Inputs<'a>,
}

/// The playbooks by path. One with a problem is left out.
pub(super) fn read<'a>(
    files: &Files<'a>,
    known: Known<'_>,
    problems: &mut Vec<Problem>,
) -> BTreeMap<&'a str, Read> {
    let mut ids = Seen::default();
    let mut choices = Choices::default();
    let mut playbooks = BTreeMap::new();
    for &(path, text) in files {
        let (document, mut report) = read_reported::<PlaybookDocument>(path, text, problems);
        let Some(document) = document else { continue };
        let before = report.count();
        ids.insert("the playbook", &document.id, &mut report);
        if document.status == Life::Active {
            choices.insert(&document, known, &mut report);
        }
        let playbook = check(&document, text, known, &mut report);
        if let Some(playbook) = playbook.filter(|_| report.count() == before) {
            playbooks.insert(path, playbook);
        }
    }
    playbooks
}

/// One playbook for itself.
pub(super) fn read_one(
    path: &str,
    text: &str,
    known: Known<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Read> {
    let (document, mut report) = read_reported::<PlaybookDocument>(path, text, problems);
    check(&document?, text, known, &mut report)
}

/// A playbook, and the text that its runs are pinned to.
pub(super) struct Read {
    pub(super) playbook: Arc<Playbook>,
    pub(super) text: Arc<str>,
}

/// The playbook, or `None` when it has a problem.
fn check(document: &PlaybookDocument, text: &str, known: Known<'_>, report: &mut Report<'_>) -> Option<Read> {
    let before = report.count();
    report.id("the playbook", &document.id);
    report.line("the name", &document.name);
    report.line("the version", &document.version);
    report.unique("the role", &document.roles);
    document.roles.iter().for_each(|role| report.id("the role", role));
    let charter = charter::check(document, report);
    let types = check_types(document, known, report);
    let nothing = Pieces::default();
    let pieces = known.pieces.unwrap_or(&nothing);
    if !check_shape(document, pieces, report) {
        return None;
    }
    let steps = || document.stages.value.iter().flat_map(|stage| &stage.steps.value);
    let env = piece::env(steps(), pieces);
    let scope = Scope {
        env: &env,
        roles: &document.roles,
        known,
        places: Places::of(&document.stages.value, pieces),
        prefix: String::new(),
        stands: Stands::default(),
        inputs: Inputs::None,
    };
    let mut stages = Vec::new();
    let mut first = 0;
    for stage in &document.stages.value {
        stages.push(check_stage(stage, &mut first, &scope, report));
    }
    let stages: Vec<Stage> = stages.into_iter().collect::<Option<_>>()?;
    let pinned = pieces.pinned(text, block::flat(steps()));
    let playbook = Playbook {
        id: document.id.value.clone(),
        name: document.name.value.clone(),
        version: document.version.value.clone(),
        hash: hash(&pinned),
        file: hash(text),
        types,
        min_severity: document.min_severity.unwrap_or(Severity::Informational),
        response: document.response,
        procedure: document.procedure,
        charter,
        roles: values(&document.roles),
        stages,
    };
    (report.count() == before).then(|| Read { playbook: playbook.into(), text: pinned.into() })
}

fn check_types(document: &PlaybookDocument, known: Known<'_>, report: &mut Report<'_>) -> Vec<String> {
    let Some(types) = known.types else {
        return values(&document.types);
    };
    let mut names: Vec<String> = Vec::new();
    for written in &document.types {
        match types.resolve(written) {
            None => report.at(written, unknown("incident type", written, types.names())),
            Some(found) if names.contains(&found.name) => {
                report.at(written, format!("the incident type `{}` is listed twice; remove one", found.name));
            }
            Some(found) => names.push(found.name.clone()),
        }
    }
    names
}

/// Emptiness, sizes and ids, over all stages; false when it is too large to go on.
fn check_shape(document: &PlaybookDocument, pieces: &Pieces<'_>, report: &mut Report<'_>) -> bool {
    let stages = &document.stages;
    if stages.value.is_empty() {
        report.at(stages, "the playbook has no stage; add one with a step");
    }
    if stages.value.len() > MAX_STAGES {
        report.at(stages, format!("the playbook has {} stages; at most {MAX_STAGES}", stages.value.len()));
    }
    let count: usize = stages.value.iter().map(|stage| block::count(&stage.steps.value, pieces)).sum();
    if count > MAX_STEPS {
        report.at(stages, format!("the playbook has {count} steps; at most {MAX_STEPS}"));
        return false;
    }
    let mut passes = 0;
    let (mut stage_ids, mut step_ids) = (Seen::default(), Seen::default());
    for stage in &stages.value {
        report.id("the stage", &stage.id);
        stage_ids.insert("the stage", &stage.id, report);
        if stage.steps.value.is_empty() {
            let id = shorten(&stage.id);
            report.at(&stage.steps, format!("the stage `{id}` has no step; add one, or remove the stage"));
        }
        let before = report.count();
        passes += block::check_size(&stage.steps.value, pieces, report);
        if passes > PASSES_MOST && report.count() == before {
            let message = format!("up to here the playbook may begin {passes} steps; at most {PASSES_MOST}");
            report.at(&stage.id, message);
        }
        block::check_ids(&stage.steps.value, pieces, &mut step_ids, report);
    }
    true
}

fn check_stage(
    stage: &StageDocument,
    first: &mut u32,
    scope: &Scope<'_>,
    report: &mut Report<'_>,
) -> Option<Stage> {
    let name = stage.name.as_ref().unwrap_or(&stage.id);
    report.line("the name", name);
    let roles = check_roles(&stage.roles, scope, report);
    let entry = stage.entry.as_ref().map(|text| gate(text, scope, report));
    let exit = stage.exit.as_ref().map(|text| gate(text, scope, report));
    let mut steps = Vec::new();
    block::sequence(&stage.steps.value, (*first, 1), &mut steps, scope, report);
    *first += steps.len() as u32;
    Some(Stage {
        id: stage.id.value.clone(),
        name: name.value.clone(),
        description: stage.description.clone(),
        roles,
        // A gate that did not compile must not read as no gate.
        entry: entry.map_or(Some(None), |gate| gate.map(Some))?,
        exit: exit.map_or(Some(None), |gate| gate.map(Some))?,
        steps: steps.into_iter().collect::<Option<_>>()?,
    })
}

pub(super) fn gate(text: &Spanned<String>, scope: &Scope<'_>, report: &mut Report<'_>) -> Option<Gate> {
    let expr = compile(text, &Type::Bool, scope, report)?;
    Some(Gate { text: text.value.clone(), expr })
}

/// Compiles an expression; its problems point into the text.
pub(super) fn compile(
    text: &Spanned<String>,
    expected: &Type,
    scope: &Scope<'_>,
    report: &mut Report<'_>,
) -> Option<Expr> {
    compile_in(scope.env, text, expected, scope, report)
}

/// The same where more can be read than in the rest of the playbook.
pub(super) fn compile_in(
    env: &Env,
    text: &Spanned<String>,
    expected: &Type,
    scope: &Scope<'_>,
    report: &mut Report<'_>,
) -> Option<Expr> {
    match Expr::compile_where(text, &scope.stands, env, expected) {
        Ok(expr) => Some(expr),
        Err(problems) => {
            problems.into_iter().for_each(|problem| report.inside(text, problem.start, problem.message));
            None
        }
    }
}

/// Roles of a stage or step must be among those of the playbook, so that a run knows whom it needs.
pub(super) fn check_roles(
    roles: &[Spanned<String>],
    scope: &Scope<'_>,
    report: &mut Report<'_>,
) -> Vec<String> {
    report.unique("the role", roles);
    for role in roles.iter().filter(|role| !scope.roles.contains(role)) {
        let message = unknown("role", role, scope.roles.iter().map(|role| role.as_str()));
        report.at(role, format!("{message} (the playbook's `roles` lists them)"));
    }
    values(roles)
}

pub(super) fn values(list: &[Spanned<String>]) -> Vec<String> {
    list.iter().map(|item| item.value.clone()).collect()
}

/// Which playbook is chosen for which type from which severity on; two for the same would be a tie.
#[derive(Default)]
struct Choices(BTreeMap<(Option<String>, Severity), (String, String)>);

impl Choices {
    fn insert(&mut self, document: &PlaybookDocument, known: Known<'_>, report: &mut Report<'_>) {
        let severity = document.min_severity.unwrap_or(Severity::Informational);
        if document.types.is_empty() {
            self.choice(None, severity, &document.id, document, report);
        }
        for written in &document.types {
            let found = known.types.and_then(|types| types.resolve(written));
            let name = found.map_or_else(|| written.value.clone(), |found| found.name.clone());
            self.choice(Some(name), severity, written, document, report);
        }
    }

    fn choice(
        &mut self,
        incident_type: Option<String>,
        severity: Severity,
        place: &Spanned<String>,
        document: &PlaybookDocument,
        report: &mut Report<'_>,
    ) {
        let what =
            incident_type.as_ref().map_or("any type".to_owned(), |name| format!("type `{}`", shorten(name)));
        let mine = (document.id.value.clone(), report.path().to_owned());
        let (id, path) = self.0.entry((incident_type, severity)).or_insert_with(|| mine.clone());
        if *path != mine.1 {
            let message = format!(
                "the playbook `{}` in {path} is chosen for {what} from severity {severity} on as well; \
                 give one of them another `min_severity`",
                shorten(id)
            );
            report.at(place, message);
        }
    }
}
