//! Sending mail: one interface, three ways. `ses` in the cloud, `smtp://HOST:PORT` anywhere, `folder:PATH` on one machine.
//!
//! What a mail says is the business of whoever sends it; how it is encoded is `lettre`'s.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_types::SdkConfig;
use lettre::message::header::{ContentTransferEncoding, HeaderName, HeaderValue};
use lettre::message::{Attachment as Enclosed, Body, Mailbox, MultiPart};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

/// How long a mail server may take for a mail: less than any function has, so that its caller hears of it and the rest of a
/// batch goes its way.
const SLOWEST: Duration = Duration::from_secs(5);

/// Why a mail was not sent.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// An address or a header cannot be written: trying again is no use.
    #[error("the mail cannot be written: {0}")]
    Malformed(String),
    /// The way out is closed for now.
    #[error("the mail could not be handed over: {0}")]
    Unavailable(String),
}

/// A way out for mail, as the setting `MAIL` names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// `folder:PATH`: each mail a file.
    Folder(PathBuf),
    /// `smtp://HOST:PORT`. A relay on the same machine or network: whoever needs TLS to the outside runs it there.
    Smtp(String, u16),
    /// `ses`.
    Ses,
}

/// A setting names no way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("ses, smtp://HOST:PORT or folder:PATH is needed")]
pub struct NoWay;

impl FromStr for Way {
    type Err = NoWay;

    fn from_str(setting: &str) -> Result<Self, NoWay> {
        if setting == "ses" {
            return Ok(Self::Ses);
        }
        if let Some(path) = setting.strip_prefix("folder:") {
            return Ok(Self::Folder(PathBuf::from(path)));
        }
        let server = setting
            .strip_prefix("smtp://")
            .and_then(|server| server.rsplit_once(':'));
        let (host, port) = server.ok_or(NoWay)?;
        Ok(Self::Smtp(host.to_owned(), port.parse().map_err(|_| NoWay)?))
    }
}

/// A mail to one person, as plain text and as HTML.
#[derive(Clone, Debug)]
pub struct Mail {
    /// Identifies the mail: the same id is the same mail, sent again.
    pub id: String,
    /// The name that the sender's address is shown under.
    pub from_name: String,
    /// To whom.
    pub to: String,
    /// Of what.
    pub subject: String,
    /// For readers of text.
    pub text: String,
    /// For all others.
    pub html: String,
    /// Where one click ends such mails, if anywhere.
    pub unsubscribe: Option<String>,
    /// Files that go with it.
    pub attachments: Vec<Attachment>,
}

/// A file that goes with a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// What it is called.
    pub name: String,
    /// Its media type.
    pub content_type: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// A way to send mail.
pub struct Mailer {
    from: String,
    out: Out,
}

enum Out {
    Folder(PathBuf),
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    Ses(aws_sdk_sesv2::Client),
}

impl Mailer {
    /// Mail that comes from the address `from` and goes out by a way; `None` where that is SES and nothing was given that a client of
    /// it could be made of.
    #[must_use]
    pub fn new(way: &Way, from: &str, ses: Option<&SdkConfig>) -> Option<Self> {
        let out = match way {
            Way::Folder(path) => Out::Folder(path.clone()),
            Way::Smtp(host, port) => Out::Smtp(
                AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
                    .port(*port)
                    .build(),
            ),
            Way::Ses => Out::Ses(aws_sdk_sesv2::Client::new(ses?)),
        };
        Some(Self {
            from: from.to_owned(),
            out,
        })
    }

    /// Sends a mail.
    ///
    /// # Errors
    /// [`MailError::Malformed`] when it never can be; [`MailError::Unavailable`] when it may be later.
    pub async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let message = self.message(mail)?;
        match &self.out {
            Out::Folder(folder) => write(folder, &mail.id, &message.formatted()).await,
            Out::Smtp(transport) => {
                let sent = tokio::time::timeout(SLOWEST, transport.send(message)).await;
                let sent = sent.map_err(|_| MailError::Unavailable("the server is too slow".to_owned()))?;
                sent.map(drop).map_err(|error| {
                    if error.is_permanent() {
                        MailError::Malformed(error.to_string())
                    } else {
                        MailError::Unavailable(error.to_string())
                    }
                })
            }
            Out::Ses(client) => ses(client, &message.formatted()).await,
        }
    }

    fn message(&self, mail: &Mail) -> Result<Message, MailError> {
        let malformed = |error: &dyn std::fmt::Display| MailError::Malformed(error.to_string());
        let from = self
            .from
            .parse()
            .map_err(|error: lettre::address::AddressError| malformed(&error))?;
        let to = mail.to.parse::<lettre::Address>().map_err(|error| malformed(&error))?;
        let domain = self.from.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
        let one_line = |text: &str| {
            text.chars()
                .map(|c| if c.is_control() { ' ' } else { c })
                .collect::<String>()
        };
        let mut builder = Message::builder()
            .message_id(Some(format!("<{}@{domain}>", mail.id)))
            .from(Mailbox::new(
                Some(one_line(&mail.from_name)).filter(|name| !name.is_empty()),
                from,
            ))
            .to(Mailbox::new(None, to))
            .subject(one_line(&mail.subject));
        if let Some(url) = &mail.unsubscribe {
            for (name, value) in [
                ("List-Unsubscribe", format!("<{}>", one_line(url))),
                ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()),
            ] {
                builder = builder.raw_header(HeaderValue::new(HeaderName::new_from_ascii_str(name), value));
            }
        }
        let mut parts = MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone());
        for (n, attachment) in mail.attachments.iter().enumerate() {
            let kind = attachment
                .content_type
                .parse()
                .map_err(|error: lettre::message::header::ContentTypeErr| malformed(&error))?;
            // Files are bytes: no relay may take their line ends for its own.
            let body = Body::new_with_encoding(attachment.bytes.clone(), ContentTransferEncoding::Base64)
                .map_err(|_| MailError::Malformed("an attachment cannot be encoded".to_owned()))?;
            let file = Enclosed::new(one_line(&attachment.name)).body(body, kind);
            parts = if n == 0 {
                MultiPart::mixed().multipart(parts).singlepart(file)
            } else {
                parts.singlepart(file)
            };
        }
        builder.multipart(parts).map_err(|error| malformed(&error))
    }
}

/// Tells attempts to write a mail apart.
static ATTEMPTS: AtomicU64 = AtomicU64::new(0);

/// A mail becomes a file whole or not at all, under its own id: sent twice, it is there once.
async fn write(folder: &Path, id: &str, bytes: &[u8]) -> Result<(), MailError> {
    let failed = |error: std::io::Error| MailError::Unavailable(error.to_string());
    let name: String = id
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') {
                c
            } else {
                '_'
            }
        })
        .collect();
    tokio::fs::create_dir_all(folder).await.map_err(failed)?;
    // Of its own: the same mail may be sent twice at the same moment.
    let attempt = ATTEMPTS.fetch_add(1, Ordering::Relaxed);
    let unfinished = folder.join(format!("{name}.{}-{attempt}.part", std::process::id()));
    tokio::fs::write(&unfinished, bytes).await.map_err(failed)?;
    tokio::fs::rename(&unfinished, folder.join(format!("{name}.eml")))
        .await
        .map_err(failed)
}

