//! Notices as sentences for the journal and the command line: what it is, what it means for recordings, what to do.

use shared::{Day, UtcMicros, Zone};

use super::{Notice, NoticeKind};

impl Notice {
    /// Returns the sentence for people, in English.
    #[must_use]
    pub fn sentence(&self, zone: &Zone) -> String {
        let f = &self.filled;
        let (name, why, n) = (&f.name, &f.why, f.count.unwrap_or(0));
        let when = || moment(zone, f.at_us);
        let day =
            || f.day.and_then(|day| Day::from_yyyymmdd(day).ok()).map_or_else(String::new, |d| d.to_string());
        let medium = || self.medium();
        match self.kind {
            NoticeKind::NoPlace => {
                "recordings lie on this server only: no archive location is configured (amethyst location add)".to_owned()
            }
            NoticeKind::Away => format!("{name} is not connected ({why}); {} last there {}", medium(), when()),
            NoticeKind::Unseen => format!(
                "{name} was not connected for two nights ({why}); {} last there {}. What was recorded since lies on this server, and \
                 nothing leaves it. Connect it",
                medium(),
                when()
            ),
            NoticeKind::OtherMedium => format!("{name}: another medium is there: {why}. Nothing is written to it"),
            NoticeKind::Copied => format!(
                "{name}: a copy of the medium is there, or an old state of it: {why}. Nothing is written to it"
            ),
            NoticeKind::ReadOnly => format!(
                "{name} cannot be written: {why}. Mount it for writing, or look at the drive: a failing one is often made \
                 read-only by the system"
            ),
            NoticeKind::Suspect => format!(
                "{name}: something on {} was not as it should be. Nothing is archived to it, and nothing leaves the live store because \
                 of it. Verify it (amethyst archive verify); then a person may trust it again, or use another one",
                medium()
            ),
            NoticeKind::Lost => format!(
                "{name}: {n} files there are bad and no good copy of them is known: they left the live store, and no other medium is proven \
                 to hold them. Remove nothing. Connect every medium that may have them; each run looks for them"
            ),
            NoticeKind::Behind => format!(
                "{name} lacks {n} files ({} MiB) that should have been there since the last evening; everything until {} is",
                f.bytes.unwrap_or(0) >> 20,
                when()
            ),
            NoticeKind::Failed => format!("{name}: the last run failed, and a person must do something: {why}"),
            NoticeKind::Holes => format!(
                "{name}: {n} files could not be carried, or were found bad there; each is tried again by every run. Run `amethyst check`, and \
                 look at the disk"
            ),
            NoticeKind::Stopped => format!(
                "{name}: the run was ended by {why} at {}; {n} files are due. It goes on in the evening, or when somebody asks for it",
                when()
            ),
            NoticeKind::ClockBack => format!(
                "{name}: the clock stands before the last run of {}. Nothing is archived by itself until it is right again",
                when()
            ),
            NoticeKind::Fills => format!(
                "{name}: {} has room for {n} more days, until {}. Have another one ready",
                medium(),
                day()
            ),
            NoticeKind::NearlyFull => format!("{name}: {} is full to {n} %. Have another one ready", medium()),
            NoticeKind::NightTooShort => format!(
                "{name} is too slow: at {} MB a second what is recorded needs {n} hours, and the next evening comes sooner. Use a \
                 faster medium, or archive all the time (archive.continuous)",
                f.bytes.unwrap_or(0) / 1_000_000
            ),
            NoticeKind::Cached => format!(
                "{name}: what was read back may have come from a cache, so it is no proof, and nothing there may leave the live store. \
                 Mount it without a cache (cifs: cache=none) and verify it"
            ),
            NoticeKind::Lowered => format!(
                "{name}: after a restore nothing on {} counts as proven until it was read again: amethyst archive verify",
                medium()
            ),
            NoticeKind::DrillOverdue => format!(
                "{name}: for more than a month no recording was fetched back and opened (last {}). Connect it: the drill begins by itself",
                when()
            ),
            NoticeKind::DrillWrong => format!(
                "{name}: at the drill of {} a recording did not come back as it was sealed. Verify the medium (amethyst archive verify)",
                when()
            ),
            NoticeKind::LoginsShort => format!(
                "{name}: daily logins lie there for {n} more days, until {}. Runs by night make more; look why they did not",
                day()
            ),
            NoticeKind::RetentionNear => format!(
                "{name}: a recording that it lacks reaches the end of its retention at {}; {n} files are due there",
                when()
            ),
            NoticeKind::NoRoom => format!(
                "the disk of the live store is {n} % full and nothing may leave it ({why}). Connect the archive, or enlarge the disk; \
                 nothing is removed that is not proven elsewhere"
            ),
            NoticeKind::HoldReview => {
                format!("since {} somebody should ask whether the legal hold of {name} is still needed; until it is released nothing of it goes", day())
            }
            NoticeKind::PolicyWaits => match f.at_us {
                None => format!("{name} proposes to keep less ({n} recordings): another administrator must confirm it, or cancel it"),
                Some(_) => format!("less will be kept from {} on ({n} recordings), as {name} proposed: anybody may cancel it", when()),
            },
        }
    }

    fn medium(&self) -> String {
        let (label, lies_in) = (&self.filled.medium, &self.filled.lies_in);
        let label = if label.is_empty() { "its medium".to_owned() } else { label.clone() };
        if lies_in.is_empty() { label } else { format!("{label} (lies in: {lies_in})") }
    }
}

fn moment(zone: &Zone, at_us: Option<i64>) -> String {
    // To the minute, with the offset: 2026-11-22T21:00+02:00.
    at_us.map_or_else(
        || "never".to_owned(),
        |us| {
            let text = zone.rfc3339(UtcMicros(us));
            let (minute, offset) =
                (text.get(..16), text.rfind(['+', '-', 'Z']).and_then(|at| text.get(at..)));
            format!(
                "{}{}",
                minute.unwrap_or(&text).replace('T', " "),
                offset.map_or_else(String::new, |o| format!(" {o}"))
            )
        },
    )
}
