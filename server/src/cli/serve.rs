//! `logscope serve`.

use std::error::Error;
use std::io::{self, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use axum::serve::ListenerExt;
use logscope::LogConfig;
use logscope_server::{Broker, BrokerConfig, HttpConfig, app};
use tokio::net::TcpListener;
use tokio::signal;
use tokio::time::sleep;

use super::Outcome;

/// How long requests that are under way may take when the broker stops.
const DRAIN: Duration = Duration::from_secs(10);

/// Run a broker until Ctrl-C or SIGTERM
///
/// Once it takes requests, it prints its address on stdout. Logs go to stderr; RUST_LOG sets how much: error,
/// warn, info (the default) or debug.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  logscope serve
  logscope serve --listen 127.0.0.1:9000 --data-dir /var/lib/logscope")]
pub(super) struct Serve {
    /// Where to listen: an address of the loopback interface, and a port (0: any free one)
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: String,
    /// Where the topics are kept; created if it does not exist
    #[arg(long, value_name = "DIR", default_value = "broker_data")]
    data_dir: PathBuf,
    /// The playground's files, served at /
    #[arg(long, value_name = "DIR")]
    web_root: Option<PathBuf>,
    /// Kafka's segment.bytes: a segment is at most this large [default: 1073741824]
    #[arg(long, value_name = "N")]
    segment_bytes: Option<String>,
    /// Kafka's index.interval.bytes: an index entry about every so many bytes [default: 4096]
    #[arg(long, value_name = "N")]
    index_interval_bytes: Option<String>,
    /// Kafka's segment.index.bytes: an index is at most this large [default: 10485760]
    #[arg(long, value_name = "N")]
    segment_index_bytes: Option<String>,
    /// Kafka's max.message.bytes: the largest record batch [default: 1048588]
    #[arg(long, value_name = "N")]
    max_message_bytes: Option<String>,
    /// Kafka's flush.ms: records produced with acks=1 or 0 are synced within this time
    #[arg(long, value_name = "MS", default_value_t = 10)]
    flush_ms: u32,
}

impl Serve {
    pub(super) fn run(&self) -> Outcome {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(self.serve())
    }

    async fn serve(&self) -> Outcome {
        let flush_ms = Duration::from_millis(self.flush_ms.into());
        let config = BrokerConfig { log: self.log_config()?, flush_ms, ..BrokerConfig::default() };
        let addresses = self.loopback_addresses()?;
        self.check_web_root()?;
        let broker = Broker::open(&self.data_dir, config)?;
        let served = self.serve_broker(&broker, &addresses).await;
        // Whatever ended it, what was taken is made durable.
        broker.close().await?;
        served?;
        tracing::info!("everything is flushed, good-bye");
        Ok(ExitCode::SUCCESS)
    }

    async fn serve_broker(&self, broker: &Broker, addresses: &[SocketAddr]) -> Result<(), Box<dyn Error>> {
        let listener = TcpListener::bind(addresses).await;
        let listener = listener.map_err(|error| format!("cannot listen on {}: {error}", self.listen))?;
        let address = listener.local_addr()?;
        let app = app(broker.clone(), HttpConfig { web_root: self.web_root.clone(), hosts: Vec::new() });
        tokio::spawn(close_on_signal(broker.clone())?);
        announce(address);

        let listener = listener.tap_io(|stream| {
            // Without this, small answers may wait for more to send.
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!("a connection without TCP_NODELAY: {error}");
            }
        });
        let closing = broker.clone();
        let server =
            axum::serve(listener, app).with_graceful_shutdown(async move { closing.closing().await });
        tokio::select! {
            served = server.into_future() => Ok(served?),
            () = async { broker.closing().await; sleep(DRAIN).await } => {
                tracing::warn!("requests that took longer than {} s were cut off", DRAIN.as_secs());
                Ok(())
            }
        }
    }

    fn log_config(&self) -> Result<LogConfig, Box<dyn Error>> {
        let mut config = LogConfig::default();
        for (key, value) in [
            ("segment.bytes", &self.segment_bytes),
            ("index.interval.bytes", &self.index_interval_bytes),
            ("segment.index.bytes", &self.segment_index_bytes),
            ("max.message.bytes", &self.max_message_bytes),
        ] {
            if let Some(value) = value {
                config.set(key, value)?;
            }
        }
        Ok(config)
    }

    /// Anyone who can reach the broker can read and write it, so only this machine may.
    fn loopback_addresses(&self) -> Result<Vec<SocketAddr>, Box<dyn Error>> {
        let addresses = self.listen.to_socket_addrs();
        let addresses: Vec<_> = addresses
            .map_err(|error| format!("--listen {:?} is no address with a port: {error}", self.listen))?
            .collect();
        match addresses.iter().find(|address| !address.ip().is_loopback()) {
            None => Ok(addresses),
            Some(address) => Err(format!(
                "--listen {address} can be reached from other machines, and there is no access control yet: \
                 use 127.0.0.1 or [::1]"
            )
            .into()),
        }
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
