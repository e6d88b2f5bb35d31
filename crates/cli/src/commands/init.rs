//! `init`: an editable copy of the shipped content.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::json;

use crate::{
    content,
    output::{Output, Verdict, escape},
};

/// Write an editable copy of the shipped content into a new folder
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence init content\n  ringfence check content\n  \
                        ringfence serve --content content")]
pub(crate) struct Init {
    /// A folder that does not exist yet, or is empty
    dir: PathBuf,
}

impl Init {
    pub(crate) fn run(&self, output: &Output) -> anyhow::Result<Verdict> {
        let shown = self.dir.display().to_string();
        let filled = fs::read_dir(&self.dir).is_ok_and(|mut entries| entries.next().is_some());
        if filled {
            bail!("`{shown}` is not empty; nothing was written, name another folder");
        }
        for (path, text) in content::shipped() {
            let path = self.dir.join(path);
            let failed = || format!("cannot write `{}`", path.display());
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder).with_context(failed)?;
            }
            fs::write(&path, text).with_context(failed)?;
        }
        let count = content::shipped().len();
        if output.json {
            output.json(&json!({ "dir": shown, "files": count }));
        } else {
            let dir = escape(&shown);
            output.line(format!("{count} files are in {dir}"));
            output.line(format!("Edit them, then: ringfence check {dir}"));
            output.line(format!("and:             ringfence serve --content {dir}"));
        }
        Ok(Verdict::Done)
    }
}
