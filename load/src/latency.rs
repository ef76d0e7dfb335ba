//! How long answers took.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Times of answers, in microseconds, to three digits.
#[derive(Debug, Clone)]
pub struct Latency {
    histogram: Histogram<u64>,
}

impl Default for Latency {
    fn default() -> Self {
        let histogram =
            Histogram::new(3).unwrap_or_else(|_| unreachable!("three digits are within its limits"));
        Self { histogram }
    }
}

impl Latency {
    /// Takes down one time.
    pub fn record(&mut self, time: Duration) {
        // The histogram grows by itself, so that it takes any time there is.
        let _ = self.histogram.record(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }

    /// Takes over what another has.
    pub fn add(&mut self, other: &Self) {
        // Both are of one kind, so this does not fail.
        let _ = self.histogram.add(&other.histogram);
    }

    /// How many times were taken down.
    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// So many in a hundred took at most this long, in milliseconds.
    pub fn percentile_ms(&self, percentile: f64) -> f64 {
        self.histogram.value_at_percentile(percentile) as f64 / 1000.0
    }

    /// The longest, in milliseconds.
    pub fn max_ms(&self) -> f64 {
        self.histogram.max() as f64 / 1000.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_all_that_was_recorded() {
        let (mut one, mut other) = (Latency::default(), Latency::default());
        (1..=50).for_each(|ms| one.record(Duration::from_millis(ms)));
        (51..=100).for_each(|ms| other.record(Duration::from_millis(ms)));
        one.add(&other);
        assert_eq!(one.count(), 100);
        for (percentile, ms) in [(50.0, 50.0), (99.0, 99.0), (100.0, 100.0)] {
            assert!((one.percentile_ms(percentile) / ms - 1.0).abs() < 0.002, "{percentile}");
        }
        assert!((one.max_ms() - 100.0).abs() < 0.2);
    }
}
