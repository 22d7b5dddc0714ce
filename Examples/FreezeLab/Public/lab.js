// The Freeze Lab's page: a probe, a chart of its round trips, the stall reports it brings, and the buttons.
// Whatever the server sends is put in as text, never as markup.

const PERIOD = 100;             // ms between two probes
const PROBE_TIMEOUT = 10_000;   // ms until a probe counts as lost
const RETRY = 1_000;            // ms to the next probe after one that was refused
const WINDOW = 30_000;          // ms that the chart shows
const LIMIT = 25;               // ms from which the server counts a stall
const LATE = 250;               // ms from which a probe in flight is called late
const MAX_ACTIVE = 4;           // browsers open six connections to a host, and the probe must always get one
const MAX_QUEUED = 12;
const MAX_RUNS = 4;             // runs that a card keeps in view
const MAX_REPORTS = 50;
const MAX_OUTPUT = 2_000;       // characters of a run's output
const RUN_TIMEOUT = 60_000;

const byId = (id) => document.getElementById(id);
const calm = matchMedia('(prefers-reduced-motion: reduce)');

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function formatDuration(ms) {
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  return `${(ms / 1000).toFixed(ms < 9_995 ? 2 : 1)} s`;
}

// Announcements for screen readers: gathered, so that a burst is one utterance.

const announcer = byId('announcer');
let announcements = [];
let announceTimer = 0;

function announce(text) {
  announcements.push(text);
  if (announceTimer) return;
  announceTimer = setTimeout(() => {
    announceTimer = 0;
    announcer.textContent = announcements.slice(-3).join(' ');
    announcements = [];
  }, 1_000);
}

// The probe. One is in flight at a time, so it stays on one connection.

const samples = [];             // { at, ms, lost }, by time of sending
let flight = null;              // { at } of the probe that has no answer yet
let since = 0;
let serverNow = -Infinity;
let reachable = true;
let quietUntil = 0;

async function probe() {
  const sent = { at: performance.now() };
  flight = sent;
  let body = null;
  try {
    const response = await fetch(`/probe?since=${encodeURIComponent(since)}`, {
      cache: 'no-store',
      priority: 'high',
      signal: AbortSignal.timeout(PROBE_TIMEOUT),
    });
    const text = await response.text();
    sent.ms = roundTrip(response.url, sent.at);
    if (!response.ok) throw new Error(`the probe was answered ${response.status}`);
    body = JSON.parse(text);
  } catch {
    sent.ms ??= performance.now() - sent.at;
    sent.lost = true;
    if (sent.ms < RETRY) quietUntil = performance.now() + RETRY;
  }
  flight = null;
  if (!sent.unseen) samples.push(sent);
  reachable = !sent.lost;
  if (body) takeIn(body);
}

// The browser's own timing leaves out what this page does meanwhile, such as drawing.
function roundTrip(url, at) {
  const entry = performance.getEntriesByName(url, 'resource').at(-1);
  performance.clearResourceTimings();
  return entry?.responseEnd > 0 && entry.startTime >= at - 1
    ? entry.responseEnd - entry.startTime
    : performance.now() - at;
}

function takeIn(body) {
  const next = Number(body.next);
  const now = Number(body.now);
  const restarted = now < serverNow || next < since;
  if (Number.isFinite(now)) serverNow = now;
  if (restarted) return forgetOpenReports();    // another process answers now: ask it from the beginning
  if (Number.isFinite(next)) since = next;
  for (const stall of body.stalls ?? []) report(stall);
  if (body.stats) showStats(body.stats);
}

// A page in the background is throttled, and a device asleep answers nothing: neither says anything of the server.
document.addEventListener('visibilitychange', () => {
  if (document.hidden && flight) flight.unseen = true;
});

function tick() {
  if (flight || document.hidden || performance.now() < quietUntil) return;
  probe();
}

