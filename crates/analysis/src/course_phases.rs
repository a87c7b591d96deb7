use serde::{Deserialize, Serialize};

use crate::{
    Check, Claim, Progress, ProgressRow, Relation,
    leads::{halfway_of, rows_from_memorised},
};

/// How many times its lowest value the excluded loss must reach for a circuit to have formed. Where a network only gets
/// surer of the pairs that it memorised, the excluded loss falls with the training loss.
const RISES: f64 = 2.0;

/// The share of its way, on a logarithmic scale, after which the excluded loss has risen: it levels off where cleanup
/// begins, so that its very highest value comes at a step of chance.
const RISEN: f64 = 0.9;

/// The share of the sum of squared weights that may be left at the end, of what it was when cleanup began. A network that
/// keeps more keeps what it memorised.
const LEFT_BY_CLEANUP: f64 = 0.9;

/// The share of its way from cleanup's beginning to the last checkpoint after which the sum of squared weights has fallen:
/// the rest is its slow end.
const FALLEN: f64 = 0.9;

/// How high the training loss may be while the circuit forms, of the lowest excluded loss.
const STAYS_LOW: f64 = 0.1;

/// The phases of a run that comes to generalise (Nanda et al. 2023, section 5.2), by where each begins: memorisation from
/// the start, then circuit formation, then cleanup. They are told from the excluded loss on the training pairs (`2d`) and
/// the sum of squared weights, and not from accuracies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoursePhases {
    /// The step with the lowest excluded loss: from it on the network comes to depend on the key frequencies even for
    /// pairs that it knows. None where that loss does not rise again to twice its lowest value.
    pub circuit_formation: Option<u64>,
    /// The first step at which the excluded loss has gone nine tenths of its rise on a logarithmic scale: the circuit does
    /// its work, and weight decay removes the rest. None where it removes less than a tenth of the sum of squared weights.
    pub cleanup: Option<u64>,
    /// The first step at which the sum of squared weights has gone nine tenths of its way from there to its last value.
    pub clean: Option<u64>,
}

/// How the excluded loss on the training pairs falls and rises again.
#[derive(Clone, Copy)]
struct ExcludedLoss {
    /// The row in which it is lowest.
    turns_at: usize,
    lowest: f64,
    /// Its highest value from there on.
    highest: f64,
}

fn excluded(row: &ProgressRow) -> Option<f64> {
    row.measures.train.as_ref().map(|train| train.excluded_loss_2d)
}

impl ExcludedLoss {
    /// That of some rows; none where it is not known which pairs were trained on.
    fn of(rows: &[ProgressRow]) -> Option<Self> {
        let losses = rows.iter().map(excluded).collect::<Option<Vec<f64>>>()?;
        let (turns_at, &lowest) = losses.iter().enumerate().min_by(|(_, a), (_, b)| a.total_cmp(b))?;
        let highest = losses[turns_at..].iter().copied().fold(lowest, f64::max);
        Some(Self { turns_at, lowest, highest })
    }

    fn rises(self) -> bool {
        self.highest >= RISES * self.lowest
    }

    /// Where it has risen: nine tenths of its way, on a logarithmic scale.
    fn risen(self) -> f64 {
        self.lowest * (self.highest / self.lowest).powf(RISEN)
    }
}

impl CoursePhases {
    /// The phases of a course; none where it is not known which pairs were trained on.
    #[must_use]
    pub fn of(progress: &Progress) -> Self {
        let rows = &progress.rows;
        let mut phases = Self { circuit_formation: None, cleanup: None, clean: None };
        let Some(loss) = ExcludedLoss::of(rows).filter(|loss| loss.rises()) else { return phases };
        phases.circuit_formation = Some(rows[loss.turns_at].step);
        let has_risen = |row: &&ProgressRow| excluded(row).is_some_and(|of_row| of_row >= loss.risen());
        let (Some(begins), Some(last)) = (rows[loss.turns_at..].iter().find(has_risen), rows.last()) else {
            return phases;
        };
        let (first, last) = (begins.sum_squared_weights, last.sum_squared_weights);
        if last > LEFT_BY_CLEANUP * first {
            return phases;
        }
        phases.cleanup = Some(begins.step);
        let fallen = first - FALLEN * (first - last);
        let is_clean = |row: &&ProgressRow| row.step >= begins.step && row.sum_squared_weights <= fallen;
        phases.clean = rows.iter().find(is_clean).map(|row| row.step);
        phases
    }
}

