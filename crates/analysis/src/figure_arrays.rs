use crate::{Analysis, Arrays, NeuronClusters, ReluFit, mean_squared::mean_squared};

/// How many neurons of each cluster, and of those in none, are kept over all inputs.
pub const SAMPLED_PER_CLUSTER: usize = 5;

/// What `neurons.cluster` says of a neuron that is in no cluster.
pub const NO_CLUSTER: i64 = -1;

impl Analysis {
    /// The arrays behind the figures, by name. `docs/analysis-files.md` lists them.
    #[must_use]
    pub fn arrays(&self) -> Arrays {
        let Self { basis, embedding, attention, effective_weights, clusters, w_logit, logits, .. } = self;
        let p = basis.modulus();
        let (d_model, n_heads, d_mlp) = (self.config.d_model, self.config.n_heads, self.config.d_mlp);
        let mut arrays = Arrays::default();

        arrays.insert("embedding.W_E_fourier", &[p, d_model], embedding.coefficients.clone());
        arrays.insert("embedding.norm_by_component", &[p], embedding.norm_by_component.clone());
        let values = embedding.singular_values.clone();
        arrays.insert("embedding.singular_values", &[values.len()], values);

        arrays.insert("attention.pattern", &[n_heads, 3, p, p], attention.pattern.clone());
        arrays.insert("attention.pattern_fourier", &[n_heads, 3, p, p], attention.coefficients.clone());
        let of = effective_weights;
        arrays.insert("effective.W_neur", &[n_heads, p, d_mlp], of.w_neur.clone());
        arrays.insert("effective.W_neur_fourier", &[n_heads, p, d_mlp], of.w_neur_coefficients.clone());
        arrays.insert("effective.W_attn", &[n_heads, p], of.w_attn.clone());
        arrays.insert("effective.W_attn_fourier", &[n_heads, p], of.w_attn_coefficients.clone());

        insert_neurons(&mut arrays, self);
        for (name, coefficients, batch) in
            [("neurons", &clusters.coefficients, d_mlp), ("logits", &logits.coefficients, p)]
        {
            let all: Vec<usize> = (0..batch).collect();
            arrays.insert(format!("{name}.mean_squared"), &[p, p], mean_squared(coefficients, batch, &all));
        }
        for &k in &clusters.key_freqs {
            let members = clusters.members(Some(k));
            let of_cluster = mean_squared(&clusters.coefficients, d_mlp, &members);
            arrays.insert(format!("neurons.mean_squared.{k}"), &[p, p], of_cluster);
            let components = w_logit.components(basis, clusters, k);
            for (wave, component) in ["cos", "sin"].into_iter().zip(components) {
                arrays.insert(format!("W_logit.{wave}_component.{k}"), &[p, p], component);
            }
        }
        let fit = &logits.fit;
        arrays.insert("logits.mean_by_difference", &[p], fit.mean_by_difference.clone());
        arrays.insert("logits.sd_by_difference", &[p], fit.sd_by_difference.clone());
        arrays.insert("logits.fitted_by_difference", &[p], fit.fitted_by_difference.clone());

        arrays.insert("W_logit.fourier", &[d_mlp, p], w_logit.coefficients.clone());
        let values = w_logit.singular_values.clone();
        arrays.insert("W_logit.singular_values", &[values.len()], values);

        arrays.insert("relu_fit.relu", &[p, p], ReluFit::relu(basis, self.relu_fit.freq));
        arrays.insert("relu_fit.fitted", &[p, p], self.relu_fit.fitted(basis, true));
        arrays.insert("relu_fit.fitted_linear", &[p, p], self.relu_fit.fitted(basis, false));
        arrays
    }
}

fn insert_neurons(arrays: &mut Arrays, of: &Analysis) {
    let (p, d_mlp, clusters) = (of.config.modulus, of.config.d_mlp, &of.clusters);
    let whole = |numbers: &[usize]| numbers.iter().map(|&n| n as i64).collect::<Vec<_>>();
    let cluster = clusters.cluster.iter().map(|freq| freq.map_or(NO_CLUSTER, |k| k as i64)).collect();
    arrays.insert_whole_numbers("neurons.cluster", &[d_mlp], cluster);
    arrays.insert_whole_numbers("neurons.best_freq", &[d_mlp], whole(&clusters.best_freq));
    arrays.insert_whole_numbers("neurons.order", &[d_mlp], whole(&clusters.order()));
    arrays.insert("neurons.frac_explained", &[d_mlp], clusters.frac_explained.clone());
    arrays.insert("neurons.frac_active", &[d_mlp], clusters.frac_active.clone());
    arrays.insert("neurons.frac_symmetric", &[d_mlp], clusters.frac_symmetric.clone());
    arrays.insert("neurons.effect", &[d_mlp], of.neuron_effects());

    let sample = sample(clusters);
    let of_sample = |data: &[f64]| {
        let column = |&n: &usize| data.iter().skip(n).step_by(d_mlp).copied();
        sample.iter().flat_map(column).collect::<Vec<f64>>()
    };
    let shape = [sample.len(), p, p];
    arrays.insert_whole_numbers("neurons.sample", &[sample.len()], whole(&sample));
    arrays.insert("neurons.sample_acts", &shape, of_sample(&of.activations.neuron_acts));
    arrays.insert("neurons.sample_acts_fourier", &shape, of_sample(&clusters.coefficients));
}

/// The first neurons of each cluster, and of those in none.
fn sample(clusters: &NeuronClusters) -> Vec<usize> {
    let freqs = clusters.key_freqs.iter().copied().map(Some).chain([None]);
    freqs.flat_map(|freq| clusters.members(freq).into_iter().take(SAMPLED_PER_CLUSTER)).collect()
}

#[cfg(test)]
mod tests {
    use clockwork_model::{ModelConfig, initial_weights};

    use super::*;

    #[test]
    fn the_documentation_lists_every_array() {
        let documentation = include_str!("../../../docs/analysis-files.md");
        let config = ModelConfig { modulus: 6, d_model: 4, n_heads: 2, d_mlp: 8 };
        let mut analysis = Analysis::new(&initial_weights(&config, 0), &config, None, &mut ()).unwrap();
        analysis.clusters.key_freqs = vec![2];
        for name in analysis.arrays().names() {
            let name = name.replace(".2", ".k");
            assert!(documentation.contains(&format!("`{name}`")), "{name} is not listed");
        }
    }
}
