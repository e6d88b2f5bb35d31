//! Tests of rules that look more than once, or at records: what comes in when, through the real machines.

use std::{collections::BTreeMap, sync::Arc};

use serde::Deserialize;
use serde_json::Value;

use super::report::Report;
use crate::{
    alert::{self, Received},
    content::{Content, Rule},
    detect::{METRIC_PREFIX, On, RULE_LABEL},
    document::Spanned,
    event::{Actor, Context, Event},
    flow::{self, Command, Fact},
    labels::Labels,
    record::Record,
    state::State,
    time::{Span, Timestamp},
};

/// Most deliveries of one test, and the longest it may take.
const TIMES_MAX: u64 = 5_000;
const TIME_MOST: Span = Span::secs(7 * 86_400);
/// When tests take place.
const START: Timestamp = Timestamp(1_800_000_000_000_000);

/// Deliveries of the same.
#[derive(Deserialize)]
pub(super) struct Samples {
    /// Labels of an alert, or fields of a record.
    #[serde(default)]
    labels: BTreeMap<String, Value>,
    #[serde(default)]
    metrics: BTreeMap<String, Value>,
    /// How often it is delivered, and how long after one another.
    times: Option<Spanned<u64>>,
    every: Option<Spanned<String>>,
    /// How long nothing comes before the first.
    after: Option<Spanned<String>>,
    /// A field that differs each time: its value has the number behind it.
    vary: Option<String>,
}

/// The labels of the alert that the rule made, if it made one; `None` as a whole when the test does not read.
pub(super) fn run(
    samples: &[Samples],
    then: Option<&Spanned<String>>,
    rule: &Rule,
    content: &Content,
    report: &mut Report<'_>,
) -> Option<Option<Labels>> {
    let before = report.count();
    let mut trial = Trial::new(content);
    for sample in samples {
        let mut span = |what: &str, text: &Option<Spanned<String>>| {
            text.as_ref().map_or(Span::default(), |text| report.span(what, text, Span::default(), TIME_MOST))
        };
        let (after, every) = (span("`after`", &sample.after), span("`every`", &sample.every));
        let times = sample.times.as_ref().map_or(1, |times| times.value);
        if let Some(place) = sample.times.as_ref().filter(|_| !(1..=TIMES_MAX).contains(&times)) {
            report.at(place, format!("`times` is 1 to {TIMES_MAX}"));
            return None;
        }
        trial.wait(after);
        for number in 0..times {
            if number > 0 {
                trial.wait(every);
            }
            trial.deliver(sample, number, rule.on);
        }
    }
    if let Some(then) = then {
        trial.wait(report.span("`then`", then, Span::default(), TIME_MOST));
    }
    (report.count() == before).then(|| trial.made(&rule.id))
}

struct Trial {
    state: State,
    now: Timestamp,
    facts: Vec<Fact>,
    seen: usize,
}

impl Trial {
    fn new(content: &Content) -> Trial {
        let mut trial = Trial { state: State::default(), now: START, facts: Vec::new(), seen: 0 };
        trial.state.stage_content(Arc::new(content.clone()));
        let load = Command::LoadContent(Arc::new(content.clone()));
        let context = trial.context();
        let mut facts = Vec::new();
        // INVARIANT: content that was read is not refused.
        drop(flow::execute(&mut trial.state, load, &context, &mut facts));
        trial.keep(facts);
        trial
    }

    fn context(&self) -> Context {
        Context { now: self.now, actor: Actor::Platform, next: self.seen as u64, epoch: 1 }
    }

    fn keep(&mut self, facts: Vec<Fact>) {
        self.seen += facts.len();
        self.facts.extend(facts);
        for stream in self.state.take_touched() {
            if !self.state.is_live(stream) {
                self.state.forget(stream);
            }
        }
    }

    fn wait(&mut self, span: Span) {
        let end = self.now.plus(span);
        while let Some(at) = self.state.next_wakeup().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            let context = self.context();
            let mut facts = Vec::new();
            flow::due(&mut self.state, &context, &mut facts);
            self.keep(facts);
        }
        self.now = end;
    }

    fn deliver(&mut self, sample: &Samples, number: u64, on: On) {
        let vary = sample.vary.as_deref();
        let (labels, metrics) = (texts(&sample.labels, "", vary, number), &sample.metrics);
        let context = self.context();
        let mut facts = Vec::new();
        match on {
            On::Records => {
                let fields = labels.into_iter().chain(texts(metrics, "", vary, number)).collect();
                let fields = Labels::from_pairs(fields).unwrap_or_default();
                let record = Record { at: None, fields };
                flow::observe(&mut self.state, &record, &context, &mut facts);
            }
            On::Alerts => {
                let annotations = texts(metrics, METRIC_PREFIX, vary, number);
                let received = Received {
                    labels: Labels::from_pairs(labels).unwrap_or_default(),
                    annotations: Labels::from_pairs(annotations).unwrap_or_default(),
                    ..Received::default()
                };
                // What is refused raises nothing, which the test then shows.
                drop(flow::receive(&mut self.state, received, &context, &mut facts));
            }
        }
        self.keep(facts);
    }

    fn made(&self, rule: &str) -> Option<Labels> {
        self.facts.iter().find_map(|fact| match &fact.event {
            Event::Alert(_, alert::Event::Raised { labels, .. }) if labels.get(RULE_LABEL) == Some(rule) => {
                Some(labels.clone())
            }
            Event::Alert(..)
            | Event::Silence(..)
            | Event::Incident(..)
            | Event::Run(..)
            | Event::Action(..)
            | Event::Control(_)
            | Event::Person(..)
            | Event::Token(..)
            | Event::Approval(..)
            | Event::Notice(..)
            | Event::Review(..)
            | Event::Health(_)
            | Event::Report(..)
            | Event::Raw(..)
            | Event::Sighting(..)
            | Event::Evidence(..)
            | Event::Upkeep(_)
            | Event::Duty(..)
            | Event::Statement(..)
            | Event::Exercise(..)
            | Event::Content(_)
            | Event::Log(_) => None,
        })
    }
}

fn texts(
    values: &BTreeMap<String, Value>,
    prefix: &str,
    vary: Option<&str>,
    number: u64,
) -> Vec<(String, String)> {
    let text = |name: &String, value: &Value| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if vary == Some(name.as_str()) { format!("{text}{number}") } else { text }
    };
    values.iter().map(|(name, value)| (format!("{prefix}{name}"), text(name, value))).collect()
}
