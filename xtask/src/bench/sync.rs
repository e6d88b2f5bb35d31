//! *sync*: one append of 4 KiB and an fdatasync, on the file system that the servers use.

use std::{fs::File, io::Write as _, path::Path, time::Instant};

use anyhow::Context as _;

use super::stats::Samples;

/// Samples before and after the whole measurement, and around each row.
pub(super) const SAMPLES: usize = 400;
pub(super) const SAMPLES_ROW: usize = 100;

/// Times of syncs in milliseconds.
#[derive(Debug, Clone, Default)]
pub(super) struct Sync(pub(super) Samples);

impl Sync {
    pub(super) fn p50_ms(&self) -> f64 {
        self.0.p50()
    }

    pub(super) fn and(self, other: Sync) -> Sync {
        Sync(self.0.and(other.0))
    }
}

pub(super) fn measure(dir: &Path, samples: usize) -> anyhow::Result<Sync> {
    let path = dir.join("sync");
    let shown = path.display().to_string();
    let mut file = File::create(&path).with_context(|| format!("`{shown}` cannot be written"))?;
    let page = [0x5a_u8; 4096];
    let mut times = Vec::with_capacity(samples);
    for _ in 0..samples {
        let begin = Instant::now();
        file.write_all(&page)
            .and_then(|()| file.sync_data())
            .with_context(|| format!("sync of `{shown}`"))?;
        times.push(begin.elapsed().as_secs_f64() * 1e3);
    }
    std::fs::remove_file(&path).with_context(|| format!("`{shown}` cannot be removed"))?;
    Ok(Sync(Samples::new(times)))
}
