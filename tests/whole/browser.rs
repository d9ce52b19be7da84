//! Chromium without a window, and the scripts of others that look at a page in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use egress25_skipped::skipped;

use crate::program::repository;

/// A script that looks at a page, where it was fetched to (`.ci/run` does so).
fn script(file: &str) -> Option<PathBuf> {
    let path = repository().join("target/browser").join(file);
    if !path.exists() {
        skipped(format_args!("{file} is not in target/browser (.ci/run fetches it)"));
        return None;
    }
    Some(path.canonicalize().expect("a path"))
}

/// A browser that looks at pages, one at a time or several.
pub(crate) struct Browser {
    program: &'static str,
    script: PathBuf,
}

impl Browser {
    /// The browser with a script, where both are there.
    pub(crate) fn with(file: &str) -> Option<Self> {
        let answers = |program: &&str| Command::new(program).arg("--version").output().is_ok();
        let Some(program) = ["chromium", "chromium-browser"].into_iter().find(answers) else {
            skipped("chromium is not installed");
            return None;
        };
        Some(Self { program, script: script(file)? })
    }

    /// What a page's title is after the script was loaded and some JavaScript has run in it, which
    /// sets it: it stands nowhere in the page's content.
    pub(crate) fn title_after(&self, page: &str, javascript: &str, flags: &[&str]) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("page.html");
        let script = self.script.display();
        let (before, after) = page.rsplit_once("</body>").expect("a page");
        let page = format!(
            "{before}<script src=\"file://{script}\"></script><script>{javascript}</script></body>\
             {after}"
        );
        std::fs::write(&path, page).expect("written");
        let dom = self.dom(&path, flags);
        let (_, title) = dom.split_once("<title>").expect("a title");
        let title = title.split_once("</title>").expect("a title").0;
        title
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&amp;", "&")
    }

    fn dom(&self, path: &Path, flags: &[&str]) -> String {
        let profile = path.with_file_name("profile");
        let output = Command::new("timeout")
            .args(["300", self.program])
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=60000"])
            .arg(format!("--user-data-dir={}", profile.display()))
            .args(flags)
            .args(["--dump-dom".into(), format!("file://{}", path.display())])
            .output()
            .expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }
}
