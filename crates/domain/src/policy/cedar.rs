//! The one place that speaks Cedar: the schema, the compiled policies, and one question with its answer.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::{Arc, LazyLock},
};

use cedar_policy::{
    ActionConstraint, Authorizer, Context, Decision, Effect as Word, Entities, Entity, EntityId,
    EntityTypeName, EntityUid, Policy, PolicySet, Request, RestrictedExpression as Value, Schema,
};

use super::{
    act::{self, Act, Kind},
    thing::{About, Around, Principal, Thing, Who},
};
use crate::{
    access::{Permission, Role},
    id::PersonId,
};

const TYPES: &str = include_str!("types.cedarschema");

/// The schema in Cedar's own words: the types, then one action for each door and each act.
pub fn schema_text() -> String {
    let mut text = TYPES.to_owned();
    let mut action = |name: &str, behind: Option<Permission>, on: Kind| {
        let behind = behind.map_or_else(String::new, |door| format!(" in [\"{}\"]", door.name()));
        let applies = format!("principal: [Person, Machine], resource: {}, context: Limits", on.name());
        text.push_str(&format!("action \"{name}\"{behind} appliesTo {{ {applies} }};\n"));
    };
    for door in Permission::ALL {
        action(door.name(), None, Kind::Platform);
    }
    for act in act::ALL {
        action(act.name, act.group(), act.on);
    }
    text
}

/// Made once from constants of ours; that it reads is tested.
pub static SCHEMA: LazyLock<Option<Schema>> =
    LazyLock::new(|| Schema::from_cedarschema_str(&schema_text()).ok().map(|(schema, _)| schema));

/// Every policy of one content, compiled.
#[derive(Debug, Clone)]
pub struct Policies {
    set: Arc<PolicySet>,
    /// What each says to people, by its id.
    pub texts: BTreeMap<String, String>,
    /// The names of teams.yaml and escalation.yaml that they use: kind and name.
    pub names: BTreeSet<(String, String)>,
}

/// What policies say to one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub allowed: bool,
    /// The policies that decided; empty where none permits.
    pub by: BTreeSet<String>,
    /// A policy that could not be evaluated; then nothing is allowed.
    pub broken: Option<String>,
}

impl Policies {
    pub(super) fn shipped() -> Policies {
        let parsed = super::SHIPPED.iter().filter_map(|(_, text)| text.parse::<PolicySet>().ok());
        let named = |policy: &Policy| {
            policy.annotation("id").map(|id| policy.new_id(cedar_policy::PolicyId::new(id)))
        };
        let all: Vec<Policy> =
            parsed.flat_map(|set| set.policies().filter_map(named).collect::<Vec<_>>()).collect();
        // Nothing is permitted without policies; a test shows that the shipped ones read.
        Policies::new(all).unwrap_or_else(Policies::none)
    }

    fn none() -> Policies {
        Policies { set: Arc::new(PolicySet::new()), texts: BTreeMap::new(), names: BTreeSet::new() }
    }

    /// Of policies whose ids are their own and that pass the schema.
    pub fn new(policies: Vec<Policy>) -> Option<Policies> {
        let text = |policy: &Policy| {
            (policy.id().to_string(), policy.annotation("text").unwrap_or_default().to_owned())
        };
        let texts = policies.iter().map(text).collect();
        let literals = policies.iter().flat_map(Policy::entity_literals);
        let names =
            literals.map(|uid| (uid.type_name().to_string(), uid.id().unescaped().to_owned())).collect();
        Some(Policies { set: Arc::new(PolicySet::from_policies(policies).ok()?), texts, names })
    }

    /// The one question.
    pub fn decide(&self, who: &Principal, act: Act, thing: &Thing, around: Around) -> Verdict {
        self.evaluate(who, act, thing, around).unwrap_or_else(|broken| Verdict {
            allowed: false,
            by: BTreeSet::new(),
            broken: Some(broken),
        })
    }

    fn evaluate(&self, who: &Principal, act: Act, thing: &Thing, around: Around) -> Result<Verdict, String> {
        let mut entities = Vec::with_capacity(4);
        let principal = principal(who, &mut entities)?;
        let action = uid("Action", act.name);
        let behind = act.group().map(|door| uid("Action", door.name()));
        entities.push(Entity::new_no_attrs(action.clone(), behind.into_iter().collect()));
        let resource = resource(thing, &mut entities)?;
        let entities = Entities::from_entities(entities, None).map_err(|error| error.to_string())?;
        let limits = [
            ("safe_mode".to_owned(), text(around.safe_mode.name())),
            ("kill_switch".to_owned(), Value::new_bool(around.kill_switch)),
        ];
        let context = Context::from_pairs(limits).map_err(|error| error.to_string())?;
        let request =
            Request::new(principal, action, resource, context, None).map_err(|error| error.to_string())?;
        let response = Authorizer::new().is_authorized(&request, &self.set, &entities);
        let broken = response.diagnostics().errors().map(ToString::to_string).min();
        let allowed = response.decision() == Decision::Allow && broken.is_none();
        let by = response.diagnostics().reason().map(ToString::to_string).collect();
        Ok(Verdict { allowed, by, broken })
    }

    /// The policies that permit this act to somebody.
    pub fn permitting(&self, act: Act) -> BTreeSet<String> {
        let covers = |policy: &&Policy| {
            policy.effect() == Word::Permit
                && match policy.action_constraint() {
                    ActionConstraint::Any => true,
                    ActionConstraint::In(actions) => actions.iter().any(|action| of(action, act)),
                    ActionConstraint::Eq(action) => *action.id().unescaped() == *act.name,
                }
        };
        self.set.policies().filter(covers).map(|policy| policy.id().to_string()).collect()
    }
}

