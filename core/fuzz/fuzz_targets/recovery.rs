//! Feeds the target `recovery` from libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| logscope_fuzz::recovery(bytes));
