//! A running broker in the page: its log as a picture, what others do to it, and what becomes of a connection.

use anyhow::{Result, ensure};
use browser_tests::{Broker, Page, eventually, post, visit};
use fantoccini::key::Key;
use serde_json::json;

const BAR: &str = "A running broker";
const TOPIC: &str = "Topic and partition";
const BESIDE_THE_LOG: &str = "return document.querySelector('.details').innerText";

/// Creates the topic, of small segments.
fn create(broker: &str, token: Option<&str>) -> Result<()> {
    let configs = json!({ "segment.bytes": 300, "index.interval.bytes": 100 });
    post(broker, "/topics", token, &json!({ "name": "orders", "configs": configs })).map(drop)
}

/// Appends records one by one, as another program does.
fn produce(broker: &str, token: Option<&str>, count: u32) -> Result<()> {
    let record = json!({ "topic": "orders", "payload": "order placed", "key": "ana" });
    (0..count).try_for_each(|_| post(broker, "/produce", token, &record).map(drop))
}

async fn batches_are(page: &Page, count: usize) -> Result<()> {
    eventually(&format!("{count} batches are drawn"), async || {
        let batches = page.batches().await?;
        ensure!(batches.len() == count, "they are {batches:?}");
        Ok(Some(()))
    })
    .await
}

async fn says(page: &Page, part: &str) -> Result<()> {
    eventually(&format!("the bar says {part:?}"), async || {
        let bar = page.region(BAR).await?;
        ensure!(bar.contains(part), "it says {bar:?}");
        Ok(Some(()))
    })
    .await
}

async fn last_actions(page: &Page, expected: &[&str]) -> Result<()> {
    eventually(&format!("the last actions are {expected:?}"), async || {
        let actions: Vec<_> = page.actions().await?.into_iter().map(|(name, _)| name).collect();
        ensure!(
            actions.ends_with(&expected.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()),
            "they are {actions:?}"
        );
        Ok(Some(()))
    })
    .await
}

#[tokio::test]
async fn what_a_broker_does_is_seen_as_it_happens() -> Result<()> {
    visit(async |page| {
        let broker = page.address_with("");
        create(&broker, None)?;
        produce(&broker, None, 2)?;
        page.run("append mine").await?;
        page.to_the_end().await?;
        let own = page.batches().await?;

        page.press("live").await?;
        page.choose(TOPIC, "orders/0").await?;
        batches_are(page, 2).await?;
        says(page, "live").await?;
        ensure!(!page.can_press("Crash").await?, "a broker's log is not crashed from here");

        produce(&broker, None, 2)?;
        batches_are(page, 4).await?;
        last_actions(page, &["append → 2", "flush", "append → 3", "flush"]).await?;
        let marks = page.marks().await?.join("\n");
        ensure!(marks.contains("00000000000000000003.log"), "it rolled: {marks}");
        eventually("the flush is told", async || {
            let sentence = page.sentence().await?;
            ensure!(sentence.contains("synced") && sentence.contains("from 3 to 4"), "{sentence}");
            Ok(Some(()))
        })
        .await?;

        page.press("To the previous action").await?;
        let sentence = page.sentence().await?;
        produce(&broker, None, 1)?;
        says(page, "new step").await?;
        ensure!(page.sentence().await? == sentence, "the step that is looked at stays");
        page.press("Back").await?;
        says(page, "paused").await?;
        page.press("To the end").await?;
        batches_are(page, 5).await?;
        ensure!(!page.region(BAR).await?.contains("paused"), "it is live again");
        produce(&broker, None, 1)?;
        batches_are(page, 6).await?;

        page.press("browser").await?;
        batches_are(page, 1).await?;
        ensure!(page.batches().await? == own, "the own log is as it was");
        page.follow(&page.address_with("#live=orders/0")).await?;
        batches_are(page, 6).await
    })
    .await
}

