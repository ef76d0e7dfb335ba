//! Rounds, ratios, and how they are printed.

use anyhow::Result;

use crate::Pace;

/// One line of the table: the broker beside a floor.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) what: String,
    pub(crate) floor: String,
    /// The broker's figure and the floor's, of each round.
    pub(crate) rounds: Vec<(f64, f64)>,
    pub(crate) least: f64,
    /// How a figure reads.
    pub(crate) figure: fn(f64) -> String,
}

/// Lets both have their turns.
pub(crate) fn compare(
    pace: Pace,
    mut ours: impl FnMut() -> Result<f64>,
    mut floor: impl FnMut() -> Result<f64>,
) -> Result<Vec<(f64, f64)>> {
    // The first turn of each warms it up.
    ours()?;
    floor()?;
    (0..pace.rounds).map(|_| Ok((ours()?, floor()?))).collect()
}

impl Line {
    pub(crate) const HEADING: &'static str = "\
| what | Logscope | floor | floor's figure | ratio (of each round) | reach at least | |
| --- | --- | --- | --- | --- | --- | --- |";

    pub(crate) fn print(&self) {
        let ratios: Vec<f64> = self.rounds.iter().map(|(ours, floor)| ours / floor).collect();
        let median = |of: fn(&(f64, f64)) -> f64| median(self.rounds.iter().map(of).collect());
        let ratio = crate::table::median(ratios.clone());
        println!(
            "| {} | {} | {} | {} | **{ratio:.2}** ({:.2} to {:.2}) | {:.2} | {} |",
            self.what,
            (self.figure)(median(|round| round.0)),
            self.floor,
            (self.figure)(median(|round| round.1)),
            ratios.iter().copied().fold(f64::INFINITY, f64::min),
            ratios.iter().copied().fold(0.0, f64::max),
            self.least,
            verdict(ratio >= self.least),
        );
    }
}

pub(crate) fn verdict(reached: bool) -> &'static str {
    if reached { "ok" } else { "short" }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        count => (values[(count - 1) / 2] + values[count / 2]) / 2.0,
    }
}

/// So many a second.
pub(crate) fn per_second(speed: f64) -> String {
    match speed {
        speed if speed >= 1e6 => format!("{:.2} M/s", speed / 1e6),
        speed if speed >= 1e4 => format!("{:.0} k/s", speed / 1e3),
        speed => format!("{speed:.0} /s"),
    }
}

/// How long each takes that comes so often in a second.
pub(crate) fn milliseconds(speed: f64) -> String {
    format!("{:.1} ms", 1e3 / speed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_the_median_of_the_rounds() {
        assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median(vec![1.0, 2.0]) - 1.5).abs() < 1e-9);
        let pace = Pace { rounds: 2, turn: std::time::Duration::ZERO };
        let (mut ours, mut turns) = (0.0, 0);
        let rounds = compare(
            pace,
            || {
                ours += 1.0;
                Ok(ours)
            },
            || {
                turns += 1;
                Ok(1.0)
            },
        );
        assert_eq!(rounds.unwrap_or_default(), [(2.0, 1.0), (3.0, 1.0)], "the first turn does not count");
        assert_eq!(turns, 3);
    }
}