fn of(action: &EntityUid, act: Act) -> bool {
    let id = action.id().unescaped();
    *id == *act.name || act.group().is_some_and(|door| *id == *door.name())
}

/// Parsed once: the names of types are few, and parsing is what costs.
static NAMES: LazyLock<HashMap<&'static str, EntityTypeName>> = LazyLock::new(|| {
    let own = ["Action", "Role", "TeamRole", "Team", "Level", "Capability", "Person", "Machine"];
    let all = own.into_iter().chain(Kind::ALL.map(Kind::name));
    all.filter_map(|name| Some((name, name.parse().ok()?))).collect()
});

#[expect(
    clippy::expect_used,
    reason = "every type that is asked for stands in the list above, and each name parses"
)]
fn uid(kind: &'static str, id: &str) -> EntityUid {
    // INVARIANT: names of types are constants of this file and of `Kind`.
    let name = NAMES.get(kind).expect("a type of the schema").clone();
    EntityUid::from_type_name_and_id(name, EntityId::new(id))
}

fn person(id: PersonId) -> EntityUid {
    uid("Person", &id.to_string())
}

fn text(text: &str) -> Value {
    Value::new_string(text.to_owned())
}

fn set(kind: &'static str, names: &BTreeSet<String>) -> Value {
    Value::new_set(names.iter().map(|name| Value::new_entity_uid(uid(kind, name))))
}

fn people(people: &BTreeSet<PersonId>) -> Value {
    Value::new_set(people.iter().map(|id| Value::new_entity_uid(person(*id))))
}

fn add(
    entities: &mut Vec<Entity>,
    uid: EntityUid,
    attributes: Vec<(&str, Value)>,
    parents: HashSet<EntityUid>,
) -> Result<EntityUid, String> {
    let attributes = attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    entities.push(Entity::new(uid.clone(), attributes, parents).map_err(|error| error.to_string())?);
    Ok(uid)
}

fn principal(who: &Principal, entities: &mut Vec<Entity>) -> Result<EntityUid, String> {
    match who {
        Principal::Person(who) => add(
            entities,
            person(who.id),
            vec![("name", text(&who.name)), ("capabilities", set("Capability", &who.capabilities))],
            parents(who),
        ),
        Principal::Machine(token) => Ok(uid("Machine", &token.to_string())),
    }
}

/// All that a person is part of: also the roles below their own, so that nothing has to be looked up.
fn parents(who: &Who) -> HashSet<EntityUid> {
    let below = Role::ALL.into_iter().filter(|role| who.role.is_some_and(|own| *role <= own));
    let roles = below.map(|role| uid("Role", role.name()));
    let team_roles = who.team_roles.iter().map(|role| uid("TeamRole", role));
    let teams = who.teams.iter().map(|team| uid("Team", team));
    let levels = who.levels.iter().map(|level| uid("Level", &format!("L{level}")));
    roles.chain(team_roles).chain(teams).chain(levels).collect()
}

fn resource(thing: &Thing, entities: &mut Vec<Entity>) -> Result<EntityUid, String> {
    let mut attributes = Vec::new();
    if thing.kind == Kind::Incident {
        return incident(thing.incident.as_ref(), &thing.id, entities);
    }
    if let Some(about) = &thing.incident {
        let id = about.id.map_or_else(String::new, |id| id.to_string());
        attributes.push(("incident", Value::new_entity_uid(incident(Some(about), &id, entities)?)));
    }
    match thing.kind {
        Kind::Run => attributes.push(("by", people(&thing.people))),
        Kind::Approval => {
            attributes.push(("roles", set("TeamRole", &thing.roles)));
            attributes.push(("requesters", people(&thing.people)));
        }
        Kind::Effect => {
            let effect = thing.effect.as_ref();
            let word = |word: Option<&str>| text(word.unwrap_or_default());
            attributes.push(("verb", word(effect.map(|effect| &*effect.verb))));
            attributes.push(("connector", word(effect.map(|effect| &*effect.connector))));
            attributes.push(("purpose", word(effect.map(|effect| effect.purpose))));
            attributes.push(("risk", Value::new_long(effect.map_or(0, |effect| effect.risk as i64))));
            let permissions = effect.map(|effect| set("Capability", &effect.permissions));
            attributes.push(("permissions", permissions.unwrap_or_else(|| Value::new_set([]))));
        }
        Kind::Notice => attributes.push(("external", Value::new_bool(thing.external))),
        Kind::Account => attributes.push(("of", people(&thing.people))),
        Kind::Incident | Kind::Platform | Kind::Silence | Kind::Review | Kind::Report | Kind::Evidence => {}
    }
    add(entities, uid(thing.kind.name(), &thing.id), attributes, HashSet::new())
}

/// One that is not there is as harmless as one can be; its machine says that it is not there.
fn incident(about: Option<&About>, id: &str, entities: &mut Vec<Entity>) -> Result<EntityUid, String> {
    let mut attributes = vec![
        ("type", text(about.map_or("", |about| &about.incident_type))),
        ("category", text(about.map_or("", |about| &about.category))),
        ("severity", Value::new_long(about.map_or(0, |about| about.severity as i64))),
        ("status", text(about.map_or("unknown", |about| about.status))),
        ("drill", Value::new_bool(about.is_some_and(|about| about.drill))),
    ];
    let named = |id: PersonId| Value::new_entity_uid(person(id));
    attributes.extend(about.and_then(|about| about.assignee).map(|id| ("assignee", named(id))));
    attributes.extend(about.and_then(|about| about.commander).map(|id| ("commander", named(id))));
    add(entities, uid("Incident", id), attributes, HashSet::new())
}
