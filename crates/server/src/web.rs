//! Pages for people with a browser: what is going on, what is in force, how well it goes. They are made here, whole,
//! without a script, and change nothing; a page about something under way asks for itself again every few seconds.
//!
//! Every value passes through `maud`, which escapes it. A browser is let in by [`session`]; who may see a page is
//! declared in the route table like for any other route.

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use domain::{access::Permission, approval::Approval, control::Control};
use maud::{DOCTYPE, Markup, html};

use crate::{
    Error, Problem,
    call::Call,
    route::{Answer, Audit, Auth, Contract, Handler, Method, Parameter, Route},
};

mod analysis;
mod containments;
mod figures;
mod incident;
mod incidents;
mod login;
mod parts;
pub(crate) mod session;

pub(crate) const ROUTES: &[Route] = &[
    incidents::ROUTE,
    incident::ROUTE,
    containments::ROUTE,
    figures::ROUTE,
    login::FORM,
    login::LOG_IN,
    login::LOG_OUT,
    STYLE,
];

const HTML: Answer = Answer::Other("text/html; charset=utf-8");

const LIVE: Parameter =
    Parameter { name: "live", about: "`off`: the page stays as it is until it is asked for again." };

/// How often a page about something under way asks for itself again.
const REFRESH: HeaderValue = HeaderValue::from_static("5");

/// Nothing from elsewhere, no script, no frame: what an alert says cannot become part of the page.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

/// A page that any person may read.
const fn page(
    path: &'static str,
    query: &'static [Parameter],
    summary: &'static str,
    handler: Handler,
) -> Route {
    Route {
        method: Method::Get,
        path,
        contract: Contract::Page,
        auth: Auth::Token(Permission::Read),
        audit: Audit::Nothing,
        body_max: 0,
        query,
        request: None,
        answer: HTML,
        summary,
        handler,
    }
}

const STYLE: Route = Route {
    auth: Auth::Public,
    answer: Answer::Other("text/css; charset=utf-8"),
    ..page("/style.css", &[], "How the pages look.", |_| Box::pin(std::future::ready(Ok(style()))))
};

fn style() -> Response {
    let kind = (header::CONTENT_TYPE, "text/css; charset=utf-8");
    let kept = (header::CACHE_CONTROL, "max-age=300");
    ([kind, kept], include_str!("web/style.css")).into_response()
}

/// Which entry of the navigation a page belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Incidents,
    Containments,
    Figures,
}

/// What stands around the body of every page.
struct Frame<'a> {
    title: &'a str,
    place: Place,
    /// The address of this page with `live=off` or without, where the page is live or could be.
    live: Option<Live>,
}

struct Live {
    on: bool,
    other: String,
}

impl Live {
    /// Whether the page asks for itself again; `address` ends such that a parameter can follow.
    fn of(call: &Call, address: &str) -> Result<Live, Error> {
        let on = !crate::api::either(call, "live", ["on", "off"])?;
        let other = if on { format!("{address}live=off") } else { format!("{address}live=on") };
        Ok(Live { on, other })
    }
}

impl Frame<'_> {
    /// The whole page; the limits in force stand on all of them.
    async fn around(self, call: &Call, body: Markup) -> Result<Response, Error> {
        let control = call.read(|reader| reader.control()).await?;
        let who = call.principal.as_ref().map(|who| who.name.clone());
        let markup = document(
            self.title,
            html! {
                header.top {
                    a.brand href="/" { "Ringfence" }
                    nav {
                        (entry("/", "Incidents", self.place == Place::Incidents))
                        (entry("/containments", "Containments", self.place == Place::Containments))
                        (entry("/figures", "Figures", self.place == Place::Figures))
                    }
                    div.who {
                        @if let Some(live) = &self.live {
                            a.live href=(live.other) {
                                @if live.on { "Live: pause" } @else { "Paused: go on" }
                            }
                        }
                        @if let Some(name) = &who { span.name { (name) } }
                        form method="post" action="/logout" { button { "Log out" } }
                    }
                }
                (limits(&control))
                main { (body) }
            },
        );
        let mut response = answer(StatusCode::OK, markup);
        if self.live.is_some_and(|live| live.on) {
            response.headers_mut().insert(header::REFRESH, REFRESH);
        }
        Ok(response)
    }
}

fn entry(path: &str, name: &str, here: bool) -> Markup {
    html! { a href=(path) aria-current=[here.then_some("page")] { (name) } }
}

/// What holds back effects now; nothing where nothing does.
fn limits(control: &Control) -> Markup {
    html! {
        @if let Some(switch) = &control.kill_switch {
            p.banner.stop role="alert" {
                strong { "Kill switch on" } " since " (parts::instant(&switch.since.to_string()))
                ": no effect begins. " (switch.reason)
            }
        }
        @if control.safe_mode != domain::control::SafeMode::Disabled {
            p.banner { strong { "Safe mode " (control.safe_mode) } " limits what may be done." }
        }
        @for (name, breaker) in &control.breakers {
            p.banner { strong { "Breaker " (name) " open" } ": " (breaker.reason) }
        }
        @if let Some(doubt) = &control.clock_doubt {
            p.banner { strong { "Clock in doubt" } ": " (doubt) }
        }
    }
}

fn document(title: &str, body: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Ringfence" }
                link rel="stylesheet" href="/style.css";
            }
            body { (body) }
        }
    }
}

fn answer(status: StatusCode, markup: Markup) -> Response {
    let mut response = (status, Body::from(markup.into_string())).into_response();
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    set(header::CONTENT_TYPE, "text/html; charset=utf-8");
    set(header::CACHE_CONTROL, "no-store");
    set(header::CONTENT_SECURITY_POLICY, POLICY);
    set(header::REFERRER_POLICY, "no-referrer");
    response
}

/// A refusal as a page; who is not logged in is sent to do so.
pub(crate) fn refused(error: &Error, path: &str, instance: &str) -> Response {
    if error.problem() == Problem::Unauthenticated {
        return if path == login::PATH { login::again(error) } else { login::send_there(path) };
    }
    let markup = document(
        error.problem().title(),
        html! {
            main.alone {
                h1 { (error.problem().title()) }
                p { (error.detail()) }
                p.fine { (error.problem().status().as_u16()) " · " (instance) }
                p { a href="/" { "To the incidents" } }
            }
        },
    );
    answer(error.problem().status(), markup)
}

/// Requests of an incident that wait for people.
fn waits(asked: &Approval) -> bool {
    !domain::approval::is_over(asked) && asked.denied.is_none()
}
