//! The data directory: a lock, Kafka's `meta.properties`, and a directory a partition. All of the broker's own
//! file handling is in here; what is inside a partition's directory is the engine's.
//!
//! ```text
//! broker_data/
//!   .lock             held while a broker runs; the operating system lets go of it when the process dies
//!   meta.properties   version=0, broker.id=0
//!   page-views-0/     partition 0 of the topic page-views
//! ```

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use logscope::log::TailCut;
use logscope::segment::file_name;
use logscope::topic::TopicName;
use logscope::{FsStorage, PartitionLog, RecoveryReport};

const LOCK: &str = ".lock";
const META: &str = "meta.properties";
/// Kafka writes this form for a broker that has an id and belongs to no cluster.
const META_CONTENT: &str = "#\nversion=0\nbroker.id=0\n";

/// A topic and one of its partitions. Written, and named on disk, as `TOPIC-PARTITION`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    /// The topic.
    pub topic: TopicName,
    /// The partition's number, from 0.
    pub partition: u32,
}

impl TopicPartition {
    /// Reads the form that [`Display`](fmt::Display) writes, and no other.
    pub fn parse(text: &str) -> Option<Self> {
        let (topic, number) = text.rsplit_once('-')?;
        let partition = number.parse().ok()?;
        let parsed = Self { topic: TopicName::new(topic).ok()?, partition };
        (parsed.to_string() == text).then_some(parsed)
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

/// Why a broker could not be opened: one line for the person who starts it, paths included.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process holds the lock.
    #[error("another broker is running on the data directory {}", .0.display())]
    Locked(PathBuf),
    /// The directory cannot be used.
    #[error("cannot {action} {}: {source}", .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The directory says that it is something else.
    #[error("{} is not of this broker: {reason}", .path.display())]
    Meta {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        reason: String,
    },
}

/// The directory, and the lock on it.
#[derive(Debug)]
pub(super) struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    pub(super) fn open(path: PathBuf) -> Result<Self, OpenError> {
        fs::create_dir_all(&path).map_err(failed("create the data directory", &path))?;
        let lock = lock(&path)?;
        check_meta(&path)?;
        Ok(Self { path, _lock: lock })
    }

    /// The partitions that are there, in no order. Directories of other names are left alone.
    pub(super) fn partitions(&self) -> Result<Vec<TopicPartition>, OpenError> {
        let mut partitions = Vec::new();
        for name in directories(&self.path).map_err(failed("read the data directory", &self.path))? {
            match TopicPartition::parse(&name) {
                Some(partition) if partition.partition == 0 => partitions.push(partition),
                _ => {
                    tracing::warn!("the directory {name:?} is left alone: it is no partition of this broker")
                }
            }
        }
        Ok(partitions)
    }

    /// Creates a partition's directory, and makes its name durable.
    ///
    /// On a filesystem that takes `T-0` and `t-0` for the same name, the second is refused: two logs in one
    /// directory would destroy each other.
    pub(super) fn create_partition(&self, name: &TopicPartition) -> io::Result<()> {
        match fs::create_dir(self.partition_path(name)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                // A creation that failed later on left the directory; it is taken up again.
                if !directories(&self.path)?.contains(&name.to_string()) {
                    return Err(error);
                }
            }
            created => created?,
        }
        sync_dir(&self.path)
    }

    pub(super) fn partition_path(&self, name: &TopicPartition) -> PathBuf {
        self.path.join(name.to_string())
    }
}

/// Tells the operator what recovery found and did.
pub(super) fn log_recovery(name: &TopicPartition, report: &RecoveryReport, log: &PartitionLog<FsStorage>) {
    let RecoveryReport { segments, scanned_segments, batches, bytes, clean, .. } = report;
    let (start, end) = (log.log_start_offset(), log.log_end_offset());
    let scanned = scanned_segments.len();
    let closed = if *clean { "closed in good order" } else { "not closed in good order" };
    tracing::info!(
        partition = %name,
        "offsets {start} up to {end}, {closed}: {scanned} of {segments} segments were checked, {batches} batches \
         in {bytes} bytes"
    );
    let RecoveryReport { damaged_checkpoint, tail_cut, rebuilt_indexes, removed_files, .. } = report;
    if let Some(reason) = damaged_checkpoint {
        tracing::warn!(partition = %name, "the checkpoint is useless, and everything was checked: {reason}");
    }
    if let Some(TailCut { file, position, bytes, reason }) = tail_cut {
        tracing::warn!(partition = %name, "cut {bytes} bytes off {file} at position {position}: {reason}");
    }
    for (segment, index, fault) in rebuilt_indexes {
        let file = file_name(*segment, index.suffix());
        tracing::warn!(partition = %name, "wrote {file} anew: {fault:?}");
    }
    for file in removed_files {
        tracing::info!(partition = %name, "removed {file}, which belonged to nothing");
    }
}

