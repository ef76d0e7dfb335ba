//! The fuzz targets on the committed seeds, and on mutations of them by chance from a seed: a few seconds of what
//! `cargo +nightly fuzz run` in `core` does for as long as one likes.

#[path = "../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "the fuzz targets are a crate of their own")]
mod targets;

use std::fs;
use std::path::Path;

use logscope::testing::Random;

/// Runs a target on each seed as it is and on mutations of it.
fn run(name: &str, target: fn(&[u8]), mutations: u64) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(name);
    let entries = fs::read_dir(folder).expect("there are seeds");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a seed").path()).collect();
    paths.sort_unstable();
    assert!(!paths.is_empty(), "there are no seeds");
    for path in paths {
        let seed = fs::read(&path).expect("a seed can be read");
        target(&seed);
        let mut random = Random::new(seed.len() as u64);
        for _ in 0..mutations {
            let mut bytes = seed.clone();
            for _ in 0..random.between(1, 4) {
                mutate(&mut random, &mut bytes);
            }
            target(&bytes);
        }
    }
}

fn mutate(random: &mut Random, bytes: &mut Vec<u8>) {
    let at = random.below(bytes.len() as u64 + 1) as usize;
    let interesting = *random.pick(&[0, 1, 0x7f, 0x80, 0xff]);
    match random.below(6) {
        0 => bytes.truncate(at),
        1 => bytes.insert(at, interesting),
        2 => bytes.extend_from_within(at..),
        3 => drop(bytes.drain(at..(at + 20).min(bytes.len()))),
        4 => bytes.iter_mut().skip(at).take(8).for_each(|byte| *byte = interesting),
        _ => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << random.below(8)),
    }
}

#[test]
fn batches() {
    run("batch", targets::batch, 500);
}

#[test]
fn directories() {
    run("recovery", targets::recovery, 100);
}

#[test]
fn scenarios() {
    run("scenario", targets::scenario, 200);
}
