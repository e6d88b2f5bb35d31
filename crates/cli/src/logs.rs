//! The program's own log: one line an occurrence on standard error, as text or as JSON.
//!
//! A small subscriber of ours: no spans, no filters by module, and control characters of data written out.

#[cfg(test)]
mod tests;

use std::{
    fmt,
    io::Write as _,
    sync::atomic::{AtomicU64, Ordering},
};

use clap::ValueEnum;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

use crate::output::escape;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Format {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Threshold {
    Error,
    Warn,
    Info,
    Debug,
}

impl Threshold {
    fn level(self) -> Level {
        match self {
            Threshold::Error => Level::ERROR,
            Threshold::Warn => Level::WARN,
            Threshold::Info => Level::INFO,
            Threshold::Debug => Level::DEBUG,
        }
    }
}

/// Sends occurrences from here on to standard error. Does nothing when a log is there already.
pub(crate) fn start(format: Format, threshold: Threshold) {
    let lines = Lines { format, level: threshold.level(), spans: AtomicU64::new(1) };
    drop(tracing::subscriber::set_global_default(lines));
}

struct Lines {
    format: Format,
    level: Level,
    spans: AtomicU64,
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && *metadata.level() <= self.level
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed))
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        let time = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
        let line = line(self.format, &time, metadata.level().as_str(), metadata.target(), fields);
        // A log that cannot be written must not stop the platform.
        drop(std::io::stderr().lock().write_all(line.as_bytes()));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Fields {
    message: String,
    others: Map<String, Value>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(text)) => self.message = text,
            (name, value) => drop(self.others.insert(name.to_owned(), value)),
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, json!(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, json!(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, json!(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, json!(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, json!(value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut text = value.to_string();
        let mut source = value.source();
        while let Some(cause) = source {
            text.push_str(&format!(": {cause}"));
            source = cause.source();
        }
        self.put(field, json!(text));
    }
}

fn line(format: Format, time: &str, level: &str, target: &str, fields: Fields) -> String {
    match format {
        Format::Json => {
            let mut all = Map::new();
            all.insert("time".to_owned(), json!(time));
            all.insert("level".to_owned(), json!(level.to_lowercase()));
            all.insert("target".to_owned(), json!(target));
            all.insert("message".to_owned(), json!(escape(&fields.message)));
            all.extend(fields.others);
            format!("{}\n", Value::Object(all))
        }
        Format::Text => {
            let mut text = format!("{time} {level:5} {target}: {}", escape(&fields.message));
            for (name, value) in &fields.others {
                let value = value.as_str().map_or_else(|| value.to_string(), |text| format!("{text:?}"));
                text.push_str(&format!(" {name}={}", escape(&value)));
            }
            text.push('\n');
            text
        }
    }
}
