//! The lock of a database's name, by the browser's Web Locks.
//!
//! Invariant: of those that have a lock of a name and were not told that it was taken away, one was granted it. Who only
//! waits until nobody has it shares it for a moment.

use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::AbortSignal;

use crate::{Claim, Error, exception_name, promise};

/// How long whoever has the lock is given to let go of it.
const WAIT_MS: u32 = 1500;

/// Held until it is dropped, taken away, or the page is closed.
#[derive(Debug)]
pub(crate) struct Lock {
    release: Function,
    /// Kept when the lock is let go of, broken when it is taken away; `None` where the browser has no locks.
    held: Option<Promise>,
    stolen: bool,
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.release.call0(&JsValue::UNDEFINED);
    }
}

impl Lock {
    /// Whether there may be somebody who has had it and does not know that it is gone.
    pub(crate) fn others_may_write(&self) -> bool {
        self.stolen || self.held.is_none()
    }

    /// Ready when the lock is gone: with `true` if it was taken away.
    pub(crate) fn taken(&self) -> impl Future<Output = bool> + use<> {
        let held = self.held.clone();
        async move {
            match held {
                Some(held) => JsFuture::from(held).await.is_err(),
                None => std::future::pending().await,
            }
        }
    }
}

/// The lock of a name. Pages that a browser does not trust, for they came without encryption, have none; there the
/// last one to come has the database.
pub(crate) async fn lock(name: &str, claim: Claim) -> Result<Lock, Error> {
    let Some(locks) = locks() else {
        return Ok(Lock { release: promise().0, held: None, stolen: false });
    };
    match claim {
        Claim::IfFree => request(&locks, name, "ifAvailable", &JsValue::TRUE).await,
        Claim::Wait => waited(&locks, name).await,
        Claim::Take => match waited(&locks, name).await {
            Err(Error::Taken) => {
                let mut lock = request(&locks, name, "steal", &JsValue::TRUE).await?;
                lock.stolen = true;
                Ok(lock)
            }
            other => other,
        },
    }
}

/// Ready when nobody has the lock of a name any more, however they went; never where the browser has no locks.
pub(crate) async fn free(name: &str) -> Result<(), Error> {
    let Some(locks) = locks() else { return std::future::pending().await };
    // Those who share it wait for nobody but who has it alone. It is let go of at once.
    request(&locks, name, "mode", &"shared".into()).await.map(drop)
}

async fn waited(locks: &JsValue, name: &str) -> Result<Lock, Error> {
    request(locks, name, "signal", &AbortSignal::timeout_with_u32(WAIT_MS)).await
}

fn locks() -> Option<JsValue> {
    let navigator = Reflect::get(&js_sys::global(), &"navigator".into()).ok()?;
    let locks = Reflect::get(&navigator, &"locks".into()).ok()?;
    (!locks.is_undefined()).then_some(locks)
}

/// Asks for the lock with one option.
async fn request(locks: &JsValue, name: &str, option: &str, value: &JsValue) -> Result<Lock, Error> {
    let options = Object::new();
    Reflect::set(&options, &option.into(), value)?;
    let request: Function = Reflect::get(locks, &"request".into())?.dyn_into()?;
    let (release, released) = promise();
    let (answer, answered) = promise();
    // The lock is held as long as the promise is not kept. What is not available is null.
    let hold = Closure::once_into_js(move |granted: JsValue| {
        let _ = answer.call1(&JsValue::UNDEFINED, &granted);
        released
    });
    let held: Promise = request.call3(locks, &name.into(), &options, &hold)?.dyn_into()?;
    let granted = JsFuture::from(Promise::race(&Array::of2(&answered, &held))).await;
    let granted = granted.map_err(|error| match exception_name(&error).as_str() {
        "TimeoutError" | "AbortError" => Error::Taken,
        _ => Error::from(error),
    })?;
    match granted.is_null() {
        true => Err(Error::Taken),
        false => Ok(Lock { release, held: Some(held), stolen: false }),
    }
}
