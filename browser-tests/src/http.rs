//! Requests that a program sends to a broker while a page looks on.

use std::io::{Read, Write};
use std::net::TcpStream;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Posts JSON to a broker that is at `http://HOST:PORT/`, with a token if it needs one, and returns what it answers.
pub fn post(broker: &str, path: &str, token: Option<&str>, body: &Value) -> Result<Value> {
    let host = broker.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(host).with_context(|| format!("{broker} does not answer"))?;
    let (body, token) = (body.to_string(), token.map(|token| format!("authorization: Bearer {token}\r\n")));
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-type: application/json\r\n\
         {}content-length: {}\r\n\r\n{body}",
        token.unwrap_or_default(),
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("an answer has a head")?;
    ensure!(head.starts_with("HTTP/1.1 2"), "{path}: {answer}");
    serde_json::from_str(body).with_context(|| format!("{path}: {body}"))
}
