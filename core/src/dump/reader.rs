//! Takes fields off the front of bytes, one after another.

use std::borrow::Cow;

use super::{Field, Form};
use crate::record::{read_varint, read_varlong};

/// A place in bytes of a file, and the fields that were taken so far. A field that is not there in whole takes
/// what there is, with the blame on it, and yields `None`.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    position: u64,
    fields: Vec<Field>,
}

impl<'a> Reader<'a> {
    /// Starts at the front of `bytes`, which stand at `position` of the file.
    pub(super) fn new(bytes: &'a [u8], position: u64) -> Self {
        Self { bytes, position, fields: Vec::new() }
    }

    /// What was not taken yet.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// The fields. They cover what was taken.
    pub(super) fn into_fields(self) -> Vec<Field> {
        self.fields
    }

    /// The next `size` bytes.
    pub(super) fn bytes(&mut self, name: impl Into<Cow<'static, str>>, size: u64) -> Option<&'a [u8]> {
        let whole = usize::try_from(size).ok().and_then(|size| self.bytes.split_at_checked(size));
        let (taken, rest) = whole.unwrap_or((self.bytes, &[]));
        let mut field = Field::new(name, self.position, taken.len() as u64);
        if whole.is_none() {
            field.blame(format!("{} of its {size} bytes are there", taken.len()));
        }
        self.position += field.size;
        self.bytes = rest;
        self.fields.push(field);
        whole.map(|_| taken)
    }

    /// A big-endian signed number of `SIZE` bytes, at most eight.
    pub(super) fn int<const SIZE: usize>(&mut self, name: impl Into<Cow<'static, str>>) -> Option<i64> {
        let bytes = self.bytes(name, SIZE as u64)?;
        let negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
        let start = if negative { -1 } else { 0 };
        let value = bytes.iter().fold(start, |value: i64, byte| value << 8 | i64::from(*byte));
        self.say(value.to_string());
        Some(value)
    }

    /// A zigzag varint.
    pub(super) fn varint(&mut self, name: impl Into<Cow<'static, str>>) -> Option<i32> {
        let read = read_varint(self.bytes);
        self.variable(name, read, "it is no varint of 32 bits")
    }

    /// A zigzag varlong.
    pub(super) fn varlong(&mut self, name: impl Into<Cow<'static, str>>) -> Option<i64> {
        let read = read_varlong(self.bytes);
        self.variable(name, read, "it is no varint of 64 bits")
    }

    fn variable<N: ToString>(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        read: Option<(N, &'a [u8])>,
        wrong: &str,
    ) -> Option<N> {
        match read {
            Some((value, rest)) => {
                self.bytes(name, (self.bytes.len() - rest.len()) as u64);
                self.say(value.to_string());
                self.shape(Form::Varint);
                Some(value)
            }
            None => {
                // Where it would end nobody knows.
                self.bytes(name, self.bytes.len() as u64);
                self.blame(wrong);
                None
            }
        }
    }

    /// Adds a field that was made elsewhere of the next bytes.
    pub(super) fn push(&mut self, field: Field) {
        self.bytes = self.bytes.get(field.size as usize..).unwrap_or_default();
        self.position += field.size;
        self.fields.push(field);
    }

    /// Sets the text of the field that was taken last.
    pub(super) fn say(&mut self, value: impl Into<String>) {
        if let Some(field) = self.fields.last_mut() {
            field.value = value.into();
        }
    }

    /// Adds to the text of the field that was taken last.
    pub(super) fn explain(&mut self, more: &str) {
        if let Some(field) = self.fields.last_mut() {
            field.value.push_str(" · ");
            field.value.push_str(more);
        }
    }

    /// Says how the field that was taken last says it.
    pub(super) fn shape(&mut self, form: Form) {
        if let Some(field) = self.fields.last_mut() {
            field.form = form;
        }
    }

    /// Says what is wrong with the field that was taken last.
    pub(super) fn blame(&mut self, problem: impl Into<String>) {
        if let Some(field) = self.fields.last_mut() {
            field.blame(problem);
        }
    }
}