#[tokio::test]
async fn commands_go_to_the_broker_and_its_refusals_are_shown() -> Result<()> {
    visit(async |page| {
        let broker = page.address_with("");
        create(&broker, None)?;
        page.follow(&page.address_with("#live=orders/0")).await?;
        says(page, "live").await?;
        page.append("from the page", "ben").await?;
        says(page, "durable, at offset 0").await?;
        batches_are(page, 1).await?;
        page.append("again", "ben").await?;
        batches_are(page, 2).await?;
        page.press("Configs").await?;
        page.write("segment.bytes", "12345").await?;
        page.press("Apply").await?;
        eventually("the log goes by the new config", async || {
            Ok(page.region("Log").await?.contains("12345").then_some(()))
        })
        .await?;
        batches_are(page, 2).await?;

        page.fetch(1, 100).await?;
        last_actions(page, &["fetch 1 max_bytes=100"]).await?;
        eventually("the record is there", async || {
            let records = page.table("Fetched records").await?;
            ensure!(records.len() == 1 && records[0][0] == "1" && records[0][3] == "again", "{records:?}");
            Ok(Some(()))
        })
        .await?;
        // The table steps with the timeline.
        page.press("To the previous action").await?;
        ensure!(page.table("Fetched records").await?.is_empty(), "nothing was fetched at that step");
        page.fetch(0, 100).await?;
        eventually("the answer is there, and called newer than the step", async || {
            let (records, said) = (page.table("Fetched records").await?, page.console(BESIDE_THE_LOG).await?);
            ensure!(records.len() == 1 && records[0][3] == "from the page", "{records:?}");
            ensure!(said.contains("not of the step that is shown"), "{said}");
            Ok(Some(()))
        })
        .await?;
        page.press("Forward").await?;
        ensure!(page.table("Fetched records").await?.is_empty(), "the first fetch has only begun");
        page.press("Go live").await?;
        last_actions(page, &["fetch 1 max_bytes=100", "fetch 0 max_bytes=100"]).await?;
        page.press("00000000000000000000.log").await?;
        eventually("its bytes are taken apart", async || {
            Ok((page.table("Contents of the file").await?.len() == 2).then_some(()))
        })
        .await?;
        page.point_at("#byte-0").await?;
        eventually("the byte is told", async || Ok(page.lit().await?.1.contains("byte 0:").then_some(())))
            .await?;
        ensure!(page.buttons_with("Flip byte").await? == 0, "a broker's file is not changed from here");

        page.fetch(99, 100).await?;
        eventually("the refusal is shown", async || {
            let alerts = page.alerts().await?;
            ensure!(alerts.contains("41601: OFFSET_OUT_OF_RANGE"), "{alerts}");
            Ok(Some(()))
        })
        .await?;
        page.expect_failures(&["416"]).await
    })
    .await
}

#[tokio::test]
async fn a_long_file_is_looked_at_wherever_one_wants() -> Result<()> {
    visit(async |page| {
        let broker = page.address_with("");
        let record = json!({ "topic": "orders", "payload": "x".repeat(100_000) });
        (0..30).try_for_each(|_| post(&broker, "/produce", None, &record).map(drop))?;
        page.follow(&page.address_with("#live=orders/0")).await?;
        batches_are(page, 30).await?;
        // What is asked for is noted, and waits if the test says so.
        let watch = "const ask = window.fetch;
            window.asked = [];
            window.fetch = (path, init) => {
                const range = init?.headers?.get?.('range');
                if (range) window.asked.push(String(path).split('/').pop() + ' ' + range);
                if (!window.held) return ask(path, init);
                return window.held.then(() => ask(path, init)).then((answer) => {
                    const read = () => Response.prototype.arrayBuffer.call(answer);
                    answer.arrayBuffer = () => read().then((bytes) => {
                        setTimeout(() => { window.came = true; });
                        return bytes;
                    });
                    return answer;
                });
            }";
        page.console(watch).await?;
        page.press("00000000000000000000.log").await?;
        let shows = async |position: std::ops::Range<u64>| {
            eventually(&format!("a batch at {position:?} is taken apart"), async || {
                let at: u64 = page.value("Position").await?.parse()?;
                let batches = page.table("Contents of the file").await?;
                Ok((position.contains(&at)
                    && batches.first().is_some_and(|batch| batch[0] == at.to_string()))
                .then_some(()))
            })
            .await
        };
        shows(0..1).await?;
        page.write_number("Position", 2_500_000).await?;
        page.type_keys(&char::from(Key::Enter).to_string()).await?;
        shows(2_399_000..2_500_001).await?;
        page.press("Bytes after").await?;
        shows(2_500_001..2_610_000).await?;
        let asked = page.console("return window.asked").await?;
        let (parts, from_the_front) =
            (asked.matches("log bytes=").count(), asked.matches("log bytes=0-").count());
        ensure!(parts > from_the_front && from_the_front == 1, "a part further on is asked for: {asked}");
        ensure!(asked.matches("index").count() == 1, "the index is kept: {asked}");

        // An answer that comes when another page is wanted already does not turn to its own.
        page.console("window.held = new Promise((then) => { window.release = then; })").await?;
        page.write_number("Position", 10).await?;
        page.type_keys(&char::from(Key::Enter).to_string()).await?;
        let asked = page.console("window.held = null; return window.asked").await?;
        ensure!(asked.matches("log bytes=0-").count() == 2, "{asked}");
        page.write_number("Position", 1_500_000).await?;
        page.type_keys(&char::from(Key::Enter).to_string()).await?;
        shows(1_399_000..1_500_001).await?;
        page.console("window.release()").await?;
        eventually("the late answer comes", async || {
            Ok((page.console("return window.came ?? false").await? == "true").then_some(()))
        })
        .await?;
        shows(1_399_000..1_500_001).await?;
        page.write_number("Position", 10).await?;
        page.type_keys(&char::from(Key::Enter).to_string()).await?;
        shows(0..1).await
    })
    .await
}

