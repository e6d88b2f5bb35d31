//! What was found, as a table for people and as JSON for programs.

use serde_json::json;

use super::sync::Sync;

/// A figure beside its budget.
#[derive(Debug, Clone, Default)]
pub(super) struct Line {
    pub(super) what: &'static str,
    pub(super) unit: &'static str,
    pub(super) budget: Budget,
    pub(super) measured: f64,
    /// Median of the syncs around the row.
    pub(super) sync_ms: f64,
    pub(super) note: String,
}

/// What a figure must not exceed, or must reach.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) enum Budget {
    AtMost(f64),
    /// Milliseconds, and a number of syncs.
    AtMostAndSyncs(f64, u32),
    AtLeast(f64),
    /// Told beside the others; no budget of its own.
    #[default]
    None,
}

#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) quick: bool,
    pub(super) lines: Vec<Line>,
    /// Before and after.
    pub(super) sync: Vec<Sync>,
    pub(super) failed: Vec<(&'static str, String)>,
}

impl Line {
    pub(super) fn new(what: &'static str, unit: &'static str, budget: Budget, measured: f64) -> Line {
        Line { what, unit, budget, measured, ..Line::default() }
    }

    pub(super) fn note(mut self, note: String) -> Line {
        self.note = note;
        self
    }

    /// The budget as a number, now that *sync* is known.
    fn limit(&self) -> Option<f64> {
        match self.budget {
            Budget::AtMost(most) => Some(most),
            Budget::AtMostAndSyncs(most, syncs) => Some(most + f64::from(syncs) * self.sync_ms),
            Budget::AtLeast(least) => Some(least),
            Budget::None => None,
        }
    }

    /// Measured over budget.
    pub(super) fn ratio(&self) -> Option<f64> {
        self.limit().map(|limit| self.measured / limit)
    }

    pub(super) fn met(&self) -> Option<bool> {
        let ratio = self.ratio()?;
        match self.budget {
            Budget::AtMost(_) | Budget::AtMostAndSyncs(..) => Some(ratio <= 1.0),
            Budget::AtLeast(_) => Some(ratio >= 1.0),
            Budget::None => None,
        }
    }

    fn budget_text(&self) -> String {
        match self.budget {
            Budget::AtMost(most) => format!("≤ {} {}", number(most), self.unit),
            Budget::AtMostAndSyncs(most, syncs) => {
                let sum = number(self.limit().unwrap_or(most));
                format!("≤ {} {} + {syncs} sync = {sum}", number(most), self.unit)
            }
            Budget::AtLeast(least) => format!("≥ {} {}", number(least), self.unit),
            Budget::None => "-".to_owned(),
        }
    }

    fn cells(&self) -> [String; 7] {
        let met = match self.met() {
            Some(true) => "met",
            Some(false) => "NOT MET",
            None => "-",
        };
        [
            self.what.to_owned(),
            self.budget_text(),
            format!("{} {}", number(self.measured), self.unit),
            format!("{} ms", number(self.sync_ms)),
            self.ratio().map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}")),
            met.to_owned(),
            self.note.clone(),
        ]
    }

    /// One line while the measurement goes on.
    pub(super) fn brief(&self) -> String {
        let [what, budget, measured, sync, ratio, met, note] = self.cells();
        format!("{what}: {measured} (budget {budget}, sync {sync}, ratio {ratio}, {met}) {note}")
    }
}

impl Report {
    pub(super) fn table(&self) -> String {
        let head = ["what", "budget", "measured", "sync", "ratio", "", "note"].map(str::to_owned);
        let rows: Vec<[String; 7]> =
            std::iter::once(head).chain(self.lines.iter().map(Line::cells)).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..7).map(width).collect();
        let mut text = String::new();
        for row in &rows {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
            text.push('\n');
        }
        for (name, why) in &self.failed {
            text.push_str(&format!("{name}: could not be measured: {why}\n"));
        }
        let sync: Vec<String> = self
            .sync
            .iter()
            .map(|sync| format!("{} / {} ms", number(sync.p50_ms()), number(sync.0.p99())))
            .collect();
        text.push_str(&format!(
            "\nsync (4 KiB append + fdatasync), median / p99: {}\n",
            sync.join(", then ")
        ));
        if self.quick {
            text.push_str("quick: sizes and times are reduced, so this is not a record\n");
        }
        text
    }

    pub(super) fn json(&self) -> String {
        let line = |line: &Line| {
            json!({
                "what": line.what,
                "unit": line.unit,
                "budget": line.limit(),
                "measured": line.measured,
                "sync_ms": line.sync_ms,
                "ratio": line.ratio(),
                "met": line.met(),
                "note": line.note,
            })
        };
        let sync = |sync: &Sync| json!({ "p50_ms": sync.p50_ms(), "p99_ms": sync.0.p99() });
        let failed = |(name, why): &(&str, String)| json!({ "row": name, "reason": why });
        let value = json!({
            "quick": self.quick,
            "lines": self.lines.iter().map(line).collect::<Vec<_>>(),
            "sync": self.sync.iter().map(sync).collect::<Vec<_>>(),
            "failed": self.failed.iter().map(failed).collect::<Vec<_>>(),
        });
        format!("{value:#}\n")
    }
}

/// Three digits that mean something, thousands apart.
pub(super) fn number(value: f64) -> String {
    if value.abs() < 1000.0 {
        let digits = if value.abs() >= 100.0 { 0 } else { usize::from(value.abs() < 10.0) + 1 };
        return format!("{value:.digits$}");
    }
    let plain = format!("{value:.0}");
    let mut text = String::with_capacity(plain.len() + plain.len() / 3);
    for (index, digit) in plain.chars().enumerate() {
        if index > 0 && (plain.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
