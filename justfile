# What a developer does often. `just --list` shows it; nothing here is needed to use egress25.

import? 'just/baseline.just'
import? 'just/bench.just'
import? 'just/complexity.just'
import? 'just/fuzz.just'
import? 'just/lab.just'
import? 'just/mutants.just'
import? 'just/release.just'
import? 'just/report.just'
import? 'just/sanitize.just'
import? 'just/store.just'

# The main job on a shipped capture.
demo:
    cargo run --release -- replay fixtures/captures/day-of-mail.pcapng --inventory fixtures/inventories/day-of-mail.toml

# All tests.
test:
    cargo test --workspace

# All that a change has to pass.
ci:
    .ci/run

# Makes the shipped captures anew, the same bytes every time.
fixtures:
    cargo run -p egress25-fixtures

# Captures the mail logs of the fixtures anew, from the real programs. Needs root and the package
# registries of Debian and npm.
mail-logs:
    scripts/mail-logs.sh

# Writes the golden answers anew; read the difference before you commit it.
golden:
    UPDATE_GOLDEN=1 cargo test --workspace --test it --test whole -- matrix golden_ row_of_the_day schemas readings oracle_differences samples::

# The policy's table against the reference, for many worlds.
table-long:
    EGRESS25_LONG=20000 cargo test --release -p egress25-packet-filter --test table

# Formats everything.
fmt:
    cargo fmt --all

# A folder of 1 GB of flow logs: how fast it is judged, and in how much memory.
flows-1g:
    cargo build --release -p egress25
    scripts/flows-1g.sh
