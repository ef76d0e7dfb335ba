//! A log in the browser's IndexedDB: what `JournalStorage` says is durable goes in, and comes out again when the
//! next page loads.
//!
//! Two object stores: `chunks` holds the files' bytes under `[file id, position]`, `meta` the names, and whatever its
//! owner wants to keep beside them. [`Database::commit`] is one transaction with durability `strict`, begun before it
//! returns, so that commits happen in the order in which they were asked for.
//!
//! Invariants:
//! - What the database holds is the engine's durable image at the end of some commit, never between two.
//! - One page, or worker, has a database: whoever holds the lock of its name. Who takes it away from another that may
//!   still be there, or cannot know because the browser has no locks, begins a new *reign* in the database; each commit
//!   is of its owner's reign, and changes nothing once there is a later one.
//! - A commit that lacks what one before it should have written changes nothing. After an error, its owner writes no
//!   more.

#![deny(missing_docs)]

mod chunks;
mod held;
mod lock;

use std::collections::HashMap;
use std::fmt;

use js_sys::{Array, Function, Object, Promise, Reflect, Uint8Array};
use logscope::storage::{Bytes, Mutation};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    IdbDatabase, IdbFactory, IdbKeyRange, IdbObjectStore, IdbOpenDbRequest, IdbRequest, IdbTransaction,
    IdbTransactionMode,
};

use crate::chunks::{Chunks, Key, Op};
use crate::lock::Lock;

const CHUNKS: &str = "chunks";
const META: &str = "meta";
/// Where in `meta` they are.
const NAMES: &str = "names";
const BESIDE: &str = "settings";
/// The number of the reign; a key `[REIGN, n]` says that the reign n has begun.
const REIGN: &str = "reign";

/// An open database, and the lock of its name. Dropping it closes it and lets go of the lock.
#[derive(Debug)]
pub struct Database {
    database: IdbDatabase,
    chunks: Chunks,
    reign: f64,
    lock: Lock,
}

/// What a database held when it was opened.
#[derive(Debug)]
pub struct Stored {
    /// Name, file id and bytes of each file, as `JournalStorage::restore` takes them. Those of large files stay with
    /// JavaScript, and are of the thread that has read them.
    pub files: Vec<(String, u64, Bytes)>,
    /// What its owner kept beside the files; `undefined` if nothing.
    pub beside: JsValue,
}

/// Why a database cannot be had, or a commit is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// Another page or worker has it.
    Taken,
    /// There is no IndexedDB here, or it fails; in words for a person.
    Failed(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Taken => "another page or worker has it",
            Self::Failed(reason) => reason,
        })
    }
}

impl From<JsValue> for Error {
    fn from(error: JsValue) -> Self {
        Self::Failed(reason(&error))
    }
}

/// How somebody comes to have a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// Now, if nobody has it.
    IfFree,
    /// Whoever has it is expected to let go soon: a page that is loaded again waits for its former self.
    Wait,
    /// As [`Wait`](Self::Wait), and then it is taken away: what its owner has not committed by then, it never will.
    Take,
}

/// Opens the database of that name and reads what it holds. With `fresh`, that is deleted first.
///
/// # Errors
/// Why nothing can be kept.
pub async fn open(name: &str, claim: Claim, fresh: bool) -> Result<(Database, Stored), Error> {
    let factory = factory()?;
    let lock = lock::lock(name, claim).await?;
    if fresh {
        let request = factory.delete_database(name)?;
        answer(&request).await?;
    }
    let database = connect(&factory, name).await?;
    let reigns = lock.others_may_write();
    let mode = if reigns { IdbTransactionMode::Readwrite } else { IdbTransactionMode::Readonly };
    let transaction = begin(&database, mode)?;
    let reading = if reigns { Reading::AndMore } else { Reading::InParts };
    let (chunks, stored, mut reign) = read_all(&transaction, reading).await?;
    if reigns {
        reign += 1.0;
        let meta = transaction.object_store(META)?;
        meta.put_with_key(&reign.into(), &REIGN.into())?;
        meta.put_with_key(&JsValue::TRUE, &reign_key(reign))?;
        JsFuture::from(finished(&transaction)).await?;
    }
    Ok((Database { database, chunks, reign, lock }, stored))
}

/// Reads what the database of that name holds, whoever has it: what the last commit left.
///
/// # Errors
/// Why it cannot be read.
pub async fn read(name: &str) -> Result<Stored, Error> {
    let database = connect(&factory()?, name).await?;
    let read = async { read_all(&begin(&database, IdbTransactionMode::Readonly)?, Reading::AtOnce).await };
    let read = read.await;
    database.close();
    Ok(read?.1)
}

