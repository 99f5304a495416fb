#!/usr/bin/env bash
# Cargo's RUSTC_WRAPPER for fuzz targets: what an answer is judged with is not instrumented for coverage. Its comparisons are
# no news of the host that is fuzzed, and the engine spends more time on them than the host takes.
set -euo pipefail
arguments=("$@")
if [[ " $* " == *" --crate-name kmspec_rules "* ]]; then
    arguments=()
    for argument; do
        case $argument in
            -Cpasses=sancov-module | -Cllvm-args=-sanitizer-coverage-*) ;;
            *) arguments+=("$argument") ;;
        esac
    done
fi
exec "${arguments[@]}"
