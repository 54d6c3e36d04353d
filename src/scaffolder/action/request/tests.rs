//! What is sent, what is made of answers, and what happens when nothing comes back.

use std::sync::Mutex;

use super::super::Ledger;
use super::super::testing::Bench;
use super::*;

/// Remembers what it was asked, and answers the same every time; nothing at all without an answer.
struct Echo {
    asked: Mutex<Vec<PortalRequest>>,
    answer: Option<PortalAnswer>,
}

impl Portal for Echo {
    fn answer<'a>(
        &'a self,
        _: &'a Credentials,
        request: PortalRequest,
    ) -> BoxFuture<'a, Result<PortalAnswer, PortalError>> {
        self.asked.lock().unwrap().push(request);
        let answer = self.answer.clone();
        Box::pin(async move {
            match answer {
                Some(answer) => Ok(answer),
                None => std::future::pending().await,
            }
        })
    }
}

fn echo(status: u16, kind: &str, body: &str) -> Arc<Echo> {
    let headers = vec![("content-type".to_owned(), kind.to_owned())];
    Arc::new(Echo { asked: Mutex::default(), answer: Some(PortalAnswer { status, headers, body: body.to_owned() }) })
}

/// A ledger in memory.
#[derive(Default)]
struct Notes(Mutex<Map<String, Value>>);

impl Ledger for Notes {
    fn get<'a>(&'a self, step: &'a str, key: &'a str) -> BoxFuture<'a, Result<Option<Value>, ActionError>> {
        let found = self.0.lock().unwrap().get(&format!("{step}/{key}")).cloned();
        Box::pin(async move { Ok(found) })
    }

    fn put<'a>(
        &'a self,
        step: &'a str,
        key: &'a str,
        value: Value,
        _: Option<&'a str>,
    ) -> BoxFuture<'a, Result<(), ActionError>> {
        self.0.lock().unwrap().insert(format!("{step}/{key}"), value);
        Box::pin(async { Ok(()) })
    }
}

fn map(value: &Value) -> Outputs {
    value.as_object().unwrap().clone()
}

#[test]
fn paths_are_those_of_the_api_and_lead_nowhere_else() {
    let cases = [
        (json!({"path": "/catalog/entities"}), Ok("/api/catalog/entities")),
        (
            json!({"path": "api/catalog/entities", "params": {"filter": "kind=a b", "n": 1, "l": ["x", "y"]}}),
            Ok("/api/catalog/entities?filter=kind%3Da+b&n=1&l=x%2Cy"),
        ),
        (json!({"path": "catalog/a?b=c", "params": {"d": true}}), Ok("/api/catalog/a?b=c&d=true")),
        (json!({"path": "/catalog/x?u=http://a"}), Ok("/api/catalog/x?u=http://a")),
        (json!({"path": "/"}), Err("path / names no plugin of the portal; write it as /catalog/entities")),
        (
            json!({"path": "https://example.com/x"}),
            Err(
                "path https://example.com/x is an address; only the portal's own API can be asked; write it as /catalog/entities",
            ),
        ),
        (
            json!({"path": "/catalog/../../metrics"}),
            Err(
                "path /catalog/../../metrics has segments or characters that no path of the API has; write it as /catalog/entities",
            ),
        ),
        (
            json!({"path": "/catalog/%2E%2e/x"}),
            Err(
                "path /catalog/%2E%2e/x has segments or characters that no path of the API has; write it as /catalog/entities",
            ),
        ),
    ];
    for (input, expected) in cases {
        assert_eq!(target(&map(&input)).as_deref().map_err(|error| &*error.message), expected);
    }
}

