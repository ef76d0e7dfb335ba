//! Where a server is, and requests to it.

use std::io::Write;

/// A server, and what every request to it carries.
#[derive(Debug, Clone)]
pub struct Target {
    address: String,
    /// What stands before every path: a broker may be mounted below another's root.
    prefix: String,
    token: Option<String>,
}

impl Target {
    /// A server by its URL, `http://HOST:PORT` with or without a path; with a bearer token, if it asks for one.
    ///
    /// # Errors
    /// What is wrong with the URL.
    pub fn new(url: &str, token: Option<&str>) -> Result<Self, String> {
        let rest = match url.split_once("://") {
            Some(("http", rest)) => rest,
            None => url,
            Some((scheme, _)) => return Err(format!("{scheme} is not spoken here, only http")),
        };
        let (address, prefix) = match rest.find('/') {
            Some(at) => (&rest[..at], rest[at..].trim_end_matches('/')),
            None => (rest, ""),
        };
        let is_clean = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        if address.is_empty() || !is_clean(rest) || !token.is_none_or(is_clean) {
            return Err("neither a URL nor a token has spaces or control characters".to_owned());
        }
        let has_port = address.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let address = if has_port { address.to_owned() } else { format!("{address}:80") };
        Ok(Self { address, prefix: prefix.to_owned(), token: token.map(str::to_owned) })
    }

    /// `HOST:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Appends a GET to `out`. The path begins with `/`; `headers` are whole lines, each with its line end.
    pub fn get(&self, path: &str, headers: &str, out: &mut Vec<u8>) {
        self.head("GET", path, headers, out);
        out.extend_from_slice(b"\r\n");
    }

    /// Appends a POST to `out`.
    pub fn post(&self, path: &str, content_type: &str, body: &[u8], out: &mut Vec<u8>) {
        self.head("POST", path, "", out);
        // Writing to a vector does not fail.
        let _ = write!(out, "content-type: {content_type}\r\ncontent-length: {}\r\n\r\n", body.len());
        out.extend_from_slice(body);
    }

    fn head(&self, method: &str, path: &str, headers: &str, out: &mut Vec<u8>) {
        let Self { address, prefix, token } = self;
        let _ = write!(out, "{method} {prefix}{path} HTTP/1.1\r\nhost: {address}\r\n");
        if let Some(token) = token {
            let _ = write!(out, "authorization: Bearer {token}\r\n");
        }
        out.extend_from_slice(headers.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        for (url, address, path) in [
            ("http://localhost:8080", "localhost:8080", "/x"),
            ("127.0.0.1:1/", "127.0.0.1:1", "/x"),
            ("http://[::1]:9000/logs/", "[::1]:9000", "/logs/x"),
            ("http://broker", "broker:80", "/x"),
        ] {
            let target = Target::new(url, None).unwrap();
            let mut out = Vec::new();
            target.get("/x", "", &mut out);
            let text = String::from_utf8(out).unwrap();
            assert_eq!(target.address(), address);
            assert_eq!(text, format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n"));
        }
        assert!(Target::new("https://x", None).unwrap_err().contains("only http"));
        assert!(Target::new("http://x y", None).is_err());
        assert!(Target::new("http://x", Some("a\r\nb: c")).is_err(), "no header comes in by the token");
    }

    #[test]
    fn a_post_has_its_length_and_the_token() {
        let mut out = Vec::new();
        Target::new("x:1", Some("secret")).unwrap().post("/p", "text/plain", b"body", &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "POST /p HTTP/1.1\r\nhost: x:1\r\nauthorization: Bearer secret\r\ncontent-type: text/plain\r\n\
             content-length: 4\r\n\r\nbody"
        );
    }
}
