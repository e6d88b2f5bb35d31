//! What is looked for and what a person without root is told.

use std::ffi::OsStr;

use super::{NEEDS, by_hand, find_on, packages};

#[test]
fn tells_the_exact_command() {
    let all: Vec<_> = NEEDS.iter().collect();
    assert_eq!(
        by_hand(&packages(&all)),
        "sudo apt-get update && sudo apt-get install --yes --no-install-recommends \
         prometheus prometheus-alertmanager strace python3-aiosmtpd chromium chromium-driver gcc \
         libc6-dev curl git"
    );
}

#[test]
fn only_executable_files_count_as_programs() {
    assert!(find_on(OsStr::new("/usr/bin:/bin"), "env").is_some());
    assert!(find_on(OsStr::new("/etc"), "passwd").is_none(), "a file that is not executable");
    assert!(find_on(OsStr::new("/"), "etc").is_none(), "a folder");
    assert!(find_on(OsStr::new(""), "env").is_none(), "an empty path");
}

#[test]
fn every_server_that_is_installed_has_its_unit_named() {
    let servers: Vec<_> = NEEDS.iter().filter_map(|need| need.unit).collect();
    assert_eq!(servers, ["prometheus", "prometheus-alertmanager"]);
}
