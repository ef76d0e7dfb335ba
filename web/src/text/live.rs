//! The English of a running broker's log.

use crate::state::format::count;
use crate::state::live::loaded::Unread;

pub(crate) const BROWSER: &str = "browser";
pub(crate) const LIVE: &str = "live";
pub(crate) const WHOSE_LOG: &str = "Whose log";
pub(crate) const REGION: &str = "A running broker";

pub(crate) const TOPIC: &str = "Topic and partition";
pub(crate) const CHOOSE: &str = "Choose one";
pub(crate) const NO_TOPICS: &str =
    "This broker has no topics yet. One is created when something is first produced to it; then look again.";
pub(crate) const LOOK_AGAIN: &str = "Look again";
pub(crate) const TRY_NOW: &str = "Try now";
pub(crate) const BROKER: &str = "Broker";
pub(crate) const BROKER_HINT: &str = "where this page comes from";
pub(crate) const CALL: &str = "Connect";
pub(crate) const TOKEN: &str = "Token";
pub(crate) const GIVE: &str = "Send";
pub(crate) const NEEDS_TOKEN: &str =
    "The broker asks for its token. It is kept only as long as this page is open.";
pub(crate) const WRONG_TOKEN: &str = "The broker does not take this token.";
pub(crate) const FOLLOW: &str = "Go live";
pub(crate) const READ_MORE: &str = "Read more";
pub(crate) const READING: &str = "Reading…";
pub(crate) const TOO_MANY: &str = "More of it is not drawn.";

pub(crate) const IDLE: &str = "choose a partition";
pub(crate) const CONNECTING: &str = "connecting…";
pub(crate) const LOADING: &str = "reading what is there…";
pub(crate) const CONNECTED: &str = "live";
pub(crate) const PAUSED: &str = "paused";
pub(crate) const ASKS: &str = "needs a token";
pub(crate) const GONE: &str = "not connected";
pub(crate) const RESTS: &str = "not listening";

pub(crate) const RESTS_FULL: &str =
    "So much has happened since you paused that the page has stopped listening.";
pub(crate) const RESTS_MISSED: &str = "The log began anew meanwhile: the broker was gone, or the topic's configs were altered. What you see is the time before.";

pub(crate) const BEGAN_ANEW: &str =
    "The picture begins anew: the connection was broken, or the topic's configs were altered.";

pub(crate) const NO_ANSWER: &str = "The broker does not answer.";
pub(crate) const BROKEN: &str = "The connection broke off.";
pub(crate) const NO_BROKER_HERE: &str =
    "This page was not served by a broker, so there is none to look into. Type the address of one.";

pub(crate) const NEWER: &str = "The last answer, not of the step that is shown.";
pub(crate) const NOTHING_WATCHED: &str = "Choose a topic and a partition above: its segments are drawn here, and what the broker does with them as it happens.";
pub(crate) const NOTHING_YET: &str = "Nothing has happened since you began to watch.";
pub(crate) const FLUSH_HINT: &str = "Make all records durable now";
pub(crate) const COMPACT_HINT: &str = "Compact now, if cleanup.policy compacts";
pub(crate) const RETAIN_HINT: &str = "Delete now what retention.ms and retention.bytes let go";
pub(crate) const STORAGE_HINT: &str =
    "These change the broker's log. It flushes, retains and compacts by itself as well.";
pub(crate) const ASK_THE_BROKER: &str =
    "A broker's log is shown: the console is for the log in this browser, and a broker is asked by HTTP.";
pub(crate) const ONLY_IN_THE_LAB: &str =
    "A running broker's log can't be crashed, damaged or set back from here.";
pub(crate) const CONFIGS_HINT: &str =
    "Times are 500ms, 10s, 5m, 2h, 7d; −1 is no limit. What is applied here holds for the whole topic.";
pub(crate) const ALTERED: &str = "The topic goes by the new configs from now on.";
pub(crate) const FLUSHED: &str = "All records are durable.";
pub(crate) const COMPACTED: &str = "The log is compacted.";
pub(crate) const NOT_COMPACTED: &str = "There was nothing to compact, or cleanup.policy does not compact.";
pub(crate) const NOT_FOUND: &str = "There is no record at or after that time.";
pub(crate) const TOO_LARGE_TO_SAVE: &str = "These files are too large to be put together in a page: copy the partition's directory, or ask the HTTP API for them.";
pub(crate) const READING_BYTES: &str = "Reading its bytes…";
pub(crate) const NO_BYTES: &str = "No bytes: the reason stands above the log.";
pub(crate) const NOT_SERVED: &str =
    "The broker gives the bytes of segments and their indexes, not of this file.";

pub(crate) fn no_answer(broker: &str) -> String {
    format!(
        "The browser got no answer from {broker} that this page may see. Either nothing listens there, or the broker does \
         not let pages of this address in: start it with --cors-origin and the address of this page."
    )
}

pub(crate) fn no_broker_at(broker: &str) -> String {
    format!("What answers at {broker} is no Logscope broker.")
}

pub(crate) fn unreadable(what: &str) -> String {
    format!(
        "The broker's answer is not understood ({what} is missing or otherwise than expected): it may be of another version than this page."
    )
}

pub(crate) fn no_address(typed: &str) -> String {
    format!("{typed:?} is no broker's address; one looks like http://127.0.0.1:8080 or https://broker.lan.")
}

pub(crate) fn no_place(place: &str) -> String {
    format!("the link's {place:?} is no partition of a topic; one looks like orders/0")
}

pub(crate) fn unknown_part(name: &str) -> String {
    format!("the link's part {name:?} is not understood beside `live`; only `broker` is")
}

pub(crate) fn produced(offsets: &[u64]) -> String {
    match offsets {
        [offset] => format!("The record is durable, at offset {offset}."),
        [first, .., last] => format!("{} records are durable, at offsets {first} to {last}.", offsets.len()),
        [] => String::new(),
    }
}

pub(crate) fn fetched(records: usize, next: u64, stopped_by: &str) -> String {
    let records = count(records as u64, "record", "records");
    format!("{records} came; the reader goes on at {next} (stopped_by: {stopped_by}).")
}

pub(crate) fn found(offset: u64) -> String {
    format!("The first record at or after that time has offset {offset}.")
}

pub(crate) fn retained(segments: usize) -> String {
    match segments {
        0 => "Retention let nothing go.".to_owned(),
        _ => format!("Retention deleted {}.", count(segments as u64, "segment", "segments")),
    }
}

pub(crate) fn went_by(steps: usize) -> String {
    format!("{} went by.", count(steps as u64, "step", "steps"))
}

pub(crate) fn new_steps(steps: usize) -> String {
    count(steps as u64, "new step", "new steps")
}

pub(crate) fn unknown(events: u64) -> String {
    let events = count(events, "event", "events");
    format!(
        "{events} of the broker's are not known to this page, and left out: it may be of another version."
    )
}

pub(crate) fn in_memory(entries: u64) -> String {
    let entries = count(entries, "index entry", "index entries");
    format!(
        "Not drawn: {entries} that the broker had only in memory, and not in its files, when the page connected."
    )
}

pub(crate) fn unread(unread: Unread) -> String {
    let Unread { segments, bytes } = unread;
    format!(
        "Not read yet: {} in {}.",
        count(bytes, "byte", "bytes"),
        count(segments, "older segment", "older segments")
    )
}

pub(crate) fn waiting(seconds: u32) -> String {
    format!("reconnecting in {seconds} s")
}
