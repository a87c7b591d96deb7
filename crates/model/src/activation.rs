use std::{f64::consts::PI, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::as_text::as_text;

/// What a neuron makes of its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Activation {
    /// max(v, 0).
    #[default]
    Relu,
    /// v Φ(v), with Φ the distribution function of the normal distribution (Hendrycks and Gimpel 2016).
    Gelu,
    /// Its approximation by a hyperbolic tangent, which GPT-2 has.
    GeluTanh,
    /// v / (1 + e^−v), also called swish.
    Silu,
    /// v².
    Square,
}

impl Activation {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Relu, Self::Gelu, Self::GeluTanh, Self::Silu, Self::Square];

    /// Its value.
    #[must_use]
    pub fn of(self, v: f64) -> f64 {
        match self {
            Self::Relu => v.max(0.0),
            Self::Gelu => v * normal_distribution(v),
            Self::GeluTanh => 0.5 * v * (1.0 + tanh_argument(v).tanh()),
            Self::Silu => v * sigmoid(v),
            Self::Square => v * v,
        }
    }

    /// Its derivative; 0 where that of a ReLU jumps.
    #[must_use]
    pub fn derivative(self, v: f64) -> f64 {
        match self {
            Self::Relu => f64::from(u8::from(v > 0.0)),
            Self::Gelu => normal_distribution(v) + v * (-v * v / 2.0).exp() / (2.0 * PI).sqrt(),
            Self::GeluTanh => {
                let tanh = tanh_argument(v).tanh();
                let inner = (2.0 / PI).sqrt() * (1.0 + 3.0 * CUBIC * v * v);
                0.5 * (1.0 + tanh) + 0.5 * v * (1.0 - tanh * tanh) * inner
            }
            Self::Silu => sigmoid(v) * (1.0 + v * (1.0 - sigmoid(v))),
            Self::Square => 2.0 * v,
        }
    }
}

/// The factor of v³ in the approximation of GELU.
const CUBIC: f64 = 0.044_715;

fn tanh_argument(v: f64) -> f64 {
    (2.0 / PI).sqrt() * (v + CUBIC * v * v * v)
}

fn normal_distribution(v: f64) -> f64 {
    0.5 * libm::erfc(-v / 2.0_f64.sqrt())
}

fn sigmoid(v: f64) -> f64 {
    1.0 / (1.0 + (-v).exp())
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Relu => "relu",
            Self::Gelu => "gelu",
            Self::GeluTanh => "gelu_new",
            Self::Silu => "silu",
            Self::Square => "square",
        })
    }
}

impl FromStr for Activation {
    type Err = String;

    /// Reads a name, as configurations spell it.
    fn from_str(name: &str) -> Result<Self, String> {
        match name.to_lowercase().as_str() {
            "relu" => Ok(Self::Relu),
            "gelu" => Ok(Self::Gelu),
            "gelu_new" | "gelu_fast" | "gelu_pytorch_tanh" => Ok(Self::GeluTanh),
            "silu" | "swish" => Ok(Self::Silu),
            "square" | "quad" | "quadratic" => Ok(Self::Square),
            _ => Err(format!(
                "no activation that is known: {name}; there are relu, gelu, gelu_new, silu and square"
            )),
        }
    }
}

as_text!(Activation);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_are_those_of_the_definitions() {
        // By Python's math.erf, math.tanh and math.exp.
        for (activation, at_1_5, at_minus_0_5) in [
            (Activation::Relu, 1.5, 0.0),
            (Activation::Gelu, 1.399_789_198_096_713, -0.154_268_769_362_993_44),
            (Activation::GeluTanh, 1.399_571_576_980_232_8, -0.154_285_990_174_856_08),
            (Activation::Silu, 1.226_361_714_290_465_5, -0.188_770_334_399_072_7),
            (Activation::Square, 2.25, 0.25),
        ] {
            for (v, expected) in [(1.5, at_1_5), (-0.5, at_minus_0_5)] {
                let found = activation.of(v);
                assert!((found - expected).abs() < 1e-14, "{activation} of {v}: {found} is not {expected}");
            }
            assert_eq!(activation.to_string().parse(), Ok(activation));
        }
        assert!("solu_ln".parse::<Activation>().unwrap_err().contains("solu_ln"));
    }

    proptest! {
        #[test]
        fn derivatives_are_slopes(v in -6.0_f64..6.0) {
            prop_assume!(v.abs() > 1e-4);
            for activation in Activation::ALL {
                let slope = (activation.of(v + 1e-6) - activation.of(v - 1e-6)) / 2e-6;
                prop_assert!((slope - activation.derivative(v)).abs() < 1e-6, "{} at {}", activation, v);
            }
        }
    }
}
