//! Notices over HTTP: a room, a signed webhook, a pager.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use domain::{
    notice::{Outcome, Reason},
    severity::Severity,
};
use hmac::{Hmac, Mac as _};
use hyper::{
    Method,
    body::Bytes,
    header::{HeaderName, HeaderValue},
};
use serde_json::{Value, json};
use sha2::Sha256;

use super::Delivery;
use crate::{
    client::{Client, Config, Failure, Outgoing, Resolve},
    error::Error,
    secret::Secret,
};

/// The longest summary that PagerDuty takes.
const SUMMARY_CHARS_MAX: usize = 1_024;

pub(super) struct Hook {
    client: Client,
    has_path: bool,
}

impl Hook {
    pub(super) fn new(config: Config, resolve: Resolve) -> Result<Hook, Error> {
        let has_path = !config.endpoint.base.is_empty();
        Ok(Hook { client: Client::new(config, resolve)?, has_path })
    }

    pub(super) async fn slack(&self, delivery: &Delivery, path: &Secret) -> Outcome {
        let message = &delivery.message;
        // What a room reads as marks and mentions stands for itself.
        let plain = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let text = format!("{}\n{}", plain(&message.subject), plain(&message.text));
        self.post(path.expose(), Vec::new(), &json!({ "text": text, "mrkdwn": false }), delivery).await
    }

    pub(super) async fn webhook(&self, delivery: &Delivery, key: &[u8]) -> Outcome {
        let body = json!({
            "type": "notice",
            "timestamp": delivery.at.to_string(),
            "data": {
                "id": delivery.notice.to_string(),
                "incident": delivery.incident,
                "reason": delivery.reason,
                "severity": delivery.message.severity,
                "to": delivery.address,
                "subject": delivery.message.subject,
                "text": delivery.message.text,
            },
        });
        let (id, at) = (&delivery.dedup_id, delivery.at.0 / 1_000_000);
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return refused("the key cannot sign") };
        mac.update(format!("{id}.{at}.{body}").as_bytes());
        let signature = format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()));
        let headers = [
            ("webhook-id", id.clone()),
            ("webhook-timestamp", at.to_string()),
            ("webhook-signature", signature),
        ];
        let mut sent = Vec::with_capacity(headers.len());
        for (name, value) in headers {
            let Ok(value) = HeaderValue::from_str(&value) else { return refused("a header cannot be sent") };
            sent.push((HeaderName::from_static(name), value));
        }
        self.post("", sent, &body, delivery).await
    }

    /// One alert of the pager for one incident: it is triggered again by whatever follows,
    /// acknowledged when somebody takes it up, and resolved with it.
    pub(super) async fn pagerduty(&self, delivery: &Delivery, routing_key: &Secret) -> Outcome {
        let message = &delivery.message;
        let mut body = json!({
            "routing_key": routing_key.expose(),
            "event_action": match delivery.reason {
                Reason::Resolved => "resolve",
                Reason::Acknowledged => "acknowledge",
                Reason::Opened
                | Reason::Run
                | Reason::Escalated
                | Reason::Attention
                | Reason::Approval
                | Reason::Task
                | Reason::Update
                | Reason::Review
                | Reason::Cause
                | Reason::Digest
                | Reason::Duty
                | Reason::Statement
                | Reason::Exercise => "trigger",
            },
            "dedup_key": delivery.incident,
        });
        if body["event_action"] == "trigger" {
            let severity = match message.severity {
                Some(Severity::Critical) => "critical",
                Some(Severity::High) => "error",
                Some(Severity::Medium) => "warning",
                Some(Severity::Low | Severity::Informational) | None => "info",
            };
            let summary: String = message.subject.chars().take(SUMMARY_CHARS_MAX).collect();
            body["payload"] = json!({
                "summary": summary,
                "source": "ringfence",
                "severity": severity,
                "custom_details": { "text": message.text, "notice": delivery.dedup_id },
            });
        }
        self.post("/v2/enqueue", Vec::new(), &body, delivery).await
    }

    async fn post(
        &self,
        path: &str,
        headers: Vec<(HeaderName, HeaderValue)>,
        body: &Value,
        delivery: &Delivery,
    ) -> Outcome {
        self.post_text(path, headers, body.to_string(), delivery).await
    }

    pub(super) async fn post_text(
        &self,
        path: &str,
        headers: Vec<(HeaderName, HeaderValue)>,
        body: String,
        delivery: &Delivery,
    ) -> Outcome {
        let path_and_query = if path.is_empty() && !self.has_path { "/" } else { path };
        let body = Some(Bytes::from(body));
        let outgoing = Outgoing { method: Method::POST, path_and_query, headers, body };
        match self.client.send(outgoing, self.client.deadline(delivery.timeout)).await {
            // The body is not quoted: it may repeat what was sent, secrets included.
            Ok(answer) => judge(answer.status),
            Err(Failure::NotSent { reason, retry }) => Outcome::Refused { reason, retry },
            Err(Failure::Lost { reason }) => Outcome::Unknown { reason },
        }
    }
}

fn judge(status: u16) -> Outcome {
    match status {
        200..=299 => Outcome::Delivered { receipt: format!("status {status}") },
        408 | 425 | 429 | 503 => {
            Outcome::Refused { reason: format!("refused for now with status {status}"), retry: true }
        }
        300..=499 => Outcome::Refused { reason: format!("refused with status {status}"), retry: false },
        _ => Outcome::Unknown { reason: format!("status {status}") },
    }
}

pub(super) fn refused(reason: &str) -> Outcome {
    Outcome::Refused { reason: reason.to_owned(), retry: false }
}
