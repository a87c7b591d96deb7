use crate::FourierBasis;

/// A wave A cos(ωx + φ), by its complex amplitude A e^(iφ).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Wave {
    pub re: f64,
    pub im: f64,
}

impl Wave {
    /// The wave of a frequency in a function on the numbers, [n].
    pub fn of(basis: &FourierBasis, k: usize, function: &[f64]) -> Self {
        let along = |row: usize| basis.row(row).iter().zip(function).map(|(wave, value)| wave * value).sum();
        // A cosine of unit norm is the cosine times its value at 0.
        Self::of_coefficients(basis, k, along).scaled(basis.row(2 * k - 1)[0])
    }

    /// The wave of a frequency by its Fourier coefficients, with the norm that these have. That of p/2, which has no sine, has
    /// a phase of 0 or π.
    pub fn of_coefficients(basis: &FourierBasis, k: usize, coefficient: impl Fn(usize) -> f64) -> Self {
        match basis.rows_of(k)[..] {
            // A cos(ωx + φ) = A cos φ cos ωx − A sin φ sin ωx.
            [cos, sin] => Self { re: coefficient(cos), im: -coefficient(sin) },
            [cos] => Self { re: coefficient(cos), im: 0.0 },
            _ => unreachable!("a frequency has one row or two"),
        }
    }

    /// A.
    pub fn norm(self) -> f64 {
        self.re.hypot(self.im)
    }

    /// φ.
    pub fn phase(self) -> f64 {
        self.im.atan2(self.re)
    }

    /// The sum of two waves of one frequency.
    pub fn plus(self, other: Self) -> Self {
        Self { re: self.re + other.re, im: self.im + other.im }
    }

    /// The wave with its phase moved by an angle.
    pub fn turned(self, by: f64) -> Self {
        let (im, re) = by.sin_cos();
        self.times(Self { re, im })
    }

    /// The wave times a number.
    pub fn scaled(self, by: f64) -> Self {
        Self { re: self.re * by, im: self.im * by }
    }

    /// The product of two amplitudes.
    pub fn times(self, other: Self) -> Self {
        Self { re: self.re * other.re - self.im * other.im, im: self.re * other.im + self.im * other.re }
    }

    /// The amplitude with its phase turned around.
    pub fn conjugate(self) -> Self {
        Self { re: self.re, im: -self.im }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wave_has_the_norm_and_the_phase_that_were_put_in() {
        for (n, k) in [(11, 3), (12, 5)] {
            let basis = FourierBasis::new(n);
            let angle = |x: usize| std::f64::consts::TAU * (k * x) as f64 / n as f64;
            let function: Vec<f64> = (0..n).map(|x| 1.5 + 2.5 * (angle(x) + 0.7).cos()).collect();
            let wave = Wave::of(&basis, k, &function);
            assert!((wave.norm() - 2.5).abs() < 1e-12 && (wave.phase() - 0.7).abs() < 1e-12, "{wave:?}");
            assert!((wave.turned(0.2).phase() - 0.9).abs() < 1e-12);
            assert!(wave.times(wave.conjugate()).phase().abs() < 1e-12);
        }
        // p/2 has a cosine alone.
        let basis = FourierBasis::new(8);
        let function: Vec<f64> = (0..8).map(|x| if x % 2 == 0 { -2.0 } else { 2.0 }).collect();
        assert!((Wave::of(&basis, 4, &function).re + 2.0).abs() < 1e-12);
    }
}