// What each tick of the last 30 s waited, or would have waited: a probe that was late kept the next ones from being
// sent, and leaving those out would make a freeze of 5 s look like one slow request among three hundred.
function latencies(now) {
  const from = now - WINDOW;
  const values = [];
  const add = (at, ms) => {
    for (let waited = 0; waited === 0 || ms - waited > 0; waited += PERIOD) {
      if (at + waited >= from) values.push(ms - waited);
    }
  };
  for (const sample of samples) if (!sample.lost || sample.ms > LATE) add(sample.at, sample.ms);
  if (flight && now - flight.at > LIMIT) add(flight.at, now - flight.at);
  return values.sort((a, b) => a - b);
}

const figures = {
  now: byId('figure-now'), p50: byId('figure-p50'), p99: byId('figure-p99'), max: byId('figure-max'),
};
const instrument = byId('instrument');
const probeState = byId('probe-state');

function showFigure(target, ms) {
  setText(target, ms === undefined ? '–' : formatDuration(ms));
  target.toggleAttribute('data-over', ms >= LIMIT);
}

function showFigures(now) {
  const values = latencies(now);
  const at = (share) => values[Math.min(values.length - 1, Math.floor(values.length * share))];
  const last = samples.at(-1);
  const waiting = flight ? now - flight.at : 0;
  const answered = last && !last.lost ? last.ms : undefined;
  showFigure(figures.now, waiting > LATE ? waiting : answered);
  showFigure(figures.p50, at(.5));
  showFigure(figures.p99, at(.99));
  showFigure(figures.max, values.at(-1));

  let state = 'live';
  let text = '10 a second';
  if (waiting > LATE) {
    state = 'late';
    text = `No answer for ${(waiting / 1000).toFixed(1)} s`;
  } else if (!reachable) {
    state = 'gone';
    text = 'The server does not answer';
  } else if (!last) {
    state = 'starting';
    text = 'Waiting for the first answer';
  }
  if (instrument.dataset.state !== state) {
    instrument.dataset.state = state;
    if (state === 'late') announce('The probe gets no answer.');
    if (state === 'gone') announce('The server does not answer.');
  }
  setText(probeState, text);
}

const stats = {
  loops: byId('stat-loops'), connections: byId('stat-connections'),
  guests: byId('stat-guests'), takeovers: byId('stat-takeovers'),
};
const learnedStat = byId('stat-learned');

function showStats(values) {
  for (const [name, target] of Object.entries(stats)) {
    target.parentElement.hidden = values[name] === undefined;   // this server does not tell it
    setText(target, String(values[name] ?? '–'));
  }
  const learned = Array.isArray(values.learned) ? values.learned : [];
  setText(learnedStat, learned.length ? learned.join(', ') : 'no route');
  for (const card of cards) card.learned.hidden = !learned.includes(card.route);
}

// The stall reports

const reportList = byId('report-list');
const reportCount = byId('report-count');
const reportsEmpty = byId('reports-empty');
const latest = byId('latest');
const reports = new Map();      // by id, oldest first
let reportsSeen = 0;

function report(stall) {
  let entry = reports.get(stall.id);
  const isNew = !entry;
  if (isNew) {
    entry = { item: element('li', 'report'), duration: element('strong') };
    reports.set(stall.id, entry);
    reportList.prepend(entry.item);
    reportsSeen += 1;
    if (reports.size > MAX_REPORTS) {
      const [oldest, old] = reports.entries().next().value;
      reports.delete(oldest);
      old.item.remove();
    }
  }
  const ends = stall.ended && !entry.ended;
  entry.stall = stall;
  entry.ended = Boolean(stall.ended);
  entry.heard = performance.now();
  fillReport(entry);
  showDuration(entry, entry.heard);
  reportsEmpty.hidden = true;
  setText(reportCount, reportsSeen > MAX_REPORTS ? `${reportsSeen}, the last ${MAX_REPORTS} shown` : String(reportsSeen));
  if (isNew || ends) announce(`${entry.sentence.textContent}.`);
}

