//! The class `PartitionLog`.
//!
//! The values that it takes are JavaScript's own, checked in `convert`: `wasm-bindgen` would wrap a negative bigint
//! and round a number without a word.

use js_sys::{Array, Promise, Uint8Array};
use logscope::Fetched;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use crate::convert::{self, RecordMaker, object};
use crate::engine::{Engine, Keeping, Result};
use crate::error::Failure;
use crate::kept::Kept;

/// What a fetch is limited to if nobody says: Kafka's `max.partition.fetch.bytes`.
const DEFAULT_MAX_BYTES: u64 = 1 << 20;
/// The most that the records of a fetch may take decompressed, in bytes.
const MAX_DECOMPRESSED: u64 = 64 << 20;

/// A commit log for one partition, in Kafka's format.
///
/// Time comes from `Date.now()` unless a call is given another. One log at a time may have a name in IndexedDB,
/// over all tabs and workers.
#[wasm_bindgen]
pub struct PartitionLog {
    /// `None` once it is closed.
    engine: Option<Box<dyn Engine>>,
    recovery: JsValue,
}

impl std::fmt::Debug for PartitionLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bounds = self.engine.as_ref().map(|engine| engine.bounds());
        f.debug_struct("PartitionLog").field("bounds", &bounds).finish_non_exhaustive()
    }
}

impl PartitionLog {
    /// The class over a log that somebody else has opened.
    pub fn over(engine: Box<dyn Engine>) -> Self {
        Self { engine: Some(engine), recovery: JsValue::NULL }
    }

    fn engine(&self) -> Result<&dyn Engine> {
        self.engine.as_deref().ok_or(Failure::Closed)
    }

    fn engine_mut(&mut self) -> Result<&mut (dyn Engine + 'static)> {
        self.engine.as_deref_mut().ok_or(Failure::Closed)
    }

    /// Runs a change, and promises its result for when it is kept.
    fn change(&mut self, change: impl FnOnce(&mut dyn Engine) -> Result<JsValue>) -> Promise {
        let changed = self.engine_mut().and_then(|engine| {
            let result = change(engine);
            // What was changed before an error is kept too.
            Ok((engine.keep(), result?))
        });
        future_to_promise(async {
            let (keeping, result) = changed?;
            keeping.await?;
            Ok(result)
        })
    }
}

#[wasm_bindgen]
impl PartitionLog {
    /// Opens a log, in memory or kept in IndexedDB, and recovers what a crash may have left.
    pub async fn open(
        #[wasm_bindgen(unchecked_optional_param_type = "OpenOptions")] options: JsValue,
    ) -> Result<PartitionLog, Failure> {
        let (home, config) = convert::open_options(&options)?;
        let (kept, report) = Kept::open(home, config).await?;
        Ok(Self { engine: Some(Box::new(kept)), recovery: convert::recovery_object(&report) })
    }

    /// What opening found and did; null for a log that was open before it became this object.
    #[wasm_bindgen(getter, unchecked_return_type = "RecoveryReport | null")]
    pub fn recovery(&self) -> JsValue {
        self.recovery.clone()
    }

    /// The first offset in the log.
    #[wasm_bindgen(getter, js_name = logStartOffset)]
    pub fn log_start_offset(&self) -> Result<u64, Failure> {
        Ok(self.engine()?.bounds().log_start_offset)
    }

    /// The offset below which everything is durable and can be fetched.
    #[wasm_bindgen(getter, js_name = highWatermark)]
    pub fn high_watermark(&self) -> Result<u64, Failure> {
        Ok(self.engine()?.bounds().high_watermark)
    }

    /// The next offset to be assigned.
    #[wasm_bindgen(getter, js_name = logEndOffset)]
    pub fn log_end_offset(&self) -> Result<u64, Failure> {
        Ok(self.engine()?.bounds().log_end_offset)
    }

