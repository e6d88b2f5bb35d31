//! Who is called when, in virtual time, over restarts and jumps.

mod digests;

use super::{Ask, Event};
use crate::{
    access, event,
    flow::Command,
    id::{IncidentId, PersonId},
    incident::{self, Severity},
    notice::{self, Reason},
    scene::{CUT_OFF, Scene, all_shipped},
    state::{Saved, State},
    time::{Span, Timestamp},
};

fn alert(scene: &mut Scene, node: &str, severity: &str) {
    scene.alert([("incident_type", "validator_compromise"), ("severity", severity), ("node", node)]);
}

fn ask(id: IncidentId, ask: Ask) -> Command {
    Command::Incident(incident::Command::People { id, ask })
}

/// The times after the start, in seconds, and levels of what escalated.
fn escalations(scene: &Scene, start: Timestamp) -> Vec<(u64, u8)> {
    let escalated = |fact: &crate::flow::Fact| {
        let event::Event::Incident(_, incident::Event::People(Event::Escalated { level, .. })) = &fact.event
        else {
            return None;
        };
        Some((fact.meta.time.since(start).0 / 1_000_000, *level))
    };
    scene.facts.iter().filter_map(escalated).collect()
}

fn notices(scene: &Scene, wanted: Reason) -> Vec<String> {
    let to = |fact: &crate::flow::Fact| {
        let event::Event::Notice(_, notice::Event::Queued { reason, to, .. }) = &fact.event else {
            return None;
        };
        (*reason == wanted).then(|| to.to_string())
    };
    scene.facts.iter().filter_map(to).collect()
}

#[test]
fn a_critical_incident_goes_up_level_by_level_each_once() {
    let mut scene = Scene::staffed(&[CUT_OFF]);
    let start = scene.now;
    alert(&mut scene, "validator-1", "critical");
    assert!(notices(&scene, Reason::Opened).contains(&"executive_lead".to_owned()), "at once");
    scene.wait(Span::secs(90_000));
    assert_eq!(escalations(&scene, start), [(300, 2), (600, 3), (900, 4)]);
}

/// The times after the start, in minutes, at which its state was told.
fn updates(scene: &Scene, start: Timestamp) -> Vec<u64> {
    let told = |fact: &crate::flow::Fact| {
        let event::Event::Incident(_, incident::Event::People(Event::UpdateDue { .. })) = &fact.event else {
            return None;
        };
        Some(fact.meta.time.since(start).0 / 60_000_000)
    };
    scene.facts.iter().filter_map(told).collect()
}

#[test]
fn what_nobody_acknowledges_is_told_ever_less_often_and_then_at_its_cadence_again() {
    let mut files = all_shipped();
    files.retain(|path, _| !path.starts_with("playbooks/") && !path.starts_with("drills/"));
    let (content, problems) = crate::content::load(&files);
    assert_eq!(problems, []);
    let mut scene = Scene::with(content);
    let start = scene.now;
    alert(&mut scene, "validator-1", "critical");
    scene.wait(Span::secs(86_400));
    assert_eq!(updates(&scene, start), [30, 60, 90, 120, 180, 300, 540, 1_020]);
    assert!(scene.facts.len() <= 200, "{} entries in the first day", scene.facts.len());
    let leads = said(&scene, Reason::Update, "executive_lead");
    assert_eq!(leads.len(), 8);
    assert!(leads[7].starts_with("nobody has acknowledged it since 20"), "{leads:?}");
    assert_eq!(said(&scene, Reason::Update, "forensics_analyst").len(), 4, "only the last level hears on");
    scene.facts.clear();
    scene.wait(Span::secs(30 * 86_400));
    assert_eq!(updates(&scene, start).len(), 30, "never silent");
    assert!(scene.facts.len() <= 30 * 8, "{} entries in thirty days", scene.facts.len());
    let id = scene.incident();
    scene.must(Command::Incident(incident::Command::Acknowledge { id }));
    scene.facts.clear();
    let acknowledged = scene.now;
    scene.wait(Span::secs(2 * 3_600));
    assert_eq!(updates(&scene, acknowledged), [30, 60, 90, 120]);
}

