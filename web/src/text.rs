//! The page's English: names of controls, headings, explanations. The steps' sentences are the engine's.

pub(crate) const PAYLOAD: &str = "Payload";
pub(crate) const KEY: &str = "Key";
pub(crate) const COUNT: &str = "Count";
pub(crate) const APPEND: &str = "Append";
pub(crate) const OFFSET: &str = "Offset";
pub(crate) const MAX_BYTES: &str = "Max bytes";
pub(crate) const MAX_BYTES_SLIDER: &str = "Byte budget";
pub(crate) const FETCH: &str = "Fetch";
pub(crate) const FLUSH: &str = "Flush";
pub(crate) const CRASH: &str = "Crash";
pub(crate) const TORN_BYTES: &str = "Torn bytes";
pub(crate) const REOPEN: &str = "Reopen";
pub(crate) const RESET: &str = "Reset";
pub(crate) const COMMAND: &str = "Command";
pub(crate) const COMMAND_HINT: &str = "append hello key=user-1";

pub(crate) const BACK: &str = "Back";
pub(crate) const FORWARD: &str = "Forward";
pub(crate) const PLAY: &str = "Play";
pub(crate) const PAUSE: &str = "Pause";
pub(crate) const TO_START: &str = "To the start";
pub(crate) const TO_END: &str = "To the end";
pub(crate) const STEP: &str = "Step";
pub(crate) const WATCH: &str = "Watch this action";
pub(crate) const STEPS_OF_ACTION: &str = "Steps of this action";
pub(crate) const BEFORE_FIRST_STEP: &str = "Nothing has happened yet.";
pub(crate) const LOADING: &str = "Reading what this browser has saved…";

pub(crate) const PRODUCE: &str = "Produce";
pub(crate) const CONSUME: &str = "Consume";
pub(crate) const STORAGE: &str = "Storage";
pub(crate) const BATCH: &str = "Batch";
pub(crate) const RECORDS: &str = "Records";
pub(crate) const FETCHED_RECORDS: &str = "Fetched records";
pub(crate) const FILES: &str = "Files";
pub(crate) const LOG: &str = "The log, a lane for each segment";
pub(crate) const HELP: &str = "Help";
pub(crate) const CLOSE: &str = "Close";
pub(crate) const TO_DARK: &str = "Dark theme";
pub(crate) const TO_LIGHT: &str = "Light theme";
pub(crate) const FIRST_SCENARIO: &str = "Show me";

pub(crate) const STORAGE_HINT: &str =
    "A crash loses what was not flushed. Torn bytes are those that had reached the disk all the same.";
pub(crate) const BATCH_HINT: &str = "Choose a batch in the log to see its fields and its bytes.";
pub(crate) const BATCH_GONE: &str = "This batch is not there at this step.";
pub(crate) const NOTHING_AT_STEP: &str = "Nothing on disk at this step.";
pub(crate) const NO_FETCH: &str = "Nothing fetched yet.";
pub(crate) const NO_RECORDS: &str = "No records in the answer so far.";
pub(crate) const NO_FILES: &str = "No files yet.";
pub(crate) const EMPTY_TITLE: &str = "Nothing here yet";
pub(crate) const EMPTY_TEXT: &str = "This is a Kafka commit log, the real engine, in your browser. Append a record, and \
     watch where its bytes go and why. Or begin with these commands:";
pub(crate) const STUCK: &str = "The log cannot be opened: a segment before the last one is damaged, and cutting it there \
     would lose what comes after. Flip the byte back and reopen, or reset.";
pub(crate) const DOWN: &str = "The power has failed. Only files are left; reopen to recover the log.";

/// What the page offers to somebody who has nothing yet: three keys, several segments, an unflushed end, a fetch.
pub(crate) const FIRST_LINES: [&str; 9] = [
    "append \"order placed\" key=ana count=3",
    "append \"card charged\" key=ben count=3",
    "append \"parcel packed\" key=cy count=2",
    "append \"parcel handed to the courier\" key=ana count=3",
    "append delivered key=ben count=3",
    "flush",
    "append \"five stars\" key=cy",
    "append returned key=ana",
    "fetch 3 max_bytes=300",
];

pub(crate) const OTHER_TAB: &str = "another tab has this log";
pub(crate) const PAGE_HIDDEN: &str = "flush  # the page was hidden";

/// Keys and what they do.
pub(crate) const KEYS: [(&str, &str); 8] = [
    ("Space", "play or pause"),
    ("← →", "one step back or forward"),
    ("Home End", "first or last step"),
    ("?", "this list"),
    ("Esc", "close what is open"),
    ("Enter", "in the command line: run it"),
    ("↑ ↓", "in the command line: earlier commands"),
    ("arrows, Home End, Enter", "in the log: choose a batch, open it"),
];

/// What a field of the batch header is for.
pub(crate) fn meaning(field: &str) -> &'static str {
    match field {
        "baseOffset" => "Offset of the first record. The log assigns it; the checksum does not cover it.",
        "batchLength" => "Bytes that follow this field.",
        "partitionLeaderEpoch" => "Which leader appended the batch. The checksum does not cover it.",
        "magic" => "Version of the format.",
        "crc" => "CRC-32C of everything from the attributes on.",
        "attributes" => "Bits 0–2 codec, 3 timestamp type, 4 transactional, 5 control.",
        "lastOffsetDelta" => "The last record's offset, counted from the base offset.",
        "baseTimestamp" => "Milliseconds from which the records' timestamps count.",
        "maxTimestamp" => "The largest timestamp in the batch.",
        "producerId" => "Who wrote it, for exactly-once producers.",
        "producerEpoch" => "Which life of that producer.",
        "baseSequence" => "The first record's number in the producer's sequence.",
        "recordsCount" => "How many records follow.",
        _ => "",
    }
}