#[tokio::test]
async fn a_stream_that_says_nothing_is_taken_up_where_it_was() -> Result<()> {
    visit(async |page| {
        let broker = page.address_with("");
        create(&broker, None)?;
        produce(&broker, None, 1)?;
        // The silence ends when the test says so.
        let watch = "const [wait, ask] = [window.setTimeout, window.fetch];
            window.streams = 0;
            window.setTimeout = (then, ms) => {
                if (ms === 45000) window.silent = then;
                return wait(then, ms);
            };
            window.fetch = (path, init) => {
                if (String(path).endsWith('/events')) window.streams += 1;
                return ask(path, init);
            }";
        page.console(watch).await?;
        page.press("live").await?;
        page.choose(TOPIC, "orders/0").await?;
        batches_are(page, 1).await?;
        produce(&broker, None, 1)?;
        batches_are(page, 2).await?;
        let streams: u32 = page.console("return window.streams").await?.parse()?;
        ensure!(page.console("window.silent()").await?.is_empty(), "nobody waits for a silence to end");
        produce(&broker, None, 1)?;
        batches_are(page, 3).await?;
        says(page, "live").await?;
        let again: u32 = page.console("return window.streams").await?.parse()?;
        ensure!(again == streams + 1, "{again} streams after {streams}");
        last_actions(page, &["append → 1", "flush", "append → 2", "flush"]).await
    })
    .await
}

#[tokio::test]
async fn a_broker_that_is_gone_is_found_again() -> Result<()> {
    visit(async |page| {
        let origin = page.address_with("").trim_end_matches('/').to_owned();
        let mut broker = Broker::with(vec!["--cors-origin".to_owned(), origin])?;
        create(&broker.address, None)?;
        produce(&broker.address, None, 3)?;
        let elsewhere = broker.address.trim_end_matches('/').to_owned();
        page.press("live").await?;
        page.press("Broker: where this page comes from").await?;
        page.write("Broker", &elsewhere).await?;
        page.press("Connect").await?;
        says(page, "orders/0").await?;
        page.choose(TOPIC, "orders/0").await?;
        batches_are(page, 3).await?;
        says(page, "that the broker had only in memory").await?;
        produce(&broker.address, None, 1)?;
        batches_are(page, 4).await?;

        broker.kill()?;
        says(page, "reconnecting in").await?;
        broker.start_again()?;
        produce(&broker.address, None, 1)?;
        batches_are(page, 5).await?;
        says(page, "begins anew").await?;
        produce(&broker.address, None, 1)?;
        batches_are(page, 6).await?;

        // Who looks at the past keeps it, for what comes then does not follow it.
        last_actions(page, &["append → 5", "flush"]).await?;
        page.press("Back").await?;
        says(page, "paused").await?;
        let sentence = page.sentence().await?;
        broker.kill()?;
        says(page, "reconnecting in").await?;
        broker.start_again()?;
        says(page, "the time before").await?;
        ensure!(page.sentence().await? == sentence, "the step that is looked at stays");
        page.press("Go live").await?;
        batches_are(page, 6).await?;
        page.press("browser").await?;
        page.expect_failures(&[&elsewhere]).await
    })
    .await
}

#[tokio::test]
async fn a_token_is_asked_for_and_a_broker_that_lets_nobody_in_is_explained() -> Result<()> {
    visit(async |page| {
        let origin = page.address_with("").trim_end_matches('/').to_owned();
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("token");
        let token = "a-token-of-sixteen-or-more";
        std::fs::write(&file, token)?;
        let options = ["--cors-origin", &origin, "--token-file", &file.display().to_string()];
        let broker = Broker::with(options.map(str::to_owned).to_vec())?;
        create(&broker.address, Some(token))?;
        produce(&broker.address, Some(token), 2)?;
        page.follow(&page.address_with(&format!("#live=orders/0&broker={}", broker.address))).await?;
        says(page, "needs a token").await?;
        page.write_secret("Token", "wrong").await?;
        page.press("Send").await?;
        eventually("the wrong one is refused", async || {
            Ok(page.alerts().await?.contains("does not take this token").then_some(()))
        })
        .await?;
        page.write_secret("Token", token).await?;
        page.press("Send").await?;
        batches_are(page, 2).await?;
        produce(&broker.address, Some(token), 1)?;
        batches_are(page, 3).await?;

        let closed = Broker::with(Vec::new())?;
        page.follow(&page.address_with(&format!("#live=orders/0&broker={}", closed.address))).await?;
        says(page, "--cors-origin").await?;
        page.press("browser").await?;
        page.expect_failures(&["401", "CORS", "ERR_FAILED", "403"]).await
    })
    .await
}
