//! Mail by SMTP. The name is resolved here and the address judged before anything connects; TLS checks the name.

use std::net::IpAddr;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use domain::notice::Outcome;
use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, CertificateStore, Tls, TlsParameters},
    },
};

use super::Delivery;
use crate::{
    client::{Resolve, system_resolver},
    error::Error,
    network::{IpNet, Networks},
    secret::Secret,
};

/// How the connection is kept private.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpTls {
    /// From the first byte.
    Implicit,
    /// By `STARTTLS`, without which nothing is sent.
    Starttls,
    /// Not at all: only to loopback addresses.
    None,
}

/// A mail server, and who the mail is from.
pub struct Smtp {
    host: String,
    port: u16,
    tls: SmtpTls,
    from: Mailbox,
    login: Option<(String, Secret)>,
    networks: Networks,
    resolve: Resolve,
    /// Who may vouch for the server, in the place of the public authorities.
    trusted: Option<Certificate>,
}

impl Smtp {
    /// # Errors
    /// [`Error::Config`] when `from` is not an address of mail.
    pub fn new(
        host: String,
        port: u16,
        tls: SmtpTls,
        from: &str,
        login: Option<(String, Secret)>,
        allowed_networks: Vec<IpNet>,
    ) -> Result<Smtp, Error> {
        let wrong = |_| Error::Config(format!("`from`: `{from}` is not an address of mail"));
        let from = from.parse().map_err(wrong)?;
        let (networks, resolve) = (Networks::new(allowed_networks), system_resolver());
        Ok(Smtp { host, port, tls, from, login, networks, resolve, trusted: None })
    }

    /// Trusts this certificate in PEM and no public authority.
    ///
    /// # Errors
    /// [`Error::Config`] when it holds no certificate.
    pub fn trusting(mut self, pem: &str) -> Result<Smtp, Error> {
        let wrong = |error| Error::Config(format!("`trusted_ca` cannot be used: {error}"));
        self.trusted = Some(Certificate::from_pem(pem.as_bytes()).map_err(wrong)?);
        if !pem.contains("BEGIN CERTIFICATE") {
            return Err(Error::Config("`trusted_ca` holds no certificate in PEM".to_owned()));
        }
        Ok(self)
    }

    pub(super) async fn deliver(&self, delivery: &Delivery) -> Outcome {
        let message = match self.message(delivery) {
            Ok(message) => message,
            Err(reason) => return Outcome::Refused { reason, retry: false },
        };
        let address = match self.address().await {
            Ok(address) => address,
            Err(reason) => return Outcome::Refused { reason, retry: true },
        };
        let transport = match self.transport(address, delivery) {
            Ok(transport) => transport,
            Err(reason) => return Outcome::Refused { reason, retry: false },
        };
        match transport.send(message).await {
            Ok(response) => {
                let said = response.message().collect::<Vec<_>>().join(" ");
                Outcome::Delivered { receipt: self.redact(&format!("{} {said}", response.code())) }
            }
            Err(error) if error.is_transient() || error.is_permanent() => {
                Outcome::Refused { retry: error.is_transient(), reason: self.redact(&error.to_string()) }
            }
            Err(error) => {
                let cause = std::error::Error::source(&error).map_or_else(String::new, |c| format!(": {c}"));
                Outcome::Unknown { reason: self.redact(&format!("{error}{cause}")) }
            }
        }
    }

    /// Headers are built from checked values, so no text begins a header of its own.
    fn message(&self, delivery: &Delivery) -> Result<Message, String> {
        let to: Mailbox =
            delivery.address.parse().map_err(|_| "the recipient has no usable address of mail".to_owned())?;
        let subject: String =
            delivery.message.subject.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(subject)
            .message_id(Some(format!("<{}@ringfence>", delivery.dedup_id)))
            .header(ContentType::TEXT_PLAIN)
            .body(delivery.message.text.to_string())
            .map_err(|error| format!("the mail cannot be written: {error}"))
    }

    async fn address(&self) -> Result<IpAddr, String> {
        let found = (self.resolve)(self.host.clone(), self.port).await;
        let found = found.map_err(|error| format!("`{}` cannot be resolved: {error}", self.host))?;
        let mut why = format!("`{}` has no address", self.host);
        for address in found.into_iter().map(|address| address.ip()) {
            match self.networks.check(address) {
                Ok(()) if self.tls == SmtpTls::None && !address.is_loopback() => {
                    why = format!("mail to {address} needs TLS; without it only loopback is reached");
                }
                Ok(()) => return Ok(address),
                Err(reason) => why = reason,
            }
        }
        Err(why)
    }

    fn transport(
        &self,
        address: IpAddr,
        delivery: &Delivery,
    ) -> Result<AsyncSmtpTransport<Tokio1Executor>, String> {
        let parameters = || {
            let builder = TlsParameters::builder(self.host.clone());
            let builder = match &self.trusted {
                Some(trusted) => {
                    builder.certificate_store(CertificateStore::None).add_root_certificate(trusted.clone())
                }
                None => builder,
            };
            builder.build().map_err(|error| format!("TLS: {error}"))
        };
        let tls = match self.tls {
            SmtpTls::Implicit => Tls::Wrapper(parameters()?),
            SmtpTls::Starttls => Tls::Required(parameters()?),
            SmtpTls::None => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(address.to_string())
            .port(self.port)
            .tls(tls)
            .timeout(Some(delivery.timeout));
        if let Some((user, password)) = &self.login {
            builder = builder.credentials(Credentials::new(user.clone(), password.expose().to_owned()));
        }
        Ok(builder.build())
    }

    /// What a server said, without the password: servers repeat what they did not take, also as it was encoded.
    fn redact(&self, text: &str) -> String {
        let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
        let Some((user, password)) = &self.login else { return plain };
        let password = password.expose();
        let encoded = [format!("\0{user}\0{password}"), password.to_owned()];
        let hidden = encoded.iter().fold(plain, |text, sent| {
            let sent = BASE64_STANDARD.encode(sent);
            text.replace(&sent, "***").replace(sent.trim_end_matches('='), "***")
        });
        hidden.replace(password, "***")
    }
}
