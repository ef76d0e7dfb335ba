//! One headless Chromium with a profile of its own, and what WebDriver has beyond fantoccini: accessible names,
//! the developer tools' commands, the console.

use std::process::Command;

use anyhow::{Context, Result};
use fantoccini::elements::Element;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::Process;

const FLAGS: [&str; 10] = [
    "--headless=new",
    // Chromium's sandbox refuses to run as root, as tests in a container do. It only ever opens our own page.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    // A container's /dev/shm is often too small.
    "--disable-dev-shm-usage",
    // A name that is not this machine's: what comes from there without encryption is not trusted.
    "--host-resolver-rules=MAP elsewhere.test 127.0.0.1",
];

/// The fields are dropped in this order: the driver before the profile that its browser writes to.
#[derive(Debug)]
pub(crate) struct Browser {
    pub(crate) client: Client,
    _driver: Process,
    _profile: TempDir,
}

/// Starts the driver on a port of its own choice. It chooses one that is free by IPv6, and gives up if somebody has it by
/// IPv4: then it is to choose another.
fn start_driver() -> Result<(Process, u16)> {
    let mut tries = 0;
    loop {
        let started = Process::start(Command::new("chromedriver").arg("--port=0"), |line| {
            let (_, port) = line.split_once("started successfully on port ")?;
            port.trim_end_matches('.').parse::<u16>().ok()
        });
        tries += 1;
        match started {
            Err(error) if tries < 5 && error.to_string().contains("IPv4 port not available") => {}
            started => return started,
        }
    }
}

impl Browser {
    pub(crate) async fn open() -> Result<Browser> {
        let log = json!({ "browser": "ALL" });
        Self::with(log, json!({})).await
    }

    /// A browser that notes when a page marks a moment, by each thread's own clock too.
    pub(crate) async fn open_timed() -> Result<Browser> {
        let log = json!({ "browser": "ALL", "performance": "ALL" });
        let traced =
            json!({ "enableNetwork": false, "enablePage": false, "traceCategories": "blink.user_timing" });
        Self::with(log, json!({ "perfLoggingPrefs": traced })).await
    }

    async fn with(log: Value, mut options: Value) -> Result<Browser> {
        let (driver, port) = start_driver()?;
        let profile = tempfile::tempdir()?;
        let profile_flag = format!("--user-data-dir={}", profile.path().display());
        let flags: Vec<&str> = FLAGS.into_iter().chain([profile_flag.as_str()]).collect();
        options["args"] = json!(flags);
        let Value::Object(capabilities) = json!({
            "goog:chromeOptions": options,
            "goog:loggingPrefs": log,
        }) else {
            unreachable!("an object is written just above")
        };
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .context("Chromium does not start")?;
        Ok(Browser { client, _driver: driver, _profile: profile })
    }

    /// The accessible name, computed by the browser itself.
    pub(crate) async fn accessible_name(&self, element: &Element) -> Result<String> {
        let path = format!("element/{}/computedlabel", element.element_id());
        let name = self.issue(Method::GET, path, None).await?;
        Ok(name.as_str().unwrap_or_default().to_owned())
    }

    /// A command of the Chrome DevTools protocol.
    pub(crate) async fn devtools(&self, command: &str, parameters: Value) -> Result<Value> {
        let body = json!({ "cmd": command, "params": parameters });
        self.issue(Method::POST, "goog/cdp/execute".to_owned(), Some(body)).await
    }

    /// Errors and uncaught exceptions that the console got since the last call.
    pub(crate) async fn console_errors(&self) -> Result<Vec<String>> {
        let log = self.issue(Method::POST, "se/log".to_owned(), Some(json!({ "type": "browser" }))).await?;
        let severe = log.as_array().into_iter().flatten().filter(|entry| entry["level"] == "SEVERE");
        Ok(severe.map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()).collect())
    }

    /// What the browser has traced. It can be asked once: it goes on with nothing afterwards.
    pub(crate) async fn traced(&self) -> Result<Vec<Value>> {
        let log =
            self.issue(Method::POST, "se/log".to_owned(), Some(json!({ "type": "performance" }))).await?;
        let messages = log.as_array().into_iter().flatten().filter_map(|entry| entry["message"].as_str());
        let events = messages.map(|message| Ok(serde_json::from_str::<Value>(message)?["message"].take()));
        let traced =
            |event: &Result<Value>| event.as_ref().map_or(true, |e| e["method"] == "Tracing.dataCollected");
        events.filter(traced).map(|event| Ok(event?["params"].take())).collect()
    }

    async fn issue(&self, method: Method, path: String, body: Option<Value>) -> Result<Value> {
        Ok(self.client.issue_cmd(SessionCommand { method, path, body }).await?)
    }
}

/// A command that fantoccini doesn't know, at a path below the session's.
#[derive(Debug)]
struct SessionCommand {
    method: Method,
    path: String,
    body: Option<Value>,
}

impl WebDriverCompatibleCommand for SessionCommand {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &url::Url) -> (Method, Option<String>) {
        (self.method.clone(), self.body.as_ref().map(Value::to_string))
    }
}
