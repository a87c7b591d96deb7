// Where a figure's labels stand and where what they name stands, read from the drawn page or SVG.
//
// `ofPage` and `ofSvg` return an object with `x` and `y`, each with the axis' `title`, whether it `isLog`, its
// `labels` as [text, pixel], and `drawn` as [position, pixel]: where cells, bars or points of known positions
// were drawn. Of a map there are also `cells`, the drawn colours, rows from the bottom.

const middle = (low, high) => (low + high) / 2;
const byPixel = (a, b) => a[1] - b[1];

// The ends of what was drawn, for the smallest and the largest of its values.
const ends = (values, low, high) => {
  const [smallest, largest] = [Math.min(...values), Math.max(...values)];
  return smallest < largest ? [[smallest, low], [largest, high]] : [[smallest, middle(low, high)]];
};

// The colours in the middle of an image's cells, row by row from the bottom.
const cellsOf = async (image, columns, rows) => {
  const picture = new Image();
  picture.src = image.getAttribute("href") ?? image.getAttributeNS("http://www.w3.org/1999/xlink", "href");
  await picture.decode();
  const canvas = document.createElementNS("http://www.w3.org/1999/xhtml", "canvas");
  const [width, height] = [picture.naturalWidth, picture.naturalHeight];
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  context.drawImage(picture, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  const colour = (row, column) => {
    const x = Math.floor(((column + 0.5) * width) / columns);
    const y = Math.floor(((rows - row - 0.5) * height) / rows);
    return [...data.slice(4 * (y * width + x), 4 * (y * width + x) + 3)];
  };
  return Array.from({ length: rows }, (_, row) => Array.from({ length: columns }, (_, i) => colour(row, i)));
};

// The colours that the values of a map should have.
const coloursOf = ({ z, zmin, zmax, colorscale }) => {
  const stops = colorscale.map(([, hex]) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));
  const colour = (value) => {
    const place = ((value - zmin) / (zmax - zmin)) * (stops.length - 1);
    const below = Math.min(Math.floor(place), stops.length - 2);
    return stops[below].map((low, i) => low + (place - below) * (stops[below + 1][i] - low));
  };
  return z.map((row) => row.map(colour));
};

// How many cells have another colour than their values should.
const wrongCells = (cells, colours) => {
  const differs = (a, b) => a.some((channel, i) => Math.abs(channel - b[i]) > 3);
  const expected = colours.flat();
  return cells.flat().filter((cell, i) => differs(cell, expected[i])).length;
};

// The page's figures, each with the labels of its frames.
const figuresAndFrames = () =>
  [...document.querySelectorAll(".plot")].map((div) => {
    const slider = div.layout.sliders?.[0];
    return [div.dataset.figure, slider ? slider.steps.map(({ label }) => label) : [""]];
  });

