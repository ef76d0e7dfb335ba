//! Feeds the target `scenario` from libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| logscope_fuzz::scenario(bytes));
