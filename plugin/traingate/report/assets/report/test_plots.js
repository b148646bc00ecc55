"use strict";
// Charts of tests: ladder, sweep, pairs, steps, phases, flame graph.

const PHASE_COLOURS = {
  data: "var(--c2)", transfer: "var(--c5)", forward: "var(--c1)",
  backward: "var(--c3)", optimizer: "var(--c4)", other: "var(--c6)",
};
const CURVE_COLOURS = ["var(--c1)", "var(--c2)", "var(--c3)", "var(--c4)", "var(--c5)", "var(--c6)"];
const CURVE_SYMBOLS = ["circle", "square", "triangle", "diamond", "star", "wye"];

const LADDER_ROW = 42;

function ladderPanel(width, bars, { title, colour, showsLabels, space }) {
  const panel = element("div");
  panel.append(element("p", "panel-title", title));
  const known = bars.filter((bar) => bar.value !== null);
  const most = d3.max(known, (bar) => Math.max(bar.value, bar.high ?? 0)) || 1;
  const marks = [
    Plot.barX(known, { x1: 0, x2: "value", y: "index", insetTop: 18, insetBottom: 6, fill: colour, rx: 2 }),
    Plot.ruleY(known.filter((bar) => bar.low !== null), {
      x1: "low", x2: "high", y: "index", dy: 6, stroke: "var(--text)", strokeWidth: 1.5,
    }),
    Plot.text(known, {
      x: (bar) => Math.max(bar.value, bar.high ?? 0), y: "index", text: "text",
      textAnchor: "start", dx: 6, dy: 6,
    }),
    Plot.ruleX([0], { stroke: "var(--muted)" }),
  ];
  if (showsLabels) {
    marks.push(Plot.text(bars, {
      x: () => 0, y: "index", text: "label", textAnchor: "start", dy: -12, fill: "var(--muted)",
      lineWidth: width / 12, textOverflow: "ellipsis", title: "label",
    }));
  }
  panel.append(plotOf(width, {
    height: LADDER_ROW * bars.length + 34,
    marginLeft: 1, marginRight: space, marginTop: 2, marginBottom: 30,
    x: { domain: [0, most], label: null, ticks: Math.max(2, (width - space) / 70) },
    y: { type: "band", domain: d3.range(bars.length), axis: null, padding: 0 },
    marks: [gridX(), ...marks],
  }));
  return panel;
}

drawers.ladder = ({ rows, panels }, width) => {
  const place = element("div", "ladder");
  const isWide = width >= 320 + 260 * panels.length;
  const gap = 24;
  const inner = width - gap * panels.length;
  const own = isWide ? Math.round(inner * (panels.length ? Math.max(0.45, 1 - 0.27 * panels.length) : 1)) : width;
  const others = isWide && panels.length ? Math.floor((inner - own) / panels.length) : width;
  if (isWide) place.style.gridTemplateColumns = [own, ...panels.map(() => others)].map((each) => `${each}px`).join(" ");
  const bars = rows.map((row, index) => ({ ...row, index }));
  place.append(ladderPanel(own, bars, {
    title: "here, samples/s", colour: "var(--accent)", showsLabels: true, space: 168,
  }));
  for (const panel of panels) {
    const published = rows.map((row, index) => ({
      index, label: row.label, value: panel.values[index], low: null, high: null, text: panel.texts[index],
    }));
    place.append(ladderPanel(others, isWide ? published : compact(published), {
      title: `${panel.title}, samples/s`, colour: "var(--base)", showsLabels: !isWide, space: 100,
    }));
  }
  return place;
};

// Below each other, panels need no place for rows that they lack.
function compact(bars) {
  return bars.filter((bar) => bar.value !== null).map((bar, index) => ({ ...bar, index }));
}

