"use strict";
// Draws charts when they come into view, again when their width changes, and all before printing.

const PRINT_WIDTH = 680;
const charts = new Map();

function chartState(plot) {
  const chart = plot.closest(".chart");
  const data = () => JSON.parse(chart.querySelector("script").textContent);
  return { plot, chart, data, kind: chart.dataset.kind, width: 0, isVisible: false };
}

function draw(state, width) {
  if (width < 1 || width === state.width) return;
  state.width = width;
  try {
    const node = drawers[state.kind](state.data(), width, state.chart);
    if (node) state.plot.replaceChildren(node);
    state.plot.style.minHeight = "";
  } catch (error) {
    // One chart that cannot be drawn must not keep the others from the reader.
    state.plot.classList.add("plot-failed");
    reportError(error);
  }
}

function refresh(state) {
  if (state.isVisible) draw(state, Math.floor(state.plot.clientWidth));
}

const views = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    const state = charts.get(entry.target);
    state.isVisible = entry.isIntersecting;
    refresh(state);
  }
}, { rootMargin: "400px 0px" });

const sizes = new ResizeObserver((entries) => {
  requestAnimationFrame(() => entries.forEach((entry) => refresh(charts.get(entry.target))));
});

for (const plot of document.querySelectorAll(".plot")) {
  const state = chartState(plot);
  charts.set(plot, state);
  views.observe(plot);
  sizes.observe(plot);
  if (state.kind === "history") fillPointTable(state.chart, state.data);
}

// Links to a folded test open it.
function openTarget(hash) {
  let node = hash.length > 1 ? document.getElementById(decodeURIComponent(hash.slice(1))) : null;
  for (; node; node = node.parentElement) if (node.tagName === "DETAILS") node.open = true;
}
document.addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#"]');
  if (link) openTarget(link.hash);
});
addEventListener("hashchange", () => openTarget(location.hash));
openTarget(location.hash);

// Choice of the newest commits, if there are enough of them for a choice.
function offerRanges(place) {
  const choices = [30, 100, 300, 1000].filter((count) => count < commits.hash.length);
  if (!choices.length) return;
  place.hidden = false;
  place.setAttribute("role", "radiogroup");
  place.setAttribute("aria-labelledby", "range-title");
  for (const count of [...choices, Infinity]) {
    const label = element("label");
    const input = element("input");
    input.type = "radio";
    input.name = "range";
    input.checked = count === Infinity;
    input.addEventListener("change", () => {
      historyRange.newest = count;
      for (const state of charts.values()) {
        if (state.kind !== "history") continue;
        state.width = 0;
        refresh(state);
      }
    });
    label.append(input, count === Infinity ? "all" : `newest ${count}`);
    place.append(label);
  }
}
document.querySelectorAll(".range").forEach(offerRanges);

// On paper nothing can be opened, except that tables of all points would take hundreds of pages.
let folded = [];
addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("details:not([open], .made-by-script)")];
  folded.forEach((details) => { details.open = true; });
  for (const state of charts.values()) draw(state, PRINT_WIDTH);
});
addEventListener("afterprint", () => {
  folded.forEach((details) => { details.open = false; });
  for (const state of charts.values()) refresh(state);
});
