// The page of a spikesink report: reads the JSON of #report and builds a chapter for each part that
// it has.
'use strict';

/* global element, alarm, drawHeader, definitionNodes */
/* global kLifeCycle, kStatePicture, kMassiveActivations, kAttentionSinks, kParity, kActivations */

// In the order of the page. A part is named as its section of report.json; build(section, report)
// gives its nodes.
const kChapters = [
  {id: 'life-cycle', title: 'Life cycle of the spikes', parts: [kLifeCycle, kStatePicture]},
  {id: 'spike-tokens', title: 'Spike tokens', parts: [kMassiveActivations]},
  {id: 'sinks', title: 'Attention sinks', parts: [kAttentionSinks]},
  {id: 'parity', title: 'Parity with the reference', parts: [kParity]},
  {id: 'activations', title: 'Exported activations', parts: [kActivations]},
];

function showError(error) {
  document.documentElement.dataset.error = String(error);
  const text = `A part of this report could not be drawn: ${error}`;
  document.getElementById('page').prepend(alarm(text));
}

// Nothing where `build` fails: the rest of the page is still worth reading.
function attempt(build) {
  try {
    return build();
  } catch (error) {
    showError(error);
    return [];
  }
}

function addChapter(id, title, nodes) {
  if (nodes.length === 0) return;
  const heading = element('h2', {textContent: title});
  document.getElementById('page').append(element('section', {id}, heading, ...nodes));
}

function addChapters(report) {
  for (const {id, title, parts} of kChapters) {
    const there = parts.filter(({key}) => report[key]);
    const nodes = there.flatMap(({key, build}) => attempt(() => build(report[key], report)));
    addChapter(id, title, nodes);
  }
  const title = 'Definitions and configuration';
  addChapter('definitions', title, attempt(() => definitionNodes(report)));
}

// Says in data-drawn, on the root element, how many figures there are now.
async function drawAll() {
  const figures = [...document.querySelectorAll('.figure')];
  const outcomes = await Promise.allSettled(figures.map(async (figure) => figure.draw(figure)));
  const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
  failed.forEach((outcome) => showError(outcome.reason));
  document.documentElement.dataset.drawn = outcomes.length - failed.length;
}

async function start() {
  const report = JSON.parse(document.getElementById('report').textContent);
  attempt(() => drawHeader(report));
  addChapters(report);
  await drawAll();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
}

start().catch(showError);
