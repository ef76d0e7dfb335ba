//! `logscope serve`.
//!
//! | file | holds |
//! | --- | --- |
//! | `options` | the options, and what the broker makes of them |
//! | `sources` | the same from a file and from the environment |

mod options;
pub(super) mod sources;

use std::error::Error;
use std::io::{self, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use logscope_server::{Broker, ConnectionMetrics, HttpConfig, front, serve};
use tokio::net::TcpListener;
use tokio::signal;

use super::Outcome;
use super::logging::Logging;
use options::{Access, Most, Topics};
use sources::{FileSettings, Setting};

/// Run a broker until Ctrl-C or SIGTERM
///
/// Once it takes requests, it prints its address on stdout. Logs go to stderr.
///
/// Every option can stand in the file that --config names, as `max-topics = 10`, and in the environment, as
/// LOGSCOPE_MAX_TOPICS=10. A flag counts more than the environment, and that more than the file.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  logscope serve
  logscope serve --listen 127.0.0.1:9000 --data-dir /var/lib/logscope
  logscope serve --topic-default retention.ms=3600000 --num-partitions 4
  LOGSCOPE_TOKEN=secret logscope serve --listen 0.0.0.0:8080 --allow-host broker.lan
  logscope serve --config logscope.toml --log-format json

A file for --config:
  listen = \"127.0.0.1:9000\"
  data-dir = \"/var/lib/logscope\"
  cors-origin = [\"http://localhost:3000\"]
  topic-default.retention.ms = 3600000")]
pub(super) struct Serve {
    /// A file in TOML that holds options
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the topics are kept; created if it does not exist
    #[arg(long, value_name = "DIR", default_value = "broker_data")]
    data_dir: PathBuf,
    /// The playground's files, served at /
    #[arg(long, value_name = "DIR")]
    web_root: Option<PathBuf>,
    #[command(flatten)]
    pub(super) logging: Logging,
    #[command(flatten)]
    access: Access,
    #[command(flatten)]
    topics: Topics,
    #[command(flatten)]
    most: Most,
    /// The topic defaults of the file.
    #[arg(skip)]
    file: Vec<Setting>,
}

impl Serve {
    pub(super) fn config(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    pub(super) fn with_file(self, file: FileSettings) -> Self {
        Self { file: file.topic_defaults, ..self }
    }

    pub(super) fn run(&self) -> Outcome {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(self.serve())
    }

    async fn serve(&self) -> Outcome {
        let mut weaker = self.file.clone();
        weaker.extend(sources::environment()?);
        let config = self.topics.broker_config(&weaker, self.most.limits())?;
        let addresses = self.addresses()?;
        self.check_web_root()?;
        let http = self.access.http_config(&addresses, self.web_root.clone(), self.most.streams())?;
        allow_many_files();
        let broker = Broker::open(&self.data_dir, config)?;
        let served = self.serve_broker(&broker, http, &addresses).await;
        // Whatever ended it, what was taken is made durable.
        broker.close().await?;
        served?;
        tracing::info!("everything is flushed, good-bye");
        Ok(ExitCode::SUCCESS)
    }

    async fn serve_broker(
        &self,
        broker: &Broker,
        http: HttpConfig,
        addresses: &[SocketAddr],
    ) -> Result<(), Box<dyn Error>> {
        let listener = TcpListener::bind(addresses).await;
        let listener =
            listener.map_err(|error| format!("cannot listen on {}: {error}", self.access.listen))?;
        let address = listener.local_addr()?;
        let config = self.most.serve_config(ConnectionMetrics::register(broker.metrics()));
        let front = front(broker.clone(), http);
        tokio::spawn(close_on_signal(broker.clone())?);
        announce(address);
        serve(listener, front, config, broker.closing()).await;
        Ok(())
    }

    fn addresses(&self) -> Result<Vec<SocketAddr>, Box<dyn Error>> {
        let listen = &self.access.listen;
        let addresses = listen.to_socket_addrs();
        let addresses =
            addresses.map_err(|error| format!("--listen {listen:?} is no address with a port: {error}"))?;
        Ok(addresses.collect())
    }

    fn check_web_root(&self) -> Result<(), Box<dyn Error>> {
        match &self.web_root {
            Some(dir) if !dir.join("index.html").is_file() => {
                Err(format!("--web-root {}: there is no index.html in it", dir.display()).into())
            }
            _ => Ok(()),
        }
    }
}

/// Tells whoever started the broker where it is: the one line on stdout.
fn announce(address: SocketAddr) {
    let mut out = io::stdout().lock();
    let told = writeln!(out, "Logscope is at http://{address}/").and_then(|()| out.flush());
    if let Err(error) = told {
        // A reader of stdout that went away is no reason not to serve.
        tracing::warn!("listening on {address}, but stdout cannot be written: {error}");
    }
}

/// Connections and segments are files; many systems let a process have few of them unless it asks for more.
#[cfg(unix)]
fn allow_many_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!("the limit of open files stays as it is: {error}");
    }
}

#[cfg(not(unix))]
fn allow_many_files() {}

/// Waits for Ctrl-C or SIGTERM, and lets the broker begin to close then. The signals are caught from this call
/// on, not from the first poll.
#[cfg(unix)]
fn close_on_signal(broker: Broker) -> io::Result<impl Future<Output = ()>> {
    use signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("stopping: requests that are under way are answered first");
        broker.begin_close();
    })
}

/// Waits for Ctrl-C, and lets the broker begin to close then.
#[cfg(not(unix))]
fn close_on_signal(broker: Broker) -> io::Result<impl Future<Output = ()>> {
    Ok(async move {
        if signal::ctrl_c().await.is_ok() {
            tracing::info!("stopping: requests that are under way are answered first");
            broker.begin_close();
        }
    })
}
