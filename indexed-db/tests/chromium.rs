//! A real database of a real browser: `cargo xtask browser wasm` compiles these tests and runs them in Chromium.
//!
//! What a page does with it over reloads, tabs and workers, `browser-tests` shows; here is what only who calls the
//! crate itself can see: the transactions, the chunks, and every way in which a database can be wrong.

#![cfg(target_arch = "wasm32")]

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use js_sys::{Array, Function, Promise, Uint8Array};
use logscope::storage::{File, JournalStorage, Mutation, Storage};
use logscope_indexed_db::{Claim, Database, Error, Stored, free, open, read};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;

type Tested = Result<(), Error>;

#[wasm_bindgen(module = "/tests/peek.js")]
extern "C" {
    fn chunks(name: &str) -> Promise;
    fn meddle(name: &str, store: &str, key: &JsValue, value: &JsValue) -> Promise;
    fn make(name: &str, version: u32, stores: &JsValue) -> Promise;
    fn version(name: &str) -> Promise;
    fn watch() -> Function;
}

fn names(names: &[(&str, u64)]) -> Mutation {
    Mutation::Names(names.iter().map(|(name, id)| ((*name).to_owned(), *id)).collect::<BTreeMap<_, _>>())
}

fn write(file: u64, position: u64, bytes: &[u8]) -> Mutation {
    Mutation::Write { file, position, bytes: bytes.to_vec() }
}

async fn fresh(name: &str) -> Result<Database, Error> {
    Ok(open(name, Claim::Wait, true).await?.0)
}

/// A database with one file, `a.log`.
async fn with_a_file(name: &str, bytes: &[u8]) -> Result<Database, Error> {
    let mut database = fresh(name).await?;
    database.commit(vec![names(&[("a.log", 1)]), write(1, 0, bytes)], None, false).await?;
    Ok(database)
}

/// The sizes of a file's chunks, in order.
async fn sizes(name: &str, file: u64) -> Result<Vec<u64>, Error> {
    let list: Array = JsFuture::from(chunks(name)).await?.unchecked_into();
    let numbers = list.iter().map(|chunk| Array::from(&chunk).iter().filter_map(|n| n.as_f64()).collect());
    let of_file = numbers.filter(|chunk: &Vec<f64>| chunk[0] == file as f64);
    Ok(of_file.map(|chunk| chunk[2] as u64).collect())
}

fn content(stored: &Stored, name: &str) -> Vec<u8> {
    let file = stored.files.iter().find(|(file, ..)| file == name);
    file.map_or(b"(no file)".to_vec(), |(.., bytes)| bytes.to_vec())
}

fn reason<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    match result {
        Err(Error::Failed(reason)) => reason,
        other => panic!("it should have failed with a reason: {other:?}"),
    }
}

#[wasm_bindgen_test]
async fn what_is_committed_is_read_again() -> Tested {
    let mut database = with_a_file("committed", b"0123456789").await?;
    let more = vec![names(&[("a.log", 1), ("b.index", 7)]), write(7, 0, b"\0\xff"), write(1, 10, b"ab")];
    database.commit(more, Some("beside".into()), false).await?;
    // In the middle of a chunk, and nothing behind it.
    database.commit(vec![write(1, 4, b"XY"), write(1, 5, b"")], None, true).await?;
    let seen = read("committed").await?;
    drop(database);
    for stored in [seen, open("committed", Claim::Wait, false).await?.1] {
        assert_eq!(content(&stored, "a.log"), b"0123X");
        assert_eq!(content(&stored, "b.index"), b"\0\xff");
        assert_eq!(stored.files.len(), 2);
        assert_eq!(stored.beside.as_string().as_deref(), Some("beside"));
    }
    Ok(())
}

#[wasm_bindgen_test]
async fn a_file_without_a_name_is_gone_with_its_chunks() -> Tested {
    let mut database = with_a_file("renamed", b"old").await?;
    let renamed = vec![write(2, 0, b"new"), names(&[("a.log", 2)])];
    database.commit(renamed, None, false).await?;
    assert_eq!(content(&read("renamed").await?, "a.log"), b"new");
    assert_eq!((sizes("renamed", 1).await?, sizes("renamed", 2).await?), (vec![], vec![3]));
    Ok(())
}

