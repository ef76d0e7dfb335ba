//! A log in the browser's IndexedDB: what `JournalStorage` says is durable goes in, and comes out again when the
//! next page loads.
//!
//! Two object stores: `chunks` holds the files' bytes under `[file id, position]`, `meta` the names, and whatever its
//! owner wants to keep beside them. [`Database::commit`] is one transaction with durability `strict`, begun before it
//! returns, so that commits happen in the order in which they were asked for.
//!
//! Invariants:
//! - What the database holds is the engine's durable image at the end of some commit, never between two.
//! - One page, or worker, has a database: whoever holds the lock of its name.
//! - A commit that lacks what one before it should have written changes nothing. After an error, its owner writes no
//!   more.

#![deny(missing_docs)]

mod chunks;

use js_sys::{Array, Function, Object, Promise, Reflect, Uint8Array};
use logscope::storage::Mutation;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortSignal, IdbDatabase, IdbFactory, IdbKeyRange, IdbObjectStore, IdbOpenDbRequest, IdbRequest,
    IdbTransaction,
};

use crate::chunks::{Chunks, Op};

const CHUNKS: &str = "chunks";
const META: &str = "meta";
/// Where in `meta` they are.
const NAMES: &str = "names";
const BESIDE: &str = "settings";
/// A page that is reloaded waits for its former self to let go of the lock.
const LOCK_WAIT_MS: u32 = 1500;

/// An open database, and the lock of its name. Dropping it closes it and lets go of the lock.
#[derive(Debug)]
pub struct Database {
    database: IdbDatabase,
    chunks: Chunks,
    _lock: Lock,
}

/// What a database held when it was opened.
#[derive(Debug)]
pub struct Stored {
    /// Name, file id and bytes of each file, as `JournalStorage::restore` takes them.
    pub files: Vec<(String, u64, Vec<u8>)>,
    /// What its owner kept beside the files; `undefined` if nothing.
    pub beside: JsValue,
}

/// Why a database cannot be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenError {
    /// Another page or worker has it.
    Locked,
    /// There is no IndexedDB here, or it fails; in words for a person.
    Failed(String),
}

/// Opens the database of that name and reads what it holds. With `fresh`, that is deleted first.
///
/// # Errors
/// Why nothing can be kept.
pub async fn open(name: &str, fresh: bool) -> Result<(Database, Stored), OpenError> {
    let failed = |error: JsValue| OpenError::Failed(reason(&error));
    let factory = factory().map_err(failed)?;
    let lock = lock(name).await?;
    if fresh {
        let request = factory.delete_database(name).map_err(failed)?;
        answer(&request).await.map_err(failed)?;
    }
    read_all(&factory, name, lock).await.map_err(failed)
}

impl Drop for Database {
    fn drop(&mut self) {
        // What is under way comes to its end all the same.
        self.database.close();
    }
}

impl Database {
    /// Commits mutations in one transaction, and `beside` in the place of what was there, if it is given. It is under
    /// way when this returns; the future is ready when it is durable. With `closing`, nothing is read or merged: the
    /// page may have no time left.
    ///
    /// # Errors
    /// Why it is not kept, in words for a person.
    pub fn commit(
        &mut self,
        mutations: Vec<Mutation>,
        beside: Option<JsValue>,
        closing: bool,
    ) -> impl Future<Output = Result<(), String>> + use<> {
        let ops = self.chunks.plan(mutations, !closing);
        let begun = self.begin();
        // Run until the first read, if there is one, before the caller goes on.
        let (send, done) = promise();
        wasm_bindgen_futures::spawn_local(async move {
            let result = match begun {
                Ok(transaction) => write(&transaction, ops, beside).await,
                Err(error) => Err(error),
            };
            let value = result.err().map_or(JsValue::UNDEFINED, |error| reason(&error).into());
            let _ = send.call1(&JsValue::UNDEFINED, &value);
        });
        async move {
            let failed = JsFuture::from(done).await.map_err(|error| reason(&error))?;
            failed.as_string().map_or(Ok(()), Err)
        }
    }

    fn begin(&self) -> Result<IdbTransaction, JsValue> {
        let options = Object::new();
        Reflect::set(&options, &"durability".into(), &"strict".into())?;
        let begin: Function = Reflect::get(&self.database, &"transaction".into())?.dyn_into()?;
        let stores = Array::of2(&CHUNKS.into(), &META.into());
        begin.call3(&self.database, &stores, &"readwrite".into(), &options)?.dyn_into()
    }
}

async fn write(transaction: &IdbTransaction, ops: Vec<Op>, beside: Option<JsValue>) -> Result<(), JsValue> {
    let finished = finished(transaction);
    if let Err(error) = put(transaction, ops, beside).await {
        // All or nothing; it may have been aborted already.
        let _ = transaction.abort();
        let _ = JsFuture::from(finished).await;
        return Err(error);
    }
    // Older browsers commit by themselves, a little later.
    if let Ok(commit) = Reflect::get(transaction, &"commit".into())?.dyn_into::<Function>() {
        commit.call0(transaction)?;
    }
    JsFuture::from(finished).await.map(drop)
}

