//! `/api/v1/tasks`.

use crate::bench::Bench;

#[test]
fn what_runs_ask_of_people_is_listed_until_it_is_answered() {
    let bench = Bench::new();
    let incident = bench.alert(
        r#"{"alertname": "Exfiltration", "incident_type": "data_breach", "severity": "high", "account": "account-1"}"#,
    );
    let tasks = |bench: &Bench| bench.get("/api/v1/tasks").expect(200)["items"].as_array().unwrap().clone();
    bench.until("the question is asked", |bench| !tasks(bench).is_empty());
    let task = tasks(&bench)[0].clone();
    assert_eq!(
        (&task["incident"], &task["step"], &task["kind"]),
        (&incident.as_str().into(), &"scope".into(), &"decision".into())
    );
    assert_eq!(task["options"], serde_json::json!(["internal", "nothing", "personal"]));
    assert_eq!(task["roles"], serde_json::json!(["incident_commander"]));
    assert!(task["due_at"].is_string() && task["late"] == false && task["overdue"] == false, "{task}");
    let run = task["run"].as_str().unwrap().to_owned();
    let why = format!(
        "{run} of `data_breach` goes on when it is answered; `personal` is chosen if nobody answers in time"
    );
    assert_eq!(task["why"], why.as_str());
    let update = |body: &str| bench.post(&format!("/api/v1/runs/{run}/update"), body);
    update(r#"{"decide": {"scope": "internal"}}"#).expect(200);
    let next = tasks(&bench);
    assert_eq!((next.len(), &next[0]["step"], &next[0]["kind"]), (1, &"inside".into(), &"manual".into()));
    update(r#"{"complete": ["inside"]}"#).expect(200);
    bench.until("what holds up nothing is open no more", |bench| {
        bench.get("/api/v1/runs?state=ended").expect(200)["items"][0]["status"] == "completed"
    });
    assert!(tasks(&bench).is_empty());
    bench.get("/api/v1/tasks?limit=0").problem(400, "malformed");
}

#[test]
fn who_is_on_what_is_told_by_person() {
    let bench = Bench::new();
    let loads =
        |bench: &Bench| bench.get("/api/v1/tasks/people").expect(200)["items"].as_array().unwrap().clone();
    assert!(loads(&bench).is_empty());
    let quiet = bench.incident();
    bench.ask("POST", &format!("/api/v1/incidents/{quiet}/claim"), &bench.commander, "").expect(200);
    let people = bench.get("/api/v1/people").expect(200);
    let rae = people["items"].as_array().unwrap().iter().find(|person| person["name"] == "rae").unwrap();
    let assign = format!("{{\"person\": {}}}", rae["id"]);
    bench.ask("POST", &format!("/api/v1/incidents/{quiet}/assign"), &bench.commander, assign).expect(200);
    let of = |bench: &Bench, name: &str| {
        loads(bench)
            .into_iter()
            .find(|load| load["person"] == name)
            .unwrap_or_else(|| panic!("{:?}", loads(bench)))
    };
    assert_eq!(of(&bench, "cleo")["commands"], serde_json::json!([quiet]));
    assert_eq!(of(&bench, "rae")["assigned"], serde_json::json!([quiet]));
    let incident = bench.alert(
        r#"{"alertname": "Exfiltration", "incident_type": "data_breach", "severity": "high", "account": "account-1"}"#,
    );
    let with_task = |bench: &Bench| loads(bench).into_iter().find(|load| load["tasks"][0]["step"] == "scope");
    bench.until("the question waits for somebody", |bench| with_task(bench).is_some());
    let load = with_task(&bench).unwrap();
    assert_eq!(load["tasks"][0]["incident"], incident.as_str(), "{load}");
    let of_team = load["team_of"].as_array().unwrap().contains(&incident.as_str().into());
    assert_eq!(load["person"].is_string(), of_team, "whoever it waits for is on the team: {load}");
}
