//! `logscope dump`: what Kafka's `kafka-dump-log.sh` prints, line for line, and annotated bytes.
//!
//! Invariants:
//! - Files are opened for reading only, and gone through from front to back with little memory.
//! - What is wrong is said at the end, on stderr and in Kafka's words where Kafka has any; then the exit code is 1.
//!   Where something could not be looked at, it is 2.

mod index;
mod log;
mod out;
mod state;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use logscope::File as _;
use logscope::dump::FileKind;
use logscope::storage::FsFile;

use super::Outcome;
use super::output::Format;
use out::Out;

/// Print what is in a file of a partition, as Kafka's kafka-dump-log.sh does
///
/// Takes .log, .index, .timeindex, .snapshot and checkpoint files, and changes nothing. What is wrong with them is
/// said at the end, on stderr; then the exit code is 1, and 2 if a file could not be looked at.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  logscope dump broker_data/t-0/00000000000000000000.log --records
  logscope dump broker_data/t-0/00000000000000000000.log --hex | less
  logscope dump broker_data/t-0/*.index --format json | jq .position")]
pub(super) struct Dump {
    /// The files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Print the records of each batch, too
    #[arg(long)]
    records: bool,
    /// Print every byte, and what it means
    #[arg(long, conflicts_with = "records")]
    hex: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// What to print of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Detail {
    Summary,
    Records,
    Hex,
}

impl Dump {
    pub(super) fn run(&self) -> Outcome {
        let detail = match (self.hex, self.records) {
            (true, _) => Detail::Hex,
            (false, true) => Detail::Records,
            (false, false) => Detail::Summary,
        };
        let mut out = Out::new(self.format);
        let mut unread = false;
        for path in &self.files {
            match dump(path, detail, &mut out) {
                Ok(()) => {}
                Err(Failed::Output(error)) => return Err(error.into()),
                Err(Failed::Input(message)) => {
                    out.flush()?;
                    eprintln!("logscope: {message}");
                    unread = true;
                }
            }
        }
        let wrong = out.finish()?;
        Ok(if unread { ExitCode::from(2) } else { ExitCode::from(u8::from(wrong)) })
    }
}

/// Why a file could not be dumped.
#[derive(Debug)]
enum Failed {
    /// The reader of stdout has gone away, perhaps.
    Output(io::Error),
    /// The file cannot be read; a line for people.
    Input(String),
}

impl Failed {
    /// The storage's errors name the file.
    fn input(error: io::Error) -> Self {
        Self::Input(error.to_string())
    }
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// A file that is being dumped.
struct Input<'a> {
    path: &'a Path,
    file: FsFile,
    len: u64,
}

impl<'a> Input<'a> {
    fn open(path: &'a Path) -> Result<Self, Failed> {
        if path.is_dir() {
            return Err(Failed::Input(format!("{} is a directory", path.display())));
        }
        let opened = FsFile::open_read_only(path).and_then(|file| file.len().map(|len| (file, len)));
        let (file, len) = opened.map_err(Failed::input)?;
        Ok(Self { path, file, len })
    }

    /// The file's name in the directory.
    fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}

fn dump(path: &Path, detail: Detail, out: &mut Out) -> Result<(), Failed> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // A file keeps its content while it waits to be deleted or swapped in.
    let plain = [".deleted", ".swap", ".cleaned"].iter().find_map(|suffix| name.strip_suffix(suffix));
    let Some(kind) = FileKind::of(plain.unwrap_or(&name)) else {
        let kinds = "a .log, .index, .timeindex or .snapshot file named by 20 digits, nor a checkpoint";
        return Err(Failed::Input(format!("{} is neither {kinds}", path.display())));
    };
    let input = Input::open(path)?;
    out.begin(path)?;
    match kind {
        FileKind::Log(base) => log::dump(&input, base, detail, out),
        FileKind::OffsetIndex(base) => index::offsets(&input, base, detail, out),
        FileKind::TimeIndex(base) => index::times(&input, base, detail, out),
        FileKind::Snapshot(_) => state::snapshot(&input, detail, out),
        FileKind::Checkpoint => state::checkpoint(&input, detail, out),
    }
}
