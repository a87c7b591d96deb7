use std::collections::BTreeMap;

use super::{
    found::Found,
    section::{Entry, Section},
};
use crate::{Axis, Content, Figure, Result};

pub(super) fn section(of: &Found) -> Result<Section> {
    let summary = of.summary;
    let original = summary.compared_loss();
    let mut bars = vec![
        ("own frequency only".to_owned(), summary.loss_neurons_in_key_freqs),
        ("… and clusters only".to_owned(), summary.loss_neurons_in_key_freqs_without_unclustered),
        ("x + y only".to_owned(), summary.loss_trig_only),
    ];
    let without: BTreeMap<usize, f64> = summary.losses_without_a_cluster().collect();
    for k in of.key_freqs {
        bars.push((format!("no cluster {k}"), Found::of_freq(&without, *k)?));
    }
    for k in of.key_freqs {
        bars.push((format!("no x + y of {k}"), Found::of_freq(&summary.excluded_loss, *k)?));
    }
    let figure = Figure::new(
        "ablation",
        "Loss when parts of the network are kept or left out",
        [Axis::of("what is kept or left out"), Axis::log("loss on all inputs (nats)")],
        Content::Bars { bars, levels: vec![(original, "the network's own loss".to_owned())] },
    );
    let harm = match summary.least_loss_without_a_cluster() {
        Some(least) => {
            format!("Leaving any cluster out must do harm: the least loss without one is {least:.2e}.")
        }
        None => "There is no cluster to leave out.".to_owned(),
    };
    let text = format!(
        "Neurons restricted to their own frequency should do as well as they are: {:.2e} against \
                {original:.2e}. Only the terms in cos ω(x + y) and sin ω(x + y) should do so too, and \
                better where there is anything to gain: {:.2e}. {harm}",
        summary.loss_neurons_in_key_freqs, summary.loss_trig_only
    );
    Ok(Section::new("ablation", "Ablation: what the loss depends on", vec![Entry::new(figure, text)]))
}
