//! What the page's address says: a scenario, a lesson, a step, what is open.
//!
//! ```text
//! #scenario=append+hello+key%3Duser-1%0Aflush
//! #v=1&scenario=append+hello%0Aflush&step=3&batch=0:0
//! #v=1&packed=eNpLLChIzUtRyEjNyckHAB0HBDI
//! #v=1&lesson=05-index&scenario=append+more&step=12&file=00000000000000000000.index
//! ```
//!
//! `scenario` is readable: percent-encoded text, with `+` for a space. `packed` is the same text, compressed (zlib,
//! RFC 1950, whose checksum tells whether it came whole) and written in base64url. Without a `v` it is version 1.
//!
//! Invariants:
//! - What [`Link::hash`] writes is read again as the same link.
//! - Nothing is dropped: a part that is not understood is a [`Mistake`], and so is one that comes twice.
//! - What comes out of an address has been checked: it parses, and it is small enough to be run.

use std::io::{Read, Write};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use logscope::lab::{Action, ScenarioError, TopicAction, parse_topic_scenario};

use super::{BatchId, ColourBy};

/// Longer links are cut off by programs that pass them on.
pub(crate) const MAX_LINK: usize = 8_000;
/// A readable scenario longer than this is packed, if that makes it shorter.
const READABLE: usize = 1_200;
/// The most text that is unpacked.
const MAX_TEXT: usize = 256 * 1024;
/// The most batches that a scenario from elsewhere appends, and the most bytes of keys and values in them.
const MAX_BATCHES: u64 = 20_000;
const MAX_BYTES: u64 = 16 << 20;
/// What the parts of an address are called.
const PARTS: [&str; 10] =
    ["v", "lesson", "scenario", "packed", "step", "partition", "colours", "batch", "file", "at"];

/// A state of the page, as an address carries it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Link {
    /// The lesson's name, if one is on.
    pub(crate) lesson: Option<String>,
    /// The commands; in a lesson, those after its own. Comments are kept.
    pub(crate) scenario: String,
    /// The step that is shown; without it the last.
    pub(crate) step: Option<usize>,
    /// The partition that is looked at, and that what is open is of; without it, the one that the step is about.
    pub(crate) partition: Option<u32>,
    /// What the colours of batches stand for, if that is not what they stand for by themselves.
    pub(crate) colours: Option<ColourBy>,
    /// What is open beside the log.
    pub(crate) open: Option<Opened>,
    /// The position in the file that is open; without it, its front.
    pub(crate) at: Option<u64>,
}

/// What is taken apart beside the log.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Opened {
    Batch(BatchId),
    File(String),
}

/// Why an address or a text cannot be shown.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mistake {
    /// The text that the mistake is in, if it could be read.
    pub(crate) text: String,
    /// Its line, from 1.
    pub(crate) line: Option<usize>,
    /// What is wrong and what was expected, in words for a person.
    pub(crate) reason: String,
}

impl Mistake {
    /// One that is in no line of a text.
    pub(crate) fn of(reason: impl Into<String>) -> Self {
        Self { text: String::new(), line: None, reason: reason.into() }
    }
}

impl Link {
    /// What the link names that is not there, in a log of so many steps and partitions. That a position lies beyond the
    /// end of its file is said where the file's bytes would be.
    pub(crate) fn beyond(&self, steps: usize, partitions: u32) -> Option<String> {
        let step = self.step.filter(|step| *step > steps);
        let partition = self.partition.filter(|partition| *partition >= partitions);
        let said = match (step, partition) {
            (Some(step), _) => format!("step {step}, and there are {steps}"),
            (_, Some(partition)) => format!("partition {partition}, and there are {partitions}, from 0 on"),
            _ => return None,
        };
        Some(format!("the link is to {said}"))
    }

    /// The address's part from `#` on.
    ///
    /// # Errors
    /// How many characters it would have, if they are too many for a link.
    pub(crate) fn hash(&self) -> Result<String, usize> {
        let mut parts = vec!["v=1".to_owned()];
        parts.extend(self.lesson.as_ref().map(|name| format!("lesson={}", encode(name))));
        if !self.scenario.is_empty() {
            let readable = format!("scenario={}", encode(&self.scenario));
            let packed = (readable.len() > READABLE).then(|| format!("packed={}", pack(&self.scenario)));
            parts.push(packed.filter(|packed| packed.len() < readable.len()).unwrap_or(readable));
        }
        parts.extend(self.step.map(|step| format!("step={step}")));
        parts.extend(self.partition.map(|partition| format!("partition={partition}")));
        parts.extend(self.colours.map(|colours| format!("colours={}", colours.word())));
        parts.extend(self.open.as_ref().map(|open| match open {
            Opened::Batch(id) => format!("batch={}:{}", id.segment, id.position),
            Opened::File(name) => format!("file={}", encode(name)),
        }));
        parts.extend(self.at.map(|position| format!("at={position}")));
        let hash = format!("#{}", parts.join("&"));
        if hash.len() > MAX_LINK { Err(hash.len()) } else { Ok(hash) }
    }

