//! `/api/v1/reports/kpi` and `/api/v1/reports/incident`.

use domain::time::{Span, Timestamp};
use serde_json::Value;

use crate::bench::Bench;

fn figure<'a>(report: &'a Value, name: &str) -> &'a Value {
    let figures = report["all"]["figures"].as_array().unwrap();
    figures.iter().find(|figure| figure["name"] == name).unwrap_or_else(|| panic!("no {name}"))
}

#[test]
fn figures_follow_an_incident_to_its_end_and_link_to_it() {
    let bench = Bench::new();
    let id = bench.incident();
    let open = bench.get("/api/v1/reports/kpi").expect(200);
    let time = figure(&open, "time_to_resolve");
    assert_eq!((&time["value"], &time["n"], &time["open"]), (&Value::Null, &0.into(), &1.into()));
    assert_eq!(time["incidents"][0], id.as_str());
    assert_eq!(open["dashboard"]["incident_statistics"]["total_incidents"], 1.0);
    assert_eq!(open["dashboard"]["effectiveness_metrics"]["business_impact_minimization"], Value::Null);

    let post = |path: &str, body: &str| bench.ask("POST", path, &bench.responder, body.to_owned());
    post(&format!("/api/v1/incidents/{id}/resolve"), r#"{"summary": "it was a test"}"#).expect(200);
    post(&format!("/api/v1/incidents/{id}/close"), r#"{"disposition": "false_positive"}"#).expect(200);
    let closed = bench.get("/api/v1/reports/kpi").expect(200);
    let time = figure(&closed, "time_to_resolve");
    assert_eq!((&time["n"], &time["open"]), (&1.into(), &0.into()));
    assert!(time["value"].as_f64().unwrap() >= 0.0 && time["p95"] == time["value"], "{time}");
    assert_eq!(closed["dashboard"]["incident_statistics"]["false_positives"], 1.0);
    assert_eq!(figure(&closed, "false_positive_rate")["met"], false);
    let groups: usize =
        ["by_severity", "by_category"].into_iter().map(|by| closed[by].as_array().unwrap().len()).sum();
    assert_eq!(groups, 2, "{closed}");

    let before = bench.get("/api/v1/reports/kpi?until=2020-01-01T00:00:00Z").expect(200);
    assert_eq!(before["all"]["incidents"], 0);
    bench.get("/api/v1/reports/kpi?since=2099-01-01T00:00:00Z").problem(400, "malformed");
    bench.get("/api/v1/reports/kpi?since=yesterday").problem(400, "malformed");
}

#[test]
fn an_incident_is_told_as_one_document() {
    let bench = Bench::new();
    let id = bench.incident();
    let post = |path: &str, body: &str| bench.ask("POST", path, &bench.responder, body.to_owned());
    post(&format!("/api/v1/incidents/{id}/ack"), "").expect(200);
    post(&format!("/api/v1/incidents/{id}/resolve"), r#"{"summary": "rebuilt"}"#).expect(200);
    post(&format!("/api/v1/incidents/{id}/close"), r#"{"disposition": "true_positive"}"#).expect(200);
    let told = bench.get(&format!("/api/v1/reports/incident/{id}")).expect(200);
    assert_eq!(told["disposition"], "true_positive");
    let times: Vec<&str> =
        told["times"].as_array().unwrap().iter().filter_map(|time| time["what"].as_str()).collect();
    for what in ["opened", "acknowledged", "resolved", "closed"] {
        assert!(times.contains(&what), "{times:?}");
    }
    assert_eq!(told["reviews"][0]["incident"], id.as_str());
    let timeline = bench.get(&format!("/api/v1/incidents/{id}/timeline?limit=1000")).expect(200);
    let entries = |of: &Value, list: &str| of[list].as_array().unwrap().len();
    assert_eq!(entries(&told, "entries"), entries(&timeline, "items"));
    bench.get("/api/v1/reports/incident/INC-999999").problem(404, "not_found");
}

#[test]
fn what_only_people_can_judge_is_a_figure_once_a_review_answers_it() {
    let bench = Bench::new();
    let id = bench.incident();
    let post = |path: &str, body: &str| bench.ask("POST", path, &bench.responder, body.to_owned());
    post(&format!("/api/v1/incidents/{id}/resolve"), r#"{"summary": "rebuilt"}"#).expect(200);
    post(&format!("/api/v1/incidents/{id}/close"), r#"{"disposition": "true_positive"}"#).expect(200);
    let none = bench.get("/api/v1/reports/kpi").expect(200);
    assert_eq!(figure(&none, "satisfaction")["value"], Value::Null);
    let reviews = bench.get("/api/v1/reviews").expect(200);
    let at = format!("/api/v1/reviews/{}", reviews["items"][0]["id"].as_str().unwrap());
    post(&format!("{at}/answer"), r#"{"satisfaction": 4, "impact_avoided": 90}"#).expect(200);
    post(&format!("{at}/find"), r#"{"area": "lessons_learned", "text": "Look at the node first."}"#)
        .expect(200);
    let answered = bench.get("/api/v1/reports/kpi").expect(200);
    let satisfaction = figure(&answered, "satisfaction");
    assert_eq!((&satisfaction["value"], &satisfaction["n"]), (&4.0.into(), &1.into()));
    assert_eq!(answered["dashboard"]["effectiveness_metrics"]["business_impact_minimization"], 90.0);
    assert_eq!(figure(&answered, "escalation_accuracy")["value"], Value::Null);

    // The next incident of the type shows what the last one taught.
    let next = bench.incident();
    let shown = bench.get(&format!("/api/v1/incidents/{next}")).expect(200);
    assert_eq!(shown["lessons"][0]["text"], "Look at the node first.");
    assert_eq!(shown["lessons"][0]["incident"], id.as_str());
}

#[test]
fn a_control_that_does_not_hold_is_an_alert_until_it_does() {
    let bench = Bench::new();
    let report = bench.get("/api/v1/reports/compliance").expect(200);
    let controls = |of: &Value| -> Vec<(String, bool)> {
        let groups = of["groups"].as_array().unwrap().iter();
        let all = groups.flat_map(|group| group["controls"].as_array().unwrap());
        all.map(|one| (one["id"].as_str().unwrap().to_owned(), one["holds"] == true)).collect()
    };
    assert!(controls(&report).contains(&("two_people".to_owned(), true)), "{report}");
    assert!(controls(&report).contains(&("drilled".to_owned(), false)), "{report}");
    let content = bench.content();
    let look =
        |content, now| bench.block_on(server::upkeep::look(bench.handle(), None, content, now)).unwrap();
    let firing = || -> Vec<String> {
        let firing = bench.handle().reader().firing_alerts().unwrap();
        let name = |alert: &domain::alert::Alert| alert.labels.get("control").map(str::to_owned);
        firing.iter().filter_map(name).collect()
    };
    let now = || bench.handle().now();
    let reader = || bench.handle().reader().clone();
    let tomorrow = now().plus(Span::secs(86_400));
    let due = |at| server::upkeep::is_due(&reader(), at).unwrap();
    assert!(!due(now()) && due(tomorrow), "the first one is a day after the beginning");
    let broken = controls(&report).iter().filter(|(_, holds)| !holds).count();
    look(content.clone(), now());
    assert!(firing().contains(&"drilled".to_owned()), "{:?}", firing());
    assert_eq!(firing().len(), broken, "{:?}", firing());
    look(content.clone(), now());
    assert_eq!(firing().len(), broken, "a second look repeats what stands");
    // What does not hold does so until a look says otherwise, also after a restart, which knows no more than the row.
    let year = now().plus(Span::secs(366 * 86_400));
    let alerts = reader().firing_alerts().unwrap();
    assert!(alerts.iter().all(|alert| alert.ends_at > year), "{alerts:?}");
    let mut without = domain::content::Content::clone(&content);
    without.compliance.clear();
    look(without.into(), now());
    assert_eq!(firing(), Vec::<String>::new(), "what is no control any more does not stand");
    let kpi = bench.get("/api/v1/reports/kpi").expect(200);
    assert_eq!(kpi["all"]["incidents"], 1, "{kpi}");
}

#[test]
fn the_figures_of_a_month_are_told_once_by_the_first_look_after_it() {
    let bench = Bench::new();
    let mut content = domain::content::Content::clone(&bench.content());
    content.compliance.clear();
    let content = std::sync::Arc::new(content);
    let look = |at: &str| {
        let now: Timestamp = at.parse().unwrap();
        bench.block_on(server::upkeep::look(bench.handle(), None, content.clone(), now)).unwrap();
    };
    let told = || -> Vec<String> {
        let firing = bench.handle().reader().firing_alerts().unwrap();
        let mut told: Vec<String> =
            firing.iter().filter_map(|alert| alert.labels.get("month").map(str::to_owned)).collect();
        told.sort();
        told
    };
    // The bench begins on a first of January.
    look("2090-01-31T23:59:59Z");
    assert_eq!(told(), Vec::<String>::new(), "nothing is known of the month before the beginning");
    look("2090-02-03T12:00:00Z");
    assert_eq!(told(), ["2090-01"], "there was no look on the first");
    let firing = bench.handle().reader().firing_alerts().unwrap();
    let said = firing[0].annotations.get("summary").unwrap();
    assert!(said.contains("over 0 incidents") && said.contains("--since 2090-01-01T00:00:00Z"), "{said}");
    look("2090-02-03T12:00:00Z");
    look("2090-02-28T12:00:00Z");
    assert_eq!(told(), ["2090-01"]);
    look("2090-04-17T12:00:00Z");
    assert_eq!(told(), ["2090-01", "2090-03"]);
    let raised = bench.journal().lines().filter(|line| line.starts_with("alert.raised")).count();
    assert_eq!(raised, 2, "each once");
    // Somebody has to review them.
    bench.until("the review is a task", |bench| {
        let tasks = bench.get("/api/v1/tasks").expect(200);
        tasks["items"].as_array().unwrap().iter().any(|task| task["step"] == "figures")
    });
    let kpi = bench.get("/api/v1/reports/kpi").expect(200);
    assert_eq!(kpi["all"]["incidents"], 0, "the review itself is in no figure: {kpi}");
}

#[test]
fn a_look_that_fails_is_still_due() {
    let bench = Bench::new();
    let (handle, content) = (bench.handle().clone(), bench.content());
    let tomorrow = handle.now().plus(Span::secs(86_400));
    // Nothing is written any more.
    drop(bench);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let looked = runtime.block_on(server::upkeep::look(&handle, None, content, tomorrow));
    assert!(looked.is_err());
    assert!(server::upkeep::is_due(handle.reader(), tomorrow).unwrap());
}
