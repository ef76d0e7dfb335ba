//! A directory made of bytes.
//!
//! ```text
//! mode, then three choices for what is done with the log, then files until the bytes end:
//! kind, base offset, size (two bytes), contents
//! ```
//!
//! Bytes by chance hardly ever have a right checksum. So the mode may ask for batches whose lengths and checksums are made
//! right, and for a checkpoint that is valid and names one of the segments: otherwise no file would ever be trusted.

use crc::{CRC_32_ISCSI, Crc};
use logscope::log::{CHECKPOINT_FILE, Checkpoint};
use logscope::record::{CRC_AT, CRC_FROM, HEADER_SIZE, MAGIC};
use logscope::segment::file_name;
use logscope::{LogConfig, MemoryStorage};

const CRC_32C: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

const SEAL: u8 = 1;
const CHECKPOINT: u8 = 2;
const CLEAN: u8 = 4;
const SUFFIXES: [&str; 8] = [
    ".log",
    ".index",
    ".timeindex",
    ".snapshot",
    ".log.deleted",
    ".index.deleted",
    ".log.cleaned",
    ".index.swap",
];

pub(crate) struct Directory {
    pub(crate) storage: MemoryStorage,
    pub(crate) config: LogConfig,
    pub(crate) choices: [u8; 3],
}

impl Directory {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let storage = MemoryStorage::new();
        let config = LogConfig { segment_bytes: 600, index_interval_bytes: 100, ..LogConfig::default() };
        let Some((&[mode, a, b, c], mut rest)) = bytes.split_first_chunk() else {
            return Self { storage, config, choices: [0; 3] };
        };
        let (mut active, mut end) = (0, 0);
        while let Some((&[kind, base, high, low], behind)) = rest.split_first_chunk() {
            let size = usize::from(high) << 8 | usize::from(low);
            let (contents, behind) = behind.split_at(size.min(behind.len()));
            let mut contents = contents.to_vec();
            if kind == 255 {
                storage.insert(CHECKPOINT_FILE, contents);
            } else if kind == 254 {
                // A segment that compaction wrote, with a span by chance.
                storage.insert(format!("{base:020}-{:020}.log.swap", base.wrapping_add(a)), contents);
            } else {
                let suffix = SUFFIXES[usize::from(kind) % SUFFIXES.len()];
                if suffix == ".log" && u64::from(base) >= active {
                    active = base.into();
                    end = active;
                }
                if suffix == ".log" && mode & SEAL != 0 {
                    end = seal(&mut contents, base.into());
                }
                storage.insert(file_name(base.into(), suffix), contents);
            }
            rest = behind;
        }
        if mode & CHECKPOINT != 0 {
            let log_start_offset = if a % 3 == 0 { u64::from(b) } else { 0 };
            let recovery_point = if c % 4 == 0 { u64::from(a) } else { end };
            let clean = mode & CLEAN != 0;
            let cleaned_up_to = if b % 2 == 0 { end } else { 0 };
            let checkpoint = Checkpoint {
                log_start_offset,
                recovery_point,
                active_segment: active,
                cleaned_up_to,
                first_dirty_offset: u64::from(c),
                delete_horizon_ms: (a % 2 == 0).then_some(0),
                clean,
            };
            storage.insert(CHECKPOINT_FILE, checkpoint.encode().into_bytes());
        }
        Self { storage, config, choices: [a, b, c] }
    }
}

/// Makes batches of the bytes: offsets without holes, lengths that fit, right checksums. Returns the offset after
/// the last.
fn seal(bytes: &mut [u8], base: u64) -> u64 {
    let (mut offset, mut rest) = (base, bytes);
    while rest.len() >= HEADER_SIZE {
        // The last byte of the length is the batch's own, so that there are short ones and long ones.
        let size = (HEADER_SIZE + usize::from(rest[11])).min(rest.len());
        let (batch, behind) = rest.split_at_mut(size);
        batch[..8].copy_from_slice(&offset.to_be_bytes());
        batch[8..12].copy_from_slice(&((size - 12) as u32).to_be_bytes());
        batch[16] = MAGIC as u8;
        batch[23..26].fill(0);
        let crc = CRC_32C.checksum(&batch[CRC_FROM..]);
        batch[CRC_AT..CRC_FROM].copy_from_slice(&crc.to_be_bytes());
        offset += u64::from(batch[26]) + 1;
        rest = behind;
    }
    offset
}
