use std::{fs, path::Path, thread, time::Duration};

use clockwork_files::{in_turn, remove_old_leftovers, write_json_atomically};

use crate::{
    Arrays, CheckpointMaps, Cluster, CourseMaps, Error, Progress, Result, RowArrays,
    neuron_clusters::NO_CLUSTER,
};

const ROWS: &str = "progress.json";
const ARRAYS: &str = "progress.safetensors";

/// How long another process may take to write the second of both files.
const BETWEEN_READS: Duration = Duration::from_millis(20);

impl Progress {
    /// Writes `progress.json` and `progress.safetensors` into a directory, which is made where it is missing.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where a file operation fails.
    pub fn write(&self, directory: &Path) -> Result<()> {
        let fail = |path: &Path| {
            let path = path.to_owned();
            move |source| Error::Io { action: "write", path, source }
        };
        fs::create_dir_all(directory).map_err(fail(directory))?;
        let _turn = in_turn(directory);
        remove_old_leftovers(directory);
        if let Some(last) = self.rows.last() {
            self.arrays().write(&directory.join(ARRAYS), &last.sha256)?;
        }
        let path = directory.join(ROWS);
        write_json_atomically(&path, self).map_err(fail(&path))
    }

    /// Reads both files of a directory; nothing where there are none.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where a file operation fails, [`Error::Broken`] where one is not whole, or they are not of each other.
    pub fn read(directory: &Path) -> Result<Option<Self>> {
        match Self::read_once(directory) {
            // Another process may have written one of the two just now.
            Err(Error::Broken { .. }) => {
                thread::sleep(BETWEEN_READS);
                Self::read_once(directory)
            }
            read => read,
        }
    }

    fn read_once(directory: &Path) -> Result<Option<Self>> {
        let path = directory.join(ROWS);
        let json = match fs::read(&path) {
            Ok(json) => json,
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::Io { action: "read", path, source }),
        };
        let mut progress: Self =
            serde_json::from_slice(&json).map_err(|e| Error::Broken { path, problem: e.to_string() })?;
        if let Some(last) = progress.rows.last() {
            let path = directory.join(ARRAYS);
            let arrays = Arrays::read(&path, &last.sha256)?;
            progress.take(&arrays).map_err(|problem| Error::Broken { path, problem })?;
        }
        Ok(Some(progress))
    }

    /// The arrays of all rows, steps first.
    fn arrays(&self) -> Arrays {
        let mut arrays = Arrays::default();
        let steps = self.rows.iter().map(|row| row.step as i64).collect::<Vec<_>>();
        let count = steps.len();
        arrays.insert_whole_numbers("step", &[count], steps);
        let mut insert = |name: &str, of: fn(&RowArrays) -> &Vec<f64>| {
            let all: Vec<f64> = self.rows.iter().flat_map(|row| of(&row.arrays)).copied().collect();
            arrays.insert(name, &[count, all.len() / count.max(1)], all);
        };
        insert("embedding.norm_by_freq", |row| &row.embedding_norm_by_freq);
        insert("embedding.singular_values", |row| &row.embedding_singular_values);
        insert("W_logit.norm_by_freq", |row| &row.w_logit_norm_by_freq);
        insert("neurons.frac_explained", |row| &row.frac_explained);
        let mut insert = |name: &str, all: Vec<i64>| {
            arrays.insert_whole_numbers(name, &[count, all.len() / count.max(1)], all);
        };
        let number = |cluster: &Cluster| cluster.frequency().map_or(NO_CLUSTER, |k| k as i64);
        let rows = || self.rows.iter().map(|row| &row.arrays);
        insert("neurons.cluster", rows().flat_map(|row| &row.cluster).map(number).collect());
        insert("neurons.best_freq", rows().flat_map(|row| &row.best_freq).map(|&k| k as i64).collect());
        if let Some(maps) = &self.maps {
            maps.insert_into(&mut arrays);
        }
        arrays
    }

    /// Takes the arrays of its rows. The error says what does not fit.
    fn take(&mut self, arrays: &Arrays) -> std::result::Result<(), String> {
        let count = self.rows.len();
        let steps = self.rows.iter().map(|row| row.step as i64).collect::<Vec<_>>();
        if arrays.whole_numbers("step", &[count])? != steps {
            return Err("holds the arrays of other steps than progress.json".to_owned());
        }
        let rows_of = |name: &str| -> std::result::Result<(&[f64], usize), String> {
            let width = arrays.shape(name)?.last().copied().unwrap_or(0);
            Ok((arrays.floats(name, &[count, width])?, width))
        };
        let norms = rows_of("embedding.norm_by_freq")?;
        let (_, frequencies) = norms;
        if let Some(k) = self.key_freqs.iter().find(|&&k| !(1..=frequencies).contains(&k)) {
            return Err(format!("has {frequencies} frequencies, of which {k} is none"));
        }
        let values = rows_of("embedding.singular_values")?;
        let outputs = rows_of("W_logit.norm_by_freq")?;
        let explained = rows_of("neurons.frac_explained")?;
        let (_, d_mlp) = explained;
        let clusters = arrays.whole_numbers("neurons.cluster", &[count, d_mlp])?;
        let best_freqs = arrays.whole_numbers("neurons.best_freq", &[count, d_mlp])?;
        if best_freqs.iter().any(|&k| k < 1) {
            return Err("neurons.best_freq has numbers that are no frequency".to_owned());
        }
        for (i, row) in self.rows.iter_mut().enumerate() {
            let of = |(all, width): (&[f64], usize)| all[i * width..][..width].to_vec();
            let cluster = |&number: &i64| match usize::try_from(number) {
                Ok(k) if k > 0 => Cluster::Frequency(k),
                _ => Cluster::Unclustered,
            };
            row.arrays = RowArrays {
                cluster: clusters[i * d_mlp..][..d_mlp].iter().map(cluster).collect(),
                best_freq: best_freqs[i * d_mlp..][..d_mlp].iter().map(|&k| k as usize).collect(),
                frac_explained: of(explained),
                embedding_norm_by_freq: of(norms),
                embedding_singular_values: of(values),
                w_logit_norm_by_freq: of(outputs),
            };
        }
        if let Some(maps) = &mut self.maps {
            maps.take(arrays, frequencies)?;
        }
        Ok(())
    }
}