#[tokio::test]
async fn answers_become_outputs() {
    let cases = [
        (
            echo(200, "application/json; charset=utf-8", "{\"a\":1}"),
            json!({}),
            Ok(json!({"code": 200, "headers": {"content-type": "application/json; charset=utf-8"}, "body": {"a": 1}})),
        ),
        (
            echo(204, "text/plain", "hi"),
            json!({}),
            Ok(json!({"code": 204, "headers": {"content-type": "text/plain"}, "body": {"message": "hi"}})),
        ),
        (
            echo(404, "text/plain", "no"),
            json!({"continueOnBadResponse": true}),
            Ok(json!({"code": 404, "headers": {}, "body": {"message": "no"}})),
        ),
        (echo(500, "text/plain", "no"), json!({}), Err("Unable to complete request")),
        (
            echo(200, "application/json", "{"),
            json!({}),
            Err("Could not parse response body: EOF while parsing an object at line 1 column 1"),
        ),
    ];
    for (portal, more, expected) in cases {
        let mut input = json!({"path": "/catalog/x", "method": "GET"});
        input.as_object_mut().unwrap().extend(map(&more));
        let answer = Bench::with(&[]).run(&Request { portal }, input).await;
        match (answer, expected) {
            (Ok(made), Ok(expected)) => assert_eq!(Value::Object(made), expected),
            (Err(error), Err(expected)) => assert_eq!((error.name, &*error.message), ("HttpError", expected)),
            (other, expected) => unreachable!("{other:?} is not {expected:?}"),
        }
    }
}

#[tokio::test]
async fn bodies_are_json_unless_they_are_texts() {
    let portal = echo(200, "text/plain", "");
    for body in [json!({"a": 1}), json!("text")] {
        let input = json!({"path": "/x/y", "method": "POST", "headers": {"X-Own": 1}, "body": body});
        Bench::with(&[]).run(&Request { portal: portal.clone() }, input).await.unwrap();
    }
    let asked = portal.asked.lock().unwrap();
    let own = ("x-own".to_owned(), "1".to_owned());
    assert_eq!(asked[0].headers, [own.clone(), ("content-type".to_owned(), "application/json".to_owned())]);
    assert_eq!((asked[0].body.as_deref(), asked[1].body.as_deref()), (Some("{\"a\":1}"), Some("text")));
    assert_eq!(asked[1].headers, [own]);
}

#[tokio::test]
async fn a_plan_reads_but_does_not_write() {
    let portal = echo(200, "application/json", "{\"a\":1}");
    let action = Request { portal: portal.clone() };
    let read = Bench::with(&[]).inspect(&action, json!({"path": "/x/y", "method": "GET"})).await.unwrap();
    assert_eq!((read.outputs.get("body"), read.effects.len()), (Some(&json!({"a": 1})), 0));
    let write = Bench::with(&[]).inspect(&action, json!({"path": "/x/y", "method": "POST"})).await.unwrap();
    assert_eq!(write.effects[0].sentence, "send POST to /api/x/y");
    assert_eq!(portal.asked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_request_that_was_cut_off_is_only_sent_again_if_it_can_be() {
    let silent = Arc::new(Echo { asked: Mutex::default(), answer: None });
    let ledger = Arc::new(Notes::default());
    let mut bench = Bench::with(&[]);
    bench.context.ledger = ledger;
    for method in ["POST", "PUT"] {
        let input = json!({"path": "/x/y", "method": method});
        let action = Request { portal: silent.clone() };
        // Dropped while it waits, as a process that dies.
        assert!(futures_util::FutureExt::now_or_never(bench.run(&action, input)).is_none());
    }
    let portal = echo(200, "text/plain", "");
    let action = Request { portal: portal.clone() };
    let post = bench.run(&action, json!({"path": "/x/y", "method": "POST"})).await.unwrap_err();
    assert!(post.name == "ConflictError" && post.message.contains("may have had its effect"), "{post}");
    bench.run(&action, json!({"path": "/x/y", "method": "PUT"})).await.unwrap();
    assert_eq!(portal.asked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn an_answer_has_a_time_limit() {
    let silent = Arc::new(Echo { asked: Mutex::default(), answer: None });
    let input = json!({"path": "/x/y", "method": "GET", "timeout": 1});
    let error = Bench::with(&[]).run(&Request { portal: silent.clone() }, input).await.unwrap_err();
    assert_eq!(error.message, "Request was aborted as it took longer than 0.001 seconds");
    for timeout in [0.0, -1.0, 600_001.0] {
        let input = json!({"path": "/x/y", "method": "GET", "timeout": timeout});
        let error = Bench::with(&[]).run(&Request { portal: silent.clone() }, input).await.unwrap_err();
        assert_eq!(error.name, "InputError");
    }
}
