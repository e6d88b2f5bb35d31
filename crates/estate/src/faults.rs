//! Faults that a served estate shows on purpose: which calls they meet, and how often, by a seed.

#[cfg(test)]
mod tests;

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// How a call is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum Mode {
    #[default]
    Ok,
    /// Status 500. With `applied` the call took effect all the same.
    Error {
        #[serde(default)]
        applied: bool,
    },
    /// Applied at once, answered `ms` milliseconds later.
    Slow { ms: u64 },
    /// Never answered. With `applied` the call took effect.
    Hang {
        #[serde(default)]
        applied: bool,
    },
    /// The connection is closed and nothing is applied.
    DropBefore,
    /// The call is applied, then the connection is closed without an answer.
    ApplyThenDrop,
    /// As if the network had delivered the call twice: the answer is the one to the second delivery.
    AnswerTwice,
    /// Status 200 and `applied`, but nothing has changed. Reads stay truthful.
    WrongSuccess,
    /// Status 429 with `Retry-After`; nothing is applied.
    TooMany {
        #[serde(default = "one")]
        retry_after_s: u64,
    },
    /// Applied; the answer comes one byte each `ms` milliseconds.
    Trickle { ms: u64 },
    /// Applied; the answer is `bytes` long.
    Huge { bytes: u64 },
}

impl Mode {
    pub fn name(self) -> &'static str {
        match self {
            Mode::Ok => "ok",
            Mode::Error { .. } => "error",
            Mode::Slow { .. } => "slow",
            Mode::Hang { .. } => "hang",
            Mode::DropBefore => "drop_before",
            Mode::ApplyThenDrop => "apply_then_drop",
            Mode::AnswerTwice => "answer_twice",
            Mode::WrongSuccess => "wrong_success",
            Mode::TooMany { .. } => "too_many",
            Mode::Trickle { .. } => "trickle",
            Mode::Huge { .. } => "huge",
        }
    }

    /// How often the world sees the call.
    pub(crate) fn deliveries(self) -> u8 {
        match self {
            Mode::DropBefore | Mode::WrongSuccess | Mode::TooMany { .. } => 0,
            Mode::Error { applied } | Mode::Hang { applied } => u8::from(applied),
            Mode::Ok | Mode::Slow { .. } | Mode::ApplyThenDrop | Mode::Trickle { .. } | Mode::Huge { .. } => {
                1
            }
            Mode::AnswerTwice => 2,
        }
    }
}

/// What a call came for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    Action,
    Read,
}

/// One fault and the calls that it meets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub fault: Mode,
    /// Only calls with this verb; all if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verb: Option<String>,
    #[serde(default = "action")]
    pub route: Route,
    /// Calls to let pass before the first fault.
    #[serde(default)]
    pub skip: u64,
    /// Faults left to show; without end if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Chance of a fault for each call, 0 to 1.
    #[serde(default = "certain")]
    pub probability: f64,
}

impl Rule {
    /// A fault for every action.
    pub fn always(fault: Mode) -> Rule {
        Rule { fault, verb: None, route: Route::Action, skip: 0, count: None, probability: 1.0 }
    }

    /// A fault for the next `count` actions.
    pub fn next(count: u64, fault: Mode) -> Rule {
        Rule { count: Some(count), ..Rule::always(fault) }
    }

    fn meets(&self, route: Route, verb: &str) -> bool {
        self.route == route && self.verb.as_deref().is_none_or(|wanted| wanted == verb)
    }
}

/// The short form for command lines: `MODE[:NUMBER][@VERB][*COUNT][%PERCENT]`, for example `slow:200@node.isolate*3`.
impl FromStr for Rule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Rule, Error> {
        let wrong = || {
            Error::Faults(format!(
                "`{text}` is not MODE[:NUMBER][@VERB][*COUNT][%PERCENT]; the modes are {MODES}"
            ))
        };
        let (rest, percent) = split_number(text, '%').ok_or_else(wrong)?;
        let (rest, count) = split_number(rest, '*').ok_or_else(wrong)?;
        let (rest, verb) = match rest.split_once('@') {
            Some((rest, verb)) => (rest, Some(verb.to_owned())),
            None => (rest, None),
        };
        let (name, number) = split_number(rest, ':').ok_or_else(wrong)?;
        let fault = mode(name, number).ok_or_else(wrong)?;
        let percent =
            u32::try_from(percent.unwrap_or(100)).ok().filter(|percent| *percent <= 100).ok_or_else(wrong)?;
        Ok(Rule { verb, count, probability: f64::from(percent) / 100.0, ..Rule::always(fault) })
    }
}