function fillReport(entry) {
  const { stall } = entry;
  const code = (text, className) => element('code', className, String(text));
  const parts = [code(stall.route ?? 'A request')];
  const running = entry.ended ? '' : 'has ';
  switch (stall.cause) {
    case 'cpu':
      parts.push(` ${running}kept the CPU for `, entry.duration);
      break;
    case 'lock':
      parts.push(` ${running}waited `, entry.duration, ' for a lock');
      if (stall.resource) parts.push(' ', code(stall.resource));
      break;
    case 'not scheduled':
      parts.push(entry.ended ? ' was' : ' has been', ' ready for ', entry.duration, ' without being given a core');
      break;
    default:
      parts.push(` ${running}blocked `, entry.duration);
      if (stall.syscall) parts.push(' in ', code(stall.syscall));
      if (stall.resource) parts.push(' on ', code(stall.resource));
  }
  if (stall.file) parts.push(', ', code(stall.line ? `${stall.file}:${stall.line}` : stall.file, 'line'));
  const moved = Number(stall.requestsMoved) || 0;
  if (moved > 0) {
    const waited = formatDuration(Number(stall.requestsWaitedMilliseconds) || 0);
    parts.push(moved === 1 ? '; 1 other was moved' : `; ${moved} others were moved`, ` and waited ${waited}`);
  }

  const sentence = element('p', 'sentence');
  sentence.append(...parts);
  entry.sentence = sentence;

  const meta = element('p', 'meta');
  const badge = element('span', 'badge', stall.cause === 'cpu' ? 'CPU' : String(stall.cause ?? 'unknown'));
  badge.dataset.cause = stall.cause ?? '';
  meta.append(badge);
  const began = new Date(Number(stall.began) * 1000);
  if (began > 0) meta.append(element('time', '', began.toTimeString().slice(0, 8)));
  if (stall.requestID) {
    const request = element('span', '', 'request ');
    request.append(code(stall.requestID));
    meta.append(request);
  }
  if (stall.function) meta.append(code(stall.function));
  meta.append(element('span', '', entry.lost ? 'the server went away' : entry.ended ? 'ended' : 'still going on'));

  entry.item.toggleAttribute('data-open', !entry.ended);
  entry.item.replaceChildren(sentence, meta);
}

// A stall that goes on grows on the page too: the server tells at doublings, the clock in between.
function showDuration(entry, now) {
  const told = Number(entry.stall.durationMilliseconds) || 0;
  const ms = entry.ended || !reachable ? told : told + now - entry.heard;
  setText(entry.duration, formatDuration(ms));
}

function showReports(now) {
  let last = null;
  for (const entry of reports.values()) {
    if (!entry.ended) showDuration(entry, now);
    last = entry;
  }
  latest.hidden = !last;
  if (!last) return;
  const { route, file, line, syscall } = last.stall;
  const where = file ? `${file}${line ? `:${line}` : ''}` : syscall;
  setText(latest, [where, last.duration.textContent, route].filter(Boolean).join(' · '));
}

function forgetOpenReports() {
  since = 0;
  const kept = [...reports.values()];
  reports.clear();
  for (const [index, entry] of kept.entries()) {
    reports.set(`before ${reportsSeen} ${index}`, entry);
    if (entry.ended) continue;
    entry.ended = true;
    entry.lost = true;
    fillReport(entry);
  }
}

// The demos

const slots = byId('slots');
const runs = [];                // { card, started, ended, lane }, those that the chart still shows
const queue = [];
let active = 0;

const cards = [...document.querySelectorAll('.card')].map((root) => ({
  name: root.dataset.name,
  path: root.dataset.path,
  route: root.dataset.route,
  learned: root.querySelector('.learned'),
  list: root.querySelector('.runs'),
  root,
}));

for (const card of cards) {
  for (const button of card.root.querySelectorAll('button')) {
    button.addEventListener('click', () => {
      for (let left = Number(button.dataset.run); left > 0; left -= 1) press(card);
    });
  }
}

function press(card) {
  const run = {
    card, item: element('li', 'run'), stateText: element('span', 'state'), output: element('samp'), text: '',
  };
  run.item.append(run.stateText, run.output);
  const full = queue.length >= MAX_QUEUED;
  setRun(run, full ? 'failed' : 'queued', full ? 'not run' : 'queued');
  run.output.textContent = full
    ? `${MAX_QUEUED} are queued already`
    : `${MAX_ACTIVE} run at once, so that the probe keeps a connection`;
  card.list.prepend(run.item);
  trimRuns(card);
  if (full) return;
  queue.push(run);
  startQueued();
}

