//! What people make out about an incident, from the terminal.

use crate::support::{Server, stderr, stdout};

fn said(server: &Server, args: &[&str]) -> String {
    let output = server.ask(args);
    assert!(output.status.success(), "{args:?}: {}", stderr(&output));
    stdout(&output)
}

#[test]
fn records_of_the_analysis_stand_on_the_page_of_the_incident() {
    let server = Server::start(&[]);
    let open = ["incident", "open", "Odd logins", "--type", "policy_violation", "--severity", "low"];
    let id = server.json(&open)["id"].as_str().unwrap().to_owned();
    let page = said(&server, &["incident", "show", &id]);
    assert!(!page.contains("analysis\n"), "nothing is on record yet: {page}");
    let mine = |verb: &'static str, rest: &[&str]| {
        let args: Vec<&str> = ["incident", verb, &id].into_iter().chain(rest.iter().copied()).collect();
        said(&server, &args)
    };
    assert_eq!(
        mine("finding", &["two from abroad\u{1b}[2J", "--entry", "1"]).trim(),
        format!("{id} has a finding more")
    );
    mine("impact", &["people=low", "data=none", "--text", "one account"]);
    mine("threat", &["--technique", "T1078", "--indicator", "address=203.0.113.9", "--actor", "unknown"]);
    mine("cause", &["a password was guessed", "--method", "fault-tree", "--measure", "a second factor"]);
    mine("update", &["the account is locked"]);
    mine("link", &["https://meet.example/42", "--room"]);
    let page = said(&server, &["incident", "show", &id]);
    for part in [
        "two from abroad\\u{1b}[2J",
        "one account",
        "T1078",
        "address 203.0.113.9",
        "a password was guessed",
        "a second factor",
        "https://meet.example/42",
    ] {
        assert!(page.contains(part), "{part:?} in {page}");
    }
    let told = said(&server, &["report", "incident", &id]);
    for part in ["## Findings", "- Root cause: a password was guessed", "| people | low | one account |"] {
        assert!(told.contains(part), "{part:?} in {told}");
    }
    let wrong = server.ask(&["incident", "impact", &id, "people=very", "--text", "x"]);
    assert_eq!(wrong.status.code(), Some(1), "{}", stderr(&wrong));
    let far = server.ask(&["incident", "update", &id, "later", "--eta", "2099-01-01T00:00:00Z"]);
    assert!(stderr(&far).contains("expected end"), "{}", stderr(&far));
    assert_eq!(server.ask(&["incident", "cause", &id, "x"]).status.code(), Some(2), "a method is asked for");
}
