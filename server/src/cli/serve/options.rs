//! The options of `logscope serve`, and what the broker makes of them.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::ArgAction;
use logscope::LogConfig;
use logscope_server::broker::Limits;
use logscope_server::{BrokerConfig, ConnectionMetrics, HttpConfig, Origin, ServeConfig, Token};

use super::sources::Setting;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Who may reach the broker.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Who may use it")]
pub(super) struct Access {
    /// Where to listen: an address and a port (0: any free one). An address that other machines can reach needs a token,
    /// or --insecure
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub(super) listen: String,
    /// A secret that requests must carry: Authorization: Bearer TOKEN. Other users of this machine can read it off the
    /// command line; the environment and a file are safer
    #[arg(long, value_name = "TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// A file that holds the token
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Let everyone in who can reach the address
    #[arg(long)]
    insecure: bool,
    /// An origin whose pages may use the broker from a browser, such as http://localhost:3000; several with
    /// commas between them, or each by itself
    #[arg(long, value_name = "ORIGIN", value_delimiter = ',')]
    cors_origin: Vec<Origin>,
    /// A name by which the broker may be called, besides localhost; several with commas between them, or each
    /// by itself
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    allow_host: Vec<String>,
}

/// What topics go by that do not say otherwise.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Topics")]
pub(super) struct Topics {
    /// A topic config that holds where a topic says nothing else, such as retention.ms=3600000; may come several times.
    /// In the environment, LOGSCOPE_TOPIC_DEFAULT, with spaces between them
    #[arg(long, value_name = "KEY=VALUE", value_parser = Setting::flag)]
    topic_default: Vec<Setting>,
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
    /// Kafka's num.partitions: how many partitions a topic gets that does not say so
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    num_partitions: u32,
    /// Kafka's auto.create.topics.enable: whether producing to a topic creates it
    #[arg(long, value_name = "BOOL", action = ArgAction::Set, default_value_t = true)]
    auto_create_topics: bool,
    /// Kafka's flush.ms: records produced with acks=1 or 0 are synced within this time
    #[arg(long, value_name = "MS", default_value_t = 10)]
    flush_ms: u32,
    /// Kafka's log.retention.check.interval.ms: how often old segments are deleted
    #[arg(long, value_name = "MS", default_value_t = 300_000, value_parser = positive())]
    retention_check_interval_ms: u64,
    /// Kafka's log.cleaner.backoff.ms: how long the cleaner rests before it looks again for what to compact
    #[arg(long, value_name = "MS", default_value_t = 15_000, value_parser = positive())]
    cleaner_backoff_ms: u64,
}

/// How much there may be.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
pub(super) struct Most {
    /// Topics
    #[arg(long, value_name = "N", default_value_t = Limits::default().topics, value_parser = at_least(1))]
    max_topics: usize,
    /// Partitions of all topics together
    #[arg(long, value_name = "N", default_value_t = Limits::default().partitions, value_parser = at_least(1))]
    max_partitions: usize,
    /// Groups that have committed offsets
    #[arg(long, value_name = "N", default_value_t = Limits::default().groups)]
    max_groups: usize,
    /// Committed offsets of one group
    #[arg(long, value_name = "N", default_value_t = Limits::default().offsets_per_group)]
    max_offsets_per_group: usize,
    /// Fetches and tails that wait for records at the same time
    #[arg(long, value_name = "N", default_value_t = Limits::default().waiting_fetches)]
    max_waiting_fetches: usize,
    /// Clients that read server-sent events at the same time
    #[arg(long, value_name = "N", default_value_t = HttpConfig::default().streams)]
    max_streams: usize,
    /// Connections at the same time
    #[arg(long, value_name = "N", default_value_t = ServeConfig::default().connections, value_parser = at_least(1))]
    max_connections: usize,
    /// Headers of a request, 10000 at most
    #[arg(long, value_name = "N", default_value_t = ServeConfig::default().headers,
          value_parser = at_least(1).range(..=10_000))]
    max_headers: usize,
    /// Bytes of a request's head
    #[arg(long, value_name = "N", default_value_t = ServeConfig::default().header_bytes,
          value_parser = at_least(ServeConfig::MIN_HEADER_BYTES as u64))]
    max_header_bytes: usize,
    /// How long a request's head may take, and so how long a connection may be idle
    #[arg(long, value_name = "MS", default_value_t = 60_000, value_parser = positive())]
    header_timeout_ms: u64,
    /// How long a request's body may take
    #[arg(long, value_name = "MS", default_value_t = 60_000, value_parser = positive())]
    body_timeout_ms: u64,
    /// How long a client may take nothing of its answer
    #[arg(long, value_name = "MS", default_value_t = 60_000, value_parser = positive())]
    write_timeout_ms: u64,
    /// How long requests that are under way may take when the broker stops
    #[arg(long, value_name = "MS", default_value_t = 10_000)]
    drain_ms: u64,
}

