"use strict";
// Draws the report from its JSON. Foreign texts are only ever set as text, never as HTML.
const BAD = new Set(["LOST", "DIFFERENT", "NOT_SENT"]);
const MOST_BARS = 5000, MOST_ROWS = 50, SVG = "http://www.w3.org/2000/svg";
const $ = (id) => document.getElementById(id);

function make(name, attributes = {}, ...children) {
  const isSvg = ["svg", "rect", "line", "text", "polyline", "circle", "g", "title"].includes(name);
  const node = isSvg ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "on") for (const [event, run] of Object.entries(value)) node.addEventListener(event, run);
    else if (value !== null && value !== false) node.setAttribute(key, value === true ? "" : value);
  }
  for (const child of children.flat()) if (child !== null) node.append(child);
  return node;
}

async function unpack() {
  const bytes = Uint8Array.from(atob($("data").textContent.trim()), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

function seconds(value) {
  if (value === null || value === undefined) return "-";
  if (value === 0) return "0";
  if (value < 0.001) return `${Math.round(value * 1e6)} µs`;
  if (value < 1) return `${(value * 1e3).toPrecision(3)} ms`;
  return value < 60 ? `${value.toPrecision(3)} s`
    : `${Math.floor(value / 60)} min ${Math.round(value % 60)} s`;
}

const shortName = (id) => id.slice(id.lastIndexOf("::") + 2 * id.includes("::"));

// The overview: sort and filter.

function enhance(report) {
  const table = $("runs"), rows = [...table.tBodies[0].rows].filter((row) => row.dataset.run);
  const tools = $("tools");
  tools.hidden = false;
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const name = head.textContent;
    const button = make("button", { type: "button", on: { click: () => sort(column, head) } }, name);
    head.replaceChildren(button);
  });
  const key = (row, column) => {
    const cell = row.cells[column], value = cell.dataset.value;
    return value === undefined ? cell.textContent : value === "" ? -Infinity : Number(value);
  };
  function sort(column, head) {
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const sign = down ? -1 : 1;
    rows.sort((a, b) => {
      const x = key(a, column), y = key(b, column);
      return sign * (x < y ? -1 : x > y ? 1 : 0);
    });
    table.tBodies[0].append(...rows);
  }
  function filter() {
    const text = $("text").value.toLowerCase(), verdict = $("verdict").value;
    let shown = 0;
    for (const row of rows) {
      const fits = row.textContent.toLowerCase().includes(text)
        && (!verdict || row.cells[2].textContent === verdict);
      row.hidden = !fits;
      shown += fits;
    }
    $("count").textContent = `${shown} of ${rows.length}`;
  }
  $("text").addEventListener("input", filter);
  $("verdict").addEventListener("change", filter);
  for (const row of rows) {
    const run = report.runs[Number(row.dataset.run)], cell = row.cells[0];
    cell.replaceChildren(make("button", { type: "button", on: { click: () => show(report, run) } },
      cell.textContent));
  }
  filter();
  const first = report.runs.find((run) => BAD.has(run.verdict)) || report.runs[0];
  if (first) show(report, first);
}

// One workload in one configuration.

function show(report, run) {
  const detail = $("detail");
  const siblings = report.runs.filter((other) => other.id === run.id);
  detail.hidden = false;
  detail.replaceChildren(
    make("h2", {}, `${run.id} on ${run.configuration.id}`),
    make("p", {}, make("strong", { class: BAD.has(run.verdict) ? "error" : "" }, run.verdict),
      ` · ${run.policy} · ${run.workers_used} of ${run.configuration.workers.resolved} workers, `
      + `${run.peak_overlap} case${run.peak_overlap === 1 ? "" : "s"} at once`),
    ...causes(run), ...timeline(run), ...scaling(siblings.filter((other) => other.configuration.backend === run.configuration.backend)), ...distribution(run),
    ...outcomes(siblings), ...mismatches(run), ...commands(run), ...cases(run));
}

function causes(run) {
  return run.causes.flatMap((cause) => [
    make("h3", {}, `Cause: ${cause.name}${cause.detail ? ` (${cause.detail})` : ""}${certainty(cause)}`),
    make("p", {}, cause.evidence),
    ...(cause.remedy ? [make("p", {}, "Remedy: ", make("code", {}, cause.remedy))] : [])]);
}