/// Ready when nobody has the database of that name any more. Who watches what its owner commits has then seen the last
/// of it with one more [`read`]: an owner that is closed, or dies, has no time to say so.
///
/// # Errors
/// Why that cannot be known.
pub async fn free(name: &str) -> Result<(), Error> {
    lock::free(name).await
}

impl Drop for Database {
    fn drop(&mut self) {
        // What is under way comes to its end all the same.
        self.database.close();
    }
}

impl Database {
    /// Ready when somebody takes the database away, with `true`; with `false` when it has been let go of.
    pub fn taken(&self) -> impl Future<Output = bool> + use<> {
        self.lock.taken()
    }

    /// Commits mutations in one transaction, and `beside` in the place of what was there, if it is given. It is under
    /// way when this returns; the future is ready when it is durable. With `closing`, nothing is read or merged: the
    /// page may have no time left.
    ///
    /// # Errors
    /// Why it is not kept.
    pub fn commit(
        &mut self,
        mutations: Vec<Mutation>,
        beside: Option<JsValue>,
        closing: bool,
    ) -> impl Future<Output = Result<(), Error>> + use<> {
        let ops = self.chunks.plan(mutations, !closing);
        let begun = begin(&self.database, IdbTransactionMode::Readwrite);
        let later = reign_key(self.reign + 1.0);
        // Run until the first read, if there is one, before the caller goes on.
        let (send, done) = promise();
        wasm_bindgen_futures::spawn_local(async move {
            let result = match begun {
                Ok(transaction) => write(&transaction, &later, ops, beside).await,
                Err(error) => Err(error),
            };
            let value = result.err().unwrap_or(JsValue::UNDEFINED);
            let _ = send.call1(&JsValue::UNDEFINED, &value);
        });
        async move {
            let failed = JsFuture::from(done).await?;
            match () {
                () if failed.is_undefined() => Ok(()),
                () if exception_name(&failed) == "ConstraintError" => Err(Error::Taken),
                () => Err(failed.into()),
            }
        }
    }
}

/// Begins a transaction over everything, with strict durability.
fn begin(database: &IdbDatabase, mode: IdbTransactionMode) -> Result<IdbTransaction, JsValue> {
    let options = Object::new();
    Reflect::set(&options, &"durability".into(), &"strict".into())?;
    let begin: Function = Reflect::get(database, &"transaction".into())?.dyn_into()?;
    let stores = Array::of2(&CHUNKS.into(), &META.into());
    begin.call3(database, &stores, &mode.into(), &options)?.dyn_into()
}

async fn write(
    transaction: &IdbTransaction,
    later: &JsValue,
    ops: Vec<Op>,
    beside: Option<JsValue>,
) -> Result<(), JsValue> {
    let finished = finished(transaction);
    let asked = put(transaction, later, ops, beside).await.and_then(|()| finish(transaction));
    if let Err(error) = asked {
        // All or nothing; it may have been aborted already, and then that is why.
        let _ = transaction.abort();
        let aborted = JsFuture::from(finished).await.err();
        return Err(aborted.filter(|reason| !exception_name(reason).is_empty()).unwrap_or(error));
    }
    JsFuture::from(finished).await.map(drop)
}

/// Says that nothing more will come. Older browsers find out by themselves, a little later.
fn finish(transaction: &IdbTransaction) -> Result<(), JsValue> {
    match Reflect::get(transaction, &"commit".into())?.dyn_into::<Function>() {
        Ok(commit) => commit.call0(transaction).map(drop),
        Err(_) => Ok(()),
    }
}

async fn put(
    transaction: &IdbTransaction,
    later: &JsValue,
    ops: Vec<Op>,
    beside: Option<JsValue>,
) -> Result<(), JsValue> {
    let (chunks, meta) = (transaction.object_store(CHUNKS)?, transaction.object_store(META)?);
    // To add what is there is an error, and aborts the transaction; so nothing has to be read to know that no later
    // reign has begun, which a closing page would have no time for.
    meta.add_with_key(&JsValue::TRUE, later)?;
    meta.delete(later)?;
    for op in ops {
        match op {
            Op::Replace { file, start, position, bytes } => {
                replace(&chunks, file, start, position, bytes).await?;
            }
            Op::Names { names, gone } => {
                // One text, as a value for each of thousands of names would take longer than all the rest.
                let names: String = names.iter().map(|(name, id)| format!("{id} {name}\n")).collect();
                meta.put_with_key(&names.into(), &NAMES.into())?;
                for file in gone {
                    chunks.delete(&range(file, 0)?.into())?;
                }
            }
        }
    }
    if let Some(beside) = beside {
        meta.put_with_key(&beside, &BESIDE.into())?;
    }
    Ok(())
}

