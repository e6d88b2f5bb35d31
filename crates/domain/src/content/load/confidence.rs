//! `confidence.yaml`: how sure a classification has to be, and what makes it so.

use serde::Deserialize;

use super::{Files, report::only};
use crate::{
    confidence::Weights,
    document::{Problem, Spanned},
};

/// Nothing is certain before a person has confirmed it.
const MOST: u64 = 99;

#[derive(Deserialize)]
struct WeightsDocument {
    labelled: Spanned<u64>,
    unlisted: Spanned<u64>,
    rule: Spanned<u64>,
    agreeing: Spanned<u64>,
    disagreeing: Spanned<u64>,
    severity_unclear: Spanned<u64>,
    act_from: Spanned<u64>,
}

/// What the folder says; the default where it says nothing.
pub(super) fn read(files: &Files<'_>, problems: &mut Vec<Problem>) -> Weights {
    let Some((document, mut report)) = only::<WeightsDocument>(files, problems) else {
        return Weights::default();
    };
    let mut points = |number: &Spanned<u64>| {
        if number.value > MOST {
            report.at(number, format!("{} is out of bounds; use 0 to {MOST} points", number.value));
        }
        u8::try_from(number.value.min(MOST)).unwrap_or(99)
    };
    let weights = Weights {
        labelled: points(&document.labelled),
        unlisted: points(&document.unlisted),
        rule: points(&document.rule),
        agreeing: points(&document.agreeing),
        disagreeing: points(&document.disagreeing),
        severity_unclear: points(&document.severity_unclear),
        act_from: points(&document.act_from),
    };
    if weights.act_from == 0 {
        report.at(&document.act_from, "what nobody vouches for would be acted on; make it at least 1");
    }
    if weights.act_from > weights.labelled {
        let message = "not even what a source names itself would be acted on; make it at most `labelled`";
        report.at(&document.act_from, message);
    }
    weights
}