drawers.sweep = ({ name, curves, is_logarithmic }, width) => {
  const place = element("div");
  const numbers = [...new Set(curves.flatMap((curve) => curve.x))].sort(d3.ascending);
  if (curves.length > 1) {
    place.append(keyList(curves.map((curve, index) => [curve.label, CURVE_COLOURS[index % 6]])));
  }
  const marks = curves.flatMap((curve, index) => {
    const colour = CURVE_COLOURS[index % 6];
    const rows = rowsOf(curve, ["x", "y", "low", "high"]);
    return [
      Plot.lineY(rows, { x: "x", y: "y", stroke: colour, strokeWidth: 2 }),
      Plot.ruleX(rows.filter((row) => row.low !== null), { x: "x", y1: "low", y2: "high", stroke: colour, strokeWidth: 1.5 }),
      Plot.dot(rows, { x: "x", y: "y", fill: colour, r: 4, symbol: CURVE_SYMBOLS[index % 6] }),
    ];
  });
  const all = curves.flatMap((curve) => rowsOf(curve, ["x", "y", "low", "high"]).map((row) => ({ ...row, label: curve.label })));
  place.append(plotOf(width, {
    height: 280, marginLeft: 48, marginBottom: 38, marginTop: 22, marginRight: 16,
    x: { type: is_logarithmic ? "log" : "linear", label: name, labelAnchor: "center", inset: 12 },
    y: { label: "samples/s", zero: true, nice: true },
    marks: [
      gridY(),
      Plot.axisX({ ticks: numbers, tickFormat: figure, tickSize: 4 }),
      ...marks,
      tip(all, {
        x: "x", y: "y",
        title: (row) => `${row.label}\n${name} ${figure(row.x)}: ${figure(row.y)} samples/s`
          + (row.low === null ? "" : `\n95 %: ${figure(row.low)} to ${figure(row.high)}`),
      }),
    ],
  }));
  return place;
};

drawers.pairs = ({ changes, tolerance, estimate, interval, shows_gains }, width) => {
  const rows = changes.map((change, index) => ({ change, pair: index + 1 }));
  const lines = [
    { at: 0, text: "no change", dash: "none" },
    { at: -tolerance, text: "tolerance", dash: "5 3" },
    { at: -2 * tolerance, text: "twice the tolerance", dash: "2 3" },
  ];
  if (shows_gains) lines.push({ at: tolerance, text: "tolerance", dash: "5 3" });
  const space = 122;
  const marks = [];
  if (interval) {
    marks.push(Plot.rectY([interval], {
      y1: (ends) => ends[0], y2: (ends) => ends[1], fill: "var(--accent)", fillOpacity: 0.16,
    }));
  }
  if (estimate !== null) {
    marks.push(
      Plot.ruleY([estimate], { stroke: "var(--accent)", strokeWidth: 1.5 }),
      Plot.text([estimate], {
        y: (value) => value, frameAnchor: "right", textAnchor: "start", dx: 6, fill: "var(--accent)",
        fontWeight: 600, text: (value) => `estimate ${percent(value)}`,
      }),
    );
  }
  const levels = lines.map((line) => line.at);
  return plotOf(Math.min(width, 760), {
    height: 250, marginLeft: 52, marginRight: space, marginTop: 16, marginBottom: 36,
    x: { domain: [0.5, changes.length + 0.5], label: "pair, in the order of measuring", labelAnchor: "center" },
    y: {
      domain: paddedRange([...changes, ...levels, ...(interval ?? [])], 0.06),
      label: null, tickFormat: (value) => `${figure(value)} %`, ticks: 6,
    },
    marks: [
      gridY({ ticks: 6 }),
      ...lines.map((line) => Plot.ruleY([line.at], { stroke: "var(--muted)", strokeDasharray: line.dash })),
      Plot.text(lines.filter((line) => estimate === null || Math.abs(line.at - estimate) > 1.2), {
        y: "at", text: "text", frameAnchor: "right", textAnchor: "start", dx: 6, fill: "var(--muted)",
      }),
      ...marks,
      Plot.axisX({ ticks: d3.range(1, changes.length + 1, Math.ceil(changes.length / 12)), tickFormat: String, tickSize: 4 }),
      Plot.dot(rows, { x: "pair", y: "change", fill: "var(--accent)", stroke: "var(--surface)", r: 5 }),
      tip(rows, { x: "pair", y: "change", title: (row) => `pair ${row.pair}: ${percent(row.change)}` }),
    ],
  });
};

function stepMarks(curve, colour) {
  const rows = rowsOf(curve, ["x", "y"]);
  const marks = [];
  if (curve.high.length) {
    const groups = rowsOf(curve, ["x", "low", "high"]);
    marks.push(Plot.areaY(groups, { x: "x", y1: "low", y2: "high", fill: colour, fillOpacity: 0.2 }));
  }
  marks.push(Plot.lineY(rows, { x: "x", y: "y", stroke: colour, strokeWidth: 1.25 }));
  if (rows.length <= 80) marks.push(Plot.dot(rows, { x: "x", y: "y", fill: colour, r: 2 }));
  return marks;
}

