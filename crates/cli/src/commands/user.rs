//! `user`: the people who may use this Ringfence, and what each may do.

use anyhow::anyhow;
use clap::{Args, Subcommand};
use domain::{access::Role, id::PersonId};
use serde_json::json;

use super::show;
use crate::{
    args::Global,
    client::Client,
    output::{Output, Verdict},
    session,
};

const LIST: &str = "/api/v1/people";

/// Add people, change what they may do
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    List(List),
    Add(Add),
    Role(SetRole),
    Disable(Disable),
}

/// List people
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence user list")]
pub(crate) struct List {}

/// Add a person; a token is made for them with `token create`
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence user add maria --role responder")]
pub(crate) struct Add {
    name: String,
    /// viewer, responder, commander or admin
    #[arg(long, default_value = "responder")]
    role: Role,
}

/// Change a person's role
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence user role maria commander")]
pub(crate) struct SetRole {
    /// Name or id
    person: String,
    role: Role,
}

/// End a person's access at once; their tokens stop working
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence user disable maria")]
pub(crate) struct Disable {
    /// Name or id
    person: String,
}

impl Command {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
        let client = session::client(global)?;
        match self {
            Command::List(List {}) => {
                let people = client.whole(LIST)?;
                let columns = ["id", "~name", "role", "disabled", "added (UTC)"];
                Ok(show::list(output, people, &columns, "there is nobody", |person| {
                    vec![
                        show::text(person, "id"),
                        show::text(person, "name"),
                        show::text(person, "role"),
                        show::text(person, "disabled"),
                        show::time(person, "added_at"),
                    ]
                }))
            }
            Command::Add(Add { name, role }) => {
                let answer = client.post(LIST, &json!({ "name": name, "role": role.name() }))?;
                let line = format!(
                    "{name} is {}; give them a token with `ringfence token create --person {name}`",
                    show::text(&answer, "id")
                );
                Ok(show::done(output, &answer, &line))
            }
            Command::Role(SetRole { person, role }) => {
                let id = resolve(&client, person)?;
                let answer = client.post(&format!("{LIST}/{id}/role"), &json!({ "role": role.name() }))?;
                Ok(show::done(output, &answer, &format!("{person} is {} now", role.name())))
            }
            Command::Disable(Disable { person }) => {
                let id = resolve(&client, person)?;
                let answer = client.post(&format!("{LIST}/{id}/disable"), &json!({}))?;
                Ok(show::done(output, &answer, &format!("{person} has no access any more")))
            }
        }
    }
}

/// The id of a person, given by id or by name.
pub(crate) fn resolve(client: &Client, person: &str) -> anyhow::Result<String> {
    if person.parse::<PersonId>().is_ok() {
        return Ok(person.to_owned());
    }
    let people = client.whole(LIST)?;
    let found = people.iter().find(|found| show::text(found, "name") == person);
    found.map(|found| show::text(found, "id")).ok_or_else(|| {
        anyhow!(
            "there is no person `{person}`; see `ringfence user list`, or add them with `ringfence user add`"
        )
    })
}
