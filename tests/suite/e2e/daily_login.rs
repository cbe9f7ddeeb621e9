//! The login of the day on the command line: the log says first that it was given out, with a server and without one.

use std::path::Path;

use super::serve::{Server, inside};
use super::site::{Site, run};

/// The releases in the log of a site, as its files say: (day, lane, flags).
fn releases(site: &Site) -> Vec<(u32, u8, u8)> {
    let bytes = std::fs::read(Path::new(site.data()).join("log/leaves-000000000000.aml")).unwrap_or_default();
    let mut rest = bytes.get(20..).unwrap_or_default();
    let mut all = Vec::new();
    while let Some((len, behind)) = rest.split_first_chunk::<2>() {
        let len = usize::from(u16::from_le_bytes(*len));
        let leaf = behind.get(..len).expect("a whole leaf");
        // `version | type | ..`, 28 octets up to the act, then `date u32 | lane | flags | two digests`.
        if let (Some(4), [date @ .., lane, flags]) = (leaf.get(1), &leaf[28..34]) {
            assert_eq!(len, 28 + 70);
            all.push((u32::from_le_bytes(date.try_into().expect("four octets")), *lane, *flags));
        }
        rest = behind.get(len + 4..).expect("its sum");
    }
    all
}

#[test]
fn the_login_is_the_same_all_day_and_every_sight_of_it_is_in_the_log() {
    let site = Site::new();
    assert_eq!(releases(&site), []);
    let first =
        site.run("daily-login", &["--for", "the auditor", "--reason", "ticket 4711", "--json"]).json();
    let text = |name: &str| first[name].as_str().unwrap_or_else(|| panic!("{name} in {first}")).to_owned();
    let (login, password) = (text("login"), text("password"));
    assert!(login.len() == 5 && login.starts_with('a'), "{login}");
    assert!(password.len() == 19 && password.split('-').all(|group| group.len() == 4), "{password}");
    assert_eq!(text("zone"), "Africa/Johannesburg");
    let (from, until) = (text("valid_from"), text("valid_until"));
    assert!(from.contains("T00:00:00") && until.contains("T00:00:00") && from < until, "{from} {until}");
    assert_eq!(releases(&site).len(), 1);
    let date: u32 =
        from.split('T').next().map(|day| day.replace('-', "")).and_then(|day| day.parse().ok()).unwrap();

    let second = site.run("daily-login", &[]);
    assert_eq!(second.code, Some(0), "{}", second.err);
    // Midnight may have come between the two.
    let entered = releases(&site);
    if entered.iter().all(|release| *release == (date, b'a', 0)) {
        assert!(second.out.contains(&login) && second.out.contains(&password), "{}", second.out);
    }
    assert_eq!(entered.len(), 2, "{entered:?}");
    for word in ["Alfa", "Valid until", "Africa/Johannesburg"] {
        assert!(second.out.contains(word), "{word} is missing in {}", second.out);
    }
    assert!(!second.err.contains(&password), "a secret belongs to standard output alone");
    assert_eq!(run(&["log", "check", "--data", site.data()]).code, Some(0), "the log holds");
}

#[test]
fn what_cannot_be_entered_is_not_shown() {
    let site = Site::new();
    let long = "x".repeat(201);
    for words in [["--for", ""], ["--for", &long], ["--reason", "two\nlines"]] {
        let ran = site.run("daily-login", &words);
        ran.refused(2, &["1 to 200 characters"]);
        assert_eq!(ran.out, "", "nothing is shown");
    }
    assert_eq!(releases(&site), []);
    // A log that cannot be written takes no leaf.
    assert_eq!(site.run("daily-login", &[]).code, Some(0));
    let log = Path::new(site.data()).join("log/leaves-000000000000.aml");
    std::fs::remove_file(&log).expect("it is there");
    std::fs::create_dir(&log).expect("the test may");
    let ran = site.run("daily-login", &["--json"]);
    assert_ne!(ran.code, Some(0), "{}", ran.out);
    assert_eq!(ran.out, "", "nothing is shown");
    assert!(!ran.err.is_empty(), "it says why");
}

#[test]
fn a_running_server_enters_it_and_answers() {
    if !inside("daily_login", "a_running_server_enters_it_and_answers") {
        return;
    }
    let site = Site::new();
    let alone = site.run("daily-login", &["--json"]).json();
    let server = Server::start(&site);
    let asked = site.run("daily-login", &["--for", "the auditor", "--json"]).json();
    if alone["valid_from"] == asked["valid_from"] {
        assert_eq!(alone, asked);
    }
    assert_eq!(releases(&site).len(), 2);
    site.run("daily-login", &["--reason", "x\u{1b}[2J"]).refused(2, &["1 to 200 characters"]);
    assert_eq!(releases(&site).len(), 2);
    drop(server);
}
