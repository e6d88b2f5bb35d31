//! The live view: attack on the left, response on the right, redrawn in place on a terminal; in a pipe, one plain
//! line for each thing that happened; with `--json`, nothing until the end.

use std::time::Instant;

use estate::Scenario;

use super::{
    millis,
    scene::{Line, Scene},
};
use crate::output::{Colour, Output, WIDTH, escape, shorten, wrap};

const LEFT: usize = 29;
const RIGHT: usize = WIDTH - LEFT - 3;
/// The parts of a line on the right behind its text.
const ENTRY: usize = 6;
const TIME: usize = 9;
/// Lines of a frame: one less than the smallest terminal has, for a frame that scrolls cannot be drawn over.
pub(super) const FRAME: usize = 23;
const BAR: usize = 20;

pub(super) struct View {
    title: String,
    summary: Vec<String>,
    address: String,
    output: Output,
    /// Lines of the frame that stands on the terminal.
    drawn: usize,
    /// Lines of attack and response that were printed in plain.
    told: (usize, usize),
    opened: bool,
}

impl View {
    pub(super) fn new(scenario: &Scenario, address: String, output: Output) -> View {
        let (title, summary) = (escape(&scenario.name), wrap(&escape(&scenario.summary), WIDTH - 2));
        View { title, summary, address, output, drawn: 0, told: (0, 0), opened: false }
    }

    pub(super) fn show(&mut self, scene: &Scene) {
        if self.output.json {
            return;
        }
        if self.output.is_live() {
            let frame = self.frame(scene);
            let up = if self.drawn > 0 { format!("\u{1b}[{}A", self.drawn) } else { String::new() };
            let lines: String = frame.iter().map(|line| format!("\u{1b}[2K{line}\n")).collect();
            self.drawn = frame.len();
            self.output.raw(&format!("{up}{lines}"));
        } else {
            self.plain(scene);
        }
    }

    /// Every line once, in the order in which things happened.
    fn plain(&mut self, scene: &Scene) {
        if !self.opened {
            self.opened = true;
            self.output.line(format!("drill: {}; server at {}", self.title, self.address));
        }
        let mut news: Vec<(&Line, &str)> =
            scene.attack[self.told.0..].iter().map(|line| (line, "estate")).collect();
        news.extend(scene.response[self.told.1..].iter().map(|line| (line, "ringfence")));
        news.sort_by_key(|(line, _)| line.at);
        for (line, side) in news {
            let since = line.at.saturating_duration_since(scene.began).as_secs_f64();
            let entry = line.entry.map(|entry| format!("  (entry {entry})")).unwrap_or_default();
            self.output.line(format!("+{since:.3} s  {side:9}  {}{entry}", escape(&line.text)));
        }
        self.told = (scene.attack.len(), scene.response.len());
    }

    pub(super) fn frame(&self, scene: &Scene) -> Vec<String> {
        let output = &self.output;
        let rule = output.paint(Colour::Dim, &"─".repeat(WIDTH));
        let clock = format!("+{:.1} s", Instant::now().saturating_duration_since(scene.began).as_secs_f64());
        let title = format!("RINGFENCE DRILL  {}", self.title);
        let fill = WIDTH.saturating_sub(title.chars().count() + clock.chars().count());
        let mut frame = vec![format!("{}{}{clock}", output.paint(Colour::Bold, &title), " ".repeat(fill))];
        frame.extend(self.summary.iter().map(|line| output.paint(Colour::Dim, line)));
        frame.push(rule.clone());
        let heads = (
            cell("THE ATTACK (simulated estate)", LEFT),
            format!("{}{:>ENTRY$}{:>TIME$}", cell("RINGFENCE", RIGHT - ENTRY - TIME), "entry", "after"),
        );
        let bold = |text: &str| output.paint(Colour::Bold, text);
        frame.push(format!("{} │ {}", bold(&heads.0), bold(&heads.1)));
        let foot = self.foot(scene);
        let height = FRAME.saturating_sub(frame.len() + 1 + foot.len());
        let left = self.left(scene, height);
        let right = self.right(scene, height);
        let blank = |width: usize| " ".repeat(width);
        for row in 0..height {
            let left = left.get(row).cloned().unwrap_or_else(|| blank(LEFT));
            let right = right.get(row).cloned().unwrap_or_default();
            frame.push(format!("{left} │ {right}"));
        }
        frame.push(rule);
        frame.extend(foot);
        frame
    }

