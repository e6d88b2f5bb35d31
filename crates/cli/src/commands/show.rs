//! Showing what a server answered: fields by path, times, lists as tables, and one line for a change.

use domain::time::Timestamp;
use serde_json::{Value, json};

use crate::output::{Output, Table, Verdict, WIDTH, escape, wrap};

/// What lists show when nobody says how many.
pub(crate) const LIMIT: usize = 50;

/// The field at a path such as `acknowledged.by` as text; empty where there is none.
pub(crate) fn text(value: &Value, path: &str) -> String {
    plain(path.split('.').try_fold(value, |value, name| value.get(name)).unwrap_or(&Value::Null))
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| format!("{name}={}", plain(value)))
            .collect::<Vec<_>>()
            .join(" "),
    }
}

/// The first of several names under which a field may stand.
pub(crate) fn first(value: &Value, paths: &[&str]) -> String {
    paths.iter().map(|path| text(value, path)).find(|text| !text.is_empty()).unwrap_or_default()
}

/// A time as date and time of day in UTC to the second; whatever else stands there is shown as it is.
pub(crate) fn time(value: &Value, path: &str) -> String {
    let text = text(value, path);
    match text.parse::<Timestamp>() {
        Ok(at) => at.to_jiff().strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => text,
    }
}

/// A time for tables: month, day and time of day in UTC.
pub(crate) fn short_time(value: &Value, path: &str) -> String {
    let text = text(value, path);
    match text.parse::<Timestamp>() {
        Ok(at) => at.to_jiff().strftime("%m-%d %H:%M").to_string(),
        Err(_) => text,
    }
}

/// How long ago a time was, for tables.
pub(crate) fn age(value: &Value, path: &str) -> String {
    let Ok(at) = text(value, path).parse::<Timestamp>() else { return text(value, path) };
    let span = Timestamp::from_jiff(jiff::Timestamp::now()).since(at);
    let seconds = span.0 / 1_000_000;
    match seconds {
        0..=119 => format!("{seconds}s"),
        120..=7_199 => format!("{}m", seconds / 60),
        7_200..=172_799 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A list: JSON as it came, or a table, or a sentence when there is nothing.
pub(crate) fn list(
    output: &Output,
    items: Vec<Value>,
    columns: &[&'static str],
    nothing: &str,
    row: impl Fn(&Value) -> Vec<String>,
) -> Verdict {
    if output.json {
        output.json(&json!({ "items": items }));
        return Verdict::Done;
    }
    let mut table = Table::new(columns);
    for item in &items {
        table.row(row(item));
    }
    if table.is_empty() {
        output.line(nothing);
    } else {
        table.print(output);
    }
    Verdict::Done
}

/// What a change came to: JSON as it came, or one line of ours.
pub(crate) fn done(output: &Output, answer: &Value, line: &str) -> Verdict {
    if output.json {
        output.json(answer);
    } else {
        output.line(escape(line));
    }
    Verdict::Done
}

/// Name and value in two columns; empty values are left out.
pub(crate) fn fields(output: &Output, fields: &[(&str, String)]) {
    let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        for (index, line) in wrap(&escape(value), WIDTH - width - 2).iter().enumerate() {
            let name = if index == 0 { name } else { "" };
            output.line(format!("{name:width$}  {}", output.shade(line)));
        }
    }
}

/// A heading over the next part of a page.
pub(crate) fn heading(output: &Output, text: &str) {
    output.line("");
    output.line(output.paint(crate::output::Colour::Bold, text));
}

/// The items of a list within an answer.
pub(crate) fn items<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Kind and name of each target.
pub(crate) fn targets(value: &Value) -> String {
    items(value, "targets")
        .iter()
        .map(|target| match target {
            Value::Object(_) => format!("{} {}", text(target, "kind"), text(target, "name")),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                plain(target)
            }
        })
        .collect::<Vec<_>>()
        .join(", ")
}
