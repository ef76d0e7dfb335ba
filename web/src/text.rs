//! The page's English: names of controls, headings, explanations. The steps' sentences are the engine's.

mod bytes;

pub(crate) use bytes::*;
pub(crate) mod live;

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

pub(crate) const NO_KEY: &str = "no key";
pub(crate) const TOMBSTONE: &str = "Tombstone";
pub(crate) const TOMBSTONE_HINT: &str =
    "A record with this key and no value: compaction is to forget the key";
pub(crate) const TOMBSTONE_WITHOUT_KEY: &str =
    "A tombstone needs a key: it says which one is to be forgotten.";
pub(crate) const TIMESTAMP: &str = "Timestamp";
pub(crate) const FIRST_TIME: &str = "2026-01-01 00:00:05";
pub(crate) const NO_TIMESTAMP: &str =
    "Timestamp takes a time in UTC, such as 2026-01-01 00:00:05, or milliseconds since 1970.";
pub(crate) const FIND_BY_TIME: &str = "Find by time";
pub(crate) const FIND: &str = "Find";
pub(crate) const FIND_HINT: &str = "The first record at or after this time";
pub(crate) const HOUSEKEEPING: &str = "Housekeeping";
pub(crate) const HOUSEKEEPING_HINT: &str = "Move the clock, then retain or compact.";
pub(crate) const TO_THE_LOG: &str = "To the log";
pub(crate) const LEGEND: &str = "Legend";
pub(crate) const BY_PRODUCER: &str = "by producer";
pub(crate) const BY_PRODUCER_HELP: &str =
    "Let the colours stand for the idempotent producers that sent the batches, not for keys";
pub(crate) const CLOCK: &str = "clock";
pub(crate) const DURATION: &str = "Duration";
pub(crate) const NO_DURATION: &str =
    "Duration takes a number with its unit: 500ms, 10s, 5m, 2h or 7d, up to 36500d.";
pub(crate) const ADVANCE: &str = "Advance";
pub(crate) const ADVANCE_HINT: &str = "Move the clock forward";
pub(crate) const COMPACT: &str = "Compact";
pub(crate) const COMPACT_HINT: &str = "Keep the newest record of each key, if cleanup.policy compacts";
pub(crate) const RETAIN: &str = "Retain";
pub(crate) const RETAIN_HINT: &str = "Delete the segments that retention.ms and retention.bytes let go";
pub(crate) const CUT_AT: &str = "Cut at";
pub(crate) const DELETE_BEFORE: &str = "Delete below";
pub(crate) const DELETE_BEFORE_HINT: &str = "Make this offset the log start";
pub(crate) const TRUNCATE: &str = "Truncate";
pub(crate) const TRUNCATE_HINT: &str = "Cut the end off: no batch reaches this offset any more";
pub(crate) const CONFIGS: &str = "Configs";
pub(crate) const CONFIGS_HINT: &str = "Times are 500ms, 10s, 5m, 2h, 7d; −1 is no limit.";
pub(crate) const APPLY: &str = "Apply";
pub(crate) const NO_CHANGE: &str = "Nothing is changed yet.";

pub(crate) const BACK: &str = "Back";
pub(crate) const FORWARD: &str = "Forward";
pub(crate) const PLAY: &str = "Play";
pub(crate) const PAUSE: &str = "Pause";
pub(crate) const TO_START: &str = "To the start";
pub(crate) const TO_END: &str = "To the end";
pub(crate) const PREVIOUS_ACTION: &str = "To the previous action";
pub(crate) const NEXT_ACTION: &str = "To the next action";
pub(crate) const SPEED: &str = "Speed";
pub(crate) const ACTIONS: &str = "Actions";
pub(crate) const NO_ACTIONS: &str = "No actions yet.";
pub(crate) const BEFORE_ALL: &str = "before the first action";
pub(crate) const FORKS: &str = "What you do here forks the log";
pub(crate) const PAST: &str =
    "You are looking at the past. What you do now forks the log here, and what came after is kept.";
