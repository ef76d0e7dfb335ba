//! The `checkpoint` file of a partition: lines of text, a key and a value each, with a checksum in the last.

use super::{Damage, Field, Form};
use crate::log::Checkpoint;

/// The lines in their order. `delete-horizon`, `clean` and `crc32c` are no offsets.
const KEYS: [&str; 9] = [
    "logscope-checkpoint",
    "log-start-offset",
    "recovery-point",
    "active-segment",
    "cleaned-up-to",
    "first-dirty-offset",
    "delete-horizon",
    "clean",
    "crc32c",
];
const VERSION: i64 = 1;

/// Reads a checkpoint.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn read_checkpoint(bytes: &[u8]) -> Result<Checkpoint, Damage> {
    let (fields, checkpoint) = self::checkpoint(bytes);
    if let Some((position, reason)) = fields.iter().find_map(Field::first_problem) {
        return Err(Damage { position, reason: reason.to_owned() });
    }
    let missing = || Damage { position: bytes.len() as u64, reason: "lines are missing".to_owned() };
    checkpoint.ok_or_else(missing)
}

/// Takes a checkpoint apart, a field a line, and reads it as far as it can be read.
pub fn checkpoint(bytes: &[u8]) -> (Vec<Field>, Option<Checkpoint>) {
    let mut fields = Vec::new();
    let mut values = [None; KEYS.len()];
    let mut position = 0;
    for (number, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let (field, value) = self::line(number, line, &bytes[..position]);
        fields.push(field);
        if let Some(slot) = values.get_mut(number) {
            *slot = value;
        }
        position += line.len();
    }
    if let Some(key) = KEYS.get(fields.len()) {
        let mut end = Field::new("cut off", position as u64, 0);
        end.blame(format!("the file ends, and the line {key:?} is due"));
        fields.push(end);
    }
    let [_, log_start, recovery_point, active_segment, cleaned, dirty, delete_horizon, clean, _] = values;
    let checkpoint = || {
        let offset = |value: Option<i64>| value.map(|value| value as u64);
        Some(Checkpoint {
            log_start_offset: offset(log_start)?,
            recovery_point: offset(recovery_point)?,
            active_segment: offset(active_segment)?,
            cleaned_up_to: offset(cleaned)?,
            first_dirty_offset: offset(dirty)?,
            delete_horizon_ms: Some(delete_horizon?).filter(|horizon| *horizon >= 0),
            clean: clean? == 1,
        })
    };
    (fields, checkpoint())
}

/// Reads the line of this number, before which `before` stands. A truth counts as 0 or 1.
fn line(number: usize, line: &[u8], before: &[u8]) -> (Field, Option<i64>) {
    let due = KEYS.get(number).copied();
    let mut field = Field::new(due.unwrap_or("line"), before.len() as u64, line.len() as u64);
    let Some(text) = line.strip_suffix(b"\n").and_then(|line| std::str::from_utf8(line).ok()) else {
        field.value = super::preview(line);
        field.blame("no line of text with an end");
        return (field, None);
    };
    let (key, value) = text.split_once(' ').unwrap_or((text, ""));
    field.value = value.to_owned();
    if due != Some(key) {
        field.value = text.to_owned();
        field.blame(match due {
            Some(due) => format!("the line {due:?} is due"),
            None => "no line is due any more".to_owned(),
        });
        return (field, None);
    }
    let value = match key {
        "clean" => ["false", "true"].iter().position(|truth| *truth == value).map(|truth| truth as i64),
        "crc32c" => {
            let computed = crate::record::crc32c(before);
            field.form = Form::Checksum { over: 0..before.len() as u64, computed: Some(computed) };
            if value != format!("{computed:08x}") {
                field.blame(format!("the bytes give {computed:08x}"));
            }
            Some(i64::from(computed))
        }
        _ => value.parse().ok().filter(|number| *number >= if key == "delete-horizon" { -1 } else { 0 }),
    };
    match value {
        Some(version) if number == 0 && version != VERSION => {
            field.blame(format!("the only version known is {VERSION}"));
        }
        None => field.blame(match key {
            "clean" => "neither true nor false",
            "delete-horizon" => "neither a time nor -1",
            _ => "no offset",
        }),
        Some(_) => {}
    }
    (field, value)
}
