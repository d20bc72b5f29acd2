//! The least that a Lambda function of HTTP can be: what `tests/coldstart` holds the product's functions against.

use lambda_http::{Error, Request, Response, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(|_: Request| async {
        Ok::<_, Error>(Response::new("hello".to_owned()))
    }))
    .await
}
