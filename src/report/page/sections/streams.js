// Long text read through caches of bounded size.

import {figure, paragraph, table} from '../elements.js';
import {listed, number, plural, tokenName} from '../format.js';
import {axis, curve, drawPlane, kCurves, logAxis, logRange} from '../plot.js';
import {registerSection} from '../registry.js';

// -- sentences

function describePolicy({first, window, kept, most_kept: most}) {
  const parts = [
    first > 0 ? `the first ${first === 1 ? 'token' : plural(first, 'token')}` : '',
    kept.length > 0 ? `up to ${number(most)} of ${listed(kept.map(tokenName), 6)}` : '',
    `the last ${number(window)}`,
  ];
  return parts.filter(Boolean).join(', ');
}

// The factor between the best and the worst perplexity once tokens have been evicted.
function describeSpread(streams) {
  const known = streams.filter(({perplexity_after: after}) => after !== null);
  if (known.length < 2) return '';
  const sorted = [...known].sort((a, b) => a.perplexity_after - b.perplexity_after);
  const [best, worst] = [sorted[0], sorted[sorted.length - 1]];
  return `Once tokens leave the cache, “${best.name}” has a perplexity of ` +
    `${number(best.perplexity_after)} and “${worst.name}” of ${number(worst.perplexity_after)}, ` +
    `${number(worst.perplexity_after / best.perplexity_after)} times as much.`;
}

function describeStreams(streams) {
  const [{tokens, perplexity_before: before}] = streams;
  const whole = before === null ? '' :
    `While the cache contains the whole text, the perplexity is ${number(before)}.`;
  return `${plural(tokens, 'predicted token')} through caches of bounded size. ${whole} ` +
    describeSpread(streams);
}

// -- nodes

function drawStreams(container, streams) {
  const traces = streams.map(({name, by_position: segments}, index) => {
    const [hue, symbol] = kCurves[index % kCurves.length];
    const dash = ['solid', 'solid', 'dash', 'dot'][index % 4];
    const points = segments.map(({first, last, perplexity}) => ({
      x: (first + last) / 2,
      y: perplexity,
      text: `${name}, tokens ${number(first)} to ${number(last)}: ${number(perplexity)}`,
    }));
    return curve(name, points, {hue, symbol, dash, size: 5});
  });
  const values = streams.flatMap(({by_position: all}) => all.map(({perplexity}) => perplexity));
  return drawPlane(container, 420, traces, {
    showlegend: true,
    xaxis: axis('token of the text', {rangemode: 'tozero'}),
    yaxis: logAxis('perplexity of a segment', {range: logRange(values)}),
  });
}

function streamNodes(streams) {
  const name = (stream) => stream.name;
  return [
    paragraph(describeStreams(streams)),
    table([
      {title: 'Policy', left: true, value: name, text: name},
      {title: 'Tokens in the cache', left: true, value: describePolicy, text: describePolicy},
      {title: 'Capacity, tokens', value: (stream) => stream.capacity},
      {title: 'Cache, MB', value: (stream) => stream.cache_bytes / 1e6},
      {title: 'Perplexity before eviction', value: (stream) => stream.perplexity_before},
      {title: 'Perplexity after', value: (stream) => stream.perplexity_after},
    ], streams),
    figure('streams-curve', 'Perplexity along the text under each policy',
      (container) => drawStreams(container, streams)),
    paragraph('Positions count in the cache (StreamingLLM, arXiv 2309.17453); tokens that ' +
      'stay keep the keys and values of the step at which they were read.', 'quiet'),
  ];
}

registerSection({
  key: 'streams',
  order: 120,
  chapter: 'Long text in a bounded cache',
  nodes: streamNodes,
  summary: describeSpread,
});
