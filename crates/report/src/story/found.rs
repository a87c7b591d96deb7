use std::collections::BTreeMap;

use clockwork_analysis::{AnalysisFiles, Arrays, Cluster, FourierBasis, Summary};
use clockwork_model::{Architecture, CoordinatesOf, ModelConfig, Task};

use crate::{Axis, Content, Error, Figure, HeatMap, Line, Result, words};

/// How many labels find room along an axis.
const LABELS_ALONG: usize = 18;

/// What was found, checked to fit together.
pub(crate) struct Found<'a> {
    pub summary: &'a Summary,
    pub model: ModelConfig,
    /// What the network is made of, if it is not the paper's.
    pub architecture: Option<&'a Architecture>,
    task: Task,
    pub p: usize,
    pub key_freqs: &'a [usize],
    arrays: &'a Arrays,
}

impl<'a> Found<'a> {
    /// Checks that the files are of one network, and name frequencies that it has.
    pub fn new(files: &'a AnalysisFiles) -> Result<Self> {
        let summary = &files.findings.summary;
        let broken = |problem: String| Error::Analysis(problem);
        let model = files.findings.provenance.model.within_limits().map_err(|e| broken(e.to_string()))?;
        let task = files.findings.provenance.task;
        if model.modulus != task.modulus || summary.p != task.modulus {
            let problem = format!(
                "summary.p is {}, the task's modulus {}, the model's {}",
                summary.p, task.modulus, model.modulus
            );
            return Err(broken(problem));
        }
        let task = task.validated().map_err(|e| broken(e.to_string()))?;
        let architecture = files.findings.provenance.architecture.as_ref();
        let coordinates = task.coordinates();
        if coordinates.of != summary.coordinates {
            return Err(broken(format!("summary.coordinates are not those of {task}")));
        }
        let p = coordinates.n();
        let named = summary.key_freqs_by_rule.named_by_any();
        if let Some(k) = named.iter().chain(&summary.key_freqs).find(|&&k| k == 0 || k > task.n_frequencies())
        {
            return Err(broken(format!("{k} is no frequency modulo {p}")));
        }
        Ok(Self {
            summary,
            model,
            architecture,
            task,
            p,
            key_freqs: &summary.key_freqs,
            arrays: &files.arrays,
        })
    }

