//! One line an occurrence, whatever the data holds.

use serde_json::{Value, json};

use super::{Fields, Format, line};

fn fields() -> Fields {
    let others = [("peer".to_owned(), json!("a\nb\u{1b}[0m")), ("size".to_owned(), json!(3))];
    Fields { message: "took\na request".to_owned(), others: others.into_iter().collect() }
}

#[test]
fn text_is_one_line_without_control_characters() {
    let text = line(Format::Text, "T", "INFO", "server", fields());
    assert_eq!(text, "T INFO  server: took\\na request peer=\"a\\nb\\u{1b}[0m\" size=3\n");
}

#[test]
fn json_is_one_line_and_reads_back() {
    let text = line(Format::Json, "T", "WARN", "server", fields());
    assert_eq!(text.matches('\n').count(), 1);
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["level"], "warn");
    assert_eq!(value["size"], 3);
}
