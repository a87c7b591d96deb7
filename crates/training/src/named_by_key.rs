use crate::{Error, Origin, config::config_error};

/// What is wrong with a size, a task or a split, said of the key that it comes from.
pub(crate) fn named_by_key(error: clockwork_model::Error) -> Error {
    use clockwork_model::{
        Error::{DivisionByZero, NotPrime, Size, TrainFraction},
        SizeBound,
    };

    let key = |name: &str| match name {
        "modulus" => "task.modulus".to_owned(),
        name => format!("model.{name}"),
    };
    match error {
        Size { name, value, bound } => {
            let bound = match bound {
                SizeBound::MultipleOf(name, value) => {
                    format!("must be a multiple of {} = {value}", key(name))
                }
                bound => bound.to_string(),
            };
            config_error(Origin::value(key(name), &value), bound)
        }
        TrainFraction { train_fraction, n_pairs, lacking } => config_error(
            Origin::value("task.train_fraction", &train_fraction),
            format!(
                "leaves no pair to {lacking} of the {n_pairs} that there are; it must be between 0 and 1"
            ),
        ),
        NotPrime { operation, modulus } => config_error(
            Origin::value("task.modulus", &modulus),
            format!("must be prime to {operation}: of no other modulus are all numbers but 0 powers of one"),
        ),
        DivisionByZero => config_error(Origin::value("task.zero", &true), "must be false to divide"),
        other => other.into(),
    }
}
