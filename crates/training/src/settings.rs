//! Settings as tables, before they are a [`Config`](crate::Config): what a user wrote is put over the defaults.

use std::{fs, path::Path};

use toml::{Table, Value};

use crate::{Error, Origin, Result};

/// The default configuration, which has every key.
const PAPER: &str = include_str!("../../../configs/paper.toml");

/// What the settings that version 0.1 did not have stand for in its runs.
const BEFORE_THERE_WERE: [&str; 1] = ["training.stop_when=steps"];

/// What settings are put over: the defaults, changed by a file, if any, which is read once.
#[derive(Debug, Clone)]
pub(crate) struct Base {
    /// Every key, with a value of the right type.
    pub table: Table,
    /// Where they come from.
    pub origin: Origin,
}

impl Base {
    /// The paper's settings, changed by a file, if any.
    pub fn read(file: Option<&Path>) -> Result<Self> {
        let paper = Self::paper()?;
        file.map_or(Ok(paper.clone()), |path| paper.changed_by(path))
    }

    /// What a configuration that a run keeps is put over: the paper's settings, but a setting that was not
    /// there yet when the run was started has the value that stands for what was done before.
    pub fn of_kept() -> Result<Self> {
        Self::paper()?.with(&BEFORE_THERE_WERE.map(str::to_owned))
    }

    fn paper() -> Result<Self> {
        let origin = Origin::Configuration;
        match PAPER.parse() {
            Ok(table) => Ok(Self { table, origin }),
            Err(e) => Err(Error::Config { origin, problem: toml::de::Error::message(&e).to_owned() }),
        }
    }

    /// These settings, changed by a file.
    pub fn changed_by(self, path: &Path) -> Result<Self> {
        let origin = Origin::File(path.to_owned(), None);
        let text = fs::read_to_string(path).map_err(|e| Error::Config {
            origin: origin.clone(),
            problem: format!("cannot read it ({e})"),
        })?;
        let change = text.parse().map_err(|e| syntax_error(path, &text, &e))?;
        self.changed(change, origin)
    }

    /// These settings, changed by others of the form `section.key=value`.
    pub fn with(self, settings: &[String]) -> Result<Self> {
        let origin = self.origin.clone();
        let put = |base: Self, setting: &String| {
            let origin = Origin::Setting(setting.clone());
            let change = parse_setting(setting);
            let change = change.map_err(|problem| Error::Config { origin: origin.clone(), problem })?;
            base.changed(change, origin)
        };
        Ok(Self { origin, ..settings.iter().try_fold(self, put)? })
    }

    /// These settings, changed by those of a table.
    pub fn changed(mut self, change: Table, origin: Origin) -> Result<Self> {
        match merge(&mut self.table, change, "") {
            Ok(()) => Ok(Self { origin, ..self }),
            Err(problem) => Err(Error::Config { origin, problem }),
        }
    }
}

/// A syntax error in one line, with the place.
fn syntax_error(path: &Path, text: &str, error: &toml::de::Error) -> Error {
    let before = error.span().map_or("", |span| &text[..span.start.min(text.len())]);
    let line = before.matches('\n').count() + 1;
    let problem = error.message().replace('\n', ", ");
    Error::Config { origin: Origin::File(path.to_owned(), Some(line)), problem }
}

/// The table that `section.key=value` stands for; a value that is no TOML is taken as a string.
fn parse_setting(setting: &str) -> std::result::Result<Table, String> {
    let (path, value) = setting.split_once('=').ok_or("must have the form section.key=value")?;
    let (section, key) = path.trim().split_once('.').ok_or("must have the form section.key=value")?;
    let value = format!("v = {}", value.trim())
        .parse::<Table>()
        .ok()
        .and_then(|mut table| table.remove("v"))
        .unwrap_or_else(|| Value::String(value.trim().to_owned()));
    let inner = Table::from_iter([(key.to_owned(), value)]);
    Ok(Table::from_iter([(section.to_owned(), Value::Table(inner))]))
}

/// Replaces values of `base` by those of `change`. `base` has every key, with a value of the right type; an
/// unknown key, another type or a negative whole number is an error.
fn merge(base: &mut Table, change: Table, prefix: &str) -> std::result::Result<(), String> {
    for (key, value) in change {
        let path = format!("{prefix}{key}");
        let Some(slot) = base.get_mut(&key) else {
            return Err(format!("unknown key {path}{}", suggestion(prefix, &key)));
        };
        let value = match (&mut *slot, value) {
            (Value::Table(section), Value::Table(change)) => {
                merge(section, change, &format!("{path}."))?;
                continue;
            }
            (Value::Float(_), Value::Integer(n)) => Value::Float(n as f64),
            (Value::Integer(_), Value::Integer(n)) if n < 0 => {
                return Err(format!("{path} = {n}: must not be negative"));
            }
            (Value::Integer(_), Value::Integer(n)) => Value::Integer(n),
            (Value::Float(_), Value::Float(x)) => Value::Float(x),
            (Value::String(_), Value::String(s)) => Value::String(s),
            (Value::Boolean(_), Value::Boolean(flag)) => Value::Boolean(flag),
            (Value::Integer(_), Value::String(s)) if is_whole_number(&s) => {
                return Err(format!("{path} = {s}: must be at most {}", i64::MAX));
            }
            (slot, value) => {
                let wanted = match slot {
                    Value::Integer(_) => "a whole number",
                    Value::Float(_) => "a number",
                    Value::Boolean(_) => "true or false",
                    Value::Table(_) => "a table of settings",
                    _ => "a string",
                };
                return Err(format!("{path} = {value}: must be {wanted}"));
            }
        };
        *slot = value;
    }
    Ok(())
}

/// Whether a text is a whole number, however large: TOML has none above 2⁶³ − 1.
pub(crate) fn is_whole_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Names the known key whose last part looks most like `key`, in its own section if it is there.
fn suggestion(section: &str, key: &str) -> String {
    let mut known = Vec::new();
    for (name, value) in PAPER.parse::<Table>().iter().flatten() {
        known.push(name.clone());
        known.extend(value.as_table().into_iter().flatten().map(|(key, _)| format!("{name}.{key}")));
    }
    let similarity = |candidate: &&String| {
        let last = candidate.rsplit('.').next().unwrap_or(candidate);
        strsim::jaro_winkler(last, key) + if candidate.starts_with(section) { 0.1 } else { 0.0 }
    };
    known
        .iter()
        .max_by(|a, b| similarity(a).total_cmp(&similarity(b)))
        .map_or(String::new(), |nearest| format!("; did you mean {nearest}?"))
}
