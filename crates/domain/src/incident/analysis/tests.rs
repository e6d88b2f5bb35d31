//! What people record of an incident, what is refused, and what gates see of it.

use expect_test::expect;

use super::*;
use crate::{
    event::{Actor, Event as Any},
    evidence,
    flow::Command,
    id::IncidentId,
    incident::{self, Disposition},
    notice::{self, Reason},
    run,
    scene::{Scene, all_shipped},
    time::Span,
};

fn analyze(id: IncidentId, ask: Ask) -> Command {
    Command::Incident(incident::Command::Analyze { id, ask })
}

fn finding(text: &str) -> Ask {
    Ask::Finding { text: text.to_owned(), evidence: vec![], entries: vec![] }
}

fn impact<const N: usize>(areas: [(Area, Level); N], text: &str) -> Ask {
    Ask::Impact { areas: areas.into(), text: text.to_owned() }
}

fn cause(text: &str, measures: &[&str]) -> Ask {
    let measures = measures.iter().map(|one| (*one).to_owned()).collect();
    Ask::Cause { text: text.to_owned(), method: Method::FiveWhys, measures }
}

fn threat(techniques: &[&str], indicators: &[(&str, &str)]) -> Ask {
    Ask::Threat {
        techniques: techniques.iter().map(|id| (*id).to_owned()).collect(),
        indicators: indicators
            .iter()
            .map(|(kind, value)| ((*kind).to_owned(), (*value).to_owned()))
            .collect(),
        actor: None,
    }
}

fn open(scene: &mut Scene) -> IncidentId {
    scene.alert([
        ("alertname", "Fan"),
        ("incident_type", "hardware_failure"),
        ("severity", "high"),
        ("node", "validator-7"),
    ]);
    scene.incident()
}

fn known(scene: &Scene, id: IncidentId) -> Analysis {
    scene.state.incidents.open[&id].analysis().clone()
}

#[test]
fn a_finding_names_evidence_of_its_incident_and_entries_that_exist() {
    let mut scene = Scene::new(&[]);
    let id = open(&mut scene);
    let write = evidence::Command::Write {
        incident: id,
        kind: evidence::Kind::Note,
        name: "the fan".to_owned(),
        text: "it is loud".to_owned(),
        source: evidence::Source::Note,
    };
    scene.must(Command::Evidence(write));
    let kept = *scene.state.evidence.keys().next().unwrap();
    let linked = |evidence: Vec<EvidenceId>, entries| {
        analyze(id, Ask::Finding { text: "the fan failed".to_owned(), evidence, entries })
    };
    scene.must(linked(vec![kept, kept], vec![3, 2, 3]));
    let found = known(&scene, id).findings;
    assert_eq!((&found[0].evidence, &found[0].entries), (&vec![kept], &vec![2, 3]));
    assert!(found[0].by.is_some());
    let strange = EvidenceId::from_number(9_999);
    assert_eq!(
        scene.refused(linked(vec![strange], vec![])),
        format!("there is no evidence EVD-9999 of {id}; see `evidence list`")
    );
    assert_eq!(scene.refused(linked(vec![], vec![9_999])), "there is no entry 9999");
    let second = incident::Command::Open {
        title: "another".to_owned(),
        incident_type: "hardware_failure".to_owned(),
        severity: crate::severity::Severity::Low,
        targets: vec![],
    };
    scene.must(Command::Incident(second));
    let other = *scene.state.incidents.open.keys().last().unwrap();
    let ask = Ask::Finding { text: "x".to_owned(), evidence: vec![kept], entries: vec![] };
    assert!(
        scene.refused(analyze(other, ask)).starts_with(&format!("there is no evidence {kept} of {other}"))
    );
}

#[test]
fn of_each_area_and_of_the_cause_the_newest_counts_and_all_stay_in_the_journal() {
    let mut scene = Scene::new(&[]);
    let id = open(&mut scene);
    scene.must(analyze(id, impact([(Area::Systems, Level::Low), (Area::Business, Level::High)], "one node")));
    scene.must(analyze(id, impact([(Area::Systems, Level::Severe)], "all nodes")));
    let now = known(&scene, id);
    assert_eq!((now.level(Area::Systems), now.level(Area::Business)), (Level::Severe, Level::High));
    assert_eq!(now.level(Area::People), Level::None);
    expect!["systems severe, business high: all nodes; one node"].assert_eq(&now.impact_line().unwrap());
    scene.facts.clear();
    scene.must(analyze(id, cause("dust", &["filters"])));
    scene.must(analyze(id, cause("a bad bearing", &[])));
    let counts = known(&scene, id).cause.unwrap();
    assert_eq!((&*counts.text, counts.revised), ("a bad bearing", 1));
    let kinds: Vec<_> = scene.facts.iter().map(|fact| fact.event.kind()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "incident.cause_recorded").count(), 2, "{kinds:?}");
}

