//! axe-core on the page: what it finds that somebody with other senses or hands could not use.

use std::{env, fs};

use anyhow::{Context, Result, ensure};

use crate::page::Page;

impl Page {
    /// Fails if axe-core finds something serious or critical in what is seen now; `what` says what that is.
    ///
    /// `false` if axe-core is not here, and so nothing was looked at.
    pub async fn is_accessible(&self, what: &str) -> Result<bool> {
        let Some(path) = env::var_os("LOGSCOPE_AXE").filter(|path| !path.is_empty()) else {
            return Ok(false);
        };
        if self.browser.client.execute("return typeof axe", Vec::new()).await? == "undefined" {
            let script = fs::read_to_string(&path).with_context(|| format!("no axe-core at {path:?}"))?;
            self.browser.client.execute(&script, Vec::new()).await?;
        }
        let run = "const done = arguments[0];
            const found = ({ id, impact, nodes }) =>
                `${id} (${impact}): ${nodes.map((node) => `${node.target}: ${node.failureSummary}`).join('; ')}`;
            // A theme, a width that was just chosen is drawn first, and what moves comes to its end.
            const frame = () => new Promise(requestAnimationFrame);
            const still = () => Promise.allSettled(document.getAnimations().map(({ finished }) => finished));
            frame().then(frame).then(still).then(() => axe.run()).then(
                ({ violations, passes }) => done({ passes: passes.length, found:
                    violations.filter(({ impact }) => ['serious', 'critical'].includes(impact)).map(found) }),
                (error) => done({ passes: 0, found: [`${error}`] }))";
        let answer = self.browser.client.execute_async(run, Vec::new()).await?;
        let found: Vec<String> = serde_json::from_value(answer["found"].clone())?;
        ensure!(found.is_empty(), "{what}: axe-core finds {found:#?}");
        // A run that looked at nothing finds nothing.
        ensure!(answer["passes"].as_u64() > Some(10), "{what}: axe-core says {answer}");
        Ok(true)
    }
}
