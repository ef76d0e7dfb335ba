//! What commands print: lines for people or JSON for programs, and a bar while there is nothing else to see.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{HumanCount, ProgressBar, ProgressState, ProgressStyle};
use serde::Serialize;

/// How a command prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// Lines for people
    Text,
    /// A JSON object a line
    Json,
}

/// Prints an object on a line of its own.
pub(super) fn json_line(out: &mut impl Write, object: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, object)?;
    writeln!(out)
}

/// So many things, such as `1 partition` or `2 partitions`.
pub(super) fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// Rows under a heading, in columns as wide as they need to be.
#[derive(Debug)]
pub(super) struct Table<const N: usize> {
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    pub(super) fn new(heading: [&str; N]) -> Self {
        Self { rows: vec![heading.map(str::to_owned)] }
    }

    pub(super) fn row(&mut self, row: [String; N]) {
        self.rows.push(row);
    }

    pub(super) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let width =
            |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: [usize; N] = std::array::from_fn(width);
        for row in &self.rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(widths) {
                line.push_str(&format!("{cell:width$}  "));
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// A bar for work on `total` things, such as bytes. It shows only where somebody watches, and where what is printed
/// does not show by itself that there is progress.
pub(super) fn progress_bar(total: u64, template: &str) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    styled(ProgressBar::new(total), template)
}

/// Counts records on stderr, while stdout goes to a file.
pub(super) fn record_counter() -> ProgressBar {
    if !io::stderr().is_terminal() || io::stdout().is_terminal() {
        return ProgressBar::hidden();
    }
    let counter = styled(ProgressBar::no_length(), "{spinner} {human_pos} records, {whole_per_sec}/s");
    counter.enable_steady_tick(Duration::from_millis(100));
    counter
}

fn styled(bar: ProgressBar, template: &str) -> ProgressBar {
    // Templates are constants; with a wrong one the bar would look plainer.
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style.with_key("whole_per_sec", whole_per_sec)),
        Err(_) => bar,
    }
}

/// The library's own rate has four decimals.
fn whole_per_sec(state: &ProgressState, out: &mut dyn fmt::Write) {
    let _ = write!(out, "{}", HumanCount(state.per_sec().round() as u64));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(["TOPIC", "LAG"]);
        table.row(["page-views".to_owned(), "3".to_owned()]);
        table.row(["ä".to_owned(), String::new()]);
        let mut out = Vec::new();
        assert!(table.print(&mut out).is_ok());
        assert_eq!(String::from_utf8_lossy(&out), "TOPIC       LAG\npage-views  3\nä\n");
    }
}
