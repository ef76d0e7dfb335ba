//! The bytes of what is open or saved, as a broker gives them.
//!
//! Invariant: what comes is shown only if nothing was asked for since.

use std::ops::Range;
use std::rc::Rc;

use logscope::JournalStorage;
use logscope::segment::{INDEX_SUFFIX, LOG_SUFFIX, TIME_INDEX_SUFFIX, file_name, parse_file_name};
use logscope::storage::Storage;
use yew::prelude::*;

use super::super::{App, Msg, promise};
use super::{Event, Link};
use crate::exchange;
use crate::live::Client;
use crate::state::archive;
use crate::state::beside::Wish as AnyWish;
use crate::state::bytes::{self, Part};
use crate::state::live::Place;
use crate::state::live::connection::Failure;
use crate::state::live::window::{self, MOST};
use crate::state::{BatchId, Settings};
use crate::text::live as text;

/// A request. No two that somebody holds are the same place in memory.
pub(super) type Asked = Rc<()>;

/// The bytes that are open, as the broker gave them.
#[derive(Default)]
pub(super) struct Detail {
    /// The latest request.
    asked: Asked,
    /// A batch with its bytes and the size of its file.
    pub(super) batch: Option<(BatchId, Vec<u8>, u64)>,
    file: Option<Opened>,
}

/// A part of a file.
struct Opened {
    name: Rc<str>,
    /// Where it stands in the file.
    place: Range<u64>,
    /// A file of this name that has nothing else.
    files: JournalStorage,
    /// The size of the whole file.
    size: u64,
    index: Index,
}

/// Bytes of a file from a position on, and how many there are in all.
#[derive(Debug)]
pub(crate) struct Read {
    from: u64,
    bytes: Vec<u8>,
    size: u64,
    index: Index,
}

/// The index of a `.log`, as long as it has led to batches.
type Index = Option<Rc<Vec<u8>>>;

impl App {
    /// Asks for the bytes of what is open.
    pub(super) fn ask_for_bytes(&mut self, ctx: &Context<Self>) {
        let Some(place) = self.shown_live().and_then(|live| live.address.place.clone()) else { return };
        let batch = self.state.selected.zip(self.state.selected_size());
        let file = self.state.file.clone();
        self.show_live(|live| live.no_bytes = false);
        let Some(link) = &mut self.link else { return };
        link.detail = Detail::default();
        let (client, asked) = (link.client.clone(), link.detail.asked.clone());
        if let Some((id, size)) = batch {
            promise(ctx, async move {
                let path = format!("{}/segments/{}/log", place.path(), id.segment);
                Msg::Live(Event::Batch(asked, id, client.bytes(&path, id.position, u64::from(size)).await))
            });
        } else if let Some(name) = file {
            self.ask_for_page(ctx, name, 0);
        }
    }

    /// Asks for the part of a file that holds a position.
    fn ask_for_page(&mut self, ctx: &Context<Self>, name: Rc<str>, at: u64) {
        let Some(place) = self.shown_live().and_then(|live| live.address.place.clone()) else { return };
        let Some((base, file)) = served(&name) else {
            return self.give_no_bytes(text::NOT_SERVED.to_owned());
        };
        let Some(link) = &mut self.link else { return };
        let (client, asked) = (link.client.clone(), link.detail.ask());
        let index = link.detail.file.as_ref().and_then(|opened| opened.index_to(at));
        promise(ctx, async move {
            let read = read(&client, &place, base, file, at, index).await;
            Msg::Live(Event::File(asked, name, at, read))
        });
    }

    /// Turns to the page that holds a position of the file that is open. What is shown stays until that is here.
    pub(super) fn turn_live(&mut self, ctx: &Context<Self>, at: u64) {
        let Some(name) = self.state.file.clone() else { return };
        let Some(detail) = self.link.as_mut().map(|link| &mut link.detail) else { return };
        if detail.file.as_ref().is_some_and(|opened| opened.name == name && opened.place.contains(&at)) {
            // A page that is still on its way is not wanted any more.
            detail.ask();
            self.turn_to(&name, at);
            ctx.link().send_message(Msg::Look);
        } else {
            self.ask_for_page(ctx, name, at);
        }
    }

    /// Whether a request is the latest.
    pub(super) fn is_latest(&self, asked: &Asked) -> bool {
        self.link.as_ref().is_some_and(|link| Rc::ptr_eq(&link.detail.asked, asked))
    }

    /// Shows the page of a file that has come.
    pub(super) fn keep_page(&mut self, ctx: &Context<Self>, name: Rc<str>, at: u64, read: Read) {
        let Some(link) = &mut self.link else { return };
        let Read { from, bytes, size, index } = read;
        let place = from..from + bytes.len() as u64;
        let files = JournalStorage::restore([(name.to_string(), 0, bytes)]);
        link.detail.file = Some(Opened { name: name.clone(), place, files, size, index });
        self.turn_to(&name, at);
        ctx.link().send_message(Msg::Look);
    }

    /// Says why what is open is not shown.
    pub(super) fn give_no_bytes(&mut self, why: String) {
        self.show_live(|live| (live.no_bytes, live.said) = (true, Some(Err(why))));
    }

