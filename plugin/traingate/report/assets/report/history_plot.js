"use strict";
// The chart of one series over the commits. Commits have equal distances, whatever their dates are.

const commits = (() => {
  const node = document.getElementById("commits");
  return node ? JSON.parse(node.textContent) : { hash: [], date: [], subject: [], tags: [] };
})();

const OUTCOMES = { p: "passed", r: "regressed", i: "improved", o: "inconclusive", n: "not compared" };
const MANY_POINTS = 160;
const historyRange = { newest: Infinity };

function historyRows(data) {
  const failed = new Set(data.failed);
  const accepted = new Map(data.accepted);
  const environment = new Map(data.environment);
  return data.commit.map((commit, index) => ({
    index, commit, y: data.y[index], low: data.low[index], high: data.high[index],
    launches: data.launches[index], outcome: OUTCOMES[data.outcome[index]],
    failed: failed.has(index), accepted: accepted.get(index), environment: environment.get(index),
  }));
}

function pointText(row) {
  const lines = [`${commits.hash[row.commit] ?? ""} ${commits.date[row.commit] ?? ""}`];
  if (commits.subject[row.commit]) lines.push(commits.subject[row.commit]);
  const interval = row.low === null ? "" : ` (${figure(row.low)} to ${figure(row.high)})`;
  lines.push(`${figure(row.y)} samples/s${interval}`);
  lines.push(row.failed ? `${row.outcome}, failed its gate` : row.outcome);
  if (row.accepted) lines.push(`accepted: ${row.accepted}`);
  for (const line of (row.environment ?? []).slice(0, 4)) lines.push(line);
  return lines.join("\n");
}

// Levels for texts over the chart, so that neighbours do not overlap; -1 where there is no place.
function textLevels(texts, places, levels) {
  const ends = new Array(levels).fill(-Infinity);
  return texts.map((text, index) => {
    const half = 3.6 * text.length + 4;
    const level = ends.findIndex((end) => places[index] - half > end);
    if (level >= 0) ends[level] = places[index] + half;
    return level;
  });
}

function changeMarks(changes, rows, placeOf) {
  const spans = changes
    .map((change) => ({ ...change, from: rows[change.before].commit, to: rows[change.after].commit }))
    .map((span) => ({ ...span, middle: (span.from + span.to) / 2, colour: span.is_loss ? "var(--loss)" : "var(--gain)" }));
  const levels = textLevels(spans.map((span) => span.text), spans.map((span) => placeOf(span.middle)), 2);
  spans.forEach((span, index) => { span.level = Math.max(0, levels[index]); });
  return spans.flatMap((span) => [
    Plot.rectX([span], { x1: "from", x2: "to", fill: span.colour, fillOpacity: 0.13 }),
    Plot.ruleX([span], { x: "middle", stroke: span.colour, strokeWidth: span.kind === "jump" ? 1.5 : 0 }),
    Plot.text([span], {
      x: "middle", frameAnchor: "top", dy: -10 - 14 * span.level, text: "text", fill: span.colour, fontWeight: 700,
      title: () => `${span.kind}: ${span.interval}${span.accepted ? `, accepted: ${span.accepted}` : ""}`,
    }),
  ]);
}

function tagMarks(first, placeOf) {
  const tags = commits.tags.filter(([commit]) => commit >= first).map(([commit, text]) => ({ commit, text: text.slice(0, 24) }));
  const levels = textLevels(tags.map((tag) => tag.text), tags.map((tag) => placeOf(tag.commit)), 1);
  return [
    Plot.ruleX(tags, { x: "commit", stroke: "var(--muted)", strokeDasharray: "3 3", strokeOpacity: 0.7 }),
    Plot.text(tags.filter((_, index) => levels[index] >= 0), {
      x: "commit", frameAnchor: "top", dy: -36, text: "text", fill: "var(--muted)",
    }),
  ];
}

function anchorMarks(data, rows, last) {
  const anchor = rows[data.anchor];
  const limit = anchor.y * (1 - data.tolerance / 100);
  return [
    Plot.ruleY([limit], {
      x1: anchor.commit, x2: last, stroke: "var(--loss)", strokeWidth: 1.5, strokeDasharray: "1.5 4", strokeLinecap: "round",
    }),
    Plot.dot([anchor], { x: "commit", y: "y", r: 7, stroke: "var(--text)", strokeWidth: 1.5 }),
  ];
}

