use serde::{Deserialize, Serialize};

use super::{ClaimAcross, ComparedRun, Spread, claim_across::claims_across, spread::quantile};
use crate::{CourseFindings, CoursePhases, Lead};

/// What the courses of runs have in common, of those whose checkpoints were measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CourseAcross {
    /// How many runs.
    pub runs: usize,
    /// The step at which circuit formation begins, over those that have it.
    pub circuit_formation: Option<Spread>,
    /// The step at which cleanup begins, over those that have it.
    pub cleanup: Option<Spread>,
    /// The step at which the weights have settled, over those that come to it.
    pub settled: Option<Spread>,
    /// What leads and what follows, by measure.
    pub leads: Vec<LeadAcross>,
    /// The claims about courses, and where they hold.
    pub claims: Vec<ClaimAcross>,
}

/// By how many steps a measure goes its way before the test accuracy does, over runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeadAcross {
    /// What is measured.
    pub measure: String,
    /// In how many runs it goes a way.
    pub runs: usize,
    /// In how many of them it has gone half of it before the test accuracy.
    pub leads_in: usize,
    /// The steps by which it does, negative behind it: their quantiles of 5 %, 50 % and 95 %.
    pub steps_before_test_accuracy: [f64; 3],
}

impl CourseAcross {
    /// The courses of some runs; nothing where none was measured.
    pub(super) fn new(runs: &[ComparedRun]) -> Option<Self> {
        let courses: Vec<&CourseFindings> = runs.iter().filter_map(|run| run.course.as_ref()).collect();
        let begins = |of: fn(&CoursePhases) -> Option<u64>| {
            let steps = courses.iter().filter_map(|course| of(course.phases.as_ref()?));
            Spread::new(&steps.map(|step| step as f64).collect::<Vec<_>>())
        };
        let claims: Vec<_> = runs
            .iter()
            .filter_map(|run| Some((run.name.as_str(), &run.course.as_ref()?.claims[..])))
            .collect();
        (!courses.is_empty()).then(|| Self {
            runs: courses.len(),
            circuit_formation: begins(|phases| phases.circuit_formation),
            cleanup: begins(|phases| phases.cleanup),
            settled: begins(|phases| phases.settled),
            leads: leads_across(&courses),
            claims: claims_across(&claims),
        })
    }
}

/// Each measure in the order in which it is told first.
fn leads_across(courses: &[&CourseFindings]) -> Vec<LeadAcross> {
    let mut measures: Vec<(&str, Vec<f64>)> = Vec::new();
    for Lead { measure, steps_before_test_accuracy, .. } in courses.iter().flat_map(|course| &course.leads) {
        let steps = *steps_before_test_accuracy as f64;
        match measures.iter_mut().find(|(of, _)| of == measure) {
            Some((_, all)) => all.push(steps),
            None => measures.push((measure, vec![steps])),
        }
    }
    let across = |(measure, mut steps): (&str, Vec<f64>)| {
        steps.sort_by(f64::total_cmp);
        LeadAcross {
            measure: measure.to_owned(),
            runs: steps.len(),
            leads_in: steps.iter().filter(|steps| **steps > 0.0).count(),
            steps_before_test_accuracy: [0.05, 0.5, 0.95].map(|share| quantile(&steps, share)),
        }
    };
    measures.into_iter().map(across).collect()
}
