//! The class as JavaScript has it in Chromium, called through its JavaScript side: `cargo xtask browser wasm`.
//!
//! `package.test.mjs` has every method, in Node and in memory; `browser.js` has reloads, tabs and workers. Here is what
//! must be the same wherever a log lives, in memory and in IndexedDB.

#![cfg(target_arch = "wasm32")]

use js_sys::{Array, BigInt, Error, Function, JSON, Object, Promise, Reflect, Uint8Array};
use logscope_js::log::PartitionLog;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;

type Tested = Result<(), JsValue>;

fn object<const N: usize>(fields: [(&str, JsValue); N]) -> JsValue {
    let object = Object::new();
    for (name, value) in fields {
        assert!(Reflect::set(&object, &name.into(), &value).is_ok());
    }
    object.into()
}

fn json(text: &str) -> JsValue {
    JSON::parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}"))
}

fn get(object: &JsValue, path: &str) -> Result<JsValue, JsValue> {
    path.split('.').try_fold(object.clone(), |value, field| Reflect::get(&value, &field.into()))
}

/// Calls a method; if it promises something, waits for it.
async fn call<const N: usize>(
    object: &JsValue,
    method: &str,
    arguments: [JsValue; N],
) -> Result<JsValue, JsValue> {
    let function: Function = get(object, method)?.dyn_into()?;
    let result = function.apply(object, &arguments.into_iter().collect::<Array>())?;
    match result.dyn_into::<Promise>() {
        Ok(promise) => JsFuture::from(promise).await,
        Err(result) => Ok(result),
    }
}

/// The class itself, which is whose instance a log is.
async fn class() -> Result<JsValue, JsValue> {
    get(&PartitionLog::open(JsValue::UNDEFINED).await?.into(), "constructor")
}

async fn open(options: JsValue) -> Result<JsValue, JsValue> {
    call(&class().await?, "open", [options]).await
}

/// Where a log can live: in memory, and in a database of that name.
fn homes(name: &str) -> [JsValue; 2] {
    [json("{}"), object([("indexedDb", name.into())])]
}

fn big(value: u64) -> JsValue {
    BigInt::from(value).into()
}

/// What came out as an `Error`: its code and its message.
fn refused(result: Result<JsValue, JsValue>) -> (String, String) {
    let Err(error) = result else { panic!("{result:?} was not refused") };
    let error: Error = error.dyn_into().unwrap_or_else(|value| panic!("{value:?} is no Error"));
    let code = get(&error, "code").ok().and_then(|code| code.as_string());
    (code.unwrap_or_default(), error.message().into())
}

