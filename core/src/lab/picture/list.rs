//! A list that is cheap to clone: clones share their elements until one of them changes, and then all but a chunk.
//!
//! Invariant: every chunk but the last holds [`CHUNK`] elements, and none is empty.

use std::fmt;
use std::ops::{Index, Range};
use std::sync::Arc;

/// How many elements a chunk holds. A change of a shared list copies one chunk, and a pointer to each of the others.
const CHUNK: usize = 64;

/// A list whose clones share what they have in common.
pub struct List<T> {
    chunks: Vec<Arc<Vec<T>>>,
}

impl<T> List<T> {
    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.chunks.last().map_or(0, |last| (self.chunks.len() - 1) * CHUNK + last.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// The element at a place.
    pub fn get(&self, at: usize) -> Option<&T> {
        self.chunks.get(at / CHUNK)?.get(at % CHUNK)
    }

    /// The first element.
    pub fn first(&self) -> Option<&T> {
        self.get(0)
    }

    /// The last element.
    pub fn last(&self) -> Option<&T> {
        self.chunks.last()?.last()
    }

    /// All elements in order.
    pub fn iter(&self) -> Iter<'_, T> {
        self.range(0..self.len())
    }

    /// The elements at these places, as far as there are any.
    pub fn range(&self, places: Range<usize>) -> Iter<'_, T> {
        let end = places.end.min(self.len());
        Iter { list: self, places: places.start.min(end)..end }
    }

    /// How many elements come before the first for which `is_before` is false, as in a slice.
    pub fn partition_point(&self, mut is_before: impl FnMut(&T) -> bool) -> usize {
        // No chunk is empty, so each has a first element.
        let after = self.chunks.partition_point(|chunk| chunk.first().is_some_and(&mut is_before));
        let Some(chunk) = after.checked_sub(1) else { return 0 };
        chunk * CHUNK + self.chunks[chunk].partition_point(is_before)
    }

    /// The place of the element with this key in a list that is ordered by it; or else where it would stand.
    ///
    /// # Errors
    /// If there is no such element.
    pub fn binary_search_by_key<K: Ord>(&self, key: &K, key_of: impl Fn(&T) -> K) -> Result<usize, usize> {
        let at = self.partition_point(|element| key_of(element) < *key);
        if self.get(at).is_some_and(|element| key_of(element) == *key) { Ok(at) } else { Err(at) }
    }
}

impl<T: Clone> List<T> {
    /// Puts an element at the end.
    pub fn push(&mut self, element: T) {
        match self.chunks.last_mut() {
            Some(last) if last.len() < CHUNK => Arc::make_mut(last).push(element),
            _ => self.chunks.push(Arc::new(vec![element])),
        }
    }

    /// Leaves the first `len` elements.
    pub fn truncate(&mut self, len: usize) {
        if len >= self.len() {
            return;
        }
        self.chunks.truncate(len.div_ceil(CHUNK));
        if let Some(last) = self.chunks.last_mut()
            && !len.is_multiple_of(CHUNK)
        {
            Arc::make_mut(last).truncate(len % CHUNK);
        }
    }

    /// Takes the last element off.
    pub fn pop(&mut self) {
        self.truncate(self.len().saturating_sub(1));
    }
}

impl<T> Clone for List<T> {
    fn clone(&self) -> Self {
        Self { chunks: self.chunks.clone() }
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self { chunks: Vec::new() }
    }
}

impl<T: PartialEq> PartialEq for List<T> {
    fn eq(&self, other: &Self) -> bool {
        let same = |(a, b): (&Arc<Vec<T>>, &Arc<Vec<T>>)| Arc::ptr_eq(a, b) || a == b;
        self.chunks.len() == other.chunks.len() && self.chunks.iter().zip(&other.chunks).all(same)
    }
}

impl<T: Eq> Eq for List<T> {}

impl<T: fmt::Debug> fmt::Debug for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

impl<T> Index<usize> for List<T> {
    type Output = T;

    fn index(&self, at: usize) -> &T {
        &self.chunks[at / CHUNK][at % CHUNK]
    }
}

impl<T: Clone> Extend<T> for List<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, elements: I) {
        elements.into_iter().for_each(|element| self.push(element));
    }
}

impl<T: Clone> FromIterator<T> for List<T> {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        let mut list = Self::default();
        list.extend(elements);
        list
    }
}

impl<'l, T> IntoIterator for &'l List<T> {
    type Item = &'l T;
    type IntoIter = Iter<'l, T>;

    fn into_iter(self) -> Iter<'l, T> {
        self.iter()
    }
}

/// Goes through a [`List`].
#[derive(Debug)]
pub struct Iter<'l, T> {
    list: &'l List<T>,
    places: Range<usize>,
}

impl<T> Clone for Iter<'_, T> {
    fn clone(&self) -> Self {
        Self { list: self.list, places: self.places.clone() }
    }
}

impl<'l, T> Iterator for Iter<'l, T> {
    type Item = &'l T;

    fn next(&mut self) -> Option<&'l T> {
        self.list.get(self.places.next()?)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.places.size_hint()
    }
}

impl<T> DoubleEndedIterator for Iter<'_, T> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.list.get(self.places.next_back()?)
    }
}

impl<T> ExactSizeIterator for Iter<'_, T> {}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(len: usize) -> List<usize> {
        (0..len).collect()
    }

    #[test]
    fn it_holds_what_a_vec_would() {
        for len in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 5 * CHUNK + 7] {
            let list = list(len);
            assert_eq!((list.len(), list.is_empty()), (len, len == 0));
            assert!(list.iter().copied().eq(0..len) && list.iter().rev().copied().eq((0..len).rev()));
            assert_eq!((list.first(), list.last().copied()), ((len > 0).then_some(&0), len.checked_sub(1)));
            assert_eq!(list.get(len), None);
            for bound in 0..=len + 1 {
                assert_eq!(list.partition_point(|element| *element < bound), bound.min(len));
                let found = if bound < len { Ok(bound) } else { Err(len) };
                assert_eq!(list.binary_search_by_key(&bound, |element| *element), found);
                assert!(list.range(bound..bound + 3).copied().eq(bound..len.clamp(bound, bound + 3)));
            }
        }
    }

    #[test]
    fn it_is_cut_at_any_place() {
        for cut in 0..=3 * CHUNK + 1 {
            let mut cut_list = list(3 * CHUNK);
            cut_list.truncate(cut);
            assert_eq!(cut_list, list(cut.min(3 * CHUNK)));
            cut_list.push(7);
            assert_eq!(cut_list.last(), Some(&7));
            cut_list.pop();
            assert_eq!(cut_list, list(cut.min(3 * CHUNK)), "{cut}");
        }
        let mut empty = list(0);
        empty.pop();
        assert!(empty.is_empty());
    }

    #[test]
    fn clones_do_not_see_each_other() {
        let before = list(2 * CHUNK + 3);
        let mut after = before.clone();
        after.push(9);
        assert_eq!((before.len(), after.len()), (2 * CHUNK + 3, 2 * CHUNK + 4));
        assert_ne!(before, after);
        assert!(Arc::ptr_eq(&before.chunks[1], &after.chunks[1]), "what is the same is shared");
        after.truncate(3);
        assert_eq!(before, list(2 * CHUNK + 3));
    }
}
