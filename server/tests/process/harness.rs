//! Starts the binary, talks to it, and ends it whatever happens.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use ureq::Agent;

/// A child process that does not outlive its test.
pub(crate) struct Process(pub(crate) Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may be gone already; that is fine.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut command = logscope(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    pub(crate) fn stdout(&mut self) -> BufReader<ChildStdout> {
        BufReader::new(self.0.stdout.take().unwrap())
    }

    pub(crate) fn stderr(&mut self) -> String {
        let mut text = String::new();
        self.0.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        text
    }

    pub(crate) fn terminate(&self) {
        signal(self.0.id(), "TERM");
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.0.wait().unwrap()
    }
}

pub(crate) fn logscope(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_logscope"));
    command.args(arguments);
    // What the one who runs the tests has set is not meant for these brokers.
    for name in ["RUST_LOG", "LOGSCOPE_SERVER", "LOGSCOPE_TOKEN"] {
        command.env_remove(name);
    }
    command
}

/// Sends a signal to one process of ours.
pub(crate) fn signal(id: u32, name: &str) {
    let status = Command::new("kill").arg(format!("-{name}")).arg(id.to_string()).status().unwrap();
    assert!(status.success());
}

/// Runs a command to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    logscope(arguments).stdin(Stdio::null()).output().unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// What a command printed, an object a line.
pub(crate) fn objects(stdout: &[u8]) -> Vec<Value> {
    text(stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A record without what differs from run to run.
pub(crate) fn without_time(record: &Value) -> Value {
    let mut record = record.clone();
    assert!(record.as_object_mut().unwrap().remove("timestamp").unwrap().is_i64());
    record
}

/// A broker on a free port.
pub(crate) struct Broker {
    pub(crate) process: Process,
    /// Kept open, as a terminal would be.
    _stdout: BufReader<ChildStdout>,
    pub(crate) url: String,
    agent: Agent,
}

impl Broker {
    pub(crate) fn start(data_dir: &Path) -> Self {
        Self::start_with(data_dir, "127.0.0.1:0", &[])
    }

    pub(crate) fn start_with(data_dir: &Path, listen: &str, arguments: &[&str]) -> Self {
        let mut all = vec!["serve", "--listen", listen, "--data-dir", data_dir.to_str().unwrap()];
        all.extend(arguments);
        Self::start_command(logscope(&all))
    }

    /// The same, and what it says goes to a file.
    pub(crate) fn start_logging(data_dir: &Path, log: &Path) -> Self {
        let all = ["serve", "--listen", "127.0.0.1:0", "--data-dir", data_dir.to_str().unwrap()];
        let mut command = logscope(&all);
        command.stderr(File::create(log).unwrap());
        Self::start_command(command)
    }

    fn start_command(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut process = Process(command.spawn().unwrap());
        let mut stdout = process.stdout();
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let url = line.trim_end().strip_prefix("Logscope is at ").unwrap_or_else(|| panic!("{line:?}"));
        let url = url.strip_suffix('/').unwrap().to_owned();
        Self { process, _stdout: stdout, url, agent: agent() }
    }

    /// `HOST:PORT`.
    pub(crate) fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    pub(crate) fn produce(&self, body: Value) -> Value {
        produce(&self.agent, &self.url, &body).unwrap()
    }

    /// Posts JSON; the status, and the answer.
    pub(crate) fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let mut answer = self.agent.post(format!("{}{path}", self.url)).send(body.to_string()).unwrap();
        (answer.status().as_u16(), answer.body_mut().read_json_value())
    }

    pub(crate) fn fetch(&self, query: &str) -> Value {
        let url = format!("{}/fetch?{query}", self.url);
        self.agent.get(url).call().unwrap().body_mut().read_json_value()
    }

    /// All payloads of a topic, by offset.
    pub(crate) fn read_all(&self, topic: &str) -> Vec<String> {
        let mut payloads = Vec::new();
        loop {
            let answer = self.fetch(&format!("topic={topic}&offset={}&max_bytes=100000", payloads.len()));
            for record in answer["records"].as_array().unwrap() {
                assert_eq!(record["offset"], payloads.len(), "offsets rise by one");
                payloads.push(record["payload"].as_str().unwrap().to_owned());
            }
            assert_eq!(answer["next_offset"], payloads.len());
            if answer["stopped_by"] != "max_bytes" {
                return payloads;
            }
        }
    }

    /// Runs a command that talks to this broker.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        logscope(arguments).env("LOGSCOPE_SERVER", &self.url).stdin(Stdio::null()).output().unwrap()
    }

    /// The same, and it must succeed; what it printed.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Feeds lines to a command that talks to this broker.
    pub(crate) fn feed(&self, arguments: &[&str], lines: &[u8]) -> Output {
        let mut command = logscope(arguments);
        command.env("LOGSCOPE_SERVER", &self.url);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(lines).unwrap();
        child.wait_with_output().unwrap()
    }

    /// SIGTERM, and the end.
    pub(crate) fn stop(mut self) {
        self.process.terminate();
        assert!(self.process.wait().success());
    }
}

pub(crate) fn agent() -> Agent {
    let config = Agent::config_builder().timeout_global(Some(Duration::from_secs(60))).proxy(None);
    config.http_status_as_error(false).build().into()
}

/// Produces, unless the broker is gone.
pub(crate) fn produce(agent: &Agent, url: &str, body: &Value) -> Result<Value, ureq::Error> {
    let mut answer = agent.post(format!("{url}/produce")).send(body.to_string())?;
    let text = answer.body_mut().read_to_string()?;
    Ok(serde_json::from_str(&text).unwrap_or(json!(text)))
}

trait ReadJson {
    fn read_json_value(&mut self) -> Value;
}

impl ReadJson for ureq::Body {
    fn read_json_value(&mut self) -> Value {
        serde_json::from_slice(&self.read_to_vec().unwrap()).unwrap()
    }
}
