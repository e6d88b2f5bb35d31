//! Running other programs: cargo without our own environment leaking in, with the output kept or passed on.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use anyhow::{Context, bail};

/// The root of the checkout that this binary was built from.
pub(crate) fn workspace_root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}

/// Cargo, started in the workspace root.
///
/// `cargo run` sets variables that describe xtask itself. Build scripts that watch them would see a change and
/// build again whenever the gate and a plain `cargo` take turns, so they are removed.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    for (name, _) in std::env::vars_os() {
        if describes_this_package(&name.to_string_lossy()) {
            command.env_remove(&name);
        }
    }
    command.args(args).current_dir(workspace_root());
    command
}

fn describes_this_package(variable: &str) -> bool {
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"].iter().any(|prefix| variable.starts_with(prefix))
        || ["CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE", "OUT_DIR"].contains(&variable)
}

/// Runs to the end without a word; prints everything that was said only when it failed.
///
/// # Errors
/// The program could not be started, or ended with anything but success.
pub(crate) fn quiet(command: Command) -> anyhow::Result<()> {
    let shown = shown(&command);
    let mut output = Vec::new();
    let status = observe(command, |mut pipe| pipe.read_to_end(&mut output).map(drop))?;
    if status.success() {
        return Ok(());
    }
    println!("{}", String::from_utf8_lossy(&output));
    bail!("`{shown}` ended with {status}")
}

/// Runs to the end, printing each line as it comes and showing it to `on_line`. Says whether it succeeded.
///
/// # Errors
/// The program could not be started, or its output could not be read.
pub(crate) fn watched(command: Command, mut on_line: impl FnMut(&str)) -> anyhow::Result<bool> {
    let status = observe(command, |pipe| {
        let mut lines = BufReader::new(pipe);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line)? > 0 {
            let text = String::from_utf8_lossy(&line);
            println!("{}", text.trim_end());
            on_line(text.trim_end());
            line.clear();
        }
        Ok(())
    })?;
    Ok(status.success())
}

/// True when the program starts and succeeds; its output is thrown away.
pub(crate) fn succeeds(mut command: Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// The command as a person would type it.
pub(crate) fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let mut words: Vec<String> = words.map(|word| word.to_string_lossy().into_owned()).collect();
    if let Some(name) = Path::new(&words[0]).file_name() {
        words[0] = name.to_string_lossy().into_owned();
    }
    words.join(" ")
}

/// Starts the program with both of its outputs in one pipe, so that their order is kept.
fn observe(
    mut command: Command,
    read: impl FnOnce(std::io::PipeReader) -> std::io::Result<()>,
) -> anyhow::Result<ExitStatus> {
    let shown = shown(&command);
    let (reader, writer) = std::io::pipe().context("no pipe for the output")?;
    command.stdin(std::process::Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
    let mut child = command.spawn().with_context(|| format!("`{shown}` could not be started"))?;
    // The command holds our copies of the writing end; while they live, the reader would never see the end.
    drop(command);
    let read = read(reader).with_context(|| format!("the output of `{shown}` could not be read"));
    let status = child.wait().with_context(|| format!("`{shown}` could not be waited for"))?;
    read.map(|()| status)
}
