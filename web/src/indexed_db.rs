//! What the browser keeps of the log: the only file that touches IndexedDB.
//!
//! Two object stores: `chunks` holds the files' bytes under `[file id, position]`, `meta` the names and the
//! settings. [`Store::commit`] is one transaction with durability `strict`, begun before it returns, so that
//! commits happen in the order in which they were asked for.
//!
//! Invariants:
//! - What the database holds is the engine's durable image at the end of some commit, never between two.
//! - One page writes: whoever holds the lock `logscope`.
//! - After an error nothing is written any more; the page goes on in memory.

use js_sys::{Array, Function, Object, Promise, Reflect, Uint8Array};
use logscope::storage::Mutation;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortSignal, IdbDatabase, IdbKeyRange, IdbObjectStore, IdbOpenDbRequest, IdbRequest, IdbTransaction,
};

use crate::chunks::{Chunks, Op};
use crate::engine::Saved;
use crate::state::Settings;
use crate::text;

const NAME: &str = "logscope";
const CHUNKS: &str = "chunks";
const META: &str = "meta";
/// A page that is reloaded waits for its former self to let go of the lock.
const LOCK_WAIT_MS: u32 = 1500;

/// The open database.
#[derive(Debug)]
pub(crate) struct Store {
    database: IdbDatabase,
    chunks: Chunks,
}

/// Opens the database and reads what it holds. With `fresh`, that is deleted first.
///
/// # Errors
/// Why nothing can be kept, in words for a person.
pub(crate) async fn open(fresh: bool) -> Result<(Store, Saved), String> {
    lock().await?;
    if fresh {
        forget().await.map_err(|error| reason(&error))?;
    }
    read_all().await.map_err(|error| reason(&error))
}

async fn forget() -> Result<(), JsValue> {
    let request = factory()?.delete_database(NAME)?;
    answer(&request).await.map(drop)
}

impl Store {
    /// Commits mutations in one transaction. It is under way when this returns; the promise is kept when it is
    /// durable. With `closing`, nothing is read or merged: the page may have no time left.
    pub(crate) fn commit(
        &mut self,
        mutations: Vec<Mutation>,
        settings: &Settings,
        closing: bool,
    ) -> impl Future<Output = Result<(), String>> + use<> {
        let ops = self.chunks.plan(mutations, !closing);
        let begun = self.begin();
        let settings = settings_value(settings);
        // Run until the first read, if there is one, before the caller goes on.
        let (send, done) = promise();
        wasm_bindgen_futures::spawn_local(async move {
            let result = match begun {
                Ok(transaction) => write(&transaction, ops, &settings).await,
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

async fn write(transaction: &IdbTransaction, ops: Vec<Op>, settings: &JsValue) -> Result<(), JsValue> {
    let (chunks, meta) = (transaction.object_store(CHUNKS)?, transaction.object_store(META)?);
    let finished = finished(transaction);
    for op in ops {
        match op {
            Op::Replace { file, start, position, bytes } => {
                replace(&chunks, file, start, position, bytes).await?;
            }
            Op::Names { names, gone } => {
                let names: Array = names.iter().map(|(name, id)| pair(&name.into(), *id)).collect();
                meta.put_with_key(&names, &"names".into())?;
                for file in gone {
                    chunks.delete(&range(file, 0)?.into())?;
                }
            }
        }
    }
    meta.put_with_key(settings, &"settings".into())?;
    // Older browsers commit by themselves, a little later.
    if let Ok(commit) = Reflect::get(transaction, &"commit".into())?.dyn_into::<Function>() {
        commit.call0(transaction)?;
    }
    JsFuture::from(finished).await.map(drop)
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
    }
    content.extend(bytes);
    chunks.delete(&range)?;
    if !content.is_empty() {
        chunks.put_with_key(&Uint8Array::from(&content[..]), &key(file, start))?;
    }
    Ok(())
}

async fn read_all() -> Result<(Store, Saved), JsValue> {
    let request = factory()?.open_with_u32(NAME, 1)?;
    create_stores(&request)?;
    let database: IdbDatabase = answer(&request).await?.dyn_into()?;
    let stores = Array::of2(&CHUNKS.into(), &META.into());
    let transaction = database.transaction_with_str_sequence(&stores)?;
    let (chunks, meta) = (transaction.object_store(CHUNKS)?, transaction.object_store(META)?);
    let requests = [
        meta.get(&"names".into())?,
        meta.get(&"settings".into())?,
        chunks.get_all_keys()?,
        chunks.get_all()?,
    ];
    let names = answer(&requests[0]).await?;
    let settings = read_settings(&answer(&requests[1]).await?);
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
    Ok((Store { database, chunks: known }, Saved { files, settings }))
}

fn factory() -> Result<web_sys::IdbFactory, JsValue> {
    let window = web_sys::window().ok_or("there is no window")?;
    Ok(window.indexed_db()?.ok_or("this browser has no IndexedDB here")?)
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

/// The lock that one page at a time holds, until it is closed. Where there are no locks, there is no second tab
/// to fear more than losing everything.
async fn lock() -> Result<(), String> {
    let Some(window) = web_sys::window() else { return Ok(()) };
    let locks = Reflect::get(&window.navigator(), &"locks".into()).unwrap_or(JsValue::UNDEFINED);
    if locks.is_undefined() {
        return Ok(());
    }
    let request = || -> Result<Promise, JsValue> {
        let options = Object::new();
        Reflect::set(&options, &"signal".into(), &AbortSignal::timeout_with_u32(LOCK_WAIT_MS))?;
        let request: Function = Reflect::get(&locks, &"request".into())?.dyn_into()?;
        let (granted, has_it) = promise();
        // The lock is held as long as the promise is not kept, and nobody keeps it.
        let hold = Closure::once_into_js(move || {
            let _ = granted.call0(&JsValue::UNDEFINED);
            Promise::new(&mut |_, _| {})
        });
        let held = request.call3(&locks, &NAME.into(), &options, &hold)?;
        Ok(Promise::race(&Array::of2(&has_it, &held)))
    };
    let result = match request() {
        Ok(promise) => JsFuture::from(promise).await,
        Err(error) => Err(error),
    };
    result.map(drop).map_err(|error| match exception_name(&error).as_str() {
        "TimeoutError" | "AbortError" => text::OTHER_TAB.to_owned(),
        _ => reason(&error),
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

fn settings_value(settings: &Settings) -> JsValue {
    let config: Array =
        settings.config.iter().map(|(key, value)| Array::of2(&key.into(), &value.into())).collect();
    pair(&config, settings.now_ms as u64)
}

fn read_settings(value: &JsValue) -> Option<Settings> {
    let parts = value.dyn_ref::<Array>()?;
    let entries = parts.get(0).dyn_into::<Array>().ok()?;
    let config = entries.iter().map(|entry| {
        let entry = Array::from(&entry);
        (entry.get(0).as_string().unwrap_or_default(), entry.get(1).as_string().unwrap_or_default())
    });
    Some(Settings { config: config.collect(), now_ms: number(&parts.get(1)) as i64 })
}

/// Ids, positions and the clock stay far below 2^53, where a JavaScript number is exact.
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
