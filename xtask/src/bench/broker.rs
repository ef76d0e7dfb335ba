//! `cargo xtask bench broker`: the broker over real sockets, beside handlers that do nothing.
//!
//! The package `logscope-bench-broker` measures, and prints its own table: its rows are not criterion's.

use anyhow::Result;

use super::Arguments;
use crate::workspace::{Workspace, run};

/// What a filter begins with that asks for these rows: `broker`, or `broker-fetch`.
const NAME: &str = "broker";

/// Which of the rows the filter asks for, if any.
pub(super) fn wanted(filter: &str) -> Option<&str> {
    if filter.is_empty() {
        return Some("");
    }
    filter.strip_prefix(NAME).map(|rest| rest.trim_start_matches('-'))
}

pub(super) fn bench(workspace: &Workspace, arguments: &Arguments, rows: &str) -> Result<()> {
    let broker = workspace.build_server()?;
    let mut command = workspace.cargo();
    command.args(["run", "--release", "--quiet", "--package=logscope-bench-broker", "--", "run", "--broker"]);
    command.arg(broker);
    if arguments.quick {
        command.arg("--quick");
    }
    run(command.arg(rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_asks_for_rows_of_the_broker_by_its_name() {
        assert_eq!(wanted(""), Some(""));
        assert_eq!(wanted("broker"), Some(""));
        assert_eq!(wanted("broker-fetch"), Some("fetch"));
        assert_eq!(wanted("fetch"), None);
    }
}
