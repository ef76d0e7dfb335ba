//! The faults do what they say.

use super::*;
use std::collections::BTreeSet;

fn fail(faults: Faults) -> FaultyStorage {
    let storage = FaultyStorage::new(0);
    storage.open("a").unwrap().write_at(0, b"durable").unwrap();
    storage.open("a").unwrap().sync().unwrap();
    storage.sync_dir().unwrap();
    storage.set_faults(faults, 1);
    storage
}

fn read(storage: &FaultyStorage, name: &str) -> Option<String> {
    let bytes = storage.contents().remove(name)?;
    Some(bytes.iter().map(|byte| if *byte == 0 { '0' } else { char::from(*byte) }).collect())
}

/// What restarts with all sorts of seeds leave of the file `a`.
fn left(prepare: impl Fn(&FaultyStorage)) -> BTreeSet<Option<String>> {
    let outcome = |seed| {
        let storage = fail(Faults::default());
        prepare(&storage);
        storage.set_faults(Faults::default(), seed);
        storage.restart();
        read(&storage, "a")
    };
    (0..300).map(outcome).collect()
}

fn some(texts: &[&str]) -> BTreeSet<Option<String>> {
    texts.iter().map(|text| Some((*text).to_owned())).collect()
}

#[test]
fn what_was_synced_survives_every_restart() {
    let left = left(|storage| {
        let file = storage.open("a").unwrap();
        file.truncate(3).unwrap();
        file.write_at(3, b"!").unwrap();
        file.sync().unwrap();
    });
    assert_eq!(left, some(&["dur!"]));
}

#[test]
fn what_was_not_synced_is_kept_lost_torn_or_zero() {
    let left = left(|storage| {
        let file = storage.open("a").unwrap();
        file.write_at(7, b"12").unwrap();
        file.write_at(9, b"34").unwrap();
    });
    let whole = ["durable", "durable1", "durable12", "durable123", "durable1234"];
    let reordered = ["durable0034", "durable02", "durable0234", "durable1034", "durable1200"];
    for text in whole.into_iter().chain(reordered) {
        assert!(left.contains(&Some(text.to_owned())), "{text} is not in {left:?}");
    }
    assert!(left.iter().flatten().all(|text| text.starts_with("durable") && text.len() <= 11));
}

#[test]
fn a_truncation_that_was_not_synced_is_kept_or_lost() {
    assert_eq!(left(|storage| storage.open("a").unwrap().truncate(2).unwrap()), some(&["du", "durable"]));
}

#[test]
fn names_that_were_not_synced_are_kept_or_lost_one_by_one() {
    let names = |seed| {
        let storage = fail(Faults::default());
        storage.open("b").unwrap();
        storage.rename("a", "c").unwrap();
        storage.set_faults(Faults::default(), seed);
        storage.restart();
        storage.contents().into_keys().collect::<Vec<_>>().join(" ")
    };
    let found: BTreeSet<_> = (0..100).map(names).collect();
    assert_eq!(found, ["a", "a b", "b c", "c"].map(String::from).into());
}

#[test]
fn a_rename_carries_the_file_over_another() {
    let outcome = |seed| {
        let storage = fail(Faults::default());
        let file = storage.open("b").unwrap();
        file.write_at(0, b"new").unwrap();
        file.sync().unwrap();
        storage.sync_dir().unwrap();
        storage.rename("b", "a").unwrap();
        assert_eq!(read(&storage, "a").as_deref(), Some("new"));
        storage.set_faults(Faults::default(), seed);
        storage.restart();
        (read(&storage, "a").unwrap(), read(&storage, "b"))
    };
    let found: BTreeSet<_> = (0..50).map(outcome).collect();
    let (done, undone) = (("new".to_owned(), None), ("durable".to_owned(), Some("new".to_owned())));
    assert_eq!(found, [done, undone].into());
}

