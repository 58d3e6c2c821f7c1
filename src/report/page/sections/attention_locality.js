// Locality of attention: how near the keys are that sink heads and other heads attend to besides
// their sinks.

import {choice, element, figure, paragraph, table} from '../elements.js';
import {agree, listed, number, plural} from '../format.js';
import {axis, curve, drawPlane, whole} from '../plot.js';
import {registerSection} from '../registry.js';
import {mean} from '../statistics.js';

const kLeastArea = 0.6;  // from which sink heads count as nearer; 0.5 is chance

function positionNames(positions) {
  const names = positions.map((position) => (position < 0 ? 'last' : position));
  return `${agree(names.length, 'position', 'positions')} ${listed(names)}`;
}

// The two sets of keys: the field of each, and its name.
function keySets({options}) {
  return {
    without_common_sinks: `sinks and ${positionNames(options.common_sinks)}`,
    without_sinks: 'sinks',
  };
}

// -- sentences

function describeVerdict({sink_heads: sinks, other_heads: others, area}) {
  if (sinks.heads === 0 || others.heads === 0) {
    return `The claim cannot be tested here: ${plural(sinks.heads, 'sink head')} and ` +
      `${plural(others.heads, 'other head')} attend to other keys.`;
  }
  const verdict = area >= kLeastArea ? 'holds' : 'does not hold';
  return `The claim that sinks bias heads toward short-range dependencies ${verdict} on this ` +
    `text: a sink head is nearer than another head with a probability of ${number(area, 2)} ` +
    '(chance: 0.5).';
}

function describeGroup(group, name) {
  return `${name} ${number(group.mean_distance, 3)} tokens (evenly spread attention: ` +
    `${number(group.even_mean_distance, 3)})`;
}

function describeDistances({sink_heads: sinks, other_heads: others}) {
  const groups = [[sinks, 'sink heads'], [others, 'other heads']].filter(([{heads}]) => heads > 0);
  return groups.length === 0 ? '' : `Mean distance from query to key, over heads: ` +
    `${listed(groups.map(([group, name]) => describeGroup(group, name)))}.`;
}

function describeLocality(section) {
  const {without_common_sinks: fair, without_sinks: own} = section;
  const names = keySets(section);
  const without = own.area === null ? '' : `With only a head’s own sinks left out the ` +
    `probability is ${number(own.area, 2)}.`;
  return `${describeVerdict(fair)} Here each head is without its ${names.without_common_sinks}. ` +
    `${describeDistances(fair)} ${without}`;
}

// -- nodes

const kGroups = {
  sink: {name: 'sink heads', hue: 'sink', symbol: 'diamond', has: (head) => head.sink_head},
  other: {name: 'other heads', hue: 'ordinary', symbol: 'square', has: (head) => !head.sink_head},
  even: {name: 'even attention', hue: 'quiet', symbol: 'circle', dash: 'dot', has: () => true},
};

function groupCurve(byLayer, kind, keySet) {
  const {name, has, ...look} = kGroups[kind];
  const field = kind === 'even' ? 'even_mean_distance' : 'mean_distance';
  const points = [...byLayer].map(([layer, heads]) => {
    const chosen = heads.filter(has);
    const y = mean(chosen.map((head) => head[keySet][field]));
    const text = `layer ${layer}: ${plural(chosen.length, 'head')}<br>${name}: ` +
      `${number(y)} tokens`;
    return {x: layer, y, text};
  });
  return curve(name, points, look);
}

function drawLocality(container, heads, keySet) {
  const byLayer = Map.groupBy(heads, ({layer}) => layer);
  const traces = Object.keys(kGroups).map((kind) => groupCurve(byLayer, kind, keySet));
  return drawPlane(container, 340, traces, {
    showlegend: true,
    xaxis: axis('layer', whole(byLayer.size)),
    yaxis: axis('mean distance, tokens', {rangemode: 'tozero'}),
  });
}

function localityFigure(section) {
  const names = keySets(section);
  let shown = 'without_common_sinks';
  const courses = figure('attention-locality', 'Mean distance of attended keys by layer',
    (container) => drawLocality(container, section.heads, shown));
  const buttons = choice('Without its', Object.values(names), (chosen) => {
    shown = Object.keys(names).find((keySet) => names[keySet] === chosen);
    courses.draw(courses);
  });
  return [buttons, courses];
}

function localityTable(section) {
  const rows = Object.entries(keySets(section)).flatMap(([keySet, without]) =>
    [['sink_heads', 'sink heads'], ['other_heads', 'other heads']].map(([group, name]) =>
      ({...section[keySet][group], name, without})));
  const windows = section.options.windows.map((window, i) => ({
    title: `Within ${window}, %`,
    value: (row) => 100 * row.within[i],
    text: (row) => (row.within[i] === null ? number(null) :
      `${number(100 * row.within[i], 3)} (${number(100 * row.even_within[i], 3)})`),
  }));
  const words = (field) => ({left: true, value: (row) => row[field], text: (row) => row[field]});
  return table([
    {title: 'Heads', ...words('name')},
    {title: 'Without their', ...words('without')},
    {title: 'Number', value: (row) => row.heads},
    {title: 'Attention to these keys, %',
      value: (row) => (row.attention === null ? null : 100 * row.attention)},
    {title: 'Mean distance', value: (row) => row.mean_distance,
      text: (row) => `${number(row.mean_distance)} (${number(row.even_mean_distance)})`},
    ...windows,
  ], rows);
}

function localityNodes(section) {
  const title = element('h3', {textContent: 'Reach of attention besides sinks'});
  if (section.heads.length === 0) {
    return [title, paragraph(`No sequence has ${section.options.least_queries} tokens, so no ` +
      'key can be a sink.')];
  }
  return [
    title,
    paragraph(describeLocality(section)),
    ...localityFigure(section),
    localityTable(section),
    paragraph('Distance: tokens from the query to the key; within w: the share of this attention ' +
      'at a distance below w. Means over heads. In brackets and dotted: attention that is spread ' +
      'evenly over the same keys. A head just below ε still attends to a common sink from far ' +
      'away; therefore the first comparison leaves it out everywhere.', 'quiet'),
  ];
}

registerSection({
  key: 'attention_locality',
  order: 93,
  chapterOf: 'attention_sinks',
  nodes: localityNodes,
  definitionName: 'Attention locality',
});
