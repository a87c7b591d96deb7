use std::fmt;

use serde::{Deserialize, Serialize};

use crate::number::told_apart;

/// A claim about a network, checked: a sentence, and the figures that it stands on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// Names the claim wherever it is made.
    pub id: String,
    /// What is claimed.
    #[serde(rename = "claim")]
    pub statement: String,
    /// The figures that must keep their bounds; none where the claim does not apply.
    pub checks: Vec<Check>,
    /// Whether it holds.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// A figure against its bound.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// What the figure is.
    pub quantity: String,
    /// The frequency that it is of, where it is the worst among the figures of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freq: Option<usize>,
    /// Its value, in the unit of the quantity.
    pub value: f64,
    /// How the value must lie to the bound.
    pub relation: Relation,
    /// The bound, in the same unit.
    pub bound: f64,
    /// Where the bound comes from.
    pub source: String,
}

/// How a value must lie to its bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Relation {
    /// Smaller.
    #[serde(rename = "<")]
    Below,
    /// Larger.
    #[serde(rename = ">")]
    Above,
    /// As large or larger.
    #[serde(rename = "≥")]
    AtLeast,
    /// Equal.
    #[serde(rename = "=")]
    Equal,
}

/// Whether a claim holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "lowercase")]
pub enum Verdict {
    /// Every figure keeps its bound.
    Holds,
    /// A figure does not keep its bound.
    Fails {
        /// What kind of reason there is for it.
        kind: FailureKind,
        /// The reason, with this network's figures.
        reason: String,
    },
    /// The claim is about something that the network does not have.
    #[serde(rename = "does not apply")]
    DoesNotApply {
        /// What it does not have.
        reason: String,
    },
}

/// Why a claim fails, by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// The network answers too many inputs wrong to have found a rule.
    NotGeneralised,
    /// The cleanup is not over: what was memorised is still there.
    NotClean,
    /// A frequency is embedded, or served by neurons, and read too little to last.
    Unread,
    /// A frequency is read, but neurons that mix frequencies supply it.
    Mixed,
    /// A frequency is used, but so weakly that it does not stand out.
    Weak,
    /// None of these.
    Unexplained,
}

impl FailureKind {
    /// Whether training on is known to help.
    #[must_use]
    pub fn is_helped_by_steps(self) -> bool {
        matches!(self, Self::NotGeneralised | Self::NotClean | Self::Unread)
    }
}

impl fmt::Display for FailureKind {
    /// Writes it as one would say it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotGeneralised => "not generalised",
            Self::NotClean => "not clean",
            Self::Unread => "a frequency read too little",
            Self::Mixed => "neurons mixed",
            Self::Weak => "a weak frequency",
            Self::Unexplained => "no known reason",
        })
    }
}

impl Claim {
    /// A claim that holds where every check does.
    ///
    /// ```
    /// use clockwork_analysis::{Check, Claim, Relation};
    ///
    /// let few = Check {
    ///     quantity: "key frequencies".to_owned(),
    ///     freq: None,
    ///     value: 5.0,
    ///     relation: Relation::Below,
    ///     bound: 10.0,
    ///     source: "published networks have four to six".to_owned(),
    /// };
    /// assert!(Claim::new("few-frequencies", "few frequencies are key", vec![few]).holds());
    /// ```
    #[must_use]
    pub fn new(id: impl Into<String>, statement: impl Into<String>, checks: Vec<Check>) -> Self {
        let broken: Vec<String> = checks.iter().filter(|check| !check.holds()).map(Check::broken).collect();
        let verdict = match broken.is_empty() {
            true => Verdict::Holds,
            false => Verdict::Fails { kind: FailureKind::Unexplained, reason: broken.join(", ") },
        };
        Self { id: id.into(), statement: statement.into(), checks, verdict }
    }

    /// This claim with the reason for which it fails, if it does.
    #[must_use]
    pub fn because(mut self, of_kind: FailureKind, of_figures: impl Into<String>) -> Self {
        if let Verdict::Fails { kind, reason } = &mut self.verdict {
            (*kind, *reason) = (of_kind, of_figures.into());
        }
        self
    }

    /// This claim with a reason for which it fails, if it does and none is known yet.
    #[must_use]
    pub(crate) fn or_because(
        self,
        of_kind: FailureKind,
        of_figures: impl FnOnce(&Self) -> Option<String>,
    ) -> Self {
        match self.failure() {
            Some((FailureKind::Unexplained, _)) => match of_figures(&self) {
                Some(reason) => self.because(of_kind, reason),
                None => self,
            },
            _ => self,
        }
    }