function certainty(cause) {
  if (["UNEXPLAINED", "UNREPRODUCED"].includes(cause.name)) return "";
  return cause.confirmed ? ", confirmed" : ", suspected";
}

function rowsOf(run) {
  const rows = new Map();
  const add = (name, bar) => rows.has(name) ? rows.get(name).push(bar) : rows.set(name, [bar]);
  const serial = [];
  let end = 0, at = 0;
  for (const one of run.cases) {
    const bad = BAD.has(one.verdict);
    if (one.interval && one.worker !== null) {
      const [, from, to] = one.interval;
      add(`worker ${one.worker}`, { one, bad, from, to });
      end = Math.max(end, to);
    }
    if (one.serial_interval) {
      const [from, to] = one.serial_interval;
      serial.push({ one, bad, isSerial: true, took: to - from });
    }
  }
  // Each serial call was made at its case's turn: put end to end, they compare with the workers.
  for (const bar of serial) {
    bar.from = at;
    bar.to = at += bar.took;
    add("serial", bar);
    end = Math.max(end, at);
  }
  const names = [...rows.keys()].sort((a, b) => (a !== "serial") - (b !== "serial")
    || a.localeCompare(b, "en", { numeric: true }));
  return { names, rows, end: end || 1 };
}

function timeline(run) {
  const { names, rows, end } = rowsOf(run);
  if (!names.length) return [];
  const left = 74, width = 1000, high = 22, height = names.length * high + 24;
  const x = (time) => left + (time / end) * (width - left - 10);
  const bars = names.flatMap((name, row) => rows.get(name).map((bar) => ({
    ...bar, name, x: x(bar.from), y: row * high + 3, width: Math.max(x(bar.to) - x(bar.from), 0.6) })));
  const hint = make("p", { class: "soft", role: "status" }, "Point at a bar, or use the arrow keys, for its case.");
  const describe = (bar) => {
    hint.textContent = `${bar.name}: ${shortName(bar.one.id)}, ${seconds(bar.to - bar.from)}, ${bar.one.verdict}`;
  };
  const isCanvas = bars.length > MOST_BARS;
  const picture = isCanvas ? canvas(bars, names, width, height, high)
    : svgTimeline(bars, names, width, height, high, x, end);
  let now = -1;
  const move = (to) => {
    now = Math.max(0, Math.min(bars.length - 1, to));
    picture.mark(now);
    describe(bars[now]);
  };
  picture.node.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -bars.length, End: bars.length }[event.key];
    if (step !== undefined) { event.preventDefault(); move(now + step); }
  });
  picture.node.addEventListener("pointermove", (event) => {
    const box = picture.node.getBoundingClientRect();
    const px = (event.clientX - box.left) * width / box.width;
    const py = (event.clientY - box.top) * height / box.height;
    const found = bars.findIndex((bar) => py >= bar.y && py <= bar.y + high - 6
      && px >= bar.x - 1 && px <= bar.x + bar.width + 1);
    if (found >= 0 && found !== now) move(found);
  });
  return [make("h3", {}, "Timeline"),
    make("p", { class: "soft" }, `Serial, end to end, and parallel on one axis of ${seconds(end)}.`),
    make("figure", {}, picture.node), hint];
}

function svgTimeline(bars, names, width, height, high, x, end) {
  const shapes = bars.map((bar) => make("rect", { x: bar.x, y: bar.y, width: bar.width, height: high - 6,
    class: `bar${bar.isSerial ? " serial" : ""}${bar.bad ? " bad" : ""}` }));
  const labels = names.map((name, row) => make("text", { x: 2, y: row * high + 16 }, name));
  const ticks = [0, 0.25, 0.5, 0.75, 1].flatMap((share) => [
    make("line", { class: "axis", x1: x(share * end), x2: x(share * end), y1: 0, y2: height - 18 }),
    make("text", { x: x(share * end), y: height - 4,
      "text-anchor": share === 1 ? "end" : share ? "middle" : "start" }, seconds(share * end))]);
  const node = make("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", tabindex: "0",
    "aria-label": `Timeline of ${bars.length} runs of cases on ${names.join(", ")}` }, ticks, labels, shapes);
  let last = null;
  return { node, mark: (number) => {
    if (last) last.classList.remove("on");
    last = shapes[number];
    last.classList.add("on");
  } };
}

