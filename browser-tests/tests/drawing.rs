//! The canvas of the lanes: what is painted of it again, and what is left as it is.

use anyhow::{Result, ensure};
use browser_tests::{Page, eventually, visit};

/// Lets scripts wait until nothing asks for a frame any more, and compare what stands on the canvas with a painting of
/// all of it, which a canvas asks for that the browser has lost.
const WATCH: &str = "
    const ask = requestAnimationFrame.bind(window);
    let due = 0;
    window.requestAnimationFrame = (then) => {
        due++;
        return ask((now) => { due--; then(now); });
    };
    window.rested = async () => {
        for (let frames = 0; frames < 3; frames = due ? 0 : frames + 1) await new Promise(ask);
    };
    window.sheet = document.querySelector('.extent canvas');
    window.pen = sheet.getContext('2d');
    const pixels = () => pen.getImageData(0, 0, sheet.width, sheet.height).data;
    window.compare = async () => {
        await rested();
        const before = pixels();
        pen.clearRect(0, 0, sheet.width, sheet.height);
        sheet.dispatchEvent(new Event('contextrestored'));
        await rested();
        const after = pixels();
        const lines = new Set(), colours = new Set(new Uint32Array(after.buffer)).size;
        // The edge of a round shape comes out a shade other where a part of the shape is left out.
        after.forEach((shade, at) => Math.abs(shade - before[at]) < 12 || lines.add(Math.floor(at / sheet.width / 4)));
        return colours < 5 ? `only ${colours} colours` : lines.size ? `the lines ${[...lines]}` : '';
    };
    window.button = (name) => document.querySelector(`button[aria-label=\"${name}\"]`).click();";

/// A log of small segments, watched from now on.
async fn watched(page: &Page) -> Result<()> {
    page.console("await logscope.run('config segment.bytes=700'); await logscope.run('append hello key=a')")
        .await?;
    eventually("the log is drawn", async || {
        let drawn = page.console("return document.querySelector('.extent canvas') !== null").await?;
        Ok((drawn == "true").then_some(()))
    })
    .await?;
    let told = page.console(&format!("{WATCH} return true")).await?;
    ensure!(told == "true", "the page says: {told}");
    Ok(())
}

/// Runs a piece of a script, and holds what stands on the canvas then against a painting of all of it.
async fn is_as_if_painted_whole(page: &Page, script: &str) -> Result<()> {
    let differs = page.console(&format!("{script}; return await compare()")).await?;
    ensure!(differs == "\"\"", "after `{script}`, other than a painting of all: {differs}");
    Ok(())
}

#[tokio::test]
async fn what_is_painted_again_leaves_nothing_out_of_date() -> Result<()> {
    visit(async |page| {
        watched(page).await?;
        let far = "button('Zoom out'), await rested(), button('Zoom out')";
        for zoom in ["await rested()", far] {
            is_as_if_painted_whole(page, zoom).await?;
            for command in [
                "append hello key=a count=60",
                "append one key=b",
                "flush",
                "fetch 20 max_bytes=900",
                "append two",
            ] {
                is_as_if_painted_whole(page, &format!("await logscope.run('{command}')")).await?;
            }
            for steps in ["Back", "Back", "Back", "Forward", "To the previous action", "To the next action"] {
                is_as_if_painted_whole(page, &format!("button('{steps}')")).await?;
            }
            for command in
                ["delete-before 17", "compact", "crash keep=20", "reopen", "append three key=c count=9"]
            {
                is_as_if_painted_whole(page, &format!("await logscope.run('{command}')")).await?;
            }
            // The next change comes while this one is still under way.
            is_as_if_painted_whole(
                page,
                "button('Back'); await new Promise(requestAnimationFrame); button('Back')",
            )
            .await?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn lanes_that_a_step_leaves_alone_are_not_painted_again() -> Result<()> {
    visit(async |page| {
        watched(page).await?;
        page.console("await logscope.run('append hello count=60'); await logscope.run('append one')").await?;
        // A spot that nothing of the page paints stays on the first line.
        let kept = "pen.fillStyle = '#f0f'; pen.fillRect(0, 0, 4, 1);
            STEP; await rested();
            return [...pen.getImageData(1, 0, 1, 1).data].join() === '255,0,255,255'";
        for step in ["await logscope.run('append two')", "button('Back')", "button('Forward')"] {
            let kept = page.console(&format!("await rested(); {}", kept.replace("STEP", step))).await?;
            ensure!(kept == "true", "the first line was painted again by `{step}`");
        }
        page.console("sheet.dispatchEvent(new Event('contextrestored'))").await?;
        is_as_if_painted_whole(page, "await rested()").await
    })
    .await
}
