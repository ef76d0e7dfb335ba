//! Processes: the broker, and this program again as the floor.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, ensure};
use logscope_load::Target;
use serde_json::{Value, json};
use tempfile::TempDir;
use ureq::Agent;

/// A server in a process of its own, which ends with this value.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    _stdout: BufReader<ChildStdout>,
    url: String,
    agent: Agent,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts a command that says where it is at the end of its first line.
    fn start(mut command: Command) -> Result<Self> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let mut stdout = BufReader::new(child.stdout.take().context("stdout is piped")?);
        let mut line = String::new();
        stdout.read_line(&mut line)?;
        let url = line.split_whitespace().last().context("the server does not say where it is")?;
        let url = url.trim_end_matches('/').to_owned();
        let agent = Agent::config_builder().http_status_as_error(false).proxy(None).build().into();
        Ok(Self { child, _stdout: stdout, url, agent })
    }

    /// This program again.
    pub(crate) fn floor() -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("floor");
        Self::start(command)
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn target(&self) -> Result<Target> {
        Target::new(&self.url, None).map_err(anyhow::Error::msg)
    }

    /// The memory that it has, in bytes.
    pub(crate) fn resident_bytes(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        Ok(kib.context("the kernel says how large a process is")? << 10)
    }

    pub(crate) fn get(&self, path: &str, accept: &str) -> Result<Vec<u8>> {
        let mut answer = self.agent.get(format!("{}{path}", self.url)).header("accept", accept).call()?;
        let body = answer.body_mut().with_config().limit(64 << 20).read_to_vec()?;
        ensure!(answer.status().is_success(), "{path}: {}", String::from_utf8_lossy(&body));
        Ok(body)
    }

    pub(crate) fn post(&self, path: &str, body: &[u8]) -> Result<()> {
        let mut answer = self.agent.post(format!("{}{path}", self.url)).send(body)?;
        let status = answer.status();
        ensure!(status.is_success(), "{path}: {}", answer.body_mut().read_to_string()?);
        Ok(())
    }

    pub(crate) fn delete(&self, path: &str) -> Result<()> {
        let answer = self.agent.delete(format!("{}{path}", self.url)).call()?;
        ensure!(answer.status().is_success(), "{path}: {}", answer.status());
        Ok(())
    }
}

/// The broker, on a directory that goes with it.
#[derive(Debug)]
pub(crate) struct Broker {
    pub(crate) server: Server,
    binary: PathBuf,
    dir: TempDir,
}

impl Broker {
    pub(crate) fn start(binary: &Path) -> Result<Self> {
        // On the disk that cargo builds on: a `/tmp` may be memory.
        let exe = std::env::current_exe()?;
        let dir = tempfile::tempdir_in(exe.parent().unwrap_or(Path::new(".")))?;
        let mut command = Command::new(binary);
        command.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(dir.path().join("data"));
        command.env("RUST_LOG", "warn");
        Ok(Self { server: Server::start(command)?, binary: binary.to_owned(), dir })
    }

    /// A directory on the same disk, for floors.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn create(&self, topic: &str, partitions: u32, configs: Value) -> Result<()> {
        let body = json!({"name": topic, "partitions": partitions, "configs": configs}).to_string();
        self.server.post("/topics", body.as_bytes())
    }

    /// Produces under the same concurrency, and has every offset read back: the gate of a row.
    pub(crate) fn gate(&self, connections: u32, batch: u32, acks: &str) -> Result<()> {
        let (connections, batch) = (connections.to_string(), batch.to_string());
        let output = Command::new(&self.binary)
            .args(["bench", "produce", "--server", self.server.url(), "--records", "20000", "--acks", acks])
            .args(["--connections", &connections, "--batch", &batch])
            .output()?;
        ensure!(output.status.success(), "the gate is shut: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    /// Fills a topic of many segments, and has it read back.
    pub(crate) fn fill(&self, topic: &str, records: u64, batch: u32) -> Result<()> {
        let (records, batch) = (records.to_string(), batch.to_string());
        let output = Command::new(&self.binary)
            .args(["bench", "produce", "--server", self.server.url(), "--records", &records, "--acks", "1"])
            .args(["--batch", &batch, "--topic", topic, "--keep", "--config", "segment.bytes=1048576"])
            .output()?;
        ensure!(output.status.success(), "the gate is shut: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }
}