drawers.steps = ({ axis, panels }, width) => {
  const place = element("div");
  const sides = new Set(panels.flatMap((panel) => panel.curves.map((curve) => curve.name)));
  const colours = { now: "var(--accent)", base: "var(--c2)" };
  if (sides.size > 1) place.append(keyList([...sides].map((side) => [side, colours[side]])));
  const gap = 20;
  const columns = Math.max(1, Math.min(panels.length, Math.floor((width + gap) / (220 + gap))));
  const each = Math.min(420, Math.floor((width - gap * (columns - 1)) / columns));
  const curves = panels.flatMap((panel) => panel.curves);
  const y = paddedRange(curves.flatMap((curve) => [...curve.y, ...curve.high, ...curve.low]), 0.08);
  const x = d3.extent(curves.flatMap((curve) => [...curve.x, ...curve.visits.flat()]));
  const grid = element("div", "panels");
  grid.style.gridTemplateColumns = `repeat(${columns}, ${each}px)`;
  for (const panel of panels) {
    const cell = element("div");
    cell.append(element("p", "panel-title", panel.title));
    cell.append(plotOf(each, {
      height: 130, marginLeft: 42, marginRight: 6, marginTop: 8, marginBottom: 32,
      x: { domain: x, label: axis, labelAnchor: "right", ticks: 4 },
      y: { domain: y, label: null, ticks: 4, tickFormat: (value) => figure(value) },
      marks: [
        gridY({ ticks: 4 }),
        ...panel.curves.map((curve) => Plot.rectX(curve.visits, {
          x1: (visit) => visit[0], x2: (visit) => visit[1], fill: "var(--muted)", fillOpacity: 0.25,
        })),
        ...panel.curves.flatMap((curve) => stepMarks(curve, colours[curve.name])),
        ...panel.curves.map((curve) => Plot.dot(curve.epochs, {
          x: (place) => place, frameAnchor: "bottom", symbol: "triangle", fill: "var(--c4)", r: 4, dy: -4,
        })),
      ],
    }));
    grid.append(cell);
  }
  place.append(element("p", "panel-title", "milliseconds per step"), grid);
  return place;
};

drawers.phases = ({ names, bars }, width) => {
  const place = element("div");
  const colour = (name) => PHASE_COLOURS[name] ?? "var(--c6)";
  place.append(keyList(names.map((name) => [name, colour(name)])));
  const parts = bars.flatMap((bar) => {
    let end = 0;
    return bar.milliseconds.map((milliseconds, index) => {
      const start = end;
      end += milliseconds;
      return { side: bar.title, name: names[index], milliseconds, start, end };
    });
  });
  const most = d3.max(parts, (part) => part.end) || 1;
  const inner = width - 70 - 60;
  const totals = bars.map((bar) => ({ side: bar.title, total: d3.sum(bar.milliseconds) }));
  place.append(plotOf(width, {
    height: 44 * bars.length + 40, marginLeft: 66, marginRight: 64, marginTop: 2, marginBottom: 36,
    x: { domain: [0, most], label: "ms per step", labelAnchor: "center" },
    y: { type: "band", domain: bars.map((bar) => bar.title), label: null, padding: 0.2, tickSize: 0 },
    marks: [
      gridX(),
      Plot.barX(parts, { x1: "start", x2: "end", y: "side", fill: (part) => colour(part.name), insetRight: 1 }),
      Plot.text(parts.filter((part) => (part.milliseconds / most) * inner > 36), {
        x: (part) => (part.start + part.end) / 2, y: "side", fill: "var(--surface)", fontWeight: 600,
        text: (part) => figure(part.milliseconds),
      }),
      Plot.text(totals, { x: "total", y: "side", dx: 6, textAnchor: "start", text: (bar) => `${figure(bar.total)} ms` }),
      tip(parts, {
        x: (part) => (part.start + part.end) / 2, y: "side",
        title: (part) => `${part.side}, ${part.name}: ${figure(part.milliseconds)} ms`,
      }),
    ],
  }));
  return place;
};

// The flame graph keeps its state, such as its search, from one width to the next.
const flameGraphs = new WeakMap();

drawers.flame = ({ frames, has_base }, width, chart) => {
  const place = chart.querySelector(".plot");
  if (!flameGraphs.has(chart)) {
    flameGraphs.set(chart, flameGraphDrawer({
      place,
      controls: chart.querySelector(".flame-controls"),
      details: chart.querySelector(".flame-details"),
      frames,
      hasBase: has_base,
    }));
  }
  flameGraphs.get(chart)(width);
  return null;
};