function canvas(bars, names, width, height, high) {
  const node = make("canvas", { width: 2 * width, height: 2 * height, role: "img", tabindex: "0",
    "aria-label": `Timeline of ${bars.length} runs of cases on ${names.join(", ")}` });
  const draw = node.getContext("2d");
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const colours = { bad: colour("--bad"), serial: colour("--serial"), bar: colour("--bar") };
  const paint = (on) => {
    draw.setTransform(2, 0, 0, 2, 0, 0);
    draw.clearRect(0, 0, width, height);
    draw.font = "12px system-ui, sans-serif";
    draw.fillStyle = colour("--soft");
    names.forEach((name, row) => draw.fillText(name, 2, row * high + 16));
    for (const bar of bars) {
      draw.fillStyle = bar.bad ? colours.bad : bar.isSerial ? colours.serial : colours.bar;
      draw.fillRect(bar.x, bar.y, bar.width, high - 6);
    }
    if (on !== undefined) {
      draw.strokeStyle = colour("--ink");
      draw.lineWidth = 2;
      draw.strokeRect(bars[on].x, bars[on].y, Math.max(bars[on].width, 2), high - 6);
    }
  };
  paint();
  return { node, mark: paint };
}

function scaling(runs) {
  const points = runs.filter((run) => run.timing.speedup && !run.xdist)
    .map((run) => ({ workers: run.configuration.workers.resolved, speedup: run.timing.speedup,
      bound: run.timing.bound_share ? run.timing.speedup / run.timing.bound_share : null }))
    .sort((a, b) => a.workers - b.workers);
  if (new Set(points.map((one) => one.workers)).size < 2) return [];
  const width = 420, height = 200, most = points[points.length - 1].workers;
  const top = Math.max(...points.map((one) => Math.max(one.speedup, one.bound || 0)), 1) * 1.1;
  const x = (workers) => 30 + (workers / most) * (width - 60), y = (value) => height - 22 - (value / top) * (height - 34);
  const line = (name, pick) => make("polyline", { class: name,
    points: points.filter((one) => pick(one) !== null).map((one) => `${x(one.workers)},${y(pick(one))}`).join(" ") });
  const node = make("svg", { class: "small", viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": points.map((one) => `${one.workers} workers: ${one.speedup.toFixed(2)}`).join("; ") },
    make("line", { class: "axis", x1: 30, x2: width - 10, y1: y(0), y2: y(0) }),
    line("bound", (one) => one.bound), line("curve", (one) => one.speedup),
    points.flatMap((one) => [make("circle", { class: "dot", cx: x(one.workers), cy: y(one.speedup), r: 3.5 }),
      make("text", { x: x(one.workers) - 4, y: y(one.speedup) - 8, "text-anchor": "end" }, `${one.speedup.toFixed(2)}x`),
      make("text", { x: x(one.workers) - 3, y: height - 6 }, String(one.workers))]));
  return [make("h3", {}, "Speed-up against workers"),
    make("p", { class: "soft" }, "Dashed: the bound for these cases."), make("figure", {}, node)];
}

function distribution(run) {
  const legs = { serial: [], parallel: [] };
  for (const one of run.cases) for (const leg of ["serial", "parallel"]) {
    if (one.seconds[leg] > 0) legs[leg].push(Math.log10(one.seconds[leg]));
  }
  const all = [...legs.serial, ...legs.parallel];
  if (legs.parallel.length < 5) return [];
  const low = all.reduce((a, b) => Math.min(a, b)), high = Math.max(all.reduce((a, b) => Math.max(a, b)), low + 0.1);
  const bins = 24, width = 1000, height = 110;
  const bin = (value) => Math.min(bins - 1, Math.floor((value - low) / (high - low) * bins));
  const counts = Object.fromEntries(Object.entries(legs).map(([leg, values]) => {
    const found = new Array(bins).fill(0);
    for (const value of values) found[bin(value)] += 1;
    return [leg, found];
  }));
  const top = Math.max(...counts.serial, ...counts.parallel, 1);
  const step = (width - 20) / bins;
  const shapes = Object.entries(counts).flatMap(([leg, found], row) => found.map((count, n) =>
    make("rect", { x: 10 + n * step + row * step / 2, width: Math.max(step / 2 - 2, 1),
      y: height - 20 - count / top * (height - 30), height: count / top * (height - 30),
      class: leg === "serial" ? "bar serial" : "bar" })));
  const node = make("svg", { viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": `Durations from ${seconds(10 ** low)} to ${seconds(10 ** high)}` }, shapes,
    make("text", { x: 10, y: height - 4 }, seconds(10 ** low)),
    make("text", { x: width - 10, y: height - 4, "text-anchor": "end" }, seconds(10 ** high)));
  return [make("h3", {}, "Durations of cases"),
    make("p", { class: "soft" }, "Grey: serial. Coloured: parallel. The axis is logarithmic."),
    make("figure", {}, node)];
}

function table(head, rows, numbers = new Set()) {
  const row = (cells) => make("tr", {}, cells.map((cell, column) =>
    make(column ? "td" : "th", column ? { class: numbers.has(column) ? "number" : null } : { scope: "row" }, cell)));
  const heads = head.map((name, column) => make("th", { scope: "col", class: numbers.has(column) ? "number" : null }, name));
  return make("div", { class: "wide", tabindex: "0", role: "region", "aria-label": head.join(", ") },
    make("table", {}, make("thead", {}, make("tr", {}, heads)), make("tbody", {}, rows.map(row))));
}

const code = (text) => make("code", {}, text);

function outcomes(runs) {
  const names = [...new Set(runs.flatMap((run) => run.cases.map((one) => one.verdict)))];
  const count = (run, name) => String(run.cases.filter((one) => one.verdict === name).length);
  return [make("h3", {}, "Verdicts by run"),
    table(["run", ...names], runs.map((run) => [run.configuration.id, ...names.map((name) => count(run, name))]),
      new Set(names.map((_, column) => column + 1)))];
}

function mismatches(run) {
  if (!run.mismatches.length) return [];
  const rows = run.mismatches.slice(0, MOST_ROWS).map((one) =>
    [shortName(one.case), code(one.path || "the value"), code(one.expected), code(one.actual), one.difference || one.class]);
  const more = run.mismatch_count - rows.length;
  return [make("h3", {}, "Differences"), table(["case", "where", "serial", "parallel", "difference"], rows),
    ...(more > 0 ? [make("p", { class: "soft" }, `and ${more} more`)] : [])];
}

function commands(run) {
  const bad = run.cases.find((one) => BAD.has(one.verdict)) || run.cases[0];
  if (!bad) return [];
  return [make("h3", {}, "To run it again"), ...[["the case, serially", `pytest ${quote(bad.id)} --parwork-serial`],
    ["the workload", `pytest ${quote(run.id.split("::map[")[0].split("::starmap[")[0])}`]].map(([what, text]) =>
    make("p", {}, `${what}: `, code(text), make("button", { type: "button", class: "copy",
      "aria-label": `copy the command: ${what}`, on: { click: (event) => copy(text, event.target) } }, "copy")))];
}

const quote = (text) => /^[\w./:[\]=,@+-]+$/.test(text) && !text.includes("[") ? text : `'${text.replaceAll("'", `'"'"'`)}'`;

async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "copied";
  } catch {
    getSelection().selectAllChildren(button.previousElementSibling);
    button.textContent = document.execCommand("copy") ? "copied" : "selected";
  }
}

function cases(run) {
  const bad = run.cases.filter((one) => one.verdict !== "EQUAL");
  const others = run.cases.filter((one) => one.verdict === "EQUAL")
    .sort((a, b) => (b.seconds.parallel || 0) - (a.seconds.parallel || 0));
  const shown = [...bad, ...others].slice(0, MOST_ROWS);
  const rows = shown.map((one) => [shortName(one.id),
    make("span", { class: BAD.has(one.verdict) ? "error" : null }, one.verdict + (one.why ? `, ${one.why}` : "")),
    seconds(one.seconds.serial), seconds(one.seconds.parallel), String(one.worker ?? "-"),
    code(one.lost ? one.lost.detail : one.result ? one.result.text : "")]);
  const title = shown.length < run.cases.length
    ? `Cases: ${shown.length} of ${run.cases.length}, those not equal first, then the slowest` : "Cases";
  return [make("h3", {}, title),
    table(["case", "verdict", "serial", "parallel", "worker", "result"], rows, new Set([2, 3, 4]))];
}

unpack().then(enhance);
