//! What `ringfence` performs itself: its verbs stand in `actions.yaml` like any other, and mean what they mean.

use super::report::{Report, shorten};
use crate::{
    content::{ActionSpec, Class},
    control::own::{self, CONNECTOR, TARGET, VERBS},
    document::Spanned,
};

/// Whether a verb and its connector belong together.
pub(super) fn check_action(spec: &ActionSpec, at: &Spanned<String>, report: &mut Report<'_>) {
    let verb = shorten(&spec.verb);
    let listed = VERBS.iter().find(|(verb, _)| *verb == spec.verb);
    if spec.connector != CONNECTOR {
        if listed.is_some() || spec.target == TARGET {
            report.at(at, format!("only `{CONNECTOR}` moves limits; give `{verb}` `connector: {CONNECTOR}`"));
        }
        return;
    }
    let Some((_, back)) = listed else {
        let verbs = VERBS.map(|(verb, _)| verb).join(", ");
        return report.at(at, format!("`{CONNECTOR}` does not perform `{verb}`; it performs {verbs}"));
    };
    if spec.target != TARGET {
        report.at(at, format!("`{verb}` acts on a {TARGET}"));
    }
    if spec.containment || spec.class != Class::Idempotent {
        report.at(at, format!("`{verb}` is of class idempotent, and no containment: it limits the platform"));
    }
    if spec.revert.as_deref() != *back {
        let back = back.map_or_else(|| "nothing".to_owned(), |back| format!("`{back}`"));
        report.at(at, format!("`{verb}` is taken back by {back}; say so in `revert`"));
    }
}

/// Whether a step names a limit that there is. `known` are the names of all connectors and verbs.
pub(super) fn check_target<'a>(
    verb: &str,
    target: &Spanned<String>,
    mut known: impl Iterator<Item = &'a str>,
    report: &mut Report<'_>,
) {
    if let Some(why) = own::wrong_target(verb, target) {
        report.at(target, shorten(&why));
    } else if matches!(verb, own::BREAKER | own::BREAKER_CLOSE) && !known.any(|name| name == target.value) {
        let name = shorten(target);
        report.at(target, format!("`{name}` is neither a connector nor a verb of actions.yaml"));
    }
}
