//! What is wrong with a TOML text, with line, column and the key that was probably meant.

use domain::document::nearest;

/// `line:column: message`.
pub(crate) fn problem(text: &str, error: &toml::de::Error) -> String {
    let at = error.span().map_or(0, |span| span.start.min(text.len()));
    let before = text.get(..at).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!("{line}:{column}: {}", sentence(error.message()))
}

/// The message on one line; where it lists the keys that are known, the nearest one.
fn sentence(message: &str) -> String {
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut names = message.split('`').skip(1).step_by(2);
    let unknown = ["unknown field", "unknown variant"].iter().any(|start| message.starts_with(start));
    let found = names.next().filter(|_| unknown).and_then(|name| nearest(name, names));
    match found {
        Some(meant) => {
            let what = message.split(", expected").next().unwrap_or(&message);
            format!("{what}; did you mean `{meant}`?")
        }
        None => message.clone(),
    }
}
