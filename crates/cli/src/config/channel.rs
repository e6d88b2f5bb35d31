//! One `[channels.NAME]`: where notices of that channel go, and with which secret.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, bail};
use connectors::{Channel as Built, Config, Encoding, Endpoint, IpNet, Smtp, SmtpTls, TextMessage};
use serde::Deserialize;

use super::connector::{Reference, parsed, parsed_list};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Channel {
    kind: Kind,
    /// For everything but mail.
    #[serde(default, deserialize_with = "parsed")]
    endpoint: Option<Endpoint>,
    #[serde(default, deserialize_with = "parsed_list")]
    allowed_networks: Vec<IpNet>,
    /// Certificates that may vouch for the other side, in the place of the public ones.
    #[serde(default)]
    trusted_ca: Option<PathBuf>,
    /// The password, the path of the room's webhook, the signing key, or the routing key.
    #[serde(default)]
    secret: Option<Reference>,
    /// For mail.
    #[serde(default)]
    host: Option<String>,
    #[serde(default)]
    port: Option<u16>,
    #[serde(default)]
    tls: Mode,
    #[serde(default)]
    from: Option<String>,
    #[serde(default)]
    user: Option<String>,
    /// For text messages: the fields of the request.
    #[serde(default)]
    body: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    encoding: Written,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Written {
    #[default]
    Json,
    Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Email,
    Sms,
    Slack,
    Webhook,
    Pagerduty,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    #[default]
    Starttls,
    Implicit,
    None,
}

impl Channel {
    pub(super) fn resolve(&mut self, folder: &Path) {
        if let Some(path) = &mut self.trusted_ca {
            *path = folder.join(&*path);
        }
        if let Some(Reference::File(path)) = &mut self.secret {
            *path = folder.join(&*path);
        }
    }

    pub(crate) fn build(&self, name: &str) -> anyhow::Result<Arc<Built>> {
        let built = match self.kind {
            Kind::Email => self.mail(),
            Kind::Sms | Kind::Slack | Kind::Webhook | Kind::Pagerduty => self.hook(),
        };
        built.map(Arc::new).with_context(|| format!("channel `{name}`"))
    }

    fn hook(&self) -> anyhow::Result<Built> {
        let Some(endpoint) = &self.endpoint else {
            bail!("`endpoint` is missing; write `https://host:port`")
        };
        let mut config = Config::new(endpoint.clone());
        config.allowed_networks.clone_from(&self.allowed_networks);
        config.trusted_ca_pem = self.trusted()?;
        let secret = self.secret.as_ref().context("`secret` is missing; write `file:PATH` or `env:NAME`")?;
        let secret = secret.read()?;
        Ok(match self.kind {
            Kind::Slack => Built::slack(config, secret)?,
            Kind::Webhook => Built::webhook(config, &secret)?,
            Kind::Pagerduty => Built::pagerduty(config, secret)?,
            Kind::Sms => {
                let encoding = match self.encoding {
                    Written::Json => Encoding::Json,
                    Written::Form => Encoding::Form,
                };
                let message = TextMessage::new(encoding, self.body.clone(), self.user.as_deref(), &secret)?;
                Built::text(config, message)?
            }
            Kind::Email => return self.mail(),
        })
    }

    fn trusted(&self) -> anyhow::Result<Option<String>> {
        let read = |path: &PathBuf| {
            let why = || format!("cannot read `trusted_ca` `{}`", path.display());
            fs::read_to_string(path).with_context(why)
        };
        self.trusted_ca.as_ref().map(read).transpose()
    }

    fn mail(&self) -> anyhow::Result<Built> {
        let host = self.host.clone().context("`host` is missing; name the mail server")?;
        let from = self.from.as_deref().context("`from` is missing; write an address of mail")?;
        let (tls, usual) = match self.tls {
            Mode::Starttls => (SmtpTls::Starttls, 587),
            Mode::Implicit => (SmtpTls::Implicit, 465),
            Mode::None => (SmtpTls::None, 25),
        };
        let login = match (&self.user, &self.secret) {
            (Some(user), Some(secret)) => Some((user.clone(), secret.read()?)),
            (None, None) => None,
            (Some(_), None) => bail!("`user` needs a `secret`"),
            (None, Some(_)) => bail!("`secret` needs a `user`"),
        };
        let (port, networks) = (self.port.unwrap_or(usual), self.allowed_networks.clone());
        let smtp = Smtp::new(host, port, tls, from, login, networks)?;
        Ok(Built::smtp(match self.trusted()? {
            Some(pem) => smtp.trusting(&pem)?,
            None => smtp,
        }))
    }
}
