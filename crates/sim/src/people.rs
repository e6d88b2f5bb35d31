//! What people ask: they look at the journal and at the world, and now and then ask for what cannot be.

use domain::{
    access::{self, Holder},
    action::{self, Goal, Verdict},
    approval,
    content::services::Verifies,
    control::{self, SafeMode},
    event::{Actor, Stream},
    flow::Command,
    id::{ActionId, IncidentId, PersonId, RunId, TokenId},
    incident::{
        self, Disposition,
        analysis::{self, Area, Level, Method},
        people::Ask,
        restore,
    },
    matcher::{Matcher, Operator},
    report::{self, Told},
    run,
    severity::Severity,
    silence::{self, Terms},
    time::{Span, Timestamp},
};
use serde_json::Map;

use crate::{
    chance::Chance,
    journal::{ActionView, Journal},
    ledger::Ledger,
};

/// What somebody asks of the platform besides taking alerts.
#[derive(Debug, Clone)]
pub(crate) enum Wish {
    Command(Command),
    /// Content is read again; the second version or the first.
    Reload(bool),
    /// Erase the entry at this position.
    Redact(u64),
}

/// Two people and a source, as every platform has them.
pub(crate) fn first_people() -> Vec<Command> {
    let person = |name: &str| {
        Command::Access(access::Command::AddPerson { name: name.to_owned(), role: access::Role::Admin })
    };
    let (form, outside) = (Holder::Form("desk".into()), Holder::Outside("found".into()));
    vec![person("ada"), person("bob"), token("east"), token_of(form, "1"), token_of(outside, "2")]
}

/// Who may leave a limit together.
pub(crate) fn two_commanders() -> Vec<Command> {
    let person =
        |name: &str| access::Command::AddPerson { name: name.to_owned(), role: access::Role::Commander };
    vec![Command::Access(person("eve")), Command::Access(person("fay"))]
}

fn token(name: &str) -> Command {
    token_of(Holder::Source(name.into()), "0")
}

fn token_of(holder: Holder, digit: &str) -> Command {
    let hash = digit.repeat(64).into();
    Command::Access(access::Command::CreateToken { holder, hash, label: String::new(), expires_at: None })
}

/// Somebody who may ask; the owner of the machine before anybody is known.
pub(crate) fn somebody(journal: &Journal, chance: &mut Chance) -> Actor {
    let people: Vec<PersonId> = journal.people.iter().copied().collect();
    chance.pick(&people).copied().map_or(Actor::Platform, Actor::Person)
}

/// The owner of the machine makes two people known before anything else is asked: the first commits may be lost.
pub(crate) fn newcomer(journal: &Journal) -> Option<Command> {
    let name = format!("new-{}", journal.people.len());
    let person = access::Command::AddPerson { name, role: access::Role::Admin };
    (journal.people.len() < 2).then_some(Command::Access(person))
}

/// Whoever sends alerts.
pub(crate) fn source() -> Actor {
    Actor::Source(TokenId::from_number(2))
}

#[derive(Debug, Clone, Copy)]
enum About {
    Settle,
    Run,
    Containment,
    Approval,
    Apply,
    Incident,
    Silence,
    Limits,
    Report,
    Recovery,
    People,
    Access,
    Content,
    Redact,
}

pub(crate) fn wish(journal: &Journal, ledger: &Ledger, chance: &mut Chance, now: Timestamp) -> Wish {
    let about = chance.weighted(&[
        (14, About::Settle),
        (22, About::Run),
        (12, About::Containment),
        (14, About::Approval),
        (6, About::Apply),
        (14, About::Incident),
        (6, About::Silence),
        (16, About::Limits),
        (18, About::Report),
        (20, About::Recovery),
        (6, About::People),
        (3, About::Access),
        (3, About::Content),
        (3, About::Redact),
    ]);
    Wish::Command(match about {
        About::Settle => settle(journal, ledger, chance),
        About::Run => of_run(journal, chance),
        About::Containment => containment(journal, chance),
        About::Approval => approve(journal, chance),
        About::Apply => apply(journal, chance),
        About::Incident => of_incident(journal, chance),
        About::Silence => silence(journal, chance, now),
        About::Limits => limits(journal, chance),
        About::Report => report(journal, chance),
        About::Recovery => recover(journal, chance),
        About::People => of_people(journal, chance),
        About::Access => access(journal, chance),
        About::Content => return Wish::Reload(chance.permille(500)),
        About::Redact => return Wish::Redact(redacted(journal, chance)),
    })
}

