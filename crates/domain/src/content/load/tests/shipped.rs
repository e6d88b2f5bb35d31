//! The content and the examples that are shipped.

use std::{collections::BTreeMap, fs, path::Path};

use proptest::prelude::*;

use super::{super::*, ACTIONS, folder, shown};
use crate::{content::FILES, control::own, scene::all_shipped, severity::Severity};

#[expect(clippy::disallowed_methods, reason = "the shipped files are the input of these tests")]
fn read(root: &str, folders: &[&str]) -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(root);
    let mut files = BTreeMap::new();
    for folder in folders {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let wanted = path.extension().is_some_and(|extension| extension == "yaml");
            if wanted {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
                files.insert(name, decode("", &fs::read(&path).unwrap()).unwrap());
            }
        }
    }
    files
}

pub(super) fn shipped() -> BTreeMap<String, String> {
    read("content", &["", "rules", "pieces", "playbooks", "mappings", "drills"])
}

#[test]
fn the_shipped_content_has_no_problem() {
    let files = shipped();
    assert_eq!(shown(&files), "");
    let content = load(&files).0;
    let containments = content.actions.values().filter(|action| action.containment).count();
    assert_eq!((content.actions.len(), containments), (93, 26));
    assert!(
        content
            .actions
            .values()
            .all(|action| ["estate", FILES, own::CONNECTOR].contains(&&*action.connector))
    );
    let own = content.actions.values().filter(|action| action.connector == own::CONNECTOR);
    assert!(own.map(|action| &*action.verb).all(|verb| own::VERBS.iter().any(|(one, _)| *one == verb)));
    assert!(content.actions.values().filter(|action| action.containment).all(|action| action.verify));
    let playbook = content.playbook_for("validator_compromise", Severity::Critical).unwrap();
    assert_eq!(playbook.id, "validator_compromise");
    assert_eq!(
        content.playbook_for("validator_compromise", Severity::Medium).unwrap().id,
        "generic_response"
    );
    assert_eq!(content.unplanned(), []);
}

/// The server trusts the tests of what is compiled into it; the test above has run them.
#[test]
fn content_whose_tests_passed_is_the_same_without_them() {
    let mut files = all_shipped();
    let (tested, problems) = load(&files);
    assert_eq!(problems, []);
    let (trusted, problems) = load_tested(&files);
    assert_eq!(problems, []);
    assert_eq!(format!("{trusted:?}"), format!("{tested:?}"));
    for path in ["rules", "mappings", "playbooks"] {
        let of_kind = |file: &&String| file.starts_with(path) && file.ends_with(".test.yaml");
        let test = files.keys().find(of_kind).unwrap().clone();
        let text = files.insert(test.clone(), "tests: [{ name: nothing holds }]".to_owned()).unwrap();
        assert!(load(&files).1.iter().any(|problem| problem.path == test), "{test} is not looked at");
        assert_eq!(load_tested(&files).1, [], "{test} is looked at");
        files.insert(test, text);
    }
    let playbook = "playbooks/validator_compromise.yaml";
    let broken = files[playbook].replace("action: node.isolate", "action: node.isolat");
    files.insert(playbook.to_owned(), broken);
    assert!(load_tested(&files).1.iter().any(|problem| problem.path == playbook));
}

#[test]
fn linking_every_contact_to_an_account_breaks_no_rehearsal() {
    let mut files = shipped();
    let contacts = files.get_mut("contacts.yaml").unwrap();
    let linked: String = contacts.lines().fold(String::new(), |text, line| {
        let account = line.strip_prefix("  - name: ");
        let account = account.map_or_else(String::new, |name| format!("    accounts: [{name}.own]\n"));
        text + line + "\n" + &account
    });
    *contacts = linked;
    assert_eq!(shown(&files), "");
    assert!(load(&files).0.people.is_linked("security_lead"));
}

#[test]
fn every_shipped_playbook_and_rule_has_a_test_beside_it() {
    let files = shipped();
    // Pieces are tested where they are called.
    let untested = ["drills/", "pieces/"];
    let tested = |path: &&String| path.contains('/') && !untested.iter().any(|one| path.starts_with(one));
    for path in files.keys().filter(tested).filter(|path| !path.ends_with(".test.yaml")) {
        let test = path.replace(".yaml", ".test.yaml");
        assert!(files.contains_key(&test), "{path} needs {test}");
    }
}

