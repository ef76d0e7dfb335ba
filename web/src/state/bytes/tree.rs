//! The tree of fields as rows, of which only the open ones are there; and what a byte or a row lights.

use std::borrow::Cow;
use std::ops::Range;

use logscope::dump::{Field, Form, unfold};

use super::Taken;
use crate::state::Palette;

/// A row of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row<'a> {
    pub(crate) field: Cow<'a, Field>,
    /// How many fields it stands within.
    pub(crate) depth: u8,
    /// Whether its parts are shown; `None` if it has none.
    pub(crate) open: Option<bool>,
}

/// What is pointed at: a byte, and if it is a row of the tree, how deep that stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) at: u64,
    pub(crate) depth: Option<u8>,
}

impl Place {
    pub(crate) fn byte(at: u64) -> Self {
        Self { at, depth: None }
    }
}

impl Row<'_> {
    pub(crate) fn place(&self) -> Place {
        Place { at: self.field.position, depth: Some(self.depth) }
    }

    /// The positions of its bytes.
    fn range(&self) -> Range<u64> {
        self.field.position..self.field.end()
    }
}

/// The rows that were opened or closed by hand: the others are as they are at first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Folds(Vec<(u64, u8)>);

impl Folds {
    /// Opens what is closed, and closes what is open.
    #[must_use]
    pub(crate) fn turned(&self, row: &Row<'_>) -> Self {
        let key = (row.field.position, row.depth);
        let mut folds = self.clone();
        match folds.0.iter().position(|other| *other == key) {
            Some(at) => drop(folds.0.swap_remove(at)),
            None => folds.0.push(key),
        }
        folds
    }

    /// Opens all that hides the field of a byte.
    #[must_use]
    pub(crate) fn revealing(&self, taken: &Taken, at: u64) -> Self {
        let (mut folds, mut done) = (self.clone(), None);
        // Each turn opens one more; a varint stays as it is.
        loop {
            let rows = taken.rows(&folds);
            let row = row_of(&rows, Place::byte(at)).and_then(|row| rows.get(row));
            let closed = row.filter(|row| row.open == Some(false) && !row.field.children.is_empty());
            let Some(row) = closed.filter(|row| done != Some(row.depth)) else { return folds };
            done = Some(row.depth);
            folds = folds.turned(row);
        }
    }
}

/// The row of a place: that very one, or for a byte the innermost that is shown.
pub(crate) fn row_of(rows: &[Row<'_>], place: Place) -> Option<usize> {
    match place.depth {
        Some(_) => rows.iter().position(|row| row.place() == place),
        None => rows.iter().rposition(|row| row.range().contains(&place.at)),
    }
}

impl Taken {
    /// The rows of the tree, from top to bottom.
    pub(crate) fn rows(&self, folds: &Folds) -> Vec<Row<'_>> {
        let mut rows = Vec::new();
        // What is alone need not be opened by hand.
        let alone = self.fields.len() == 1;
        self.fields.iter().for_each(|field| self.push_rows(field, 0, alone, folds, &mut rows));
        rows
    }

    fn push_rows<'a>(
        &'a self,
        field: &'a Field,
        depth: u8,
        at_first: bool,
        folds: &Folds,
        rows: &mut Vec<Row<'a>>,
    ) {
        let turned = folds.0.contains(&(field.position, depth));
        let open = at_first != turned;
        let varint = field.form == Form::Varint;
        let parts = varint || !field.children.is_empty();
        rows.push(Row { field: Cow::Borrowed(field), depth, open: parts.then_some(open) });
        if !open || !parts {
            return;
        }
        if varint {
            let groups = unfold(self.slice(field), field.position).groups.into_iter();
            rows.extend(groups.map(|group| Row { field: Cow::Owned(group), depth: depth + 1, open: None }));
        }
        for child in &field.children {
            let at_first = child.name == "records" || field.name == "records" && field.children.len() == 1;
            self.push_rows(child, depth + 1, at_first && child.form != Form::Varint, folds, rows);
        }
    }

    /// The bytes of a field.
    pub(crate) fn slice(&self, field: &Field) -> &[u8] {
        let from = field.position.saturating_sub(self.at) as usize;
        let rest = self.bytes.get(from..).unwrap_or_default();
        &rest[..rest.len().min(field.size as usize)]
    }

    /// The field that is meant: of a byte the innermost.
    pub(crate) fn field(&self, place: Place) -> Option<Cow<'_, Field>> {
        let top = self.fields.partition_point(|field| field.end() <= place.at);
        let top =
            self.fields.get(top).or_else(|| self.fields.last().filter(|last| last.position == place.at))?;
        let Some(depth) = place.depth else { return top.at(place.at).map(Cow::Borrowed) };
        let mut field = top;
        for _ in 0..depth {
            if field.form == Form::Varint {
                let groups = unfold(self.slice(field), field.position).groups;
                return groups.into_iter().find(|group| group.position == place.at).map(Cow::Owned);
            }
            field = field.children.get(field.children.partition_point(|child| child.end() <= place.at))?;
        }
        Some(Cow::Borrowed(field))
    }

    /// What bytes look like; counted from the first that was taken.
    pub(crate) fn looks(&self, range: Range<usize>, palette: &Palette) -> Vec<Look> {
        let mut looks = Vec::with_capacity(range.len());
        while looks.len() < range.len() {
            let at = self.at + (range.start + looks.len()) as u64;
            let (look, bytes) = self.look(at, palette);
            looks.push(Look { first: bytes.start == at, ..look });
            let end = (bytes.end.saturating_sub(self.at) as usize).min(range.end).saturating_sub(range.start);
            looks.resize(end.max(looks.len()), look);
        }
        looks
    }

    /// How the innermost field of a byte looks, and which bytes it has.
    fn look(&self, at: u64, palette: &Palette) -> (Look, Range<u64>) {
        let mut look = Look { first: false, kind: Kind::Plain, colour: None };
        // Bytes that nothing is known of are all alike.
        let mut bytes = 0..u64::MAX;
        let mut fields = &self.fields;
        while let Some(field) = fields.get(fields.partition_point(|field| field.end() <= at)) {
            if field.name.starts_with("record ") {
                let key = field.children.iter().find(|child| child.name == "key");
                look.colour = palette.of_key(key.map(|key| self.slice(key)));
            }
            look.kind = match &*field.name {
                "key" => Kind::Key,
                "value" => Kind::Value,
                _ if field.problem.is_some() && field.children.is_empty() => Kind::Wrong,
                _ => Kind::Plain,
            };
            (bytes, fields) = (field.position..field.end(), &field.children);
        }
        (look, bytes)
    }
}

/// What a byte belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Plain,
    Key,
    Value,
    /// Something is wrong with the field.
    Wrong,
}

/// How a byte looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    /// Whether its field begins with it.
    pub(crate) first: bool,
    pub(crate) kind: Kind,
    /// The colour of its record's key.
    pub(crate) colour: Option<usize>,
}
