use std::{collections::BTreeMap, path::Path};

use super::{Seeds, seeds::MAX_RUNS};
use crate::{Config, Error, Origin, Result, settings::Base};

/// The runs of a sweep: the product of seeds and settings.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepPlan {
    /// The settings that all runs have in common. Its seed is 0 and stands for none of them.
    pub base: Config,
    /// The runs, the seeds of the first settings first.
    pub runs: Vec<PlannedRun>,
}

/// A run that a sweep is to make.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedRun {
    /// Its name in the sweep: the settings that vary, and the seed.
    pub name: String,
    /// The seed of the split and of the initial weights.
    pub seed: u64,
    /// The settings that vary, as `section.key=value`.
    pub settings: Vec<String>,
    /// Every setting.
    pub config: Config,
}

/// A setting and the values that it takes.
struct Varied<'a> {
    path: &'a str,
    values: Vec<&'a str>,
}

impl SweepPlan {
    /// The product of seeds and settings of the form `section.key=a,b,c` on a configuration file, the
    /// paper's run if there is none.
    ///
    /// # Errors
    ///
    /// Those of [`Config::load`] for any of the runs; [`Error::Config`] where a setting is given twice,
    /// or is the seed, or two runs would be the same, or there are too many.
    pub fn new(file: Option<&Path>, settings: &[String], seeds: &Seeds) -> Result<Self> {
        let varied = settings.iter().map(|setting| varied(setting)).collect::<Result<Vec<_>>>()?;
        for (i, Varied { path, .. }) in varied.iter().enumerate() {
            if varied[..i].iter().any(|other| other.path == *path) {
                return Err(fail(path, "is given twice; list its values after one another, as a,b,c"));
            }
        }
        let (common, varied): (Vec<_>, Vec<_>) =
            varied.into_iter().partition(|varied| varied.values.len() == 1);
        let common: Vec<String> = common.iter().map(|of| format!("{}={}", of.path, of.values[0])).collect();
        let count = varied
            .iter()
            .try_fold(seeds.as_slice().len() as u64, |n, of| n.checked_mul(of.values.len() as u64));
        if count.is_none_or(|count| count > MAX_RUNS) {
            return Err(Error::Config {
                origin: Origin::Sweep,
                problem: format!("asks for more than {MAX_RUNS} runs"),
            });
        }
        let base = Base::read(file)?.with(&common)?;
        let mut runs = Vec::new();
        for settings in product(&varied) {
            for &seed in seeds.as_slice() {
                runs.push(PlannedRun::new(&base, &settings, seed)?);
            }
        }
        refuse_equals(&runs)?;
        let base = base.with(&["training.seed=0".to_owned()])?.try_into()?;
        Ok(Self { base, runs })
    }
}

impl PlannedRun {
    fn new(base: &Base, varied: &[(&str, &str)], seed: u64) -> Result<Self> {
        let settings: Vec<String> = varied.iter().map(|(path, value)| format!("{path}={value}")).collect();
        let all = [&settings[..], &[format!("training.seed={seed}")]].concat();
        let config: Config = base.clone().with(&all)?.try_into()?;
        let part = |(path, value): &(&str, &str)| {
            let key = path.rsplit('.').next().unwrap_or(path);
            // A polynomial has characters that no name of a directory should have.
            let value = match *path {
                "task.operation" => config.task().operation_file_name(),
                _ => value.trim_matches(['"', '\'']).to_owned(),
            };
            format!("{key}-{value}-")
        };
        let name = varied.iter().map(part).collect::<String>() + &format!("seed-{seed}");
        Ok(Self { name, seed, settings, config })
    }
}

fn fail(setting: &str, problem: &str) -> Error {
    Error::Config { origin: Origin::Setting(setting.to_owned()), problem: problem.to_owned() }
}

