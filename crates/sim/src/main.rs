//! Runs many seeds and prints each failure with what is needed to see it again:
//! `cargo run -p sim -- --seeds 10000 --from 1 --requests 80`.

use std::{io::Write, process::ExitCode};

use sim::{Options, Report, simulate};

struct Wanted {
    seeds: u64,
    from: u64,
    requests: u32,
}

fn wanted() -> Result<Wanted, String> {
    let mut wanted = Wanted { seeds: 100, from: 1, requests: 80 };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("`{word}` needs a number"))?;
        let number: u64 = value.parse().map_err(|_| format!("`{value}` is not a number"))?;
        match word.as_str() {
            "--seeds" => wanted.seeds = number,
            "--from" => wanted.from = number,
            "--requests" => wanted.requests = u32::try_from(number).map_err(|error| error.to_string())?,
            _ => return Err(format!("`{word}` is not known; use --seeds N, --from S and --requests R")),
        }
    }
    Ok(wanted)
}

fn main() -> ExitCode {
    let mut out = std::io::stdout().lock();
    match wanted() {
        Ok(wanted) => match run(&wanted, &mut out) {
            Ok(0) => ExitCode::SUCCESS,
            Ok(_) | Err(_) => ExitCode::FAILURE,
        },
        Err(why) => {
            // Where even this cannot be written there is nobody to tell.
            drop(writeln!(out, "{why}"));
            ExitCode::from(2)
        }
    }
}

/// How many seeds failed.
fn run(wanted: &Wanted, out: &mut impl Write) -> std::io::Result<u64> {
    // A panic inside the node is caught and told with its seed.
    std::panic::set_hook(Box::new(|_| {}));
    let (mut failed, mut all) = (0, Report::default());
    for seed in wanted.from..wanted.from.saturating_add(wanted.seeds) {
        match simulate(Options { seed, requests: wanted.requests, planted: None }) {
            Ok(report) => all += report,
            Err(failure) => {
                failed += 1;
                writeln!(out, "{failure}\n")?;
            }
        }
    }
    writeln!(out, "{} seeds, {failed} failed; {all:?}", wanted.seeds)?;
    Ok(failed)
}
