//! The `checkpoint` file: what an opening must know and cannot read off the segments.
//!
//! ```text
//! logscope-checkpoint 1
//! log-start-offset 0
//! recovery-point 16
//! active-segment 13
//! cleaned-up-to 0
//! first-dirty-offset 0
//! delete-horizon -1
//! clean true
//! crc32c 0a1b2c3d
//! ```
//!
//! It is text, one a log, and replaced as a whole: written beside itself, synced, renamed. The CRC covers all
//! lines before its own.
//!
//! Kafka keeps the same facts in `recovery-point-offset-checkpoint`, `log-start-offset-checkpoint`,
//! `cleaner-offset-checkpoint` and `.kafka_cleanshutdown`, one of each for a whole data directory. Here a log is a
//! directory of its own, and one file cannot contradict itself.

use std::fmt::Write;
use std::io;

use crate::storage::{File, Storage, read_up_to};

/// The file's name.
pub const CHECKPOINT_FILE: &str = "checkpoint";
/// Its name while it is being written.
pub(crate) const CHECKPOINT_TEMPORARY: &str = "checkpoint.tmp";

/// Many times what a checkpoint takes.
const MAX_BYTES: usize = 4096;

/// A checkpoint could not be written.
#[derive(Debug)]
pub(crate) enum Unwritten {
    /// The one before it stands, as if nothing had been tried: a full disk does that.
    OldStands(io::Error),
    /// Nobody knows which of the two a crash would leave.
    Unsure(io::Error),
}

/// What the file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Checkpoint {
    /// The first offset in the log. Records below it may still be on disk, and are gone for readers.
    pub log_start_offset: u64,
    /// Everything below it is durable.
    pub recovery_point: u64,
    /// The base offset of the last segment. Its `.log` file is durable, and all before it are whole.
    pub active_segment: u64,
    /// Below this, compaction may have left holes in the offsets; from here on there are none.
    pub cleaned_up_to: u64,
    /// Compaction has done its work below this; from here on there may be more than one record of a key.
    pub first_dirty_offset: u64,
    /// When compaction has work again even if nothing is dirty: the earliest time at which it may drop tombstones, in
    /// milliseconds since the Unix epoch. In the file, −1 is none.
    pub delete_horizon_ms: Option<i64>,
    /// The log was closed in good order: the recovery point is its end, the indexes are complete, and a snapshot
    /// of the producers stands at its end.
    pub clean: bool,
}

impl Checkpoint {
    /// The file's bytes.
    pub fn encode(&self) -> String {
        let Self { log_start_offset, recovery_point, active_segment, .. } = self;
        let Self { cleaned_up_to, first_dirty_offset, clean, .. } = self;
        let delete_horizon = self.delete_horizon_ms.map_or(-1, |horizon| horizon.max(0));
        let mut text = format!(
            "logscope-checkpoint 1\nlog-start-offset {log_start_offset}\nrecovery-point {recovery_point}\n\
             active-segment {active_segment}\ncleaned-up-to {cleaned_up_to}\n\
             first-dirty-offset {first_dirty_offset}\ndelete-horizon {delete_horizon}\nclean {clean}\n"
        );
        let crc = crate::record::crc32c(text.as_bytes());
        // Writing to a string cannot fail.
        let _ = writeln!(text, "crc32c {crc:08x}");
        text
    }

    /// Reads the file's bytes. An error says what is wrong with them.
    pub fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        let text = std::str::from_utf8(bytes).map_err(|_| "it is not text")?;
        let (body, crc) = text.split_at(text.find("crc32c ").ok_or("it has no checksum")?);
        let expected = format!("crc32c {:08x}\n", crate::record::crc32c(body.as_bytes()));
        if crc != expected {
            return Err("its checksum is wrong");
        }
        let mut lines = body.lines();
        if lines.next() != Some("logscope-checkpoint 1") {
            return Err("its version is unknown");
        }
        let mut number = |key: &str, least: i64| {
            let value = lines.next()?.strip_prefix(key)?.strip_prefix(' ')?;
            value.parse().ok().filter(|number: &i64| *number >= least)
        };
        let mut offset = |key| number(key, 0).map(|offset| offset as u64).ok_or("an offset is missing");
        let (log_start_offset, recovery_point) = (offset("log-start-offset")?, offset("recovery-point")?);
        let (active_segment, cleaned_up_to) = (offset("active-segment")?, offset("cleaned-up-to")?);
        let first_dirty_offset = offset("first-dirty-offset")?;
        let delete_horizon = number("delete-horizon", -1).ok_or("the line `delete-horizon` is missing")?;
        let delete_horizon_ms = Some(delete_horizon).filter(|horizon| *horizon >= 0);
        let clean = match lines.next() {
            Some("clean true") => true,
            Some("clean false") => false,
            _ => return Err("the line `clean` is missing"),
        };
        Ok(Self {
            log_start_offset,
            recovery_point,
            active_segment,
            cleaned_up_to,
            first_dirty_offset,
            delete_horizon_ms,
            clean,
        })
    }

    /// Replaces the file, durably, and returns its size in bytes.
    pub(crate) fn write<S: Storage>(&self, storage: &S) -> Result<u64, Unwritten> {
        let text = self.encode();
        let prepare = || {
            let file = storage.open(CHECKPOINT_TEMPORARY)?;
            file.truncate(0)?;
            file.write_at(0, text.as_bytes())?;
            file.sync()
        };
        prepare().map_err(|error| {
            // It may stand in the way of those who need the room.
            let _ = storage.remove(CHECKPOINT_TEMPORARY);
            Unwritten::OldStands(error)
        })?;
        storage.rename(CHECKPOINT_TEMPORARY, CHECKPOINT_FILE).map_err(Unwritten::Unsure)?;
        storage.sync_dir().map_err(Unwritten::Unsure)?;
        Ok(text.len() as u64)
    }

    /// Reads the file, which is there.
    pub(crate) fn read<S: Storage>(storage: &S) -> io::Result<Result<Self, &'static str>> {
        let mut bytes = Vec::new();
        read_up_to(&storage.open(CHECKPOINT_FILE)?, 0, MAX_BYTES, &mut bytes)?;
        Ok(Self::decode(&bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let checkpoint = Checkpoint {
            log_start_offset: 3,
            recovery_point: 170,
            active_segment: 120,
            cleaned_up_to: 90,
            first_dirty_offset: 70,
            delete_horizon_ms: Some(1_767_225_600_000),
            clean: true,
        };
        let never = Checkpoint { delete_horizon_ms: None, ..checkpoint };
        assert_eq!(Checkpoint::decode(never.encode().as_bytes()), Ok(never));
        let text = checkpoint.encode();
        assert_eq!(Checkpoint::decode(text.as_bytes()), Ok(checkpoint));
        for at in 0..text.len() {
            let mut damaged = text.clone().into_bytes();
            damaged[at] ^= 1;
            assert!(Checkpoint::decode(&damaged).is_err(), "byte {at}");
            assert!(Checkpoint::decode(&text.as_bytes()[..at]).is_err(), "cut at {at}");
        }
        let newer = text.replace("checkpoint 1", "checkpoint 2");
        assert_eq!(Checkpoint::decode(newer.as_bytes()), Err("its checksum is wrong"));
    }
}
