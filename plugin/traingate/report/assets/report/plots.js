"use strict";
// What all charts share. A drawer returns an element for its data and a width in pixels. Data are
// a stranger's text: they become text by textContent and by channels of Plot, never markup, and no
// colour, symbol or scale type follows from them.
const drawers = {};

function element(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

// Numbers as the tables show them: at most four digits, and the sign for minus.
function figure(value) {
  if (value === null || value === undefined) return "unknown";
  return String(Number(value.toPrecision(4))).replace("-", "\u2212");
}

function percent(value) {
  const text = `${value > 0 ? "+" : ""}${value.toFixed(1)} %`;
  return text.replace("-", "\u2212");
}

function plotOf(width, options) {
  return Plot.plot({
    width,
    className: "drawing",
    style: { background: "none", color: "var(--text)", fontFamily: "inherit", fontSize: "12px" },
    ...options,
  });
}

function gridX(options) {
  return Plot.gridX({ stroke: "var(--grid)", strokeOpacity: 1, ...options });
}

function gridY(options) {
  return Plot.gridY({ stroke: "var(--grid)", strokeOpacity: 1, ...options });
}

function tip(rows, options) {
  return Plot.tip(rows, Plot.pointer({
    fill: "var(--surface)", stroke: "var(--muted)", fontSize: 12, lineHeight: 1.35, lineWidth: 24, maxRadius: 60,
    ...options,
  }));
}

// Legend of named colours, as a list of text beside squares.
function keyList(entries) {
  const list = element("ul", "key-list");
  for (const [name, colour] of entries) {
    const item = element("li");
    const swatch = element("i", "swatch");
    swatch.style.background = colour;
    item.append(swatch, name);
    list.append(item);
  }
  return list;
}

// Objects from arrays of equal length, such as {x: [...], y: [...]}.
function rowsOf(columns, names) {
  return columns[names[0]].map((_, index) =>
    Object.fromEntries(names.map((name) => [name, columns[name][index]])));
}

// Range of numbers with some space on both sides; null and undefined do not count.
function paddedRange(values, share) {
  const known = values.filter((value) => value !== null && value !== undefined);
  const [low, high] = d3.extent(known);
  const space = (high - low || Math.abs(high) || 1) * share;
  return [low - space, high + space];
}
