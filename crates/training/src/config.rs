use std::path::Path;

use clockwork_model::{ModelConfig, Operation, Split, SplitRule, Task};
use serde::{Deserialize, Serialize};
use toml::Table;

use crate::{Error, Origin, Result, named_by_key::named_by_key, settings::Base};

/// Every setting of a run, as in its `config.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The task.
    pub task: TaskConfig,
    /// The network's sizes.
    pub model: SizesConfig,
    /// `AdamW`.
    pub optimizer: OptimizerConfig,
    /// How long to train, and which steps to keep.
    pub training: TrainingConfig,
}

/// The task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskConfig {
    /// The operation on numbers modulo p. Random answers are drawn by [`TrainingConfig::seed`].
    #[serde(default)]
    pub operation: Operation,
    /// Whether products take 0 in too. It is written only where they do, so that earlier configurations stay as they are.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub zero: bool,
    /// The modulus p.
    pub modulus: usize,
    /// The fraction of all pairs to train on.
    pub train_fraction: f64,
}

/// The network's sizes but for those that the task gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SizesConfig {
    /// Width of the residual stream.
    pub d_model: usize,
    /// Number of attention heads.
    pub n_heads: usize,
    /// Number of neurons.
    pub d_mlp: usize,
}

/// `AdamW` (Loshchilov and Hutter 2019) with a linear warm-up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptimizerConfig {
    /// The learning rate after the warm-up.
    pub learning_rate: f64,
    /// Steps over which the learning rate rises linearly, to reach its full value at the last.
    pub warmup_steps: u64,
    /// Decay of the mean of gradients.
    pub beta_1: f64,
    /// Decay of the mean of squared gradients.
    pub beta_2: f64,
    /// Added to the root of the mean squared gradient.
    pub epsilon: f64,
    /// Share of a weight that is taken off each step, in units of the learning rate.
    pub weight_decay: f64,
}

/// How long to train, and which steps to evaluate and keep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingConfig {
    /// The seed of the split and of the initial weights.
    pub seed: u64,
    /// How the gradient is computed.
    pub gradient: GradientMethod,
    /// The last step at the latest.
    pub max_steps: u64,
    /// Steps between evaluations.
    pub eval_every: u64,
    /// Steps between checkpoints, log-spaced before the first.
    pub checkpoint_every: u64,
    /// The test loss in nats below which only the cleanup is left; 0 never stops early.
    pub stop_below_test_loss: f64,
    /// What ends the cleanup.
    pub stop_when: StopWhen,
    /// Steps from there to the end, where steps end it.
    pub cleanup_steps: u64,
}

/// What ends a run's cleanup, the part of its training after the test loss is low.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StopWhen {
    /// So many steps, `cleanup_steps`.
    Steps,
    /// A checkpoint whose circuit is clean, as a [`Looker`](crate::Looker) finds.
    Clean,
}

/// How the gradient of the loss is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GradientMethod {
    /// By our own formulas, on the processor.
    ClosedForm,
    /// By burn's automatic differentiation, on any device.
    Autodiff,
}

impl TryFrom<Base> for Config {
    type Error = Error;

    fn try_from(Base { table, origin }: Base) -> Result<Self> {
        // Keys and types are right by now, so what can still be wrong is a value outside its set of choices.
        let config: Self = table.try_into().map_err(|e| config_error(origin, one_of_several(&e)))?;
        config.validated()
    }
}

impl Config {
    /// The paper's configuration, changed by a file (if any) and then by settings of the form
    /// `section.key=value`.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] for a file that cannot be read or is no TOML, an unknown key (the nearest
    /// known one is named), a value of the wrong type or an impossible one.
    pub fn load(file: Option<&Path>, settings: &[String]) -> Result<Self> {
        Base::read(file)?.with(settings)?.try_into()
    }

