//! The API proper, one file a path.

mod alerts;
mod approvals;
mod cloudevents;
mod containments;
mod content;
mod control;
mod duties;
mod emergency;
mod evidence;
mod figures;
mod incidents;
mod log;
mod notices;
mod people;
mod queue;
mod records;
mod recovery;
mod reports;
mod reviews;
mod runs;
mod services;
mod silences;
mod sources;
mod stream;
mod tasks;
mod why;
