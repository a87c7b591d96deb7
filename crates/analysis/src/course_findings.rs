use serde::{Deserialize, Serialize};

use crate::{Claim, CoursePhases, Lead, Progress, course_claims, leads};

/// What a run's course tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CourseFindings {
    /// Where the phases begin, where that can be told.
    pub phases: Option<CoursePhases>,
    /// What leads and what follows.
    pub leads: Vec<Lead>,
    /// The claims about the course, checked.
    pub claims: Vec<Claim>,
}

impl CourseFindings {
    /// Those of what was measured.
    #[must_use]
    pub fn of(progress: &Progress) -> Self {
        Self { phases: CoursePhases::of(progress), leads: leads(progress), claims: course_claims(progress) }
    }
}
