//! The programs that tests start: looked for, and installed with apt-get where we are root.
//!
//! Debian's packages of servers start them and register them for the next boot. The gate wants only the files,
//! so a policy that forbids starting stands while apt-get runs, and what was registered is unregistered.

#[cfg(test)]
mod tests;

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use crate::process;

/// One program, where Debian has it, and what wants it.
struct Need {
    program: &'static str,
    packages: &'static [&'static str],
    /// The unit that the package brings, if it is a server.
    unit: Option<&'static str>,
    why: &'static str,
}

const NEEDS: &[Need] = &[
    Need {
        program: "prometheus",
        packages: &["prometheus"],
        unit: Some("prometheus"),
        why: "a real sender of alerts",
    },
    Need {
        program: "amtool",
        packages: &["prometheus-alertmanager"],
        unit: Some("prometheus-alertmanager"),
        why: "a real client of the Alertmanager API",
    },
    Need {
        program: "strace",
        packages: &["strace"],
        unit: None,
        why: "shows that a sync ended before its answer",
    },
    Need {
        program: "aiosmtpd",
        packages: &["python3-aiosmtpd"],
        unit: None,
        why: "a real mail server that takes notices",
    },
    Need {
        program: "chromium",
        packages: &["chromium"],
        unit: None,
        why: "a real browser that reads the pages",
    },
    Need { program: "chromedriver", packages: &["chromium-driver"], unit: None, why: "drives the browser" },
    Need { program: "cc", packages: &["gcc", "libc6-dev"], unit: None, why: "builds the embedded SQLite" },
    Need { program: "curl", packages: &["curl"], unit: None, why: "the commands of the README" },
    Need { program: "git", packages: &["git"], unit: None, why: "the version that a build reports" },
];

const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Makes sure that every program is there.
///
/// # Errors
/// Something is missing and could not be installed; the message holds the command that does it.
pub(crate) fn ensure() -> anyhow::Result<()> {
    let missing = missing();
    if missing.is_empty() {
        return Ok(());
    }
    for need in &missing {
        println!("      missing `{}` ({})", need.program, need.why);
    }
    let packages = packages(&missing);
    if !(is_root() && find("apt-get").is_some()) {
        bail!("install what is missing, then run this again:\n  {}", by_hand(&packages));
    }
    install(&packages)
        .with_context(|| format!("apt-get failed; by hand it is:\n  {}", by_hand(&packages)))?;
    unregister(&missing);
    let still: Vec<&str> = self::missing().iter().map(|need| need.program).collect();
    if !still.is_empty() {
        bail!("{} installed, but {} not on the PATH", packages.join(" "), still.join(" "));
    }
    Ok(())
}

fn missing() -> Vec<&'static Need> {
    NEEDS.iter().filter(|need| find(need.program).is_none()).collect()
}

fn packages(needs: &[&Need]) -> Vec<&'static str> {
    needs.iter().flat_map(|need| need.packages).copied().collect()
}

fn by_hand(packages: &[&str]) -> String {
    format!(
        "sudo apt-get update && sudo apt-get install --yes --no-install-recommends {}",
        packages.join(" ")
    )
}

fn install(packages: &[&str]) -> anyhow::Result<()> {
    let _forbidden = StartsForbidden::declare()?;
    println!("      installing {} with apt-get", packages.join(" "));
    process::quiet(apt_get(&["update"]))?;
    let mut install = apt_get(&["install", "--yes", "--no-install-recommends"]);
    install.args(packages);
    process::quiet(install)
}

fn apt_get(args: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command.args(args).env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1");
    command
}

/// While it lives, packages must not start their servers (`policy-rc.d` answering 101, "action forbidden").
///
/// A policy that the machine already has is left alone: whoever wrote it has decided.
struct StartsForbidden {
    ours: bool,
}

impl StartsForbidden {
    fn declare() -> anyhow::Result<Self> {
        if Path::new(POLICY).exists() {
            return Ok(Self { ours: false });
        }
        std::fs::write(POLICY, "#!/bin/sh\nexit 101\n").with_context(|| format!("cannot write {POLICY}"))?;
        let guard = Self { ours: true };
        std::fs::set_permissions(POLICY, std::fs::Permissions::from_mode(0o755))
            .with_context(|| format!("cannot make {POLICY} executable"))?;
        Ok(guard)
    }
}

impl Drop for StartsForbidden {
    fn drop(&mut self) {
        if self.ours && std::fs::remove_file(POLICY).is_err() {
            eprintln!("warning: {POLICY} could not be removed; remove it by hand");
        }
    }
}

/// Stops and disables the servers of packages that were installed a moment ago, and no others.
fn unregister(installed: &[&Need]) {
    let Some(systemctl) = find("systemctl") else { return };
    for unit in installed.iter().filter_map(|need| need.unit) {
        // Without a running systemd `stop` has nothing to talk to, and nothing was started either.
        if Path::new("/run/systemd/system").exists() {
            process::succeeds(with_args(&systemctl, &["stop", unit]));
        }
        if !process::succeeds(with_args(&systemctl, &["disable", unit])) {
            eprintln!("warning: unit `{unit}` may start at the next boot: systemctl disable {unit}");
        }
    }
}

fn with_args(program: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args);
    command
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn find(program: &str) -> Option<PathBuf> {
    find_on(&std::env::var_os("PATH").unwrap_or_default(), program)
}

fn find_on(path: &OsStr, program: &str) -> Option<PathBuf> {
    std::env::split_paths(path).map(|folder| folder.join(program)).find(|file| is_executable(file))
}

fn is_executable(file: &Path) -> bool {
    file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}
