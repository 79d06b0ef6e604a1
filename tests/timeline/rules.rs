//! The rules of the Trace Event Format, and those that this crate adds: a trace that breaks one is refused.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

/// A trace that keeps the rules.
pub(crate) struct Trace {
    /// By their number.
    pub(crate) tracks: BTreeMap<u64, String>,
    /// All that have ended, in the order of their ends.
    pub(crate) slices: Vec<Slice>,
    pub(crate) instants: Vec<(String, String)>,
    pub(crate) arrows: Vec<Arrow>,
}

#[derive(Clone, Debug)]
pub(crate) struct Slice {
    pub(crate) track: String,
    pub(crate) name: String,
    pub(crate) depth: usize,
    pub(crate) begin: f64,
    pub(crate) end: f64,
    pub(crate) details: BTreeMap<String, String>,
}

/// Between two slices, each told as its track and its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Arrow {
    pub(crate) name: String,
    pub(crate) from: (String, String),
    pub(crate) to: (String, String),
}

/// An object with these fields and no others, each of this kind: a text, a number that is whole, a time, an object.
fn is_of_kind(value: &Value, fields: &str) -> Result<(), String> {
    let object = value.as_object().ok_or("no object")?;
    let expected: BTreeMap<_, _> = fields
        .split_whitespace()
        .filter_map(|field| field.split_once(':'))
        .collect();
    let optional = |name: &str| name.strip_suffix('?').map(str::to_owned);
    for (name, kind) in &expected {
        let Some(value) = object.get(name.trim_end_matches('?')) else {
            match optional(name) {
                Some(_) => continue,
                None => return Err(format!("no {name}")),
            }
        };
        let fits = match *kind {
            "text" => value.is_string(),
            "number" => value.is_u64(),
            "time" => value
                .as_f64()
                .is_some_and(|time| time >= 0.0 && time.is_finite()),
            "object" => value.is_object(),
            "list" => value.is_array(),
            other => panic!("no kind {other}"),
        };
        if !fits {
            return Err(format!("{name} is no {kind}: {value}"));
        }
    }
    let known: BTreeSet<_> = expected
        .keys()
        .map(|name| name.trim_end_matches('?'))
        .collect();
    match object.keys().find(|name| !known.contains(name.as_str())) {
        Some(unknown) => Err(format!("{unknown} is unknown")),
        None => Ok(()),
    }
}

const WHOLE: &str = "displayTimeUnit:text otherData:object traceEvents:list";

fn fields_of(phase: &str) -> Option<&'static str> {
    Some(match phase {
        "M" => "ph:text name:text pid:number tid:number args:object",
        "B" => "ph:text name:text cat:text pid:number tid:number ts:time args:object",
        "E" => "ph:text pid:number tid:number ts:time args?:object",
        "i" => "ph:text name:text cat:text pid:number tid:number ts:time args:object s:text",
        "s" => "ph:text name:text cat:text pid:number tid:number ts:time id:number",
        "f" => "ph:text name:text cat:text pid:number tid:number ts:time id:number bp:text",
        _ => return None,
    })
}

#[derive(Default)]
struct Reader {
    tracks: BTreeMap<u64, String>,
    places: BTreeMap<u64, u64>,
    programs: BTreeSet<u64>,
    open: HashMap<u64, Vec<Slice>>,
    begun: HashMap<u64, (String, String, Slice)>,
    ended: BTreeSet<u64>,
    last: f64,
    slices: Vec<Slice>,
    instants: Vec<(String, String)>,
    arrows: Vec<Arrow>,
}

pub(crate) fn check(trace: &str) -> Result<Trace, String> {
    let whole: Value = serde_json::from_str(trace).map_err(|error| error.to_string())?;
    is_of_kind(&whole, WHOLE)?;
    if whole["displayTimeUnit"] != "ms" {
        return Err("the unit is unknown".into());
    }
    let mut reader = Reader::default();
    for event in whole["traceEvents"].as_array().into_iter().flatten() {
        reader
            .read(event)
            .map_err(|error| format!("{error}: {event}"))?;
    }
    reader.finish()
}

#[track_caller]
pub(crate) fn read(trace: &impl ToString) -> Trace {
    let trace = trace.to_string();
    check(&trace).unwrap_or_else(|error| panic!("{error}\n{trace}"))
}

