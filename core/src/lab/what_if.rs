//! The same scenario under other configs, and what a fetch costs: two runs that can be laid side by side.

use crate::log::event::Event as LogEvent;

use super::{Action, Event, TopicAction};

/// What a fetch looked at, and what it brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FetchCost {
    /// Entries of the offset index in the segment that it began in.
    pub index_entries: u64,
    /// How many of them were compared with the fetch offset.
    pub comparisons: u64,
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
    pub fn of<'e>(events: impl IntoIterator<Item = &'e Event>) -> Option<Self> {
        let mut last = None;
        for event in events {
            let Event::Log(event) = event else { continue };
            if matches!(event, LogEvent::FetchStarted { .. }) {
                last = Some(Self::default());
            }
            if let Some(cost) = &mut last {
                cost.add(event);
            }
        }
        last
    }

    fn add(&mut self, event: &LogEvent) {
        match event {
            LogEvent::IndexLookedUp { entries, probes, .. } => {
                (self.index_entries, self.comparisons) = (*entries as u64, probes.len() as u64);
            }
            LogEvent::FloorSegmentFound { .. } | LogEvent::NextSegmentEntered { .. } => self.segments += 1,
            LogEvent::BatchSkipped { size, .. } => {
                self.batches_skipped += 1;
                self.bytes_skipped += u64::from(*size);
            }
            LogEvent::BatchFetched { batch, .. } | LogEvent::FirstBatchWhole { batch, .. } => {
                self.batches += 1;
                self.bytes += u64::from(batch.size);
            }
            _ => {}
        }
    }

    /// Bytes looked at for each byte of the answer; `None` if there is no answer.
    pub fn amplification(&self) -> Option<f64> {
        (self.bytes > 0).then(|| (self.bytes_skipped + self.bytes) as f64 / self.bytes as f64)
    }
}

/// The scenario with these configs, by Kafka's keys, set from the beginning on, whatever it sets them to itself.
pub fn with_configs(scenario: &[TopicAction], configs: &[(String, String)]) -> Vec<TopicAction> {
    let overridden = |key: &String| configs.iter().any(|(other, _)| other == key);
    let begin = || (!configs.is_empty()).then(|| Action::Config { entries: configs.to_vec() }.into());
    let actions = scenario.iter().flat_map(|action| {
        let TopicAction::Log { action: of_log, partition } = action else { return vec![action.clone()] };
        match of_log {
            Action::Config { entries } => {
                let entries: Vec<_> = entries.iter().filter(|(key, _)| !overridden(key)).cloned().collect();
                let rest = TopicAction::Log {
                    action: Action::Config { entries: entries.clone() },
                    partition: *partition,
                };
                (!entries.is_empty()).then_some(rest).into_iter().collect()
            }
            // It takes the configs back.
            Action::Reset => [Some(action.clone()), begin()].into_iter().flatten().collect(),
            _ => vec![action.clone()],
        }
    });
    begin().into_iter().chain(actions).collect()
}

/// The scenario with another budget for each of its fetches, those of consumers as well.
pub fn with_max_bytes(scenario: &[TopicAction], max_bytes: u64) -> Vec<TopicAction> {
    let change = |action: &TopicAction| match action {
        TopicAction::Log { action: Action::Fetch { offset, .. }, partition } => {
            TopicAction::Log { action: Action::Fetch { offset: *offset, max_bytes }, partition: *partition }
        }
        TopicAction::Poll { consumer, .. } => TopicAction::Poll { consumer: consumer.clone(), max_bytes },
        action => action.clone(),
    };
    scenario.iter().map(change).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::{TopicEvent, TopicLab, parse_topic_scenario};
    use crate::storage::MemoryStorage;

    fn parse(text: &str) -> Vec<TopicAction> {
        parse_topic_scenario(text).expect("a scenario").into_iter().map(|(_, action)| action).collect()
    }

    fn cost(scenario: &[TopicAction]) -> FetchCost {
        let mut lab = TopicLab::new(1, |_| MemoryStorage::new());
        let events: Vec<_> = scenario.iter().flat_map(|action| lab.run(action).events).collect();
        let of_log: Vec<&Event> = events.iter().filter_map(TopicEvent::of_log).collect();
        assert!(!of_log.iter().any(|event| matches!(event, Event::Refused { .. })), "{events:?}");
        FetchCost::of(of_log).expect("there is a fetch")
    }

    fn configs(entries: &[(&str, &str)]) -> Vec<(String, String)> {
        entries.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
    }

    #[test]
    fn a_denser_index_skips_less_and_a_smaller_budget_brings_less() {
        let text = "config index.interval.bytes=400\nappend a count=7\nflush\nfetch 5 max_bytes=100";
        let scenario = parse(text);
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
        let text = "config segment.bytes=300\nappend a\nreset\nconfig segment.bytes=200 segment.ms=5\nflush\npoll me";
        let scenario = parse(text);
        let lines: Vec<String> = with_configs(&scenario, &configs(&[("segment.bytes", "100")]))
            .iter()
            .map(TopicAction::to_string)
            .collect();
        let expected = [
            "config segment.bytes=100",
            "append a",
            "reset",
            "config segment.bytes=100",
            "config segment.ms=5",
            "flush",
            "poll me max_bytes=4096",
        ];
        assert_eq!(lines, expected);
        assert_eq!(
            with_max_bytes(&scenario, 7).last().map(TopicAction::to_string).as_deref(),
            Some("poll me max_bytes=7")
        );
        assert_eq!(with_configs(&scenario, &[]), scenario);
    }
}
