//! The form of a survey: every item as plain HTML, what was given and what is wrong with it.
//!
//! Without script a page cannot hide what does not apply: such items say on what condition they are asked, and answers
//! that do not apply are dropped when they arrive.

use std::fmt::Write as _;

use axum::response::Response;
use http::StatusCode;
use rapport_domain::Invalid;
use rapport_domain::survey::{
    AnswerIn, Comparison, Condition, Item, ItemKind, Language, MOST_COMMENT, MOST_TEXT, Metric, POINTS, SCORE, Survey,
    escape,
};
use serde_json::Value;

use crate::link::Link;
use crate::page;
use crate::submission::{field, part};

/// All that the form shows.
pub struct Form<'a> {
    company: &'a str,
    question: String,
    metric: Metric,
    items: Vec<Item>,
    language: Language,
    answered: bool,
    token: &'a str,
    given: &'a AnswerIn,
    faults: &'a Invalid,
}

impl<'a> Form<'a> {
    /// The form behind a link, with what was given so far and what is wrong with it.
    pub fn new(link: &'a Link, token: &'a str, given: &'a AnswerIn, faults: &'a Invalid) -> Self {
        let invitation = &link.invitation.body;
        let (metric, language) = (invitation.metric, invitation.language);
        let question = link
            .survey
            .as_ref()
            .map_or(metric.question(language), |survey: &Survey| survey.question(language));
        Self {
            company: &link.rules.settings.company,
            question: question.to_owned(),
            metric,
            items: link.items(),
            language,
            answered: invitation.first_answered_at.is_some(),
            token,
            given,
            faults,
        }
    }

    /// The page.
    pub fn page(&self, status: StatusCode) -> Response {
        let title = self.say("Your opinion", "您的评价");
        page::document(status, self.language, self.company, title, &self.html())
    }

