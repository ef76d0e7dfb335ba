//! The colours of the drawing: `style.css` has them, and the canvas is told.

use std::cell::OnceCell;

use web_sys::{CanvasPattern, HtmlElement};

use crate::browser;
use crate::state::COLOURS;

/// What something is drawn with. Those of a batch come in the colour of its key, or without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    Text,
    Soft,
    Line,
    Field,
    Bed,
    Raised,
    Ground,
    Accent,
    Grave,
    GraveTint,
    /// The key's colour itself.
    Shown(Option<usize>),
    /// What a batch is filled with.
    Body(Option<usize>),
    /// A batch that stands out.
    Strong(Option<usize>),
    /// A batch that steps back.
    Faint(Option<usize>),
}

const PLAIN: [&str; 10] =
    ["text", "soft", "line", "field", "bed", "raised", "ground", "accent", "grave", "grave-tint"];
const OF_A_KEY: [&str; 4] = ["shown", "body", "strong", "faint"];
/// How many inks there are.
pub(super) const INKS: usize = PLAIN.len() + OF_A_KEY.len() * (COLOURS + 1);

impl Ink {
    /// Its place among all.
    pub(super) fn place(self) -> usize {
        let of_a_key = |kind: usize, key: Option<usize>| {
            PLAIN.len() + kind * (COLOURS + 1) + key.map_or(COLOURS, |key| key % COLOURS)
        };
        match self {
            Self::Text => 0,
            Self::Soft => 1,
            Self::Line => 2,
            Self::Field => 3,
            Self::Bed => 4,
            Self::Raised => 5,
            Self::Ground => 6,
            Self::Accent => 7,
            Self::Grave => 8,
            Self::GraveTint => 9,
            Self::Shown(key) => of_a_key(0, key),
            Self::Body(key) => of_a_key(1, key),
            Self::Strong(key) => of_a_key(2, key),
            Self::Faint(key) => of_a_key(3, key),
        }
    }
}

/// All inks, as a canvas takes them.
#[derive(Debug, Clone, Default)]
pub(super) struct Inks {
    colours: Vec<String>,
    /// The family of the characters.
    pub(super) font: String,
    /// What unsynced bytes are covered with, once it was needed.
    pub(super) hatching: OnceCell<Option<CanvasPattern>>,
}

impl Inks {
    /// Asks the style sheet, by way of an element that nobody sees.
    pub(super) fn read(probe: &HtmlElement) -> Self {
        let style = probe.style();
        let colour = |class: String, name: &str| {
            probe.set_class_name(&class);
            // It fails for no name that is not the style sheet's.
            let _ = style.set_property("color", &format!("var(--{name})"));
            browser::computed(probe, "color")
        };
        let mut colours: Vec<String> = PLAIN.iter().map(|name| colour("ink".to_owned(), name)).collect();
        for name in OF_A_KEY {
            colours.extend((0..COLOURS).map(|key| colour(format!("ink key-{key}"), name)));
            colours.push(colour("ink".to_owned(), name));
        }
        Self { colours, font: browser::computed(probe, "font-family"), hatching: OnceCell::new() }
    }

    /// An ink as a canvas takes it.
    pub(super) fn get(&self, ink: Ink) -> &str {
        self.at(ink.place())
    }

    pub(super) fn at(&self, place: usize) -> &str {
        self.colours.get(place).map_or("", String::as_str)
    }
}
