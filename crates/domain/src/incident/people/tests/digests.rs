//! What is less urgent is told together: one notice a day, or a week, over all that are open.

use super::{ask, restart};
use crate::{
    content::{
        self,
        people::{People, SeverityTerms},
    },
    event,
    flow::{Command, Fact},
    id::IncidentId,
    incident::{self, Severity, people},
    notice::{self, Reason},
    scene::{Scene, all_shipped},
    time::Span,
};

/// The shipped people, on Friday the 15th of January 2027 at eight in the morning.
fn scene() -> Scene {
    let mut files = all_shipped();
    files.retain(|path, _| !path.starts_with("playbooks/") && !path.starts_with("drills/"));
    let (content, problems) = content::load(&files);
    assert_eq!(problems, []);
    Scene::with(content)
}

fn open(scene: &mut Scene, node: &str, severity: &str) -> IncidentId {
    scene.alert([("incident_type", "node_failure"), ("severity", severity), ("node", node)]);
    *scene.state.incidents.open.keys().next_back().unwrap()
}

/// Time, recipient and first line of each notice for this reason.
fn told(scene: &Scene, wanted: Reason) -> Vec<String> {
    let told = |fact: &Fact| {
        let event::Event::Notice(_, notice::Event::Queued { reason, to, about, incident, .. }) = &fact.event
        else {
            return None;
        };
        assert_eq!(incident.is_none(), *reason == Reason::Digest);
        (*reason == wanted).then(|| format!("{} {to}: {about}", fact.meta.time))
    };
    scene.facts.iter().filter_map(told).collect()
}

/// The words of a digest.
fn words(fact: &Fact) -> Option<String> {
    let event::Event::Notice(_, notice::Event::Queued { reason: Reason::Digest, message, .. }) = &fact.event
    else {
        return None;
    };
    Some(message.text.to_string())
}

fn hours(hours: u64) -> Span {
    Span::secs(hours * 3_600)
}

fn close(scene: &mut Scene, id: IncidentId) {
    let disposition = incident::Disposition::FalsePositive;
    scene.must(Command::Incident(incident::Command::Close { id, disposition }));
}

fn classify(scene: &mut Scene, id: IncidentId, severity: Severity) {
    let (severity, why) = (Some(severity), "looked at".to_owned());
    let classify = incident::Command::Classify { id, incident_type: None, severity, onset: None, why };
    scene.must(Command::Incident(classify));
}

#[test]
fn medium_is_told_daily_and_low_weekly_in_one_notice_for_each_who_hears_of_them() {
    let mut scene = scene();
    for node in ["validator-1", "validator-2", "validator-3"] {
        open(&mut scene, node, "medium");
    }
    let low = open(&mut scene, "validator-4", "low");
    open(&mut scene, "validator-5", "low");
    scene.wait(hours(1));
    let medium = |day: &str| {
        ["on_call_engineer", "ops_manager"]
            .map(|to| format!("{day}T09:00:00Z {to}: 3 incidents of severity medium are open"))
    };
    assert_eq!(told(&scene, Reason::Digest), medium("2027-01-15"));
    assert_eq!(told(&scene, Reason::Update), Vec::<String>::new(), "none for itself");
    scene.facts.clear();
    scene.wait(hours(24));
    assert_eq!(told(&scene, Reason::Digest), medium("2027-01-16"));
    scene.facts.clear();
    scene.wait(hours(48));
    let weekly = "2027-01-18T09:00:00Z on_call_engineer: 2 incidents of severity low are open";
    let all = told(&scene, Reason::Digest);
    let of_low: Vec<&String> = all.iter().filter(|line| line.contains("severity low")).collect();
    assert_eq!(of_low, [weekly]);
    close(&mut scene, low);
    scene.facts.clear();
    scene.wait(hours(7 * 24));
    let all = told(&scene, Reason::Digest);
    let of_low: Vec<&String> = all.iter().filter(|line| line.contains("severity low")).collect();
    assert_eq!(of_low, ["2027-01-25T09:00:00Z on_call_engineer: 1 incident of severity low is open"]);
}

