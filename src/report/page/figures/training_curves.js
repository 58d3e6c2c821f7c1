// The courses of training: loss, sink ratio and spike of every run over its steps.

import {lossText, number, percentage} from '../format.js';
import {
  axis, colour, draw, kFlatButtons, kLegendBelow, logAxis, logRange, plain, pointTrace, positive,
} from '../plot.js';
import {finite, quantile} from '../statistics.js';
import {kBaseline} from './training_legend.js';

const kFirst = 1 / 20;  // of the steps: the loss falls so fast there that it would hide the rest
const kManyRuns = 12;

// From the top down.
const kCourses = [
  {field: 'loss', words: 'validation loss', yaxis: 'y', text: lossText},
  {field: 'sink_ratio_percent', words: 'sink ratio', yaxis: 'y2', text: percentage},
  {field: 'spike', words: 'spike', yaxis: 'y3', text: (value) => number(value)},
];

function courseTrace(states, {row, seed}, {field, words, text, yaxis}, look) {
  const points = states.map((state) => ({
    x: state.step,
    y: field === 'spike' ? positive(state[field]) : state[field],
    text: `${plain(row)}, seed ${seed}<br>step ${number(state.step)}: ` +
      `${words} ${text(state[field])}`,
  }));
  return pointTrace(row, points, {yaxis, mode: 'lines', ...look});
}

function trainingTrace(run, {hue}) {
  return courseTrace(run.curve, run, {...kCourses[0], words: 'training loss'},
    {line: {color: colour(hue), width: 1}, opacity: 0.4});
}

// A run that is alone has room for marks.
function validationTraces(run, {hue, dash, width}, alone) {
  const line = {color: colour(hue), dash, width};
  const marker = {color: line.color, size: 5};
  const mode = alone || run.validation.length < 2 ? 'lines+markers' : 'lines';
  return kCourses.map((course) => courseTrace(run.validation, run, course, {line, marker, mode}));
}

// A saved image includes the legend, which is outside the figure on the page.
function saveTraining({data, layout, clientWidth: width, clientHeight, id: filename}) {
  const named = new Set();
  const traces = data.map((trace) => {
    const first = trace.visible && trace.yaxis === 'y2' && !named.has(trace.name);
    if (first) named.add(trace.name);
    return {...trace, name: plain(trace.name), showlegend: first,
      legendrank: trace.name === kBaseline ? 1 : 1000};
  });
  const more = 22 * Math.ceil(named.size / Math.max(1, Math.floor(width / 270)));
  const height = clientHeight + more;
  return Plotly.downloadImage({data: traces, layout: {
    ...layout,
    showlegend: true,
    legend: {...kLegendBelow, entrywidth: 220, y: -60 / clientHeight},
    margin: {...layout.margin, b: layout.margin.b + more},
  }}, {format: 'png', filename, width, height, scale: 2});
}

function lossRange(runs) {
  const losses = runs.flatMap(({steps, curve, validation}) => [...curve, ...validation]
    .filter(({step}) => step >= kFirst * steps).map(({loss}) => loss));
  const [least, most] = [0, 1].map((share) => quantile(losses, share));
  const room = 0.05 * (most - least) + 0.01;
  return least === null ? undefined : [least - room, most + room];
}

export function drawTraining(container, runs, looks, hidden) {
  const widest = ({row: a}, {row: b}) => looks.get(a).width - looks.get(b).width;
  const drawn = runs.filter(({row}) => looks.has(row)).sort(widest);
  const traces = [
    ...drawn.map((run) => trainingTrace(run, looks.get(run.row))),
    ...drawn.flatMap((run) => validationTraces(run, looks.get(run.row), runs.length === 1)),
  ].map((trace) => ({...trace, visible: !hidden.has(trace.name)}));
  const validated = drawn.flatMap(({validation}) => validation);
  const most = Math.max(1, ...finite(validated.map((state) => state.sink_ratio_percent)));
  const saveButton = {name: 'save', title: 'Download plot as a PNG', click: saveTraining};
  const buttons = [{...saveButton, icon: Plotly.Icons.camera}, ...kFlatButtons.slice(1)];
  return draw(container, runs.length > kManyRuns ? 820 : 660, traces, {
    showlegend: false,
    hovermode: 'closest',
    xaxis: axis('step', {rangemode: 'tozero', anchor: 'y3'}),
    yaxis: axis('loss, nats', {domain: [0.7, 1], range: lossRange(drawn)}),
    yaxis2: axis('sink ratio, %', {domain: [0.35, 0.65], range: [-0.03 * most, 1.06 * most]}),
    yaxis3: logAxis('spike', {
      domain: [0, 0.3],
      range: logRange(validated.map(({spike}) => spike)),
    }),
  }, buttons);
}
