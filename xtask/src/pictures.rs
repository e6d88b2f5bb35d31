//! `cargo xtask pictures`: the pages as a real Chromium shows them, at both widths, into `docs/pictures`. It runs the
//! test that looks at them, and keeps what that saw.

use anyhow::bail;

use crate::{Usage, needs, process};

const HELP: &str = "\
Usage: cargo xtask pictures

Starts the platform, sends it an alert, reads each page in Chromium at 360 and 1600 pixels, and writes what was
seen to docs/pictures. Chromium and its driver are installed first where they are missing and may be.
";

pub(crate) fn run(args: &[String]) -> anyhow::Result<()> {
    match args {
        [] => {}
        [flag] if flag == "--help" || flag == "-h" => {
            print!("{HELP}");
            return Ok(());
        }
        [..] => return Err(Usage(format!("`pictures` does not know {args:?}; see --help")).into()),
    }
    needs::ensure()?;
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut command =
        process::cargo(&["test", "--locked", "--quiet", "--package", "ringfence", "--test", "it"]);
    command.arg("pages::").env("RINGFENCE_PICTURES", root.join("docs/pictures"));
    if !process::watched(command, |_| {})? {
        bail!("the pages did not pass their own test, so there are no new pictures");
    }
    println!("docs/pictures holds what was seen");
    Ok(())
}
