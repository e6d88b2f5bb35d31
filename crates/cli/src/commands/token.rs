//! `token`: what people and machines show to be let in. The text of a token is shown once, when it is made.

use clap::{ArgGroup, Args, Subcommand};
use domain::{id::TokenId, time::Span};
use serde_json::json;

use super::{show, user};
use crate::{
    args::Global,
    output::{Output, Verdict, escape},
    session,
};

const LIST: &str = "/api/v1/tokens";

/// Make, list and revoke tokens
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Create(Create),
    List(List),
    Revoke(Revoke),
}

/// Make a token for a person, a machine that sends alerts, or a form that reports; it is shown once
#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("holder").required(true).args(["person", "source", "form", "outside"])),
    after_help = "Example:\n  ringfence token create --source prometheus --label 'prometheus in rack 4'\n  \
                  ringfence token create --person maria --for 90d\n  ringfence token create --form intranet"
)]
pub(crate) struct Create {
    /// Name or id of a person
    #[arg(long)]
    person: Option<String>,
    /// Name of a machine source; it may send alerts and nothing else
    #[arg(long)]
    source: Option<String>,
    /// All that the source sends is for practice: incidents of their own, which nobody outside hears of
    #[arg(long, requires = "source")]
    drill: bool,
    /// Name of a form of ours; it may report what its users saw and nothing else
    #[arg(long)]
    form: Option<String>,
    /// Name of the page where people outside report; it may report and nothing else
    #[arg(long)]
    outside: Option<String>,
    #[arg(long, value_name = "TEXT", default_value = "")]
    label: String,
    /// It ends by itself after this time, such as 90d
    #[arg(long = "for", value_name = "TIME")]
    lasts: Option<Span>,
}

/// List tokens, without their text
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence token list")]
pub(crate) struct List {
    /// Those that were revoked, too
    #[arg(long)]
    all: bool,
}

/// End a token at once
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence token revoke TOK-4")]
pub(crate) struct Revoke {
    id: TokenId,
}

impl Command {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
        match self {
            Command::Create(command) => create(command, global, output),
            Command::List(command) => list(command, global, output),
            Command::Revoke(Revoke { id }) => {
                let answer = session::client(global)?.post(&format!("{LIST}/{id}/revoke"), &json!({}))?;
                Ok(show::done(output, &answer, &format!("{id} is revoked")))
            }
        }
    }
}

fn create(command: &Create, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
    let client = session::client(global)?;
    let mut body = json!({ "label": command.label });
    if let Some(person) = &command.person {
        body["person"] = json!(user::resolve(&client, person)?);
    }
    for (kind, name) in [("source", &command.source), ("form", &command.form), ("outside", &command.outside)]
    {
        if let Some(name) = name {
            body[kind] = json!(name);
        }
    }
    if command.drill {
        body["drill"] = json!(true);
    }
    if let Some(span) = command.lasts {
        body["expires_at"] = json!(jiff::Timestamp::now().checked_add(span.as_std())?.to_string());
    }
    let answer = client.post(LIST, &body)?;
    if output.json {
        output.json(&answer);
        return Ok(Verdict::Done);
    }
    output.remark(format!("{}: keep this, it is not shown again", escape(&show::text(&answer, "id"))));
    output.line(escape(&show::text(&answer, "token")));
    Ok(Verdict::Done)
}

fn list(command: &List, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
    let mut tokens = session::client(global)?.whole(LIST)?;
    tokens.retain(|token| command.all || show::text(token, "revoked") != "yes");
    let columns = ["id", "holder", "revoked", "expires (UTC)", "created (UTC)", "~label"];
    Ok(show::list(output, tokens, &columns, "there is no token", |token| {
        vec![
            show::text(token, "id"),
            show::first(token, &["person", "source", "form", "outside"]),
            show::text(token, "revoked"),
            show::time(token, "expires_at"),
            show::time(token, "created_at"),
            show::text(token, "label"),
        ]
    }))
}
