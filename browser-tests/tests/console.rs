//! `window.logscope`: the page's log in the browser's console.

use anyhow::{Result, ensure};
use browser_tests::{Page, eventually, visit};

async fn says(page: &Page, script: &str, expected: &str) -> Result<()> {
    let said = page.console(script).await?;
    ensure!(said == expected, "{script}\nsays {said}\nnot  {expected}");
    Ok(())
}

#[tokio::test]
async fn what_runs_from_the_console_is_an_action_of_the_page() -> Result<()> {
    visit(async |page| {
        eventually("the console has the log", async || {
            Ok((page.console("return typeof logscope").await? == "\"object\"").then_some(()))
        })
        .await?;
        says(
            page,
            "return logscope.append([{ key: 'k', value: 'a \"quoted\"\\nline' }, { key: 'k', value: 'b' }])",
            r#"{"baseOffset":"0n","lastOffset":"1n","segment":"0n","position":0,"size":93,"duplicate":false}"#,
        )
        .await?;
        says(page, "return [logscope.highWatermark, logscope.logEndOffset]", r#"["0n","2n"]"#).await?;
        says(page, "return logscope.flush()", "\"2n\"").await?;
        page.reload().await?;
        says(
            page,
            "const { records, ...rest } = await logscope.fetch(1n);
             return [rest, records.map(({ offset, key, value }) => [offset, key, new TextDecoder().decode(value)])]",
            r#"[{"nextOffset":"2n","stoppedBy":"log_end","size":93},[["1n",[107],"b"]]]"#,
        )
        .await?;
        let actions: Vec<_> = page.actions().await?.into_iter().map(|(command, _)| command).collect();
        ensure!(actions == ["reopen", "fetch 1 max_bytes=1048576"], "{actions:?}");
        says(page, "return logscope.segments().map(({ baseOffset, size }) => [baseOffset, size])", r#"[["0n",93]]"#).await?;
        says(page, "return logscope.readFile('00000000000000000000.log').length", "93").await?;
        says(page, "return (await logscope.run('append c')).steps.length > 0", "true").await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn what_is_wrong_is_an_error_and_changes_nothing() -> Result<()> {
    visit(async |page| {
        for (script, part) in [
            ("return logscope.run('banana')", "banana"),
            ("return logscope.fetch(9n)", "out of range"),
            ("return logscope.fetch(1.5)", "1.5"),
            ("return logscope.append({ value: 7 })", "a value is 7"),
            ("return logscope.append({ value: 'a', headers: [{ key: 'h', value: 'v' }] })", "headers"),
            ("return logscope.append([{ value: 'a', key: 'x' }, { value: 'b' }])", "one key"),
            ("return logscope.setConfigs({ 'segment.bytes': 'x' })", "segment.bytes"),
            ("return logscope.readFile('nothing')", "nothing"),
        ] {
            let said = page.console(script).await?;
            ensure!(said.contains("Error: ") && said.contains(part), "{script} says {said}");
        }
        says(page, "return logscope.logEndOffset", "\"0n\"").await?;
        page.open_tab().await?;
        eventually("the tab watches", async || Ok(page.can_press("Take over").await?.then_some(()))).await?;
        let said = page.console("return logscope.append('a')").await?;
        ensure!(said.contains("Another tab"), "{said}");
        Ok(())
    })
    .await
}
