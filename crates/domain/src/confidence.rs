//! How sure a classification is: what speaks for it and what against, in points that content sets.

/// The points of `confidence.yaml`, in percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weights {
    /// The source names a type that the taxonomy knows.
    pub labelled: u8,
    /// The source names a type that nobody knows.
    pub unlisted: u8,
    /// Only rules say what it is.
    pub rule: u8,
    /// Each rule that says the same.
    pub agreeing: u8,
    /// Each rule that says something else takes so much away.
    pub disagreeing: u8,
    /// A severity that is no severity takes so much away.
    pub severity_unclear: u8,
    /// Below this nothing is done before a person has confirmed what it is.
    pub act_from: u8,
}

impl Default for Weights {
    fn default() -> Self {
        Weights {
            labelled: 90,
            unlisted: 60,
            rule: 60,
            agreeing: 10,
            disagreeing: 15,
            severity_unclear: 30,
            act_from: 50,
        }
    }
}

/// More rules than this that say the same, or something else, count no more.
const RULES_MAX: usize = 4;

/// What speaks for a classification and what against it.
#[derive(Debug, Clone, Copy)]
pub struct Evidence {
    pub labelled: bool,
    pub listed: bool,
    pub agreeing: usize,
    pub disagreeing: usize,
    pub severity_unclear: bool,
}

impl Evidence {
    /// In percent, never certain.
    pub fn confidence(&self, weights: &Weights) -> u8 {
        let base = match (self.labelled, self.listed) {
            (true, true) => weights.labelled,
            (true, false) => weights.unlisted,
            (false, _) => weights.rule,
        };
        let times = |points: u8, rules: usize| usize::from(points) * rules.min(RULES_MAX);
        let unclear = if self.severity_unclear { usize::from(weights.severity_unclear) } else { 0 };
        let gained = (usize::from(base) + times(weights.agreeing, self.agreeing)).min(99);
        let left = gained.saturating_sub(times(weights.disagreeing, self.disagreeing) + unclear);
        u8::try_from(left).unwrap_or(99)
    }
}
