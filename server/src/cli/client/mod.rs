//! The HTTP client of the commands that talk to a broker.
//!
//! | file | holds |
//! | --- | --- |
//! | `mod` | where the broker is, one request, and why it was not answered as hoped for |
//! | `api` | the routes, and what they answer |
//! | `position` | places in a log as one types them: `earliest`, an offset, a time |

mod api;
mod position;

use std::time::Duration;

use logscope_load::Target;
use logscope_server::broker::MAX_WAIT;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use ureq::http::{Method, Request, Response, header};
use ureq::{Agent, Body};

use super::output::Format;

pub(super) use api::{Fetched, GroupOffset, Outcome, Partition, Place, Record, Topic};
pub(super) use position::Position;

/// How long an answer may take, beyond the longest time that a request can ask the broker to wait.
const TIMEOUT: Duration = Duration::from_secs(30);
/// More than the largest answer: the most that a fetch returns, escaped.
const MAX_ANSWER_BYTES: u64 = 512 << 20;
/// The API's number for [`ClientError::Damaged`].
const DAMAGED: u32 = 50091;

/// Where the broker is, and how to get in.
#[derive(Debug, clap::Args)]
pub(super) struct Server {
    /// The broker's address
    #[arg(
        long = "server",
        value_name = "URL",
        env = "LOGSCOPE_SERVER",
        default_value = "http://127.0.0.1:8080"
    )]
    url: String,
    /// The token that the broker asks for; better given in the environment, where other users do not see it
    #[arg(long, value_name = "TOKEN", env = "LOGSCOPE_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

/// What every command takes that asks a broker and prints the answer.
#[derive(Debug, clap::Args)]
pub(super) struct Asked {
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
    #[command(flatten)]
    pub(super) server: Server,
}

/// Connections to a broker, opened when they are first needed. Many threads may share one.
#[derive(Debug)]
pub(super) struct Client {
    agent: Agent,
    url: String,
    token: Option<String>,
}

/// Why a request was not answered as hoped for.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClientError {
    /// The broker understood, and refused; asking again brings the same.
    #[error("{message}")]
    Refused {
        /// The API's number for it; 0 if there is none.
        code: u32,
        message: String,
    },
    /// What the broker has stored is damaged; asking again brings the same.
    #[error("{0}")]
    Damaged(String),
    /// The broker cannot be reached, or not now. Whether it has done what it was asked is unknown.
    #[error("{0}")]
    Unavailable(String),
}

#[derive(Deserialize)]
struct Refusal {
    error_code: u32,
    message: String,
}

impl ClientError {
    pub(super) fn refused(message: impl Into<String>) -> Self {
        Self::Refused { code: 0, message: message.into() }
    }

    /// Whether the topic is not there.
    pub(super) fn is_unknown_topic(&self) -> bool {
        matches!(self, Self::Refused { code: 40401, .. })
    }
}

impl Server {
    pub(super) fn client(&self) -> Result<Client, ClientError> {
        // What is wrong with a URL or a token is said in one place.
        self.target()?;
        let url = self.url.trim_end_matches('/');
        let url = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(TIMEOUT + MAX_WAIT))
            .proxy(None)
            .build();
        Ok(Client { agent: config.into(), url, token: self.token.clone() })
    }

    /// The same for a load generator.
    pub(super) fn target(&self) -> Result<Target, ClientError> {
        let target = Target::new(&self.url, self.token.as_deref());
        target.map_err(|reason| ClientError::refused(format!("--server {}: {reason}", self.url)))
    }
}

impl Client {
    fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.parse(&self.get_text(path)?)
    }

    /// What the broker answers, as it stands.
    fn get_text(&self, path: &str) -> Result<Vec<u8>, ClientError> {
        self.ask(Method::GET, path, None)
    }

    fn parse<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T, ClientError> {
        let foreign = |error| format!("{} answers, but not as a broker: {error}", self.url);
        serde_json::from_slice(body).map_err(|error| ClientError::refused(foreign(error)))
    }

    /// Sends a request, with a body and its content type perhaps, and returns the answer's body.
    fn ask(&self, method: Method, path: &str, body: Option<(&str, Vec<u8>)>) -> Result<Vec<u8>, ClientError> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let wrong = |error: ureq::http::Error| ClientError::refused(format!("{}: {error}", self.url));
        let answer = match body {
            Some((content_type, bytes)) => {
                let request = request.header(header::CONTENT_TYPE, content_type).body(bytes);
                self.agent.run(request.map_err(wrong)?)
            }
            None => self.agent.run(request.body(()).map_err(wrong)?),
        };
        self.read(answer)
    }

    fn read(&self, answer: Result<Response<Body>, ureq::Error>) -> Result<Vec<u8>, ClientError> {
        let unavailable =
            |error: ureq::Error| ClientError::Unavailable(format!("no answer from {}: {error}", self.url));
        let mut answer = answer.map_err(unavailable)?;
        let status = answer.status();
        let body = answer.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_vec();
        let body = body.map_err(unavailable)?;
        if status.is_success() {
            return Ok(body);
        }
        let (code, message) = match serde_json::from_slice::<Refusal>(&body) {
            Ok(refusal) => (refusal.error_code, refusal.message),
            Err(_) => (0, format!("{} answered {status}", self.url)),
        };
        Err(match code {
            DAMAGED => ClientError::Damaged(message),
            _ if status.is_server_error() => ClientError::Unavailable(message),
            _ => ClientError::Refused { code, message },
        })
    }
}
