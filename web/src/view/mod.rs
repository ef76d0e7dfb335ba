//! The page's parts: small components, properties in and callbacks out. None of them knows the engine.

mod budget;
mod command;
mod detail;
mod dock;
mod forms;
mod header;
mod help;
mod hooks;
mod icon;
mod lane;
mod lesson;
mod log;
mod modal;
mod page;
mod prose;
mod sharing;
mod tables;
mod taken_apart;

pub(crate) use page::Page;
