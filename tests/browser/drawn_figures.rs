//! Whether labels stand at what they name, by positions that are read from the drawn page and SVG.

use std::{fs, path::Path};

use headless_chrome::Tab;
use serde_json::Value;

use crate::evaluate;

const DRAWN: &str = include_str!("drawn.js");

/// Pixels that a label may be off: text and rows of an image stand on whole ones.
const TOLERANCE: f64 = 1.6;

/// What the names along axes are, known without looking at a figure.
pub struct Names {
    /// The network's key frequencies.
    pub key_freqs: Vec<u64>,
    /// The compared runs.
    pub runs: Vec<&'static str>,
}

impl Names {
    /// Where along an axis something of a name is: its position where positions have names, else its value.
    fn place(&self, axis: &Value, is_vertical: bool, name: &str) -> Option<f64> {
        let title = axis["title"].as_str().unwrap();
        let of_freqs = |words: &str| self.key_freqs.iter().map(|k| format!("{words}{k}")).collect::<Vec<_>>();
        let position = |names: Vec<String>| names.iter().position(|other| other == name).map(|i| i as f64);
        let title = title.to_lowercase();
        match title.as_str() {
            _ if title.contains("component") => component(name),
            "frequency" => name.parse().ok().map(|k: f64| k - 1.0),
            "run" => {
                let run = name.split(" (not by").next()?;
                let i = self.runs.iter().position(|other| *other == run)?;
                // The first is at the top.
                Some(if is_vertical { self.runs.len() - 1 - i } else { i } as f64)
            }
            "frequency k" => position(of_freqs("")),
            "cluster's frequency" => position([of_freqs(""), vec!["unclustered".to_owned()]].concat()),
            "what is kept or left out" => {
                let kept = ["own frequency only", "… and clusters only", "x + y only"];
                let kept = kept.map(String::from).to_vec();
                position([kept, of_freqs("no cluster "), of_freqs("no x + y of ")].concat())
            }
            _ => number(name).map(|value| if axis["isLog"] == true { value.log10() } else { value }),
        }
    }
}

/// The position of a Fourier component: the constant, then cosine and sine by turns.
fn component(name: &str) -> Option<f64> {
    match name.split_once(' ') {
        None if name == "const" => Some(0.0),
        Some(("cos", k)) => k.parse().ok().map(|k: f64| 2.0 * k - 1.0),
        Some(("sin", k)) => k.parse().ok().map(|k: f64| 2.0 * k),
        _ => None,
    }
}

/// A number as either renderer writes it: `−2`, `1e−4`, `12k`.
fn number(text: &str) -> Option<f64> {
    let text = text.replace('−', "-");
    match text.strip_suffix('k') {
        Some(thousands) => thousands.parse().ok().map(|value: f64| 1000.0 * value),
        None => text.parse().ok(),
    }
}

/// Asserts of every figure of the page that is open, in its first frame and its last, and of their SVGs, that
/// each label stands at the cell, bar or point of its name, and that maps have columns to the right and rows
/// upwards. Every figure must have been drawn.
pub fn assert_labels_stand_at_what_they_name(tab: &Tab, figures: &Path, names: &Names) {
    for figure in list(&drawn(tab, "figuresAndFrames()")) {
        let (id, frames) = (&figure[0], list(&figure[1]));
        // The first frame last, so that the page is left as it was.
        for frame in if frames.len() > 1 { vec![frames.len() - 1, 0] } else { vec![0] } {
            let mut seen = drawn(tab, &format!("ofPage({id}, {frame})"));
            let file = file_of(id.as_str().unwrap(), frames[frame].as_str().unwrap());
            assert_page(&seen, names, &format!("{file} on the page"));

            let cells = seen["cells"].take();
            let source = Value::from(fs::read_to_string(figures.join(&file)).unwrap());
            let of_svg = drawn(tab, &format!("ofSvg({seen}, {source})"));
            assert_axes(&of_svg, names, &file);
            if !cells.is_null() {
                assert_same_colours(&cells, &of_svg["cells"], &file);
            }
        }
    }
}

