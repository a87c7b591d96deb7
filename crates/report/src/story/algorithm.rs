use clockwork_analysis::{Algorithm, AlgorithmTests, Control, Quadrature, short};

use super::section::{Entry, Section, Table};
use crate::{Axis, Content, Figure, Points, words};

/// The figures of the section that not every analysis has.
pub(crate) const ALGORITHM_FIGURES: [&str; 2] = ["algorithm-plane", "algorithm-quadrature"];

/// A network that others trained and measured, by name and figures.
struct Published {
    name: &'static str,
    /// Gradient symmetricity and distance irrelevance.
    figures: [f64; 2],
}

/// The two networks that "The Clock and the Pizza" (Zhong et al. 2023, section 4) shows.
const PUBLISHED: [Published; 2] = [
    Published { name: "model A, a pizza (Zhong et al. 2023)", figures: [0.9937, 0.17] },
    Published { name: "model B, a clock (Zhong et al. 2023)", figures: [0.3336, 0.85] },
];

/// How many points have room for their names, beside the published ones.
const MOST_LABELLED: usize = 8;

/// How a point is coloured: published networks are paler, and controls are palest.
const OWN: f64 = 1.0;
const OF_OTHERS: f64 = 0.5;
const OF_CONTROLS: f64 = 0.0;

/// Which algorithm the network follows.
pub(super) fn section(of: &Algorithm) -> Section {
    let own = [of.symmetricity.mean, of.tests.distance_irrelevance.unwrap_or(0.0)];
    // Untrained weights of either kind lie in one place.
    let untrained = of.controls.iter().find_map(|(control, tests)| {
        Some((control.to_string(), [tests.gradient_symmetricity?, tests.distance_irrelevance?]))
    });
    let text = format!(
        "{}. Published pizzas have a symmetricity above 0.98 and an irrelevance below 0.6, clocks the opposite. Look where untrained \
         weights are: a network that has learned nothing can have both near 1, so neither figure tells anything by itself.",
        sentence(&words::algorithm(of))
    );
    let mut entries =
        vec![plane(vec![("this network".to_owned(), own)], untrained.into_iter().collect(), text)];
    entries.extend(quadratures(of));
    Section::new("algorithm", "Algorithm: clock or pizza, and how surely", entries).with_table(tests(of))
}

/// A sentence with a capital letter.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// A network's name, its gradient symmetricity and its distance irrelevance.
pub(crate) type InPlane = (String, [f64; 2]);

/// Networks in the plane of gradient symmetricity and distance irrelevance, beside controls and those that were published.
pub(crate) fn plane(own: Vec<InPlane>, controls: Vec<InPlane>, text: String) -> Entry {
    let published = PUBLISHED.map(|of| (of.name.to_owned(), of.figures)).to_vec();
    let is_labelled = own.len() + controls.len() <= MOST_LABELLED;
    let of = [(own, OWN), (published, OF_OTHERS), (controls, OF_CONTROLS)];
    let colours = of.iter().flat_map(|(points, colour)| points.iter().map(|_| *colour)).collect();
    let (names, points) = of.into_iter().flat_map(|(points, _)| points).unzip();
    let colour_name = "1 is own".to_owned();
    let figure = Figure::new(
        "algorithm-plane",
        "Clock or pizza: gradient symmetricity against distance irrelevance",
        [Axis::of("gradient symmetricity"), Axis::of("distance irrelevance")],
        Content::Points(Points { points, names, colours, colour_name, is_labelled }),
    );
    Entry::new(figure, text)
}

/// What is proven, and the error of each cluster's quadrature.
fn quadratures(of: &Algorithm) -> Option<Entry> {
    let certificate = of.neuron_certificate.as_ref()?;
    let bars = |value: fn(&Quadrature) -> f64| Content::Bars {
        bars: certificate.quadratures.iter().map(|(k, of)| (k.to_string(), value(of))).collect(),
        levels: vec![(2.0 / 3.0, "⅔: from here on it proves nothing".to_owned())],
    };
    let frames =
        [("by spacing".to_owned(), bars(|of| of.error_bound)), ("as it is".to_owned(), bars(|of| of.error))];
    let axes = [Axis::of("frequency k"), Axis::of("error of the quadrature")];
    let figure = Figure::with_slider(
        "algorithm-quadrature",
        "How well each cluster integrates",
        axes,
        "error",
        frames,
    );
    let text = format!(
        "A cluster's neurons are taken for the nodes of a quadrature of ∫ ReLU(cos(θ + φ)) cos(2φ + ψ) dφ = ⅔ cos(2θ − ψ). {}. By their \
         largest errors, to the right of the slider, instead of the spacing, {} of {} inputs are proven.",
        sentence(&words::certificates(of)),
        certificate.certified_by_evaluation,
        certificate.inputs
    );
    Some(Entry::new(figure, text))
}

/// A figure in a cell, of which only the size matters where it is next to nothing.
fn cell(value: f64) -> String {
    if (1e-12..1e-3).contains(&value.abs()) {
        "< 0.001".to_owned()
    } else if value.abs() < 1e-12 {
        "0".to_owned()
    } else {
        short(value)
    }
}

/// What each test says of the network, and of the controls.
fn tests(of: &Algorithm) -> Table {
    let columns: Vec<&AlgorithmTests> = std::iter::once(&of.tests).chain(of.controls.values()).collect();
    let row = |name: &str, read: &dyn Fn(&AlgorithmTests) -> Option<f64>| {
        let cells = columns.iter().map(|of| read(of).map_or("–".to_owned(), cell));
        std::iter::once(name.to_owned()).chain(cells).collect::<Vec<String>>()
    };
    let mut rows = vec![
        row("gradient symmetricity (100 published triples)", &|of| of.gradient_symmetricity),
        row("distance irrelevance", &|of| of.distance_irrelevance),
        row("circularity of the embedding", &|of| of.circularity),
        row("neurons' inputs are a disc", &|of| of.inputs_disc),
        row("… a disc, y turned against x", &|of| of.inputs_disc_fitted),
        row("… a torus", &|of| of.inputs_torus),
        row("… a circle", &|of| of.inputs_circle),
        row("logits are a circle", &|of| of.logits_circle),
        row("… a disc", &|of| of.logits_disc),
        row("explained by the clock's formula", &|of| Some(of.formulas?.clock)),
        row("… by the pizza's", &|of| Some(of.formulas?.pizza)),
        row("… by the pizza's absolute values", &|of| Some(of.formulas?.pizza_of_absolute_values)),
        row("phase misalignment", &|of| of.phase_misalignment),
        row("logits explained by waves", &|of| Some(of.frac_logits_explained)),
        row("inputs certified by waves", &|of| Some(of.certified_accuracy)),
    ];
    rows.retain(|row| row[1..].iter().any(|cell| cell != "–"));
    let names = of.controls.keys().map(Control::to_string);
    Table {
        title: "What each test says, and what it says of nothing".to_owned(),
        text: format!(
            "Means over the key frequencies, of the network and of controls of which the answer is known: a test that says the \
             same of random weights tells nothing. Over all {} triples symmetricity is {} ± {}. {}",
            of.symmetricity.triples,
            short(of.symmetricity.mean),
            short(of.symmetricity.standard_deviation),
            words::sufficiency(&of.sufficiency)
        ),
        columns: ["test".to_owned(), "this network".to_owned()].into_iter().chain(names).collect(),
        rows,
    }
}
