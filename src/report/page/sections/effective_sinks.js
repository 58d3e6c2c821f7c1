// Effective sinks: what the sinks contribute to the outputs of the heads that attend to them.

import {choice, element, figure, paragraph, table} from '../elements.js';
import {listed, number, percentage, plural} from '../format.js';
import {axis, curve, drawPlane} from '../plot.js';
import {registerSection} from '../registry.js';
import {finite, mean} from '../statistics.js';
import {drawHeadMap} from '../figures/head_map.js';

// Tables 5 and 7 of arXiv 2603.05498: sink ratio in percent, and largest activation. `gate` and
// `norms` say with which models a row is compared.
const kPaperRows = [
  {name: 'pre-norm (baseline)', ratio: 46.0, spike: 3818},
  {name: 'sandwich norms', ratio: 44.7, spike: 520, norms: true},
  {name: 'sandwich norms and QK-norm', ratio: 42.0, spike: 92, norms: true},
  {name: 'gate on the hidden state, per head', ratio: 6.4, spike: 186, gate: true},
  {name: 'gate on the hidden state, per channel', ratio: 4.5, spike: 202, gate: true},
];

function isGated(model) {
  return (model?.attention_gate ?? 'none') !== 'none';
}

// The paper's other gates, which see no hidden state, change little.
function seesHiddenState(model) {
  return model?.attention_gate === 'hidden';
}

function hasOutputNorms(model) {
  return ['sandwich', 'output'].includes(model?.norm_placement);
}

// -- sentences

function describeShares(heads) {
  const attention = mean(heads.map((head) => head.attention));
  const output = mean(heads.map((head) => head.output_share));
  return `The heads pay the sinks ${percentage(100 * attention)} of their attention and get ` +
    `${percentage(100 * output)} of their output from them (means over ` +
    `${plural(heads.length, 'head')}).`;
}

// A head that attends to the sinks and takes little from them.
function describeIdle(heads) {
  const attending = heads.filter((head) => head.attention > 0.5);
  if (attending.length === 0) return 'No head gives the sinks more than half of its attention.';
  const idle = attending.filter((head) => Math.abs(head.output_share) < 0.1);
  return `${plural(attending.length, 'head')} ` +
    `${attending.length === 1 ? 'gives' : 'give'} the sinks more than half; of these, ` +
    `${number(idle.length)} ${idle.length === 1 ? 'takes' : 'take'} less than a tenth of ` +
    `${idle.length === 1 ? 'its' : 'their'} output from them.`;
}

function describeGates(heads) {
  const others = mean(heads.map((head) => head.gate));
  const sinks = mean(heads.map((head) => head.gate_at_sinks));
  return `The gates let through ${percentage(100 * others)} of the outputs, at the sinks ` +
    `themselves ${percentage(100 * sinks)}.`;
}

// -- figures

function drawShares(container, heads) {
  const points = heads.map((head) => ({
    x: head.attention,
    y: head.output_share,
    text: `layer ${head.layer}, head ${head.head}<br>attention ${number(100 * head.attention)} %` +
      `<br>output ${number(100 * head.output_share)} %`,
  }));
  const traces = [
    {...curve('heads', points, {hue: 'sink', symbol: 'circle'}), mode: 'markers'},
    curve('as much as the attention', [{x: 0, y: 0, text: ''}, {x: 1, y: 1, text: ''}],
      {hue: 'quiet', symbol: 'circle', dash: 'dot'}),
  ];
  return drawPlane(container, 380, traces, {
    showlegend: true,
    xaxis: axis('attention to the sinks', {rangemode: 'tozero'}),
    yaxis: axis('share of the output'),
  });
}

const kMaps = {
  'share of the output': 'output_share',
  'attention': 'attention',
  'gate': 'gate',
  'gate at sinks': 'gate_at_sinks',
};

function mapNodes(heads, names) {
  let [shown] = names;
  const map = figure('effective-sinks-map', 'What each head takes from the sinks',
    (container) => drawHeadMap(container, heads, {
      value: (head) => head[kMaps[shown]],
      words: (head) => `${shown} ${number(100 * head[kMaps[shown]])} %`,
      title: shown,
    }));
  const buttons = choice('Show', names, (name) => {
    shown = name;
    map.draw(map);
  });
  return [buttons, map];
}

// -- beside the paper

function largestSpike(lifeCycle) {
  const magnitudes = (lifeCycle?.blocks ?? []).map((block) =>
    block.hidden_state?.top?.[0]?.magnitude ?? null);
  return finite(magnitudes).reduce((most, value) => Math.max(most, value), 0) || null;
}

function paperNodes(report) {
  const gated = seesHiddenState(report.model);
  const normed = hasOutputNorms(report.model);
  const ratio = report.attention_sinks?.ratios?.paper;
  if (!(gated || normed) || ratio === undefined) return [];
  const rows = kPaperRows.filter((row) => !(row.gate || row.norms) || (gated && row.gate) ||
    (normed && row.norms));
  const own = {name: 'this model', ratio, spike: largestSpike(report.life_cycle)};
  const claims = [
    normed ? 'norms on the outputs of the blocks take the spikes away and leave the sinks ' +
      '(table 5)' : '',
    gated ? 'gates that see the hidden state take both away (table 7)' : '',
  ];
  return [
    element('h3', {textContent: 'Beside the paper'}),
    paragraph('In the paper’s models, trained from scratch, ' +
      `${claims.filter(Boolean).join('; ')}. This model has such ` +
      `${listed([normed ? 'norms' : '', gated ? 'gates' : ''].filter(Boolean))}.`),
    table([
      {title: 'Model', left: true, value: (row) => row.name, text: (row) => row.name},
      {title: 'Sink ratio (paper), %', value: (row) => row.ratio},
      {title: 'Largest activation', value: (row) => row.spike},
    ], [own, ...rows]),
  ];
}

function effectiveNodes(section, report) {
  const heads = section.heads.filter((head) => head.attention !== null);
  if (heads.length === 0)
    return [paragraph('No sequence has a token that is no sink, so nothing attends to one.')];
  const gated = isGated(report.model);
  const names = Object.keys(kMaps).filter((name) => gated || !name.startsWith('gate'));
  return [
    element('h3', {textContent: 'Effective sinks'}),
    paragraph([describeShares(heads), describeIdle(heads), gated ? describeGates(heads) : '']
      .filter(Boolean).join(' ')),
    figure('effective-sinks', 'Attention to the sinks and their share of the output, each head',
      (container) => drawShares(container, heads)),
    ...mapNodes(heads, names),
    paragraph(`Sinks: position ${section.options.positions.join(', ')}. Share of the output: the ` +
      'part of the head’s output, after its gate, that comes from the sinks’ values; over ' +
      'all keys these shares add up to 100 %. Below 0 the part points against the output.',
    'quiet'),
    ...paperNodes(report),
  ];
}

registerSection({
  key: 'effective_sinks',
  order: 91,
  chapterOf: 'attention_sinks',
  nodes: effectiveNodes,
  definitionName: 'Effective sinks',
});
