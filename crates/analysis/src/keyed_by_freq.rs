//! Reads maps whose keys are frequencies. JSON has texts for keys, which serde takes for numbers by itself unless the map
//! is among flattened fields.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de::Error};

/// Reads figures by frequency.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<usize, f64>, D::Error> {
    let figures = BTreeMap::<String, f64>::deserialize(from)?;
    let figure = |(k, figure): (String, f64)| {
        let freq = k.parse().map_err(|_| D::Error::custom(format!("{k:?} is no frequency")))?;
        Ok((freq, figure))
    };
    figures.into_iter().map(figure).collect()
}
