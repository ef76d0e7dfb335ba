//! The same scenario under other configs, and what a fetch costs: two runs that can be laid side by side.

use crate::log::event::Event as LogEvent;

use super::{Action, Event};

/// What a fetch looked at, and what it brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FetchCost {
    /// Entries of the offset index in the segment that it began in.
    pub index_entries: u64,
    /// Batches whose headers the scan passed before it reached the fetch offset.
    pub batches_skipped: u64,
    /// Their bytes.
    pub bytes_skipped: u64,
    /// Batches in the answer.
    pub batches: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Segments that it read.
    pub segments: u64,
}

impl FetchCost {
    /// What the last fetch among these events cost; `None` if there is none.
    pub fn of(events: &[Event]) -> Option<Self> {
        let start =
            events.iter().rposition(|event| matches!(event, Event::Log(LogEvent::FetchStarted { .. })))?;
        let mut cost = Self::default();
        for event in &events[start..] {
            match event {
                Event::Log(LogEvent::IndexLookedUp { entries, .. }) => cost.index_entries = *entries as u64,
                Event::Log(LogEvent::FloorSegmentFound { .. } | LogEvent::NextSegmentEntered { .. }) => {
                    cost.segments += 1;
                }
                Event::Log(LogEvent::BatchSkipped { size, .. }) => {
                    cost.batches_skipped += 1;
                    cost.bytes_skipped += u64::from(*size);
                }
                Event::Log(
                    LogEvent::BatchFetched { batch, .. } | LogEvent::FirstBatchWhole { batch, .. },
                ) => {
                    cost.batches += 1;
                    cost.bytes += u64::from(batch.size);
                }
                _ => {}
            }
        }
        Some(cost)
    }

    /// Bytes looked at for each byte of the answer; `None` if there is no answer.
    pub fn amplification(&self) -> Option<f64> {
        (self.bytes > 0).then(|| (self.bytes_skipped + self.bytes) as f64 / self.bytes as f64)
    }
}

/// The scenario with these configs, by Kafka's keys, set from the beginning on, whatever it sets them to itself.
pub fn with_configs(scenario: &[Action], configs: &[(String, String)]) -> Vec<Action> {
    let overridden = |key: &String| configs.iter().any(|(other, _)| other == key);
    let begin = (!configs.is_empty()).then(|| Action::Config { entries: configs.to_vec() });
    let actions = scenario.iter().flat_map(|action| match action {
        Action::Config { entries } => {
            let entries: Vec<_> = entries.iter().filter(|(key, _)| !overridden(key)).cloned().collect();
            (!entries.is_empty()).then_some(Action::Config { entries }).into_iter().collect()
        }
        // It takes the configs back.
        Action::Reset => [Some(Action::Reset), begin.clone()].into_iter().flatten().collect::<Vec<_>>(),
        action => vec![action.clone()],
    });
    begin.clone().into_iter().chain(actions).collect()
}

/// The scenario with another budget for each of its fetches.
pub fn with_max_bytes(scenario: &[Action], max_bytes: u64) -> Vec<Action> {
    let change = |action: &Action| match action {
        Action::Fetch { offset, .. } => Action::Fetch { offset: *offset, max_bytes },
        action => action.clone(),
    };
    scenario.iter().map(change).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::{Lab, parse_scenario};
    use crate::storage::MemoryStorage;

    fn cost(scenario: &[Action]) -> FetchCost {
        let mut lab = Lab::new(MemoryStorage::new());
        let events: Vec<_> = scenario.iter().flat_map(|action| lab.run(action).events).collect();
        assert!(!events.iter().any(|event| matches!(event, Event::Refused { .. })), "{events:?}");
        FetchCost::of(&events).expect("there is a fetch")
    }

    fn configs(entries: &[(&str, &str)]) -> Vec<(String, String)> {
        entries.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
    }

    #[test]
    fn a_denser_index_skips_less_and_a_smaller_budget_brings_less() {
        let text = "config index.interval.bytes=400\nappend a count=7\nflush\nfetch 5 max_bytes=100";
        let scenario: Vec<Action> =
            parse_scenario(text).expect("a scenario").into_iter().map(|(_, action)| action).collect();
        let as_it_is = cost(&scenario);
        assert_eq!(as_it_is.batches_skipped * 69, as_it_is.bytes_skipped);
        let dense = cost(&with_configs(&scenario, &configs(&[("index.interval.bytes", "0")])));
        assert!(dense.bytes_skipped < as_it_is.bytes_skipped, "{dense:?} {as_it_is:?}");
        assert!(dense.index_entries > as_it_is.index_entries);
        assert!(dense.amplification() < as_it_is.amplification());
        let wide = cost(&with_max_bytes(&scenario, 1000));
        assert_eq!((as_it_is.batches, wide.batches), (1, 2));
        let narrow = cost(&with_configs(&scenario, &configs(&[("segment.bytes", "140")])));
        assert_eq!(narrow.bytes_skipped, 69, "{narrow:?}");
    }

    #[test]
    fn what_the_scenario_sets_itself_does_not_count() {
        let text = "config segment.bytes=300\nappend a\nreset\nconfig segment.bytes=200 segment.ms=5\nflush";
        let scenario: Vec<Action> =
            parse_scenario(text).expect("a scenario").into_iter().map(|(_, action)| action).collect();
        let lines: Vec<String> = with_configs(&scenario, &configs(&[("segment.bytes", "100")]))
            .iter()
            .map(Action::to_string)
            .collect();
        let expected = [
            "config segment.bytes=100",
            "append a",
            "reset",
            "config segment.bytes=100",
            "config segment.ms=5",
            "flush",
        ];
        assert_eq!(lines, expected);
        assert_eq!(with_configs(&scenario, &[]), scenario);
    }
}
