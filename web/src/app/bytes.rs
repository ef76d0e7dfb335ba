//! The bytes that are open: read and taken apart when they, or what is open, may have changed, not at every drawing.

use std::rc::Rc;

use yew::prelude::*;

use super::{App, Msg, beside, promise};
use crate::exchange;
use crate::state::BatchId;
use crate::state::beside::Wish;
use crate::state::bytes::Part;

/// What is open, as it was read last.
#[derive(Default)]
pub(super) struct Bytes {
    what: Option<What>,
    pub(super) part: Option<Rc<Part>>,
}

/// A batch with its size, or a file with a position in it; of which partition.
#[derive(PartialEq)]
enum What {
    Batch(u32, BatchId, u32),
    File(u32, Rc<str>, u64),
}

impl App {
    pub(super) fn nothing_is_open(&self) -> bool {
        self.state.selected.is_none() && self.state.file.is_none()
    }

    /// Reads what is open, if it is something else than before, or may have changed.
    pub(super) fn look(&mut self, changed: bool) {
        let open_in = self.state.open_in;
        let what = match (self.state.selected.zip(self.state.selected_size()), &self.state.file) {
            (Some((id, size)), _) => Some(What::Batch(open_in, id, size)),
            (_, Some(name)) => Some(What::File(open_in, name.clone(), self.page_of(name))),
            _ => None,
        };
        if what == self.bytes.what && !changed {
            return;
        }
        let part = what.as_ref().and_then(|what| match (what, &self.link) {
            (What::Batch(_, id, _), Some(link)) => link.batch(*id),
            (What::File(_, name, at), Some(link)) => link.page(name, *at),
            (What::Batch(partition, id, size), None) => self.engine.batch(*partition, *id, *size),
            (What::File(partition, name, at), None) => self.engine.page(*partition, name, *at),
        });
        if what != self.bytes.what {
            self.copied(None);
        }
        self.bytes = Bytes { what, part: part.map(Rc::new) };
    }

    /// The position whose page is shown of a file.
    fn page_of(&self, name: &str) -> u64 {
        match &self.bytes.what {
            Some(What::File(partition, open, at)) if *partition == self.state.open_in && **open == *name => {
                *at
            }
            _ => 0,
        }
    }

    /// The position that a link names: where the file is open that is not shown from its front.
    pub(super) fn position_to_link(&self) -> Option<u64> {
        let name = self.state.file.as_ref()?;
        Some(self.page_of(name)).filter(|at| *at > 0)
    }

    /// Shows a file from a position on, once it is read.
    pub(super) fn turn_to(&mut self, name: &str, at: u64) {
        self.bytes.what = Some(What::File(self.state.open_in, name.into(), at));
    }

    /// Turns a page, or hands out the bytes that are open.
    pub(super) fn on_bytes(&mut self, ctx: &Context<Self>, wish: &Wish) {
        if let (Wish::Page(to), Some(What::File(_, _, at))) = (wish, &mut self.bytes.what) {
            *at = *to;
        }
        let Some(part) = &self.bytes.part else { return };
        let text = match wish {
            Wish::CopyHex => part.taken.hex(),
            Wish::CopyText => part.taken.text(),
            Wish::SaveBytes => {
                let taken = &part.taken;
                let name = format!("{}.{}-{}.bin", part.file, taken.at, taken.end().saturating_sub(1));
                return exchange::save(&name, &taken.bytes);
            }
            _ => return,
        };
        promise(ctx, async { Msg::Beside(beside::Event::BytesCopied(exchange::copy(text).await)) });
    }
}
