//! Commands that are killed at random moments, on good and on odd storage.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Mutex,
    thread::{self, sleep},
    time::{Duration, Instant},
};

use clockwork_analysis::AnalysisFiles;
use clockwork_model::Checkpoint;
use clockwork_training::{Config, Record, RunFiles, RunState, SweepManifest};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::{
    bounds::Bounds,
    faults::command_with,
    sandbox::{Sandbox, train_small},
};

/// Processes that are killed where nothing else is asked for.
const KILLS: u64 = 24;

/// How often a command is killed, at the most, before it is let run to its end.
const KILLS_A_ROUND: u32 = 4;

/// What is killed.
const SUBJECTS: [Subject; 5] = [
    Subject { name: "train", before: &[], args: train, run: "runs/a" },
    Subject { name: "sweep", before: &[], args: sweep, run: "runs/small-sweep/seed-1" },
    Subject { name: "resume", before: &[train_shorter], args: resume, run: "runs/a" },
    Subject { name: "analyze", before: &[train], args: analyze, run: "runs/a" },
    Subject { name: "compare", before: &[train], args: compare, run: "runs/a" },
];

/// A command that may be killed, and given again to go on.
struct Subject {
    name: &'static str,
    /// What is run before, undisturbed.
    before: &'static [fn() -> Vec<String>],
    args: fn() -> Vec<String>,
    /// The run that it writes to.
    run: &'static str,
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

fn train() -> Vec<String> {
    let often =
        ["--set=training.checkpoint_every=40", "--set=training.eval_every=20", "--or-resume", "--quiet"];
    train_small("a", 400, &often)
}

fn train_shorter() -> Vec<String> {
    train().into_iter().map(|arg| arg.replace("--max-steps=400", "--max-steps=120")).collect()
}

fn resume() -> Vec<String> {
    words(&["resume", "runs/a", "--max-steps=400", "--quiet"])
}

fn sweep() -> Vec<String> {
    let small = words(&["sweep", "small.toml", "--seeds=0..2", "--quiet"]);
    small.into_iter().chain(words(&crate::sandbox::SMALL)).collect()
}

fn analyze() -> Vec<String> {
    words(&["analyze", "runs/a", "--report"])
}

fn compare() -> Vec<String> {
    words(&["compare", "runs/a", "runs/latest"])
}

/// What a subject leaves when nothing disturbs it, and how long it takes.
struct Reference {
    files: BTreeMap<PathBuf, Vec<u8>>,
    time: Duration,
}

fn prepared(subject: &Subject) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("small.toml", "[training]\nmax_steps = 200\ncheckpoint_every = 40\neval_every = 20\n");
    for args in subject.before {
        sandbox.succeed(&args());
    }
    sandbox
}

fn reference(subject: &Subject) -> Reference {
    let sandbox = prepared(subject);
    let since = Instant::now();
    sandbox.succeed(&(subject.args)());
    Reference { time: since.elapsed(), files: files(&sandbox.path(subject.run)) }
}

/// Every file of a run that is the same each time, by its path in the run: what tells of times and places is left
/// out, or has them left out.
fn files(run: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut directories = vec![run.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let name = entry.file_name().into_string().unwrap();
            if name.starts_with('.') {
                // Beside analyses and reports others may be writing, so what was left stays for an hour.
                let is_shared =
                    directory.starts_with(run.join("analysis")) || directory.starts_with(run.join("report"));
                assert!(is_shared, "{} was left", path.display());
                continue;
            }
            let bytes = fs::read(&path).unwrap();
            let bytes = match name.as_str() {
                "run.json" | "lock" | "lock.json" | "report.html" => continue,
                "metrics.jsonl" => without_times(&bytes),
                _ => bytes,
            };
            files.insert(path.strip_prefix(run).unwrap().to_owned(), bytes);
        }
    }
    files
}

fn without_times(metrics: &[u8]) -> Vec<u8> {
    let timeless = |line: &str| line.split("\"elapsed_s\"").next().unwrap().to_owned();
    let lines: Vec<String> = String::from_utf8(metrics.to_vec()).unwrap().lines().map(timeless).collect();
    lines.join("\n").into_bytes()
}

/// Whatever file is there, after whatever kill, is whole.
fn assert_whole(runs: &Path) {
    let mut directories = vec![runs.to_owned()];
    while let Some(directory) = directories.pop() {
        SweepManifest::read(&directory).unwrap();
        let files = RunFiles::new(&directory);
        if files.config_path().exists() {
            files.config().unwrap();
            files.metrics(u64::MAX).unwrap();
            assert!(files.record().is_some() || !files.record_path().exists());
            for step in files.checkpoints().steps().unwrap_or_default() {
                Checkpoint::read(&files.checkpoints().weights(step)).unwrap();
            }
            for analysis in files.analyses() {
                assert!(
                    AnalysisFiles::analysed_at(&analysis).is_none() || AnalysisFiles::read(&analysis).is_ok()
                );
            }
        }
        let entries = fs::read_dir(&directory).into_iter().flatten().flatten();
        directories
            .extend(entries.map(|entry| entry.path()).filter(|path| path.is_dir() && !path.is_symlink()));
    }
    let base = runs.join("small-sweep/sweep.toml");
    assert!(!base.exists() || Config::read(&base).is_ok());
}

