//! What a link leads to: the invitation, the survey and the firm; or a page that says it leads nowhere.

use axum::response::Response;
use http::{HeaderMap, StatusCode, header};
use rapport_domain::survey::{Invitation, Item, Language, Survey, SurveyToken, TokenError};
use rapport_domain::{Actor, Record, Rules, TenantId};
use rapport_http::metering::{self, Door};
use rapport_http::{Problem, RequestId};
use rapport_runtime::App;
use rapport_store::{Accept, StoreError};

use crate::page;

/// What a good link leads to.
pub struct Link {
    /// The tenant.
    pub tenant: TenantId,
    /// The invitation.
    pub invitation: Record<Invitation>,
    /// The survey; nothing where it was deleted since.
    pub survey: Option<Survey>,
    /// The time and the tenant's settings.
    pub rules: Rules,
}

impl Link {
    /// The context of a write on the respondent's behalf. What the invitation names is believed.
    pub fn accept(&self, request: RequestId) -> Accept {
        let actor = Actor::worker("surveys", &request.0.to_string());
        Accept::new(self.tenant, actor, self.rules.clone())
    }

    /// What is asked beside the score; where the survey was deleted, what its metric is made of.
    pub fn items(&self) -> Vec<Item> {
        match &self.survey {
            Some(survey) => survey.items.clone(),
            None => Survey::usual_items(self.invitation.body.metric),
        }
    }
}

/// Why a link leads nowhere.
#[derive(Debug)]
pub enum Dead {
    /// Not one of ours, or what it led to is gone: nobody can tell.
    Missing,
    /// Its time is over.
    Expired,
    /// We cannot tell now.
    Failed(Problem),
}

impl From<StoreError> for Dead {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Missing => Self::Missing,
            other => Self::Failed(other.into()),
        }
    }
}

impl Dead {
    /// A page that says so in the reader's language and nothing else.
    pub fn page(self, headers: &HeaderMap) -> Result<Response, Problem> {
        let language = reader(headers);
        match self {
            Self::Missing => Ok(page::notice(StatusCode::NOT_FOUND, language, "", page::Notice::Missing)),
            Self::Expired => Ok(page::notice(StatusCode::GONE, language, "", page::Notice::Expired)),
            Self::Failed(problem) => Err(problem),
        }
    }

    /// The problem for programs.
    pub fn problem(self) -> Problem {
        match self {
            Self::Missing => Problem::not_found(),
            Self::Expired => Problem::not_found().particular("link_expired"),
            Self::Failed(problem) => problem,
        }
    }
}

/// The language that a browser asks for first.
fn reader(headers: &HeaderMap) -> Language {
    let accepted = headers
        .get(header::ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok());
    accepted.and_then(Language::of).unwrap_or_default()
}

/// Counts what a respondent's call costs as the firm's, where his link is good.
pub async fn counted<F>(app: &App, token: &str, work: F) -> Result<Response, Problem>
where
    F: Future<Output = Result<Response, Problem>>,
{
    match SurveyToken::open(&app.config.secret_key, token, app.clock.now()) {
        Ok(token) => Ok(metering::at(app, token.tenant, Door::Person, work).await),
        Err(_) => work.await,
    }
}

/// Follows a link. Reads nothing before the signature was found good.
pub async fn follow(app: &App, token: &str) -> Result<Link, Dead> {
    let now = app.clock.now();
    let token = SurveyToken::open(&app.config.secret_key, token, now).map_err(|error| match error {
        TokenError::Invalid => Dead::Missing,
        TokenError::Expired => Dead::Expired,
    })?;
    let (invitation, rules) = futures::join!(
        app.store.get::<Invitation>(token.tenant, token.invitation),
        app.store.rules(token.tenant, now),
    );
    let (invitation, rules) = (invitation?, rules?);
    let survey = match app.store.get::<Survey>(token.tenant, invitation.body.survey_id).await {
        Ok(survey) => Some(survey.body),
        Err(StoreError::Missing) => None,
        Err(error) => return Err(error.into()),
    };
    Ok(Link {
        tenant: token.tenant,
        invitation,
        survey,
        rules,
    })
}
