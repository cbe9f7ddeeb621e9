//! The end of retention, once a day: rules whose 14 days are over come into force, and days of which every recording has reached its end are
//! destroyed, or told about, as the site says. What was cut is gone on with.

use shared::{Day, UtcMicros};
use vault::{By, PolicyStep, RetentionClass, ShredWords, Vault};

use crate::alarms::Bell;
use crate::cmds::keeping::salt;
use crate::config::AtTheEnd;
use crate::site::Site;
use crate::{terminal, world};

/// The program's name in what it did.
const PROGRAM: &str = "retention";

/// Puts due changes into force and tells of them; goes on with what was intended.
///
/// # Errors
/// The vault's.
pub(crate) fn settle(site: &Site, vault: &Vault) -> anyhow::Result<()> {
    let now = world::now().utc;
    for row in vault.apply_policies(now)? {
        let what = if row.step() == PolicyStep::Applied {
            "is in force now"
        } else {
            "was cancelled: the rule is another by now"
        };
        terminal::say(&format!(
            "NOTICE a change of what is kept ({}, number {}, proposed by {}) {what}",
            row.change.object(),
            row.change_id,
            row.proposed.name
        ));
    }
    for row in vault.go_on_shredding(&*site.keys, now)? {
        terminal::say(&format!("NOTICE what was to be destroyed on {} is destroyed here", row.what.day()));
    }
    for order in vault.holds_to_review(site.today())? {
        tracing::info!("the hold for {} is to be asked about: is it still needed?", order.owner);
    }
    Ok(())
}

/// Looks for days at their end. Costs a look at each recording of days that are old enough for the shortest class.
///
/// # Errors
/// The vault's.
pub(crate) fn days(site: &Site, vault: &Vault, rule: AtTheEnd, bell: &Bell) -> anyhow::Result<()> {
    let now = world::now().utc;
    let Some(youngest) = youngest(&vault.classes()?, site.today()) else { return Ok(()) };
    let mut waiting = Vec::new();
    for day in site.keys.days_until(youngest) {
        match vault.shreddable(day, now)? {
            Ok(permission) if permission.recordings() == 0 => {}
            Ok(permission) if rule == AtTheEnd::ByItself => {
                let words =
                    ShredWords { reason: "retention is over".to_owned(), salt: salt(), by: program(now) };
                match vault.shred(permission, &words, &*site.keys, now)? {
                    Ok(row) => terminal::say(&format!(
                        "NOTICE {day}: {} recordings were at the end of their retention, and their keys are destroyed",
                        row.recordings
                    )),
                    Err(kept) => held(day, kept.held.len(), bell),
                }
            }
            Ok(permission) => waiting.push((day, permission.recordings())),
            Err(kept) => held(day, kept.held.len(), bell),
        }
    }
    if let (Some((first, _)), Some((last, _))) = (waiting.first(), waiting.last()) {
        let recordings = waiting.iter().fold(0_u64, |sum, (_, n)| sum.saturating_add(*n));
        terminal::say(&format!(
            "NOTICE {} days from {first} to {last} ({recordings} recordings) are at the end of their retention: destroy them on the page \
             Keeping or by `amethyst shred --day`, or write shred = \"by-itself\" under [retention]",
            waiting.len()
        ));
    }
    Ok(())
}

fn held(day: Day, held: usize, bell: &Bell) {
    if held > 0 {
        bell.alarm(&format!(
            "{day}: {held} recordings would be destroyed by a rule of retention although they are held. They stay; look whether \
             the rule is the one that was meant"
        ));
    }
}

fn program(at: UtcMicros) -> By {
    By { user: None, name: PROGRAM.to_owned(), at }
}

/// The youngest day that the shortest class could let go; `None`: none ever goes.
fn youngest(classes: &[RetentionClass], today: Day) -> Option<Day> {
    let least = classes.iter().filter_map(|class| Some(class.max_days?.max(class.min_days))).min()?;
    today.plus_days(i32::try_from(least.max(2)).ok()?.checked_neg()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_days_that_the_shortest_class_could_let_go_are_looked_at() {
        let class = |min_days, max_days| RetentionClass {
            name: "x".to_owned(),
            min_days,
            max_days,
            coverage: vault::Coverage::default(),
        };
        let check = |classes: &[RetentionClass], expected: Option<&str>| {
            let found = youngest(classes, "2026-11-22".parse().expect("a day"));
            assert_eq!(found.map(|day| day.to_string()).as_deref(), expected, "{classes:?}");
        };
        check(&[], None);
        check(&[class(5, None)], None);
        check(&[class(0, Some(0))], Some("2026-11-20"));
        check(&[class(5, None), class(0, Some(30)), class(0, Some(90))], Some("2026-10-23"));
        check(&[class(60, Some(60))], Some("2026-09-23"));
    }
}
