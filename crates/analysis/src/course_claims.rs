use crate::{
    Check, Claim, CoursePhases, Progress, ProgressRow, Relation,
    course_phases::{ExcludedLoss, RISES},
    curve::Curve,
    leads::{GENERALISED, RESTRICTED_LOSS, TEST_ACCURACY, TEST_LOSS, curve_of, rows_from_memorised},
};

/// How high the training loss may be while the circuit forms, of the lowest excluded loss.
const STAYS_LOW: f64 = 0.1;

/// What a claim is checked on.
struct Course<'a> {
    /// The rows from the first on that knows the training pairs, two at the least.
    known: &'a [ProgressRow],
    rows: &'a [ProgressRow],
    excluded: ExcludedLoss,
    phases: CoursePhases,
}

/// What a claim stands on, or why it does not apply.
type Checks = Result<Vec<Check>, &'static str>;

/// The claims about how a circuit comes about (after Nanda et al. 2023, section 5.2), checked. They fail where no frequency
/// is key. They do not apply where it is not known which pairs were trained on, and where fewer than two checkpoints know
/// these.
#[must_use]
pub fn course_claims(progress: &Progress) -> Vec<Claim> {
    let known = rows_from_memorised(progress);
    let rows = &progress.rows;
    let about = |id: &str, statement: &str, checks: fn(&Course) -> Checks| {
        let checks = match (ExcludedLoss::of(rows), CoursePhases::of(progress)) {
            (None, _) => Err("it is not known which pairs were trained on"),
            _ if known.len() < 2 => Err("fewer than two checkpoints know the training pairs"),
            (Some(_), None) => {
                let source = "a circuit is told by its frequencies";
                Ok(vec![check("key frequencies", 0.0, Relation::AtLeast, 1.0, source)])
            }
            (Some(excluded), Some(phases)) => checks(&Course { known, rows, excluded, phases }),
        };
        match checks {
            Ok(checks) => Claim::new(id, statement, checks),
            Err(reason) => Claim::does_not_apply(id, statement, reason),
        }
    };
    vec![
        about(
            "circuit-forms-under-memory",
            "the circuit forms while the training pairs are known",
            |course| Ok(circuit_forms(course)),
        ),
        about("restricted-leads", "the restricted loss falls before the test loss", restricted_leads),
        about("weights-shrink-in-cleanup", "weights shrink fastest during cleanup", |course| {
            Ok(weights_shrink(course))
        }),
        about("phases-in-order", "phases come in order", in_order),
    ]
}

fn check(quantity: &str, value: f64, relation: Relation, bound: f64, source: &str) -> Check {
    Check { quantity: quantity.to_owned(), freq: None, value, relation, bound, source: source.to_owned() }
}

/// The excluded loss rises on pairs that the network goes on knowing.
fn circuit_forms(Course { known, rows, excluded, phases }: &Course) -> Vec<Check> {
    let turns_at = rows[excluded.turns_at].step;
    let is_forming =
        |row: &&ProgressRow| row.step > turns_at && phases.cleanup.is_none_or(|cleanup| row.step < cleanup);
    let train_loss =
        |row: &ProgressRow| row.measures.train.as_ref().map_or(f64::INFINITY, |train| train.loss);
    let meanwhile: Vec<f64> = known.iter().filter(is_forming).map(train_loss).collect();
    let mut checks = vec![
        check(
            "rise of the excluded loss on the training pairs",
            excluded.highest / excluded.lowest,
            Relation::Above,
            RISES,
            "twice its lowest value: without the circuit it falls with the training loss",
        ),
        check(
            "checkpoints meanwhile that know the training pairs",
            meanwhile.len() as f64,
            Relation::AtLeast,
            1.0,
            "from its lowest value to cleanup",
        ),
    ];
    if let Some(highest) = meanwhile.into_iter().reduce(f64::max) {
        checks.push(check(
            "highest training loss meanwhile",
            highest,
            Relation::Below,
            STAYS_LOW * excluded.lowest,
            "a tenth of the lowest excluded loss",
        ));
    }
    checks
}

