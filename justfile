# Everything is built in one profile, so that nothing is built twice.
profile := "--release"

# Built apart from the rest, or it would change how that is built (see there).
browser := "clockwork-browser-tests"

# List the recipes
default:
    @just --list

# Train a network until it groks: the paper's run, or with arguments as `clockwork train --help` tells
[group('run')]
train *args:
    CLOCKWORK_COMMAND=just cargo run {{ profile }} --locked --bin clockwork -- train {{ args }}

# Go on with a run that was stopped or killed
[group('run')]
resume run="runs/latest" *args:
    CLOCKWORK_COMMAND=just cargo run {{ profile }} --locked --bin clockwork -- resume {{ run }} {{ args }}

# Reverse-engineer a run's newest checkpoint, check the published claims, and write the report
[group('run')]
analyze run="runs/latest" *args:
    #!/bin/sh
    # A claim that fails under --check, status 3, is reported like any other finding.
    export CLOCKWORK_COMMAND=just
    cargo run {{ profile }} --locked --bin clockwork -- analyze {{ run }} {{ args }}
    status=$?
    if [ -d "{{ run }}/checkpoints" ] && { [ $status = 0 ] || [ $status = 3 ]; }; then
      cargo run -q {{ profile }} --locked --bin clockwork -- report {{ run }} >&2 || exit
    fi
    exit $status

# Write the report of a run's newest analysis: one HTML file, and its figures as SVG and PNG
[group('run')]
report run="runs/latest" *args:
    CLOCKWORK_COMMAND=just cargo run {{ profile }} --locked --bin clockwork -- report {{ run }} {{ args }}

# Train many runs, seeds times settings: `just sweep configs/quick.toml --seeds 0..8`
[group('run')]
[positional-arguments]
sweep *args:
    CLOCKWORK_COMMAND=just cargo run {{ profile }} --locked --bin clockwork -- sweep "$@"

# Compare the key frequencies of runs: `just compare runs/quick-sweep` or `just compare runs/*`
[group('run')]
[positional-arguments]
compare *args:
    CLOCKWORK_COMMAND=just cargo run {{ profile }} --locked --bin clockwork -- compare "$@"

# Make a run directory of somebody else's checkpoint: `just import FILE --name NAME`
[group('run')]
import *args:
    CLOCKWORK_COMMAND=just cargo run {{ profile }} --locked --bin clockwork -- import {{ args }}

# Run all tests; the last looks at a report in Chromium
[group('check')]
test *args:
    cargo test {{ profile }} --locked --workspace --exclude {{ browser }} {{ args }}
    cargo test {{ profile }} --locked --package {{ browser }} {{ args }}

# Check formatting
[group('check')]
fmt-check:
    cargo fmt --all -- --check

# Run clippy and rustdoc, with warnings as errors
[group('check')]
lint:
    cargo clippy {{ profile }} --locked --workspace --all-targets -- --deny warnings
    RUSTDOCFLAGS="--deny warnings" cargo doc {{ profile }} --locked --workspace --no-deps

# What a change must pass
[group('check')]
ci: fmt-check lint test

# Format the code
[group('check')]
fmt:
    cargo fmt --all

# Measure the training step and the analysis
[group('measure')]
bench *args:
    cargo bench --locked --workspace --exclude {{ browser }} {{ args }}

# Measure the training step in turns with a textbook PyTorch step of the same network
[group('measure')]
bench-peer *args:
    cargo build {{ profile }} --locked --bin clockwork
    python3 benches/peer/compare.py {{ args }}
