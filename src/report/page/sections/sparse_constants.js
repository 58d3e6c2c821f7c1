// Sparse constants: spike tokens before and after the norms.

import {figure, panels, paragraph} from '../elements.js';
import {number, percentage, plural} from '../format.js';
import {axis, blockAxis, curve, drawPlane, kKinds, levelShape, logAxis, logRange} from '../plot.js';
import {registerSection} from '../registry.js';
import {finite, greatest} from '../statistics.js';

const kOneVector = 0.95;  // mean cosine from which vectors count as one

// -- sentences

// Where spike tokens are the sparsest.
function sparsest(norms) {
  return greatest(norms, (norm) => norm.after.spike.top_share ?? NaN);
}

function readsAfter({after_block: block}) {
  return block === 0 ? 'the embedding' : `block ${block}`;
}

function describeSparsest({norms, d_model: width, top}) {
  const norm = sparsest(norms);
  if (!norm) {
    return 'There are no spike tokens, so the figures show ordinary tokens only.';
  }
  const {spike, ordinary} = norm.after;
  const one = spike.cosine >= kOneVector ? 'are nearly one and the same vector' : 'are not one ' +
    'vector';
  const alike = spike.cosine === null ? 'are too few to be compared with each other' :
    `${one}: their mean pairwise cosine is ${number(spike.cosine, 3)}` +
    `${ordinary.cosine === null ? '' : ` (ordinary tokens: ${number(ordinary.cosine, 2)})`}`;
  return `After the norm that reads the stream after ${readsAfter(norm)}, ` +
    `${plural(spike.tokens, 'spike token')} ${alike}. Their ${top} largest channels contain ` +
    `${percentage(100 * spike.top_share)} of the energy, and the largest |x| is ` +
    `${number(spike.largest, 3)}, where a norm of ${number(width)} channels allows at most ` +
    `${number(Math.sqrt(width), 3)}.`;
}

function describeBefore({norms}) {
  const [first] = norms.filter(({before}) => Number.isFinite(before.spike.cosine));
  const norm = sparsest(norms);
  if (!first || first === norm) return '';
  return `Before the first norm, the same tokens have a mean cosine of ` +
    `${number(first.before.spike.cosine, 2)}.`;
}

function summariseSparse(section) {
  const norm = sparsest(section.norms);
  if (!norm) return '';
  const {cosine, top_share: share} = norm.after.spike;
  const alike = cosine === null ? '' : ` with a mutual cosine of ${number(cosine, 3)}`;
  return `After a norm, spike tokens are vectors${alike} whose ${section.top} largest ` +
    `channels contain up to ${percentage(100 * share)} of the energy.`;
}

// -- figures

function normCurve(norms, side, kind, field) {
  const {name, hue, symbol} = kKinds[kind];
  const before = side === 'before';
  const points = norms.map((norm) => ({
    x: norm.after_block,
    y: norm[side][kind][field],
    text: `${name} ${side} ${norm.name}: ${number(norm[side][kind][field])}`,
  }));
  const look = before ? {dash: 'dot', symbol: `${symbol}-open`} : {symbol};
  return curve(`${name}, ${side}`, points, {hue, size: 5, ...look});
}

function drawNormCourse(container, norms, field, {sides, title, range, levels = []}) {
  const known = (trace) => trace.y.some((value) => Number.isFinite(value));
  const traces = sides.flatMap((side) => ['ordinary', 'spike'].map((kind) =>
    normCurve(norms, side, kind, field))).filter(known);
  const values = [...traces.flatMap((trace) => trace.y), ...levels.map(([value]) => value)];
  return drawPlane(container, 380, traces, {
    showlegend: true,
    shapes: levels.map(([value, name]) => levelShape(value, name)),
    xaxis: blockAxis('stream after block', norms[norms.length - 1].after_block, 0),
    yaxis: range ? axis(title, {range}) : logAxis(title, {range: logRange(values)}),
  });
}

// -- nodes

function normPanels({norms, d_model: width, top}) {
  const both = ['before', 'after'];
  const known = (field) => finite(norms.flatMap(({before, after}) => [before, after])
    .flatMap(({spike, ordinary}) => [spike[field], ordinary[field]]));
  const panel = (title, id, field, what) => (known(field).length === 0 ? [] :
    [[title, figure(id, `${title}, norm by norm`,
      (container) => drawNormCourse(container, norms, field, what))]]);
  const least = known('cosine').reduce((a, b) => Math.min(a, b), 0);
  return panels(
    ...panel('Mean pairwise cosine', 'norm-cosine', 'cosine',
      {sides: both, title: 'cosine', range: [least - 0.04, 1.04]}),
    ...panel('Largest |x|', 'norm-largest', 'largest',
      {sides: both, title: 'largest |x|', levels: [[Math.sqrt(width), '√d_model']]}),
    ...panel(`Energy in the ${top} largest channels`, 'norm-top-share', 'top_share',
      {sides: ['after'], title: 'share of the energy', range: [-0.02, 1.04]}),
    ...panel('Channels that carry the energy', 'norm-participation', 'participation',
      {sides: ['after'], title: 'participation'}));
}

function sparseNodes(section) {
  if (section.norms.length === 0) return [paragraph('No norm of this model reads the stream.')];
  const counted = section.norms.some(({after}) => after.spike.tokens + after.ordinary.tokens > 0);
  if (!counted) return [paragraph('No token passed through a norm.')];
  return [
    paragraph(`${describeSparsest(section)} ${describeBefore(section)}`),
    normPanels(section),
    paragraph('Each mark is a norm and the block after which it reads the stream: dotted before ' +
      'the norm, full after it, without its learned scale ' +
      '(figure 5 of arXiv 2603.05498). A cosine near 1: all tokens of the kind are one vector.',
    'quiet'),
  ];
}

registerSection({
  key: 'sparse_constants',
  order: 70,
  chapter: 'Sparse constants',
  nodes: sparseNodes,
  summary: summariseSparse,
  definitionName: 'Sparse constants',
});
