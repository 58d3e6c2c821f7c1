// Training from scratch: loss, spikes and sinks of each row at the end and over the steps.

import {element, figure, keyFigure, paragraph} from '../elements.js';
import {capital, lossText, number, percentage, plural} from '../format.js';
import {registerSection} from '../registry.js';
import {finite, greatest} from '../statistics.js';
import {drawTraining} from '../figures/training_curves.js';
import {drawTrainingLayers} from '../figures/training_layers.js';
import {kBaseline, rowLegend, rowLooks} from '../figures/training_legend.js';
import {trainingTable} from '../figures/training_table.js';

// The results of a run, in the order of the sentences.
const kEnds = [
  {field: 'sink_ratio_percent', words: 'sink ratio', text: percentage},
  {field: 'spike', words: 'spike', text: (value) => number(value)},
  {field: 'loss', words: 'loss', text: lossText},
];

function meanOf(row, field) {
  return row[field]?.mean ?? NaN;
}

function doneRows(rows) {
  return rows.filter((row) => kEnds.some(({field}) => Number.isFinite(meanOf(row, field))));
}

// -- one row

// The first validation that has half of what the last one has, unless it is the first of all.
function describeHalf(validation, {field, words}) {
  const end = validation.at(-1)[field];
  const first = end > 0 ? validation.findIndex((state) => state[field] >= end / 2) : 0;
  return first > 0 ? `half of that ${words} at step ${number(validation[first].step)}` : '';
}

function describeRise(validation) {
  if (validation.length === 0) return '';
  const halves = kEnds.slice(0, 2).map((end) => describeHalf(validation, end)).filter(Boolean);
  return halves.length > 0 ? `Validation first shows ${halves.join(' and ')}.` : '';
}

function describeEnd({loss, perplexity, spike, ...sinks}) {
  const {sink_ratio_percent: paper, gu_sink_ratio_percent: gu} = sinks;
  return `a validation loss of ${lossText(loss)} (perplexity ${number(perplexity)}), a sink ` +
    `ratio of ${percentage(paper)} (“gu”: ${percentage(gu)}) and a spike of ${number(spike)}`;
}

function stepsDone({steps, steps_done: done}) {
  return done === steps ? plural(steps, 'step') : `${number(done)} of ${plural(steps, 'step')}`;
}

function describeRun(run) {
  const {row, seed, validation} = run;
  const start = `“${row}”, seed ${seed}, after ${stepsDone(run)}:`;
  if (validation.length === 0) return `${start} no validation yet.`;
  return `${start} ${describeEnd(validation.at(-1))}.`;
}

function describeRow({row, runs, ...ends}) {
  const means = Object.fromEntries(Object.entries(ends).map(([field, end]) => [field, end?.mean]));
  return `“${row}”, mean of ${plural(runs, 'seed')}: ${describeEnd(means)}.`;
}

// -- many rows

// A row and its loss, beside the baseline's where there is one.
function withLoss(row, baseline) {
  if (row === baseline) return 'the baseline';
  const difference = meanOf(row, 'loss') - (baseline ? meanOf(baseline, 'loss') : 0);
  if (!baseline || Number.isNaN(difference)) return `${row.row}, loss ${lossText(row.loss?.mean)}`;
  const size = Math.abs(difference).toFixed(3);
  const sign = Number(size) === 0 ? '±' : difference > 0 ? '+' : '−';
  return `${row.row}, loss ${sign}${size}`;
}

// The rows where a value is the least and the greatest.
function describeRange(done, {field, words, text}, baseline) {
  const least = greatest(done, (row) => -meanOf(row, field));
  const most = greatest(done, (row) => meanOf(row, field));
  if (!least) return '';
  if (least === most) return `The ${words} is ${text(meanOf(least, field))} in every row.`;
  const [low, high] = [least, most].map((row) =>
    `${text(meanOf(row, field))} (${withLoss(row, baseline)})`);
  const between = baseline && baseline !== least && baseline !== most ?
    `, with ${text(meanOf(baseline, field))} in the baseline` : '';
  return `The ${words} goes from ${low} to ${high}${between}.`;
}

// In how many rows a value lies on the same side of the baseline's as in the paper.
function comparePaper(done) {
  const baseline = done.find(({row}) => row === kBaseline);
  const rows = baseline?.paper ? done.filter((row) => row !== baseline && row.paper) : [];
  if (rows.length === 0) return '';
  const moved = (value, from) => Math.sign((value ?? NaN) - (from ?? NaN));
  const alike = (field) => rows.filter((row) => moved(meanOf(row, field), meanOf(baseline, field)) *
    moved(row.paper[field], baseline.paper[field]) > 0).length;
  return 'Compared with the baseline, the sink ratio moves in the same direction as in the ' +
    `paper in ${alike('sink_ratio_percent')} of ${plural(rows.length, 'row')} and the spike in ` +
    `${alike('spike')}.`;
}