    /// Saves the file that is named, or all of the log's segments, as the broker has them now.
    pub(super) fn save_live(&mut self, ctx: &Context<Self>, wish: AnyWish) {
        let Some(place) = self.shown_live().and_then(|live| live.address.place.clone()) else { return };
        let log = &self.state.newest_picture().log;
        let (all, names) = match wish {
            AnyWish::SaveFile(name) => {
                (false, log.files().into_iter().filter(|(file, _)| *file == name).collect())
            }
            _ => (true, log.files()),
        };
        let size: u64 = names.iter().map(|(_, size)| size).sum();
        if size > archive::MAX_BYTES {
            return self.show_live(|live| live.said = Some(Err(text::TOO_LARGE_TO_SAVE.to_owned())));
        }
        if names.is_empty() {
            return self.show_live(|live| live.said = Some(Err(crate::text::FILE_GONE.to_owned())));
        }
        let Some(link) = &self.link else { return };
        let (client, settings) = (link.client.clone(), link.settings_now());
        promise(ctx, async move {
            Msg::Live(Event::Saved(save(&client, &place, names, all.then_some(settings)).await))
        });
    }
}

impl Detail {
    /// Begins a request: no answer to one before it counts.
    fn ask(&mut self) -> Asked {
        self.asked = Asked::default();
        self.asked.clone()
    }
}

impl Opened {
    /// The index that is known, if it leads to a position that is not in this part.
    fn index_to(&self, at: u64) -> Index {
        let leads = |index: &Rc<Vec<u8>>| {
            let part = window::around(at, index);
            part.contains(&at) && part.start != self.place.start
        };
        self.index.clone().filter(leads)
    }
}

impl Link {
    /// The batch that is open, as far as the broker has given its bytes.
    pub(in crate::app) fn batch(&self, id: BatchId) -> Option<Part> {
        let (_, bytes, size) = self.detail.batch.as_ref().filter(|(read, ..)| *read == id)?;
        Some(bytes::batch_of(&file_name(id.segment, LOG_SUFFIX), *size, id.position, bytes.clone()))
    }

    /// A page of the file that is open, as far as the broker has given its bytes.
    pub(in crate::app) fn page(&self, name: &str, at: u64) -> Option<Part> {
        let opened = self.detail.file.as_ref().filter(|opened| *opened.name == *name)?;
        bytes::page_of(&opened.files.open(name).ok()?, opened.place.start, opened.size, name, at).ok()
    }
}

/// Reads the part of a segment's file that holds a position: of an index all, of a `.log` by its index, which is asked
/// for unless it is known.
async fn read(
    client: &Client,
    place: &Place,
    base: u64,
    file: &str,
    at: u64,
    mut index: Index,
) -> Result<Read, Failure> {
    let segment = format!("{}/segments/{base}", place.path());
    let is_log = file == "log";
    if is_log && index.is_none() {
        index =
            client.bytes(&format!("{segment}/index"), 0, MOST).await.ok().map(|(bytes, _)| Rc::new(bytes));
    }
    // Without an index the file is read from its front.
    let mut part = window::around(at, index.as_ref().map_or(&[], |index| index));
    loop {
        let path = format!("{segment}/{file}");
        let (mut bytes, size) = client.bytes(&path, part.start, part.end - part.start).await?;
        match is_log.then(|| window::better(&part, base, size, &mut bytes)).flatten() {
            None => return Ok(Read { from: part.start, bytes, size, index }),
            Some(better) => {
                // What is compacted meanwhile has another index.
                index = index.filter(|_| better.start == part.start);
                part = better;
            }
        }
    }
}

/// Saves files of a partition: one as it is, or all in a zip with the settings.
async fn save(
    client: &Client,
    place: &Place,
    names: Vec<(String, u64)>,
    settings: Option<Settings>,
) -> Result<(), Failure> {
    let mut files = Vec::new();
    for (name, _) in names {
        // Of the others the broker gives none, and an opening makes them again.
        let Some((base, file)) = served(&name) else { continue };
        let path = format!("{}/segments/{base}/{file}", place.path());
        files.push((name, client.bytes(&path, 0, archive::MAX_BYTES).await?.0));
    }
    match (settings, files.as_slice()) {
        (None, [(name, bytes)]) => exchange::save(name, bytes),
        (None, _) => {}
        (Some(settings), files) => {
            let directory = format!("{}-{}", place.topic, place.partition);
            // It fails only for names that no zip takes, and no file of a log has such a name.
            if let Ok(bytes) = archive::zip(&[(directory.clone(), files.to_vec())], &settings) {
                exchange::save(&format!("{directory}.zip"), &bytes);
            }
        }
    }
    Ok(())
}

/// The segment and the name in the API of a file that the broker gives.
fn served(name: &str) -> Option<(u64, &'static str)> {
    let kinds = [(LOG_SUFFIX, "log"), (INDEX_SUFFIX, "index"), (TIME_INDEX_SUFFIX, "timeindex")];
    let of = |(suffix, file)| {
        let base = parse_file_name(name, suffix)?;
        (file_name(base, suffix) == name).then_some((base, file))
    };
    kinds.into_iter().find_map(of)
}
