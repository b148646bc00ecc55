"use strict";
// Draws a flame graph by d3-flame-graph. The page of one flame graph and the report share this file.

// The width of a frame is its time now, or that of the base if vanished frames are to be seen.
function shownFrames(frame, key) {
  const children = frame.children
    .map((child) => shownFrames(child, key))
    .filter((child) => child.value > 0);
  return { name: frame.name, value: frame[key], now: frame.now, base: frame.base, children };
}

function frameColour(node, highlight, hasBase) {
  if (node.highlight) return highlight;
  const { now, base } = node.data;
  if (!hasBase) return "rgb(225, 190, 120)";
  if (base === 0) return "rgb(175, 95, 215)";
  const strength = Math.min(1, Math.abs(now - base) / Math.max(now, base));
  const pale = Math.round(225 - 165 * strength);
  if (strength < 0.02) return "rgb(225, 225, 225)";
  return now > base ? `rgb(235, ${pale}, ${pale})` : `rgb(${pale}, ${pale}, 235)`;
}

function frameLabel(node, hasBase) {
  const { name, now, base } = node.data;
  const change = hasBase ? `, base ${base.toFixed(3)} ms, change ${(now - base).toFixed(3)} ms` : "";
  return `${name}: ${now.toFixed(3)} ms per step${change}`;
}

// Returns a function that draws the flame graph at a width in pixels.
//   place: element that the chart is put into
//   controls: form with the search, the switch for what has vanished, and the reset
//   details: element for the text of the frame under the pointer
//   frames: root of the tree, with times in milliseconds
function flameGraphDrawer({ place, controls, details, frames, hasBase }) {
  const search = controls.querySelector("input[type=search]");
  const vanished = controls.querySelector("input[type=checkbox]");
  const chart = flamegraph.default()
    .cellHeight(18)
    .transitionDuration(0)
    .inverted(true)
    .sort(false)
    .setColorMapper((node, highlight) => frameColour(node, highlight, hasBase))
    .setLabelHandler((node) => frameLabel(node, hasBase))
    .setDetailsElement(details);
  let width = 0;

  function redraw() {
    if (!width) return;
    chart.destroy();
    d3.select(place).datum(shownFrames(frames, vanished.checked ? "base" : "now")).call(chart);
    if (search.value) chart.search(search.value);
    // Frames get their widths in transitions, which start later; a print would not wait for them.
    d3.timerFlush();
    d3.timerFlush();
  }

  controls.addEventListener("submit", (event) => event.preventDefault());
  controls.addEventListener("reset", () => setTimeout(redraw, 0));
  vanished.addEventListener("change", redraw);
  search.addEventListener("input", () =>
    search.value ? chart.search(search.value) : chart.clear());
  return (newWidth) => {
    width = newWidth;
    chart.width(width);
    redraw();
  };
}
