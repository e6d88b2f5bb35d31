//! `/figures`: how well it goes: what people look at first, against its target, and every figure with its percentiles.

use axum::response::Response;
use maud::{Markup, html};

use super::{
    Frame, Place, page,
    parts::{instant, span},
};
use crate::{
    Error,
    api::figures::{SINCE, UNTIL},
    call::Call,
    route::Route,
    view::{Figure, Kpi, kpi_window},
};

/// What stands above the table, by name.
const FIRST: [&str; 12] = [
    "time_to_detect",
    "time_to_contain",
    "time_to_resolve",
    "automation_rate",
    "total_incidents",
    "critical_incidents",
    "resolved_incidents",
    "false_positives",
    "containment_success_rate",
    "recovery_success_rate",
    "impact_avoided",
    "lessons_applied",
];

pub(super) const ROUTE: Route =
    page("/figures", &[SINCE, UNTIL], "How well incidents are handled, against the targets.", |call| {
        Box::pin(show(call))
    });

async fn show(call: Call) -> Result<Response, Error> {
    let kpi = Kpi::of(&call, kpi_window(&call)?).await?;
    let frame = Frame { title: "Figures", place: Place::Figures, live: None };
    frame.around(&call, body(&kpi)).await
}

fn body(kpi: &Kpi) -> Markup {
    html! {
        h1 { "Figures" }
        p.fine { "Incidents opened from " (instant(&kpi.since)) " to " (instant(&kpi.until)) ". "
            @match kpi.drills { 0 => {}, 1 => "One drill is left out.", more => { (more) " drills are left out." } } }
        dl.tiles {
            @for figure in FIRST.iter().filter_map(|name| kpi.all.figures.iter().find(|one| one.name == *name)) {
                (tile(figure))
            }
        }
        (table("All", &kpi.all.figures))
        @for group in kpi.by_severity.iter().chain(&kpi.by_category) {
            details {
                summary { (group.name.replace('_', " ")) " (" (group.incidents) ")" }
                (table(&group.name, &group.figures))
            }
        }
    }
}

fn tile(figure: &Figure) -> Markup {
    let class = match figure.met {
        Some(true) => Some("met"),
        Some(false) => Some("call"),
        None => None,
    };
    html! {
        div class=[class] {
            dt { (figure.title) }
            dd { (amount(figure.value, &figure.unit)) }
            @if figure.target.is_some() { dd.fine { (against(figure)) } }
        }
    }
}

/// The target, and in words whether it is met.
fn against(figure: &Figure) -> String {
    let Some(target) = figure.target else { return String::new() };
    let bound = if figure.less_is_better { "at most" } else { "at least" };
    let met = match figure.met {
        Some(true) => ", met",
        Some(false) => ", not met",
        None => "",
    };
    format!("{bound} {}{met}", amount(Some(target), &figure.unit))
}

fn table(title: &str, figures: &[Figure]) -> Markup {
    html! {
        table.list aria-label=(title) {
            thead { tr {
                th { "Figure" } th { "Value" } th { "p50" } th { "p95" } th { "Measured" } th { "Open" } th { "Target" }
            } }
            tbody { @for figure in figures { (row(figure)) } }
        }
    }
}

fn row(figure: &Figure) -> Markup {
    html! {
        tr {
            td.main data-label="Figure" { (figure.title)
                @if let Some(newest) = figure.incidents.first() {
                    div.fine { "last: " a href={ "/incidents/" (newest) } { (newest) } }
                }
            }
            td.number data-label="Value" { (amount(figure.value, &figure.unit)) }
            td.number data-label="p50" { (amount(figure.p50, &figure.unit)) }
            td.number data-label="p95" { (amount(figure.p95, &figure.unit)) }
            td.number data-label="Measured" { (figure.n) }
            td data-label="Open" {
                @if figure.open > 0 {
                    (figure.open) @if let Some(oldest) = figure.oldest_open_s { ", oldest " (span(oldest)) }
                }
            }
            td data-label="Target" {
                @if figure.met == Some(false) { strong.wrong { (against(figure)) } } @else { (against(figure)) }
            }
        }
    }
}

fn amount(value: Option<f64>, unit: &str) -> String {
    let Some(value) = value else { return "–".to_owned() };
    match unit {
        "seconds" if value < 1.0 => format!("{:.0} ms", value * 1e3),
        "seconds" if value < 60.0 => format!("{value:.1} s"),
        "seconds" => span(value as u64),
        "percent" => format!("{value} %"),
        _ => value.to_string(),
    }
}
