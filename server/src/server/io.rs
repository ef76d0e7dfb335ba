//! A connection that counts its bytes, that breaks when the other side takes nothing for too long, and that says why
//! what is no HTTP was refused.

use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Unit;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use super::refused::HeadLimits;
use crate::broker::Metrics;

/// So many bytes are sent in one piece: to copy them takes less than to tell the kernel of several.
const SMALL: usize = 512;

/// What is counted of connections.
#[derive(Debug, Clone, Default)]
pub struct ConnectionMetrics {
    open: Gauge,
    refused: Counter,
    received: Counter,
    sent: Counter,
}

impl ConnectionMetrics {
    /// Counts among a broker's metrics. Servers that are to be counted together take clones of one.
    pub fn register(metrics: &Metrics) -> Self {
        let this = Self::default();
        let Self { open, refused, received, sent } = this.clone();
        metrics.register(|registry| {
            let registry = registry.sub_registry_with_prefix("http");
            registry.register("connections", "Connections that are open now", open);
            registry.register("connections_refused", "Connections refused at the limit", refused);
            let help = "Bytes received on connections, heads included";
            registry.register_with_unit("received", help, Unit::Bytes, received);
            let help = "Bytes sent on connections, heads included";
            registry.register_with_unit("sent", help, Unit::Bytes, sent);
        });
        this
    }

    pub(super) fn refused(&self) {
        self.refused.inc();
    }
}

pub(super) struct Connection {
    stream: TcpStream,
    write_timeout: Duration,
    /// Runs while the other side takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
    limits: HeadLimits,
    /// What is sent in the place of a refusal, from here on.
    refusal: Option<(Vec<u8>, usize)>,
    metrics: ConnectionMetrics,
}

impl Connection {
    pub(super) fn new(
        stream: TcpStream,
        write_timeout: Duration,
        limits: HeadLimits,
        metrics: ConnectionMetrics,
    ) -> Self {
        metrics.open.inc();
        Self { stream, write_timeout, stalled: None, limits, refusal: None, metrics }
    }

    /// Sends what is told in the place of `bytes`, if they are a refusal: as long as it is not all sent, they are not
    /// taken.
    fn write_refusal(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Option<Poll<Result<usize>>> {
        let (told, mut sent) = self.refusal.take().or_else(|| Some((self.limits.told(bytes)?, 0)))?;
        while sent < told.len() {
            let written = Pin::new(&mut self.stream).poll_write(context, &told[sent..]);
            match self.written(context, written) {
                Poll::Ready(Ok(0)) => return Some(Poll::Ready(Err(ErrorKind::WriteZero.into()))),
                Poll::Ready(Ok(written)) => sent += written,
                Poll::Ready(Err(error)) => return Some(Poll::Ready(Err(error))),
                Poll::Pending => {
                    self.refusal = Some((told, sent));
                    return Some(Poll::Pending);
                }
            }
        }
        Some(Poll::Ready(Ok(bytes.len())))
    }

    /// What a write brought; or the end, if none has for too long.
    fn written(&mut self, context: &mut Context<'_>, write: Poll<Result<usize>>) -> Poll<Result<usize>> {
        match write {
            Poll::Ready(written) => {
                self.stalled = None;
                self.metrics.sent.inc_by(written.as_ref().map_or(0, |bytes| *bytes as u64));
                Poll::Ready(written)
            }
            Poll::Pending => {
                let limit = self.write_timeout;
                let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(limit)));
                let late = || Error::new(ErrorKind::TimedOut, "the client takes nothing");
                stalled.as_mut().poll(context).map(|()| Err(late()))
            }
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.metrics.open.dec();
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let received = buffer.filled().len() - before;
        if received > 0 {
            self.metrics.received.inc_by(received as u64);
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        if let Some(refused) = self.write_refusal(context, bytes) {
            return refused;
        }
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        if let [head] = slices
            && let Some(refused) = self.write_refusal(context, head)
        {
            return refused;
        }
        let mut small = [0; SMALL];
        let written = match gathered(slices, &mut small) {
            Some(all) => Pin::new(&mut self.stream).poll_write(context, all),
            None => Pin::new(&mut self.stream).poll_write_vectored(context, slices),
        };
        self.written(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// All these bytes one after another, if there is room for them.
fn gathered<'a>(slices: &[IoSlice<'_>], room: &'a mut [u8; SMALL]) -> Option<&'a [u8]> {
    let mut size = 0;
    for slice in slices {
        room.get_mut(size..size + slice.len())?.copy_from_slice(slice);
        size += slice.len();
    }
    Some(&room[..size])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_small_is_sent_in_one_piece() {
        let gathered = |sizes: &[usize]| {
            let parts: Vec<Vec<u8>> = (1..).zip(sizes).map(|(byte, size)| vec![byte; *size]).collect();
            let slices: Vec<_> = parts.iter().map(|part| IoSlice::new(part)).collect();
            let mut room = [0; SMALL];
            super::gathered(&slices, &mut room).map(|all| (all.to_vec(), parts.concat()))
        };
        for sizes in [&[][..], &[0], &[1, 2, 3], &[SMALL], &[1, 0, SMALL - 1]] {
            let (all, expected) = gathered(sizes).unwrap();
            assert_eq!(all, expected, "{sizes:?}");
        }
        for sizes in [&[SMALL + 1][..], &[1, SMALL], &[SMALL, 0, 1]] {
            assert_eq!(gathered(sizes), None, "{sizes:?}");
        }
    }
}
