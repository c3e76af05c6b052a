// Small plots: a line or bars without axes, whose ends are said in words beside them.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 120;
const HEIGHT = 28;

function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** An empty plot that `line` and `bars` draw into. */
export function plot() {
  const svg = element("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "plot", role: "img", preserveAspectRatio: "none" });
  return svg;
}

/** A line through the values, between `low` and `high`; `null` is a gap. */
export function line(svg, values, { low, high, label }) {
  const step = WIDTH / Math.max(1, values.length - 1);
  let path = "";
  let pen = "M";
  values.forEach((value, index) => {
    if (value === null) {
      pen = "M";
      return;
    }
    const share = Math.max(0, Math.min(1, (value - low) / (high - low)));
    path += `${pen}${(index * step).toFixed(1)} ${(HEIGHT - 1 - share * (HEIGHT - 2)).toFixed(1)}`;
    // A point without a neighbour is a dot.
    if (pen === "M") path += "h0.01";
    pen = "L";
  });
  draw(svg, path ? [element("path", { d: path, class: "line" })] : [], label);
}

/** A column for each item; an item is a list of [value, class], stacked. */
export function bars(svg, items, label) {
  const most = Math.max(1, ...items.map((parts) => parts.reduce((sum, [value]) => sum + value, 0)));
  const width = WIDTH / Math.max(1, items.length);
  const drawn = [];
  items.forEach((parts, index) => {
    let y = HEIGHT;
    for (const [value, kind] of parts) {
      if (!value) continue;
      const height = Math.max(1, (value / most) * HEIGHT);
      y -= height;
      drawn.push(
        element("rect", { x: (index * width).toFixed(1), y: y.toFixed(1), width: Math.max(0.8, width - 0.4).toFixed(1), height: height.toFixed(1), class: kind }),
      );
    }
  });
  draw(svg, drawn, label);
}

function draw(svg, parts, label) {
  if (svg.getAttribute("aria-label") !== label) svg.setAttribute("aria-label", label);
  svg.replaceChildren(...parts);
}
