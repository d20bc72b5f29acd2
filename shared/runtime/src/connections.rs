//! How functions reach AWS: HTTP/1.1, over TLS by rustls, with connections that are kept.
//!
//! The SDK's own client also speaks HTTP/2, goes through proxies and keeps its connections in a way that is some hundred kilobytes of
//! each archive. What is left without it is hyper's client.

use aws_smithy_runtime_api::client::connection::{CaptureSmithyConnection, ConnectionMetadata};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::{Connected, HttpConnector as Tcp, capture_connection};
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig, RootCertStore};

use crate::BoxError;

/// Connections over TLS, or over plain HTTP as on one machine; the machine's list of certificates, some milliseconds of a start, is read
/// only for the former.
///
/// # Errors
/// When there is no list of certificates, or none in it.
pub(crate) fn connections(tls: bool) -> Result<SharedHttpClient, BoxError> {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let config = if tls {
        builder.with_native_roots()?
    } else {
        builder.with_root_certificates(RootCertStore::empty())
    };
    let mut tcp = Tcp::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(config.with_no_client_auth())
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp);
    let client = Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .build(connector);
    Ok(SharedHttpClient::new(Connections(client)))
}

#[derive(Clone, Debug)]
struct Connections(Client<HttpsConnector<Tcp>, SdkBody>);

impl HttpClient for Connections {
    /// What an attempt may take, connecting included, is limited where clients are made.
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Connections {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mut request = match request.try_into_http1x() {
            Ok(request) => request,
            Err(error) => return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into()))),
        };
        let taken = capture_connection(&mut request);
        // The SDK gives up a connection over which a server had no good answer: the next one may lead to another.
        if let Some(wanted) = request.extensions().get::<CaptureSmithyConnection>() {
            wanted.set_connection_retriever(move || {
                let proxied = taken.connection_metadata().as_ref()?.is_proxied();
                let taken = taken.clone();
                let give_up = move || taken.connection_metadata().iter().for_each(Connected::poison);
                Some(
                    ConnectionMetadata::builder()
                        .proxied(proxied)
                        .poison_fn(give_up)
                        .build(),
                )
            });
        }
        let answer = self.0.request(request);
        HttpConnectorFuture::new(async move {
            let answer = answer.await.map_err(failed)?;
            HttpResponse::try_from(answer.map(SdkBody::from_body_1_x))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// What fails on the way may be tried again, whatever it was: no connection, none in time, one that ended early.
fn failed(error: Error) -> ConnectorError {
    ConnectorError::io(error.into())
}
