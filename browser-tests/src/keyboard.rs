//! What somebody does who has a keyboard alone.

use anyhow::{Result, bail};
use fantoccini::key::Key;

use crate::page::Page;
use crate::wait::eventually;

impl Page {
    /// Presses keys wherever the focus is.
    pub async fn type_keys(&self, keys: &str) -> Result<()> {
        // What has it may go before it gets them.
        eventually("the keys are taken", async || {
            Ok(Some(self.browser.client.active_element().await?.send_keys(keys).await?))
        })
        .await
    }

    /// The accessible name of what has the focus; empty where nothing has.
    pub async fn focused(&self) -> Result<String> {
        // What has it may go before it is asked for its name.
        eventually("something has the focus", async || {
            let focused = self.browser.client.active_element().await?;
            self.browser.accessible_name(&focused).await.map(Some)
        })
        .await
    }

    /// Presses Tab until the named thing has the focus.
    pub async fn tab_to(&self, name: &str) -> Result<()> {
        let mut passed = Vec::new();
        while passed.len() < 100 {
            self.type_keys(&Key::Tab.to_string()).await?;
            let focused = self.focused().await?;
            if focused == name {
                return Ok(());
            }
            passed.push(focused);
        }
        bail!("Tab does not reach `{name}`, only {passed:?}")
    }

    /// Presses Tab until something has the focus whose name begins like this.
    pub async fn tab_to_prefix(&self, prefix: &str) -> Result<()> {
        for _ in 0..100 {
            self.type_keys(&Key::Tab.to_string()).await?;
            if self.focused().await?.starts_with(prefix) {
                return Ok(());
            }
        }
        bail!("Tab does not reach what begins with `{prefix}`")
    }
}
