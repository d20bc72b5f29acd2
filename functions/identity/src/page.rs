//! The two pages that mails link to: a form each, without script, that posts to the same address.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, header};
use rapport_http::{Params, Problem};
use rapport_runtime::Config;

use crate::letter::escape;

/// Where a mail leads: to the console's page where this process serves one, else to the one here.
pub fn link(config: &Config, console: &str, here: &str, token: &str) -> String {
    let served = config.console_folder.as_ref();
    let built = served.is_some_and(|folder| folder.join("index.html").is_file());
    let path = if built { console } else { here };
    format!("{}{path}?token={token}", config.public_url)
}

/// `GET /v1/auth/password/reset`.
pub async fn reset(headers: HeaderMap, params: Params) -> Result<Response, Problem> {
    page(&headers, &params, ["Set a new password", "设置新密码"], false)
}

/// `GET /v1/invitations/accept`.
pub async fn accept(headers: HeaderMap, params: Params) -> Result<Response, Problem> {
    page(&headers, &params, ["Accept the invitation", "接受邀请"], true)
}

fn page(headers: &HeaderMap, params: &Params, titles: [&str; 2], named: bool) -> Result<Response, Problem> {
    params.only(&["token"])?;
    let accepted = headers
        .get(header::ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let chinese = usize::from(accepted.trim_start().to_ascii_lowercase().starts_with("zh"));
    let title = titles[chinese];
    let name = ["Your name", "姓名"][chinese];
    let password = ["Password, at least 10 characters", "密码（至少 10 个字符）"][chinese];
    let language = ["en", "zh-CN"][chinese];
    let token = escape(params.get("token").unwrap_or_default());
    let name = if named {
        format!("<p><label>{name}<br><input name=\"name\" autocomplete=\"name\"></label></p>")
    } else {
        String::new()
    };
    let html = format!(
        "<!doctype html>\n<html lang=\"{language}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title></head><body><main><h1>{title}</h1><form method=\"post\">\
         <input type=\"hidden\" name=\"token\" value=\"{token}\">{name}\
         <p><label>{password}<br><input name=\"password\" type=\"password\" minlength=\"10\" required autocomplete=\"new-password\"></label></p>\
         <p><button>{title}</button></p></form></main></body></html>\n"
    );
    let mut response = Response::new(Body::from(html));
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        // The token is in the address: it goes nowhere from here, and nobody frames the form.
        (header::REFERRER_POLICY, "no-referrer"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        ),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use axum::body::to_bytes;

    #[tokio::test]
    async fn a_page_holds_its_token_as_text_only() {
        let params = Params(vec![("token".into(), "\"><script>".into())]);
        let headers = HeaderMap::from_iter([(header::ACCEPT_LANGUAGE, "zh-CN,zh;q=0.9".parse().unwrap())]);
        let response = accept(headers, params).await.unwrap();
        let html = String::from_utf8(to_bytes(response.into_body(), 10_000).await.unwrap().to_vec()).unwrap();
        assert!(
            html.contains("lang=\"zh-CN\"") && html.contains("name=\"name\""),
            "{html}"
        );
        assert!(!html.contains("<script>"), "{html}");
        assert!(
            reset(HeaderMap::new(), Params(vec![("x".into(), "1".into())]))
                .await
                .is_err()
        );
    }
}
