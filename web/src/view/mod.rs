//! The page's parts: small components, properties in and callbacks out. None of them knows the engine.

mod actions;
mod branches;
mod budget;
mod canvas;
mod command;
mod compare;
mod consumers;
mod detail;
mod dock;
mod faults;
mod forms;
mod header;
mod help;
mod hooks;
mod icon;
mod kept;
mod lanes;
mod lesson;
mod live;
mod log;
mod modal;
mod page;
mod prose;
mod sharing;
mod tables;
mod taken_apart;
mod words;

pub(crate) use budget::fetch;
pub(crate) use detail::{Props as DetailProps, bytes};
pub(crate) use lesson::{lesson_text, tasks};
pub(crate) use live::{bar, controls};
pub(crate) use modal::dialogs;
pub(crate) use page::{BodyProps, Page, Shown};
