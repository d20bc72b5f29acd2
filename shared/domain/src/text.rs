//! Texts that people type: trimmed, without control characters, of bounded length; and the words in them.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization as _;

use crate::invalid::Invalid;

/// Trims a text, puts it in Unicode's composed form and refuses control characters and more than `most` characters.
/// `None` and an empty text are both nothing.
///
/// # Errors
/// [`Invalid`] at `field`.
pub fn optional(field: &str, text: Option<String>, most: usize) -> Result<Option<String>, Invalid> {
    let Some(text) = text else { return Ok(None) };
    let text: String = text.trim().nfc().collect();
    if text.is_empty() {
        return Ok(None);
    }
    let length = text.chars().count();
    if length > most {
        return Err(Invalid::one(
            field,
            "too_long",
            format!("at most {most} characters, this has {length}"),
        ));
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(Invalid::one(
            field,
            "control_character",
            "control characters are not allowed",
        ));
    }
    Ok(Some(text))
}

/// As [`optional`], but there must be a text.
///
/// # Errors
/// [`Invalid`] at `field`.
pub fn required(field: &str, text: Option<String>, most: usize) -> Result<String, Invalid> {
    optional(field, text, most)?.ok_or_else(|| Invalid::one(field, "required", "this field is required"))
}

/// The words of a text for searching: lower case, without accents, letters and digits only; Chinese, Japanese and Korean
/// characters each stand alone.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let folded = text
        .nfkd()
        .filter(|c| !unicode_normalization::char::is_combining_mark(*c))
        .flat_map(char::to_lowercase);
    for c in folded {
        if is_ideograph(c) {
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            words.push(c.to_string());
        } else if c.is_alphanumeric() {
            word.push(c);
        } else if !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// A text as a key for comparing: its words, sorted and joined. "Li, Anna" and "anna li" have the same.
#[must_use]
pub fn key(text: &str) -> String {
    let mut words = words(text);
    words.sort_unstable();
    words.join(" ")
}

/// Whether a character is of a script that is written without spaces: Chinese, Japanese, Korean.
#[must_use]
pub const fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{2fa1f}')
}

/// A text that no spreadsheet takes for a formula: with an apostrophe before it where it begins like one. Plain numbers stay.
/// The characters are OWASP's ("CSV Injection"), the wide ones among them.
#[must_use]
pub fn harmless(text: &str) -> Cow<'_, str> {
    let begins = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if begins && !is_plain_number(text) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

fn is_plain_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    all(whole) && all(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_folded_and_chinese_goes_by_character() {
        let cases: [(&str, &[&str]); 6] = [
            ("Müller & Söhne", &["muller", "sohne"]),
            ("李小明", &["李", "小", "明"]),
            ("ACME上海 2", &["acme", "上", "海", "2"]),
            ("", &[]),
            ("  --  ", &[]),
            ("o'Neill", &["o", "neill"]),
        ];
        for (text, expected) in cases {
            assert_eq!(words(text), expected, "{text}");
        }
        assert_eq!(key("Li, Anna"), key("anna  LI"));
    }

    #[test]
    fn a_text_is_trimmed_and_bounded() {
        assert_eq!(optional("a", Some("  x ".into()), 5), Ok(Some("x".into())));
        assert_eq!(optional("a", Some("   ".into()), 5), Ok(None));
        assert!(optional("a", Some("123456".into()), 5).is_err());
        assert!(optional("a", Some("a\u{0}b".into()), 5).is_err());
        assert!(required("a", None, 5).is_err());
    }

    #[test]
    fn what_begins_like_a_formula_is_neutralised() {
        for (text, expected) in [
            ("=1+1", "'=1+1"),
            ("+1+1", "'+1+1"),
            ("-1+1", "'-1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "'\r=1"),
            ("＝1+1", "'＝1+1"),
            ("-", "'-"),
            ("-1.", "'-1."),
            ("-12.5", "-12.5"),
            ("-12", "-12"),
            ("12", "12"),
            ("a=1", "a=1"),
            ("", ""),
            ("'x", "'x"),
        ] {
            assert_eq!(harmless(text), expected, "{text:?}");
        }
    }
}
