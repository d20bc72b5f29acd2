//! The words by which a record is found, and the words of a question. What is stored where is not decided here.
//!
//! Words are folded ([`crate::text::words`]) and found by how they begin. Scripts without spaces go by pairs of
//! characters: `李小明` is kept as `李小`, `小明`, `明`, so that one character and any run of them are both the beginning of
//! something kept. An e-mail address is kept whole as well as in parts; a telephone number by its digits, with and
//! without the country's.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::text;

/// A record is found by at most so many words.
pub const MOST_WORDS: usize = 40;
/// A word is kept up to so many characters.
pub const MOST_CHARACTERS: usize = 64;
/// A question is at most so long, in characters.
pub const MOST_QUESTION: usize = 200;
/// So many words of a question are looked at.
const MOST_TERMS: usize = 8;

/// The kinds of record that can be found, as the API names them.
pub const NOUNS: [&str; 6] = ["contact", "company", "lead", "ticket", "order", "product"];

/// By what a record is found and how it is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What names it: a name, a number, a subject.
    pub title: String,
    /// What tells it from others of that name.
    pub subtitle: String,
    /// Its words and how much each says of it: 3 in its name, 1 elsewhere.
    pub words: BTreeMap<String, u8>,
}

/// What a record is found by. `None` for a kind that is not searched, and for a record that is deleted or merged away.
#[must_use]
pub fn entry(noun: &str, doc: &Value) -> Option<Entry> {
    let there = |field: &str| doc.get(field).is_some_and(|value| !value.is_null());
    if there("deleted_at") || there("merged_into") {
        return None;
    }
    let field = |name: &str| match doc.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let mut words = Words::default();
    let (title, subtitle) = match noun {
        "contact" => {
            let (name, email, phone) = (field("name"), field("email"), field("phone"));
            words.text(3, &name);
            words.text(3, &field("given_name"));
            words.text(3, &field("family_name"));
            for email in list(doc, "emails", "address") {
                words.email(&email);
            }
            for phone in list(doc, "phones", "number") {
                words.phone(&phone);
            }
            let reach = [email, phone]
                .into_iter()
                .find(|text| !text.is_empty() && *text != name);
            (name, joined([field("title"), reach.unwrap_or_default()]))
        }
        "company" => {
            let name = field("name");
            words.text(3, &name);
            let website = field("website");
            let host = website
                .split("://")
                .last()
                .and_then(|rest| rest.split('/').next())
                .unwrap_or("");
            words.text(1, host.strip_prefix("www.").unwrap_or(host));
            words.email(&field("email"));
            words.phone(&field("phone"));
            words.text(1, &field("tax_id"));
            (name, joined([field("industry"), host.to_owned()]))
        }
        "lead" => {
            let (name, company, email, phone) = (field("name"), field("company_name"), field("email"), field("phone"));
            words.text(3, &name);
            words.text(if name.is_empty() { 3 } else { 2 }, &company);
            words.email(&email);
            words.phone(&phone);
            let mut known = [name, company, email, phone]
                .into_iter()
                .filter(|text| !text.is_empty());
            let title = known.next().unwrap_or_default();
            (title, joined([known.next().unwrap_or_default(), field("status")]))
        }
        "ticket" => {
            let number = field("number");
            words.text(3, &number);
            words.text(3, &field("subject"));
            (field("subject"), joined([format!("#{number}"), field("status")]))
        }
        "order" => {
            let number = field("number");
            words.text(3, &number);
            let total = match doc.get("total") {
                Some(Value::Object(money)) => money.get("amount").and_then(Value::as_str).unwrap_or("").to_owned(),
                _ => field("total"),
            };
            let total = if total.is_empty() {
                total
            } else {
                format!("{total} {}", field("currency"))
            };
            (number, joined([field("placed_on"), field("status"), total]))
        }
        "product" => {
            words.text(3, &field("name"));
            words.text(3, &field("sku"));
            words.text(1, &field("category"));
            (field("name"), joined([field("sku"), field("category")]))
        }
        _ => return None,
    };
    for ids in ["external_ids", "merged_external_ids"] {
        for id in doc
            .get(ids)
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(|map| map.values())
        {
            match id {
                Value::String(id) => words.text(1, id),
                Value::Array(all) => all.iter().filter_map(Value::as_str).for_each(|id| words.text(1, id)),
                _ => {}
            }
        }
    }
    for tag in doc.get("tags").and_then(Value::as_array).into_iter().flatten() {
        words.text(1, tag.as_str().unwrap_or_default());
    }
    Some(Entry {
        title,
        subtitle,
        words: words.kept,
    })
}

