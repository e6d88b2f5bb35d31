//! How many tests passed and failed, read from what a test runner prints.

#[cfg(test)]
mod tests;

use std::fmt;

/// Counts over all test binaries of one run.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    passed: u64,
    failed: u64,
}

impl Tally {
    /// Adds one line of output; lines that are not a summary change nothing.
    ///
    /// Understood are the one closing line of cargo-nextest and the line that libtest prints for each binary.
    pub(crate) fn read(&mut self, line: &str) {
        let line = line.trim();
        let Some(counts) = nextest_counts(line).or_else(|| libtest_counts(line)) else { return };
        for count in counts.split([',', ';']) {
            self.add(count.trim());
        }
    }

    fn add(&mut self, count: &str) {
        let Some((number, what)) = count.split_once(' ') else { return };
        let Ok(number) = number.parse::<u64>() else { return };
        match what.split(' ').next() {
            Some("passed") => self.passed += number,
            // "2 failed", "1 timed out", "1 exec failed": nextest names each way of failing.
            Some("failed" | "timed" | "exec") => self.failed += number,
            Some(_) | None => {}
        }
    }
}

fn nextest_counts(line: &str) -> Option<&str> {
    let (_, counts) = line.strip_prefix("Summary [")?.split_once(" run: ")?;
    Some(counts)
}

fn libtest_counts(line: &str) -> Option<&str> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    Some(counts)
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}
