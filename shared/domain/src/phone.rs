//! Telephone numbers: kept in E.164 (`+8613800138000`) with the form they were given in.

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat};

use crate::invalid::Invalid;

/// Reads a number in any usual form; one without a country code is taken as of `country` (ISO 3166, two letters).
/// Returns the E.164 form.
///
/// # Errors
/// [`Invalid`] with code `phone_malformed` at `field`.
pub fn parse(field: &str, text: &str, country: &str) -> Result<String, Invalid> {
    let malformed = || {
        Invalid::one(
            field,
            "phone_malformed",
            format!("this is not a telephone number in {country} or with a country code"),
        )
    };
    if text.len() > 40 {
        return Err(malformed());
    }
    let region = country.parse::<rlibphonenumber::Region>().ok();
    let number = PHONE_NUMBER_UTIL.parse(text, region).map_err(|_| malformed())?;
    if !PHONE_NUMBER_UTIL.is_possible_number(&number) {
        return Err(malformed());
    }
    Ok(PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::E164).into_owned())
}

/// As [`parse`], for a field that may be absent or empty.
///
/// # Errors
/// [`Invalid`] with code `phone_malformed` at `field`.
pub fn optional(field: &str, text: Option<&str>, country: &str) -> Result<Option<String>, Invalid> {
    match text.map(str::trim) {
        None | Some("") => Ok(None),
        Some(text) => parse(field, text, country).map(Some),
    }
}

/// The digits of an E.164 number as people of its own country dial them, without a leading zero or the country's code.
#[must_use]
pub fn national(number: &str) -> Option<String> {
    let number = PHONE_NUMBER_UTIL.parse(number, None::<rlibphonenumber::Region>).ok()?;
    Some(number.get_national_significant_number())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_e164() {
        let cases = [
            ("138 0013 8000", "CN", Some("+8613800138000")),
            ("+86 138-0013-8000", "US", Some("+8613800138000")),
            ("(415) 555-2671", "US", Some("+14155552671")),
            ("030 123456", "DE", Some("+4930123456")),
            ("abc", "US", None),
            ("", "US", None),
            ("1", "US", None),
            ("+999999999999999999999", "US", None),
        ];
        for (text, country, expected) in cases {
            assert_eq!(
                parse("phone", text, country).ok().as_deref(),
                expected,
                "{text} {country}"
            );
        }
        for (width, taken) in [(38, true), (39, false)] {
            let text = format!("+1{:>width$}", "4155552671");
            assert_eq!(parse("phone", &text, "US").is_ok(), taken, "{text}");
        }
    }
}
