//! Which words of a sentence stand in the glossary, so that they can lead there.
//!
//! Invariant: each term that [`pieces`] finds has a heading of its own in `static/lessons/glossary.md`.

/// What is looked for besides backquoted words, each before what it begins with. Words that every other sentence has,
/// such as segment and batch, are only in the glossary: where all leads somewhere, nothing stands out.
const TERMS: [&str; 13] = [
    "high watermark",
    "log end offset",
    "log start offset",
    "page cache",
    "checkpoint",
    "time index",
    "index entry",
    "floor segment",
    "recovery point",
    "tombstone",
    "base offset",
    "CRC",
    "epoch",
];

/// A stretch of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece<'s> {
    Text(&'s str),
    /// A term, in the sentence's own words.
    Term(&'s str),
    /// A term that is a name: of a config, of a command.
    Name(&'s str),
}

/// Takes a sentence apart. A term is found where it comes first, and not again.
pub(crate) fn pieces(sentence: &str) -> Vec<Piece<'_>> {
    let (mut pieces, mut known) = (Vec::new(), Vec::new());
    for (at, part) in sentence.split('`').enumerate() {
        if at % 2 == 1 {
            pieces.push(Piece::Name(part));
            continue;
        }
        let mut rest = part;
        while let Some((place, term)) = first(rest, &known) {
            let (before, after) = rest.split_at(place);
            let (found, after) = after.split_at(term.len());
            pieces.extend([Piece::Text(before), Piece::Term(found)]);
            known.push(term);
            rest = after;
        }
        pieces.push(Piece::Text(rest));
    }
    pieces.retain(|piece| *piece != Piece::Text(""));
    pieces
}

/// The term that comes first, but for those that are known.
fn first(text: &str, known: &[&str]) -> Option<(usize, &'static str)> {
    let inside = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let place = |term: &&'static str| {
        let at = text.find(term)?;
        let (before, after) = (text.as_bytes()[..at].last(), text.as_bytes().get(at + term.len()));
        (!inside(before) && !inside(after)).then_some((at, *term))
    };
    TERMS.iter().filter(|term| !known.contains(*term)).filter_map(place).min_by_key(|(at, _)| *at)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::state::lessons::{Block, Span, blocks};

    fn at_root(path: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
    }

    /// The headings of the glossary, each with something behind it.
    fn glossary() -> Vec<String> {
        let text = fs::read_to_string(at_root("static/lessons/glossary.md")).unwrap();
        let blocks = blocks(&text, 1).unwrap();
        let entry = |pair: &[Block]| match pair {
            [Block::Heading(line), Block::Paragraph(_)] => match &line[..] {
                [Span::Text(term)] => term.clone(),
                other => panic!("a term is plain text, not {other:?}"),
            },
            other => panic!("a term, and then a paragraph; not {other:?}"),
        };
        blocks.chunks(2).map(entry).collect()
    }

    #[test]
    fn terms_are_found_once_and_as_whole_words() {
        let sentence = "The high watermark is 3 (`flush.ms`); the high watermark, CRC, CRCs and no epoch.";
        let expected = [
            Piece::Text("The "),
            Piece::Term("high watermark"),
            Piece::Text(" is 3 ("),
            Piece::Name("flush.ms"),
            Piece::Text("); the high watermark, "),
            Piece::Term("CRC"),
            Piece::Text(", CRCs and no "),
            Piece::Term("epoch"),
            Piece::Text("."),
        ];
        let whole = |pieces: &[Piece<'_>]| -> String {
            let text = |piece: &Piece<'_>| match piece {
                Piece::Text(text) | Piece::Term(text) => (*text).to_owned(),
                Piece::Name(name) => format!("`{name}`"),
            };
            pieces.iter().map(text).collect()
        };
        // What is known and comes again ends no stretch of text.
        assert_eq!(pieces(sentence), expected);
        assert_eq!(whole(&pieces(sentence)), sentence);
    }

    #[test]
    fn the_glossary_is_in_order_and_has_each_term_once() {
        let terms: Vec<String> = glossary().iter().map(|term| term.to_lowercase()).collect();
        let mut sorted: Vec<String> = terms.clone();
        sorted.sort_by_key(|term| term.replace('.', " "));
        sorted.dedup();
        assert_eq!(terms, sorted);
    }

    #[test]
    fn every_term_of_a_sentence_stands_in_the_glossary() {
        let known: BTreeSet<String> = glossary().into_iter().collect();
        let mut asked: BTreeSet<String> = TERMS.iter().map(|term| (*term).to_owned()).collect();
        for script in fs::read_dir(at_root("core/tests/golden")).unwrap() {
            let path = script.unwrap().path();
            if !path.is_file() {
                continue;
            }
            let text = fs::read_to_string(path).unwrap();
            for line in text.lines() {
                let names = pieces(line).into_iter().filter_map(|piece| match piece {
                    Piece::Name(name) => Some(name.to_owned()),
                    _ => None,
                });
                asked.extend(names);
            }
        }
        assert!(asked.len() > 25, "the golden scripts say no more than {asked:?}");
        let missing: Vec<_> = asked.difference(&known).collect();
        assert!(missing.is_empty(), "the glossary lacks {missing:?}");
    }

    #[test]
    fn every_config_stands_in_the_glossary() {
        let known = glossary();
        for (key, _) in logscope::LogConfig::default().entries() {
            assert!(known.iter().any(|term| *term == key), "the glossary lacks {key}");
        }
    }
}
