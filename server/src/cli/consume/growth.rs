//! Partitions that a topic gets while it is followed.
//!
//! Invariant: they are read from where the group has committed, or else from their beginning on, wherever the others
//! began: all in them is new.

use std::io;
use std::sync::mpsc::SyncSender;
use std::thread;
use std::time::Duration;

use super::reader::{Chunk, From, Reader, STACK_SIZE};
use super::start;
use crate::cli::client::{ClientError, Partition};

/// Looks now and then, in the background, whether the topic has more partitions than are `known`, and reads them as
/// `reader` reads its own.
pub(super) fn follow(
    reader: Reader,
    group: Option<String>,
    mut known: u32,
    max_age: Duration,
    chunks: SyncSender<Chunk>,
) -> io::Result<()> {
    let watch = move || {
        loop {
            thread::sleep(max_age);
            // What is wrong with the topic, its readers say.
            let Ok(found) = reader.outage.outlast(true, || found(&reader, group.as_deref(), known)) else {
                return;
            };
            for (partition, from) in found {
                let added = Reader { partition, from, ..reader.clone() };
                if let Err(error) = added.start(chunks.clone()) {
                    eprintln!("logscope: partition {partition} is not read: {error}");
                    return;
                }
                known = partition + 1;
            }
        }
    };
    thread::Builder::new().stack_size(STACK_SIZE).spawn(watch).map(drop)
}

/// The partitions that there were not before, and where to begin in each.
fn found(reader: &Reader, group: Option<&str>, known: u32) -> Result<Vec<(u32, From)>, ClientError> {
    let topic = reader.client.topic(&reader.topic)?;
    let added: Vec<_> = topic.partitions.iter().filter(|partition| partition.partition >= known).collect();
    let committed = match group {
        Some(group) if !added.is_empty() => reader.client.committed(group)?.1.offsets,
        _ => Vec::new(),
    };
    let from = |partition: &Partition| {
        start::committed_in(&topic.name, partition, &committed).map_or(From::Earliest, From::Offset)
    };
    Ok(added.into_iter().map(|partition| (partition.partition, from(partition))).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use std::collections::BTreeMap;
    use std::path::Path;
    use std::sync::Arc;

    use clap::Parser;
    use logscope_server::{Broker, BrokerConfig, HttpConfig, app};
    use tokio::net::TcpListener;
    use tokio::runtime::Runtime;

    use super::*;
    use crate::cli::client::{Place, Server};

    #[derive(Parser)]
    struct Arguments {
        #[command(flatten)]
        server: Server,
    }

    /// A broker behind a socket for as long as the runtime lives, and a reader of its topic `t` with three partitions.
    fn reader(runtime: &Runtime, dir: &Path) -> Reader {
        let (broker, listener) = runtime.block_on(async {
            (
                Broker::open(dir, BrokerConfig::default()).unwrap(),
                TcpListener::bind("127.0.0.1:0").await.unwrap(),
            )
        });
        let url = format!("http://{}", listener.local_addr().unwrap());
        runtime.spawn(axum::serve(listener, app(broker, HttpConfig::default())).into_future());
        let client = Arguments::parse_from(["test", "--server", &url]).server.client().unwrap();
        client.create_topic(&"t".parse().unwrap(), Some(3), &BTreeMap::new()).unwrap();
        Reader {
            client: Arc::new(client),
            outage: Arc::default(),
            topic: "t".parse().unwrap(),
            partition: 0,
            from: From::Latest,
            max_bytes: 1,
            follow: true,
        }
    }

    #[test]
    fn a_new_partition_is_read_from_where_the_group_is() {
        let dir = tempfile::tempdir().unwrap();
        let runtime = Runtime::new().unwrap();
        let reader = reader(&runtime, dir.path());
        reader.client.commit("g", &[Place { topic: "t", partition: 2, offset: 7 }]).unwrap();
        assert_eq!(found(&reader, Some("g"), 1).unwrap(), [(1, From::Earliest), (2, From::Offset(7))]);
        assert_eq!(found(&reader, None, 2).unwrap(), [(2, From::Earliest)]);
        assert_eq!(found(&reader, Some("g"), 3).unwrap(), []);
    }
}
