//! The shipped teams, and who stands outside.

use super::{super::*, shipped::shipped};

#[test]
fn every_team_has_members_with_contacts_and_says_what_it_answers_for() {
    let people = load(&shipped()).0.people;
    let answers = |team: &str| people.teams[team].responsibilities.join(", ");
    assert_eq!(
        answers("incident_command"),
        "Life of the incident, Word to stakeholders, Coordination of resources, Decisions"
    );
    assert_eq!(
        answers("technical_response"),
        "Root cause, Remediation, Recovery of systems, Assessment of impact"
    );
    assert_eq!(answers("communications"), "Status updates, Notices to stakeholders, Documentation, Media");
    assert_eq!(
        answers("security"),
        "Security assessment, Forensic analysis, Compliance, Mitigation of threats"
    );
    for (name, team) in &people.teams {
        assert!(!team.members.is_empty() && !team.responsibilities.is_empty(), "{name}");
        assert!(team.members.iter().all(|member| people.contacts.contains_key(member)), "{name}");
    }
}

#[test]
fn those_outside_are_known_before_they_are_needed() {
    let people = load(&shipped()).0.people;
    for role in ["legal", "public_relations", "law_enforcement", "forensics_firm"] {
        let holders = &people.roles[role];
        assert!(holders.iter().any(|holder| people.contacts.contains_key(holder)), "nobody is {role}");
    }
}
