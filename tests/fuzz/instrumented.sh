#!/bin/sh
# Stands between cargo and the compiler of our own crates (RUSTC_WORKSPACE_WRAPPER): libFuzzer learns from it which lines an
# input reaches, and what is compared with what. Crates of others are as they always are.
exec "$@" -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
  -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares
