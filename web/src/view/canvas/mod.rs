//! The drawing of the log, painted: [`crate::state::layout`] decides where everything stands, and nothing is decided
//! here but colours, fonts and how a change comes about.

mod boxes;
mod inks;
mod lanes;
mod marks;
mod minimap;
mod pen;
mod stage;

pub(super) use stage::{Scene, Stage};