/// The words of a question; a record answers it that has, for each of them, a word that begins so.
#[must_use]
pub fn terms(question: &str) -> Vec<String> {
    let mut terms = Vec::new();
    if let Some(digits) = digits_of(question) {
        return vec![digits];
    }
    for chunk in question.split_whitespace() {
        if chunk.contains('@') {
            terms.push(whole(chunk.trim_matches(|c: char| matches!(c, '<' | '>' | ',' | ';'))));
        } else {
            terms.extend(tokens(chunk, false));
        }
    }
    terms.retain(|term| !term.is_empty());
    let mut seen = std::collections::BTreeSet::new();
    terms.retain(|term| seen.insert(term.clone()));
    terms.truncate(MOST_TERMS);
    terms
}

/// A text that is a telephone number, or the beginning of one, as its digits.
fn digits_of(text: &str) -> Option<String> {
    let plain = text
        .chars()
        .all(|c| c.is_ascii_digit() || matches!(c, ' ' | '+' | '-' | '(' | ')' | '.' | '/'));
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    (plain && digits.len() >= 5).then(|| cut(&digits))
}

#[derive(Default)]
struct Words {
    kept: BTreeMap<String, u8>,
}

impl Words {
    fn add(&mut self, weight: u8, word: &str) {
        let word = cut(word);
        if word.is_empty() || (self.kept.len() >= MOST_WORDS && !self.kept.contains_key(&word)) {
            return;
        }
        let known = self.kept.entry(word).or_insert(weight);
        *known = weight.max(*known);
    }

    fn text(&mut self, weight: u8, text: &str) {
        if text.contains('@') {
            return self.email(text);
        }
        tokens(text, true).iter().for_each(|word| self.add(weight, word));
    }

    /// An address whole, and the words of both its sides but for the last label of the domain, which says nothing.
    fn email(&mut self, address: &str) {
        let Some((local, domain)) = address.rsplit_once('@') else {
            return;
        };
        self.add(1, &whole(address));
        tokens(local, true).iter().for_each(|word| self.add(1, word));
        let domain = domain.rsplit_once('.').map_or(domain, |(head, _)| head);
        tokens(domain, true).iter().for_each(|word| self.add(1, word));
    }

    fn phone(&mut self, number: &str) {
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        self.add(1, &digits);
        if let Some(national) = crate::phone::national(number) {
            self.add(1, &national);
        }
    }
}

/// The strings in a field of the objects of a list.
fn list(doc: &Value, list: &str, field: &str) -> Vec<String> {
    let entries = doc.get(list).and_then(Value::as_array).into_iter().flatten();
    entries
        .filter_map(|entry| entry.get(field)?.as_str().map(str::to_owned))
        .collect()
}

fn joined<const N: usize>(parts: [String; N]) -> String {
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(" · ")
}

/// A text as one word: lower case, without spaces at its ends.
fn whole(text: &str) -> String {
    cut(&text.trim().to_lowercase())
}

fn cut(word: &str) -> String {
    word.chars().filter(|c| *c != '#').take(MOST_CHARACTERS).collect()
}