fn any<K: Copy>(ids: impl Iterator<Item = K>, chance: &mut Chance) -> Option<K> {
    let ids: Vec<K> = ids.collect();
    chance.pick(&ids).copied()
}

/// The truth about an action in doubt, as a person finds it at the target.
pub(crate) fn truth(view: &ActionView, ledger: &Ledger) -> Verdict {
    let place = (view.spec.verb.to_string(), view.spec.target.to_string());
    let wanted = view.goal == Goal::Apply;
    let stands = match view.spec.revert {
        Some(_) => ledger.is_on(&place) == wanted,
        None => ledger.effects(&view.last_key) > 0,
    };
    if stands { Verdict::Applied } else { Verdict::NotApplied }
}

fn settle(journal: &Journal, ledger: &Ledger, chance: &mut Chance) -> Command {
    let doubtful = journal.actions.iter().filter(|(_, view)| view.in_doubt).map(|(id, _)| *id);
    let Some(id) = any(doubtful, chance) else { return of_run(journal, chance) };
    let verdict = if chance.permille(350) { Verdict::Retry } else { truth(&journal.actions[&id], ledger) };
    Command::Action(action::Command::Settle { id, verdict, why: "looked".to_owned() })
}

fn of_run(journal: &Journal, chance: &mut Chance) -> Command {
    let live = journal.runs.iter().filter(|(_, run)| !run.ended).map(|(id, _)| *id);
    let id = any(live, chance).unwrap_or(RunId::from_number(0));
    let steps = ["isolate", "close", "suspend", "burn", "tell", "cut", "stricter", "open", "none"];
    let step = chance.pick(&steps).copied().unwrap_or("isolate").to_owned();
    Command::Run(match chance.below(10) {
        0 => run::Command::Pause { id },
        1 | 2 => run::Command::Resume { id },
        3 => run::Command::Cancel { id, undo: false },
        4 => run::Command::Cancel { id, undo: true },
        5 => run::Command::Skip { id, step, why: "not needed".to_owned() },
        6..=8 => run::Command::Retry { id, step },
        _ => {
            let incident = any(journal.incidents.keys().copied(), chance);
            let incident = incident.unwrap_or(IncidentId::from_number(0));
            run::Command::Start { incident, playbook: None }
        }
    })
}

fn containment(journal: &Journal, chance: &mut Chance) -> Command {
    let held = journal.actions.iter().filter(|(_, view)| view.in_force).map(|(id, _)| *id);
    let id = any(held, chance).unwrap_or(ActionId::from_number(1));
    Command::Action(match chance.below(4) {
        0 => action::Command::Extend { id, span: Span::secs(chance.within(1, 4_000)) },
        _ => action::Command::Release { id },
    })
}

/// Mostly what is asked, as it is asked; now and then something else.
fn approve(journal: &Journal, chance: &mut Chance) -> Command {
    let Some(id) = any(journal.approvals.keys().copied(), chance) else { return apply(journal, chance) };
    let hash = match chance.permille(150) {
        true => "0".repeat(64),
        false => journal.approvals[&id].hash.to_string(),
    };
    Command::Approval(match chance.below(8) {
        _ if journal.approvals[&id].lapsed => approval::Command::Renew { id },
        0 => approval::Command::Deny { id, why: "not that".to_owned() },
        _ => approval::Command::Approve { id, hash },
    })
}

fn apply(journal: &Journal, chance: &mut Chance) -> Command {
    let incident = any(journal.incidents.keys().copied(), chance).unwrap_or(IncidentId::from_number(0));
    let verbs = ["node.isolate", "segment.close", "account.suspend", "service.cut", "key.burn", "none.such"];
    let verb = chance.pick(&verbs).copied().unwrap_or("node.isolate").to_owned();
    let target = format!("own-{}", chance.below(3));
    Command::Action(action::Command::Apply { incident, verb, target, args: Map::new(), lease: None })
}