    fn say(&self, en: &'a str, zh_cn: &'a str) -> &'a str {
        match self.language {
            Language::En => en,
            Language::ZhCn => zh_cn,
        }
    }

    fn html(&self) -> String {
        let mut html = String::from("<form method=\"post\">");
        if !self.faults.problems.is_empty() {
            let text = self.say("Please look at what is marked below.", "请查看下面标出的问题。");
            let _ = write!(html, "<p class=\"fault\" role=\"alert\">{text}</p>");
        } else if self.answered {
            let text = self.say(
                "You have answered already: another answer replaces the first.",
                "您已回答过；再次提交会替换之前的回答。",
            );
            let _ = write!(html, "<p class=\"small\">{text}</p>");
        }
        self.score(&mut html);
        for (n, item) in self.items.iter().enumerate() {
            self.item(n, item, &mut html);
        }
        let comment = self.say(
            "Anything you would like to add? (optional)",
            "您还想告诉我们什么？（选填）",
        );
        let given = limited(self.given.comment.as_deref().unwrap_or_default(), MOST_COMMENT);
        let _ = write!(
            html,
            "<div class=\"asked\">{}<label for=\"comment\">{comment}</label>\
             <textarea id=\"comment\" name=\"comment\" rows=\"4\" maxlength=\"{MOST_COMMENT}\">{}</textarea></div>\
             <button>{}</button></form><p class=\"small\"><a href=\"{}/stop\" rel=\"nofollow\">{}</a></p>",
            self.fault("comment", None),
            escape(&given),
            self.say("Send", "提交"),
            escape(self.token),
            self.say("No more of these mails", "不再接收此类邮件"),
        );
        html
    }

    /// The question for the score; where there is none, what stands above the statements.
    fn score(&self, html: &mut String) {
        let question = escape(&self.question);
        if !self.metric.is_one_question() {
            let _ = write!(html, "<h2>{question}</h2>");
            return;
        }
        let number = if self.items.is_empty() { "" } else { "1. " };
        let chosen = self.given.score;
        let _ = write!(
            html,
            "<fieldset><legend>{number}{question}</legend>{}",
            self.fault(SCORE, None)
        );
        self.radios(SCORE, self.metric.scale(), chosen, true, html);
        html.push_str("</fieldset>");
    }

    fn radios(&self, name: &str, (lowest, highest): (u8, u8), chosen: Option<i64>, required: bool, html: &mut String) {
        html.push_str("<div class=\"scale\">");
        let required = if required { " required" } else { "" };
        for score in lowest..=highest {
            let checked = if chosen == Some(score.into()) { " checked" } else { "" };
            let _ = write!(
                html,
                "<label><input type=\"radio\" name=\"{name}\" value=\"{score}\"{required}{checked}>{score}</label>"
            );
        }
        html.push_str("</div>");
        if name == SCORE || !self.metric.is_one_question() {
            let (low, high) = self.metric.ends(self.language);
            let _ = write!(
                html,
                "<p class=\"ends\"><span>{lowest} = {low}</span><span>{highest} = {high}</span></p>"
            );
        }
    }

    /// The number that an item bears on the page.
    fn number(&self, n: usize) -> usize {
        n + 1 + usize::from(self.metric.is_one_question())
    }

    fn item(&self, n: usize, item: &Item, html: &mut String) {
        if let Some(heading) = item.heading.text(self.language) {
            let _ = write!(html, "<h2>{}</h2>", escape(heading));
        }
        let legend = format!("{}. {}", self.number(n), escape(item.words(self.language)));
        let _ = write!(html, "<fieldset class=\"asked\"><legend>{legend}</legend>");
        if let Some(condition) = &item.show_if {
            let _ = write!(html, "<p class=\"small\">{}</p>", self.condition(condition));
        } else if !item.required {
            let _ = write!(html, "<p class=\"small\">{}</p>", self.say("Optional", "选填"));
        }
        html.push_str(&self.fault(&format!("answers/{}", item.key), Some(item)));
        let given = self.given.answers.get(&item.key);
        let name = field(item);
        // What applies on a condition only cannot be insisted on by the page.
        let insisted = item.required && item.show_if.is_none();
        let required = if insisted { " required" } else { "" };
        match item.kind {
            ItemKind::Scale => self.radios(&name, item.scale(), given.and_then(Value::as_i64), insisted, html),
            ItemKind::Choice => {
                for choice in &item.choices {
                    let chosen = given.and_then(Value::as_str) == Some(&choice.key);
                    let checked = if chosen { " checked" } else { "" };
                    let text = escape(choice.text.text(self.language).unwrap_or(&choice.key));
                    let _ = write!(
                        html,
                        "<label class=\"choice\"><input type=\"radio\" name=\"{name}\" value=\"{}\"{required}{checked}> {text}</label>",
                        choice.key
                    );
                }
            }
            ItemKind::Text => {
                let text = limited(given.and_then(Value::as_str).unwrap_or_default(), MOST_TEXT);
                let _ = write!(
                    html,
                    "<textarea name=\"{name}\" rows=\"3\" maxlength=\"{MOST_TEXT}\" aria-label=\"{legend}\"{required}>{}</textarea>",
                    escape(&text)
                );
            }
            ItemKind::Split => {
                for choice in &item.choices {
                    let points = given.and_then(|parts| parts.get(&choice.key)).and_then(Value::as_i64);
                    let points = points.map(|points| points.to_string()).unwrap_or_default();
                    let text = escape(choice.text.text(self.language).unwrap_or(&choice.key));
                    let _ = write!(
                        html,
                        "<label class=\"points\"><span>{text}</span><input type=\"number\" inputmode=\"numeric\" name=\"{}\" min=\"0\" max=\"{POINTS}\" step=\"1\" value=\"{points}\"></label>",
                        part(item, &choice.key)
                    );
                }
            }
        }
        html.push_str("</fieldset>");
    }

    /// On what condition an item is asked, in words.
    fn condition(&self, condition: &Condition) -> String {
        let before = self.items.iter().position(|item| item.key == condition.item);
        let number = before.map_or(1, |n| self.number(n));
        let choice = before.and_then(|n| {
            let choices = &self.items[n].choices;
            choices
                .iter()
                .find(|choice| condition.value.as_str() == Some(&choice.key))
        });
        let value = match choice {
            Some(choice) => {
                let text = escape(choice.text.text(self.language).unwrap_or(&choice.key));
                format!("“{text}”")
            }
            None => condition.value.as_i64().unwrap_or_default().to_string(),
        };
        let (en, zh_cn) = match condition.op {
            Comparison::Eq => ("is", "为"),
            Comparison::Ne => ("is not", "不为"),
            Comparison::Lt => ("is less than", "小于"),
            Comparison::Lte => ("is at most", "不超过"),
            Comparison::Gt => ("is more than", "大于"),
            Comparison::Gte => ("is at least", "不低于"),
        };
        match self.language {
            Language::En => format!("Only if your answer to question {number} {en} {value}"),
            Language::ZhCn => format!("仅当第 {number} 题的回答{zh_cn} {value} 时填写"),
        }
    }

    /// What is wrong at a place, in words, or nothing.
    fn fault(&self, place: &str, item: Option<&Item>) -> String {
        let pointer = format!("#/{place}");
        let Some(problem) = self.faults.problems.iter().find(|problem| problem.pointer == pointer) else {
            return String::new();
        };
        let split = item.is_some_and(|item| item.kind == ItemKind::Split);
        let most = if item.is_some() { MOST_TEXT } else { MOST_COMMENT };
        let text = match (problem.code, self.language) {
            ("too_long", Language::En) => format!("At most {most} characters, please."),
            ("too_long", Language::ZhCn) => format!("最多 {most} 个字。"),
            ("control_character", Language::En) => "Please leave out characters that cannot be shown.".to_owned(),
            ("control_character", Language::ZhCn) => "请去掉无法显示的字符。".to_owned(),
            (_, Language::En) if split => format!("Please give whole numbers that add up to {POINTS}."),
            (_, Language::ZhCn) if split => format!("请填写整数，合计为 {POINTS}。"),
            ("required", Language::En) => "Please answer this.".to_owned(),
            ("required", Language::ZhCn) => "请回答此题。".to_owned(),
            (_, Language::En) => "Please choose one of the answers.".to_owned(),
            (_, Language::ZhCn) => "请选择其中一项。".to_owned(),
        };
        format!("<p class=\"fault\">{text}</p>")
    }
}