fn text(event: &Value, field: &str) -> String {
    event[field].as_str().unwrap_or_default().to_owned()
}

fn details(event: &Value) -> BTreeMap<String, String> {
    let args = event["args"].as_object().into_iter().flatten();
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    args.map(|(name, value)| (name.clone(), text(value)))
        .collect()
}

impl Reader {
    fn read(&mut self, event: &Value) -> Result<(), String> {
        let phase = text(event, "ph");
        let fields = fields_of(&phase).ok_or("an unknown phase")?;
        is_of_kind(event, fields)?;
        let number = |field: &str| event[field].as_u64().unwrap_or_default();
        let (pid, track) = (number("pid"), number("tid"));
        if pid == 0 || track == 0 {
            return Err("viewers do not take the number 0".into());
        }
        if phase == "M" {
            return self.read_metadata(event, pid, track);
        }
        let title = self
            .tracks
            .get(&track)
            .ok_or("a track without a name")?
            .clone();
        if !self.places.contains_key(&track) || !self.programs.contains(&pid) {
            return Err("no metadata".into());
        }
        let at = event["ts"].as_f64().ok_or("no time")?;
        if at < self.last {
            return Err(format!("it is before {}", self.last));
        }
        self.last = at;
        let name = text(event, "name");
        let open = self.open.entry(track).or_default();
        match &*phase {
            "B" => open.push(Slice {
                track: title,
                name,
                depth: open.len(),
                begin: at,
                end: at,
                details: details(event),
            }),
            "E" => {
                let mut slice = open.pop().ok_or("nothing to end")?;
                slice.end = at;
                slice.details.extend(details(event));
                self.slices.push(slice);
            }
            "i" => {
                match event["s"].as_str() {
                    Some("t") if open.is_empty() => return Err("not in a slice".into()),
                    Some("t" | "g") => {}
                    _ => return Err("an unknown scope".into()),
                }
                self.instants.push((title, name));
            }
            "s" => {
                let slice = open.last().ok_or("an arrow from nowhere")?.clone();
                let arrow = (name, text(event, "cat"), slice);
                if self.begun.insert(number("id"), arrow).is_some() {
                    return Err("an arrow begins twice".into());
                }
            }
            _ => {
                if event["bp"] != "e" {
                    return Err("it leads to what comes next".into());
                }
                let slice = open.last().ok_or("an arrow to nowhere")?;
                let from = self.begun.get(&number("id")).ok_or("no begin")?;
                if (&from.0, &from.1) != (&name, &text(event, "cat")) {
                    return Err("another arrow begins there".into());
                }
                if from.2.begin > slice.begin {
                    return Err("it leads to an earlier slice".into());
                }
                if !self.ended.insert(number("id")) {
                    return Err("an arrow ends twice".into());
                }
                self.arrows.push(Arrow {
                    name,
                    from: (from.2.track.clone(), from.2.name.clone()),
                    to: (slice.track.clone(), slice.name.clone()),
                });
            }
        }
        Ok(())
    }

    fn read_metadata(&mut self, event: &Value, pid: u64, track: u64) -> Result<(), String> {
        let args = &event["args"];
        match event["name"].as_str() {
            Some("process_name") => {
                is_of_kind(args, "name:text")?;
                self.programs.insert(pid);
            }
            Some("thread_name") => {
                is_of_kind(args, "name:text")?;
                if self.tracks.insert(track, text(args, "name")).is_some() {
                    return Err("a track with two names".into());
                }
            }
            Some("thread_sort_index") => {
                is_of_kind(args, "sort_index:number")?;
                let place = args["sort_index"].as_u64().unwrap_or_default();
                if self.places.insert(track, place).is_some() {
                    return Err("a track with two places".into());
                }
            }
            _ => return Err("unknown".into()),
        }
        Ok(())
    }

    fn finish(self) -> Result<Trace, String> {
        if let Some(open) = self.open.values().flatten().next() {
            return Err(format!("{open:?} has no end"));
        }
        if self.begun.len() != self.ended.len() {
            return Err("an arrow has no end".into());
        }
        let titles: BTreeSet<_> = self.tracks.values().collect();
        let is_ordered = self.places.values().is_sorted();
        if titles.len() != self.tracks.len() || !is_ordered {
            return Err("the tracks cannot be told apart".into());
        }
        Ok(Trace {
            tracks: self.tracks,
            slices: self.slices,
            instants: self.instants,
            arrows: self.arrows,
        })
    }
}

