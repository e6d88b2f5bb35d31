//! `pieces/*.yaml`: steps that several playbooks share, with inputs. A `call` takes the steps of a piece into the
//! playbook when it is read, under ids that begin with that of the call.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Files, Known,
    block::{self, Places},
    playbook::{MAX_STEPS, Scope, compile},
    report::{Report, Seen, read_reported, shorten, unknown},
    step::StepDocument,
};
use crate::{
    content::gate_env,
    document::{Problem, Spanned},
    expr::{Constant, Env, Stands, Type},
    playbook::{PASSES_MOST, Step},
};

/// How deep pieces may call one another.
const DEPTH_MOST: usize = 4;
const INPUTS_MOST: usize = 32;

#[derive(Deserialize)]
pub(super) struct PieceDocument {
    pub(super) id: Spanned<String>,
    name: Option<Spanned<String>>,
    #[serde(default, rename = "description")]
    _description: String,
    #[serde(default)]
    pub(super) inputs: BTreeMap<String, Spanned<InputDocument>>,
    #[serde(default)]
    roles: Vec<Spanned<String>>,
    steps: Spanned<Vec<StepDocument>>,
}

#[derive(Deserialize)]
pub(super) struct InputDocument {
    r#type: InputType,
    default: Option<Spanned<Value>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum InputType {
    Text,
    Integer,
    Boolean,
    /// Names of targets: a list, or an expression that lists them.
    Names,
}

impl InputType {
    fn name(self) -> &'static str {
        match self {
            InputType::Text => "text",
            InputType::Integer => "an integer",
            InputType::Boolean => "true or false",
            InputType::Names => "a list of names, or an expression for one",
        }
    }

    fn in_expressions(self) -> Type {
        match self {
            InputType::Text => Type::String,
            InputType::Integer => Type::Int,
            InputType::Boolean => Type::Bool,
            InputType::Names => Type::list(Type::String),
        }
    }

    /// What this value is in expressions; none when it is of another type.
    fn constant(self, value: &Value) -> Option<Constant> {
        match (self, value) {
            (InputType::Text, Value::String(text)) => Some(Constant::Text(text.clone())),
            (InputType::Integer, Value::Number(number)) => number.as_i64().map(Constant::Int),
            (InputType::Boolean, Value::Bool(value)) => Some(Constant::Bool(*value)),
            (InputType::Names, Value::Array(names)) => {
                let names = names.iter().map(|name| name.as_str().map(str::to_owned));
                names.collect::<Option<Vec<_>>>().map(Constant::Texts)
            }
            (InputType::Text | InputType::Integer | InputType::Boolean | InputType::Names, _) => None,
        }
    }
}

struct Piece<'a> {
    path: &'a str,
    text: &'a str,
    document: PieceDocument,
    /// Steps with those of the pieces it calls, and how many one passage may begin.
    steps: usize,
    passes: u64,
    /// What it reaches by calls, itself too.
    reached: BTreeSet<String>,
    sound: bool,
}

/// All pieces by id.
#[derive(Default)]
pub(super) struct Pieces<'a>(BTreeMap<String, Piece<'a>>);

pub(super) fn read<'a>(files: &Files<'a>, known: Known<'_>, problems: &mut Vec<Problem>) -> Pieces<'a> {
    let mut pieces = Pieces::default();
    let mut ids = Seen::default();
    for &(path, text) in files {
        let (document, mut report) = read_reported::<PieceDocument>(path, text, problems);
        let Some(document) = document else { continue };
        if ids.insert("the piece", &document.id, &mut report) {
            let reached = BTreeSet::new();
            let id = document.id.value.clone();
            pieces.0.insert(id, Piece { path, text, document, steps: 0, passes: 0, reached, sound: true });
        }
    }
    let all: Vec<String> = pieces.0.keys().cloned().collect();
    for id in &all {
        pieces.measure(id, &mut Vec::new(), problems);
    }
    let mut broken = BTreeSet::new();
    for (id, piece) in &pieces.0 {
        let before = problems.len();
        let mut report = Report::new(piece.path, problems);
        check(&piece.document, Known { pieces: Some(&pieces), ..known }, &mut report);
        if problems.len() > before || !piece.sound {
            broken.insert(id.clone());
        }
    }
    for (_, piece) in pieces.0.iter_mut().filter(|(_, piece)| !piece.reached.is_disjoint(&broken)) {
        piece.sound = false;
    }
    pieces
}

