//! Compaction, and what becomes of it when the log goes on, or dies, before it is finished.

use std::collections::BTreeMap;

use logscope::log::{Compacted, Compaction, CompactionReport};
use logscope::storage::FaultyStorage;
use logscope::{Error, PartitionLog, SegmentInfo};

use crate::actions::bases;
use crate::cleaning::Cleaning;
use crate::model::{Batch, Checked, Model, batches, check};
use crate::recovered::fetch_all;
use crate::run::{Disk, Run};
use crate::step::Fault;

const IDLE: &str = "a compaction begins if there is something to do";
const ABANDONED: &str = "a compaction is given up if its segments are not there any more, and only then";
const REPORT: &str = "a compaction reports what it did";

/// A compaction that is to be finished some actions later.
pub(crate) struct LateCompaction<D: Disk> {
    steps: u64,
    work: Work<D>,
    cleaning: Cleaning,
    sources: Vec<u64>,
    truncations: u64,
}

enum Work<D: Disk> {
    Begun(Compaction<D>),
    Written(Compacted<D>),
}

/// The batches of each `.log` file.
pub(crate) type Segments = BTreeMap<u64, Vec<Batch>>;

/// What the `.log` files of a directory hold.
pub(crate) fn segments_in(files: &BTreeMap<String, Vec<u8>>) -> Segments {
    let base = |name: &str| name.strip_suffix(".log").and_then(|digits| digits.parse().ok());
    files.iter().filter_map(|(name, bytes)| Some((base(name)?, batches(bytes)))).collect()
}

impl<D: Disk> Run<D> {
    pub(crate) fn compact(&mut self, fault: Option<Fault>) -> Checked {
        let Some(log) = &mut self.log else { return Ok(()) };
        let before = log.segments();
        let cleaning = self.model.cleaning(&before, self.now_ms, self.config.delete_retention_ms);
        if fault.is_none() && self.late_compaction.is_none() {
            return match log.compact(self.now_ms) {
                Ok(None) => self.nothing_to_compact(&cleaning, &before),
                Ok(Some(report)) => self.finished(Ok(report), cleaning, &before, false, fault),
                Err(error) => self.refused(&error, fault),
            };
        }
        let Some(compaction) = log.begin_compaction(self.now_ms) else {
            return self.nothing_to_compact(&cleaning, &before);
        };
        check(self.late_compaction.is_none(), IDLE, || "one is under way already".to_owned())?;
        let sources = bases(&before[..before.len() - 1]);
        let late =
            |steps, work| LateCompaction { steps, work, cleaning, sources, truncations: self.truncations };
        match fault {
            Some(Fault::Late { steps }) if steps % 2 == 1 => {
                self.late_compaction = Some(late(steps, Work::Begun(compaction)));
                Ok(())
            }
            _ => match (compaction.run(), fault) {
                (Ok(compacted), Some(Fault::Late { steps })) => {
                    self.late_compaction = Some(late(steps, Work::Written(compacted)));
                    Ok(())
                }
                (Ok(compacted), _) => self.finish_compaction(late(0, Work::Written(compacted)), fault),
                (Err(error), _) => self.refused(&error, fault),
            },
        }
    }

    /// Finishes what was begun late, once its time has come.
    pub(crate) fn complete_late_compaction(&mut self) -> Checked {
        match self.late_compaction.take() {
            Some(late) if late.steps > 0 => {
                self.late_compaction = Some(LateCompaction { steps: late.steps - 1, ..late });
                Ok(())
            }
            Some(late) => self.finish_compaction(late, None),
            None => Ok(()),
        }
    }

    fn finish_compaction(&mut self, late: LateCompaction<D>, fault: Option<Fault>) -> Checked {
        let Some(log) = &mut self.log else { return Ok(()) };
        let LateCompaction { work, cleaning, sources, truncations, .. } = late;
        let before = log.segments();
        let changed = !bases(&before).starts_with(&sources) || truncations != self.truncations;
        let result = match work {
            Work::Written(compacted) => Ok(compacted),
            Work::Begun(compaction) => compaction.run(),
        };
        match result.and_then(|compacted| log.finish_compaction(compacted)) {
            Err(Error::Poisoned) => self.refused(&Error::Poisoned, fault),
            result => self.finished(result, cleaning, &before, changed, fault),
        }
    }

    fn finished(
        &mut self,
        result: Result<CompactionReport, Error>,
        cleaning: Cleaning,
        before: &[SegmentInfo],
        changed: bool,
        fault: Option<Fault>,
    ) -> Checked {
        let Some(log) = &self.log else { return Ok(()) };
        let after = log.segments();
        if let Ok(report) = &result {
            check(report.abandoned == changed, ABANDONED, || format!("{report:?}"))?;
        }
        if changed || (result.is_err() && after == before) {
            // What was about to take its place may do so when the log is opened again.
            self.model.cleaning = result.is_err().then_some(cleaning);
        } else {
            let on_disk = segments_in(&self.disk.files());
            let removed = self.model.compact(&cleaning, &on_disk, true)?;
            if !self.disk.faulty().is_some_and(FaultyStorage::is_down) {
                self.set_faults(None);
                check_fetched(log, &self.model)?;
            }
            let closed = |segments: &[SegmentInfo]| {
                let closed = segments.iter().take_while(|segment| segment.base_offset < cleaning.end);
                closed.fold((0, 0), |(count, bytes), segment| (count + 1, bytes + segment.size))
            };
            let (was, is) = (closed(before), closed(&after));
            let due = CompactionReport {
                abandoned: false,
                records_removed: removed,
                segments: (was.0, is.0),
                bytes: (was.1, is.1),
                first_dirty_offset: cleaning.end,
            };
            let as_due = result.as_ref().map_or(true, |report| *report == due);
            check(as_due || self.model.damaged, REPORT, || format!("{result:?} instead of {due:?}"))?;
            self.last_cleaning = Some(cleaning);
        }
        result.map(drop).or_else(|error| self.refused(&error, fault))
    }

    /// There must be nothing that a compaction would take away.
    fn nothing_to_compact(&self, cleaning: &Cleaning, segments: &[SegmentInfo]) -> Checked {
        let compacts = self.config.cleanup_policy.compacts() && self.late_compaction.is_none();
        if !compacts || segments.len() < 2 || self.model.damaged || self.model.trouble {
            return Ok(());
        }
        self.model.check_compacted(cleaning, segments[0].base_offset)
    }
}

/// All that is visible is what the model says.
fn check_fetched<D: Disk>(log: &PartitionLog<D>, model: &Model) -> Checked {
    let visible = log.high_watermark();
    let Some(found) = fetch_all(log, model.damaged)? else { return Ok(()) };
    let due: Vec<Batch> = model.batches.iter().filter(|batch| batch.next <= visible).cloned().collect();
    check(model.same(&found, &due), "after a compaction, a fetch returns what it left", || {
        format!("{found:?} instead of {due:?}")
    })
}
