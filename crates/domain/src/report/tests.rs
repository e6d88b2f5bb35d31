//! What people may tell, what follows from it, and what does not.

use expect_test::expect;

use super::*;
use crate::{
    access::{self, Holder},
    event::{Actor, Rejected},
    flow,
    incident::{self, Status},
    scene::{CUT_OFF, Scene, person},
};

fn token(scene: &mut Scene, holder: Holder) -> Actor {
    let id = TokenId::from_number(scene.next);
    let (hash, label) = (id.to_string().into(), String::new());
    let create = access::Command::CreateToken { holder, hash, label, expires_at: None };
    scene.must(flow::Command::Access(create));
    scene.facts.clear();
    Actor::Source(id)
}

fn form(scene: &mut Scene) -> Actor {
    token(scene, Holder::Form("intranet".into()))
}

fn outside(scene: &mut Scene) -> Actor {
    token(scene, Holder::Outside("security.txt".into()))
}

/// A claim that would isolate a validator, were it believed.
fn told() -> Told {
    Told {
        reporter: Some("Sam".into()),
        contact: Some("sam@example.org".into()),
        title: "validator-3 signs twice".into(),
        description: "I saw two blocks.".into(),
        incident_type: Some("validator_compromise".into()),
        severity: Some(Severity::Critical),
        targets: vec![("node".into(), "validator-3".into()), ("node".into(), "validator-4".into())],
    }
}

fn report(scene: &mut Scene, actor: &Actor, told: Told) -> Result<(), Rejected> {
    scene.ask(actor.clone(), flow::Command::Report(Command::Receive(Box::new(told))))
}

fn id(scene: &Scene) -> ReportId {
    *scene.state.reports.keys().next_back().unwrap()
}