    /// Appends one record, or several as one batch. They are durable, and can be fetched, after a flush.
    #[wasm_bindgen(unchecked_return_type = "Appended")]
    pub fn append(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "NewRecord | NewRecord[]")] records: &JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = "AppendOptions")] options: &JsValue,
    ) -> Result<JsValue, Failure> {
        let engine = self.engine_mut()?;
        let (producer, now_ms) = convert::append_options(options)?;
        let given = convert::records(records)?;
        let headers: Vec<_> = given.iter().map(convert::GivenRecord::headers).collect();
        let records: Vec<_> =
            given.iter().zip(&headers).map(|(record, headers)| record.record(headers)).collect();
        Ok(convert::appended_object(&engine.append(producer, &records, now_ms)?))
    }

    /// Appends one encoded record batch as it is, but for its base offset.
    #[wasm_bindgen(js_name = appendBatch, unchecked_return_type = "Appended")]
    pub fn append_batch(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "Uint8Array")] batch: &JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = "number")] now: &JsValue,
    ) -> Result<JsValue, Failure> {
        let engine = self.engine_mut()?;
        let Some(batch) = batch.dyn_ref::<Uint8Array>() else {
            return Err(Failure::Argument("a record batch is a Uint8Array".to_owned()));
        };
        let appended = engine.append_batch(&mut batch.to_vec(), convert::time_or_now(now)?)?;
        Ok(convert::appended_object(&appended))
    }

    /// The records from an offset on: those of whole batches while these take at most `maxBytes` (1 MiB if nobody
    /// says), but at least one batch. Go on at `nextOffset`.
    #[wasm_bindgen(unchecked_return_type = "Fetched")]
    pub fn fetch(
        &self,
        #[wasm_bindgen(unchecked_param_type = "bigint")] offset: &JsValue,
        #[wasm_bindgen(js_name = maxBytes, unchecked_optional_param_type = "number")] max_bytes: &JsValue,
    ) -> Result<JsValue, Failure> {
        let fetched = self.fetched(offset, max_bytes)?;
        let size = fetched.batches.len();
        let fetched = fetched.decompress(MAX_DECOMPRESSED)?;
        let (records, maker) = (Array::new(), RecordMaker::new());
        for record in fetched.records() {
            records.push(&maker.make(&record.map_err(logscope::Error::from)?));
        }
        Ok(object([
            ("records", records.into()),
            ("nextOffset", fetched.next_offset.into()),
            ("stoppedBy", fetched.stopped_by.as_str().into()),
            ("size", size.into()),
        ]))
    }

    /// As `fetch`, but the batches byte for byte: what `appendBatch` of another log takes, one at a time. The first
    /// one may begin before the offset.
    #[wasm_bindgen(js_name = fetchBatches, unchecked_return_type = "FetchedBatches")]
    pub fn fetch_batches(
        &self,
        #[wasm_bindgen(unchecked_param_type = "bigint")] offset: &JsValue,
        #[wasm_bindgen(js_name = maxBytes, unchecked_optional_param_type = "number")] max_bytes: &JsValue,
    ) -> Result<JsValue, Failure> {
        let fetched = self.fetched(offset, max_bytes)?;
        Ok(object([
            ("batches", Uint8Array::from(&fetched.batches[..]).into()),
            ("nextOffset", fetched.next_offset.into()),
            ("stoppedBy", fetched.stopped_by.as_str().into()),
        ]))
    }

    fn fetched(&self, offset: &JsValue, max_bytes: &JsValue) -> Result<Fetched> {
        let max_bytes = match max_bytes.is_undefined() {
            true => DEFAULT_MAX_BYTES,
            false => convert::whole(max_bytes, "`maxBytes`", 0..=convert::MAX_SAFE)? as u64,
        };
        self.engine()?.fetch(convert::offset(offset)?, max_bytes)
    }

    /// Makes everything appended so far durable and visible. Resolves when it is so, with the offset below which it is.
    #[wasm_bindgen(unchecked_return_type = "Promise<bigint>")]
    pub fn flush(&mut self) -> Promise {
        self.change(|engine| Ok(engine.flush()?.into()))
    }

    /// The segments, oldest first.
    #[wasm_bindgen(unchecked_return_type = "Segment[]")]
    pub fn segments(&self) -> Result<JsValue, Failure> {
        Ok(convert::segment_objects(&self.engine()?.segments()))
    }

    /// The first visible record whose timestamp is this one or later; null if there is none.
    #[wasm_bindgen(
        js_name = offsetForTimestamp,
        unchecked_return_type = "{ offset: bigint; timestamp: number } | null"
    )]
    pub fn offset_for_timestamp(
        &self,
        #[wasm_bindgen(unchecked_param_type = "number")] timestamp: &JsValue,
    ) -> Result<JsValue, Failure> {
        let timestamp = convert::time(timestamp, "a timestamp")?;
        let found = self.engine()?.offset_for_timestamp(timestamp)?;
        Ok(found.map_or(JsValue::NULL, |found| {
            let timestamp = (found.timestamp as f64).into();
            object([("offset", found.offset.into()), ("timestamp", timestamp)])
        }))
    }

    /// Cuts the end off, so that no batch reaches the offset, and resolves with the new log end offset.
    #[wasm_bindgen(js_name = truncateTo, unchecked_return_type = "Promise<bigint>")]
    pub fn truncate_to(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "bigint")] offset: &JsValue,
    ) -> Promise {
        self.change(|engine| Ok(engine.truncate_to(convert::offset(offset)?)?.into()))
    }

    /// Makes the offset the first one of the log, and resolves with the log start offset. Segments that hold nothing
    /// else are deleted.
    #[wasm_bindgen(js_name = deleteRecordsBefore, unchecked_return_type = "Promise<bigint>")]
    pub fn delete_records_before(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "bigint")] offset: &JsValue,
    ) -> Promise {
        self.change(|engine| Ok(engine.delete_records_before(convert::offset(offset)?)?.into()))
    }

    /// Deletes the segments that `retention.ms` and `retention.bytes` let go, and resolves with them.
    #[wasm_bindgen(js_name = applyRetention, unchecked_return_type = "Promise<Segment[]>")]
    pub fn apply_retention(
        &mut self,
        #[wasm_bindgen(unchecked_optional_param_type = "number")] now: &JsValue,
    ) -> Promise {
        self.change(|engine| {
            Ok(convert::segment_objects(&engine.apply_retention(convert::time_or_now(now)?)?))
        })
    }

    /// Keeps the newest record of each key in the closed segments, if `cleanup.policy` compacts. Resolves with what it
    /// did; null if there was nothing to do.
    #[wasm_bindgen(unchecked_return_type = "Promise<Compaction | null>")]
    pub fn compact(
        &mut self,
        #[wasm_bindgen(unchecked_optional_param_type = "number")] now: &JsValue,
    ) -> Promise {
        self.change(|engine| {
            let report = engine.compact(convert::time_or_now(now)?)?;
            Ok(report.as_ref().map_or(JsValue::NULL, convert::compaction_object))
        })
    }

    /// All configs, by Kafka's keys, as text.
    #[wasm_bindgen(unchecked_return_type = "Record<ConfigKey, string>")]
    pub fn configs(&self) -> Result<JsValue, Failure> {
        Ok(convert::configs_object(&self.engine()?.config()))
    }

    /// Takes new values for some configs, all or none, from the next append on. They are not kept: `open` is given them.
    #[wasm_bindgen(js_name = setConfigs)]
    pub fn set_configs(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "Config")] configs: &JsValue,
    ) -> Result<(), Failure> {
        let engine = self.engine_mut()?;
        let mut config = engine.config();
        convert::set_configs(&mut config, configs)?;
        engine.set_config(config)
    }

    /// The files, by name, with their sizes in bytes, what is not durable yet included.
    #[wasm_bindgen(unchecked_return_type = "LogFile[]")]
    pub fn files(&self) -> Result<JsValue, Failure> {
        Ok(convert::file_objects(&self.engine()?.files()?))
    }

    /// The bytes of a file as they are now.
    #[wasm_bindgen(js_name = readFile, unchecked_return_type = "Uint8Array")]
    pub fn read_file(
        &self,
        #[wasm_bindgen(unchecked_param_type = "string")] name: &JsValue,
    ) -> Result<JsValue, Failure> {
        let name = convert::string(name, "a file's name")?;
        let bytes = self.engine()?.read_file(&name);
        bytes.map(|bytes| Uint8Array::from(&bytes[..]).into()).ok_or(Failure::NotFound(name))
    }

    /// Flushes, closes the log in good order and lets go of its name. Resolves when all is kept.
    #[wasm_bindgen(unchecked_return_type = "Promise<void>")]
    pub fn close(&mut self) -> Promise {
        let closing: Result<Keeping> = self.engine.take().map(|engine| engine.close()).ok_or(Failure::Closed);
        future_to_promise(async {
            closing?.await?;
            Ok(JsValue::UNDEFINED)
        })
    }
}
