//! Text messages by the HTTP interface of any provider: fields of the request are templates over the notice.

use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use domain::notice::Outcome;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};

use super::{
    Delivery,
    http::{Hook, refused},
};
use crate::{error::Error, secret::Secret};

/// What one message may hold: ten parts of a long text message.
const TEXT_CHARS_MAX: usize = 1_530;
const FIELDS_MAX: usize = 32;
const NAMES: [&str; 4] = ["to", "text", "id", "incident"];

/// How the fields are written into the body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Encoding {
    #[default]
    Json,
    Form,
}

/// The request that sends one text message.
pub struct TextMessage {
    encoding: Encoding,
    fields: BTreeMap<String, String>,
    authorization: HeaderValue,
}

impl TextMessage {
    /// `fields` may name `{to}`, `{text}`, `{id}` and `{incident}`. With a `user` the secret is its password,
    /// otherwise a bearer token.
    ///
    /// # Errors
    /// [`Error::Config`] says what cannot be sent.
    pub fn new(
        encoding: Encoding,
        fields: BTreeMap<String, String>,
        user: Option<&str>,
        secret: &Secret,
    ) -> Result<TextMessage, Error> {
        for (name, text) in &fields {
            pieces(text).map_err(|wrong| Error::Config(format!("`body.{name}`: {wrong}")))?;
        }
        let named = |name: &str| fields.values().any(|text| text.contains(&format!("{{{name}}}")));
        if fields.len() > FIELDS_MAX || !named("to") || !named("text") {
            let why = format!("`body` needs at most {FIELDS_MAX} fields, among them `{{to}}` and `{{text}}`");
            return Err(Error::Config(why));
        }
        let value = match user {
            Some(user) => {
                format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{}", secret.expose())))
            }
            None => format!("Bearer {}", secret.expose()),
        };
        let wrong = |_| Error::Config("the secret cannot stand in a header".to_owned());
        let mut authorization = HeaderValue::from_str(&value).map_err(wrong)?;
        authorization.set_sensitive(true);
        Ok(TextMessage { encoding, fields, authorization })
    }

    pub(super) async fn send(&self, hook: &Hook, delivery: &Delivery) -> Outcome {
        let digits = delivery.address.chars().filter(char::is_ascii_digit).count();
        let plain = |c: char| c.is_ascii_digit() || "+-() ".contains(c);
        if !delivery.address.chars().all(plain) || !(3..=20).contains(&digits) {
            return refused("the recipient has no usable number");
        }
        let kind = match self.encoding {
            Encoding::Json => "application/json",
            Encoding::Form => "application/x-www-form-urlencoded",
        };
        let headers: Vec<(HeaderName, HeaderValue)> = vec![
            (AUTHORIZATION, self.authorization.clone()),
            (CONTENT_TYPE, HeaderValue::from_static(kind)),
            (
                HeaderName::from_static("idempotency-key"),
                match HeaderValue::from_str(&delivery.dedup_id) {
                    Ok(value) => value,
                    Err(_) => return refused("a header cannot be sent"),
                },
            ),
        ];
        hook.post_text("", headers, self.body(delivery), delivery).await
    }

    fn body(&self, delivery: &Delivery) -> String {
        let filled = self.fields.iter().map(|(name, text)| (name.as_str(), fill(text, delivery)));
        match self.encoding {
            Encoding::Json => {
                let fields = filled.map(|(name, text)| (name.to_owned(), text.into()));
                serde_json::Value::Object(fields.collect()).to_string()
            }
            Encoding::Form => {
                let one = |(name, text): (&str, String)| format!("{}={}", form(name), form(&text));
                filled.map(one).collect::<Vec<_>>().join("&")
            }
        }
    }
}

/// One pass: what a value holds is never read as a field.
fn fill(text: &str, delivery: &Delivery) -> String {
    let message = &delivery.message;
    let (pieces, mut out) = (pieces(text).unwrap_or_default(), String::new());
    for piece in pieces {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Name("to") => out.push_str(&delivery.address),
            Piece::Name("id") => out.push_str(&delivery.dedup_id),
            Piece::Name("incident") => out.push_str(&delivery.incident),
            Piece::Name(_) => {
                let all = format!("{}\n{}", message.subject, message.text);
                out.extend(all.chars().take(TEXT_CHARS_MAX));
            }
        }
    }
    out
}

enum Piece<'a> {
    Text(&'a str),
    Name(&'a str),
}

fn pieces(text: &str) -> Result<Vec<Piece<'_>>, String> {
    let (mut found, mut rest) = (Vec::new(), text);
    while let Some((before, after)) = rest.split_once('{') {
        let (name, behind) = after.split_once('}').ok_or_else(|| "`{` is not closed".to_owned())?;
        if !NAMES.contains(&name) {
            return Err(format!("`{{{name}}}` is not known; use {{to}}, {{text}}, {{id}} or {{incident}}"));
        }
        found.extend([Piece::Text(before), Piece::Name(name)]);
        rest = behind;
    }
    found.push(Piece::Text(rest));
    Ok(found)
}

fn form(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