pub(crate) const NO_FORK: &str = "This log was too large, when the page was loaded, to be kept twice: the past cannot be made anew. \
     Go to the last step to go on.";
pub(crate) const BRANCHES: &str = "Branches";
pub(crate) const ZOOM: &str = "Zoom";
pub(crate) const ZOOM_IN: &str = "Zoom in";
pub(crate) const ZOOM_OUT: &str = "Zoom out";
pub(crate) const ZOOM_TO_FIT: &str = "Zoom to fit";
pub(crate) const SEGMENTS_IN_VIEW: &str = "Segments in view";
pub(crate) const STEP: &str = "Step";
pub(crate) const WATCH: &str = "Watch this action";
pub(crate) const STEPS_OF_ACTION: &str = "Steps of this action";
pub(crate) const BEFORE_FIRST_STEP: &str = "Nothing has happened yet.";
pub(crate) const LOADING: &str = "Reading what this browser has saved…";

pub(crate) const TOPIC: &str = "Partitions and consumers";
pub(crate) const PARTITIONS: &str = "Partitions";
pub(crate) const PARTITION: &str = "Partition";
pub(crate) const AUTOMATIC: &str = "automatic";
pub(crate) const AUTOMATIC_HINT: &str = "By the key's hash; without a key, in turn";
pub(crate) const SET_PARTITIONS: &str = "Set";
pub(crate) const CONSUMER: &str = "Consumer";
pub(crate) const CONSUMER_WITHOUT_NAME: &str = "A consumer needs a name: its positions are kept under it.";
pub(crate) const CONSUMERS: &str = "Consumers";
pub(crate) const POLL: &str = "Poll";
pub(crate) const POLL_HINT: &str =
    "Fetch from this consumer's position on, in the next partition that has something for it";
pub(crate) const POLL_BYTES: &str = "Bytes a poll";
pub(crate) const COMMIT: &str = "Commit";
pub(crate) const COMMIT_HINT: &str = "Keep this consumer's positions: that is where it goes on";
pub(crate) const TOPIC_HINT: &str =
    "Each consumer is a group of its own and reads all partitions, one at a time.";
pub(crate) const BATCHES_OF: &str = "The batches of partition";
pub(crate) const SEGMENTS_OF: &str = "Segments in view of partition";
pub(crate) const LOOK_AT: &str = "Look at this partition: forms and files are of it";
pub(crate) const NEVER: &str = "–";
pub(crate) const ALL: &str = "all";

pub(crate) const PRODUCE: &str = "Produce";
pub(crate) const CONSUME: &str = "Consume";
pub(crate) const STORAGE: &str = "Storage";
pub(crate) const FAULTS: &str = "Faults of the disk";
pub(crate) const BATCH: &str = "Batch";
pub(crate) const FILE: &str = "File";
pub(crate) const OPEN_FILE: &str = "Show its bytes";
pub(crate) const RECORDS: &str = "Records";
pub(crate) const FETCHED_RECORDS: &str = "Fetched records";
pub(crate) const FILES: &str = "Files";
pub(crate) const LOG: &str = "The log's batches";
pub(crate) const HELP: &str = "Help";
pub(crate) const CLOSE: &str = "Close";
pub(crate) const TO_DARK: &str = "Dark theme";
pub(crate) const TO_LIGHT: &str = "Light theme";
pub(crate) const FIRST_SCENARIO: &str = "Show me";

pub(crate) const STORAGE_HINT: &str =
    "A crash loses what was not flushed, save the torn bytes: they had reached the disk.";
pub(crate) const BATCH_HINT: &str =
    "Choose a batch in the log, or a file below, to see its fields and its bytes.";
