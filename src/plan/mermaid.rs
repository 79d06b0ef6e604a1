//! A plan as a flowchart.

use std::fmt::Write;

use super::value::{Plan, Runs, Steps};

impl Plan {
    /// The plan as a flowchart of [Mermaid](https://mermaid.js.org), which many pages and editors draw.
    ///
    /// Each member hangs below its group. Where there is an order, the arrow says in which step it is started and in
    /// which it is stopped. Names stand in it as they are, whatever they are.
    ///
    /// ```
    /// use ifrit::prelude::*;
    ///
    /// let leaf = || ifrit::run_fn(|_, _| Ok(()));
    /// let app = Ordered::new(Members::new().add("db", leaf()).add("web", leaf()));
    /// assert_eq!(app.plan().mermaid(), "\
    /// flowchart TD
    ///     n0[\"ordered group\"]
    ///     n1[\"db<br/>RunFn\"]
    ///     n0 -->|\"start 1, stop 2\"| n1
    ///     n2[\"web<br/>RunFn\"]
    ///     n0 -->|\"start 2, stop 1\"| n2
    /// ");
    /// ```
    pub fn mermaid(&self) -> String {
        let mut chart = "flowchart TD\n".to_owned();
        self.draw(&mut chart, &mut 0);
        chart
    }

    /// Draws it and what is below; `next` is the number of the next node.
    fn draw(&self, chart: &mut String, next: &mut usize) {
        let this = *next;
        *next += 1;
        let lines = self.name.iter().map(String::as_str);
        let lines = lines
            .chain([self.kind.as_str()])
            .chain(self.notes.iter().map(String::as_str));
        let lines: Vec<_> = lines.map(escaped).collect();
        let _ = writeln!(chart, "    n{this}[\"{}\"]", lines.join("<br/>"));
        let count = self.parts.len();
        for (place, part) in self.parts.iter().enumerate() {
            let child = *next;
            part.draw(chart, next);
            let arrow = match self.runner.runs {
                Runs::Group { start, stop } => {
                    let steps = [("start", start), ("stop", stop)];
                    let steps = steps.map(|(what, steps)| step(what, steps, place, count));
                    let steps: Vec<_> = steps.into_iter().flatten().collect();
                    match steps.is_empty() {
                        true => "-->".to_owned(),
                        false => format!("-->|\"{}\"|", steps.join(", ")),
                    }
                }
                _ => "---".to_owned(),
            };
            let _ = writeln!(chart, "    n{this} {arrow} n{child}");
        }
    }
}

fn step(what: &str, steps: Steps, place: usize, count: usize) -> Option<String> {
    match steps {
        Steps::Together => None,
        Steps::Forward => Some(format!("{what} {}", place + 1)),
        Steps::Reverse => Some(format!("{what} {}", count - place)),
    }
}

/// Everything but letters, digits and a few signs is written by its number, so that nothing in a name means anything.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            ' ' | '_' | '-' | '.' | ',' | '(' | ')' | '/' => escaped.push(c),
            c if c.is_alphanumeric() => escaped.push(c),
            // A control character would break the line, or be none at all there.
            c if c.is_control() => escaped.extend(c.escape_default().flat_map(number)),
            c => escaped.extend(number(c)),
        }
    }
    escaped
}

fn number(c: char) -> impl Iterator<Item = char> {
    let text = match c.is_ascii_alphanumeric() {
        true => c.to_string(),
        false => format!("#{};", u32::from(c)),
    };
    text.chars().collect::<Vec<_>>().into_iter()
}
