//! A visit: a fresh broker, a fresh browser, one test, and the clearing up after it.

use std::env;
use std::fs;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use futures_util::FutureExt;
use tempfile::TempDir;

use crate::browser::Browser;
use crate::host::Host;
use crate::page::Page;
use crate::process::Process;

/// Opens the playground, hands it to the test and closes everything, whatever comes out. A test that fails leaves
/// `failed-TEST.png` among the screenshots, and what the console and the broker said.
pub async fn visit(test: impl AsyncFnOnce(&Page) -> Result<()>) -> Result<()> {
    let broker = Broker::start(&variable("LOGSCOPE_PAGE")?)?;
    let said = || broker.process.output();
    visit_at(broker.address.clone(), test, said).await
}

/// As [`visit`], and the browser notes what [`Page::spans`] asks for.
pub async fn visit_timed(test: impl AsyncFnOnce(&Page) -> Result<()>) -> Result<()> {
    let broker = Broker::start(&variable("LOGSCOPE_PAGE")?)?;
    let said = || broker.process.output();
    visit_with(Browser::open_timed().await?, broker.address.clone(), test, said).await
}

/// As [`visit`], but the page comes from a static host, which the browser calls by this name.
pub async fn visit_host(name: &str, test: impl AsyncFnOnce(&Page, &Host) -> Result<()>) -> Result<()> {
    let host = Host::start(&variable("LOGSCOPE_PAGE")?)?;
    visit_at(host.address(name), async |page| test(page, &host).await, || "it is a static host".to_owned())
        .await
}

async fn visit_at(
    address: String,
    test: impl AsyncFnOnce(&Page) -> Result<()>,
    said: impl Fn() -> String,
) -> Result<()> {
    visit_with(Browser::open().await?, address, test, said).await
}

async fn visit_with(
    browser: Browser,
    address: String,
    test: impl AsyncFnOnce(&Page) -> Result<()>,
    said: impl Fn() -> String,
) -> Result<()> {
    let screenshots = variable("LOGSCOPE_SCREENSHOTS")?;
    let failed = format!("failed-{}", std::thread::current().name().unwrap_or("test"));
    fs::remove_file(screenshots.join(format!("{failed}.png"))).ok();
    let page = Page::new(browser, address, screenshots);
    let outcome = AssertUnwindSafe(async {
        page.open().await?;
        test(&page).await?;
        let failure = page.failure().await?;
        ensure!(failure.is_empty(), "the page has given up: {failure}");
        Ok(())
    })
    .catch_unwind()
    .await;
    let errors = page.console_errors().await;
    if !matches!(outcome, Ok(Ok(()))) {
        page.screenshot(&failed).await.ok();
        println!("The console's errors: {errors:?}\nThe broker said:\n{}", said());
    }
    // The browser ends with its session; killing the driver alone would leave it behind.
    let closed = page.close().await;
    outcome.unwrap_or_else(|panic| resume_unwind(panic))?;
    let errors = errors?;
    ensure!(errors.is_empty(), "the console has errors: {errors:#?}");
    closed
}

/// The real broker, on a port of its own and with no data yet.
#[derive(Debug)]
pub struct Broker {
    process: Process,
    /// Where it is, with a slash at the end.
    pub address: String,
    options: Vec<String>,
    data: TempDir,
}

impl Broker {
    pub(crate) fn start(web_root: &Path) -> Result<Broker> {
        Self::with(vec!["--web-root".to_owned(), web_root.display().to_string()])
    }

    /// A broker with these options.
    pub fn with(options: Vec<String>) -> Result<Broker> {
        let data = tempfile::tempdir()?;
        let (process, address) = serve("127.0.0.1:0", data.path(), &options)?;
        Ok(Broker { process, address, options, data })
    }

    /// Ends it as `kill -9` does, by its process id.
    pub fn kill(&mut self) -> Result<()> {
        self.process.kill()
    }

    /// Starts it again where it was, on what it has kept.
    pub fn start_again(&mut self) -> Result<()> {
        let listen = self.address.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let (process, address) = serve(&listen, self.data.path(), &self.options)?;
        ensure!(address == self.address, "it is at {address} now, and was at {}", self.address);
        self.process = process;
        Ok(())
    }
}

fn serve(listen: &str, data: &Path, options: &[String]) -> Result<(Process, String)> {
    let mut serve = Command::new(variable("LOGSCOPE_BROKER")?);
    serve.args(["serve", "--listen", listen, "--data-dir"]).arg(data).args(options);
    Process::start(&mut serve, |line| Some(line.strip_prefix("Logscope is at ")?.trim().to_owned()))
}

pub(crate) fn variable(name: &str) -> Result<PathBuf> {
    let value = env::var_os(name).with_context(|| format!("{name} is not set: run `cargo xtask browser`"))?;
    Ok(value.into())
}
