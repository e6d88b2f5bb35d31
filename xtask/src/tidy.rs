//! `cargo xtask tidy`: the checks under `xtask/tests/it/` alone, for a quick answer while writing.

use anyhow::bail;

use crate::{Usage, process};

const HELP: &str = "\
Usage: cargo xtask tidy [FILTER]

Runs the checks of walls, sources and documents. They are ordinary tests of this package, so the gate runs
them too. FILTER selects by name, for example `cargo xtask tidy documents`.
";

pub(crate) fn run(args: &[String]) -> anyhow::Result<()> {
    let mut command = process::cargo(&["test", "--locked", "--quiet", "--package", "xtask", "--test", "it"]);
    match args {
        [] => {}
        [flag] if flag == "--help" || flag == "-h" => {
            print!("{HELP}");
            return Ok(());
        }
        [filter] if !filter.starts_with('-') => {
            command.arg(filter);
        }
        [..] => return Err(Usage(format!("`tidy` does not know {args:?}; see --help")).into()),
    }
    if !process::watched(command, |_| {})? {
        bail!("tidy found problems; each names its file and what to do");
    }
    Ok(())
}
