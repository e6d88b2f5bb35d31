//! Making, changing, ending and finding silences.

use expect_test::expect;

use super::bench::Bench;

pub(super) fn body(name: &str, value: &str, starts_at: &str, ends_at: &str) -> String {
    format!(
        r#"{{"matchers": [{{"name": "{name}", "value": "{value}", "isRegex": false}}], "startsAt": "{starts_at}",
        "endsAt": "{ends_at}", "createdBy": "Rae at the desk", "comment": "planned work"}}"#
    )
}

/// Sends a silence and gives its id.
#[track_caller]
fn set(bench: &Bench, id: Option<&str>, body: &str) -> String {
    let mut body: serde_json::Value = serde_json::from_str(body).unwrap();
    body["id"] = id.into();
    let answered = bench.post("/silences", &body.to_string());
    assert_eq!(answered.status, 200, "{}", answered.body);
    answered.json()["silenceID"].as_str().unwrap().to_owned()
}

fn state(bench: &Bench, id: &str) -> String {
    bench.get(&format!("/silence/{id}")).json()["status"]["state"].as_str().unwrap().to_owned()
}

#[test]
fn a_silence_is_shown_as_it_was_made() {
    let bench = Bench::new();
    assert_eq!(bench.get("/silences").body, "[]");
    let id = set(&bench, None, &body("node", "db-1", "2091-01-01T00:00:00Z", "2092-01-01T00:00:00+01:00"));
    expect![[r#"
        200
        {
          "annotations": {},
          "comment": "planned work",
          "createdBy": "Rae at the desk",
          "endsAt": "2091-12-31T23:00:00.000Z",
          "id": "UUID",
          "matchers": [
            {
              "isEqual": true,
              "isRegex": false,
              "name": "node",
              "value": "db-1"
            }
          ],
          "startsAt": "2091-01-01T00:00:00.000Z",
          "status": {
            "state": "pending"
          },
          "updatedAt": "…"
        }
    "#]]
    .assert_eq(&bench.get(&format!("/silence/{id}")).shown());
    assert_eq!(bench.get(&format!("/silence/{}", id.to_uppercase())).status, 200);
    assert_eq!(bench.get("/silences").json()[0]["id"], *id);
}

#[test]
fn silences_are_sorted_and_chosen_as_by_alertmanager() {
    let bench = Bench::new();
    let make = |name: &str, starts_at: &str, ends_at: &str| {
        set(
            &bench,
            None,
            &body(name, "x", &format!("{starts_at}T00:00:00Z"), &format!("{ends_at}T00:00:00Z")),
        )
    };
    make("active-late", "2080-01-01", "2099-01-01");
    make("pending-late", "2095-01-01", "2096-01-01");
    make("pending-soon", "2094-01-01", "2097-01-01");
    make("active-soon", "2080-01-01", "2098-01-01");
    let first = make("ended-first", "2080-01-01", "2098-01-01");
    let last = make("ended-last", "2080-01-01", "2098-01-01");
    for id in [first, last] {
        assert_eq!(bench.delete(&format!("/silence/{id}")).status, 200);
    }
    let names = |query: &str| {
        let found = bench.get(&format!("/silences{query}")).json();
        let names = found.as_array().unwrap().iter().map(|s| s["matchers"][0]["name"].as_str().unwrap());
        names.collect::<Vec<_>>().join(" ")
    };
    expect!["active-soon active-late pending-soon pending-late ended-last ended-first"].assert_eq(&names(""));
    assert_eq!(names("?active=false&expired=false"), "pending-soon pending-late");
    assert_eq!(names("?pending=false&expired=0"), "active-soon active-late");
    assert_eq!(names("?filter=ended-last%3Dx"), "ended-last");
    assert_eq!(names("?filter=ended-last%3D~x"), "");
    assert_eq!(bench.get("/silences?filter=x").status, 400);
}

#[test]
fn other_terms_change_a_silence_or_make_a_new_one() {
    let bench = Bench::new();
    let (start, end) = ("2080-01-01T00:00:00Z", "2095-01-01T00:00:00Z");
    let id = set(&bench, None, &body("node", "db-1", start, end));
    let shown_start = bench.get(&format!("/silence/{id}")).json()["startsAt"].as_str().unwrap().to_owned();

    let longer = body("node", "db-1", &shown_start, "2096-01-01T00:00:00Z");
    assert_eq!(set(&bench, Some(&id), &longer), id);
    assert_eq!(bench.get(&format!("/silence/{id}")).json()["endsAt"], "2096-01-01T00:00:00.000Z");

    let wider = set(&bench, Some(&id), &body("zone", "a", &shown_start, end));
    assert_ne!(wider, id);
    assert_eq!((state(&bench, &id).as_str(), state(&bench, &wider).as_str()), ("expired", "active"));

    let again = set(&bench, Some(&id), &body("node", "db-1", start, end));
    assert!(again != id && again != wider, "an expired silence does not live again");
    assert_eq!(set(&bench, Some(""), &body("node", "db-2", start, end)).len(), 36);
}

#[test]
fn a_silence_ends_once() {
    let bench = Bench::new();
    let id = set(&bench, None, &body("node", "db-1", "2080-01-01T00:00:00Z", "2095-01-01T00:00:00Z"));
    let path = format!("/silence/{id}");
    expect![[r#"
        200

    "#]]
    .assert_eq(&bench.delete(&path).shown());
    assert_eq!(state(&bench, &id), "expired");
    let again = bench.delete(&path);
    assert_eq!((again.status, again.body), (500, format!("\"silence `{id}` has already expired\"")));
}

#[test]
fn an_id_that_names_no_silence_is_not_found() {
    let bench = Bench::new();
    let id = set(&bench, None, &body("node", "db-1", "2080-01-01T00:00:00Z", "2095-01-01T00:00:00Z"));
    // The right position under another time is another id.
    let other = format!("0{}", &id[1..]).replacen("-7", "-4", 1);
    for id in [other.as_str(), "6f1b9b1c-5b1a-4d6e-9a64-1f3f2b6f1c11", "00000000-0000-7000-8000-000000000000"]
    {
        let path = format!("/silence/{id}");
        assert_eq!((bench.get(&path).status, bench.get(&path).body.as_str()), (404, ""), "{id}");
        assert_eq!(bench.delete(&path).status, 404, "{id}");
    }
    expect![[r#"
        422
        {
          "code": 601,
          "message": "silenceID in path must be of type uuid: \"SIL-4\""
        }
    "#]]
    .assert_eq(&bench.get("/silence/SIL-4").shown());
    let mut changed: serde_json::Value =
        serde_json::from_str(&body("a", "b", "2080-01-01T00:00:00Z", "2095-01-01T00:00:00Z")).unwrap();
    changed["id"] = "nonsense".into();
    expect![[r#"
        404
        "there is no silence `nonsense`"
    "#]]
    .assert_eq(&bench.post("/silences", &changed.to_string()).shown());
}

#[track_caller]
fn refused(change: impl Fn(&mut serde_json::Value), want: &expect_test::Expect) {
    let bench = Bench::new();
    let good = body("node", "db-1", "2080-01-01T00:00:00Z", "2095-01-01T00:00:00Z");
    let mut body: serde_json::Value = serde_json::from_str(&good).unwrap();
    change(&mut body);
    body.sort_all_objects();
    let answered = bench.post("/silences", &body.to_string());
    want.assert_eq(&format!("{} {}", answered.status, answered.body));
    assert_eq!(bench.get("/silences").body, "[]");
}

#[test]
fn a_wrong_silence_is_refused_with_the_reason() {
    refused(
        |body| body["matchers"] = serde_json::json!([]),
        &expect![[r#"400 "a silence needs at least one matcher""#]],
    );
    refused(
        |body| body["matchers"] = serde_json::Value::Null,
        &expect![[r#"422 {"code":602,"message":"silence.matchers in body is required"}"#]],
    );
    refused(
        |body| body["matchers"][0]["value"] = "".into(),
        &expect![[r#"400 "at least one matcher must not match the empty text, or all alerts are muted""#]],
    );
    refused(
        |body| body["matchers"][0]["name"] = "".into(),
        &expect![[r#"400 "a matcher needs a label name""#]],
    );
    refused(
        |body| {
            body["matchers"][0]["isRegex"] = true.into();
            body["matchers"][0]["value"] = "(".into();
        },
        &expect![[
            r#"400 "`(` is not a usable regular expression: regex parse error:\n    ^(?:()$\n     ^\nerror: unclosed group""#
        ]],
    );
    refused(
        |body| body["matchers"][0]["isRegex"] = "no".into(),
        &expect![[
            r#"400 {"code":400,"message":"reading the silence failed: invalid type: string \"no\", expected a boolean at line 1 column 115"}"#
        ]],
    );
    refused(
        |body| body["endsAt"] = "2070-01-01T00:00:00Z".into(),
        &expect![[r#"400 "the silence ends before it starts""#]],
    );
    refused(
        |body| body["endsAt"] = "2089-01-01T00:00:00Z".into(),
        &expect![[r#"400 "the silence ends in the past""#]],
    );
    refused(
        |body| body["endsAt"] = "never".into(),
        &expect![[r#"400 "endsAt: `never` is not a time such as 2026-01-31T08:00:00Z""#]],
    );
    refused(
        |body| body["comment"] = serde_json::Value::Null,
        &expect![[r#"422 {"code":602,"message":"silence.comment in body is required"}"#]],
    );
    let bench = Bench::new();
    expect![[r#"
        422
        {
          "code": 602,
          "message": "silence in body is required"
        }
    "#]]
    .assert_eq(&bench.post("/silences", "").shown());
    expect![[r#"
        400
        {
          "code": 400,
          "message": "reading the silence failed: EOF while parsing an object at line 1 column 1"
        }
    "#]]
    .assert_eq(&bench.post("/silences", "{").shown());
}

#[test]
fn silenced_alerts_are_suppressed_while_the_silence_holds() {
    let bench = Bench::new();
    bench.post(
        "/alerts",
        r#"[{"labels": {"alertname": "A", "node": "db-1"}}, {"labels": {"alertname": "B"}}]"#,
    );
    let id = set(&bench, None, &body("node", "db-1", "2080-01-01T00:00:00Z", "2095-01-01T00:00:00Z"));
    let alerts = |query: &str| {
        let found = bench.get(&format!("/alerts{query}")).json();
        let mut shown: Vec<String> = found
            .as_array()
            .unwrap()
            .iter()
            .map(|a| {
                format!("{} {} {}", a["labels"]["alertname"], a["status"]["state"], a["status"]["silencedBy"])
            })
            .collect();
        shown.sort();
        shown.join("\n")
    };
    let suppressed = format!(r#""A" "suppressed" ["{id}"]"#);
    assert_eq!(alerts(""), format!("{suppressed}\n\"B\" \"active\" []"));
    assert_eq!(alerts("?active=false"), suppressed);
    assert_eq!(alerts("?silenced=false"), r#""B" "active" []"#);
    bench.delete(&format!("/silence/{id}"));
    assert_eq!(alerts("?silenced=false"), "\"A\" \"active\" []\n\"B\" \"active\" []");
}
