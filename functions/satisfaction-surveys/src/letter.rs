//! What the mail says, in English and 简体中文, as text and as HTML: the question, and each answer one tap away.

use std::fmt::Write as _;

use rapport_domain::survey::{Invitation, Language, Survey, Trigger, escape};
use rapport_mail::Mail;

/// How a link looks that is to be tapped on.
const BUTTON: &str = "border:1px solid #1f4fd8;border-radius:8px;color:#1f4fd8;text-align:center;text-decoration:none";

/// All that a mail is made of.
pub struct Letter<'a> {
    /// What tells the mail from others: the invitation's id, with the number of the reminder.
    pub id: String,
    /// The address.
    pub to: String,
    /// The firm, as its customers know it.
    pub company: &'a str,
    /// What is asked.
    pub survey: &'a Survey,
    /// On what occasion.
    pub invitation: &'a Invitation,
    /// The page of the survey.
    pub link: &'a str,
    /// Whether it was mailed before.
    pub reminder: bool,
}

struct Words {
    subject: String,
    about: String,
    hint: &'static str,
    why: String,
    stop: &'static str,
}

/// What the reader is to do. A survey of one question asks it in the mail.
fn hint(letter: &Letter<'_>) -> &'static str {
    let taps = letter.invitation.metric.is_one_question();
    let more = !letter.survey.items.is_empty();
    match (letter.invitation.language, taps, more) {
        (Language::En, true, false) => "One tap on a number is enough; you can add a comment on the next page.",
        (Language::En, true, true) => "Tap on a number; a few more questions follow on the next page.",
        (Language::En, false, _) => "Open the questions",
        (Language::ZhCn, true, false) => "点击一个分数即可，您还可以在下一页留言。",
        (Language::ZhCn, true, true) => "请点击一个分数，下一页还有几个问题。",
        (Language::ZhCn, false, _) => "打开问卷",
    }
}

fn words(letter: &Letter<'_>) -> Words {
    let company = letter.company;
    let invitation = letter.invitation;
    let hint = hint(letter);
    let reference = invitation.reference.as_deref();
    match invitation.language {
        Language::En => {
            let number = reference.map(|number| format!(" {number}")).unwrap_or_default();
            let about = match invitation.trigger {
                Trigger::TicketResolved => {
                    format!("Your request{number} has been settled. We would like to know how we did.")
                }
                Trigger::OrderFulfilled => {
                    format!("Your order{number} has been delivered. We would like to know how we did.")
                }
            };
            let firm = if company.is_empty() {
                String::new()
            } else {
                format!(" by {company}")
            };
            Words {
                subject: if company.is_empty() {
                    "How did we do?".to_owned()
                } else {
                    format!("How did we do? {company} would like to know")
                },
                about,
                hint,
                why: format!("You receive this mail because you were served{firm}. The link is good for 30 days."),
                stop: "No more of these mails",
            }
        }
        Language::ZhCn => {
            let number = reference.map(|number| format!("（编号 {number}）")).unwrap_or_default();
            let about = match invitation.trigger {
                Trigger::TicketResolved => format!("您的服务请求{number}已处理完毕，诚邀您评价我们的服务。"),
                Trigger::OrderFulfilled => format!("您的订单{number}已交付，诚邀您评价我们的服务。"),
            };
            Words {
                subject: if company.is_empty() {
                    "请评价我们的服务".to_owned()
                } else {
                    format!("{company}：请评价我们的服务")
                },
                about,
                hint,
                why: format!(
                    "您收到此邮件，是因为您最近接受了{}的服务。链接 30 天内有效。",
                    if company.is_empty() { "我们" } else { company }
                ),
                stop: "不再接收此类邮件",
            }
        }
    }
}

/// The mail of an invitation.
pub fn letter(letter: &Letter<'_>) -> Mail {
    let language = letter.invitation.language;
    let metric = letter.invitation.metric;
    let question = letter.survey.question(language);
    let (lowest, highest) = metric.scale();
    let (low, high) = metric.ends(language);
    let Words {
        mut subject,
        about,
        hint,
        why,
        stop,
    } = words(letter);
    let link = letter.link;
    if letter.reminder {
        subject = match language {
            Language::En => format!("A reminder: {subject}"),
            Language::ZhCn => format!("提醒：{subject}"),
        };
    }
    let address = escape(link);
    let mut text = format!("{about}\n\n{question}\n\n");
    let mut taps = String::new();
    if metric.is_one_question() {
        for score in lowest..=highest {
            let meaning = match score {
                _ if score == lowest => format!(" ({low})"),
                _ if score == highest => format!(" ({high})"),
                _ => String::new(),
            };
            let _ = writeln!(text, "{score}{meaning}: {link}?score={score}");
            let _ = write!(
                taps,
                "<a href=\"{address}?score={score}\" style=\"display:inline-block;min-width:2em;margin:2px;padding:10px 6px;{BUTTON}\">{score}</a> "
            );
        }
        let _ = write!(text, "\n{hint}\n");
        let _ = write!(
            taps,
            "</p><p style=\"color:#525b6b\">{lowest} = {low}, {highest} = {high}. {hint}"
        );
    } else {
        let _ = writeln!(text, "{hint}: {link}");
        let _ = write!(
            taps,
            "<a href=\"{address}\" style=\"display:inline-block;padding:10px 16px;{BUTTON}\">{hint}</a>"
        );
    }
    let _ = write!(text, "\n{why}\n{stop}: {link}/stop\n");
    let [about, question, why] = [about.as_str(), question, why.as_str()].map(escape);
    let html = format!(
        "<html lang=\"{}\"><body style=\"font-family:sans-serif;line-height:1.5\"><p>{about}</p><p><strong>{question}</strong></p>\
         <p>{taps}</p><p style=\"color:#525b6b;font-size:small\">{why} <a href=\"{address}/stop\">{stop}</a></p></body></html>\n",
        language.tag(),
    );
    Mail {
        id: letter.id.clone(),
        from_name: letter.company.to_owned(),
        to: letter.to.clone(),
        subject,
        text,
        html,
        unsubscribe: Some(format!("{link}/stop")),
        attachments: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rapport_domain::survey::{Localised, Metric, Occasion};
    use rapport_domain::{Prefix, RecordId};

    fn mail(metric: Metric, language: Language, trigger: Trigger, company: &str, reminder: bool) -> Mail {
        let occasion = Occasion {
            trigger,
            subject: RecordId::new(Prefix::Ticket),
            reference: Some("<12>".into()),
            at: jiff::Timestamp::UNIX_EPOCH,
            resolved_at: None,
            company_id: None,
            agent_id: None,
            product_ids: Vec::new(),
        };
        let (survey_id, contact) = (RecordId::new(Prefix::Survey), RecordId::new(Prefix::Contact));
        let invitation = Invitation::new(&occasion, survey_id, metric, contact, language, occasion.at);
        let survey = Survey {
            question: Localised {
                en: Some("<b>Q</b>".into()),
                zh_cn: None,
            },
            ..Survey::built_in(metric)
        };
        letter(&Letter {
            id: occasion.invitation_id().to_string(),
            to: "a@b.co".into(),
            company,
            survey: &survey,
            invitation: &invitation,
            link: "http://127.0.0.1/s/tok",
            reminder,
        })
    }

    #[test]
    fn each_answer_is_one_tap_away_and_nothing_typed_becomes_markup() {
        for (metric, language, trigger, subject) in [
            (
                Metric::Csat,
                Language::En,
                Trigger::TicketResolved,
                "How did we do? <i>A&B</i> would like to know",
            ),
            (
                Metric::Nps,
                Language::ZhCn,
                Trigger::OrderFulfilled,
                "<i>A&B</i>：请评价我们的服务",
            ),
            (
                Metric::Ces,
                Language::En,
                Trigger::OrderFulfilled,
                "How did we do? <i>A&B</i> would like to know",
            ),
        ] {
            let mail = mail(metric, language, trigger, "<i>A&B</i>", false);
            assert_eq!(mail.subject, subject);
            let (lowest, highest) = metric.scale();
            for score in lowest..=highest {
                assert!(
                    mail.text.contains(&format!("http://127.0.0.1/s/tok?score={score}\n")),
                    "{}",
                    mail.text
                );
                assert!(
                    mail.html
                        .contains(&format!("href=\"http://127.0.0.1/s/tok?score={score}\""))
                );
            }
            assert!(
                !mail.html.contains("<b>") && !mail.html.contains("<i>") && !mail.html.contains("<12>"),
                "{}",
                mail.html
            );
            assert!(mail.text.contains("<12>"), "{}", mail.text);
            assert_eq!(mail.unsubscribe.as_deref(), Some("http://127.0.0.1/s/tok/stop"));
        }
    }

    #[test]
    fn a_firm_without_a_name_can_ask_too() {
        let mail = mail(Metric::Csat, Language::En, Trigger::TicketResolved, "", false);
        assert_eq!((mail.subject.as_str(), mail.from_name.as_str()), ("How did we do?", ""));
    }

    #[test]
    fn statements_are_behind_one_link_and_a_reminder_says_so() {
        for (language, subject) in [
            (Language::En, "A reminder: How did we do? A would like to know"),
            (Language::ZhCn, "提醒：A：请评价我们的服务"),
        ] {
            let mail = mail(Metric::Servqual, language, Trigger::TicketResolved, "A", true);
            assert_eq!(mail.subject, subject);
            assert!(
                !mail.text.contains("?score=") && !mail.html.contains("?score="),
                "{}",
                mail.text
            );
            assert!(mail.html.contains("href=\"http://127.0.0.1/s/tok\""), "{}", mail.html);
            assert!(mail.text.contains(": http://127.0.0.1/s/tok\n"), "{}", mail.text);
        }
    }
}