    /// Reads an address's part from `#` on; `None` if there is nothing in it.
    ///
    /// # Errors
    /// The first part that is not understood, or the first line of the scenario that is no command.
    pub(crate) fn parse(hash: &str) -> Result<Option<Self>, Mistake> {
        let hash = hash.strip_prefix('#').unwrap_or(hash);
        if hash.is_empty() {
            return Ok(None);
        }
        let mut link = Self::default();
        let mut seen = Vec::new();
        for part in hash.split('&') {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let Some(name) = PARTS.into_iter().find(|known| *known == name) else {
                return Err(Mistake::of(format!(
                    "the link has a part {:?}; the parts of a link are {}",
                    shorten(part),
                    PARTS.join("=, ") + "="
                )));
            };
            // The scenario is one thing, however it is written.
            let once = if name == "packed" { "scenario" } else { name };
            if seen.contains(&once) {
                return Err(Mistake::of(format!("the link has its {once} twice")));
            }
            seen.push(once);
            link.take(name, value).map_err(Mistake::of)?;
        }
        if link.at.is_some() && !matches!(link.open, Some(Opened::File(_))) {
            return Err(Mistake::of("the link has a part at=, a position, and no file= that it is in"));
        }
        check(&link.scenario)?;
        Ok(Some(link))
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "v" if value != "1" => {
                return Err(format!(
                    "the link is of version {}, and this page knows version 1",
                    shorten(value)
                ));
            }
            "v" => {}
            "lesson" => self.lesson = Some(decode(value)?),
            "scenario" => self.scenario = decode(value)?,
            "packed" => self.scenario = unpack(value)?,
            "step" => self.step = Some(number(name, value)?),
            "partition" => self.partition = Some(number(name, value)?),
            "colours" => {
                let unknown = || format!("colours= takes keys or producers, not {:?}", shorten(value));
                self.colours = Some(ColourBy::read(value).ok_or_else(unknown)?);
            }
            "at" => self.at = Some(number(name, value)?),
            "batch" => {
                let (segment, position) = value.split_once(':').ok_or_else(|| {
                    format!("batch= takes SEGMENT:POSITION, such as 0:146, not {:?}", shorten(value))
                })?;
                let (segment, position) = (number(name, segment)?, number(name, position)?);
                self.open = Some(Opened::Batch(BatchId { segment, position }));
            }
            _ => self.open = Some(Opened::File(decode(value)?)),
        }
        Ok(())
    }
}

/// Parses a scenario from elsewhere, and sees to it that it is small enough to be run.
///
/// # Errors
/// The first line that is no command, or that is one too many.
pub(crate) fn check(text: &str) -> Result<Vec<TopicAction>, Mistake> {
    let at = |line: Option<usize>, reason: String| Mistake { text: text.to_owned(), line, reason };
    if text.len() > MAX_TEXT {
        let reason = format!("the scenario has {} bytes, and {MAX_TEXT} are taken", text.len());
        return Err(Mistake::of(reason));
    }
    let lines = parse_topic_scenario(text).map_err(|error| match error {
        ScenarioError::Line { line, error } => at(Some(line), error.to_string()),
        error => at(None, error.to_string()),
    })?;
    let (mut batches, mut bytes) = (0, 0);
    for (line, action) in &lines {
        let TopicAction::Log { action: Action::Append { values, key, count, .. }, .. } = action else {
            continue;
        };
        let records =
            values.iter().map(|value| value.len() as u64 + key.as_ref().map_or(0, |key| key.len() as u64));
        batches += u64::from(*count);
        bytes += records.sum::<u64>().saturating_mul(u64::from(*count));
        if batches > MAX_BATCHES || bytes > MAX_BYTES {
            let reason = format!(
                "up to here the scenario appends {batches} batches with {bytes} bytes of keys and values; a scenario from \
                 elsewhere may append {MAX_BATCHES} batches and {MAX_BYTES} bytes"
            );
            return Err(at(Some(*line), reason));
        }
    }
    Ok(lines.into_iter().map(|(_, action)| action).collect())
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("{name}= takes a whole number from 0 on, not {:?}", shorten(value)))
}

