//! What the benches share: the records, the contenders, and how they take turns.
//!
//! `cargo xtask bench` runs them and prints a table of ratios; that is the way to run them, for a figure alone
//! says more about the machine than about the engine.
//!
//! Invariants:
//! - Each figure has a floor from the same run, on the same filesystem, from the same records. The contenders
//!   take turns, round after round, so that whatever else the machine does meets them alike.
//! - No figure without its gate: before anything is timed, what the contender wrote is read back, and each offset
//!   must be there exactly once, with the value that was appended for it.
//! - Appends of either side leave their bytes in the page cache. Nobody syncs while a clock runs.

pub mod floor;
pub mod ours;
pub mod theirs;

mod clock;
mod records;
mod turns;

pub use clock::{Clock, Moment};
pub use records::{Gate, RecordSet, random_below};
pub use turns::{Bencher, Contender, Criterion, compare, timed_appends};

use std::fs::{self, File};
use std::path::Path;

use anyhow::Result;
use rustix::fs::{Advice, fadvise};
use tempfile::TempDir;

/// A folder that goes with its handle, on the disk that cargo builds on: a `/tmp` may be memory.
pub fn scratch() -> Result<TempDir> {
    let parent = std::env::current_exe()?;
    Ok(tempfile::tempdir_in(parent.parent().unwrap_or(Path::new(".")))?)
}

/// Writes a folder's files back and out of the page cache, so that reading them through brings each contender's
/// there in the same way. As they were written, the kernel may have put one into larger pages than another.
pub fn settle(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let file = File::open(entry?.path())?;
        file.sync_all()?;
        fadvise(&file, 0, None, Advice::DontNeed)?;
    }
    Ok(())
}
