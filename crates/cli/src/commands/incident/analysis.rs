//! `incident finding`, `impact`, `threat`, `cause` and `update`: what people made out, put on record.

use clap::{Args, Subcommand, ValueEnum};
use domain::{
    id::{EvidenceId, IncidentId},
    time::Timestamp,
};
use serde_json::{Value, json};

use super::{
    super::{
        moment::moment,
        pairs::{self, Pair},
    },
    LIST, show,
};
use crate::{
    client::{Client, named},
    output::{Output, Table, Verdict},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Finding(Finding),
    Impact(Impact),
    Threat(Threat),
    Cause(Cause),
    Update(Update),
}

impl Command {
    pub(super) fn run(&self, client: &Client, output: &Output) -> anyhow::Result<Verdict> {
        match self {
            Command::Finding(command) => command.run(client, output),
            Command::Impact(command) => command.run(client, output),
            Command::Threat(command) => command.run(client, output),
            Command::Cause(command) => command.run(client, output),
            Command::Update(command) => command.run(client, output),
        }
    }
}

/// Record what was found, with what shows it
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  ringfence incident finding INC-13 'the key was used from elsewhere' --evidence EVD-21 --entry 17"
)]
pub(crate) struct Finding {
    id: IncidentId,
    text: String,
    /// A piece of evidence of this incident; may be given more than once
    #[arg(long, value_name = "EVD")]
    evidence: Vec<EvidenceId>,
    /// A position of the journal that shows it; may be given more than once
    #[arg(long, value_name = "N")]
    entry: Vec<u64>,
}

/// Rate how badly systems, data, people, business and regulation are hurt
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  ringfence incident impact INC-13 business=high data=none --text 'transfers wait'\n\nLevels: none, low, medium, high, severe. What is left out stays as it was."
)]
pub(crate) struct Impact {
    id: IncidentId,
    /// systems, data, people, business or regulation, and a level
    #[arg(value_name = "AREA=LEVEL", required = true)]
    areas: Vec<Pair>,
    #[arg(long, value_name = "TEXT")]
    text: String,
}

/// Record who is behind it, by which techniques, and how that is recognized
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  ringfence incident threat INC-13 --technique T1078.004 --indicator address=203.0.113.9 --actor 'somebody with a stolen key'"
)]
pub(crate) struct Threat {
    id: IncidentId,
    /// Of ATT&CK (T1078, T1078.004) or ATLAS (AML.T0051); may be given more than once
    #[arg(long, value_name = "ID")]
    technique: Vec<String>,
    /// Such as address=203.0.113.9 or hash=HEX; may be given more than once
    #[arg(long, value_name = "KIND=VALUE")]
    indicator: Vec<Pair>,
    #[arg(long, value_name = "TEXT")]
    actor: Option<String>,
}

/// Record why it happened, or write it anew
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  ringfence incident cause INC-13 'the key stood in a repository' --method five-whys --measure 'scan before each push'"
)]
pub(crate) struct Cause {
    id: IncidentId,
    text: String,
    /// How it was found
    #[arg(long, value_enum)]
    method: Method,
    /// What is done so that it does not come again; may be given more than once
    #[arg(long, value_name = "TEXT")]
    measure: Vec<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Method {
    FiveWhys,
    Fishbone,
    Timeline,
    FaultTree,
    Other,
}

/// Say how it stands; whoever is concerned hears at once
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  ringfence incident update INC-13 'the new key is in place' --eta 2026-01-31T14:00:00Z"
)]
pub(crate) struct Update {
    id: IncidentId,
    text: String,
    /// When it is expected to end; what was said before stands if left out
    #[arg(long, value_name = "TIME", value_parser = moment)]
    eta: Option<Timestamp>,
}

fn send(
    client: &Client,
    output: &Output,
    id: IncidentId,
    verb: &str,
    body: &Value,
    line: &str,
) -> anyhow::Result<Verdict> {
    Ok(show::done(output, &client.post(&format!("{LIST}/{id}/{verb}"), body)?, line))
}

impl Finding {
    fn run(&self, client: &Client, output: &Output) -> anyhow::Result<Verdict> {
        let evidence: Vec<String> = self.evidence.iter().map(ToString::to_string).collect();
        let body = json!({ "text": self.text, "evidence": evidence, "entries": self.entry });
        send(client, output, self.id, "analysis/finding", &body, &format!("{} has a finding more", self.id))
    }
}

impl Impact {
    fn run(&self, client: &Client, output: &Output) -> anyhow::Result<Verdict> {
        let body = json!({ "areas": pairs::object(&self.areas), "text": self.text });
        send(client, output, self.id, "analysis/impact", &body, &format!("{} has its impact", self.id))
    }
}

impl Threat {
    fn run(&self, client: &Client, output: &Output) -> anyhow::Result<Verdict> {
        let indicators = self.indicator.iter().map(|one| json!({ "kind": one.name, "value": one.value }));
        let indicators: Vec<Value> = indicators.collect();
        let body = json!({ "techniques": self.technique, "indicators": indicators, "actor": self.actor });
        send(client, output, self.id, "analysis/threat", &body, &format!("{} has a profile", self.id))
    }
}

impl Cause {
    fn run(&self, client: &Client, output: &Output) -> anyhow::Result<Verdict> {
        let body = json!({ "text": self.text, "method": named(self.method), "measures": self.measure });
        send(client, output, self.id, "analysis/cause", &body, &format!("{} has its cause", self.id))
    }
}

impl Update {
    fn run(&self, client: &Client, output: &Output) -> anyhow::Result<Verdict> {
        let body = json!({ "text": self.text, "eta": self.eta.map(|eta| eta.to_string()) });
        send(
            client,
            output,
            self.id,
            "update",
            &body,
            &format!("whoever is concerned by {} hears of it", self.id),
        )
    }
}

/// What is on record, on the page of the incident.
pub(super) fn shown(incident: &Value, output: &Output) {
    let Some(known) = incident.get("analysis") else { return };
    let areas = known["impact"].as_object().into_iter().flatten();
    let areas: Vec<_> = areas.collect();
    let findings = show::items(known, "findings");
    let empty = areas.is_empty() && findings.is_empty();
    if empty && ["eta", "cause", "threat"].iter().all(|name| known[*name].is_null()) {
        return;
    }
    show::heading(output, "analysis");
    let indicators = show::items(&known["threat"], "indicators").iter();
    let indicators =
        indicators.map(|one| format!("{} {}", show::text(one, "kind"), show::text(one, "value")));
    show::fields(
        output,
        &[
            ("expected end", show::time(known, "eta")),
            ("cause", show::text(known, "cause.text")),
            ("method", show::text(known, "cause.method")),
            ("prevention", show::text(known, "cause.measures")),
            ("behind it", show::text(known, "threat.actor")),
            ("techniques", show::text(known, "threat.techniques")),
            ("indicators", indicators.collect::<Vec<_>>().join(", ")),
        ],
    );
    if !areas.is_empty() {
        let mut table = Table::new(&["impact on", "level", "by", "~because"]);
        for (area, rated) in areas {
            let of = |name| show::text(rated, name);
            table.row(vec![area.clone(), of("level"), of("by"), of("text")]);
        }
        table.print(output);
    }
    if !findings.is_empty() {
        let mut table = Table::new(&["found", "by", "evidence", "entries", "+finding"]);
        for one in findings {
            let of = |name| show::text(one, name);
            table.row(vec![show::short_time(one, "at"), of("by"), of("evidence"), of("entries"), of("text")]);
        }
        table.print(output);
    }
}
