mod read;

use std::{num::NonZeroUsize, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum, value_parser};
use clockwork_model::Operation;
use clockwork_training::Locking;

pub use self::read::ReadArgs;
use self::read::in_words;

/// Trains a one-layer transformer on modular arithmetic until it groks.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Train(TrainArgs),
    Resume(ResumeArgs),
    Sweep(SweepArgs),
    Analyze(AnalyzeArgs),
    Import(ImportArgs),
    Progress(ProgressArgs),
    Report(ReportArgs),
    Compare(CompareArgs),
    /// List the devices that runs can be trained on
    Devices,
}

/// Train a network from random weights
///
/// Makes a run directory with the configuration, metrics and checkpoints, and trains until the test
/// loss has stayed low for a while. Ctrl-C stops after the step at hand; `clockwork resume` goes on
/// from there as if there had been no stop.
#[derive(Debug, Args)]
pub struct TrainArgs {
    /// Configuration file; what it leaves out is as in the paper [default: the paper's run]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Name of the run's directory [default: from task, seed and time]
    #[arg(long)]
    pub name: Option<String>,

    /// Directory of all runs
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub runs_dir: PathBuf,

    /// Chooses the split and the initial weights, as --set training.seed=N
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(..=LARGEST))]
    pub seed: Option<u64>,

    /// Last step at the latest, as --set training.max_steps=N
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(..=LARGEST))]
    pub max_steps: Option<u64>,

    /// Change any setting of the configuration; may be repeated
    #[arg(long = "set", value_name = "section.key=value")]
    pub settings: Vec<String>,

    /// Go on with the run of that name and settings where there is one; do nothing if it is finished
    #[arg(long, requires = "name")]
    pub or_resume: bool,

    #[command(flatten)]
    pub training: TrainingArgs,
}

/// Go on with a run that was stopped or killed
///
/// Goes on from the newest whole checkpoint; the result is the same, byte for byte, as that of a
/// run that was never stopped. Longer training, and other steps to look at, are asked for with --max-steps and
/// --set; all other settings are fixed at a run's start.
#[derive(Debug, Args)]
pub struct ResumeArgs {
    /// Directory of the run, such as runs/latest
    pub run: PathBuf,

    /// Last step at the latest, as --set training.max_steps=N; a run that took all its steps goes on
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(..=LARGEST))]
    pub max_steps: Option<u64>,

    /// Change training.max_steps, eval_every, checkpoint_every, stop_below_test_loss, stop_when or
    /// cleanup_steps; may be repeated
    #[arg(long = "set", value_name = "section.key=value")]
    pub settings: Vec<String>,

    /// Go on from the checkpoint of this step; without its optimiser's state the moments begin anew, and run.json
    /// says so. What was kept of later steps is put aside
    #[arg(long, value_name = "N")]
    pub from_step: Option<u64>,

    #[command(flatten)]
    pub training: TrainingArgs,
}

/// Train many runs: the product of seeds and settings
///
/// Each is an ordinary run in the sweep's directory, trained by a process of its own. Ctrl-C stops them; the
/// same command goes on with what is not finished. A run that fails does not stop the others. The commands
/// that train the runs are in the sweep's manifest, sweep.json, for other schedulers.
#[derive(Debug, Args)]
pub struct SweepArgs {
    /// Configuration file; what it leaves out is as in the paper [default: the paper's run]
    pub config: Option<PathBuf>,

    /// Seeds, as half-open ranges or single ones: 0..8 or 1,5,9
    #[arg(long)]
    pub seeds: String,

    /// Change a setting of the configuration, or let it take several values; may be repeated
    #[arg(long = "set", value_name = "section.key=a,b,c")]
    pub settings: Vec<String>,

    /// Name of the sweep's directory [default: from the configuration file's, such as quick-sweep]
    #[arg(long)]
    pub name: Option<String>,

    /// Directory of all runs
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub runs_dir: PathBuf,

    /// What to train on; on a GPU, runs that differ in the seed are trained together [default: cpu]
    #[arg(long, value_enum)]
    pub backend: Option<BackendArg>,