/// The faults of a round: half of them have none.
fn faults(rng: &mut ChaCha8Rng) -> String {
    match rng.random_range(0..8) {
        0 => "no-locks".to_owned(),
        1 => "no-links".to_owned(),
        2 => "no-lock-server,no-links".to_owned(),
        3 => format!("full-after={}", rng.random_range(0..400_000)),
        _ => String::new(),
    }
}

/// Runs a command, and kills it before it ends if it takes longer than this. Returns whether it was killed.
fn run(sandbox: &Sandbox, faults: &str, args: &[String], kill_after: Option<Duration>) -> bool {
    let plain = || sandbox.command(args);
    let mut command: Command =
        if faults.is_empty() { plain() } else { command_with(sandbox, faults, args).unwrap_or_else(plain) };
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    if let Some(time) = kill_after {
        sleep(time);
        child.kill().unwrap();
    }
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!said.contains("panicked"), "{said}");
    let was_killed = output.status.code().is_none();
    let may_fail = faults.contains("full-after") || faults.contains("read-only");
    assert!(was_killed || output.status.success() || may_fail && output.status.code() == Some(1), "{said}");
    was_killed
}

fn round(subject: &Subject, reference: &Reference, rng: &mut ChaCha8Rng, bounds: &Bounds) -> u64 {
    let sandbox = prepared(subject);
    let args = (subject.args)();
    let mut killed = 0;
    for _ in 0..rng.random_range(1..=KILLS_A_ROUND) {
        if is_over(subject, &sandbox) {
            break;
        }
        let mut faults = faults(rng);
        if ["analyze", "compare"].contains(&subject.name) && rng.random_ratio(1, 8) {
            let run = fs::canonicalize(sandbox.path(subject.run)).unwrap();
            faults = format!("read-only={}", run.display());
        }
        let time = reference.time.mul_f64(rng.random_range(0.0..1.1));
        if run(&sandbox, &faults, &args, Some(time)) {
            killed += 1;
            bounds.count();
        }
        assert_whole(&sandbox.path("runs"));
    }
    if !is_over(subject, &sandbox) {
        run(&sandbox, "", &args, None);
    }
    assert_whole(&sandbox.path("runs"));
    let left = files(&sandbox.path(subject.run));
    // A run of a sweep that was killed stops by itself, and keeps the step that it is at.
    let stops_elsewhere = |name: &PathBuf| subject.name == "sweep" && name.starts_with("checkpoints");
    let last = Path::new("checkpoints/step-0000200.optimizer.safetensors");
    let is_of_newest = |name: &PathBuf| name.to_string_lossy().contains(".optimizer.") && name != last;
    // Pictures of a run that ended are drawn by whoever is asked for it again; those two subjects are not.
    let is_drawn_later =
        |name: &PathBuf| ["sweep", "resume"].contains(&subject.name) && name.starts_with("report");
    for (name, bytes) in &reference.files {
        if stops_elsewhere(name) && is_of_newest(name) || is_drawn_later(name) {
            continue;
        }
        assert!(
            left.get(name).is_some_and(|left| left == bytes),
            "{} is lost or has other bytes",
            name.display()
        );
    }
    let more = left.keys().find(|name| !reference.files.contains_key(*name) && !stops_elsewhere(name));
    assert_eq!(more, None);
    killed
}

/// Whether a run was resumed to its end: there is nothing to resume then. All other commands can be given again.
fn is_over(subject: &Subject, sandbox: &Sandbox) -> bool {
    let record = RunFiles::new(sandbox.path(subject.run)).record();
    let is_at_its_end = |record: Record| match record {
        Record::Trained(record) => record.state == RunState::Finished && record.step == 400,
        Record::Imported(_) => false,
    };
    subject.name == "resume" && record.is_some_and(is_at_its_end)
}

#[test]
fn whatever_is_killed_goes_on_to_the_same_bytes() {
    let references: Vec<Reference> = SUBJECTS.iter().map(reference).collect();
    let bounds = Bounds::new("CLOCKWORK_STRESS_KILLS", KILLS);
    let killed = Mutex::new(BTreeMap::<&str, u64>::new());
    let work = || {
        while let Some((seed, mut rng)) = bounds.next() {
            let which = rng.random_range(0..SUBJECTS.len());
            let (subject, reference) = (&SUBJECTS[which], &references[which]);
            let tried = || round(subject, reference, &mut rng, &bounds);
            match std::panic::catch_unwind(std::panic::AssertUnwindSafe(tried)) {
                Ok(times) => *killed.lock().unwrap().entry(subject.name).or_default() += times,
                Err(panic) => {
                    eprintln!("{} failed in the round of CLOCKWORK_STRESS_SEED={seed}", subject.name);
                    std::panic::resume_unwind(panic);
                }
            }
        }
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| (0..workers).for_each(|_| drop(scope.spawn(work))));
    let killed = killed.into_inner().unwrap();
    eprintln!("{} kills in {} s: {killed:?}", bounds.done(), bounds.seconds());
    assert!(bounds.done() > 0);
}
