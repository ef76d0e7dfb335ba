//! What the fields are, in a sentence each.

/// The sentence for a field's name. A number at the end of the name makes no difference.
pub(super) fn of(name: &str) -> &'static str {
    let plain = name.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end();
    let row = MEANINGS.iter().find(|(known, _)| *known == plain);
    row.map_or("", |(_, meaning)| meaning)
}

const MEANINGS: [(&str, &str); 58] = [
    // The batch and its header.
    ("batch", "Records that were appended as one; the unit of the log."),
    ("baseOffset", "Offset of the first record. The log assigns it; the checksum does not cover it."),
    ("batchLength", "Bytes that follow this field."),
    ("partitionLeaderEpoch", "Which leader appended the batch. The checksum does not cover it."),
    ("magic", "Version of the format."),
    ("crc", "CRC-32C of everything that follows it, to the end of the batch or of the file."),
    ("attributes", "Bits 0–2 codec, 3 timestamp type, 4 transactional, 5 control, 6 delete horizon."),
    ("lastOffsetDelta", "The last record's offset, counted from the base offset."),
    ("baseTimestamp", "Milliseconds from which the records' timestamps count."),
    ("maxTimestamp", "The largest timestamp in the batch."),
    ("producerId", "Who wrote it, for idempotent producers."),
    ("producerEpoch", "Which life of that producer."),
    ("baseSequence", "The first record's number in the producer's sequence."),
    ("recordsCount", "How many records follow."),
    ("records", "The records, one after another."),
    // The record.
    ("record", "A key, a value and headers, with an offset and a timestamp."),
    ("length", "Bytes of the record that follow this field, as a zigzag varint."),
    ("recordAttributes", "Unused in this version."),
    ("timestampDelta", "The record's timestamp, counted from the base timestamp, as a zigzag varlong."),
    ("offsetDelta", "An offset, counted from the batch's base offset."),
    ("keyLength", "Bytes of the key as a zigzag varint; −1 is null."),
    ("key", "What the record is about; decides its partition."),
    ("valueLength", "Bytes of the value as a zigzag varint; −1 is null, a tombstone in a compacted topic."),
    ("value", "The payload."),
    ("headersCount", "How many headers follow, as a zigzag varint."),
    ("header", "A name and a value that the producer added."),
    ("headerKeyLength", "Bytes of the header's name as a zigzag varint."),
    ("headerKey", "The header's name."),
    ("headerValueLength", "Bytes of the header's value as a zigzag varint; −1 is null."),
    ("headerValue", "The header's value."),
    (
        "group",
        "Its first bit says whether another byte follows; the other seven belong to the number, lowest first.",
    ),
    ("more records", "They are there and were not taken apart."),
    ("unreadable", "What follows the damage cannot be told apart."),
    // The indexes.
    ("index entry", "Leads from an offset to a batch in the .log file."),
    ("relativeOffset", "An offset, counted from the segment's base offset."),
    ("position", "Where the batch begins in the .log file, in bytes."),
    ("time index entry", "Leads from a timestamp to an offset."),
    ("timestamp", "Milliseconds since the Unix epoch."),
    ("padding", "Zeros: Kafka allocates an index in advance and cuts it when the segment is closed."),
    // The snapshot of producer state.
    ("version", "Version of the snapshot's format."),
    ("count", "How many entries follow."),
    ("producer", "A batch that the producer wrote last, or before."),
    ("lastSequence", "The number of the batch's last record in the producer's sequence."),
    ("lastOffset", "The offset of the batch's last record."),
    ("coordinatorEpoch", "Which life of the transaction coordinator wrote the last marker; −1 is none."),
    ("currentTxnFirstOffset", "Where the producer's open transaction begins; −1 is none."),
    // The checkpoint.
    ("logscope-checkpoint", "Version of the checkpoint's format."),
    ("log-start-offset", "The first offset in the log."),
    ("recovery-point", "Everything below this offset is known to be durable."),
    ("active-segment", "Base offset of the last segment when this was written."),
    ("cleaned-up-to", "Below this offset, compaction may have left holes."),
    ("first-dirty-offset", "Below this offset, compaction has done its work."),
    (
        "delete-horizon",
        "When compaction may next drop tombstones, in milliseconds since the Unix epoch; −1 is never.",
    ),
    ("clean", "Whether the log was closed in good order."),
    ("crc32c", "CRC-32C of all bytes before this line."),
    ("line", "No line that a checkpoint has."),
    ("cut off", "The file ends in the middle of this."),
    ("trailing", "Bytes that belong to nothing."),
];
