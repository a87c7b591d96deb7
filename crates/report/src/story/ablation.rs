use clockwork_analysis::UNCLUSTERED;

use super::{Entry, Found, Section};
use crate::{Axis, Content, Figure, Result};

pub(super) fn section(of: &Found) -> Result<Section> {
    let summary = of.summary;
    let original = summary.original_loss;
    let mut bars = vec![
        ("own frequency only".to_owned(), summary.loss_neurons_in_key_freqs),
        ("… and clusters only".to_owned(), summary.loss_neurons_in_key_freqs_without_unclustered),
        ("x + y only".to_owned(), summary.loss_trig_only),
    ];
    for k in of.key_freqs {
        bars.push((format!("no cluster {k}"), Found::of_freq(&summary.loss_excluding_cluster, *k)?));
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
    let least = |values: &mut dyn Iterator<Item = f64>| values.fold(f64::INFINITY, f64::min);
    let clusters = summary.loss_excluding_cluster.iter().filter(|(name, _)| *name != UNCLUSTERED);
    let without = least(&mut clusters.map(|(_, &loss)| loss));
    let harm = match without.is_finite() {
        true => format!("Leaving any cluster out must do harm: the least loss without one is {without:.2e}."),
        false => "There is no cluster to leave out.".to_owned(),
    };
    let text = format!(
        "Neurons restricted to their own frequency should do as well as they are: {:.2e} against \
                {original:.2e}. Only the terms in cos ω(x + y) and sin ω(x + y) should do better still: \
                {:.2e}. {harm}",
        summary.loss_neurons_in_key_freqs, summary.loss_trig_only
    );
    Ok(Section {
        id: "ablation",
        title: "Ablation: what the loss depends on",
        entries: vec![Entry::new(figure, text)],
    })
}