fn lock(dir: &Path) -> Result<File, OpenError> {
    let path = dir.join(LOCK);
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(failed("write", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked(dir.to_owned())),
        Err(TryLockError::Error(error)) => Err(failed("lock", &path)(error)),
    }
}

/// Checks `meta.properties`, or writes it into a directory that has none.
fn check_meta(dir: &Path) -> Result<(), OpenError> {
    let path = dir.join(META);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return write_meta(dir).map_err(failed("write", &path));
        }
        Err(error) => return Err(failed("read", &path)(error)),
    };
    let value = |key: &str| {
        let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
        lines.filter_map(|line| line.split_once('=')).find(|(k, _)| k.trim() == key).map(|(_, v)| v.trim())
    };
    for (key, expected) in [("version", "0"), ("broker.id", "0")] {
        let found = value(key);
        if found != Some(expected) {
            let found = found.map_or_else(|| "missing".to_owned(), |found| format!("{found:?}"));
            let reason = format!("{key} is {found}, and this broker needs {expected:?}");
            return Err(OpenError::Meta { path, reason });
        }
    }
    Ok(())
}

/// Writes the file beside its place first, so that a crash leaves all of it or nothing.
fn write_meta(dir: &Path) -> io::Result<()> {
    let unfinished = dir.join("meta.properties.tmp");
    let mut file = File::create(&unfinished)?;
    file.write_all(META_CONTENT.as_bytes())?;
    file.sync_all()?;
    fs::rename(&unfinished, dir.join(META))?;
    sync_dir(dir)
}

/// The names of the directories in a directory. A name that is not UTF-8 is nobody's here.
fn directories(path: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir()
            && let Ok(name) = entry.file_name().into_string()
        {
            names.push(name);
        }
    }
    Ok(names)
}

/// Makes names in a directory durable. Windows cannot open directories, and does so by itself.
fn sync_dir(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OpenError {
    let path = path.to_owned();
    move |source| OpenError::Io { action, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directory_names_are_read_back_and_no_others_are_taken() {
        for (text, topic) in
            [("t-0", "t"), ("page-views-0", "page-views"), ("a.b_c-0", "a.b_c"), ("--0", "-")]
        {
            let parsed = TopicPartition::parse(text).unwrap();
            assert_eq!((parsed.topic.as_str(), parsed.partition), (topic, 0));
            assert_eq!(parsed.to_string(), text);
        }
        for text in ["t", "-0", "t-", "t-00", "t-+0", "t--", "t-0.tmp", "..-0x", "t-4294967296", "a b-0"] {
            assert_eq!(TopicPartition::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn foreign_meta_properties_are_refused_by_name() {
        for (content, fragment) in [
            ("version=1\nbroker.id=0\n", "version is \"1\""),
            ("version=0\nbroker.id=7\n", "broker.id is \"7\""),
            ("#version=0\nbroker.id=0", "version is missing"),
            ("", "version is missing"),
        ] {
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join(META), content).unwrap();
            let error = DataDir::open(dir.path().to_owned()).unwrap_err().to_string();
            assert!(error.contains(fragment) && error.contains(META), "{error}");
        }
    }

    #[test]
    fn a_second_opening_is_refused_while_the_first_lasts() {
        let dir = tempfile::tempdir().unwrap();
        let first = DataDir::open(dir.path().to_owned()).unwrap();
        assert!(matches!(DataDir::open(dir.path().to_owned()), Err(OpenError::Locked(_))));
        drop(first);
        DataDir::open(dir.path().to_owned()).unwrap();
        assert_eq!(fs::read_to_string(dir.path().join(META)).unwrap(), META_CONTENT);
    }
}