impl<'a> Pieces<'a> {
    /// What the steps of this piece come to, after those of the pieces it calls.
    fn measure(&mut self, id: &str, above: &mut Vec<String>, problems: &mut Vec<Problem>) {
        let Some(piece) = self.0.get(id) else { return };
        if !piece.reached.is_empty() {
            return;
        }
        above.push(id.to_owned());
        let path = piece.path;
        let calls: Vec<Spanned<String>> =
            block::flat(&piece.document.steps.value).filter_map(|step| step.call.clone()).collect();
        let mut reached = BTreeSet::from([id.to_owned()]);
        let mut sound = true;
        for call in &calls {
            let mut report = Report::new(path, problems);
            if above.contains(&call.value) {
                let way = above.join("` calls `");
                report.at(call, format!("a piece must not come to call itself: `{way}` calls `{call}`"));
                sound = false;
            } else if above.len() >= DEPTH_MOST {
                report.at(call, format!("pieces call one another more than {DEPTH_MOST} deep; join some"));
                sound = false;
            } else {
                self.measure(call, above, problems);
                let below = self.0.get(&call.value);
                reached.extend(below.iter().flat_map(|piece| piece.reached.iter().cloned()));
                sound &= below.is_none_or(|piece| piece.sound);
            }
        }
        above.pop();
        let Some(document) = self.0.get(id).map(|piece| &piece.document) else { return };
        let steps = if sound { block::count(&document.steps.value, self) } else { 0 };
        let mut report = Report::new(path, problems);
        let before = report.count();
        let passes = if sound { block::check_size(&document.steps.value, self, &mut report) } else { 0 };
        if steps > MAX_STEPS {
            let message = format!("the piece comes to {steps} steps; at most {MAX_STEPS}");
            report.at(&document.steps, message);
        } else if passes > PASSES_MOST && report.count() == before {
            let message = format!("the piece may begin {passes} steps; at most {PASSES_MOST}");
            report.at(&document.steps, message);
        }
        sound &= report.count() == before;
        if let Some(piece) = self.0.get_mut(id) {
            (piece.steps, piece.passes, piece.reached, piece.sound) = (steps, passes, reached, sound);
        }
    }

    /// How many steps a call of it takes in, and how many of them one passage may begin.
    pub(super) fn size(&self, id: &str) -> (usize, u64) {
        self.0.get(id).map_or((0, 0), |piece| (piece.steps, piece.passes))
    }

    pub(super) fn steps(&self, id: &str) -> &[StepDocument] {
        let sound = self.0.get(id).filter(|piece| piece.sound);
        sound.map_or(&[], |piece| &piece.document.steps.value)
    }

    /// The text that a run of the playbook is pinned to: its own, with that of all pieces it reaches.
    pub(super) fn pinned<'s>(&self, text: &str, steps: impl Iterator<Item = &'s StepDocument>) -> String {
        let called = steps.filter_map(|step| step.call.as_ref()).filter_map(|call| self.0.get(&call.value));
        let reached: BTreeSet<&String> = called.flat_map(|piece| &piece.reached).collect();
        let files = reached.into_iter().filter_map(|id| self.0.get(id));
        let pieces: BTreeMap<String, String> =
            files.map(|piece| (piece.path.to_owned(), piece.text.to_owned())).collect();
        if pieces.is_empty() {
            return text.to_owned();
        }
        let pinned = Pinned { playbook: text.to_owned(), pieces };
        serde_json::to_string(&pinned).unwrap_or_else(|_| text.to_owned())
    }
}