/// With fewer of these, a broker could do nothing. What may be 0 says that nobody is to have any.
fn at_least(least: u64) -> clap::builder::RangedU64ValueParser<usize> {
    clap::builder::RangedU64ValueParser::new().range(least..)
}

/// Times that are 0 would end everything before it begins; a hundred years are as good as for ever.
fn positive() -> clap::builder::RangedU64ValueParser<u64> {
    clap::value_parser!(u64).range(1..=3_155_760_000_000)
}

impl Access {
    pub(super) fn http_config(
        &self,
        addresses: &[SocketAddr],
        web_root: Option<PathBuf>,
        streams: usize,
    ) -> Result<HttpConfig> {
        let token = self.token()?;
        let mut hosts = self.allow_host.clone();
        if let Some(address) = addresses.iter().find(|address| !address.ip().is_loopback()) {
            self.check_exposed(*address, token.is_some())?;
            // Whoever calls it by its address knows where it is.
            hosts.extend(addresses.iter().map(SocketAddr::ip).filter(is_one).map(|ip| ip.to_string()));
        }
        Ok(HttpConfig { web_root, hosts, cors_origins: self.cors_origin.clone(), token, streams })
    }

    fn token(&self) -> Result<Option<Token>> {
        let (option, token) = match (&self.token, &self.token_file) {
            (None, None) => return Ok(None),
            (Some(_), Some(_)) => return Err("--token and --token-file: one of them is enough".into()),
            (Some(token), None) => ("--token".to_owned(), token.clone()),
            (None, Some(file)) => {
                let option = format!("--token-file {}", file.display());
                let token = fs::read_to_string(file).map_err(|error| format!("{option}: {error}"))?;
                (option, token)
            }
        };
        let token = Token::new(&token).map_err(|error| format!("{option}: {error}"))?;
        Ok(Some(token))
    }

    /// Anyone who can reach the broker can read and write it, unless there is a token.
    fn check_exposed(&self, address: SocketAddr, token: bool) -> Result<()> {
        if !token && !self.insecure {
            return Err(format!(
                "--listen {address} can be reached from other machines: that takes a --token or --token-file, or \
                 --insecure to let everyone in"
            )
            .into());
        }
        if !token {
            tracing::warn!("INSECURE: everyone who can reach {address} can read and write everything");
        }
        if address.ip().is_unspecified() && self.allow_host.is_empty() {
            tracing::warn!(
                "only calls by the names of this machine itself are answered: tell others by --allow-host NAME"
            );
        }
        Ok(())
    }
}

fn is_one(ip: &IpAddr) -> bool {
    !ip.is_unspecified()
}

impl Topics {
    /// `weaker` settings come first, and whatever is said again counts.
    pub(super) fn broker_config(&self, weaker: &[Setting], limits: Limits) -> Result<BrokerConfig> {
        let mut log = LogConfig::default();
        for setting in weaker.iter().chain(&self.shorthands()).chain(&self.topic_default) {
            setting.apply(&mut log)?;
        }
        Ok(BrokerConfig {
            log,
            flush_ms: Duration::from_millis(self.flush_ms.into()),
            num_partitions: self.num_partitions,
            auto_create_topics: self.auto_create_topics,
            retention_check_interval: Duration::from_millis(self.retention_check_interval_ms),
            cleaner_backoff: Duration::from_millis(self.cleaner_backoff_ms),
            limits,
        })
    }

    fn shorthands(&self) -> Vec<Setting> {
        let given = [
            ("segment.bytes", &self.segment_bytes),
            ("index.interval.bytes", &self.index_interval_bytes),
            ("segment.index.bytes", &self.segment_index_bytes),
            ("max.message.bytes", &self.max_message_bytes),
        ];
        let given = given.into_iter().filter_map(|(key, value)| Some((key, value.as_deref()?)));
        given.map(|(key, value)| Setting::new(None, key, value)).collect()
    }
}

impl Most {
    pub(super) fn limits(&self) -> Limits {
        Limits {
            topics: self.max_topics,
            partitions: self.max_partitions,
            groups: self.max_groups,
            offsets_per_group: self.max_offsets_per_group,
            waiting_fetches: self.max_waiting_fetches,
        }
    }

    pub(super) fn streams(&self) -> usize {
        self.max_streams
    }

    pub(super) fn serve_config(&self, metrics: ConnectionMetrics) -> ServeConfig {
        ServeConfig {
            connections: self.max_connections,
            headers: self.max_headers,
            header_bytes: self.max_header_bytes,
            header_timeout: Duration::from_millis(self.header_timeout_ms),
            body_timeout: Duration::from_millis(self.body_timeout_ms),
            write_timeout: Duration::from_millis(self.write_timeout_ms),
            drain: Duration::from_millis(self.drain_ms),
            metrics,
        }
    }
}
