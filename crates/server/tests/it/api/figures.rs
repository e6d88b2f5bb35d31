//! `/api/v1/reports/kpi` and `/api/v1/reports/incident`.

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
        |now| bench.block_on(server::upkeep::look(bench.handle(), None, content.clone(), now)).unwrap();
    let firing = || -> Vec<String> {
        let firing = bench.handle().reader().firing_alerts().unwrap();
        let name = |alert: &domain::alert::Alert| {
            alert.labels.get("control").or(alert.labels.get("month")).map(str::to_owned)
        };
        firing.iter().filter_map(name).collect()
    };
    // The bench begins on a first of January, so a month has just ended.
    let broken = controls(&report).iter().filter(|(_, holds)| !holds).count();
    look(bench.handle().now());
    assert_eq!(firing().len(), broken + 1, "{:?}", firing());
    assert!(
        firing().contains(&"drilled".to_owned()) && firing().contains(&"2089-12".to_owned()),
        "{:?}",
        firing()
    );
    look(bench.handle().now());
    assert_eq!(firing().len(), broken + 1, "a second look repeats what stands");
    // The figures of the month stand in the alert, and somebody has to review them.
    let alerts = bench.handle().reader().firing_alerts().unwrap();
    let month = alerts.iter().find(|alert| alert.labels.get("month").is_some()).unwrap();
    let told = month.annotations.get("summary").unwrap();
    assert!(told.contains("over 0 incidents") && told.contains("--since 2089-12-01T00:00:00Z"), "{told}");
    bench.until("the review is a task", |bench| {
        let tasks = bench.get("/api/v1/tasks").expect(200);
        tasks["items"].as_array().unwrap().iter().any(|task| task["step"] == "figures")
    });
    let kpi = bench.get("/api/v1/reports/kpi").expect(200);
    assert_eq!(kpi["all"]["incidents"], 1, "the controls are, and the review itself is in no figure: {kpi}");
}
