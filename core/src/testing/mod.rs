//! What tests of a log need, and nobody else: chance that comes from a seed, and scenarios to compare engines by.
//!
//! The storage that fails is [`FaultyStorage`](crate::storage::FaultyStorage).

mod random;
#[cfg(feature = "lab")]
mod scenarios;

pub use random::Random;
#[cfg(feature = "lab")]
pub use scenarios::{golden_scenarios, long_scenario};
