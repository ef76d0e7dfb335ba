//! A static host: it serves a folder's files below a path, and knows nothing else.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::Result;
use tempfile::TempDir;

/// Where the page is, on this host.
const BELOW: &str = "/some/where/";

/// It ends with the process that it is in, and serves nobody any more once it is dropped.
#[derive(Debug)]
pub struct Host {
    port: u16,
    folder: Arc<Mutex<Option<PathBuf>>>,
    /// The folders that were put together for it.
    made: Mutex<Vec<TempDir>>,
}

impl Host {
    pub(crate) fn start(folder: &Path) -> Result<Host> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let host = Host { port, folder: Arc::default(), made: Mutex::default() };
        host.serve(folder);
        let folder = Arc::clone(&host.folder);
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let folder = folder.lock().unwrap_or_else(PoisonError::into_inner).clone();
                // Whoever asks a host that is away gets no answer.
                if let Some(folder) = folder {
                    thread::spawn(move || answer(connection, &folder).ok());
                }
            }
        });
        Ok(host)
    }

    pub(crate) fn address(&self, name: &str) -> String {
        format!("http://{name}:{}{BELOW}", self.port)
    }

    /// Serves this folder from now on.
    pub fn serve(&self, folder: &Path) {
        *self.folder.lock().unwrap_or_else(PoisonError::into_inner) = Some(folder.to_owned());
    }

    /// A text that it serves now.
    pub fn text(&self, name: &str) -> Result<String> {
        let now = self.folder.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(fs::read_to_string(now.unwrap_or_default().join(name))?)
    }

    /// Answers nobody any more. It is the folder that it served until now.
    pub fn stop(&self) -> PathBuf {
        self.folder.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default()
    }

    /// Serves what it serves now with some texts replaced in some files.
    pub fn serve_changed(&self, changes: &[(&str, &str, &str)]) -> Result<()> {
        let now = self.folder.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let changed = tempfile::tempdir()?;
        copy(&now.unwrap_or_default(), changed.path())?;
        for (file, old, new) in changes {
            let path = changed.path().join(file);
            let text = fs::read_to_string(&path)?;
            anyhow::ensure!(text.contains(old), "{file} has no {old:?}");
            fs::write(path, text.replace(old, new))?;
        }
        self.serve(changed.path());
        self.made.lock().unwrap_or_else(PoisonError::into_inner).push(changed);
        Ok(())
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.stop();
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir(&to)?;
            copy(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}

/// Answers one request and closes the connection.
fn answer(mut connection: TcpStream, folder: &Path) -> Result<()> {
    let mut head = Vec::new();
    for line in BufReader::new(connection.try_clone()?).lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        head.push(line);
    }
    let target = head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
    let path = target.split('?').next().unwrap_or_default();
    let name = path.strip_prefix(BELOW).map(|name| if name.is_empty() { "index.html" } else { name });
    let content = name.filter(|name| !name.contains("..")).and_then(|name| fs::read(folder.join(name)).ok());
    let status = if content.is_some() { "200 OK" } else { "404 Not Found" };
    let kind = match path.rsplit('.').next() {
        Some("js") => "text/javascript",
        Some("css") => "text/css",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        Some("md" | "txt") => "text/plain",
        _ => "text/html",
    };
    let body = content.unwrap_or_default();
    let size = body.len();
    // Hosts let browsers keep files for a while.
    write!(
        connection,
        "HTTP/1.1 {status}\r\ncontent-type: {kind}; charset=utf-8\r\ncontent-length: {size}\r\n\
         cache-control: max-age=600\r\nconnection: close\r\n\r\n"
    )?;
    Ok(connection.write_all(&body)?)
}
