//! What only a bench asks of a page: its memory, a load that keeps nothing, a script that runs before the page's own.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::page::Page;

/// What lies between two moments that a page has marked, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// By the clock.
    pub clock: f64,
    /// The processor's time that the page's thread took of it: without what it waited for others, or for the processor.
    pub worked: f64,
}

impl Page {
    /// From each `performance.mark('press')` to the `performance.mark('painted')` after it. The page must have been
    /// opened by [`visit_timed`](crate::visit_timed), and can be asked once.
    ///
    /// # Errors
    /// If there is another mark without its counterpart, or the browser does not say how long a thread has worked.
    pub async fn spans(&self) -> Result<Vec<Span>> {
        let traced = self.browser.traced().await?;
        let named =
            |name: &str| -> Vec<&Value> { traced.iter().filter(|event| event["name"] == name).collect() };
        let (pressed, painted) = (named("press"), named("painted"));
        ensure!(
            pressed.len() == painted.len(),
            "{} presses, and {} were painted",
            pressed.len(),
            painted.len()
        );
        let between = |from: &Value, to: &Value, clock: &str| {
            let micros = |event: &Value| event[clock].as_f64();
            Some((micros(to)? - micros(from)?) / 1e3)
        };
        let spans = pressed.into_iter().zip(painted).map(|(from, to)| {
            let span = between(from, to, "ts").zip(between(from, to, "tts"));
            let (clock, worked) = span.with_context(|| format!("no times between {from} and {to}"))?;
            Ok(Span { clock, worked })
        });
        spans.collect()
    }

    /// Runs a script in every page that is opened from now on, before anything else in it.
    pub async fn run_first(&self, script: &str) -> Result<()> {
        let parameters = json!({ "source": script });
        self.browser.devtools("Page.addScriptToEvaluateOnNewDocument", parameters).await.map(drop)
    }

    /// Loads as somebody does who has never been here, from now on: nothing comes from what the browser has kept.
    pub async fn load_all(&self) -> Result<()> {
        for command in ["Network.enable", "Network.setCacheDisabled", "Network.setBypassServiceWorker"] {
            let parameters = json!({ "cacheDisabled": true, "bypass": true });
            self.browser.devtools(command, parameters).await?;
        }
        Ok(())
    }

    /// Leaves the page for a plain file of the same origin, where nothing of it runs.
    pub async fn leave(&self) -> Result<()> {
        Ok(self.browser.client.goto(&self.address_with("style.css")).await?)
    }

    /// Comes back to the page.
    pub async fn enter(&self) -> Result<()> {
        Ok(self.browser.client.goto(&self.address_with("")).await?)
    }

    /// Bytes of JavaScript's heap, of the browser's own objects on it, and of buffers, once what nobody needs is gone.
    /// The engine's memory is not among them.
    pub async fn heap(&self) -> Result<u64> {
        self.browser.devtools("HeapProfiler.collectGarbage", json!({})).await?;
        let usage = self.browser.devtools("Runtime.getHeapUsage", json!({})).await?;
        let bytes = |name: &str| usage.get(name).and_then(Value::as_f64);
        let used = bytes("usedSize").with_context(|| format!("the browser says of its heap: {usage}"))?;
        let others = ["embedderHeapUsedSize", "backingStorageSize"].map(|name| bytes(name).unwrap_or(0.0));
        Ok((used + others.iter().sum::<f64>()) as u64)
    }
}