#[wasm_bindgen_test]
async fn a_commit_is_one_strict_transaction() -> Tested {
    let mut database = with_a_file("strict", b"").await?;
    let begun = watch();
    database.commit(vec![write(1, 0, b"a"), write(1, 1, b"b")], Some(JsValue::NULL), false).await?;
    database.commit(Vec::new(), None, true).await?;
    let begun: Array = begun.call0(&JsValue::UNDEFINED)?.unchecked_into();
    assert_eq!(begun.join(", ").as_string().unwrap_or_default(), "readwrite strict, readwrite strict");
    Ok(())
}

#[wasm_bindgen_test]
async fn small_writes_become_few_chunks_and_a_closing_page_merges_none() -> Tested {
    let mut database = with_a_file("merged", b"").await?;
    let mut expected = Vec::new();
    for step in 0..200_u64 {
        let bytes = vec![step as u8; 70 + (step % 60) as usize];
        database.commit(vec![write(1, expected.len() as u64, &bytes)], None, false).await?;
        expected.extend(bytes);
    }
    let merged = sizes("merged", 1).await?;
    assert!(merged.len() < 12, "{merged:?}");
    assert_eq!(merged.iter().sum::<u64>(), expected.len() as u64);
    let end = vec![b'e'; 2 * expected.len()];
    database.commit(vec![write(1, expected.len() as u64, &end)], None, true).await?;
    assert_eq!(sizes("merged", 1).await?, [&merged[..], &[end.len() as u64]].concat());
    expected.extend(end);
    drop(database);
    // Who comes next goes on merging where this one stopped.
    let (mut database, stored) = open("merged", Claim::Wait, false).await?;
    assert_eq!(content(&stored, "a.log"), expected);
    let end = vec![b'f'; expected.len()];
    database.commit(vec![write(1, expected.len() as u64, &end)], None, false).await?;
    assert_eq!(sizes("merged", 1).await?, [2 * expected.len() as u64]);
    Ok(())
}

/// A file that is large enough to stay with JavaScript, in several chunks; and its bytes.
async fn with_a_large_file(name: &str, seed: u8) -> Result<Vec<u8>, Error> {
    let bytes: Vec<u8> = (0..700_000_u32).map(|at| ((at * 31) >> 7) as u8 ^ at as u8 ^ seed).collect();
    let mut database = with_a_file(name, &bytes[..300_000]).await?;
    database.commit(vec![write(1, 300_000, &bytes[300_000..300_007])], None, true).await?;
    database.commit(vec![write(1, 300_007, &bytes[300_007..])], None, true).await?;
    assert_eq!(sizes(name, 1).await?, [300_000, 7, 399_993]);
    Ok(bytes)
}

#[wasm_bindgen_test]
async fn a_large_file_is_read_and_written_to_where_it_is() -> Tested {
    let mut bytes = with_a_large_file("large", 0).await?;
    let stored = read("large").await?;
    assert!(content(&stored, "a.log") == bytes);
    let file = JournalStorage::restore(stored.files).open("a.log").expect("memory does not fail");
    let places =
        [(0, 5), (299_990, 12), (299_990, 30), (300_003, 2), (300_007, 1), (699_999, 9), (700_000, 1)];
    for (from, len) in places {
        let (mut read, end) = (vec![0; len], bytes.len().min(from + len));
        assert_eq!(file.read_at(from as u64, &mut read).ok(), Some(end - from), "{from}");
        assert_eq!(read[..end - from], bytes[from..end], "{from}");
    }
    for (position, written) in [(bytes.len(), &b"at the end"[..]), (299_999, b"over a bound")] {
        file.write_at(position as u64, written).expect("memory does not fail");
        let overlap = written.len().min(bytes.len() - position);
        bytes.splice(position..position + overlap, written.iter().copied());
    }
    file.truncate(690_000).expect("memory does not fail");
    bytes.truncate(690_000);
    let mut all = Vec::new();
    assert_eq!(file.read_to(0, 800_000, &mut all).ok(), Some(690_000));
    assert!(all == bytes);
    Ok(())
}

