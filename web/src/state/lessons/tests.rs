//! Every lesson that is shipped, played to its end.

use std::fs;
use std::path::PathBuf;

use logscope::MemoryStorage;
use logscope::lab::{Event, TopicLab, parse_topic_line, topic_sentence};

use super::*;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../static")
}

fn read(name: &str) -> String {
    fs::read_to_string(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn index() -> Vec<Entry> {
    let index = parse_index("index.txt", &read("lessons/index.txt"));
    assert_eq!(index.mistakes, []);
    index.entries
}

fn lessons() -> Vec<(String, Rc<Lesson>)> {
    let parsed = |file: &str| parse(file, &read(file)).unwrap_or_else(|mistake| panic!("{mistake}"));
    let files = index().into_iter().map(|entry| file_of(&entry.name));
    files.map(|file| (file.clone(), Rc::new(parsed(&file)))).collect()
}

/// What the engine says to commands, sentence by sentence; and the events of each.
fn run(lab: &mut TopicLab<MemoryStorage>, actions: &[TopicAction]) -> (Vec<Vec<TopicEvent>>, Vec<String>) {
    let events: Vec<_> = actions.iter().map(|action| lab.run(action).events).collect();
    let said = events.iter().flatten().map(topic_sentence).collect();
    (events, said)
}

fn assert_said(file: &str, expected: &[String], said: &[String]) {
    for words in expected {
        assert!(
            said.iter().any(|said| said.contains(words)),
            "{file}: nothing says {words:?} among {said:#?}"
        );
    }
}

#[test]
fn each_lesson_is_played_to_its_end_by_its_solutions_and_not_before() {
    for (file, lesson) in lessons() {
        let mut lab = TopicLab::new(1, |_| MemoryStorage::new());
        let (events, said) = run(&mut lab, &lesson.scenario);
        let refused = |events: &[Vec<TopicEvent>]| {
            events.iter().flatten().any(|event| {
                matches!(event, TopicEvent::Refused { .. })
                    || matches!(event.of_log(), Some(Event::Refused { .. }))
            })
        };
        assert!(!refused(&events), "{file}: the scenario is refused: {said:#?}");
        assert_said(&file, &lesson.says, &said);
        let mut course = Course::new(file.clone(), Rc::clone(&lesson));
        for (at, task) in lesson.tasks.iter().enumerate() {
            let (events, said) = run(&mut lab, &task.solution);
            for (command, events) in events.iter().enumerate() {
                assert_eq!(course.done, at, "{file}: task {} is done before its end, at {command}", at + 1);
                course.observe(events);
            }
            assert_eq!(course.done, at + 1, "{file}: the solution does not do task {}: {said:#?}", at + 1);
            assert_said(&file, &task.says, &said);
        }
        assert!(course.is_done());
    }
}

#[test]
fn the_scenarios_alone_tick_nothing() {
    for (file, lesson) in lessons() {
        let mut lab = TopicLab::new(1, |_| MemoryStorage::new());
        let mut course = Course::new(file.clone(), Rc::clone(&lesson));
        // Looking around ticks nothing off either.
        for line in ["advance 1ms", "config retention.bytes=-1"] {
            course.observe(&lab.run(&parse_topic_line(line).unwrap().unwrap()).events);
        }
        assert_eq!(course.done, 0, "{file}");
    }
}

#[test]
fn the_index_has_the_titles_of_the_files_and_every_file() {
    for (entry, (file, lesson)) in index().iter().zip(lessons()) {
        assert_eq!(entry.title, lesson.title, "{file}");
        assert!((2..=6).contains(&lesson.tasks.len()), "{file} has {} tasks", lesson.tasks.len());
    }
    let names = fs::read_dir(folder().join("lessons"))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut files: Vec<_> = names.collect();
    files.sort();
    let mut known: Vec<_> = index().iter().map(|entry| format!("{}.md", entry.name)).collect();
    known.extend(["glossary.md", "index.txt", "how-true.md"].map(str::to_owned));
    known.sort();
    assert_eq!(files, known);
    assert!(index().len() >= 12);
}

#[test]
fn lessons_are_short_and_their_words_are_ours() {
    for (file, _) in lessons() {
        let text = read(&file);
        let prose = text.rsplit_once("\n---\n").unwrap().1;
        let words = prose.split_whitespace().count();
        assert!((80..=330).contains(&words), "{file} has {words} words");
        assert!(
            !prose.contains("message ") || prose.contains("max.message"),
            "{file}: a record is no message"
        );
    }
}

#[test]
fn the_page_of_truth_is_readable() {
    let blocks = blocks(&read("lessons/how-true.md"), 1).unwrap();
    assert!(blocks.iter().filter(|block| matches!(block, Block::Heading(_))).count() >= 3);
}

#[test]
fn a_wrong_index_is_named_by_its_line() {
    for (text, line, reason) in [
        ("01-a.md A\n\nb B", 3, "\"b\" is no lesson's file"),
        ("../a.md A", 1, "no lesson's file"),
        ("a.md", 1, "no title"),
        ("# all\na.md A\na.md A", 3, "twice"),
    ] {
        let Index { entries, mistakes } = parse_index("index.txt", &format!("{text}\nlast.md Last"));
        let [mistake] = &mistakes[..] else { panic!("{mistakes:?}") };
        assert!(mistake.line == line && mistake.reason.contains(reason), "{mistake}");
        assert_eq!(entries.last().map(|entry| &*entry.title), Some("Last"), "the others are there");
    }
}
