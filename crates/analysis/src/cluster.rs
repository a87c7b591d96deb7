use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The cluster that a neuron is in: that of the frequency which explains it, or none.
///
/// In JSON it is the frequency as text, or `unclustered`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Cluster {
    /// The neurons that this frequency explains.
    Frequency(usize),
    /// The neurons that no frequency explains alone.
    Unclustered,
}

/// What [`Cluster::Unclustered`] is called.
const UNCLUSTERED: &str = "unclustered";

impl Cluster {
    /// The clusters of a network with these key frequencies: theirs, and last the unclustered.
    pub fn all(key_freqs: &[usize]) -> impl Iterator<Item = Self> {
        key_freqs.iter().copied().map(Self::Frequency).chain([Self::Unclustered])
    }

    /// The frequency that explains its neurons, if one does.
    #[must_use]
    pub fn frequency(self) -> Option<usize> {
        match self {
            Self::Frequency(k) => Some(k),
            Self::Unclustered => None,
        }
    }
}

impl fmt::Display for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frequency(k) => write!(f, "{k}"),
            Self::Unclustered => f.write_str(UNCLUSTERED),
        }
    }
}

impl From<Cluster> for String {
    fn from(cluster: Cluster) -> Self {
        cluster.to_string()
    }
}

impl FromStr for Cluster {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            UNCLUSTERED => Ok(Self::Unclustered),
            k => k.parse().map(Self::Frequency).map_err(|_| format!("{k:?} names no cluster")),
        }
    }
}

impl TryFrom<String> for Cluster {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        name.parse()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn are_keys_of_json_by_frequency_and_the_unclustered_last() {
        let sizes = BTreeMap::from([
            (Cluster::Unclustered, 1),
            (Cluster::Frequency(11), 2),
            (Cluster::Frequency(2), 3),
        ]);
        let json = serde_json::to_string(&sizes).unwrap();
        assert_eq!(json, r#"{"2":3,"11":2,"unclustered":1}"#);
        assert_eq!(serde_json::from_str::<BTreeMap<Cluster, i32>>(&json).unwrap(), sizes);
        let error = serde_json::from_str::<BTreeMap<Cluster, i32>>(r#"{"none":1}"#).unwrap_err();
        assert!(error.to_string().contains(r#""none" names no cluster"#), "{error}");
    }
}
