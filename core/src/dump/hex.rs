//! Annotated bytes as text: position, bytes, what they are.

use std::fmt;

use super::Field;

/// The most bytes in a row.
const ROW: usize = 16;

/// Shows a field with its bytes: a heading for what has parts, and rows of bytes for what has none.
///
/// ```text
///                                   record 0 · offset 0: key null, value "a"
/// 0000003d  0e                        length 7
/// 0000003e  00                        recordAttributes 0
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Hex<'a> {
    field: &'a Field,
    bytes: &'a [u8],
    position: u64,
    depth: usize,
}

impl<'a> Hex<'a> {
    /// Shows `field` with its bytes out of `bytes`, which stand at `position` of the file.
    pub fn new(field: &'a Field, bytes: &'a [u8], position: u64) -> Self {
        Self { field, bytes, position, depth: 0 }
    }

    /// Indents it by so many steps.
    pub fn indented(self, depth: usize) -> Self {
        Self { depth, ..self }
    }

    fn own_bytes(&self) -> &'a [u8] {
        let from = self.field.position.checked_sub(self.position).and_then(|at| usize::try_from(at).ok());
        let rest = from.and_then(|from| self.bytes.get(from..)).unwrap_or_default();
        &rest[..rest.len().min(usize::try_from(self.field.size).unwrap_or(usize::MAX))]
    }

    /// A row of bytes, or the room of one, as wide as all the others.
    fn row(
        &self,
        f: &mut fmt::Formatter<'_>,
        position: Option<u64>,
        bytes: &[u8],
        label: &str,
    ) -> fmt::Result {
        match position {
            Some(position) => write!(f, "{position:08x} ")?,
            None => write!(f, "{:9}", "")?,
        }
        for byte in bytes {
            write!(f, " {byte:02x}")?;
        }
        if !label.is_empty() {
            write!(f, "{:pad$}{label}", "", pad = 3 * (ROW - bytes.len()) + 2 + 2 * self.depth)?;
        }
        writeln!(f)
    }

    fn label(&self) -> String {
        let Field { name, value, children, .. } = self.field;
        match value.is_empty() {
            true => name.to_string(),
            false if children.is_empty() => format!("{name} {value}"),
            false => format!("{name} · {value}"),
        }
    }
}

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.children.is_empty() {
            let mut rows = self.own_bytes().chunks(ROW);
            self.row(f, Some(self.field.position), rows.next().unwrap_or_default(), &self.label())?;
            for (number, row) in (1u64..).zip(rows) {
                self.row(f, Some(self.field.position + number * ROW as u64), row, "")?;
            }
        } else {
            self.row(f, None, &[], &self.label())?;
        }
        if let Some(problem) = &self.field.problem {
            self.row(f, None, &[], &format!("!! {problem}"))?;
        }
        for child in &self.field.children {
            Self { field: child, depth: self.depth + 1, ..*self }.fmt(f)?;
        }
        Ok(())
    }
}
