//! How texts are compared: without case, without accents, digits of any script as digits. Searching and entering fold alike.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Where each script's ten decimal digits begin (Unicode, general category Nd, basic plane), other than ASCII.
const ZEROS: [char; 36] = [
    '\u{660}', '\u{6f0}', '\u{7c0}', '\u{966}', '\u{9e6}', '\u{a66}', '\u{ae6}', '\u{b66}', '\u{be6}',
    '\u{c66}', '\u{ce6}', '\u{d66}', '\u{de6}', '\u{e50}', '\u{ed0}', '\u{f20}', '\u{1040}', '\u{1090}',
    '\u{17e0}', '\u{1810}', '\u{1946}', '\u{19d0}', '\u{1a80}', '\u{1a90}', '\u{1b50}', '\u{1bb0}',
    '\u{1c40}', '\u{1c50}', '\u{a620}', '\u{a8d0}', '\u{a900}', '\u{a9d0}', '\u{a9f0}', '\u{aa50}',
    '\u{abf0}', '\u{ff10}',
];

/// Folds a text: compatibility forms, marks dropped, small letters, digits in ASCII.
pub(crate) fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).map(digit).collect()
}

fn digit(c: char) -> char {
    if c.is_ascii() {
        return c;
    }
    let place = |zero: &char| u32::from(c).checked_sub(u32::from(*zero)).filter(|n| *n < 10);
    ZEROS.iter().find_map(place).and_then(|n| char::from_digit(n, 10)).unwrap_or(c)
}

/// Folds a number: as [`fold`], and without what people write between digits.
pub(crate) fn fold_number(text: &str) -> String {
    let between =
        |c: &char| !matches!(c, ' ' | '-' | '.' | '(' | ')' | '/' | '+' | '\u{2010}'..='\u{2015}' | '\t');
    fold(text).chars().filter(between).collect()
}

/// Folds a text into words: runs of letters and digits.
pub(crate) fn words(text: &str) -> Vec<String> {
    let folded = fold(text);
    folded.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_owned).collect()
}

/// Writes words so that `% word%` finds the beginning of each: `" alice van wyk"`; empty for none.
pub(crate) fn spaced(words: &[String]) -> String {
    words.iter().fold(String::new(), |mut text, word| {
        text.push(' ');
        text.push_str(word);
        text
    })
}

/// Takes `text` literally in a pattern of `like .. escape '!'`.
pub(crate) fn literal(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern
}

/// The end of all texts that begin with `text`, in the order of code points.
pub(crate) fn behind(text: &str) -> String {
    format!("{text}\u{10ffff}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_fold_alike_whoever_wrote_them() {
        let check = |text: &str, expected: &str| assert_eq!(fold(text), expected, "{text}");
        check("Zoë MÜLLER", "zoe muller");
        check("ﬁne ＡＢＣ", "fine abc");
        check("٠١٢٣٤٥٦٧٨٩", "0123456789");
        check("０８２ ५५५", "082 555");
        check("Straße", "straße");
    }

    #[test]
    fn numbers_lose_what_stands_between_digits_and_nothing_else() {
        let check = |text: &str, expected: &str| assert_eq!(fold_number(text), expected, "{text}");
        check("+27 (11) 555-0100", "27115550100");
        check("011/555.0100", "0115550100");
        check("۰۸۲–۵۵۵", "082555");
        check("*21#", "*21#");
        check("115%", "115%");
        check("Alice", "alice");
    }

    #[test]
    fn words_are_runs_of_letters_and_digits() {
        assert_eq!(words("Alice van-Wyk (Sales) é4"), ["alice", "van", "wyk", "sales", "e4"]);
        assert_eq!(spaced(&words("Alice van Wyk")), " alice van wyk");
        assert_eq!(words(" ;-- "), Vec::<String>::new());
    }

    #[test]
    fn patterns_are_taken_literally() {
        assert_eq!(literal("50%_!x"), "50!%!_!!x");
    }
}
