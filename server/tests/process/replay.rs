//! `logscope replay`.

use std::fs;

use logscope::lab::Lab;
use logscope::storage::{MemoryStorage, Storage};

use crate::harness::{objects, run, text};

const SCENARIO: &str = "\
# a comment
append hello key=user-1 count=6
flush
append lost

crash keep=10
reopen
fetch 5
fetch 99
";

#[test]
fn a_scenario_is_told_step_by_step() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("scenario.txt");
    fs::write(&file, SCENARIO).unwrap();
    let told = run(&["replay", file.to_str().unwrap()]);
    assert!(told.status.success());
    let told = text(&told.stdout);
    let actions: Vec<_> = told.lines().filter_map(|line| line.strip_prefix("> ")).collect();
    let expected = [
        "append hello key=user-1 count=6",
        "flush",
        "append lost",
        "crash keep=10",
        "reopen",
        "fetch 5 max_bytes=4096",
        "fetch 99 max_bytes=4096",
    ];
    assert_eq!(actions, expected);
    assert!(told.contains("\n  = 5 at 1767225605000: \"user-1\" \"hello\"\n"), "{told}");
    assert!(told.contains("\n  Refused: offset 99 is out of range"), "{told}");

    let json = run(&["replay", file.to_str().unwrap(), "--format", "json"]);
    let steps = objects(&json.stdout);
    let lines: Vec<_> = steps.iter().map(|step| step["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [2, 3, 4, 6, 7, 8, 9]);
    assert_eq!(steps[5]["records"][0]["payload"], "hello");
    assert_eq!(steps[5]["records"][0]["partition"], 0);
    // The log's own events come as a live broker tells them, too.
    let flushed = &steps[1]["events"][0]["event"];
    assert!(flushed.is_object() && flushed.to_string().contains("high_watermark"), "{flushed}");
    let sentences = steps.iter().flat_map(|step| step["events"].as_array().unwrap());
    let sentences: Vec<_> = sentences.map(|event| event["sentence"].as_str().unwrap()).collect();
    let told: Vec<_> =
        told.lines().filter(|line| line.starts_with("  ") && !line.starts_with("  = ")).collect();
    assert_eq!(told.iter().map(|line| line.trim_start()).collect::<Vec<_>>(), sentences);
}

#[test]
fn the_files_that_are_left_are_the_labs() {
    let dir = tempfile::tempdir().unwrap();
    let (file, left) = (dir.path().join("scenario.txt"), dir.path().join("deeper/left"));
    fs::write(&file, SCENARIO).unwrap();
    let arguments = ["replay", file.to_str().unwrap(), "--dir", left.to_str().unwrap()];
    assert!(run(&arguments).status.success());
    let mut lab = Lab::new(MemoryStorage::new());
    SCENARIO.lines().for_each(|line| drop(lab.run_line(line).unwrap()));
    let files: Vec<_> = fs::read_dir(left.join("lab-0")).unwrap().map(|entry| entry.unwrap()).collect();
    assert_eq!(files.len(), lab.storage().list().unwrap().len());
    for entry in files {
        let name = entry.file_name().into_string().unwrap();
        assert_eq!(Some(fs::read(entry.path()).unwrap()), lab.storage().contents(&name), "{name}");
    }
    let again = run(&arguments);
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stderr).ends_with(": it is not empty\n"), "nothing of anybody's is written over");
    assert!(run(&["verify", left.to_str().unwrap()]).status.success());
}

#[test]
fn a_mistake_is_named_by_its_line_before_anything_runs() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("scenario.txt");
    fs::write(&file, "append hello\n\nfetch x\n").unwrap();
    let wrong = run(&["replay", file.to_str().unwrap()]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(wrong.stdout.is_empty());
    assert!(text(&wrong.stderr).contains("scenario.txt: line 3: an offset is a whole number"), "{wrong:?}");
    let missing = run(&["replay", "there-is-none.txt"]);
    assert!(text(&missing.stderr).starts_with("logscope: cannot read there-is-none.txt"));
}

#[test]
fn a_topic_has_several_partitions() {
    let dir = tempfile::tempdir().unwrap();
    let (file, left) = (dir.path().join("scenario.txt"), dir.path().join("left"));
    fs::write(&file, "partitions 3\nappend hello key=a\nflush\npoll billing\n").unwrap();
    let told = run(&["replay", file.to_str().unwrap(), "--dir", left.to_str().unwrap()]);
    let told = text(&told.stdout);
    assert!(told.contains("the record goes to partition 1") && told.contains("\n  [1] = 0 at"), "{told}");
    assert!(told.contains("The consumer billing gets 1 record of partition 1"), "{told}");
    assert!(run(&["verify", left.to_str().unwrap()]).status.success());
    assert!(left.join("lab-1/00000000000000000000.log").metadata().unwrap().len() > 0);
}
