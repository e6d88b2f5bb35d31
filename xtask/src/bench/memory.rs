//! What the server keeps in memory, and how fast it answers about a million open incidents.

use std::time::{Duration, Instant};

use anyhow::bail;

use super::{
    Bench,
    alerts::Kind,
    content, http,
    load::Closed,
    report::{Budget, Line, number},
    server::{Memory, Server},
    stats::Samples,
    target::Target,
};

/// After a load, until memory is read: timers and the seal come to rest.
const REST: Duration = Duration::from_secs(3);
/// Incidents a page, and pages and incidents that are asked for.
const PAGE: usize = 100;
const PAGES: usize = 100;

pub(super) fn alerts(bench: &Bench) -> anyhow::Result<Vec<Line>> {
    let folder = bench.folder("memory")?;
    let target = Target::start(0)?;
    let server = Server::start(bench, &folder, target.address)?;
    std::thread::sleep(REST);
    let idle = server.memory()?;
    let alerts = bench.size(100_000, 20_000);
    let done = Closed { alerts, ..Closed::default() }.run(&server)?;
    std::thread::sleep(REST);
    let loaded = server.memory()?;
    server.stop()?;
    Ok(vec![
        line("memory idle", 20.0, idle, String::new()),
        line("memory, 100,000 active alerts", 100.0, loaded, counted(done.accepted, "alerts")),
    ])
}

pub(super) fn incidents(bench: &Bench) -> anyhow::Result<Vec<Line>> {
    let folder = bench.folder("incidents")?;
    let target = Target::start(0)?;
    let server = Server::start(bench, &folder, target.address)?;
    let alerts = bench.size(1_000_000, 50_000);
    let done = Closed { kind: Kind::Incident(content::OPEN), alerts, ..Closed::default() }.run(&server)?;
    std::thread::sleep(REST);
    let memory = server.memory()?;
    let (list, ids) = pages(&server)?;
    let open = one_by_one(&server, &ids)?;
    let mut counted = counted(done.accepted, "incidents, each with its alert firing");
    // What was measured stands, whatever the end of the server was like.
    if let Err(error) = server.stop() {
        counted.push_str(&format!("; {error:#}"));
    }
    let p50 = |samples: &Samples| format!("p99 of {PAGES}; p50 {} ms", number(samples.p50()));
    Ok(vec![
        line("memory, 1,000,000 open incidents", 1024.0, memory, counted),
        Line::new("list a page of open incidents", "ms", Budget::AtMost(10.0), list.p99()).note(p50(&list)),
        Line::new("open one of the incidents", "ms", Budget::AtMost(10.0), open.p99()).note(p50(&open)),
    ])
}

fn line(what: &'static str, most: f64, memory: Memory, note: String) -> Line {
    let note = format!("resident; proportional {} MiB {note}", number(memory.proportional));
    Line::new(what, "MiB", Budget::AtMost(most), memory.resident).note(note.trim_end().to_owned())
}

fn counted(count: u64, of: &str) -> String {
    format!("with {} {of}", number(count as f64))
}

/// Follows the cursor page by page. Gives the times in milliseconds, and an id of each page.
fn pages(server: &Server) -> anyhow::Result<(Samples, Vec<String>)> {
    let mut connection = server.connect()?;
    let (mut times, mut ids, mut cursor) = (Vec::new(), Vec::new(), String::new());
    for _ in 0..PAGES {
        let path = format!("/api/v1/incidents?limit={PAGE}{cursor}");
        let request = http::get(&path, &server.token);
        let begin = Instant::now();
        let body = connection.body(&request)?;
        times.push(begin.elapsed().as_secs_f64() * 1e3);
        let page: serde_json::Value = serde_json::from_str(&body)?;
        let items = page["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        if items.len() != PAGE {
            bail!("a page holds {} incidents in the place of {PAGE}", items.len());
        }
        ids.extend(items[0]["id"].as_str().map(str::to_owned));
        let Some(next) = page["next"].as_str() else { bail!("the list ends after {} pages", times.len()) };
        cursor = format!("&cursor={next}");
    }
    Ok((Samples::new(times), ids))
}

fn one_by_one(server: &Server, ids: &[String]) -> anyhow::Result<Samples> {
    let mut connection = server.connect()?;
    let mut times = Vec::new();
    for id in ids {
        let request = http::get(&format!("/api/v1/incidents/{id}"), &server.token);
        let begin = Instant::now();
        connection.body(&request)?;
        times.push(begin.elapsed().as_secs_f64() * 1e3);
    }
    Ok(Samples::new(times))
}
