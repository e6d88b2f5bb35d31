//! Query parameters, as leniently as Alertmanager reads them: the last of several counts, an unknown one is
//! ignored, and every word that does not mean yes means no.

use domain::{
    labels::Labels,
    matcher::{self, Matcher},
};
use regex::Regex;

use super::{RECEIVER, refusal::Refusal};
use crate::call::Call;

const YES: [&str; 10] = ["true", "1", "yes", "ok", "y", "on", "selected", "checked", "t", "enabled"];

/// A boolean that is true unless given otherwise.
pub(super) fn flag(call: &Call, name: &str) -> bool {
    match call.query_all(name).last() {
        None | Some("") => true,
        Some(text) => YES.iter().any(|yes| yes.eq_ignore_ascii_case(text)),
    }
}

/// The matchers of all parameters of this name.
pub(super) fn matchers(call: &Call, name: &str) -> Result<Vec<Matcher>, Refusal> {
    let parsed: Result<Vec<Matcher>, String> = call.query_all(name).map(matcher::parse).collect();
    parsed.map_err(Refusal::bad_request)
}

/// Whether the query asks for the one receiver, which has no labels.
pub(super) fn wants_receiver(call: &Call) -> Result<bool, Refusal> {
    let by_labels = matchers(call, "receiver_matchers")?.iter().all(|m| m.matches(&Labels::default()));
    let Some(text) = call.query_all("receiver").last() else { return Ok(by_labels) };
    let built = regex::RegexBuilder::new(&format!("^(?:{text})$")).size_limit(1 << 20).build();
    let wrong =
        |error| Refusal::bad_request(format!("`receiver={text}` is not a usable expression: {error}"));
    let by_name: Regex = built.map_err(wrong)?;
    Ok(by_labels && by_name.is_match(RECEIVER))
}
