//! Reading a query string without coercing anything. Parameters that nobody asks for are ignored.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use super::error::ApiError;

/// How much of a bad value an error repeats.
const SHOWN_CHARS: usize = 40;

/// The parameters of a request.
#[derive(Debug)]
pub(super) struct Query<'a> {
    parameters: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Query<'a> {
    pub(super) fn parse(query: Option<&'a str>) -> Self {
        Self { parameters: form_urlencoded::parse(query.unwrap_or_default().as_bytes()).collect() }
    }

    /// A parameter, if it is there.
    pub(super) fn get(&self, name: &str) -> Result<Option<&str>, ApiError> {
        let mut values =
            self.parameters.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_ref());
        let value = values.next();
        if values.next().is_some() {
            return Err(ApiError::malformed(format!("the parameter {name:?} is given twice")));
        }
        Ok(value)
    }

    /// A parameter that must be there.
    pub(super) fn required(&self, name: &str) -> Result<&str, ApiError> {
        self.get(name)?.ok_or_else(|| ApiError::malformed(format!("the parameter {name:?} is missing")))
    }

    /// A whole number in a range, in plain digits, if it is there.
    pub(super) fn whole(&self, name: &str, range: RangeInclusive<u64>) -> Result<Option<u64>, ApiError> {
        let Some(text) = self.get(name)? else { return Ok(None) };
        let digits = Some(text).filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
        match digits.and_then(|digits| digits.parse().ok()).filter(|number| range.contains(number)) {
            Some(number) => Ok(Some(number)),
            None => {
                let shown: String = text.chars().take(SHOWN_CHARS).collect();
                let cut = if shown.len() < text.len() { "…" } else { "" };
                let (min, max) = range.into_inner();
                let message = format!(
                    "the parameter {name:?} takes a whole number from {min} to {max}, not {:?}",
                    shown + cut
                );
                Err(ApiError::malformed(message))
            }
        }
    }
}
