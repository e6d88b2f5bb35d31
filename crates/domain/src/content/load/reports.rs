//! `reports.yaml`: how far what people tell is trusted, how much of it is taken, and by when it is answered.

use serde::Deserialize;

use super::{
    Files,
    report::{Report, only},
};
use crate::{
    document::{Problem, Spanned},
    report::Terms,
    time::Span,
};

const PER_HOUR_MOST: u32 = 3_600;
const ACKNOWLEDGE_MOST: Span = Span::secs(30 * 86_400);
const DISCLOSE_MOST: Span = Span::secs(2 * 365 * 86_400);

#[derive(Deserialize)]
struct ReportsDocument {
    incident_type: Option<Spanned<String>>,
    outside_type: Option<Spanned<String>>,
    form_confidence: Option<Spanned<u8>>,
    outside_confidence: Option<Spanned<u8>>,
    form_per_hour: Option<Spanned<u32>>,
    outside_per_hour: Option<Spanned<u32>>,
    acknowledge: Option<Spanned<String>>,
    disclose: Option<Spanned<String>>,
    remind: Option<Spanned<String>>,
}

/// What the folder says of reports; the default where it says nothing.
/// `act_from` is how sure it has to be to act alone.
pub(super) fn read(files: &Files<'_>, act_from: u8, problems: &mut Vec<Problem>) -> Terms {
    let mut terms = Terms::default();
    let Some((document, mut report)) = only::<ReportsDocument>(files, problems) else { return terms };
    let types = [
        (&mut terms.incident_type, document.incident_type),
        (&mut terms.outside_type, document.outside_type),
    ];
    for (term, name) in types {
        if let Some(name) = name {
            report.id("an incident type", &name);
            *term = name.to_string();
        }
    }
    let shares = [
        (&mut terms.form_confidence, document.form_confidence),
        (&mut terms.outside_confidence, document.outside_confidence),
    ];
    for (term, share) in shares {
        *term = share.map_or(*term, |share| confidence(&share, act_from, &mut report));
    }
    let rates = [
        (&mut terms.form_per_hour, document.form_per_hour),
        (&mut terms.outside_per_hour, document.outside_per_hour),
    ];
    for (term, rate) in rates {
        *term = rate.map_or(*term, |rate| per_hour(&rate, &mut report));
    }
    let hour = Span::secs(3_600);
    let mut span = |term: &mut Span, text: &Option<Spanned<String>>, what: &str, least: Span, most: Span| {
        *term = text.as_ref().map_or(*term, |text| report.span(what, text, least, most));
    };
    span(&mut terms.acknowledge, &document.acknowledge, "the acknowledgement", hour, ACKNOWLEDGE_MOST);
    span(&mut terms.disclose, &document.disclose, "the disclosure", Span::secs(86_400), DISCLOSE_MOST);
    let most = terms.disclose;
    span(&mut terms.remind, &document.remind, "the reminder", Span::default(), most);
    terms
}

fn confidence(share: &Spanned<u8>, act_from: u8, report: &mut Report<'_>) -> u8 {
    if **share >= act_from {
        let most = act_from.saturating_sub(1);
        report.at(
            share,
            format!("with {} % playbooks would start on what anybody tells; at most {most}", **share),
        );
    }
    **share
}

fn per_hour(rate: &Spanned<u32>, report: &mut Report<'_>) -> u32 {
    if !(1..=PER_HOUR_MOST).contains(&**rate) {
        report.at(rate, format!("{} reports an hour is not from 1 to {PER_HOUR_MOST}", **rate));
    }
    **rate
}
