//! Quantiles and medians.

/// Sorted samples.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Samples(Vec<f64>);

impl Samples {
    pub(super) fn new(mut samples: Vec<f64>) -> Samples {
        samples.sort_by(f64::total_cmp);
        Samples(samples)
    }

    pub(super) fn and(mut self, mut other: Samples) -> Samples {
        self.0.append(&mut other.0);
        Samples::new(self.0)
    }

    /// The smallest sample that at least this share of all samples does not exceed; 0 without samples.
    pub(super) fn quantile(&self, share: f64) -> f64 {
        let rank = (share * self.0.len() as f64).ceil() as usize;
        self.0.get(rank.clamp(1, self.0.len().max(1)) - 1).copied().unwrap_or(0.0)
    }

    pub(super) fn p50(&self) -> f64 {
        self.quantile(0.5)
    }

    pub(super) fn p99(&self) -> f64 {
        self.quantile(0.99)
    }
}

/// The middle of a few rounds.
pub(super) fn median(rounds: &[f64]) -> f64 {
    Samples::new(rounds.to_vec()).p50()
}
