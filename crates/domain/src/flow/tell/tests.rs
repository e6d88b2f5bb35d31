//! Who hears of what, by the shipped people.

use crate::{
    event::Event,
    flow::{Command, Fact},
    incident::{self, analysis},
    notice::{self, Reason},
    scene::{CUT_OFF, Scene, all_shipped},
    severity::Severity,
    stories,
    time::Span,
};

/// Whom notices of this reason went to, and what they were about.
fn told(scene: &Scene, wanted: Reason) -> Vec<(String, String)> {
    let one = |fact: &Fact| {
        let Event::Notice(_, notice::Event::Queued { reason, to, about, .. }) = &fact.event else {
            return None;
        };
        (*reason == wanted).then(|| (to.to_string(), about.to_string()))
    };
    scene.facts.iter().filter_map(one).collect()
}

fn called(severity: &str) -> Vec<String> {
    let mut scene = Scene::staffed(&[CUT_OFF]);
    scene.alert([("incident_type", "validator_compromise"), ("severity", severity), ("node", "validator-1")]);
    let mut to: Vec<_> = told(&scene, Reason::Opened).into_iter().map(|(to, _)| to).collect();
    to.sort();
    to
}

#[test]
fn the_team_hears_when_a_run_begins_moves_on_and_ends() {
    let mut scene = Scene::staffed(&[CUT_OFF]);
    scene.alert([("incident_type", "validator_compromise"), ("severity", "high"), ("node", "validator-1")]);
    let (id, run) = (scene.incident(), scene.run());
    stories::everything_works(&mut scene);
    let team: Vec<String> = scene.state.incidents.open[&id]
        .standing()
        .team
        .iter()
        .map(|(_, contact)| contact.to_string())
        .collect();
    assert!(!team.is_empty());
    let told = told(&scene, Reason::Run);
    for contact in &team {
        let heard: Vec<&str> =
            told.iter().filter(|(to, _)| to == contact).map(|(_, about)| about.as_str()).collect();
        assert_eq!(heard.first(), Some(&&*format!("{run} began")), "{contact}");
        assert!(heard.contains(&&*format!("{run} reached stage 2")), "{contact}: {heard:?}");
        assert_eq!(heard.last(), Some(&&*format!("{run} is completed")), "{contact}");
    }
}

#[test]
fn who_is_on_call_hears_of_every_severity() {
    for severity in ["critical", "high", "medium", "low"] {
        assert!(called(severity).contains(&"on_call_engineer".to_owned()), "{severity}");
    }
}

#[test]
fn a_critical_incident_calls_everybody_of_the_teams_at_once() {
    let called = called("critical");
    let known = Scene::staffed(&[CUT_OFF]).state.content.people.clone();
    for contact in known.teams.values().flat_map(|team| &team.members) {
        assert_eq!(called.iter().filter(|to| *to == contact).count(), 1, "{contact} of {called:?}");
    }
}

#[test]
fn a_medium_incident_has_an_hour_and_goes_on_after_four() {
    assert_eq!(called("medium"), ["on_call_engineer", "ops_manager"], "operations alone");
    let mut scene = Scene::staffed(&[CUT_OFF]);
    scene.alert([("incident_type", "validator_compromise"), ("severity", "medium"), ("node", "validator-1")]);
    let start = scene.now;
    let standing = |scene: &Scene| scene.state.incidents.open[&scene.incident()].standing().clone();
    assert_eq!(standing(&scene).acknowledge_by, Some(start.plus(Span::secs(3_600))));
    assert_eq!(scene.state.incidents.open[&scene.incident()].severity, Severity::Medium);
    scene.wait(Span::secs(4 * 3_600 - 1));
    assert_eq!(standing(&scene).level, 1);
    scene.wait(Span::secs(1));
    assert_eq!(standing(&scene).level, 2);
}