function pointMarks(shown) {
  const known = shown.filter((row) => row.low !== null);
  const line = Plot.lineY(shown, { x: "commit", y: "y", stroke: "var(--accent)", strokeWidth: 1.5 });
  if (shown.length > MANY_POINTS) {
    return [
      Plot.areaY(known, { x: "commit", y1: "low", y2: "high", fill: "var(--accent)", fillOpacity: 0.2 }),
      line,
    ];
  }
  return [
    Plot.ruleX(known, { x: "commit", y1: "low", y2: "high", stroke: "var(--accent)", strokeOpacity: 0.5, strokeWidth: 1.5 }),
    line,
    Plot.dot(shown, {
      x: "commit", y: "y", r: 3, stroke: "var(--accent)",
      fill: (row) => (row.outcome === "not compared" ? "var(--page)" : "var(--accent)"),
    }),
  ];
}

function eventMarks(shown) {
  return [
    Plot.dot(shown.filter((row) => row.environment), {
      x: "commit", frameAnchor: "bottom", symbol: "triangle", fill: "var(--c4)", r: 4, dy: -4,
    }),
    Plot.dot(shown.filter((row) => row.accepted), {
      x: "commit", y: "y", symbol: "diamond", fill: "var(--open)", stroke: "var(--page)", r: 7,
    }),
    Plot.dot(shown.filter((row) => row.failed), {
      x: "commit", y: "y", symbol: "times", stroke: "var(--loss)", strokeWidth: 2.5, r: 5,
    }),
  ];
}

drawers.history = (data, width) => {
  const rows = historyRows(data);
  const last = Math.max(commits.hash.length - 1, d3.max(rows, (row) => row.commit));
  const first = Math.max(0, last + 1 - historyRange.newest, historyRange.newest === Infinity ? rows[0].commit : 0);
  const shown = rows.filter((row) => row.commit >= first);
  if (!shown.length) return element("p", "hint", "No point of this series is among these commits.");
  const margins = { marginLeft: 48, marginRight: 18, marginTop: 44, marginBottom: 34 };
  const x = [first - 0.5, last + 0.5];
  const inner = width - margins.marginLeft - margins.marginRight;
  const placeOf = (commit) => ((commit - x[0]) / (x[1] - x[0])) * inner;
  const changes = data.changes.filter((change) => rows[change.after].commit >= first);
  const hasAnchor = data.anchor !== null && rows[data.anchor].commit >= first;
  const values = shown.flatMap((row) => [row.y, row.low, row.high]);
  if (hasAnchor) values.push(rows[data.anchor].y * (1 - data.tolerance / 100));
  const ticks = d3.ticks(first, last, Math.max(2, inner / 110)).filter((tick) => Number.isInteger(tick));
  const dated = (tick) => commits.date[tick]?.slice(0, 10) || commits.hash[tick]?.slice(0, 8) || "";
  const place = element("div");
  place.append(element("p", "panel-title", "samples/s"), plotOf(width, {
    height: 300, ...margins,
    x: { domain: x, label: null },
    y: { domain: paddedRange(values, 0.06), label: null, ticks: 5 },
    marks: [
      gridY({ ticks: 5 }),
      Plot.axisX({ ticks, tickFormat: dated, tickSize: 4 }),
      ...tagMarks(first, placeOf),
      ...changeMarks(changes, rows, placeOf),
      ...(hasAnchor ? anchorMarks(data, rows, last) : []),
      ...pointMarks(shown),
      ...eventMarks(shown),
      tip(shown, { x: "commit", y: "y", title: pointText }),
    ],
  }));
  return place;
};

// Fills the table of all points of a series, when somebody opens it.
function fillPointTable(chart, readData) {
  const details = chart.querySelector(".made-by-script");
  details.addEventListener("toggle", () => {
    if (!details.open || details.querySelector("table")) return;
    const table = element("table");
    const titles = ["commit", "date", "subject", "samples/s", "lower", "upper", "outcome"];
    const head = table.createTHead().insertRow();
    for (const title of titles) {
      const cell = element("th", "", title);
      cell.scope = "col";
      head.append(cell);
    }
    const body = table.createTBody();
    for (const row of historyRows(readData()).reverse()) {
      const texts = [
        commits.hash[row.commit], commits.date[row.commit], commits.subject[row.commit],
        figure(row.y), figure(row.low), figure(row.high),
        row.failed ? `${row.outcome}, failed` : row.outcome + (row.accepted ? ", accepted" : ""),
      ];
      const line = body.insertRow();
      for (const text of texts) line.insertCell().textContent = text ?? "";
    }
    const box = element("div", "scroll");
    box.append(table);
    details.append(box);
  });
}
