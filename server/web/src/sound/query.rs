//! From a query string to a search: strict, so that a misspelt filter never widens what is found.

use api::{Order, RecordingQuery};
use shared::{Direction, Method, Side, Zone};
use vault::{Cursor, ExtensionPattern, Place, Search};

use crate::problem::Refusal;
use crate::take::{bounded, instant};

const PAGE: u32 = 50;
const PAGE_MAX: u32 = 200;

/// Reads a query. `zone` is the site's: times without an offset are meant there.
pub(super) fn search(asked: &RecordingQuery, zone: &Zone) -> Result<Search, Refusal> {
    let time = |text: &Option<String>, end| text.as_deref().map(|t| instant(t.trim(), zone, end)).transpose();
    let seconds = |n: Option<u32>| n.map(|n| u64::from(n).saturating_mul(1_000_000));
    let extension =
        bounded("extension", &asked.extension, 100)?.map(|t| t.parse::<ExtensionPattern>()).transpose();
    let limit = asked.limit.unwrap_or(PAGE);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(Refusal::bad("`limit` is a number from 1 to 200."));
    }
    if let (Some(min), Some(max)) = (asked.min_seconds, asked.max_seconds)
        && min > max
    {
        return Err(Refusal::bad("`min_seconds` is larger than `max_seconds`: nothing can be found."));
    }
    Ok(Search {
        words: bounded("q", &asked.q, 500)?,
        number: bounded("number", &asked.number, 100)?,
        name: bounded("name", &asked.name, 100)?,
        extension: extension.map_err(|error| Refusal::bad(format!("`extension`: {error}")))?,
        since: time(&asked.since, false)?,
        until: time(&asked.until, true)?,
        min_us: seconds(asked.min_seconds),
        max_us: seconds(asked.max_seconds),
        directions: words("direction", &asked.direction, Direction::from_number, Direction::word)?,
        methods: words("method", &asked.method, Method::from_number, Method::word)?,
        sides: words("side", &asked.side, Side::from_number, Side::word)?,
        tap: bounded("tap", &asked.tap, 100)?,
        tag: bounded("tag", &asked.tag, 100)?,
        reference: bounded("reference", &asked.reference, 100)?,
        subject: bounded("subject", &asked.subject, 200)?,
        comment: bounded("comment", &asked.comment, 200)?,
        has_gap: asked.has_gap,
        held: asked.held,
        oldest_first: asked.order == Some(Order::Oldest),
        place: place(asked)?,
        limit,
    })
}

/// Takes words of a closed list, with commas between them.
fn words<T>(
    name: &str,
    given: &Option<String>,
    of_number: impl Fn(u8) -> Option<T>,
    word: impl Fn(T) -> &'static str,
) -> Result<Vec<T>, Refusal> {
    let Some(given) = bounded(name, given, 100)? else { return Ok(Vec::new()) };
    let known = || (0..16).filter_map(|n| Some((n, word(of_number(n)?))));
    let one = |asked: &str| {
        let found = known().find(|(_, word)| *word == asked.trim()).and_then(|(n, _)| of_number(n));
        found.ok_or_else(|| {
            let words: Vec<&str> = known().map(|(_, word)| word).collect();
            Refusal::bad(format!(
                "`{name}` is one or more of {}, with commas between them.",
                words.join(", ")
            ))
        })
    };
    given.split(',').map(one).collect()
}

fn place(asked: &RecordingQuery) -> Result<Place, Refusal> {
    let cursor = |text: &str| {
        text.parse::<Cursor>()
            .map_err(|_odd| Refusal::bad("`after` and `before` are values `next` and `previous` of a page."))
    };
    match (&asked.after, &asked.before) {
        (None, None) => Ok(Place::Start),
        (Some(after), None) => Ok(Place::After(cursor(after)?)),
        (None, Some(before)) => Ok(Place::Before(cursor(before)?)),
        (Some(_), Some(_)) => Err(Refusal::bad("Give `after` or `before`, not both.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone() -> Zone {
        Zone::named("Africa/Johannesburg").unwrap()
    }

    fn asked(change: impl FnOnce(&mut RecordingQuery)) -> Result<Search, Refusal> {
        let mut asked = RecordingQuery::default();
        change(&mut asked);
        search(&asked, &zone())
    }

    #[test]
    fn nothing_asked_is_everything_newest_first_fifty_a_page() {
        assert_eq!(asked(|_| {}).unwrap(), Search { limit: 50, ..Search::default() });
    }

    #[test]
    fn words_of_lists_are_exact() {
        let found = asked(|q| q.direction = Some("in, out".into())).unwrap();
        assert_eq!(found.directions, [Direction::In, Direction::Out]);
        assert_eq!(asked(|q| q.side = Some("trunk".into())).unwrap().sides, [Side::Trunk]);
        for odd in ["IN", "inn", "in,", ",", "in;out"] {
            assert!(asked(|q| q.direction = Some(odd.into())).is_err(), "{odd}");
        }
    }

    #[test]
    fn a_day_as_the_end_means_the_whole_day() {
        let found = asked(|q| {
            q.since = Some("2026-11-22".into());
            q.until = Some("2026-11-22".into());
        });
        let found = found.unwrap();
        assert_eq!(found.until.unwrap().since(found.since.unwrap()), 86_400_000_000);
    }

    #[test]
    fn odd_values_are_refused_and_never_widen_a_search() {
        let refused: [fn(&mut RecordingQuery); 9] = [
            |q| q.limit = Some(0),
            |q| q.limit = Some(201),
            |q| q.q = Some("x".repeat(501)),
            |q| q.q = Some("a\u{0}b".into()),
            |q| q.since = Some("yesterday".into()),
            |q| q.extension = Some("31 15".into()),
            |q| q.after = Some("x".into()),
            |q| (q.after, q.before) = (Some("1".into()), Some("1".into())),
            |q| (q.min_seconds, q.max_seconds) = (Some(2), Some(1)),
        ];
        for (n, change) in refused.into_iter().enumerate() {
            assert!(asked(change).is_err(), "case {n}");
        }
    }
}
