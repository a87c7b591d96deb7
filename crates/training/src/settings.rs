//! Settings as tables, before they are a [`Config`](crate::Config): what a user wrote is put over the defaults.

use toml::{Table, Value};

/// The default configuration, which has every key.
pub(crate) const PAPER: &str = include_str!("../../../configs/paper.toml");

/// The table that `section.key=value` stands for; a value that is no TOML is taken as a string.
pub(crate) fn parse_setting(setting: &str) -> std::result::Result<Table, String> {
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
pub(crate) fn merge(base: &mut Table, change: Table, prefix: &str) -> std::result::Result<(), String> {
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
            (slot, value) => {
                let wanted = match slot {
                    Value::Integer(_) => "a whole number",
                    Value::Float(_) => "a number",
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
