//! The JavaScript package in a browser: functions of `js/tests/browser.js`, on an empty page.

use std::panic::{AssertUnwindSafe, resume_unwind};

use anyhow::{Result, ensure};
use futures_util::FutureExt;
use serde_json::json;

use crate::browser::Browser;
use crate::visit::{Broker, variable};

/// An empty page that has the package beside it.
#[derive(Debug)]
pub struct Scripts {
    browser: Browser,
}

impl Scripts {
    /// Opens the page, hands it to the test and closes everything, whatever comes out.
    pub async fn run(test: impl AsyncFnOnce(&Scripts) -> Result<()>) -> Result<()> {
        let broker = Broker::start(&variable("LOGSCOPE_PACKAGE_TESTS")?)?;
        let scripts = Scripts { browser: Browser::open().await? };
        let outcome = AssertUnwindSafe(async {
            scripts.browser.client.goto(&broker.address).await?;
            test(&scripts).await?;
            let errors = scripts.browser.console_errors().await?;
            ensure!(errors.is_empty(), "the console has errors: {errors:#?}");
            Ok(())
        })
        .catch_unwind()
        .await;
        // The browser ends with its session; killing the driver alone would leave it behind.
        let closed = scripts.browser.client.clone().close().await;
        outcome.unwrap_or_else(|panic| resume_unwind(panic))?;
        Ok(closed?)
    }

    /// Calls a function, and waits for its end. What it throws is an error.
    pub async fn call(&self, function: &str) -> Result<()> {
        let script = "const [name, done] = arguments;
            import('/browser.js').then(module => module[name]()).then(() => done(null), error => done(`${error.stack}`))";
        let error = self.browser.client.execute_async(script, vec![json!(function)]).await?;
        ensure!(error.is_null(), "{function}: {}", error.as_str().unwrap_or("it fails and says nothing"));
        Ok(())
    }

    /// Loads the page again, as if it had been closed.
    pub async fn reload(&self) -> Result<()> {
        Ok(self.browser.client.refresh().await?)
    }
}
