//! Text in; a configuration or one sentence out.

use std::{fs, path::Path};

use super::Config;

fn check(text: &str, expect: &str) {
    let said = match Config::parse(text) {
        Ok(_) => "fine".to_owned(),
        Err(problem) => problem,
    };
    assert_eq!(said, expect, "{text}");
}

#[test]
fn unknown_keys_are_refused_with_the_one_that_was_meant() {
    check("", "fine");
    check("lisen = \"127.0.0.1:1\"\n", "1:1: unknown field `lisen`; did you mean `listen`?");
    check("[log]\npublik = true\n", "2:1: unknown field `publik`; did you mean `public`?");
    check(
        "[connectors.firewall]\nkind = \"http\"\nendpont = \"http://127.0.0.1:1\"\n",
        "3:1: unknown field `endpont`; did you mean `endpoint`?",
    );
}

/// The names of keys that the error about an unknown one lists.
fn keys_of(text: &str) -> Vec<String> {
    let problem = Config::parse(text).err().unwrap();
    let names = problem.split('`').skip(1).step_by(2).skip(1);
    names.map(str::to_owned).collect()
}

#[test]
fn every_key_is_in_the_reference() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/config.md");
    let reference = fs::read_to_string(path).unwrap();
    let sections = [
        "",
        "[tls]\n",
        "[log]\n",
        "[backup]\n",
        "[[evidence.folders]]\n",
        "[connectors.a]\nkind = \"http\"\n",
        "[channels.a]\nkind = \"email\"\n",
        "[sources.a]\nmapping = \"b\"\nsignature = \"token\"\n",
    ];
    for section in sections {
        let keys = keys_of(&format!("{section}zzzzzzzzzzzz = 1\n"));
        assert!(keys.len() > 1, "{keys:?}");
        for key in keys.iter().filter(|key| {
            !["tls", "log", "backup", "evidence", "connectors", "channels", "sources"].contains(&key.as_str())
        }) {
            let known = reference.contains(&format!("`{key}`")) || reference.contains(&format!(".{key}`"));
            assert!(known, "`{key}` is not in docs/reference/config.md");
        }
    }
}

#[test]
fn a_secret_must_stand_elsewhere_and_is_never_quoted() {
    let problem = Config::parse("[connectors.a]\nkind = \"http\"\nsecret = \"hunter2\"\n").unwrap_err();
    assert!(problem.contains("`file:PATH` or `env:NAME`"), "{problem}");
    assert!(!problem.contains("hunter2"), "{problem}");
}

#[test]
fn connectors_are_built_with_their_secrets_from_files() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("token"), "s3cret-value\n").unwrap();
    let text = "[connectors.firewall]\nkind = \"http\"\nendpoint = \"http://127.0.0.1:9400\"\n\
                allowed_networks = [\"127.0.0.1/32\"]\nsecret = \"file:token\"\ntimeout = \"5s\"\n\
                [connectors.estate]\nkind = \"estate\"\n";
    let path = folder.path().join("ringfence.toml");
    fs::write(&path, text).unwrap();
    let config = Config::read(&path).unwrap();
    assert!(config.connectors["firewall"].build("firewall").unwrap().is_some());
    assert!(config.connectors["estate"].build("estate").unwrap().is_none());
    let own = config.connectors["estate"].build("ringfence").err().unwrap().to_string();
    assert!(own.contains("names the platform itself"), "{own}");
    fs::remove_file(folder.path().join("token")).unwrap();
    let error = config.connectors["firewall"].build("firewall").err().unwrap();
    assert!(format!("{error:#}").contains("cannot read the secret"), "{error:#}");
}

#[test]
fn paths_are_relative_to_the_file() {
    let mut config =
        Config::parse("content = \"content\"\n[tls]\ncert = \"c.pem\"\nkey = \"/k.pem\"\n").unwrap();
    config.resolve(Path::new("/etc/ringfence"));
    assert_eq!(config.content.unwrap(), Path::new("/etc/ringfence/content"));
    let tls = config.tls.unwrap();
    assert_eq!(
        (tls.cert.as_path(), tls.key.as_path()),
        (Path::new("/etc/ringfence/c.pem"), Path::new("/k.pem"))
    );
}

#[test]
fn the_shipped_example_reads() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples/http-firewall/ringfence.toml");
    let config = Config::read(&path).unwrap();
    assert!(config.connectors["firewall"].build("firewall").unwrap().is_some());
}
