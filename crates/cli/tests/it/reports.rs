//! What people tell, from the terminal: by hand to the last word, through a form, and from outside.

use serde_json::{Value, json};

use crate::{
    bad_input::raw::Connection,
    support::{Server, ringfence, stderr, stdout},
};

const TOLD: [&str; 8] = [
    "report",
    "add",
    "Sign-ins that are not mine",
    "--description",
    "two this morning\n\u{1b}[2Jfrom abroad",
    "--type",
    "unauthorized_access",
    "account=account-3",
];

fn said(server: &Server, args: &[&str]) -> String {
    let output = server.ask(args);
    assert!(output.status.success(), "{args:?}: {}", stderr(&output));
    stdout(&output)
}

fn ids(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

#[test]
fn a_person_reports_and_another_word_ends_it() {
    let server = Server::start(&[]);
    assert_eq!(said(&server, &["report", "list"]).trim(), "no report is open");
    let receipt = server.json(&TOLD);
    let (id, incident) = (receipt["id"].as_str().unwrap(), receipt["incident"].as_str().unwrap());
    let shown = server.json(&["incident", "show", incident]);
    assert!(shown["why"].as_str().unwrap().starts_with("reported by tester"), "{shown:#}");

    assert_eq!(ids(&server.json(&["report", "list"])), [id]);
    let list = said(&server, &["report", "list"]);
    assert!(list.contains(id) && list.contains("tester") && list.contains(incident), "{list}");
    let page = said(&server, &["report", "show", id]);
    for part in ["account account-3", "two this morning", "\\u{1b}[2Jfrom abroad", incident] {
        assert!(page.contains(part), "{part:?} in {page}");
    }

    let acknowledged = said(&server, &["report", "acknowledge", id, "--note", "answered by mail"]);
    assert_eq!(acknowledged.trim(), format!("{id} is acknowledged"));
    let again = server.ask(&["report", "acknowledge", id]);
    assert_eq!(again.status.code(), Some(1));
    assert!(stderr(&again).contains("was acknowledged"), "{}", stderr(&again));
    assert!(said(&server, &["report", "list"]).contains("given"));

    let wrong = server.ask(&["report", "close", id, "--as", "forgotten"]);
    assert_eq!(wrong.status.code(), Some(2), "{}", stderr(&wrong));
    let closed = said(&server, &["report", "close", id, "--as", "fixed", "--note", "keys were changed"]);
    assert_eq!(closed.trim(), format!("{id} is closed as fixed"));
    assert_eq!(ids(&server.json(&["report", "list"])), <[&str; 0]>::default());
    let closed = server.json(&["report", "list", "--closed"]);
    assert_eq!((ids(&closed), &closed["items"][0]["outcome"]), (vec![id], &json!("fixed")));
    assert!(said(&server, &["report", "show", id]).contains("fixed"));
    assert_eq!(server.ask(&["report", "show", "RPT-999999"]).status.code(), Some(1));
}

#[test]
fn a_form_has_a_token_that_reports_and_nothing_else() {
    let server = Server::start(&[]);
    let made =
        said(&server, &["token", "create", "--form", "intranet", "--label", "the form of the intranet"]);
    let form = made.trim();
    let ask = |args: &[&str]| {
        ringfence()
            .args(args)
            .env("RINGFENCE_SERVER", &server.address)
            .env("RINGFENCE_TOKEN", form)
            .output()
            .unwrap()
    };
    let told = ask(&TOLD);
    assert!(told.status.success(), "{}", stderr(&told));
    let told = stdout(&told);
    assert!(
        told.starts_with("RPT-") && told.trim().ends_with(" is taken"),
        "a form learns no incident: {told}"
    );
    let report = &server.json(&["report", "list"])["items"][0].clone();
    assert_eq!((&report["via"], &report["channel"]), (&json!("intranet"), &json!("form")), "{report:#}");
    // It is a claim: nothing starts before a person has looked.
    let incident = server.json(&["incident", "show", report["incident"].as_str().unwrap()]);
    assert_eq!(incident["runs"], json!([]), "{incident:#}");
    let id = report["id"].as_str().unwrap();
    for args in [vec!["report", "list"], vec!["report", "show", id]] {
        let read = said(&server, &args);
        assert!(read.contains("intranet"), "{read}");
    }
    for args in [
        &["report", "list"][..],
        &["report", "show", id],
        &["report", "close", id, "--as", "declined"],
        &["incident", "list"],
        &["alert", "send", "One", "node=validator-3"],
        &["token", "create", "--form", "another"],
    ] {
        let refused = ask(args);
        assert_eq!(refused.status.code(), Some(1), "{args:?}: {}", stdout(&refused));
        assert!(stderr(&refused).contains("which may only report"), "{args:?}: {}", stderr(&refused));
    }
    let list = said(&server, &["token", "list"]);
    assert!(list.contains("intranet") && !list.contains(form), "{list}");
    let both = server.ask(&["token", "create", "--form", "a", "--outside", "b"]);
    assert_eq!(both.status.code(), Some(2), "{}", stderr(&both));

    let tokens = server.json(&["token", "list"]);
    let mine = tokens["items"].as_array().unwrap().iter().find(|token| token["form"] == "intranet").unwrap();
    said(&server, &["token", "revoke", mine["id"].as_str().unwrap()]);
    assert_eq!(ask(&TOLD).status.code(), Some(1), "a revoked token reports no more");
}

#[test]
fn who_reports_from_outside_has_an_answer_owed() {
    let server = Server::start(&[]);
    let page = said(&server, &["token", "create", "--outside", "security.txt", "--for", "90d"]);
    let body = json!({ "title": "a hole", "description": "in the door", "contact": "noor@example.org",
                       "reporter": "Noor" });
    let post = |body: &Value| {
        Connection::open(&server.address).post("/api/v1/reports", page.trim(), body.to_string().as_bytes())
    };
    assert_eq!(post(&json!({ "title": "a hole", "description": "in the door" })).status, 422);
    let answer = post(&body);
    assert_eq!(answer.status, 201, "{}", answer.body);
    let receipt: Value = serde_json::from_str(&answer.body).unwrap();
    let id = receipt["id"].as_str().unwrap();
    let list = said(&server, &["report", "list"]);
    assert!(list.contains("Noor") && list.contains("by "), "{list}");
    let shown = said(&server, &["report", "show", id]);
    assert!(shown.contains("noor@example.org") && shown.contains("disclose by"), "{shown}");
    said(&server, &["report", "acknowledge", id]);
    assert!(said(&server, &["report", "show", id]).contains("given"));
    said(&server, &["report", "close", id, "--as", "disclosed"]);
    assert_eq!(ids(&server.json(&["report", "list", "--closed"])), [id]);
}