#[wasm_bindgen_test]
async fn records_come_back_as_they_went_in_wherever_the_log_lives() -> Tested {
    for home in homes("round trip") {
        let log = open(home).await?;
        let all: Vec<u8> = (0..=255).collect();
        let records = Array::of2(
            &object([("key", JsValue::NULL), ("value", Uint8Array::from(&all[..]).into())]),
            &json(r#"{"key": "", "value": null, "headers": [{"key": "h", "value": ""}], "timestamp": 7}"#),
        );
        let appended = call(&log, "append", [records.into(), json(r#"{"now": 5}"#)]).await?;
        assert_eq!((get(&appended, "baseOffset")?, get(&appended, "lastOffset")?), (big(0), big(1)));
        // Behind the high watermark until the flush is durable.
        assert_eq!(get(&call(&log, "fetch", [big(0)]).await?, "records.length")?, 0);
        assert_eq!(call(&log, "flush", []).await?, big(2));
        let fetched = call(&log, "fetch", [big(0), 1.into()]).await?;
        assert_eq!(get(&fetched, "nextOffset")?, big(2));
        let bytes = |path: &str| Ok::<_, JsValue>(Uint8Array::new(&get(&fetched, path)?).to_vec());
        assert_eq!(bytes("records.0.value")?, all);
        assert!(get(&fetched, "records.0.key")?.is_null() && get(&fetched, "records.1.value")?.is_null());
        assert!(get(&fetched, "records.1.key")?.is_instance_of::<Uint8Array>());
        assert_eq!((bytes("records.1.key")?, bytes("records.1.headers.0.value")?), (vec![], vec![]));
        let times = (get(&fetched, "records.0.timestamp")?, get(&fetched, "records.1.timestamp")?);
        assert_eq!(times, (5.into(), 7.into()));
        call(&log, "close", []).await?;
    }
    Ok(())
}

#[wasm_bindgen_test]
async fn an_offset_beyond_what_a_number_holds_is_exact() -> Tested {
    let base = (1 << 53) + 1;
    let files = object([(&format!("{base:020}.log")[..], Uint8Array::new_with_length(0).into())]);
    let log = open(object([("files", files)])).await?;
    call(&log, "append", [json(r#"[{"value": "a"}, {"value": "b"}]"#)]).await?;
    assert_eq!(call(&log, "flush", []).await?, big(base + 2));
    let fetched = call(&log, "fetch", [big(base + 1)]).await?;
    assert_eq!(get(&fetched, "records.0.offset")?, big(base + 1));
    Ok(())
}

#[wasm_bindgen_test]
async fn what_is_refused_is_an_error_with_a_code_and_changes_nothing() -> Tested {
    for home in homes("refusing") {
        let log = open(home).await?;
        let value = || json(r#"{"value": "v"}"#);
        let cases = [
            (call(&log, "append", [json("{}")]).await, "INVALID_ARGUMENT", "value"),
            (call(&log, "append", [json(r#"{"value": 1}"#)]).await, "INVALID_ARGUMENT", "not 1"),
            (call(&log, "append", [value(), json(r#"{"now": 0.5}"#)]).await, "INVALID_ARGUMENT", "0.5"),
            (call(&log, "append", [json("[]")]).await, "INVALID_RECORD", ""),
            (call(&log, "append", [value(), json(r#"{"naw": 1}"#)]).await, "INVALID_ARGUMENT", "naw"),
            (call(&log, "fetch", [0.into()]).await, "INVALID_ARGUMENT", "bigint"),
            (call(&log, "fetch", [BigInt::from(-1).into()]).await, "INVALID_ARGUMENT", "-1n"),
            (call(&log, "fetch", [big(0), (-1).into()]).await, "INVALID_ARGUMENT", "maxBytes"),
            (call(&log, "fetch", [big(3)]).await, "OFFSET_OUT_OF_RANGE", "offset 3"),
            (call(&log, "truncateTo", ["0".into()]).await, "INVALID_ARGUMENT", "\"0\""),
            (call(&log, "readFile", ["none".into()]).await, "NOT_FOUND", "none"),
            (call(&log, "setConfigs", [json(r#"{"segment.bytes": 0}"#)]).await, "INVALID_CONFIG", "0"),
            (call(&log, "appendBatch", [Uint8Array::new_with_length(61).into()]).await, "INVALID_BATCH", ""),
        ];
        for (at, (result, code, part)) in cases.into_iter().enumerate() {
            let (given, message) = refused(result);
            assert_eq!(given, code, "case {at}: {message}");
            assert!(
                message.contains(part) && !message.is_empty(),
                "case {at}: {message:?} says not {part:?}"
            );
        }
        assert_eq!((get(&log, "logEndOffset")?, call(&log, "flush", []).await?), (big(0), big(0)));
        call(&log, "close", []).await?;
    }
    let (code, message) = refused(open(json(r#"{"indexedDb": "a", "files": {}}"#)).await);
    assert_eq!(code, "INVALID_ARGUMENT", "{message}");
    Ok(())
}

#[wasm_bindgen_test]
async fn a_closed_log_takes_nothing_and_can_be_opened_again() -> Tested {
    for home in homes("reopened") {
        let kept = get(&home, "indexedDb")?.is_string();
        let log = open(home.clone()).await?;
        call(&log, "append", [json(r#"{"value": "a"}"#)]).await?;
        if kept {
            assert_eq!(refused(open(home.clone()).await).0, "LOCKED");
        }
        // Closing flushes.
        call(&log, "close", []).await?;
        for result in [
            call(&log, "append", [json(r#"{"value": "b"}"#)]).await,
            call(&log, "flush", []).await,
            call(&log, "fetch", [big(0)]).await,
            call(&log, "close", []).await,
            get(&log, "logEndOffset"),
        ] {
            assert_eq!(refused(result).0, "CLOSED");
        }
        let again = open(home).await?;
        let expected = if kept { big(1) } else { big(0) };
        assert_eq!(get(&again, "highWatermark")?, expected);
        assert_eq!(get(&again, "recovery.clean")?, kept);
        call(&again, "close", []).await?;
    }
    Ok(())
}
