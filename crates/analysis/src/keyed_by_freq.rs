//! Reads maps whose keys are frequencies. JSON has texts for keys, which serde takes for numbers by itself unless the map
//! is among flattened fields.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de::Error};

/// Reads figures by frequency, where there are any.
pub(crate) fn deserialize_option<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Option<BTreeMap<usize, T>>, D::Error> {
    deserialize(from).map(Some)
}

/// Reads figures by frequency.
pub(crate) fn deserialize<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<BTreeMap<usize, T>, D::Error> {
    let figures = BTreeMap::<String, T>::deserialize(from)?;
    let figure = |(k, figure): (String, T)| {
        let freq = k.parse().map_err(|_| D::Error::custom(format!("{k:?} is no frequency")))?;
        Ok((freq, figure))
    };
    figures.into_iter().map(figure).collect()
}