pub(crate) const BATCH_GONE: &str = "This batch is not there at this step.";
pub(crate) const FILE_GONE: &str = "This file is not there now.";
pub(crate) const EMPTY_FILE: &str = "The file is empty.";
pub(crate) const NOTHING_AT_STEP: &str = "Nothing on disk at this step.";
pub(crate) const NO_FETCH: &str = "Nothing fetched yet.";
pub(crate) const NO_RECORDS: &str = "No records in the answer so far.";
pub(crate) const NO_FILES: &str = "No files yet.";
pub(crate) const EMPTY_TITLE: &str = "Nothing here yet";
pub(crate) const EMPTY_TEXT: &str = "This is a Kafka commit log, the real engine, in your browser. Append a record, and \
     watch where its bytes go and why. Or begin with these commands:";
pub(crate) const STUCK: &str = "The log cannot be opened: what had been synced is damaged or missing, and cutting it off \
     would lose records for good. A byte that was flipped can be flipped back, and the log reopened; or reset it.";
pub(crate) const DOWN: &str = "The power has failed. Only files are left; reopen to recover the log.";

pub(crate) const DISK_BYTES: &str = "Disk bytes";
pub(crate) const LIMIT_DISK: &str = "Disk full";
pub(crate) const LIMIT_DISK_HINT: &str = "The disk takes so many bytes in all, and refuses what is more";
pub(crate) const FREE_DISK: &str = "Disk free";
pub(crate) const FREE_DISK_HINT: &str = "The disk takes any number of bytes again";
pub(crate) const FAIL_SYNC: &str = "Sync fails";
pub(crate) const FAIL_SYNC_HINT: &str = "The next sync reports an error";
pub(crate) const SEGMENT: &str = "Segment";
pub(crate) const LOSE_INDEX: &str = "Lose index";
pub(crate) const LOSE_INDEX_HINT: &str = "The offset index of this segment is gone from the disk";
pub(crate) const DAMAGE_INDEX: &str = "Damage index";
pub(crate) const DAMAGE_INDEX_HINT: &str =
    "A byte of the first entry in this segment's offset index is inverted";
pub(crate) const POISONED: &str =
    "A sync has failed: the log takes no appends until it is opened again. Fetches go on.";
/// What the disk takes, and what it holds.
pub(crate) fn disk_limit(limit: u64, used: u64) -> String {
    format!("The disk takes {limit} bytes in all; {used} are used.")
}

pub(crate) const SYNC_WILL_FAIL: &str = "The next sync is going to fail.";
pub(crate) const UNLIMITED: &str = "never";

pub(crate) const WHAT_IF: &str = "What if…";
pub(crate) const WHAT_IF_TITLE: &str = "What if";
pub(crate) const WHAT_IF_HINT: &str = "The commands up to this fetch run once more, aside, with these from the beginning on. Nothing of your log changes.";
pub(crate) const COMPARE: &str = "Compare";
pub(crate) const AS_IT_IS: &str = "As it is";
pub(crate) const SEGMENTS_READ: &str = "Segments read";
pub(crate) const ENTRIES_COMPARED: &str = "Index entries compared";
pub(crate) const SCANNED: &str = "Scanned before";
pub(crate) const TAKEN: &str = "In the answer";
pub(crate) const AMPLIFICATION: &str = "Bytes read per byte of answer";
pub(crate) const STOPPED_BY: &str = "Stopped by";
pub(crate) const NEXT_OFFSET: &str = "Next offset";
pub(crate) const NO_WHAT_IF: &str = "This log was too large, when the page was loaded, to be kept twice: its commands cannot be run once more.";
pub(crate) const FETCH_REFUSED: &str = "There the fetch is refused";
pub(crate) const NO_FETCH_THERE: &str = "There would be no fetch.";
pub(crate) const ORIGINAL: &str = "Original Python reader";
pub(crate) const ORIGINAL_HINT: &str =
    "Read on to the high watermark with the fetch of the project that this began as";
pub(crate) const BOTH_FETCHES: &str = "Both fetches";
pub(crate) const BUDGET: &str = "Budget";
pub(crate) const MISSED: &str = "Missing:";
pub(crate) const ORIGINAL_WHY: &str = "It skips any segment, save the last, whose base offset lies below the fetch offset, and so the rest of \
     each segment in which its budget ended.";

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

