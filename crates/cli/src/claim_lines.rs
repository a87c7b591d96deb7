use clockwork_analysis::{Claim, Verdict};
use clockwork_report::words;

/// Claims, a line each, and how many of them hold.
pub fn claim_lines(claims: &[Claim]) -> Vec<String> {
    let width = claims.iter().map(|claim| claim.statement.chars().count()).max().unwrap_or(0);
    let held = claims.iter().filter(|claim| claim.holds()).count();
    let mut lines: Vec<String> = claims.iter().map(|claim| line(claim, width)).collect();
    lines.push(format!("\n  {held} of {} claims hold", claims.len()));
    lines
}

/// A claim in a line, its verdict first.
fn line(claim: &Claim, width: usize) -> String {
    let (verdict, bounds) = match claim.verdict {
        Verdict::Holds => ("holds", format!("  ({})", words::bounds(claim))),
        Verdict::Fails { .. } => ("FAILS", format!("  ({})", words::bounds(claim))),
        Verdict::DoesNotApply { .. } => ("n/a  ", String::new()),
    };
    format!("  {verdict}  {:<width$}  {}{bounds}", claim.statement, words::found(claim))
}
