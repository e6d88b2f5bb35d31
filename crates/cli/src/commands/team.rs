//! `team`: who there is, who holds which role, and who is called in which order.

use clap::Args;
use serde_json::Value;

use super::show;
use crate::{
    args::Global,
    output::{Output, Table, Verdict},
    session,
};

/// Show contacts, roles and the levels of escalation
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence team")]
pub(crate) struct Team {}

impl Team {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
        let team = session::client(global)?.get("/api/v1/team")?;
        if output.json {
            output.json(&team);
            return Ok(Verdict::Done);
        }
        show::heading(output, "contacts");
        let mut table = Table::new(&["name", "~mail", "phone", "~roles"]);
        for contact in show::items(&team, "contacts") {
            let plain = |name: &str| show::text(contact, name);
            table.row(vec![plain("name"), plain("mail"), plain("phone"), words(contact, "roles")]);
        }
        table.print(output);
        show::heading(output, "vacant roles");
        for role in show::items(&team, "roles").iter().filter(|role| words(role, "holders").is_empty()) {
            output.line(format!("  {}", crate::output::escape(&show::text(role, "name"))));
        }
        show::heading(output, "levels of escalation");
        let mut table = Table::new(&["level", "acknowledge", "~title", "~contacts"]);
        for level in show::items(&team, "levels") {
            let plain = |name: &str| show::text(level, name);
            table.row(vec![plain("level"), plain("acknowledge"), plain("title"), words(level, "contacts")]);
        }
        table.print(output);
        Ok(Verdict::Done)
    }
}

fn words(value: &Value, name: &str) -> String {
    let words = value[name].as_array().into_iter().flatten();
    words.filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
}
