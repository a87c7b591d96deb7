use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{interval::interval, spread::quantile};
use crate::{Check, Claim, FailureKind, Relation, Verdict};

/// A claim over all networks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClaimAcross {
    /// Names the claim wherever it is made.
    pub id: String,
    /// What is claimed.
    pub claim: String,
    /// In how many networks it holds.
    pub holds_in: usize,
    /// The interval of 95 % (Wilson 1927) for the share in which it holds, of networks to which it applies.
    pub interval: Option<[f64; 2]>,
    /// Where it fails.
    pub fails_in: Vec<String>,
    /// The same by the kind of reason.
    pub reasons: BTreeMap<FailureKind, Vec<String>>,
    /// Where it does not apply.
    pub does_not_apply_in: Vec<String>,
    /// The figures that it stands on.
    pub checks: Vec<CheckAcross>,
}

/// A figure of a claim over all networks to which the claim applies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckAcross {
    /// What the figure is.
    pub quantity: String,
    /// How it must lie to its bound.
    pub relation: Relation,
    /// The bound, where all networks have the same one.
    pub bound: Option<f64>,
    /// How many networks have it.
    pub networks: usize,
    /// In how many of them it keeps its bound.
    pub holds_in: usize,
    /// Its quantiles of 5 %, 50 % and 95 %. Where bounds differ, they are of the value as a multiple of its bound. Values
    /// that are no finite number are left out.
    pub quantiles: Option<[f64; 3]>,
}

impl CheckAcross {
    /// One figure in each of some networks, of which there is at least one.
    fn new(of: &[&Check]) -> Self {
        let bound = Some(of[0].bound).filter(|bound| of.iter().all(|check| check.bound == *bound));
        let value = |check: &&Check| match bound {
            Some(_) => check.value,
            None => check.value / check.bound,
        };
        let mut values: Vec<f64> = of.iter().map(value).filter(|value| value.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        Self {
            quantity: of[0].quantity.clone(),
            relation: of[0].relation,
            bound,
            networks: of.len(),
            holds_in: of.iter().filter(|check| check.holds()).count(),
            quantiles: (!values.is_empty()).then(|| [0.05, 0.5, 0.95].map(|share| quantile(&values, share))),
        }
    }
}

/// The claims about some networks, by their names. Each claim is in the order in which it is made first, and known by its
/// id.
pub(super) fn claims_across(networks: &[(&str, &[Claim])]) -> Vec<ClaimAcross> {
    let mut across: Vec<ClaimAcross> = Vec::new();
    for &(name, claims) in networks {
        for Claim { id, statement, verdict, .. } in claims {
            let i = across.iter().position(|of| of.id == *id).unwrap_or_else(|| {
                across.push(ClaimAcross {
                    id: id.clone(),
                    claim: statement.clone(),
                    holds_in: 0,
                    interval: None,
                    fails_in: Vec::new(),
                    reasons: BTreeMap::new(),
                    does_not_apply_in: Vec::new(),
                    checks: Vec::new(),
                });
                across.len() - 1
            });
            let of = &mut across[i];
            match verdict {
                Verdict::Holds => of.holds_in += 1,
                Verdict::Fails { kind, .. } => {
                    of.fails_in.push(name.to_owned());
                    of.reasons.entry(*kind).or_default().push(name.to_owned());
                }
                Verdict::DoesNotApply { .. } => of.does_not_apply_in.push(name.to_owned()),
            }
        }
    }
    for of in &mut across {
        of.interval = interval(of.holds_in, of.holds_in + of.fails_in.len());
        of.checks = checks_across(&of.id, networks);
    }
    across
}

/// The figures of a claim, each known by its quantity, in the order in which they are told first.
fn checks_across(id: &str, networks: &[(&str, &[Claim])]) -> Vec<CheckAcross> {
    let claims = networks.iter().flat_map(|(_, claims)| *claims).filter(|claim| claim.id == id);
    let mut by_quantity: Vec<Vec<&Check>> = Vec::new();
    for check in claims.flat_map(|claim| &claim.checks) {
        match by_quantity.iter_mut().find(|checks| checks[0].quantity == check.quantity) {
            Some(checks) => checks.push(check),
            None => by_quantity.push(vec![check]),
        }
    }
    by_quantity.iter().map(|checks| CheckAcross::new(checks)).collect()
}
