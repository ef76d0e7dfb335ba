//! What happens to a topic, said to a person.

use super::super::sentence;
use super::TopicEvent;

/// Says an event to a person.
pub fn topic_sentence(event: &TopicEvent) -> String {
    match event {
        TopicEvent::Log { event, .. } => sentence(event),
        TopicEvent::PartitionsAdded { from, to } if from == to => {
            format!("The topic has {to} partitions already.")
        }
        TopicEvent::PartitionsAdded { from, to } => format!(
            "The topic goes from {from} to {to} partitions. Records stay where they are, but a key may go elsewhere from \
             now on: its hash is divided by {to}."
        ),
        TopicEvent::KeyRouted { key, hash, partitions, partition } => {
            let (key, positive) = (String::from_utf8_lossy(key), hash & 0x7fff_ffff);
            format!(
                "murmur2 of the key \"{key}\" is {positive} (its sign bit taken off), and {positive} mod {partitions} is \
                 {partition}: the record goes to partition {partition}, as every record of this key does."
            )
        }
        TopicEvent::TurnTaken { partition, partitions } => format!(
            "The record has no key, so any of the {partitions} partitions will do: this batch goes to partition \
             {partition}, and the next to another. (Kafka's clients switch after `batch.size` bytes.)"
        ),
        TopicEvent::Polled { consumer, partition, position, records, next, lag } => {
            let plural = if *records == 1 { "record" } else { "records" };
            let behind = match lag {
                0 => "there is nothing left for it".to_owned(),
                lag => format!("its lag is {lag}"),
            };
            format!(
                "The consumer {consumer} gets {records} {plural} of partition {partition} from offset {position} on. Its \
                 position is {next} now, and {behind}."
            )
        }
        TopicEvent::NothingToPoll { consumer } => format!(
            "There is nothing below a high watermark that the consumer {consumer} has not read. A broker would keep its \
             request until something comes (`fetch.max.wait.ms`)."
        ),
        TopicEvent::PositionReset { consumer, partition, from, to } => format!(
            "Offset {from} of partition {partition} is not in the log any more, so the consumer {consumer} goes on at the \
             log start, offset {to} (`auto.offset.reset`=earliest)."
        ),
        TopicEvent::OffsetCommitted { consumer, partition, offset } => format!(
            "The consumer {consumer} commits offset {offset} for partition {partition}. If it starts anew, it goes on \
             there; what it read after its last commit it would read again."
        ),
        TopicEvent::Refused { message } => format!("Refused: {message}."),
    }
}
