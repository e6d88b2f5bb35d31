//! Channels: one notice goes out, and what is known of it comes back. Mail goes by SMTP; rooms, pagers and webhooks
//! go by the client that every connector uses, under the same rules about which networks may be reached.

mod http;
mod smtp;
mod text;

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use domain::{
    id::NoticeId,
    notice::{Message, Outcome, Reason},
    time::Timestamp,
};

pub use smtp::{Smtp, SmtpTls};
pub use text::{Encoding, TextMessage};

use self::http::Hook;
use crate::{
    client::{Config, system_resolver},
    error::Error,
    secret::Secret,
};

/// One sending of one notice over one channel.
#[derive(Debug, Clone)]
pub struct Delivery {
    pub notice: NoticeId,
    pub attempt: u32,
    /// The life of the process that sends it.
    pub epoch: u64,
    pub channel: String,
    /// Empty where the channel itself is the address.
    pub address: String,
    /// The same for every attempt of this notice.
    pub dedup_id: String,
    /// The same for every notice of one incident, and never used for another.
    pub incident: String,
    pub reason: Reason,
    pub message: Message,
    pub at: Timestamp,
    pub timeout: Duration,
}

/// A configured way to reach people.
pub struct Channel(Kind);

enum Kind {
    Smtp(Box<Smtp>),
    /// With the path that is the room's secret.
    Slack(Hook, Secret),
    /// With the key that signs.
    Webhook(Hook, Box<[u8]>),
    /// With the routing key.
    Pagerduty(Hook, Secret),
    Text(Hook, TextMessage),
}

impl Channel {
    pub fn smtp(smtp: Smtp) -> Channel {
        Channel(Kind::Smtp(Box::new(smtp)))
    }

    /// A room that takes incoming webhooks as Slack has them; `path` is the secret part of the address.
    ///
    /// # Errors
    /// [`Error::Config`] says which part of the configuration cannot be used.
    pub fn slack(config: Config, path: Secret) -> Result<Channel, Error> {
        if !path.expose().starts_with('/') {
            return Err(Error::Config(
                "the secret must be the path of the webhook and start with `/`".to_owned(),
            ));
        }
        Ok(Channel(Kind::Slack(Hook::new(config, system_resolver())?, path)))
    }

    /// A webhook signed by Standard Webhooks; the secret is `whsec_` and base64.
    ///
    /// # Errors
    /// As for [`Channel::slack`].
    pub fn webhook(config: Config, secret: &Secret) -> Result<Channel, Error> {
        let text = secret.expose().strip_prefix("whsec_").unwrap_or(secret.expose());
        let key = BASE64_STANDARD.decode(text).ok().filter(|key| (24..=64).contains(&key.len()));
        let wrong = || Error::Config("the secret must be `whsec_` and 24 to 64 bytes in base64".to_owned());
        let key = key.ok_or_else(wrong)?;
        Ok(Channel(Kind::Webhook(Hook::new(config, system_resolver())?, key.into())))
    }

    /// The events API of PagerDuty, version 2.
    ///
    /// # Errors
    /// As for [`Channel::slack`].
    pub fn pagerduty(config: Config, routing_key: Secret) -> Result<Channel, Error> {
        Ok(Channel(Kind::Pagerduty(Hook::new(config, system_resolver())?, routing_key)))
    }

    /// Any provider of text messages that takes one by a POST.
    ///
    /// # Errors
    /// As for [`Channel::slack`].
    pub fn text(config: Config, message: TextMessage) -> Result<Channel, Error> {
        Ok(Channel(Kind::Text(Hook::new(config, system_resolver())?, message)))
    }

    /// Sends the notice once, without retries. Dropping the future leaves the outcome unknown.
    pub async fn deliver(&self, delivery: &Delivery) -> Outcome {
        match &self.0 {
            Kind::Smtp(smtp) => smtp.deliver(delivery).await,
            Kind::Slack(hook, path) => hook.slack(delivery, path).await,
            Kind::Webhook(hook, key) => hook.webhook(delivery, key).await,
            Kind::Pagerduty(hook, key) => hook.pagerduty(delivery, key).await,
            Kind::Text(hook, message) => message.send(hook, delivery).await,
        }
    }
}