#[test]
fn the_documents_of_the_five_sources_have_their_types() {
    let content = load(&shipped()).0;
    let named = [
        "data_poisoning",
        "model_extraction",
        "adversarial_attack",
        "privacy_breach",
        "zero_day_exploit",
        "prompt_injection",
        "unauthorized_access",
        "hardware_failure",
        "network_connectivity",
        "storage_issues",
        "power_systems",
        "service_failures",
        "performance_degradation",
        "configuration_errors",
        "deployment_issues",
        "malware_detection",
        "data_breach",
        "policy_violations",
        "consensus_failure",
        "node_synchronization",
        "transaction_processing",
        "smart_contract_errors",
        "system_down",
        "high_cpu",
        "memory_leak",
        "disk_full",
        "network_latency",
        "security_breach",
        "blockchain_sync",
        "data_leaks",
        "service_disruptions",
        "system_compromises",
        "security_breaches",
        "policy_violation",
        "blockchain_node_down",
        "high_resource_usage",
    ];
    for name in named {
        assert!(content.types.contains_key(&content.type_name(name)), "{name}");
    }
}

#[test]
fn every_type_has_a_rule_and_the_native_words_have_type_and_level() {
    let content = load(&shipped()).0;
    // What looks after the response itself is told by the platform alone.
    let told = |name: &&String| content.types[*name].category != crate::figures::UPKEEP;
    for name in content.types.keys().filter(told) {
        let mut own = content.rules.iter().filter(|rule| rule.incident_type == *name).peekable();
        assert!(own.peek().is_some(), "{name} has no rule");
        let telemetry = own.any(|rule| rule.on == crate::detect::On::Records);
        assert!(telemetry, "{name} has no rule that looks at telemetry, only at names of alerts");
    }
    let none = crate::labels::Labels::default();
    let level = |word: &str| {
        let labels = [("alertname", word), ("incident_type", word)].into();
        let subject = crate::detect::Subject { labels: &labels, annotations: &none };
        let found = crate::correlate::classify(&content, subject).unwrap();
        assert!(content.types.contains_key(&found.incident_type), "{word}");
        format!("{} {}", found.incident_type, found.severity)
    };
    let words = ["system_down", "high_cpu", "memory_leak", "disk_full", "network_latency", "security_breach"];
    expect_test::expect![[r#"
        service_disruption high
        performance_degradation medium
        performance_degradation medium
        storage_issues medium
        network_connectivity medium
        security_breach critical
        node_synchronization medium"#]]
    .assert_eq(&words.into_iter().chain(["blockchain_sync"]).map(level).collect::<Vec<_>>().join("\n"));
}

#[test]
fn the_examples_of_each_severity_have_type_and_level() {
    let content = load(&shipped()).0;
    let none = crate::labels::Labels::default();
    let level = |name: &&str| {
        let labels = [("alertname", *name)].into();
        let subject = crate::detect::Subject { labels: &labels, annotations: &none };
        let found = crate::correlate::classify(&content, subject).unwrap();
        format!("{name}: {} {}\n", found.severity, found.incident_type)
    };
    let examples = [
        "CompleteSystemOutage",
        "SecurityBreachConfirmed",
        "DataCorruptionDetected",
        "ConsensusFailure",
        "MajorPerformanceDegradation",
        "NodeDown",
        "DatabaseConnectivity",
        "AuthenticationSystemProblem",
        "MinorPerformanceIssue",
        "NonCriticalFeatureFailure",
        "MonitoringAlertAnomaly",
        "CapacityWarning",
        "DocumentationUpdateNeeded",
        "RoutineMaintenance",
        "PerformanceTrend",
    ];
    expect_test::expect![[r#"
        CompleteSystemOutage: critical service_disruption
        SecurityBreachConfirmed: critical security_breach
        DataCorruptionDetected: critical data_breach
        ConsensusFailure: critical consensus_failure
        MajorPerformanceDegradation: high performance_degradation
        NodeDown: high node_failure
        DatabaseConnectivity: high service_disruption
        AuthenticationSystemProblem: high service_disruption
        MinorPerformanceIssue: medium performance_degradation
        NonCriticalFeatureFailure: medium service_disruption
        MonitoringAlertAnomaly: medium configuration_errors
        CapacityWarning: medium storage_issues
        DocumentationUpdateNeeded: low configuration_errors
        RoutineMaintenance: low deployment_issues
        PerformanceTrend: low performance_degradation
    "#]]
    .assert_eq(&examples.iter().map(level).collect::<String>());
}

/// The three rules by their names: what they ask, what follows, and that a metric that is not there never fits.
#[test]
fn the_rules_of_nodes_resources_and_consensus_ask_exactly_this() {
    let content = load(&shipped()).0;
    let found = |id: &str, metrics: &[(&str, &str)]| {
        let named: Vec<(String, String)> =
            metrics.iter().map(|(name, value)| (format!("metric_{name}"), (*value).to_owned())).collect();
        let annotations = crate::labels::Labels::from_pairs(named).unwrap();
        let labels = [("alertname", "Measured")].into();
        let subject = crate::detect::Subject { labels: &labels, annotations: &annotations };
        let fits = content.rules.matching(subject).iter().any(|rule| rule.id == id);
        fits.then(|| crate::correlate::classify(&content, subject).unwrap())
    };
    /// Metric, a value that fits, and the nearest that does not.
    type Asked = (&'static str, &'static str, &'static str);
    let rules: [(&str, [Asked; 2], &str, u64); 3] = [
        ("blockchain_node_down", [("node_status", "down", "up"), ("peer_count", "2", "3")], "critical", 300),
        ("high_resource_usage", [("cpu_usage", "90.1", "90"), ("duration", "301", "300")], "high", 900),
        (
            "consensus_failure",
            [("consensus_participation", "0.66", "0.67"), ("block_time", "30.5", "30")],
            "critical",
            180,
        ),
    ];
    for (id, [one, other], severity, escalation) in rules {
        let rule = content.rules.get(id).unwrap();
        assert_eq!(rule.escalation, Some(crate::time::Span::secs(escalation)), "{id}");
        assert!(rule.auto_response, "{id}");
        let came = found(id, &[(one.0, one.1), (other.0, other.1)]).unwrap();
        assert_eq!(came.severity.name(), severity, "{id}");
        assert_eq!(came.escalation, Some(crate::time::Span::secs(escalation)), "{id}");
        for wrong in [
            vec![(one.0, one.2), (other.0, other.1)],
            vec![(one.0, one.1), (other.0, other.2)],
            vec![(one.0, one.1)],
            vec![(other.0, other.1)],
            vec![(one.0, ""), (other.0, other.1)],
            vec![],
        ] {
            assert_eq!(found(id, &wrong), None, "{id} {wrong:?}");
        }
    }
}

#[test]
fn every_alias_stands_for_one_type_in_any_case_and_chooses_its_playbook() {
    let content = load(&shipped()).0;
    assert!(content.aliases.len() >= 40, "{}", content.aliases.len());
    for (alias, name) in &content.aliases {
        assert!(content.types.contains_key(name), "{alias} stands for {name}");
        assert!(!content.types.contains_key(alias), "{alias} is a type of its own too");
        let loud = format!(" {} ", alias.to_uppercase());
        assert_eq!(content.type_name(&loud), *name);
        let playbook = |kind: &str| {
            let severity = crate::severity::Severity::Critical;
            content.playbook_for(&content.type_name(kind), severity).map(|playbook| playbook.id.clone())
        };
        assert_eq!(playbook(&loud), playbook(name));
        // An alert that uses the other word is the same incident.
        let none = crate::labels::Labels::default();
        let of = |kind: &str| {
            let labels = [("incident_type", kind)].into();
            let subject = crate::detect::Subject { labels: &labels, annotations: &none };
            crate::correlate::classify(&content, subject).unwrap().incident_type
        };
        assert_eq!(of(alias), of(name));
    }
}

#[test]
fn the_http_example_has_no_problem() {
    let mut files = read("docs/examples/http-firewall", &["", "playbooks"]);
    files.insert("taxonomy.yaml".to_owned(), shipped().remove("taxonomy.yaml").unwrap());
    assert_eq!(shown(&files), "");
    let content = load(&files).0;
    let requests = content.actions["address.block"].requests.as_ref().unwrap();
    assert!(requests.verify.is_some() && requests.revert.is_some());
}

#[test]
fn one_playbook_can_be_read_against_content_that_was_loaded() {
    let files = shipped();
    let content = load(&files).0;
    let text = &files["playbooks/validator_compromise.yaml"];
    let (playbook, problems) = read_playbook("mine.yaml", text, &content);
    assert_eq!(problems, []);
    assert_eq!(playbook.unwrap().hash, content.playbooks["validator_compromise"].hash);
    let (playbook, problems) = read_playbook("mine.yaml", &text.replace("key.revoke", "key.revok"), &content);
    assert!(playbook.is_none());
    let problem = problems[0].to_string();
    assert_eq!(problem, "mine.yaml:42:17: unknown action `key.revok`; did you mean `key.revoke`?");
}

/// Pieces that are likely to bring a reader out of step.
const PIECES: [&str; 24] = [
    "",
    " ",
    "\n",
    "  - ",
    ":",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    "|",
    "&a ",
    "*a",
    "!!str ",
    "# ",
    "null",
    "-1",
    "99999999999999999999",
    "\u{feff}",
    "\u{0}",
    "steps: []",
    "incident.targets(",
    "é",
];

fn slip() -> impl Strategy<Value = (prop::sample::Index, prop::sample::Index, usize, usize)> {
    (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0usize..12, 0..PIECES.len())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn slips_of_the_keyboard_never_panic(slips in prop::collection::vec(slip(), 1..4)) {
        let mut files = folder();
        files.insert("rules/node_down.test.yaml".to_owned(), "tests: [{name: a, labels: {}, expect: none}]".to_owned());
        let paths: Vec<String> = files.keys().cloned().collect();
        for (file, place, removed, piece) in slips {
            let text = files.get_mut(&paths[file.index(paths.len())]).unwrap();
            let chars: Vec<char> = text.chars().collect();
            let start = place.index(chars.len() + 1);
            let end = (start + removed).min(chars.len());
            *text = chars[..start].iter().collect::<String>() + PIECES[piece] + &chars[end..].iter().collect::<String>();
        }
        let (content, problems) = load(&files);
        let sorted = problems.is_sorted();
        prop_assert!(sorted);
        for problem in &problems {
            prop_assert!(!problem.message.is_empty());
            prop_assert!(!problem.message.contains('\n'), "{}", problem.message);
        }
        if problems.is_empty() {
            prop_assert_eq!(content.playbooks.len(), 1);
        }
    }

    #[test]
    fn any_text_under_any_name_never_panics(path in "[a-z./*]{0,20}", text in any::<String>()) {
        let mut files = folder();
        files.insert(path, text.clone());
        files.insert("playbooks/other.yaml".to_owned(), text.clone());
        files.insert("actions.yaml".to_owned(), text);
        prop_assert!(!load(&files).1.is_empty());
    }

    #[test]
    fn bytes_that_are_not_text_are_told_with_their_place(bytes in any::<Vec<u8>>()) {
        match decode("a.yaml", &bytes) {
            Ok(text) => prop_assert!(std::str::from_utf8(&bytes).unwrap().ends_with(&text)),
            Err(problem) => prop_assert!(problem.line > 0 && problem.column > 0),
        }
    }
}

#[test]
fn a_folder_with_too_many_files_is_refused() {
    let files = (0..=MAX_FILES).map(|n| (format!("rules/r{n}.yaml"), String::new())).collect();
    assert_eq!(shown(&files), ":0:0: the folder has 2001 files; at most 2000 are read\n");
}

#[test]
fn problems_of_one_file_are_bounded() {
    let action = ACTIONS.lines().skip(1).take(12).collect::<Vec<_>>().join("\n");
    let many: String =
        std::iter::once("actions:\n".to_owned()).chain((0..500).map(|_| format!("{action}\n"))).collect();
    let mut files = folder();
    files.insert("actions.yaml".to_owned(), many);
    let problems = load(&files).1;
    let of_actions = problems.iter().filter(|problem| problem.path == "actions.yaml").count();
    assert_eq!(of_actions, crate::document::MAX_PROBLEMS);
}

#[test]
fn every_playbook_keeps_evidence_before_what_it_changes_for_good() {
    let content = load(&shipped()).0;
    for playbook in content.playbooks.values() {
        let known = |verb: &str| content.actions.get(verb);
        let kept =
            playbook.steps().position(|(_, step)| known(&step.verb).is_some_and(|a| a.keeps.is_some()));
        if playbook.steps().all(|(_, step)| known(&step.verb).is_none()) {
            // Nothing outside is touched.
            continue;
        }
        let mended = playbook.steps().position(|(_, step)| {
            known(&step.verb).is_some_and(|action| action.purpose == crate::content::Purpose::Recovery)
        });
        assert!(kept.is_some(), "{} keeps nothing", playbook.id);
        assert!(mended.is_none_or(|mended| kept < Some(mended)), "{} mends before it keeps", playbook.id);
    }
}

#[test]
fn a_playbook_says_which_response_and_which_procedure_it_is() {
    use crate::playbook::{Procedure, Response};
    let responses = [Response::Immediate, Response::Tactical, Response::Strategic, Response::Recovery];
    let procedures = [Procedure::Detection, Procedure::Analysis, Procedure::Response, Procedure::Recovery];
    for (response, procedure) in responses.into_iter().zip(procedures) {
        let mut files = shipped();
        let text = files.get_mut("playbooks/data_breach.yaml").unwrap();
        let lines =
            text.lines().filter(|line| !line.starts_with("response:") && !line.starts_with("procedure:"));
        let word = |value: serde_json::Value| value.as_str().unwrap().to_owned();
        let (one, other) =
            (serde_json::to_value(response).unwrap(), serde_json::to_value(procedure).unwrap());
        let head = format!("response: {}\nprocedure: {}\n", word(one), word(other));
        *text = head + &lines.collect::<Vec<_>>().join("\n");
        assert_eq!(shown(&files), "");
        let playbook = &load(&files).0.playbooks["data_breach"];
        assert_eq!((playbook.response, playbook.procedure), (response, procedure));
    }
}