function describeRows(done) {
  if (done.length === 0) return 'No row has a finished run.';
  if (done.length === 1) return describeRow(done[0]);
  const baseline = done.find(({row}) => row === kBaseline);
  return kEnds.slice(0, 2).map((end) => describeRange(done, end, baseline)).filter(Boolean)
    .join(' ');
}

function summariseTraining({rows, runs}) {
  return runs.length === 1 ? describeRun(runs[0]) : describeRows(doneRows(rows));
}

function describeTraining(training) {
  const {rows, runs: [run, ...others]} = training;
  const more = run && others.length === 0 ? describeRise(run.validation) :
    comparePaper(doneRows(rows));
  return `${summariseTraining(training)} ${more}`;
}

// -- the header

function trainingName({rows, runs}) {
  return rows.length === 1 ? rows[0].row :
    `${plural(rows.length, 'row')}, ${plural(runs.length, 'run')}`;
}

// What all runs have in common.
function trainingFacts({runs}) {
  const shared = (field, word) => {
    const [value, ...others] = new Set(runs.map((run) => run[field]));
    return others.length === 0 && Number.isFinite(value) && plural(value, word);
  };
  const facts = [shared('steps', 'step'), shared('tokens', 'token'),
    shared('parameters', 'parameter')].filter(Boolean);
  return runs.length > 1 && facts.length > 0 ? [`each run: ${facts.join(', ')}`] : facts;
}

function trainingKeyFigures({rows}) {
  const done = doneRows(rows);
  const note = done.length === 1 ? plural(done[0].runs, 'seed') : plural(done.length, 'row');
  return done.length === 0 ? [] : kEnds.map(({field, words, text}) => {
    const means = finite(done.map((row) => meanOf(row, field)));
    const ends = new Set(means.length > 0 ? [Math.min(...means), Math.max(...means)] : [null]);
    return keyFigure(capital(words), [...ends].map(text).join(' – '), `validation, ${note}`);
  });
}

// -- nodes

function trainingCourses({rows, runs}) {
  const looks = rowLooks(rows, runs);
  if (looks.size === 0) return [];
  const several = looks.size > 1;
  const hidden = new Set();
  const courses = figure('training-courses', 'Loss, sink ratio and spike over the steps',
    (container) => drawTraining(container, runs, looks, hidden));
  const lines = `${runs.length > 1 ? 'Each line is a run. ' : ''}The training loss is pale, ` +
    'the validation loss full; in the first 5 % of the steps both may exceed the axis.';
  return [
    element('h3', {textContent: 'Course of training'}),
    ...(several ? [rowLegend(looks, hidden, () => courses.draw(courses))] : []),
    courses,
    paragraph(`${lines}${several ? ' A click on a row’s name hides or shows its runs.' : ''}`,
      'quiet'),
  ];
}

function trainingLayers({runs: [run, ...others]}) {
  const known = (run?.validation ?? []).some(({spikes}) => spikes.length > 0);
  return others.length > 0 || !known ? [] : [
    element('h3', {textContent: 'Layer by layer'}),
    figure('training-layers', 'Sink ratio, spike and kurtosis of each layer over the steps',
      (container) => drawTrainingLayers(container, run.validation)),
    paragraph('Spike: the largest |h| after the layer’s feed-forward. Kurtosis: of the stream ' +
      'after the layer. Colours of both are logarithmic.', 'quiet'),
  ];
}

function trainingNodes(training) {
  const {definition, epsilon, rows} = training;
  const paper = rows.some((row) => row.paper) ? ' Paper: what arXiv 2603.05498 reports of its ' +
    'models of 7B parameters. Where size or data differ, compare directions, not values.' : '';
  const seeds = rows.some(({runs}) => runs > 1) ?
    ' Means over seeds, and below them the minimum and the maximum.' :
    rows.length > 1 ? ' One seed a row: small differences are not significant.' : '';
  return [
    paragraph(describeTraining(training)),
    trainingTable(rows),
    paragraph('Measured on sequences outside the training data. Loss: nats. Sink ratio: ' +
      `“${definition}”, ε = ${epsilon}; “gu” is of key 0. Spike: the largest |h| of the ` +
      `embedding and after any block.${seeds}${paper}`,
    'quiet'),
    ...trainingCourses(training),
    ...trainingLayers(training),
  ];
}

function trainingDefinitions({definition, epsilon}) {
  return [
    [`Sink ratio “${definition}” of validation`, 'Eqs. 27 and 28 of arXiv 2603.05498: the share ' +
      'of (sequence, layer, head) in which the largest (1/T) Σ A[i, k] over keys k of the first ' +
      `half exceeds ${epsilon}, on the first T = 64 tokens of a sequence.`],
    ['Sink ratio “gu” of validation', 'arXiv 2410.10781: the share of (sequence, layer, ' +
      `head) in which the mean of A[i, 0] over queries i exceeds ${epsilon}.`],
  ];
}

registerSection({
  key: 'training',
  order: 130,
  chapter: 'Training from scratch',
  nodes: trainingNodes,
  summary: summariseTraining,
  keyFigures: trainingKeyFigures,
  name: trainingName,
  facts: trainingFacts,
  definitions: trainingDefinitions,
});
