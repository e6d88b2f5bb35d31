//! The three ways in which a source proves itself, from the side of the sender.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Standard,
    Hmac,
    Token,
}

impl Kind {
    pub(crate) const ALL: [Kind; 3] = [Kind::Standard, Kind::Hmac, Kind::Token];

    pub(crate) fn source(self, mapping: &str) -> String {
        let kind = match self {
            Kind::Standard => "standard",
            Kind::Hmac => "hmac",
            Kind::Token => "token",
        };
        format!("{mapping}-{kind}")
    }

    pub(crate) fn configured(self) -> &'static str {
        match self {
            Kind::Standard => "standard-webhooks",
            Kind::Hmac => "hmac-sha256-header: x-signature",
            Kind::Token => "token-header: x-source-token",
        }
    }

    pub(crate) fn secret(self, mapping: &str) -> String {
        let text = format!("the secret of the source {mapping}");
        match self {
            Kind::Standard => format!("whsec_{}", STANDARD.encode(text)),
            Kind::Hmac | Kind::Token => text,
        }
    }
}

/// A delivery as its sender signs it.
#[derive(Clone)]
pub(crate) struct Sent {
    pub(crate) kind: Kind,
    pub(crate) secret: String,
    pub(crate) id: String,
    /// Unix time in seconds.
    pub(crate) at: i64,
    pub(crate) body: String,
}

impl Sent {
    pub(crate) fn now(mapping: &str, kind: Kind, body: &str) -> Sent {
        let (secret, at) = (kind.secret(mapping), jiff::Timestamp::now().as_second());
        Sent { kind, secret, id: "msg_1".to_owned(), at, body: body.to_owned() }
    }
}

/// The proof; its last header is the one that matters.
pub(crate) fn headers(sent: &Sent) -> Vec<(&'static str, String)> {
    let mac = |key: &[u8], text: &str| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        mac.update(text.as_bytes());
        mac.finalize().into_bytes()
    };
    match sent.kind {
        Kind::Standard => {
            let key = STANDARD.decode(&sent.secret["whsec_".len()..]).unwrap();
            let signed = mac(&key, &format!("{}.{}.{}", sent.id, sent.at, sent.body));
            vec![
                ("webhook-id", sent.id.clone()),
                ("webhook-timestamp", sent.at.to_string()),
                ("webhook-signature", format!("v1,{}", STANDARD.encode(signed))),
            ]
        }
        Kind::Hmac => {
            let hex: String =
                mac(sent.secret.as_bytes(), &sent.body).iter().map(|byte| format!("{byte:02x}")).collect();
            vec![("x-signature", format!("sha256={hex}"))]
        }
        Kind::Token => vec![("x-source-token", sent.secret.clone())],
    }
}

/// What of the proof must not be found again.
pub(crate) fn delivered(sent: &Sent) -> String {
    headers(sent).pop().unwrap().1
}
