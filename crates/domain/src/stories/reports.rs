//! What people tell, each from the report to the closed incident.

use expect_test::expect;

use super::tale::Tale;
use crate::{
    access::{self, Holder},
    event::Actor,
    flow::Command,
    id::TokenId,
    incident::{self, Disposition},
    report::{self, Told},
    scene::person,
    time::Span,
};

fn told(title: &str, incident_type: Option<&str>, targets: &[(&str, &str)]) -> Told {
    Told {
        title: title.into(),
        description: "as seen this morning".into(),
        incident_type: incident_type.map(Into::into),
        targets: targets.iter().map(|(kind, name)| ((*kind).into(), (*name).into())).collect(),
        ..Told::default()
    }
}

/// The token of a form or of a page for people outside.
fn token(tale: &mut Tale, holder: Holder) -> Actor {
    let id = TokenId::from_number(tale.scene.next);
    let (hash, label) = ("hash".into(), String::new());
    let create = access::Command::CreateToken { holder, hash, label, expires_at: None };
    tale.scene.must(Command::Access(create));
    tale.scene.facts.clear();
    Actor::Source(id)
}

fn confirms(tale: &mut Tale, incident_type: &str, why: &str) {
    let (id, incident_type, why) = (tale.id(), Some(incident_type.to_owned()), why.to_owned());
    tale.does(incident::Command::Classify { id, incident_type, severity: None, onset: None, why });
}

