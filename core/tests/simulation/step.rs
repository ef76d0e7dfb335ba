//! One line of a simulated scenario: an action in the scenario language, and what goes wrong meanwhile.
//!
//! The language knows no faults but `crash`, `flip` and `lose`. All others stand behind the action as a comment, so
//! that the playground runs the scenario as far as it can, and the simulation reads the same text back as a whole:
//!
//! ```text
//! append a b count=3  # fault: error call=4 seed=17
//! crash  # fault: power seed=12
//! reopen
//! ```
//!
//! Each fault brings the seed of its own chance, so that it stays what it is when lines above it are dropped.

use std::fmt;

use logscope::lab::{Action, parse_line};

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Step {
    pub(crate) action: Action,
    pub(crate) fault: Option<Fault>,
}

/// What goes wrong during an action. Calls of the storage count from 1 within it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Fault {
    /// The power fails after the action, and by chance more or less of what was not synced is lost.
    Power { seed: u64 },
    /// The power fails during a call.
    PowerAt { call: u64, seed: u64 },
    /// Before a log is opened: copies of it lose the power, or meet an error, at every call that opening takes.
    Everywhere { seed: u64 },
    /// A call fails.
    ErrorAt { call: u64, seed: u64 },
    /// The disk is full after so many bytes.
    Room { bytes: u64 },
    /// Reads return less than they could.
    ShortReads { seed: u64 },
    /// A flush that begins now, and is completed so many actions later. Or a compaction that begins now and is finished
    /// so many actions later; if they are odd in number, it runs only then.
    Late { steps: u64 },
    /// The process dies instead of closing the log; the machine, and with it the page cache, lives on.
    Kill,
}

const MARK: &str = "# fault: ";

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.fault {
            None => write!(f, "{}", self.action),
            Some(fault) => write!(f, "{}  {MARK}{fault}", self.action),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Power { seed } => write!(f, "power seed={seed}"),
            Self::PowerAt { call, seed } => write!(f, "power-at call={call} seed={seed}"),
            Self::Everywhere { seed } => write!(f, "everywhere seed={seed}"),
            Self::ErrorAt { call, seed } => write!(f, "error call={call} seed={seed}"),
            Self::Room { bytes } => write!(f, "room bytes={bytes}"),
            Self::ShortReads { seed } => write!(f, "short-reads seed={seed}"),
            Self::Late { steps } => write!(f, "late steps={steps}"),
            Self::Kill => f.write_str("kill"),
        }
    }
}

/// The scenario as text, a step a line.
pub(crate) fn text(steps: &[Step]) -> String {
    steps.iter().map(|step| format!("{step}\n")).collect()
}

/// Reads back what [`text`] wrote, comments and empty lines between the steps passed over.
pub(crate) fn parse(text: &str) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    for line in text.lines() {
        let Some(action) = parse_line(line).map_err(|error| format!("{line}: {error}"))? else { continue };
        let fault = line.rsplit_once(MARK).map(|(_, fault)| parse_fault(fault)).transpose()?;
        steps.push(Step { action, fault });
    }
    Ok(steps)
}

fn parse_fault(text: &str) -> Result<Fault, String> {
    let mut words = text.split_whitespace();
    let name = words.next().unwrap_or_default();
    let pairs: Vec<(&str, u64)> =
        words.filter_map(|word| word.split_once('=').and_then(|(k, v)| Some((k, v.parse().ok()?)))).collect();
    let number = |key: &str| {
        let found = pairs.iter().find(|(k, _)| *k == key).map(|(_, value)| *value);
        found.ok_or_else(|| format!("the fault `{text}` lacks {key}=N"))
    };
    Ok(match name {
        "power" => Fault::Power { seed: number("seed")? },
        "power-at" => Fault::PowerAt { call: number("call")?, seed: number("seed")? },
        "everywhere" => Fault::Everywhere { seed: number("seed")? },
        "error" => Fault::ErrorAt { call: number("call")?, seed: number("seed")? },
        "room" => Fault::Room { bytes: number("bytes")? },
        "short-reads" => Fault::ShortReads { seed: number("seed")? },
        "late" => Fault::Late { steps: number("steps")? },
        "kill" => Fault::Kill,
        _ => return Err(format!("there is no fault `{text}`")),
    })
}
