"use strict";
// Figures are drawn when they come near the window, and all of them for print.
const plots = [...document.querySelectorAll(".plot")];
const draw = (div) => {
  if (div.dataset.drawn) return;
  div.dataset.drawn = "yes";
  const { data, layout } = JSON.parse(document.getElementById("data-" + div.dataset.figure).textContent);
  const inFull = structuredClone(layout);
  Plotly.newPlot(div, data, layout, { responsive: true, displaylogo: false });
  div.on("plotly_relayout", (changes) => labelPositions(div, inFull, changes));
};

// Where an axis of positions (cells, bars, named points) is zoomed into, more of them are labelled. plotly
// alone would label halves too, where nothing stands.
const labelPositions = (div, inFull, changes) => {
  const update = {};
  for (const name of ["xaxis", "yaxis"]) {
    const axis = inFull[name];
    const isZoomed = Object.keys(changes).some((key) => key.startsWith(name + ".range") || key === name + ".autorange");
    if (axis.tickformat !== "d" || !isZoomed) continue;
    const length = ([low, high]) => high - low;
    const visible = length(div.layout[name].range);
    update[name + ".tickmode"] = visible < length(axis.range) ? "linear" : "array";
    update[name + ".dtick"] = labelEvery(visible, axis.nticks);
  }
  if (Object.keys(update).length > 0) Plotly.relayout(div, update);
};

// The round number of positions from one label to the next that leaves at most so many labels.
const labelEvery = (positions, most) => {
  for (let power = 1; ; power *= 10) {
    const every = [1, 2, 5].find((digit) => positions <= most * digit * power);
    if (every) return every * power;
  }
};

const watcher = new IntersectionObserver(
  (entries) => entries.filter((entry) => entry.isIntersecting).forEach((entry) => draw(entry.target)),
  { rootMargin: "600px" },
);
plots.forEach((div) => watcher.observe(div));
addEventListener("beforeprint", () => plots.forEach(draw));
