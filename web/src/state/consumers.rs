//! How far consumers have come in a topic, as a table has it and as the drawing marks it.

use std::rc::Rc;

use logscope::lab::{ConsumerPicture, ConsumersPicture, Picture, TopicPicture};

/// A consumer in a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) partition: u32,
    /// Where it goes on, if it has read there.
    pub(crate) position: Option<u64>,
    /// What it has committed, if it has.
    pub(crate) committed: Option<u64>,
    /// How many records it has still to read: from its position, or else from the log start, up to the high watermark.
    pub(crate) lag: u64,
}

/// The consumers by name, each with its place in every partition.
pub(crate) fn places(topic: &TopicPicture) -> Vec<(&str, Vec<Place>)> {
    let of = |consumer: &ConsumerPicture| -> Vec<Place> {
        (0..)
            .zip(topic.partitions())
            .map(|(partition, picture)| place(consumer, partition, picture))
            .collect()
    };
    topic.consumers.consumers.iter().map(|(name, consumer)| (name.as_str(), of(consumer))).collect()
}

fn place(consumer: &ConsumerPicture, partition: u32, picture: &Picture) -> Place {
    let log = &picture.log;
    let from = consumer.position(partition).max(log.log_start_offset);
    Place {
        partition,
        position: consumer.positions.get(&partition).copied(),
        committed: consumer.committed.get(&partition).copied(),
        lag: log.high_watermark.saturating_sub(from),
    }
}

/// A place in a partition where consumers go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reader {
    /// Who.
    pub(crate) names: String,
    pub(crate) position: u64,
}

/// The places in a partition where consumers go on, in order.
pub(crate) fn readers(consumers: &ConsumersPicture, partition: u32) -> Rc<Vec<Reader>> {
    let mut readers: Vec<Reader> = Vec::new();
    for (name, consumer) in &consumers.consumers {
        let known =
            consumer.positions.contains_key(&partition) || consumer.committed.contains_key(&partition);
        if !known {
            continue;
        }
        let position = consumer.position(partition);
        match readers.binary_search_by_key(&position, |reader| reader.position) {
            Ok(at) => readers[at].names.push_str(&format!(", {name}")),
            Err(at) => readers.insert(at, Reader { names: name.clone(), position }),
        }
    }
    Rc::new(readers)
}

#[cfg(test)]
mod tests {
    use logscope::lab::{TopicLab, parse_topic_scenario};
    use logscope::storage::MemoryStorage;

    use super::*;

    fn after(scenario: &str) -> TopicPicture {
        let mut lab = TopicLab::new(1, |_| MemoryStorage::new());
        let mut topic = TopicPicture::default();
        for (_, action) in parse_topic_scenario(scenario).unwrap() {
            lab.run(&action).events.iter().for_each(|event| topic.apply(event));
        }
        topic
    }

    #[test]
    fn a_consumer_has_a_place_in_each_partition() {
        let topic = after(
            "partitions 2\nappend a count=6\nflush\npoll c max_bytes=1\ncommit c\npoll c max_bytes=1\npoll c max_bytes=1\n\
             append late count=2",
        );
        let places = places(&topic);
        let [("c", places)] = places.as_slice() else { panic!("{places:?}") };
        let place = |partition, position, committed, lag| Place { partition, position, committed, lag };
        assert_eq!(places[0], place(0, Some(2), Some(1), 1));
        assert_eq!(places[1], place(1, Some(1), None, 2));
        let topic = after("append a count=6\nflush\ndelete-before 4\npoll c max_bytes=1\nreopen");
        assert_eq!(super::places(&topic)[0].1, [place(0, Some(5), None, 1)]);
    }

    #[test]
    fn readers_at_one_place_share_a_mark() {
        let topic = after("partitions 2\nappend a count=4\nflush\npoll c\npoll b\npoll a max_bytes=1");
        let names = |partition| -> Vec<(String, u64)> {
            let readers = readers(&topic.consumers, partition);
            readers.iter().map(|reader| (reader.names.clone(), reader.position)).collect()
        };
        assert_eq!(names(0), [("a".to_owned(), 1), ("b, c".to_owned(), 2)]);
        assert_eq!(names(1), []);
    }
}
