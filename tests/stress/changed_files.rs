//! Files of a run that something else has changed: each is refused in words, or means what it says.

use std::{
    collections::BTreeMap,
    fs, panic,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use clockwork_analysis::{AnalysisFiles, Findings, Progress};
use clockwork_model::{Checkpoint, ReadAs, Weights};
use clockwork_report::Report;
use clockwork_training::{Resume, Run, RunFiles, SweepManifest};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use safetensors::SafeTensors;

use crate::{bounds::Bounds, sandbox::Sandbox};

/// Files that are changed where nothing else is asked for.
const FILES: u64 = 3000;

/// Of so many changed files, one is also given to the program, and one drawn as a report if it can be read.
const RARELY: u32 = 500;

/// The steps of the run's checkpoints that can be gone on from.
const STEPS: [u64; 2] = [48, 60];

/// A run that was stopped at step 60 of 90, with an analysis, in a sweep, as it is before anything is changed.
struct Original {
    sandbox: Sandbox,
    run: PathBuf,
    files: BTreeMap<PathBuf, Vec<u8>>,
    weights: BTreeMap<u64, Weights>,
    settings_sha256: String,
}

impl Original {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        sandbox.write(
            "tiny.toml",
            "[task]\nmodulus = 7\ntrain_fraction = 0.5\n[model]\nd_model = 8\nn_heads = 2\nd_mlp = 8\n\
             [training]\nmax_steps = 60\ncheckpoint_every = 12\neval_every = 12\n",
        );
        sandbox.succeed(&["sweep", "tiny.toml", "--seeds=3", "--quiet"]);
        let run = sandbox.path("runs/tiny-sweep/seed-3");
        sandbox.succeed(&["analyze", "runs/tiny-sweep/seed-3", "--step=60", "--progress"]);
        for (file, from, to) in
            [("run.json", "finished", "stopped"), ("config.toml", "max_steps = 60", "max_steps = 90")]
        {
            let text = fs::read_to_string(run.join(file)).unwrap();
            assert!(text.contains(from), "{text}");
            fs::write(run.join(file), text.replace(from, to)).unwrap();
        }
        let files = RunFiles::new(&run);
        let weights =
            |step| (step, weights_of(&Checkpoint::read(&files.checkpoints().weights(step)).unwrap()));
        Self {
            weights: [STEPS[0], STEPS[1]].map(weights).into(),
            settings_sha256: files.config().unwrap().settings_sha256(),
            files: files_of(&sandbox.path("runs/tiny-sweep")),
            run,
            sandbox,
        }
    }
}

/// Every file in a directory, and its bytes.
fn files_of(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                directories.push(path);
            } else if path.is_file() && !path.is_symlink() {
                files.insert(path.clone(), fs::read(path).unwrap());
            }
        }
    }
    files.retain(|path, _| path.file_name().is_some_and(|name| name != "lock"));
    files
}

/// Changes bytes in one of the ways in which disks, editors and people do.
fn changed(mut bytes: Vec<u8>, other: &[u8], rng: &mut ChaCha8Rng) -> Vec<u8> {
    let place = |rng: &mut ChaCha8Rng, length: usize| rng.random_range(0..=length);
    let from = place(rng, bytes.len());
    let to = (from + rng.random_range(0..=64)).min(bytes.len());
    match rng.random_range(0..12) {
        0 => bytes.truncate(from),
        1 => bytes[from..to].fill(0),
        2 => bytes[from..to].fill(0xff),
        3 => drop(bytes.drain(from..to)),
        4 => {
            let again = bytes[from..to].to_vec();
            bytes.splice(from..from, again);
        }
        5 => {
            let new: Vec<u8> = (0..rng.random_range(1..64)).map(|_| rng.random()).collect();
            bytes.splice(from..from, new);
        }
        6 => {
            let cut = place(rng, other.len());
            bytes.truncate(from);
            bytes.extend(&other[cut..]);
        }
        7 => replace_number(&mut bytes, from, rng),
        8 => {
            let mut lines: Vec<&[u8]> = bytes.split_inclusive(|&byte| byte == b'\n').collect();
            let (a, b) = (rng.random_range(0..lines.len().max(1)), rng.random_range(0..lines.len().max(1)));
            if !lines.is_empty() {
                lines.swap(a, b);
            }
            bytes = lines.concat();
        }
        9 => {
            let mut lines: Vec<&[u8]> = bytes.split_inclusive(|&byte| byte == b'\n').collect();
            if !lines.is_empty() {
                lines.remove(rng.random_range(0..lines.len()));
            }
            bytes = lines.concat();
        }
        10 => bytes = other.to_vec(),
        _ => {
            for _ in 0..rng.random_range(1..=8) {
                if !bytes.is_empty() {
                    let at = rng.random_range(0..bytes.len());
                    bytes[at] ^= 1 << rng.random_range(0..8);
                }
            }
        }
    }
    bytes
}