/// Percent-encodes text so that it can be read in an address, and that no program that finds links in prose takes
/// its end for punctuation.
pub(super) fn encode(text: &str) -> String {
    use std::fmt::Write;
    let mut encoded = String::with_capacity(text.len() + text.len() / 4);
    for (at, byte) in text.bytes().enumerate() {
        let last = at + 1 == text.len();
        match byte {
            b' ' if !last => encoded.push('+'),
            b'-' | b'_' | b'.' | b'/' | b':' | b',' if !last => encoded.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => encoded.push(char::from(byte)),
            // Writing to a string cannot fail.
            byte => drop(write!(encoded, "%{byte:02X}")),
        }
    }
    encoded
}

pub(super) fn decode(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits = rest.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
                let digits = digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
                let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
                bytes.push(byte.ok_or(
                    "the link has a % without two hexadecimal digits behind it: it is cut off, or altered",
                )?);
                rest = &rest[2..];
            }
            byte => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes).map_err(|_| "the link is no text (UTF-8): it is cut off, or altered".to_owned())
}

fn pack(text: &str) -> String {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    // Memory takes whatever is written to it.
    let packed = encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish()).unwrap_or_default();
    BASE64_URL_SAFE_NO_PAD.encode(packed)
}

fn unpack(text: &str) -> Result<String, String> {
    let altered = "the link cannot be unpacked: it is cut off, or altered";
    let packed = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| altered)?;
    let mut plain = Vec::new();
    let mut decoder = ZlibDecoder::new(packed.as_slice()).take(MAX_TEXT as u64 + 1);
    decoder.read_to_end(&mut plain).map_err(|_| altered)?;
    if plain.len() > MAX_TEXT {
        return Err(format!("the link unpacks to more than {MAX_TEXT} bytes, the most that is taken"));
    }
    String::from_utf8(plain).map_err(|_| altered.to_owned())
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn link(scenario: &str) -> Link {
        Link { scenario: scenario.to_owned(), ..Link::default() }
    }

    fn reason(hash: &str) -> String {
        Link::parse(hash).unwrap_err().reason
    }

    #[test]
    fn a_short_scenario_can_be_read_in_the_address() {
        let hash = link("append \"two words\" key=user-1 count=3\nfetch 0 max_bytes=300").hash().unwrap();
        let readable =
            "#v=1&scenario=append+%22two+words%22+key%3Duser-1+count%3D3%0Afetch+0+max_bytes%3D300";
        assert_eq!(hash, readable);
    }

    #[test]
    fn what_a_link_names_and_is_not_there_is_said() {
        let beyond =
            |step, partition| Link { step, partition, ..Link::default() }.beyond(5, 3).unwrap_or_default();
        assert_eq!(beyond(Some(5), Some(2)), "");
        assert_eq!(beyond(Some(6), None), "the link is to step 6, and there are 5");
        assert_eq!(beyond(None, Some(3)), "the link is to partition 3, and there are 3, from 0 on");
    }

    #[test]
    fn what_the_simulation_prints_is_read() {
        let hash = "#scenario=append%20a%2Bb%20key%3Dk%0Aflush%20%20%23%20the%20sync%20fails%0A";
        let read = Link::parse(hash).unwrap().unwrap();
        assert_eq!(read.scenario, "append a+b key=k\nflush  # the sync fails\n");
        assert_eq!(check(&read.scenario).unwrap().len(), 2);
    }

    #[test]
    fn a_long_scenario_is_packed_and_a_longer_one_is_no_link() {
        let lines = |count: usize| (0..count).map(|at| format!("append order-{at} key=user-{}\n", at % 7));
        let packed = link(&lines(200).collect::<String>());
        let hash = packed.hash().unwrap();
        assert!(hash.starts_with("#v=1&packed=") && hash.len() < 2_000, "{}", hash.len());
        assert_eq!(Link::parse(&hash).unwrap(), Some(packed));
        assert!(link(&lines(20_000).collect::<String>()).hash().unwrap_err() > MAX_LINK);
    }

    #[test]
    fn nothing_is_nothing_and_all_else_is_understood_or_named() {
        assert_eq!((Link::parse(""), Link::parse("#")), (Ok(None), Ok(None)));
        for (hash, part) in [
            ("#somewhere", "\"somewhere\"; the parts of a link are v=, lesson="),
            ("#scenario=flush&colour=red", "\"colour=red\""),
            ("#colours=red", "keys or producers"),
            ("#batch=0:0&at=5", "no file="),
            ("#v=2&scenario=flush", "version 2, and this page knows version 1"),
            ("#scenario=flush&packed=abc", "its scenario twice"),
            ("#step=3&step=4", "its step twice"),
            ("#step=-1", "step= takes a whole number from 0 on, not \"-1\""),
            ("#batch=7", "SEGMENT:POSITION"),
            ("#scenario=append%2", "cut off, or altered"),
            ("#scenario=append%+1", "cut off, or altered"),
            ("#scenario=%FF", "no text"),
            ("#packed=????", "cannot be unpacked"),
        ] {
            let reason = reason(hash);
            assert!(reason.contains(part), "{hash}: {reason}");
        }
    }

    #[test]
    fn a_mistake_names_its_line_and_what_was_expected() {
        let mistake = Link::parse("#scenario=append+a%0Aflsh%0Afetch+0").unwrap_err();
        assert_eq!((mistake.line, mistake.text.as_str()), (Some(2), "append a\nflsh\nfetch 0"));
        assert!(mistake.reason.contains("there is no command \"flsh\"; there are append,"), "{mistake:?}");
    }

    #[test]
    fn a_scenario_that_would_fill_the_memory_is_refused() {
        let many = "append a count=10000\n".repeat(3);
        assert_eq!(check(&many).unwrap_err().line, Some(3));
        let large = format!("append {} count=10000", "x".repeat(2_000));
        assert!(check(&large).unwrap_err().reason.contains("20000000 bytes"));
        assert!(check(&"#".repeat(MAX_TEXT + 1)).is_err());
        let bomb = pack(&"#".repeat(1 << 22));
        assert!(reason(&format!("#packed={bomb}")).contains("more than 262144 bytes"));
    }

    #[test]
    fn a_packed_link_that_is_cut_or_altered_is_refused() {
        let hash = format!("#packed={}", pack(&"append hello key=user-1\nflush\n".repeat(20)));
        for end in "#packed=".len()..hash.len() {
            assert!(Link::parse(&hash[..end]).is_err() || end == "#packed=".len(), "cut at {end}");
        }
        let altered = hash.replace(&hash[20..21], if &hash[20..21] == "A" { "B" } else { "A" });
        assert!(Link::parse(&altered).is_err());
    }

    fn any_link() -> impl Strategy<Value = Link> {
        let line = prop_oneof![
            "[a-z \"=#%&+äß漢]{0,20}".prop_map(|value| format!("append {}", logscope::lab::quote(&value))),
            Just("flush".to_owned()),
            Just("poll billing".to_owned()),
            Just("# a comment, & more".to_owned()),
            (0..99_u32).prop_map(|offset| format!("fetch {offset}")),
        ];
        let open = prop_oneof![
            (any::<u64>(), any::<u64>())
                .prop_map(|(segment, position)| Opened::Batch(BatchId { segment, position })),
            any::<String>().prop_map(Opened::File),
        ];
        let lines = prop::collection::vec(line, 0..120);
        let lesson = prop::option::of(any::<String>());
        let (step, partition) = (prop::option::of(any::<usize>()), prop::option::of(any::<u32>()));
        let colours = prop::option::of(prop_oneof![Just(ColourBy::Keys), Just(ColourBy::Producers)]);
        let at = prop::option::of(any::<u64>());
        (lesson, lines, step, partition, colours, prop::option::of(open), at).prop_map(
            |(lesson, lines, step, partition, colours, open, at)| Link {
                at: at.filter(|_| matches!(open, Some(Opened::File(_)))),
                lesson,
                scenario: lines.join("\n"),
                step,
                partition,
                colours,
                open,
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(link in any_link()) {
            if let Ok(hash) = link.hash() {
                prop_assert!(hash.is_ascii() && !hash.contains(char::is_whitespace));
                prop_assert_eq!(Link::parse(&hash), Ok(Some(link)));
            }
        }

        #[test]
        fn any_address_is_read_or_refused(hash: String, part in "(scenario|packed|step|partition|colours|batch|file|at|v)=[a-zA-Z0-9%+:_-]{0,40}") {
            let _ = Link::parse(&hash);
            let _ = Link::parse(&format!("#{part}"));
        }
    }
}
