//! What the browser keeps of the page itself.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::page::Page;
use crate::wait::eventually;

impl Page {
    /// The version of the page that is open; empty if it is none that is kept.
    pub async fn version(&self) -> Result<String> {
        self.ask("done(document.documentElement.dataset.version)").await
    }

    /// Waits until the page would be served without a network, by this version.
    pub async fn is_kept_as(&self, version: &str) -> Result<()> {
        eventually(&format!("version {version} is kept"), async || {
            let served = "done(`${navigator.serviceWorker?.controller?.state}`)";
            let kept = self.kept_versions().await?;
            Ok((self.ask(served).await? == "activated" && kept.iter().any(|kept| kept == version))
                .then_some(()))
        })
        .await
    }

    /// Which versions are kept.
    pub async fn kept_versions(&self) -> Result<Vec<String>> {
        let names = self.ask("caches.keys().then((names) => done(names.join('\\n')))").await?;
        Ok(names.lines().filter_map(|name| Some(name.rsplit(' ').next()?.to_owned())).collect())
    }

    /// Looks for a new version, and says what became of it: `activated`, `redundant`, or nothing if there is none.
    pub async fn look_for_update(&self) -> Result<String> {
        self.ask(
            "navigator.serviceWorker.getRegistration().then((kept) => kept.update()).then((kept) => {
                const found = kept.installing ?? kept.waiting;
                const ended = () => ['activated', 'redundant'].includes(found.state) && done(found.state);
                if (!found) return done('');
                found.addEventListener('statechange', ended);
                ended();
            }, (error) => done(`${error}`))",
        )
        .await
    }

    /// Which addresses are kept, of any version, once this one has been asked.
    pub async fn kept_after(&self, address: &str) -> Result<Vec<String>> {
        let script = format!(
            "const names = async () => (await Promise.all((await caches.keys()).map(async (name) =>
                (await (await caches.open(name)).keys()).map(({{ url }}) => url)))).flat();
            fetch('{address}').then(names).then((urls) => done(urls.join('\\n')))"
        );
        Ok(self.ask(&script).await?.lines().map(str::to_owned).collect())
    }

    /// The errors of the console that are expected, up to now.
    pub async fn expected_errors(&self) -> Result<Vec<String>> {
        self.console_errors().await
    }

    /// Whether the browser trusts where the page came from.
    pub async fn is_trusted(&self) -> Result<bool> {
        Ok(self.ask("done(`${isSecureContext}`)").await? == "true")
    }

    async fn ask(&self, script: &str) -> Result<String> {
        let script = format!("const done = arguments[0]; {script}");
        let answer: Value = self.browser.client.execute_async(&script, Vec::new()).await?;
        answer.as_str().map(str::to_owned).context("the page gives no answer")
    }
}