/// The shipped people with the text of one file changed, and what the clock of a high incident says then.
fn clock_of_high(from: &str, to: &str, escalation: Option<Span>) -> String {
    let mut files = all_shipped();
    let severities = files.get_mut("severities.yaml").unwrap();
    assert!(severities.contains(from));
    *severities = severities.replace(from, to);
    let (content, problems) = crate::content::load(&files);
    assert_eq!(problems, []);
    let mut scene = Scene::with(content);
    alert(&mut scene, "validator-1", "high");
    let mut incident = (*scene.state.incidents.open[&scene.incident()]).clone();
    incident.escalation = escalation;
    let (due, why) = super::clock(&scene.state.content.people, &incident, 1, scene.now);
    format!("{}: {why}", due.unwrap().since(scene.now))
}

#[test]
fn the_smallest_time_that_applies_wins_and_says_why() {
    let rule = |s| Some(Span::secs(s));
    assert_eq!(clock_of_high("30m", "30m", rule(180)), "3m: its rule goes on after 3m");
    assert_eq!(clock_of_high("30m", "30m", rule(7_200)), "30m: high goes on after 30m");
    let none = clock_of_high("    escalate: 30m\n", "", None);
    assert_eq!(none, "1h: neither a rule nor high sets a time, so 1h");
    assert_eq!(clock_of_high("    escalate: 30m\n", "", rule(7_200)), "2h: its rule goes on after 2h");
}

#[test]
fn acknowledging_stops_the_clock_and_a_higher_severity_shortens_it() {
    let mut scene = Scene::staffed(&[CUT_OFF]);
    let start = scene.now;
    alert(&mut scene, "validator-1", "high");
    let id = scene.incident();
    assert_eq!(&*scene.state.incidents.open[&id].standing().why, "high goes on after 30m");
    scene.wait(Span::secs(60));
    let critical = Some(Severity::Critical);
    let why = "two nodes".to_owned();
    let classify =
        incident::Command::Classify { id, incident_type: None, severity: critical, onset: None, why };
    scene.must(Command::Incident(classify));
    scene.wait(Span::secs(300));
    assert_eq!(escalations(&scene, start), [(300, 2)], "five minutes from the opening");
    scene.must(Command::Incident(incident::Command::Acknowledge { id }));
    scene.wait(Span::secs(90_000));
    // The clock has stopped; what hurts the business for half an hour goes up all the same.
    assert_eq!(escalations(&scene, start), [(300, 2), (1_800, 3)]);
}

#[test]
fn alerts_that_join_tell_nobody_again() {
    let mut scene = Scene::staffed(&[CUT_OFF]);
    alert(&mut scene, "validator-1", "high");
    let told = notices(&scene, Reason::Opened);
    let mut each = told.clone();
    each.sort();
    each.dedup();
    assert_eq!(each.len(), told.len(), "one notice for each");
    for number in 0..200 {
        let name = number.to_string();
        scene.alert([
            ("incident_type", "validator_compromise"),
            ("severity", "high"),
            ("node", "validator-1"),
            ("alertname", &name),
        ]);
    }
    assert_eq!(notices(&scene, Reason::Opened), told);
}

#[test]
fn the_state_is_told_by_the_cadence_of_the_severity_until_it_is_resolved() {
    let mut scene = Scene::staffed(&[CUT_OFF]);
    alert(&mut scene, "validator-1", "high");
    let id = scene.incident();
    scene.must(Command::Incident(incident::Command::Acknowledge { id }));
    scene.wait(Span::secs(3 * 1_800));
    let leads = || "security_lead".to_owned();
    let updates = notices(&scene, Reason::Update).into_iter().filter(|to| *to == leads()).count();
    assert_eq!(updates, 3);
    scene.must(Command::Incident(incident::Command::Resolve { id, summary: "done".to_owned() }));
    assert!(notices(&scene, Reason::Resolved).contains(&leads()));
    scene.facts.clear();
    scene.wait(Span::secs(90_000));
    assert!(notices(&scene, Reason::Update).is_empty());
}