    /// An array of floats that must have this shape.
    pub fn floats(&self, name: &str, shape: &[usize]) -> Result<&'a [f64]> {
        self.arrays.floats(name, shape).map_err(Error::Analysis)
    }

    /// An array of whole numbers that must have this shape.
    pub fn whole_numbers(&self, name: &str, shape: &[usize]) -> Result<&'a [i64]> {
        self.arrays.whole_numbers(name, shape).map_err(Error::Analysis)
    }

    /// An array of floats with one axis, however long.
    pub fn series(&self, name: &str) -> Result<&'a [f64]> {
        let shape = self.arrays.shape(name).map_err(Error::Analysis)?;
        self.floats(name, &[shape.first().copied().unwrap_or(0)])
    }

    /// How long an array's last axis is.
    pub fn width(&self, name: &str) -> Result<usize> {
        self.arrays.shape(name).map(|shape| shape.last().copied().unwrap_or(0)).map_err(Error::Analysis)
    }

    /// How long an array's first axis is.
    pub fn len(&self, name: &str) -> Result<usize> {
        self.arrays.shape(name).map(|shape| shape.first().copied().unwrap_or(0)).map_err(Error::Analysis)
    }

    /// A key frequency's figure among those of all.
    pub fn of_freq(figures: &BTreeMap<usize, f64>, k: usize) -> Result<f64> {
        figures.get(&k).copied().ok_or_else(|| Error::Analysis(format!("no figure for {k}")))
    }

    /// How many neurons a cluster has.
    pub fn cluster_size(&self, cluster: Cluster) -> Result<usize> {
        let sizes = &self.summary.cluster_sizes;
        sizes.get(&cluster).copied().ok_or_else(|| Error::Analysis(format!("no size of cluster {cluster}")))
    }

    /// The clusters, those of frequencies first.
    pub fn clusters(&self) -> impl Iterator<Item = Cluster> {
        Cluster::all(self.key_freqs)
    }

    /// An axis of Fourier components, on which the constant and the key cosines are labelled.
    pub fn components(&self, name: &str) -> Axis {
        component_axis(name, self.p, self.key_freqs)
    }

    /// What has coordinates in which the task is addition.
    pub fn coordinates(&self) -> CoordinatesOf {
        self.summary.coordinates
    }

    /// A section's heading: what it is about, and what is found in networks that add in some coordinates.
    pub fn heading(&self, about: &str, found: &str) -> String {
        match self.coordinates().has_inputs() {
            true => format!("{about}: {found}"),
            false => format!("{about}: in the additive basis"),
        }
    }

    /// Axes of components over x and y.
    pub fn component_axes(&self) -> [Axis; 2] {
        self.task.coordinate_names().map(|name| self.components(&format!("component over {name}")))
    }

    /// Axes of what is added in the task's coordinates.
    pub fn input_axes(&self) -> [Axis; 2] {
        self.task.coordinate_names().map(|name| Axis::of(&name))
    }

    /// An axis of the numbers in the order of their coordinates.
    pub fn number_axis(&self) -> Axis {
        Axis::of(&self.task.number_name())
    }

    /// An axis of the difference between the right answer's coordinate and that of another answer.
    pub fn difference_axis(&self) -> Axis {
        let ([x, y], z) = (self.task.coordinate_names(), self.task.answer_name());
        // Minus what is negative reads as a difference.
        let sum = match y.strip_prefix('−') {
            Some(y) => format!("{x} − {y}"),
            None => format!("{x} + {y}"),
        };
        Axis::of(&format!("{sum} − {z} mod {}", self.p))
    }

    /// A function of (x, y), or its coefficients, [p, p] with x first, as a map with x to the right.
    pub fn map_over_xy(&self, values: &[f64], value_name: &str, has_signs: bool) -> Content {
        let p = self.p;
        let values = (0..p * p).map(|cell| values[(cell % p) * p + cell / p]).collect();
        Content::HeatMap(HeatMap::new(p, values, value_name, has_signs))
    }

    /// Singular values over their index, from 1.
    pub fn singular_values(id: &str, title: &str, values: &[f64]) -> Figure {
        let points = (1..).zip(values).map(|(i, &value)| [f64::from(i), value]).collect();
        let lines = vec![Line { name: "singular value".to_owned(), points }];
        let axes = [Axis::of("index"), Axis::of("singular value")];
        Figure::new(id, title, axes, Content::lines(lines))
    }

    /// The key frequencies as one would say them.
    pub fn key_freqs_listed(&self) -> String {
        words::list(self.key_freqs)
    }
}

/// An axis of the Fourier components modulo n, on which the constant and the cosines of some frequencies are labelled.
pub(super) fn component_axis(name: &str, n: usize, freqs: &[usize]) -> Axis {
    let mut labelled: Vec<usize> = Vec::new();
    for component in freqs.iter().map(|k| 2 * k - 1).chain([0]) {
        // Where two labels would run into each other, the first stays.
        if labelled.iter().all(|other| other.abs_diff(component) * LABELS_ALONG >= n) {
            labelled.push(component);
        }
    }
    labelled.sort_unstable();
    Axis::named(name, FourierBasis::names(n), labelled)
}

#[cfg(test)]
mod tests {
    use clockwork_analysis::AnalysisFiles;
    use clockwork_model::{Checkpoint, CheckpointFile, clock};

    use super::*;

    #[test]
    fn a_map_over_xy_has_x_to_the_right_and_y_upwards() {
        let (config, weights) = clock(5, &[2], 8);
        let checkpoint = Checkpoint::of_weights(config, weights);
        let file = CheckpointFile { path: "clock".into(), sha256: String::new(), checkpoint };
        let files = AnalysisFiles::of(&file, &mut ()).unwrap();
        // Value 10 x + y, x first.
        let values: Vec<f64> = (0..25).map(|input| f64::from(10 * (input / 5) + input % 5)).collect();
        let content = Found::new(&files).unwrap().map_over_xy(&values, "value", false);
        let Content::HeatMap(map) = content else { panic!("{content:?}") };
        // Rows go upwards, columns to the right.
        let at = |column: usize, row: usize| map.values[row * map.columns + column];
        assert_eq!([at(0, 0), at(3, 0), at(0, 3), at(4, 1)], [0.0, 30.0, 3.0, 41.0]);
    }
}