pub(crate) const LESSONS: &str = "Lessons";
pub(crate) const LESSONS_INTRO: &str = "Short, and in order. Each has a log of its own; yours is kept and comes back when you leave. What you do is \
     ticked off by what the engine does, and kept in this browser.";
pub(crate) const TRUTH: &str = "How true is this?";
pub(crate) const GLOSSARY: &str = "Glossary";
pub(crate) const IN_GLOSSARY: &str = "What this means";
pub(crate) const TASKS: &str = "Tasks";
pub(crate) const ONE_WAY: &str = "Show one way";
pub(crate) const BEGIN_AGAIN: &str = "Begin again";
pub(crate) const LEAVE_LESSON: &str = "Leave the lesson";
pub(crate) const LEAVE: &str = "Return to my log";
pub(crate) const ALL_DONE: &str = "That was the last lesson.";
pub(crate) const DONE: &str = "done";
pub(crate) const LOADING_TEXT: &str = "Loading…";
pub(crate) const PART_FAILED: &str = "A part of the page could not be loaded.";
pub(crate) const LOAD_AGAIN: &str = "Try again";
pub(crate) const KEPT_BESIDE: &str = "Beside your own log, not saved";
pub(crate) const SHARE: &str = "Share";
pub(crate) const SHARE_TITLE: &str = "Share, save, open";
pub(crate) const LINK_TITLE: &str = "A link to what you see";
pub(crate) const LINK: &str = "Link";
pub(crate) const LINK_HINT: &str = "The link holds the commands, the step and what is open. Running the commands was checked: they lead to these \
     very files, byte for byte.";
pub(crate) const NO_LINK: &str = "No link: the commands that led to this log are not all known here, or are too many. Save its files instead.";
pub(crate) const NOTHING_TO_LINK: &str = "No link yet: no command has been run.";
pub(crate) const AS_FILE: &str = "Save the commands as a file instead; it can be opened below.";
pub(crate) const COPY: &str = "Copy link";
pub(crate) const COPIED: &str = "Copied";
pub(crate) const NOT_COPIED: &str = "The browser does not let the page copy: press Ctrl C.";
pub(crate) const SAVE_TITLE: &str = "Save";
pub(crate) const SAVE_ALL: &str = "Save all as zip";
pub(crate) const SAVE_COMMANDS: &str = "Save the commands";
pub(crate) const SAVE_HINT: &str = "The zip holds the files as on disk, in a directory TOPIC-PARTITION. Unpacked, logscope verify and \
     kafka-dump-log read them.";
pub(crate) const OPEN_TITLE: &str = "Open beside my log";
pub(crate) const OPEN_FILES: &str = "Files";
pub(crate) const OPEN_FILES_HINT: &str = "a zip, segments and their indexes, or a scenario.txt";
pub(crate) const OPEN_FOLDER: &str = "A partition's folder";
pub(crate) const SCENARIO: &str = "Commands";
pub(crate) const SCENARIO_HINT: &str = "append hello key=ana\nflush";
pub(crate) const RUN_BESIDE: &str = "Run these";
pub(crate) const NOTHING_RUN: &str = "Nothing was run.";
pub(crate) const REST_SHOWN: &str = "All else is shown.";
pub(crate) const NO_COMMANDS: &str = "there is no command in it";
pub(crate) const CHOOSE_PARTITION: &str = "Several topics or partitions are in it. Which one?";

pub(crate) const READING: &str = "Reading…";
pub(crate) const SAVED: &str = "Saved in this browser";
pub(crate) const SAVING: &str = "Saving…";
pub(crate) const WATCHING: &str = "Watching only";
pub(crate) const ONLY_IN_MEMORY: &str = "Only in memory: ";
pub(crate) const WATCHING_A_TAB: &str =
    "Another tab of this browser writes the log. Here you see what it has flushed, as it comes.";
pub(crate) const WATCHING_NOBODY: &str =
    "The tab that wrote the log is closed. Here you see what it has left.";
