//! What the browser keeps of the log, in the database `logscope`: the only file that knows of IndexedDB.
//!
//! The crate `logscope-indexed-db` has the rest. What the page keeps beside the files are its settings.

use js_sys::Array;
use logscope::storage::Mutation;
use logscope_indexed_db::{Database, Stored};
use wasm_bindgen::prelude::*;

use crate::engine::Saved;
use crate::state::{Settings, TopicSettings};

pub(crate) use logscope_indexed_db::{Claim, Error};

const NAME: &str = "logscope";

/// The open database.
#[derive(Debug)]
pub(crate) struct Store {
    database: Database,
}

/// Opens the database and reads what it holds. With `fresh`, that is deleted first.
///
/// # Errors
/// Why nothing can be kept.
pub(crate) async fn open(claim: Claim, fresh: bool) -> Result<(Store, Saved), Error> {
    let (database, stored) = logscope_indexed_db::open(NAME, claim, fresh).await?;
    Ok((Store { database }, saved(stored)))
}

/// Reads what the database holds, whoever has it.
///
/// # Errors
/// Why it cannot be read.
pub(crate) async fn read() -> Result<Saved, Error> {
    Ok(saved(logscope_indexed_db::read(NAME).await?))
}

/// Ready when nobody has the database any more.
///
/// # Errors
/// Why that cannot be known.
pub(crate) async fn free() -> Result<(), Error> {
    logscope_indexed_db::free(NAME).await
}

impl Store {
    /// Commits mutations in one transaction. It is under way when this returns; the promise is kept when it is
    /// durable. With `closing`, nothing is read or merged: the page may have no time left.
    pub(crate) fn commit(
        &mut self,
        mutations: Vec<Mutation>,
        settings: &Settings,
        closing: bool,
    ) -> impl Future<Output = Result<(), Error>> + use<> {
        self.database.commit(mutations, Some(settings_value(settings)), closing)
    }

    /// Ready with `true` when another tab takes the database away.
    pub(crate) fn taken(&self) -> impl Future<Output = bool> + use<> {
        self.database.taken()
    }
}

fn saved(stored: Stored) -> Saved {
    Saved { files: stored.files, settings: read_settings(&stored.beside) }
}

fn settings_value(settings: &Settings) -> JsValue {
    let config: Array =
        settings.config.iter().map(|(key, value)| Array::of2(&key.into(), &value.into())).collect();
    Array::of3(&config, &(settings.now_ms as f64).into(), &settings.topic.to_text().into()).into()
}

fn read_settings(value: &JsValue) -> Option<Settings> {
    let parts = value.dyn_ref::<Array>()?;
    let entries = parts.get(0).dyn_into::<Array>().ok()?;
    let config = entries.iter().map(|entry| {
        let entry = Array::from(&entry);
        (entry.get(0).as_string().unwrap_or_default(), entry.get(1).as_string().unwrap_or_default())
    });
    // A page that had but one partition kept nothing of topics.
    let topic = TopicSettings::of_text(&parts.get(2).as_string().unwrap_or_default());
    Some(Settings { config: config.collect(), now_ms: parts.get(1).as_f64().unwrap_or(0.0) as i64, topic })
}
