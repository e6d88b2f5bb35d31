//! The commands that ask a running server, and the small ones that need none. One module a word; each holds its
//! arguments and what it prints.

pub(crate) mod alert;
pub(crate) mod approval;
pub(crate) mod backup;
pub(crate) mod check;
pub(crate) mod containment;
pub(crate) mod control;
pub(crate) mod duty;
pub(crate) mod estate;
pub(crate) mod evidence;
pub(crate) mod exercise;
pub(crate) mod incident;
pub(crate) mod init;
pub(crate) mod log;
pub(crate) mod moment;
pub(crate) mod notice;
pub(crate) mod pairs;
pub(crate) mod playbook;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod service;
pub(crate) mod show;
pub(crate) mod silence;
pub(crate) mod statement;
pub(crate) mod task;
pub(crate) mod team;
pub(crate) mod token;
pub(crate) mod user;
pub(crate) mod why;
