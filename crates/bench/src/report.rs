//! Prints tables, and goals with their figures.
#![expect(clippy::print_stdout, reason = "the program reports to the terminal")]

use std::fmt::Display;

use comfy_table::{CellAlignment, Table, presets};

/// Prints the title of a case.
pub(crate) fn title(title: impl Display) {
    println!("\n## {title}\n");
}

/// Prints a table whose first column names the contender.
pub(crate) fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN).set_header(header).add_rows(rows);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("{table}\n");
}

pub(crate) fn note(note: impl Display) {
    println!("{note}\n");
}

/// Formats a ratio.
pub(crate) fn times(ratio: f64) -> String {
    format!("{ratio:.2} x")
}

/// The goals checked so far.
#[derive(Default)]
pub(crate) struct Goals {
    met: usize,
    missed: Vec<String>,
}

impl Goals {
    /// Records and prints whether a goal is met, with the figures.
    pub(crate) fn check(&mut self, is_met: bool, goal: impl Display, figures: impl Display) {
        let line = format!("{goal} ({figures})");
        if is_met {
            println!("- met: {line}");
            self.met += 1;
        } else {
            println!("- MISSED: {line}");
            self.missed.push(line);
        }
    }

    /// Prints how many goals are met, and which are missed.
    pub(crate) fn summary(&self) {
        title("Goals");
        println!("{} met, {} missed", self.met, self.missed.len());
        for missed in &self.missed {
            println!("- MISSED: {missed}");
        }
    }
}
