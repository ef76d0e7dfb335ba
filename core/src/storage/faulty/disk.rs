//! The disk behind the faulty storage: two images of everything, and the changes between them.

use std::collections::BTreeMap;
use std::io;

use crate::testing::Random;

use super::Faults;

#[derive(Debug, Clone)]
pub(super) struct Disk {
    pub(super) random: Random,
    pub(super) faults: Faults,
    /// Calls since the faults were set.
    pub(super) calls: u64,
    /// Whether the power is out.
    pub(super) down: bool,
    /// How many crashes there were.
    pub(super) life: u64,
    next_id: u64,
    /// All that was ever opened since the last crash: a handle outlives its name.
    pub(super) files: BTreeMap<u64, Images>,
    pub(super) live: BTreeMap<String, u64>,
    pub(super) durable: BTreeMap<String, u64>,
    pub(super) unsynced_names: Vec<NameChange>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Images {
    pub(super) live: Vec<u8>,
    pub(super) disk: Vec<u8>,
    unsynced: Vec<Change>,
}

#[derive(Debug, Clone)]
pub(super) enum Change {
    Write { position: usize, bytes: Vec<u8> },
    Truncate { len: usize },
}

#[derive(Debug, Clone)]
pub(super) enum NameChange {
    Created { name: String, id: u64 },
    Renamed { from: String, to: String, id: u64 },
    Removed { name: String, id: u64 },
}

/// What becomes of a change that was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Kept,
    Lost,
    Torn,
    /// The file is as long as if the write had happened, but its bytes are zero.
    Zeros,
}

/// How a call goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Good,
    Error,
    /// What the call changes counts as not synced, and the caller hears nothing good.
    PowerFails,
}

pub(super) fn not_found(name: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("there is no file {name}"))
}

fn power_is_out() -> io::Error {
    io::Error::other("the power is out")
}

