//! What the disk does wrong, and when the log flushes by itself, in sentences.

use super::quantity::{bytes, duration};
use crate::lab::{AfterFault, Event};

/// What the disk does wrong, and when the log flushes by itself.
pub(super) fn fault_sentence(event: &Event) -> String {
    match event {
        Event::DiskLimited { limit: None, used } => {
            format!("The disk takes any number of bytes again; it holds {used}.")
        }
        Event::DiskLimited { limit: Some(limit), used } => format!(
            "The disk takes {} in all from now on, and holds {used}: {}.",
            bytes(*limit),
            match limit.checked_sub(*used).filter(|free| *free > 0) {
                Some(free) => format!("there is room for {free} more"),
                None => "it is full".to_owned(),
            }
        ),
        Event::SyncWillFail => {
            "The next sync is going to fail, as on a disk that reports an error.".to_owned()
        }
        Event::DiskFull { limit, .. } => format!(
            "A write does not fit: the disk takes {} in all. What it has taken of it is taken back, so that no half of \
             anything stands in the files.",
            bytes(*limit)
        ),
        Event::SyncFailed { lost, after, .. } => {
            let cut = match lost {
                0 => String::new(),
                lost => format!(
                    " {} that no sync had made durable {} cut off: an operating system might go on to show what is not \
                     on the disk.",
                    bytes(*lost),
                    if *lost == 1 { "is" } else { "are" }
                ),
            };
            let log = match after {
                AfterFault::Poisoned => {
                    " The log takes no appends until it is opened, and so recovered, again."
                }
                AfterFault::GoesOn => " The log goes on.",
                AfterFault::Closed => " The log is not open.",
            };
            format!("The sync fails: nobody knows what of it has reached the disk.{cut}{log}")
        }
        Event::FlushDue { key, reached, limit } if key == "flush.ms" => format!(
            "The oldest record that is not on disk has been waiting for {}, and may for {}: the log flushes by itself \
             (`flush.ms`).",
            duration(*reached),
            duration(*limit)
        ),
        Event::FlushDue { key, reached, limit } => format!(
            "{} on disk, and {limit} may wait: the log flushes by itself (`{key}`).",
            match reached {
                1 => "1 record is not".to_owned(),
                reached => format!("{reached} records are not"),
            }
        ),
        _ => String::new(),
    }
}
