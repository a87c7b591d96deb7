//! How the figures of an operation's networks read.

use clockwork_analysis::{OperationAcross, Spread};

use super::MOST_NAMED;

/// The steps at which networks generalised: `3200`, `2800 to 4100`.
#[must_use]
pub fn steps(of: &OperationAcross) -> String {
    of.steps.as_ref().map_or("–".to_owned(), range)
}

/// From the least to the most of whole numbers.
#[must_use]
pub fn range(of: &Spread) -> String {
    match of.min == of.max {
        true => format!("{}", of.min),
        false => format!("{} to {}", of.min, of.max),
    }
}

/// The frequencies that are key in some network, with how many have them where several do.
#[must_use]
pub fn key_freqs_of_operation(of: &OperationAcross) -> String {
    if !of.coordinates.has_inputs() {
        return "do not apply".to_owned();
    }
    let mut by_count: Vec<(usize, usize)> = of.key_freqs.iter().map(|(&k, &count)| (k, count)).collect();
    by_count.sort_by_key(|&(k, count)| (std::cmp::Reverse(count), k));
    let named = by_count.iter().take(MOST_NAMED).map(|(k, count)| match count {
        1 => k.to_string(),
        count => format!("{k} ({count} runs)"),
    });
    let named: Vec<String> = named.collect();
    let others = by_count.len().saturating_sub(MOST_NAMED);
    match (named.is_empty(), others) {
        (true, _) => format!("none of {}", of.frequencies),
        (false, 0) => format!("{} of {}", named.join(", "), of.frequencies),
        (false, others) => format!("{} and {others} others of {}", named.join(", "), of.frequencies),
    }
}