#[test]
fn what_a_person_reports_is_acted_on() {
    let mut scene = Scene::new(&[]);
    report(&mut scene, &person(), Told { reporter: None, contact: None, ..told() }).unwrap();
    let incident = scene.incident();
    expect![[r#"
        report.received report/2
        alert.raised alert/3 reported by scene; label incident_type="validator_compromise"; no open incident of its group
        incident.opened incident/4
        run.started run/5 stage 0, begin 0 on validator-3 validator-4
        action.intended action/6 Apply node.isolate validator-3 #1 rf-scene-6-0
        action.intended action/7 Apply node.isolate validator-4 #1 rf-scene-7-0
        report.linked report/2
    "#]]
    .assert_eq(&scene.look());
    let report = &scene.state.reports[&id(&scene)];
    assert_eq!((report.incident, report.acknowledge_by), (Some(incident), None));
}

#[test]
fn what_names_no_type_asks_what_it_is() {
    let mut scene = Scene::new(&[]);
    let vague =
        Told { title: "the screens are dark".into(), description: "all of them".into(), ..Told::default() };
    report(&mut scene, &person(), vague).unwrap();
    expect![[r#"
        report.received report/2
        alert.raised alert/3 reported by scene; label incident_type="unclassified"; this type is not in the taxonomy; no open incident of its group
        incident.opened incident/4
        incident.attention_raised incident/4 too little speaks for this type to act on it; confirm it with `incident classify`
        incident.attention_raised incident/4 nothing starts by itself here; start playbook generic_response by hand
        report.linked report/2
    "#]]
    .assert_eq(&scene.look());
}

#[test]
fn nothing_starts_on_a_claim_before_a_person_confirms_it() {
    for holder in [Holder::Form("intranet".into()), Holder::Outside("security.txt".into())] {
        let mut scene = Scene::new(&[]);
        let actor = token(&mut scene, holder);
        report(&mut scene, &actor, told()).unwrap();
        assert!(scene.calling().is_empty() && scene.state.runs.iter().next().is_none());
        let id = scene.incident();
        let incident = &scene.state.incidents.open[&id];
        assert!(!incident.acts_alone(50) && !incident.attention.is_empty());
        assert!(incident.why.contains("reported by Sam"), "{}", incident.why);

        let why = "looked at the blocks".to_owned();
        let (incident_type, severity, onset) = (None, None, None);
        scene.must(flow::Command::Incident(incident::Command::Classify {
            id,
            incident_type,
            severity,
            onset,
            why,
        }));
        assert_eq!(scene.calling().len(), 2);
    }
}

#[test]
fn a_claim_neither_widens_nor_holds_back_what_is_known() {
    let mut scene = Scene::new(&[]);
    let page = outside(&mut scene);
    let sure = [
        ("alertname", "DoubleSign"),
        ("incident_type", "validator_compromise"),
        ("severity", "critical"),
        ("node", "validator-3"),
    ];

    // The claim comes first: the alert of the same group opens another incident, and that one is acted on.
    report(&mut scene, &page, told()).unwrap();
    scene.alert(sure);
    assert_eq!(scene.state.incidents.open.len(), 2);
    assert_eq!(scene.calling().len(), 1);

    // And again, after it: the incident under way gains no target and no second run.
    report(&mut scene, &page, told()).unwrap();
    assert_eq!(scene.state.incidents.open.len(), 3);
    assert_eq!(scene.calling().len(), 1);
    let real = scene.state.incidents.open.values().find(|i| i.acts_alone(50)).unwrap();
    assert_eq!(real.targets, [("node".into(), "validator-3".into())]);
}

#[test]
fn a_claim_is_no_relapse() {
    let mut scene = Scene::new(&[CUT_OFF]);
    let page = outside(&mut scene);
    let labels = [
        ("alertname", "DoubleSign"),
        ("incident_type", "validator_compromise"),
        ("severity", "critical"),
        ("node", "validator-3"),
    ];
    scene.alert(labels);
    crate::stories::everything_works(&mut scene);
    let id = scene.incident();
    crate::stories::recover(&mut scene, id);
    scene.must(crate::stories::resolve(id, "done"));
    report(&mut scene, &page, told()).unwrap();
    assert_eq!(scene.state.incidents.open[&id].status, Status::Watching);
    assert!(scene.calling().is_empty());
}

#[test]
fn no_silence_mutes_a_report() {
    let mut scene = Scene::new(&[]);
    let form = form(&mut scene);
    let matchers = vec![crate::matcher::parse("source=\"report\"").unwrap()];
    let (starts_at, ends_at) = (scene.now, scene.now.plus(Span::secs(3_600)));
    let (created_by, comment) = ("rae".into(), "quiet".into());
    let terms = crate::silence::Terms { matchers, starts_at, ends_at, created_by, comment };
    scene.must(flow::Command::Silence(crate::silence::Command::Set { id: None, terms }));
    report(&mut scene, &form, told()).unwrap();
    assert_eq!(scene.state.incidents.open.len(), 1);
}

#[test]
fn who_is_not_answered_in_time_calls_a_person_once() {
    let mut scene = Scene::new(&[]);
    let page = outside(&mut scene);
    report(&mut scene, &page, told()).unwrap();
    scene.look();
    scene.wait(Span::secs(2 * 86_400));
    expect![[r#"
        alert.resolved alert/4
        report.unanswered report/3
        incident.attention_raised incident/5 nobody acknowledged RPT-3 in time; answer Sam from outside by security.txt
    "#]]
    .assert_eq(&scene.look());
    let id = id(&scene);
    scene.must(flow::Command::Report(Command::Acknowledge { id, note: "thank you".to_owned() }));
    scene.wait(Span::secs(90 * 86_400));
    expect![[r#"
        report.acknowledged report/3
        incident.attention_cleared incident/5
        report.reminded report/3
        incident.attention_raised incident/5 RPT-3 has to be disclosed soon; see `report show`
        report.overdue report/3
        incident.attention_raised incident/5 RPT-3 had to be disclosed by now; see `report close`
    "#]]
    .assert_eq(&scene.look());
    let (outcome, note) = (Outcome::Disclosed, "advisory 4".to_owned());
    scene.must(flow::Command::Report(Command::Close { id, outcome, note }));
    assert!(scene.state.reports.is_empty());
    assert_eq!(
        scene.refused(flow::Command::Report(Command::Acknowledge { id, note: String::new() })),
        "there is no open report RPT-3"
    );
}

#[test]
fn an_answer_in_time_is_never_called_for() {
    let mut scene = Scene::new(&[]);
    let page = outside(&mut scene);
    report(&mut scene, &page, told()).unwrap();
    let id = id(&scene);
    scene.wait(Span::secs(86_399));
    scene.must(flow::Command::Report(Command::Acknowledge { id, note: String::new() }));
    scene.look();
    scene.wait(Span::secs(10));
    assert_eq!(scene.look(), "");
}

#[test]
fn a_token_reports_so_often_in_an_hour_and_no_more() {
    let mut scene = Scene::new(&[]);
    let (page, other) = (outside(&mut scene), outside(&mut scene));
    for _ in 0..20 {
        report(&mut scene, &page, told()).unwrap();
    }
    expect!["20 reports came by this token within an hour; try again later"]
        .assert_eq(&report(&mut scene, &page, told()).unwrap_err().to_string());
    report(&mut scene, &other, told()).unwrap();
    scene.wait(Span::secs(3_600));
    report(&mut scene, &page, told()).unwrap();
}

#[test]
fn what_is_refused_says_why() {
    let mut scene = Scene::new(&[]);
    let (form, page) = (form(&mut scene), outside(&mut scene));
    let machine = token(&mut scene, Holder::Source("prometheus".into()));
    let long = |length: usize| "x".repeat(length).into_boxed_str();
    let node = |name: &str| vec![("node".into(), name.into())];
    let cases = [
        (&form, Told { title: " ".into(), ..told() }),
        (&form, Told { title: long(257), ..told() }),
        (&form, Told { description: "".into(), ..told() }),
        (&form, Told { description: long(TEXT_MAX + 1), ..told() }),
        (&form, Told { reporter: Some(long(257)), ..told() }),
        (&form, Told { incident_type: Some(long(257)), ..told() }),
        (&form, Told { targets: vec![("planet".into(), "mars".into())], ..told() }),
        (&form, Told { targets: node(""), ..told() }),
        (&form, Told { targets: (0..33).flat_map(|i| node(&format!("n{i}"))).collect(), ..told() }),
        (&page, Told { contact: None, ..told() }),
        (&person(), told()),
        (&machine, told()),
        (&Actor::Platform, told()),
    ];
    let mut shown = String::new();
    for (actor, told) in cases {
        shown.push_str(&(report(&mut scene, actor, told).unwrap_err().to_string() + "\n"));
    }
    assert!(scene.state.reports.is_empty() && scene.state.alerts.is_empty());
    expect![[r#"
        the title is empty
        the title is longer than 256 bytes
        the description is empty
        the description is longer than 16384 bytes
        the reporter is longer than 256 bytes
        the type is longer than 256 bytes
        `planet` is not a kind of target; use one of node, key, account, service, segment, model, endpoint, session, dataset, pipeline, file, address
        the name of a target is empty
        more than 32 targets
        a report from outside needs a `contact` for the answer
        a person reports in their own name; leave out `reporter`
        this token may not report
        this token may not report
    "#]]
    .assert_eq(&shown);
}

#[test]
fn text_is_kept_as_it_came_and_shown_harmless() {
    let mut scene = Scene::new(&[]);
    let page = outside(&mut scene);
    let nasty = "\u{1b}[2J\u{202e}evil\r\n{{ 7*7 }} ${jndi:x} \u{200b}\u{0}\u{e0041}end";
    let told = Told {
        reporter: Some(nasty.into()),
        title: nasty.into(),
        description: nasty.repeat(300).into(),
        ..told()
    };
    report(&mut scene, &page, told.clone()).unwrap();
    let kept = &scene.state.reports[&id(&scene)];
    assert_eq!(kept.told.description, told.description);
    let (alert, _) = scene.state.alerts.iter().next().unwrap();
    let incident = &scene.state.incidents.open[&scene.incident()];
    let texts = alert.labels.iter().chain(alert.annotations.iter()).flat_map(|(name, value)| [name, value]);
    for text in texts.chain([&*incident.title, &*incident.why]) {
        assert_eq!(text, shown(text, true), "shown as it came");
    }
    assert!(incident.title.contains("{{ 7*7 }} ${jndi:x}"), "{}", incident.title);
    assert!(!incident.title.contains('\n'));
    assert!(alert.annotations.get("description").unwrap().len() < 9 * 1024);
}

/// As many reports as one may have waiting.
fn fill(scene: &mut Scene, actor: &Actor) {
    let told = Told { targets: Vec::new(), ..told() };
    let told = if actor.person().is_some() { Told { reporter: None, contact: None, ..told } } else { told };
    for _ in 0..OPEN_MAX {
        scene.wait(Span::secs(61));
        report(scene, actor, told.clone()).unwrap();
        scene.facts.clear();
    }
    let full = report(scene, actor, told).unwrap_err();
    assert_eq!(full.to_string(), format!("{OPEN_MAX} reports of yours wait already; end some of them first"));
}

#[test]
fn one_who_tells_too_much_shuts_out_nobody_else() {
    let mut scene = Scene::new(&[]);
    let (loud, quiet) = (form(&mut scene), form(&mut scene));
    fill(&mut scene, &loud);
    report(&mut scene, &quiet, told()).unwrap();
    let own = Told { reporter: None, contact: None, ..told() };
    report(&mut scene, &person(), own.clone()).unwrap();
    // People have a share of their own, and it has an end too.
    scene.must(flow::Command::Report(Command::Close {
        id: id(&scene),
        outcome: Outcome::Fixed,
        note: String::new(),
    }));
    fill(&mut scene, &person());
    report(&mut scene, &quiet, told()).unwrap();
    report(&mut scene, &Actor::Person(PersonId::from_number(901)), own).unwrap();
}
