//! One range of bytes out of a known length (RFC 9110, 14). What is odd is overlooked, as the standard wants; what lies
//! behind the end is refused.

/// What a header `Range` asks of a representation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// All of it: no range, several, or one that nobody understands.
    Whole,
    /// From the first up to, not including, the second.
    Part(u64, u64),
    /// Nothing that exists.
    Nothing,
}

/// Reads a header for a representation of `length` bytes.
pub(super) fn asked(header: &str, length: u64) -> Asked {
    let Some(spec) = header.trim().strip_prefix("bytes=") else { return Asked::Whole };
    let Some((first, last)) = spec.trim().split_once('-') else { return Asked::Whole };
    let number = |text: &str| {
        let digits = !text.is_empty() && text.len() <= 30 && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    match (number(first), number(last)) {
        (None, Some(suffix)) if first.is_empty() => match suffix.min(length) {
            0 => Asked::Nothing,
            suffix => Asked::Part(length.saturating_sub(suffix), length),
        },
        (Some(first), None) if last.is_empty() => part(first, length, length),
        (Some(first), Some(last)) if first <= last => part(first, last.saturating_add(1), length),
        _ => Asked::Whole,
    }
}

fn part(from: u64, to: u64, length: u64) -> Asked {
    if from < length { Asked::Part(from, to.min(length)) } else { Asked::Nothing }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_the_standard() {
        let check = |header, expected| assert_eq!(asked(header, 1_000), expected, "{header}");
        check("bytes=0-", Asked::Part(0, 1_000));
        check("bytes=0-0", Asked::Part(0, 1));
        check("bytes=500-999", Asked::Part(500, 1_000));
        check("bytes=500-5000", Asked::Part(500, 1_000));
        check("bytes=-1", Asked::Part(999, 1_000));
        check("bytes=-5000", Asked::Part(0, 1_000));
        check("bytes=0-99999999999999999999999", Asked::Part(0, 1_000));
        check("bytes=1000-", Asked::Nothing);
        check("bytes=99999999999999999999999-", Asked::Nothing);
        check("bytes=-0", Asked::Nothing);
        for odd in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=5-4",
            "bytes=0-1,3-4",
            "items=0-1",
            "bytes=+1-2",
        ] {
            check(odd, Asked::Whole);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_header_gives_bytes_that_are_not_there(header in ".{0,40}", length in 0_u64..5_000) {
            if let Asked::Part(from, to) = asked(&header, length) {
                proptest::prop_assert!(from < to && to <= length);
            }
        }
    }
}
