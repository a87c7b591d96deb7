//! Which claims are about something that a task's operation does not have.

use clockwork_model::CoordinatesOf;

/// Why claims about frequencies do not apply where inputs have no coordinates.
const NO_COORDINATES: &str = "its operation has no known coordinates in which it is addition";

/// Why claims about waves of the answers do not apply where these have no coordinates.
const NO_COORDINATES_OF_ANSWERS: &str = "several sums share an answer, so that answers have no coordinates";

/// The claims that are not about frequencies.
const OF_ALL: [&str; 1] = ["generalises"];

/// The claims about waves of the answers.
const OF_ANSWERS: [&str; 2] = ["neurons-supply-sum", "logits-are-waves"];

/// Why a claim does not apply to an operation of which so much has coordinates, if it does not.
pub(crate) fn why_not(coordinates: CoordinatesOf, id: &str) -> Option<&'static str> {
    match coordinates {
        CoordinatesOf::Nothing => Some(NO_COORDINATES).filter(|_| !OF_ALL.contains(&id)),
        CoordinatesOf::Inputs => Some(NO_COORDINATES_OF_ANSWERS).filter(|_| OF_ANSWERS.contains(&id)),
        CoordinatesOf::InputsAndAnswers => None,
    }
}