/// The forensics firm is in a team that is told of every severity, on the first level, and holds a role of the run.
fn with_a_firm() -> Scene {
    let mut files = all_shipped();
    files.retain(|path, _| !path.starts_with("playbooks/") && !path.starts_with("drills/"));
    files.insert("playbooks/validator_compromise.yaml".to_owned(), CUT_OFF.to_owned());
    let teams = files.get_mut("teams.yaml").unwrap();
    let named = teams
        .replace("members: [ops_manager, on_call_engineer]", "members: [ops_manager, forensics_firm]")
        .replace("incident_commander: [ops_manager, ", "incident_commander: [forensics_firm, ops_manager, ");
    assert_ne!(*teams, named);
    *teams = named;
    let severities = files.get_mut("severities.yaml").unwrap();
    *severities = severities.replace("tell: [on_call]", "tell: [operations]");
    let (content, problems) = crate::content::load(&files);
    assert_eq!(problems, []);
    Scene::with(content)
}

fn all_reasons(scene: &Scene, whom: &str) -> Vec<Reason> {
    let one = |fact: &Fact| {
        let Event::Notice(_, notice::Event::Queued { reason, to, .. }) = &fact.event else { return None };
        (**to == *whom).then_some(*reason)
    };
    scene.facts.iter().filter_map(one).collect()
}

#[test]
fn whoever_is_outside_hears_calls_of_their_own_and_nothing_else() {
    let mut scene = with_a_firm();
    scene.alert([("incident_type", "validator_compromise"), ("severity", "high"), ("node", "validator-1")]);
    let id = scene.incident();
    stories::everything_works(&mut scene);
    let standing = scene.state.incidents.open[&id].standing().clone();
    assert!(standing.team.iter().any(|(_, contact)| &**contact == "forensics_firm"), "{:?}", standing.team);
    let ask = analysis::Ask::Update { text: "Keys were read.".to_owned(), eta: None };
    scene.must(Command::Incident(incident::Command::Analyze { id, ask }));
    scene.wait(Span::secs(3_600));
    let inside = all_reasons(&scene, "ops_manager");
    let outside = all_reasons(&scene, "forensics_firm");
    for reason in [Reason::Run, Reason::Update] {
        assert!(inside.contains(&reason) && !outside.contains(&reason), "{inside:?} {outside:?}");
    }
    assert!(outside.contains(&Reason::Opened), "the first level is called, whoever is on it: {outside:?}");
    // What is told of all together goes to nobody outside either.
    let mut low = with_a_firm();
    low.alert([("incident_type", "validator_compromise"), ("severity", "low"), ("node", "validator-1")]);
    low.wait(Span::secs(8 * 86_400));
    assert!(all_reasons(&low, "ops_manager").contains(&Reason::Digest));
    assert!(!all_reasons(&low, "forensics_firm").contains(&Reason::Digest));
}

/// All who work at it are outside, and the task names nobody.
const FIRM_ALONE: &str = "id: firm
name: A firm alone
version: 1.0.0
types: [validator_compromise]
roles: [forensics_firm]
stages:
  - id: one
    name: One
    steps:
      - id: look
        manual: Look at the copies
        due: 30m
        reminder: 20m
";

#[test]
fn a_task_of_a_team_that_is_all_outside_is_told_to_that_team() {
    let mut scene = Scene::staffed(&[FIRM_ALONE]);
    scene.alert([("incident_type", "validator_compromise"), ("severity", "high"), ("node", "validator-1")]);
    scene.wait(Span::secs(31 * 60));
    let tasks = told(&scene, Reason::Task);
    let look = tasks.iter().filter(|(_, about)| about.starts_with("`look` "));
    let heard: Vec<(&str, &str)> = look.map(|(to, about)| (to.as_str(), about.as_str())).collect();
    let soon = ("forensics_firm", "`look` is due soon: Look at the copies");
    let overdue = ("forensics_firm", "`look` is overdue: Look at the copies");
    assert!(heard.contains(&soon) && heard.contains(&overdue), "{heard:?}");
    assert!(heard.iter().all(|(to, _)| *to == "forensics_firm"), "{heard:?}");
    assert!(!all_reasons(&scene, "forensics_firm").contains(&Reason::Run), "how it goes stays inside");
}
