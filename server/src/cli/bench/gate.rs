//! The gate: every record that was acknowledged is read back, once, under its offset.

use std::error::Error;

use indicatif::ProgressBar;
use logscope::topic::TopicName;
use logscope_server::broker::MAX_WAIT;

use super::work::{Producer, read_payload};
use crate::cli::client::{Client, Record};

/// Bytes of batches to read back at once.
const MAX_BYTES: u64 = 4 << 20;

/// Whose record stands at an offset: the connection's, and its number there.
type Owner = (u32, u64);

/// Reads all partitions back, and holds them against what the producers were told.
pub(super) fn read_back(
    client: &Client,
    topic: &TopicName,
    partitions: u32,
    producers: &[Producer],
    bar: &ProgressBar,
) -> Result<(), Box<dyn Error>> {
    for (partition, owners) in (0..).zip(expected(partitions, producers)?) {
        let mut offset = 0;
        while offset < owners.len() as u64 {
            let fetched = client.fetch(topic, partition, &offset.to_string(), MAX_BYTES, MAX_WAIT)?;
            if fetched.records.is_empty() {
                let end = owners.len();
                return Err(format!("partition {partition} ends at {offset} of {end} records").into());
            }
            for record in &fetched.records {
                check(partition, offset, record, owners.get(offset as usize))?;
                offset += 1;
            }
            bar.inc(fetched.records.len() as u64);
        }
    }
    Ok(())
}

/// Of each partition, whose record should be at each offset. Offsets begin at 0 and leave none out.
fn expected(partitions: u32, producers: &[Producer]) -> Result<Vec<Vec<Owner>>, String> {
    let mut records: Vec<Vec<(u64, Owner)>> = vec![Vec::new(); partitions as usize];
    for producer in producers {
        for (number, (partition, offset)) in (0..).zip(&producer.acknowledged) {
            let of_partition = records.get_mut(*partition as usize);
            let of_partition = of_partition.ok_or_else(|| format!("there is no partition {partition}"))?;
            of_partition.push((*offset, (producer.connection, number)));
        }
    }
    let mut owners = Vec::with_capacity(records.len());
    for (partition, mut records) in records.into_iter().enumerate() {
        records.sort_unstable();
        if let Some((at, _)) = (0..).zip(&records).find(|(at, (offset, _))| at != offset) {
            return Err(format!(
                "in partition {partition}, the offset {at} was given to nobody, or one twice"
            ));
        }
        owners.push(records.into_iter().map(|(_, owner)| owner).collect());
    }
    Ok(owners)
}

fn check(partition: u32, offset: u64, record: &Record, owner: Option<&Owner>) -> Result<(), String> {
    let payload = record.rest.get("payload").and_then(|payload| payload.as_str());
    let found = payload.and_then(read_payload);
    if record.offset != offset {
        return Err(format!("in partition {partition}, {} came where {offset} was due", record.offset));
    }
    match (owner, found) {
        (Some(owner), Some(found)) if *owner == found => Ok(()),
        _ => Err(format!(
            "in partition {partition}, the record at {offset} is not the one that was acknowledged"
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use logscope_load::Target;

    use super::*;

    fn producer(connection: u32, acknowledged: &[(u32, u64)]) -> Option<Producer> {
        Some(Producer {
            target: Target::new("x", None).ok()?,
            path: String::new(),
            connection,
            batch: 1,
            size: 16,
            records: 0,
            acknowledged: acknowledged.to_vec(),
            body: Vec::new(),
            left: Arc::default(),
            bar: ProgressBar::hidden(),
        })
    }

    #[test]
    fn offsets_are_given_out_once_and_without_holes() {
        let of = |all: [&[(u32, u64)]; 2]| {
            let producers: Vec<_> = (0..).zip(all).filter_map(|(at, all)| producer(at, all)).collect();
            expected(2, &producers)
        };
        let owners = of([&[(0, 1), (1, 0)], &[(0, 0), (0, 2)]]);
        assert_eq!(owners, Ok(vec![vec![(1, 0), (0, 0), (1, 1)], vec![(0, 1)]]));
        assert!(of([&[(0, 0)], &[(0, 0)]]).is_err(), "given twice");
        assert!(of([&[(0, 0)], &[(0, 2)]]).is_err(), "a hole");
        assert!(of([&[(2, 0)], &[]]).is_err(), "no such partition");
    }

    #[test]
    fn another_record_than_the_acknowledged_one_is_found_out() {
        let record = |offset, payload: &str| Record {
            partition: 0,
            offset,
            timestamp: 0,
            rest: [("payload".to_owned(), payload.into())].into_iter().collect(),
        };
        assert_eq!(check(0, 5, &record(5, "1-a.xx"), Some(&(1, 10))), Ok(()));
        assert!(check(0, 5, &record(6, "1-a.xx"), Some(&(1, 10))).is_err());
        assert!(check(0, 5, &record(5, "2-a.xx"), Some(&(1, 10))).is_err());
        assert!(check(0, 5, &record(5, "1-a.xx"), None).is_err());
    }
}