/// A playbook with the pieces it reaches, as one text.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pinned {
    pub playbook: String,
    /// Path to text; empty when the playbook stands for itself.
    pub pieces: BTreeMap<String, String>,
}

impl Pinned {
    /// What a playbook's text that was kept holds. No playbook alone reads as this, because it needs an id.
    pub fn of(text: &str) -> Pinned {
        let alone = || Pinned { playbook: text.to_owned(), pieces: BTreeMap::new() };
        if text.starts_with('{') { serde_json::from_str(text).unwrap_or_else(|_| alone()) } else { alone() }
    }
}

/// A piece for itself: its inputs are declared, but nothing is given.
fn check(document: &PieceDocument, known: Known<'_>, report: &mut Report<'_>) {
    report.id("the piece", &document.id);
    document.name.iter().for_each(|name| report.line("the name", name));
    report.unique("the role", &document.roles);
    document.roles.iter().for_each(|role| report.id("the role", role));
    if document.steps.value.is_empty() {
        report.at(&document.steps, "the piece has no step; add one");
    }
    if document.inputs.len() > INPUTS_MOST {
        report.at(&document.id, format!("the piece has more than {INPUTS_MOST} inputs"));
    }
    for (name, input) in &document.inputs {
        let declared = &input.value;
        if !super::report::is_id(name) {
            let name = shorten(name);
            report.at(input, format!("the input `{name}` must be lower-case letters, digits and _"));
        }
        if let Some(default) = &declared.default
            && declared.r#type.constant(&default.value).is_none()
        {
            report.at(default, format!("the default of `{name}` is not {}", declared.r#type.name()));
        }
    }
    let mut seen = Seen::default();
    for step in block::flat(&document.steps.value) {
        report.id("the step", &step.id);
        seen.insert("the step", &step.id, report);
    }
    let nothing = Pieces::default();
    let pieces = known.pieces.unwrap_or(&nothing);
    let inputs = document.inputs.iter().map(|(name, input)| (name, input.value.r#type.in_expressions()));
    let env = env(&document.steps.value, pieces).variable("inputs", Type::record("inputs", inputs));
    let scope = Scope {
        env: &env,
        roles: &document.roles,
        known,
        places: Places::of_piece(&document.steps.value, 0, pieces),
        prefix: String::new(),
        stands: Stands::default(),
        inputs: Inputs::Declared(document),
    };
    block::sequence(&document.steps.value, (0, 1), &mut Vec::new(), &scope, report);
}

/// What gates may read, with the steps of called pieces.
pub(super) fn env<'d>(steps: impl IntoIterator<Item = &'d StepDocument>, pieces: &Pieces<'_>) -> Env {
    let all = block::ids(steps, "", pieces);
    let choosing = all.iter().filter(|(_, chooses)| *chooses).map(|(id, _)| id.as_str());
    gate_env(all.iter().map(|(id, _)| id.as_str()), choosing)
}

/// What `inputs` are while steps are checked.
pub(super) enum Inputs<'a> {
    /// Outside of pieces.
    None,
    /// In a piece for itself.
    Declared(&'a PieceDocument),
    /// In a piece that is called.
    Given(BTreeMap<String, Value>),
}

impl Inputs<'_> {
    /// The value of an argument that may be `{ input: NAME }`; none when it is known only where the piece is called.
    pub(super) fn argument(&self, written: &Value) -> Result<Option<Value>, String> {
        let name = match written {
            Value::Object(fields) if fields.len() == 1 => fields.get("input").and_then(Value::as_str),
            Value::Object(_)
            | Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => None,
        };
        let Some(name) = name else { return Ok(Some(written.clone())) };
        match self {
            Inputs::None => Err("only a piece has inputs; write the value".to_owned()),
            Inputs::Declared(document) => match document.inputs.get(name) {
                Some(_) => Ok(None),
                None => Err(unknown("input", name, document.inputs.keys().map(String::as_str))),
            },
            Inputs::Given(values) => Ok(Some(values.get(name).cloned().unwrap_or_default())),
        }
    }
}

/// Takes the steps of the called piece in; `at` is the number of the first of all steps, and how often loops begin
/// these.
pub(super) fn expand(
    document: &StepDocument,
    call: &Spanned<String>,
    at: (u32, u64),
    all: &mut Vec<Option<Step>>,
    scope: &Scope<'_>,
    report: &mut Report<'_>,
) {
    let Some(pieces) = scope.known.pieces else { return };
    let Some(piece) = pieces.0.get(&call.value) else {
        report.at(call, unknown("piece", call, pieces.0.keys().map(String::as_str)));
        return;
    };
    for role in piece.document.roles.iter().filter(|role| !scope.roles.contains(role)) {
        let (role, id) = (shorten(role), shorten(call));
        report.at(call, format!("the piece `{id}` needs the role `{role}`; add it to `roles`"));
    }
    let before = report.count();
    let prefix = format!("{}{}_", scope.prefix, document.id.value);
    let mut stands = Stands::default();
    for (id, chooses) in block::ids(&piece.document.steps.value, "", pieces) {
        let here = format!("{prefix}{id}");
        stands.field("steps", &id, &here);
        if chooses {
            stands.field("decisions", &id, &here);
        }
    }
    let given = given(document, piece, scope, &mut stands, report);
    // A piece with problems has them told where it stands.
    if !piece.sound || report.count() > before || matches!(scope.inputs, Inputs::Declared(_)) {
        return;
    }
    let steps = &piece.document.steps.value;
    let inner = Scope {
        env: scope.env,
        roles: &piece.document.roles,
        known: scope.known,
        places: Places::of_piece(steps, at.0 + all.len() as u32, pieces),
        prefix,
        stands,
        inputs: Inputs::Given(given),
    };
    let mut problems = Vec::new();
    block::sequence(steps, at, all, &inner, &mut Report::new(piece.path, &mut problems));
    if let Some(problem) = problems.first() {
        let id = shorten(call);
        report.at(call, format!("with what is given to the piece `{id}`: {problem}"));
    }
}

/// The inputs of a call, those that are constants as values.
fn given(
    document: &StepDocument,
    piece: &Piece<'_>,
    scope: &Scope<'_>,
    stands: &mut Stands,
    report: &mut Report<'_>,
) -> BTreeMap<String, Value> {
    let inputs = &piece.document.inputs;
    for (name, value) in document.args.iter().filter(|(name, _)| !inputs.contains_key(*name)) {
        report.at(value, unknown("input", name, inputs.keys().map(String::as_str)));
    }
    let mut values = BTreeMap::new();
    for (name, input) in inputs {
        let (input, written) = (&input.value, document.args.get(name));
        let Some(value) = written.or(input.default.as_ref()) else {
            let piece = shorten(&piece.document.id);
            report.at(
                &document.id,
                format!("the piece `{piece}` needs the input `{name}`; add it under `with`"),
            );
            continue;
        };
        if let (InputType::Names, Value::String(text)) = (input.r#type, &value.value) {
            let text = value.clone().map(|_| text.clone());
            let listed = compile(&text, &input.r#type.in_expressions(), scope, report);
            listed.iter().for_each(|expr| stands.expression("inputs", name, expr));
            continue;
        }
        match scope.inputs.argument(&value.value) {
            Err(why) => report.at(value, why),
            Ok(None) => {}
            Ok(Some(found)) => match input.r#type.constant(&found) {
                Some(constant) => {
                    stands.constant("inputs", name, constant);
                    values.insert(name.clone(), found);
                }
                None if written.is_some() => {
                    report.at(value, format!("the input `{name}` is {}", input.r#type.name()));
                }
                // A wrong default is told where it stands.
                None => {}
            },
        }
    }
    values
}