/// The beginning of a text: what was too long to be taken is not sent back whole.
fn limited(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    const EVIL: &str = "</textarea><script>\"'&";

    fn html(metric: Metric, language: Language, items: Vec<Item>, given: &AnswerIn, faults: &Invalid) -> String {
        let form = Form {
            company: "A",
            question: metric.question(language).to_owned(),
            metric,
            items,
            language,
            answered: false,
            token: "tok",
            given,
            faults,
        };
        form.html()
    }

    fn given(answer: Value) -> AnswerIn {
        serde_json::from_value(answer).unwrap()
    }

    fn own() -> Vec<Item> {
        serde_json::from_value(json!([
            {"key": "again", "kind": "choice", "text": {"en": EVIL}, "required": true,
             "choices": [{"key": "yes", "text": {"en": "Y"}}, {"key": "no", "text": {"en": EVIL}}]},
            {"key": "why", "kind": "text", "text": {"en": "Why?"}, "required": true,
             "show_if": {"item": "again", "op": "ne", "value": "yes"}},
            {"key": "speed", "kind": "scale", "from": 1, "to": 3, "text": {"en": "S"},
             "show_if": {"item": "score", "op": "lte", "value": 3}},
            {"key": "split", "kind": "split", "text": {"en": "P"},
             "choices": [{"key": "a", "text": {"en": "A"}}, {"key": "b", "text": {"en": "B"}}]},
        ]))
        .unwrap()
    }

    #[test]
    fn the_form_has_the_scale_of_its_metric_and_the_choice_of_the_link() {
        for (metric, language, chosen, radios, checked) in [
            (Metric::Csat, Language::En, json!(4), 5, true),
            (Metric::Csat, Language::ZhCn, json!(9), 5, false),
            (Metric::Nps, Language::En, json!(0), 11, true),
            (Metric::Ces, Language::ZhCn, Value::Null, 7, false),
            (Metric::FaultTolerance, Language::En, json!(7), 7, true),
        ] {
            let none = Invalid::default();
            let html = html(metric, language, Vec::new(), &given(json!({"score": chosen})), &none);
            assert_eq!(html.matches("type=\"radio\"").count(), radios, "{metric:?}");
            assert_eq!(
                html.matches(" required checked").count(),
                usize::from(checked),
                "{metric:?}"
            );
            assert!(html.contains(metric.question(language)) && html.contains("method=\"post\""));
        }
    }

    #[test]
    fn statements_and_points_are_all_there() {
        for (metric, radios, numbers) in [(Metric::Servqual, 44 * 7, 5), (Metric::ServqualShort, 5 * 7, 0)] {
            for language in [Language::En, Language::ZhCn] {
                let (none, items) = (Invalid::default(), Survey::usual_items(metric));
                let html = html(metric, language, items, &AnswerIn::default(), &none);
                assert_eq!(html.matches("type=\"radio\"").count(), radios);
                assert_eq!(html.matches("type=\"number\"").count(), numbers);
                assert!(!html.contains("name=\"score\""));
            }
        }
    }

    #[test]
    fn conditions_and_faults_stand_in_words_and_nothing_typed_becomes_markup() {
        let mut faults = Invalid::one("answers/why", "required", "");
        faults.add("answers/split", "points_malformed", "");
        faults.add("comment", "too_long", "");
        let answer =
            given(json!({"score": 2, "comment": EVIL, "answers": {"again": "no", "why": EVIL, "split": {"a": 7}}}));
        let html = html(Metric::Csat, Language::En, own(), &answer, &faults);
        for words in [
            "role=\"alert\"",
            "Only if your answer to question 2 is not “Y”",
            "Only if your answer to question 1 is at most 3",
            "Please answer this.",
            "add up to 100",
            "At most 5000 characters",
            "value=\"no\" required checked",
            "name=\"q.split.a\" min=\"0\" max=\"100\" step=\"1\" value=\"7\"",
        ] {
            assert!(html.contains(words), "{words}: {html}");
        }
        // What is asked on a condition is not insisted on by the page.
        assert!(!html.contains("name=\"q.why\" rows=\"3\" maxlength=\"2000\" aria-label=\"3. Why?\" required"));
        assert!(!html.contains("<script"));
        let chinese = self::html(Metric::Csat, Language::ZhCn, own(), &answer, &faults);
        for words in [
            "仅当第 2 题的回答不为 “Y” 时填写",
            "仅当第 1 题的回答不超过 3 时填写",
            "请回答此题。",
            "合计为 100",
            "最多 5000 个字",
        ] {
            assert!(chinese.contains(words), "{words}: {chinese}");
        }
        assert_eq!(html.matches("</textarea>").count(), 2);
    }
}