#[test]
fn a_profile_takes_techniques_by_their_shape_and_indicators_by_their_kind() {
    for id in ["T1078", "T1078.004", "AML.T0051", "AML.T0051.000"] {
        assert!(decide::is_technique(id), "{id}");
    }
    for id in
        ["", "T", "T107", "T10789", "T1078.04", "T1078.", "t1078", "AML.1078", "AML.T005", "T1078 ", "S1078"]
    {
        assert!(!decide::is_technique(id), "{id}");
    }
    let mut scene = Scene::new(&[]);
    let id = open(&mut scene);
    scene.must(analyze(id, threat(&["T1078", "AML.T0051"], &[("address", "203.0.113.9")])));
    let profile = known(&scene, id).threat.unwrap();
    assert_eq!(profile.techniques, ["AML.T0051".into(), "T1078".into()]);
    expect!["`T1` is no technique; write one of ATT&CK as T1078 or T1078.004, of ATLAS as AML.T0051"]
        .assert_eq(&scene.refused(analyze(id, threat(&["T1"], &[]))));
    assert!(
        scene.refused(analyze(id, threat(&[], &[("colour", "red")]))).contains("is no kind of indicator")
    );
    expect!["the profile is empty; give techniques, indicators or who is behind it"]
        .assert_eq(&scene.refused(analyze(id, threat(&[], &[]))));
    let many = vec!["T1078"; PROFILE_MAX + 1];
    expect!["51 techniques are too many; at most 50"]
        .assert_eq(&scene.refused(analyze(id, threat(&many, &[]))));
}

#[test]
fn records_are_bounded_and_made_by_people() {
    let mut scene = Scene::new(&[]);
    let id = open(&mut scene);
    let long = "x".repeat(TEXT_MAX + 1);
    expect!["the finding is empty or longer than 2048 bytes"]
        .assert_eq(&scene.refused(analyze(id, finding(&long))));
    expect!["the cause is empty or longer than 2048 bytes"]
        .assert_eq(&scene.refused(analyze(id, cause(" ", &[]))));
    expect!["no area is named; rate systems, data, people, business or regulation"]
        .assert_eq(&scene.refused(analyze(id, impact([], "x"))));
    let past = Ask::Update { text: "soon".to_owned(), eta: Some(scene.now) };
    expect!["the expected end is not after now, or more than a year off"]
        .assert_eq(&scene.refused(analyze(id, past)));
    for _ in 0..FINDINGS_MAX {
        scene.must(analyze(id, finding("one")));
    }
    assert_eq!(scene.refused(analyze(id, finding("one too many"))), format!("{id} has 100 findings already"));
    assert!(scene.ask(Actor::Platform, analyze(id, cause("x", &[]))).is_err());
}

/// A stage ends when an impact and a finding are there, and it goes on by itself once they are.
const ASKS: &str = "
id: asks
name: Asks
version: 1.0.0
types: [hardware_failure]
roles: [security_lead]
stages:
  - id: analyze
    name: Analyze
    exit: >-
      analysis.findings > 0 && analysis.impact.business >= impact.high && analysis.threat.indicators == 1
      && \"T1078\" in analysis.threat.techniques && analysis.cause.method == \"five_whys\" && !analysis.eta.recorded
    steps:
      - id: look
        name: Look
        manual: Look at it.
  - id: act
    name: Act
    steps:
      - id: done
        name: Done
        manual: Write down what was done.
";

#[test]
fn a_stage_can_ask_for_what_was_made_out_and_goes_on_when_it_is_there() {
    let mut scene = Scene::new(&[ASKS]);
    let id = open(&mut scene);
    let run = scene.run();
    let (decide, note) = (BTreeMap::new(), Some("looked".to_owned()));
    scene.must(Command::Run(run::Command::Update {
        id: run,
        complete: vec!["look".to_owned()],
        decide,
        note,
    }));
    let status = |scene: &Scene| scene.state.runs.get(run).unwrap().status.clone();
    assert!(matches!(status(&scene), run::Status::Blocked { .. }), "{:?}", status(&scene));
    scene.must(analyze(id, finding("the fan failed")));
    scene.must(analyze(id, threat(&["T1078"], &[("host", "validator-7")])));
    scene.must(analyze(id, cause("dust", &[])));
    scene.must(analyze(id, impact([(Area::Business, Level::Medium)], "slow")));
    assert!(matches!(status(&scene), run::Status::Blocked { .. }), "medium is not enough");
    scene.must(analyze(id, impact([(Area::Business, Level::High)], "down")));
    assert_eq!(status(&scene), run::Status::Active);
    assert_eq!(scene.state.runs.get(run).unwrap().stage, 1);
    assert!(scene.state.incidents.open[&id].attention.is_empty(), "nobody is called any more");
}