// A figure of the page in one of its frames, as the slider shows it.
const ofPage = async (id, frame) => {
  const div = document.querySelector(`[data-figure="${id}"]`);
  const steps = div.layout.sliders?.[0].steps;
  if (steps) await Plotly.restyle(div, ...steps[frame].args);
  const box = (element) => element.getBoundingClientRect();
  // Slanted labels start at their tick, with their letters' middle, and all others are centred there.
  const anchor = (text) => {
    const up = 0.5 * parseFloat(getComputedStyle(text).fontSize);
    return new DOMPoint(+text.getAttribute("x"), +text.getAttribute("y") - up).matrixTransform(text.getScreenCTM()).x;
  };
  const labels = (selector, place) => [...div.querySelectorAll(selector)].map((text) => [text.textContent, place(text)]).sort(byPixel);
  const seen = {
    x: { labels: labels(".xtick text", anchor) },
    y: { labels: labels(".ytick text", (text) => middle(box(text).top, box(text).bottom)) },
  };
  for (const axis of ["x", "y"]) {
    const { title, type } = div.layout[axis + "axis"];
    Object.assign(seen[axis], { title: title.text, isLog: type === "log" });
  }
  const trace = div.data.find(({ visible }) => visible !== false);
  if (trace.type === "heatmap") {
    const [rows, columns] = [trace.z.length, trace.z[0].length];
    const image = div.querySelector(".hm image");
    const { left, right, top, bottom } = box(image);
    seen.x.drawn = [[-0.5, left], [columns - 0.5, right]];
    seen.y.drawn = [[-0.5, bottom], [rows - 0.5, top]];
    Object.assign(seen, { columns, rows, cells: await cellsOf(image, columns, rows) });
    seen.wrongCells = wrongCells(seen.cells, coloursOf(trace));
    const marks = div.data.find(({ type, visible }) => type === "scatter" && visible !== false);
    const dots = [...div.querySelectorAll(".scatterlayer .point")].map(box);
    seen.marks = dots.map((dot, i) => [[marks.x[i], middle(dot.left, dot.right)], [marks.y[i], middle(dot.top, dot.bottom)]]);
  } else if (trace.type === "bar") {
    const bars = [...div.querySelectorAll(".bars .point path")].map(box);
    // A bar of no height is not drawn.
    const drawn = bars.map((bar, i) => ({ i, ...bar.toJSON() })).filter(({ height }) => height > 0.5);
    seen.x.drawn = drawn.map(({ i, left, right }) => [i, middle(left, right)]);
    seen.y.drawn = drawn.map(({ i, top }) => [trace.y[i], top]);
    if (!seen.y.isLog) seen.y.drawn.push([0, drawn[0].bottom]);
  } else if (trace.mode?.startsWith("markers")) {
    const points = [...div.querySelectorAll(".scatterlayer .point")].map(box);
    seen.x.drawn = points.map(({ left, right }, i) => [trace.x[i], middle(left, right)]);
    seen.y.drawn = points.map(({ top, bottom }, i) => [trace.y[i], middle(top, bottom)]);
  } else {
    const line = div.querySelector(".scatterlayer .js-line");
    const { x, y, width, height } = line.getBBox();
    const corner = (x, y) => new DOMPoint(x, y).matrixTransform(line.getScreenCTM());
    const [from, to] = [corner(x, y + height), corner(x + width, y)];
    seen.x.drawn = ends(trace.x, from.x, to.x);
    seen.y.drawn = ends(trace.y, from.y, to.y);
    seen.values = { x: trace.x, y: trace.y };
  }
  return seen;
};

// An SVG by its source, put into the page for as long as it takes; `page` is what the page shows of the same
// frame. Labels have a size of their own, and those along the vertical axis end at it.
const ofSvg = async (page, source) => {
  const { documentElement } = new DOMParser().parseFromString(source, "image/svg+xml");
  const svg = document.body.appendChild(document.importNode(documentElement, true));
  const all = (selector) => [...svg.querySelectorAll(selector)];
  const isLabel = (text) => text.getAttribute("font-size").startsWith("11.29") && text.textContent.trim() !== "";
  const texts = all("text").filter(isLabel);
  const labels = (anchor, axis) =>
    texts.filter((text) => text.getAttribute("text-anchor") === anchor).map((text) => [text.textContent.trim(), +text.getAttribute(axis)]).sort(byPixel);
  const seen = {
    x: { title: page.x.title, isLog: page.x.isLog, labels: labels("middle", "x") },
    y: { title: page.y.title, isLog: page.y.isLog, labels: labels("end", "y") },
  };
  const image = svg.querySelector("image");
  const bars = all("rect[fill='#0072B2']").map((bar) => bar.getBBox());
  if (image) {
    const { x, y, width, height } = image.getBBox();
    const [columns, rows] = [page.columns, page.rows];
    seen.x.drawn = [[-0.5, x], [columns - 0.5, x + width]];
    seen.y.drawn = [[-0.5, y + height], [rows - 0.5, y]];
    seen.cells = await cellsOf(image, columns, rows);
  } else if (bars.length > 0) {
    seen.x.drawn = bars.map(({ x, width }, i) => [i, x + width / 2]);
    const drawn = bars.filter(({ height }) => height > 0);
    seen.y.drawn = page.y.drawn.slice(0, drawn.length).map(([value], i) => [value, drawn[i].y]);
    if (!seen.y.isLog) seen.y.drawn.push([0, drawn[0].y + drawn[0].height]);
  } else if (page.values) {
    const { x, y, width, height } = svg.querySelector("polyline[stroke='#0072B2']").getBBox();
    seen.x.drawn = ends(page.values.x, x, x + width);
    seen.y.drawn = ends(page.values.y, y + height, y);
  } else {
    // Each point is a filled circle and, after all of those, its rim.
    const circles = all("circle");
    const centre = (i, axis) => +circles[i].getAttribute("c" + axis);
    for (const axis of ["x", "y"]) seen[axis].drawn = page[axis].drawn.map(([value], i) => [value, centre(i, axis)]);
  }
  svg.remove();
  return seen;
};