    /// Runs trained at a time [default: one per core, which they share; on a GPU 32]
    #[arg(long, short, value_name = "N", value_parser = at_a_time)]
    pub jobs: Option<NonZeroUsize>,

    /// Do not lock the directories: only where no other process trains these runs
    #[arg(long)]
    pub no_lock: bool,

    /// Show nothing but errors
    #[arg(long, short)]
    pub quiet: bool,
}

/// Reverse-engineer a checkpoint and check the published claims
///
/// Finds the key frequencies, the neurons that serve them, and what becomes of the loss without them, on
/// all inputs, and says claim by claim whether it holds; which algorithm the network follows, and for how many
/// inputs that is proven.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag on the command line")]
pub struct AnalyzeArgs {
    /// Directory of a run, such as runs/latest, or a checkpoint file, ours or anyone's
    #[arg(value_name = "RUN|FILE")]
    pub target: PathBuf,

    /// Checkpoint of the run [default: the newest]
    #[arg(long, value_name = "N")]
    pub step: Option<u64>,

    /// Exit with status 3 unless every claim holds, with --progress those about the course too
    #[arg(long)]
    pub check: bool,

    /// Print the figures as JSON instead of a table
    #[arg(long)]
    pub json: bool,

    /// Leave out which algorithm it is and what proves it: gradient symmetricity over all triples takes longest
    #[arg(long)]
    pub quick: bool,

    /// Then measure how the circuit formed, at every checkpoint of the run, as `clockwork progress` does
    #[arg(long)]
    pub progress: bool,

    /// Then write the report, for the checkpoint of a run
    #[arg(long)]
    pub report: bool,

    /// Where to write analysis.json and arrays.safetensors, progress.json and progress.safetensors, and the report [default: in
    /// the run's directory; for a file of no run, nowhere]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Threads that share the work [default: all cores]
    #[arg(long, value_name = "N", value_parser = at_a_time)]
    pub threads: Option<NonZeroUsize>,

    #[command(flatten)]
    pub read: ReadArgs,
}

/// Measure how the circuit forms, at every checkpoint of a run
///
/// Goes over all checkpoints and measures losses, restricted and excluded losses, weights and neurons, by the key
/// frequencies of the last one, and tells which measure goes its way before the test accuracy does. Started again it
/// measures only what is missing.
#[derive(Debug, Args)]
pub struct ProgressArgs {
    /// Directory of a run, such as runs/latest
    pub run: PathBuf,

    /// Frequencies to measure by, kept in a place of their own [default: the key frequencies of the last checkpoint]
    #[arg(long, value_name = "K,…", value_delimiter = ',')]
    pub freqs: Vec<usize>,

    /// Go on for as long as the run is trained, and write its report after each new checkpoint
    #[arg(long)]
    pub follow: bool,

    /// Print the measures as JSON instead of tables
    #[arg(long)]
    pub json: bool,

    /// Where to write progress.json and progress.safetensors, and with --follow the report [default: analysis, in the run's
    /// directory, and report]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Threads that share the work [default: all cores]
    #[arg(long, value_name = "N", value_parser = at_a_time)]
    pub threads: Option<NonZeroUsize>,
}

/// Write the report of an analysis: one HTML file, and its figures for papers
///
/// The page needs no network and no other file. Figures are written as SVG and PNG beside it.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Directory of a run that was analysed, or of an analysis
    pub run: PathBuf,

    /// Step whose analysis is reported [default: the one analysed last]
    #[arg(long, value_name = "N")]
    pub step: Option<u64>,

    /// Where to write the page and its figures [default: report, in the run's directory]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Open the page
    #[arg(long)]
    pub open: bool,
}

/// Make a run directory of somebody else's checkpoint
///
/// Reads safetensors, PyTorch state dicts and NumPy archives of one-layer transformers and two-input MLPs; docs/networks.md
/// lists what is read, what is assumed and what is refused. Pickles are read as data; nothing in them is executed.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Checkpoint file: .safetensors, its .index.json, .pt, .pth or .npz
    pub file: PathBuf,

    /// Name of the run's directory
    #[arg(long)]
    pub name: String,

    /// Directory of all runs
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub runs_dir: PathBuf,

    /// Step that the weights are of, where you know it
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub step: u64,

    #[command(flatten)]
    pub read: ReadArgs,
}