impl Disk {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed),
            faults: Faults::default(),
            calls: 0,
            down: false,
            life: 0,
            next_id: 0,
            files: BTreeMap::new(),
            live: BTreeMap::new(),
            durable: BTreeMap::new(),
            unsynced_names: Vec::new(),
        }
    }

    /// Counts a call, and decides how it goes.
    pub(super) fn call(&mut self) -> io::Result<Verdict> {
        if self.down {
            return Err(power_is_out());
        }
        self.calls += 1;
        if self.faults.power_fails_at == Some(self.calls) {
            self.down = true;
            return Ok(Verdict::PowerFails);
        }
        Ok(if self.faults.error_at == Some(self.calls) { Verdict::Error } else { Verdict::Good })
    }

    /// What a call returns that changed all it should.
    pub(super) fn answer<T>(&mut self, verdict: Verdict, value: T) -> io::Result<T> {
        match verdict {
            Verdict::Good => Ok(value),
            Verdict::Error => Err(self.error()),
            Verdict::PowerFails => Err(power_is_out()),
        }
    }

    fn error(&mut self) -> io::Error {
        let kinds = [io::ErrorKind::Other, io::ErrorKind::Interrupted, io::ErrorKind::TimedOut];
        io::Error::new(*self.random.pick(&kinds), "the disk reports an error")
    }

    /// Whether a call of which there is no half happens at all.
    pub(super) fn happens(&mut self, verdict: Verdict) -> bool {
        verdict != Verdict::Error || self.random.one_in(2)
    }

    pub(super) fn create(&mut self, name: &str) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.files.insert(id, Images::default());
        self.change_name(NameChange::Created { name: name.to_owned(), id });
        id
    }

    pub(super) fn change_name(&mut self, change: NameChange) {
        change.make(&mut self.live);
        self.unsynced_names.push(change);
    }

    pub(super) fn change(&mut self, id: u64, change: Change) {
        let file = self.files.entry(id).or_default();
        let before = file.live.len() as u64;
        change.make(&mut file.live, Fate::Kept, 0);
        let after = file.live.len() as u64;
        file.unsynced.push(change);
        if let Some(room) = &mut self.faults.room {
            *room = (*room + before).saturating_sub(after);
        }
    }

    pub(super) fn live_len(&self, id: u64) -> usize {
        self.files.get(&id).map_or(0, |file| file.live.len())
    }

    pub(super) fn sync_bytes(&mut self, id: u64) {
        if let Some(file) = self.files.get_mut(&id) {
            let changes = std::mem::take(&mut file.unsynced);
            changes.iter().for_each(|change| change.make(&mut file.disk, Fate::Kept, 0));
        }
    }

    pub(super) fn sync_names(&mut self) {
        for change in std::mem::take(&mut self.unsynced_names) {
            change.make(&mut self.durable);
        }
    }

    pub(super) fn cache_lies(&self) -> bool {
        let lies = |file: &Images| {
            let mut synced = file.disk.clone();
            file.unsynced.iter().for_each(|change| change.make(&mut synced, Fate::Kept, 0));
            synced != file.live
        };
        let mut names = self.durable.clone();
        self.unsynced_names.iter().for_each(|change| change.make(&mut names));
        names != self.live || self.live.values().any(|id| self.files.get(id).is_some_and(lies))
    }

    /// What becomes of `count` changes in a crash.
    fn fates(&mut self, count: usize) -> Vec<Fate> {
        let random = &mut self.random;
        match random.below(5) {
            0 => vec![Fate::Lost; count],
            1 => vec![Fate::Kept; count],
            2 => {
                let torn = random.below(count as u64 + 1) as usize;
                let fate = |at: usize| match at.cmp(&torn) {
                    std::cmp::Ordering::Less => Fate::Kept,
                    std::cmp::Ordering::Equal => Fate::Torn,
                    std::cmp::Ordering::Greater => Fate::Lost,
                };
                (0..count).map(fate).collect()
            }
            3 => (0..count).map(|_| *random.pick(&[Fate::Kept, Fate::Lost, Fate::Torn])).collect(),
            _ => (0..count).map(|_| *random.pick(&[Fate::Kept, Fate::Zeros])).collect(),
        }
    }

    /// Brings to the disk what chance lets through of what was not synced; the rest will never get there.
    pub(super) fn lose_bytes(&mut self, id: u64) {
        let Some(file) = self.files.get_mut(&id) else { return };
        let changes = std::mem::take(&mut file.unsynced);
        let fates = self.fates(changes.len());
        for (change, fate) in changes.iter().zip(fates) {
            let chance = self.random.next();
            if let Some(file) = self.files.get_mut(&id) {
                change.make(&mut file.disk, fate, chance);
            }
        }
    }

    pub(super) fn lose_names(&mut self) {
        let changes = std::mem::take(&mut self.unsynced_names);
        let fates = self.fates(changes.len());
        for (change, fate) in changes.iter().zip(fates) {
            let kept = match fate {
                Fate::Kept | Fate::Zeros => true,
                Fate::Lost => false,
                Fate::Torn => self.random.one_in(2),
            };
            if kept {
                change.make(&mut self.durable);
            }
        }
    }

    pub(super) fn restart(&mut self) {
        self.lose_names();
        for id in self.files.keys().copied().collect::<Vec<_>>() {
            self.lose_bytes(id);
        }
        self.wake_up();
    }

    /// Loses all that was not synced, but for the first `keep` bytes that a file would have grown by.
    pub(super) fn crash(&mut self, keep: u64) {
        let keep = usize::try_from(keep).unwrap_or(usize::MAX);
        for file in self.files.values_mut() {
            if file.live.starts_with(&file.disk) {
                let end = file.live.len().min(file.disk.len().saturating_add(keep));
                file.disk = file.live[..end].to_vec();
            }
        }
        self.wake_up();
    }

    /// Inverts a byte, wherever it may stand.
    pub(super) fn flip(&mut self, name: &str, position: u64) -> io::Result<()> {
        let file = self.live.get(name).and_then(|id| self.files.get_mut(id));
        let file = file.ok_or_else(|| not_found(name))?;
        let at = usize::try_from(position).ok().filter(|at| *at < file.live.len());
        let Some(at) = at else {
            let message = format!("position {position} is not in {name}, of {} bytes", file.live.len());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        };
        let unsynced = file.unsynced.iter_mut().filter_map(|change| match change {
            Change::Write { position, bytes } => bytes.get_mut(at.checked_sub(*position)?),
            Change::Truncate { .. } => None,
        });
        let synced = [&mut file.live, &mut file.disk].into_iter().filter_map(|image| image.get_mut(at));
        unsynced.chain(synced).for_each(|byte| *byte ^= 0xff);
        Ok(())
    }

    pub(super) fn lose(&mut self, name: &str) -> io::Result<()> {
        let id = self.live.remove(name).ok_or_else(|| not_found(name))?;
        self.durable.retain(|_, durable| *durable != id);
        self.unsynced_names.retain(|change| change.id() != id);
        Ok(())
    }

    /// The disk as it is becomes what reads see.
    fn wake_up(&mut self) {
        self.unsynced_names.clear();
        self.live = self.durable.clone();
        let named: Vec<u64> = self.live.values().copied().collect();
        self.files.retain(|id, _| named.contains(id));
        for file in self.files.values_mut() {
            file.unsynced.clear();
            file.live = file.disk.clone();
        }
        self.faults = Faults::default();
        (self.down, self.life) = (false, self.life + 1);
    }
}

impl Change {
    /// Makes the change, as far as its fate and chance let it.
    fn make(&self, image: &mut Vec<u8>, fate: Fate, chance: u64) {
        match self {
            Self::Truncate { len } => match fate {
                Fate::Kept | Fate::Zeros => image.truncate(*len),
                Fate::Torn if chance.is_multiple_of(2) => image.truncate(*len),
                Fate::Torn | Fate::Lost => {}
            },
            Self::Write { position, bytes } => {
                let cut = (chance / 2) as usize % (bytes.len() + 1);
                let (position, bytes) = match fate {
                    Fate::Lost => return,
                    Fate::Kept => (*position, &bytes[..]),
                    Fate::Torn if chance.is_multiple_of(2) => (*position, &bytes[..cut]),
                    Fate::Torn => (position + cut, &bytes[cut..]),
                    Fate::Zeros => (position + bytes.len(), &[][..]),
                };
                // What should stand before may have been lost.
                image.resize(image.len().max(position + bytes.len()), 0);
                image[position..position + bytes.len()].copy_from_slice(bytes);
            }
        }
    }
}

impl NameChange {
    fn id(&self) -> u64 {
        let (Self::Created { id, .. } | Self::Renamed { id, .. } | Self::Removed { id, .. }) = self;
        *id
    }

    fn make(&self, names: &mut BTreeMap<String, u64>) {
        match self {
            Self::Created { name, id } => {
                names.insert(name.clone(), *id);
            }
            Self::Renamed { from, to, id } => {
                if names.get(from) == Some(id) {
                    names.remove(from);
                }
                names.insert(to.clone(), *id);
            }
            Self::Removed { name, id } => {
                if names.get(name) == Some(id) {
                    names.remove(name);
                }
            }
        }
    }
}
