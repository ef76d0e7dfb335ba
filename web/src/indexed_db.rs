//! What the browser keeps of the log, in the database `logscope`: the only file that knows of IndexedDB.
//!
//! The crate `logscope-indexed-db` has the rest. What the page keeps beside the files are its settings.

use js_sys::Array;
use logscope::storage::Mutation;
use logscope_indexed_db::{Database, OpenError};
use wasm_bindgen::prelude::*;

use crate::engine::Saved;
use crate::state::{Settings, TopicSettings};
use crate::text;

const NAME: &str = "logscope";

/// The open database.
#[derive(Debug)]
pub(crate) struct Store {
    database: Database,
}

/// Opens the database and reads what it holds. With `fresh`, that is deleted first.
///
/// # Errors
/// Why nothing can be kept, in words for a person.
pub(crate) async fn open(fresh: bool) -> Result<(Store, Saved), String> {
    let (database, stored) = logscope_indexed_db::open(NAME, fresh).await.map_err(|error| match error {
        OpenError::Locked => text::OTHER_TAB.to_owned(),
        OpenError::Failed(reason) => reason,
    })?;
    let settings = read_settings(&stored.beside);
    Ok((Store { database }, Saved { files: stored.files, settings }))
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
        self.database.commit(mutations, Some(settings_value(settings)), closing)
    }
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
