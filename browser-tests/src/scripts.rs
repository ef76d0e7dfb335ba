//! What is tested on an empty page: functions of `js/tests/browser.js`, and tests that are WebAssembly themselves.

use std::panic::{AssertUnwindSafe, resume_unwind};

use anyhow::{Result, bail, ensure};
use futures_util::FutureExt;
use serde_json::json;

use crate::browser::Browser;
use crate::visit::{Broker, variable};
use crate::wait::eventually;

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

    /// Runs the tests that a crate has by `wasm-bindgen-test`; what they print is the error if one fails.
    pub async fn wasm_tests(&self, name: &str) -> Result<()> {
        // Its runtime writes what came of each test into `output`, and calls each through `__wbg_test_invoke`.
        let begin = "const output = document.body.appendChild(document.createElement('pre'));
            output.id = 'output';
            window.__wbg_test_invoke = test => test();
            const run = async () => {
                const glue = await import(`/wasm/${arguments[0]}/tests.js`);
                const exports = await glue.default();
                const tests = Object.keys(exports).filter(name => name.startsWith('__wbgt_'));
                if (tests.length == 0) throw new Error('there are no tests in it');
                return new glue.WasmBindgenTestContext(false).run(tests.map(name => exports[name]));
            };
            run().catch(error => output.append(`\\ntest result: ${error.stack}`))";
        self.browser.client.execute(begin, vec![json!(name)]).await?;
        let mut said = String::new();
        let through = eventually(&format!("the tests of {name} are through"), async || {
            let now = "return document.getElementById('output').textContent";
            let answer = self.browser.client.execute(now, Vec::new()).await?;
            said = answer.as_str().unwrap_or_default().to_owned();
            Ok(said.contains("\ntest result: ").then_some(()))
        })
        .await;
        println!("{name}:{said}");
        if through.is_err() || !said.contains("\ntest result: ok") {
            // What a test panics with is told to the console.
            bail!("tests of {name} fail, or end never: {:#?}", self.browser.console_errors().await?);
        }
        Ok(())
    }

    /// Lets the page keep no more than so many bytes.
    pub async fn limit_storage(&self, bytes: u64) -> Result<()> {
        let origin = self.browser.client.execute("return location.origin", Vec::new()).await?;
        let quota = json!({ "origin": origin, "quotaSize": bytes });
        self.browser.devtools("Storage.overrideQuotaForOrigin", quota).await.map(drop)
    }

    /// Loads the page again, as if it had been closed.
    pub async fn reload(&self) -> Result<()> {
        Ok(self.browser.client.refresh().await?)
    }
}
