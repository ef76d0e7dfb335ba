//! Scenarios that every engine has to bring to the same files, byte for byte: natively on each backend, and in the
//! browser.

use std::fmt::Write as _;

use super::Random;

/// The golden scripts, by name.
const GOLDEN: [(&str, &str); 15] = [
    ("append_and_roll", include_str!("../../tests/golden/append_and_roll")),
    ("bytes", include_str!("../../tests/golden/bytes")),
    ("compaction", include_str!("../../tests/golden/compaction")),
    ("compression", include_str!("../../tests/golden/compression")),
    ("crash_and_recovery", include_str!("../../tests/golden/crash_and_recovery")),
    ("damage", include_str!("../../tests/golden/damage")),
    ("disk", include_str!("../../tests/golden/disk")),
    ("fetch", include_str!("../../tests/golden/fetch")),
    ("flush_and_high_watermark", include_str!("../../tests/golden/flush_and_high_watermark")),
    ("flush_policy", include_str!("../../tests/golden/flush_policy")),
    ("producers", include_str!("../../tests/golden/producers")),
    ("refused", include_str!("../../tests/golden/refused")),
    ("retention", include_str!("../../tests/golden/retention")),
    ("time", include_str!("../../tests/golden/time")),
    ("truncation", include_str!("../../tests/golden/truncation")),
];

/// What the golden scripts put in, without what came out: names, and lines for
/// [`Lab::run_line`](crate::lab::Lab::run_line). Lines that are no scenario, because they belong to the scripts alone or
/// are mistakes on purpose, are refused there alike by every engine.
pub fn golden_scenarios() -> Vec<(&'static str, String)> {
    GOLDEN.iter().map(|(name, script)| (*name, input(script))).collect()
}

/// A block of a golden script is its input, `---`, and the output up to an empty line.
fn input(script: &str) -> String {
    let mut input = String::new();
    let mut output = false;
    for line in script.lines() {
        match (output, line) {
            (false, "---") => output = true,
            (true, "") => output = false,
            (true, _) => {}
            (false, line) => {
                let line = line.strip_prefix('!').unwrap_or(line);
                let line = line.strip_prefix("> ").unwrap_or(line);
                input.push_str(line);
                input.push('\n');
            }
        }
    }
    input
}

/// A scenario of so many lines, by chance from a seed.
pub fn long_scenario(seed: u64, lines: usize) -> String {
    let mut random = Random::new(seed);
    let mut text = String::from("config segment.bytes=2000 index.interval.bytes=300\n");
    for _ in 1..lines {
        let _ = match random.below(20) {
            0..12 => writeln!(text, "append {}", values(&mut random)),
            12 => writeln!(text, "append {} count={}", values(&mut random), random.between(2, 30)),
            13..16 => writeln!(text, "flush"),
            16 => writeln!(text, "fetch {} max_bytes={}", random.below(200), random.below(3000)),
            17 => writeln!(text, "crash keep={}\nreopen", random.below(200)),
            18 => writeln!(text, "reopen"),
            _ => writeln!(text, "config segment.bytes={}", random.between(400, 4000)),
        };
    }
    text
}

fn values(random: &mut Random) -> String {
    let value = |random: &mut Random| "v".repeat(random.between(1, 60) as usize);
    let values: Vec<String> = (0..random.between(1, 4)).map(|_| value(random)).collect();
    format!("{} key=k{}", values.join(" "), random.below(9))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::parse_line;

    #[cfg(feature = "fs")]
    #[test]
    fn every_golden_script_is_there() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
        let storage = crate::storage::FsStorage::open(folder).unwrap();
        let mut names = crate::storage::Storage::list(&storage).unwrap();
        names.sort_unstable();
        assert_eq!(names, GOLDEN.map(|(name, _)| name));
    }

    #[test]
    fn the_input_of_a_script_is_what_stands_above_the_lines() {
        let script = "flush\n---\nThere was nothing.\n\n# Twice.\n!> append\n> append x\n---\nError\n";
        assert_eq!(input(script), "flush\n# Twice.\nappend\nappend x\n");
    }

    #[test]
    fn a_long_scenario_holds_no_mistakes() {
        for line in long_scenario(1, 500).lines() {
            parse_line(line).unwrap();
        }
    }
}
