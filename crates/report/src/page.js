"use strict";
// Figures are drawn when they come near the window, and all of them for print.
const plots = [...document.querySelectorAll(".plot")];
const draw = (div) => {
  if (div.dataset.drawn) return;
  div.dataset.drawn = "yes";
  const { data, layout } = JSON.parse(document.getElementById("data-" + div.dataset.figure).textContent);
  Plotly.newPlot(div, data, layout, { responsive: true, displaylogo: false });
};
const watcher = new IntersectionObserver(
  (entries) => entries.filter((entry) => entry.isIntersecting).forEach((entry) => draw(entry.target)),
  { rootMargin: "600px" },
);
plots.forEach((div) => watcher.observe(div));
addEventListener("beforeprint", () => plots.forEach(draw));
