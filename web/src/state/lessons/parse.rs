//! A lesson's file: what stands between two lines `---`, and the text after them.
//!
//! ```text
//! ---
//! title: Segments roll
//! scenario:
//!   append hello key=ana count=6
//! says: It is in the page cache
//! task: Append until the log rolls.
//! when: SegmentRolled reason=size
//! solution:
//!   append hello key=ana count=2
//! says: segment 0 holds 456 of 512 bytes
//! ---
//!
//! The text, in a small part of Markdown.
//! ```
//!
//! `title` comes first, `colours: producers` lets the batches' colours stand for those and not for keys, `scenario` is what has run before the learner begins, and each `task` has its `when` and its
//! `solution`. `says` is for tests: what the scenario or the solution above it makes the engine say, so that the
//! numbers in the text are the engine's. What is indented belongs to the line above it.

use logscope::lab::{TopicAction, parse_topic_line};

use super::condition::Condition;
use super::prose::{blocks, spans};
use super::{Lesson, Mistake, Task};
use crate::state::ColourBy;

/// The line that begins and ends what stands before the text.
const FENCE: &str = "---";

/// Parses a lesson.
///
/// # Errors
/// The first line that is wrong, in a file of this name.
pub(crate) fn parse(file: &str, text: &str) -> Result<Lesson, Mistake> {
    parse_lines(text).map_err(|(line, reason)| Mistake { file: file.to_owned(), line, reason })
}

type Wrong = (usize, String);

/// Where indented lines belong to.
#[derive(Clone, Copy, PartialEq)]
enum Block {
    Nothing,
    Scenario,
    Solution,
}

fn parse_lines(text: &str) -> Result<Lesson, Wrong> {
    let mut lines = text.lines().zip(1..);
    if lines.next().is_none_or(|(line, _)| line.trim_end() != FENCE) {
        return Err((1, format!("a lesson begins with a line {FENCE}")));
    }
    let mut draft = Draft::default();
    let mut block = Block::Nothing;
    for (line, at) in lines.by_ref() {
        let line = line.trim_end();
        if line == FENCE {
            draft.task_is_complete(at)?;
            let mut lesson = draft.lesson;
            if lesson.title.is_empty() || lesson.tasks.is_empty() {
                return Err((at, "a lesson has a title: and at least one task:".to_owned()));
            }
            let text: Vec<_> = lines.map(|(line, _)| line).collect();
            lesson.text = blocks(&text.join("\n"), at + 1)?;
            return Ok(lesson);
        }
        let key_value = line.split_once(':').filter(|_| !line.starts_with(char::is_whitespace));
        match key_value {
            _ if line.is_empty() => {}
            Some((key, value)) => block = draft.entry(key, value.trim(), at)?,
            None if line.starts_with("  ") => draft.command(block, line, at)?,
            None => {
                return Err((at, "expected KEY: VALUE, or a command indented by two spaces".to_owned()));
            }
        }
    }
    Err((text.lines().count(), format!("the second line {FENCE} is missing, after which the text begins")))
}

#[derive(Default)]
struct Draft {
    lesson: Lesson,
    /// The line of the task that is being read.
    task: usize,
    has_when: bool,
}

impl Draft {
    fn entry(&mut self, key: &str, value: &str, at: usize) -> Result<Block, Wrong> {
        let wrong = |reason: &str| (at, reason.to_owned());
        match key {
            "title" if value.is_empty() => return Err(wrong("title: needs a title")),
            "title" if self.lesson.title.is_empty() => self.lesson.title = value.to_owned(),
            "title" => return Err(wrong("there is a title already")),
            "colours" => match ColourBy::read(value) {
                Some(colours) => self.lesson.colours = colours,
                None => return Err(wrong("colours: are of keys or of producers")),
            },
            "scenario" if self.lesson.tasks.is_empty() && value.is_empty() => return Ok(Block::Scenario),
            "scenario" => {
                return Err(wrong("scenario: stands alone, before the tasks; its commands follow, indented"));
            }
            "task" => {
                self.task_is_complete(at)?;
                let what = spans(value).map_err(|reason| (at, reason))?;
                if what.is_empty() {
                    return Err(wrong("task: needs a sentence that says what to do"));
                }
                (self.task, self.has_when) = (at, false);
                self.lesson.tasks.push(Task { what, ..Task::default() });
            }
            "when" | "solution" if self.lesson.tasks.is_empty() => {
                return Err((at, format!("{key}: belongs to a task, and there is none above it")));
            }
            "when" if self.has_when => return Err(wrong("this task has a when: already")),
            "when" => {
                self.has_when = true;
                let condition = Condition::parse(value).map_err(|reason| (at, reason))?;
                self.lesson.tasks.last_mut().map(|task| task.when = Some(condition)).unwrap_or_default();
            }
            "solution" if value.is_empty() => return Ok(Block::Solution),
            "solution" => return Err(wrong("solution: stands alone; its commands follow, indented")),
            "says" => match self.lesson.tasks.last_mut() {
                Some(task) => task.says.push(value.to_owned()),
                None => self.lesson.says.push(value.to_owned()),
            },
            _ => {
                let keys = "title, scenario, task, when, solution and says";
                return Err((at, format!("there is no {key:?}; there are {keys}")));
            }
        }
        Ok(Block::Nothing)
    }