pub(crate) const NOT_FLUSHED_NOT_SEEN: &str = "  # what is not flushed is not seen here";
pub(crate) const NOT_NOW: &str = "Nothing can be run now: the log is being read, or another tab writes it.";
pub(crate) const TAKE_OVER: &str = "Take over";
pub(crate) const STORAGE_OF_BROWSER: &str = "How the log is kept";
pub(crate) const KEPT_HINT: &str = "What is flushed is committed to IndexedDB before it counts as saved. A reload opens the log again as after a \
     crash, by the engine's own recovery.";
pub(crate) const MEMORY_HINT: &str = "The browser keeps nothing here, as in private windows or when its storage is full. The log is there until \
     the page is closed; what you want to keep can be saved as a zip, under Share.";
pub(crate) const BESIDE_HINT: &str =
    "Your own log stays as it was kept. The one that is shown is in memory only.";
pub(crate) const LOG_FILES: &str = "This log's files";
pub(crate) const USED: &str = "Used by this site";
pub(crate) const QUOTA: &str = "The browser allows";
pub(crate) const DELETED_BY_ITSELF: &str = "When space is short";
pub(crate) const PERSISTED: &str = "the browser keeps it";
pub(crate) const NOT_PERSISTED: &str = "the browser may delete it";
pub(crate) const ASK_TO_PERSIST: &str = "Ask the browser to keep it";
pub(crate) const NOT_AGREED: &str = "The browser did not agree. It decides by how much a site is used; a bookmark may help. A zip is safe in any case.";

pub(crate) const PAGE_HIDDEN: &str = "flush  # the page was hidden";

/// Keys and what they do.
pub(crate) const KEYS: [(&str, &str); 12] = [
    ("Space", "play or pause"),
    ("← →", "one step back or forward"),
    ("[ ]", "to the previous or next action"),
    ("Home End", "first or last step"),
    ("+ − 0", "zoom in, out, to fit"),
    ("Ctrl and wheel, drag, two fingers", "in the log: zoom, move"),
    ("?", "this list"),
    ("Esc", "close what is open"),
    ("Enter", "in the command line: run it"),
    ("↑ ↓", "in the command line: earlier commands"),
    ("arrows, Home End, Enter", "in the log: choose a batch, open it"),
    ("arrows, x", "in fields and bytes: go about; flip a byte"),
];

/// What a config is for.
pub(crate) fn config_meaning(key: &str) -> &'static str {
    match key {
        "segment.bytes" => "The log rolls before a segment would grow beyond this.",
        "segment.ms" => "The log rolls before a batch that is this much later than the segment's first.",
        "index.interval.bytes" => "An index entry is added after more than this many bytes of batches.",
        "segment.index.bytes" => "The log rolls when an index has reached this size.",
        "max.message.bytes" => "The largest record batch that is accepted.",
        "message.timestamp.type" => {
            "Whether records keep the time that they come with, or get that of the append."
        }
        "compression.type" => {
            "How batches are compressed on the way into the log; producer leaves them as they come."
        }
        "cleanup.policy" => {
            "What becomes of old segments: retention deletes them, compaction thins them out."
        }
        "retention.ms" => "A segment goes when its newest record is older than this.",
        "retention.bytes" => "The oldest segments go while the log is larger than this.",
        "delete.retention.ms" => "How long compaction keeps a tombstone.",
        "min.cleanable.dirty.ratio" => "A broker compacts when this much of what it would read is new.",
        "flush.messages" => "The log flushes by itself as soon as so many records wait.",
        "flush.ms" => "The log flushes by itself as soon as a record has been waiting for so long.",
        "producer.id.expiration.ms" => "An idempotent producer that has been silent for longer is forgotten.",
        _ => "",
    }
}

/// Where the clock stands when files are opened.
pub(crate) fn clock_begins(now_ms: i64) -> String {
    format!("The clock begins at {}.", crate::state::format::timestamp(now_ms))
}