#[test]
fn a_redaction_erases_the_words_and_keeps_what_gates_ask_for() {
    let mut scene = Scene::new(&[]);
    let id = open(&mut scene);
    scene.must(analyze(id, finding("Marta's password")));
    scene.must(analyze(id, impact([(Area::People, Level::Low)], "Marta")));
    scene.must(analyze(id, threat(&["T1078"], &[("account", "marta")])));
    scene.must(analyze(id, cause("Marta wrote it down", &["ask Marta"])));
    let redact = Command::Redact {
        positions: vec![scene.next - 1],
        about: vec![crate::event::Stream::Incident(id)],
        reason: "a name".to_owned(),
    };
    scene.must(redact);
    let left = known(&scene, id);
    let text = serde_json::to_string(&left).unwrap();
    assert!(!text.to_lowercase().contains("marta"), "{text}");
    assert_eq!((left.findings.len(), left.level(Area::People)), (1, Level::Low));
    assert!(left.cause.is_some() && left.threat.is_some());
}

/// The texts that were rendered for this reason, each once.
fn said(scene: &Scene, wanted: Reason) -> Vec<String> {
    let of = |fact: &crate::flow::Fact| {
        let Any::Notice(_, notice::Event::Queued { reason, message, .. }) = &fact.event else { return None };
        (*reason == wanted).then(|| message.text.to_string())
    };
    let mut all: Vec<String> = scene.facts.iter().filter_map(of).collect();
    all.dedup();
    all
}

fn resolve(scene: &mut Scene, id: IncidentId) {
    scene.must(Command::Incident(incident::Command::Resolve { id, summary: "the fan is new".to_owned() }));
}

