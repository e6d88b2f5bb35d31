//! What was acknowledged is on the disk, shown from outside: kills at random moments and at every sync of the first
//! start, a trace of the system calls, and a WAL that a loss of power has cut or torn.

mod first_start;
mod trace;
mod wal;

use std::process::Command;

/// The small form of `cargo xtask crash`, which is the proof.
#[test]
fn kills_at_random_moments_lose_and_double_nothing() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let binary = env!("CARGO_BIN_EXE_ringfence");
    let mut command = Command::new(cargo);
    command.args([
        "run",
        "--quiet",
        "--package",
        "xtask",
        "--",
        "crash",
        "--moments",
        "8",
        "--binary",
        binary,
    ]);
    let output = command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}
