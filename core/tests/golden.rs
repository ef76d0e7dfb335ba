//! Golden scripts: scenarios with what the engine said to each line, in `tests/golden/`.
//!
//! `UPDATE_GOLDENFILES=1 cargo test -p logscope --test golden` writes them anew; review the diff.
//! Besides the scenario language there are `picture`, which prints what the picture holds, `hex FILE`, which
//! prints a file's bytes, and `sentences off`. A line after `> ` is passed on to the letter.
//!
//! After every line the folded picture is compared with the one read off the files.

use std::error::Error;
use std::fmt::Write as _;

use goldenscript::{Command, Context, Runner};
use logscope::lab::{CLOCK_START_MS, Lab, LogPicture, Picture, sentence};
use logscope::storage::MemoryStorage;

struct Golden {
    lab: Lab<MemoryStorage>,
    picture: Picture,
    sentences: bool,
}

impl Runner for Golden {
    type Command = Command;

    fn run(&mut self, command: &Command, _: &Context) -> Result<String, Box<dyn Error>> {
        let line = if command.args.is_empty() { command.name.clone() } else { command.to_string() };
        match line.split_once(' ').unwrap_or((&line, "")) {
            ("picture", "") => Ok(describe(&self.picture.log)),
            ("hex", file) => Ok(hex(&self.lab.read_file(file, 0, usize::MAX)?)),
            ("sentences", what) => {
                self.sentences = what == "on";
                Ok(String::new())
            }
            _ => self.scenario(&line),
        }
    }
}

impl Golden {
    fn scenario(&mut self, line: &str) -> Result<String, Box<dyn Error>> {
        let mut output = String::new();
        let outcome = self.lab.run_line(line)?;
        for event in &outcome.events {
            self.picture.apply(event);
            if self.sentences {
                writeln!(output, "{}", sentence(event))?;
            }
        }
        for record in &outcome.records {
            let text = |field: &Option<Vec<u8>>| match field {
                Some(bytes) => format!("{:?}", String::from_utf8_lossy(bytes)),
                None => "null".to_owned(),
            };
            let (key, value) = (text(&record.key), text(&record.value));
            writeln!(output, "= {} at {}: {key} {value}", record.offset, record.timestamp)?;
        }
        if let Some(read) = self.lab.read_picture()? {
            assert_eq!(self.picture.log, read, "after {line}");
        }
        Ok(output)
    }
}

fn describe(log: &LogPicture) -> String {
    let mut out = format!(
        "log start {}, high watermark {}, log end {}\n",
        log.log_start_offset, log.high_watermark, log.log_end_offset
    );
    for segment in &log.segments {
        let _ =
            write!(out, "segment {}: {} of {} bytes;", segment.base_offset, segment.size, log.segment_bytes);
        for batch in &segment.batches {
            let _ = write!(out, " {}-{}@{}", batch.base_offset, batch.last_offset, batch.position);
        }
        out.push_str("; index");
        match segment.index_size {
            None => out.push_str(" missing"),
            Some(size) => {
                let _ = write!(out, " of {size} bytes");
            }
        }
        for entry in &segment.index {
            let _ = write!(out, " {}→{}", entry.relative_offset, entry.position);
        }
        if segment.time_index_size.is_none() {
            out.push_str("; time index missing");
        }
        for (at, entry) in segment.time_index.iter().enumerate() {
            let since = entry.timestamp - CLOCK_START_MS;
            let _ = write!(
                out,
                "{} +{since}→{}",
                if at == 0 { "; time index" } else { "" },
                entry.relative_offset
            );
        }
        out.push('\n');
    }
    out
}

fn hex(bytes: &[u8]) -> String {
    let mut out = String::new();
    for (i, line) in bytes.chunks(16).enumerate() {
        let _ = write!(out, "{:06x} ", i * 16);
        line.iter().for_each(|byte| {
            let _ = write!(out, " {byte:02x}");
        });
        out.push('\n');
    }
    out
}

fn run(name: &str) {
    let lab = Lab::new(MemoryStorage::new());
    let mut golden = Golden { lab, picture: Picture::default(), sentences: true };
    goldenscript::run(&mut golden, format!("tests/golden/{name}")).expect("the script runs");
}

macro_rules! scripts {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                run(stringify!($name));
            }
        )*

        /// A script that nobody runs shows nothing.
        #[test]
        fn every_script_is_run() {
            let files = std::fs::read_dir("tests/golden").expect("the scripts are there");
            let mut found: Vec<_> =
                files.map(|file| file.expect("a file").file_name().into_string().expect("UTF-8")).collect();
            found.sort_unstable();
            assert_eq!(found, [$(stringify!($name)),*]);
        }
    };
}

scripts! {
    append_and_roll bytes compaction compression crash_and_recovery damage disk fetch flush_and_high_watermark flush_policy
    producers refused retention time truncation
}