function trimRuns(card) {
  for (const item of [...card.list.children].slice(MAX_RUNS)) {
    if (item.dataset.state === 'done' || item.dataset.state === 'failed') item.remove();
  }
}

function setRun(run, state, text) {
  run.item.dataset.state = state;
  setText(run.stateText, text);
}

function startQueued() {
  while (active < MAX_ACTIVE && queue.length) perform(queue.shift());
  showSlots();
}

function showSlots() {
  const parts = [];
  if (active) parts.push(`${active} running`);
  if (queue.length) parts.push(`${queue.length} queued`);
  setText(slots, parts.join(', ') || 'Idle');
}

async function perform(run) {
  active += 1;
  run.started = performance.now();
  const taken = new Set(runs.filter((other) => !other.ended).map((other) => other.lane));
  run.lane = [0, 1, 2, 3].find((lane) => !taken.has(lane)) ?? 0;
  runs.push(run);
  run.output.textContent = '';
  setRun(run, 'running', 'running 0.0 s');
  let state = 'done';
  let problem = '';
  try {
    const response = await fetch(run.card.path, { cache: 'no-store', signal: AbortSignal.timeout(RUN_TIMEOUT) });
    await readInto(run, response);
    if (!response.ok) {
      const retry = response.headers.get('Retry-After');
      problem = `answered ${response.status}${retry ? `, retry after ${retry} s` : ''}`;
    }
  } catch (error) {
    problem = error.name === 'TimeoutError' ? 'no end after' : 'cut off after';
  }
  if (problem) state = 'failed';
  run.ended = performance.now();
  active -= 1;
  const took = formatDuration(run.ended - run.started);
  setRun(run, state, problem.startsWith('answered') ? problem : `${problem || 'done in'} ${took}`);
  announce(`${run.card.name}: ${run.stateText.textContent}.`);
  trimRuns(run.card);
  startQueued();
}

async function readInto(run, response) {
  if (!response.body) return;
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  for (;;) {
    const { done, value } = await reader.read();
    run.text += done ? decoder.decode() : decoder.decode(value, { stream: true });
    if (run.text.length > MAX_OUTPUT) run.text = `${run.text.slice(0, MAX_OUTPUT)}…`;
    setText(run.output, run.text);
    if (done) return;
  }
}

function showRuns(now) {
  for (const run of runs) {
    if (!run.ended) setRun(run, 'running', `running ${((now - run.started) / 1000).toFixed(1)} s`);
  }
}

// The chart: a logarithmic scale, because 1 ms and 5 s must both be seen.

const chart = byId('chart');
const LOWEST = .5;
const HIGHEST = 16_000;
const LANE = 5;

function svg(name, attributes = {}, parent = chart) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent.append(made);
  return made;
}

let frame = null;               // the chart's geometry, and the elements that change

