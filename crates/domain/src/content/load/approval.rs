//! The `approval` block of an action step: when people have to allow it, how many, who, and for how long one asking
//! stands.

use serde::Deserialize;

use super::{
    playbook::{Scope, check_roles, compile_in},
    report::Report,
};
use crate::{
    content::approval_env,
    document::Spanned,
    expr::Type,
    playbook::{Consent, Gate},
    time::Span,
};

/// As many people as anybody can bring together in a hurry.
const QUORUM_MOST: u32 = 8;
const EXPIRES: Span = Span::secs(15 * 60);
const EXPIRES_LEAST: Span = Span::secs(60);
const EXPIRES_MOST: Span = Span::secs(7 * 86_400);

#[derive(Deserialize)]
pub(super) struct ApprovalDocument {
    /// Absent: always.
    when: Option<Spanned<String>>,
    quorum: Option<Spanned<u32>>,
    #[serde(default)]
    roles: Vec<Spanned<String>>,
    expires: Option<Spanned<String>>,
}

/// `None` where its condition has a problem, which is reported.
pub(super) fn check(
    document: &Spanned<ApprovalDocument>,
    scope: &Scope<'_>,
    report: &mut Report<'_>,
) -> Option<Consent> {
    let written = &document.value;
    let quorum = written.quorum.as_ref().map_or(1, |quorum| quorum.value);
    if let Some(place) = written.quorum.as_ref().filter(|_| !(1..=QUORUM_MOST).contains(&quorum)) {
        report.at(place, format!("a quorum of {quorum} is out of bounds; use 1 to {QUORUM_MOST}"));
    }
    let expires = written
        .expires
        .as_ref()
        .map_or(EXPIRES, |text| report.span("the time to answer", text, EXPIRES_LEAST, EXPIRES_MOST));
    let roles = check_roles(&written.roles, scope, report);
    let when = match &written.when {
        None => None,
        Some(text) => {
            let env = approval_env(scope.env.clone());
            let expr = compile_in(&env, text, &Type::Bool, scope, report)?;
            Some(Gate { text: text.value.clone(), expr })
        }
    };
    Some(Consent { when, quorum, roles, expires })
}
