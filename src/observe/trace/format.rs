//! A picture in the Trace Event Format, which is JSON.
//!
//! The format wants a number for the program and one for each track. The numbers of tracks follow their order, since some
//! viewers sort by them; the first track has the number of the program, which makes it the main one.

use std::io::{self, Write};

use super::json::{Fields, Json, Value};
use super::marks::{Arrowhead, Mark, Shape};
use super::picture::Picture;

const PROGRAM: u64 = 1;

/// What is said of the whole.
pub(super) struct About {
    pub(super) events: usize,
    pub(super) missed: u64,
}

pub(super) fn write(about: &About, picture: Picture, to: &mut dyn Write) -> io::Result<()> {
    let mut json = Json::new(to);
    json.raw("{\"displayTimeUnit\":\"ms\",\n\"otherData\":");
    json.object(&[
        ("program", Value::Text(program())),
        ("process", Value::Number(std::process::id().into())),
        ("events", Value::Number(about.events as u64)),
        ("missed events", Value::Number(about.missed)),
    ])?;
    json.raw(",\n\"traceEvents\":[\n");
    json.object(&name_of_program())?;
    for (track, title) in picture.tracks.into_iter().enumerate() {
        let name = ("name", Value::Text(title));
        let place = ("sort_index", number(track));
        for (what, arg) in [("thread_name", name), ("thread_sort_index", place)] {
            json.raw(",\n");
            json.object(&metadata(what, track, arg))?;
        }
    }
    for mark in picture.marks {
        json.raw(",\n");
        json.object(&fields(mark))?;
    }
    json.raw("\n]}\n");
    json.finish()
}

fn program() -> String {
    let program = std::env::args_os().next().unwrap_or_default();
    let name = std::path::Path::new(&program).file_name();
    name.unwrap_or_default().to_string_lossy().into_owned()
}

fn name_of_program() -> Fields {
    let name = format!("{} (process {})", program(), std::process::id());
    metadata("process_name", 0, ("name", Value::Text(name)))
}

fn metadata(what: &str, track: usize, arg: (&'static str, Value)) -> Fields {
    let mut fields = vec![
        ("ph", Value::Text("M".into())),
        ("name", Value::Text(what.into())),
    ];
    fields.extend(on(track));
    fields.push(("args", Value::Object(vec![arg])));
    fields
}

fn number(track: usize) -> Value {
    Value::Number(PROGRAM + track as u64)
}

fn on(track: usize) -> Fields {
    vec![("pid", Value::Number(PROGRAM)), ("tid", number(track))]
}

fn fields(mark: Mark) -> Fields {
    let phase = match mark.shape {
        Shape::Begin { .. } => "B",
        Shape::End { .. } => "E",
        Shape::Instant { .. } | Shape::Gap { .. } => "i",
        Shape::Out { .. } => "s",
        Shape::In { .. } => "f",
    };
    let mut fields = vec![("ph", Value::Text(phase.into()))];
    fields.extend(on(mark.track));
    fields.push(("ts", Value::Micros(mark.at)));
    match mark.shape {
        Shape::Begin { name, kind, args } => fields.extend(named(name, kind, args)),
        Shape::End { args } if args.is_empty() => {}
        Shape::End { args } => fields.push(("args", Value::Object(args))),
        Shape::Instant { name, kind, args } => {
            fields.extend(named(name, kind, args));
            fields.push(("s", Value::Text("t".into())));
        }
        Shape::Gap { missed } => {
            let name = format!("{missed} events are missing here");
            let args = vec![("missed", Value::Number(missed))];
            fields.extend(named(name, "gap", args));
            fields.push(("s", Value::Text("g".into())));
        }
        Shape::Out { arrow, .. } => fields.extend(end_of(arrow)),
        Shape::In { arrow, .. } => {
            fields.extend(end_of(arrow));
            fields.push(("bp", Value::Text("e".into()))); // to the slice around it, and not to the next one
        }
    }
    fields
}

fn named(name: String, kind: &'static str, args: Fields) -> Fields {
    vec![
        ("name", Value::Text(name)),
        ("cat", Value::Text(kind.into())),
        ("args", Value::Object(args)),
    ]
}

fn end_of(arrow: Arrowhead) -> Fields {
    vec![
        ("name", Value::Text(arrow.name.into())),
        ("cat", Value::Text("cause".into())),
        ("id", Value::Number(arrow.number as u64 + 1)),
    ]
}
