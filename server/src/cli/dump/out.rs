//! Where a dump goes: lines or JSON objects to stdout, and what is wrong, collected until the end.

use std::fmt::Display;
use std::io::{self, BufWriter, StdoutLock, Write};
use std::path::Path;

use logscope::dump::{Field, Hex};
use serde::Serialize;

use crate::cli::output::Format;

/// The most lines that are kept of one kind of fault in one file.
const MAX_LINES: usize = 1000;

/// Stdout, and the faults so far.
#[derive(Debug)]
pub(super) struct Out {
    stdout: BufWriter<StdoutLock<'static>>,
    format: Format,
    file: String,
    faults: Vec<Faults>,
    wrong: bool,
}

/// Faults of one kind in one file.
#[derive(Debug)]
struct Faults {
    file: String,
    heading: String,
    lines: Vec<String>,
    omitted: u64,
}

/// A JSON object, with the file that it is about.
#[derive(Serialize)]
struct Line<'a, T> {
    file: &'a str,
    #[serde(flatten)]
    content: T,
}

#[derive(Serialize)]
struct Problem<'a> {
    problem: &'a str,
    detail: &'a str,
}

#[derive(Serialize)]
struct FieldObject<'a> {
    name: &'a str,
    position: u64,
    size: u64,
    value: &'a str,
    meaning: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    children: Vec<FieldObject<'a>>,
}

impl<'a> From<&'a Field> for FieldObject<'a> {
    fn from(field: &'a Field) -> Self {
        let Field { name, position, size, value, meaning, form: _, problem, children } = field;
        Self {
            name,
            position: *position,
            size: *size,
            value,
            meaning,
            problem: problem.as_deref(),
            children: children.iter().map(FieldObject::from).collect(),
        }
    }
}

impl Out {
    pub(super) fn new(format: Format) -> Self {
        let stdout = BufWriter::with_capacity(64 << 10, io::stdout().lock());
        Self { stdout, format, file: String::new(), faults: Vec::new(), wrong: false }
    }

    /// Begins with a file.
    pub(super) fn begin(&mut self, path: &Path) -> io::Result<()> {
        self.file = path.display().to_string();
        self.remark(format_args!("Dumping {}", path.display()))
    }

    /// Prints a line that has no place among JSON objects.
    pub(super) fn remark(&mut self, line: impl Display) -> io::Result<()> {
        match self.format {
            Format::Text => writeln!(self.stdout, "{line}"),
            Format::Json => Ok(()),
        }
    }

    /// Prints something as a line of text or as an object.
    pub(super) fn print<T: Serialize + Display>(&mut self, content: &T) -> io::Result<()> {
        match self.format {
            Format::Text => writeln!(self.stdout, "{content}"),
            Format::Json => self.object(content),
        }
    }

    /// Prints a field out of `bytes`, which stand at `position` of the file.
    pub(super) fn field(&mut self, field: &Field, bytes: &[u8], position: u64) -> io::Result<()> {
        match self.format {
            Format::Text => write!(self.stdout, "{}", Hex::new(field, bytes, position)),
            Format::Json => self.object(FieldObject::from(field)),
        }
    }

    fn object<T: Serialize>(&mut self, content: T) -> io::Result<()> {
        serde_json::to_writer(&mut self.stdout, &Line { file: &self.file, content })?;
        writeln!(self.stdout)
    }

    /// Takes note of something that is wrong with the file.
    pub(super) fn fault(&mut self, heading: &str, line: String) {
        self.wrong = true;
        self.unusual(heading, line);
    }

    /// Takes note of something that is worth a line at the end, and need not be wrong.
    pub(super) fn unusual(&mut self, heading: &str, line: String) {
        let known = self.faults.iter_mut().find(|known| known.file == self.file && known.heading == heading);
        let faults = match known {
            Some(known) => known,
            None => {
                let (file, heading) = (self.file.clone(), heading.to_owned());
                self.faults.push(Faults { file, heading, lines: Vec::new(), omitted: 0 });
                let last = self.faults.len() - 1;
                &mut self.faults[last]
            }
        };
        match faults.lines.len() < MAX_LINES {
            true => faults.lines.push(line),
            false => faults.omitted += 1,
        }
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.stdout.flush()
    }

    /// Says what was noted, and whether something is wrong.
    pub(super) fn finish(mut self) -> io::Result<bool> {
        for faults in std::mem::take(&mut self.faults) {
            let Faults { file, heading, mut lines, omitted } = faults;
            if omitted > 0 {
                lines.push(format!("and {omitted} more"));
            }
            self.file = file;
            match self.format {
                Format::Text => {
                    self.stdout.flush()?;
                    eprintln!("{heading} {}", self.file);
                    lines.iter().for_each(|line| eprintln!("  {line}"));
                }
                Format::Json => {
                    for detail in &lines {
                        let problem = heading.trim_end_matches([' ', ':']);
                        let problem = problem.trim_end_matches(" in");
                        self.object(Problem { problem, detail })?;
                    }
                }
            }
        }
        self.stdout.flush()?;
        Ok(self.wrong)
    }
}