    fn left(&self, scene: &Scene, height: usize) -> Vec<String> {
        let output = &self.output;
        // All of the bar is what the attack would have done by now.
        let most = scene.damage.saturating_add(scene.spared).max(BAR as u64);
        let filled = usize::try_from(scene.damage.saturating_mul(BAR as u64) / most).unwrap_or(BAR).min(BAR);
        let bar = format!("{}{}", "█".repeat(filled), "░".repeat(BAR - filled));
        let (state, colour) = match (scene.stopped, scene.damage) {
            (true, _) => ("STOPPED", Colour::Green),
            (false, 0) => ("quiet", Colour::Dim),
            (false, _) => ("RISING", Colour::Red),
        };
        let mut lines = vec![
            output.paint(colour, &cell(&format!("damage {:>4}  {state}", scene.damage), LEFT)),
            output.paint(colour, &cell(&bar, LEFT)),
            output.paint(Colour::Dim, &cell(&format!("spared {:>4}", scene.spared), LEFT)),
            cell("", LEFT),
        ];
        let story: Vec<String> = scene
            .attack
            .iter()
            .flat_map(|line| {
                let wrapped = wrap(&escape(&line.text), LEFT);
                wrapped.into_iter().map(|text| self.painted(line, &cell(&text, LEFT))).collect::<Vec<_>>()
            })
            .collect();
        lines.extend(tail(story, height.saturating_sub(lines.len())));
        lines
    }

    fn right(&self, scene: &Scene, height: usize) -> Vec<String> {
        let story = scene.response.iter().map(|line| {
            let time = scene.since_alert(line.at).map(millis).unwrap_or_default();
            let entry = line.entry.map(|entry| format!("#{entry}")).unwrap_or_default();
            let text = cell(&escape(&line.text), RIGHT - ENTRY - TIME);
            format!("{}{entry:>ENTRY$}{time:>TIME$}", self.painted(line, &text))
        });
        tail(story.collect(), height)
    }

    fn foot(&self, scene: &Scene) -> Vec<String> {
        let output = &self.output;
        let signed = if scene.sealed == scene.entries && scene.entries > 0 {
            output.paint(Colour::Green, "all signed")
        } else {
            format!("{} signed", scene.sealed)
        };
        let note = "on the right: journal entries, on disk so long after the first alert was sent";
        let mut foot = vec![output.paint(Colour::Dim, note)];
        foot.extend(self.goals(scene));
        foot.push(format!("journal  {} entries, {signed}   server {}", scene.entries, self.address));
        foot
    }

    /// As many lines as they need; one that holds is marked.
    fn goals(&self, scene: &Scene) -> Vec<String> {
        let (head, gap) = ("goals    ", 2);
        let (mut lines, mut line, mut used) = (Vec::new(), head.to_owned(), head.len());
        for (verb, target, holds) in &scene.goals {
            let text = shorten(&format!("{} {}", escape(verb), escape(target)), WIDTH - head.len() - 2);
            let width = text.chars().count() + 2 + gap;
            if used + width - gap > WIDTH && used > head.len() {
                lines.push(std::mem::replace(&mut line, " ".repeat(head.len())));
                used = head.len();
            }
            let mark = if *holds { self.output.paint(Colour::Green, "■") } else { "□".to_owned() };
            line.push_str(&format!("{mark} {text}{}", " ".repeat(gap)));
            used += width;
        }
        lines.push(line.trim_end().to_owned());
        lines
    }

    fn painted(&self, line: &Line, text: &str) -> String {
        line.colour.map_or_else(|| text.to_owned(), |colour| self.output.paint(colour, text))
    }
}

/// Text of exactly `width` characters.
fn cell(text: &str, width: usize) -> String {
    let text = shorten(text, width);
    let fill = width - text.chars().count();
    format!("{text}{}", " ".repeat(fill))
}

fn tail(lines: Vec<String>, count: usize) -> Vec<String> {
    let skip = lines.len().saturating_sub(count);
    lines.into_iter().skip(skip).collect()
}