async fn ses(client: &aws_sdk_sesv2::Client, bytes: &[u8]) -> Result<(), MailError> {
    use aws_sdk_sesv2::error::DisplayErrorContext;
    use aws_sdk_sesv2::primitives::Blob;
    use aws_sdk_sesv2::types::{EmailContent, RawMessage};
    let raw = RawMessage::builder()
        .data(Blob::new(bytes))
        .build()
        .map_err(|error| MailError::Malformed(error.to_string()))?;
    let content = EmailContent::builder().raw(raw).build();
    match client.send_email().content(content).send().await {
        Ok(_) => Ok(()),
        Err(error) => {
            let refused = error
                .as_service_error()
                .is_some_and(|error| error.is_message_rejected() || error.is_bad_request_exception());
            let text = format!("{}", DisplayErrorContext(error));
            Err(if refused {
                MailError::Malformed(text)
            } else {
                MailError::Unavailable(text)
            })
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn mail(to: &str, subject: &str) -> Mail {
        Mail {
            id: "svi_1".into(),
            from_name: "Firm\r\nBcc: x@y.zz".into(),
            to: to.into(),
            subject: subject.into(),
            text: "Hello 李".into(),
            html: "<p>Hello 李</p>".into(),
            unsubscribe: Some("http://127.0.0.1/s/x".into()),
            attachments: Vec::new(),
        }
    }

    fn nowhere() -> Mailer {
        let way = Way::Smtp("127.0.0.1".into(), 1);
        Mailer::new(&way, "service@rapport.example", None).unwrap()
    }

    #[tokio::test]
    async fn a_mail_becomes_one_file_and_headers_cannot_be_injected() {
        let folder = std::env::temp_dir().join(format!("rapport-mail-{}", std::process::id()));
        let way = Way::Folder(folder.clone());
        let mailer = Mailer::new(&way, "service@rapport.example", None).unwrap();
        let same = mail("ann@b.co", "A\r\nBcc: x@y.zz");
        mailer.send(&same).await.unwrap();
        // By several at the same moment too.
        for _ in 0..50 {
            let sent = tokio::join!(mailer.send(&same), mailer.send(&same), mailer.send(&same));
            assert!(sent.0.is_ok() && sent.1.is_ok() && sent.2.is_ok(), "{sent:?}");
        }
        let files: Vec<_> = std::fs::read_dir(&folder).unwrap().collect();
        assert_eq!(files.len(), 1);
        let text = std::fs::read_to_string(folder.join("svi_1.eml")).unwrap();
        assert!(!text.lines().any(|line| line.starts_with("Bcc:")), "{text}");
        assert!(text.contains("List-Unsubscribe: <http://127.0.0.1/s/x>"));
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn files_go_with_a_mail_beside_its_text() {
        let mailer = nowhere();
        let file = |name: &str| Attachment {
            name: name.into(),
            content_type: "text/csv; charset=utf-8".into(),
            bytes: vec![0, 255, 13, 10, 200],
        };
        let with = Mail {
            attachments: vec![file("a.csv"), file("b\r\nBcc: x@y.zz.csv")],
            ..mail("ann@b.co", "A")
        };
        let bytes = mailer.message(&with).unwrap().formatted();
        let text = String::from_utf8(bytes).unwrap();
        assert!(
            text.contains("multipart/mixed") && text.contains("multipart/alternative"),
            "{text}"
        );
        assert!(text.contains("attachment; filename=\"a.csv\""), "{text}");
        assert_eq!(text.matches("AP8NCsg=").count(), 2, "{text}");
        assert!(!text.lines().any(|line| line.starts_with("Bcc:")), "{text}");
        let wrong = Mail {
            attachments: vec![Attachment {
                content_type: "nonsense".into(),
                ..file("a")
            }],
            ..mail("ann@b.co", "A")
        };
        assert!(matches!(mailer.message(&wrong), Err(MailError::Malformed(_))));
    }

    #[tokio::test]
    async fn what_cannot_be_written_is_malformed() {
        let mailer = nowhere();
        assert!(matches!(
            mailer.send(&mail("no address", "A")).await,
            Err(MailError::Malformed(_))
        ));
        assert!(matches!(
            mailer.send(&mail("ann@b.co", "A")).await,
            Err(MailError::Unavailable(_))
        ));
    }

    #[test]
    fn a_setting_names_a_way() {
        for (setting, way) in [
            ("ses", Ok(Way::Ses)),
            ("folder:/tmp/mail", Ok(Way::Folder("/tmp/mail".into()))),
            ("smtp://relay.example:25", Ok(Way::Smtp("relay.example".into(), 25))),
            ("smtp://[::1]:2525", Ok(Way::Smtp("[::1]".into(), 2525))),
            ("smtp://relay.example", Err(NoWay)),
            ("smtp://relay.example:mail", Err(NoWay)),
            ("pigeon", Err(NoWay)),
            ("", Err(NoWay)),
        ] {
            assert_eq!(setting.parse(), way, "{setting}");
        }
    }
}