    /// Reads the configuration that a run keeps.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn read(path: &Path) -> Result<Self> {
        Base::of_kept()?.changed_by(path)?.try_into()
    }

    /// The configuration as TOML.
    pub(crate) fn to_toml(&self) -> String {
        toml::to_string(self).expect("plain tables of numbers always serialise")
    }

    /// The configuration that a checkpoint's metadata hold, if they hold one that this version understands.
    pub(crate) fn of_checkpoint(metadata: &serde_json::Value) -> Option<Self> {
        let table: Table = serde_json::from_value(metadata.clone()).ok()?;
        Base::of_kept().ok()?.changed(table, Origin::Configuration).ok()?.try_into().ok()
    }

    /// This configuration with seed 0, which is what runs that differ in the seed have in common.
    pub(crate) fn without_seed(&self) -> Self {
        let mut config = self.clone();
        config.training.seed = 0;
        config
    }

    /// The settings as tables.
    pub(crate) fn table(&self) -> Table {
        Table::try_from(self).expect("plain tables of numbers always serialise")
    }

    /// Every setting as `section.key` and its value, in alphabetical order.
    pub(crate) fn settings(&self) -> Vec<(String, String)> {
        let sections = self.table().into_iter();
        let settings = sections.flat_map(|(name, section)| {
            let keys = section.as_table().cloned().unwrap_or_default().into_iter();
            keys.map(move |(key, value)| (format!("{name}.{key}"), value.to_string()))
        });
        let mut settings: Vec<_> = settings.collect();
        settings.sort();
        settings
    }

    /// The task.
    #[must_use]
    pub fn task(&self) -> Task {
        let TaskConfig { operation, zero, modulus, .. } = self.task;
        let task = Task::new(modulus, operation);
        match operation {
            Operation::Multiply | Operation::Divide => Task { zero, ..task },
            Operation::Random => Task { seed: self.training.seed, ..task },
            Operation::Add | Operation::Subtract | Operation::Polynomial(_) => task,
        }
    }

    /// What ends the cleanup. A circuit is clean in the frequencies of the task's coordinates: where it has none, steps do.
    #[must_use]
    pub fn stop_when(&self) -> StopWhen {
        match self.task().coordinates().of.has_inputs() {
            true => self.training.stop_when,
            false => StopWhen::Steps,
        }
    }

    /// The network's sizes.
    #[must_use]
    pub fn model(&self) -> ModelConfig {
        let SizesConfig { d_model, n_heads, d_mlp } = self.model;
        ModelConfig { modulus: self.task.modulus, d_model, n_heads, d_mlp }
    }

    /// How the pairs are split.
    pub(crate) fn split_rule(&self) -> SplitRule {
        SplitRule { train_fraction: self.task.train_fraction, seed: self.training.seed }
    }

    /// The split of the pairs that the seed chooses.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] where the fraction leaves nothing to train or test on.
    pub fn split(&self) -> Result<Split> {
        Split::new(self.task(), self.split_rule()).map_err(named_by_key)
    }

    /// This configuration if a run can be made of it.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] names the first key whose value is impossible.
    pub fn validated(self) -> Result<Self> {
        self.model().validated().map_err(named_by_key)?;
        self.task().validated().map_err(named_by_key)?;
        self.split()?;
        let OptimizerConfig { learning_rate, beta_1, beta_2, epsilon, weight_decay, .. } = self.optimizer;
        let TrainingConfig { max_steps, eval_every, checkpoint_every, stop_below_test_loss, .. } =
            self.training;
        let in_unit = |v: f64| (0.0..1.0).contains(&v);
        for (key, value, possible, bound) in [
            (
                "optimizer.learning_rate",
                learning_rate,
                learning_rate as f32 > 0.0 && learning_rate <= 1.0,
                "above 0, also in 32 bits, and at most 1",
            ),
            ("optimizer.beta_1", beta_1, in_unit(beta_1), "at least 0 and below 1"),
            ("optimizer.beta_2", beta_2, in_unit(beta_2), "at least 0 and below 1"),
            (
                "optimizer.epsilon",
                epsilon,
                epsilon as f32 > 0.0 && epsilon.is_finite(),
                "above 0, also in 32 bits",
            ),
            (
                "optimizer.weight_decay",
                weight_decay,
                weight_decay >= 0.0 && weight_decay * learning_rate < 1.0,
                "at least 0 and below 1 / optimizer.learning_rate",
            ),
            ("training.max_steps", max_steps as f64, max_steps >= 1, "at least 1"),
            ("training.eval_every", eval_every as f64, eval_every >= 1, "at least 1"),
            ("training.checkpoint_every", checkpoint_every as f64, checkpoint_every >= 1, "at least 1"),
            (
                "training.stop_below_test_loss",
                stop_below_test_loss,
                stop_below_test_loss >= 0.0 && stop_below_test_loss.is_finite(),
                "at least 0, and a number",
            ),
        ] {
            if !possible {
                return Err(config_error(Origin::value(key, &value), format!("must be {bound}")));
            }
        }
        Ok(self)
    }
}

pub(crate) fn config_error(origin: Origin, problem: impl Into<String>) -> Error {
    Error::Config { origin, problem: problem.into() }
}

