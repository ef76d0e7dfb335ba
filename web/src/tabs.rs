//! What the tabs of one browser that share the log tell each other.

use gloo_events::EventListener;
use wasm_bindgen::JsCast;
use web_sys::{BroadcastChannel, MessageEvent};

const CHANNEL: &str = "logscope";

/// What a tab says to all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    /// The tab has been opened: does any write the log?
    Asked,
    /// The tab writes the log; it may have committed something.
    Kept,
    /// The tab wants to write: let go of the log.
    Wanted,
    /// The tab wrote the log, and is closed.
    Gone,
}

const WORDS: [(Word, &str); 4] =
    [(Word::Asked, "asked"), (Word::Kept, "kept"), (Word::Wanted, "wanted"), (Word::Gone, "gone")];

/// The way to the other tabs. A browser that has none leaves each tab alone: then locks and reigns do what they can.
#[derive(Debug)]
pub(crate) struct Tabs {
    channel: Option<BroadcastChannel>,
    _listener: Option<EventListener>,
}

impl Tabs {
    /// Calls back with what other tabs say.
    pub(crate) fn new(heard: impl Fn(Word) + 'static) -> Self {
        let channel = BroadcastChannel::new(CHANNEL).ok();
        let listener = channel.as_ref().map(|channel| {
            EventListener::new(channel, "message", move |event| {
                let said = event.dyn_ref::<MessageEvent>().and_then(|event| event.data().as_string());
                let word = WORDS.iter().find(|(_, name)| said.as_deref() == Some(*name));
                word.into_iter().for_each(|(word, _)| heard(*word));
            })
        });
        Self { channel, _listener: listener }
    }

    /// Says something to all other tabs.
    pub(crate) fn say(&self, word: Word) {
        let name = WORDS.iter().find(|(known, _)| *known == word).map(|(_, name)| *name);
        if let (Some(channel), Some(name)) = (&self.channel, name) {
            // It fails only for a channel that is closed, and this one never is.
            let _ = channel.post_message(&name.into());
        }
    }
}
