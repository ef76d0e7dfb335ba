//! Bringing to an end what a compaction had begun when the power failed.

use crate::error::Result;
use crate::storage::{File, Storage};

use super::super::compaction::swap::{Swap, complete, is_staged};
use super::super::event::{Event, Observer};
use super::{Recovery, base_of};

impl<S: Storage, O: Observer> Recovery<'_, S, O> {
    /// Lets the new segments take their places that were to do so, and removes the new files of the others. What has
    /// taken its place is scanned like what a crash may have torn.
    pub(super) fn finish_swaps(&mut self) -> Result<()> {
        let swaps: Vec<Swap> = self.names.iter().filter_map(|name| Swap::parse(name)).collect();
        let needed = |name: &String| swaps.iter().any(|swap| swap.owns(name));
        let staged = self.names.iter().filter(|name| is_staged(name) && !needed(name));
        for name in staged.cloned().collect::<Vec<_>>() {
            self.storage.remove(&name)?;
            self.names.retain(|other| *other != name);
            self.removed(name);
        }
        if swaps.is_empty() {
            return Ok(());
        }
        // The process before may have died before it synced the new names. A crash now must not take them back, with the
        // segments gone that they stand for.
        self.storage.sync_dir()?;
        let mut bases: Vec<u64> = self.names.iter().filter_map(|name| base_of(name)).collect();
        bases.dedup();
        complete(self.storage, &swaps, &bases)?;
        self.names = self.storage.list()?;
        self.names.sort_unstable();
        self.report.compacted_segments = swaps.iter().map(|swap| swap.base).collect();
        self.observer.observe(|| {
            let size = |name: &String| self.storage.open(name).and_then(|file| file.len()).unwrap_or(0);
            let files = self.names.iter().map(|name| (name.clone(), size(name))).collect();
            Event::SwapsCompleted { swaps: swaps.iter().map(|swap| (swap.base, swap.end)).collect(), files }
        });
        Ok(())
    }
}
