//! The shipped policies against a small model that knows nothing of Cedar, and what makes policies wrong.

use std::collections::BTreeMap;

use super::*;
use crate::{
    access, content,
    control::SafeMode,
    id::{IncidentId, TokenId},
    scene::{Scene, all_shipped},
    severity::{Risk, Severity},
};

/// Who may do what, in plain words. A number is the least role: viewer 1, responder 2, commander 3, admin 4.
const LEAST: &[(usize, &[&str])] = &[
    (1, &["read", "page.log_in", "page.log_out"]),
    (
        2,
        &[
            "ingest",
            "evidence.collect",
            "evidence.access",
            "evidence.export",
            "evidence.transfer",
            "evidence.verify",
            "report",
            "respond",
            "silence.set",
            "silence.expire",
            "incident.open",
            "incident.acknowledge",
            "incident.assign",
            "incident.classify",
            "incident.note",
            "incident.link",
            "incident.analyze",
            "incident.update",
            "incident.escalate",
            "incident.claim",
            "incident.hand_over",
            "incident.accept",
            "incident.answer",
            "incident.resolve",
            "incident.sign_off",
            "incident.close",
            "recovery.judge",
            "run.start",
            "run.update",
            "run.pause",
            "run.resume",
            "run.skip",
            "run.retry",
            "run.cancel",
            "approval.renew",
            "notice.send",
            "notice.test",
            "statement.write",
            "statement.send",
            "review.complete",
            "review.write",
            "procedure.review",
            "duty.complete",
            "exercise.hold",
            "training.complete",
            "report.acknowledge",
            "report.close",
        ],
    ),
    (
        3,
        &[
            "command",
            "recovery.begin",
            "run.undo",
            "containment.apply",
            "containment.release",
            "containment.extend",
            "containment.settle",
            "control.safe_mode",
            "control.kill_switch",
            "control.breaker",
            "control.mend_glass",
            "control.confirm_clock",
            "control.restore",
            "procedure.activate",
            "procedure.retire",
        ],
    ),
    (
        4,
        &[
            "administer",
            "control.break_glass",
            "person.add",
            "person.set_role",
            "person.disable",
            "token.create",
            "token.revoke",
            "content.load",
            "journal.redact",
        ],
    ),
];

/// The model. It has no notion of policies: rank, then what separation of duty and capabilities take away.
fn expected(who: &Principal, act: Act, thing: &Thing) -> bool {
    let who = match who {
        Principal::Machine(_) => return false,
        Principal::Person(who) => who,
    };
    let rank = match who.role {
        None => 0,
        Some(Role::Viewer) => 1,
        Some(Role::Responder) => 2,
        Some(Role::Commander) => 3,
        Some(Role::Admin) => 4,
    };
    let answers = match thing.roles.is_empty() {
        true => rank >= 3,
        false => thing.roles.iter().any(|role| who.team_roles.contains(role)),
    };
    let asked = thing.people.contains(&who.id);
    let least = LEAST.iter().find(|(_, names)| names.contains(&act.name));
    let ranked = least.is_some_and(|(least, _)| rank >= *least);
    let has = |name: &str| who.capabilities.contains(name);
    match act.name {
        "approval.approve" => answers && !asked,
        "approval.deny" => answers || asked,
        "containment.apply" | "containment.release" => {
            let needs = thing.effect.as_ref().map(|effect| &effect.permissions);
            ranked && needs.is_none_or(|needs| needs.iter().all(|name| has(name)))
        }
        "incident.sign_off" => ranked && has("business_decisions"),
        "notice.send" | "notice.test" | "statement.send" => {
            ranked && (!thing.external || has("external_communications"))
        }
        _ => ranked,
    }
}

/// Enough of chance for a test, the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }

    fn some(&mut self, names: &[&str]) -> BTreeSet<String> {
        names.iter().filter(|_| self.below(2) == 0).map(ToString::to_string).collect()
    }

    fn person(&mut self) -> PersonId {
        PersonId::from_number(self.below(4))
    }
}

const ROLES: [&str; 3] = ["security_lead", "legal", "commander"];
const CAPABILITIES: [&str; 4] =
    ["system_restart", "configuration_changes", "business_decisions", "external_communications"];

fn acts() -> Vec<Act> {
    act::ALL.iter().copied().chain(Permission::ALL.map(Act::enter)).collect()
}

