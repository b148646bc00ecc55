"use strict";
const data = JSON.parse(document.getElementById("frames").textContent);
const drawFlameGraph = flameGraphDrawer({
  place: document.getElementById("chart"),
  controls: document.querySelector(".flame-controls"),
  details: document.getElementById("details"),
  frames: data.frames,
  hasBase: data.has_base,
});
drawFlameGraph(Math.max(640, document.body.clientWidth));
