# Everything is built in one profile, so that nothing is built twice.
profile := "--release"

# What is trained on: `just backend=wgpu train` builds what reaches GPUs, and uses it.
backend := "cpu"
features := if backend == "cpu" { "" } else { "--features clockwork/wgpu" }
on := if backend == "cpu" { "" } else { "--backend " + backend }

# Built apart from the rest, or it would change how that is built (see there).
browser := "clockwork-browser-tests"

# List the recipes
default:
    @just --list

# Train a network until it groks: the paper's run, or with arguments as `clockwork train --help` tells
[group('run')]
train *args:
    CLOCKWORK_COMMAND=just cargo run {{ profile }} --locked --bin clockwork {{ features }} -- train {{ on }} {{ args }}

# Go on with a run that was stopped or killed
[group('run')]
resume run="runs/latest" *args:
    CLOCKWORK_COMMAND=just cargo run {{ profile }} --locked --bin clockwork {{ features }} -- resume {{ run }} {{ on }} {{ args }}

# Reverse-engineer a run's newest checkpoint, measure how its circuit formed, check the claims, and write the report
[group('run')]
analyze run="runs/latest" *args:
    CLOCKWORK_COMMAND=just cargo run {{ profile }} --locked --bin clockwork -- analyze --progress --report {{ run }} {{ args }}

# Measure how the circuit forms, at every checkpoint of a run
[group('run')]
progress run="runs/latest" *args:
    CLOCKWORK_COMMAND=just cargo run {{ profile }} --locked --bin clockwork -- progress {{ run }} {{ args }}

# Write the report of a run's newest analysis: one HTML file, and its figures as SVG and PNG
[group('run')]
report run="runs/latest" *args:
    CLOCKWORK_COMMAND=just cargo run {{ profile }} --locked --bin clockwork -- report {{ run }} {{ args }}

# Train many runs, seeds times settings: `just sweep configs/quick.toml --seeds 0..8`
[group('run')]
[positional-arguments]
sweep *args:
    CLOCKWORK_COMMAND=just cargo run {{ profile }} --locked --bin clockwork {{ features }} -- sweep {{ on }} "$@"

# Compare the key frequencies of runs: `just compare runs/quick-sweep` or `just compare runs/*`
[group('run')]
[positional-arguments]
compare *args:
    CLOCKWORK_COMMAND=just cargo run {{ profile }} --locked --bin clockwork -- compare "$@"

# Make a run directory of somebody else's checkpoint: `just import FILE --name NAME`
[group('run')]
import *args:
    CLOCKWORK_COMMAND=just cargo run {{ profile }} --locked --bin clockwork -- import {{ args }}

# List the devices that runs can be trained on: `just backend=wgpu devices`
[group('run')]
devices:
    CLOCKWORK_COMMAND=just cargo run {{ profile }} --locked --bin clockwork {{ features }} -- devices

# Run all tests; the last looks at a report in Chromium
[group('check')]
test *args:
    cargo test {{ profile }} --locked --workspace --exclude {{ browser }} {{ args }}
    cargo test {{ profile }} --locked --package {{ browser }} {{ args }}

# Run the tests of training through wgpu, which need a device; Mesa's software one will do
[group('check')]
test-wgpu *args:
    cargo test {{ profile }} --locked --workspace --exclude {{ browser }} --features clockwork/wgpu --test end_to_end {{ args }} -- wgpu:: bad_input::

# Kill commands at random moments and change files at random: `just stress KILLS FILES`, for SECONDS at most each
[group('check')]
stress kills="1000" files="100000" seconds="3600":
    CLOCKWORK_STRESS_KILLS={{ kills }} CLOCKWORK_STRESS_FILES={{ files }} CLOCKWORK_STRESS_SECONDS={{ seconds }} \
      cargo test {{ profile }} --locked --workspace --exclude {{ browser }} --test stress -- --nocapture

# Compare figures with those of other people's models, in the folder that CLOCKWORK_REFERENCE_DIR names
[group('check')]
test-reference *args:
    cargo test {{ profile }} --locked --workspace --exclude {{ browser }} --test reference {{ args }} -- --ignored

# Check formatting
[group('check')]
fmt-check:
    cargo fmt --all -- --check

# Run clippy and rustdoc, with warnings as errors
[group('check')]
lint:
    cargo clippy {{ profile }} --locked --workspace --all-targets -- --deny warnings
    RUSTDOCFLAGS="--deny warnings" cargo doc {{ profile }} --locked --workspace --no-deps

# Run clippy on what is built for GPUs
[group('check')]
lint-wgpu:
    cargo clippy {{ profile }} --locked --workspace --exclude {{ browser }} --all-targets --features clockwork/wgpu -- --deny warnings

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

# Measure the training step on a GPU, alone and many seeds together: `just bench-wgpu --steps 20 1 8`
[group('measure')]
bench-wgpu *args:
    cargo bench --locked --workspace --exclude {{ browser }} --features clockwork/wgpu --bench wgpu_step -- {{ args }}

# Measure the training step in turns with a textbook PyTorch step of the same network
[group('measure')]
bench-peer *args:
    cargo build {{ profile }} --locked --bin clockwork
    python3 benches/peer/compare.py {{ args }}
