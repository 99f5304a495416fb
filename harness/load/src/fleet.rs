//! A fleet of real clients through a week, compressed into the time of a run.
//!
//! Clients that are activated renew every seven days, those that are not ask every two hours, and both do so when their
//! machine starts if it was off when they should have. So a week of a company is quiet nights, mornings with a wave when
//! people switch on, a Monday morning that is the highest since the weekend's renewals are overdue, and echoes of it
//! every two hours by those the host has not activated yet. Source: kms-protocol 7.

use std::time::Duration;

use crate::mix::{Mix, MixError};
use crate::plan::{Pattern, Plan, Reuse};
use crate::schedule::{Arrivals, Stage};

/// Hour of the week, counted from Monday 00:00, and the rate as a part of the highest.
const WEEK: [(f64, f64); 27] = [
    (0.0, 0.03),
    (7.0, 0.05),
    (8.5, 1.0),
    (9.5, 0.45),
    (10.5, 0.55),
    (11.5, 0.25),
    (12.5, 0.35),
    (14.5, 0.22),
    (18.0, 0.08),
    (31.0, 0.05),
    (32.5, 0.50),
    (34.5, 0.25),
    (42.0, 0.08),
    (55.0, 0.05),
    (56.5, 0.45),
    (58.5, 0.22),
    (66.0, 0.08),
    (79.0, 0.05),
    (80.5, 0.45),
    (82.5, 0.22),
    (90.0, 0.08),
    (103.0, 0.05),
    (104.5, 0.40),
    (106.5, 0.20),
    (114.0, 0.05),
    (120.0, 0.02),
    (168.0, 0.02),
];

/// The stages of a week within `duration`, the highest rate being `peak` requests a second.
pub fn stages(duration: Duration, peak: f64) -> Vec<Stage> {
    let hour = duration.div_f64(168.0);
    WEEK.windows(2)
        .filter_map(|pair| match pair {
            [(begin, from), (end, to)] => Some(Stage {
                duration: hour.mul_f64(end - begin),
                from: from * peak,
                to: to * peak,
            }),
            _ => None,
        })
        .collect()
}

/// What a fleet asks: mostly version 6 in NDR64, some old clients.
///
/// # Errors
/// None: the mix is a constant, and a test holds it.
pub fn mix() -> Result<Mix, MixError> {
    Ok(Mix {
        versions: "v4=3,v5=7,v6=90".parse()?,
        syntaxes: "ndr32=1,ndr64=3".parse()?,
        fragments: "5840".parse()?,
    })
}

/// A fleet's plan: as many clients as given, each with a connection of its own for each request.
///
/// # Errors
/// As [`mix`].
pub fn plan(duration: Duration, peak: f64, clients: usize) -> Result<Plan, MixError> {
    Ok(Plan {
        pattern: Pattern::Open(Arrivals::Poisson),
        stages: stages(duration, peak),
        connections: 256,
        reuse: Reuse::New,
        mix: mix()?,
        clients,
        ..Plan::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::num::SECOND;

    #[test]
    fn a_week_has_its_highest_rate_on_monday_morning() {
        let plan = plan(Duration::from_secs(168), 1000.0, 100).unwrap();
        assert_eq!(plan.check(), Ok(()));
        let schedule = plan.schedule();
        let level = |hour: f64| {
            let after = crate::num::count(hour * crate::num::float(SECOND));
            schedule.level(schedule.measured_from() + after)
        };
        let hours = (0..168_u32).map(|hour| level(f64::from(hour) + 0.5));
        assert!(hours.clone().all(|level| level <= 1000.0));
        assert!(level(8.5) > 990.0);
        // Other mornings have their wave, nights and the weekend have none.
        for (wave, quiet) in [(32.5, 27.0), (56.5, 50.0), (104.5, 150.0)] {
            assert!(level(wave) > 5.0 * level(quiet), "{wave} {quiet}");
        }
        let measured = schedule.end() - schedule.measured_from();
        assert!(
            measured.abs_diff(168 * SECOND) < SECOND / 1000,
            "{measured}"
        );
    }
}