/// Puts another number, or none, in place of the first one after a position.
fn replace_number(bytes: &mut Vec<u8>, from: usize, rng: &mut ChaCha8Rng) {
    const NUMBERS: [&str; 14] = [
        "0",
        "1",
        "-1",
        "7",
        "0.5",
        "1e400",
        "-1e-400",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551616",
        "nan",
        "null",
        "[]",
        "1e308",
    ];
    let is_digit = |byte: &u8| byte.is_ascii_digit();
    let Some(start) = bytes[from..].iter().position(is_digit).map(|at| from + at) else { return };
    let end =
        bytes[start..].iter().position(|byte| !is_digit(byte)).map_or(bytes.len(), |length| start + length);
    bytes.splice(start..end, NUMBERS[rng.random_range(0..NUMBERS.len())].bytes());
}

/// Reads everything that a changed file may be part of. Returns whether all of it was taken.
fn read_all(original: &Original, path: &Path, rng: &mut ChaCha8Rng) -> bool {
    let files = RunFiles::new(&original.run);
    let mut is_taken = true;
    if let Ok(config) = files.config() {
        let _ = config.split();
    }
    let _ = files.record();
    is_taken &= files.metrics(u64::MAX).is_ok();
    is_taken &= SweepManifest::read(original.run.parent().unwrap()).is_ok();
    is_taken &= Findings::read(&files.analysis(60)).is_ok();
    let progress = Progress::read(&files.analyses_directory());
    is_taken &= progress.is_ok();
    match AnalysisFiles::read(&files.analysis(60)) {
        Ok(analysis) if rng.random_ratio(1, RARELY) => {
            let report = Report {
                name: "a",
                analysis: &analysis,
                training: None,
                progress: progress.as_ref().ok().and_then(Option::as_ref),
                record: None,
                config: None,
                further: &[],
            };
            // It is drawn, or said to be broken.
            let _ = report.write(&original.sandbox.path("report"));
        }
        read => is_taken &= read.is_ok(),
    }
    if path.extension().is_some_and(|extension| extension == "safetensors") {
        match Checkpoint::open(path, &ReadAs::default()) {
            Ok(read) if rng.random_ratio(1, RARELY / 10) => drop(AnalysisFiles::of(&read, &mut ())),
            read => is_taken &= read.is_ok(),
        }
    }
    is_taken & go_on(original, path)
}

/// Goes on with the run, which must be refused, or begin at what was written.
fn go_on(original: &Original, path: &Path) -> bool {
    let before = files_of(original.run.parent().unwrap());
    let resumed = Run::resume(&original.run, &Resume::default());
    assert!(
        files_of(original.run.parent().unwrap()) == before,
        "files were changed before anything was trained"
    );
    let Ok(run) = resumed else { return false };
    let files = RunFiles::new(&original.run);
    assert_eq!(run.config().settings_sha256(), original.settings_sha256, "other settings were taken");
    let kept = Checkpoint::read(&files.checkpoints().weights(run.step())).unwrap();
    assert!(weights_of(&kept) == original.weights[&run.step()], "other weights were taken");
    let state = files.checkpoints().optimizer_state(run.step());
    if state == path {
        let (now, then) = (fs::read(path).unwrap(), &original.files[path]);
        let data = |bytes: &[u8]| -> BTreeMap<String, Vec<u8>> {
            let tensors = SafeTensors::deserialize(bytes).unwrap().tensors();
            tensors.into_iter().map(|(name, view)| (name, view.data().to_vec())).collect()
        };
        assert!(data(&now) == data(then), "other moments were taken");
    }
    true
}