#[test]
fn one_person_commands_and_hands_over_to_one_who_accepts() {
    let mut scene = Scene::staffed(&[CUT_OFF]);
    let add =
        |name: &str| access::Command::AddPerson { name: name.to_owned(), role: access::Role::Responder };
    let maria = PersonId::from_number(scene.next);
    scene.must(Command::Access(add("maria")));
    alert(&mut scene, "validator-1", "high");
    let id = scene.incident();
    scene.must(ask(id, Ask::Claim));
    assert!(scene.refused(ask(id, Ask::Claim)).contains("commands"));
    assert!(scene.refused(ask(id, Ask::Accept)).contains("nobody offered"));
    let viewer = access::Command::AddPerson { name: "vera".to_owned(), role: access::Role::Viewer };
    let vera = PersonId::from_number(scene.next);
    scene.must(Command::Access(viewer));
    assert!(scene.refused(ask(id, Ask::HandOver { to: vera })).contains("may respond"), "who only looks");
    scene.must(ask(id, Ask::HandOver { to: maria }));
    let commander = |scene: &Scene| scene.state.incidents.open[&id].standing().commander;
    assert_eq!(commander(&scene), Some(PersonId::from_number(900)), "until it is accepted");
    scene.ask(event::Actor::Person(maria), ask(id, Ask::Accept)).unwrap();
    assert_eq!(commander(&scene), Some(maria));
    assert!(scene.refused(ask(id, Ask::HandOver { to: maria })).contains("does not command"));
}

#[test]
fn people_escalate_by_criterion() {
    let mut scene = Scene::staffed(&[CUT_OFF]);
    let start = scene.now;
    alert(&mut scene, "validator-1", "high");
    let id = scene.incident();
    let by = |criterion: &str| Ask::Escalate {
        level: None,
        criterion: Some(criterion.to_owned()),
        why: "press calls".to_owned(),
    };
    assert!(scene.refused(ask(id, by("bad_mood"))).contains("public_impact"));
    scene.must(ask(id, by("public_impact")));
    assert_eq!(escalations(&scene, start), [(0, 4)]);
    assert!(notices(&scene, Reason::Escalated).contains(&"legal_counsel".to_owned()));
    assert_eq!(scene.state.content.people.levels.iter().map(|level| level.criteria.len()).sum::<usize>(), 11);
}

#[test]
fn a_role_that_nobody_holds_calls_for_a_person_and_escalates() {
    let mut files = all_shipped();
    let teams = files.get_mut("teams.yaml").unwrap();
    *teams = teams.replace("  security_lead: [security_lead]", "  security_lead: []");
    let (content, problems) = crate::content::load(&files);
    assert_eq!(problems, []);
    let mut scene = Scene::with(content);
    let start = scene.now;
    alert(&mut scene, "validator-1", "high");
    let incident = &scene.state.incidents.open[&scene.incident()];
    assert!(incident.standing().unfilled.iter().any(|role| &**role == "security_lead"));
    assert!(incident.attention.iter().any(|waits| waits.reason.contains("nobody holds: security_lead")));
    assert_eq!(escalations(&scene, start), [(0, 2)]);
}

/// The line of a team with the first of its members alone.
fn one_member(line: &str) -> String {
    let cut = line.trim_start().starts_with("members: [").then(|| line.split_once(',')).flatten();
    cut.map_or_else(|| format!("{line}\n"), |(first, _)| format!("{first}]\n"))
}

/// Rows out, a new state in, as a restart does it.
fn restart(scene: &mut Scene) {
    let content = scene.state.content.clone();
    let mut state = State::default();
    state.loaded = content.hash.clone();
    state.stage_content(content);
    for incident in scene.state.incidents.open.values() {
        let row = serde_json::to_vec(&**incident).unwrap();
        state.restore(Saved::Incident(serde_json::from_slice(&row).unwrap()), scene.now);
    }
    scene.state = state;
}

/// That each of the ten thousand went to this level once, and when: never before it was due, a second later at most.
/// What was told so far is forgotten.
fn each_went_up_once(scene: &mut Scene, due: Timestamp, to: u8) {
    let mut went = std::collections::BTreeSet::new();
    for fact in std::mem::take(&mut scene.facts) {
        let event::Event::Incident(id, incident::Event::People(Event::Escalated { level, .. })) = fact.event
        else {
            continue;
        };
        assert_eq!(level, to, "{id}");
        assert!(went.insert(id), "{id} goes to level {to} twice");
        let at = fact.meta.time;
        assert!(at >= due && at.since(due) <= Span::secs(1), "{id} goes to level {to} at {at}, due at {due}");
    }
    assert_eq!(went.len(), 10_000, "a clock was lost before level {to}");
}

