//! What several pages show alike: times, severities, states, people.

use std::collections::BTreeMap;

use domain::{id::PersonId, time::Timestamp};
use engine::Reader;
use maud::{Markup, html};

/// A time as RFC 3339 text, shown to the second and exact in its attribute.
pub(super) fn instant(text: &str) -> Markup {
    let shown = text.get(..19).map_or_else(|| text.to_owned(), |shown| shown.replacen('T', " ", 1));
    html! { time datetime=(text) { (shown) " UTC" } }
}

/// How long ago, or in how long.
pub(super) fn ago(text: &str, now: Timestamp) -> Markup {
    let Ok(at) = text.parse::<Timestamp>() else { return instant(text) };
    let shown = match at <= now {
        true => format!("{} ago", span(now.since(at).0 / 1_000_000)),
        false => format!("in {}", span(at.since(now).0 / 1_000_000)),
    };
    html! { time.ago datetime=(text) title=(text) { (shown) } }
}

/// Seconds in the largest unit that fits, and the next where that is telling.
pub(super) fn span(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// The first time less the second, in the unit that its size asks for.
pub(super) fn between(later: &str, earlier: &str) -> Option<String> {
    let micros = later.parse::<Timestamp>().ok()?.since(earlier.parse().ok()?).0;
    Some(match micros {
        0..1_000_000 => format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100),
        1_000_000..60_000_000 => format!("{}.{} s", micros / 1_000_000, micros % 1_000_000 / 100_000),
        _ => span(micros / 1_000_000),
    })
}

/// A word with a colour of its own; the word alone is enough to tell.
pub(super) fn badge(kind: &str, word: &str) -> Markup {
    html! { span class={ "badge " (kind) "-" (word) } { (word.replace('_', " ")) } }
}

/// Names of people by the id under which the rows know them.
pub(super) struct Names(BTreeMap<String, String>);

impl Names {
    pub(super) fn of(reader: &Reader) -> Result<Names, engine::Error> {
        let people = reader.people()?;
        Ok(Names(people.iter().map(|person| (person.id.to_string(), person.name.to_string())).collect()))
    }

    /// Of a person's id as shown (`P-3`), or of an actor as journaled (`person/3`).
    pub(super) fn get<'a>(&'a self, who: &'a str) -> &'a str {
        let id =
            who.strip_prefix("person/").and_then(|number| number.parse().ok()).map(PersonId::from_number);
        let id = id.map_or_else(|| who.to_owned(), |id| id.to_string());
        self.0.get(&id).map_or(who, String::as_str)
    }
}