/// The message for a value outside its set of choices: the key, the value and the choices.
fn one_of_several(error: &toml::de::Error) -> String {
    let words = error.to_string();
    let key = words.lines().find_map(|line| line.strip_prefix("in `")?.strip_suffix('`'));
    format!("{}: {}", key.unwrap_or("a setting"), error.message())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn load(text: &str, settings: &[&str]) -> std::result::Result<Config, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("c.toml");
        fs::write(&path, text).unwrap();
        let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
        let directory = format!("{}/", directory.path().display());
        Config::load(Some(&path), &settings).map_err(|e| e.to_string().replace(&directory, ""))
    }

    #[test]
    fn the_default_is_the_papers_run() {
        let config = Config::load(None, &[]).unwrap();
        assert_eq!(config.model(), ModelConfig { modulus: 113, d_model: 128, n_heads: 4, d_mlp: 512 });
        assert_eq!(config.optimizer.weight_decay, 1.0);
        assert_eq!(load(&config.to_toml(), &[]).unwrap(), config);
    }

    #[test]
    fn every_published_setting_can_be_trained() {
        let configs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs");
        let files: Vec<_> = fs::read_dir(configs).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(files.len() > 2, "{files:?}");
        for file in files {
            let config = Config::load(Some(&file), &[]).unwrap();
            assert!(
                fs::read_to_string(&file).unwrap().starts_with('#'),
                "{} says what it is",
                file.display()
            );
            assert!(config.split().unwrap().train.len() > 1_000, "{}", file.display());
        }
    }

    #[test]
    fn settings_override_the_file_which_overrides_the_default() {
        let config = load(
            "[task]\nmodulus = 7\n[training]\nseed = 5",
            &["training.seed=6", "optimizer.weight_decay=2"],
        );
        let config = config.unwrap();
        assert_eq!((config.task.modulus, config.training.seed), (7, 6));
        assert_eq!((config.optimizer.weight_decay, config.optimizer.beta_2), (2.0, 0.98));
    }

    #[test]
    fn wrong_files_and_settings_are_named() {
        for (text, settings, message) in [
            ("[task]\nmodulo = 7", &[][..], "c.toml: unknown key task.modulo; did you mean task.modulus?"),
            ("[trainning]\n", &[], "c.toml: unknown key trainning; did you mean training?"),
            ("max_steps = 5", &[], "c.toml: unknown key max_steps; did you mean training.max_steps?"),
            ("[task]\nseed = 5", &[], "c.toml: unknown key task.seed; did you mean training.seed?"),
            ("[task]\nmodulus = 7.5", &[], "c.toml: task.modulus = 7.5: must be a whole number"),
            ("[task]\nmodulus = -7", &[], "c.toml: task.modulus = -7: must not be negative"),
            ("task = 3", &[], "c.toml: task = 3: must be a table of settings"),
            ("[task]\n\nmodulus = ", &[], "c.toml:3: "),
            (
                "",
                &["training.sed=1"],
                "training.sed=1: unknown key training.sed; did you mean training.seed?",
            ),
            ("", &["seed=1"], "seed=1: must have the form section.key=value"),
            ("", &["training.seed"], "training.seed: must have the form section.key=value"),
            ("", &["training.seed=x"], "training.seed=x: training.seed = \"x\": must be a whole number"),
            (
                "",
                &["training.gradient=magic"],
                "c.toml: training.gradient: unknown variant `magic`, expected `closed-form` or `autodiff`",
            ),
            ("[task]\nmodulus = 2", &[], "task.modulus = 2: must be at least 3"),
            (
                "[task]\nmodulus = 12",
                &["task.operation=multiply"],
                "task.modulus = 12: must be prime to multiply",
            ),
            ("[task]\nzero = true", &["task.operation=divide"], "task.zero = true: must be false to divide"),
            (
                "[task]\noperation = \"x^2 + z\"",
                &[],
                "c.toml: task.operation: no operation that is known: x^2 + ›z: \"z\" stands where",
            ),
            ("[model]\nn_heads = 3", &[], "model.d_model = 128: must be a multiple of model.n_heads = 3"),
            ("[task]\ntrain_fraction = 1", &[], "task.train_fraction = 1: leaves no pair to test on"),
            ("", &["optimizer.weight_decay=-1"], "optimizer.weight_decay = -1: must be at least 0"),
            ("", &["optimizer.learning_rate=nan"], "optimizer.learning_rate = NaN: must be above 0"),
            ("", &["optimizer.learning_rate=5e-324"], "optimizer.learning_rate = "),
            (
                "",
                &["training.seed=9223372036854775808"],
                "training.seed=9223372036854775808: training.seed = 9223372036854775808: must be at most 9223372036854775807",
            ),
            ("", &["optimizer.beta_2=1"], "optimizer.beta_2 = 1: must be at least 0 and below 1"),
            ("", &["training.eval_every=0"], "training.eval_every = 0: must be at least 1"),
        ] {
            let error = load(text, settings).unwrap_err();
            assert!(error.starts_with(message), "{error:?} does not start with {message:?}");
            assert!(!error.contains('\n'), "{error:?} has several lines");
        }
    }

    #[test]
    fn a_checkpoint_of_a_version_with_fewer_settings_has_their_defaults() {
        let config = Config::load(None, &["task.modulus=7".into()]).unwrap();
        let mut metadata = serde_json::to_value(&config).unwrap();
        metadata["task"].as_object_mut().unwrap().remove("operation");
        assert_eq!(Config::of_checkpoint(&metadata), Some(config));
        assert_eq!(Config::of_checkpoint(&serde_json::Value::Null), None);
    }
}
