//! `cargo xtask bench page`: the page in Chromium: how much it loads, how soon it is there, how long a redraw takes.
//!
//! The bench `page` of the package `browser-tests` measures, and prints its own table: its rows are not criterion's.

use anyhow::Result;

use super::Arguments;
use crate::workspace::{Workspace, run};
use crate::{browser, bundle};

/// What a filter begins with that asks for these rows: `page`, or `page-redraw`.
const NAME: &str = "page";

/// Which of the rows the filter asks for, if any.
pub(super) fn wanted(filter: &str) -> Option<&str> {
    if filter.is_empty() {
        return Some("");
    }
    filter.strip_prefix(NAME).map(|rest| rest.trim_start_matches('-'))
}

pub(super) fn bench(workspace: &Workspace, arguments: &Arguments, rows: &str) -> Result<()> {
    browser::ensure_browser()?;
    let page = bundle::build(workspace, false)?;
    let broker = workspace.build_server()?;
    let mut command = workspace.cargo();
    // What is measured runs in the browser: whoever drives it need not be fast, and is compiled already.
    command.args(["bench", "--profile=dev", "--quiet", "--package=browser-tests", "--bench=page", "--"]);
    command.arg(rows).env("LOGSCOPE_BROKER", broker).env("LOGSCOPE_PAGE", page);
    command.env("LOGSCOPE_SCREENSHOTS", workspace.target.join("screenshots"));
    if arguments.quick {
        command.env("LOGSCOPE_BENCH_QUICK", "1");
    }
    run(&mut command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_asks_for_rows_of_the_page_by_its_name() {
        assert_eq!(wanted(""), Some(""));
        assert_eq!(wanted("page"), Some(""));
        assert_eq!(wanted("page-redraw"), Some("redraw"));
        assert_eq!(wanted("fetch"), None);
    }
}
