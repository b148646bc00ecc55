"use strict";
// Chart of a race: each launch at its time and its throughput, joined by a line per candidate.

drawers.race = ({ names, winner, points, ends }, width) => {
  const rows = points.map((point) => ({ ...point, name: names[point.candidate] }));
  const last = new Map();
  for (const row of rows) last.set(row.candidate, row);
  const drops = ends
    .filter((end) => last.has(end.candidate))
    .map((end) => ({ ...end, ratio: last.get(end.candidate).ratio, name: names[end.candidate] }));
  const isWinner = (row) => row.candidate === winner;
  const finals = rows.filter((row) => row.stage !== "search");
  const marks = [
    gridY(), gridX(),
    Plot.ruleY([1], { stroke: "var(--muted)", strokeDasharray: "3,3" }),
  ];
  if (finals.length) {
    const start = Math.max(0, ...rows.filter((row) => row.stage === "search").map((row) => row.minutes));
    marks.push(Plot.ruleX([start], { stroke: "var(--muted)" }));
    marks.push(Plot.text([start], {
      x: (minute) => minute, frameAnchor: "top", text: () => "final", dx: 4, textAnchor: "start", fill: "var(--muted)",
    }));
  }
  marks.push(
    Plot.line(rows.filter((row) => !isWinner(row)), {
      x: "minutes", y: "ratio", z: "candidate", stroke: "var(--muted)", strokeOpacity: 0.5,
    }),
    Plot.dot(rows.filter((row) => !isWinner(row)), { x: "minutes", y: "ratio", r: 2.5, fill: "var(--muted)" }),
    Plot.dot(drops, { x: "minutes", y: "ratio", symbol: "times", r: 4, stroke: "var(--loss)", strokeWidth: 1.5 }),
    Plot.line(rows.filter(isWinner), { x: "minutes", y: "ratio", stroke: "var(--accent)", strokeWidth: 2 }),
    Plot.dot(rows.filter(isWinner), { x: "minutes", y: "ratio", r: 3.5, fill: "var(--accent)" }),
    tip(rows, {
      x: "minutes", y: "ratio",
      title: (row) => `${row.name}\n${figure(row.ratio)} x plain, minute ${figure(row.minutes)} (${row.stage})`,
    }),
  );
  const place = element("div");
  place.append(keyList([["the fastest", "var(--accent)"], ["other candidates", "var(--muted)"], ["dropped as slower (×)", "var(--loss)"]]));
  place.append(plotOf(width, {
    height: 300, marginLeft: 44, marginBottom: 34,
    x: { label: "minutes", domain: [0, d3.max(rows, (row) => row.minutes)], ticks: Math.max(2, width / 90) },
    y: { label: "throughput / plain" },
    marks,
  }));
  return place;
};