fn anybody(dice: &mut Dice) -> Principal {
    match dice.below(10) {
        0 => Principal::Machine(TokenId::from_number(dice.below(4))),
        _ => {
            let role = [None].into_iter().chain(Role::ALL.map(Some)).nth(dice.below(5) as usize).flatten();
            let mut who = Who::with_role(Role::Viewer);
            (who.id, who.role) = (dice.person(), role);
            (who.team_roles, who.capabilities) = (dice.some(&ROLES), dice.some(&CAPABILITIES));
            who.teams = dice.some(&["security", "operations"]);
            who.levels = (1..=4).filter(|_| dice.below(2) == 0).collect();
            Principal::Person(who)
        }
    }
}

fn anything(dice: &mut Dice, kind: Kind) -> Thing {
    let mut thing = Thing::new(kind, dice.below(9).to_string());
    let person = dice.below(2) == 0;
    thing.incident = (dice.below(3) > 0).then(|| About {
        id: Some(IncidentId::from_number(dice.below(9))),
        incident_type: "validator_compromise".into(),
        category: "security".into(),
        severity: Severity::ALL[dice.below(5) as usize],
        status: "open",
        assignee: person.then(|| dice.person()),
        commander: person.then(|| dice.person()),
        drill: dice.below(2) == 0,
    });
    thing.effect = (kind == Kind::Effect).then(|| Effect {
        verb: "node.isolate".into(),
        connector: "estate".into(),
        risk: Risk::ALL[dice.below(4) as usize],
        purpose: "containment",
        permissions: dice.some(&CAPABILITIES),
    });
    thing.roles = if dice.below(2) == 0 { BTreeSet::new() } else { dice.some(&ROLES) };
    thing.people = (0..dice.below(3)).map(|_| dice.person()).collect();
    thing.external = dice.below(2) == 0;
    thing
}

#[test]
fn the_schema_reads_and_has_every_act() {
    let read = cedar_policy::Schema::from_cedarschema_str(&schema_text());
    let (schema, warnings) = read.map_err(|error| format!("{error:?}")).unwrap();
    assert_eq!(warnings.count(), 0);
    assert_eq!(schema.actions().count(), acts().len());
    let written = include_str!("act.rs").lines().filter(|line| line.starts_with("pub const ")).count();
    assert_eq!(written, act::ALL.len() + 1, "an act is missing in ALL");
}

#[test]
fn the_reference_shows_this_schema() {
    let page = include_str!("../../../../docs/reference/policies.md");
    let schema = schema_text();
    let known: BTreeSet<&str> = page.lines().collect();
    let missing: Vec<&str> = schema.lines().filter(|line| !known.contains(line)).collect();
    assert!(page.contains(&schema), "docs/reference/policies.md lacks or has in another order: {missing:#?}");
}

#[test]
fn the_shipped_policies_pass_the_schema_and_are_those_of_the_folder() {
    let files = all_shipped();
    let own: Vec<_> = files.iter().filter(|(path, _)| path.ends_with(".cedar")).collect();
    assert!(own.iter().map(|(path, text)| (path.as_str(), text.as_str())).eq(SHIPPED.iter().copied()));
    // With one byte more they are not the shipped ones, and are read and checked like any others.
    let mut files = files.clone();
    files.get_mut("policies/roles.cedar").unwrap().push('\n');
    let (content, problems) = content::load(&files);
    assert_eq!(problems, []);
    assert_eq!(content.policies.texts, Policies::default().texts);
    assert_eq!(content.policies.texts.len(), 12);
}

#[test]
fn every_act_by_every_role_on_every_kind_of_object() {
    let (policies, mut dice, mut cells) = (Policies::default(), Dice(7), 0);
    for act in acts() {
        for role in [None].into_iter().chain(Role::ALL.map(Some)) {
            for object in 0..16_u32 {
                let mut thing = anything(&mut dice, act.on);
                let mut who = Who::with_role(Role::Viewer);
                (who.id, who.role) = (PersonId::from_number(9), role);
                let bit = |bit: u32| object & (1 << bit) != 0;
                thing.people = if bit(0) { [who.id].into() } else { BTreeSet::new() };
                thing.roles = if bit(1) { ["legal".to_owned()].into() } else { BTreeSet::new() };
                thing.external = bit(2);
                if bit(3) {
                    who.team_roles = ["legal".to_owned()].into();
                    who.capabilities = CAPABILITIES.map(str::to_owned).into();
                }
                let who = Principal::Person(who);
                let verdict = policies.decide(&who, act, &thing, Around::default());
                assert_eq!(verdict.broken, None);
                assert_eq!(verdict.allowed, expected(&who, act, &thing), "{who:?} {act:?} {thing:?}");
                cells += 1;
            }
        }
    }
    assert_eq!(cells, acts().len() * 5 * 16);
}