/// Compare the key frequencies of many runs
///
/// Analyses the newest checkpoint of what has not been analysed yet, then shows each run's key frequencies and
/// the claims that hold, and over all runs what is the same and what differs. A sweep stands for its runs.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag on the command line")]
pub struct CompareArgs {
    /// Directories of runs or sweeps, such as runs/*
    #[arg(value_name = "RUN", required = true)]
    pub runs: Vec<PathBuf>,

    /// Compare the checkpoints of this step [default: the newest of each run]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(..=LARGEST))]
    pub step: Option<u64>,

    /// Measure the courses of the runs first, at every checkpoint, as `clockwork progress` does; those that were measured
    /// are compared anyway
    #[arg(long)]
    pub progress: bool,

    /// Compare only the runs of this modulus
    #[arg(long, value_name = "P")]
    pub modulus: Option<usize>,

    /// Compare only the runs of this operation [default: all, those of each by themselves where there are several]
    #[arg(long, value_name = "OPERATION", value_parser = in_words::<Operation>)]
    pub operation: Option<Operation>,

    /// Print the comparison as JSON instead of a table
    #[arg(long)]
    pub json: bool,

    /// Print a line per run as CSV instead of a table
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,

    /// Where to write comparison.json, comparison.csv, checks.csv, report.html and figures [default: comparison, beside the runs, or here if they are in several directories]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Open the report
    #[arg(long)]
    pub open: bool,

    /// Threads that share the work [default: all cores]
    #[arg(long, value_name = "N", value_parser = at_a_time)]
    pub threads: Option<NonZeroUsize>,
}

/// What to train on.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum BackendArg {
    /// The processor
    Cpu,
    /// A device of Vulkan, Metal or DX12
    Wgpu,
    /// A GPU if there is one, else the processor
    Auto,
}

/// How a run is trained, now: none of it is a setting of the run.
#[derive(Debug, Args)]
pub struct TrainingArgs {
    /// What to train on [default: cpu; when resumed, what the run was trained on]
    #[arg(long, value_enum, hide_possible_values = false)]
    pub backend: Option<BackendArg>,

    /// Threads that share the work [default: all cores]
    #[arg(long, value_name = "N", value_parser = at_a_time)]
    pub threads: Option<NonZeroUsize>,

    /// Do not lock the run's directory: only where no other process trains this run
    #[arg(long)]
    pub no_lock: bool,

    /// Show burn's dashboard instead of a progress bar
    #[arg(long, conflicts_with = "quiet")]
    pub tui: bool,

    /// Show nothing but errors
    #[arg(long, short)]
    pub quiet: bool,
}

impl TrainingArgs {
    /// Whether the run's directory is locked.
    pub fn locking(&self) -> Locking {
        locking(self.no_lock)
    }
}

/// Whether directories are locked, where a user may have said that they are not to be.
pub fn locking(no_lock: bool) -> Locking {
    if no_lock { Locking::Waived } else { Locking::Needed }
}

/// The largest seed and number of steps: a configuration file has no larger whole numbers.
const LARGEST: u64 = i64::MAX as u64;

/// More threads or processes than any machine has cores only get in each other's way.
const MOST_AT_A_TIME: usize = 512;

/// How many threads, or runs at a time.
fn at_a_time(text: &str) -> Result<NonZeroUsize, String> {
    let number = text.parse::<NonZeroUsize>().ok().filter(|number| number.get() <= MOST_AT_A_TIME);
    number.ok_or_else(|| format!("must be a whole number from 1 to {MOST_AT_A_TIME}"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use clockwork_training::Config;

    use super::*;

    #[test]
    fn the_help_of_resume_names_every_setting_that_may_change() {
        let mut cli = Cli::command();
        let help = cli.find_subcommand_mut("resume").unwrap().render_long_help().to_string();
        for key in Config::CHANGEABLE {
            let name = key.strip_prefix("training.").unwrap();
            assert!(help.contains(name), "{key} is missing in {help}");
        }
    }
}