async fn replace(
    chunks: &IdbObjectStore,
    file: u64,
    start: u64,
    position: u64,
    bytes: Vec<u8>,
) -> Result<(), JsValue> {
    let range: JsValue = range(file, start)?.into();
    let mut content = Vec::new();
    if start < position {
        let old: Array = answer(&chunks.get_all_with_key(&range)?).await?.dyn_into()?;
        for chunk in old.iter() {
            content.extend(Uint8Array::new(&chunk).to_vec());
        }
        content.truncate((position - start) as usize);
        if (content.len() as u64) < position - start {
            return Err("an earlier commit is missing".into());
        }
    }
    content.extend(bytes);
    chunks.delete(&range)?;
    if !content.is_empty() {
        chunks.put_with_key(&Uint8Array::from(&content[..]), &key(file, start))?;
    }
    Ok(())
}

async fn connect(factory: &IdbFactory, name: &str) -> Result<IdbDatabase, JsValue> {
    let request = factory.open_with_u32(name, 1)?;
    create_stores(&request)?;
    answer(&request).await?.dyn_into()
}

/// When a transaction that reads everything is asked for the bytes, and what comes after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// All at once and before anything is known, so that the transaction ends without waiting for this page, whose
    /// business would hold up who writes: a page that goes would lose a commit that has not had its turn.
    AtOnce,
    /// In parts, so that each is taken in while the browser reads the next. Nothing more is done in the transaction.
    InParts,
    /// In parts, and the transaction goes on.
    AndMore,
}

/// Everything: where the chunks are, what is in them, and the number of the reign.
async fn read_all(transaction: &IdbTransaction, reading: Reading) -> Result<(Chunks, Stored, f64), JsValue> {
    let (chunks, meta) = (transaction.object_store(CHUNKS)?, transaction.object_store(META)?);
    let requests = [
        meta.get(&NAMES.into())?,
        meta.get(&BESIDE.into())?,
        meta.get(&REIGN.into())?,
        chunks.get_all_keys()?,
    ];
    let mut parts = Vec::new();
    if reading == Reading::AtOnce {
        parts.push(chunks.get_all()?);
        finish(transaction)?;
    }
    let names = answer(&requests[0]).await?;
    let beside = answer(&requests[1]).await?;
    let reign = answer(&requests[2]).await?.as_f64().unwrap_or(0.0);
    let keys: Array = answer(&requests[3]).await?.dyn_into()?;
    let keys: Vec<Key> = keys
        .iter()
        .map(|key| Array::from(&key))
        .map(|key| (number(&key.get(0)), number(&key.get(1))))
        .collect();
    if reading != Reading::AtOnce {
        for ((file, from), (last_file, to)) in chunks::parts(&keys) {
            let range = IdbKeyRange::bound(&key(file, from), &key(last_file, to))?;
            parts.push(chunks.get_all_with_key(&range)?);
        }
    }
    if reading == Reading::InParts {
        finish(transaction)?;
    }

    let mut known = Chunks::default();
    let mut files: Vec<(String, u64, Bytes)> = Vec::new();
    let mut place = HashMap::new();
    for (id, name) in read_names(&names) {
        place.insert(id, files.len());
        files.push((name, id, Bytes::default()));
    }
    let mut keys = keys.into_iter();
    for part in parts {
        let values: Array = answer(&part).await?.dyn_into()?;
        // The values first: a key that finds none is the next part's.
        let found: Vec<(Key, Uint8Array)> = values
            .iter()
            .zip(keys.by_ref())
            .map(|(value, key)| Ok((key, value.dyn_into()?)))
            .collect::<Result<_, JsValue>>()?;
        for chunks in found.chunk_by(|((one, _), _), ((next, _), _)| one == next) {
            for ((file, position), bytes) in chunks {
                known.found(*file, *position, bytes.length().into());
            }
            // Chunks of a file that no name means are deleted with the next change of names.
            if let Some((.., content)) =
                chunks.first().and_then(|((file, _), _)| files.get_mut(*place.get(file)?))
            {
                *content = held::put_together(chunks.iter().map(|((_, position), bytes)| (*position, bytes)));
            }
        }
    }
    Ok((known, Stored { files, beside }, reign))
}

