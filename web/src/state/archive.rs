//! Files on their way out of the page and into it: a zip as it is saved, and a zip, a folder or single files as they
//! are opened.
//!
//! A zip holds `TOPIC-PARTITION/NAME` for each file, as a broker's data directory does, so that what is unpacked can
//! be given to `logscope verify` or to Kafka's tools. The configuration and the clock, which no file of a log holds,
//! are the archive's comment, in lines `key=value`.
//!
//! Invariants:
//! - What comes in is limited before memory is taken for it: bytes, files, names. What a zip claims is not believed;
//!   what comes out of it is counted.
//! - No file is left aside without a word: what is no file of a log is named.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::iter;

use flate2::bufread::DeflateDecoder;
use flate2::write::DeflateEncoder;
use logscope::dump::FileKind;
use logscope::lab::MAX_PARTITIONS;
use logscope::record::Batch;
use logscope::segment::{CLEANED_SUFFIX, LOG_SUFFIX, SWAP_SUFFIX, file_name, parse_file_name};
use rawzip::{CompressionMethod, ZipArchive, ZipArchiveWriter};

use super::Settings;

/// The topic of the page's own log; with the partition's number, the name of its directory in a zip.
pub(crate) const TOPIC: &str = "orders";
/// The most bytes of files that are opened.
pub(crate) const MAX_BYTES: u64 = 256 << 20;
/// The most files.
const MAX_FILES: usize = 20_000;
/// The most bytes of a file's path.
const MAX_PATH: usize = 512;
/// More names than this are counted, not listed.
const LISTED: usize = 3;
/// Files that Kafka keeps beside a partition's segments. The log does not read them, and leaves them as they are.
const KAFKAS: [&str; 2] = ["leader-epoch-checkpoint", "partition.metadata"];
const KAFKAS_SUFFIX: &str = ".txnindex";
/// The key of the clock among the settings.
const CLOCK: &str = "clock";

/// A file with its path, as it came.
pub(crate) type Named = (String, Vec<u8>);

/// A partition's files.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Partition {
    /// The directory's name; empty for files that came without one.
    pub(crate) name: String,
    /// Names and bytes, by name.
    pub(crate) files: Vec<Named>,
    /// The settings that came along.
    pub(crate) settings: Option<Settings>,
}

/// Partitions that are opened together: all of a topic, from 0 on; or one, whatever its number.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Topic {
    /// The topic's name, or the name of the only partition's directory.
    pub(crate) name: String,
    /// At least one, in order.
    pub(crate) partitions: Vec<Partition>,
}

/// What was found in what came in.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Found {
    /// By name; at least one.
    pub(crate) topics: Vec<Topic>,
    /// What a person must know: files that were left aside, names that were guessed.
    pub(crate) remarks: Vec<String>,
}

/// Writes the files of partitions into a zip, each below its directory.
///
/// # Errors
/// Names that no zip takes.
pub(crate) fn zip(partitions: &[(String, Vec<Named>)], settings: &Settings) -> io::Result<Vec<u8>> {
    let mut packed = Vec::new();
    let mut archive = ZipArchiveWriter::new(&mut packed);
    archive.set_comment(comment(settings));
    let all =
        partitions.iter().flat_map(|(directory, files)| files.iter().map(move |file| (directory, file)));
    for (directory, (name, bytes)) in all {
        let path = format!("{directory}/{name}");
        let entry = archive.new_file(&path).compression_method(CompressionMethod::DEFLATE);
        let (mut entry, config) = entry.start().map_err(io::Error::other)?;
        let mut writer = config.wrap(DeflateEncoder::new(&mut entry, flate2::Compression::default()));
        writer.write_all(bytes)?;
        let (encoder, descriptor) = writer.finish().map_err(io::Error::other)?;
        encoder.finish()?;
        entry.finish(descriptor).map_err(io::Error::other)?;
    }
    archive.finish().map_err(io::Error::other)?;
    Ok(packed)
}

fn comment(settings: &Settings) -> String {
    let lines = settings.config.iter().map(|(key, value)| format!("{key}={value}\n"));
    lines.chain([format!("{CLOCK}={}\n", settings.now_ms)]).collect()
}

fn settings(comment: &[u8]) -> Option<Settings> {
    let mut settings = Settings::default();
    let mut clock = None;
    for line in std::str::from_utf8(comment).ok()?.lines() {
        match line.split_once('=')? {
            (CLOCK, ms) => clock = Some(ms.parse().ok()?),
            (key, value) => settings.config.push((key.to_owned(), value.to_owned())),
        }
    }
    Some(Settings { now_ms: clock?, ..settings })
}