#[test]
fn notices_say_impact_expected_end_and_next_word() {
    let mut scene = Scene::staffed(&[]);
    let id = open(&mut scene);
    scene.must(analyze(id, impact([(Area::Business, Level::High)], "transfers wait")));
    scene.facts.clear();
    let eta = Some(scene.now.plus(Span::secs(7_200)));
    scene.must(analyze(id, Ask::Update { text: "the part is on its way".to_owned(), eta }));
    expect![[r#"
        the part is on its way

        State         open, not acknowledged (phase: detect)
        Severity      high
        Impact        business high: transfers wait
        Done so far   pending
        Expected end  2027-01-15T10:00:00Z
        Next word     2027-01-15T08:30:00Z"#]]
    .assert_eq(&said(&scene, Reason::Update).join("\n---\n"));
    scene.facts.clear();
    scene.wait(Span::secs(1_800));
    let by_cadence = said(&scene, Reason::Update).join("\n");
    assert!(by_cadence.contains("Expected end  2027-01-15T10:00:00Z"), "{by_cadence}");
    assert!(by_cadence.contains("Impact        business high: transfers wait"), "{by_cadence}");
    assert!(by_cadence.contains("Next word     2027-01-15T09:00:00Z"), "{by_cadence}");
}

#[test]
fn a_critical_notice_names_systems_actions_commander_technical_lead_and_room() {
    let mut scene = Scene::with({
        let mut files = all_shipped();
        let contacts = files.get_mut("contacts.yaml").unwrap();
        *contacts =
            contacts.replace("title: Operations manager", "title: Operations manager\n    accounts: [scene]");
        let (content, problems) = crate::content::load(&files);
        assert_eq!(problems, []);
        content
    });
    let id = open(&mut scene);
    scene.must(Command::Incident(incident::Command::People { id, ask: incident::people::Ask::Claim }));
    let url = "https://meet.example/42".to_owned();
    scene.must(Command::Incident(incident::Command::Link { id, title: "Room".to_owned(), url, room: true }));
    scene.must(analyze(id, impact([(Area::Systems, Level::Severe)], "no block is made")));
    let apply = crate::action::Command::Apply {
        incident: id,
        verb: "account.suspend".to_owned(),
        target: "account-1".to_owned(),
        args: serde_json::Map::new(),
        lease: None,
    };
    scene.must(Command::Action(apply));
    let call = *scene.calling().last().unwrap();
    scene.applied(call);
    scene.facts.clear();
    let worse = incident::Command::Classify {
        id,
        incident_type: None,
        severity: Some(crate::severity::Severity::Critical),
        onset: None,
        why: "all of them".to_owned(),
    };
    scene.must(Command::Incident(worse));
    expect![[r#"
        Critical incident INC-3 needs blockchain_specialist now: Fan on validator-7

        Severity         critical
        Began            2027-01-15T08:00:00Z
        Systems          node validator-7
        Impact           systems severe: no block is made
        State            contained, not acknowledged (phase: contain)
        Done so far      account.suspend on account-1
        Expected end     pending
        Next word        2027-01-15T08:30:00Z

        Commander        scene, phone +1-202-555-0101
        Technical lead   technical_lead, phone +1-202-555-0102
        Room             https://meet.example/42

        severity critical"#]]
    .assert_eq(said(&scene, Reason::Opened).first().unwrap());
}

#[test]
fn a_cause_that_was_pending_at_the_resolution_is_told_once() {
    let mut scene = Scene::staffed(&[]);
    let id = open(&mut scene);
    scene.facts.clear();
    resolve(&mut scene, id);
    let told = said(&scene, Reason::Resolved).join("\n");
    assert!(told.contains("Root cause  pending\nPrevention  pending"), "{told}");
    scene.start(2);
    scene.must(analyze(id, cause("dust in the fan", &["filters each spring", "a spare fan"])));
    expect![[r#"
        When INC-3 (Fan on validator-7) was resolved, the cause was not known yet. Now it is:

        dust in the fan

        Prevention  filters each spring; a spare fan"#]]
    .assert_eq(&said(&scene, Reason::Cause).join("\n---\n"));
    scene.facts.clear();
    scene.must(analyze(id, cause("a bad bearing", &[])));
    assert!(said(&scene, Reason::Cause).is_empty(), "once");
}

#[test]
fn a_cause_that_is_known_stands_in_the_resolution_and_comes_no_second_time() {
    let mut scene = Scene::staffed(&[]);
    let id = open(&mut scene);
    scene.must(analyze(id, cause("dust", &["filters"])));
    scene.facts.clear();
    resolve(&mut scene, id);
    let told = said(&scene, Reason::Resolved).join("\n");
    assert!(told.contains("Root cause  dust\nPrevention  filters"), "{told}");
    scene.must(analyze(id, cause("more dust", &[])));
    assert!(said(&scene, Reason::Cause).is_empty());
}

#[test]
fn a_cause_that_only_the_review_finds_is_told_once_too() {
    use crate::review;
    let mut scene = Scene::staffed(&[ASKS]);
    let id = open(&mut scene);
    let run = scene.run();
    scene.must(Command::Run(run::Command::Cancel { id: run, undo: false }));
    let close = incident::Command::Close { id, disposition: Disposition::TruePositive };
    resolve(&mut scene, id);
    scene.wait(Span::secs(30 * 86_400));
    scene.must(Command::Incident(incident::Command::SignOff { id, note: "works".to_owned() }));
    let end = crate::alert::Received {
        labels: [
            ("alertname", "Fan"),
            ("incident_type", "hardware_failure"),
            ("severity", "high"),
            ("node", "validator-7"),
        ]
        .into(),
        ends_at: Some(scene.now),
        ..crate::alert::Received::default()
    };
    drop(scene.received(end));
    scene.must(Command::Incident(close));
    let review = *scene.state.reviews.keys().next().unwrap();
    let write = |ask| Command::Review(review::Command::Write { id: review, ask });
    let due = scene.now.plus(Span::secs(86_400));
    let (what, owner) = ("filters each spring".to_owned(), "operations".to_owned());
    scene.must(write(review::Ask::Plan { what, owner, due, file: None }));
    scene.facts.clear();
    let found =
        |text: &str| review::Ask::Find { area: review::Area::RootCauseAnalysis, text: text.to_owned() };
    scene.must(write(found("dust in the fan")));
    let told = said(&scene, Reason::Cause).join("\n");
    assert!(told.contains("dust in the fan") && told.contains("Prevention  filters each spring"), "{told}");
    scene.facts.clear();
    scene.must(write(found("a bad bearing")));
    assert!(said(&scene, Reason::Cause).is_empty(), "once");
}
