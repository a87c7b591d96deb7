use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};

/// A cluster of neurons as a quadrature of ∫ ReLU(cos(θ + φ)) cos(2φ + ψ) dφ = ⅔ cos(2θ − ψ) over a turn: their phases φ are
/// its nodes, and its weights the products of the norms of their input waves and of what their output waves have in the phase
/// 2φ, made to sum to 2π ("Modular addition without black-boxes", Yip et al. 2024, section 4).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Quadrature {
    /// How many nodes there are.
    pub nodes: usize,
    /// What its error can be at most for any θ and ψ, by the spacing of the nodes alone: the integrand changes by no more than
    /// twice what φ does. From ⅔ on it says nothing.
    pub error_bound: f64,
    /// The largest error that there is, for any ψ and the θ of the inputs.
    pub error: f64,
}

/// A neuron's phase, and its weight, which is positive.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node {
    pub phase: f64,
    pub weight: f64,
}

/// How often the place of the first box is halved.
const HALVINGS: usize = 60;

impl Quadrature {
    /// The quadrature of some nodes for some angles θ; none where there is no node.
    pub(crate) fn new(nodes: &[Node], angles: impl Iterator<Item = f64>) -> Option<Self> {
        let whole: f64 = nodes.iter().map(|node| node.weight).sum();
        if nodes.is_empty() || whole <= 0.0 {
            return None;
        }
        let scaled =
            |node: &Node| Node { phase: node.phase.rem_euclid(TAU), weight: node.weight * TAU / whole };
        let mut nodes: Vec<Node> = nodes.iter().map(scaled).collect();
        nodes.sort_by(|a, b| a.phase.total_cmp(&b.phase));
        let error = angles.map(|theta| error_at(&nodes, theta)).fold(0.0, f64::max);
        Some(Self { nodes: nodes.len(), error_bound: bound(&nodes), error })
    }
}

/// How far the sum over nodes is from ⅔ e^(−2iθ), which is how far its part along any cos(… + ψ) can be.
fn error_at(nodes: &[Node], theta: f64) -> f64 {
    let sum = nodes.iter().fold([0.0; 2], |[re, im], node| {
        let act = node.weight * (theta + node.phase).cos().max(0.0);
        let (sin, cos) = (2.0 * node.phase).sin_cos();
        [re + act * cos, im + act * sin]
    });
    let (sin, cos) = (-2.0 * theta).sin_cos();
    (sum[0] - 2.0 / 3.0 * cos).hypot(sum[1] - 2.0 / 3.0 * sin)
}

/// A bound on the error by the spacing of nodes, ascending: each stands for a stretch of the circle as long as its weight, one
/// behind the other, and the integrand on it is off by no more than twice the distance from the node. The first stretch begins
/// where the bound is least.
fn bound(nodes: &[Node]) -> f64 {
    // Where each stretch begins behind the first, and ends.
    let stretches = || {
        nodes.iter().scan(0.0, |end, node| {
            let start = *end;
            *end += node.weight;
            Some([start - node.phase, *end - node.phase])
        })
    };
    // ∫ 2|t| dt = t |t|. The sum is convex in where the first begins.
    let of = |first: f64| {
        let area = |t: f64| t * t.abs();
        stretches().map(|[start, end]| area(first + end) - area(first + start)).sum::<f64>()
    };
    let slope =
        |first: f64| stretches().map(|[start, end]| (first + end).abs() - (first + start).abs()).sum::<f64>();
    let (mut low, mut high) = (-TAU, 2.0 * TAU);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if slope(middle) < 0.0 { low = middle } else { high = middle }
    }
    of(high)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn evenly_spaced_nodes_have_the_error_that_their_spacing_gives() {
        for n in [16, 32, 64] {
            let nodes: Vec<Node> =
                (0..n).map(|j| Node { phase: TAU * f64::from(j) / f64::from(n), weight: 3.0 }).collect();
            let found = Quadrature::new(&nodes, (0..100).map(|i| f64::from(i) * 0.1)).unwrap();
            // n stretches of 2π/n with the node in the middle: twice the area of a triangle on either side.
            let expected = f64::from(n) * (TAU / f64::from(n)).powi(2) / 2.0;
            assert!((found.error_bound - expected).abs() < 1e-9, "{found:?} {expected}");
            // A function whose slope jumps is integrated with an error that falls with the square of the spacing.
            assert!(found.error < 8.0 / f64::from(n * n), "{found:?}");
        }
        assert!(Quadrature::new(&[], std::iter::empty()).is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_error_is_above_its_bound(
            nodes in prop::collection::vec((0.0_f64..7.0, 0.01_f64..2.0), 1..40),
            theta in -4.0_f64..4.0,
        ) {
            let nodes: Vec<Node> = nodes.into_iter().map(|(phase, weight)| Node { phase, weight }).collect();
            let found = Quadrature::new(&nodes, std::iter::once(theta)).unwrap();
            prop_assert!(found.error <= found.error_bound + 1e-9, "{:?}", found);
        }
    }
}
