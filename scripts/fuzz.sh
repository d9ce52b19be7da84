#!/usr/bin/env bash
# Builds the fuzz targets and runs them one after another; `just fuzz` says how. Ends with a table of
# how many inputs each has tried, and with 1 where one has crashed: its input is in fuzz/artifacts.
#
#     scripts/fuzz.sh TIME [TARGET...]     TIME such as 90s, 10m, 2h: of all targets together
#
# EGRESS25_RUNS=N       each target ends after N inputs, if that is before its time
# EGRESS25_PLAIN=1      what comparisons compare is not looked at: less is found by each input, and three
#                       times as many are tried in a second
# EGRESS25_ASAN=1       with the address sanitizer, which stable Rust has only by RUSTC_BOOTSTRAP
# EGRESS25_FUZZ=build   builds the targets and ends
# EGRESS25_FUZZ=merge   makes fuzz/corpus the least inputs that reach what all known ones reach
set -euo pipefail
cd "$(dirname "$0")/../fuzz"

# The longest input of each target, in bytes: what is longer is slower and shows no more.
longest() {
    case $1 in
        frame) echo 512 ;;
        events | scenario) echo 2048 ;;
        edition | store | azure) echo 8192 ;;
        *) echo 4096 ;;
    esac
}

words() {
    case $1 in
        inventory | edition | events | scenario) echo -dict=dictionaries/toml.dict ;;
        azure | flow-logs | store) echo -dict=dictionaries/json.dict ;;
        mail-logs) echo -dict=dictionaries/mail.dict ;;
    esac
}

seconds() {
    case $1 in
        *s) echo "${1%s}" ;;
        *m) echo $((${1%m} * 60)) ;;
        *h) echo $((${1%h} * 3600)) ;;
        *) echo "a time such as 90s, 10m or 2h was expected, not \`$1\`" >&2 && return 2 ;;
    esac
}

# What cargo-fuzz asks of the compiler, for our crates and their dependencies, not for build scripts:
# counters for edges, their table, and what comparisons compare.
build() {
    local args=(level=4 inline-8bit-counters pc-table) flags="-Cpasses=sancov-module" arg
    # Another folder for each way, so that none makes another begin anew.
    folder=target
    if [ "${EGRESS25_PLAIN:-}" = 1 ]; then
        folder=target/plain
    else
        args+=(trace-compares)
    fi
    for arg in "${args[@]}"; do
        flags+=" -Cllvm-args=-sanitizer-coverage-$arg"
    done
    flags+=" -Cllvm-args=-simplifycfg-branch-fold-threshold=0"
    if [ "${EGRESS25_ASAN:-}" = 1 ]; then
        folder+=/asan
        flags+=" -Zsanitizer=address"
        export RUSTC_BOOTSTRAP=1
    fi
    RUSTFLAGS=$flags cargo build --release --locked --target "$host" --target-dir "$folder"
}

# Runs a target; adds its line to the table.
run() {
    local target=$1 time=$2 log=logs/$1.log code=0 dictionary
    mkdir -p "found/$target" "artifacts/$target" logs
    dictionary=$(words "$target")
    # shellcheck disable=SC2086
    "$folder/$host/release/$target" -max_len="$(longest "$target")" -max_total_time="$time" \
        -runs="${EGRESS25_RUNS:--1}" -timeout=60 -rss_limit_mb=4096 -print_final_stats=1 \
        -artifact_prefix="artifacts/$target/" $dictionary \
        "found/$target" "corpus/$target" >"$log" 2>&1 || code=$?
    stat() { sed -n "s/^stat::$1: *//p" "$log"; }
    end=ok
    if [ "$code" -ne 0 ]; then
        end="ended with $code: $(sed -n 's/.*Test unit written to //p' "$log" | tail -1), see fuzz/$log"
        crashed=1
    fi
    table+=("$(printf '%-10s %13s %9s  %s' "$target" "$(stat number_of_executed_units)" \
        "$(stat average_exec_per_sec)" "$end")")
}

# Leaves in the corpus what reaches an edge that nothing else does, in inputs of 1 kB at most: how often
# it is reached does not count, so that the corpora stay small.
merge() {
    local target=$1 length kept
    mkdir -p "found/$target"
    kept=$(mktemp -d)
    length=$(longest "$target")
    "$folder/$host/release/$target" -set_cover_merge=1 -use_counters=0 \
        -max_len=$((length < 1024 ? length : 1024)) "$kept" \
        "corpus/$target" "found/$target" >"logs/$target-merge.log" 2>&1
    # What once failed has a name, and stays.
    find "corpus/$target" -name '*-*' -exec cp {} "$kept" \;
    rm -rf "corpus/$target"
    mv "$kept" "corpus/$target"
    chmod 755 "corpus/$target"
}

# Memory that was used is used again.
export MALLOC_MMAP_THRESHOLD_=67108864 MALLOC_TRIM_THRESHOLD_=1073741824

host=$(rustc -vV | sed -n 's/^host: //p')
crashed=0
table=()
all=(frame captures inventory edition events store azure flow-logs mail-logs scenario)
time=$(seconds "${1:-10m}")
for target in "${@:2}"; do
    [[ " ${all[*]} " == *" $target "* ]] || {
        echo "there is no target \`$target\`; there are: ${all[*]}" >&2
        exit 2
    }
done
[ $# -lt 2 ] || all=("${@:2}")
build
case ${EGRESS25_FUZZ:-} in
    build) exit 0 ;;
    merge)
        mkdir -p logs
        for target in "${all[@]}"; do merge "$target"; done
        du -sh corpus/*
        exit 0
        ;;
esac
each=$((time / ${#all[@]}))
for target in "${all[@]}"; do
    run "$target" $((each > 0 ? each : 1))
done
printf '%-10s %13s %9s\n' target inputs 'a second'
printf '%s\n' "${table[@]}"
exit "$crashed"