#[test]
fn a_digest_names_each_with_its_state_and_none_comes_while_nothing_is_open() {
    let mut scene = scene();
    let ids = [open(&mut scene, "validator-1", "medium"), open(&mut scene, "validator-2", "medium")];
    scene.must(Command::Incident(incident::Command::Acknowledge { id: ids[1] }));
    scene.must(ask(ids[1], people::Ask::Claim));
    scene.wait(hours(1));
    let said = scene.facts.iter().find_map(words).unwrap();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 2, "{said}");
    assert!(
        lines[0].starts_with(&format!("{} open since 2027-01-15T08:00:00Z, not acknowledged: ", ids[0])),
        "{said}"
    );
    assert!(
        lines[1].starts_with(&format!("{} open since 2027-01-15T08:00:00Z, commanded by scene: ", ids[1])),
        "{said}"
    );
    ids.into_iter().for_each(|id| close(&mut scene, id));
    scene.facts.clear();
    scene.wait(hours(10 * 24));
    assert_eq!(told(&scene, Reason::Digest), Vec::<String>::new());
    open(&mut scene, "validator-3", "medium");
    scene.wait(hours(49));
    assert_eq!(told(&scene, Reason::Digest).len(), 4, "it begins again: two days for two people");
}

#[test]
fn the_earliest_notice_wins_and_each_comes_once_over_restarts() {
    let mut scene = scene();
    let id = open(&mut scene, "validator-1", "high");
    open(&mut scene, "validator-2", "medium");
    scene.wait(Span::secs(20 * 60));
    classify(&mut scene, id, Severity::Medium);
    scene.facts.clear();
    scene.wait(Span::secs(10 * 60));
    let own = told(&scene, Reason::Update);
    assert!(
        own.iter().all(|line| line.starts_with("2027-01-15T08:30:00Z")) && !own.is_empty(),
        "as promised"
    );
    assert_eq!(told(&scene, Reason::Digest), Vec::<String>::new());
    restart(&mut scene);
    scene.facts.clear();
    scene.wait(Span::secs(30 * 60));
    let digest = told(&scene, Reason::Digest);
    assert_eq!(digest.len(), 2, "{digest:?}");
    assert!(digest[0].ends_with("2 incidents of severity medium are open"), "{digest:?}");
    // Down over the next two mornings: told once, when it is back.
    scene.facts.clear();
    scene.now = scene.now.plus(hours(50));
    restart(&mut scene);
    scene.wait(Span::secs(1));
    assert_eq!(told(&scene, Reason::Digest).len(), 2);
}

#[test]
fn the_cadences_are_those_of_the_severities() {
    let scene = scene();
    let people: &People = &scene.state.content.people;
    let each = |severity: Severity| {
        let terms = &people.severities[&severity];
        let digest = terms.digest.map(|beat| beat.every.name());
        digest.map_or_else(|| terms.update.unwrap().to_string(), str::to_owned)
    };
    let all = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low].map(each);
    assert_eq!(all, ["30m", "30m", "daily", "weekly"]);
}

#[test]
fn a_digest_names_fifty_and_counts_the_rest() {
    let mut scene = scene();
    for number in 0..60 {
        open(&mut scene, &format!("validator-{number}"), "medium");
    }
    scene.facts.clear();
    scene.wait(hours(1));
    let said: Vec<String> = scene.facts.iter().filter_map(words).collect();
    assert_eq!(said.len(), 2, "one for each");
    assert_eq!(said[0].lines().count(), 51);
    assert_eq!(said[0].lines().last(), Some("and 10 more: `ringfence incident list`"));
}

#[test]
fn a_profile_has_other_times_and_other_teams() {
    let of = |profile: &str| {
        let mut files = all_shipped();
        let severities = files.get_mut("severities.yaml").unwrap();
        *severities = severities.replace("# profile: platform_security", profile);
        let (content, problems) = content::load(&files);
        assert_eq!(problems, []);
        let terms = |severity| {
            let terms: &SeverityTerms = &content.people.severities[&severity];
            (terms.tell.join(" "), terms.acknowledge.to_string(), terms.update, terms.digest)
        };
        [Severity::Critical, Severity::High, Severity::Medium, Severity::Low].map(terms)
    };
    let (shipped, profile) = (of(""), of("profile: platform_security"));
    assert_eq!(shipped.clone().map(|terms| terms.1), ["0s", "15m", "1h", "next_business_day"]);
    assert_eq!(profile.clone().map(|terms| terms.1), ["0s", "1h", "4h", "1d"]);
    assert_eq!(profile[1].0, "security senior_engineering technical_response");
    assert_eq!(profile[2].0, "senior_engineering technical_response");
    for (before, after) in shipped.iter().zip(&profile) {
        assert_eq!((before.2, before.3), (after.2, after.3), "what it does not name stays");
    }
    let mut files = all_shipped();
    let severities = files.get_mut("severities.yaml").unwrap();
    *severities = severities.replace("# profile: platform_security", "profile: platform");
    let said: Vec<String> = content::load(&files).1.iter().map(|problem| problem.message.clone()).collect();
    assert_eq!(said, ["unknown profile `platform`; known: `platform_security`"]);
}
