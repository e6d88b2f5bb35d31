//! Tables that can be read at 80 columns: as wide as their cells, and the widest flexible column gives way.

use super::{Output, WIDTH, escape, shorten, wrap};

/// Cells are kept apart by this.
const GAP: usize = 2;
/// No column becomes narrower than this to make room.
const NARROWEST: usize = 8;

#[derive(Debug, Clone, Copy)]
struct Column {
    name: &'static str,
    /// Gives way when the line is too long: cut, or broken into more lines.
    flexible: bool,
    wrapped: bool,
}

#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Columns by name. One that starts with `~` is cut when there is no room; one that starts with `+`, which must be
    /// the last, is broken into lines.
    pub(crate) fn new(names: &[&'static str]) -> Table {
        let column = |text: &&'static str| {
            let name = text.trim_start_matches(['~', '+']);
            Column { name, flexible: name.len() < text.len(), wrapped: text.starts_with('+') }
        };
        Table { columns: names.iter().map(column).collect(), rows: Vec::new() }
    }

    /// The cells of one row, as data: they are escaped here.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells.iter().map(|cell| escape(cell)).collect());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(crate) fn print(&self, output: &Output) {
        let widths = self.widths();
        let header: Vec<String> = self.columns.iter().map(|column| column.name.to_owned()).collect();
        let line = cells(&header, &widths, |_, cell| output.paint(super::Colour::Bold, cell));
        output.line(line);
        for row in &self.rows {
            for line in self.lines(row, &widths) {
                output.line(cells(&line, &widths, |_, cell| output.shade(cell)));
            }
        }
    }

    /// One row as the lines that it takes.
    fn lines(&self, row: &[String], widths: &[usize]) -> Vec<Vec<String>> {
        let (Some(column), Some((last, before))) = (self.columns.last(), row.split_last()) else {
            return vec![row.to_vec()];
        };
        if !column.wrapped {
            return vec![row.to_vec()];
        }
        let width = widths.last().copied().unwrap_or(NARROWEST);
        let text = wrap(last, width).into_iter().enumerate();
        text.map(|(index, part)| {
            let mut line = if index == 0 { before.to_vec() } else { vec![String::new(); before.len()] };
            line.push(part);
            line
        })
        .collect()
    }

    pub(super) fn widths(&self) -> Vec<usize> {
        let mut widths: Vec<usize> = self.columns.iter().map(|column| column.name.len()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        loop {
            let line = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
            let over = line.saturating_sub(WIDTH);
            let flexible = (0..widths.len()).filter(|i| self.columns[*i].flexible && widths[*i] > NARROWEST);
            let Some(widest) = flexible.max_by_key(|i| widths[*i]).filter(|_| over > 0) else {
                return widths;
            };
            // Step by step, so that several flexible columns share what is missing.
            widths[widest] -= over.min(4).min(widths[widest] - NARROWEST);
        }
    }
}

fn cells(row: &[String], widths: &[usize], paint: impl Fn(usize, &str) -> String) -> String {
    let mut line = String::new();
    for (index, (cell, width)) in row.iter().zip(widths).enumerate() {
        let text = shorten(cell, *width);
        let fill = width - text.chars().count();
        line.push_str(&paint(index, &text));
        if index + 1 < row.len() {
            line.push_str(&" ".repeat(fill + GAP));
        }
    }
    line.trim_end().to_owned()
}
