//! The HTTP client of `produce` and `consume`.

use std::time::Duration;

use logscope::topic::TopicName;
use logscope_server::broker::MAX_WAIT;
use serde::Deserialize;
use ureq::http::Response;
use ureq::{Agent, Body};

/// How long an answer may take, beyond the longest time that a request can ask the broker to wait.
const TIMEOUT: Duration = Duration::from_secs(30);
/// More than the largest answer: the most that a fetch returns, escaped.
const MAX_ANSWER_BYTES: u64 = 512 << 20;

/// Where the broker is.
#[derive(Debug, clap::Args)]
pub(super) struct Server {
    /// The broker's address
    #[arg(long = "server", value_name = "URL", default_value = "http://127.0.0.1:8080")]
    url: String,
}

/// A connection to a broker, opened when it is first needed.
#[derive(Debug)]
pub(super) struct Client {
    agent: Agent,
    url: String,
}

/// Why a request was not answered as hoped for.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClientError {
    /// The broker understood, and refused; asking again brings the same.
    #[error("{0}")]
    Refused(String),
    /// The broker cannot be reached, or not now. Whether it has done what it was asked is unknown.
    #[error("{0}")]
    Unavailable(String),
}

/// What `/fetch` answers.
#[derive(Debug, Deserialize)]
pub(super) struct Fetched {
    pub(super) records: Vec<serde_json::Value>,
    pub(super) next_offset: u64,
    pub(super) high_watermark: u64,
}

#[derive(Deserialize)]
struct Produced {
    offset: u64,
}

#[derive(Deserialize)]
struct Refusal {
    message: String,
}

impl Server {
    pub(super) fn client(&self) -> Result<Client, ClientError> {
        let url = self.url.trim_end_matches('/');
        let url = match url.split_once("://") {
            None => format!("http://{url}"),
            Some(("http", _)) => url.to_owned(),
            Some((scheme, _)) => {
                let message = format!("--server {url}: {scheme} is not spoken here, only http");
                return Err(ClientError::Refused(message));
            }
        };
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(TIMEOUT + MAX_WAIT))
            .proxy(None)
            .build();
        Ok(Client { agent: config.into(), url })
    }
}

impl Client {
    /// Produces a record, given as the JSON object that `/produce` takes, and returns its offset.
    pub(super) fn produce(&self, record: &serde_json::Value) -> Result<u64, ClientError> {
        let answer = self.agent.post(format!("{}/produce", self.url)).send(record.to_string());
        self.read::<Produced>(answer).map(|produced| produced.offset)
    }

    /// Fetches records; waits up to `max_wait` for one.
    pub(super) fn fetch(
        &self,
        topic: &TopicName,
        offset: u64,
        max_bytes: u64,
        max_wait: Duration,
    ) -> Result<Fetched, ClientError> {
        // A topic's name needs no escaping in a URL.
        let max_wait_ms = max_wait.as_millis();
        let query = format!("topic={topic}&offset={offset}&max_bytes={max_bytes}&max_wait_ms={max_wait_ms}");
        self.read(self.agent.get(format!("{}/fetch?{query}", self.url)).call())
    }

    fn read<T: for<'a> Deserialize<'a>>(
        &self,
        answer: Result<Response<Body>, ureq::Error>,
    ) -> Result<T, ClientError> {
        let unavailable =
            |error: ureq::Error| ClientError::Unavailable(format!("no answer from {}: {error}", self.url));
        let mut answer = answer.map_err(unavailable)?;
        let status = answer.status();
        let body = answer.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_vec();
        let body = body.map_err(unavailable)?;
        if status.is_success() {
            let foreign =
                |error| ClientError::Refused(format!("{} answers, but not as a broker: {error}", self.url));
            return serde_json::from_slice(&body).map_err(foreign);
        }
        let message = match serde_json::from_slice::<Refusal>(&body) {
            Ok(refusal) => refusal.message,
            Err(_) => format!("{} answered {status}", self.url),
        };
        let kind = if status.is_server_error() { ClientError::Unavailable } else { ClientError::Refused };
        Err(kind(message))
    }
}
