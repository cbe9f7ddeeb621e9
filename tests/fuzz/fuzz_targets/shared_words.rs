#![no_main]
//! Words that people type and files carry: references, days, identities, times. Whatever is accepted says itself again,
//! and no time of the clock, however wrong, stops the program.

use libfuzzer_sys::fuzz_target;
use shared::{Day, RecordingId, Reference, UtcMicros, Zone};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        says_itself_again::<Reference>(text);
        says_itself_again::<Day>(text);
        says_itself_again::<RecordingId>(text);
        let _ = Zone::named(text);
    }
    if let Some((at, _)) = bytes.split_first_chunk::<8>() {
        let at = UtcMicros(i64::from_le_bytes(*at));
        for name in ["Africa/Johannesburg", "Australia/Lord_Howe", "America/St_Johns"] {
            let zone = Zone::named(name).expect("in the tz database");
            let day = zone.day_of(at);
            assert!(zone.hms_of(at).0 < 24);
            assert_eq!(Day::from_yyyymmdd(day.yyyymmdd()), Ok(day));
            let _ = (zone.rfc3339(at), zone.start_of(day), at.to_string());
        }
    }
});

fn says_itself_again<T: std::str::FromStr + ToString + PartialEq + std::fmt::Debug>(text: &str)
where
    T::Err: std::fmt::Debug,
{
    if let Ok(value) = text.parse::<T>() {
        assert_eq!(value.to_string().parse::<T>().expect("what it says itself"), value, "{text:?}");
    }
}
