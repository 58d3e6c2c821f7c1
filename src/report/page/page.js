// The page of a spikesink report: reads the JSON of #report and builds a chapter for each part that
// it has.
'use strict';

/* global element, alarm, drawHeader, contents, inShort, definitionNodes */
/* global kLifeCycle, kStatePicture, kSpikeTokens, kMassiveActivations, kGateLinearity */
/* global kQuadraticForm, kVocabularyProbe, kSelfAttention, kCollinearity, kSparseConstants */
/* global kSinkGeometry, kAttentionSinks, kSinksAnywhere, kQuantisation, kKvCache, kParity */
/* global kInterventions, kStreams, kTraining, kActivations */

// In the order of the paper. A part is named as its section of report.json: build(section, report)
// gives its nodes, short(section, report) one sentence for the summary, or nothing.
const kChapters = [
  {id: 'life-cycle', title: 'Life cycle of the spikes', parts: [kLifeCycle, kStatePicture]},
  {id: 'spike-tokens', title: 'Spike tokens', parts: [kSpikeTokens, kMassiveActivations]},
  {id: 'gates', title: 'Gate linearity', parts: [kGateLinearity]},
  {id: 'weights', title: 'What the weights say', parts: [kQuadraticForm]},
  {id: 'vocabulary', title: 'Which tokens could spike', parts: [kVocabularyProbe]},
  {id: 'self-attention', title: 'How tokens get there', parts: [kSelfAttention, kCollinearity]},
  {id: 'sparse-constants', title: 'Sparse constants', parts: [kSparseConstants]},
  {id: 'geometry', title: 'Geometry of the sinks', parts: [kSinkGeometry]},
  {id: 'sinks', title: 'Attention sinks', parts: [kAttentionSinks, kSinksAnywhere]},
  {id: 'practice', title: 'What it means in practice', parts: [kQuantisation, kKvCache]},
  {id: 'interventions', title: 'One thing changed', parts: [kInterventions]},
  {id: 'streams', title: 'Long text in a bounded cache', parts: [kStreams]},
  {id: 'training', title: 'Training from scratch', parts: [kTraining]},
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

// What a chapter has to show of this report.
function chapterOf(report, {id, title, parts}) {
  const there = parts.filter(({key}) => report[key]);
  const nodes = there.flatMap(({key, build}) => attempt(() => build(report[key], report)));
  const short = there.flatMap(({key, short: tell}) =>
    (tell ? attempt(() => tell(report[key], report)) : [])).filter(Boolean);
  return {id, title, nodes, short};
}

function addChapters(report) {
  const chapters = [
    ...kChapters.map((chapter) => chapterOf(report, chapter)),
    {
      id: 'definitions',
      title: 'Definitions and configuration',
      nodes: attempt(() => definitionNodes(report)),
      short: [],
    },
  ].filter(({nodes}) => nodes.length > 0);
  const page = document.getElementById('page');
  page.append(...inShort(chapters), contents(chapters));
  for (const {id, title, nodes} of chapters)
    page.append(element('section', {id}, element('h2', {textContent: title}), ...nodes));
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