fn of_incident(journal: &Journal, chance: &mut Chance) -> Command {
    let id = any(journal.incidents.keys().copied(), chance).unwrap_or(IncidentId::from_number(0));
    let text = "as seen".to_owned();
    Command::Incident(match chance.below(9) {
        0 => incident::Command::Acknowledge { id },
        1 if id.0.is_multiple_of(2) => incident::Command::Analyze { id, ask: analyze(id, text) },
        1 => incident::Command::Note { id, text },
        2 => incident::Command::Resolve { id, summary: text },
        3 | 4 => incident::Command::Close { id, disposition: Disposition::TruePositive },
        5 => incident::Command::Assign { id, person: PersonId::from_number(chance.below(4)) },
        6 => incident::Command::Classify {
            id,
            incident_type: None,
            severity: Some(Severity::High),
            onset: None,
            why: text,
        },
        7 => incident::Command::Open {
            title: text,
            incident_type: "breach".to_owned(),
            severity: Severity::High,
            targets: vec![("node".into(), "own-9".into()), ("segment".into(), "own-9".into())],
        },
        _ => {
            let url = "https://runbooks.example/1".to_owned();
            incident::Command::Link { id, title: text, url, room: id.0.is_multiple_of(2) }
        }
    })
}

/// One of the records, by the incident, so that each kind is written somewhere.
fn analyze(id: IncidentId, text: String) -> analysis::Ask {
    use analysis::Ask;
    match id.0 / 2 % 4 {
        0 => Ask::Finding { text, evidence: Vec::new(), entries: vec![id.0] },
        1 => Ask::Impact { areas: [(Area::Systems, Level::High)].into(), text },
        2 => Ask::Cause { text, method: Method::Timeline, measures: Vec::new() },
        _ => Ask::Update { text, eta: None },
    }
}

fn silence(journal: &Journal, chance: &mut Chance, now: Timestamp) -> Command {
    let known = any(journal.silences.iter().copied(), chance);
    if let Some(id) = known.filter(|_| chance.permille(400)) {
        return Command::Silence(silence::Command::Expire { id });
    }
    let names = ["Breach", "Outage", "Noise"];
    let name = chance.pick(&names).copied().unwrap_or("Noise");
    let matchers = Matcher::new("alertname", Operator::Equal, name).into_iter().collect();
    let starts_at = now.plus(Span::secs(chance.below(60)));
    let terms = Terms {
        matchers,
        starts_at,
        ends_at: starts_at.plus(Span::secs(chance.within(1, 1_800))),
        created_by: "ada".to_owned(),
        comment: String::new(),
    };
    Command::Silence(silence::Command::Set { id: known.filter(|_| chance.permille(300)), terms })
}

fn limits(journal: &Journal, chance: &mut Chance) -> Command {
    let reason = "because".to_owned();
    let names = ["wall", "desk", "horn", "segment.close"];
    let name = chance.pick(&names).copied().unwrap_or("wall").to_owned();
    Command::Control(match chance.below(10) {
        0..=3 => control::Command::SetKillSwitch { on: journal.kill_switch_since.is_none(), reason },
        4 | 5 => {
            let level = chance.pick(&SafeMode::ALL).copied().unwrap_or_default();
            control::Command::SetSafeMode { level, reason }
        }
        6 => control::Command::SetSafeMode { level: SafeMode::Disabled, reason },
        7 | 8 => control::Command::SetBreaker { on: !journal.breakers.contains(&*name), name, reason },
        _ if journal.clock_doubt => control::Command::ConfirmClock,
        _ => control::Command::BreakGlass { reason, span: Span::secs(chance.within(60, 1_800)) },
    })
}