#[wasm_bindgen_test]
async fn files_are_let_go_of_and_others_take_their_places() -> Tested {
    let one = with_a_large_file("held", 0).await?;
    let other = with_a_large_file("held too", 1).await?;
    let (first, second) = (read("held").await?, read("held too").await?);
    assert!(content(&first, "a.log") == one && content(&second, "a.log") == other);
    let shared = JournalStorage::restore(first.files.clone());
    drop(first);
    let again = read("held too").await?;
    drop(second);
    let third = read("held").await?;
    assert!(shared.contents("a.log").as_ref() == Some(&one));
    assert!(content(&again, "a.log") == other && content(&third, "a.log") == one);
    Ok(())
}

#[wasm_bindgen_test]
async fn commits_happen_in_the_order_in_which_they_were_asked_for() -> Tested {
    let mut database = with_a_file("order", b"").await?;
    let first = database.commit(vec![write(1, 0, b"first, and long")], None, false);
    let second = database.commit(vec![write(1, 0, b"second")], None, true);
    // Whoever waits for the second has the first.
    second.await?;
    assert_eq!(content(&read("order").await?, "a.log"), b"second");
    first.await
}

#[wasm_bindgen_test]
async fn one_has_it_until_it_lets_go() -> Tested {
    let database = fresh("one").await?;
    assert_eq!(open("one", Claim::IfFree, false).await.err(), Some(Error::Taken));
    assert_eq!(open("one", Claim::Wait, false).await.err(), Some(Error::Taken));
    let gone = database.taken();
    drop(database);
    assert!(!gone.await);
    open("one", Claim::IfFree, false).await.map(drop)
}

#[wasm_bindgen_test]
async fn who_watches_hears_when_nobody_has_it() -> Tested {
    let database = fresh("watched").await?;
    let heard = Rc::new(Cell::new(false));
    let hears = heard.clone();
    wasm_bindgen_futures::spawn_local(async move { hears.set(free("watched").await.is_ok()) });
    assert_eq!(open("watched", Claim::Wait, false).await.err(), Some(Error::Taken));
    assert!(!heard.get());
    drop(database);
    // Whoever asks later has it after those who have waited.
    let _database = open("watched", Claim::Wait, false).await?;
    assert!(heard.get());
    Ok(())
}

#[wasm_bindgen_test]
async fn who_was_taken_from_changes_nothing_any_more() -> Tested {
    let mut former = with_a_file("fence", b"kept").await?;
    let (mut latter, stored) = open("fence", Claim::Take, false).await?;
    assert!(former.taken().await);
    assert_eq!(content(&stored, "a.log"), b"kept");
    for closing in [false, true] {
        let late = vec![names(&[]), write(1, 0, b"too late")];
        assert_eq!(former.commit(late, Some("late".into()), closing).await, Err(Error::Taken));
    }
    latter.commit(vec![write(1, 4, b" on")], None, false).await?;
    // It lets go of nothing that is not its own.
    drop(former);
    assert_eq!(open("fence", Claim::IfFree, false).await.err(), Some(Error::Taken));
    let stored = read("fence").await?;
    assert_eq!((content(&stored, "a.log"), stored.beside.is_undefined()), (b"kept on".to_vec(), true));
    Ok(())
}

#[wasm_bindgen_test]
async fn a_commit_that_fails_half_way_leaves_what_was() -> Tested {
    let mut database = with_a_file("half", b"0123456789").await?;
    JsFuture::from(meddle("half", "chunks", &Array::of2(&1.into(), &0.into()), &JsValue::UNDEFINED)).await?;
    // Names, a file and what is beside have been written when it turns out that a chunk is not there to be cut.
    let commit = vec![names(&[("a.log", 1), ("b.log", 2)]), write(2, 0, b"b"), write(1, 5, b"X")];
    assert_eq!(
        reason(database.commit(commit, Some("new".into()), false).await),
        "an earlier commit is missing"
    );
    let stored = read("half").await?;
    let found: Vec<_> = stored.files.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!((found, stored.beside.is_undefined()), (vec!["a.log"], true));
    assert!(sizes("half", 2).await?.is_empty());
    Ok(())
}

