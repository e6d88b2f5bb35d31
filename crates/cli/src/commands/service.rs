//! `service`: what people use, what it needs, and how it stands.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::show;
use crate::{
    args::Global,
    client::encode,
    output::{Output, Table, Verdict},
    session,
};

const LIST: &str = "/api/v1/services";
const SERVICES_MAX: usize = 1_000;

/// See the services that incidents hurt and that are brought back
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    List(List),
    Show(Show),
}

/// List services in the order in which they are brought back
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence service list")]
pub(crate) struct List {}

/// Show one service: what it is made of, what it needs, and its checks
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence service show ledger")]
pub(crate) struct Show {
    name: String,
}

impl Command {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
        let client = session::client(global)?;
        match self {
            Command::List(List {}) => {
                let services = client.list(LIST, SERVICES_MAX)?;
                let columns = ["service", "group", "health", "as of", "owner", "needs", "~summary"];
                Ok(show::list(output, services, &columns, "no service is declared", |service| {
                    vec![
                        show::text(service, "name"),
                        show::text(service, "group"),
                        show::text(service, "health"),
                        show::age(service, "health_at"),
                        show::text(service, "owner"),
                        show::text(service, "depends_on"),
                        show::text(service, "summary"),
                    ]
                }))
            }
            Command::Show(Show { name }) => {
                Ok(one(&client.get(&format!("{LIST}/{}", encode(name)))?, output))
            }
        }
    }
}

fn one(service: &Value, output: &Output) -> Verdict {
    if output.json {
        output.json(service);
        return Verdict::Done;
    }
    show::fields(
        output,
        &[
            ("service", show::text(service, "name")),
            ("summary", show::text(service, "summary")),
            ("health", show::text(service, "health")),
            ("as of", show::time(service, "health_at")),
            ("said", show::text(service, "health_said")),
            ("group", show::text(service, "group")),
            ("owner", show::text(service, "owner")),
            ("needs", show::text(service, "depends_on")),
            ("needed by", show::text(service, "needed_by")),
            ("targets", show::text(service, "targets")),
            ("restore within", show::text(service, "restore_within")),
            ("probes fresh for", show::text(service, "fresh_for")),
        ],
    );
    show::heading(output, "checks");
    let mut table = Table::new(&["check", "part", "of", "action", "~targets"]);
    for check in show::items(service, "checks") {
        table.row(vec![
            show::text(check, "id"),
            show::text(check, "part"),
            show::text(check, "verifies"),
            show::text(check, "action"),
            show::text(check, "targets"),
        ]);
    }
    table.print(output);
    Verdict::Done
}