#[test]
fn a_colleague_reports_an_account_by_hand() {
    let mut tale = Tale::new();
    let told = told("sign-ins that are not mine", Some("unauthorized_access"), &[("account", "account-3")]);
    tale.reports(person(), told);
    tale.works();
    tale.people_take_it();
    tale.recovers("the password and all sessions are new");
    tale.ends(Disposition::TruePositive);
    expect![[r#"
        +00:00:00 report by hand from scene: "sign-ins that are not mine"
        +00:00:00 alert sign-ins that are not mine about account account-3: reported by scene; label incident_type="unauthorized_access"; no open incident of its group
        +00:00:00 incident "sign-ins that are not mine on account-3" opened: unauthorized_access, high, 90 % sure
        +00:00:00 playbook unauthorized_access 2.1.0 starts
        +00:00:00 calls account.suspend on account-3
        +00:00:00 account.suspend on account-3 holds, as read back
        +00:00:00 contained
        +00:00:00 calls account.reset_sessions on account-3
        +00:00:00 account.reset_sessions on account-3 holds, as read back
        +00:02:00 a person takes it
        +00:05:00 the alert is over, by timeout
        +00:12:00 the playbook is completed
        +00:12:00 calls account.suspend on account-3, to take it back
        +00:12:00 account.suspend on account-3 is taken back
        +00:17:00 a person resolves it: the password and all sessions are new
        +01:17:00 the watch ends in silence
        +01:17:01 a person closes it: true_positive
        +01:17:01 a review opens, with 3 reports due
    "#]].assert_eq(&tale.told());
}

#[test]
fn somebody_reports_a_file_through_a_form() {
    let mut tale = Tale::new();
    let form = token(&mut tale, Holder::Form("intranet".into()));
    tale.reports(
        form,
        told("an invoice that runs", None, &[("file", "upload-12"), ("account", "account-6")]),
    );
    tale.later(Span::secs(240));
    confirms(&mut tale, "malicious_file", "it is no invoice");
    tale.works();
    tale.people_take_it();
    tale.recovers("the file is gone, the account was warned");
    tale.ends(Disposition::TruePositive);
    expect![[r#"
        +00:00:00 report by form from -: "an invoice that runs"
        +00:00:00 alert an invoice that runs about account account-6, file upload-12: reported by somebody by form intranet; label incident_type="unclassified"; this type is not in the taxonomy; not confirmed, so an incident of its own
        +00:00:00 incident "an invoice that runs on account-6" opened: unclassified, medium, 40 % sure
        +00:00:00 a person is called: too little speaks for this type to act on it; confirm it with `incident classify`
        +00:00:00 a person is called: nothing starts by itself here; start playbook generic_response by hand
        +00:04:00 a person says that it is malicious_file, medium: it is no invoice
        +00:04:00 playbook malicious_file_upload 1.1.0 starts
        +00:04:00 calls file.quarantine on upload-12
        +00:04:00 file.quarantine on upload-12 holds, as read back
        +00:04:00 contained
        +00:04:00 calls file.preserve on upload-12
        +00:04:00 file.preserve on upload-12 holds, as read back
        +00:04:00 calls account.flag on account-6
        +00:04:00 account.flag on account-6 holds, as read back
        +00:04:00 calls file.find_similar on upload-12
        +00:04:00 file.find_similar on upload-12 holds, as read back
        +00:05:00 the alert is over, by timeout
        +00:06:00 a person takes it
        +00:16:00 the playbook is completed
        +00:16:00 calls account.flag on account-6, to take it back
        +00:16:00 account.flag on account-6 is taken back
        +00:16:00 calls file.quarantine on upload-12, to take it back
        +00:16:00 file.quarantine on upload-12 is taken back
        +00:21:00 a person resolves it: the file is gone, the account was warned
        +00:51:00 the watch ends in silence
        +00:51:01 a person closes it: true_positive
        +00:51:01 a review opens, with 3 reports due
    "#]].assert_eq(&tale.told());
}

#[test]
fn a_researcher_reports_a_hole_and_waits_too_long() {
    let mut tale = Tale::new();
    let page = token(&mut tale, Holder::Outside("security.txt".into()));
    let told = Told {
        reporter: Some("Noor".into()),
        contact: Some("noor@example.org".into()),
        ..told("the export shows what is not mine", None, &[("service", "api")])
    };
    tale.reports(page, told);
    tale.later(Span::secs(86_400 + 3_600));
    let id = *tale.scene.state.reports.keys().next().unwrap();
    tale.must(Command::Report(report::Command::Acknowledge { id, note: "thank you, we look".to_owned() }));
    tale.people_take_it();
    tale.recovers("release 2.4 checks who asks");
    let (outcome, note) = (report::Outcome::Fixed, "told with release 2.4".to_owned());
    tale.must(Command::Report(report::Command::Close { id, outcome, note }));
    tale.ends(Disposition::TruePositive);
    expect![[r#"
        +00:00:00 report by outside from Noor: "the export shows what is not mine"
        +00:00:00 alert the export shows what is not mine about service api: reported by Noor from outside by security.txt; label incident_type="security_vulnerability"; not confirmed, so an incident of its own
        +00:00:00 incident "the export shows what is not mine on api" opened: security_vulnerability, medium, 20 % sure
        +00:00:00 a person is called: too little speaks for this type to act on it; confirm it with `incident classify`
        +00:00:00 a person is called: nothing starts by itself here; start playbook generic_response by hand
        +00:05:00 the alert is over, by timeout
        +24:00:00 nobody has answered who reported
        +24:00:00 a person is called: nobody acknowledged RPT-3 in time; answer Noor from outside by security.txt
        +25:00:00 a person answers who reported: thank you, we look
        +25:02:00 a person takes it
        +25:12:00 a person has it brought back: api
        +25:12:00 api is restoring
        +25:12:00 api is verifying
        +25:12:00 api is verified
        +25:12:00 api is released
        +25:12:00 api is healthy
        +25:12:00 all of it is healthy
        +25:12:00 a person looks at its data: as it should be, and nothing foreign is left
        +25:12:00 a person looks at its posture: as it should be, and nothing foreign is left
        +25:17:00 a person resolves it: release 2.4 checks who asks
        +25:17:00 a person ends the report as fixed: told with release 2.4
        +25:47:00 the watch ends in silence
        +25:47:01 a person closes it: true_positive
        +25:47:01 a review opens, with 3 reports due
    "#]].assert_eq(&tale.told());
}
