//! The report in a browser, as a reader sees it.
//!
//! This is a package of its own because what drives the browser would change the features that burn's
//! dependencies are built with, and burn would be built twice: once for the binary, once for its tests. It
//! runs the binary that is built beside it; `just test` builds that first.

mod drawn_figures;

use std::{
    env,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
    thread::sleep,
    time::{Duration, Instant},
};

use headless_chrome::{
    Browser, LaunchOptions, Tab,
    browser::tab::{EventListener, point::Point},
    protocol::cdp::types::Event,
};

use drawn_figures::{Names, assert_labels_stand_at_what_they_name};

/// However busy the machine, a figure is drawn in this.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a page did that it should not.
#[derive(Default)]
struct Complaints(Mutex<Vec<String>>);

impl EventListener<Event> for Complaints {
    fn on_event(&self, event: &Event) {
        let complaint = match event {
            Event::RuntimeExceptionThrown(event) => format!("{:?}", event.params.exception_details),
            Event::LogEntryAdded(event) => {
                format!("{}: {:?}", event.params.entry.text, event.params.entry.url)
            }
            Event::NetworkRequestWillBeSent(event) if !is_local(&event.params.request.url) => {
                format!("asked for {}", event.params.request.url)
            }
            _ => return,
        };
        self.0.lock().unwrap().push(complaint);
    }
}

fn is_local(url: &str) -> bool {
    ["file:", "data:", "blob:"].iter().any(|scheme| url.starts_with(scheme))
}