/// The words of a text, runs of ideographs by pairs; with the last character of a run alone when it is to be `kept`.
fn tokens(text: &str, kept: bool) -> Vec<String> {
    let words = text::words(text);
    let single = |word: &String| {
        let mut characters = word.chars();
        characters.next().is_some_and(text::is_ideograph) && characters.next().is_none()
    };
    let mut tokens = Vec::with_capacity(words.len());
    for (n, word) in words.iter().enumerate() {
        let next = words.get(n + 1).filter(|next| single(word) && single(next));
        let follows = n > 0 && single(word) && single(&words[n - 1]);
        match next {
            Some(next) => tokens.push(format!("{word}{next}")),
            None if kept || !follows => tokens.push(word.clone()),
            None => {}
        }
    }
    tokens
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn questions_become_terms() {
        for (question, expected) in [
            ("Ann Li", &["ann", "li"][..]),
            ("李小明", &["李小", "小明"]),
            ("李", &["李"]),
            ("Müller  müller", &["muller"]),
            ("Ann.Li@Example.com", &["ann.li@example.com"]),
            ("+86 138-0013-8000", &["8613800138000"]),
            ("(415) 555", &["415555"]),
            ("1001", &["1001"]),
            ("  ---  ", &[]),
            ("a b c d e f g h i j", &["a", "b", "c", "d", "e", "f", "g", "h"]),
        ] {
            assert_eq!(terms(question), expected, "{question}");
        }
    }

    #[test]
    fn a_record_is_found_by_what_people_type() {
        let contact = json!({"name":"李小明","email":"ann.li@shop.example","emails":[{"address":"ann.li@shop.example"}],
            "phones":[{"number":"+8613800138000"}],"external_ids":{"erp":"K-17"},"title":"Buyer","tags":["Key account"],
            "merged_external_ids":{"erp":["K-18","K-19"]}});
        let order =
            json!({"number":"1001","status":"placed","total":"12.00","currency":"USD","placed_on":"2026-11-22"});
        let ticket = json!({"number":12,"subject":"Screen is broken","status":"open"});
        let product = json!({"name":"Green tea","sku":"TEA-100/G"});
        let company = json!({"name":"Acme & Söhne","website":"https://www.acme.example/x"});
        let lead = json!({"company_name":"Acme","email":"x@y.zz","status":"new"});
        for (noun, doc, question, found) in [
            ("contact", &contact, "李", true),
            ("contact", &contact, "小明", true),
            ("contact", &contact, "李小明", true),
            ("contact", &contact, "明小", false),
            ("contact", &contact, "明", true),
            ("contact", &contact, "ann", true),
            ("contact", &contact, "ann.li@sh", true),
            ("contact", &contact, "shop li", true),
            ("contact", &contact, "138 0013", true),
            ("contact", &contact, "+86 138", true),
            ("contact", &contact, "k-17", true),
            ("contact", &contact, "k-19", true),
            ("contact", &contact, "k-20", false),
            ("contact", &contact, "key acc", true),
            ("order", &order, "1001", true),
            ("order", &order, "100", true),
            ("order", &order, "1002", false),
            ("ticket", &ticket, "broken scr", true),
            ("ticket", &ticket, "12", true),
            ("product", &product, "tea", true),
            ("product", &product, "green", true),
            ("company", &company, "sohne acme", true),
            ("lead", &lead, "acme", true),
        ] {
            let words = entry(noun, doc).unwrap().words;
            let hit = terms(question)
                .iter()
                .all(|term| words.keys().any(|word| word.starts_with(term)));
            assert_eq!(hit, found, "{question} in {words:?}");
        }
    }

    #[test]
    fn what_is_shown_tells_records_apart() {
        for (noun, doc, title, subtitle) in [
            (
                "contact",
                json!({"name":"Ann","email":"a@b.co","title":"Buyer"}),
                "Ann",
                "Buyer · a@b.co",
            ),
            (
                "contact",
                json!({"name":"a@b.co","email":"a@b.co","phone":"+1"}),
                "a@b.co",
                "+1",
            ),
            ("lead", json!({"email":"a@b.co","status":"new"}), "a@b.co", "new"),
            (
                "order",
                json!({"number":"7","status":"placed","total":{"amount":"1.00","currency":"USD"},"currency":"USD"}),
                "7",
                "placed · 1.00 USD",
            ),
            (
                "ticket",
                json!({"number":7,"subject":"Help","status":"new"}),
                "Help",
                "#7 · new",
            ),
        ] {
            let entry = entry(noun, &doc).unwrap();
            assert_eq!(
                (entry.title.as_str(), entry.subtitle.as_str()),
                (title, subtitle),
                "{doc}"
            );
        }
        assert_eq!(
            entry("contact", &json!({"name":"A","deleted_at":"2026-01-01T00:00:00Z"})),
            None
        );
        assert_eq!(entry("score", &json!({"name":"A"})), None);
    }

    #[test]
    fn words_are_bounded() {
        let long: String = (0..500).map(|n| format!("word{n} ")).collect();
        let entry = entry("product", &json!({"name": long, "sku": "x".repeat(500)})).unwrap();
        assert_eq!(entry.words.len(), MOST_WORDS);
        assert!(entry.words.keys().all(|word| word.chars().count() <= MOST_CHARACTERS));
    }

    #[test]
    fn only_neighbouring_ideographs_make_pairs() {
        for (text, asked, kept) in [
            ("a b", &["a", "b"][..], &["a", "b"][..]),
            ("a李", &["a", "李"], &["a", "李"]),
            ("李a", &["李", "a"], &["李", "a"]),
            ("tea 李小", &["tea", "李小"], &["tea", "李小", "小"]),
            ("李小明", &["李小", "小明"], &["李小", "小明", "明"]),
        ] {
            assert_eq!(tokens(text, false), asked, "{text}");
            assert_eq!(tokens(text, true), kept, "{text}");
        }
    }
}
