//! The files of `docs/reference` that are made from the server's tables. `UPDATE=1` writes them anew.

use std::path::Path;

#[track_caller]
fn same(file: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference").join(file);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, made).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == made,
        "docs/reference/{file} is out of date: run the tests of `server` once with UPDATE=1"
    );
}

#[test]
fn the_reference_names_every_route() {
    let reference = server::routes_reference();
    for route in server::routes() {
        assert!(
            reference.contains(&format!("`{} {}`", route.method, route.path)),
            "{} {}",
            route.method,
            route.path
        );
    }
    same("api.md", &reference);
}

#[test]
fn the_reference_names_every_error() {
    same("errors.md", &server::errors_reference());
}

#[test]
fn the_reference_names_every_figure() {
    same("figures.md", &server::figures_reference());
}

#[test]
fn the_description_is_kept() {
    let mut text = serde_json::to_string_pretty(&server::openapi()).unwrap();
    text.push('\n');
    same("openapi.json", &text);
}