fn varied(setting: &str) -> Result<Varied<'_>> {
    let (path, values) =
        setting.split_once('=').ok_or_else(|| fail(setting, "must have the form section.key=a,b,c"))?;
    let path = path.trim();
    if path == "training.seed" {
        return Err(fail(setting, "seeds are given apart from settings"));
    }
    let values: Vec<&str> = values.split(',').map(str::trim).collect();
    if values.contains(&"") {
        return Err(fail(setting, "has an empty value"));
    }
    Ok(Varied { path, values })
}

/// Every choice of a value for each setting.
fn product<'a>(varied: &[Varied<'a>]) -> Vec<Vec<(&'a str, &'a str)>> {
    varied.iter().fold(vec![Vec::new()], |choices, Varied { path, values }| {
        let extended = |choice: &Vec<(&'a str, &'a str)>| {
            let with = |value: &&'a str| [&choice[..], &[(*path, *value)]].concat();
            values.iter().map(with).collect::<Vec<_>>()
        };
        choices.iter().flat_map(extended).collect()
    })
}

/// Runs that say the same in two ways, such as 1 and 1.0, would count twice.
fn refuse_equals(runs: &[PlannedRun]) -> Result<()> {
    let mut seen = BTreeMap::new();
    for run in runs {
        if let Some(other) = seen.insert(run.config.to_toml(), &run.name) {
            return Err(Error::Config {
                origin: Origin::Sweep,
                problem: format!("{other} and {} would be the same run", run.name),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(settings: &[&str], seeds: &str) -> Result<SweepPlan> {
        let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
        SweepPlan::new(None, &settings, &seeds.parse().unwrap())
    }

    #[test]
    fn seeds_alone_name_the_runs() {
        let plan = plan(&["task.modulus=7"], "3..5").unwrap();
        let names: Vec<&str> = plan.runs.iter().map(|run| run.name.as_str()).collect();
        assert_eq!(names, ["seed-3", "seed-4"]);
        assert_eq!((plan.base.task.modulus, plan.runs[1].config.training.seed), (7, 4));
        assert!(plan.runs.iter().all(|run| run.settings.is_empty()));
    }

    #[test]
    fn settings_multiply() {
        let settings = ["optimizer.weight_decay=0.5, 1", "task.modulus=7,11", "model.d_mlp=64"];
        let plan = plan(&settings, "0,9").unwrap();
        let names: Vec<&str> = plan.runs.iter().map(|run| run.name.as_str()).collect();
        assert_eq!(names.len(), 8);
        assert_eq!(names[1], "weight_decay-0.5-modulus-7-seed-9");
        assert_eq!(names[6], "weight_decay-1-modulus-11-seed-0");
        let run = &plan.runs[6];
        assert_eq!(run.settings, ["optimizer.weight_decay=1", "task.modulus=11"]);
        assert_eq!((run.config.task.modulus, run.config.model.d_mlp), (11, 64));
        assert_eq!((plan.base.task.modulus, plan.base.model.d_mlp), (113, 64));
    }

    #[test]
    fn impossible_sweeps_are_named() {
        let many = format!("model.d_mlp={}", (1..200).map(|n| n.to_string()).collect::<Vec<_>>().join(","));
        for (settings, seeds, problem) in [
            (&["task.modulus"][..], "0", "task.modulus: must have the form section.key=a,b,c"),
            (&["task.modulus=7,,9"], "0", "task.modulus=7,,9: has an empty value"),
            (&["training.seed=1,2"], "0", "training.seed=1,2: seeds are given apart from settings"),
            (&["task.modulus=7", "task.modulus=9"], "0", "task.modulus: is given twice"),
            (&["task.modulo=7,9"], "0", "task.modulo=7: unknown key task.modulo"),
            (&["task.modulus=7,2"], "0", "task.modulus = 2: must be at least 3"),
            (
                &["optimizer.weight_decay=1,1.0"],
                "4",
                "the sweep: weight_decay-1-seed-4 and weight_decay-1.0-seed-4 would be the same run",
            ),
            (&[&many], "0..100", "the sweep: asks for more than 10000 runs"),
        ] {
            let error = plan(settings, seeds).unwrap_err().to_string();
            assert!(error.starts_with(problem), "{error}");
        }
    }
}
