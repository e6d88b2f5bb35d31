//! Sending alerts and seeing them.

use expect_test::expect;

use super::bench::Bench;

const TWO: &str = r#"[
    {
        "labels": {"alertname": "DoubleVote", "node": "validator-3", "severity": "critical"},
        "annotations": {"summary": "two votes"},
        "startsAt": "2089-12-31T23:00:00.5+01:00",
        "endsAt": "2095-01-01T00:00:00Z",
        "generatorURL": "http://prometheus/graph"
    },
    {"labels": {"alertname": "Disk", "node": "db-1"}, "endsAt": "2095-01-01T00:00:00Z",
     "startsAt": "2090-01-01T00:00:00Z"}
]"#;

#[test]
fn alerts_are_shown_as_they_were_sent() {
    let bench = Bench::new();
    assert_eq!(bench.get("/alerts").body, "[]");
    expect![[r#"
        200

    "#]]
    .assert_eq(&bench.post("/alerts", TWO).shown());
    expect![[r#"
        200
        [
          {
            "annotations": {
              "summary": "two votes"
            },
            "endsAt": "2095-01-01T00:00:00.000Z",
            "fingerprint": "3291a5debcab702d",
            "generatorURL": "http://prometheus/graph",
            "labels": {
              "alertname": "DoubleVote",
              "node": "validator-3",
              "severity": "critical"
            },
            "receivers": [
              {
                "name": "ringfence"
              }
            ],
            "startsAt": "2089-12-31T22:00:00.500Z",
            "status": {
              "inhibitedBy": [],
              "mutedBy": [],
              "silencedBy": [],
              "state": "active"
            },
            "updatedAt": "…"
          },
          {
            "annotations": {},
            "endsAt": "2095-01-01T00:00:00.000Z",
            "fingerprint": "49867de7ad67fb15",
            "labels": {
              "alertname": "Disk",
              "node": "db-1"
            },
            "receivers": [
              {
                "name": "ringfence"
              }
            ],
            "startsAt": "2090-01-01T00:00:00.000Z",
            "status": {
              "inhibitedBy": [],
              "mutedBy": [],
              "silencedBy": [],
              "state": "active"
            },
            "updatedAt": "…"
          }
        ]
    "#]]
    .assert_eq(&bench.get("/alerts").shown());
}

#[test]
fn filters_choose_by_label() {
    let bench = Bench::new();
    bench.post("/alerts", TWO);
    let names = |query: &str| {
        let found = bench.get(&format!("/alerts?{query}")).json();
        let mut names: Vec<String> =
            found.as_array().unwrap().iter().map(|a| a["labels"]["alertname"].to_string()).collect();
        names.sort();
        names.join(" ")
    };
    assert_eq!(names("filter=node%3Ddb-1"), r#""Disk""#);
    assert_eq!(names("filter=severity%3D%22%22"), r#""Disk""#);
    assert_eq!(names("filter=node%3D~%22.*-.*%22&filter=severity%21%3D%22%22"), r#""DoubleVote""#);
    assert_eq!(names("filter=%7Bnode%21~%22db.*%22%7D"), r#""DoubleVote""#);
    expect![[r#"
        400
        "`node` is not a matcher such as name=\"value\""
    "#]]
    .assert_eq(&bench.get("/alerts?filter=node").shown());
}

#[test]
fn what_is_good_in_a_delivery_is_taken_when_the_rest_is_refused() {
    let bench = Bench::new();
    let body = r#"[
        {"labels": {"empty": ""}},
        {"labels": {"alertname": "Good"}},
        {"labels": {"alertname": "Late"}, "startsAt": "2090-01-02T00:00:00Z", "endsAt": "2090-01-01T09:00:00Z"},
        {"labels": {"alertname": "Soon"}, "startsAt": "soon"}
    ]"#;
    expect![[r#"
        400
        "alert 0: at least one label with a value is needed; alert 2: the alert ends at 2090-01-01T09:00:00Z, before it starts at 2090-01-02T00:00:00Z; alert 3: startsAt: `soon` is not a time such as 2026-01-31T08:00:00Z"
    "#]].assert_eq(&bench.post("/alerts", body).shown());
    let found = bench.get("/alerts").json();
    assert_eq!(found.as_array().unwrap().len(), 1);
    assert_eq!(found[0]["labels"]["alertname"], "Good");
    expect![[r#"
        422
        {
          "code": 602,
          "message": "alerts in body is required"
        }
    "#]]
    .assert_eq(&bench.post("/alerts", "").shown());
    expect![[r#"
        400
        {
          "code": 400,
          "message": "reading the alerts failed: invalid type: integer `7`, expected an object whose values are text at line 1 column 13"
        }
    "#]].assert_eq(&bench.post("/alerts", r#"[{"labels": 7}]"#).shown());
}

#[test]
fn a_repeat_moves_the_end_and_an_end_in_the_past_resolves() {
    let bench = Bench::new();
    let send = |ends_at: &str| {
        let body = format!(r#"[{{"labels": {{"alertname": "A"}}, "endsAt": "{ends_at}"}}]"#);
        assert_eq!(bench.post("/alerts", &body).status, 200);
        bench.get("/alerts").json()
    };
    assert_eq!(send("2091-01-01T00:00:00Z")[0]["endsAt"], "2091-01-01T00:00:00.000Z");
    assert_eq!(send("2092-01-01T00:00:00Z")[0]["endsAt"], "2092-01-01T00:00:00.000Z");
    assert_eq!(send("2089-01-01T00:00:00Z").as_array().unwrap().len(), 0);
}

#[test]
fn an_alert_without_an_end_ends_after_five_minutes() {
    let bench = Bench::new();
    bench.post("/alerts", r#"[{"labels": {"alertname": "A"}, "endsAt": "0001-01-01T00:00:00Z"}]"#);
    let ends_at = bench.get("/alerts").json()[0]["endsAt"].as_str().unwrap().to_owned();
    assert!(ends_at.starts_with("2090-01-01T08:05:"), "{ends_at}");
}

/// Two alerts of one incident, one without, one without a name.
fn grouped() -> Bench {
    let bench = Bench::new();
    let ends = r#""startsAt": "2090-01-01T00:00:00Z", "endsAt": "2095-01-01T00:00:00Z""#;
    let body = format!(
        r#"[
        {{"labels": {{"alertname": "A", "incident_type": "probe", "node": "n-1"}}, {ends}}},
        {{"labels": {{"alertname": "B", "incident_type": "probe", "node": "n-1"}}, {ends}}},
        {{"labels": {{"alertname": "C", "node": "n-1"}}, {ends}}},
        {{"labels": {{"node": "n-2"}}, {ends}}}
    ]"#
    );
    assert_eq!(bench.post("/alerts", &body).status, 200);
    bench
}

/// The labels of each group and the names of its alerts.
fn groups(bench: &Bench, query: &str) -> String {
    let groups = bench.get(&format!("/alerts/groups{query}"));
    assert_eq!(groups.status, 200, "{}", groups.body);
    let groups = groups.json();
    let shown = groups.as_array().unwrap().iter().map(|group| {
        let alerts: Vec<String> = group["alerts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|a| a["labels"]["alertname"].to_string())
            .collect();
        format!("{} {}\n", group["labels"], alerts.join(" "))
    });
    shown.collect::<String>()
}

#[test]
fn alerts_of_one_incident_are_one_group() {
    let bench = grouped();
    expect![[r#"
        {} null
        {"alertname":"C"} "C"
        {"incident_type":"probe","node":"n-1"} "B" "A"
    "#]]
    .assert_eq(&groups(&bench, ""));
    expect![[r#"
        {"alertname":"C"} "C"
        {"incident_type":"probe","node":"n-1"} "A"
    "#]]
    .assert_eq(&groups(&bench, "?filter=alertname%3D~%22A%7CC%22"));
}

#[test]
fn groups_that_are_silenced_can_be_left_out() {
    let bench = grouped();
    let silence = super::silences::body("alertname", "C", "2090-01-01T00:00:00Z", "2095-01-01T00:00:00Z");
    assert_eq!(bench.post("/silences", &silence).status, 200);
    expect![[r#"
        {} null
        {"incident_type":"probe","node":"n-1"} "B" "A"
    "#]]
    .assert_eq(&groups(&bench, "?muted=false"));
    expect![[r#"
        200
        [
          {
            "alerts": [
              {
                "annotations": {},
                "endsAt": "2095-01-01T00:00:00.000Z",
                "fingerprint": "6c606a4d8bac5ccb",
                "labels": {
                  "alertname": "C",
                  "node": "n-1"
                },
                "receivers": [
                  {
                    "name": "ringfence"
                  }
                ],
                "startsAt": "2090-01-01T00:00:00.000Z",
                "status": {
                  "inhibitedBy": [],
                  "mutedBy": [],
                  "silencedBy": [
                    "UUID"
                  ],
                  "state": "suppressed"
                },
                "updatedAt": "…"
              }
            ],
            "labels": {
              "alertname": "C"
            },
            "receiver": {
              "name": "ringfence"
            },
            "routeLabels": {}
          }
        ]
    "#]]
    .assert_eq(&bench.get("/alerts/groups?filter=alertname%3DC").shown());
}