/// Runs the binary that is built beside this test.
fn clockwork(directory: &Path, args: &[&str]) {
    let here = env::current_exe().unwrap();
    let built = here.parent().and_then(Path::parent).unwrap();
    let binary = built.join(format!("clockwork{}", env::consts::EXE_SUFFIX));
    assert!(binary.is_file(), "{} is not built; run `just test`", binary.display());
    let output = Command::new(binary).current_dir(directory).args(args).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn chromium() -> PathBuf {
    let named = env::var_os("CHROME").map(PathBuf::from);
    let directories: Vec<PathBuf> = env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect();
    let found = ["chromium", "chromium-browser", "google-chrome"]
        .iter()
        .flat_map(|name| directories.iter().map(move |directory| directory.join(name)))
        .find(|path| path.is_file());
    named.or(found).expect("the test needs Chromium, on the path or named by CHROME")
}

fn evaluate(tab: &Tab, script: &str) -> serde_json::Value {
    tab.evaluate(script, true).unwrap().value.unwrap_or_default()
}

/// Waits until a condition of the page holds.
fn wait_for(tab: &Tab, condition: &str) {
    let since = Instant::now();
    while evaluate(tab, condition) != true {
        assert!(since.elapsed() < PATIENCE, "{condition} never came");
        sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_report_is_seen_pointed_at_and_moved_in_a_browser() {
    let directory = tempfile::tempdir().unwrap();
    let quick = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("../../configs/quick.toml");
    clockwork(directory.path(), &["train", "--name=quick", "--config", quick.to_str().unwrap()]);
    clockwork(directory.path(), &["analyze", "runs/quick"]);
    clockwork(directory.path(), &["report", "runs/quick"]);

    let options = LaunchOptions {
        path: Some(chromium()),
        // Inside containers Chromium's own sandbox cannot be set up, and it may run as root.
        sandbox: false,
        window_size: Some((1200, 900)),
        args: vec![OsStr::new("--disable-dev-shm-usage")],
        idle_browser_timeout: PATIENCE,
        ..LaunchOptions::default()
    };
    let browser = Browser::new(options).unwrap();
    let tab = browser.new_tab().unwrap();
    tab.set_default_timeout(PATIENCE);
    let complaints = Arc::new(Complaints::default());
    tab.add_event_listener(complaints.clone()).unwrap();
    tab.enable_log().unwrap();
    tab.enable_runtime().unwrap();
    tab.call_method(headless_chrome::protocol::cdp::Network::Enable {
        max_total_buffer_size: None,
        max_resource_buffer_size: None,
        max_post_data_size: None,
        report_direct_socket_traffic: None,
        enable_durable_messages: None,
    })
    .unwrap();
    let page = format!("file://{}", directory.path().join("runs/quick/report/report.html").display());
    tab.navigate_to(&page).unwrap().wait_until_navigated().unwrap();

    let text = evaluate(&tab, "document.body.innerText");
    let text = text.as_str().unwrap();
    for words in [
        "What quick learned: sums modulo",
        "claims about such networks hold",
        "Claims",
        "Embedding",
        "Provenance",
        "weight_decay",
    ] {
        assert!(text.contains(words), "{words:?} is missing");
    }
    let sections = evaluate(&tab, "[...document.querySelectorAll('section')].map(s => s.id).join(' ')");
    let linked = "[...document.querySelectorAll('nav a')].map(a => a.hash.slice(1)).join(' ')";
    assert_eq!(sections, evaluate(&tab, linked), "every section is in the navigation");
    assert!(sections.as_str().unwrap().starts_with("claims training embedding"), "{sections}");

    let count = look_at_every_figure(&tab);
    assert!(count >= 25, "{count} figures");
    let names = Names { key_freqs: key_freqs(&directory.path().join("runs/quick")), runs: vec![] };
    let figures = directory.path().join("runs/quick/report/figures");
    assert_labels_stand_at_what_they_name(&tab, &figures, &names);

    // The slider of what neurons put into a column shows another frame.
    evaluate(&tab, "document.querySelector('[data-figure=components]').scrollIntoView({block: 'center'})");
    let shown = "document.querySelector('[data-figure=components]').data.findIndex(t => t.visible === true)";
    assert_eq!(evaluate(&tab, shown), 0);
    click(
        &tab,
        "[data-figure=components] .slider-tick-group, [data-figure=components] .slider-rail-touch-rect",
        0.99,
    );
    wait_for(&tab, &format!("{shown} > 0"));

    // Pointing at a cell names its components.
    let place = evaluate(
        &tab,
        "(() => { const b = document.querySelector('[data-figure=components] .nsewdrag').getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2].join(' '); })()",
    );
    let [x, y] = numbers(&place);
    tab.move_mouse_to_point(Point { x: x - 5.0, y }).unwrap();
    tab.move_mouse_to_point(Point { x, y }).unwrap();
    let label = "[...document.querySelectorAll('[data-figure=components] .hoverlayer .hovertext')].map(t => t.textContent).join('')";
    wait_for(&tab, &format!("{label} !== ''"));
    let label = evaluate(&tab, label);
    let label = label.as_str().unwrap();
    assert!(label.contains("cos ") || label.contains("sin "), "{label:?} names no component");

    // At the width of a phone nothing sticks out.
    tab.call_method(headless_chrome::protocol::cdp::Emulation::SetDeviceMetricsOverride {
        width: 390,
        height: 800,
        device_scale_factor: 1.0,
        mobile: true,
        scale: None,
        screen_width: None,
        screen_height: None,
        position_x: None,
        position_y: None,
        dont_set_visible_size: None,
        screen_orientation: None,
        viewport: None,
        display_feature: None,
        device_posture: None,
    })
    .unwrap();
    wait_for(&tab, "document.documentElement.scrollWidth <= 400");
    tab.print_to_pdf(None).unwrap();

    compare(&tab, directory.path(), quick.to_str().unwrap());

    let complaints = complaints.0.lock().unwrap();
    assert!(complaints.is_empty(), "{complaints:#?}");
}

/// The key frequencies that a run's analysis found.
fn key_freqs(run: &Path) -> Vec<u64> {
    let of_step = fs::read_dir(run.join("analysis")).unwrap().next().unwrap().unwrap();
    let analysis = fs::read(of_step.path().join("analysis.json")).unwrap();
    let analysis: serde_json::Value = serde_json::from_slice(&analysis).unwrap();
    serde_json::from_value(analysis["summary"]["key_freqs"].clone()).unwrap()
}

/// Compares the run with two that were stopped early and a copy of its own, on the screen of a phone. All
/// three have numbers for names, which are neither their positions nor in order.
fn compare(tab: &Tab, directory: &Path, quick: &str) {
    for (name, seed) in [("--name=5", "--seed=1"), ("--name=3", "--seed=2")] {
        clockwork(directory, &["train", name, seed, "--max-steps=200", "--config", quick]);
    }
    copy(&directory.join("runs/quick"), &directory.join("runs/4"));
    clockwork(directory, &["compare", "runs/quick", "runs/5", "runs/3", "runs/4"]);
    let page = format!("file://{}", directory.join("runs/comparison/report.html").display());
    tab.navigate_to(&page).unwrap().wait_until_navigated().unwrap();
    let text = evaluate(tab, "document.body.innerText");
    let text = text.as_str().unwrap();
    for words in [
        "What 4 networks found",
        "2 of 4 networks get all sums modulo",
        "quick, 4 have the same weights",
        "it generalises",
    ] {
        assert!(text.contains(words), "{words:?} is missing");
    }
    assert_eq!(look_at_every_figure(tab), 6);
    let marks = "document.querySelectorAll('[data-figure=key-frequencies] .scatterlayer .point').length";
    wait_for(tab, &format!("{marks} >= 6"));
    wait_for(tab, "document.documentElement.scrollWidth <= 400");

    let names = Names { key_freqs: vec![], runs: vec!["quick", "5", "3", "4"] };
    assert_labels_stand_at_what_they_name(tab, &directory.join("runs/comparison/figures"), &names);
    zoom_into_frequencies(tab);
    tab.print_to_pdf(None).unwrap();
}

/// Zooms into some frequencies of a map, of which each is then labelled, and out again.
fn zoom_into_frequencies(tab: &Tab) {
    let figure = "document.querySelector('[data-figure=key-frequencies]')";
    let labels = format!("[...{figure}.querySelectorAll('.xtick text')].map(t => t.textContent).join(' ')");
    let all = evaluate(tab, &labels);
    // Positions 4 to 6 are those of frequencies 5 to 7.
    evaluate(tab, &format!("Plotly.relayout({figure}, {{'xaxis.range': [3.6, 6.4]}})"));
    wait_for(tab, &format!("{labels} === '5 6 7'"));
    evaluate(tab, &format!("Plotly.relayout({figure}, {{'xaxis.autorange': true}})"));
    wait_for(tab, &format!("{labels} === {all}"));
}

/// Copies a directory.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let copied = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &copied),
            false => fs::copy(entry.path(), copied).map(|_| ()).unwrap(),
        }
    }
}

/// Waits until each figure is drawn once it comes into view, and tells how many there are.
fn look_at_every_figure(tab: &Tab) -> u64 {
    let count = evaluate(tab, "document.querySelectorAll('.plot').length").as_u64().unwrap();
    for i in 0..count {
        evaluate(tab, &format!("document.querySelectorAll('.plot')[{i}].scrollIntoView()"));
        wait_for(
            tab,
            &format!("document.querySelectorAll('.plot')[{i}].querySelector('.main-svg') !== null"),
        );
    }
    count
}

/// Presses the mouse at a share of an element's width.
fn click(tab: &Tab, selector: &str, share: f64) {
    let script = format!(
        "(() => {{ const all = [...document.querySelectorAll('{selector}')]; const b = all[all.length - 1].getBoundingClientRect(); return [b.x + b.width * {share}, b.y + b.height / 2].join(' '); }})()"
    );
    let [x, y] = numbers(&evaluate(tab, &script));
    tab.click_point(Point { x, y }).unwrap();
}

fn numbers(text: &serde_json::Value) -> [f64; 2] {
    let numbers: Vec<f64> = text.as_str().unwrap().split(' ').map(|n| n.parse().unwrap()).collect();
    numbers.try_into().unwrap()
}
