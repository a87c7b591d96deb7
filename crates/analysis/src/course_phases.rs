use serde::{Deserialize, Serialize};

use crate::{
    Check, Claim, Progress, ProgressRow, Relation,
    curve::Curve,
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
    /// The first step at which the excluded loss has gone nine tenths of its rise, on a straight line between two
    /// checkpoints on a logarithmic scale: the circuit does its work, and weight decay removes the rest. None where it removes less than a tenth of the sum of squared weights.
    pub cleanup: Option<u64>,
    /// The first step at which the sum of squared weights has gone nine tenths of its way from there to its last value, on a
    /// straight line between two checkpoints.
    pub clean: Option<u64>,
}

/// How the excluded loss on the training pairs falls and rises again.
#[derive(Clone, Copy)]
struct ExcludedLoss {
    /// The row in which it is lowest.
    turns_at: usize,
    lowest: f64,
    /// The row in which it is highest from there on.
    highest_at: usize,
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
        // The first of those as high.
        let risen = losses[turns_at..].iter().enumerate().rev().max_by(|(_, a), (_, b)| a.total_cmp(b));
        let (later, &highest) = risen?;
        Some(Self { turns_at, lowest, highest_at: turns_at + later, highest })
    }

    fn rises(self) -> bool {
        self.highest >= RISES * self.lowest
    }
}

impl CoursePhases {
    /// The phases of a course; none where it is not known which pairs were trained on.
    #[must_use]
    pub fn of(progress: &Progress) -> Self {
        let rows = &progress.rows;
        let none = Self { circuit_formation: None, cleanup: None, clean: None };
        let Some(loss) = ExcludedLoss::of(rows).filter(|loss| loss.rises()) else { return none };
        let forms = Self { circuit_formation: Some(rows[loss.turns_at].step), ..none };
        let rise = Curve::of(&rows[loss.turns_at..=loss.highest_at], excluded, true);
        let Some(cleanup) = rise.and_then(|rise| rise.has_gone(RISEN)) else { return forms };
        let Some(squares) = squares_from(rows, cleanup) else { return forms };
        match squares.last() <= LEFT_BY_CLEANUP * squares.first() {
            true => Self {
                cleanup: Some(cleanup.round() as u64),
                clean: squares.has_gone(FALLEN).map(|step| step.round() as u64),
                ..forms
            },
            false => forms,
        }
    }
}

/// The sum of squared weights from a step on.
fn squares_from(rows: &[ProgressRow], step: f64) -> Option<Curve> {
    Some(Curve::of(rows, |row| Some(row.sum_squared_weights), false)?.from(step))
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
    let begins = phases.cleanup.unwrap_or(known[0].step);
    let squares = squares_from(known, begins as f64);
    let mut checks = vec![check(
        "sum of squared weights left at the end",
        squares.map_or(f64::NAN, |squares| squares.last() / squares.first()),
        Relation::Below,
        LEFT_BY_CLEANUP,
        "of that at the beginning of cleanup, or where the training pairs are known if there is none",
    )];
    if let (Some(cleanup), Some(clean)) = (phases.cleanup, phases.clean) {
        // What is between two checkpoints belongs to where its middle is.
        let is_within =
            |pair: &&[ProgressRow]| (cleanup..=clean).contains(&u64::midpoint(pair[0].step, pair[1].step));
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