async fn put(transaction: &IdbTransaction, ops: Vec<Op>, beside: Option<JsValue>) -> Result<(), JsValue> {
    let (chunks, meta) = (transaction.object_store(CHUNKS)?, transaction.object_store(META)?);
    for op in ops {
        match op {
            Op::Replace { file, start, position, bytes } => {
                replace(&chunks, file, start, position, bytes).await?;
            }
            Op::Names { names, gone } => {
                let names: Array = names.iter().map(|(name, id)| pair(&name.into(), *id)).collect();
                meta.put_with_key(&names, &NAMES.into())?;
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

async fn read_all(factory: &IdbFactory, name: &str, lock: Lock) -> Result<(Database, Stored), JsValue> {
    let request = factory.open_with_u32(name, 1)?;
    create_stores(&request)?;
    let database: IdbDatabase = answer(&request).await?.dyn_into()?;
    let stores = Array::of2(&CHUNKS.into(), &META.into());
    let transaction = database.transaction_with_str_sequence(&stores)?;
    let (chunks, meta) = (transaction.object_store(CHUNKS)?, transaction.object_store(META)?);
    let requests =
        [meta.get(&NAMES.into())?, meta.get(&BESIDE.into())?, chunks.get_all_keys()?, chunks.get_all()?];
    let names = answer(&requests[0]).await?;
    let beside = answer(&requests[1]).await?;
    let keys: Array = answer(&requests[2]).await?.dyn_into()?;
    let values: Array = answer(&requests[3]).await?.dyn_into()?;

    let mut known = Chunks::default();
    let mut files: Vec<(String, u64, Vec<u8>)> = Vec::new();
    for name in names.dyn_ref::<Array>().map(Array::iter).into_iter().flatten() {
        let (name, id) = (Array::from(&name).get(0), number(&Array::from(&name).get(1)));
        files.push((name.as_string().unwrap_or_default(), id, Vec::new()));
    }
    // The keys are in order, so a file's chunks come from its front to its end.
    for (key, value) in keys.iter().zip(values.iter()) {
        let (file, position) = (number(&Array::from(&key).get(0)), number(&Array::from(&key).get(1)));
        let bytes = Uint8Array::new(&value).to_vec();
        // Chunks of a file that no name means are deleted with the next change of names.
        known.found(file, position, bytes.len() as u64);
        if let Some((.., content)) = files.iter_mut().find(|(_, id, _)| *id == file)
            && content.len() as u64 == position
        {
            content.extend(bytes);
        }
    }
    Ok((Database { database, chunks: known, _lock: lock }, Stored { files, beside }))
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

/// Held until it is dropped, or the page is closed.
#[derive(Debug)]
struct Lock {
    release: Function,
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.release.call0(&JsValue::UNDEFINED);
    }
}

/// The lock of a name. Where there are no locks, there is no second tab to fear more than losing everything.
async fn lock(name: &str) -> Result<Lock, OpenError> {
    let (release, released) = promise();
    let lock = Lock { release };
    let global = js_sys::global();
    let navigator = Reflect::get(&global, &"navigator".into()).unwrap_or(JsValue::UNDEFINED);
    let locks = Reflect::get(&navigator, &"locks".into()).unwrap_or(JsValue::UNDEFINED);
    if locks.is_undefined() {
        return Ok(lock);
    }
    let request = || -> Result<Promise, JsValue> {
        let options = Object::new();
        Reflect::set(&options, &"signal".into(), &AbortSignal::timeout_with_u32(LOCK_WAIT_MS))?;
        let request: Function = Reflect::get(&locks, &"request".into())?.dyn_into()?;
        let (granted, has_it) = promise();
        // The lock is held as long as the promise is not kept.
        let hold = Closure::once_into_js(move || {
            let _ = granted.call0(&JsValue::UNDEFINED);
            released
        });
        let held = request.call3(&locks, &name.into(), &options, &hold)?;
        Ok(Promise::race(&Array::of2(&has_it, &held)))
    };
    let result = match request() {
        Ok(promise) => JsFuture::from(promise).await,
        Err(error) => Err(error),
    };
    result.map(|_| lock).map_err(|error| match exception_name(&error).as_str() {
        "TimeoutError" | "AbortError" => OpenError::Locked,
        _ => OpenError::Failed(reason(&error)),
    })
}

/// A promise, and the function that keeps it.
fn promise() -> (Function, Promise) {
    // Not `Function::default()`: that evaluates a string, which the broker's content security policy forbids.
    let mut keep: Function = JsValue::UNDEFINED.unchecked_into();
    let promise = Promise::new(&mut |resolve, _| keep = resolve);
    (keep, promise)
}

/// Waits for a request's result.
async fn answer(request: &IdbRequest) -> Result<JsValue, JsValue> {
    let promise = Promise::new(&mut |resolve, reject| {
        let (succeeded, failed) = (request.clone(), request.clone());
        let success = Closure::once_into_js(move || {
            resolve.call1(&JsValue::UNDEFINED, &succeeded.result().unwrap_or(JsValue::UNDEFINED))
        });
        let failure = Closure::once_into_js(move || {
            let error = failed.error().ok().flatten().map_or(JsValue::UNDEFINED, JsValue::from);
            reject.call1(&JsValue::UNDEFINED, &error)
        });
        request.set_onsuccess(Some(success.unchecked_ref()));
        request.set_onerror(Some(failure.unchecked_ref()));
    });
    JsFuture::from(promise).await
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

/// Ids and positions stay far below 2^53, where a JavaScript number is exact.
fn pair(first: &JsValue, second: u64) -> JsValue {
    Array::of2(first, &JsValue::from_f64(second as f64)).into()
}

fn number(value: &JsValue) -> u64 {
    value.as_f64().unwrap_or(0.0) as u64
}

fn key(file: u64, position: u64) -> JsValue {
    pair(&JsValue::from_f64(file as f64), position)
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
    message.or_else(|| error.as_string()).unwrap_or_else(|| "the browser does not say why".to_owned())
}
