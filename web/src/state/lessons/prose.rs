//! The text of a lesson: a small part of Markdown, taken apart without a browser.
//!
//! Paragraphs, `## headings`, `- lists`, fenced code, `**strong**`, `` `code` `` and `[links](https://…)`. A fence
//! with `partitions N` holds keys, one a line, and becomes a table of where the partitioner puts them.
//!
//! Invariant: what is none of these is text as it stands; what begins as one of them and does not end is a mistake.

/// A piece of the text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Block {
    Heading(Vec<Span>),
    Paragraph(Vec<Span>),
    List(Vec<Vec<Span>>),
    Code(String),
    /// So many partitions, and keys.
    Partitions(u32, Vec<String>),
}

/// A piece of a line.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Span {
    Text(String),
    Code(String),
    Strong(String),
    Link { text: String, address: String },
}

/// Takes a text apart. `first` is the number of its first line.
///
/// # Errors
/// The line of the first mistake, and what is wrong.
pub(crate) fn blocks(text: &str, first: usize) -> Result<Vec<Block>, (usize, String)> {
    let mut blocks = Vec::new();
    // Lines that belong together so far, and the number of the first of them.
    let mut open: Option<(usize, Vec<&str>)> = None;
    let mut lines = text.lines().zip(first..);
    while let Some((line, at)) = lines.next() {
        let line = line.trim_end();
        if let Some(kind) = line.strip_prefix("```") {
            close(&mut open, &mut blocks)?;
            blocks.push(fence(kind.trim(), at, &mut lines)?);
        } else if line.is_empty() {
            close(&mut open, &mut blocks)?;
        } else if let Some(heading) = line.strip_prefix("## ") {
            close(&mut open, &mut blocks)?;
            blocks.push(Block::Heading(spans(heading).map_err(|reason| (at, reason))?));
        } else {
            let begins_list =
                line.starts_with("- ") && !open.as_ref().is_some_and(|(_, lines)| lines[0].starts_with("- "));
            if begins_list {
                close(&mut open, &mut blocks)?;
            }
            open.get_or_insert_with(|| (at, Vec::new())).1.push(line);
        }
    }
    close(&mut open, &mut blocks)?;
    Ok(blocks)
}

fn close(open: &mut Option<(usize, Vec<&str>)>, blocks: &mut Vec<Block>) -> Result<(), (usize, String)> {
    let Some((at, lines)) = open.take() else { return Ok(()) };
    let parse = |text: &str| spans(text).map_err(|reason| (at, reason));
    if !lines[0].starts_with("- ") {
        blocks.push(Block::Paragraph(parse(&lines.join(" "))?));
        return Ok(());
    }
    let mut items: Vec<String> = Vec::new();
    for line in lines {
        match (line.strip_prefix("- "), items.last_mut()) {
            (None, Some(item)) => {
                item.push(' ');
                item.push_str(line.trim_start());
            }
            (item, _) => items.push(item.unwrap_or(line).to_owned()),
        }
    }
    blocks.push(Block::List(items.iter().map(|item| parse(item)).collect::<Result<_, _>>()?));
    Ok(())
}

fn fence<'a>(
    kind: &str,
    at: usize,
    lines: &mut impl Iterator<Item = (&'a str, usize)>,
) -> Result<Block, (usize, String)> {
    let mut inside = Vec::new();
    loop {
        match lines.next() {
            Some((line, _)) if line.trim_end() == "```" => break,
            Some((line, _)) => inside.push(line.to_owned()),
            None => return Err((at, "a fence of ``` is not closed".to_owned())),
        }
    }
    match kind.strip_prefix("partitions") {
        None => Ok(Block::Code(inside.join("\n"))),
        Some(count) => match count.trim().parse() {
            Ok(count @ 1..=1000) => Ok(Block::Partitions(count, inside)),
            _ => Err((at, format!("partitions takes a number from 1 to 1000, not {:?}", count.trim()))),
        },
    }
}

/// Takes a line apart.
///
/// # Errors
/// What was begun and does not end.
pub(crate) fn spans(text: &str) -> Result<Vec<Span>, String> {
    let mut spans = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (span, after) = if let Some(inside) = rest.strip_prefix('`') {
            let (code, after) = inside.split_once('`').ok_or("a ` is not closed")?;
            (Span::Code(code.to_owned()), after)
        } else if let Some(inside) = rest.strip_prefix("**") {
            let (strong, after) = inside.split_once("**").ok_or("a ** is not closed")?;
            (Span::Strong(strong.to_owned()), after)
        } else if let Some(inside) = rest.strip_prefix('[') {
            link(inside)?
        } else {
            plain.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        };
        if !plain.is_empty() {
            spans.push(Span::Text(std::mem::take(&mut plain)));
        }
        spans.push(span);
        rest = after;
    }
    if !plain.is_empty() {
        spans.push(Span::Text(plain));
    }
    Ok(spans)
}

/// A link to somewhere outside: nothing in a lesson may run a script.
fn link(inside: &str) -> Result<(Span, &str), String> {
    let parts = inside.split_once("](").and_then(|(text, rest)| Some((text, rest.split_once(')')?)));
    let Some((text, (address, after))) = parts else {
        return Err("a [ is no link; a link is written [text](https://…)".to_owned());
    };
    if !address.starts_with("https://") {
        return Err(format!("a link goes to https://…, not to {address:?}"));
    }
    Ok((Span::Link { text: text.to_owned(), address: address.to_owned() }, after))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(text: &str) -> Vec<Span> {
        vec![Span::Text(text.to_owned())]
    }

    #[test]
    fn blocks_are_told_apart() {
        let parsed = blocks(
            "One line\nand its second.\n\n## A head\n- first\n  goes on\n- second\nAfter\n```\na  b\n```\n\n```partitions 3\nana\n```\n",
            1,
        );
        let expected = vec![
            Block::Paragraph(text("One line and its second.")),
            Block::Heading(text("A head")),
            Block::List(vec![text("first goes on"), text("second After")]),
            Block::Code("a  b".to_owned()),
            Block::Partitions(3, vec!["ana".to_owned()]),
        ];
        assert_eq!(parsed, Ok(expected));
    }

    #[test]
    fn lines_have_their_marks() {
        let spans = spans("a `b*c` **d** [e](https://f.org/g) ü").unwrap();
        let expected = [
            Span::Text("a ".into()),
            Span::Code("b*c".into()),
            Span::Text(" ".into()),
            Span::Strong("d".into()),
            Span::Text(" ".into()),
            Span::Link { text: "e".into(), address: "https://f.org/g".into() },
            Span::Text(" ü".into()),
        ];
        assert_eq!(spans, expected);
    }

    #[test]
    fn what_does_not_end_is_named_with_its_line() {
        for (text, line, reason) in [
            ("fine\n\nnot `fine", 12, "` is not closed"),
            ("**x", 10, "** is not closed"),
            ("\n[x](javascript:alert(1))", 11, "https://"),
            ("[x]", 10, "is no link"),
            ("a\n```\nb", 11, "fence"),
            ("```partitions many\n```", 10, "\"many\""),
        ] {
            let (at, said) = blocks(text, 10).unwrap_err();
            assert!(at == line && said.contains(reason), "{text}: {at} {said}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken_apart_or_refused(text in "[-`*# \\[\\]()a\\n]{0,40}") {
            let _ = blocks(&text, 1);
        }
    }
}