#[test]
fn ten_thousand_clocks_fire_once_a_step_over_restarts_and_jumps() {
    let mut files = all_shipped();
    // It is about the clocks, not about how many hear of them and in which words.
    files.retain(|path, _| !path.starts_with("playbooks/") && !path.starts_with("templates/"));
    let severities = files.get_mut("severities.yaml").unwrap();
    *severities = severities
        .replace("    update: 30m\n", "")
        .lines()
        .filter(|line| !line.contains("tell:"))
        .fold(String::new(), |all, line| all + line + "\n");
    let teams = files.get_mut("teams.yaml").unwrap();
    *teams = teams.lines().map(one_member).collect();
    let mut scene = Scene::with(crate::content::load(&files).0);
    let start = scene.now;
    for number in 0..10_000 {
        alert(&mut scene, &format!("validator-{number}"), "critical");
    }
    let doubt = crate::control::Command::DoubtClock { reason: "the clocks disagree".to_owned() };
    scene.must(Command::Control(doubt));
    scene.facts.clear();
    let after = |seconds| start.plus(Span::secs(seconds));
    scene.wait(Span::secs(299));
    assert!(escalations(&scene, start).is_empty(), "none early");
    restart(&mut scene);
    scene.wait(Span::secs(1));
    each_went_up_once(&mut scene, after(300), 2);
    // Down for ten hours: the clock jumps on at the start, and each fires its next step once.
    scene.now = scene.now.plus(Span::secs(36_000));
    restart(&mut scene);
    scene.wait(Span::secs(1));
    each_went_up_once(&mut scene, after(36_300), 3);
    // The wall clock is back where it was: a start does not go back with it, and no clock begins anew.
    restart(&mut scene);
    scene.wait(Span::secs(298));
    assert!(escalations(&scene, start).is_empty(), "none early, none twice");
    restart(&mut scene);
    scene.wait(Span::secs(1));
    each_went_up_once(&mut scene, after(36_600), 4);
    restart(&mut scene);
    scene.wait(Span::secs(86_400));
    assert!(escalations(&scene, start).is_empty(), "the last level is engaged once");
}

/// What was said to this contact for this reason.
fn said(scene: &Scene, wanted: Reason, whom: &str) -> Vec<String> {
    let of = |fact: &crate::flow::Fact| {
        let event::Event::Notice(_, notice::Event::Queued { reason, to, about, .. }) = &fact.event else {
            return None;
        };
        (*reason == wanted && **to == *whom).then(|| about.to_string())
    };
    scene.facts.iter().filter_map(of).collect()
}

