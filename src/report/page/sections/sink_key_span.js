// Span of the sink keys: whether they are made of the rows of W_K at the spike channels (eq. 26).

import {element, figure, panels, paragraph} from '../elements.js';
import {agree, listed, number, plural} from '../format.js';
import {axis, curve, drawPlane, whole} from '../plot.js';
import {registerSection} from '../registry.js';
import {mean, quantile} from '../statistics.js';

const kCurves = {
  sinks: {name: 'sink keys', hue: 'spike', symbol: 'diamond'},
  others: {name: 'other keys', hue: 'ordinary', symbol: 'square'},
  queries: {name: 'other queries', hue: 'delimiter', symbol: 'circle'},
  random: {name: 'random vector', hue: 'quiet', symbol: 'circle', dash: 'dot'},
};
const kShares = {
  sinks: ({sinks}) => sinks.share,
  others: ({others}) => others.share,
  random: ({random_share: share}) => share,
};
const kRanks = {
  sinks: ({sinks}) => sinks.effective_rank,
  others: ({others}) => others.effective_rank,
  queries: ({query_rank: rank}) => rank,
};

// -- sentences

function reasonForNoHeads({options}) {
  return options.channels.length === 0 ? 'No channel of the stream spikes on this text, so there ' +
    'are no rows of W_K whose span sink keys could lie in (eq. 26).' :
    'The text does not have both sink keys and other keys, so there is nothing to compare.';
}

// Whether the attention of a layer reads a state with a large spike channel.
function readsSpike(layer, {episodes}) {
  return episodes.some(({first, last}) => first <= 2 * layer && 2 * layer <= last);
}

function median(heads, value) {
  return number(quantile(heads.map(value), 0.5), 2);
}

function describeShares(heads, where) {
  return heads.length === 0 ? '' : `${where} ${median(heads, kShares.sinks)} of the squared ` +
    `norm of sink keys lies in this span, of other keys ${median(heads, kShares.others)}, of a ` +
    `random vector ${median(heads, kShares.random)} (medians over heads).`;
}

function describeRanks(heads) {
  return heads.length === 0 ? '' : `There the effective rank of sink keys is ` +
    `${median(heads, kRanks.sinks)}, of the other tokens’ keys ${median(heads, kRanks.others)} ` +
    `and queries ${median(heads, kRanks.queries)}.`;
}

function describeSpan({heads, options}, life) {
  const {channels} = options;
  const span = `${plural(channels.length, 'spike channel')} (${listed(channels)}), ` +
    `whose ${agree(channels.length, 'row', 'rows')} of W_K ${agree(channels.length, 'spans',
      'span')} at most ${plural(Math.max(...heads.map(({rank}) => rank)), 'dimension')} of a head.`;
  if (!life) return `${span} ${describeShares(heads, 'Over all layers')} ${describeRanks(heads)}`;
  const reading = heads.filter(({layer}) => readsSpike(layer, life));
  const rest = heads.filter(({layer}) => !readsSpike(layer, life));
  return `${span} ${describeShares(reading, 'In layers that read the spike')} ` +
    `${describeRanks(reading)} ${describeShares(rest, 'In the other layers')}`;
}

// -- figures

function drawCourses(container, heads, values, title) {
  const byLayer = Map.groupBy(heads, ({layer}) => layer);
  const traces = Object.entries(values).map(([kind, value]) => {
    const {name, ...look} = kCurves[kind];
    const points = [...byLayer].map(([layer, ofLayer]) => {
      const y = mean(ofLayer.map(value));
      return {x: layer, y, text: `layer ${layer}<br>${name}: ${number(y)}`};
    });
    return curve(name, points, look);
  });
  return drawPlane(container, 320, traces, {
    showlegend: true,
    xaxis: axis('layer', whole(byLayer.size)),
    yaxis: axis(title, {rangemode: 'tozero'}),
  });
}

function spanNodes(section, {life_cycle: life}) {
  const title = element('h3', {textContent: 'Span of the sink keys'});
  const {heads} = section;
  if (heads.length === 0) return [title, paragraph(reasonForNoHeads(section))];
  return [
    title,
    paragraph(describeSpan(section, life)),
    panels(
      ['Share in the span', figure('sink-key-share', 'Share of keys in the span by layer',
        (container) => drawCourses(container, heads, kShares, 'share of ‖k‖²'))],
      ['Effective rank', figure('sink-key-rank', 'Effective rank of keys and queries by layer',
        (container) => drawCourses(container, heads, kRanks, 'effective rank'))]),
    paragraph('Means over the key heads of each layer, of keys and queries before QK-norm and ' +
      'RoPE. If all sequences begin with the same token, its keys are one vector in a causal ' +
      'model, so their rank is 1 by construction.', 'quiet'),
  ];
}

registerSection({
  key: 'sink_key_span',
  order: 81,
  chapterOf: 'sink_geometry',
  nodes: spanNodes,
  definitionName: 'Span of the sink keys',
});
