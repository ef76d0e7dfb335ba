//! Partitions that a topic gets while it is followed.
//!
//! Invariant: they are read from their beginning on, wherever the others began: all in them is new.

use std::io;
use std::sync::mpsc::SyncSender;
use std::thread;
use std::time::Duration;

use super::reader::{Chunk, From, Reader, STACK_SIZE};

/// Looks now and then, in the background, whether the topic has more partitions than are `known`, and reads them as
/// `reader` reads its own.
pub(super) fn follow(
    reader: Reader,
    mut known: u32,
    max_age: Duration,
    chunks: SyncSender<Chunk>,
) -> io::Result<()> {
    let watch = move || {
        loop {
            thread::sleep(max_age);
            // What is wrong with the topic, its readers say.
            let Ok(topic) = reader.outage.outlast(true, || reader.client.topic(&reader.topic)) else {
                return;
            };
            for partition in topic.partitions.iter().map(|partition| partition.partition) {
                if partition < known {
                    continue;
                }
                let added = Reader { partition, from: From::Earliest, ..reader.clone() };
                if let Err(error) = added.start(chunks.clone()) {
                    eprintln!("logscope: partition {partition} is not read: {error}");
                    return;
                }
                known = partition + 1;
            }
        }
    };
    thread::Builder::new().stack_size(STACK_SIZE).spawn(watch).map(drop)
}