/// Asserts what holds of a frame on the page.
fn assert_page(seen: &Value, names: &Names, of: &str) {
    assert_axes(seen, names, of);
    if let Some(wrong) = seen["wrongCells"].as_u64() {
        assert_eq!(wrong, 0, "{of}: cells have other colours than their values");
    }
    for mark in seen["marks"].as_array().into_iter().flatten() {
        for (axis, place) in ["x", "y"].into_iter().zip(list(mark)) {
            let expected = pixel(&seen[axis], place[0].as_f64().unwrap()).unwrap();
            let off = place[1].as_f64().unwrap() - expected;
            assert!(off.abs() < TOLERANCE, "{of}: a dot is {off} pixels from its cell");
        }
    }
}

/// The name of a frame's SVG.
fn file_of(id: &str, label: &str) -> String {
    let words = label.replace('=', "equals").to_lowercase();
    let words: Vec<&str> =
        words.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    if words.is_empty() { format!("{id}.svg") } else { format!("{id}.{}.svg", words.join("-")) }
}

/// What a function of `drawn.js` reads from the page or SVG that is open.
fn drawn(tab: &Tab, call: &str) -> Value {
    let json = evaluate(tab, &format!("(async () => {{ {DRAWN}\nreturn JSON.stringify(await {call}); }})()"));
    serde_json::from_str(json.as_str().unwrap()).unwrap()
}

/// Asserts that labels stand at what they name, and that positions go to the right and upwards.
fn assert_axes(seen: &Value, names: &Names, of: &str) {
    for (axis, is_vertical) in [("x", false), ("y", true)] {
        let axis = &seen[axis];
        let labels = list(&axis["labels"]);
        assert!(!labels.is_empty(), "{of}: nothing is labelled along {}", axis["title"]);
        let mut before = None;
        for label in labels {
            let (name, found) = (label[0].as_str().unwrap(), label[1].as_f64().unwrap());
            let place = names.place(axis, is_vertical, name);
            let place = place.unwrap_or_else(|| panic!("{of}: nothing is called {name:?} along {axis}"));
            if let Some(before) = before {
                let goes = if is_vertical { place < before } else { place > before };
                assert!(goes, "{of}: labels along {} are in another order", axis["title"]);
            }
            before = Some(place);
            let Some(expected) = pixel(axis, place) else { continue };
            let off = found - expected;
            assert!(off.abs() < TOLERANCE, "{of}: {name:?} is {off} pixels from what it names along {axis}");
        }
    }
}

/// Asserts that a map has the same colours on the page and in its SVG, but for how they are rounded.
fn assert_same_colours(of_page: &Value, of_svg: &Value, file: &str) {
    assert_eq!(list(of_page).len(), list(of_svg).len());
    for (row, (of_page, of_svg)) in list(of_page).iter().zip(list(of_svg)).enumerate() {
        for (column, (a, b)) in list(of_page).iter().zip(list(of_svg)).enumerate() {
            let channels = list(a).iter().zip(list(b));
            let mut differences = channels.map(|(a, b)| a.as_i64().unwrap() - b.as_i64().unwrap());
            let is_same = differences.all(|difference| difference.abs() <= 4);
            assert!(is_same, "{file}: row {row}, column {column} is {b}, on the page {a}");
        }
    }
}

/// Where a position along an axis is, by what was drawn at known ones; unknown if that was all at another.
fn pixel(axis: &Value, place: f64) -> Option<f64> {
    let place_of = |value: &Value| {
        let value = value.as_f64().unwrap_or_else(|| panic!("{value} is no position along {axis}"));
        if axis["isLog"] == true { value.log10() } else { value }
    };
    let mut drawn: Vec<(f64, f64)> =
        list(&axis["drawn"]).iter().map(|at| (place_of(&at[0]), at[1].as_f64().unwrap())).collect();
    drawn.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (Some(&(low, from)), Some(&(high, to))) = (drawn.first(), drawn.last()) else {
        panic!("nothing is drawn along {axis}")
    };
    match high > low {
        true => Some(from + (place - low) / (high - low) * (to - from)),
        false => (place == low).then_some(from),
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("{value} is no list"))
}