function layOut() {
  const width = Math.max(240, Math.round(chart.clientWidth));
  const height = Math.max(120, Math.round(chart.clientHeight));
  const left = 44;
  const right = width - 1;
  const top = 18;
  const bottom = height - 18 - MAX_ACTIVE * LANE - 3;
  const scale = (bottom - top) / Math.log10(HIGHEST / LOWEST);
  const y = (ms) => bottom - Math.log10(Math.min(HIGHEST, Math.max(LOWEST, ms)) / LOWEST) * scale;

  chart.setAttribute('viewBox', `0 0 ${width} ${height}`);
  chart.replaceChildren();
  const defs = svg('defs');
  const clip = svg('clipPath', { id: 'plot' }, defs);
  svg('rect', { x: left, y: 0, width: right - left, height }, clip);
  const gradient = svg('linearGradient', {
    id: 'heat', gradientUnits: 'userSpaceOnUse', x1: 0, y1: top, x2: 0, y2: bottom,
  }, defs);
  const turn = (y(LIMIT) - top) / (bottom - top);
  svg('stop', { offset: 0, class: 'stop-alarm' }, gradient);
  svg('stop', { offset: turn, class: 'stop-alarm' }, gradient);
  svg('stop', { offset: turn, class: 'stop-calm' }, gradient);
  svg('stop', { offset: 1, class: 'stop-calm' }, gradient);

  const bands = svg('g', { 'clip-path': 'url(#plot)' });
  for (const [ms, text] of [[1, '1 ms'], [10, '10 ms'], [100, '100 ms'], [1_000, '1 s'], [10_000, '10 s']]) {
    const level = Math.round(y(ms)) + .5;
    svg('line', { class: 'grid', x1: left, x2: right, y1: level, y2: level });
    svg('text', { class: 'tick', x: left - 6, y: level + 4, 'text-anchor': 'end' }).textContent = text;
  }
  for (let back = 0; back <= WINDOW; back += 5_000) {
    const x = right - (back / WINDOW) * (right - left);
    const labelled = back % 10_000 === 0;
    svg('line', { class: 'axis', x1: x, x2: x, y1: bottom, y2: bottom + (labelled ? 5 : 3) });
    if (!labelled) continue;
    const anchor = back === 0 ? 'end' : back === WINDOW ? 'start' : 'middle';
    svg('text', { class: 'tick', x, y: height - 3, 'text-anchor': anchor })
      .textContent = back === 0 ? 'now' : `−${back / 1000} s`;
  }
  svg('line', { class: 'axis', x1: left, x2: right, y1: bottom + .5, y2: bottom + .5 });

  const traces = svg('g', { 'clip-path': 'url(#plot)' });
  const area = svg('path', { class: 'area', fill: 'url(#heat)' }, traces);
  const trace = svg('path', { class: 'trace', stroke: 'url(#heat)' }, traces);
  const flightPath = svg('path', { class: 'flight' }, traces);
  const lost = svg('path', { class: 'lost' }, traces);
  const limit = Math.round(y(LIMIT)) + .5;
  svg('line', { class: 'limit', x1: left, x2: right, y1: limit, y2: limit });
  svg('text', { class: 'limit-label', x: left + 6, y: limit - 5 }).textContent = '25 ms: a stall';
  const flightLabel = svg('text', { class: 'flight-label' });
  frame = { left, right, top, bottom, height, y, bands, area, trace, flightPath, lost, flightLabel };
  draw(performance.now());
}

// A late answer falls off to nothing at the moment it came: that is what a request sent meanwhile would have waited.
function fallOff(sample, x, y) {
  let points = '';
  for (let rest = sample.ms; rest > LIMIT / 2; rest *= .8) {
    points += `L${x(sample.at + sample.ms - rest).toFixed(1)} ${y(rest).toFixed(1)}`;
  }
  return points;
}