impl Trace {
    pub(crate) fn titles(&self) -> Vec<&str> {
        self.tracks.values().map(String::as_str).collect()
    }

    /// The names of the slices of a track, of this depth, in the order of their ends.
    pub(crate) fn names(&self, track: &str, depth: usize) -> Vec<&str> {
        let slices = self.slices.iter();
        let slices = slices.filter(|slice| slice.track == track && slice.depth == depth);
        slices.map(|slice| &*slice.name).collect()
    }

    #[track_caller]
    pub(crate) fn slice(&self, track: &str, name: &str) -> &Slice {
        let mut slices = self.slices.iter();
        let slice = slices.find(|slice| slice.track == track && slice.name == name);
        slice.unwrap_or_else(|| panic!("no {name} on {track} in {:#?}", self.slices))
    }

    pub(crate) fn instants_of(&self, track: &str) -> Vec<&str> {
        let instants = self.instants.iter().filter(|(on, _)| on == track);
        instants.map(|(_, name)| &**name).collect()
    }

    pub(crate) fn has_arrow(&self, name: &str, from: (&str, &str), to: (&str, &str)) -> bool {
        let own = |(track, name): (&str, &str)| (track.to_owned(), name.to_owned());
        self.arrows.contains(&Arrow {
            name: name.to_owned(),
            from: own(from),
            to: own(to),
        })
    }
}

/// A trace of these events, on the tracks 1 and 2.
fn of(events: &str) -> String {
    let metadata = [1, 2].map(|track| {
        format!(
            r#"{{"ph":"M","name":"process_name","pid":1,"tid":{track},"args":{{"name":"p"}}}},
            {{"ph":"M","name":"thread_name","pid":1,"tid":{track},"args":{{"name":"t{track}"}}}},
            {{"ph":"M","name":"thread_sort_index","pid":1,"tid":{track},"args":{{"sort_index":{track}}}}},"#
        )
    });
    let metadata = metadata.concat();
    format!(r#"{{"displayTimeUnit":"ms","otherData":{{}},"traceEvents":[{metadata}{events}]}}"#)
}

#[test]
fn what_breaks_a_rule_is_refused() {
    let begin = |track, ts| {
        format!(r#"{{"ph":"B","pid":1,"tid":{track},"ts":{ts},"name":"a","cat":"c","args":{{}}}}"#)
    };
    let end = |track, ts| format!(r#"{{"ph":"E","pid":1,"tid":{track},"ts":{ts}}}"#);
    let out = r#"{"ph":"s","pid":1,"tid":1,"ts":2,"name":"x","cat":"c","id":1}"#;
    let into = r#"{"ph":"f","pid":1,"tid":2,"ts":2,"name":"x","cat":"c","id":1,"bp":"e"}"#;
    let two = format!("{},{}", begin(1, 1), begin(2, 1));
    let ends = format!("{},{}", end(1, 3), end(2, 3));
    check(&of(&format!("{two},{out},{into},{ends}")))
        .map(drop)
        .unwrap();
    for (broken, why) in [
        (begin(1, 1), "has no end"),
        (end(1, 1), "nothing to end"),
        (format!("{},{}", begin(1, 2), end(1, 1)), "it is before 2"),
        (begin(3, 1), "a track without a name"),
        (begin(1, -1), "ts is no time"),
        (format!("{two},{out},{ends}"), "an arrow has no end"),
        (format!("{two},{into},{ends}"), "no begin"),
        (format!("{},{out}", begin(2, 1)), "an arrow from nowhere"),
        (
            format!("{},{out},{into}", begin(1, 1)),
            "an arrow to nowhere",
        ),
        (r#"{"ph":"Q"}"#.to_owned(), "an unknown phase"),
        (r#"{"ph":"E","pid":1,"tid":1}"#.to_owned(), "no ts"),
    ] {
        let refused = check(&of(&broken)).err().unwrap();
        assert!(refused.contains(why), "{refused}, and not {why}");
    }
    assert!(check("{}").is_err() && check("[").is_err());
}
