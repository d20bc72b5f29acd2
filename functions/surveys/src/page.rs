//! The pages that respondents see: plain HTML without script, readable on a phone, in English and 简体中文. Everything
//! that people typed is escaped.

use std::sync::LazyLock;

use axum::body::Body;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, StatusCode, header};
use rapport_domain::survey::{Language, escape};
use sha2::{Digest as _, Sha256};

const STYLE: &str = "body{font:1.05rem/1.5 system-ui,sans-serif;margin:0;background:#f4f5f7;color:#1d2330}\
main{max-width:36rem;margin:0 auto;padding:1.5rem 1rem}\
h1{font-size:1.15rem;font-weight:600;margin:0 0 1rem}\
form,section{background:#fff;border-radius:.75rem;padding:1.25rem}\
fieldset{border:0;margin:0 0 1.25rem;padding:0}legend{font-size:1.25rem;font-weight:600;margin-bottom:.75rem;padding:0}\
.scale{display:flex;flex-wrap:wrap;gap:.4rem}\
.scale label{flex:1 0 2.6rem;text-align:center;border:1px solid #8a93a3;border-radius:.5rem;padding:.6rem .2rem;cursor:pointer}\
.scale label:has(:checked){background:#1f4fd8;border-color:#1f4fd8;color:#fff}\
.scale label:focus-within{outline:3px solid #8fb0ff}\
.scale input{display:block;margin:0 auto .2rem}\
.ends{display:flex;justify-content:space-between;font-size:.85rem;color:#525b6b;margin:.4rem 0 0}\
fieldset.asked{padding-top:1rem;border-top:1px solid #dde1e8}.asked legend,.asked>label[for]{font-size:1.05rem;font-weight:600;float:left;width:100%;margin-bottom:.5rem}\
.asked legend+*,.asked>label[for]+*{clear:both}h2{font-size:1.2rem;margin:1.5rem 0 .75rem}\
.choice{display:block;border:1px solid #8a93a3;border-radius:.5rem;padding:.6rem;margin:.3rem 0;cursor:pointer}\
.choice:has(:checked){background:#1f4fd8;border-color:#1f4fd8;color:#fff}\
.points{display:flex;justify-content:space-between;align-items:center;gap:1rem;margin:.4rem 0}\
.points input{width:5rem;font:inherit;padding:.4rem;border:1px solid #8a93a3;border-radius:.5rem}\
textarea{box-sizing:border-box;width:100%;font:inherit;padding:.5rem;border:1px solid #8a93a3;border-radius:.5rem}\
button{font:inherit;font-weight:600;width:100%;padding:.8rem;margin-top:1rem;border:0;border-radius:.5rem;background:#1f4fd8;color:#fff;cursor:pointer}\
.fault{color:#a3121c;font-weight:600}.small{font-size:.85rem;color:#525b6b}.small a{color:inherit}";

/// No script, no picture, nothing from elsewhere; this one style; and nobody frames the page.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let digest = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    let text = format!(
        "default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    );
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("default-src 'none'"))
});

/// What a page without a form says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice<'a> {
    /// The answer is recorded; the survey's own words, where it has any.
    Thanks(Option<&'a str>),
    /// It was answered before.
    Answered,
    /// The link is not one of ours.
    Missing,
    /// The link is too old.
    Expired,
    /// No more mails.
    Stopped,
}

impl Notice<'_> {
    fn words(self, language: Language) -> (&'static str, String) {
        let zh = language == Language::ZhCn;
        let (title, text) = match self {
            Self::Thanks(Some(text)) => return (if zh { "谢谢" } else { "Thank you" }, text.to_owned()),
            Self::Thanks(None) if zh => ("谢谢", "我们已收到您的评价。一天之内您还可以通过同一链接修改。"),
            Self::Thanks(None) => (
                "Thank you",
                "Your answer is recorded. You can change it by the same link within a day.",
            ),
            Self::Answered if zh => ("已收到您的评价", "您已经回答过这份调查，谢谢。"),
            Self::Answered => ("Already answered", "You have answered this survey before. Thank you."),
            Self::Missing if zh => ("链接无效", "此链接无效，请检查是否复制完整。"),
            Self::Missing => ("This link leads nowhere", "Please check that it was copied completely."),
            Self::Expired if zh => ("链接已过期", "这份调查已经结束，感谢您的关注。"),
            Self::Expired => (
                "This link has expired",
                "The survey has ended. Thank you for your interest.",
            ),
            Self::Stopped if zh => ("已退订", "我们不会再向您发送此类邮件。"),
            Self::Stopped => ("Unsubscribed", "We will not send you such mails again."),
        };
        (title, text.to_owned())
    }
}

/// A page that only says something.
pub fn notice(status: StatusCode, language: Language, company: &str, notice: Notice<'_>) -> Response {
    let (title, text) = notice.words(language);
    let inner = format!("<section><h2>{title}</h2><p>{}</p></section>", escape(&text));
    document(status, language, company, title, &inner)
}

/// The page that asks whether to end such mails.
pub fn stop(language: Language, company: &str) -> Response {
    let (title, text, button) = match language {
        Language::En => ("Unsubscribe", "Do you want no more of these mails?", "No more mails"),
        Language::ZhCn => ("退订", "您不想再收到此类邮件吗？", "不再接收"),
    };
    let inner = format!("<form method=\"post\"><h2>{title}</h2><p>{text}</p><button>{button}</button></form>");
    document(StatusCode::OK, language, company, title, &inner)
}

/// A page: its title and what is in it, which is HTML already.
pub fn document(status: StatusCode, language: Language, company: &str, title: &str, inner: &str) -> Response {
    let tag = language.tag();
    let company = escape(company);
    let html = format!(
        "<!doctype html>\n<html lang=\"{tag}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><meta name=\"robots\" content=\"noindex,nofollow\">\
         <title>{title}</title><style>{STYLE}</style></head><body><main><h1>{company}</h1>{inner}</main></body></html>\n"
    );
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY.clone());
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        // The token is in the address: it goes nowhere from here.
        (header::REFERRER_POLICY, "no-referrer"),
        (header::HeaderName::from_static("x-robots-tag"), "noindex, nofollow"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use axum::body::to_bytes;

    const EVIL: &str = "</textarea><script>\"'&";

    #[tokio::test]
    async fn nothing_typed_becomes_markup() {
        let pages = [
            notice(StatusCode::OK, Language::ZhCn, EVIL, Notice::Thanks(Some(EVIL))),
            stop(Language::En, EVIL),
        ];
        for page in pages {
            let policy = page.headers()[header::CONTENT_SECURITY_POLICY]
                .to_str()
                .unwrap()
                .to_owned();
            assert!(policy.contains("'sha256-") && !policy.contains("unsafe"), "{policy}");
            assert_eq!(page.headers()["x-robots-tag"], "noindex, nofollow");
            let html = String::from_utf8(to_bytes(page.into_body(), 100_000).await.unwrap().to_vec()).unwrap();
            assert!(!html.contains("<script") && !html.contains("</textarea>"), "{html}");
            assert!(html.contains("&lt;script&gt;&quot;&#39;&amp;"), "{html}");
        }
    }

    #[test]
    fn dead_links_name_nobody() {
        for what in [Notice::Missing, Notice::Expired] {
            for language in [Language::En, Language::ZhCn] {
                let (title, text) = what.words(language);
                assert!(!title.is_empty() && !text.is_empty());
            }
        }
        assert_eq!(
            notice(StatusCode::GONE, Language::En, "", Notice::Expired).status(),
            StatusCode::GONE
        );
    }
}
