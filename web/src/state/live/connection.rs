//! How the page stands with a broker, and what it does when a stream is over.
//!
//! Invariant: whatever the broker may mend by itself, or somebody at the broker, is tried again; what only the visitor can
//! mend waits for the visitor, and is said in words.

use super::address::Broker;
use crate::text::live as text;

/// What became of a request or of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The browser got no answer, or none that it lets the page see.
    NoAnswer,
    /// The stream broke off, or was silent for too long.
    Broken,
    /// The broker said no: its `error_code`, and why.
    Refused { code: u64, message: String },
    /// What answers is no broker.
    NotABroker,
    /// An answer that the page does not understand: what it expected.
    Unreadable(&'static str),
}

impl Failure {
    /// The HTTP status that the code begins with.
    fn status(&self) -> u64 {
        match *self {
            Self::Refused { code, .. } if code >= 1000 => code / 100,
            Self::Refused { code, .. } => code,
            _ => 0,
        }
    }

    /// Why, in words for a person.
    pub(crate) fn words(&self, broker: &Broker) -> String {
        match self {
            Self::NoAnswer if broker.is_own() => text::NO_ANSWER.to_owned(),
            Self::NoAnswer => text::no_answer(broker.base()),
            Self::Broken => text::BROKEN.to_owned(),
            Self::Refused { code, message } => format!("{code}: {message}"),
            Self::NotABroker if broker.is_own() => text::NO_BROKER_HERE.to_owned(),
            Self::NotABroker => text::no_broker_at(broker.base()),
            Self::Unreadable(what) => text::unreadable(what),
        }
    }
}

/// How the page stands with the broker.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Connection {
    /// No partition is chosen.
    #[default]
    Idle,
    /// The broker was asked, and has not answered yet.
    Connecting,
    /// What is in the log already is being read.
    Loading,
    /// Events arrive.
    Live,
    /// It is tried again in so many seconds; and why it has to be.
    Waiting { seconds: u32, why: String },
    /// The broker takes a token; and whether another one was not the right one.
    NeedsToken { wrong: bool },
    /// It makes no sense to try again by itself.
    Stopped { why: String },
    /// The visitor looks at the past, and the stream was let go: what comes now would not follow.
    Resting { why: &'static str },
}

impl Connection {
    /// What a second makes of it; [`Connecting`](Self::Connecting) once the pause is over, `None` if it does not wait.
    pub(crate) fn a_second_later(&self) -> Option<Self> {
        Some(match self {
            Self::Waiting { seconds: seconds @ 2.., why } => {
                Self::Waiting { seconds: seconds - 1, why: why.clone() }
            }
            Self::Waiting { .. } => Self::Connecting,
            _ => return None,
        })
    }
}

/// Tries to connect, with growing pauses in between.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Attempts(u32);

/// The pauses in seconds; the last one goes on.
const PAUSES: [u32; 6] = [1, 1, 2, 4, 8, 15];

impl Attempts {
    /// It worked.
    pub(crate) fn succeeded(&mut self) {
        self.0 = 0;
    }

    /// What comes after a failure. A token that was sent and refused is the wrong one.
    pub(crate) fn after(&mut self, failure: &Failure, broker: &Broker, sent_token: bool) -> Connection {
        let why = failure.words(broker);
        match failure.status() {
            401 => Connection::NeedsToken { wrong: sent_token },
            // Too slow, too many, or on its way down: it may be otherwise soon.
            0 | 408 | 429 | 500.. if !matches!(failure, Failure::NotABroker | Failure::Unreadable(_)) => {
                let seconds = PAUSES[(self.0 as usize).min(PAUSES.len() - 1)];
                self.0 = self.0.saturating_add(1);
                Connection::Waiting { seconds, why }
            }
            _ => Connection::Stopped { why },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: u64) -> Failure {
        Failure::Refused { code, message: "why".to_owned() }
    }

    fn after(failure: Failure) -> Connection {
        Attempts::default().after(&failure, &Broker::default(), false)
    }

    #[test]
    fn pauses_grow_until_it_works() {
        let mut attempts = Attempts::default();
        let mut pause = || match attempts.after(&Failure::NoAnswer, &Broker::default(), false) {
            Connection::Waiting { seconds, .. } => seconds,
            other => panic!("{other:?}"),
        };
        let pauses: Vec<_> = (0..8).map(|_| pause()).collect();
        assert_eq!(pauses, [1, 1, 2, 4, 8, 15, 15, 15]);
        attempts.succeeded();
        let first = attempts.after(&Failure::Broken, &Broker::default(), false);
        assert!(matches!(first, Connection::Waiting { seconds: 1, .. }), "{first:?}");
    }

    #[test]
    fn a_stream_that_falls_silent_is_tried_again_after_its_pause_and_no_other_state_waits() {
        let (mut attempts, broker) = (Attempts::default(), Broker::default());
        for pause in [1, 1, 2, 4] {
            // What is heard of a silence, be the tab hidden or not: the page gives the stream up.
            let mut connection = attempts.after(&Failure::Broken, &broker, false);
            for left in (1..=pause).rev() {
                let why = text::BROKEN.to_owned();
                assert_eq!(connection, Connection::Waiting { seconds: left, why });
                connection = connection.a_second_later().unwrap();
            }
            assert_eq!(connection, Connection::Connecting);
            assert_eq!(connection.a_second_later(), None, "a late timer begins no second attempt");
        }
        // It goes on where it stopped, so the next silence is the first again.
        attempts.succeeded();
        let first = attempts.after(&Failure::Broken, &broker, false);
        assert_eq!(first.a_second_later(), Some(Connection::Connecting));
        let resting = Connection::Resting { why: text::RESTS_FULL };
        let stopped = Connection::Stopped { why: String::new() };
        let asked = Connection::NeedsToken { wrong: false };
        for still in [Connection::Idle, Connection::Loading, Connection::Live, resting, stopped, asked] {
            assert_eq!(still.a_second_later(), None, "{still:?}");
        }
    }

    #[test]
    fn what_may_mend_itself_is_tried_again_and_nothing_else() {
        for code in [408, 40801, 429, 500, 50302, 50303] {
            assert!(matches!(after(refused(code)), Connection::Waiting { .. }), "{code}");
        }
        for code in [400, 40002, 403, 404, 40401, 40402] {
            assert_eq!(after(refused(code)), Connection::Stopped { why: format!("{code}: why") });
        }
        assert!(matches!(after(Failure::NotABroker), Connection::Stopped { .. }));
        assert!(matches!(after(Failure::Unreadable("event")), Connection::Stopped { .. }));
    }

    #[test]
    fn a_token_is_asked_for_and_one_that_was_sent_is_wrong() {
        assert_eq!(after(refused(401)), Connection::NeedsToken { wrong: false });
        let wrong = Attempts::default().after(&refused(401), &Broker::default(), true);
        assert_eq!(wrong, Connection::NeedsToken { wrong: true });
    }

    #[test]
    fn a_browser_that_keeps_an_answer_to_itself_is_explained() {
        let elsewhere = Broker::parse("https://broker.lan:8443/").unwrap();
        let words = Failure::NoAnswer.words(&elsewhere);
        assert!(words.contains("https://broker.lan:8443") && words.contains("--cors-origin"), "{words}");
        assert!(!Failure::NoAnswer.words(&Broker::default()).contains("cors"));
    }
}
