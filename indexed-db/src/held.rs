//! Bytes that stay with JavaScript, as the database gave them.
//!
//! A log of 100 MB is in the page's memory as soon as the browser has read it. To copy it into the engine's would take
//! about as long again, and room for both; an opening looks at little of it.
//!
//! A storage may be of any thread, and an array of JavaScript is of one. So the arrays are in a table of their thread,
//! and what is handed out is a place in it.
//!
//! Invariant: a place in the table is taken from when its [`Held`] is made until it is dropped.

use std::cell::RefCell;
use std::sync::Arc;

use js_sys::Uint8Array;
use logscope::storage::{Bytes, Foreign};

/// Files smaller than this are copied: there may be thousands of them, and what a read of JavaScript's bytes costs is
/// more than their size does.
const SMALL: usize = 64 * 1024;

thread_local! {
    /// The bytes of files, each in pieces. A place without is free.
    static HELD: RefCell<Vec<Option<Vec<Piece>>>> = const { RefCell::new(Vec::new()) };
}

/// Bytes that follow one another.
struct Piece {
    /// Where the first one stands in the file.
    position: usize,
    size: usize,
    bytes: Uint8Array,
}

/// A file's bytes, which are there for the thread that has made it, and for no other.
struct Held {
    place: usize,
    size: usize,
}

/// The bytes of a file, from its chunks with their positions, in order. A chunk that does not follow the one before it
/// is not in the file.
pub(crate) fn put_together<'a>(chunks: impl Iterator<Item = (u64, &'a Uint8Array)>) -> Bytes {
    let (mut pieces, mut size) = (Vec::new(), 0);
    for (position, bytes) in chunks {
        if position == size as u64 {
            let piece = Piece { position: size, size: bytes.length() as usize, bytes: bytes.clone() };
            size += piece.size;
            pieces.push(piece);
        }
    }
    let held: Bytes = hold(pieces, size).into();
    if size < SMALL { held.to_vec().into() } else { held }
}

fn hold(pieces: Vec<Piece>, size: usize) -> Arc<dyn Foreign> {
    let place = HELD.with_borrow_mut(|held| {
        let place = held.iter().position(Option::is_none).unwrap_or_else(|| {
            held.push(None);
            held.len() - 1
        });
        held[place] = Some(pieces);
        place
    });
    Arc::new(Held { place, size })
}

impl Foreign for Held {
    fn size(&self) -> usize {
        self.size
    }

    fn copy(&self, mut position: usize, mut buf: &mut [u8]) {
        HELD.with_borrow(|held| {
            let pieces = held.get(self.place).and_then(Option::as_deref).unwrap_or_default();
            let first = pieces.partition_point(|piece| piece.position + piece.size <= position);
            for piece in &pieces[first..] {
                let from = position - piece.position;
                let count = buf.len().min(piece.size - from);
                let (now, later) = std::mem::take(&mut buf).split_at_mut(count);
                piece.bytes.subarray(from as u32, (from + count) as u32).copy_to(now);
                if later.is_empty() {
                    break;
                }
                (position, buf) = (position + count, later);
            }
        });
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // The table may be gone already where a thread ends.
        let _ = HELD.try_with(|held| {
            if let Some(place) = held.borrow_mut().get_mut(self.place) {
                *place = None;
            }
        });
    }
}