/// All faults. The first rule that meets a call and shows its fault decides.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Faults {
    /// The same seed and the same calls in the same order give the same faults.
    #[serde(default)]
    pub seed: u64,
    #[serde(default)]
    pub rules: Vec<Rule>,
}

impl Faults {
    /// No faults.
    pub fn none() -> Faults {
        Faults::default()
    }

    /// # Errors
    /// [`Error::Faults`] if there are too many rules or a probability is not from 0 to 1.
    pub fn check(&self) -> Result<(), Error> {
        if self.rules.len() > RULES_MAX {
            return Err(Error::Faults(format!("more than {RULES_MAX} rules; join some")));
        }
        match self.rules.iter().find(|rule| !(0.0..=1.0).contains(&rule.probability)) {
            Some(rule) => {
                Err(Error::Faults(format!("probability `{}` is not from 0 to 1", rule.probability)))
            }
            None => Ok(()),
        }
    }

    /// The fault for the next call. Uses up the counts and moves the seed.
    pub(crate) fn draw(&mut self, route: Route, verb: &str) -> Mode {
        for rule in self.rules.iter_mut().filter(|rule| rule.meets(route, verb)) {
            if rule.skip > 0 {
                rule.skip -= 1;
                continue;
            }
            if rule.count == Some(0) || (rule.probability < 1.0 && chance(&mut self.seed) >= rule.probability)
            {
                continue;
            }
            if let Some(count) = &mut rule.count {
                *count -= 1;
            }
            return rule.fault;
        }
        Mode::Ok
    }
}

const RULES_MAX: usize = 100;
const MODES: &str = "ok, error, apply_then_error, slow:MS, hang, apply_then_hang, drop_before, apply_then_drop, \
                     answer_twice, wrong_success, too_many[:SECONDS], trickle:MS, huge:BYTES";

/// A number from 0 up to 1 by splitmix64; good enough to toss coins, and the same on every machine.
fn chance(seed: &mut u64) -> f64 {
    *seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *seed;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    let top = u32::try_from((z ^ (z >> 31)) >> 32).unwrap_or(u32::MAX);
    f64::from(top) / (f64::from(u32::MAX) + 1.0)
}

fn mode(name: &str, number: Option<u64>) -> Option<Mode> {
    Some(match (name, number) {
        ("ok", None) => Mode::Ok,
        ("error", None) => Mode::Error { applied: false },
        ("apply_then_error", None) => Mode::Error { applied: true },
        ("slow", Some(ms)) => Mode::Slow { ms },
        ("hang", None) => Mode::Hang { applied: false },
        ("apply_then_hang", None) => Mode::Hang { applied: true },
        ("drop_before", None) => Mode::DropBefore,
        ("apply_then_drop", None) => Mode::ApplyThenDrop,
        ("answer_twice", None) => Mode::AnswerTwice,
        ("wrong_success", None) => Mode::WrongSuccess,
        ("too_many", retry_after_s) => Mode::TooMany { retry_after_s: retry_after_s.unwrap_or(1) },
        ("trickle", Some(ms)) => Mode::Trickle { ms },
        ("huge", Some(bytes)) => Mode::Huge { bytes },
        _ => return None,
    })
}

/// The number behind the last `mark`, if there is one; nothing if what stands there is not a number.
fn split_number(text: &str, mark: char) -> Option<(&str, Option<u64>)> {
    match text.rsplit_once(mark) {
        None => Some((text, None)),
        Some((rest, number)) => number.parse().ok().map(|number| (rest, Some(number))),
    }
}

fn one() -> u64 {
    1
}

fn action() -> Route {
    Route::Action
}

fn certain() -> f64 {
    1.0
}
