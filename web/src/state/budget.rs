//! The budget of a fetch: how `max_bytes` fills, batch by batch, as shares of a bar.

use logscope::lab::{FetchPicture, StoppedBy, TakenBatch};

use super::Palette;
use super::format::{count, offsets};

/// How much of the bar a character takes, on a narrow page.
const CHARACTER: f64 = 0.024;

/// A batch that takes less of the bar than this, one or two pixels, is drawn as one with those after it.
const HAIR: f64 = 0.004;

/// A bar from 0 to 1.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Budget {
    /// The batches in the answer, one after another. Those too narrow to be told apart share a part.
    pub(crate) parts: Vec<Part>,
    /// The batch that was not taken for want of room.
    pub(crate) next: Option<Part>,
    /// Where `max_bytes` stands.
    pub(crate) limit: f64,
    /// How it stands in words.
    pub(crate) text: String,
    /// Why the fetch stopped, once it has.
    pub(crate) reason: Option<String>,
    /// What lies before the fetch offset in the first batch: it comes along, for batches come whole.
    pub(crate) dropped: Option<String>,
}

/// A batch in the bar.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Part {
    pub(crate) start: f64,
    pub(crate) width: f64,
    /// Its offsets or its size, if there is room.
    pub(crate) label: String,
    pub(crate) colour: Option<usize>,
}

/// Lays the bar out. It is as long as the budget, or as what was taken or would have been.
pub(crate) fn budget(fetch: &FetchPicture, palette: &Palette) -> Budget {
    let next_size = match fetch.stopped {
        Some((StoppedBy::MaxBytes, Some(size))) => u64::from(size),
        _ => 0,
    };
    let whole = fetch.max_bytes.max(fetch.used + next_size).max(1) as f64;
    let part = |from: u64, to: u64, label: String, colour| {
        let (start, width) = (from as f64 / whole, (to - from) as f64 / whole);
        // A label that would be cut off says nothing.
        let room = label.chars().count() as f64 * CHARACTER < width;
        Part { start, width, label: if room { label } else { String::new() }, colour }
    };
    let (taken, mut at) = (&fetch.taken, 0);
    let mut parts: Vec<Part> = Vec::new();
    while let Some(TakenBatch { batch, used, .. }) = taken.get(at) {
        let from = used - u64::from(batch.size);
        let narrow = f64::from(batch.size) / whole < HAIR;
        let end = match narrow {
            true => {
                taken.partition_point(|other| (other.used.max(from) - from) as f64 / whole < HAIR).max(at + 1)
            }
            false => at + 1,
        };
        let to = taken.get(end - 1).map_or(*used, |last| last.used);
        let label = if narrow { String::new() } else { offsets(batch.base_offset, batch.last_offset) };
        let next = part(from, to, label, palette.colour(batch));
        match parts.last_mut() {
            Some(last) if narrow && last.label.is_empty() && last.colour == next.colour => {
                last.width += next.width
            }
            _ => parts.push(next),
        }
        at = end;
    }
    let next = (next_size > 0).then(|| part(fetch.used, fetch.used + next_size, next_size.to_string(), None));
    let text = match next_size {
        0 => format!("{} of {} used", fetch.used, count(fetch.max_bytes, "byte", "bytes")),
        next => format!("{} of {} used · next needs {next}", fetch.used, fetch.max_bytes),
    };
    Budget {
        parts,
        next,
        limit: fetch.max_bytes as f64 / whole,
        text,
        reason: reason(fetch),
        dropped: dropped(fetch),
    }
}

fn dropped(fetch: &FetchPicture) -> Option<String> {
    let first = fetch.taken.first()?.batch.base_offset;
    let last = fetch.offset.checked_sub(1).filter(|last| *last >= first)?;
    let (what, come, are) =
        if first == last { ("offset", "comes", "is") } else { ("offsets", "come", "are") };
    Some(format!(
        "{what} {} {come} along in the first batch and {are} dropped by the reader",
        offsets(first, last)
    ))
}

fn reason(fetch: &FetchPicture) -> Option<String> {
    let (by, _) = fetch.stopped?;
    let next = fetch.next_offset;
    let whole = fetch.taken.iter().any(|taken| taken.first_whole);
    Some(match by {
        StoppedBy::MaxBytes if whole => format!("first batch whole (KIP-74) · next offset {next}"),
        StoppedBy::MaxBytes => format!("stopped by max_bytes · next offset {next}"),
        StoppedBy::HighWatermark => format!("stopped at the high watermark · next offset {next}"),
        StoppedBy::LogEnd => format!("stopped at the log end · next offset {next}"),
    })
}

#[cfg(test)]
mod tests {
    use logscope::lab::{Lab, Picture, parse_scenario};
    use logscope::storage::MemoryStorage;

    use super::*;

    fn after(fetch: &str) -> Budget {
        budget_of(&format!("append r count=5\nflush\nappend r\n{fetch}"))
    }

    fn budget_of(scenario: &str) -> Budget {
        let mut lab = Lab::new(MemoryStorage::new());
        let mut picture = Picture::default();
        for (_, action) in parse_scenario(scenario).unwrap() {
            lab.run(&action).events.iter().for_each(|event| picture.apply(event));
        }
        budget(picture.fetch.as_ref().unwrap(), &Palette::default())
    }

    #[test]
    fn the_batch_that_did_not_fit_sticks_out() {
        // A batch with one such record has 69 bytes.
        let budget = after("fetch 1 max_bytes=150");
        assert_eq!(budget.text, "138 of 150 used · next needs 69");
        assert_eq!(budget.parts.len(), 2);
        let next = budget.next.unwrap();
        assert!(next.start < budget.limit && budget.limit < next.start + next.width);
        assert!((next.start + next.width - 1.0).abs() < 1e-9);
        assert_eq!(budget.reason.unwrap(), "stopped by max_bytes · next offset 3");
    }

    #[test]
    fn what_the_reader_drops_is_told() {
        assert_eq!(after("fetch 1 max_bytes=150").dropped, None);
        let dropped = |fetch: &str| budget_of(&format!("append a b c\nflush\n{fetch}")).dropped;
        let along = "comes along in the first batch and is dropped by the reader";
        assert_eq!(dropped("fetch 1"), Some(format!("offset 0 {along}")));
        assert!(dropped("fetch 2 max_bytes=1").unwrap().starts_with("offsets 0–1 come along"));
    }

    #[test]
    fn a_first_batch_that_is_too_large_goes_beyond_the_limit() {
        let budget = after("fetch 1 max_bytes=10");
        assert_eq!(budget.parts.len(), 1);
        assert!(budget.parts[0].width > budget.limit);
        assert!(budget.reason.unwrap().starts_with("first batch whole"));
    }

    #[test]
    fn batches_too_narrow_to_be_told_apart_share_a_part() {
        let budget = budget_of("append r count=900\nflush\nfetch 0 max_bytes=62100");
        assert_eq!(budget.parts.len(), 1);
        assert!((budget.parts[0].width - 1.0).abs() < 1e-9, "{:?}", budget.parts);
    }

    #[test]
    fn a_budget_that_is_not_used_up_stays_open() {
        let budget = after("fetch 3 max_bytes=1000");
        assert_eq!((budget.limit, budget.next.clone()), (1.0, None));
        assert_eq!(budget.text, "138 of 1000 bytes used");
        assert!(budget.reason.unwrap().starts_with("stopped at the high watermark"));
    }
}
