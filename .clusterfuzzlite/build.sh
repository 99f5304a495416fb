#!/usr/bin/env bash
# Builds every fuzz target into $OUT, as OSS-Fuzz and ClusterFuzzLite expect it: the binary, its seeds as a flat archive,
# its dictionary and its options. A target is a file in fuzz/fuzz_targets/; there is no list to maintain.
set -euo pipefail
: "${OUT:?the folder to build into}"
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# Their builder runs a copy of this script from $SRC.
[ -d fuzz/fuzz_targets ] || cd "$SRC/kmspec"

# libFuzzer itself is not to be instrumented: it then takes half of the time of a short run.
export CXXFLAGS="${CXXFLAGS-} -fno-sanitize=address"
export RUSTC_WRAPPER=$PWD/.clusterfuzzlite/rustc.sh

host=$(rustc -vV | sed -n 's/^host: //p')
cargo fuzz build -O --debug-assertions

for source in fuzz/fuzz_targets/*.rs; do
    target=$(basename "$source" .rs)
    cp "fuzz/target/$host/release/$target" "$OUT/"
    rm -f "$OUT/${target}_seed_corpus.zip"
    python3 -m zipfile -c "$OUT/${target}_seed_corpus.zip" "fuzz/seeds/$target"/*
    cp "fuzz/options/$target.options" "$OUT/"
    if [ -f "fuzz/dictionaries/$target.dict" ]; then
        cp "fuzz/dictionaries/$target.dict" "$OUT/"
    fi
done