function draw(now) {
  if (!frame) return;
  const { left, right, top, bottom, height, y } = frame;
  const from = now - WINDOW;
  const x = (at) => left + ((at - from) / WINDOW) * (right - left);

  while (samples.length && samples[0].at + samples[0].ms < from - 1_000) samples.shift();
  while (runs.length && runs[0].ended && runs[0].ended < from) runs.shift();

  let line = '';
  let area = '';
  let lost = '';
  let open = false;
  let lastX = 0;
  const close = () => {
    if (open) area += `L${lastX.toFixed(1)} ${bottom}Z`;
    open = false;
  };
  for (const sample of samples) {
    const previousEnd = lastX;
    const atX = x(sample.at);
    if (sample.lost) {
      const markX = x(sample.at + sample.ms);
      const level = sample.ms > LATE ? y(sample.ms) : top + 8;
      lost += `M${markX - 4} ${level - 4}l8 8m0 -8l-8 8`;
      if (sample.ms <= LATE) { close(); continue; }
    }
    if (open && atX - previousEnd > x(from + 600) - left) close();
    const points = `${atX.toFixed(1)} ${y(sample.ms).toFixed(1)}`;
    line += `${open ? 'L' : 'M'}${points}`;
    area += open ? `L${points}` : `M${atX.toFixed(1)} ${bottom}L${points}`;
    lastX = atX;
    open = true;
    if (sample.ms > LATE / 2) {
      const rest = sample.lost      // it never came: nothing is known but that it took longer
        ? `L${x(sample.at + sample.ms).toFixed(1)} ${y(sample.ms).toFixed(1)}`
        : fallOff(sample, x, y);
      line += rest;
      area += rest;
      lastX = x(sample.at + sample.ms);
    }
  }
  close();
  frame.trace.setAttribute('d', line);
  frame.area.setAttribute('d', area);
  frame.lost.setAttribute('d', lost);

  const waiting = flight ? now - flight.at : 0;
  if (waiting > LATE / 2) {
    const start = x(flight.at).toFixed(1);
    const peak = y(waiting).toFixed(1);
    frame.flightPath.setAttribute(
      'd', `M${start} ${bottom}L${start} ${peak}${fallOff({ at: flight.at, ms: waiting }, x, y)}L${right} ${bottom}`);
    setText(frame.flightLabel, `waiting ${(waiting / 1000).toFixed(1)} s`);
    frame.flightLabel.setAttribute('text-anchor', 'end');
    frame.flightLabel.setAttribute('x', Math.max(left + 100, Number(start) - 8).toFixed(1));
    frame.flightLabel.setAttribute('y', Math.max(top + 10, Number(peak) + 4).toFixed(1));
  } else if (frame.flightPath.getAttribute('d')) {
    frame.flightPath.setAttribute('d', '');
    frame.flightLabel.textContent = '';
  }

  drawBands(now, x);
}

function drawBands(now, x) {
  const { left, right, top, bottom, bands } = frame;
  const shapes = [];
  const spans = [];             // the union of the runs, in time's order
  for (const run of runs) {
    const end = run.ended ?? now;
    const startX = x(run.started);
    const width = Math.max(2, x(end) - startX);
    shapes.push(['rect', {
      class: 'lane', x: startX.toFixed(1), y: bottom + 7 + run.lane * LANE, width: width.toFixed(1), height: LANE - 2,
    }]);
    const last = spans.at(-1);
    if (last && run.started <= last.end) {
      last.end = Math.max(last.end, end);
      last.names.set(run.card.name, (last.names.get(run.card.name) ?? 0) + 1);
    } else {
      spans.push({ start: run.started, end, names: new Map([[run.card.name, 1]]) });
    }
  }
  let free = Infinity;          // names go from right to left: the newest is the one to read
  for (const span of spans.reverse()) {
    const startX = Math.max(left, x(span.start));
    const width = Math.max(2, x(span.end) - startX);
    shapes.push(['rect', { class: 'band', x: startX.toFixed(1), y: top, width: width.toFixed(1), height: bottom - top }]);
    const label = [...span.names].map(([name, times]) => (times > 1 ? `${name} ×${times}` : name)).join(', ');
    const wanted = label.length * 6.7;
    const labelX = Math.max(left, Math.min(startX, right - wanted));
    if (labelX + wanted > free) continue;
    shapes.push(['text', { class: 'band-label', x: labelX.toFixed(1), y: top - 5 }, label]);
    free = labelX - 8;
  }
  // Elements are kept from frame to frame where their kind stays the same.
  shapes.forEach(([name, attributes, text = ''], index) => {
    let shape = bands.children[index];
    if (shape?.tagName !== name) {
      const fresh = svg(name, {}, bands);
      if (shape) shape.replaceWith(fresh);
      shape = fresh;
    }
    for (const [key, value] of Object.entries(attributes)) shape.setAttribute(key, value);
    setText(shape, text);
  });
  while (bands.children.length > shapes.length) bands.lastChild.remove();
}

let drawn = 0;
let told = 0;

function animate(now) {
  requestAnimationFrame(animate);
  now = performance.now();
  if (now - drawn >= (calm.matches ? 500 : 30)) {
    drawn = now;
    draw(now);
  }
  if (now - told >= 100) {
    told = now;
    showFigures(now);
    showReports(now);
    showRuns(now);
  }
}

new ResizeObserver(layOut).observe(chart);
addEventListener('load', () => setInterval(tick, PERIOD));      // not before: loading the page would be in the figures
requestAnimationFrame(animate);