/// The program is given the run: it ends well, or in one line.
fn ask_the_program(original: &Original) {
    for args in [
        &["resume", "runs/tiny-sweep/seed-3", "--quiet", "--max-steps=60"][..],
        &["analyze", "runs/tiny-sweep/seed-3", "--json"],
        &["report", "runs/tiny-sweep/seed-3"],
        &["compare", "runs/tiny-sweep", "--out=c"],
        &["sweep", "tiny.toml", "--seeds=3", "--quiet"],
    ] {
        let output = original.sandbox.run(args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!said.contains("panicked"), "{args:?}: {said}");
        let errors = said.lines().filter(|line| line.starts_with("error: ")).count();
        let is_refused = errors == 1 && matches!(output.status.code(), Some(1 | 2));
        let has_failed_run = args[0] == "sweep" && output.status.code() == Some(1);
        assert!(output.status.success() || is_refused || has_failed_run, "{args:?}: {said}");
    }
}

fn restore(original: &Original) {
    let directory = original.run.parent().unwrap();
    for path in files_of(directory).keys().filter(|path| !original.files.contains_key(*path)) {
        fs::remove_file(path).unwrap();
    }
    for (path, bytes) in &original.files {
        fs::write(path, bytes).unwrap();
    }
}

#[test]
fn files_that_were_changed_are_refused_or_mean_what_they_say() {
    let bounds = Bounds::new("CLOCKWORK_STRESS_FILES", FILES);
    let outcomes = Mutex::new(BTreeMap::<String, [u64; 2]>::new());
    let asked = AtomicU64::new(0);
    let work = || {
        let original = Original::new();
        let paths: Vec<&PathBuf> = original.files.keys().collect();
        while let Some((seed, mut rng)) = bounds.next() {
            let path = paths[rng.random_range(0..paths.len())];
            let other = &original.files[paths[rng.random_range(0..paths.len())]];
            fs::write(path, changed(original.files[path].clone(), other, &mut rng)).unwrap();
            let tried = || {
                let is_taken = read_all(&original, path, &mut rng);
                if rng.random_ratio(1, RARELY) {
                    asked.fetch_add(1, Ordering::Relaxed);
                    ask_the_program(&original);
                    restore(&original);
                }
                is_taken
            };
            match panic::catch_unwind(panic::AssertUnwindSafe(tried)) {
                Ok(is_taken) => {
                    let name = path.file_name().unwrap().to_string_lossy();
                    let kind = name.trim_start_matches(|c: char| c != '.' && name.starts_with("step-"));
                    let mut outcomes = outcomes.lock().unwrap();
                    outcomes.entry(kind.to_owned()).or_default()[usize::from(is_taken)] += 1;
                }
                Err(panic) => {
                    eprintln!("{} failed with CLOCKWORK_STRESS_SEED={seed}", path.display());
                    panic::resume_unwind(panic);
                }
            }
            fs::write(path, &original.files[path]).unwrap();
            bounds.count();
        }
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| (0..workers).for_each(|_| drop(scope.spawn(work))));
    eprintln!(
        "{} changed files in {} s, {} given to the program",
        bounds.done(),
        bounds.seconds(),
        asked.into_inner()
    );
    for (kind, [refused, taken]) in outcomes.into_inner().unwrap() {
        eprintln!("  {kind:<24} {refused:>6} refused {taken:>6} taken");
    }
}

fn weights_of(checkpoint: &Checkpoint) -> Weights {
    checkpoint.weights().expect("runs train the paper's network").clone()
}
