//! A child process that says on its output when it is ready, and that ends with its handle.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    output: Arc<Mutex<String>>,
}

impl Process {
    /// Starts a command and waits for the line that `ready` makes something of.
    pub(crate) fn start<T>(command: &mut Command, ready: impl Fn(&str) -> Option<T>) -> Result<(Process, T)> {
        let program = command.get_program().to_string_lossy().into_owned();
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.with_context(|| format!("{program} does not start"))?;
        let output = Arc::default();
        let (sender, lines) = mpsc::channel();
        read(child.stdout.take(), &output, sender.clone());
        read(child.stderr.take(), &output, sender);
        let process = Process { child, output };
        let deadline = Instant::now() + PATIENCE;
        while let Ok(line) = lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            if let Some(answer) = ready(&line) {
                return Ok((process, answer));
            }
        }
        Err(anyhow!("{program} ended, or never said that it is ready; it said: {:?}", process.output()))
    }

    /// Ends it at once, and waits until it is gone.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// What it has written so far, errors and all.
    pub(crate) fn output(&self) -> String {
        self.output.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Reads on to the end, also when nobody listens any more: a full pipe would stop the process.
fn read(stream: Option<impl Read + Send + 'static>, output: &Arc<Mutex<String>>, lines: Sender<String>) {
    let Some(stream) = stream else { return };
    let output = output.clone();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
            output.push_str(&line);
            output.push('\n');
            lines.send(line).ok();
        }
    });
}