    fn command(&mut self, block: Block, line: &str, at: usize) -> Result<(), Wrong> {
        let commands: &mut Vec<TopicAction> = match (block, self.lesson.tasks.last_mut()) {
            (Block::Scenario, _) => &mut self.lesson.scenario,
            (Block::Solution, Some(task)) => &mut task.solution,
            _ => return Err((at, "commands stand under scenario: or solution:".to_owned())),
        };
        commands.extend(parse_topic_line(line).map_err(|error| (at, error.to_string()))?);
        Ok(())
    }

    fn task_is_complete(&self, at: usize) -> Result<(), Wrong> {
        let Some(task) = self.lesson.tasks.last() else { return Ok(()) };
        let missing = match task {
            Task { when: None, .. } => "when:",
            Task { solution, .. } if solution.is_empty() => "solution:",
            _ => return Ok(()),
        };
        Err((at, format!("the task of line {} has no {missing}", self.task)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = "---\ntitle: A title\nscenario:\n  append a count=2\n\n  flush # why not\ntask: Do `it`.\n\
                        when: BatchAppended\nsolution:\n  append b\nsays: 69 bytes\n---\n\nThe text.\n";

    #[test]
    fn a_lesson_has_a_scenario_tasks_and_text() {
        let lesson = parse("x.md", GOOD).unwrap();
        assert_eq!((lesson.title.as_str(), lesson.scenario.len()), ("A title", 2));
        assert_eq!((lesson.tasks.len(), lesson.tasks[0].solution.len()), (1, 1));
        assert_eq!((lesson.tasks[0].says[0].as_str(), lesson.text.len()), ("69 bytes", 1));
    }

    #[test]
    fn a_wrong_lesson_is_named_by_file_and_line() {
        for (from, to, line, reason) in [
            ("---\ntitle", "title", 1, "begins with a line ---"),
            ("title: A title\n", "", 11, "has a title"),
            ("scenario:", "scenario: append", 3, "stands alone"),
            ("  append a count=2", "  append a count=0", 4, "count takes a whole number"),
            ("  append a count=2", " append a", 4, "expected KEY: VALUE"),
            ("task: Do `it`.", "task: Do `it.", 7, "` is not closed"),
            ("BatchAppended", "BatchAdded", 8, "there is no event \"BatchAdded\""),
            ("when: BatchAppended\n", "", 11, "the task of line 7 has no when:"),
            ("solution:\n  append b\n", "", 10, "the task of line 7 has no solution:"),
            ("says: 69", "say: 69", 11, "there is no \"say\""),
            ("\n---\n\nThe text.", "\n", 12, "second line --- is missing"),
            ("The text.", "The `text.", 14, "` is not closed"),
            ("says:", "when:", 11, "a when: already"),
        ] {
            let mistake = parse("01-x.md", &GOOD.replacen(from, to, 1)).unwrap_err();
            let said = mistake.to_string();
            assert!(mistake.line == line && mistake.reason.contains(reason), "{from:?} → {to:?}: {said}");
            assert!(said.starts_with(&format!("01-x.md, line {line}: ")), "{said}");
        }
    }

    proptest! {
        #[test]
        fn any_file_is_a_lesson_or_a_mistake(text in "(---\\n|task: a\\n|when: Flushed\\n|solution:\\n|  flush\\n|scenario:\\n|title: b\\n|.{0,9}\\n){0,9}") {
            let _ = parse("x", &text);
        }
    }
}