/// Which says what the browser allows before these tests run: `browser-tests/tests/wasm.rs`, 24 MiB.
#[wasm_bindgen_test]
async fn a_full_disk_is_an_error_with_a_reason_and_keeps_what_was() -> Tested {
    let mut database = with_a_file("full", b"kept").await?;
    let (mut position, mut random) = (4, 1_u32);
    let failed = loop {
        assert!(position < 64 << 20, "the browser takes all of it");
        // What can be compressed would not fill it.
        let mut next = || {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (random >> 24) as u8
        };
        let bytes: Vec<u8> = std::iter::repeat_with(&mut next).take(4 << 20).collect();
        match database.commit(vec![write(1, position, &bytes)], None, false).await {
            Ok(()) => position += bytes.len() as u64,
            Err(error) => break Err::<(), _>(error),
        }
    };
    let reason = reason(failed);
    assert!(reason.contains("quota"), "{reason}");
    let stored = read("full").await?;
    assert_eq!(content(&stored, "a.log").len() as u64, position);
    assert_eq!(&content(&stored, "a.log")[..4], b"kept");
    drop(database);
    fresh("full").await.map(drop)
}

#[wasm_bindgen_test]
async fn a_database_of_a_later_version_is_left_alone() -> Tested {
    JsFuture::from(make("later", 2, &Array::of1(&"other".into()))).await?;
    let later = reason(open("later", Claim::Wait, false).await);
    assert!(later.contains("version"), "{later}");
    assert!(reason(read("later").await).contains("version"));
    assert_eq!(JsFuture::from(version("later")).await?.as_f64(), Some(2.0));
    // It can be had anew, and its name is free for that.
    with_a_file("later", b"a").await?;
    assert_eq!(JsFuture::from(version("later")).await?.as_f64(), Some(1.0));
    Ok(())
}

#[wasm_bindgen_test]
async fn a_database_that_is_somebody_elses_is_an_error() -> Tested {
    JsFuture::from(make("others", 1, &Array::of1(&"other".into()))).await?;
    let others = reason(open("others", Claim::Wait, false).await);
    assert!(others.contains("object stores"), "{others}");
    Ok(())
}

#[wasm_bindgen_test]
async fn names_as_earlier_versions_wrote_them_are_read() -> Tested {
    drop(with_a_file("pairs", b"old").await?);
    let pairs = Array::of1(&Array::of2(&"was.log".into(), &1.into()));
    JsFuture::from(meddle("pairs", "meta", &"names".into(), &pairs)).await?;
    let (mut database, stored) = open("pairs", Claim::Wait, false).await?;
    assert_eq!(content(&stored, "was.log"), b"old");
    database.commit(vec![names(&[("is.log", 1)])], None, false).await?;
    assert_eq!(content(&read("pairs").await?, "is.log"), b"old");
    Ok(())
}

#[wasm_bindgen_test]
async fn what_was_meddled_with_is_read_as_far_as_it_goes_and_is_no_panic() -> Tested {
    drop(with_a_file("meddled", b"0123").await?);
    // A hole: what lies behind it is not in the file.
    let bytes = Uint8Array::from(&b"behind"[..]);
    JsFuture::from(meddle("meddled", "chunks", &Array::of2(&1.into(), &9.into()), &bytes)).await?;
    JsFuture::from(meddle("meddled", "meta", &"reign".into(), &"no number".into())).await?;
    assert_eq!(content(&read("meddled").await?, "a.log"), b"0123");
    JsFuture::from(meddle("meddled", "meta", &"names".into(), &5.into())).await?;
    assert!(open("meddled", Claim::Wait, false).await?.1.files.is_empty());
    Ok(())
}