/// The claims about how a circuit comes about (Nanda et al. 2023, section 5.2), checked. They do not apply where it is not
/// known which pairs were trained on, and where the network never knows these.
#[must_use]
pub fn course_claims(progress: &Progress) -> Vec<Claim> {
    let phases = CoursePhases::of(progress);
    let known = rows_from_memorised(progress);
    let excluded = match ExcludedLoss::of(&progress.rows) {
        None => Err("it is not known which pairs were trained on"),
        Some(_) if known.is_empty() => Err("the training pairs are not known at any checkpoint"),
        Some(loss) => Ok(loss),
    };
    let about = |id: &str, statement: &str, checks: &dyn Fn(ExcludedLoss) -> Vec<Check>| match excluded {
        Err(reason) => Claim::does_not_apply(id, statement, reason),
        Ok(loss) => Claim::new(id, statement, checks(loss)),
    };
    vec![
        about(
            "circuit-forms-under-memory",
            "the circuit forms while the training pairs are known",
            &|loss| circuit_forms(&progress.rows[loss.turns_at..], loss, phases),
        ),
        about("restricted-leads", "the restricted loss falls before the test loss", &|_| {
            vec![leads_by(known)]
        }),
        about("weights-shrink-in-cleanup", "weights shrink fastest during cleanup", &|_| {
            shrinks(known, phases)
        }),
        about("phases-in-order", "phases come in order", &|_| in_order(known, phases)),
    ]
}

fn check(quantity: &str, value: f64, relation: Relation, bound: f64, source: &str) -> Check {
    Check { quantity: quantity.to_owned(), freq: None, value, relation, bound, source: source.to_owned() }
}

/// The excluded loss rises on pairs that the network goes on knowing. The rows are those from its lowest value on.
fn circuit_forms(rows: &[ProgressRow], loss: ExcludedLoss, phases: CoursePhases) -> Vec<Check> {
    let is_forming = |row: &&ProgressRow| phases.cleanup.is_none_or(|cleanup| row.step < cleanup);
    let train_loss = |row: &ProgressRow| row.measures.train.as_ref().map_or(f64::NAN, |train| train.loss);
    let of_train = rows.iter().skip(1).take_while(is_forming).map(train_loss).fold(0.0, f64::max);
    vec![
        check(
            "rise of the excluded loss on the training pairs",
            loss.highest / loss.lowest,
            Relation::Above,
            RISES,
            "twice its lowest value: without the circuit it falls with the training loss",
        ),
        check(
            "highest training loss meanwhile",
            of_train,
            Relation::Below,
            STAYS_LOW * loss.lowest,
            "a tenth of the lowest excluded loss",
        ),
    ]
}

/// By how much the restricted loss has gone half of its way before the test loss has; by nothing where one goes no way.
fn leads_by(known: &[ProgressRow]) -> Check {
    let halfways = ["test loss", "restricted loss (3d, all)"].map(|measure| halfway_of(known, measure));
    let lead =
        if let [Some(test), Some(restricted)] = halfways { test as f64 - restricted as f64 } else { 0.0 };
    let quantity = "steps earlier that it has gone half of its way";
    check(quantity, lead, Relation::Above, 0.0, "the clock is there before what drowns it is gone")
}

/// Weight decay removes what was memorised, and faster than it removes anything before and after.
fn shrinks(known: &[ProgressRow], phases: CoursePhases) -> Vec<Check> {
    let (first, last) = (&known[0], &known[known.len() - 1]);
    let begins = phases.cleanup.unwrap_or(first.step);
    let at_beginning = known.iter().find(|row| row.step >= begins).unwrap_or(first);
    let mut checks = vec![check(
        "sum of squared weights left at the end",
        last.sum_squared_weights / at_beginning.sum_squared_weights,
        Relation::Below,
        LEFT_BY_CLEANUP,
        "of that at the beginning of cleanup, or where the training pairs are known if there is none",
    )];
    if let (Some(cleanup), Some(clean)) = (phases.cleanup, phases.clean) {
        let is_within = |pair: &&[ProgressRow]| pair[0].step >= cleanup && pair[1].step <= clean;
        let rate = |pair: &[ProgressRow]| {
            (pair[0].sum_squared_weights / pair[1].sum_squared_weights).ln()
                / (pair[1].step - pair[0].step) as f64
        };
        let fastest = |rates: &mut dyn Iterator<Item = f64>| rates.fold(0.0, f64::max);
        let within = fastest(&mut known.windows(2).filter(is_within).map(rate));
        let without = fastest(&mut known.windows(2).filter(|pair| !is_within(pair)).map(rate));
        checks.push(check(
            "fastest relative fall per step in cleanup",
            within,
            Relation::Above,
            without,
            "the fastest elsewhere, once the training pairs are known",
        ));
    }
    checks
}

/// The circuit forms before the network generalises, and it is clean after it does.
fn in_order(known: &[ProgressRow], phases: CoursePhases) -> Vec<Check> {
    let CoursePhases { circuit_formation, cleanup, clean } = phases;
    let generalises = halfway_of(known, "test accuracy");
    let (Some(formation), Some(cleanup), Some(clean), Some(generalises)) =
        (circuit_formation, cleanup, clean, generalises)
    else {
        let found = [circuit_formation, cleanup].into_iter().flatten().count();
        let source = "circuit formation and cleanup, after memorisation";
        return vec![check("phases found", found as f64, Relation::Equal, 2.0, source)];
    };
    let after = |quantity, from: u64, to: u64| {
        let source = "a circuit must be there before it shows, and what it replaces goes last";
        check(quantity, to as f64 - from as f64, Relation::Above, 0.0, source)
    };
    vec![
        after("steps from circuit formation to cleanup", formation, cleanup),
        after("to half of the test accuracy's way", formation, generalises),
        after("and from there to the end of cleanup", generalises, clean),
    ]
}