impl CourseMaps {
    /// Adds the maps, steps first.
    fn insert_into(&self, arrays: &mut Arrays) {
        let (count, all) = (self.maps.len(), || self.maps.iter());
        let n = self.maps.first().map_or(0, |of| of.n);
        let steps = self.steps.iter().map(|&step| step as i64).collect();
        arrays.insert_whole_numbers("maps.step", &[count], steps);
        let embedding: Vec<f64> = all().flat_map(|of| &of.embedding).copied().collect();
        arrays.insert("maps.embedding", &[count, n, embedding.len() / (count * n).max(1)], embedding);
        if self.freq.is_some() {
            let mean_squared = all().flat_map(|of| &of.mean_squared).copied().collect();
            arrays.insert("maps.neurons", &[count, n, n], mean_squared);
        }
    }

    /// Takes the maps of a network of so many frequencies. The error says what does not fit.
    fn take(&mut self, arrays: &Arrays, frequencies: usize) -> std::result::Result<(), String> {
        let count = self.steps.len();
        let &[_, n, width] = arrays.shape("maps.embedding")? else {
            return Err("maps.embedding has no map per checkpoint".to_owned());
        };
        if n == 0 || n / 2 != frequencies {
            return Err(format!("has {frequencies} frequencies, and maps of {n} numbers"));
        }
        let embedding = arrays.floats("maps.embedding", &[count, n, width])?;
        let neurons = match self.freq {
            Some(_) => Some(arrays.floats("maps.neurons", &[count, n, n])?),
            None => None,
        };
        let of_checkpoint = |i: usize| CheckpointMaps {
            n,
            embedding: embedding[i * n * width..][..n * width].to_vec(),
            mean_squared: neurons.map_or_else(Vec::new, |all| all[i * n * n..][..n * n].to_vec()),
        };
        self.maps = (0..count).map(of_checkpoint).collect();
        Ok(())
    }
}