    /// A claim about something that the network does not have.
    #[must_use]
    pub fn does_not_apply(
        id: impl Into<String>,
        statement: impl Into<String>,
        reason: impl Into<String>,
    ) -> Self {
        let verdict = Verdict::DoesNotApply { reason: reason.into() };
        Self { id: id.into(), statement: statement.into(), checks: Vec::new(), verdict }
    }

    /// Whether it applies and every check holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.verdict == Verdict::Holds
    }

    /// Whether it applies and a check does not hold.
    #[must_use]
    pub fn fails(&self) -> bool {
        matches!(self.verdict, Verdict::Fails { .. })
    }

    /// Why it fails, if it does: the kind of reason, and the reason.
    #[must_use]
    pub fn failure(&self) -> Option<(FailureKind, &str)> {
        match &self.verdict {
            Verdict::Fails { kind, reason } => Some((*kind, reason)),
            Verdict::Holds | Verdict::DoesNotApply { .. } => None,
        }
    }
}

impl Check {
    /// Whether the value keeps its bound. One that is no number keeps none.
    #[must_use]
    pub fn holds(&self) -> bool {
        match self.relation {
            Relation::Below => self.value < self.bound,
            Relation::Above => self.value > self.bound,
            Relation::AtLeast => self.value >= self.bound,
            Relation::Equal => self.value == self.bound,
        }
    }
}

impl Check {
    /// The value and the bound as texts, in as many digits as it takes to tell them apart.
    #[must_use]
    pub fn value_and_bound(&self) -> (String, String) {
        told_apart(self.value, self.bound)
    }

    /// The frequency that it is of, as an addition: ` for 18`, or nothing.
    #[must_use]
    pub fn of_freq(&self) -> String {
        self.freq.map_or(String::new(), |k| format!(" for {k}"))
    }

    /// What is wrong where it does not hold: `linear share is 0.03, not < 0.01`.
    #[must_use]
    pub fn broken(&self) -> String {
        let (value, bound) = self.value_and_bound();
        format!("{} is {value}{}, not {} {bound}", self.quantity, self.of_freq(), self.relation)
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Below => "<",
            Self::Above => ">",
            Self::AtLeast => "≥",
            Self::Equal => "=",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: f64, relation: Relation) -> Check {
        Check { quantity: "loss".into(), freq: None, value, relation, bound: 2.0, source: "by hand".into() }
    }

    #[test]
    fn every_relation_on_both_sides_and_on_its_bound() {
        for (relation, expected) in [
            (Relation::Below, [true, false, false]),
            (Relation::Above, [false, false, true]),
            (Relation::AtLeast, [false, true, true]),
            (Relation::Equal, [false, true, false]),
        ] {
            assert_eq!([1.9, 2.0, 2.1].map(|value| check(value, relation).holds()), expected, "{relation}");
            assert!(!check(f64::NAN, relation).holds());
        }
    }

    #[test]
    fn what_is_broken_is_told_with_its_frequency() {
        let of_18 = Check { freq: Some(18), ..check(3.0, Relation::Below) };
        let claim = Claim::new("a", "it is small", vec![of_18, check(2.5, Relation::Below)]);
        let expected = "loss is 3 for 18, not < 2, loss is 2.5, not < 2";
        assert_eq!(claim.failure(), Some((FailureKind::Unexplained, expected)));
        let json = serde_json::to_value(&claim).unwrap();
        assert_eq!((&json["checks"][0]["freq"], json["checks"][1].get("freq")), (&18.into(), None));
    }

    #[test]
    fn numbers_stand_beside_the_sentence_and_come_back() {
        let holds = Claim::new("a", "it is small", vec![check(1.0, Relation::Below)]);
        let fails =
            Claim::new("a", "it is small", vec![check(1.0, Relation::Below), check(3.0, Relation::Below)]);
        let neither = Claim::does_not_apply("a", "it is small", "there is none");
        assert_eq!(
            [&holds, &fails, &neither].map(|of| (of.holds(), of.fails())),
            [(true, false), (false, true), (false, false)]
        );
        let json = serde_json::to_value(&holds).unwrap();
        let check = serde_json::json!({
            "quantity": "loss", "value": 1.0, "relation": "<", "bound": 2.0, "source": "by hand"
        });
        let expected =
            serde_json::json!({"id": "a", "claim": "it is small", "checks": [check], "verdict": "holds"});
        assert_eq!(json, expected);
        let json = serde_json::to_value(&neither).unwrap();
        assert_eq!((&json["verdict"], &json["reason"]), (&"does not apply".into(), &"there is none".into()));
        for claim in [holds, fails, neither] {
            let json = serde_json::to_string(&claim).unwrap();
            assert_eq!(serde_json::from_str::<Claim>(&json).unwrap(), claim);
        }
    }
}
