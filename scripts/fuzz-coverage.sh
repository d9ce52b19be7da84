#!/usr/bin/env bash
# How many lines of what reads frames the corpus of the fuzz target `frame` reaches, file by file.
set -euo pipefail
cd "$(dirname "$0")/.."

host=$(rustc -vV | sed -n 's/^host: //p')
tools=$(rustc --print sysroot)/lib/rustlib/$host/bin
[ -x "$tools/llvm-cov" ] || { echo "needs llvm-tools: rustup component add llvm-tools" >&2; exit 1; }
target=$PWD/fuzz/target/coverage
mkdir -p "$target"
export RUSTFLAGS=-Cinstrument-coverage CARGO_TARGET_DIR=$target LLVM_PROFILE_FILE=$target/%p.profraw
test=$(cargo test -p egress25-any-input --test corpus --no-run --message-format=json |
    sed -n 's/.*"executable":"\([^"]*\/corpus-[^"]*\)".*/\1/p' | tail -1)
rm -f "$target"/*.profraw
"$test" frames_are_judged
"$tools/llvm-profdata" merge -sparse "$target"/*.profraw -o "$target/frame.profdata"
"$tools/llvm-cov" report "$test" -instr-profile="$target/frame.profdata" \
    crates/packet-filter/src/frame/*.rs
