//! What is fixed at a run's start, and what may change as it is gone on with.

use std::path::Path;

use clockwork_files::sha256;
use serde::{Deserialize, Serialize};

use crate::{Config, Error, Origin, Result, settings::Base};

/// A setting that was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingChange {
    /// The setting, as `section.key`.
    pub key: String,
    /// Its value before, as in TOML.
    pub from: String,
    /// Its value after, as in TOML.
    pub to: String,
}

impl SettingChange {
    /// Whether a run may be gone on with after this change.
    #[must_use]
    pub fn is_changeable(&self) -> bool {
        is_changeable(&self.key)
    }
}

fn is_changeable(key: &str) -> bool {
    Config::CHANGEABLE.contains(&key)
}

impl Config {
    /// The settings that may change when a run is gone on with: how long it is trained, and at which steps it is
    /// evaluated and kept. All others are fixed at its start.
    pub const CHANGEABLE: [&str; 6] = [
        "training.max_steps",
        "training.eval_every",
        "training.checkpoint_every",
        "training.stop_below_test_loss",
        "training.stop_when",
        "training.cleanup_steps",
    ];

    /// This configuration, changed by settings of the form `section.key=value` as a run is gone on with.
    ///
    /// # Errors
    ///
    /// [`Error::FixedSetting`] for one that is not among [`Self::CHANGEABLE`]; those of [`load`](Self::load).
    pub fn changed(&self, settings: &[String]) -> Result<Self> {
        let changed: Self =
            Base::of_kept()?.changed(self.table(), Origin::Configuration)?.with(settings)?.try_into()?;
        match self.fixed_difference(&changed) {
            Some(SettingChange { key, .. }) => Err(Error::FixedSetting { key }),
            None => Ok(changed),
        }
    }

    /// This configuration, which is kept at `path`, as it becomes when a run or a sweep is asked for again with
    /// another: what may change is as asked, but for fewer steps, since a run does not go back.
    ///
    /// # Errors
    ///
    /// [`Error::OtherSettings`] names the first setting fixed at the start that differs.
    pub(crate) fn asked_again(&self, asked: &Self, path: &Path) -> Result<Self> {
        if let Some(change) = self.fixed_difference(asked) {
            return Err(Error::OtherSettings { path: path.to_owned(), change });
        }
        let mut config = asked.clone();
        config.training.max_steps = config.training.max_steps.max(self.training.max_steps);
        Ok(config)
    }

    /// The settings in which another configuration differs, from the values here to those there.
    pub(crate) fn differences(&self, other: &Self) -> Vec<SettingChange> {
        let settings = self.settings().into_iter().zip(other.settings());
        let differing = settings.filter(|((_, from), (_, to))| from != to);
        differing.map(|((key, from), (_, to))| SettingChange { key, from, to }).collect()
    }

    /// The first setting fixed at a run's start in which another configuration differs.
    pub(crate) fn fixed_difference(&self, other: &Self) -> Option<SettingChange> {
        self.differences(other).into_iter().find(|change| !change.is_changeable())
    }

    /// The SHA-256, in hexadecimal digits, of the settings that are fixed at a run's start: all but
    /// [`Self::CHANGEABLE`], a line each, as `section.key = value`, in alphabetical order.
    #[must_use]
    pub fn settings_sha256(&self) -> String {
        let fixed = self.settings().into_iter().filter(|(key, _)| !is_changeable(key));
        let lines: Vec<String> = fixed.map(|(key, value)| format!("{key} = {value}\n")).collect();
        sha256(lines.concat().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_change_on_the_way_is_no_part_of_what_is_fixed() {
        let before = Config::load(None, &[]).unwrap();
        for key in Config::CHANGEABLE {
            let value = if key == "training.stop_when" { "steps" } else { "7" };
            let after = before.changed(&[format!("{key}={value}")]).unwrap();
            let changes = before.differences(&after);
            assert_eq!(changes.iter().map(|change| &change.key[..]).collect::<Vec<_>>(), [key]);
            assert_eq!(after.settings_sha256(), before.settings_sha256(), "{key}");
        }
        for (key, value) in before.settings() {
            if !is_changeable(&key) {
                let other = if value.starts_with('"') { "autodiff" } else { "0.5" };
                let error = before.changed(&[format!("{key}={other}")]);
                assert!(error.is_err(), "{key} = {other}");
            }
        }
        let error = before.changed(&["training.seed=5".into()]).unwrap_err().to_string();
        assert!(error.starts_with("training.seed is fixed at a run's start"), "{error}");
        let other = Config::load(None, &["training.seed=5".into()]).unwrap();
        assert_ne!(other.settings_sha256(), before.settings_sha256());
    }

    #[test]
    fn the_hash_of_the_papers_settings_is_pinned() {
        let paper = Config::load(None, &[]).unwrap();
        assert_eq!(
            paper.settings_sha256(),
            "95a8362df648db9217cf1d437c451b805561996a649990b90e6012a6f30ec5fd"
        );
    }
}