/// Somebody tells what they saw, by hand or not; or a person answers a report or ends it.
fn report(journal: &Journal, chance: &mut Chance) -> Command {
    let note = "as told".to_owned();
    let open = any(journal.reports.open(), chance).filter(|_| chance.permille(350));
    if let Some(id) = open {
        return Command::Report(match chance.below(3) {
            0 => report::Command::Close { id, outcome: report::Outcome::Fixed, note },
            _ => report::Command::Acknowledge { id, note },
        });
    }
    let strange = chance.permille(600);
    let kinds = [None, Some("breach"), Some("leak"), Some("storm"), Some("no such type")];
    let told = Told {
        reporter: strange.then(|| "somebody".into()),
        contact: strange.then(|| "somebody@example.org".into()),
        title: "Something is wrong".into(),
        description: "as seen".into(),
        incident_type: chance.pick(&kinds).copied().flatten().map(Into::into),
        severity: chance.permille(500).then_some(Severity::Critical),
        targets: vec![("node".into(), format!("told-{}", chance.below(2)).into())],
    };
    Command::Report(report::Command::Receive(Box::new(told)))
}

/// Who sends this: whoever reports without being known here does it by a token that is for that alone.
pub(crate) fn sender(wish: &Wish, actor: Actor, journal: &Journal, chance: &mut Chance) -> Actor {
    let Wish::Command(Command::Report(report::Command::Receive(told))) = wish else { return actor };
    let token = any(journal.reporters.iter().copied(), chance).filter(|_| told.reporter.is_some());
    token.map_or(actor, Actor::Source)
}

fn recover(journal: &Journal, chance: &mut Chance) -> Command {
    let id = any(journal.incidents.keys().copied(), chance).unwrap_or(IncidentId::from_number(0));
    let note = "looked".to_owned();
    let services = ["base", "shop"];
    let service = chance.pick(&services).copied().unwrap_or("base").to_owned();
    let passed = chance.permille(700);
    let command = match chance.below(6) {
        0 => restore::Command::Judge { of: Verifies::Posture, service: None, passed, note },
        1 => restore::Command::Judge { of: Verifies::Health, service: Some(service), passed, note },
        _ => restore::Command::Begin,
    };
    Command::Incident(incident::Command::Recovery { id, command })
}

fn of_people(journal: &Journal, chance: &mut Chance) -> Command {
    let id = any(journal.incidents.keys().copied(), chance).unwrap_or(IncidentId::from_number(0));
    let to = any(journal.people.iter().copied(), chance).unwrap_or(PersonId::from_number(0));
    let ask = match chance.below(4) {
        0 => Ask::Claim,
        1 => Ask::HandOver { to },
        2 => Ask::Accept,
        _ => Ask::Escalate { level: None, criterion: None, why: "more are needed".to_owned() },
    };
    Command::Incident(incident::Command::People { id, ask })
}

fn access(journal: &Journal, chance: &mut Chance) -> Command {
    let id = any(journal.people.iter().copied(), chance).unwrap_or(PersonId::from_number(0));
    Command::Access(match chance.below(4) {
        0 => access::Command::SetRole { id, role: access::Role::Commander },
        1 => access::Command::AddPerson {
            name: format!("p{}", chance.below(5)),
            role: access::Role::Commander,
        },
        2 => access::Command::RevokeToken { id: TokenId::from_number(chance.below(10)) },
        _ => return token("west"),
    })
}

/// Mostly what alerts and incidents said; now and then what must not be erased.
fn redacted(journal: &Journal, chance: &mut Chance) -> u64 {
    let length = journal.positions.len() as u64;
    for _ in 0..20 {
        let position = chance.below(length);
        let stream = journal.positions.get(position as usize).map(|(stream, _)| *stream);
        if matches!(stream, Some(Stream::Alert(_) | Stream::Incident(_))) {
            return position;
        }
    }
    chance.below(length + 2)
}

/// Everything that takes a limit away.
pub(crate) fn lift_limits(journal: &Journal) -> Vec<Command> {
    let reason = || "all clear".to_owned();
    let mut commands = Vec::new();
    if journal.kill_switch_since.is_some() {
        commands.push(control::Command::SetKillSwitch { on: false, reason: reason() });
    }
    if journal.safe_mode != SafeMode::Disabled {
        commands.push(control::Command::SetSafeMode { level: SafeMode::Disabled, reason: reason() });
    }
    let breakers = journal.breakers.iter();
    commands.extend(breakers.map(|name| control::Command::SetBreaker {
        name: name.to_string(),
        on: false,
        reason: reason(),
    }));
    if journal.clock_doubt {
        commands.push(control::Command::ConfirmClock);
    }
    commands.into_iter().map(Command::Control).collect()
}