#[test]
fn a_hundred_thousand_random_requests_come_to_what_the_model_says() {
    let (policies, acts) = (Policies::default(), acts());
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut allowed: BTreeMap<&str, [u32; 2]> = BTreeMap::new();
    for round in 0..100_000 {
        let act = acts[dice.below(acts.len() as u64) as usize];
        let (who, thing) = (anybody(&mut dice), anything(&mut dice, act.on));
        let around =
            Around { safe_mode: SafeMode::ALL[dice.below(5) as usize], kill_switch: dice.below(2) == 0 };
        let verdict = policies.decide(&who, act, &thing, around);
        let wanted = expected(&who, act, &thing);
        assert_eq!(
            (verdict.allowed, &verdict.broken),
            (wanted, &None),
            "round {round}: {who:?} {act:?} {thing:?}: {verdict:?}"
        );
        allowed.entry(act.name).or_default()[usize::from(wanted)] += 1;
    }
    let both = |counts: &[u32; 2]| counts[0] >= 100 && counts[1] >= 100;
    let lopsided: Vec<_> = allowed.iter().filter(|(_, counts)| !both(counts)).collect();
    assert!(lopsided.is_empty(), "hardly ever asked both ways: {lopsided:?}");
}

#[test]
fn a_refusal_names_the_policy_and_says_what_it_takes() {
    let mut scene = Scene::staffed(&[]);
    scene.alert([("incident_type", "validator_compromise"), ("severity", "high"), ("node", "validator-3")]);
    let incident = scene.incident();
    let id = PersonId::from_number(scene.next);
    let add = |name: &str, role| access::Command::AddPerson { name: name.to_owned(), role };
    scene.must(Command::Access(add("vera", Role::Viewer)));
    let note = crate::incident::Command::Note { id: incident, text: "seen".to_owned() };
    let refused = scene.ask(Actor::Person(id), Command::Incident(note.clone())).unwrap_err();
    let Rejected::Forbidden(text) = refused else { panic!("{refused:?}") };
    assert!(text.starts_with("`incident.note` of INC-"), "{text}");
    assert!(text.contains("`vera`, who is viewer; it takes policy `respond`: responders work"), "{text}");
    let machine = Actor::Source(TokenId::from_number(5));
    let refused = scene.ask(machine, Command::Incident(note)).unwrap_err().to_string();
    assert!(refused.contains("policy `machines-never-decide`"), "{refused}");
    let own = crate::incident::Command::EndWatch { id: incident };
    let refused = scene.ask(Actor::Person(id), Command::Incident(own)).unwrap_err().to_string();
    assert!(refused.contains("only the platform itself"), "{refused}");
}

/// The account `name` belongs to this contact.
fn linked(files: &mut BTreeMap<String, String>, contact: &str, name: &str) {
    let contacts = files.get_mut("contacts.yaml").unwrap();
    let line = format!("  - name: {contact}\n");
    assert!(contacts.contains(&line), "{contacts}");
    *contacts = contacts.replace(&line, &format!("{line}    accounts: [{name}]\n"));
}

#[test]
fn a_capability_belongs_to_its_level_once_somebody_there_has_an_account() {
    let mut files = all_shipped();
    for (contact, name) in
        [("on_call_engineer", "olga"), ("technical_lead", "theo"), ("executive_lead", "eve")]
    {
        linked(&mut files, contact, name);
    }
    let (content, problems) = content::load(&files);
    assert_eq!(problems, []);
    let mut scene = Scene::with(content);
    let people = ["olga", "theo", "eve", "nora"].map(|name| {
        let id = PersonId::from_number(scene.next);
        let add = access::Command::AddPerson { name: name.to_owned(), role: Role::Commander };
        scene.must(Command::Access(add));
        id
    });
    let held = people.map(|id| {
        let held = access::capabilities(&scene.state, id);
        let names = ["system_restart", "configuration_changes", "disaster_recovery", "business_decisions"];
        names.map(|name| held.contains(name))
    });
    assert_eq!(
        held,
        [
            [true, false, false, false],
            [true, true, true, false],
            [false, false, false, true],
            [false, false, false, false],
        ]
    );
}