const ASKS: &str = "id: asks
name: Asks
version: 1.0.0
types: [validator_compromise]
roles: [legal, public_relations]
stages:
  - id: one
    name: One
    steps:
      - id: isolate
        action: node.isolate
        for_each: incident.targets(\"node\")
        approval: { quorum: 1, roles: [legal], expires: 15m }
      - id: press
        manual: Tell the press
        role: public_relations
        due: 30m
        reminder: 20m
";

#[test]
fn who_may_approve_and_who_has_a_task_hear_of_it_and_more_hear_when_nobody_answers() {
    let mut files = all_shipped();
    files.retain(|path, _| !path.starts_with("playbooks/") && !path.starts_with("drills/"));
    files.insert("playbooks/asks.yaml".to_owned(), ASKS.to_owned());
    let contacts = files.get_mut("contacts.yaml").unwrap();
    *contacts =
        contacts.replace("    title: Legal counsel\n", "    title: Legal counsel\n    accounts: [laura]\n");
    let (content, problems) = crate::content::load(&files);
    assert_eq!(problems, []);
    let mut scene = Scene::with(content);
    alert(&mut scene, "validator-1", "high");
    let id = scene.incident();
    scene.must(Command::Incident(incident::Command::Acknowledge { id }));
    let asked = said(&scene, Reason::Approval, "legal_counsel");
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(asked[0].contains("`node.isolate` on validator-1 waits for the approval of 1"), "{asked:?}");
    assert!(said(&scene, Reason::Approval, "senior_engineer").is_empty());
    scene.wait(Span::secs(16 * 60));
    assert_eq!(said(&scene, Reason::Approval, "legal_counsel").len(), 2, "it is asked again");
    assert_eq!(said(&scene, Reason::Approval, "senior_engineer").len(), 1, "and of the next level");
    let approval = *scene.state.approvals.keys().next().unwrap();
    let hash = scene.state.approvals[&approval].hash.to_string();
    let mut people = Vec::new();
    for (name, role) in [("laura", access::Role::Responder), ("carl", access::Role::Commander)] {
        people.push(event::Actor::Person(PersonId::from_number(scene.next)));
        scene.must(Command::Access(access::Command::AddPerson { name: name.to_owned(), role }));
    }
    let approve =
        || Command::Approval(crate::approval::Command::Approve { id: approval, hash: hash.clone() });
    let refused = scene.ask(people[1].clone(), approve()).unwrap_err().to_string();
    assert!(
        refused.contains("the role legal"),
        "where the role has accounts, rank does not stand in: {refused}"
    );
    scene.ask(people[0].clone(), approve()).unwrap();
    for action in scene.calling() {
        scene.applied(action);
    }
    scene.wait(Span::secs(40 * 60));
    let tasks = said(&scene, Reason::Task, "public_relations");
    assert_eq!(
        tasks,
        [
            "`press` is yours to do: Tell the press",
            "`press` is due soon: Tell the press",
            "`press` is overdue: Tell the press"
        ]
    );
}

#[test]
fn each_is_reached_by_their_own_address() {
    let mut files = all_shipped();
    let channels = "channels:
  - { name: mail, kind: email, address: everybody@example.org }
  - { name: phones, kind: sms }
  - { name: pager, kind: pagerduty }
orders: [{ channels: [mail, phones, pager] }]
";
    files.insert("channels.yaml".to_owned(), channels.to_owned());
    let contacts = files.get_mut("contacts.yaml").unwrap();
    *contacts = contacts.replace(
        "    mail: ops-manager@example.com\n    phone: \"+1-202-555-0101\"\n",
        "    chat: { rooms: ops }\n",
    );
    let (content, problems) = crate::content::load(&files);
    assert_eq!(problems, []);
    let mut scene = Scene::with(content);
    alert(&mut scene, "validator-1", "high");
    let routes = |whom: &str| {
        let found = scene.facts.iter().find_map(|fact| {
            let event::Event::Notice(_, notice::Event::Queued { to, routes, left_out, .. }) = &fact.event
            else {
                return None;
            };
            (**to == *whom).then(|| (routes.clone(), left_out.clone()))
        });
        let (routes, left_out) = found.unwrap();
        let ways =
            routes.iter().map(|route| format!("{} {}", route.channel, route.address)).collect::<Vec<_>>();
        (ways.join(", "), left_out.iter().map(|(name, why)| format!("{name}: {why}")).collect::<String>())
    };
    assert_eq!(
        routes("on_call_engineer"),
        ("mail on-call-engineer@example.com, phones +1-202-555-0100, pager ".to_owned(), String::new())
    );
    assert_eq!(
        routes("ops_manager"),
        ("mail everybody@example.org, pager ".to_owned(), "phones: it has no number".to_owned())
    );
    scene.facts.clear();
    let incident = scene.incident();
    let test = |channel: &str| {
        let to = "on_call_engineer".into();
        Command::Notice(notice::Command::Test { incident, channel: channel.into(), to })
    };
    scene.must(test("phones"));
    let tried = scene.facts.iter().find_map(|fact| {
        let event::Event::Notice(_, notice::Event::Queued { routes, .. }) = &fact.event else { return None };
        Some(routes.clone())
    });
    let tried: Vec<_> =
        tried.unwrap().iter().map(|route| format!("{} {}", route.channel, route.address)).collect();
    assert_eq!(tried, ["phones +1-202-555-0100"], "this channel alone");
    assert!(scene.refused(test("fax")).contains("use one of mail, phones, pager"));
}

#[test]
fn after_a_relapse_the_time_to_acknowledge_begins_anew() {
    let mut scene = Scene::staffed(&[CUT_OFF]);
    alert(&mut scene, "validator-1", "high");
    let id = scene.incident();
    let by = |scene: &Scene| scene.state.incidents.open[&id].standing().acknowledge_by.unwrap();
    let within = by(&scene).since(scene.now);
    scene.must(Command::Incident(incident::Command::Acknowledge { id }));
    scene.wait(Span::secs(7_200));
    scene.state.incidents.open.get_mut(&id).unwrap().status = incident::Status::Watching;
    scene.alert([
        ("incident_type", "validator_compromise"),
        ("severity", "high"),
        ("node", "validator-1"),
        ("again", "yes"),
    ]);
    assert_eq!(scene.state.incidents.open[&id].relapses, 1);
    assert_eq!(by(&scene).since(scene.now), within, "from when it came back");
}
