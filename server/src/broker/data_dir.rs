//! The data directory: a lock, Kafka's `meta.properties`, and a directory a partition. All of the broker's own
//! file handling is in here; what is inside a partition's directory is the engine's.
//!
//! ```text
//! broker_data/
//!   .lock             held while a broker runs; the operating system lets go of it when the process dies
//!   meta.properties   version=0, broker.id=0
//!   .reserve          keeps room for what makes room, see `reserve`
//!   topics.json       which topics there are, with their partitions and configs (see `catalog`)
//!   page-views-0/     partition 0 of the topic page-views
//! ```

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use logscope::segment::{INDEX_SUFFIX, LOG_SUFFIX, TIME_INDEX_SUFFIX, file_name};
use logscope::topic::TopicName;

use super::catalog::Catalog;
use super::records::SegmentFileKind;
use super::reserve::Reserve;

const LOCK: &str = ".lock";
const META: &str = "meta.properties";
const CATALOG: &str = "topics.json";
const RESERVE: &str = ".reserve";
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
    /// The broker was opened outside a Tokio runtime.
    #[error("a broker needs to be opened inside a Tokio runtime")]
    NoRuntime,
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

    /// Room that is kept on its disk.
    pub(super) fn reserve(&self) -> Reserve {
        Reserve::new(self.path.join(RESERVE))
    }

    /// The partitions that are there, in order. Directories of other names are left alone.
    pub(super) fn partitions(&self) -> Result<Vec<TopicPartition>, OpenError> {
        let mut partitions = Vec::new();
        for name in directories(&self.path).map_err(failed("read the data directory", &self.path))? {
            match TopicPartition::parse(&name) {
                Some(partition) => partitions.push(partition),
                None => {
                    tracing::warn!("the directory {name:?} is left alone: it is no partition of this broker")
                }
            }
        }
        partitions.sort();
        Ok(partitions)
    }

    /// Which topics there are; none in a directory that is new.
    pub(super) fn read_catalog(&self) -> Result<Catalog, OpenError> {
        let path = self.path.join(CATALOG);
        match fs::read(&path) {
            Ok(json) => Catalog::parse(&json).map_err(|reason| OpenError::Meta { path, reason }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Catalog::default()),
            Err(error) => Err(failed("read", &path)(error)),
        }
    }

    /// Makes it durable which topics there are.
    pub(super) fn write_catalog(&self, catalog: &Catalog) -> io::Result<()> {
        replace(&self.path, CATALOG, &catalog.to_json()?)
    }

    /// What to say when the catalog cannot be written.
    pub(super) fn catalog_error(&self, source: io::Error) -> OpenError {
        OpenError::Io { action: "write", path: self.path.join(CATALOG), source }
    }

    /// What to say when the catalog makes no sense.
    pub(super) fn catalog_fault(&self, reason: String) -> OpenError {
        OpenError::Meta { path: self.path.join(CATALOG), reason }
    }

    /// Whether a partition's directory is there and has files in it.
    pub(super) fn has_files(&self, name: &TopicPartition) -> io::Result<bool> {
        match fs::read_dir(self.partition_path(name)) {
            Ok(mut files) => Ok(files.next().is_some()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Deletes a partition's directory with all that is in it. One that is not there is no error.
    pub(super) fn remove_partition(&self, name: &TopicPartition) -> io::Result<()> {
        match fs::remove_dir_all(self.partition_path(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    /// Deletes a partition's directory if nothing is in it.
    pub(super) fn remove_empty_partition(&self, name: &TopicPartition) -> io::Result<()> {
        fs::remove_dir(self.partition_path(name))
    }

    /// Makes the names in the data directory durable.
    pub(super) fn sync(&self) -> io::Result<()> {
        sync_dir(&self.path)
    }

    /// Creates a partition's directory, whose name is durable after [`sync`](Self::sync).
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
        Ok(())
    }

    /// Opens a segment's file for reading, and returns it with its name.
    pub(super) fn segment_file(
        &self,
        partition: &TopicPartition,
        base_offset: u64,
        kind: SegmentFileKind,
    ) -> io::Result<(String, File)> {
        let suffix = match kind {
            SegmentFileKind::Log => LOG_SUFFIX,
            SegmentFileKind::Index => INDEX_SUFFIX,
            SegmentFileKind::TimeIndex => TIME_INDEX_SUFFIX,
        };
        let name = file_name(base_offset, suffix);
        let file = File::open(self.partition_path(partition).join(&name))?;
        Ok((name, file))
    }

    pub(super) fn partition_path(&self, name: &TopicPartition) -> PathBuf {
        self.path.join(name.to_string())
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
            return replace(dir, META, META_CONTENT.as_bytes()).map_err(failed("write", &path));
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

/// Puts a file in its place as a whole, durably: a crash leaves the old content or the new.
fn replace(dir: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let unfinished = dir.join(format!("{name}.tmp"));
    let mut file = File::create(&unfinished)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&unfinished, dir.join(name))?;
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