/// The restricted loss is down before the test loss is at the same level: the one at which that has gone half of its way, on
/// a logarithmic scale. At a level of its own each would depend on where it ends.
fn restricted_leads(Course { known, .. }: &Course) -> Checks {
    let (Some(test), Some(restricted)) = (curve_of(known, TEST_LOSS), curve_of(known, RESTRICTED_LOSS))
    else {
        return Err("the test loss is not known");
    };
    let (from, to) = (test.first(), test.last());
    let level = f64::midpoint(from, to);
    let falls = |curve: &Curve| curve.first_beyond(level, false);
    Ok(vec![match (falls(&test).filter(|_| to < from), falls(&restricted)) {
        (None, _) => {
            let source = "it must fall for anything to fall before it";
            check("fall of the test loss", (from - to).exp(), Relation::Above, 1.0, source)
        }
        (_, None) => {
            let source = "the level at which the test loss has gone half of its way";
            check("restricted loss in the end", restricted.last().exp(), Relation::Below, level.exp(), source)
        }
        (Some(of_test), Some(of_restricted)) => check(
            "steps earlier that it is down where the test loss has gone half of its way",
            (of_test - of_restricted).round(),
            Relation::Above,
            0.0,
            "both at the same level, in nats",
        ),
    }])
}

/// Weight decay removes what was memorised faster than it removes anything before and after.
fn weights_shrink(Course { known, phases, .. }: &Course) -> Vec<Check> {
    let (Some(cleanup), Some(settled)) = (phases.cleanup, phases.settled) else {
        let source = "circuit formation, and a tenth of the squares that goes after it";
        return vec![check("cleanups found", 0.0, Relation::AtLeast, 1.0, source)];
    };
    // Between two checkpoints weights shrink at one rate: what lies in cleanup and outside counts for both.
    let is_in = |pair: &&[ProgressRow]| pair[1].step > cleanup && pair[0].step < settled;
    let is_out = |pair: &&[ProgressRow]| pair[0].step < cleanup || pair[1].step > settled;
    let rate = |pair: &[ProgressRow]| {
        (pair[0].sum_squared_weights / pair[1].sum_squared_weights).ln()
            / (pair[1].step - pair[0].step) as f64
    };
    // Where all weights have decayed the rate is no number.
    let fastest =
        |rates: &mut dyn Iterator<Item = f64>| rates.filter(|rate| rate.is_finite()).fold(0.0, f64::max);
    vec![check(
        "fastest relative fall of the squares per step in cleanup",
        fastest(&mut known.windows(2).filter(is_in).map(rate)),
        Relation::AtLeast,
        fastest(&mut known.windows(2).filter(is_out).map(rate)),
        "the fastest elsewhere, once the training pairs are known",
    )]
}

/// The circuit forms before the network generalises, and the weights settle after it does.
fn in_order(Course { known, phases, .. }: &Course) -> Checks {
    let CoursePhases { circuit_formation, cleanup, settled } = *phases;
    let (Some(formation), Some(cleanup), Some(settled)) = (circuit_formation, cleanup, settled) else {
        let found = [circuit_formation, cleanup].into_iter().flatten().count();
        let source = "circuit formation and cleanup, after memorisation";
        return Ok(vec![check("phases found", found as f64, Relation::AtLeast, 2.0, source)]);
    };
    let accuracy = known[known.len() - 1].test_accuracy.ok_or("the test accuracy is not known")?;
    if accuracy < GENERALISED {
        let source = "so much counts as generalised";
        return Ok(vec![check("test accuracy in the end", accuracy, Relation::AtLeast, GENERALISED, source)]);
    }
    let generalises = curve_of(known, TEST_ACCURACY).and_then(|curve| curve.has_gone(0.5));
    let generalises =
        generalises.ok_or("the test accuracy does not change once the training pairs are known")?;
    let after = |quantity, from: f64, to: f64| {
        let source = "a circuit must be there before it shows, and what it replaces goes last";
        check(quantity, (to - from).round(), Relation::Above, 0.0, source)
    };
    let [formation, cleanup, settled] = [formation, cleanup, settled].map(|step| step as f64);
    Ok(vec![
        after("steps from circuit formation to cleanup", formation, cleanup),
        after("to half of the test accuracy's way", formation, generalises),
        after("and from there to the end of cleanup", generalises, settled),
    ])
}
