use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// A network small enough that hundreds of steps take a moment.
pub const SMALL: [&str; 5] = [
    "--set=task.modulus=11",
    "--set=model.d_model=16",
    "--set=model.n_heads=2",
    "--set=model.d_mlp=32",
    "--set=task.train_fraction=0.5",
];

/// A configuration whose first seeds generalise by step 1,200. What its seeds mean is pinned, so it does not follow
/// `configs/quick.toml`.
pub const MODULO_59: &str = "\
    [task]\nmodulus = 59\ntrain_fraction = 0.4\n[model]\nd_mlp = 256\n[optimizer]\nweight_decay = 2.0\n\
    [training]\nseed = 0\nmax_steps = 7_000\nstop_below_test_loss = 1e-6\nstop_when = \"steps\"\n";

/// The backends that tests run on, which must behave alike; wgpu only where it is built in.
pub const BACKENDS: &[&str] =
    if cfg!(feature = "wgpu") { &["--backend=cpu", "--backend=wgpu"] } else { &["--backend=cpu"] };

/// Nothing that a test waits for takes longer, on however busy a machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// A directory of its own to run `clockwork` in.
pub struct Sandbox {
    directory: TempDir,
}

impl Sandbox {
    pub fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.directory.path().join(path)
    }

    pub fn write(&self, path: &str, content: &str) {
        fs::write(self.path(path), content).unwrap();
    }

    pub fn command<S: AsRef<str>>(&self, args: &[S]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_clockwork"));
        command.current_dir(self.directory.path()).args(args.iter().map(AsRef::as_ref));
        // Mesa would look for a desktop to choose a device by, and complain that there is none.
        command.env("NODEVICE_SELECT", "1");
        command
    }

    /// Runs to the end.
    pub fn run<S: AsRef<str>>(&self, args: &[S]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs to the end, which must be a good one.
    pub fn succeed<S: AsRef<str>>(&self, args: &[S]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs in the background.
    pub fn start<S: AsRef<str>>(&self, args: &[S]) -> Child {
        self.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Waits until a file is there.
    pub fn wait_for(&self, path: &str) {
        let since = Instant::now();
        while !self.path(path).exists() {
            assert!(since.elapsed() < PATIENCE, "{path} never came");
            sleep(Duration::from_millis(2));
        }
    }

    pub fn read(&self, path: &str) -> Vec<u8> {
        fs::read(self.path(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
    }

    pub fn json(&self, path: &str) -> serde_json::Value {
        serde_json::from_slice(&self.read(path)).unwrap()
    }

    /// The lines of a run's `metrics.jsonl`, without the time, which is another each time.
    pub fn metrics(&self, run: &str) -> Vec<serde_json::Value> {
        let text = String::from_utf8(self.read(&format!("runs/{run}/metrics.jsonl"))).unwrap();
        let timeless = |line| {
            let mut evaluation: serde_json::Value = serde_json::from_str(line).unwrap();
            evaluation.as_object_mut().unwrap().remove("elapsed_s");
            evaluation
        };
        text.lines().map(timeless).collect()
    }
}

/// `clockwork train` of the small network for some steps, with more arguments.
pub fn train_small(name: &str, max_steps: u32, more: &[&str]) -> Vec<String> {
    let args = ["train".to_owned(), format!("--name={name}"), format!("--max-steps={max_steps}")];
    args.into_iter().chain(SMALL.iter().chain(more).map(ToString::to_string)).collect()
}

/// Sends a process a signal, such as `-INT`.
#[cfg(unix)]
pub fn signal(process: u32, signal: &str) {
    let status = Command::new("kill").args([signal, &process.to_string()]).status().unwrap();
    assert!(status.success());
}

/// Asserts the exit status and that what was said is one line with these words.
pub fn assert_refused(output: &Output, status: i32, words: &[&str]) {
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    let errors: Vec<&str> = said.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 1, "{said}");
    for word in words {
        assert!(errors[0].contains(word), "{said:?} lacks {word:?}");
    }
    assert!(!said.contains("panicked"), "{said}");
    assert_eq!(output.status.code(), Some(status), "{said}");
}
