//! The paths that a Rust source mentions, such as `std::fs::File`: what the rules look at, so that a comment or a
//! string can talk about a thing that the code must not touch.
//!
//! It is a token's view, not a compiler's: `use` trees are unfolded, but nothing is resolved.

use anyhow::{Result, anyhow};
use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// A path as it is written, `use a::{b, c::d}` being `a::b` and `a::c::d`. A name behind a dot keeps the dot.
#[derive(Debug)]
pub(super) struct Mention {
    pub(super) line: usize,
    pub(super) path: Vec<String>,
}

impl Mention {
    /// Whether the segments of `part` stand in the path, one after the other.
    pub(super) fn contains(&self, part: &str) -> bool {
        let part: Vec<&str> = part.split("::").collect();
        self.path.windows(part.len()).any(|window| window == part)
    }
}

pub(super) fn mentions(source: &str) -> Result<Vec<Mention>> {
    let tokens: TokenStream = source.parse().map_err(|error| anyhow!("this isn't Rust: {error}"))?;
    let mut found = Vec::new();
    collect(tokens, &[], &mut found);
    Ok(found)
}

/// What the last token was, as far as it decides what the next name belongs to.
#[derive(PartialEq)]
enum Last {
    Name,
    Colon,
    PathSeparator,
    Dot,
    Other,
}

fn collect(tokens: TokenStream, prefix: &[String], found: &mut Vec<Mention>) {
    let mut last = Last::Other;
    let mut current = prefix.to_vec();
    for token in tokens {
        last = match token {
            TokenTree::Ident(name) => {
                let line = name.span().start().line;
                match last {
                    Last::PathSeparator => current.push(name.to_string()),
                    Last::Dot => current = vec![format!(".{name}")],
                    _ => current = [prefix, &[name.to_string()]].concat(),
                }
                // A longer path replaces the shorter one that it began as.
                if last == Last::PathSeparator && current.len() > prefix.len() + 1 {
                    found.pop();
                }
                found.push(Mention { line, path: current.clone() });
                Last::Name
            }
            TokenTree::Group(group) => {
                let tree = last == Last::PathSeparator && group.delimiter() == Delimiter::Brace;
                collect(group.stream(), if tree { &current } else { &[] }, found);
                Last::Other
            }
            TokenTree::Punct(sign) => match (sign.as_char(), sign.spacing()) {
                (':', Spacing::Alone) if last == Last::Colon => Last::PathSeparator,
                (':', Spacing::Joint) => Last::Colon,
                ('.', Spacing::Alone) => Last::Dot,
                _ => Last::Other,
            },
            TokenTree::Literal(_) => Last::Other,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(source: &str) -> Vec<String> {
        let mentions = mentions(source).unwrap();
        mentions.into_iter().map(|mention| format!("{} {}", mention.line, mention.path.join("::"))).collect()
    }

    #[test]
    fn use_trees_are_unfolded() {
        let found = paths("use std::{\n  fs,\n  io::{self, Read},\n};");
        assert_eq!(found, ["1 use", "1 std", "2 std::fs", "3 std::io", "3 std::io::self", "3 std::io::Read"]);
    }

    #[test]
    fn paths_in_expressions_count_and_comments_and_strings_do_not() {
        let found = paths("fn f() { // std::fs\n  std::mem::take(x.y); \"std::fs\"; }");
        assert_eq!(found, ["1 fn", "1 f", "2 std::mem::take", "2 x", "2 .y"]);
    }

    #[test]
    fn a_leading_separator_and_a_turbofish_are_no_trouble() {
        assert_eq!(paths("::std::fs::read::<A>(b)"), ["1 std::fs::read", "1 A", "1 b"]);
    }

    #[test]
    fn a_part_is_found_anywhere_in_a_path() {
        let mention = Mention { line: 1, path: ["std", "fs", "File"].map(String::from).to_vec() };
        assert!(mention.contains("std::fs") && mention.contains("File") && !mention.contains("std::File"));
    }
}
