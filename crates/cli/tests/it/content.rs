//! Content: copied out, checked with places, and read anew by a running server only when it is whole.

use std::{fs, path::Path};

use crate::support::{Server, files_below, run, stderr, stdout};

#[test]
fn shipped_content_is_copied_out_and_checks() {
    let folder = tempfile::tempdir().unwrap();
    let content = folder.path().join("content").display().to_string();
    assert!(run(&["init", &content]).status.success());
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content");
    assert_eq!(files_below(Path::new(&content)), files_below(&ours), "every file, policies included");
    let fine = run(&["check", &content]);
    assert!(fine.status.success(), "{}", stdout(&fine));
    assert!(stdout(&fine).contains("no problem"), "{}", stdout(&fine));
    assert_eq!(run(&["init", &content]).status.code(), Some(1), "a folder with files is left alone");
    let playbook = format!("{content}/playbooks/validator_compromise.yaml");
    assert!(run(&["check", &playbook]).status.success());
    let text = fs::read_to_string(&playbook).unwrap();
    fs::write(&playbook, text.replace("action: node.isolate", "action: node.isolat")).unwrap();
    for path in [&content, &playbook] {
        let broken = run(&["check", path]);
        assert_eq!(broken.status.code(), Some(1));
        let said = stdout(&broken);
        let place = said.lines().find(|line| line.contains("playbooks/validator_compromise.yaml:")).unwrap();
        let numbers: Vec<&str> = place.split(':').collect();
        assert!(numbers[1].parse::<u32>().is_ok() && numbers[2].parse::<u32>().is_ok(), "{place}");
        assert!(place.contains("did you mean `node.isolate`?"), "{place}");
    }
}

#[test]
fn content_that_does_not_check_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let content = folder.path().join("content");
    let shown = content.display().to_string();
    assert!(run(&["init", &shown]).status.success());
    let server = Server::start(&["--content", &shown]);
    let playbook = content.join("playbooks/key_compromise.yaml");
    let text = fs::read_to_string(&playbook).unwrap();
    let version = |server: &Server| {
        let list = server.json(&["playbook", "list"]);
        let items = list["items"].as_array().unwrap().clone();
        items.iter().find(|p| p["id"] == "key_compromise").unwrap()["version"].clone()
    };
    fs::write(&playbook, "nonsense: [").unwrap();
    server.signal("HUP");
    assert_eq!(version(&server), "2.0.0");
    // A good playbook whose test fails changes nothing either.
    let newer = text.replace("version: 2.0.0", "version: 2.0.1");
    fs::write(&playbook, &newer).unwrap();
    let test = content.join("playbooks/key_compromise.test.yaml");
    let passing = fs::read_to_string(&test).unwrap();
    let failing = passing.replace("status: completed", "status: failed");
    assert_ne!(failing, passing);
    fs::write(&test, failing).unwrap();
    server.signal("HUP");
    assert_eq!(version(&server), "2.0.0");
    let data = folder.path().join("second").display().to_string();
    let refused = run(&["serve", "--content", &shown, "--data-dir", &data]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("key_compromise.test.yaml"), "{}", stderr(&refused));
    assert_eq!(version(&server), "2.0.0");
    fs::write(&test, passing).unwrap();
    server.signal("HUP");
    server.until(&["playbook", "list"], |_| version(&server) == "2.0.1");
    let (status, _, _) = server.end("TERM");
    assert!(status.success());
}

#[test]
fn a_server_does_not_start_on_broken_content() {
    let folder = tempfile::tempdir().unwrap();
    let content = folder.path().join("content");
    assert!(run(&["init", &content.display().to_string()]).status.success());
    fs::remove_file(content.join("actions.yaml")).unwrap();
    let data = folder.path().join("data").display().to_string();
    let refused = run(&["serve", "--content", &content.display().to_string(), "--data-dir", &data]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("actions.yaml"), "{}", stderr(&refused));
}
