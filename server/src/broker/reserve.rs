//! Room on the disk for what makes room. To delete a topic, or segments, begins with a few durable lines, which find no
//! place on a disk that is quite full; so a file keeps one, and goes when it is needed.
//!
//! It is a best effort: another program, or a producer, may take the room first, and on a filesystem that copies on write
//! even the deletion of a file may find none.
//!
//! Invariant: it goes only for a try that found the disk full, and comes back once there is room; never during such a try.

use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Result;

/// More than the catalog of the 1000 topics that there may be unless the broker was told otherwise.
const SIZE: usize = 256 << 10;

/// The file. Nothing is read from it.
#[derive(Debug)]
pub(super) struct Reserve {
    path: PathBuf,
    /// Held while the file comes or goes.
    changing: Mutex<()>,
}

impl Reserve {
    /// Takes the room, if there is some.
    pub(super) fn new(path: PathBuf) -> Self {
        let reserve = Self { path, changing: Mutex::default() };
        reserve.refill();
        reserve
    }

    /// Takes the room again, if it was given up and there is some. Blocks.
    pub(super) fn refill(&self) {
        self.write(&self.changing());
    }

    fn changing(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, _changing: &MutexGuard<'_, ()>) {
        if fs::metadata(&self.path).is_ok_and(|file| file.len() == SIZE as u64) {
            return;
        }
        // Zeros would take no room on some filesystems.
        if let Err(error) = fs::write(&self.path, vec![0x5a; SIZE]) {
            tracing::debug!("no room is kept on the disk for deletions: {error}");
            drop(fs::remove_file(&self.path));
        }
    }

    /// Does what makes room; if the disk is too full even for that, once more without the file. Blocks.
    pub(super) fn make_room<T>(&self, mut work: impl FnMut() -> Result<T>) -> Result<T> {
        let refused = match work() {
            Err(error) if error.is_disk_full() => error,
            done => return done,
        };
        let changing = self.changing();
        if fs::remove_file(&self.path).is_err() {
            return Err(refused);
        }
        tracing::warn!("the disk is full: the room that was kept for deletions is used");
        let done = work();
        self.write(&changing);
        done
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::*;
    use crate::broker::BrokerError;

    #[test]
    fn the_room_is_given_up_for_what_found_none_and_taken_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("reserve");
        let reserve = Reserve::new(path.clone());
        let kept = || fs::metadata(&path).is_ok_and(|file| file.len() == SIZE as u64);
        let full = || BrokerError::Log(Error::from(ErrorKind::StorageFull).into());
        let mut tries = 0;
        let mut in_need = || {
            tries += 1;
            if kept() { Err(full()) } else { Ok(tries) }
        };
        assert!(kept());
        assert_eq!(reserve.make_room(&mut in_need).unwrap(), 2);
        assert!(kept());

        let other = || Err::<(), _>(BrokerError::Log(Error::other("broken").into()));
        assert!(reserve.make_room(other).is_err());
        assert!(kept(), "that was not for lack of room");

        fs::write(&path, "what a full disk left").unwrap();
        reserve.refill();
        assert!(kept());
        fs::remove_file(&path).unwrap();
        let mut tries = 0;
        let mut hopeless = || {
            tries += 1;
            Err::<(), _>(full())
        };
        assert!(reserve.make_room(&mut hopeless).is_err());
        assert_eq!(tries, 1, "there is nothing to give up");
    }
}