/// Asked of the global object, which a worker has too.
fn factory() -> Result<IdbFactory, JsValue> {
    let factory = Reflect::get(&js_sys::global(), &"indexedDB".into())?;
    factory.dyn_into().map_err(|_| "there is no IndexedDB here".into())
}

fn create_stores(request: &IdbOpenDbRequest) -> Result<(), JsValue> {
    let opening = request.clone();
    let create = Closure::once_into_js(move || -> Result<(), JsValue> {
        let database: IdbDatabase = opening.result()?.dyn_into()?;
        database.create_object_store(CHUNKS)?;
        database.create_object_store(META)?;
        Ok(())
    });
    request.set_onupgradeneeded(Some(create.unchecked_ref()));
    Ok(())
}

/// A promise, and the function that keeps it.
fn promise() -> (Function, Promise) {
    // Not `Function::default()`: that evaluates a string, which the broker's content security policy forbids.
    let mut keep: Function = JsValue::UNDEFINED.unchecked_into();
    let promise = Promise::new(&mut |resolve, _| keep = resolve);
    (keep, promise)
}

/// Waits for a request's result. It leaves no closure behind that holds the request, and with it what it was answered.
async fn answer(request: &IdbRequest) -> Result<JsValue, JsValue> {
    let promise = Promise::new(&mut |resolve, reject| {
        request.set_onsuccess(Some(&resolve));
        request.set_onerror(Some(&reject));
    });
    match JsFuture::from(promise).await {
        Ok(_) => request.result(),
        Err(_) => Err(request.error()?.map_or(JsValue::UNDEFINED, JsValue::from)),
    }
}

fn finished(transaction: &IdbTransaction) -> Promise {
    Promise::new(&mut |resolve, reject| {
        let aborted = transaction.clone();
        let failure = Closure::once_into_js(move || {
            let error = aborted.error().map_or("the transaction was aborted".into(), JsValue::from);
            reject.call1(&JsValue::UNDEFINED, &error)
        });
        transaction.set_oncomplete(Some(&resolve));
        transaction.set_onabort(Some(failure.unchecked_ref()));
    })
}

/// Files' ids and names. They are one text; what was stored before that was so is a list of pairs.
fn read_names(value: &JsValue) -> Vec<(u64, String)> {
    if let Some(text) = value.as_string() {
        let line = |line: &str| {
            line.split_once(' ').and_then(|(id, name)| Some((id.parse().ok()?, name.to_owned())))
        };
        return text.lines().filter_map(line).collect();
    }
    let pairs = value.dyn_ref::<Array>().map(Array::iter).into_iter().flatten();
    pairs
        .map(|pair| Array::from(&pair))
        .map(|pair| (number(&pair.get(1)), pair.get(0).as_string().unwrap_or_default()))
        .collect()
}

/// Ids and positions stay far below 2^53, where a JavaScript number is exact.
fn number(value: &JsValue) -> u64 {
    value.as_f64().unwrap_or(0.0) as u64
}

fn key(file: u64, position: u64) -> JsValue {
    Array::of2(&JsValue::from_f64(file as f64), &JsValue::from_f64(position as f64)).into()
}

fn reign_key(reign: f64) -> JsValue {
    Array::of2(&REIGN.into(), &reign.into()).into()
}

/// The chunks of a file from a position on.
fn range(file: u64, from: u64) -> Result<IdbKeyRange, JsValue> {
    let end = Array::of2(&JsValue::from_f64(file as f64), &JsValue::from_f64(f64::INFINITY));
    IdbKeyRange::bound(&key(file, from), &end)
}

fn exception_name(error: &JsValue) -> String {
    let name = Reflect::get(error, &"name".into()).unwrap_or(JsValue::UNDEFINED);
    name.as_string().unwrap_or_default()
}

fn reason(error: &JsValue) -> String {
    let message = Reflect::get(error, &"message".into()).ok().and_then(|message| message.as_string());
    let said = message.or_else(|| error.as_string()).filter(|text| !text.is_empty());
    // Browsers say nothing more where the disk, or what a page may have of it, is full.
    let unsaid = || match exception_name(error).as_str() {
        "QuotaExceededError" => "the browser gives this page no more space (its quota is used up)".to_owned(),
        "" => "the browser does not say why".to_owned(),
        name => format!("the browser says {name}, and not why"),
    };
    said.unwrap_or_else(unsaid)
}
