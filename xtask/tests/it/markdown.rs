//! As much Markdown as the checks need: tables, code spans and links outside of code.

/// Lines outside fenced code, numbered from one.
pub(crate) fn prose(body: &str) -> Vec<(usize, &str)> {
    let mut fenced = false;
    let mut lines = Vec::new();
    for (index, line) in body.lines().enumerate() {
        let is_fence = line.trim_start().starts_with("```");
        fenced ^= is_fence;
        if !fenced && !is_fence {
            lines.push((index + 1, line));
        }
    }
    lines
}

/// What stands between single backticks in a line.
pub(crate) fn code_spans(line: &str) -> Vec<&str> {
    line.split('`').skip(1).step_by(2).collect()
}

/// The targets of `[text](target)` and of `[name]: target` in a line, code spans left out.
pub(crate) fn links(line: &str) -> Vec<String> {
    let line: String = line.split('`').step_by(2).collect();
    if let Some((name, target)) = line.split_once("]: ")
        && name.starts_with('[')
    {
        return vec![target.trim().to_owned()];
    }
    let after = line.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    after.map(|(target, _)| target.split(' ').next().unwrap_or_default().to_owned()).collect()
}

/// True for a link that leads to another file of this repository.
pub(crate) fn is_internal(target: &str) -> bool {
    !target.contains("://")
        && !target.starts_with("mailto:")
        && !target.starts_with('#')
        && !target.is_empty()
}

/// The file that a link in `from` leads to, from the workspace root.
pub(crate) fn resolve(from: &str, target: &str) -> String {
    let target = target.split('#').next().unwrap_or_default();
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let start = if target.starts_with('/') { "" } else { folder };
    let mut parts: Vec<&str> = Vec::new();
    for part in start.split('/').chain(target.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    parts.join("/")
}

#[test]
fn finds_links_and_spans() {
    assert_eq!(
        links("see [a](docs/a.md#x) and [b](https://b.example) `[c](c.md)`"),
        ["docs/a.md#x", "https://b.example"]
    );
    assert_eq!(links("[a]: docs/a.md"), ["docs/a.md"]);
    assert_eq!(code_spans("| `a.rs`, `b/c.rs` | x |"), ["a.rs", "b/c.rs"]);
    assert_eq!(prose("a\n```\nb\n```\nc"), [(1, "a"), (5, "c")]);
}

#[test]
fn resolves_like_a_browser() {
    assert_eq!(resolve("docs/decisions/README.md", "../../ARCHITECTURE.md#walls"), "ARCHITECTURE.md");
    assert_eq!(resolve("README.md", "docs/"), "docs");
    assert_eq!(resolve("README.md", "../x.md"), "../x.md");
    assert!(is_internal("docs/a.md") && !is_internal("#a") && !is_internal("https://a.example"));
}
