//! What the mails of this function say, in English and Chinese.

use rapport_domain::permission::Role;
use rapport_http::Problem;
use rapport_mail::{Mail, MailError};
use rapport_runtime::App;
use uuid::Uuid;

/// The service's name where no firm writes.
const SERVICE: &str = "Rapport";

/// Sends a mail.
///
/// # Errors
/// `422` when the address takes none, `503` when mail cannot go out now.
pub async fn send(app: &App, mail: Mail) -> Result<(), Problem> {
    let mailer = app.mailer().ok_or_else(|| Problem::internal("MAIL is not set"))?;
    mailer.send(&mail).await.map_err(|error| match error {
        // Its text may hold the address, which no log may.
        MailError::Malformed(_) => {
            rapport_domain::Invalid::one("email", "email_refused", "no mail can be sent to this address").into()
        }
        MailError::Unavailable(_) => Problem::unavailable("mail could not be handed over"),
    })
}

/// The link to a new password.
#[must_use]
pub fn reset(locale: &str, to: &str, link: &str) -> Mail {
    let (subject, before, action, after) = if locale == "zh-CN" {
        (
            "重设您的密码",
            "有人请求重设您登录 Rapport 的密码。请在一小时内打开下面的链接，设置新密码：",
            "设置新密码",
            "如果不是您本人的请求，请忽略此邮件；您的密码不会改变。",
        )
    } else {
        (
            "Set a new password",
            "Somebody asked for a new password for your sign-in to Rapport. Open this link within an hour to set one:",
            "Set a new password",
            "If it was not you, ignore this mail: your password stays as it is.",
        )
    };
    mail(SERVICE, to, subject, before, (action, link), after)
}

/// The link of an invitation. `company` and `inviter` are what people typed, so they are only ever text.
#[must_use]
pub fn invitation(locale: &str, to: &str, company: &str, inviter: &str, role: Role, link: &str) -> Mail {
    if locale == "zh-CN" {
        let before = format!(
            "{inviter} 邀请您加入 {company} 的 Rapport 客户关系管理系统，角色为“{}”。请在七天内打开下面的链接，设置密码：",
            chinese(role)
        );
        let subject = format!("{company} 邀请您使用 Rapport");
        mail(
            company,
            to,
            &subject,
            &before,
            ("接受邀请", link),
            "如果您不认识对方，请忽略此邮件。",
        )
    } else {
        let before = format!(
            "{inviter} invites you to {company} on Rapport, as {}. Open this link within seven days to choose a password:",
            english(role)
        );
        let subject = format!("{company} invites you to Rapport");
        mail(
            company,
            to,
            &subject,
            &before,
            ("Accept the invitation", link),
            "If you do not know the sender, ignore this mail.",
        )
    }
}

const fn english(role: Role) -> &'static str {
    match role {
        Role::Owner => "an owner",
        Role::Admin => "an administrator",
        Role::Manager => "a manager",
        Role::Representative => "a sales representative",
        Role::Agent => "a service agent",
        Role::Marketer => "a marketer",
        Role::ReadOnly => "a reader",
    }
}

const fn chinese(role: Role) -> &'static str {
    match role {
        Role::Owner => "所有者",
        Role::Admin => "管理员",
        Role::Manager => "经理",
        Role::Representative => "销售代表",
        Role::Agent => "客服人员",
        Role::Marketer => "市场人员",
        Role::ReadOnly => "只读用户",
    }
}

fn mail(from: &str, to: &str, subject: &str, before: &str, (action, link): (&str, &str), after: &str) -> Mail {
    let [html_before, html_link, html_action, html_after] = [before, link, action, after].map(escape);
    Mail {
        id: format!("identity-{}", Uuid::now_v7()),
        from_name: from.to_owned(),
        to: to.to_owned(),
        subject: subject.to_owned(),
        text: format!("{before}\n\n{link}\n\n{after}\n"),
        html: format!("<p>{html_before}</p>\n<p><a href=\"{html_link}\">{html_action}</a></p>\n<p>{html_after}</p>\n"),
        unsubscribe: None,
        attachments: Vec::new(),
    }
}

/// A text as HTML shows it.
#[must_use]
pub fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut html, c| {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
        html
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mails_carry_the_link_and_nobodys_markup() {
        let link = "http://127.0.0.1/x?token=it_1";
        for (mail, subject) in [
            (reset("en", "a@b.co", link), "Set a new password"),
            (reset("zh-CN", "a@b.co", link), "重设您的密码"),
            (reset("fr", "a@b.co", link), "Set a new password"),
            (
                invitation("en", "a@b.co", "<b>A&B</b>", "Ann", Role::Agent, link),
                "<b>A&B</b> invites you to Rapport",
            ),
            (
                invitation("zh-CN", "a@b.co", "甲", "\"><script>", Role::Admin, link),
                "甲 邀请您使用 Rapport",
            ),
        ] {
            assert_eq!(mail.subject, subject);
            assert!(mail.text.contains(link) && mail.html.contains(link), "{}", mail.html);
            assert!(
                !mail.html.contains("<b>") && !mail.html.contains("<script>"),
                "{}",
                mail.html
            );
        }
    }
}