/// Opens what a person has chosen: one zip, or the files of a folder, or single files.
///
/// # Errors
/// Why there is no log in it, in words for a person.
pub(crate) fn open(files: Vec<Named>) -> Result<Found, String> {
    match files.as_slice() {
        [(name, bytes)]
            if name.to_ascii_lowercase().ends_with(".zip") || bytes.starts_with(b"PK\x03\x04") =>
        {
            let (files, settings) =
                unzip(bytes).map_err(|reason| format!("{name} cannot be opened: {reason}"))?;
            sort(files, settings)
        }
        _ => sort(files, None),
    }
}

fn unzip(bytes: &[u8]) -> Result<(Vec<Named>, Option<Settings>), String> {
    let bad = |error: rawzip::Error| format!("it is no whole zip ({error})");
    let archive = ZipArchive::from_slice(bytes).map_err(bad)?;
    let mut files = Vec::new();
    let mut room = MAX_BYTES;
    let mut entries = archive.entries();
    while let Some(entry) = entries.next_entry().map_err(bad)? {
        if entry.is_dir() {
            continue;
        }
        if files.len() == MAX_FILES {
            return Err(format!("it holds more than {MAX_FILES} files"));
        }
        let path = entry.file_path();
        if path.len() > MAX_PATH {
            return Err(format!(
                "it holds a file whose path has {} bytes, and {MAX_PATH} are taken",
                path.len()
            ));
        }
        let name =
            std::str::from_utf8(path.as_bytes()).map_err(|_| "it holds a file whose name is no UTF-8")?;
        let method = entry.compression_method();
        let file = archive.get_entry(entry.wayfinder()).map_err(bad)?;
        let data = file.data();
        let unpacked = match method {
            CompressionMethod::STORE => read(file.verifying_reader(data), room),
            CompressionMethod::DEFLATE => read(file.verifying_reader(DeflateDecoder::new(data)), room),
            _ => return Err(format!("{name} is compressed by a method other than deflate")),
        };
        let unpacked = unpacked.map_err(|error| format!("{name} is damaged ({error})"))?;
        let unpacked = unpacked.ok_or_else(|| format!("it holds more than {} MiB", MAX_BYTES >> 20))?;
        room -= unpacked.len() as u64;
        files.push((name.to_owned(), unpacked));
    }
    Ok((files, settings(archive.comment().as_bytes())))
}

/// Reads to the end; `None` if there is more than `room`.
fn read(reader: impl Read, room: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let mut limited = reader.take(room + 1);
    limited.read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= room).then_some(bytes))
}

/// Sorts files into the directories that they came in, and sets aside what is no file of a log.
fn sort(files: Vec<Named>, settings: Option<Settings>) -> Result<Found, String> {
    let total: u64 = files.iter().map(|(_, bytes)| bytes.len() as u64).sum();
    if total > MAX_BYTES || files.len() > MAX_FILES {
        return Err(format!(
            "these are {} files with {total} bytes; {MAX_FILES} files and {MAX_BYTES} bytes are taken",
            files.len()
        ));
    }
    let single = files.len() == 1;
    let mut partitions: BTreeMap<String, Partition> = BTreeMap::new();
    let (mut aside, mut remarks) = (Vec::new(), Vec::new());
    for (path, bytes) in files {
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", &path));
        let known = match is_of_a_log(name) {
            true => Some(name.to_owned()),
            false if single => renamed(name, &bytes).inspect(|right| {
                remarks.push(format!("{name} is opened as {right}: its first batch says where it belongs."));
            }),
            false => None,
        };
        let Some(name) = known else {
            aside.push(path);
            continue;
        };
        let directory = directory.rsplit('/').next().unwrap_or_default();
        let partition = partitions.entry(directory.to_owned()).or_default();
        if partition.files.iter().any(|(other, _)| *other == name) {
            return Err(format!("there are two files {directory}/{name}"));
        }
        partition.files.push((name, bytes));
    }
    if !aside.is_empty() {
        remarks.push(format!("Left aside, for they are no files of a log: {}.", list(&aside)));
    }
    let has_log = |partition: &Partition| partition.files.iter().any(|(name, _)| name.ends_with(LOG_SUFFIX));
    let partitions: Vec<_> = partitions
        .into_iter()
        .map(|(name, partition)| Partition { name, settings: settings.clone(), ..partition })
        .filter(has_log)
        .collect();
    if partitions.is_empty() {
        return Err(format!(
            "There is no segment in it. A segment is a file such as {}.{}",
            file_name(0, LOG_SUFFIX),
            remarks.iter().map(|remark| format!(" {remark}")).collect::<String>()
        ));
    }
    Ok(Found { topics: together(partitions), remarks })
}

