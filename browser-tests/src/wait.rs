//! Waiting for something to be so.

use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

/// Long enough for a loaded machine with two cores; who is right doesn't wait for it.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(25);

/// Asks until there is an answer. A page may change between two questions, so an error is asked again too; only
/// the last one counts.
pub async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = ask().await;
        if let Ok(Some(answer)) = answer {
            return Ok(answer);
        }
        if Instant::now() > deadline {
            let error = answer.err().unwrap_or_else(|| anyhow!("it is not so"));
            return Err(error.context(format!("waited {} s in vain: {what}", PATIENCE.as_secs())));
        }
        tokio::time::sleep(PAUSE).await;
    }
}
