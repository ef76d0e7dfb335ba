//! Feeds the target `batch` from libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| logscope_fuzz::batch(bytes));