/// Puts partitions together that are all of a topic. Others stay alone: nobody knows what would be in the gaps.
fn together(partitions: Vec<Partition>) -> Vec<Topic> {
    let mut topics: BTreeMap<String, BTreeMap<u32, Partition>> = BTreeMap::new();
    let mut alone = Vec::new();
    for partition in partitions {
        match numbered(&partition.name) {
            Some((topic, number)) => {
                drop(topics.entry(topic.to_owned()).or_default().insert(number, partition))
            }
            None => alone.push(partition),
        }
    }
    let mut found: Vec<Topic> = Vec::new();
    for (name, partitions) in topics {
        let whole = partitions.len() > 1 && partitions.keys().copied().eq(0..partitions.len() as u32);
        let partitions = partitions.into_values();
        match whole {
            true => found.push(Topic { name, partitions: partitions.collect() }),
            false => alone.extend(partitions),
        }
    }
    let alone = alone.into_iter();
    found.extend(alone.map(|partition| Topic { name: partition.name.clone(), partitions: vec![partition] }));
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// The topic and the number in a partition's name, if it is one that a page can have.
pub(crate) fn numbered(name: &str) -> Option<(&str, u32)> {
    let (topic, number) = name.rsplit_once('-')?;
    let parsed: u32 = number.parse().ok().filter(|number| *number < MAX_PARTITIONS)?;
    (number == parsed.to_string()).then_some((topic, parsed))
}

/// Whether a file is one of a log, of a compaction under way, or of Kafka's beside them.
fn is_of_a_log(name: &str) -> bool {
    if KAFKAS.contains(&name) || parse_file_name(name, KAFKAS_SUFFIX).is_some() {
        return true;
    }
    let compacted = [CLEANED_SUFFIX, SWAP_SUFFIX].iter().find_map(|suffix| name.strip_suffix(suffix));
    FileKind::of(compacted.map_or(name, |name| name.trim_end_matches('.'))).is_some()
}

/// The name that a segment should have, by its first batch: a browser that saves a file twice gives it another.
fn renamed(name: &str, bytes: &[u8]) -> Option<String> {
    let base_offset = i64::from_be_bytes(bytes.get(..8)?.try_into().ok()?);
    let magic = *bytes.get(16)?;
    let base_offset = u64::try_from(base_offset).ok()?;
    (name.ends_with(LOG_SUFFIX) && magic == 2).then(|| file_name(base_offset, LOG_SUFFIX))
}

fn list(names: &[String]) -> String {
    let mut text = names.iter().take(LISTED).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > LISTED {
        text.push_str(&format!(" and {} more", names.len() - LISTED));
    }
    text
}

impl Topic {
    /// The settings to open it with: those that came along, or else Kafka's defaults, by which it was likely written.
    ///
    /// If no clock came along, it stands at the newest record: for that log it is now.
    pub(crate) fn settings(&self) -> Settings {
        let came = self.partitions.iter().find_map(|partition| partition.settings.clone());
        came.unwrap_or_else(|| {
            let sizes = self.logs().map(<[u8]>::len);
            // The lanes are drawn against it, so it is what the largest segment suggests.
            let segment_bytes = sizes.max().unwrap_or(0).next_power_of_two().max(512);
            let segment_bytes = u32::try_from(segment_bytes).unwrap_or(1 << 30).min(1 << 30);
            let config = logscope::LogConfig { segment_bytes, ..logscope::LogConfig::default() };
            let config = config.entries().map(|(key, value)| (key.to_owned(), value)).collect();
            let now_ms = self.newest().unwrap_or(logscope::lab::CLOCK_START_MS);
            Settings { config, now_ms, ..Settings::default() }
        })
    }

    /// The `.log` files.
    fn logs(&self) -> impl Iterator<Item = &[u8]> {
        let files = self.partitions.iter().flat_map(|partition| &partition.files);
        files.filter(|(name, _)| name.ends_with(LOG_SUFFIX)).map(|(_, bytes)| &**bytes)
    }

    /// The largest timestamp of the batches that are whole and have one, in each file up to the first damage.
    fn newest(&self) -> Option<i64> {
        let newest = |mut rest: &[u8]| {
            let batches = iter::from_fn(|| {
                let (batch, behind) = Batch::parse(rest).ok()?;
                rest = behind;
                batch.verify().is_ok().then(|| batch.header().max_timestamp)
            });
            batches.filter(|timestamp| *timestamp >= 0).max()
        };
        self.logs().filter_map(newest).max()
    }
}

#[cfg(test)]
mod tests {
    use logscope::lab::{Lab, Picture, parse_scenario};
    use logscope::storage::{File, MemoryStorage, Storage};
    use logscope::verify::VerifyOptions;
    use proptest::prelude::*;

    use super::*;

    const LOG: &str = "00000000000000000000.log";

    fn files_after(scenario: &str) -> Vec<Named> {
        let storage = MemoryStorage::new();
        let mut lab = Lab::new(storage.clone());
        parse_scenario(scenario).unwrap().iter().for_each(|(_, action)| drop(lab.run(action)));
        let mut names = storage.list().unwrap();
        names.sort_unstable();
        names.into_iter().map(|name| (name.clone(), storage.contents(&name).unwrap())).collect()
    }

    fn some_settings() -> Settings {
        Settings {
            config: vec![("segment.bytes".to_owned(), "300".to_owned())],
            now_ms: 1_767_225_600_000,
            ..Settings::default()
        }
    }

    fn reason(files: Vec<Named>) -> String {
        open(files).unwrap_err()
    }

    #[test]
    fn a_zip_comes_back_whole_and_its_log_is_good() {
        let files = files_after("config segment.bytes=300\nappend hello key=ana count=30\nflush\nreopen");
        assert!(files.len() > 10);
        let packed = zip(&[("orders-0".to_owned(), files.clone())], &some_settings()).unwrap();
        let found = open(vec![("log.zip".to_owned(), packed)]).unwrap();
        let [Topic { name, partitions }] = found.topics.as_slice() else { panic!("{found:?}") };
        let [partition] = partitions.as_slice() else { panic!("{partitions:?}") };
        assert_eq!((name.as_str(), &partition.files, found.remarks.len()), ("orders-0", &files, 0));
        assert_eq!(found.topics[0].settings(), some_settings());

        let storage = MemoryStorage::new();
        for (name, bytes) in &partition.files {
            storage.open(name).unwrap().write_at(0, bytes).unwrap();
        }
        let report = logscope::verify(&storage, &VerifyOptions::default(), &mut |_| {}).unwrap();
        assert!(report.is_clean() && report.records == 30, "{report:?}");
    }

    #[test]
    fn the_clock_of_files_is_the_one_that_came_along_or_their_newest_record() {
        let files = files_after("append a\nadvance 900d\nappend b\nadvance 7d\nflush");
        let clock = |files: &[Named], settings: Option<&Settings>| {
            let zipped = settings.map(|settings| zip(&[("orders-0".to_owned(), files.to_vec())], settings));
            let came = zipped.map_or(files.to_vec(), |zip| vec![("log.zip".to_owned(), zip.unwrap())]);
            open(came).unwrap().topics[0].settings().now_ms
        };
        let newest = clock(&files, None);
        assert_eq!((newest - logscope::lab::CLOCK_START_MS) / 86_400_000, 900);
        for came in [newest - 1, newest + 1] {
            assert_eq!(clock(&files, Some(&Settings { now_ms: came, ..some_settings() })), came);
        }

        // What a damaged batch says of its time does not count.
        let mut damaged = files.clone();
        let (_, log) = damaged.iter_mut().rfind(|(name, _)| name.ends_with(LOG_SUFFIX)).unwrap();
        log[35] ^= 0x40;
        assert_eq!(clock(&damaged, None), logscope::lab::CLOCK_START_MS);
        let empty: Vec<Named> = vec![(LOG.to_owned(), Vec::new())];
        assert_eq!(clock(&empty, None), logscope::lab::CLOCK_START_MS);
    }

    #[test]
    fn a_folder_of_anything_is_sorted_and_nothing_is_left_out_in_silence() {
        let mut files = files_after("append a count=3\nflush");
        files.iter_mut().for_each(|(name, _)| *name = format!("data/orders-1/{name}"));
        files.extend(
            ["data/meta.properties", "data/orders-1/notes", "data/x/notes"]
                .map(|path| (path.to_owned(), vec![1])),
        );
        let found = open(files).unwrap();
        assert_eq!(found.topics.iter().map(|topic| topic.name.as_str()).collect::<Vec<_>>(), ["orders-1"]);
        let left = "Left aside, for they are no files of a log: data/meta.properties, data/orders-1/notes, data/x/notes.";
        assert_eq!(found.remarks, [left]);
        assert_eq!(found.topics[0].settings().config[0], ("segment.bytes".to_owned(), "512".to_owned()));
    }

    /// The files of a partition as Kafka leaves them: other epochs, files of its own, none of ours.
    fn kafkas() -> Vec<Named> {
        let mut files = files_after("config segment.bytes=300\nappend hello key=ana count=9\nflush\nreopen");
        files.retain(|(name, _)| name != "checkpoint" && !name.ends_with(".snapshot"));
        for (name, bytes) in &mut files {
            let mut at = 0;
            while name.ends_with(LOG_SUFFIX) && at < bytes.len() {
                // The leader's epoch is outside of the checksum.
                bytes[at + 12..at + 16].copy_from_slice(&41_i32.to_be_bytes());
                at += 12 + i32::from_be_bytes(bytes[at + 8..at + 12].try_into().unwrap()) as usize;
            }
        }
        let own = [
            ("leader-epoch-checkpoint", "0\n1\n41 0\n"),
            ("partition.metadata", "version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA\n"),
            ("00000000000000000000.txnindex", ""),
        ];
        files.extend(own.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec())));
        files.sort_unstable();
        files
    }

    #[test]
    fn a_partition_of_kafkas_is_opened_and_goes_out_as_it_came() {
        let files = kafkas();
        let named = files.iter().map(|(name, bytes)| (format!("orders-3/{name}"), bytes.clone())).collect();
        let found = open(named).unwrap();
        assert_eq!((found.remarks.len(), &found.topics[0].partitions[0].files), (0, &files));

        let storage = logscope::JournalStorage::restore(
            files.iter().cloned().zip(0..).map(|((name, bytes), id)| (name, id, bytes)),
        );
        let mut lab = Lab::new(storage);
        let mut picture = Picture::default();
        lab.run_line("reopen").unwrap().events.iter().for_each(|event| picture.apply(event));
        assert_eq!(picture.log.log_end_offset, 9);
        assert_eq!(lab.run_line("fetch 0 max_bytes=100000").unwrap().records.len(), 9);
        // What the opening writes is its own: nothing that came in is another than before.
        for (name, bytes) in &files {
            assert_eq!(lab.storage().contents(name).as_ref(), Some(bytes), "{name}");
        }
        let mut names = lab.storage().list().unwrap();
        names.sort_unstable();
        let out: Vec<_> =
            names.into_iter().map(|name| (name.clone(), lab.storage().contents(&name).unwrap())).collect();
        let packed = zip(&[("orders-3".to_owned(), out.clone())], &some_settings()).unwrap();
        let again = open(vec![("orders-3.zip".to_owned(), packed)]).unwrap();
        assert_eq!((again.remarks.len(), &again.topics[0].partitions[0].files), (0, &out));
        let storage = MemoryStorage::new();
        for (name, bytes) in &out {
            storage.open(name).unwrap().write_at(0, bytes).unwrap();
        }
        let report = logscope::verify(&storage, &VerifyOptions::default(), &mut |_| {}).unwrap();
        assert!(report.is_clean() && report.records == 9, "{report:?}");
    }

    #[test]
    fn two_partitions_stay_apart() {
        let log = files_after("append a").into_iter().find(|(name, _)| name == LOG).unwrap().1;
        let files = ["a-0", "b-1"].map(|directory| (format!("{directory}/{LOG}"), log.clone()));
        assert_eq!(open(files.to_vec()).unwrap().topics.len(), 2);
        let twice = vec![files[0].clone(), files[0].clone()];
        assert!(reason(twice).contains("two files a-0/"));
    }

    #[test]
    fn all_partitions_of_a_topic_go_together_and_others_are_chosen_from() {
        let log = files_after("append a").into_iter().find(|(name, _)| name == LOG).unwrap().1;
        let opened = |directories: &[&str]| -> Vec<(String, usize)> {
            let file = |directory: &&str| (format!("{directory}/{LOG}"), log.clone());
            let topics = open(directories.iter().map(file).collect()).unwrap().topics;
            topics.into_iter().map(|topic| (topic.name, topic.partitions.len())).collect()
        };
        assert_eq!(opened(&["o-10", "o-1", "o-0", "o-2"]).len(), 4, "there is a gap");
        assert_eq!(opened(&["o-1", "o-0", "o-2"]), [("o".to_owned(), 3)]);
        let two = [("a-b".to_owned(), 2), ("c-0".to_owned(), 1), ("d-01".to_owned(), 1)];
        assert_eq!(opened(&["d-01", "a-b-1", "a-b-0", "c-0"]), two);
        let many: Vec<String> = (0..12).map(|number| format!("o-{number}")).collect();
        assert_eq!(opened(&many.iter().map(String::as_str).collect::<Vec<_>>()), [("o".to_owned(), 12)]);
    }

    #[test]
    fn a_segment_under_another_name_is_known_by_its_first_batch() {
        let scenario = "config segment.bytes=100\nappend hello count=3\nflush";
        let log =
            files_after(scenario).into_iter().find(|(name, _)| name.starts_with("00000000000000000002.log"));
        let found = open(vec![("copy (1).log".to_owned(), log.unwrap().1)]).unwrap();
        assert_eq!(found.topics[0].partitions[0].files[0].0, "00000000000000000002.log");
        assert!(found.remarks[0].starts_with("copy (1).log is opened as 00000000000000000002.log"));
        assert!(
            reason(vec![("holiday.log".to_owned(), b"not a log at all".repeat(4))])
                .starts_with("There is no segment")
        );
    }

    #[test]
    fn what_is_too_large_is_refused_by_what_comes_out_of_it() {
        let zeros = vec![("00000000000000000000.log".to_owned(), vec![0; 1 << 20])];
        let packed = zip(&[("a-0".to_owned(), zeros)], &Settings::default()).unwrap();
        assert!(packed.len() < 4096, "a bomb is small");
        let archive = ZipArchive::from_slice(&packed).unwrap();
        let entry = archive.entries().next_entry().unwrap().unwrap();
        let file = archive.get_entry(entry.wayfinder()).unwrap();
        assert_eq!(read(DeflateDecoder::new(file.data()), (1 << 20) - 1).unwrap(), None);
        assert!(read(DeflateDecoder::new(file.data()), 1 << 20).unwrap().is_some());
        let long = vec![("x".repeat(600), Vec::new())];
        let packed = zip(&[("a-0".to_owned(), long)], &Settings::default()).unwrap();
        assert!(reason(vec![("a.zip".to_owned(), packed)]).contains("path has 604 bytes"));
    }

    #[test]
    fn a_zip_that_is_damaged_anywhere_is_refused_or_opens_as_it_was() {
        let files = files_after("append hello count=3\nflush");
        let packed = zip(&[("orders-0".to_owned(), files.clone())], &some_settings()).unwrap();
        for at in 0..packed.len() {
            let mut damaged = packed.clone();
            damaged[at] ^= 0x21;
            if let Ok(found) = open(vec![("a.zip".to_owned(), damaged)]) {
                let partitions = found.topics.iter().flat_map(|topic| &topic.partitions);
                let logs = partitions.flat_map(|partition| &partition.files);
                let (_, bytes) = logs.into_iter().find(|(name, _)| name.ends_with(LOG_SUFFIX)).unwrap();
                assert!(files.iter().any(|(_, original)| original == bytes), "byte {at}");
            }
            assert!(open(vec![("a.zip".to_owned(), packed[..at].to_vec())]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn what_was_opened_is_the_log_that_was_saved() {
        let files = files_after("append hello key=ana count=9\nflush");
        let lab = Lab::new(logscope::JournalStorage::restore(
            files.into_iter().zip(0..).map(|((name, bytes), id)| (name, id, bytes)),
        ));
        let mut picture =
            Picture::closed(logscope::lab::LogPicture::read(lab.storage(), lab.config()).unwrap());
        let mut lab = lab;
        lab.run_line("reopen").unwrap().events.iter().for_each(|event| picture.apply(event));
        assert_eq!(picture.log.high_watermark, 9);
    }

    proptest! {
        #[test]
        fn any_bytes_are_opened_or_refused(name in "[a-z0-9./-]{0,40}", bytes: Vec<u8>) {
            let _ = open(vec![(name, bytes.clone())]);
            let _ = open(vec![("a.zip".to_owned(), [b"PK\x03\x04".to_vec(), bytes].concat())]);
        }
    }
}