#[test]
fn a_failed_sync_leaves_the_cache_clean_and_wrong() {
    let mut lied = 0;
    for seed in 0..20 {
        let storage = fail(Faults::default());
        let file = storage.open("a").unwrap();
        file.write_at(7, b"lost").unwrap();
        storage.set_faults(Faults { error_at: Some(1), ..Faults::default() }, seed);
        file.sync().unwrap_err();
        assert_eq!(read(&storage, "a").as_deref(), Some("durablelost"), "the cache has it");
        file.sync().unwrap();
        let lies = storage.cache_lies();
        storage.restart();
        assert_eq!(lies, read(&storage, "a").as_deref() != Some("durablelost"), "no sync made it good");
        lied += u32::from(lies);
    }
    assert!(lied > 5, "{lied}");
}

#[test]
fn the_call_that_is_to_fail_does_and_no_other() {
    let storage = fail(Faults { error_at: Some(3), ..Faults::default() });
    let file = storage.open("a").unwrap();
    file.write_at(7, b"x").unwrap();
    file.write_at(8, b"yz").unwrap_err();
    assert!(read(&storage, "a").unwrap().len() <= 10, "in part");
    assert!(file.len().unwrap() >= 8);
    assert_eq!(storage.calls(), 4);
}

#[test]
fn after_the_power_failed_nothing_works_until_the_restart() {
    let storage = fail(Faults { power_fails_at: Some(2), ..Faults::default() });
    let file = storage.open("a").unwrap();
    file.sync().unwrap_err();
    storage.list().unwrap_err();
    assert!(storage.is_down());
    storage.restart();
    assert_eq!(storage.list().unwrap(), ["a"]);
    file.len().unwrap_err();
    assert_eq!(storage.open("a").unwrap().len().unwrap(), 7);
}

#[test]
fn a_full_disk_takes_what_fits() {
    let storage = fail(Faults { room: Some(3), ..Faults::default() });
    let file = storage.open("a").unwrap();
    let error = file.write_at(5, b"12345678").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert_eq!(read(&storage, "a").as_deref(), Some("durab12345"));
    file.truncate(9).unwrap();
    file.write_at(9, b"x").unwrap();
    file.write_at(10, b"y").unwrap_err();
}

#[test]
fn short_reads_come_to_the_end_all_the_same() {
    let storage = fail(Faults { short_reads: true, ..Faults::default() });
    let file = storage.open("a").unwrap();
    let mut sizes = BTreeSet::new();
    for _ in 0..50 {
        sizes.insert(file.read_at(0, &mut [0; 9]).unwrap());
        let mut all = Vec::new();
        super::super::read_up_to(&file, 0, 9, &mut all).unwrap();
        assert_eq!(all, b"durable");
    }
    assert_eq!(sizes, (1..=7).collect());
}

#[test]
fn a_crash_on_command_leaves_nothing_to_chance() {
    let storage = fail(Faults::default());
    storage.open("a").unwrap().write_at(7, b"12345").unwrap();
    storage.open("b").unwrap();
    assert_eq!(storage.durable_sizes(), [("a".to_owned(), 7)]);
    storage.crash(2);
    assert_eq!(read(&storage, "a").as_deref(), Some("durable12"));
    assert_eq!(read(&storage, "b"), None);
    storage.flip("a", 0).unwrap();
    storage.restart();
    assert_eq!(storage.contents()["a"][0], b'd' ^ 0xff);
    storage.lose("a").unwrap();
    storage.restart();
    assert!(storage.contents().is_empty());
}

#[test]
fn a_fork_goes_its_own_way() {
    let storage = fail(Faults::default());
    let fork = storage.fork();
    fork.open("a").unwrap().write_at(0, b"DURABLE").unwrap();
    assert_eq!(read(&storage, "a").as_deref(), Some("durable"));
    assert_eq!(read(&fork, "a").as_deref(), Some("DURABLE"));
}
